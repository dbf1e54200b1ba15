//! Decoding batches. In: sample indices in any order, repeats allowed. Out: their samples in the caller's buffer.

use std::sync::atomic::Ordering;

use super::Dataset;
use crate::bits::{PADDING, read_bits};
use crate::coder::ReadBuffers;
use crate::container::{SectionId, SectionKind};
use crate::error::{Error, Result};
use crate::parallel::{for_each_piece, thread_count};
use crate::transform::{Layer, Scratch};

/// Batches of fewer bytes are decoded on the calling thread: waking others would take longer.
const INLINE_BYTES: usize = 64 << 10;

/// Bytes of samples that are decoded together.
const BATCH_BYTES: usize = 4 << 20;

/// `error` with the sample that was being read.
fn name_sample(error: Error, index: u64) -> Error {
    match error {
        Error::Corrupt { path, section, detail } => {
            Error::Corrupt { path, section, detail: format!("{detail} (reading sample {index})") }
        }
        other => other,
    }
}

/// Working memory of one thread.
pub(super) struct Worker {
    rows: Vec<Vec<u8>>,
    scratch: Scratch,
    pub(super) buffers: ReadBuffers,
    index: Vec<u8>,
}

impl Worker {
    pub(super) fn new(dataset: &Dataset) -> Self {
        // Decoding in place needs no rows of its own.
        let layers = if dataset.transform.in_place() { &[][..] } else { dataset.transform.layers() };
        Self {
            rows: layers.iter().map(|layer: &Layer| vec![0; layer.row_bytes()]).collect(),
            scratch: Scratch::default(),
            buffers: ReadBuffers::default(),
            index: Vec::new(),
        }
    }
}

impl Dataset {
    /// Decode samples `indices` into `out`, one after another. Negative indices count from the end.
    ///
    /// `num_threads`: 1 for the calling thread only, 0 for all cores; small batches never leave the calling thread.
    ///
    /// # Errors
    /// [`Error::Index`] and [`Error::Argument`] before anything is written; [`Error::Corrupt`] and [`Error::Io`],
    /// naming the sample, after part of `out` may have been.
    pub fn decode_into(&self, indices: &[i64], out: &mut [u8], num_threads: usize) -> Result<()> {
        if self.sample_bytes.checked_mul(indices.len()) != Some(out.len()) {
            return Err(Error::Argument(format!(
                "{} samples of {} bytes do not fit a buffer of {} bytes",
                indices.len(),
                self.sample_bytes,
                out.len()
            )));
        }
        let len = self.len();
        for &index in indices {
            self.resolve(index).ok_or(Error::Index { index, len })?;
        }
        if out.is_empty() {
            return Ok(());
        }
        self.file.check_length()?;
        let threads = if out.len() < INLINE_BYTES { 1 } else { thread_count(num_threads) };
        // Four pieces a thread even out differences between them.
        let per_piece = indices.len().div_ceil(if threads == 1 { 1 } else { 4 * threads });
        for_each_piece(threads, out, per_piece * self.sample_bytes, |piece, out| {
            let indices = &indices[piece * per_piece..];
            let mut worker = Worker::new(self);
            let count = out.len() / self.sample_bytes;
            let resolved: Option<Vec<u64>> =
                indices[..count].iter().map(|&index| self.resolve(index)).collect();
            self.decode_many(&resolved.unwrap_or_default(), out, &mut worker)?;
            self.bytes_read.fetch_add(worker.buffers.bytes_read, Ordering::Relaxed);
            Ok(())
        })
    }

    fn resolve(&self, index: i64) -> Option<u64> {
        let len = self.len();
        let resolved = if index < 0 { len.checked_sub(index.unsigned_abs())? } else { index as u64 };
        (resolved < len).then_some(resolved)
    }

    /// Decode samples `indices`, which exist, to `out`, one after another.
    pub(super) fn decode_many(&self, indices: &[u64], out: &mut [u8], worker: &mut Worker) -> Result<()> {
        let per_batch = (BATCH_BYTES / self.sample_bytes).max(1);
        let parts = indices.chunks(per_batch).zip(out.chunks_mut(per_batch * self.sample_bytes));
        for (indices, out) in parts {
            self.decode_batch(indices, out, worker)?;
        }
        Ok(())
    }

    fn decode_batch(&self, indices: &[u64], out: &mut [u8], worker: &mut Worker) -> Result<()> {
        let samples = out.chunks_exact_mut(self.sample_bytes);
        if !self.transform.in_place() || !self.has_batches(indices, worker)? {
            return indices
                .iter()
                .zip(samples)
                .try_for_each(|(&i, sample)| self.decode_one(i, sample, worker));
        }
        let mut wanted = Vec::with_capacity(indices.len());
        for (&index, sample) in indices.iter().zip(samples) {
            let (partition, row) = self.locate(index, &mut worker.index)?;
            wanted.push((partition, row, index, sample));
        }
        wanted.sort_by_key(|&(partition, ..)| partition);
        for part in wanted.chunk_by_mut(|a, b| a.0 == b.0) {
            let rows: Vec<u64> = part.iter().map(|wanted| wanted.1).collect();
            let block = self.block(part[0].0, 0)?;
            let (numbers, mut outs): (Vec<u64>, Vec<&mut [u8]>) =
                part.iter_mut().map(|(_, _, index, sample)| (*index, &mut **sample)).unzip();
            block
                .read_rows(&self.file, &rows, &mut outs, &mut worker.buffers)
                .map_err(|(place, error)| name_sample(error, numbers[place]))?;
            outs.iter_mut().for_each(|sample| self.transform.inverse_in_place(sample));
        }
        Ok(())
    }

    /// Whether the first sample's block is one of those that are better read many rows at a time.
    fn has_batches(&self, indices: &[u64], worker: &mut Worker) -> Result<bool> {
        let Some(&first) = indices.first() else { return Ok(false) };
        let (partition, _) = self.locate(first, &mut worker.index)?;
        Ok(self.block(partition, 0)?.wants_batches())
    }

    pub(super) fn decode_one(&self, index: u64, sample: &mut [u8], worker: &mut Worker) -> Result<()> {
        self.decode_row(index, sample, worker).map_err(|error| name_sample(error, index))
    }

    fn decode_row(&self, index: u64, sample: &mut [u8], worker: &mut Worker) -> Result<()> {
        let (partition, row) = self.locate(index, &mut worker.index)?;
        let buffers = &mut worker.buffers;
        if self.transform.in_place() {
            self.block(partition, 0)?.read_row(&self.file, row, sample, buffers)?;
            self.transform.inverse_in_place(sample);
            return Ok(());
        }
        for (layer, out) in worker.rows.iter_mut().enumerate() {
            self.block(partition, layer)?.read_row(&self.file, row, out, buffers)?;
        }
        match &worker.rows[..] {
            [one] => self.transform.inverse(&[one], sample, &mut worker.scratch),
            [one, two] => self.transform.inverse(&[one, two], sample, &mut worker.scratch),
            many => {
                let rows: Vec<&[u8]> = many.iter().map(Vec::as_slice).collect();
                self.transform.inverse(&rows, sample, &mut worker.scratch);
            }
        }
        Ok(())
    }

    /// Partition of a sample and its row there.
    pub(super) fn locate(&self, index: u64, buffer: &mut Vec<u8>) -> Result<(usize, u64)> {
        if self.metadata.partitions.len() <= 1 {
            return Ok((0, index));
        }
        let id = SectionId::whole(SectionKind::Index);
        let bit = index * u64::from(self.index_bits);
        let start = bit / 8;
        let bytes = (bit + u64::from(self.index_bits)).div_ceil(8) - start;
        let section = self.file.section(id)?;
        let stream = self.file.read(section, start, bytes, PADDING as u64, buffer)?;
        let row = read_bits(stream, bit % 8, self.index_bits);
        if row >= self.len() {
            return Err(self.file.corrupt(id, format!("sample {index} is row {row} of {}", self.len())));
        }
        // Empty partitions begin where the next one does; the last of equal starts is the one that has rows.
        let partition = self.starts.partition_point(|&start| start <= row) - 1;
        Ok((partition, row - self.starts[partition]))
    }
}

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
            for (&index, sample) in indices.iter().zip(out.chunks_exact_mut(self.sample_bytes)) {
                let resolved = self.resolve(index).ok_or(Error::Index { index, len })?;
                self.decode_one(resolved, sample, &mut worker)?;
            }
            self.bytes_read.fetch_add(worker.buffers.bytes_read, Ordering::Relaxed);
            Ok(())
        })
    }

    fn resolve(&self, index: i64) -> Option<u64> {
        let len = self.len();
        let resolved = if index < 0 { len.checked_sub(index.unsigned_abs())? } else { index as u64 };
        (resolved < len).then_some(resolved)
    }

    pub(super) fn decode_one(&self, index: u64, sample: &mut [u8], worker: &mut Worker) -> Result<()> {
        self.decode_row(index, sample, worker).map_err(|e| match e {
            Error::Corrupt { path, section, detail } => {
                Error::Corrupt { path, section, detail: format!("{detail} (reading sample {index})") }
            }
            other => other,
        })
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

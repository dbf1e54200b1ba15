//! Decoding batches. In: sample indices in any order, repeats allowed, and perhaps the part of each image that is wanted.
//! Out: samples in the caller's buffers.

use std::sync::atomic::Ordering;

use super::Dataset;
use super::order::Order;
use crate::bits::{PADDING, read_bits};
use crate::coder::{ReadBuffers, Wanted, copy_window};
use crate::compress::Preset;
use crate::container::{SectionId, SectionKind};
use crate::error::{Error, Result};
use crate::parallel::{for_each_piece, thread_count};
use crate::sample::{ImageShape, Window};
use crate::transform::{Layer, Scratch};

/// Batches of fewer bytes are decoded on the calling thread: waking others would take longer.
const INLINE_BYTES: usize = 64 << 10;

/// How many samples ahead memory is told what will be needed.
const PREFETCH_AHEAD: usize = 2;

/// Bytes of samples that are decoded together.
const BATCH_BYTES: usize = 4 << 20;

/// `error` with the sample that was being read.
fn name_sample(error: Error, index: u64) -> Error {
    match error {
        Error::Corrupt { path, section, detail } => {
            Error::Corrupt { path, section, detail: format!("{detail} (reading sample {index})") }
        }
        Error::Argument(detail) => Error::Argument(format!("sample {index}: {detail}")),
        other => other,
    }
}

/// A sample that is to be decoded.
pub struct Request<'a> {
    /// Its number.
    pub index: u64,
    /// Of an image, the part; `None`: all of it.
    pub window: Option<Window>,
    /// Where it goes, with its exact size.
    pub out: &'a mut [u8],
}

/// Working memory of one thread.
pub(super) struct Worker {
    /// A whole sample of which a part is wanted.
    whole: Vec<u8>,
    /// A sample before its channels are taken apart.
    pub(super) pixels: Vec<u8>,
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
            whole: Vec::new(),
            pixels: Vec::new(),
            rows: layers.iter().map(|layer: &Layer| vec![0; layer.row_bytes()]).collect(),
            scratch: Scratch::default(),
            buffers: ReadBuffers::default(),
            index: Vec::new(),
        }
    }
}

impl Dataset {
    /// Decode samples `indices` of one shape into `out`, one after another. Negative indices count from the end.
    ///
    /// `num_threads`: 1 for the calling thread only, 0 for all cores; small batches never leave the calling thread.
    ///
    /// # Errors
    /// [`Error::Index`] and [`Error::Argument`] before anything is written; [`Error::Corrupt`] and [`Error::Io`],
    /// naming the sample, after part of `out` may have been.
    pub fn decode_into(&self, indices: &[i64], out: &mut [u8], num_threads: usize) -> Result<()> {
        self.decode_into_as(indices, out, Order::Stored, num_threads)
    }

    /// [`Dataset::decode_into`] with the choice how each sample lies in `out`.
    ///
    /// # Errors
    /// As there; also [`Error::Argument`] where samples have no channels to bring forward.
    pub fn decode_into_as(
        &self,
        indices: &[i64],
        out: &mut [u8],
        order: Order,
        num_threads: usize,
    ) -> Result<()> {
        let sample_bytes = self.sample_bytes.ok_or_else(|| {
            Error::Argument("samples of different shapes do not go into one array".to_owned())
        })?;
        if sample_bytes.checked_mul(indices.len()) != Some(out.len()) {
            return Err(Error::Argument(format!(
                "{} samples of {sample_bytes} bytes do not fit a buffer of {} bytes",
                indices.len(),
                out.len()
            )));
        }
        if out.is_empty() {
            return indices.iter().try_for_each(|&index| self.resolve(index).map(|_| ()));
        }
        let outs = indices.iter().zip(out.chunks_exact_mut(sample_bytes));
        let requests =
            outs.map(|(&index, out)| Ok(Request { index: self.resolve(index)?, window: None, out }));
        self.decode_each_as(&mut requests.collect::<Result<Vec<_>>>()?, order, num_threads)
    }

    /// Decode every sample, or part of one, into its own buffer. `num_threads` and errors as in
    /// [`Dataset::decode_into`]; also [`Error::Argument`] where a part does not lie in the image, or a buffer has not the
    /// right size.
    ///
    /// # Errors
    /// See above.
    pub fn decode_each(&self, requests: &mut [Request<'_>], num_threads: usize) -> Result<()> {
        self.decode_each_as(requests, Order::Stored, num_threads)
    }

    /// [`Dataset::decode_each`] with the choice how each sample lies in its buffer.
    ///
    /// # Errors
    /// As there; also [`Error::Argument`] where samples have no channels to bring forward.
    pub fn decode_each_as(
        &self,
        requests: &mut [Request<'_>],
        order: Order,
        num_threads: usize,
    ) -> Result<()> {
        let order = match order {
            Order::ChannelsFirst if self.last_channels()? > 1 => order,
            _ => Order::Stored,
        };
        let len = self.len();
        if let Some(request) = requests.iter().find(|request| request.index >= len) {
            return Err(Error::Index { index: i64::try_from(request.index).unwrap_or(i64::MAX), len });
        }
        if self.is_hollow() && requests.iter().all(|request| request.out.is_empty()) {
            return Ok(());
        }
        self.file.check_length()?;
        let bytes: usize = requests.iter().map(|request| request.out.len()).sum();
        let threads = if bytes < INLINE_BYTES { 1 } else { thread_count(num_threads) };
        // Four pieces a thread even out differences between them.
        let per_piece = requests.len().div_ceil(if threads == 1 { 1 } else { 4 * threads }).max(1);
        for_each_piece(threads, requests, per_piece, |_, requests| {
            let mut worker = Worker::new(self);
            self.decode_many(requests, order, &mut worker)?;
            self.bytes_read.fetch_add(worker.buffers.bytes_read, Ordering::Relaxed);
            Ok(())
        })
    }

    /// The number of the sample `index`, where negative numbers count from the end.
    ///
    /// # Errors
    /// [`Error::Index`].
    pub fn resolve(&self, index: i64) -> Result<u64> {
        let len = self.len();
        let resolved =
            if index < 0 { len.checked_sub(index.unsigned_abs()) } else { Some(index.unsigned_abs()) };
        resolved.filter(|&resolved| resolved < len).ok_or(Error::Index { index, len })
    }

    /// The row of sample `index`, which exists, counted through all partitions: its place in the order of storage.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Io`].
    pub fn row_of(&self, index: u64) -> Result<u64> {
        let (partition, row) = self.locate(index, &mut Vec::new())?;
        Ok(self.starts[partition] + row)
    }

    /// Rows and columns of the image `index`, which exists; `None` where samples are no images.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Io`].
    pub fn sides(&self, index: u64) -> Result<Option<(usize, usize)>> {
        if self.sample_bytes.is_some() {
            let image = ImageShape::of(&self.metadata.sample);
            return Ok(image.map(|image| (image.height, image.width)));
        }
        let (partition, row) = self.locate(index, &mut Vec::new())?;
        self.block(partition, 0)?.sides(&self.file, row).map_err(|error| name_sample(error, index))
    }

    /// Bytes of sample `index`, which exists.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Io`].
    pub fn bytes_of(&self, index: u64) -> Result<usize> {
        if let Some(bytes) = self.sample_bytes {
            return Ok(bytes);
        }
        let sides = self.sides(index)?;
        let bytes = self.images.zip(sides).and_then(|(images, sides)| images.bytes(sides));
        bytes.ok_or_else(|| Error::corrupt("shapes", "an image without a size").in_file(self.path()))
    }

    /// Decode all `requests`, whose samples exist.
    pub(super) fn decode_many(
        &self,
        requests: &mut [Request<'_>],
        order: Order,
        worker: &mut Worker,
    ) -> Result<()> {
        let mut rest = requests;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fitting = rest.iter().take_while(|request| {
                let fits = bytes == 0 || bytes + request.out.len() <= BATCH_BYTES;
                bytes += request.out.len();
                fits
            });
            let count = fitting.count();
            let (now, later) = rest.split_at_mut(count);
            self.decode_batch(now, order, worker)?;
            rest = later;
        }
        Ok(())
    }

    fn decode_batch(&self, requests: &mut [Request<'_>], order: Order, worker: &mut Worker) -> Result<()> {
        if self.images.is_none() || !self.has_batches(requests, worker)? {
            if let Some(numbers) = self.in_order(requests, worker)? {
                for number in numbers {
                    let request = &mut requests[number as usize];
                    self.decode_request(request, order, worker)
                        .map_err(|error| name_sample(error, request.index))?;
                }
                return Ok(());
            }
            for number in 0..requests.len() {
                // What is wrong with it is found when its turn comes.
                if let Some(later) = requests.get(number + PREFETCH_AHEAD)
                    && let Ok((partition, row)) = self.locate(later.index, &mut worker.index)
                    && let Ok(block) = self.block(partition, 0)
                {
                    block.prefetch(&self.file, row);
                }
                let request = &mut requests[number];
                self.decode_request(request, order, worker)
                    .map_err(|error| name_sample(error, request.index))?;
            }
            return Ok(());
        }
        // Images are coded plane by plane; it is all the same to the coder where the planes go.
        let planes = order == Order::ChannelsFirst && self.has_channels_last();
        let mut wanted = Vec::with_capacity(requests.len());
        for Request { index, window, out } in requests {
            let (partition, row) = self.locate(*index, &mut worker.index)?;
            wanted.push((partition, *index, Wanted { row, window: *window, planes, out }));
        }
        wanted.sort_by_key(|&(partition, ..)| partition);
        while let Some(&(partition, ..)) = wanted.first() {
            let count = wanted.iter().take_while(|wanted| wanted.0 == partition).count();
            let (numbers, mut part): (Vec<u64>, Vec<Wanted<'_>>) =
                wanted.drain(..count).map(|(_, index, wanted)| (index, wanted)).unzip();
            self.read_wanted(partition, &numbers, &mut part, order, worker)?;
        }
        Ok(())
    }

    /// Read images of one partition, in all their layers.
    fn read_wanted(
        &self,
        partition: usize,
        numbers: &[u64],
        wanted: &mut [Wanted<'_>],
        order: Order,
        worker: &mut Worker,
    ) -> Result<()> {
        let block = self.block(partition, 0)?;
        let splits = order == Order::Stored || (block.splits_channels() && self.has_channels_last());
        if block.reads_windows() && splits {
            let read = block.read_rows(&self.file, wanted, &mut worker.buffers);
            return read.map_err(|(place, error)| name_sample(error, numbers[place]));
        }
        // A partition that the coder `packed` suits better.
        for (&index, Wanted { window, out, .. }) in numbers.iter().zip(wanted) {
            let mut request = Request { index, window: *window, out };
            self.decode_request(&mut request, order, worker).map_err(|error| name_sample(error, index))?;
        }
        Ok(())
    }

    /// Whether the first sample's block is one of those that are better read many rows at a time.
    fn has_batches(&self, requests: &[Request<'_>], worker: &mut Worker) -> Result<bool> {
        let Some(first) = requests.first() else { return Ok(false) };
        let (partition, _) = self.locate(first.index, &mut worker.index)?;
        Ok(self.block(partition, 0)?.wants_batches())
    }

    /// The numbers of `requests` in the order of their rows, where a block is one of those whose rows are better read so.
    fn in_order(&self, requests: &[Request<'_>], worker: &mut Worker) -> Result<Option<Vec<u32>>> {
        // Only this preset writes such blocks; where it is another, no sample is located twice.
        let possible = requests.len() > 1 && self.metadata.preset == Preset::Small.name();
        let one_partition = self.metadata.partitions.len() == 1;
        if !possible || one_partition && !self.block(0, 0)?.wants_order() {
            return Ok(None);
        }
        let mut numbers = Vec::with_capacity(requests.len());
        for (number, request) in (0u32..).zip(requests) {
            numbers.push((self.locate(request.index, &mut worker.index)?, number));
        }
        numbers.sort_unstable();
        for partition in numbers.chunk_by(|a, b| a.0.0 == b.0.0) {
            if partition.len() > 1 && self.block(partition[0].0.0, 0)?.wants_order() {
                return Ok(Some(numbers.into_iter().map(|(_, number)| number).collect()));
            }
        }
        Ok(None)
    }

    pub(super) fn decode_request(
        &self,
        request: &mut Request<'_>,
        order: Order,
        worker: &mut Worker,
    ) -> Result<()> {
        let Request { index, window, out } = request;
        if self.images.is_some() {
            let (partition, row) = self.locate(*index, &mut worker.index)?;
            let block = self.block(partition, 0)?;
            let planes = order == Order::ChannelsFirst;
            let splits = !planes || (block.splits_channels() && self.has_channels_last());
            if block.reads_windows() && splits {
                let mut wanted = [Wanted { row, window: *window, planes, out }];
                return block
                    .read_rows(&self.file, &mut wanted, &mut worker.buffers)
                    .map_err(|(_, error)| error);
            }
        }
        if order == Order::ChannelsFirst {
            return self.decode_and_split(request, worker);
        }
        let Some(window) = *window else { return self.decode_row(*index, out, worker) };
        let image = ImageShape::of(&self.metadata.sample)
            .ok_or_else(|| Error::Argument("the samples are no images; they have no regions".to_owned()))?;
        let element_bytes = self.metadata.sample.dtype.size();
        Wanted { row: 0, window: Some(window), planes: false, out }.window_of(&image, element_bytes)?;
        let mut whole = std::mem::take(&mut worker.whole);
        whole.resize(self.sample_bytes.unwrap_or(0), 0);
        let decoded = self.decode_row(*index, &mut whole, worker);
        if decoded.is_ok() {
            copy_window(&whole, &image, element_bytes, window, out);
        }
        worker.whole = whole;
        decoded
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

//! The rows of one partition. In: sample numbers. Out: rows of any layer, chunk by chunk, kept in memory where they
//! fit into the working set and computed again where they do not.

use super::Input;
use crate::bits::{Container, Ranges};
use crate::block::MAX_SPLIT_BITS;
use crate::error::{Error, Result};
use crate::metadata::digest;
use crate::parallel::{for_each_piece, map_in_order};
use crate::sample::{NumberKind, SampleLayout};
use crate::transform::{Layer, Scratch, Transform};

/// Bytes of samples that one job handles.
const CHUNK_BYTES: usize = 1 << 20;

/// See the module.
pub(super) struct PartitionRows<'a> {
    input: &'a Input<'a>,
    transform: &'a dyn Transform,
    ids: &'a [u32],
    threads: usize,
    /// A multiple of 64; of 8 where the rows are too large to be sliced.
    chunk_rows: usize,
    sample_bytes: usize,
    /// Rows of every layer with the offsets subtracted, or nothing.
    kept: Option<Vec<Vec<u8>>>,
    /// Digest of the samples as they were read first.
    source_digest: u64,
    /// Per layer: minimum and maximum of every column, where the layer wants them.
    ranges: Vec<Option<Ranges>>,
}

/// What reading all samples of a partition once tells.
#[derive(Default)]
pub(super) struct Scan {
    pub(super) digest: u64,
    pub(super) max_error: f64,
    source_digest: u64,
}

struct ChunkScan {
    scan: Scan,
    /// Empty where they are not kept.
    rows: Vec<Vec<u8>>,
    ranges: Vec<Option<Ranges>>,
}

impl<'a> PartitionRows<'a> {
    /// Read all samples of the partition once. `tick` is told the rows done.
    pub(super) fn scan(
        input: &'a Input<'a>,
        transform: &'a dyn Transform,
        ids: &'a [u32],
        threads: usize,
        working_set: usize,
        mut tick: impl FnMut(usize) -> Result<()>,
    ) -> Result<(Self, Scan)> {
        let sample_bytes = input.layout.bytes()?;
        let sliced = transform.layers().iter().any(can_be_split);
        // Bit slices come in words of 64 rows, entropy-coded rows in groups of 128; records of 8 rows fill whole bytes.
        let chunk_rows = (CHUNK_BYTES / sample_bytes).max(1);
        let multiple = if chunk_rows > 64 { 128 } else { 64 };
        let chunk_rows = chunk_rows.next_multiple_of(if sliced { multiple } else { 8 });
        let keep = Self::are_few(transform, ids, working_set);
        let mut this = Self {
            input,
            transform,
            ids,
            threads,
            chunk_rows,
            sample_bytes,
            kept: None,
            source_digest: 0,
            ranges: vec![None; transform.layers().len()],
        };
        let mut kept: Vec<Vec<u8>> = transform.layers().iter().map(|_| Vec::new()).collect();
        let mut ranges = this.ranges.clone();
        let mut total = Scan::default();
        let job = |chunk| this.scan_chunk(chunk, keep);
        map_in_order(threads, this.chunks(), job, |chunk, part| {
            total.digest = total.digest.wrapping_add(part.scan.digest);
            total.source_digest = total.source_digest.wrapping_add(part.scan.source_digest);
            total.max_error = total.max_error.max(part.scan.max_error);
            for (range, part) in ranges.iter_mut().zip(part.ranges) {
                match (range.as_mut(), part) {
                    (Some(range), Some(part)) => range.merge(&part),
                    (_, part) => *range = part,
                }
            }
            for (kept, rows) in kept.iter_mut().zip(part.rows) {
                kept.extend_from_slice(&rows);
            }
            tick(this.chunk_ids(chunk).len())
        })?;
        this.ranges = ranges;
        this.source_digest = total.source_digest;
        if keep {
            for (number, rows) in kept.iter_mut().enumerate() {
                let piece = (chunk_rows * this.layer(number).row_bytes()).max(1);
                for_each_piece(threads, rows, piece, |_, rows| {
                    this.subtract_offsets(number, rows);
                    Ok(())
                })?;
            }
            this.kept = Some(kept);
        }
        Ok((this, total))
    }

    /// Whether the rows of `ids` fit into `working_set` bytes.
    pub(super) fn are_few(transform: &dyn Transform, ids: &[u32], working_set: usize) -> bool {
        let row_bytes: usize = transform.layers().iter().map(Layer::row_bytes).sum();
        row_bytes.saturating_mul(ids.len()) <= working_set
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether the rows are in memory.
    pub(super) fn are_kept(&self) -> bool {
        self.kept.is_some()
    }

    pub(super) fn chunk_rows(&self) -> usize {
        self.chunk_rows
    }

    pub(super) fn chunks(&self) -> usize {
        self.ids.len().div_ceil(self.chunk_rows)
    }

    /// First row of a chunk; a multiple of 64 where a layer can be split.
    pub(super) fn chunk_start(&self, chunk: usize) -> usize {
        chunk * self.chunk_rows
    }

    pub(super) fn layer(&self, number: usize) -> &Layer {
        &self.transform.layers()[number]
    }

    pub(super) fn ranges(&self, layer: usize) -> Option<&Ranges> {
        self.ranges[layer].as_ref()
    }

    /// Run `job(chunk, rows)` over the rows of a layer and `consume(chunk, result)` in order.
    pub(super) fn for_each_chunk<T: Send>(
        &self,
        layer: usize,
        job: impl Fn(usize, &[u8]) -> Result<T> + Sync,
        consume: impl FnMut(usize, T) -> Result<()>,
    ) -> Result<()> {
        let row_bytes = self.layer(layer).row_bytes();
        let load = |chunk: usize| {
            let start = self.chunk_start(chunk);
            let count = self.chunk_ids(chunk).len();
            match &self.kept {
                Some(kept) => job(chunk, &kept[layer][start * row_bytes..(start + count) * row_bytes]),
                None => job(chunk, &self.compute(layer, self.chunk_ids(chunk))?),
            }
        };
        map_in_order(self.threads, self.chunks(), load, consume)
    }

    /// Read all samples once more and fail where they are not what they were at first: a file whose parts were
    /// made from different samples would be damaged from birth. Rows that were kept cannot differ; samples that
    /// change and change back are not noticed.
    pub(super) fn check_unchanged(&self, mut tick: impl FnMut(usize) -> Result<()>) -> Result<()> {
        if self.kept.is_some() {
            return Ok(());
        }
        let job = |chunk: usize| {
            let ids = self.chunk_ids(chunk);
            let samples = self.read(ids)?;
            let digests = samples.chunks_exact(self.sample_bytes).zip(ids);
            Ok(digests.fold(0u64, |sum, (sample, &id)| sum.wrapping_add(digest(sample, id.into()))))
        };
        let mut total = 0u64;
        map_in_order(self.threads, self.chunks(), job, |chunk, sum| {
            total = total.wrapping_add(sum);
            tick(self.chunk_ids(chunk).len())
        })?;
        if total == self.source_digest {
            return Ok(());
        }
        Err(samples_changed())
    }

    /// The given rows (numbers inside the partition, increasing) of a layer.
    pub(super) fn pick(&self, layer: usize, rows: &[u32]) -> Result<Vec<u8>> {
        let row_bytes = self.layer(layer).row_bytes();
        if let Some(kept) = &self.kept {
            let mut picked = Vec::with_capacity(rows.len() * row_bytes);
            for &row in rows {
                picked.extend_from_slice(&kept[layer][row as usize * row_bytes..][..row_bytes]);
            }
            return Ok(picked);
        }
        let ids: Vec<u32> = rows.iter().map(|&row| self.ids[row as usize]).collect();
        self.compute(layer, &ids)
    }

    /// Rows of a chunk.
    pub(super) fn chunk_len(&self, chunk: usize) -> usize {
        self.chunk_ids(chunk).len()
    }

    fn chunk_ids(&self, chunk: usize) -> &'a [u32] {
        let start = self.chunk_start(chunk);
        &self.ids[start..(start + self.chunk_rows).min(self.ids.len())]
    }

    fn forward(
        &self,
        ids: &[u32],
        mut each: impl FnMut(usize, &[u8], &[&[u8]], &mut Scratch),
    ) -> Result<Vec<Vec<u8>>> {
        let samples = self.read(ids)?;
        let layers = self.transform.layers();
        let mut rows: Vec<Vec<u8>> =
            layers.iter().map(|layer| vec![0; ids.len() * layer.row_bytes()]).collect();
        let mut scratch = Scratch::default();
        for (i, sample) in samples.chunks_exact(self.sample_bytes).enumerate() {
            let mut out: Vec<&mut [u8]> = rows
                .iter_mut()
                .zip(layers)
                .map(|(rows, layer)| &mut rows[i * layer.row_bytes()..(i + 1) * layer.row_bytes()])
                .collect();
            self.transform.forward(sample, &mut out, &mut scratch);
            let out: Vec<&[u8]> = out.iter().map(|row| &**row).collect();
            each(i, sample, &out, &mut scratch);
        }
        Ok(rows)
    }

    fn read(&self, ids: &[u32]) -> Result<Vec<u8>> {
        let mut samples = vec![0; ids.len() * self.sample_bytes];
        self.input.source.read(ids, &mut samples)?;
        Ok(samples)
    }

    fn compute(&self, layer: usize, ids: &[u32]) -> Result<Vec<u8>> {
        let mut rows = self.forward(ids, |_, _, _, _| ())?.swap_remove(layer);
        self.subtract_offsets(layer, &mut rows);
        Ok(rows)
    }

    fn scan_chunk(&self, chunk: usize, keep: bool) -> Result<ChunkScan> {
        let ids = self.chunk_ids(chunk);
        let exact = self.transform.is_exact();
        let fitted = self.transform.is_fitted();
        let mut scan = Scan::default();
        let mut decoded = vec![0; self.sample_bytes];
        let mut changed = false;
        let rows = self.forward(ids, |i, sample, rows, scratch| {
            let index = u64::from(ids[i]);
            scan.source_digest = scan.source_digest.wrapping_add(digest(sample, index));
            if fitted {
                self.transform.inverse(rows, &mut decoded, scratch);
                changed |= decoded != sample;
            }
            if !exact {
                self.transform.inverse(rows, &mut decoded, scratch);
                scan.digest = scan.digest.wrapping_add(digest(&decoded, index));
                scan.max_error = scan.max_error.max(largest_difference(&self.input.layout, sample, &decoded));
            }
        })?;
        if changed {
            return Err(samples_changed());
        }
        if exact {
            scan.digest = scan.source_digest;
        }
        let ranges = self.transform.layers().iter().zip(&rows);
        let ranges = ranges.map(|(layer, rows)| {
            layer.frame_of_reference.then(|| Ranges::of(rows, layer.columns, layer.container))
        });
        let ranges = ranges.collect();
        Ok(ChunkScan { scan, ranges, rows: if keep { rows } else { Vec::new() } })
    }

    fn subtract_offsets(&self, layer: usize, rows: &mut [u8]) {
        if let Some(ranges) = &self.ranges[layer] {
            ranges.subtract_from(rows, self.layer(layer).container);
        }
    }
}

fn samples_changed() -> Error {
    Error::Argument("the samples changed while they were being compressed".to_owned())
}

/// Whether the rows of a layer are small enough for a split.
pub(super) fn can_be_split(layer: &Layer) -> bool {
    layer.row_bytes() as u64 * 8 <= MAX_SPLIT_BITS
}

/// Largest absolute difference of two samples; only integer samples are ever inexact.
fn largest_difference(layout: &SampleLayout, a: &[u8], b: &[u8]) -> f64 {
    debug_assert!(layout.dtype.kind() == NumberKind::Unsigned);
    let container = Container::from_bytes(layout.dtype.size()).unwrap_or(Container::U8);
    let elements = a.len() / container.bytes();
    (0..elements).map(|i| container.get(a, i).abs_diff(container.get(b, i))).max().unwrap_or(0) as f64
}

//! Writing the blocks of one partition. In: its rows. Out: a parameters, a bases and a rows section per layer.

use std::cell::RefCell;
use std::path::Path;

use super::meter::Meter;
use super::partition::{PartitionRows, can_be_split};
use super::predicted::Learned;
use super::slices::SliceSource;
use super::{Input, Preset, preset};
use crate::bases::Groups;
use crate::bits::{BitLayout, BitWriter, PADDING, count_ones};
use crate::block::{Parameters, StoredSplit};
use crate::coder::Packed;
use crate::container::{FileWriter, SectionId, SectionKind};
use crate::entropy::BitStats;
use crate::error::Result;
use crate::parallel::map_in_order;
use crate::sample::Images;
use crate::split::{self, Prices, SizeModel, Split};
use crate::transform::Transform;

/// `fast` uses a split only where it saves this part of the block: looking a base up costs decoding time.
const FAST_SAVING: u128 = 100;

/// Bytes of rows that one job picks to write bases.
const BASES_JOB_BYTES: usize = 1 << 20;

/// One run of the compressor.
pub(super) struct Run<'a, 'p> {
    pub(super) input: &'a Input<'a>,
    pub(super) transform: &'a dyn Transform,
    pub(super) preset: Preset,
    pub(super) tau: Option<u64>,
    pub(super) working_set: usize,
    pub(super) threads: usize,
    pub(super) writer: &'a mut FileWriter,
    /// For temporary files.
    pub(super) folder: &'a Path,
    pub(super) meter: Meter<'a, 'p>,
    /// Passes over the rows of one layer.
    pub(super) passes: u64,
    /// What the preset `small` has learned, and the partition that stores it once one does.
    pub(super) learned: Option<Learned>,
    pub(super) digest: u64,
    pub(super) max_error: f64,
}

impl Run<'_, '_> {
    /// Write all blocks of partition `number`, whose samples are `ids`.
    pub(super) fn partition(&mut self, number: u32, ids: &[u32]) -> Result<()> {
        let input = self.input;
        let layers = self.transform.layers().len();
        // Rows that are kept are gone over twice: they are computed, and written. Others are also counted and sliced for
        // every layer, and read once more at the end.
        let kept = PartitionRows::are_few(self.transform, ids, self.working_set);
        self.passes = if kept { 1 } else { 4 };
        self.meter.begin(ids.len() as u64, if kept { 2 } else { 2 + self.passes * layers as u64 });
        let (rows, scan) =
            PartitionRows::scan(input, self.transform, ids, self.threads, self.working_set, |count| {
                self.meter.advance(count as u64)
            })?;
        self.digest = self.digest.wrapping_add(scan.digest);
        self.max_error = self.max_error.max(scan.max_error);
        if self.preset == Preset::Small && Images::of(&input.layout).is_some() {
            self.small_block(number, &rows)?;
        } else if preset::filters_rows(self.preset, &input.layout) {
            self.filtered_block(number, &rows)?;
        } else {
            for layer in 0..layers {
                let last = layer + 1 == layers;
                match self.preset {
                    Preset::Small => self.grouped_block(number, layer, &rows, last)?,
                    _ => self.block(number, layer, &rows, last)?,
                }
            }
        }
        rows.check_unchanged(|count| self.meter.advance(count as u64))?;
        self.meter.end()
    }

    fn block(&mut self, partition: u32, layer: usize, rows: &PartitionRows<'_>, last: bool) -> Result<()> {
        let (parameters, groups) = self.choose_split(layer, rows)?;
        self.packed_block(partition, layer, rows, last, &parameters, &groups)
    }

    /// Write a block of the coder `packed`.
    pub(super) fn packed_block(
        &mut self,
        partition: u32,
        layer: usize,
        rows: &PartitionRows<'_>,
        last: bool,
        parameters: &Parameters,
        groups: &Groups,
    ) -> Result<()> {
        let id = |kind| SectionId { kind, partition, layer: layer as u16 };
        let coder = parameters.coder();
        self.writer.section(id(SectionKind::Parameters), &parameters.to_bytes())?;

        self.writer.begin(id(SectionKind::Bases))?;
        if coder.base_bits() > 0 {
            self.write_bases(layer, rows, &coder, &groups.first_rows)?;
        }
        self.writer.write(&[0; PADDING])?;
        self.writer.end()?;

        // All passes but the last of this layer.
        self.meter.reach((layer as u64 + 1) * self.passes);
        self.writer.begin(id(SectionKind::Rows))?;
        self.write_records(layer, rows, &coder, &groups.of_row, last)?;
        self.writer.write(&[0; PADDING])?;
        self.writer.end()
    }

    /// Algorithm 1 on one block. Where its split would not be smaller than no split at all, there is none.
    pub(super) fn choose_split(
        &mut self,
        layer: usize,
        rows: &PartitionRows<'_>,
    ) -> Result<(Parameters, Groups)> {
        let columns = rows.layer(layer).columns;
        let mut layout = BitLayout::full(columns, rows.layer(layer).container);
        let mut offsets = None;
        if let Some(ranges) = rows.ranges(layer) {
            let spans = ranges.min.iter().zip(&ranges.max).map(|(min, max)| max - min);
            layout.widths = spans.map(|span| (u64::BITS - span.leading_zeros()) as u8).collect();
            offsets = Some(ranges.min.clone());
        }
        let total_bits = layout.total_bits();
        let parameter_bits = Parameters::size_bits(&layout, offsets.as_deref());
        let plain_bits =
            u128::from(total_bits) * rows.len() as u128 + u128::from(parameter_bits - total_bits);
        let mut parameters = Parameters { rows: rows.len() as u64, layout, offsets, split: None };
        let whole = Groups { of_row: vec![0; rows.len()], first_rows: vec![0] };
        if self.preset == Preset::Raw || !can_be_split(rows.layer(layer)) {
            return Ok((parameters, whole));
        }
        let row_bits = parameters.layout.row_bits();
        let counts = self.count(layer, rows, parameters.layout.row_words())?;
        let stats = BitStats::new(rows.len() as u64, &counts, &row_bits);
        let model = SizeModel { samples: rows.len() as u64, condensed: 0, total_bits, parameter_bits };
        let order = stats.by_increasing_entropy().iter().map(|&p| row_bits[p as usize]).collect();
        let mut slices = SliceSource::new(rows, layer, order, self.working_set / 4, self.folder);
        let moves = u64::from(!rows.are_kept());
        let meter = RefCell::new(&mut self.meter);
        let found = split::search(
            &stats,
            &model,
            &Prices::Verbatim,
            self.tau,
            slices.at_once(),
            |positions| {
                slices.next(positions.len(), &mut |rows| meter.borrow_mut().advance(moves * rows as u64))
            },
            || meter.borrow_mut().advance(0),
        )?;
        let wanted = if self.preset == Preset::Fast { plain_bits / FAST_SAVING } else { 0 };
        if found.size_bits + wanted >= plain_bits {
            return Ok((parameters, whole));
        }
        parameters.split = Some(stored(&found, &stats, &row_bits, parameters.layout.row_words()));
        Ok((parameters, found.groups))
    }

    fn count(&mut self, layer: usize, rows: &PartitionRows<'_>, words: usize) -> Result<Vec<u64>> {
        let row_bytes = rows.layer(layer).row_bytes();
        let mut total = vec![0u64; words * 64];
        let moves = u64::from(!rows.are_kept());
        let count = |_, part: &[u8]| {
            let mut counts = vec![0; words * 64];
            count_ones(part, row_bytes, &mut counts);
            Ok(counts)
        };
        rows.for_each_chunk(layer, count, |_, counts| {
            total.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            self.meter.advance(moves * rows.chunk_rows() as u64)
        })?;
        Ok(total)
    }

    fn write_bases(
        &mut self,
        layer: usize,
        rows: &PartitionRows<'_>,
        coder: &Packed,
        first_rows: &[u32],
    ) -> Result<()> {
        let row_bytes = rows.layer(layer).row_bytes();
        // Eight bases fill whole bytes.
        let per_job = (BASES_JOB_BYTES / row_bytes).max(1).next_multiple_of(8);
        let jobs = first_rows.len().div_ceil(per_job);
        let job = |number: usize| {
            let start = number * per_job;
            let wanted = &first_rows[start..(start + per_job).min(first_rows.len())];
            let mut stream = BitWriter::with_capacity(wanted.len() * coder.base_bits() as usize);
            for row in rows.pick(layer, wanted)?.chunks_exact(row_bytes) {
                coder.write_base(row, &mut stream);
            }
            Ok(stream.finish())
        };
        map_in_order(self.threads, jobs, job, |_, bytes| {
            self.writer.write(&bytes)?;
            self.meter.advance(0)
        })
    }

    fn write_records(
        &mut self,
        layer: usize,
        rows: &PartitionRows<'_>,
        coder: &Packed,
        base_ids: &[u32],
        last: bool,
    ) -> Result<()> {
        let row_bytes = rows.layer(layer).row_bytes();
        let sample_bytes = self.input.layout.bytes()? as u64;
        let job = |chunk: usize, part: &[u8]| {
            let ids = &base_ids[rows.chunk_start(chunk)..];
            let mut stream = BitWriter::with_capacity(part.len() * 8);
            for (row, &id) in part.chunks_exact(row_bytes).zip(ids) {
                coder.write_record(id, row, &mut stream);
            }
            Ok((stream.finish(), (part.len() / row_bytes) as u64))
        };
        rows.for_each_chunk(layer, job, |_, (bytes, count)| {
            self.writer.write(&bytes)?;
            self.meter.written(if last { count * sample_bytes } else { 0 }, self.writer.position());
            self.meter.advance(if last || !rows.are_kept() { count } else { 0 })
        })
    }
}

/// The split as masks over the row's words.
fn stored(split: &Split, stats: &BitStats, row_bits: &[u32], words: usize) -> StoredSplit {
    let mut masks = StoredSplit {
        base: vec![0; words],
        constant: vec![0; words],
        values: vec![0; words],
        bases: split.groups.first_rows.len() as u64,
    };
    for (i, &position) in split.base_positions.iter().enumerate() {
        let bit = row_bits[position as usize];
        let (word, one) = (bit as usize / 64, 1u64 << (bit % 64));
        masks.base[word] |= one;
        if i < split.constants {
            masks.constant[word] |= one;
            if stats.ones[position as usize] > 0 {
                masks.values[word] |= one;
            }
        }
    }
    masks
}

//! Writing a block of the coder `grouped`. In: the rows of a partition. Out: a parameters section with what was learned from a
//! sample of them, the streams of their groups, and the streams' lengths; or a block of the coder `packed`, where that is
//! smaller.

mod bins;
mod learn;
mod order;
mod sample;
#[cfg(test)]
mod tests;
mod tree;

use super::encode::Run;
use super::partition::{PartitionRows, can_be_split};
use crate::block::GroupedParameters;
use crate::coder::grouped::GroupEncoder;
use crate::coder::grouped::model::{MAX_COLUMNS, MAX_GROUP};
use crate::coder::lengths;
use crate::container::{SectionId, SectionKind};
use crate::error::Result;

/// Values from which a model is learned.
const SAMPLE_CELLS: usize = 1 << 22;

/// Values of a group: one row costs decoding half of them.
const GROUP_CELLS: usize = 1 << 13;

/// Columns further apart in a row are not compared.
const NEAR: u32 = 128;

impl Run<'_, '_> {
    /// Write layer `layer` of partition `partition` with the coder that makes it smallest.
    pub(super) fn grouped_block(
        &mut self,
        partition: u32,
        layer: usize,
        rows: &PartitionRows<'_>,
        last: bool,
    ) -> Result<()> {
        let (split, groups) = self.choose_split(layer, rows)?;
        let columns = split.layout.widths.iter().filter(|&&width| width > 0).count();
        if columns == 0 || columns > MAX_COLUMNS || !can_be_split(rows.layer(layer)) {
            return self.packed_block(partition, layer, rows, last, &split, &groups);
        }
        // Groups do not reach over the end of a chunk.
        let mut group = MAX_GROUP.min(1 << rows.chunk_rows().trailing_zeros());
        while group > 8 && group * columns > GROUP_CELLS {
            group /= 2;
        }
        let picked = pick(rows.len(), group, (SAMPLE_CELLS / split.layout.widths.len()).max(group));
        let sample = rows.pick(layer, &picked)?;
        let model = learn::learn(&sample, &split.layout, group, self.threads, &mut || self.meter.advance(0))?;
        let encoder = GroupEncoder::new(&model, &split.layout);
        let parameters = GroupedParameters {
            rows: rows.len() as u64,
            group: group as u64,
            layout: split.layout.clone(),
            offsets: split.offsets.clone(),
            model,
        };
        let parameters = parameters.to_bytes();
        // What the sample takes tells what all rows will.
        let (mut bytes, mut some_lengths) = (Vec::new(), Vec::new());
        encoder.encode(&sample, group, &mut bytes, &mut some_lengths);
        let streams = (bytes.len() + lengths::to_bytes(&some_lengths).len()) as u128;
        let size = streams * rows.len() as u128 / picked.len().max(1) as u128 + parameters.len() as u128;
        let packed = split.coder();
        let bits = u128::from(packed.record_bits()) * rows.len() as u128
            + u128::from(packed.base_bits()) * u128::from(packed.bases());
        if bits / 8 + split.to_bytes().len() as u128 <= size {
            return self.packed_block(partition, layer, rows, last, &split, &groups);
        }
        drop((sample, bytes));
        let id = |kind| SectionId { kind, partition, layer: layer as u16 };
        self.writer.section(id(SectionKind::Parameters), &parameters)?;
        let sample_bytes = self.input.layout.bytes()? as u64;
        let mut all_lengths = Vec::with_capacity(rows.len().div_ceil(group));
        self.meter.reach((layer as u64 + 1) * self.passes);
        self.writer.begin(id(SectionKind::Rows))?;
        let job = |_, part: &[u8]| {
            let (mut bytes, mut lengths) = (Vec::new(), Vec::new());
            encoder.encode(part, group, &mut bytes, &mut lengths);
            Ok((bytes, lengths))
        };
        rows.for_each_chunk(layer, job, |chunk, (bytes, mut lengths)| {
            self.writer.write(&bytes)?;
            all_lengths.append(&mut lengths);
            let count = rows.chunk_len(chunk) as u64;
            self.meter.written(if last { count * sample_bytes } else { 0 }, self.writer.position());
            self.meter.advance(if last || !rows.are_kept() { count } else { 0 })
        })?;
        self.writer.end()?;
        self.writer.section(id(SectionKind::Lengths), &lengths::to_bytes(&all_lengths))
    }
}

/// About `wanted` of `rows` rows, in whole groups from all over.
fn pick(rows: usize, group: usize, wanted: usize) -> Vec<u32> {
    let groups = rows.div_ceil(group);
    let count = wanted.div_ceil(group).min(groups);
    let first = |i: usize| i * groups / count * group;
    (0..count).flat_map(|i| (first(i)..(first(i) + group).min(rows)).map(|row| row as u32)).collect()
}

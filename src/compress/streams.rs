//! Writing a block of images as streams, one after another. In: the rows of a partition, parameters, and what makes
//! streams of them. Out: sections for parameters, streams and their lengths; or a block of the coder `packed`, where
//! that is smaller.

use super::encode::Run;
use super::partition::{PartitionRows, can_be_split};
use crate::coder::lengths;
use crate::container::{SectionId, SectionKind};
use crate::error::Result;

/// Partitions of fewer bytes are tried with another coder as well, which may suit few or tiny images better.
pub(super) const TRY_BOTH_BYTES: usize = 8 << 20;

/// Streams one after another, and their lengths in units of 2 bytes.
pub(super) type Streams = (Vec<u8>, Vec<u32>);

/// A block whose rows are streams.
pub(super) struct StreamBlock<'a, F> {
    pub(super) partition: u32,
    /// The payload of its parameters section.
    pub(super) parameters: &'a [u8],
    /// Turns rows into streams.
    pub(super) encode: F,
    /// What follows the last stream.
    pub(super) padding: &'a [u8],
}

impl Run<'_, '_> {
    /// Write the only layer of a partition. Returns whether as streams.
    pub(super) fn stream_block<F: Fn(&[u8]) -> Streams + Sync>(
        &mut self,
        rows: &PartitionRows<'_>,
        block: &StreamBlock<'_, F>,
    ) -> Result<bool> {
        if self.packed_if_smaller(rows, block)? {
            return Ok(false);
        }
        let id = |kind| SectionId { kind, partition: block.partition, layer: 0 };
        self.writer.section(id(SectionKind::Parameters), block.parameters)?;
        let sample_bytes = self.input.layout.bytes()? as u64;
        let mut all_lengths = Vec::with_capacity(rows.len());
        self.meter.reach(self.passes);
        self.writer.begin(id(SectionKind::Rows))?;
        let job = |_, part: &[u8]| Ok((block.encode)(part));
        rows.for_each_chunk(0, job, |chunk, (bytes, mut lengths)| {
            self.writer.write(&bytes)?;
            all_lengths.append(&mut lengths);
            let count = rows.chunk_len(chunk) as u64;
            self.meter.written(count * sample_bytes, self.writer.position());
            self.meter.advance(count)
        })?;
        self.writer.write(block.padding)?;
        self.writer.end()?;
        self.writer.section(id(SectionKind::Lengths), &lengths::to_bytes(&all_lengths))?;
        Ok(true)
    }

    /// Where the partition is small: write it with the coder `packed` if that takes fewer bytes.
    fn packed_if_smaller<F: Fn(&[u8]) -> Streams + Sync>(
        &mut self,
        rows: &PartitionRows<'_>,
        block: &StreamBlock<'_, F>,
    ) -> Result<bool> {
        if rows.len() * rows.layer(0).row_bytes() > TRY_BOTH_BYTES || !can_be_split(rows.layer(0)) {
            return Ok(false);
        }
        let (split, groups) = self.choose_split(0, rows)?;
        let packed = split.coder();
        let bits = u128::from(packed.record_bits()) * rows.len() as u128
            + u128::from(packed.base_bits()) * u128::from(packed.bases());
        let mut others = block.parameters.len();
        let job = |_, part: &[u8]| Ok((block.encode)(part));
        rows.for_each_chunk(0, job, |_, (streams, lengths)| {
            others += streams.len() + lengths::estimate(lengths.len());
            Ok(())
        })?;
        if bits / 8 + split.to_bytes().len() as u128 >= others as u128 {
            return Ok(false);
        }
        self.packed_block(block.partition, 0, rows, true, &split, &groups)?;
        Ok(true)
    }
}

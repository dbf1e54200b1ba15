//! Writing a block of the coder `filtered`. In: the rows of a partition, which are 8-bit images. Out: a parameters
//! section, their streams, and the streams' lengths.

use super::encode::Run;
use super::partition::PartitionRows;
use crate::bits::PADDING;
use crate::block::FilteredParameters;
use crate::coder::lengths;
use crate::container::{SectionId, SectionKind};
use crate::error::{Error, Result};
use crate::kernels::rows::{self, Shape};

/// Rows on which differences to green are tried.
const TRIAL_ROWS: usize = 256;

impl Run<'_, '_> {
    /// Write the only layer of partition `partition` with the coder that makes it smaller.
    pub(super) fn filtered_block(&mut self, partition: u32, rows: &PartitionRows<'_>) -> Result<()> {
        let id = |kind| SectionId { kind, partition, layer: 0 };
        let parameters = FilteredParameters { rows: rows.len() as u64, differences: false };
        let mut shape = parameters
            .shape(&self.input.layout)
            .ok_or_else(|| Error::Argument("filtering rows of what is no 8-bit image".to_owned()))?;
        shape.differences = self.differences_pay(rows, shape)?;
        let parameters = FilteredParameters { differences: shape.differences, ..parameters }.to_bytes();

        let sample_bytes = self.input.layout.bytes()?;
        let job = |_, part: &[u8]| Ok(encode(part, sample_bytes, &shape));
        let packed = self.packed_if_smaller(partition, rows, || {
            let mut bytes = parameters.len();
            rows.for_each_chunk(0, job, |_, (streams, lengths)| {
                bytes += streams.len() + lengths::estimate(lengths.len());
                Ok(())
            })?;
            Ok(bytes)
        })?;
        if packed {
            return Ok(());
        }
        self.writer.section(id(SectionKind::Parameters), &parameters)?;
        let mut all_lengths = Vec::with_capacity(rows.len());
        self.meter.reach(self.passes);
        self.writer.begin(id(SectionKind::Rows))?;
        rows.for_each_chunk(0, job, |chunk, (bytes, mut lengths)| {
            self.writer.write(&bytes)?;
            all_lengths.append(&mut lengths);
            let count = rows.chunk_len(chunk) as u64;
            self.meter.written(count * sample_bytes as u64, self.writer.position());
            self.meter.advance(count)
        })?;
        self.writer.write(&[0; PADDING])?;
        self.writer.end()?;
        self.writer.section(id(SectionKind::Lengths), &lengths::to_bytes(&all_lengths))
    }

    /// Whether some images from all over the partition are smaller as differences to green.
    fn differences_pay(&self, rows: &PartitionRows<'_>, shape: Shape) -> Result<bool> {
        if shape.image.channels < 3 {
            return Ok(false);
        }
        let sample_bytes = self.input.layout.bytes()?;
        let count = rows.len().min(TRIAL_ROWS).min((TRIAL_BYTES / sample_bytes).max(1));
        let picked: Vec<u32> = (0..count).map(|i| (i * rows.len() / count) as u32).collect();
        let samples = rows.pick(0, &picked)?;
        let size = |differences| {
            let shape = Shape { differences, ..shape };
            samples.chunks_exact(sample_bytes).map(|sample| rows::encode(sample, &shape).len()).sum::<usize>()
        };
        Ok(size(true) < size(false))
    }
}

/// Bytes of samples on which differences to green are tried.
const TRIAL_BYTES: usize = 8 << 20;

/// The streams of `samples`, and their lengths in units of 2 bytes.
fn encode(samples: &[u8], sample_bytes: usize, shape: &Shape) -> (Vec<u8>, Vec<u32>) {
    let mut bytes = Vec::with_capacity(samples.len());
    let mut lengths = Vec::with_capacity(samples.len() / sample_bytes);
    for sample in samples.chunks_exact(sample_bytes) {
        let stream = rows::encode(sample, shape);
        let smaller = stream.len().next_multiple_of(2) < sample_bytes.next_multiple_of(2);
        let before = bytes.len();
        bytes.extend(if smaller { &stream } else { sample });
        if !(bytes.len() - before).is_multiple_of(2) {
            bytes.push(0);
        }
        lengths.push(((bytes.len() - before) / 2) as u32);
    }
    (bytes, lengths)
}

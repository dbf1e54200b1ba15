//! Writing a block of the coder `filtered`. In: the rows of a partition, which are 8-bit images. Out: a parameters
//! section, their streams, and the streams' lengths.

use super::encode::Run;
use super::partition::PartitionRows;
use super::streams::{StreamBlock, Streams};
use crate::bits::PADDING;
use crate::block::FilteredParameters;
use crate::error::{Error, Result};
use crate::kernels::rows::{self, Shape};

/// Rows on which differences to green are tried.
const TRIAL_ROWS: usize = 256;

impl Run<'_, '_> {
    /// Write the only layer of partition `partition` with the coder that makes it smaller.
    pub(super) fn filtered_block(&mut self, partition: u32, rows: &PartitionRows<'_>) -> Result<()> {
        let parameters = FilteredParameters { rows: rows.len() as u64, differences: false };
        let mut shape = parameters
            .shape(&self.input.layout)
            .ok_or_else(|| Error::Argument("filtering rows of what is no 8-bit image".to_owned()))?;
        shape.differences = self.differences_pay(rows, shape)?;
        let parameters = FilteredParameters { differences: shape.differences, ..parameters }.to_bytes();

        let sample_bytes = self.input.layout.bytes()?;
        let encode = |part: &[u8]| encode(part, sample_bytes, &shape);
        let block = StreamBlock { partition, parameters: &parameters, encode, padding: &[0; PADDING] };
        self.stream_block(rows, &block)?;
        Ok(())
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
fn encode(samples: &[u8], sample_bytes: usize, shape: &Shape) -> Streams {
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

//! Writing a block of the coder `filtered`. In: the rows of a partition, which are images. Out: a parameters
//! section, their streams, and the streams' lengths.

use super::Input;
use super::encode::Run;
use super::partition::PartitionRows;
use super::streams::{StreamBlock, Streams};
use crate::bits::PADDING;
use crate::block::FilteredParameters;
use crate::error::{Error, Result};
use crate::kernels::rows::{self, Shape};
use crate::sample::{DType, ImageShape, Images};

/// Rows on which differences to green are tried.
const TRIAL_ROWS: usize = 256;

impl Run<'_, '_> {
    /// Write the only layer of partition `partition` with the coder that makes it smaller.
    pub(super) fn filtered_block(&mut self, partition: u32, rows: &PartitionRows<'_>) -> Result<()> {
        let images = images_of(self.input)?;
        let sample_bytes = self.input.layout.bytes()?;
        let image = images.shape(images.sides.unwrap_or_default());
        let count = rows.len().min(TRIAL_ROWS).min((TRIAL_BYTES / sample_bytes).max(1));
        let picked: Vec<u32> = (0..count).map(|i| (i * rows.len() / count) as u32).collect();
        let trial = rows.pick(0, &picked)?;
        let trial: Vec<_> = trial.chunks_exact(sample_bytes).map(|bytes| (bytes, image)).collect();
        let differences = differences_pay(&trial, images.dtype);
        let dtype = images.dtype;
        let parameters = FilteredParameters { rows: rows.len() as u64, differences }.to_bytes();
        let encode = |part: &[u8]| {
            let images: Vec<_> = part.chunks_exact(sample_bytes).map(|bytes| (bytes, image)).collect();
            encode(&images, dtype, differences)
        };
        let block = StreamBlock { partition, parameters: &parameters, encode, padding: &[0; PADDING] };
        self.stream_block(rows, &block)?;
        Ok(())
    }
}

/// Bytes of samples on which differences to green are tried.
pub(super) const TRIAL_BYTES: usize = 8 << 20;

/// The images of `input`.
///
/// # Errors
/// [`Error::Argument`] where its samples are none.
pub(super) fn images_of(input: &Input<'_>) -> Result<Images> {
    Images::of(&input.layout).ok_or_else(|| Error::Argument("filtering rows of what is no image".to_owned()))
}

/// Whether `images` are smaller as differences to green.
pub(super) fn differences_pay(images: &[(&[u8], ImageShape)], dtype: DType) -> bool {
    let size = |differences| {
        let stream = |&(bytes, image): &(&[u8], ImageShape)| {
            rows::encode(bytes, &Shape { image, dtype, differences }).len()
        };
        images.iter().map(stream).sum::<usize>()
    };
    images.first().is_some_and(|(_, image)| image.channels >= 3) && size(true) < size(false)
}

/// The streams of `images`, and their lengths in units of 2 bytes.
pub(super) fn encode(images: &[(&[u8], ImageShape)], dtype: DType, differences: bool) -> Streams {
    let mut bytes = Vec::with_capacity(images.iter().map(|(image, _)| image.len()).sum());
    let mut lengths = Vec::with_capacity(images.len());
    for &(sample, image) in images {
        let stream = rows::encode(sample, &Shape { image, dtype, differences });
        let smaller = stream.len().next_multiple_of(2) < sample.len().next_multiple_of(2);
        append(if smaller { &stream } else { sample }, &mut bytes, &mut lengths);
    }
    (bytes, lengths)
}

/// `images` as they are.
pub(super) fn store(images: &[(&[u8], ImageShape)]) -> Streams {
    let mut bytes = Vec::with_capacity(images.iter().map(|(image, _)| image.len() + 1).sum());
    let mut lengths = Vec::with_capacity(images.len());
    images.iter().for_each(|(image, _)| append(image, &mut bytes, &mut lengths));
    (bytes, lengths)
}

fn append(stream: &[u8], bytes: &mut Vec<u8>, lengths: &mut Vec<u32>) {
    bytes.extend(stream);
    if !stream.len().is_multiple_of(2) {
        bytes.push(0);
    }
    lengths.push(stream.len().div_ceil(2) as u32);
}

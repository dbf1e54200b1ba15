//! Writing a partition of images that differ in size. In: the numbers of its samples. Out: a parameters section, the streams
//! of all images, their lengths, and the images' sides. One pass over the samples, in bounded memory.

use super::encode::Run;
use super::filtered::{TRIAL_BYTES, differences_pay, encode, images_of, store};
use super::preset::Preset;
use super::streams::{Streams, TRY_BOTH_BYTES};
use crate::bits::PADDING;
use crate::block::FilteredParameters;
use crate::coder::{lengths, shapes};
use crate::container::{SectionId, SectionKind};
use crate::error::Result;
use crate::metadata::digest;
use crate::parallel::map_in_order;
use crate::sample::{ImageShape, Images};

/// Bytes of images that one job handles.
const JOB_BYTES: usize = 4 << 20;

/// Images on which differences to green are tried.
const TRIAL_IMAGES: usize = 64;

/// Images one after another, in memory.
struct Loaded {
    bytes: Vec<u8>,
    shapes: Vec<ImageShape>,
}

impl Run<'_, '_> {
    /// Write all sections of partition `partition`, whose samples are `ids`.
    pub(super) fn ragged_partition(&mut self, partition: u32, ids: &[u32]) -> Result<()> {
        let images = images_of(self.input)?;
        self.meter.begin(ids.len() as u64, 1);
        let mut preset = self.preset;
        if preset == Preset::Small && !self.small_pays(partition, ids, &images)? {
            preset = Preset::Fast;
        }
        match preset {
            Preset::Small => {
                let (encoder, parameters) = self.learned(partition, ids.len())?;
                let encode = |images: &[(&[u8], ImageShape)]| {
                    let tiled: Vec<_> = images
                        .iter()
                        .map(|(bytes, image)| (*bytes, encoder.tiling((image.height, image.width))))
                        .collect();
                    encoder.encode(&tiled)
                };
                self.ragged_block(partition, ids, &images, &parameters, encode, &[])?;
                let tiles = |sides| encoder.tiling(sides).tiles();
                self.write_shapes(partition, ids, &images, tiles)?;
                self.is_stored_with(partition);
            }
            preset => {
                let differences = preset != Preset::Raw && {
                    let trial = self.trial(ids, &images)?;
                    differences_pay(&with_shapes(&trial, &images), images.dtype)
                };
                let parameters = FilteredParameters { rows: ids.len() as u64, differences }.to_bytes();
                let encode = |part: &[(&[u8], ImageShape)]| match preset {
                    Preset::Raw => store(part),
                    _ => encode(part, images.dtype, differences),
                };
                self.ragged_block(partition, ids, &images, &parameters, encode, &[0; PADDING])?;
                self.write_shapes(partition, ids, &images, |_| 1)?;
            }
        }
        self.meter.end()
    }

    /// Whether a partition is smaller with a model than without one. Only few bytes are tried: with many the model weighs
    /// nothing.
    fn small_pays(&mut self, partition: u32, ids: &[u32], images: &Images) -> Result<bool> {
        let bytes: usize = ids.iter().map(|&id| self.input.bytes_of(images, id as usize)).sum();
        if bytes > TRY_BOTH_BYTES {
            return Ok(true);
        }
        let (encoder, parameters) = self.learned(partition, ids.len())?;
        let loaded = load(self.input, ids, images)?;
        let parts = with_shapes(&loaded, images);
        let tiled: Vec<_> = parts
            .iter()
            .map(|(bytes, image)| (*bytes, encoder.tiling((image.height, image.width))))
            .collect();
        let size = |(streams, lengths): Streams| streams.len() + lengths::to_bytes(&lengths).len();
        let differences = differences_pay(&parts, images.dtype);
        let without = size(encode(&parts, images.dtype, differences));
        Ok(size(encoder.encode(&tiled)) + parameters.len() < without)
    }

    fn ragged_block(
        &mut self,
        partition: u32,
        ids: &[u32],
        images: &Images,
        parameters: &[u8],
        encode: impl Fn(&[(&[u8], ImageShape)]) -> Streams + Sync,
        padding: &[u8],
    ) -> Result<()> {
        let id = |kind| SectionId { kind, partition, layer: 0 };
        self.writer.section(id(SectionKind::Parameters), parameters)?;
        self.writer.begin(id(SectionKind::Rows))?;
        // Where each job's images begin among `ids`.
        let mut starts = vec![0];
        let mut bytes = 0;
        for (number, &sample) in ids.iter().enumerate() {
            let size = self.input.bytes_of(images, sample as usize);
            if bytes > 0 && bytes + size > JOB_BYTES {
                starts.push(number);
                bytes = 0;
            }
            bytes += size;
        }
        starts.push(ids.len());
        let input = self.input;
        let job = |number: usize| {
            let ids = &ids[starts[number]..starts[number + 1]];
            let loaded = load(input, ids, images)?;
            let parts = with_shapes(&loaded, images);
            let digests = parts.iter().zip(ids).map(|((bytes, _), &id)| digest(bytes, id.into()));
            let digest = digests.fold(0, u64::wrapping_add);
            Ok((encode(&parts), digest, loaded.bytes.len() as u64))
        };
        let mut all_lengths = Vec::with_capacity(ids.len());
        map_in_order(
            self.threads,
            starts.len() - 1,
            job,
            |number, ((streams, mut lengths), digest, raw)| {
                self.writer.write(&streams)?;
                all_lengths.append(&mut lengths);
                self.digest = self.digest.wrapping_add(digest);
                self.meter.written(raw, self.writer.position());
                self.meter.advance((starts[number + 1] - starts[number]) as u64)
            },
        )?;
        self.writer.write(padding)?;
        self.writer.end()?;
        self.writer.section(id(SectionKind::Lengths), &lengths::to_bytes(&all_lengths))
    }

    fn write_shapes(
        &mut self,
        partition: u32,
        ids: &[u32],
        images: &Images,
        streams: impl Fn((usize, usize)) -> usize,
    ) -> Result<()> {
        let sides: Vec<_> = ids.iter().map(|&id| self.input.sides_of(images, id as usize)).collect();
        let id = SectionId { kind: SectionKind::Shapes, partition, layer: 0 };
        self.writer.section(id, &shapes::to_bytes(&sides, streams))
    }

    /// Some images from all over the partition.
    fn trial(&self, ids: &[u32], images: &Images) -> Result<Loaded> {
        let count = ids.len().min(TRIAL_IMAGES);
        let mut bytes = 0;
        let picked = (0..count).map(|i| ids[i * ids.len() / count]).take_while(|&id| {
            let fits = bytes < TRIAL_BYTES;
            bytes += self.input.bytes_of(images, id as usize);
            fits
        });
        load(self.input, &picked.collect::<Vec<_>>(), images)
    }
}

fn load(input: &super::Input<'_>, ids: &[u32], images: &Images) -> Result<Loaded> {
    let shapes: Vec<ImageShape> =
        ids.iter().map(|&id| images.shape(input.sides_of(images, id as usize))).collect();
    let mut bytes = vec![0; ids.iter().map(|&id| input.bytes_of(images, id as usize)).sum()];
    input.source.read(ids, &mut bytes)?;
    Ok(Loaded { bytes, shapes })
}

/// Each image with its shape.
fn with_shapes<'a>(loaded: &'a Loaded, images: &Images) -> Vec<(&'a [u8], ImageShape)> {
    let mut rest = &loaded.bytes[..];
    let mut all = Vec::with_capacity(loaded.shapes.len());
    for &image in &loaded.shapes {
        let (bytes, later) = rest.split_at(image.pixels() * image.channels * images.dtype.size());
        all.push((bytes, image));
        rest = later;
    }
    all
}

//! Learning what the preset `small` predicts with. In: a data set of images. Out: a model, from tiles of a bounded number of
//! them, and always the same ones.

use super::Input;
use super::encode::Run;
use super::predicted::TileEncoder;
use crate::error::{Error, Result};
use crate::predict::tiles::{TILE_SIDE, Tiling, depth};
use crate::predict::train::{Tile, train};
use crate::sample::Images;

/// Pixels of one plane from which a model is learned.
const SAMPLE_PIXELS: usize = 8 << 20;

/// Bytes of samples that are read at once to learn from.
const READ_BYTES: usize = 8 << 20;

impl Run<'_, '_> {
    /// Learn from samples of the whole data set.
    pub(super) fn learn(&mut self) -> Result<TileEncoder> {
        let images = Images::of(&self.input.layout)
            .ok_or_else(|| Error::Argument("predicting pixels of what is no image".to_owned()))?;
        let tiles = sample_tiles(self.input, &images, &mut || self.meter.advance(0))?;
        let model =
            train(&tiles, images.channels, depth(&images), self.threads, &mut || self.meter.advance(0))?;
        Ok(TileEncoder::new(model, images))
    }
}

/// Tiles from all over the data set, in an order that does not follow it.
fn sample_tiles(
    input: &Input<'_>,
    images: &Images,
    tick: &mut dyn FnMut() -> Result<()>,
) -> Result<Vec<Tile>> {
    let samples = input.num_samples as usize;
    let tiling_of = |sample: usize| Tiling::new(images, input.sides_of(images, sample), TILE_SIDE);
    // Where images differ, the average tile.
    let area = match images.sides {
        Some(_) => tiling_of(0).place(0).extent.area(),
        None => {
            let sums = (0..samples).map(tiling_of).fold((0usize, 0usize), |(pixels, tiles), tiling| {
                (pixels + tiling.image().pixels(), tiles + tiling.tiles())
            });
            sums.0 / sums.1.max(1)
        }
    };
    let wanted = (SAMPLE_PIXELS / area.max(1)).max(1);
    // All tiles of all samples, or some of each sample, or one of some samples.
    let per_sample = (wanted / samples).max(1);
    let count = match images.sides {
        Some(_) => wanted / per_sample.min(tiling_of(0).tiles()),
        None => wanted / per_sample,
    };
    let count = count.clamp(1, samples);
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let picked: Vec<u32> = (0..count)
        .map(|i| {
            // One of every stretch of equal length.
            let (start, end) = (i * samples / count, (i + 1) * samples / count);
            (start + random.below(end - start)) as u32
        })
        .collect();
    let mut tiles = Vec::with_capacity(count * per_sample.min(64));
    let mut rest = &picked[..];
    while !rest.is_empty() {
        let mut bytes = 0;
        let fitting = rest.iter().map_while(|&id| {
            let size = input.bytes_of(images, id as usize);
            let fits = bytes == 0 || bytes + size <= READ_BYTES;
            bytes += size;
            fits.then_some(size)
        });
        let sizes: Vec<usize> = fitting.collect();
        let (now, later) = rest.split_at(sizes.len());
        rest = later;
        let mut bytes = vec![0; sizes.iter().sum()];
        input.source.read(now, &mut bytes)?;
        let mut samples = &bytes[..];
        for (&id, &size) in now.iter().zip(&sizes) {
            let (sample, others) = samples.split_at(size);
            samples = others;
            let tiling = tiling_of(id as usize);
            let first = random.below(tiling.tiles());
            for k in 0..per_sample.min(tiling.tiles()) {
                let place = tiling.place((first + k) % tiling.tiles());
                tiles.push(Tile { extent: place.extent, pixels: tiling.pixels(sample, &place) });
            }
        }
        tick()?;
    }
    for i in (1..tiles.len()).rev() {
        tiles.swap(i, random.below(i + 1));
    }
    Ok(tiles)
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    /// A number below `limit`, which is not 0.
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }
}

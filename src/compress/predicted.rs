//! Writing a block of the coder `rans`. In: the rows of a partition, which are images. Out: a parameters section with
//! what was learned from a sample of them, their streams, and the streams' lengths.

use std::sync::Arc;

use super::Input;
use super::encode::Run;
use super::partition::PartitionRows;
use super::streams::{StreamBlock, Streams};
use crate::block::{PredictedParameters, Stored};
use crate::error::{Error, Result};
use crate::kernels::lanes::{Group, Path, Tables};
use crate::predict::planes::Extent;
use crate::predict::scalar::{Depth, Scalar, put_residual};
use crate::predict::tiles::{Place, TILE_SIDE, Tiling};
use crate::predict::train::{Tile, train};
use crate::predict::{ESCAPE, Model};
use crate::rans::{EncodeTable, Encoder};

/// Pixels of one plane from which a model is learned.
const SAMPLE_PIXELS: usize = 8 << 20;

/// Bytes of samples that are read at once to learn from.
const READ_BYTES: usize = 8 << 20;

/// What the whole data set has taught; all partitions use it.
pub(super) struct Learned {
    encoder: Arc<TileEncoder>,
    /// The partition whose section stores the model.
    stored_with: Option<u32>,
}

impl Run<'_, '_> {
    /// Write the only layer of partition `partition` with the coder that makes it smallest.
    pub(super) fn small_block(&mut self, partition: u32, rows: &PartitionRows<'_>) -> Result<()> {
        let (encoder, stored_with) = match &self.learned {
            Some(learned) => (Arc::clone(&learned.encoder), learned.stored_with),
            None => (Arc::new(self.learn()?), None),
        };
        let model = stored_with.map_or_else(|| Stored::Here(encoder.model.clone()), Stored::With);
        let parameters =
            PredictedParameters { rows: rows.len() as u64, tile_side: TILE_SIDE as u16, model }.to_bytes();
        let sample_bytes = self.input.layout.bytes()?;
        let encode = |part: &[u8]| encoder.encode(part, sample_bytes);
        let block = StreamBlock { partition, parameters: &parameters, encode, padding: &[] };
        let as_streams = self.stream_block(rows, &block)?;
        let stored_with = stored_with.or(as_streams.then_some(partition));
        self.learned = Some(Learned { encoder, stored_with });
        Ok(())
    }

    /// Learn from samples of the whole data set.
    fn learn(&mut self) -> Result<TileEncoder> {
        let tiling = Tiling::of(&self.input.layout, TILE_SIDE)
            .ok_or_else(|| Error::Argument("predicting pixels of what is no image".to_owned()))?;
        let tiles = sample_tiles(self.input, &tiling, &mut || self.meter.advance(0))?;
        let model =
            train(&tiles, tiling.planes(), tiling.depth(), self.threads, &mut || self.meter.advance(0))?;
        Ok(TileEncoder::new(model, tiling))
    }
}

/// Tiles from all over the data set, in an order that does not follow it.
fn sample_tiles(
    input: &Input<'_>,
    tiling: &Tiling,
    tick: &mut dyn FnMut() -> Result<()>,
) -> Result<Vec<Tile>> {
    let samples = input.num_samples as usize;
    let area = |place: &Place| place.extent.height * place.extent.width;
    let wanted = (SAMPLE_PIXELS / area(&tiling.place(0)).max(1)).max(1);
    // All tiles of all samples, or some of each sample, or one of some samples.
    let per_sample = (wanted / samples).clamp(1, tiling.tiles());
    let count = (wanted / per_sample).clamp(1, samples);
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let picked: Vec<u32> = (0..count)
        .map(|i| {
            // One of every stretch of equal length.
            let (start, end) = (i * samples / count, (i + 1) * samples / count);
            (start + random.below(end - start)) as u32
        })
        .collect();
    let sample_bytes = input.layout.bytes()?;
    let mut tiles = Vec::with_capacity(count * per_sample);
    for picked in picked.chunks((READ_BYTES / sample_bytes).max(1)) {
        let mut bytes = vec![0; picked.len() * sample_bytes];
        input.source.read(picked, &mut bytes)?;
        for sample in bytes.chunks_exact(sample_bytes) {
            let first = random.below(tiling.tiles());
            for k in 0..per_sample {
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

/// Turns tiles into streams.
struct TileEncoder {
    model: Model,
    tiling: Tiling,
    tables: Vec<Vec<EncodeTable>>,
    /// For every extent, where lanes can be used.
    lanes: Vec<Tables>,
}

impl TileEncoder {
    fn new(model: Model, tiling: Tiling) -> Self {
        let tables: Vec<Vec<EncodeTable>> =
            model.planes.iter().map(|plane| plane.tables.iter().map(EncodeTable::new).collect()).collect();
        let lanes = Tables::of_tiles(&model, &model.alias_tables(), &tiling);
        Self { model, tables, tiling, lanes }
    }

    /// The streams of all tiles of `samples`, and their lengths in units of 2 bytes.
    fn encode(&self, samples: &[u8], sample_bytes: usize) -> Streams {
        let tiles = self.tiling.tiles();
        let mut streams: Vec<Vec<u8>> = vec![Vec::new(); samples.len() / sample_bytes * tiles];
        // Tiles of one extent go side by side.
        let mut numbers: Vec<usize> = (0..streams.len()).collect();
        let extent = |number: usize| self.tiling.place(number % tiles).extent;
        numbers.sort_by_key(|&number| (extent(number).height, extent(number).width));
        let sample_of = |number: usize| &samples[number / tiles * sample_bytes..][..sample_bytes];
        for part in numbers.chunk_by(|&a, &b| extent(a) == extent(b)) {
            let extent = extent(part[0]);
            match self.lanes.iter().find(|tables| tables.extent() == extent) {
                Some(tables) => self.encode_lanes(tables, part, &sample_of, &mut streams),
                None => self.encode_one_by_one(extent, part, &sample_of, &mut streams),
            }
        }
        let mut bytes = Vec::with_capacity(samples.len());
        let mut lengths = Vec::with_capacity(streams.len());
        for (number, stream) in streams.iter().enumerate() {
            let place = self.tiling.place(number % tiles);
            let before = bytes.len();
            if stream.len() < self.tiling.tile_bytes(&place).next_multiple_of(2) {
                bytes.extend(stream);
            } else {
                self.append_pixels(sample_of(number), &place, &mut bytes);
            }
            lengths.push(((bytes.len() - before) / 2) as u32);
        }
        (bytes, lengths)
    }

    /// A tile as it is, for one that would grow.
    fn append_pixels(&self, sample: &[u8], place: &Place, bytes: &mut Vec<u8>) {
        let before = bytes.len();
        for pixel in self.tiling.pixels(sample, place) {
            match self.tiling.depth() {
                Depth::Eight => bytes.push(pixel as u8),
                Depth::Sixteen => bytes.extend(pixel.to_le_bytes()),
            }
        }
        if (bytes.len() - before) % 2 == 1 {
            bytes.push(0);
        }
    }

    fn encode_lanes<'s>(
        &self,
        tables: &Tables,
        numbers: &[usize],
        sample_of: &impl Fn(usize) -> &'s [u8],
        streams: &mut [Vec<u8>],
    ) {
        let Extent { height, width } = tables.extent();
        let planes = self.tiling.planes();
        let path = Path::best_for(numbers.len());
        let mut group = Group::new(tables.extent(), planes, path);
        let lanes = group.lanes();
        let mut coded = Vec::new();
        for numbers in numbers.chunks(lanes) {
            for (lane, &number) in numbers.iter().enumerate() {
                let place = self.tiling.place(number % self.tiling.tiles());
                for plane in 0..planes {
                    for y in 0..height {
                        let row = group.memory().row_mut(plane, y);
                        self.tiling.read_row(sample_of(number), &place, plane, y, |x, pixel| {
                            row[x * lanes + lane] = pixel as i16;
                        });
                    }
                }
            }
            let coded = group.predict(tables, &mut coded);
            let mut encoders: Vec<Encoder> = numbers.iter().map(|_| Encoder::default()).collect();
            // Plane by plane for all lanes, so that one plane's tables stay near.
            for (plane, tables) in self.tables.iter().enumerate().rev() {
                let coded = &coded[plane * height * width * lanes..][..height * width * lanes];
                let map = &self.model.planes[plane].map;
                for (lane, encoder) in encoders.iter_mut().enumerate() {
                    for symbols in coded.chunks_exact(lanes).rev() {
                        let [context, residual] = symbols[lane].to_le_bytes();
                        let table = &tables[map[context as usize] as usize];
                        if residual != ESCAPE && table.has(residual) {
                            encoder.put(table, residual);
                        } else {
                            put_residual(encoder, table, residual.into(), Depth::Eight);
                        }
                    }
                }
            }
            for (&number, encoder) in numbers.iter().zip(&mut encoders) {
                encoder.finish(&mut streams[number]);
            }
        }
    }

    fn encode_one_by_one<'s>(
        &self,
        extent: Extent,
        numbers: &[usize],
        sample_of: &impl Fn(usize) -> &'s [u8],
        streams: &mut [Vec<u8>],
    ) {
        let mut scalar = Scalar::new(&self.model, extent, self.tiling.depth());
        for &number in numbers {
            let place = self.tiling.place(number % self.tiling.tiles());
            let pixels = self.tiling.pixels(sample_of(number), &place);
            let mut coded = Vec::with_capacity(pixels.len());
            scalar.walk(|plane, y, x, expected| {
                let pixel = i32::from(pixels[(plane * extent.height + y) * extent.width + x]);
                coded.push((plane, expected.context(), (pixel - expected.pixel()) as u16));
                pixel
            });
            let mut encoder = Encoder::default();
            for &(plane, context, residual) in coded.iter().rev() {
                let table = &self.tables[plane][self.model.planes[plane].map[context] as usize];
                let residual = if self.tiling.depth() == Depth::Eight { residual & 0xFF } else { residual };
                put_residual(&mut encoder, table, residual, self.tiling.depth());
            }
            encoder.finish(&mut streams[number]);
        }
    }
}

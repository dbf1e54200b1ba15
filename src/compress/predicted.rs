//! Writing a block of the coder `rans`. In: the rows of a partition, which are images. Out: a parameters section with
//! what was learned from a sample of them, their streams, and the streams' lengths.

use std::sync::Arc;

use super::encode::Run;
use super::partition::PartitionRows;
use super::streams::{StreamBlock, Streams};
use crate::block::{PredictedParameters, Stored};
use crate::error::Result;
use crate::kernels::lanes::{Alias, Group, Path, Tables};
use crate::predict::planes::Extent;
use crate::predict::scalar::{Depth, Scalar, put_residual};
use crate::predict::tiles::{Place, TILE_SIDE, Tiling, depth};
use crate::predict::{ESCAPE, Model};
use crate::rans::{EncodeTable, Encoder};
use crate::sample::Images;

/// What the whole data set has taught; all partitions use it.
pub(super) struct Learned {
    encoder: Arc<TileEncoder>,
    /// The partition whose section stores the model.
    stored_with: Option<u32>,
}

impl Run<'_, '_> {
    /// Write the only layer of partition `partition` with the coder that makes it smallest.
    pub(super) fn small_block(&mut self, partition: u32, rows: &PartitionRows<'_>) -> Result<()> {
        let (encoder, parameters) = self.learned(partition, rows.len())?;
        let sample_bytes = self.input.layout.bytes()?;
        let sides = encoder.images.sides.unwrap_or_default();
        let encode = |part: &[u8]| {
            let tiling = encoder.tiling(sides);
            let images: Vec<_> = part.chunks_exact(sample_bytes).map(|image| (image, tiling)).collect();
            encoder.encode(&images)
        };
        let block = StreamBlock { partition, parameters: &parameters, encode, padding: &[] };
        if self.stream_block(rows, &block)? {
            self.is_stored_with(partition);
        }
        Ok(())
    }

    /// The encoder for all partitions, and the parameters of the partition `partition` of `rows` rows.
    pub(super) fn learned(&mut self, partition: u32, rows: usize) -> Result<(Arc<TileEncoder>, Vec<u8>)> {
        let learned = match self.learned.take() {
            Some(learned) => learned,
            None => Learned { encoder: Arc::new(self.learn()?), stored_with: None },
        };
        let encoder = Arc::clone(&learned.encoder);
        let model = learned.stored_with.filter(|&with| with != partition);
        let model = model.map_or_else(|| Stored::Here(encoder.model.clone()), Stored::With);
        self.learned = Some(learned);
        let parameters = PredictedParameters { rows: rows as u64, tile_side: TILE_SIDE as u16, model };
        Ok((encoder, parameters.to_bytes()))
    }

    /// Partition `partition` is written; it stores the model if it is the first.
    pub(super) fn is_stored_with(&mut self, partition: u32) {
        if let Some(learned) = &mut self.learned {
            learned.stored_with.get_or_insert(partition);
        }
    }
}

/// Turns tiles into streams.
pub(super) struct TileEncoder {
    model: Model,
    images: Images,
    tables: Vec<Vec<EncodeTable>>,
    alias: Vec<Arc<Alias>>,
}

/// A tile, and which image's it is.
#[derive(Clone, Copy)]
struct Piece {
    image: usize,
    /// Number of the stream.
    stream: usize,
    place: Place,
}

impl TileEncoder {
    pub(super) fn new(model: Model, images: Images) -> Self {
        let tables: Vec<Vec<EncodeTable>> =
            model.planes.iter().map(|plane| plane.tables.iter().map(EncodeTable::new).collect()).collect();
        let alias = Alias::of(&model.alias_tables());
        Self { model, images, tables, alias }
    }

    pub(super) fn tiling(&self, sides: (usize, usize)) -> Tiling {
        Tiling::new(&self.images, sides, TILE_SIDE)
    }

    /// The streams of all tiles of `images`, and their lengths in units of 2 bytes.
    pub(super) fn encode(&self, images: &[(&[u8], Tiling)]) -> Streams {
        let mut pieces = Vec::new();
        for (image, (_, tiling)) in images.iter().enumerate() {
            for number in 0..tiling.tiles() {
                pieces.push(Piece { image, stream: pieces.len(), place: tiling.place(number) });
            }
        }
        let mut streams: Vec<Vec<u8>> = vec![Vec::new(); pieces.len()];
        // Tiles of similar extents go side by side.
        let mut sorted = pieces.clone();
        sorted.sort_by_key(|piece| piece.place.extent.order());
        match depth(&self.images) {
            Depth::Eight => self.encode_lanes(images, &sorted, &mut streams),
            Depth::Sixteen => self.encode_one_by_one(images, &sorted, &mut streams),
        }
        let mut bytes = Vec::with_capacity(images.iter().map(|(image, _)| image.len()).sum());
        let mut lengths = Vec::with_capacity(streams.len());
        for (piece, stream) in pieces.iter().zip(&streams) {
            let (image, tiling) = &images[piece.image];
            let before = bytes.len();
            if stream.len() < tiling.tile_bytes(&piece.place).next_multiple_of(2) {
                bytes.extend(stream);
            } else {
                append_pixels(image, tiling, &piece.place, &mut bytes);
            }
            lengths.push(((bytes.len() - before) / 2) as u32);
        }
        (bytes, lengths)
    }

    fn encode_lanes(&self, images: &[(&[u8], Tiling)], pieces: &[Piece], streams: &mut [Vec<u8>]) {
        let mut group = Group::new(Path::best_for(pieces.len()));
        let lanes = group.lanes();
        let mut coded = Vec::new();
        let mut tables: Option<Tables> = None;
        for pieces in pieces.chunks(lanes) {
            let extents = pieces.iter().map(|piece| piece.place.extent);
            let extent = Extent::largest(extents.clone());
            let tables = match &mut tables {
                Some(tables) if tables.extent() == extent => tables,
                other => other.insert(Tables::new(&self.model, &self.alias, extent)),
            };
            group.fit(tables);
            for (lane, piece) in pieces.iter().enumerate() {
                let (image, tiling) = &images[piece.image];
                for plane in 0..tiling.planes() {
                    for y in 0..piece.place.extent.height {
                        let row = group.memory().row_mut(plane, y);
                        tiling.read_row(image, &piece.place, plane, y, |x, pixel| {
                            row[x * lanes + lane] = pixel as i16;
                        });
                    }
                }
            }
            let coded = group.predict(tables, extents, &mut coded);
            self.put_all(coded, extent, lanes, pieces, streams);
        }
    }

    /// Entropy-code what the lanes of an `extent` have predicted.
    fn put_all(
        &self,
        coded: &[i16],
        extent: Extent,
        lanes: usize,
        pieces: &[Piece],
        streams: &mut [Vec<u8>],
    ) {
        let mut encoders: Vec<Encoder> = pieces.iter().map(|_| Encoder::default()).collect();
        let mut steps = Vec::with_capacity(lanes);
        let of_plane = extent.area() * lanes;
        // Plane by plane for all lanes, so that one plane's tables stay near.
        for (plane, tables) in self.tables.iter().enumerate().rev() {
            let coded = &coded[plane * of_plane..][..of_plane];
            let map = &self.model.planes[plane].map;
            for (y, row) in coded.chunks_exact(extent.width * lanes).enumerate().rev() {
                for (x, symbols) in row.chunks_exact(lanes).enumerate().rev() {
                    // The look-ups are in tables larger than the nearer caches: all lanes wait for theirs at once.
                    for (number, (piece, symbol)) in pieces.iter().zip(symbols).enumerate() {
                        let Extent { height, width } = piece.place.extent;
                        if y >= height || x >= width {
                            continue;
                        }
                        let encoder = &mut encoders[number];
                        let [context, residual] = symbol.to_le_bytes();
                        let table = &tables[map[context as usize] as usize];
                        if residual != ESCAPE && table.has(residual) {
                            steps.push((number, encoder.begin(table, residual)));
                        } else {
                            put_residual(encoder, table, residual.into(), Depth::Eight);
                        }
                    }
                    for (number, step) in steps.drain(..) {
                        encoders[number].end(step);
                    }
                }
            }
        }
        for (piece, encoder) in pieces.iter().zip(&mut encoders) {
            encoder.finish(&mut streams[piece.stream]);
        }
    }

    fn encode_one_by_one(&self, images: &[(&[u8], Tiling)], pieces: &[Piece], streams: &mut [Vec<u8>]) {
        for pieces in pieces.chunk_by(|a, b| a.place.extent == b.place.extent) {
            let extent = pieces[0].place.extent;
            let mut scalar = Scalar::new(&self.model, extent, Depth::Sixteen);
            for piece in pieces {
                let (image, tiling) = &images[piece.image];
                let pixels = tiling.pixels(image, &piece.place);
                let mut coded = Vec::with_capacity(pixels.len());
                scalar.walk(|plane, y, x, expected| {
                    let pixel = i32::from(pixels[(plane * extent.height + y) * extent.width + x]);
                    coded.push((plane, expected.context(), (pixel - expected.pixel()) as u16));
                    pixel
                });
                let mut encoder = Encoder::default();
                for &(plane, context, residual) in coded.iter().rev() {
                    let table = &self.tables[plane][self.model.planes[plane].map[context] as usize];
                    put_residual(&mut encoder, table, residual, Depth::Sixteen);
                }
                encoder.finish(&mut streams[piece.stream]);
            }
        }
    }
}

/// A tile as it is, for one that would grow.
fn append_pixels(image: &[u8], tiling: &Tiling, place: &Place, bytes: &mut Vec<u8>) {
    let before = bytes.len();
    for pixel in tiling.pixels(image, place) {
        match tiling.depth() {
            Depth::Eight => bytes.push(pixel as u8),
            Depth::Sixteen => bytes.extend(pixel.to_le_bytes()),
        }
    }
    if (bytes.len() - before) % 2 == 1 {
        bytes.push(0);
    }
}

//! The `rans` coder: pixels predicted with a learned model, residuals entropy-coded, one stream for each tile. In: the
//! parameters of a block, and row numbers. Out: rows, many at a time.
//!
//! A tile whose stream would not be smaller than its pixels is stored as they are; its length tells.

use std::sync::Arc;

use super::lengths::Lengths;
use super::{ReadBuffers, Sections};
use crate::container::FileReader;
use crate::error::{Error, Result};
use crate::kernels::lanes::{Group, Path, Tables};
use crate::predict::Model;
use crate::predict::planes::Extent;
use crate::predict::scalar::{Depth, Scalar};
use crate::predict::tiles::{Place, Tiling};
use crate::rans::AliasTable;

/// Up to this many tiles are decoded one after another; more fill lanes well enough.
const FEW: usize = 2;

/// A model, ready to decode with. Blocks of several partitions share one.
pub struct Codec {
    model: Model,
    tiling: Tiling,
    tables: Vec<Vec<AliasTable>>,
    /// For each extent that a tile has.
    lanes: Vec<Tables>,
}

/// The codec of a block, and where its streams are.
pub struct Predicted {
    codec: Arc<Codec>,
    lengths: Lengths,
}

/// What decoding a tile gave, and for which row of those asked for.
pub type RowError = (usize, Error);

impl Codec {
    /// The codec of `model` for images that `tiling` cuts.
    pub fn new(model: Model, tiling: Tiling) -> Self {
        let tables = model.alias_tables();
        let lanes = Tables::of_tiles(&model, &tables, &tiling);
        Self { model, tiling, tables, lanes }
    }
}

impl Predicted {
    /// Check the lengths of the streams of `rows` rows.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Io`].
    pub fn open(file: &FileReader, at: Sections, codec: Arc<Codec>, rows: u64) -> Result<Self> {
        let streams = rows.saturating_mul(codec.tiling.tiles() as u64);
        let lengths = Lengths::open(file, file.section_at(at.beside), streams)?;
        Ok(Self { codec, lengths })
    }

    /// Decode `rows` into `outs`, each of a sample's size.
    ///
    /// # Errors
    /// [`Error::Corrupt`] or [`Error::Io`], with the number of the row among `rows`.
    pub fn read_rows(
        &self,
        file: &FileReader,
        at: Sections,
        rows: &[u64],
        outs: &mut [&mut [u8]],
        buffers: &mut ReadBuffers,
    ) -> std::result::Result<(), RowError> {
        let codec = &*self.codec;
        let tiles = codec.tiling.tiles();
        let mut places = Vec::with_capacity(rows.len() * tiles);
        for (number, &row) in rows.iter().enumerate() {
            let section = file.section_at(at.beside);
            self.lengths
                .places(file, section, row * tiles as u64, tiles, &mut places)
                .map_err(|e| (number, e))?;
        }
        let records = file.section_at(at.records);
        let mut waiting: Vec<Waiting> = Vec::new();
        for (number, &(start, bytes)) in places.iter().enumerate() {
            let (row, place) = (number / tiles, codec.tiling.place(number % tiles));
            let raw = codec.tiling.tile_bytes(&place).next_multiple_of(2) as u64;
            if bytes > raw {
                let detail = format!("a stream of {bytes} bytes for {raw} bytes of pixels");
                return Err((row, file.corrupt(records.entry().id, detail)));
            }
            let mut buffer = std::mem::take(&mut buffers.records);
            let stream = file.read(records, start, bytes, 0, &mut buffer).map_err(|e| (row, e))?;
            buffers.bytes_read += bytes;
            if bytes == raw {
                codec.copy_pixels(stream, &place, outs[row]);
            } else {
                waiting.push(Waiting { row, place, stream: stream.to_vec() });
            }
            buffers.records = buffer;
        }
        // Lanes go over tiles of one extent; their order does not matter otherwise.
        waiting.sort_by_key(|tile| (tile.place.extent.height, tile.place.extent.width));
        for tiles in waiting.chunk_by(|a, b| a.place.extent == b.place.extent) {
            let extent = tiles[0].place.extent;
            let lanes = codec.lanes.iter().find(|tables| tables.extent() == extent);
            let decoded = match lanes {
                Some(tables) if tiles.len() > FEW => codec.decode_lanes(tables, tiles, outs, buffers),
                _ => codec.decode_one_by_one(extent, tiles, outs),
            };
            decoded.map_err(|row| {
                let detail = "a stream does not end as it should".to_owned();
                (row, file.corrupt(records.entry().id, detail))
            })?;
        }
        Ok(())
    }
}

impl Codec {
    /// A tile stored as it is.
    fn copy_pixels(&self, bytes: &[u8], place: &Place, out: &mut [u8]) {
        let Extent { height, width } = place.extent;
        for plane in 0..self.tiling.planes() {
            for y in 0..height {
                let start = (plane * height + y) * width;
                self.tiling.write_row(out, place, plane, y, |x| match self.tiling.depth() {
                    Depth::Eight => bytes[start + x].into(),
                    Depth::Sixteen => {
                        u16::from_le_bytes([bytes[2 * (start + x)], bytes[2 * (start + x) + 1]])
                    }
                });
            }
        }
    }

    fn decode_one_by_one(
        &self,
        extent: Extent,
        tiles: &[Waiting],
        outs: &mut [&mut [u8]],
    ) -> std::result::Result<(), usize> {
        let mut scalar = Scalar::new(&self.model, extent, self.tiling.depth());
        for tile in tiles {
            if !scalar.decode(&self.model, &self.tables, &tile.stream) {
                return Err(tile.row);
            }
            for plane in 0..self.tiling.planes() {
                for (y, row) in scalar.pixels(plane).enumerate() {
                    self.tiling.write_row(outs[tile.row], &tile.place, plane, y, |x| row[x] as u16);
                }
            }
        }
        Ok(())
    }

    fn decode_lanes(
        &self,
        tables: &Tables,
        tiles: &[Waiting],
        outs: &mut [&mut [u8]],
        buffers: &mut ReadBuffers,
    ) -> std::result::Result<(), usize> {
        let mut rest = tiles;
        while !rest.is_empty() {
            let path = Path::best_for(rest.len());
            let (now, later) = rest.split_at(path.lanes().min(rest.len()));
            rest = later;
            let group = buffers.group(tables.extent(), self.tiling.planes(), path);
            let streams: Vec<&[u8]> = now.iter().map(|tile| &tile.stream[..]).collect();
            let whole = group.decode(tables, &streams);
            if let Some(bad) = whole.iter().position(|&whole| !whole) {
                return Err(now[bad].row);
            }
            let lanes = group.lanes();
            for plane in 0..self.tiling.planes() {
                for y in 0..tables.extent().height {
                    let pixels = group.memory().row(plane, y);
                    for (lane, tile) in now.iter().enumerate() {
                        self.tiling.write_row(outs[tile.row], &tile.place, plane, y, |x| {
                            pixels[x * lanes + lane] as u16
                        });
                    }
                }
            }
        }
        Ok(())
    }
}

/// A tile that is to be decoded.
struct Waiting {
    row: usize,
    place: Place,
    stream: Vec<u8>,
}

impl ReadBuffers {
    fn group(&mut self, extent: Extent, planes: usize, path: Path) -> &mut Group {
        let key = (extent, planes, path);
        let number = self.groups.iter().position(|entry| entry.0 == key).unwrap_or_else(|| {
            self.groups.push((key, Group::new(extent, planes, path)));
            self.groups.len() - 1
        });
        &mut self.groups[number].1
    }
}

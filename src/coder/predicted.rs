//! The `rans` coder: pixels predicted with a learned model, residuals entropy-coded, one stream for each tile. In: the
//! parameters of a block, and row numbers. Out: rows, many at a time.
//!
//! A tile whose stream would not be smaller than its pixels is stored as they are; its length tells.

use std::sync::Arc;

use super::lengths::Lengths;
use super::shapes::ImageSides;
use super::{ReadBuffers, RowError, Sections, Sides, Wanted};
use crate::container::FileReader;
use crate::error::Result;
use crate::kernels::lanes::{Alias, Path, Tables};
use crate::kernels::transpose;
use crate::predict::Model;
use crate::predict::model::MAX_PLANES;
use crate::predict::planes::Extent;
use crate::predict::scalar::{Depth, Scalar};
use crate::predict::tiles::{Place, Tiling, depth};
use crate::rans::AliasTable;
use crate::sample::{Images, Window};

/// Where fewer tiles of the largest size would have the same pixels, they are decoded one after another: going over all
/// lanes takes longer than that.
const FEW: usize = 2;

/// Largest image of which all memory is fetched before it is written; of larger ones a tile is a small part.
const PREFETCHED: usize = 16 << 10;

/// A model, ready to decode with. Blocks of several partitions share one.
pub struct Codec {
    model: Model,
    images: Images,
    tile_side: usize,
    tables: Vec<Vec<AliasTable>>,
    alias: Vec<Arc<Alias>>,
    /// For each extent that a tile has, where all images have the same sides.
    lanes: Vec<Tables>,
}

/// The codec of a block, and where its streams are.
pub struct Predicted {
    codec: Arc<Codec>,
    sides: Sides,
    lengths: Lengths,
}

impl Codec {
    /// The codec of `model` for `images`, in tiles of at most `tile_side`.
    pub fn new(model: Model, images: Images, tile_side: usize) -> Self {
        let tables = model.alias_tables();
        let alias = Alias::of(&tables);
        let mut lanes: Vec<Tables> = Vec::new();
        if let Some(sides) = images.sides.filter(|_| depth(&images) == Depth::Eight) {
            for extent in Tiling::new(&images, sides, tile_side).extents() {
                lanes.push(Tables::new(&model, &alias, extent));
            }
        }
        Self { model, images, tile_side, tables, alias, lanes }
    }

    fn tiling(&self, sides: ImageSides) -> Tiling {
        Tiling::new(&self.images, sides, self.tile_side)
    }
}

impl Predicted {
    /// Check the lengths of the streams of `rows` rows.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`], [`crate::Error::Io`].
    pub fn open(file: &FileReader, at: Sections, codec: Arc<Codec>, sides: Sides, rows: u64) -> Result<Self> {
        let streams = sides.streams(rows, |sides| codec.tiling(sides).tiles());
        let lengths = Lengths::open(file, file.section_at(at.beside), streams)?;
        Ok(Self { codec, sides, lengths })
    }

    pub(super) fn sides(&self, file: &FileReader, row: u64) -> Result<ImageSides> {
        Ok(self.row(file, row)?.0)
    }

    fn row(&self, file: &FileReader, row: u64) -> Result<(ImageSides, u64)> {
        self.sides.row(file, row, |sides| self.codec.tiling(sides).tiles())
    }

    /// Decode all `wanted`.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`] or [`crate::Error::Io`], with the number of the row among those wanted.
    pub fn read_rows(
        &self,
        file: &FileReader,
        at: Sections,
        wanted: &mut [Wanted<'_>],
        buffers: &mut ReadBuffers,
    ) -> std::result::Result<(), RowError> {
        let mut waiting: Vec<Waiting> = Vec::new();
        for (number, wanted) in wanted.iter_mut().enumerate() {
            self.read_streams(file, at, number, wanted, &mut waiting, buffers).map_err(|e| (number, e))?;
        }
        let codec = &*self.codec;
        // Lanes go over tiles of similar extents; their order does not matter otherwise.
        waiting.sort_by_key(|tile| tile.place.extent.order());
        let mut rest = &waiting[..];
        while !rest.is_empty() {
            let path = Path::best_for(rest.len());
            let (tiles, later) = rest.split_at(path.lanes().min(rest.len()));
            rest = later;
            let extents = tiles.iter().map(|tile| tile.place.extent);
            let largest = Extent::largest(extents.clone());
            let area: usize = extents.map(|extent| extent.area()).sum();
            let decoded = if depth(&codec.images) == Depth::Eight && area > FEW * largest.area() {
                codec.decode_lanes(path, largest, tiles, wanted, buffers)
            } else {
                codec.decode_one_by_one(tiles, wanted)
            };
            decoded.map_err(|number| {
                let detail = "a stream does not end as it should".to_owned();
                (number, file.corrupt(file.section_at(at.records).entry().id, detail))
            })?;
        }
        Ok(())
    }

    /// Read the streams of one row; those that are pixels as they are go to their place at once.
    fn read_streams(
        &self,
        file: &FileReader,
        at: Sections,
        number: usize,
        wanted: &mut Wanted<'_>,
        waiting: &mut Vec<Waiting>,
        buffers: &mut ReadBuffers,
    ) -> Result<()> {
        let (sides, first) = self.row(file, wanted.row)?;
        let tiling = self.codec.tiling(sides).with_planes(wanted.planes);
        let window = wanted.window_of(tiling.image(), self.codec.images.dtype.size())?;
        let mut places = std::mem::take(&mut buffers.places);
        places.clear();
        // Streams that follow one another are found together.
        let mut touched = tiling.touched(window).peekable();
        let mut tiles = Vec::new();
        while let Some(start) = touched.next() {
            let mut end = start + 1;
            while touched.next_if_eq(&end).is_some() {
                end += 1;
            }
            let section = file.section_at(at.beside);
            self.lengths.places(file, section, first + start as u64, end - start, &mut places)?;
            tiles.extend(start..end);
        }
        let records = file.section_at(at.records);
        for (&tile, &(start, bytes)) in tiles.iter().zip(&places) {
            let place = tiling.place(tile);
            let raw = tiling.tile_bytes(&place).next_multiple_of(2) as u64;
            if bytes > raw {
                let detail = format!("a stream of {bytes} bytes for {raw} bytes of pixels");
                return Err(file.corrupt(records.entry().id, detail));
            }
            let stream = file.read(records, start, bytes, 0, &mut buffers.records)?;
            buffers.bytes_read += bytes;
            if bytes == raw {
                copy_pixels(stream, &tiling, &place, &window, wanted.out);
            } else {
                waiting.push(Waiting { number, tiling, window, place, stream: stream.to_vec() });
            }
        }
        buffers.places = places;
        Ok(())
    }
}

/// A tile stored as it is.
fn copy_pixels(bytes: &[u8], tiling: &Tiling, place: &Place, window: &Window, out: &mut [u8]) {
    let Extent { height, width } = place.extent;
    for plane in 0..tiling.planes() {
        for y in 0..height {
            let start = (plane * height + y) * width;
            tiling.write_row(out, window, place, plane, y, |x| match tiling.depth() {
                Depth::Eight => bytes[start + x].into(),
                Depth::Sixteen => u16::from_le_bytes([bytes[2 * (start + x)], bytes[2 * (start + x) + 1]]),
            });
        }
    }
}

impl Codec {
    fn decode_one_by_one(
        &self,
        tiles: &[Waiting],
        wanted: &mut [Wanted<'_>],
    ) -> std::result::Result<(), usize> {
        for tiles in tiles.chunk_by(|a, b| a.place.extent == b.place.extent) {
            let mut scalar = Scalar::new(&self.model, tiles[0].place.extent, depth(&self.images));
            for tile in tiles {
                if !scalar.decode(&self.model, &self.tables, &tile.stream) {
                    return Err(tile.number);
                }
                for plane in 0..self.images.channels {
                    for (y, row) in scalar.pixels(plane).enumerate() {
                        tile.write_row(wanted, plane, y, |x| row[x] as u16);
                    }
                }
            }
        }
        Ok(())
    }

    /// Decode `tiles`, at most as many as `path` has lanes, none larger than `extent`.
    fn decode_lanes(
        &self,
        path: Path,
        extent: Extent,
        tiles: &[Waiting],
        wanted: &mut [Wanted<'_>],
        buffers: &mut ReadBuffers,
    ) -> std::result::Result<(), usize> {
        let group = buffers.group(path);
        let own;
        let tables = match self.lanes.iter().find(|tables| tables.extent() == extent) {
            Some(tables) => tables,
            None => {
                own = Tables::new(&self.model, &self.alias, extent);
                &own
            }
        };
        let images: Vec<(Extent, &[u8])> =
            tiles.iter().map(|tile| (tile.place.extent, &tile.stream[..])).collect();
        let whole = group.decode(tables, &images);
        if let Some(bad) = whole.iter().position(|&whole| !whole) {
            return Err(tiles[bad].number);
        }
        for tile in tiles {
            let out = &wanted[tile.number].out;
            if out.len() <= PREFETCHED {
                transpose::prefetch(out);
            }
        }
        let lanes = group.lanes();
        let (channels, stride) = (self.images.channels, transpose::stride(extent.width));
        let mut rows = vec![0; channels * lanes * stride];
        for y in 0..extent.height {
            for (plane, rows) in rows.chunks_exact_mut(lanes * stride).enumerate() {
                transpose::rows_of_lanes(group.memory().row(plane, y), lanes, rows);
            }
            for (lane, tile) in tiles.iter().enumerate() {
                let Extent { height, width } = tile.place.extent;
                if y < height {
                    let row = |plane: usize| &rows[(plane * lanes + lane) * stride..][..width];
                    let planes: [&[u8]; MAX_PLANES] =
                        std::array::from_fn(|plane| if plane < channels { row(plane) } else { &[] });
                    let out = &mut *wanted[tile.number].out;
                    tile.tiling.write_rows(out, &tile.window, &tile.place, y, &planes[..channels]);
                }
            }
        }
        Ok(())
    }
}

/// A tile that is to be decoded.
struct Waiting {
    /// Which of those wanted it is part of.
    number: usize,
    tiling: Tiling,
    window: Window,
    place: Place,
    stream: Vec<u8>,
}

impl Waiting {
    fn write_row(&self, wanted: &mut [Wanted<'_>], plane: usize, y: usize, pixel: impl Fn(usize) -> u16) {
        self.tiling.write_row(wanted[self.number].out, &self.window, &self.place, plane, y, pixel);
    }
}

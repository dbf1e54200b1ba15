//! Cutting images into tiles. In: the shape of an image. Out: which pixels each tile has, and in which order planes are
//! decoded.
//!
//! A tile is coded without looking at its neighbours, so that a part of a large image can be read alone, and tiles can
//! be decoded side by side. Sides are cut into parts that differ by one pixel at most.

use super::planes::Extent;
use super::scalar::Depth;
use crate::kernels::rows::interleave;
use crate::sample::{DType, ImageShape, Images, Window};

/// Longest side of a tile, unless a file says otherwise.
pub const TILE_SIDE: usize = 64;

/// What a file may say instead: working memory grows with long sides, and what is kept about tiles with short ones.
pub const TILE_SIDES: std::ops::RangeInclusive<usize> = 16..=1024;

/// The tiles of an image.
#[derive(Clone, Copy, Debug)]
pub struct Tiling {
    image: ImageShape,
    depth: Depth,
    rows: usize,
    columns: usize,
}

/// One tile: where it begins in the image, and how large it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// First row.
    pub top: usize,
    /// First column.
    pub left: usize,
    /// Rows and columns.
    pub extent: Extent,
}

impl Tiling {
    /// The tiling of the image among `images` that has `sides`, with sides of tiles of at most `tile_side`.
    pub fn new(images: &Images, sides: (usize, usize), tile_side: usize) -> Self {
        let image = images.shape(sides);
        let (rows, columns) = (image.height.div_ceil(tile_side), image.width.div_ceil(tile_side));
        Self { image, depth: depth(images), rows, columns }
    }

    /// The image.
    pub fn image(&self) -> &ImageShape {
        &self.image
    }

    /// Bits of a pixel.
    pub fn depth(&self) -> Depth {
        self.depth
    }

    /// Planes of an image.
    pub fn planes(&self) -> usize {
        self.image.channels
    }

    /// The same tiles of an image that is written with its channels first.
    #[must_use]
    pub fn with_planes(mut self, planes: bool) -> Self {
        self.image.channels_first |= planes;
        self
    }

    /// Tiles of an image.
    pub fn tiles(&self) -> usize {
        self.rows * self.columns
    }

    /// The extents that tiles have, each once: no more than four.
    pub fn extents(&self) -> Vec<Extent> {
        let mut all = Vec::new();
        for number in 0..self.tiles() {
            let extent = self.place(number).extent;
            if !all.contains(&extent) {
                all.push(extent);
            }
        }
        all
    }

    /// Tile `number`, counted row by row.
    pub fn place(&self, number: usize) -> Place {
        let cut =
            |length: usize, parts: usize, part: usize| (length * part / parts, length * (part + 1) / parts);
        let (top, bottom) = cut(self.image.height, self.rows, number / self.columns);
        let (left, right) = cut(self.image.width, self.columns, number % self.columns);
        Place { top, left, extent: Extent { height: bottom - top, width: right - left } }
    }

    /// Bytes of a tile's pixels.
    pub fn tile_bytes(&self, place: &Place) -> usize {
        place.extent.height * place.extent.width * self.planes() * (self.depth.bits() / 8) as usize
    }

    /// Call `each(x, pixel)` for the pixels of row `y` of a tile.
    pub fn read_row(
        &self,
        sample: &[u8],
        place: &Place,
        plane: usize,
        y: usize,
        mut each: impl FnMut(usize, u16),
    ) {
        let (first, step) = self.image.plane(self.image.channel(plane));
        let first = first + ((place.top + y) * self.image.width + place.left) * step;
        for x in 0..place.extent.width {
            let at = first + x * step;
            let pixel = match self.depth {
                Depth::Eight => sample[at].into(),
                Depth::Sixteen => u16::from_le_bytes([sample[2 * at], sample[2 * at + 1]]),
            };
            each(x, pixel);
        }
    }

    /// Set the pixels of row `y` of a tile to `pixel(x)`, as far as they lie in `window`, which is what `out` holds.
    pub fn write_row(
        &self,
        out: &mut [u8],
        window: &Window,
        place: &Place,
        plane: usize,
        y: usize,
        pixel: impl Fn(usize) -> u16,
    ) {
        let (y, end) = (place.top + y, window.left + window.width);
        let (left, right) = (place.left.max(window.left), (place.left + place.extent.width).min(end));
        if !(window.top..window.top + window.height).contains(&y) || left >= right {
            return;
        }
        let (first, step) = self.image.cut(window).plane(self.image.channel(plane));
        let first = first + ((y - window.top) * window.width + left - window.left) * step;
        let (skipped, width) = (left - place.left, right - left);
        match self.depth {
            Depth::Eight => {
                let row = out[first..].iter_mut().step_by(step).take(width);
                row.enumerate().for_each(|(x, out)| *out = pixel(skipped + x) as u8);
            }
            Depth::Sixteen => {
                for x in 0..width {
                    let at = 2 * (first + x * step);
                    out[at..at + 2].copy_from_slice(&pixel(skipped + x).to_le_bytes());
                }
            }
        }
    }

    /// Set row `y` of a tile of an 8-bit image, in all planes; `rows[plane]` has its pixels. As [`Tiling::write_row`].
    pub fn write_rows(&self, out: &mut [u8], window: &Window, place: &Place, y: usize, rows: &[&[u8]]) {
        let y = place.top + y;
        let end = (place.left + place.extent.width).min(window.left + window.width);
        let left = place.left.max(window.left);
        if !(window.top..window.top + window.height).contains(&y) || left >= end {
            return;
        }
        let image = self.image.cut(window);
        let part = left - place.left..end - place.left;
        let at = (y - window.top) * window.width + left - window.left;
        if let ([green, red, blue], false) = (rows, image.channels_first) {
            let out = &mut out[3 * at..][..3 * part.len()];
            return interleave(&green[part.clone()], &red[part.clone()], &blue[part], out);
        }
        for (plane, row) in rows.iter().enumerate() {
            let (first, step) = image.plane(image.channel(plane));
            let out = &mut out[first + at * step..];
            if step == 1 {
                copy_row(&row[part.clone()], out);
            } else {
                out.iter_mut().step_by(step).zip(&row[part.clone()]).for_each(|(out, &pixel)| *out = pixel);
            }
        }
    }

    /// Numbers of the tiles that `window` touches.
    pub fn touched(&self, window: Window) -> impl Iterator<Item = usize> {
        let part_of = |at: usize, side: usize, parts: usize| ((at + 1) * parts - 1) / side;
        let Window { top, left, height, width } = window;
        let rows = part_of(top, self.image.height, self.rows)
            ..=part_of(top + height - 1, self.image.height, self.rows);
        let columns = part_of(left, self.image.width, self.columns)
            ..=part_of(left + width - 1, self.image.width, self.columns);
        let across = self.columns;
        rows.flat_map(move |row| columns.clone().map(move |column| row * across + column))
    }

    /// The pixels of a tile, plane after plane, row after row.
    pub fn pixels(&self, sample: &[u8], place: &Place) -> Vec<u16> {
        let mut pixels = Vec::with_capacity(self.tile_bytes(place));
        for plane in 0..self.planes() {
            for y in 0..place.extent.height {
                self.read_row(sample, place, plane, y, |_, pixel| pixels.push(pixel));
            }
        }
        pixels
    }
}

/// Copy a row to the beginning of `out`; rows of usual lengths without the call that a copy of any length costs.
#[inline(always)]
fn copy_row(row: &[u8], out: &mut [u8]) {
    let out = &mut out[..row.len()];
    match (row.first_chunk::<32>(), row.last_chunk::<32>(), out.len()) {
        (Some(first), Some(last), 32..=64) => {
            if let Some(out) = out.first_chunk_mut() {
                *out = *first;
            }
            if let Some(out) = out.last_chunk_mut() {
                *out = *last;
            }
        }
        _ => out.copy_from_slice(row),
    }
}

/// Bits of a pixel of `images`.
pub fn depth(images: &Images) -> Depth {
    if images.dtype == DType::UInt8 { Depth::Eight } else { Depth::Sixteen }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::SampleLayout;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_window_touches_the_tiles_that_hold_its_pixels(
            sides in (1usize..400, 1usize..400),
            tile_side in 16usize..90,
            (top, left, height, width) in (0usize..400, 0usize..400, 1usize..400, 1usize..400),
        ) {
            let (top, left) = (top % sides.0, left % sides.1);
            let window =
                Window { top, left, height: height.min(sides.0 - top), width: width.min(sides.1 - left) };
            let images = Images { dtype: DType::UInt8, channels: 1, channels_first: false, sides: None };
            let tiling = Tiling::new(&images, sides, tile_side);
            let overlap = |start: usize, length: usize, from: usize, count: usize| {
                start < from + count && from < start + length
            };
            let expected = (0..tiling.tiles()).filter(|&number| {
                let place = tiling.place(number);
                overlap(place.top, place.extent.height, window.top, window.height)
                    && overlap(place.left, place.extent.width, window.left, window.width)
            });
            prop_assert!(tiling.touched(window).eq(expected));
        }
    }

    #[test]
    fn tiles_cover_every_pixel_once() {
        for (dtype, shape) in [
            (DType::UInt8, vec![32, 32, 3]),
            (DType::UInt8, vec![4, 300, 129]),
            (DType::UInt16, vec![257, 128]),
            (DType::UInt16, vec![1, 500, 2]),
        ] {
            let layout = SampleLayout { dtype, shape };
            let images = Images::of(&layout).unwrap();
            let tiling = Tiling::new(&images, images.sides.unwrap(), TILE_SIDE);
            let window = tiling.image().window();
            let bytes = layout.bytes().unwrap();
            let sample: Vec<u8> = (0..bytes).map(|i| (i * 7 + i / 256) as u8).collect();
            let mut back = vec![0; bytes];
            let mut total = 0;
            for number in 0..tiling.tiles() {
                let place = tiling.place(number);
                let Extent { height, width } = place.extent;
                assert!(height <= TILE_SIDE && width <= TILE_SIDE && height * width > 0);
                let pixels = tiling.pixels(&sample, &place);
                total += tiling.tile_bytes(&place);
                for plane in 0..tiling.planes() {
                    for y in 0..height {
                        let row = &pixels[(plane * height + y) * width..][..width];
                        tiling.write_row(&mut back, &window, &place, plane, y, |x| row[x]);
                    }
                }
            }
            assert_eq!(back, sample, "{layout:?}");
            assert_eq!(total, bytes);
        }
    }
}

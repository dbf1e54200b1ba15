//! Cutting images into tiles. In: the shape of an image. Out: which pixels each tile has, and in which order planes are
//! decoded.
//!
//! A tile is coded without looking at its neighbours, so that a part of a large image can be read alone, and tiles can
//! be decoded side by side. Sides are cut into parts that differ by one pixel at most.

use super::planes::Extent;
use super::scalar::Depth;
use crate::sample::{DType, ImageShape, SampleLayout};

/// Longest side of a tile, unless a file says otherwise.
pub const TILE_SIDE: usize = 128;

/// No file may have longer ones: working memory grows with them.
const MAX_TILE_SIDE: usize = 1024;

/// The tiles of images of one shape.
#[derive(Clone, Debug)]
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
    /// The tiling of samples of `layout` with sides of at most `side`; `None` where they are no images, or `side` is
    /// not possible.
    pub fn of(layout: &SampleLayout, side: usize) -> Option<Self> {
        let image = ImageShape::of(layout).filter(|_| (1..=MAX_TILE_SIDE).contains(&side))?;
        let depth = if layout.dtype == DType::UInt8 { Depth::Eight } else { Depth::Sixteen };
        Some(Self { image, depth, rows: image.height.div_ceil(side), columns: image.width.div_ceil(side) })
    }

    /// Bits of a pixel.
    pub fn depth(&self) -> Depth {
        self.depth
    }

    /// Planes of an image.
    pub fn planes(&self) -> usize {
        self.image.channels
    }

    /// Tiles of an image.
    pub fn tiles(&self) -> usize {
        self.rows * self.columns
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

    /// Element number of the first pixel of row `y` of a tile, and the step to the next.
    fn row(&self, place: &Place, plane: usize, y: usize) -> (usize, usize) {
        let (first, step) = self.image.plane(self.image.channel(plane));
        (first + ((place.top + y) * self.image.width + place.left) * step, step)
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
        let (first, step) = self.row(place, plane, y);
        for x in 0..place.extent.width {
            let at = first + x * step;
            let pixel = match self.depth {
                Depth::Eight => sample[at].into(),
                Depth::Sixteen => u16::from_le_bytes([sample[2 * at], sample[2 * at + 1]]),
            };
            each(x, pixel);
        }
    }

    /// Set the pixels of row `y` of a tile to `pixel(x)`.
    pub fn write_row(
        &self,
        sample: &mut [u8],
        place: &Place,
        plane: usize,
        y: usize,
        pixel: impl Fn(usize) -> u16,
    ) {
        let (first, step) = self.row(place, plane, y);
        let width = place.extent.width;
        match self.depth {
            Depth::Eight => {
                let row = sample[first..].iter_mut().step_by(step).take(width);
                row.enumerate().for_each(|(x, out)| *out = pixel(x) as u8);
            }
            Depth::Sixteen => {
                for x in 0..width {
                    let at = 2 * (first + x * step);
                    sample[at..at + 2].copy_from_slice(&pixel(x).to_le_bytes());
                }
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_every_pixel_once() {
        for (dtype, shape) in [
            (DType::UInt8, vec![32, 32, 3]),
            (DType::UInt8, vec![4, 300, 129]),
            (DType::UInt16, vec![257, 128]),
            (DType::UInt16, vec![1, 500, 2]),
        ] {
            let layout = SampleLayout { dtype, shape };
            let tiling = Tiling::of(&layout, TILE_SIDE).unwrap();
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
                        tiling.write_row(&mut back, &place, plane, y, |x| row[x]);
                    }
                }
            }
            assert_eq!(back, sample, "{layout:?}");
            assert_eq!(total, bytes);
        }
    }
}

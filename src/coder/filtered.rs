//! The `filtered` coder: row filters and groups of eight residuals, one stream for each image. In: the parameters of a
//! block, and row numbers. Out: rows.
//!
//! An image whose stream would not be smaller than its pixels is stored as it is; its length tells.

use super::lengths::Lengths;
use super::shapes::ImageSides;
use super::{ReadBuffers, Sections, Sides, Wanted, copy_window, read_runs};
use crate::container::FileReader;
use crate::error::Result;
use crate::kernels::planes::split_channels;
use crate::kernels::rows::{self, OVERREAD, Shape};
use crate::sample::Images;

/// How images of a block are stored, and where their streams are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filtered {
    images: Images,
    /// Whether planes 1 and 2 are stored as differences to plane 0.
    differences: bool,
    sides: Sides,
    lengths: Lengths,
}

impl Filtered {
    /// Check the lengths of the streams of `rows` rows.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`], [`crate::Error::Io`].
    pub fn open(
        file: &FileReader,
        at: Sections,
        images: Images,
        differences: bool,
        sides: Sides,
        rows: u64,
    ) -> Result<Self> {
        let lengths = Lengths::open(file, file.section_at(at.beside), sides.streams(rows, |_| 1))?;
        Ok(Self { images, differences, sides, lengths })
    }

    pub(super) fn sides(&self, file: &FileReader, row: u64) -> Result<ImageSides> {
        Ok(self.sides.row(file, row, |_| 1)?.0)
    }

    /// Decode what is wanted.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`], [`crate::Error::Io`], [`crate::Error::Argument`] for a window outside of the image.
    pub fn read_row(
        &self,
        file: &FileReader,
        at: Sections,
        wanted: &mut Wanted<'_>,
        buffers: &mut ReadBuffers,
    ) -> Result<()> {
        let (sides, number) = self.sides.row(file, wanted.row, |_| 1)?;
        let mut image = self.images.shape(sides);
        let element = self.images.dtype.size();
        let window = wanted.window_of(&image, element)?;
        buffers.places.clear();
        self.lengths.places(file, file.section_at(at.beside), number, 1, &mut buffers.places)?;
        let Some(&(start, length)) = buffers.places.first() else { return Ok(()) };
        let records = file.section_at(at.records);
        let image_bytes = image.pixels() * image.channels * element;
        let raw = image_bytes.next_multiple_of(2) as u64;
        if length > raw {
            let detail = format!("a stream of {length} bytes for {raw} bytes of pixels");
            return Err(file.corrupt(records.entry().id, detail));
        }
        if length == raw && !wanted.planes {
            return read_runs(file, records, start, &image, element, window, wanted.out, buffers);
        }
        if length == raw {
            let mut pixels = std::mem::take(&mut buffers.image);
            pixels.resize(wanted.out.len(), 0);
            let read = read_runs(file, records, start, &image, element, window, &mut pixels, buffers);
            split_channels(&pixels, image.channels, element, wanted.out);
            buffers.image = pixels;
            return read;
        }
        image.channels_first |= wanted.planes;
        let bytes = file.read(records, start, length, OVERREAD as u64, &mut buffers.records)?;
        buffers.bytes_read += length;
        let shape = Shape { image, dtype: self.images.dtype, differences: self.differences };
        let decode =
            |scratch: &mut _, out: &mut [u8]| rows::decode(bytes, length as usize, &shape, scratch, out);
        let decoded = if window == image.window() {
            decode(&mut buffers.scratch, wanted.out)
        } else {
            buffers.image.resize(image_bytes, 0);
            let decoded = decode(&mut buffers.scratch, &mut buffers.image);
            copy_window(&buffers.image, &image, element, window, wanted.out);
            decoded
        };
        if decoded {
            return Ok(());
        }
        Err(file.corrupt(records.entry().id, "a stream does not end as it should"))
    }
}

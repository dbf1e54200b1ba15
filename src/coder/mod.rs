//! How the bits of a block become bytes. In: rows and a split, or the block's sections. Out: records, and rows again.
//!
//! A coder is one file with one type: add the file, a variant of [`Coder`] with its arms, a number in
//! `block/parameters.rs` and `docs/format.md`, and the writing of its records in `compress/encode.rs`.

mod filtered;
pub mod grouped;
pub mod lengths;
mod packed;
mod predicted;
pub mod shapes;

pub use filtered::Filtered;
pub use packed::Packed;
pub use predicted::{Codec, Predicted};

use crate::container::{FileReader, Section};
use crate::error::{Error, Result};
use crate::kernels::lanes::{Group, Path};
use crate::kernels::rows::Scratch;
use crate::sample::{ImageShape, Images, Window};
use shapes::{ImageSides, Shapes};

/// Buffers of one thread for bytes that do not lie in a map.
#[derive(Default)]
pub struct ReadBuffers {
    records: Vec<u8>,
    bases: Vec<u8>,
    /// Where streams are.
    places: Vec<(u64, u64)>,
    /// Working memory of [`Filtered`].
    scratch: Scratch,
    /// An image of which a part is wanted.
    image: Vec<u8>,
    /// Working memory of [`Predicted`].
    groups: Vec<Group>,
    /// The group of [`grouped::Grouped`] that was decoded last; it is known by its section, so these are the buffers of one
    /// file.
    open: grouped::Open,
    /// Bytes of records and bases read so far.
    pub bytes_read: u64,
}

impl ReadBuffers {
    fn group(&mut self, path: Path) -> &mut Group {
        let number = self.groups.iter().position(|group| group.path() == path).unwrap_or_else(|| {
            self.groups.push(Group::new(path));
            self.groups.len() - 1
        });
        &mut self.groups[number]
    }
}

/// Where the sections of a block are, as [`FileReader::section_at`] counts them.
#[derive(Clone, Copy, Debug)]
pub struct Sections {
    /// Records.
    pub records: usize,
    /// What goes with them: the base table, or the lengths of streams.
    pub beside: usize,
}

/// A row that is wanted, or a part of it.
pub struct Wanted<'a> {
    /// Number of the row in its block.
    pub row: u64,
    /// Of an image, the part; `None`: all of it.
    pub window: Option<Window>,
    /// Whether an image whose channels lie last shall have them first in `out`.
    pub planes: bool,
    /// Where it goes, with its exact size.
    pub out: &'a mut [u8],
}

/// An error, and for which of those wanted.
pub type RowError = (usize, Error);

/// The sides of the images of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sides {
    /// All have the same.
    Same(ImageSides),
    /// Each has its own.
    Own(Shapes),
}

impl Sides {
    /// The sides of the images of a block of `rows` rows; `section` finds the section that has them if each has its own.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Io`].
    pub fn open(
        file: &FileReader,
        section: impl Fn() -> Result<usize>,
        images: Images,
        rows: u64,
    ) -> Result<Self> {
        match images.sides {
            Some(sides) => Ok(Self::Same(sides)),
            None => Ok(Self::Own(Shapes::open(file, section()?, images, rows)?)),
        }
    }

    /// Streams of `rows` images, where each has `streams(sides)`.
    fn streams(&self, rows: u64, streams: impl Fn(ImageSides) -> usize) -> u64 {
        match self {
            Self::Same(sides) => rows.saturating_mul(streams(*sides) as u64),
            Self::Own(shapes) => shapes.streams(),
        }
    }

    /// Sides of the image in `row`, which exists, and the number of its first stream.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Io`].
    pub fn row(
        &self,
        file: &FileReader,
        row: u64,
        streams: impl Fn(ImageSides) -> usize,
    ) -> Result<(ImageSides, u64)> {
        match self {
            Self::Same(sides) => Ok((*sides, row * streams(*sides) as u64)),
            Self::Own(shapes) => shapes.row(file, row, streams),
        }
    }
}

impl Wanted<'_> {
    /// The part of `image` that is wanted, after checking that it lies there and that `out` has its size.
    ///
    /// # Errors
    /// [`Error::Argument`].
    pub fn window_of(&self, image: &ImageShape, element_bytes: usize) -> Result<Window> {
        let sides = (image.height, image.width);
        let window = self.window.unwrap_or(image.window());
        if !window.fits(sides) {
            let Window { top, left, height, width } = window;
            return Err(Error::Argument(format!(
                "the region of {height} x {width} pixels from row {top}, column {left} on does not lie in an image \
                 of {} x {} pixels",
                sides.0, sides.1
            )));
        }
        let bytes = window.height * window.width * image.channels * element_bytes;
        if self.out.len() != bytes {
            let have = self.out.len();
            return Err(Error::Argument(format!("a buffer of {have} bytes for an image of {bytes} bytes")));
        }
        Ok(window)
    }
}

/// Copy `window` of the image `bytes` to `out`.
pub fn copy_window(bytes: &[u8], image: &ImageShape, element_bytes: usize, window: Window, out: &mut [u8]) {
    let mut rest = out;
    for (first, count) in image.runs(window) {
        let (now, later) = std::mem::take(&mut rest).split_at_mut(count * element_bytes);
        now.copy_from_slice(&bytes[first * element_bytes..][..now.len()]);
        rest = later;
    }
}

/// Read `window` of an image that is stored as it is from byte `start` of `section` on, and no more than that.
#[expect(clippy::too_many_arguments, reason = "where it is, what it is, and where it goes")]
fn read_runs(
    file: &FileReader,
    section: &Section,
    start: u64,
    image: &ImageShape,
    element_bytes: usize,
    window: Window,
    out: &mut [u8],
    buffers: &mut ReadBuffers,
) -> Result<()> {
    buffers.bytes_read += out.len() as u64;
    let whole = window == image.window();
    let all = whole.then_some((0, image.pixels() * image.channels));
    let runs = (!whole).then(|| image.runs(window));
    let mut rest = out;
    for (first, count) in all.into_iter().chain(runs.into_iter().flatten()) {
        let (now, later) = std::mem::take(&mut rest).split_at_mut(count * element_bytes);
        let from = start.saturating_add((first * element_bytes) as u64);
        now.copy_from_slice(file.read(section, from, now.len() as u64, 0, &mut buffers.records)?);
        rest = later;
    }
    Ok(())
}

/// The coder of one block, whichever it is.
pub enum Coder {
    /// Fixed width.
    Packed(Packed),
    /// Predicted pixels and entropy-coded residuals.
    Predicted(Box<Predicted>),
    /// Filtered rows of pixels, and residuals in groups.
    Filtered(Filtered),
    /// Columns of a table, entropy-coded in groups of rows.
    Grouped(Box<grouped::Grouped>),
}

impl Coder {
    /// Check the lengths of the sections against `rows` rows, before anything trusts them.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`].
    pub fn check(&self, file: &FileReader, at: Sections, rows: u64) -> Result<()> {
        match self {
            Self::Packed(packed) => packed.check(file, at, rows),
            Self::Predicted(_) | Self::Filtered(_) | Self::Grouped(_) => Ok(()),
        }
    }

    /// Write the bits of row `row` to `out`.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`], [`crate::Error::Io`].
    pub fn read_row(
        &self,
        file: &FileReader,
        at: Sections,
        row: u64,
        out: &mut [u8],
        buffers: &mut ReadBuffers,
    ) -> Result<()> {
        match self {
            Self::Packed(packed) => packed.read_row(file, at, row, out, buffers),
            Self::Predicted(predicted) => predicted
                .read_rows(file, at, &mut [Wanted { row, window: None, planes: false, out }], buffers)
                .map_err(|(_, error)| error),
            Self::Filtered(filtered) => {
                filtered.read_row(file, at, &mut Wanted { row, window: None, planes: false, out }, buffers)
            }
            Self::Grouped(grouped) => grouped.read_row(file, at, row, out, buffers),
        }
    }

    /// Sides of the image in row `row`; `None` where rows are no images to this coder.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`], [`crate::Error::Io`].
    pub fn sides(&self, file: &FileReader, row: u64) -> Result<Option<ImageSides>> {
        match self {
            Self::Packed(_) | Self::Grouped(_) => Ok(None),
            Self::Predicted(predicted) => predicted.sides(file, row).map(Some),
            Self::Filtered(filtered) => filtered.sides(file, row).map(Some),
        }
    }

    /// The base_id of row `row`.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`], [`crate::Error::Io`].
    pub fn read_base_id(
        &self,
        file: &FileReader,
        at: Sections,
        row: u64,
        buffers: &mut ReadBuffers,
    ) -> Result<u64> {
        match self {
            Self::Packed(packed) => packed.read_base_id(file, at, row, buffers),
            Self::Predicted(_) | Self::Filtered(_) | Self::Grouped(_) => Ok(0),
        }
    }

    /// `n_b`.
    pub fn bases(&self) -> u64 {
        match self {
            Self::Packed(packed) => packed.bases(),
            Self::Predicted(_) | Self::Filtered(_) | Self::Grouped(_) => 1,
        }
    }

    /// Bits of one base, without the constant ones.
    pub fn base_bits(&self) -> u64 {
        match self {
            Self::Packed(packed) => packed.base_bits(),
            Self::Predicted(_) | Self::Filtered(_) | Self::Grouped(_) => 0,
        }
    }

    /// Bits of one record; `None` where records differ in length.
    pub fn record_bits(&self) -> Option<u64> {
        match self {
            Self::Packed(packed) => Some(packed.record_bits()),
            Self::Predicted(_) | Self::Filtered(_) | Self::Grouped(_) => None,
        }
    }
}

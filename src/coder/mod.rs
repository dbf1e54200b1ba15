//! How the bits of a block become bytes. In: rows and a split, or the block's sections. Out: records, and rows again.
//!
//! A coder is one file with one type: add the file, a variant of [`Coder`] with its arms, a number in
//! `block/parameters.rs` and `docs/format.md`, and the writing of its records in `compress/encode.rs`.

mod filtered;
pub mod lengths;
mod packed;
mod predicted;

pub use filtered::Filtered;
pub use packed::Packed;
pub use predicted::{Codec, Predicted, RowError};

use crate::container::FileReader;
use crate::error::Result;
use crate::kernels::lanes::{Group, Path};
use crate::kernels::rows::Scratch;
use crate::predict::planes::Extent;

/// Buffers of one thread for bytes that do not lie in a map.
#[derive(Default)]
pub struct ReadBuffers {
    records: Vec<u8>,
    bases: Vec<u8>,
    /// Where streams are.
    places: Vec<(u64, u64)>,
    /// Working memory of [`Filtered`].
    scratch: Scratch,
    /// Working memory of [`Predicted`].
    groups: Vec<((Extent, usize, Path), Group)>,
    /// Bytes of records and bases read so far.
    pub bytes_read: u64,
}

/// Where the sections of a block are, as [`FileReader::section_at`] counts them.
#[derive(Clone, Copy, Debug)]
pub struct Sections {
    /// Records.
    pub records: usize,
    /// What goes with them: the base table, or the lengths of streams.
    pub beside: usize,
}

/// The coder of one block, whichever it is.
pub enum Coder {
    /// Fixed width.
    Packed(Packed),
    /// Predicted pixels and entropy-coded residuals.
    Predicted(Box<Predicted>),
    /// Filtered rows of pixels, and residuals in groups.
    Filtered(Filtered),
}

impl Coder {
    /// Check the lengths of the sections against `rows` rows, before anything trusts them.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`].
    pub fn check(&self, file: &FileReader, at: Sections, rows: u64) -> Result<()> {
        match self {
            Self::Packed(packed) => packed.check(file, at, rows),
            Self::Predicted(_) | Self::Filtered(_) => Ok(()),
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
            Self::Predicted(predicted) => {
                predicted.read_rows(file, at, &[row], &mut [out], buffers).map_err(|(_, error)| error)
            }
            Self::Filtered(filtered) => filtered.read_row(file, at, row, out, buffers),
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
            Self::Predicted(_) | Self::Filtered(_) => Ok(0),
        }
    }

    /// `n_b`.
    pub fn bases(&self) -> u64 {
        match self {
            Self::Packed(packed) => packed.bases(),
            Self::Predicted(_) | Self::Filtered(_) => 1,
        }
    }

    /// Bits of one base, without the constant ones.
    pub fn base_bits(&self) -> u64 {
        match self {
            Self::Packed(packed) => packed.base_bits(),
            Self::Predicted(_) | Self::Filtered(_) => 0,
        }
    }

    /// Bits of one record; `None` where records differ in length.
    pub fn record_bits(&self) -> Option<u64> {
        match self {
            Self::Packed(packed) => Some(packed.record_bits()),
            Self::Predicted(_) | Self::Filtered(_) => None,
        }
    }
}

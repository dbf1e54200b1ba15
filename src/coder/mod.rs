//! How the bits of a block become bytes. In: rows and a split, or the block's sections. Out: records, and rows again.
//!
//! A coder is one file with one type: add the file, a variant of [`Coder`] with its arms, a number in
//! `block/parameters.rs` and `docs/format.md`, and the writing of its records in `compress/encode.rs`.

mod packed;

pub use packed::Packed;

use crate::container::FileReader;
use crate::error::Result;

/// Buffers of one thread for bytes that do not lie in a map.
#[derive(Debug, Default)]
pub struct ReadBuffers {
    records: Vec<u8>,
    bases: Vec<u8>,
    /// Bytes of records and bases read so far.
    pub bytes_read: u64,
}

/// Where the sections of a block are, as [`FileReader::section_at`] counts them.
#[derive(Clone, Copy, Debug)]
pub struct Sections {
    /// Records.
    pub records: usize,
    /// Base table.
    pub bases: usize,
}

/// The coder of one block, whichever it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coder {
    /// Fixed width.
    Packed(Packed),
}

impl Coder {
    /// Check the lengths of the sections against `rows` rows, before anything trusts them.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`].
    pub fn check(&self, file: &FileReader, at: Sections, rows: u64) -> Result<()> {
        match self {
            Self::Packed(packed) => packed.check(file, at, rows),
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
        }
    }

    /// `n_b`.
    pub fn bases(&self) -> u64 {
        match self {
            Self::Packed(packed) => packed.bases(),
        }
    }

    /// Bits of one base, without the constant ones.
    pub fn base_bits(&self) -> u64 {
        match self {
            Self::Packed(packed) => packed.base_bits(),
        }
    }

    /// Bits of one record.
    pub fn record_bits(&self) -> u64 {
        match self {
            Self::Packed(packed) => packed.record_bits(),
        }
    }
}

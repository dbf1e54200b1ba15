//! The `filtered` coder: row filters and groups of eight residuals, one stream for each image. In: the parameters of a
//! block, and row numbers. Out: rows.
//!
//! An image whose stream would not be smaller than its pixels is stored as it is; its length tells.

use super::lengths::Lengths;
use super::{ReadBuffers, Sections};
use crate::container::FileReader;
use crate::error::Result;
use crate::kernels::rows::{self, OVERREAD, Shape};

/// How images of a block are stored, and where their streams are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filtered {
    shape: Shape,
    lengths: Lengths,
}

impl Filtered {
    /// Check the lengths of the streams of `rows` rows.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`], [`crate::Error::Io`].
    pub fn open(file: &FileReader, at: Sections, shape: Shape, rows: u64) -> Result<Self> {
        Ok(Self { shape, lengths: Lengths::open(file, file.section_at(at.beside), rows)? })
    }

    pub(super) fn read_row(
        &self,
        file: &FileReader,
        at: Sections,
        row: u64,
        out: &mut [u8],
        buffers: &mut ReadBuffers,
    ) -> Result<()> {
        buffers.places.clear();
        self.lengths.places(file, file.section_at(at.beside), row, 1, &mut buffers.places)?;
        let Some(&(start, length)) = buffers.places.first() else { return Ok(()) };
        let records = file.section_at(at.records);
        let bytes = file.read(records, start, length, OVERREAD as u64, &mut buffers.records)?;
        buffers.bytes_read += length;
        let raw = out.len().next_multiple_of(2) as u64;
        if length == raw {
            out.copy_from_slice(&bytes[..out.len()]);
            return Ok(());
        }
        if length < raw && rows::decode(bytes, length as usize, &self.shape, &mut buffers.scratch, out) {
            return Ok(());
        }
        Err(file.corrupt(records.entry().id, "a stream does not end as it should"))
    }
}

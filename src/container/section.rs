//! Entries of the section table. In: what a section is and where. Out: 64 bytes, and back.

use super::header::{u16_at, u32_at, u64_at};
use crate::error::{Error, Result};

/// Size of one entry of the section table.
pub const ENTRY_BYTES: usize = 64;

/// Kinds from this number on may be skipped by a reader that does not know them.
const OPTIONAL: u16 = 0x8000;

/// What a section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SectionKind {
    /// The JSON description of the file.
    Metadata,
    /// The values of one raw field; the partition number is the field's.
    Field,
    /// For every sample its row, in files of several partitions.
    Index,
    /// Column parameters and split of one block.
    Parameters,
    /// Base table of one block.
    Bases,
    /// Records (base_id and deviation) of one block.
    Rows,
    /// Lengths of the streams of one block.
    Lengths,
    /// Sides of the images of one block.
    Shapes,
    /// The dictionary (layer 0) or the strings (layer 1) of one column of a table; the partition number is the
    /// column's.
    Values,
    /// Condensed samples of a table, or what makes them.
    Condensed,
    /// Something optional from a newer minor version.
    Unknown(u16),
}

impl SectionKind {
    const KNOWN: [(u16, Self, &'static str); 10] = [
        (1, Self::Metadata, "metadata"),
        (2, Self::Field, "fields"),
        (3, Self::Index, "index"),
        (4, Self::Parameters, "parameters"),
        (5, Self::Bases, "bases"),
        (6, Self::Rows, "rows"),
        (7, Self::Lengths, "lengths"),
        (8, Self::Shapes, "shapes"),
        (9, Self::Values, "values"),
        (OPTIONAL, Self::Condensed, "condensed"),
    ];

    /// Number in the file.
    pub fn number(self) -> u16 {
        match self {
            Self::Unknown(number) => number,
            known => Self::KNOWN.iter().find(|entry| entry.1 == known).map_or(0, |entry| entry.0),
        }
    }

    /// Name for `info` and messages.
    pub fn name(self) -> &'static str {
        Self::KNOWN.iter().find(|entry| entry.1 == self).map_or("unknown", |entry| entry.2)
    }

    fn from_number(number: u16) -> Option<Self> {
        let known = Self::KNOWN.iter().find(|entry| entry.0 == number).map(|entry| entry.1);
        known.or((number >= OPTIONAL).then_some(Self::Unknown(number)))
    }
}

/// Which section: unique in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SectionId {
    /// What it holds.
    pub kind: SectionKind,
    /// Of which partition (or field); 0 where that means nothing.
    pub partition: u32,
    /// Of which layer; 0 where that means nothing.
    pub layer: u16,
}

impl SectionId {
    /// Layer of the strings of a column.
    const STRINGS: u16 = 1;

    /// The dictionary of a column.
    pub fn dictionary(column: u32) -> Self {
        Self { kind: SectionKind::Values, partition: column, layer: 0 }
    }

    /// The strings of a column.
    pub fn strings(column: u32) -> Self {
        Self { kind: SectionKind::Values, partition: column, layer: Self::STRINGS }
    }

    /// A section of the whole file.
    pub fn whole(kind: SectionKind) -> Self {
        Self { kind, partition: 0, layer: 0 }
    }

    /// For messages: "rows of partition 3, layer 1".
    pub fn describe(&self) -> String {
        match self.kind {
            SectionKind::Metadata | SectionKind::Index | SectionKind::Condensed => {
                self.kind.name().to_owned()
            }
            SectionKind::Field => format!("field {}", self.partition),
            SectionKind::Values if self.layer == Self::STRINGS => {
                format!("strings of column {}", self.partition)
            }
            SectionKind::Values => format!("values of column {}", self.partition),
            kind => format!("{} of partition {}, layer {}", kind.name(), self.partition, self.layer),
        }
    }
}

/// Where a section is and how to check it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionEntry {
    /// Which section.
    pub id: SectionId,
    /// First byte of the payload; a multiple of 64.
    pub offset: u64,
    /// Bytes of the payload.
    pub bytes: u64,
    /// First byte of the chunk checksums, 8 bytes each; the payload's end rounded up to 8.
    pub checks_offset: u64,
    /// xxh3-64 of the chunk checksums.
    pub checks_checksum: u64,
    /// `log2` of the bytes one checksum covers.
    pub chunk_log2: u8,
}

impl SectionEntry {
    /// Number of chunk checksums.
    pub fn chunks(&self) -> u64 {
        self.bytes.div_ceil(1 << self.chunk_log2)
    }

    /// The entry as bytes.
    pub fn to_bytes(&self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        bytes[..2].copy_from_slice(&self.id.kind.number().to_le_bytes());
        bytes[2..4].copy_from_slice(&self.id.layer.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.id.partition.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.offset.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.bytes.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.checks_offset.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.checks_checksum.to_le_bytes());
        bytes[40] = self.chunk_log2;
        bytes
    }

    /// Read an entry; where it points is checked by the reader of the whole table.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for an unknown kind that may not be skipped or an impossible chunk size.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let number = u16_at(bytes, 0);
        let kind = SectionKind::from_number(number).ok_or_else(|| {
            Error::corrupt(
                "section table",
                format!("section kind {number} is unknown and may not be skipped"),
            )
        })?;
        let chunk_log2 = bytes[40];
        if !(6..=30).contains(&chunk_log2) {
            return Err(Error::corrupt("section table", format!("a checksum over 2^{chunk_log2} bytes")));
        }
        Ok(Self {
            id: SectionId { kind, partition: u32_at(bytes, 4), layer: u16_at(bytes, 2) },
            offset: u64_at(bytes, 8),
            bytes: u64_at(bytes, 16),
            checks_offset: u64_at(bytes, 24),
            checks_checksum: u64_at(bytes, 32),
            chunk_log2,
        })
    }
}

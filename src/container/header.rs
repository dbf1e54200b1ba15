//! The first 64 bytes of a file. In: sizes and versions. Out: bytes, and back with every field checked.

use std::path::Path;

use super::checksum::hash;
use crate::error::{Error, Result};

/// The file's first bytes; the line ends in it catch transfers that "repair" text.
pub const MAGIC: [u8; 8] = [0x89, b'G', b'E', b'D', b'E', b'\r', 0x1A, b'\n'];

/// Major and minor version that this library writes. It reads every minor version of this major version.
pub const FORMAT_VERSION: (u16, u16) = (1, 0);

/// The oldest library version that can read what this library writes.
const NEEDS_LIBRARY: [u16; 3] = [0, 1, 0];

/// Size of the header.
pub const HEADER_BYTES: usize = 64;

/// What the header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Length of the whole file.
    pub file_bytes: u64,
    /// Where the section table begins.
    pub table_offset: u64,
    /// Number of its entries.
    pub sections: u32,
    /// xxh3-64 of the section table.
    pub table_checksum: u64,
}

impl Header {
    /// The header as bytes.
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&FORMAT_VERSION.0.to_le_bytes());
        bytes[10..12].copy_from_slice(&FORMAT_VERSION.1.to_le_bytes());
        for (field, number) in bytes[12..18].chunks_exact_mut(2).zip(NEEDS_LIBRARY) {
            field.copy_from_slice(&number.to_le_bytes());
        }
        bytes[24..32].copy_from_slice(&self.file_bytes.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.table_offset.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.sections.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.table_checksum.to_le_bytes());
        let sum = hash(&bytes[..56]);
        bytes[56..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Read a header of the file `path`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where it is not one, [`Error::NewerFormat`] where it is one of a later major version.
    pub fn from_bytes(bytes: &[u8; HEADER_BYTES], path: &Path) -> Result<Self> {
        if bytes[..8] != MAGIC {
            let detail = "this is not a .gede file (its first bytes are different)";
            return Err(Error::corrupt("header", detail));
        }
        if hash(&bytes[..56]) != u64_at(bytes, 56) {
            return Err(Error::corrupt("header", "its checksum does not match"));
        }
        let (major, minor) = (u16_at(bytes, 8), u16_at(bytes, 10));
        if major > FORMAT_VERSION.0 {
            let needs = [u16_at(bytes, 12), u16_at(bytes, 14), u16_at(bytes, 16)];
            return Err(Error::NewerFormat {
                path: path.display().to_string(),
                major,
                minor,
                needs: needs.map(|n| n.to_string()).join("."),
            });
        }
        if major == 0 {
            return Err(Error::corrupt("header", "format version 0 does not exist"));
        }
        Ok(Self {
            file_bytes: u64_at(bytes, 24),
            table_offset: u64_at(bytes, 32),
            sections: u32_at(bytes, 40),
            table_checksum: u64_at(bytes, 48),
        })
    }
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut field = [0; 4];
    field.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(field)
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut field = [0; 8];
    field.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_major_version_names_the_library_to_install() {
        let header = Header { file_bytes: 128, table_offset: 64, sections: 1, table_checksum: 5 };
        let mut bytes = header.to_bytes();
        let path = Path::new("x.gede");
        assert_eq!(Header::from_bytes(&bytes, path).unwrap(), header);
        bytes[8] = 2;
        bytes[12..18].copy_from_slice(&[3, 0, 1, 0, 4, 0]);
        let sum = hash(&bytes[..56]).to_le_bytes();
        bytes[56..].copy_from_slice(&sum);
        let error = Header::from_bytes(&bytes, path).unwrap_err();
        assert_eq!(
            error.to_string(),
            "x.gede: written in format 2.0; reading it needs dreamlearning 3.1.4 or newer"
        );
    }
}

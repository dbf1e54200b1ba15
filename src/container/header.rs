//! The first 64 bytes of a file. In: sizes and versions. Out: bytes, and back with every field checked.

use std::path::Path;

use super::checksum::hash;
use crate::error::{Error, Result};

/// The file's first bytes. As PNG's: not text, and both kinds of line end in it are changed by transfers that
/// "repair" text.
pub const MAGIC: [u8; 8] = [0x89, b'G', b'E', b'D', b'\r', b'\n', 0x1A, b'\n'];

/// Major and minor version that this library writes. It reads files of earlier minor versions, and of later ones that
/// use nothing it does not know.
pub const FORMAT_VERSION: (u16, u16) = (1, 0);

/// The oldest library version that can read what this library writes.
const NEEDS_LIBRARY: [u16; 3] = [0, 1, 0];

/// Size of the header.
pub const HEADER_BYTES: usize = 64;

/// What the header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Major and minor version of the format.
    pub version: (u16, u16),
    /// The oldest library version that reads the file.
    pub needs: [u16; 3],
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
    /// The header of a file that this library writes.
    pub fn new(file_bytes: u64, table_offset: u64, sections: u32, table_checksum: u64) -> Self {
        let (version, needs) = (FORMAT_VERSION, NEEDS_LIBRARY);
        Self { version, needs, file_bytes, table_offset, sections, table_checksum }
    }

    /// The header as bytes.
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&self.version.0.to_le_bytes());
        bytes[10..12].copy_from_slice(&self.version.1.to_le_bytes());
        for (field, number) in bytes[12..18].chunks_exact_mut(2).zip(self.needs) {
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
        let header = Self {
            version: (u16_at(bytes, 8), u16_at(bytes, 10)),
            needs: [u16_at(bytes, 12), u16_at(bytes, 14), u16_at(bytes, 16)],
            file_bytes: u64_at(bytes, 24),
            table_offset: u64_at(bytes, 32),
            sections: u32_at(bytes, 40),
            table_checksum: u64_at(bytes, 48),
        };
        if header.version.0 > FORMAT_VERSION.0 {
            return Err(header.too_new(path));
        }
        if header.version.0 == 0 {
            return Err(Error::corrupt("header", "format version 0 does not exist"));
        }
        Ok(header)
    }

    /// The error for a file that needs a newer library.
    pub fn too_new(&self, path: &Path) -> Error {
        Error::NewerFormat {
            path: path.display().to_string(),
            major: self.version.0,
            minor: self.version.1,
            needs: self.needs.map(|n| n.to_string()).join("."),
        }
    }

    /// What a part that this library does not understand means: damage, or in a file of a newer minor version,
    /// that a newer library is needed.
    #[must_use]
    pub fn explain(&self, error: Error, path: &Path) -> Error {
        match error {
            Error::Corrupt { .. } if self.version.1 > FORMAT_VERSION.1 => self.too_new(path),
            other => other.in_file(path),
        }
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
        let header = Header::new(128, 64, 1, 5);
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

//! The parameters section of a block of the coder `filtered`. In: how images are stored. Out: bytes, and back.

/// Number of the coder in the file, the first byte of the section.
pub const CODER_FILTERED: u8 = 2;

const BYTES: usize = 16;

/// What is stored of a block whose rows of pixels are filtered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilteredParameters {
    /// Number of rows.
    pub rows: u64,
    /// Whether red and blue are stored as differences to green.
    pub differences: bool,
}

impl FilteredParameters {
    /// The section's payload.
    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = vec![CODER_FILTERED, u8::from(self.differences), 0, 0, 0, 0, 0, 0];
        bytes.extend(self.rows.to_le_bytes());
        bytes
    }

    /// Read the section of a block of `rows` samples.
    ///
    /// # Errors
    /// A description of the first contradiction.
    pub fn from_bytes(bytes: &[u8], rows: u64) -> Result<Self, String> {
        if bytes.len() != BYTES {
            return Err(format!("{} bytes instead of {BYTES}", bytes.len()));
        }
        let stored_rows = bytes[8..].iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte));
        if stored_rows != rows {
            return Err(format!("{stored_rows} rows where the partition has {rows}"));
        }
        if bytes[1] > 1 || bytes[2..8] != [0; 6] {
            return Err("impossible flags".to_owned());
        }
        Ok(Self { rows, differences: bytes[1] == 1 })
    }
}

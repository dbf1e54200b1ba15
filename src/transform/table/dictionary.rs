//! The code `dictionary`. In: the bits of a cell. Out: its place among the column's distinct values, which are in a
//! section of the file, sorted as the code `ordered` sorts them.

use super::ordered;
use crate::error::{Error, Result};
use crate::sample::DType;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Dictionary {
    /// The values as `ordered` encodes them, increasing.
    keys: Vec<u64>,
}

impl Dictionary {
    /// Read the section of a column of `dtype`.
    ///
    /// # Errors
    /// [`Error::Argument`] for a length that is no number of values, no values, or values out of order.
    pub(super) fn from_bytes(dtype: DType, bytes: &[u8]) -> Result<Self> {
        let size = dtype.size();
        if bytes.is_empty() || !bytes.len().is_multiple_of(size) {
            let detail = format!("{} bytes are no dictionary of dtype {}", bytes.len(), dtype.name());
            return Err(Error::Argument(detail));
        }
        let keys: Vec<u64> =
            bytes.chunks_exact(size).map(|cell| ordered::encode(dtype, super::load(cell))).collect();
        if let Some(place) = keys.windows(2).position(|pair| pair[0] >= pair[1]) {
            return Err(Error::Argument(format!("value {} of the dictionary is out of order", place + 1)));
        }
        Ok(Self { keys })
    }

    /// The section of a column with these values, as `ordered` encodes them.
    pub(super) fn to_bytes(dtype: DType, keys: &[u64]) -> Vec<u8> {
        let size = dtype.size();
        let cells = keys.iter().map(|&key| ordered::decode(dtype, key).to_le_bytes());
        cells.flat_map(|cell| cell.into_iter().take(size)).collect()
    }

    /// `None` for a value that it does not have.
    pub(super) fn encode(&self, dtype: DType, bits: u64) -> Option<u64> {
        self.keys.binary_search(&ordered::encode(dtype, bits)).ok().map(|place| place as u64)
    }

    /// The value at a place; 0 past the end, where only a file made to deceive has any.
    #[inline]
    pub(super) fn decode(&self, dtype: DType, stored: u64) -> u64 {
        let key = usize::try_from(stored).ok().and_then(|place| self.keys.get(place));
        key.map_or(0, |&key| ordered::decode(dtype, key))
    }
}

//! Bit positions of a row. In: a layer's columns and their exact widths. Out: the numbering of its bit positions
//! and masks over the row's bits.
//!
//! A *row* is one sample's columns of one layer, each in a little-endian container of 1, 2, 4 or 8 bytes. A *row
//! bit* counts bits in memory order (byte 0 first, least significant bit first). A *bit position* counts only the
//! `l_t` bits that columns really have: column after column, most significant bit first.

mod mask;
mod matrix;
mod offsets;
mod stream;

pub use mask::{ones_of_words, pack_positions, unpack_positions};
pub use matrix::{BitSlices, count_ones, slice_rows};
pub use offsets::{Ranges, add_offsets};
pub use stream::{BitWriter, PADDING, read_bits};

/// `ceil(log2(count))`: bits that number `count` things; 0 for none or one.
pub const fn bits_for(count: u64) -> u32 {
    if count <= 1 { 0 } else { u64::BITS - (count - 1).leading_zeros() }
}

/// Size in bytes of the integer that holds one column in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// 1 byte.
    U8,
    /// 2 bytes.
    U16,
    /// 4 bytes.
    U32,
    /// 8 bytes.
    U64,
}

impl Container {
    /// Size in bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::U16 => 2,
            Self::U32 => 4,
            Self::U64 => 8,
        }
    }

    /// Size in bits.
    pub const fn bits(self) -> u32 {
        8 * self.bytes() as u32
    }

    /// The container of `bytes` bytes.
    pub const fn from_bytes(bytes: usize) -> Option<Self> {
        match bytes {
            1 => Some(Self::U8),
            2 => Some(Self::U16),
            4 => Some(Self::U32),
            8 => Some(Self::U64),
            _ => None,
        }
    }

    /// Read column `index` of a row.
    #[inline]
    pub fn get(self, row: &[u8], index: usize) -> u64 {
        match self {
            Self::U8 => row[index].into(),
            Self::U16 => u16::from_le_bytes(row.as_chunks().0[index]).into(),
            Self::U32 => u32::from_le_bytes(row.as_chunks().0[index]).into(),
            Self::U64 => u64::from_le_bytes(row.as_chunks().0[index]),
        }
    }

    /// Write column `index` of a row; bits above the container are dropped.
    #[inline]
    pub fn set(self, row: &mut [u8], index: usize, value: u64) {
        match self {
            Self::U8 => row[index] = value as u8,
            Self::U16 => row.as_chunks_mut().0[index] = (value as u16).to_le_bytes(),
            Self::U32 => row.as_chunks_mut().0[index] = (value as u32).to_le_bytes(),
            Self::U64 => row.as_chunks_mut().0[index] = value.to_le_bytes(),
        }
    }
}

/// Which bits of a row exist: columns of one container size, each with its exact width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BitLayout {
    /// Container of every column.
    pub container: Container,
    /// Width of each column in bits, 0 to the container's.
    pub widths: Vec<u8>,
}

impl BitLayout {
    /// `columns` columns that use their whole container.
    pub fn full(columns: usize, container: Container) -> Self {
        Self { container, widths: vec![container.bits() as u8; columns] }
    }

    /// Bytes of a row.
    pub fn row_bytes(&self) -> usize {
        self.widths.len() * self.container.bytes()
    }

    /// 64-bit words that cover a row; the last may reach past its end.
    pub fn row_words(&self) -> usize {
        self.row_bytes().div_ceil(8)
    }

    /// `l_t`: the number of bit positions.
    pub fn total_bits(&self) -> u64 {
        self.widths.iter().map(|&w| u64::from(w)).sum()
    }

    /// The row bit of every position, in the order of positions.
    pub fn row_bits(&self) -> Vec<u32> {
        let step = self.container.bits();
        let columns = self.widths.iter().zip(0u32..);
        columns.flat_map(|(&w, column)| (0..u32::from(w)).rev().map(move |bit| column * step + bit)).collect()
    }

    /// Mask over the row's words with a one at every position.
    pub fn mask(&self) -> Vec<u64> {
        let mut row = vec![0u8; self.row_words() * 8];
        for (index, &width) in self.widths.iter().enumerate() {
            let ones = if width == 0 { 0 } else { u64::MAX >> (64 - u32::from(width)) };
            self.container.set(&mut row, index, ones);
        }
        words_of(&row)
    }
}

/// The little-endian words of `bytes`, the last filled up with zeros.
pub fn words_of(bytes: &[u8]) -> Vec<u64> {
    bytes
        .chunks(8)
        .map(|chunk| {
            let mut word = [0u8; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_le_bytes(word)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_for_is_the_ceiling_of_log2() {
        let expected = [(0, 0), (1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (1 << 32, 32), ((1 << 32) + 1, 33)];
        for (count, bits) in expected {
            assert_eq!(bits_for(count), bits, "{count}");
        }
    }

    #[test]
    fn positions_run_column_by_column_most_significant_first() {
        let layout = BitLayout { container: Container::U16, widths: vec![3, 0, 2] };
        assert_eq!(layout.total_bits(), 5);
        assert_eq!(layout.row_bits(), [2, 1, 0, 33, 32]);
        assert_eq!(layout.mask(), [0b111 | 0b11 << 32]);
        assert_eq!(layout.row_bytes(), 6);
    }

    #[test]
    fn containers_read_what_they_wrote() {
        for container in [Container::U8, Container::U16, Container::U32, Container::U64] {
            let mut row = vec![0u8; 4 * container.bytes()];
            container.set(&mut row, 2, 0x1122_3344_5566_7788);
            let mask = u64::MAX >> (64 - container.bits());
            assert_eq!(container.get(&row, 2), 0x1122_3344_5566_7788 & mask);
            assert_eq!(container.get(&row, 1), 0);
            assert_eq!(container.get(&row, 3), 0);
        }
    }
}

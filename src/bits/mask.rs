//! Masks over bit positions as bytes of a file. In: a mask over the row's words. Out: one bit per position (the
//! paper's "l_t-bit mask"), and back.

use bitvec::prelude::{BitSlice, BitVec, Lsb0};

use super::BitLayout;

/// One bit for every position of `layout` that `within` selects, in the order of positions: whether `mask` has it.
pub fn pack_positions(layout: &BitLayout, within: &[u64], mask: &[u64]) -> Vec<u8> {
    let mut bits: BitVec<u8, Lsb0> = BitVec::new();
    for row_bit in layout.row_bits() {
        if test(within, row_bit) {
            bits.push(test(mask, row_bit));
        }
    }
    bits.set_uninitialized(false);
    bits.into_vec()
}

/// The inverse of [`pack_positions`]; `packed` holds at least as many bits as `within` has ones.
pub fn unpack_positions(layout: &BitLayout, within: &[u64], packed: &[u8]) -> Vec<u64> {
    let bits: &BitSlice<u8, Lsb0> = BitSlice::from_slice(packed);
    let mut mask = vec![0u64; within.len()];
    let positions = layout.row_bits().into_iter().filter(|&row_bit| test(within, row_bit));
    for (row_bit, set) in positions.zip(bits.iter().by_vals()) {
        mask[row_bit as usize / 64] |= u64::from(set) << (row_bit % 64);
    }
    mask
}

/// Number of ones in a mask.
pub fn ones_of_words(words: &[u64]) -> u64 {
    words.iter().map(|w| u64::from(w.count_ones())).sum()
}

fn test(words: &[u64], row_bit: u32) -> bool {
    words[row_bit as usize / 64] >> (row_bit % 64) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::super::Container;
    use super::*;

    #[test]
    fn masks_survive_packing() {
        let layout = BitLayout { container: Container::U16, widths: vec![9, 0, 16, 5, 1] };
        let all = layout.mask();
        let mask: Vec<u64> = all.iter().map(|w| w & 0xA5A5_1234_F0F0_3C3C).collect();
        let packed = pack_positions(&layout, &all, &mask);
        assert_eq!(packed.len() as u64, layout.total_bits().div_ceil(8));
        assert_eq!(unpack_positions(&layout, &all, &packed), mask);
        let inner: Vec<u64> = mask.iter().map(|w| w & 0x5555_5555_5555_5555).collect();
        let packed = pack_positions(&layout, &mask, &inner);
        assert_eq!(packed.len() as u64, ones_of_words(&mask).div_ceil(8));
        assert_eq!(unpack_positions(&layout, &mask, &packed), inner);
    }
}

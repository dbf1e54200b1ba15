//! Rows as a bit matrix. In: rows in memory. Out: how many rows have a one at each row bit, or single bit
//! positions as slices over all rows (one bit per row), which is what entropy and the split search work on.
//!
//! Both transpose 64 rows x 64 bits at a time; a count is then one popcount per bit.

/// Transpose a 64x64 bit matrix in place: bit `j` of word `i` goes to bit `i` of word `j`.
fn transpose64(words: &mut [u64; 64]) {
    let mut width = 32;
    let mut mask = 0x0000_0000_FFFF_FFFFu64;
    while width != 0 {
        let mut start = 0;
        while start < 64 {
            for i in start..start + width {
                let swap = (words[i] >> width ^ words[i + width]) & mask;
                words[i] ^= swap << width;
                words[i + width] ^= swap;
            }
            start += 2 * width;
        }
        width /= 2;
        mask ^= mask << width;
    }
}

/// Load word `word` of up to 64 rows of `row_bytes` bytes; missing rows and bytes are zero.
fn load_block(rows: &[u8], row_bytes: usize, word: usize) -> [u64; 64] {
    let mut block = [0u64; 64];
    let start = word * 8;
    let len = (row_bytes - start).min(8);
    for (out, row) in block.iter_mut().zip(rows.chunks_exact(row_bytes)) {
        let mut bytes = [0u8; 8];
        bytes[..len].copy_from_slice(&row[start..start + len]);
        *out = u64::from_le_bytes(bytes);
    }
    block
}

/// Add to `counts[row bit]` the number of rows that have a one there. `counts` covers whole words.
pub fn count_ones(rows: &[u8], row_bytes: usize, counts: &mut [u64]) {
    for block_rows in rows.chunks(64 * row_bytes) {
        for (word, counts) in counts.chunks_exact_mut(64).enumerate() {
            let mut block = load_block(block_rows, row_bytes, word);
            transpose64(&mut block);
            for (count, bits) in counts.iter_mut().zip(&block) {
                *count += u64::from(bits.count_ones());
            }
        }
    }
}

/// Some bit positions of all rows: for each, one bit per row.
#[derive(Debug)]
pub struct BitSlices {
    words: Vec<u64>,
    words_per_slice: usize,
}

impl BitSlices {
    /// Room for `slices` slices of `rows` rows, all zero.
    pub fn new(slices: usize, rows: usize) -> Self {
        let words_per_slice = rows.div_ceil(64);
        Self { words: vec![0; slices * words_per_slice], words_per_slice }
    }

    /// The bits of slice `index`, row 0 in the lowest bit of the first word.
    pub fn get(&self, index: usize) -> &[u64] {
        &self.words[index * self.words_per_slice..(index + 1) * self.words_per_slice]
    }

    /// Put in what [`slice_rows`] made of the rows from `first_row` (a multiple of 64) on.
    pub fn insert(&mut self, first_row: usize, part: &Self) {
        if part.words_per_slice == 0 {
            return;
        }
        let at = first_row / 64;
        let slices = self.words.chunks_exact_mut(self.words_per_slice);
        for (slice, piece) in slices.zip(part.words.chunks_exact(part.words_per_slice)) {
            slice[at..at + piece.len()].copy_from_slice(piece);
        }
    }

    /// The bytes of all slices, one after another.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_to(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        self.words.iter().try_for_each(|word| out.write_all(&word.to_le_bytes()))
    }

    /// As [`BitSlices::insert`], for the bytes that [`BitSlices::write_to`] made of a part.
    pub fn insert_bytes(&mut self, first_row: usize, part: &[u8]) {
        if self.words.is_empty() || part.is_empty() {
            return;
        }
        let slices = self.words.len() / self.words_per_slice;
        let at = first_row / 64;
        let pieces = part.chunks_exact(part.len() / slices);
        for (slice, piece) in self.words.chunks_exact_mut(self.words_per_slice).zip(pieces) {
            for (word, bytes) in slice[at..].iter_mut().zip(piece.chunks_exact(8)) {
                let mut array = [0; 8];
                array.copy_from_slice(bytes);
                *word = u64::from_le_bytes(array);
            }
        }
    }
}

/// Cut the row bits `wanted` (sorted by (word, anything)) out of `rows`; slice `k` is `wanted[k]`.
pub fn slice_rows(rows: &[u8], row_bytes: usize, wanted: &[u32]) -> BitSlices {
    let count = rows.len().checked_div(row_bytes).unwrap_or(0);
    let mut by_word: Vec<(u32, usize)> = wanted.iter().enumerate().map(|(k, &bit)| (bit, k)).collect();
    by_word.sort_unstable();
    let mut slices = BitSlices::new(wanted.len(), count);
    if count == 0 {
        return slices;
    }
    let stride = slices.words_per_slice;
    for (block_index, block_rows) in rows.chunks(64 * row_bytes).enumerate() {
        for group in by_word.chunk_by(|a, b| a.0 / 64 == b.0 / 64) {
            let mut block = load_block(block_rows, row_bytes, group[0].0 as usize / 64);
            transpose64(&mut block);
            for &(bit, k) in group {
                slices.words[k * stride + block_index] = block[bit as usize % 64];
            }
        }
    }
    slices
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bit(rows: &[u8], row_bytes: usize, row: usize, bit: usize) -> bool {
        rows[row * row_bytes + bit / 8] >> (bit % 8) & 1 == 1
    }

    proptest! {
        #[test]
        fn counts_and_slices_agree_with_single_bits(
            row_bytes in 1usize..20, count in 0usize..150, seed in any::<u64>()
        ) {
            let mut state = seed;
            let rows: Vec<u8> = (0..row_bytes * count)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (state >> 56) as u8
                })
                .collect();
            let mut counts = vec![0; row_bytes.div_ceil(8) * 64];
            count_ones(&rows, row_bytes, &mut counts);
            for (b, &counted) in counts.iter().enumerate().take(row_bytes * 8) {
                let plain = (0..count).filter(|&r| bit(&rows, row_bytes, r, b)).count();
                prop_assert_eq!(counted, plain as u64);
            }
            let wanted: Vec<u32> = (0..row_bytes as u32 * 8).rev().step_by(3).collect();
            let slices = slice_rows(&rows, row_bytes, &wanted);
            for (k, &b) in wanted.iter().enumerate() {
                for r in 0..count {
                    let got = slices.get(k)[r / 64] >> (r % 64) & 1 == 1;
                    prop_assert_eq!(got, bit(&rows, row_bytes, r, b as usize));
                }
            }
        }
    }
}

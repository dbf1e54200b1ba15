//! The inner loops. In: bit streams, masks, rows, coefficients. Out: rows, bit streams, pixels. Each kernel has a
//! plain twin in [`scalar`], which is the definition, and perhaps a fast one chosen when the program runs.
//!
//! [`cpu`] says which instructions may be used.
//!
//! * [`scatter`]: bits of a stream go to the ones of a mask (`pdep` word by word).
//! * [`scatter_sparse`]: the same for few words, added to what is there.
//! * [`gather`]: bits at the ones of a mask go to a stream (`pext` word by word).
//! * [`add_green`]: the inverse of the reversible colour transform on 8-bit pixels.
//! * [`add_weighted`], [`add_gradients`]: weighted sums of neighbours for a row of pixels.
//! * [`planes::split_channels`]: pixels to planes.
//! * [`multiply_rows`]: integer matrix products of the inverse DCT.

pub mod cpu;
pub mod lanes;
pub mod planes;
pub mod rows;
pub mod scalar;
pub mod transpose;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use crate::bits::BitWriter;

/// Bytes that [`scatter`] may load past the byte that holds the last bit it uses.
const OVERREAD: u64 = 9;

fn assert_readable(stream: &[u8], bit: u64, bits: u64) {
    assert!((bit + bits) / 8 + OVERREAD <= stream.len() as u64, "a bit stream without its padding");
}

/// Write `masks.len()` words to `out`: in word `w`, the next `popcount(masks[w])` bits of `stream` from `bit` on go
/// to the ones of `masks[w]`, the rest is `constants[w]` (all zero where `constants` is empty). The last word is cut
/// to the length of `out`. `bits` is the number of ones in `masks`.
pub fn scatter(stream: &[u8], bit: u64, bits: u64, masks: &[u64], constants: &[u64], out: &mut [u8]) {
    assert_readable(stream, bit, bits);
    assert!(out.len().div_ceil(8) == masks.len() && (constants.is_empty() || constants.len() == masks.len()));
    #[cfg(target_arch = "x86_64")]
    if cpu::level() >= cpu::Level::Avx2 {
        // SAFETY: the CPU has the features, and the bounds the function names were asserted above.
        return unsafe { x86_64::scatter(stream, bit, masks, constants, out) };
    }
    scalar::scatter(stream, bit, masks, constants, out);
}

/// As [`scatter`], but only for the words in `places` (word number, mask; increasing), and the bits are added to
/// what `out` holds there.
pub fn scatter_sparse(stream: &[u8], bit: u64, bits: u64, places: &[(u32, u64)], out: &mut [u8]) {
    assert_readable(stream, bit, bits);
    assert!(places.last().is_none_or(|&(word, _)| (word as usize) < out.len().div_ceil(8)));
    #[cfg(target_arch = "x86_64")]
    if cpu::level() >= cpu::Level::Avx2 {
        // SAFETY: the CPU has the features, and the bounds the function names were asserted above.
        return unsafe { x86_64::scatter_sparse(stream, bit, places, out) };
    }
    scalar::scatter_sparse(stream, bit, places, out);
}

/// Append to `writer` the bits of `row` at the ones of `masks`, word after word, lowest bit first.
pub fn gather(row: &[u8], masks: &[u64], writer: &mut BitWriter) {
    #[cfg(target_arch = "x86_64")]
    if cpu::level() >= cpu::Level::Avx2 {
        // SAFETY: the CPU has the features.
        return unsafe { x86_64::gather(row, masks, writer) };
    }
    scalar::gather(row, masks, writer);
}

/// Undo the reversible colour transform in place: `pixels` holds 8-bit (red, green, blue) triples, in which red and
/// blue are folded differences to green, modulo 256.
pub fn add_green(pixels: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if cpu::level() >= cpu::Level::Avx2 {
        // SAFETY: the CPU has the features; the function is a safe one compiled for them.
        return unsafe { x86_64::add_green(pixels) };
    }
    scalar::add_green_blocks(pixels);
}

/// Integer type of the inverse DCT: `i32` for 8-bit images, `i64` for 16-bit ones. All arithmetic wraps, so a
/// damaged coefficient gives a wrong pixel and never an overflow; valid ones do not come near the limits.
pub trait Fixed: Copy + Default {
    /// The value 0.
    const ZERO: Self;
    /// Wrapping sum.
    #[must_use]
    fn plus(self, other: Self) -> Self;
    /// Wrapping product.
    #[must_use]
    fn times(self, other: Self) -> Self;
    /// Arithmetic shift right by `bits`, after adding one half.
    #[must_use]
    fn rounded_shift(self, bits: u32) -> Self;
    /// Convert from a table entry or coefficient.
    fn from_i64(value: i64) -> Self;
    /// Convert to the widest type.
    fn to_i64(self) -> i64;
}

macro_rules! fixed {
    ($t:ty) => {
        impl Fixed for $t {
            const ZERO: Self = 0;
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline(always)]
            fn times(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }
            #[inline(always)]
            fn rounded_shift(self, bits: u32) -> Self {
                self.wrapping_add(1 << (bits - 1)) >> bits
            }
            #[inline(always)]
            fn from_i64(value: i64) -> Self {
                value as $t
            }
            #[inline(always)]
            fn to_i64(self) -> i64 {
                i64::from(self)
            }
        }
    };
}
fixed!(i32);
fixed!(i64);

/// `out[r][c] = rounded_shift(sum over k of left[r][k] * right[k][c], shift)` for row-major matrices: `left` has
/// `inner` columns, `right` and `out` have `columns`.
pub fn multiply_rows<T: Fixed>(
    left: &[T],
    right: &[T],
    inner: usize,
    columns: usize,
    shift: u32,
    out: &mut [T],
) {
    assert!(left.len().is_multiple_of(inner) && right.len() == inner * columns);
    assert!(out.len() == left.len() / inner * columns);
    #[cfg(target_arch = "x86_64")]
    if cpu::level() >= cpu::Level::Avx2 {
        // SAFETY: the CPU has the features; the function is the scalar one compiled for them.
        return unsafe { x86_64::multiply_rows(left, right, inner, columns, shift, out) };
    }
    scalar::multiply_rows(left, right, inner, columns, shift, out);
}

/// `sums[x] += sum over (offset, weight) of weight * elements[start + offset + x]`, wrapping.
pub fn add_weighted<T: Fixed>(elements: &[i32], start: usize, places: &[(isize, T)], sums: &mut [T]) {
    #[cfg(target_arch = "x86_64")]
    if cpu::level() >= cpu::Level::Avx2 {
        // SAFETY: the CPU has the features; the function is the scalar one compiled for them.
        return unsafe { x86_64::add_weighted(elements, start, places, sums) };
    }
    scalar::add_weighted(elements, start, places, sums);
}

/// `sums[x] += sum over (a, b, weight) of weight * |elements[start + a + x] - elements[start + b + x]|`, wrapping.
pub fn add_gradients<T: Fixed>(elements: &[i32], start: usize, places: &[(isize, isize, T)], sums: &mut [T]) {
    #[cfg(target_arch = "x86_64")]
    if cpu::level() >= cpu::Level::Avx2 {
        // SAFETY: the CPU has the features; the function is the scalar one compiled for them.
        return unsafe { x86_64::add_gradients(elements, start, places, sums) };
    }
    scalar::add_gradients(elements, start, places, sums);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::{PADDING, words_of};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn fast_kernels_equal_their_scalar_twins(
            len in 1usize..70,
            masks in prop::collection::vec(any::<(u64, u64, u8)>(), 9),
            row in prop::collection::vec(any::<u8>(), 70),
            lead in 0u32..70,
        ) {
            let words = len.div_ceil(8);
            let mut valid = vec![0xFF; len];
            valid.resize(words * 8, 0);
            let masks: Vec<u64> = masks
                .iter()
                .zip(words_of(&valid))
                .map(|(&(a, b, kind), valid)| valid & match kind % 4 { 0 => 0, 1 => u64::MAX, 2 => a, _ => a & b })
                .collect();
            let row = &row[..len];
            let bits = crate::bits::ones_of_words(&masks);

            let mut plain = BitWriter::default();
            let mut fast = BitWriter::default();
            for writer in [&mut plain, &mut fast] {
                writer.push(u64::from(lead) & 1, lead.min(64));
            }
            scalar::gather(row, &masks, &mut plain);
            gather(row, &masks, &mut fast);
            let mut stream = plain.finish();
            prop_assert_eq!(&stream, &fast.finish());
            stream.extend([0; PADDING]);

            let lead = u64::from(lead.min(64));
            let constants: Vec<u64> = masks.iter().zip(words_of(&valid)).map(|(m, v)| !m & v).collect();
            for constants in [&[][..], &constants[..]] {
                let mut plain = vec![0; len];
                let mut fast = vec![1; len];
                scalar::scatter(&stream, lead, &masks, constants, &mut plain);
                scatter(&stream, lead, bits, &masks, constants, &mut fast);
                prop_assert_eq!(&plain, &fast);
                for (i, (out, original)) in plain.iter().zip(row).enumerate() {
                    let mask = (masks[i / 8] >> (8 * (i % 8))) as u8;
                    let constant = if constants.is_empty() { 0 } else { !mask };
                    prop_assert_eq!(*out, original & mask | constant);
                }
            }

            let places: Vec<(u32, u64)> =
                (0u32..).zip(masks.iter().copied()).filter(|&(_, mask)| mask != 0).collect();
            let mut plain = row.to_vec();
            let mut fast = row.to_vec();
            scalar::scatter_sparse(&stream, lead, &places, &mut plain);
            scatter_sparse(&stream, lead, bits, &places, &mut fast);
            prop_assert_eq!(plain, fast);
        }

        #[test]
        fn colours_equal_their_scalar_twin(pixels in prop::collection::vec(any::<[u8; 3]>(), 0..150)) {
            let mut plain = pixels.concat();
            let mut blocks = plain.clone();
            let mut fast = plain.clone();
            scalar::add_green(&mut plain);
            scalar::add_green_blocks(&mut blocks);
            add_green(&mut fast);
            prop_assert_eq!(&plain, &blocks);
            prop_assert_eq!(&plain, &fast);
        }

        #[test]
        fn matrix_products_equal_their_scalar_twin(
            rows in 1usize..6, inner in 1usize..40, columns in 1usize..70, seed in any::<i32>()
        ) {
            let mut state = seed;
            let mut next = || { state = state.wrapping_mul(1_103_515_245).wrapping_add(12345); state >> 4 };
            let left: Vec<i32> = (0..rows * inner).map(|_| next()).collect();
            let right: Vec<i32> = (0..inner * columns).map(|_| next()).collect();
            let mut plain = vec![0; rows * columns];
            let mut fast = vec![1; rows * columns];
            scalar::multiply_rows(&left, &right, inner, columns, 12, &mut plain);
            multiply_rows(&left, &right, inner, columns, 12, &mut fast);
            prop_assert_eq!(&plain, &fast);
            for r in 0..rows {
                for c in 0..columns {
                    let sum = (0..inner).fold(0i32, |sum, k| {
                        sum.wrapping_add(left[r * inner + k].wrapping_mul(right[k * columns + c]))
                    });
                    prop_assert_eq!(plain[r * columns + c], sum.wrapping_add(1 << 11) >> 12);
                }
            }
        }
    }
}

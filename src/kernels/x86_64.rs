//! Versions for x86-64 CPUs with BMI2 or AVX2, chosen when the program runs. In and out: as in [`super`].

use std::arch::x86_64::{_pdep_u64, _pext_u64};

use super::{Fixed, scalar};
use crate::bits::BitWriter;

/// Load 64 bits from any bit of a stream.
///
/// # Safety
/// 9 bytes from the one that holds `bit` are readable.
#[inline(always)]
unsafe fn load(stream: *const u8, bit: u64) -> u64 {
    // SAFETY: by this function's contract.
    let (low, high) = unsafe {
        let at = stream.add((bit >> 3) as usize);
        (at.cast::<u64>().read_unaligned(), at.add(8).read())
    };
    let shift = (bit & 7) as u32;
    // Two shifts, because one by 64 - 0 would be undefined.
    u64::from_le(low) >> shift | (u64::from(high) << 1) << (63 - shift)
}

/// # Safety
/// The CPU has BMI2 and POPCNT; `out` has `masks.len()` words, the last perhaps cut; `constants` is empty or as
/// long as `masks`; the stream is readable 9 bytes past the byte of its last used bit.
#[target_feature(enable = "bmi2,popcnt")]
pub(super) unsafe fn scatter(stream: &[u8], mut bit: u64, masks: &[u64], constants: &[u64], out: &mut [u8]) {
    let whole = out.len() / 8;
    let base = stream.as_ptr();
    let target = out.as_mut_ptr();
    for (index, &mask) in masks[..whole].iter().enumerate() {
        // SAFETY: the stream is padded, `index` is below the number of whole words.
        unsafe {
            let mut word = _pdep_u64(load(base, bit), mask);
            if !constants.is_empty() {
                word |= constants.get_unchecked(index);
            }
            target.add(index * 8).cast::<u64>().write_unaligned(word.to_le());
        }
        bit += u64::from(mask.count_ones());
    }
    if whole < masks.len() {
        let rest = constants.get(whole..).unwrap_or(&[]);
        scalar::scatter(stream, bit, &masks[whole..], rest, &mut out[whole * 8..]);
    }
}

/// # Safety
/// As [`scatter`]; every word number in `places` is inside `out`, the last word perhaps cut.
#[target_feature(enable = "bmi2,popcnt")]
pub(super) unsafe fn scatter_sparse(stream: &[u8], mut bit: u64, places: &[(u32, u64)], out: &mut [u8]) {
    let whole = out.len() / 8;
    let base = stream.as_ptr();
    for (k, &(index, mask)) in places.iter().enumerate() {
        let index = index as usize;
        if index >= whole {
            return scalar::scatter_sparse(stream, bit, &places[k..], out);
        }
        // SAFETY: the stream is padded, `index` is below the number of whole words.
        unsafe {
            let word = _pdep_u64(load(base, bit), mask).to_le();
            let at = out.as_mut_ptr().add(index * 8).cast::<u64>();
            at.write_unaligned(at.read_unaligned() | word);
        }
        bit += u64::from(mask.count_ones());
    }
}

/// # Safety
/// The CPU has BMI2 and POPCNT.
#[target_feature(enable = "bmi2,popcnt")]
pub(super) unsafe fn gather(row: &[u8], masks: &[u64], writer: &mut BitWriter) {
    for (chunk, &mask) in row.chunks(8).zip(masks) {
        let mut bytes = [0; 8];
        bytes[..chunk.len()].copy_from_slice(chunk);
        writer.push(_pext_u64(u64::from_le_bytes(bytes), mask), mask.count_ones());
    }
}

/// The blocks of the scalar version, compiled for AVX2.
///
/// # Safety
/// The CPU has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn add_green(pixels: &mut [u8]) {
    scalar::add_green_blocks(pixels);
}

/// The scalar product, compiled for AVX2.
///
/// # Safety
/// The CPU has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn multiply_rows<T: Fixed>(
    left: &[T],
    right: &[T],
    inner: usize,
    columns: usize,
    shift: u32,
    out: &mut [T],
) {
    scalar::multiply_rows(left, right, inner, columns, shift, out);
}

/// The scalar version, compiled for AVX2.
///
/// # Safety
/// The CPU has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn add_weighted<T: Fixed>(
    elements: &[i32],
    start: usize,
    places: &[(isize, T)],
    sums: &mut [T],
) {
    scalar::add_weighted(elements, start, places, sums);
}

/// The scalar version, compiled for AVX2.
///
/// # Safety
/// The CPU has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn add_gradients<T: Fixed>(
    elements: &[i32],
    start: usize,
    places: &[(isize, isize, T)],
    sums: &mut [T],
) {
    scalar::add_gradients(elements, start, places, sums);
}

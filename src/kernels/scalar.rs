//! Plain versions of every kernel: the definition that the fast ones are tested against, and what runs where a CPU
//! has nothing better. In and out: as in [`super`].

use super::Fixed;
use crate::bits::{BitWriter, read_bits};

/// Put the low bits of `bits` at the ones of `mask`, lowest first (the `pdep` instruction).
fn deposit(mut bits: u64, mut mask: u64) -> u64 {
    if mask == u64::MAX {
        return bits;
    }
    let mut word = 0;
    while mask != 0 {
        let lowest = mask & mask.wrapping_neg();
        word |= lowest & (bits & 1).wrapping_neg();
        bits >>= 1;
        mask ^= lowest;
    }
    word
}

/// Collect the bits of `word` at the ones of `mask`, lowest first (the `pext` instruction).
fn extract(word: u64, mut mask: u64) -> u64 {
    if mask == u64::MAX {
        return word;
    }
    let mut bits = 0;
    let mut at = 0;
    while mask != 0 {
        let lowest = mask & mask.wrapping_neg();
        bits |= u64::from(word & lowest != 0) << at;
        at += 1;
        mask ^= lowest;
    }
    bits
}

/// See [`super::scatter`].
pub fn scatter(stream: &[u8], mut bit: u64, masks: &[u64], constants: &[u64], out: &mut [u8]) {
    for (index, (chunk, &mask)) in out.chunks_mut(8).zip(masks).enumerate() {
        let count = mask.count_ones();
        let constant = constants.get(index).copied().unwrap_or(0);
        let word = deposit(read_bits(stream, bit, count), mask) | constant;
        chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
        bit += u64::from(count);
    }
}

/// See [`super::scatter_sparse`].
pub fn scatter_sparse(stream: &[u8], mut bit: u64, places: &[(u32, u64)], out: &mut [u8]) {
    for &(index, mask) in places {
        let count = mask.count_ones();
        let word = deposit(read_bits(stream, bit, count), mask);
        let start = index as usize * 8;
        let end = out.len().min(start + 8);
        for (byte, add) in out[start..end].iter_mut().zip(word.to_le_bytes()) {
            *byte |= add;
        }
        bit += u64::from(count);
    }
}

/// See [`super::gather`].
pub fn gather(row: &[u8], masks: &[u64], writer: &mut BitWriter) {
    for (chunk, &mask) in row.chunks(8).zip(masks) {
        let mut bytes = [0; 8];
        bytes[..chunk.len()].copy_from_slice(chunk);
        writer.push(extract(u64::from_le_bytes(bytes), mask), mask.count_ones());
    }
}

/// 0, 1, 2, 3, ... to 0, -1, 1, -2, ...
#[inline(always)]
fn unfold(folded: u8) -> u8 {
    (folded >> 1) ^ (folded & 1).wrapping_neg()
}

/// See [`super::add_green`].
pub fn add_green(pixels: &mut [u8]) {
    for pixel in pixels.chunks_exact_mut(3) {
        pixel[0] = unfold(pixel[0]).wrapping_add(pixel[1]);
        pixel[2] = unfold(pixel[2]).wrapping_add(pixel[1]);
    }
}

/// Bytes that [`add_green_blocks`] treats alike: whole pixels and whole vectors.
const BLOCK: usize = 96;

/// 0xFF at the bytes of one colour, 0 elsewhere.
const fn colour_mask(colour: usize) -> [u8; BLOCK] {
    let mut mask = [0; BLOCK];
    let mut i = colour;
    while i < BLOCK {
        mask[i] = 0xFF;
        i += 3;
    }
    mask
}

/// [`add_green`] without a step of three, so that the compiler can use vectors: every byte is computed as if it were
/// red and as if it were blue, and masks choose.
#[inline(always)]
pub fn add_green_blocks(pixels: &mut [u8]) {
    const RED: [u8; BLOCK] = colour_mask(0);
    const GREEN: [u8; BLOCK] = colour_mask(1);
    const BLUE: [u8; BLOCK] = colour_mask(2);
    let mut blocks = pixels.chunks_exact_mut(BLOCK);
    for block in &mut blocks {
        let mut padded = [0; BLOCK + 2];
        padded[1..=BLOCK].copy_from_slice(block);
        for i in 0..BLOCK {
            let (before, byte, after) = (padded[i], padded[i + 1], padded[i + 2]);
            let difference = unfold(byte);
            block[i] = byte & GREEN[i]
                | difference.wrapping_add(after) & RED[i]
                | difference.wrapping_add(before) & BLUE[i];
        }
    }
    add_green(blocks.into_remainder());
}

/// Columns that one pass of [`multiply_rows`] keeps in registers.
const TILE: usize = 32;

/// See [`super::multiply_rows`].
#[inline(always)]
pub fn multiply_rows<T: Fixed>(
    left: &[T],
    right: &[T],
    inner: usize,
    columns: usize,
    shift: u32,
    out: &mut [T],
) {
    for (factors, out) in left.chunks_exact(inner).zip(out.chunks_exact_mut(columns)) {
        let mut start = 0;
        while start + TILE <= columns {
            // An array of fixed size, so that the compiler keeps the sums in vector registers.
            let mut sums = [T::ZERO; TILE];
            for (&factor, row) in factors.iter().zip(right.chunks_exact(columns)) {
                for (sum, &value) in sums.iter_mut().zip(&row[start..start + TILE]) {
                    *sum = sum.plus(factor.times(value));
                }
            }
            for (out, sum) in out[start..start + TILE].iter_mut().zip(sums) {
                *out = sum.rounded_shift(shift);
            }
            start += TILE;
        }
        let tail = &mut out[start..];
        tail.fill(T::ZERO);
        for (&factor, row) in factors.iter().zip(right.chunks_exact(columns)) {
            for (sum, &value) in tail.iter_mut().zip(&row[start..]) {
                *sum = sum.plus(factor.times(value));
            }
        }
        for sum in tail {
            *sum = sum.rounded_shift(shift);
        }
    }
}

/// Sums that one pass of [`add_weighted`] keeps in registers.
const RUN: usize = 16;

/// See [`super::add_weighted`].
#[inline(always)]
pub fn add_weighted<T: Fixed>(elements: &[i32], start: usize, places: &[(isize, T)], sums: &mut [T]) {
    add_each(sums, |first, count, part| {
        for &(offset, weight) in places {
            let at = (start + first).wrapping_add_signed(offset);
            for (sum, &value) in part.iter_mut().zip(&elements[at..at + count]) {
                *sum = sum.plus(T::from_i64(value.into()).times(weight));
            }
        }
    });
}

/// See [`super::add_gradients`].
#[inline(always)]
pub fn add_gradients<T: Fixed>(elements: &[i32], start: usize, places: &[(isize, isize, T)], sums: &mut [T]) {
    add_each(sums, |first, count, part| {
        for &(a, b, weight) in places {
            let (a, b) = ((start + first).wrapping_add_signed(a), (start + first).wrapping_add_signed(b));
            let pairs = elements[a..a + count].iter().zip(&elements[b..b + count]);
            for (sum, (&a, &b)) in part.iter_mut().zip(pairs) {
                *sum = sum.plus(T::from_i64((a - b).abs().into()).times(weight));
            }
        }
    });
}

/// Call `add(first, count, sums)` for parts of `sums`, as arrays of fixed size, so that the compiler keeps them in vector
/// registers.
#[inline(always)]
fn add_each<T: Fixed>(sums: &mut [T], add: impl Fn(usize, usize, &mut [T])) {
    let (runs, rest) = sums.as_chunks_mut::<RUN>();
    let first_of_rest = runs.len() * RUN;
    for (number, run) in runs.iter_mut().enumerate() {
        let mut sums = *run;
        add(number * RUN, RUN, &mut sums);
        *run = sums;
    }
    let count = rest.len();
    add(first_of_rest, count, rest);
}

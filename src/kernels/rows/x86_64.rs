//! Versions for x86-64; sums of sixteen with what every such CPU has.

use std::arch::x86_64::*;

use super::Shape;
use super::decode::{self, Rows};

/// Sums of 16 bytes, from `start` on; returns the last.
#[inline(always)]
pub(super) fn prefix_sums_of_16(block: &mut [u8; 16], start: u8) -> u8 {
    // SAFETY: SSE2 is part of x86-64, and the block has 16 bytes.
    unsafe {
        let mut x = _mm_loadu_si128(block.as_ptr().cast());
        x = _mm_add_epi8(x, _mm_slli_si128(x, 1));
        x = _mm_add_epi8(x, _mm_slli_si128(x, 2));
        x = _mm_add_epi8(x, _mm_slli_si128(x, 4));
        x = _mm_add_epi8(x, _mm_slli_si128(x, 8));
        x = _mm_add_epi8(x, _mm_set1_epi8(start as i8));
        _mm_storeu_si128(block.as_mut_ptr().cast(), x);
    }
    block[15]
}

/// # Safety
/// The CPU has AVX2 and BMI2.
#[target_feature(enable = "avx2,bmi2")]
pub(super) unsafe fn decode(
    bytes: &[u8],
    length: usize,
    shape: &Shape,
    scratch: &mut Rows<u8>,
    out: &mut [u8],
) -> bool {
    const MASKS: [u64; 9] = {
        let mut masks = [0; 9];
        let mut width = 0;
        while width <= 8 {
            masks[width] = 0x0101_0101_0101_0101 * ((1 << width) - 1);
            width += 1;
        }
        masks
    };
    let spread = |word: &[u8], width: u32| {
        let word = word.first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        _pdep_u64(word, MASKS[width as usize]).to_le_bytes()
    };
    decode::decode(bytes, length, shape, scratch, out, spread, |green, red, blue, base, out| {
        // SAFETY: AVX2, by this function's contract.
        let done = unsafe { interleave_16(green, red, blue, base, out) };
        decode::interleave(&green[done..], &red[done..], &blue[done..], base, &mut out[3 * done..]);
    })
}

/// [`decode::interleave`] for 16 pixels at a time; returns how many it did.
///
/// # Safety
/// The CPU has SSSE3.
#[inline]
#[target_feature(enable = "ssse3")]
pub(super) unsafe fn interleave_16(green: &[u8], red: &[u8], blue: &[u8], base: u8, out: &mut [u8]) -> usize {
    // Where byte `16 part + i` of 48 comes from, for each of the three colours.
    const fn places(part: usize, channel: usize) -> [i8; 16] {
        let mut places = [-1i8; 16];
        let mut i = 0;
        while i < 16 {
            let at = 16 * part + i;
            if at % 3 == channel {
                places[i] = (at / 3) as i8;
            }
            i += 1;
        }
        places
    }
    const PLACES: [[[i8; 16]; 3]; 3] = [
        [places(0, 0), places(0, 1), places(0, 2)],
        [places(1, 0), places(1, 1), places(1, 2)],
        [places(2, 0), places(2, 1), places(2, 2)],
    ];
    let (green, red, blue) = (green.as_chunks::<16>().0, red.as_chunks::<16>().0, blue.as_chunks::<16>().0);
    let out = out.as_chunks_mut::<48>().0;
    let count = green.len().min(red.len()).min(blue.len()).min(out.len());
    for i in 0..count {
        // SAFETY: the arrays have as many bytes as are loaded and stored; SSSE3 by this function's contract.
        unsafe {
            let load = |bytes: &[u8; 16]| _mm_loadu_si128(bytes.as_ptr().cast());
            let g = load(&green[i]);
            let added = _mm_and_si128(g, _mm_set1_epi8(base as i8));
            let r = _mm_add_epi8(load(&red[i]), added);
            let b = _mm_add_epi8(load(&blue[i]), added);
            for (part, places) in PLACES.iter().enumerate() {
                let place = |channel: usize| _mm_loadu_si128(places[channel].as_ptr().cast());
                let rg = _mm_or_si128(_mm_shuffle_epi8(r, place(0)), _mm_shuffle_epi8(g, place(1)));
                let rgb = _mm_or_si128(rg, _mm_shuffle_epi8(b, place(2)));
                _mm_storeu_si128(out[i].as_mut_ptr().add(16 * part).cast(), rgb);
            }
        }
    }
    16 * count
}

//! Thirty-two lanes with AVX-512. A `Long` holds lanes 0-3, 8-11, 16-19 and 24-27, then the others: the order in which
//! `unpack` and `pack` go between 16 and 32 bits.

use std::arch::x86_64::*;

use super::memory::Memory;
use super::streams::Streams;
use super::tables::{PlaneTables, Tables};
use super::{Lanes, Sides, walk};
use crate::predict;
use crate::rans::{BUCKET_BITS, FREQUENCY_BITS, SHIFT_BIAS};

/// Thirty-two lanes.
#[derive(Clone, Copy)]
pub(super) struct Avx512;

type Halves = (__m512i, __m512i);

#[inline(always)]
fn each(a: Halves, f: impl Fn(__m512i) -> __m512i) -> Halves {
    (f(a.0), f(a.1))
}

#[inline(always)]
fn both(a: Halves, b: Halves, f: impl Fn(__m512i, __m512i) -> __m512i) -> Halves {
    (f(a.0, b.0), f(a.1, b.1))
}

// SAFETY of all `unsafe` below: by the trait's contract the CPU has AVX-512 F and BW, and pointers are good for a whole vector.
#[allow(clippy::undocumented_unsafe_blocks, reason = "said once above")]
impl Lanes for Avx512 {
    const COUNT: usize = 32;
    type Short = __m512i;
    type Long = Halves;

    #[inline(always)]
    unsafe fn load(from: *const i16) -> __m512i {
        unsafe { _mm512_loadu_si512(from.cast()) }
    }
    #[inline(always)]
    unsafe fn store(to: *mut i16, value: __m512i) {
        unsafe { _mm512_storeu_si512(to.cast(), value) }
    }
    #[inline(always)]
    unsafe fn splat_short(value: i16) -> __m512i {
        unsafe { _mm512_set1_epi16(value) }
    }
    #[inline(always)]
    unsafe fn splat(value: i32) -> Halves {
        unsafe { (_mm512_set1_epi32(value), _mm512_set1_epi32(value)) }
    }
    #[inline(always)]
    unsafe fn load_long(from: *const i32) -> Halves {
        unsafe {
            let (a, b) = (_mm512_loadu_si512(from.cast()), _mm512_loadu_si512(from.add(16).cast()));
            let (first, second) = (order(0), order(4));
            (_mm512_permutex2var_epi32(a, first, b), _mm512_permutex2var_epi32(a, second, b))
        }
    }
    #[inline(always)]
    unsafe fn store_long(to: *mut i32, value: Halves) {
        unsafe {
            let (a, b) = value;
            // Lanes 4 k to 4 k + 3 are part k / 2 of one or the other.
            let first = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
            let second = _mm512_add_epi32(first, _mm512_set1_epi32(8));
            _mm512_storeu_si512(to.cast(), _mm512_permutex2var_epi32(a, first, b));
            _mm512_storeu_si512(to.add(16).cast(), _mm512_permutex2var_epi32(a, second, b));
        }
    }
    #[inline(always)]
    unsafe fn add_products(sum: Halves, a: __m512i, b: __m512i, weights: i32) -> Halves {
        unsafe {
            let weights = _mm512_set1_epi32(weights);
            let low = _mm512_madd_epi16(_mm512_unpacklo_epi16(a, b), weights);
            let high = _mm512_madd_epi16(_mm512_unpackhi_epi16(a, b), weights);
            (_mm512_add_epi32(sum.0, low), _mm512_add_epi32(sum.1, high))
        }
    }
    #[inline(always)]
    unsafe fn absolute_difference(a: __m512i, b: __m512i) -> __m512i {
        unsafe { _mm512_abs_epi16(_mm512_sub_epi16(a, b)) }
    }
    #[inline(always)]
    unsafe fn narrow(value: Halves) -> __m512i {
        unsafe { _mm512_packs_epi32(value.0, value.1) }
    }
    #[inline(always)]
    unsafe fn widen(value: __m512i) -> Halves {
        unsafe {
            let zero = _mm512_setzero_si512();
            (_mm512_unpacklo_epi16(value, zero), _mm512_unpackhi_epi16(value, zero))
        }
    }
    #[inline(always)]
    unsafe fn prediction(sum: Halves) -> Halves {
        each(sum, |sum| unsafe {
            let shifted = _mm512_srai_epi32(_mm512_add_epi32(sum, _mm512_set1_epi32(256)), 9);
            let most = _mm512_min_epi32(shifted, _mm512_set1_epi32(2040));
            _mm512_max_epi32(most, _mm512_setzero_si512())
        })
    }
    #[inline(always)]
    unsafe fn context(prediction: Halves, energy: Halves) -> Halves {
        both(prediction, energy, |prediction, energy| unsafe {
            // The bits of a floating-point number are its logarithm, rounded down to quarters.
            const BASE: i32 = (127 + predict::ENERGY_OFFSET.ilog2() as i32) << 2;
            let energy = _mm512_add_epi32(energy, _mm512_set1_epi32(predict::ENERGY_OFFSET));
            let bits = _mm512_castps_si512(_mm512_cvtepi32_ps(energy));
            let level = _mm512_sub_epi32(_mm512_srai_epi32(bits, 21), _mm512_set1_epi32(BASE));
            let level = _mm512_min_epi32(level, _mm512_set1_epi32(predict::LEVELS as i32 - 1));
            let up = _mm512_add_epi32(prediction, _mm512_set1_epi32(4));
            let fraction = _mm512_srli_epi32(_mm512_and_si512(up, _mm512_set1_epi32(7)), 1);
            _mm512_add_epi32(_mm512_slli_epi32(level, 2), fraction)
        })
    }
    #[inline(always)]
    unsafe fn pixel(prediction: Halves) -> Halves {
        each(prediction, |prediction| unsafe {
            _mm512_srai_epi32(_mm512_add_epi32(prediction, _mm512_set1_epi32(4)), 3)
        })
    }
    #[inline(always)]
    unsafe fn add_bytes(a: Halves, b: Halves) -> Halves {
        both(a, b, |a, b| unsafe { _mm512_and_si512(_mm512_add_epi32(a, b), _mm512_set1_epi32(255)) })
    }
    #[inline(always)]
    unsafe fn subtract_bytes(a: Halves, b: Halves) -> Halves {
        both(a, b, |a, b| unsafe { _mm512_and_si512(_mm512_sub_epi32(a, b), _mm512_set1_epi32(255)) })
    }
    #[inline(always)]
    unsafe fn store_pair(to: *mut i16, low: Halves, high: Halves) {
        unsafe {
            let (low, high) = (Self::narrow(low), Self::narrow(high));
            Self::store(to, _mm512_or_si512(low, _mm512_slli_epi16(high, 8)));
        }
    }
    #[inline(always)]
    unsafe fn less(a: __m512i, b: __m512i) -> __m512i {
        unsafe { _mm512_movm_epi16(_mm512_cmplt_epi16_mask(a, b)) }
    }
    #[inline(always)]
    unsafe fn both(a: __m512i, b: __m512i) -> __m512i {
        unsafe { _mm512_and_si512(a, b) }
    }
    #[inline(always)]
    unsafe fn select_short(mask: __m512i, yes: __m512i, no: __m512i) -> __m512i {
        // mask ? yes : no, bit by bit.
        unsafe { _mm512_ternarylogic_epi32(mask, yes, no, 0xCA) }
    }
    #[inline(always)]
    unsafe fn widen_mask(mask: __m512i) -> Halves {
        unsafe { (_mm512_unpacklo_epi16(mask, mask), _mm512_unpackhi_epi16(mask, mask)) }
    }
    #[inline(always)]
    unsafe fn select(mask: Halves, yes: Halves, no: Halves) -> Halves {
        unsafe {
            (
                _mm512_ternarylogic_epi32(mask.0, yes.0, no.0, 0xCA),
                _mm512_ternarylogic_epi32(mask.1, yes.1, no.1, 0xCA),
            )
        }
    }
    #[inline(always)]
    unsafe fn any_equal(a: Halves, value: i32) -> bool {
        unsafe {
            let value = _mm512_set1_epi32(value);
            (_mm512_cmpeq_epi32_mask(a.0, value) | _mm512_cmpeq_epi32_mask(a.1, value)) != 0
        }
    }
    #[inline(always)]
    unsafe fn least(a: Halves, b: Halves) -> Halves {
        both(a, b, |a, b| unsafe { _mm512_min_epi32(a, b) })
    }
    #[inline(always)]
    unsafe fn take(
        tables: &PlaneTables,
        words: *const u8,
        state: &mut Halves,
        position: &mut Halves,
        context: Halves,
    ) -> Halves {
        unsafe {
            (
                take(tables, words, &mut state.0, &mut position.0, context.0),
                take(tables, words, &mut state.1, &mut position.1, context.1),
            )
        }
    }
}

/// Four lanes of each eight, from `start` on.
#[inline(always)]
unsafe fn order(start: i32) -> __m512i {
    // SAFETY: AVX-512 F by the caller's contract.
    unsafe {
        let first = _mm512_setr_epi32(0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
        _mm512_add_epi32(first, _mm512_set1_epi32(start))
    }
}

/// See [`Lanes::take`].
#[inline(always)]
unsafe fn take(
    tables: &PlaneTables,
    words: *const u8,
    state: &mut __m512i,
    position: &mut __m512i,
    context: __m512i,
) -> __m512i {
    const BUCKET: u32 = BUCKET_BITS;
    // SAFETY: AVX-512 F and BW by the trait's contract. Contexts are below the map's length, tables in the map exist, buckets and
    // halves are cut from fewer bits than the tables have entries; the words go on behind every position.
    unsafe {
        let x = *state;
        let table = _mm512_i32gather_epi32::<4>(context, tables.map.as_ptr().cast());
        let slot = _mm512_and_si512(x, _mm512_set1_epi32((1 << FREQUENCY_BITS) - 1));
        let bucket = _mm512_srli_epi32::<{ BUCKET }>(slot);
        let place = _mm512_and_si512(slot, _mm512_set1_epi32((1 << BUCKET) - 1));
        let at = _mm512_add_epi32(table, bucket);
        let entry = _mm512_i32gather_epi32::<2>(at, tables.alias.buckets.as_ptr().cast());
        let entry = _mm512_and_si512(entry, _mm512_set1_epi32(0xFFFF));
        let threshold = _mm512_and_si512(entry, _mm512_set1_epi32(0xFF));
        let lower = _mm512_cmpgt_epi32_mask(threshold, place);
        let double = _mm512_add_epi32(at, at);
        let at = _mm512_mask_add_epi32(double, !lower, double, _mm512_set1_epi32(1));
        let half = _mm512_i32gather_epi32::<4>(at, tables.alias.halves.as_ptr().cast());
        let symbol = _mm512_mask_blend_epi32(lower, _mm512_srli_epi32(entry, 8), bucket);
        let frequency = _mm512_and_si512(half, _mm512_set1_epi32(0xFFFF));
        let rest = _mm512_mullo_epi32(frequency, _mm512_srli_epi32::<{ FREQUENCY_BITS }>(x));
        let shift = _mm512_sub_epi32(_mm512_srli_epi32(half, 16), _mm512_set1_epi32(SHIFT_BIAS as i32));
        let x = _mm512_add_epi32(rest, _mm512_add_epi32(place, shift));
        let refill = _mm512_cmplt_epu32_mask(x, _mm512_set1_epi32(1 << 16));
        let word = _mm512_i32gather_epi32::<1>(*position, words.cast());
        let word = _mm512_and_si512(word, _mm512_set1_epi32(0xFFFF));
        *state = _mm512_mask_or_epi32(x, refill, _mm512_slli_epi32(x, 16), word);
        *position = _mm512_mask_add_epi32(*position, refill, *position, _mm512_set1_epi32(2));
        symbol
    }
}

/// # Safety
/// As [`walk::decode`].
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn decode(
    tables: &Tables,
    memory: &mut Memory,
    source: &mut Streams,
    sides: Option<&Sides>,
) {
    // SAFETY: by this function's contract.
    unsafe { walk::decode::<Avx512>(tables, memory, source, sides) }
}

/// # Safety
/// As [`walk::predict`].
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn predict(tables: &Tables, memory: &mut Memory, coded: &mut [i16], sides: Option<&Sides>) {
    // SAFETY: by this function's contract.
    unsafe { walk::predict::<Avx512>(tables, memory, coded, sides) }
}

//! Sixteen lanes with AVX2. A `Long` holds lanes 0-3 and 8-11, then 4-7 and 12-15: the order in which `unpack` and `pack`
//! go between 16 and 32 bits.

use std::arch::x86_64::*;

use super::memory::Memory;
use super::streams::Streams;
use super::tables::{PlaneTables, Tables};
use super::{Lanes, Sides, walk};
use crate::predict;
use crate::rans::{BUCKET_BITS, FREQUENCY_BITS, SHIFT_BIAS};

/// Sixteen lanes.
#[derive(Clone, Copy)]
pub(super) struct Avx2;

type Halves = (__m256i, __m256i);

#[inline(always)]
fn each(a: Halves, f: impl Fn(__m256i) -> __m256i) -> Halves {
    (f(a.0), f(a.1))
}

#[inline(always)]
fn both(a: Halves, b: Halves, f: impl Fn(__m256i, __m256i) -> __m256i) -> Halves {
    (f(a.0, b.0), f(a.1, b.1))
}

// SAFETY of all `unsafe` below: by the trait's contract the CPU has AVX2, and pointers are good for a whole vector.
#[allow(clippy::undocumented_unsafe_blocks, reason = "said once above")]
impl Lanes for Avx2 {
    const COUNT: usize = 16;
    type Short = __m256i;
    type Long = Halves;

    #[inline(always)]
    unsafe fn load(from: *const i16) -> __m256i {
        unsafe { _mm256_loadu_si256(from.cast()) }
    }
    #[inline(always)]
    unsafe fn store(to: *mut i16, value: __m256i) {
        unsafe { _mm256_storeu_si256(to.cast(), value) }
    }
    #[inline(always)]
    unsafe fn splat_short(value: i16) -> __m256i {
        unsafe { _mm256_set1_epi16(value) }
    }
    #[inline(always)]
    unsafe fn splat(value: i32) -> Halves {
        unsafe { (_mm256_set1_epi32(value), _mm256_set1_epi32(value)) }
    }
    #[inline(always)]
    unsafe fn load_long(from: *const i32) -> Halves {
        unsafe {
            let (a, b) = (_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(8).cast()));
            (_mm256_permute2x128_si256(a, b, 0x20), _mm256_permute2x128_si256(a, b, 0x31))
        }
    }
    #[inline(always)]
    unsafe fn store_long(to: *mut i32, value: Halves) {
        unsafe {
            let (a, b) = value;
            _mm256_storeu_si256(to.cast(), _mm256_permute2x128_si256(a, b, 0x20));
            _mm256_storeu_si256(to.add(8).cast(), _mm256_permute2x128_si256(a, b, 0x31));
        }
    }
    #[inline(always)]
    unsafe fn add_products(sum: Halves, a: __m256i, b: __m256i, weights: i32) -> Halves {
        unsafe {
            let weights = _mm256_set1_epi32(weights);
            let low = _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), weights);
            let high = _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), weights);
            (_mm256_add_epi32(sum.0, low), _mm256_add_epi32(sum.1, high))
        }
    }
    #[inline(always)]
    unsafe fn absolute_difference(a: __m256i, b: __m256i) -> __m256i {
        unsafe { _mm256_abs_epi16(_mm256_sub_epi16(a, b)) }
    }
    #[inline(always)]
    unsafe fn narrow(value: Halves) -> __m256i {
        unsafe { _mm256_packs_epi32(value.0, value.1) }
    }
    #[inline(always)]
    unsafe fn widen(value: __m256i) -> Halves {
        unsafe {
            let zero = _mm256_setzero_si256();
            (_mm256_unpacklo_epi16(value, zero), _mm256_unpackhi_epi16(value, zero))
        }
    }
    #[inline(always)]
    unsafe fn prediction(sum: Halves) -> Halves {
        each(sum, |sum| unsafe {
            let shifted = _mm256_srai_epi32(_mm256_add_epi32(sum, _mm256_set1_epi32(256)), 9);
            let most = _mm256_min_epi32(shifted, _mm256_set1_epi32(2040));
            _mm256_max_epi32(most, _mm256_setzero_si256())
        })
    }
    #[inline(always)]
    unsafe fn context(prediction: Halves, energy: Halves) -> Halves {
        both(prediction, energy, |prediction, energy| unsafe {
            // The bits of a floating-point number are its logarithm, rounded down to quarters.
            const BASE: i32 = (127 + predict::ENERGY_OFFSET.ilog2() as i32) << 2;
            let energy = _mm256_add_epi32(energy, _mm256_set1_epi32(predict::ENERGY_OFFSET));
            let bits = _mm256_castps_si256(_mm256_cvtepi32_ps(energy));
            let level = _mm256_sub_epi32(_mm256_srai_epi32(bits, 21), _mm256_set1_epi32(BASE));
            let level = _mm256_min_epi32(level, _mm256_set1_epi32(predict::LEVELS as i32 - 1));
            let up = _mm256_add_epi32(prediction, _mm256_set1_epi32(4));
            let fraction = _mm256_srli_epi32(_mm256_and_si256(up, _mm256_set1_epi32(7)), 1);
            _mm256_add_epi32(_mm256_slli_epi32(level, 2), fraction)
        })
    }
    #[inline(always)]
    unsafe fn pixel(prediction: Halves) -> Halves {
        each(prediction, |prediction| unsafe {
            _mm256_srai_epi32(_mm256_add_epi32(prediction, _mm256_set1_epi32(4)), 3)
        })
    }
    #[inline(always)]
    unsafe fn add_bytes(a: Halves, b: Halves) -> Halves {
        both(a, b, |a, b| unsafe { _mm256_and_si256(_mm256_add_epi32(a, b), _mm256_set1_epi32(255)) })
    }
    #[inline(always)]
    unsafe fn subtract_bytes(a: Halves, b: Halves) -> Halves {
        both(a, b, |a, b| unsafe { _mm256_and_si256(_mm256_sub_epi32(a, b), _mm256_set1_epi32(255)) })
    }
    #[inline(always)]
    unsafe fn store_pair(to: *mut i16, low: Halves, high: Halves) {
        unsafe {
            let (low, high) = (Self::narrow(low), Self::narrow(high));
            Self::store(to, _mm256_or_si256(low, _mm256_slli_epi16(high, 8)));
        }
    }
    #[inline(always)]
    unsafe fn less(a: __m256i, b: __m256i) -> __m256i {
        unsafe { _mm256_cmpgt_epi16(b, a) }
    }
    #[inline(always)]
    unsafe fn both(a: __m256i, b: __m256i) -> __m256i {
        unsafe { _mm256_and_si256(a, b) }
    }
    #[inline(always)]
    unsafe fn select_short(mask: __m256i, yes: __m256i, no: __m256i) -> __m256i {
        unsafe { _mm256_blendv_epi8(no, yes, mask) }
    }
    #[inline(always)]
    unsafe fn widen_mask(mask: __m256i) -> Halves {
        unsafe { (_mm256_unpacklo_epi16(mask, mask), _mm256_unpackhi_epi16(mask, mask)) }
    }
    #[inline(always)]
    unsafe fn select(mask: Halves, yes: Halves, no: Halves) -> Halves {
        unsafe { (_mm256_blendv_epi8(no.0, yes.0, mask.0), _mm256_blendv_epi8(no.1, yes.1, mask.1)) }
    }
    #[inline(always)]
    unsafe fn any_equal(a: Halves, value: i32) -> bool {
        unsafe {
            let value = _mm256_set1_epi32(value);
            let any = _mm256_or_si256(_mm256_cmpeq_epi32(a.0, value), _mm256_cmpeq_epi32(a.1, value));
            _mm256_movemask_epi8(any) != 0
        }
    }
    #[inline(always)]
    unsafe fn least(a: Halves, b: Halves) -> Halves {
        both(a, b, |a, b| unsafe { _mm256_min_epi32(a, b) })
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

/// See [`Lanes::take`].
#[inline(always)]
unsafe fn take(
    tables: &PlaneTables,
    words: *const u8,
    state: &mut __m256i,
    position: &mut __m256i,
    context: __m256i,
) -> __m256i {
    const BUCKET: u32 = BUCKET_BITS;
    // SAFETY: AVX2 by the trait's contract. Contexts are below the map's length, tables in the map exist, buckets and
    // halves are cut from fewer bits than the tables have entries; the words go on behind every position.
    unsafe {
        let x = *state;
        let table = _mm256_i32gather_epi32::<4>(tables.map.as_ptr(), context);
        let slot = _mm256_and_si256(x, _mm256_set1_epi32((1 << FREQUENCY_BITS) - 1));
        let bucket = _mm256_srli_epi32::<{ BUCKET as i32 }>(slot);
        let place = _mm256_and_si256(slot, _mm256_set1_epi32((1 << BUCKET) - 1));
        let at = _mm256_add_epi32(table, bucket);
        let entry = _mm256_i32gather_epi32::<2>(tables.alias.buckets.as_ptr().cast(), at);
        let entry = _mm256_and_si256(entry, _mm256_set1_epi32(0xFFFF));
        let threshold = _mm256_and_si256(entry, _mm256_set1_epi32(0xFF));
        let lower = _mm256_cmpgt_epi32(threshold, place);
        // 2 * at + 1, less 1 in the lower half.
        let at = _mm256_add_epi32(_mm256_add_epi32(at, at), _mm256_add_epi32(_mm256_set1_epi32(1), lower));
        let half = _mm256_i32gather_epi32::<4>(tables.alias.halves.as_ptr().cast(), at);
        let symbol = _mm256_blendv_epi8(_mm256_srli_epi32(entry, 8), bucket, lower);
        let frequency = _mm256_and_si256(half, _mm256_set1_epi32(0xFFFF));
        let rest = _mm256_mullo_epi32(frequency, _mm256_srli_epi32::<{ FREQUENCY_BITS as i32 }>(x));
        let shift = _mm256_sub_epi32(_mm256_srli_epi32(half, 16), _mm256_set1_epi32(SHIFT_BIAS as i32));
        let x = _mm256_add_epi32(rest, _mm256_add_epi32(place, shift));
        let refill = _mm256_cmpeq_epi32(_mm256_srli_epi32(x, 16), _mm256_setzero_si256());
        let word = _mm256_i32gather_epi32::<1>(words.cast(), *position);
        let word = _mm256_and_si256(word, _mm256_set1_epi32(0xFFFF));
        *state = _mm256_blendv_epi8(x, _mm256_or_si256(_mm256_slli_epi32(x, 16), word), refill);
        *position = _mm256_add_epi32(*position, _mm256_and_si256(refill, _mm256_set1_epi32(2)));
        symbol
    }
}

/// # Safety
/// As [`walk::decode`].
#[target_feature(enable = "avx2")]
pub(super) unsafe fn decode(
    tables: &Tables,
    memory: &mut Memory,
    source: &mut Streams,
    sides: Option<&Sides>,
) {
    // SAFETY: by this function's contract.
    unsafe { walk::decode::<Avx2>(tables, memory, source, sides) }
}

/// # Safety
/// As [`walk::predict`].
#[target_feature(enable = "avx2")]
pub(super) unsafe fn predict(tables: &Tables, memory: &mut Memory, coded: &mut [i16], sides: Option<&Sides>) {
    // SAFETY: by this function's contract.
    unsafe { walk::predict::<Avx2>(tables, memory, coded, sides) }
}

//! Lanes as arrays, which the compiler makes vectors of as far as the CPU's basic instructions go.

use super::memory::Memory;
use super::streams::Streams;
use super::tables::{PlaneTables, Tables};
use super::{Lanes, Sides, walk};
use crate::predict;
use crate::rans::{BUCKET_BITS, FREQUENCY_BITS, SHIFT_BIAS};

/// Sixteen lanes.
#[derive(Clone, Copy)]
pub(super) struct Portable;

const N: usize = 16;

#[inline(always)]
fn map<T: Copy, U: Copy + Default>(a: [T; N], f: impl Fn(T) -> U) -> [U; N] {
    let mut out = [U::default(); N];
    for i in 0..N {
        out[i] = f(a[i]);
    }
    out
}

#[inline(always)]
fn zip<T: Copy, V: Copy, U: Copy + Default>(a: [T; N], b: [V; N], f: impl Fn(T, V) -> U) -> [U; N] {
    let mut out = [U::default(); N];
    for i in 0..N {
        out[i] = f(a[i], b[i]);
    }
    out
}

impl Lanes for Portable {
    const COUNT: usize = N;
    type Short = [i16; N];
    type Long = [i32; N];

    #[inline(always)]
    unsafe fn load(from: *const i16) -> [i16; N] {
        // SAFETY: by the trait's contract.
        unsafe { from.cast::<[i16; N]>().read() }
    }
    #[inline(always)]
    unsafe fn store(to: *mut i16, value: [i16; N]) {
        // SAFETY: by the trait's contract.
        unsafe { to.cast::<[i16; N]>().write(value) }
    }
    #[inline(always)]
    unsafe fn splat_short(value: i16) -> [i16; N] {
        [value; N]
    }
    #[inline(always)]
    unsafe fn splat(value: i32) -> [i32; N] {
        [value; N]
    }
    #[inline(always)]
    unsafe fn load_long(from: *const i32) -> [i32; N] {
        // SAFETY: by the trait's contract.
        unsafe { from.cast::<[i32; N]>().read() }
    }
    #[inline(always)]
    unsafe fn store_long(to: *mut i32, value: [i32; N]) {
        // SAFETY: by the trait's contract.
        unsafe { to.cast::<[i32; N]>().write(value) }
    }
    #[inline(always)]
    unsafe fn add_products(sum: [i32; N], a: [i16; N], b: [i16; N], weights: i32) -> [i32; N] {
        #[cfg(target_arch = "x86_64")]
        return add_products_sse2(sum, a, b, weights);
        #[cfg(not(target_arch = "x86_64"))]
        {
            let (low, high) = (i32::from(weights as i16), weights >> 16);
            let products = zip(a, b, |a, b| i32::from(a) * low + i32::from(b) * high);
            zip(sum, products, |sum, product| sum + product)
        }
    }
    #[inline(always)]
    unsafe fn absolute_difference(a: [i16; N], b: [i16; N]) -> [i16; N] {
        zip(a, b, |a, b| (a - b).abs())
    }
    #[inline(always)]
    unsafe fn narrow(value: [i32; N]) -> [i16; N] {
        map(value, |v| v as i16)
    }
    #[inline(always)]
    unsafe fn widen(value: [i16; N]) -> [i32; N] {
        map(value, i32::from)
    }
    #[inline(always)]
    unsafe fn prediction(sum: [i32; N]) -> [i32; N] {
        map(sum, |sum| ((sum + 256) >> 9).clamp(0, 2040))
    }
    #[inline(always)]
    unsafe fn context(prediction: [i32; N], energy: [i32; N]) -> [i32; N] {
        // The bits of a floating-point number are exponent and mantissa: its logarithm, rounded down to quarters.
        const OFFSET: i32 = predict::ENERGY_OFFSET;
        const BASE: i32 = (127 + OFFSET.ilog2() as i32) << 2;
        let level = map(energy, |energy| {
            let bits = ((energy + OFFSET) as f32).to_bits() as i32;
            ((bits >> 21) - BASE).min(predict::LEVELS as i32 - 1)
        });
        zip(prediction, level, |prediction, level| level * 4 + (((prediction + 4) & 7) >> 1))
    }
    #[inline(always)]
    unsafe fn pixel(prediction: [i32; N]) -> [i32; N] {
        map(prediction, |prediction| (prediction + 4) >> 3)
    }
    #[inline(always)]
    unsafe fn add_bytes(a: [i32; N], b: [i32; N]) -> [i32; N] {
        zip(a, b, |a, b| (a + b) & 255)
    }
    #[inline(always)]
    unsafe fn subtract_bytes(a: [i32; N], b: [i32; N]) -> [i32; N] {
        zip(a, b, |a, b| (a - b) & 255)
    }
    #[inline(always)]
    unsafe fn store_pair(to: *mut i16, low: [i32; N], high: [i32; N]) {
        // SAFETY: by the trait's contract.
        unsafe { Self::store(to, zip(low, high, |low, high| (low | high << 8) as i16)) }
    }
    #[inline(always)]
    unsafe fn less(a: [i16; N], b: [i16; N]) -> [i16; N] {
        zip(a, b, |a, b| -i16::from(a < b))
    }
    #[inline(always)]
    unsafe fn both(a: [i16; N], b: [i16; N]) -> [i16; N] {
        zip(a, b, |a, b| a & b)
    }
    #[inline(always)]
    unsafe fn select_short(mask: [i16; N], yes: [i16; N], no: [i16; N]) -> [i16; N] {
        let yes = zip(mask, yes, |mask, yes| mask & yes);
        let no = zip(mask, no, |mask, no| !mask & no);
        zip(yes, no, |yes, no| yes | no)
    }
    #[inline(always)]
    unsafe fn widen_mask(mask: [i16; N]) -> [i32; N] {
        map(mask, i32::from)
    }
    #[inline(always)]
    unsafe fn select(mask: [i32; N], yes: [i32; N], no: [i32; N]) -> [i32; N] {
        let yes = zip(mask, yes, |mask, yes| mask & yes);
        let no = zip(mask, no, |mask, no| !mask & no);
        zip(yes, no, |yes, no| yes | no)
    }
    #[inline(always)]
    unsafe fn any_equal(a: [i32; N], value: i32) -> bool {
        a.iter().fold(false, |any, &a| any | (a == value))
    }
    #[inline(always)]
    unsafe fn take(
        tables: &PlaneTables,
        words: *const u8,
        state: &mut [i32; N],
        position: &mut [i32; N],
        context: [i32; N],
    ) -> [i32; N] {
        let slot = map(*state, |x| x & ((1 << FREQUENCY_BITS) - 1));
        let bucket = map(slot, |slot| slot >> BUCKET_BITS);
        // What has to be looked up, lane by lane; everything else the compiler does for many at once.
        let (mut entry, mut lower, mut higher, mut word) = ([0; N], [0; N], [0; N], [0; N]);
        for i in 0..N {
            // SAFETY: contexts are below the map's length, tables in the map exist, buckets and halves are cut from fewer
            // bits than the tables have entries; the words go on behind every position.
            unsafe {
                let table = *tables.map.get_unchecked(context[i] as usize);
                let at = (table + bucket[i]) as usize;
                entry[i] = i32::from(*tables.alias.buckets.get_unchecked(at));
                lower[i] = *tables.alias.halves.get_unchecked(2 * at) as i32;
                higher[i] = *tables.alias.halves.get_unchecked(2 * at + 1) as i32;
                word[i] =
                    i32::from(u16::from_le_bytes(words.add(position[i] as usize).cast::<[u8; 2]>().read()));
            }
        }
        let place = map(slot, |slot| slot & ((1 << BUCKET_BITS) - 1));
        let upper = zip(place, entry, |place, entry| -i32::from(place >= (entry & 0xFF)));
        let half = zip(
            zip(upper, higher, |upper, half| upper & half),
            zip(upper, lower, |upper, half| !upper & half),
            |a, b| a | b,
        );
        let other = zip(upper, entry, |upper, entry| upper & (entry >> 8));
        let symbol = zip(other, zip(upper, bucket, |upper, bucket| !upper & bucket), |a, b| a | b);
        let shifted = map(*state, |x| (x as u32 >> FREQUENCY_BITS) as i32);
        let product = zip(half, shifted, |half, x| (half & 0xFFFF).wrapping_mul(x));
        let shift = zip(half, place, |half, place| (half as u32 >> 16) as i32 - SHIFT_BIAS as i32 + place);
        let x = zip(product, shift, i32::wrapping_add);
        let refill = map(x, |x| -i32::from(x as u32 >> 16 == 0));
        let refilled = zip(x, word, |x, word| x << 16 | word);
        let refilled = zip(refill, refilled, |refill, x| refill & x);
        *state = zip(refilled, zip(refill, x, |refill, x| !refill & x), |a, b| a | b);
        *position = zip(*position, refill, |position, refill| position + (refill & 2));
        symbol
    }
    #[inline(always)]
    unsafe fn least(a: [i32; N], b: [i32; N]) -> [i32; N] {
        zip(a, b, i32::min)
    }
}

/// [`Lanes::add_products`] by the instruction for it, which every x86-64 CPU has and the compiler does not find.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn add_products_sse2(mut sum: [i32; N], a: [i16; N], b: [i16; N], weights: i32) -> [i32; N] {
    use std::arch::x86_64::*;
    // SAFETY: SSE2 is part of x86-64; the arrays are as long as what is loaded and stored.
    unsafe {
        let weights = _mm_set1_epi32(weights);
        for part in 0..N / 8 {
            let a = _mm_loadu_si128(a.as_ptr().add(8 * part).cast());
            let b = _mm_loadu_si128(b.as_ptr().add(8 * part).cast());
            let to: *mut __m128i = sum.as_mut_ptr().add(8 * part).cast();
            let low = _mm_madd_epi16(_mm_unpacklo_epi16(a, b), weights);
            let high = _mm_madd_epi16(_mm_unpackhi_epi16(a, b), weights);
            _mm_storeu_si128(to, _mm_add_epi32(_mm_loadu_si128(to), low));
            _mm_storeu_si128(to.add(1), _mm_add_epi32(_mm_loadu_si128(to.add(1)), high));
        }
    }
    sum
}

/// # Safety
/// As [`walk::decode`].
#[inline(never)]
pub(super) unsafe fn decode(
    tables: &Tables,
    memory: &mut Memory,
    source: &mut Streams,
    sides: Option<&Sides>,
) {
    // SAFETY: by this function's contract.
    unsafe { walk::decode::<Portable>(tables, memory, source, sides) }
}

/// # Safety
/// As [`walk::predict`].
#[inline(never)]
pub(super) unsafe fn predict(tables: &Tables, memory: &mut Memory, coded: &mut [i16], sides: Option<&Sides>) {
    // SAFETY: by this function's contract.
    unsafe { walk::predict::<Portable>(tables, memory, coded, sides) }
}

//! Code lengths in whole numbers, the same on every machine. In: counts. Out: bits with [`POINT`] bits behind the point.

use std::sync::OnceLock;

/// Bits behind the point of a code length.
pub const POINT: u32 = 16;

/// `log2` of the entries of the table of [`quick_log2`].
const MANTISSA_BITS: u32 = 11;

/// `log2(n)` with [`POINT`] bits behind the point, by repeated squaring. 0 for 0.
pub fn log2(n: u64) -> u64 {
    if n == 0 {
        return 0;
    }
    let exponent = n.ilog2();
    // The mantissa in 1 .. 2, with 31 bits behind the point.
    let mut mantissa = if exponent > 31 { n >> (exponent - 31) } else { n << (31 - exponent) };
    let mut result = u64::from(exponent);
    for _ in 0..POINT {
        mantissa = (mantissa * mantissa) >> 31;
        let bit = mantissa >> 32;
        mantissa >>= bit;
        result = result << 1 | bit;
    }
    result
}

/// The table of [`quick_log2`]: logarithms of mantissas.
fn mantissas() -> &'static [u32] {
    static MANTISSAS: OnceLock<Vec<u32>> = OnceLock::new();
    MANTISSAS.get_or_init(|| {
        let base = u64::from(MANTISSA_BITS) << POINT;
        (0..=1u64 << MANTISSA_BITS).map(|entry| (log2((1 << MANTISSA_BITS) + entry) - base) as u32).collect()
    })
}

/// [`log2`] from a table with linear interpolation, for `n` below 2^32.
#[inline]
pub fn quick_log2(n: u64) -> u64 {
    if n < 2 {
        return 0;
    }
    let table = mantissas();
    let exponent = n.ilog2();
    let mantissa = (n << (31 - exponent)) & 0x7FFF_FFFF;
    let entry = (mantissa >> (31 - MANTISSA_BITS)) as usize;
    let rest = mantissa & ((1 << (31 - MANTISSA_BITS)) - 1);
    let (low, high) = (u64::from(table[entry]), u64::from(table[entry + 1]));
    u64::from(exponent) << POINT
        | (low + (((high - low) * rest) >> (31 - MANTISSA_BITS))).min((1 << POINT) - 1)
}

/// `n log2(n)` with [`POINT`] bits behind the point, for `n` below 2^32. Of `n` symbols, those that occur `c` times each
/// take `total(n) - sum(total(c))` bits.
#[inline]
pub fn total(n: u64) -> u64 {
    n * quick_log2(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_right() {
        for n in (1..5000).chain([1 << 40, (1 << 40) + 12345, u64::from(u32::MAX)]) {
            let expected = (n as f64).log2();
            let found = log2(n) as f64 / f64::from(1 << POINT);
            assert!((expected - found).abs() < 1e-4, "{n}: {found} {expected}");
        }
        for n in (1..5000).chain([65_535, 65_536, 1_234_567, u64::from(u32::MAX)]) {
            let expected = (n as f64).log2();
            let found = total(n) as f64 / n as f64 / f64::from(1 << POINT);
            assert!((expected - found).abs() < 1e-4, "{n}: {found} {expected}");
        }
    }
}

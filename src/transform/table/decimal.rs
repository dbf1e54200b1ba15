//! The code `decimal`. In: the bits of a float. Out: the integer `k` with `k / 10^scale` = the float, to the bit.

use super::number::{Found, Numbering, is_special, near, rounded, value};
use super::spec::LIMIT;
use crate::sample::DType;

/// Upper limit of the scale: larger powers of ten are no float64.
pub(super) const MAX_SCALE: usize = 22;

const POWERS: [f64; MAX_SCALE + 1] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Decimal {
    pub(super) scale: usize,
    pub(super) numbering: Numbering,
}

impl Decimal {
    #[inline]
    pub(super) fn decode(&self, dtype: DType, stored: u64) -> u64 {
        match self.numbering.decode(stored) {
            Ok(integer) => cell(dtype, self.scale, integer),
            Err(special) => special,
        }
    }
}

#[inline]
fn cell(dtype: DType, scale: usize, integer: i64) -> u64 {
    rounded(dtype, integer as f64 / POWERS[scale])
}

/// What `bits` are at `scale`, which is at most [`MAX_SCALE`].
#[inline]
pub(super) fn find(dtype: DType, scale: usize, bits: u64) -> Found {
    if is_special(dtype, bits) {
        return Found::Special;
    }
    let scaled = value(dtype, bits) * POWERS[scale];
    if scaled.abs() >= LIMIT as f64 {
        return Found::Special;
    }
    near(scaled, LIMIT, |integer| cell(dtype, scale, integer) == bits).map_or(Found::Nothing, Found::Integer)
}

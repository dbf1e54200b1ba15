//! Integers after a few special bit patterns, as decimals and quotients are stored. In: an integer, or the bits of a cell
//! that is none. Out: the specials as 0, 1, 2, ..., then the integers from the column's smallest on; and back.
//!
//! Floats here are quotients of two integers below 2^53, rounded once to a float64 and then to the column's dtype. IEEE
//! division is the same on every CPU, and no quotient of such integers is denormal in a float64 or a float32, so flushing
//! denormals changes nothing either.

use half::f16;

use crate::sample::DType;

/// Upper limit of the number of specials of a column.
pub(super) const MAX_SPECIALS: usize = 16;

/// What a cell is to a decimal or a quotient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The integer that gives back its bits.
    Integer(i64),
    /// No number that any such integer could give.
    Special,
    /// A number that this code does not give.
    Nothing,
}

impl Found {
    /// The integer that others divide by, or that is divided by theirs: 0 where there is none.
    pub(super) fn integer(self) -> i64 {
        match self {
            Self::Integer(integer) => integer,
            Self::Special | Self::Nothing => 0,
        }
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Numbering {
    pub(super) specials: Vec<u64>,
    pub(super) first: i64,
}

impl Numbering {
    /// `None` where the column has no such special, or the integer comes before its first.
    pub(super) fn encode(&self, bits: u64, found: Found) -> Option<u64> {
        match found {
            Found::Integer(integer) => {
                let above = integer.checked_sub(self.first)?;
                Some(u64::try_from(above).ok()? + self.specials.len() as u64)
            }
            Found::Special => self.specials.iter().position(|&special| special == bits).map(|at| at as u64),
            Found::Nothing => None,
        }
    }

    /// The bits of a special, or the integer.
    #[inline]
    pub(super) fn decode(&self, stored: u64) -> Result<i64, u64> {
        let count = self.specials.len() as u64;
        if stored < count {
            return Err(self.specials[stored as usize]);
        }
        Ok(self.first.wrapping_add((stored - count) as i64))
    }
}

/// The value of a cell of a float dtype; exact.
#[inline]
pub(super) fn value(dtype: DType, bits: u64) -> f64 {
    match dtype {
        DType::Float16 => f16::from_bits(bits as u16).to_f64(),
        DType::Float32 => f32::from_bits(bits as u32).into(),
        _ => f64::from_bits(bits),
    }
}

/// The bits of the cell next to `value`, rounded through float32 to float16.
#[inline]
pub(super) fn rounded(dtype: DType, value: f64) -> u64 {
    match dtype {
        // In integers: `half` would let the CPU round, and some round a float64 in one step, others in two.
        DType::Float16 => f16::from_f32_const(value as f32).to_bits().into(),
        DType::Float32 => (value as f32).to_bits().into(),
        _ => value.to_bits(),
    }
}

/// Whether a cell is -0.0, infinite or not a number.
pub(super) fn is_special(dtype: DType, bits: u64) -> bool {
    let sign = 1u64 << (8 * dtype.size() - 1);
    bits == sign || !value(dtype, bits).is_finite()
}

/// The first integer next to `estimate` that `gives` accepts.
#[inline]
pub(super) fn near(estimate: f64, limit: i64, gives: impl Fn(i64) -> bool) -> Option<i64> {
    // A conversion drops the fraction, and makes the closest integer of what is too large and 0 of what is no number.
    let nearest = (estimate + 0.5f64.copysign(estimate)) as i64;
    if nearest <= -limit || nearest >= limit {
        return None;
    }
    [nearest, nearest - 1, nearest + 1]
        .into_iter()
        .find(|&integer| -limit < integer && integer < limit && gives(integer))
}

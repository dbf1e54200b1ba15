//! The code `quotient`. In: the bits of a float and the integer of another column in the same row. Out: the integer `k`
//! that gives back the bits when it is divided by the other, or the other by it. Averages and rates are such columns: the
//! rooms per household of a district are two integers.

use super::number::{Found, Numbering, is_special, near, rounded, value};
use super::spec::{LIMIT, Role};
use crate::sample::DType;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Quotient {
    pub(super) role: Role,
    pub(super) by: usize,
    pub(super) numbering: Numbering,
}

impl Quotient {
    #[inline]
    pub(super) fn decode(&self, dtype: DType, stored: u64, other: i64) -> u64 {
        match self.numbering.decode(stored) {
            Ok(integer) => cell(dtype, self.role, integer, other),
            Err(special) => special,
        }
    }
}

/// The quotient; 0.0 for a denominator of 0, which would be no number.
#[inline]
fn cell(dtype: DType, role: Role, own: i64, other: i64) -> u64 {
    let (numerator, denominator) = match role {
        Role::Numerator => (own, other),
        Role::Denominator => (other, own),
    };
    if denominator == 0 { 0 } else { rounded(dtype, numerator as f64 / denominator as f64) }
}

/// What `bits` are with the integer `other`. Where any integer would do (the other is 0 and so is the cell) it is 0 for a
/// numerator and 1 for a denominator.
#[inline]
pub(super) fn find(dtype: DType, role: Role, bits: u64, other: i64) -> Found {
    if other == 0 {
        return match role {
            Role::Numerator if bits == 0 => Found::Integer(0),
            Role::Denominator if bits == 0 => Found::Integer(1),
            _ => Found::Special,
        };
    }
    let value = value(dtype, bits);
    if !value.is_finite() {
        return Found::Special;
    }
    let estimate = match role {
        Role::Numerator => value * other as f64,
        Role::Denominator => other as f64 / value,
    };
    match near(estimate, LIMIT, |integer| cell(dtype, role, integer, other) == bits) {
        Some(integer) => Found::Integer(integer),
        None if is_special(dtype, bits) => Found::Special,
        None => Found::Nothing,
    }
}

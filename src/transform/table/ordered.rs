//! The code `ordered`. In: the bits of a cell of any dtype. Out: an unsigned integer of the same order as the values, as
//! the transform `columns` has it: signed integers shifted by half their range, floats by IEEE 754 total order.

use crate::sample::{DType, NumberKind};

const fn sign_of(dtype: DType) -> u64 {
    1 << (8 * dtype.size() - 1)
}

/// Bits to integer.
#[inline]
pub(super) fn encode(dtype: DType, bits: u64) -> u64 {
    let sign = sign_of(dtype);
    match dtype.kind() {
        NumberKind::Unsigned => bits,
        NumberKind::Signed => bits ^ sign,
        NumberKind::Float if bits & sign == 0 => bits ^ sign,
        NumberKind::Float => !bits & (sign | (sign - 1)),
    }
}

/// Integer to bits; what a cell has no room for is dropped.
#[inline]
pub(super) fn decode(dtype: DType, integer: u64) -> u64 {
    let sign = sign_of(dtype);
    let integer = integer & (sign | (sign - 1));
    match dtype.kind() {
        NumberKind::Unsigned => integer,
        NumberKind::Signed => integer ^ sign,
        NumberKind::Float if integer & sign != 0 => integer ^ sign,
        NumberKind::Float => !integer & (sign | (sign - 1)),
    }
}

/// The value of a cell of an integer dtype, in two's complement of 64 bits.
#[inline]
pub(super) fn whole(dtype: DType, bits: u64) -> i64 {
    let unused = 64 - 8 * dtype.size() as u32;
    match dtype.kind() {
        NumberKind::Signed => (bits << unused) as i64 >> unused,
        NumberKind::Unsigned | NumberKind::Float => bits as i64,
    }
}

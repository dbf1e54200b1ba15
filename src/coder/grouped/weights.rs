//! Frequencies in few bits. In: the frequencies of a table. Out: a code of four steps an octave for each symbol, which is
//! precise enough, as bits; and frequencies again.

use super::bytes::{BitInput, unzigzag, zigzag};
use crate::bits::BitWriter;
use crate::rans::{Frequencies, SYMBOLS};

/// 0: the symbol does not occur. `k`: its weight is `(4 + (k - 1) % 4) << (k - 1) / 4`.
pub type Code = u8;

/// The largest code; its weight is 4 << 14.
const LAST: Code = 57;

/// What a code is compared with before there was another.
const USUAL: i64 = 28;

/// Bits of the Rice parameter.
const RICE_BITS: u32 = 2;

fn weight(code: Code) -> u64 {
    match code.checked_sub(1) {
        None => 0,
        Some(step) => (4 + u64::from(step % 4)) << (step / 4),
    }
}

/// The codes of symbols that occur so often; the last of them is the escape.
pub fn codes(counts: &[u64]) -> Vec<Code> {
    let mut all = [0; SYMBOLS];
    all.iter_mut().zip(counts).for_each(|(to, &count)| *to = count);
    let exact = Frequencies::from_counts(&all, counts.len().saturating_sub(1) as u8);
    exact.values()[..counts.len()].iter().map(|&value| nearest(u64::from(value) * 4)).collect()
}

/// The code whose weight is nearest to `wanted`.
fn nearest(wanted: u64) -> Code {
    (0..=LAST).min_by_key(|&code| weight(code).abs_diff(wanted)).unwrap_or(0)
}

/// The frequencies that `codes` stand for; the last of them is the escape's.
pub(super) fn frequencies(codes: &[Code]) -> Frequencies {
    let mut weights = [0; SYMBOLS];
    weights.iter_mut().zip(codes).for_each(|(to, &code)| *to = weight(code));
    Frequencies::from_counts(&weights, codes.len().saturating_sub(1) as u8)
}

/// Append `codes`, compared with those of the first table of the column where that takes fewer bits.
pub(super) fn write(codes: &[Code], first: Option<&Vec<Code>>, writer: &mut BitWriter) {
    let mut choices = (0..2 << RICE_BITS).map(|choice| {
        let (rice, with) = (choice >> 1, choice & 1);
        let first = first.filter(|_| with == 1);
        let mut bits = 0u64;
        walk(codes, first, |code, difference| {
            bits += if code == 0 { 1 } else { 2 + (difference >> rice) + rice };
        });
        (bits, choice)
    });
    let first_choice = choices.next().unwrap_or((0, 0));
    let (_, choice) = choices.fold(first_choice, |best, other| if other.0 < best.0 { other } else { best });
    let (rice, with) = (choice >> 1, choice & 1);
    writer.push(rice, RICE_BITS);
    writer.push(with, 1);
    walk(codes, first.filter(|_| with == 1), |code, difference| {
        writer.push(u64::from(code != 0), 1);
        if code != 0 {
            let zeros = (difference >> rice) as u32;
            writer.push(0, zeros.min(60));
            writer.push(0, zeros - zeros.min(60));
            writer.push(1, 1);
            writer.push(difference & ((1 << rice) - 1), rice as u32);
        }
    });
}

/// Tell `each` every code, and its difference to what was expected, folded.
fn walk(codes: &[Code], first: Option<&Vec<Code>>, mut each: impl FnMut(Code, u64)) {
    let mut last = USUAL;
    for (symbol, &code) in codes.iter().enumerate() {
        let expected = expected(symbol, first, last);
        each(code, zigzag(i64::from(code) - expected));
        if code != 0 {
            last = code.into();
        }
    }
}

fn expected(symbol: usize, first: Option<&Vec<Code>>, last: i64) -> i64 {
    let same = first.and_then(|first| first.get(symbol)).filter(|&&code| code != 0);
    same.map_or(last, |&code| code.into())
}

/// Read what [`write`] wrote.
///
/// # Errors
/// The first contradiction.
pub(super) fn read(
    count: usize,
    first: Option<&Vec<Code>>,
    input: &mut BitInput,
) -> Result<Vec<Code>, String> {
    let rice = input.take(RICE_BITS)? as u32;
    let first = if input.take(1)? == 1 { first } else { None };
    let mut last = USUAL;
    let mut codes = Vec::with_capacity(count);
    for symbol in 0..count {
        if input.take(1)? == 0 {
            codes.push(0);
            continue;
        }
        let zeros = u64::from(input.unary()?);
        let difference = unzigzag(zeros << rice | input.take(rice)?);
        let code = expected(symbol, first, last) + difference;
        if !(1..=i64::from(LAST)).contains(&code) {
            return Err(format!("weight {code}"));
        }
        last = code;
        codes.push(code as Code);
    }
    Ok(codes)
}

/// A short number is small: its length in zeros and a one, and the bits below the highest.
pub(super) fn push_short(value: u64, writer: &mut BitWriter) {
    let length = u64::BITS - value.leading_zeros();
    writer.push(0, length);
    writer.push(1, 1);
    push_below_highest(value, length, writer);
}

pub(super) fn push_below_highest(value: u64, length: u32, writer: &mut BitWriter) {
    if length > 1 {
        writer.push(value & ((1 << (length - 1)) - 1), length - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_weight_has_its_code() {
        for code in 0..=LAST {
            assert_eq!(nearest(weight(code)), code);
        }
        assert_eq!(weight(LAST), 4 << 14);
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_again(counts in prop::collection::vec(prop_oneof![Just(0u64), 0u64..50, 0u64..100_000], 1..256)) {
            let codes = codes(&counts);
            let other = vec![7; counts.len()];
            for first in [None, Some(&codes), Some(&other)] {
                let mut writer = BitWriter::default();
                write(&codes, first, &mut writer);
                let mut input = BitInput::of(&writer.finish());
                prop_assert_eq!(&read(counts.len(), first, &mut input).unwrap(), &codes);
            }
        }
    }
}

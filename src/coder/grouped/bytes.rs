//! A model as bits. In: a model. Out: a bit stream as `docs/format.md` maps it, and the model again, every number checked
//! before it is used.

use super::model::{
    Bin, Branch, ColumnModel, MAX_COLUMNS, MAX_LEAVES, MAX_TABLES, Model, Prediction, Reference, Split,
};
use super::weights::{self, Code};
use crate::bits::{BitWriter, PADDING, bits_for, read_bits};

/// Bits that number the kinds of predictions.
const KIND_BITS: u32 = 2;

/// Bits of the number of bins.
const COUNT_BITS: u32 = 8;

/// Bits of a factor.
const FACTOR_BITS: u32 = 32;

/// Bits that tell how long a number is.
const LENGTH_BITS: u32 = 7;

/// Append the bits of `model`, of rows with these `widths`.
pub fn write(model: &Model, widths: &[u8], writer: &mut BitWriter) {
    let count = model.columns.len();
    let reference_bits = bits_for(3 * count as u64 + 1);
    let reference = |reference: Reference, writer: &mut BitWriter| {
        writer.push(reference.number(count).into(), reference_bits);
    };
    for column in &model.columns {
        writer.push(column.column.into(), bits_for(widths.len() as u64));
        let kind = match column.prediction {
            Prediction::Zero => 0,
            Prediction::Same(_) => 1,
            Prediction::Change(_) => 2,
            Prediction::Scaled(..) => 3,
        };
        writer.push(kind, KIND_BITS);
        match column.prediction {
            Prediction::Zero => {}
            Prediction::Same(from) => reference(from, writer),
            Prediction::Change(other) => reference(Reference::Value(other), writer),
            Prediction::Scaled(from, factor) => {
                reference(from, writer);
                writer.push((factor as u32).into(), FACTOR_BITS);
            }
        }
        write_bins(&column.bins, writer);
        let mut branches = vec![column.root()];
        while let Some(branch) = branches.pop() {
            match branch {
                Branch::Split(number) => {
                    let split = &column.splits[number as usize];
                    writer.push(1, 1);
                    reference(split.reference, writer);
                    push_number(zigzag(split.threshold), writer);
                    branches.extend([split.other, split.less]);
                }
                Branch::Table(number) => {
                    writer.push(0, 1);
                    let table = &column.tables[number as usize];
                    let first = column.tables.first().filter(|_| number > 0);
                    weights::write(table, first, writer);
                }
            }
        }
    }
}

/// Read the model of rows with these `widths`: all of `bytes`.
///
/// # Errors
/// The first contradiction.
pub fn read(bytes: &[u8], widths: &[u8]) -> Result<Model, String> {
    let count = widths.iter().filter(|&&width| width > 0).count();
    if count > MAX_COLUMNS {
        return Err(format!("{count} columns that are not constant"));
    }
    let mut input = BitInput::of(bytes);
    let mut seen = vec![false; widths.len()];
    let mut model = Model::default();
    let mut tables = 0;
    for place in 0..count {
        let column = read_column(&mut input, place, count, widths, MAX_TABLES - tables)
            .map_err(|detail| format!("column {place} of the model: {detail}"))?;
        if std::mem::replace(&mut seen[column.column as usize], true) {
            return Err(format!("column {} is there twice", column.column));
        }
        tables += column.tables.len();
        model.columns.push(column);
    }
    if input.at.div_ceil(8) as usize != bytes.len() {
        return Err(format!("a model of {} bits in {} bytes", input.at, bytes.len()));
    }
    Ok(model)
}

fn read_column(
    input: &mut BitInput,
    place: usize,
    count: usize,
    widths: &[u8],
    tables_left: usize,
) -> Result<ColumnModel, String> {
    let reference_bits = bits_for(3 * count as u64 + 1);
    let reference = |input: &mut BitInput| {
        let number = input.take(reference_bits)? as u32;
        let reference = Reference::from_number(number, count).filter(|reference| reference.is_known(place));
        reference.ok_or_else(|| format!("reference {number} is not known there"))
    };
    let column = input.take(bits_for(widths.len() as u64))? as u32;
    let width = widths.get(column as usize).copied().filter(|&width| width > 0);
    let width = width.ok_or_else(|| format!("column {column} of the row has no bits"))?;
    let prediction = match input.take(KIND_BITS)? {
        0 => Prediction::Zero,
        1 => Prediction::Same(reference(input)?),
        2 => match reference(input)? {
            Reference::Value(other) => Prediction::Change(other),
            other => return Err(format!("the change of {other:?}")),
        },
        _ => Prediction::Scaled(reference(input)?, input.take(FACTOR_BITS)? as u32 as i32),
    };
    let bins = read_bins(input)?;
    let (mut splits, mut tables): (Vec<Split>, Vec<Vec<Code>>) = (Vec::new(), Vec::new());
    // Where the next branch belongs: to a split, and whether to its other side.
    let mut open: Vec<Option<(usize, bool)>> = vec![None];
    while let Some(parent) = open.pop() {
        let branch = if input.take(1)? == 1 {
            if splits.len() + 1 >= MAX_LEAVES {
                return Err("a tree of too many leaves".to_owned());
            }
            let number = splits.len();
            let (reference, threshold) = (reference(input)?, unzigzag(input.number()?));
            let unknown = Branch::Table(0);
            splits.push(Split { reference, threshold, less: unknown, other: unknown });
            open.extend([Some((number, true)), Some((number, false))]);
            Branch::Split(number as u16)
        } else {
            if tables.len() >= tables_left {
                return Err(format!("more than {MAX_TABLES} tables"));
            }
            let table = weights::read(bins.len() + 1, tables.first(), input)?;
            tables.push(table);
            Branch::Table(tables.len() as u16 - 1)
        };
        if let Some((number, other)) = parent {
            let split = &mut splits[number];
            *(if other { &mut split.other } else { &mut split.less }) = branch;
        }
    }
    Ok(ColumnModel { column, width, prediction, bins, splits, tables })
}

/// Each bin after the first begins within `2^bits` of the one before, or some way after that.
fn write_bins(bins: &[Bin], writer: &mut BitWriter) {
    writer.push(bins.len() as u64, COUNT_BITS);
    let mut before: Option<&Bin> = None;
    for bin in bins {
        let bits_before = before.map_or(0, |before| before.bits.into());
        weights::push_short(zigzag(i64::from(bin.bits) - i64::from(bits_before)), writer);
        match before {
            None => push_number(zigzag(bin.lower), writer),
            Some(before) => {
                let beyond = (bin.lower as u64).wrapping_sub(before.lower as u64).wrapping_sub(1);
                let near = bits_before == 64 || beyond >> bits_before == 0;
                writer.push(u64::from(!near), 1);
                if near {
                    writer.push(beyond, bits_before);
                } else {
                    push_number(beyond - (1 << bits_before), writer);
                }
            }
        }
        before = Some(bin);
    }
}

fn read_bins(input: &mut BitInput) -> Result<Vec<Bin>, String> {
    let count = input.take(COUNT_BITS)? as usize;
    let mut bins: Vec<Bin> = Vec::with_capacity(count);
    for _ in 0..count {
        let before = bins.last().copied();
        let bits_before: u32 = before.map_or(0, |before| before.bits.into());
        let bits = unzigzag(input.short()?).saturating_add(bits_before.into());
        let bits = u8::try_from(bits).ok().filter(|&bits| bits <= 64).ok_or("a bin of too many bits")?;
        let lower = match before {
            None => unzigzag(input.number()?),
            Some(before) => {
                let beyond = if input.take(1)? == 0 {
                    input.take(bits_before)?
                } else {
                    input.number()?.wrapping_add(1u64.checked_shl(bits_before).unwrap_or(0))
                };
                (before.lower as u64).wrapping_add(beyond).wrapping_add(1) as i64
            }
        };
        bins.push(Bin { lower, bits });
    }
    Ok(bins)
}

/// A number of any size: its length, and the bits below the highest.
fn push_number(value: u64, writer: &mut BitWriter) {
    let length = u64::BITS - value.leading_zeros();
    writer.push(length.into(), LENGTH_BITS);
    weights::push_below_highest(value, length, writer);
}

/// 0, -1, 1, -2, ... as 0, 1, 2, 3, ...
pub(super) fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

pub(super) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Bits that are read one number after another.
pub(super) struct BitInput {
    stream: Vec<u8>,
    at: u64,
    end: u64,
}

impl BitInput {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut stream = bytes.to_vec();
        stream.extend([0; PADDING]);
        Self { stream, at: 0, end: bytes.len() as u64 * 8 }
    }

    /// The next `bits` (0 to 64) bits.
    pub(super) fn take(&mut self, bits: u32) -> Result<u64, String> {
        if self.at + u64::from(bits) > self.end {
            return Err("it is cut short".to_owned());
        }
        let value = read_bits(&self.stream, self.at, bits);
        self.at += u64::from(bits);
        Ok(value)
    }

    /// What `push_number` wrote.
    fn number(&mut self) -> Result<u64, String> {
        let length = self.take(LENGTH_BITS)? as u32;
        self.below_highest(length)
    }

    /// What [`weights::push_short`] wrote.
    fn short(&mut self) -> Result<u64, String> {
        let length = self.unary()?;
        self.below_highest(length)
    }

    /// The number of zeros before the next one.
    pub(super) fn unary(&mut self) -> Result<u32, String> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > 255 {
                return Err("an endless number".to_owned());
            }
        }
        Ok(zeros)
    }

    fn below_highest(&mut self, length: u32) -> Result<u64, String> {
        match length {
            0 => Ok(0),
            1..=64 => Ok(1 << (length - 1) | self.take(length - 1)?),
            _ => Err(format!("a number of {length} bits")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bins_survive_bits(mut lowers in prop::collection::vec(any::<i64>(), 0..40), near in prop::collection::vec(-500i64..500, 0..40), bits in prop::collection::vec(0u8..=64, 80)) {
            lowers.extend(near);
            lowers.sort_unstable();
            lowers.dedup();
            let bins: Vec<Bin> = lowers.iter().zip(&bits).map(|(&lower, &bits)| Bin { lower, bits }).collect();
            let mut writer = BitWriter::default();
            write_bins(&bins, &mut writer);
            prop_assert_eq!(read_bins(&mut BitInput::of(&writer.finish())).unwrap(), bins);
        }

        #[test]
        fn any_bits_are_a_model_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300), widths in prop::collection::vec(0u8..=64, 1..5)) {
            let _ = read(&bytes, &widths);
        }
    }
}

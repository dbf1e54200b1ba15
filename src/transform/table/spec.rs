//! The transform `table` in the metadata. In: JSON. Out: dtype and code of every column, checked against each other and
//! the samples before anything is built from them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::decimal::MAX_SCALE;
use super::number::MAX_SPECIALS;
use crate::error::Error;
use crate::sample::{DType, NumberKind, SampleLayout};

/// Integers of decimals and quotients are smaller than this, so that a float64 holds them exactly.
pub(super) const LIMIT: i64 = 1 << 53;

/// Quotients that may build on each other.
pub(super) const MAX_CHAIN: usize = 16;

/// One column: a cell of every sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnSpec {
    /// Dtype of its cells.
    pub dtype: DType,
    /// How they become integers.
    pub code: CodeSpec,
}

/// How the cells of a column become integers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase", deny_unknown_fields)]
pub enum CodeSpec {
    /// An integer of the same order as the values; for every dtype and any bits.
    Ordered,
    /// A float that is `k / 10^scale` for an integer `k`.
    Decimal {
        /// 0 to 22.
        scale: u8,
        /// The smallest `k`.
        first: i64,
        /// Bits of the cells that are no such number.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        specials: Vec<Bits>,
    },
    /// The place among the column's distinct values, which are in a section of their own.
    Dictionary,
    /// A float that is the quotient of an integer `k` of its own and the integer of another column.
    Quotient {
        /// Which of the two is its own.
        role: Role,
        /// The other column.
        by: u32,
        /// The smallest `k`.
        first: i64,
        /// Bits of the cells that are no such quotient.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        specials: Vec<Bits>,
    },
}

/// What a column's own integer is in a quotient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// `k / b`, where `b` is the other column's.
    Numerator,
    /// `a / k`, where `a` is the other column's.
    Denominator,
}

/// The bits of a cell; hexadecimal in JSON, where numbers that large are not safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bits(pub u64);

impl Serialize for Bits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{:x}", self.0))
    }
}

impl<'de> Deserialize<'de> for Bits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bits = if digits { u64::from_str_radix(&text, 16).ok() } else { None };
        bits.map(Self).ok_or_else(|| serde::de::Error::custom(format!("'{text}' are no bits of a cell")))
    }
}

impl CodeSpec {
    /// For people: what the stored integer is.
    pub fn describe(&self) -> String {
        let with = |text: String, specials: &[Bits]| match specials.len() {
            0 => text,
            1 => format!("{text}, 1 special"),
            count => format!("{text}, {count} specials"),
        };
        match self {
            Self::Ordered => "ordered".to_owned(),
            Self::Decimal { scale: 0, specials, .. } => with("integer".to_owned(), specials),
            Self::Decimal { scale: 1, specials, .. } => with("decimal, 1 place".to_owned(), specials),
            Self::Decimal { scale, specials, .. } => with(format!("decimal, {scale} places"), specials),
            Self::Dictionary => "dictionary".to_owned(),
            Self::Quotient { role: Role::Numerator, by, specials, .. } => {
                with(format!("integer divided by column {by}"), specials)
            }
            Self::Quotient { role: Role::Denominator, by, specials, .. } => {
                with(format!("column {by} divided by integer"), specials)
            }
        }
    }
}

/// Whether a column gives others an integer to divide by, or to be divided.
fn has_integer(column: &ColumnSpec) -> bool {
    let is_integer = column.dtype.kind() != NumberKind::Float;
    is_integer || matches!(column.code, CodeSpec::Decimal { scale: 0, .. } | CodeSpec::Quotient { .. })
}

/// Check `columns` against each other and against samples of `layout`.
///
/// # Errors
/// [`Error::Argument`] names the first column that is impossible.
pub(super) fn check(columns: &[ColumnSpec], layout: &SampleLayout) -> Result<(), Error> {
    let bytes: usize = columns.iter().map(|column| column.dtype.size()).sum();
    let same = columns.iter().all(|column| column.dtype == layout.dtype);
    if bytes != layout.bytes()? || !(same || is_record(layout)) {
        return Err(Error::Argument(format!(
            "{} columns of {bytes} bytes for samples of shape {} and dtype {}",
            columns.len(),
            layout.shape_text(),
            layout.dtype.name()
        )));
    }
    for (number, column) in columns.iter().enumerate() {
        check_code(column, columns, number)
            .map_err(|detail| Error::Argument(format!("column {number}: {detail}")))?;
    }
    Ok(())
}

/// Whether samples are bytes in a row, in which the cells of any dtypes may lie.
pub(crate) fn is_record(layout: &SampleLayout) -> bool {
    layout.dtype == DType::UInt8 && layout.shape.len() == 1
}

fn check_code(column: &ColumnSpec, columns: &[ColumnSpec], number: usize) -> Result<(), String> {
    let (first, specials) = match &column.code {
        CodeSpec::Ordered | CodeSpec::Dictionary => return Ok(()),
        CodeSpec::Decimal { scale, first, specials } => {
            if usize::from(*scale) > MAX_SCALE {
                return Err(format!("a decimal of scale {scale}; at most {MAX_SCALE} is possible"));
            }
            (*first, specials)
        }
        CodeSpec::Quotient { by, first, specials, .. } => {
            check_chain(columns, number, *by)?;
            (*first, specials)
        }
    };
    let dtype = column.dtype;
    if dtype.kind() != NumberKind::Float {
        return Err(format!("a decimal or a quotient of dtype {}, which is no float", dtype.name()));
    }
    if first <= -LIMIT || first >= LIMIT {
        return Err(format!("integers from {first} on"));
    }
    if specials.len() > MAX_SPECIALS {
        return Err(format!("{} specials; at most {MAX_SPECIALS} are possible", specials.len()));
    }
    match specials.iter().find(|bits| dtype.size() < 8 && bits.0 >> (8 * dtype.size()) != 0) {
        Some(bits) => Err(format!("a special {:x} of dtype {}", bits.0, dtype.name())),
        None => Ok(()),
    }
}

/// Every column on the way has an integer, and the way ends.
fn check_chain(columns: &[ColumnSpec], number: usize, by: u32) -> Result<(), String> {
    let mut next = by as usize;
    for _ in 0..MAX_CHAIN {
        let Some(column) = columns.get(next) else {
            return Err(format!("a quotient with column {next} of {}", columns.len()));
        };
        if !has_integer(column) {
            return Err(format!("a quotient with column {next}, which has no integers"));
        }
        match column.code {
            CodeSpec::Quotient { by, .. } if next != number => next = by as usize,
            CodeSpec::Quotient { .. } => return Err("a quotient that builds on itself".to_owned()),
            _ => return Ok(()),
        }
    }
    Err(format!("a chain of more than {MAX_CHAIN} quotients"))
}

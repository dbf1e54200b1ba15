//! The transform of tables. In: a record, the cells of all columns one after another. Out: one unsigned integer per
//! column, as the column's code makes it. [`fit()`] looks at all rows and chooses the codes; the metadata keep them.
//!
//! A code is one file: `ordered` (any bits), `decimal`, `dictionary`, `quotient`.

mod decimal;
mod dictionary;
pub mod fit;
mod number;
mod ordered;
mod quotient;
mod spec;
#[cfg(test)]
mod tests;

use super::{Layer, Scratch, Transform};
use crate::bits::Container;
use crate::error::{Error, Result};
use crate::sample::{DType, SampleLayout};
use decimal::Decimal;
use dictionary::Dictionary;
use number::Numbering;
use quotient::Quotient;

pub use fit::{Fitted, fit};
pub use spec::{Bits, CodeSpec, ColumnSpec, Role};

pub(crate) use spec::is_record;

/// A code, ready to be used.
#[derive(Debug)]
enum Code {
    Ordered,
    Decimal(Decimal),
    Dictionary(Dictionary),
    Quotient(Quotient),
}

#[derive(Debug)]
struct Column {
    dtype: DType,
    /// Where its cell is in a sample.
    start: usize,
    code: Code,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Table {
    layers: [Layer; 1],
    columns: Vec<Column>,
}

impl Table {
    /// `dictionary` has the section of a column's dictionary.
    pub(super) fn new(
        container: u8,
        columns: &[ColumnSpec],
        layout: &SampleLayout,
        dictionary: &dyn Fn(u32) -> Result<Vec<u8>>,
    ) -> Result<Self> {
        let container = Container::from_bytes(container.into())
            .ok_or_else(|| Error::Argument(format!("containers of {container} bytes")))?;
        spec::check(columns, layout)?;
        let mut start = 0;
        let mut built = Vec::with_capacity(columns.len());
        for (number, ColumnSpec { dtype, code }) in (0u32..).zip(columns) {
            let code = match code {
                CodeSpec::Ordered => Code::Ordered,
                CodeSpec::Dictionary => {
                    Code::Dictionary(Dictionary::from_bytes(*dtype, &dictionary(number)?).map_err(
                        |error| Error::corrupt(format!("values of column {number}"), error.to_string()),
                    )?)
                }
                CodeSpec::Decimal { scale, first, specials } => Code::Decimal(Decimal {
                    scale: usize::from(*scale),
                    numbering: numbering(*first, specials),
                }),
                CodeSpec::Quotient { role, by, first, specials } => Code::Quotient(Quotient {
                    role: *role,
                    by: *by as usize,
                    numbering: numbering(*first, specials),
                }),
            };
            built.push(Column { dtype: *dtype, start, code });
            start += dtype.size();
        }
        let layer = Layer { name: "columns", columns: columns.len(), container, frame_of_reference: true };
        Ok(Self { layers: [layer], columns: built })
    }

    /// The integer of `column` in a sample, for the quotients of others.
    fn integer(&self, column: &Column, sample: &[u8]) -> i64 {
        let Column { dtype, code, .. } = column;
        let bits = column.bits(sample);
        match code {
            Code::Ordered | Code::Dictionary(_) => ordered::whole(*dtype, bits),
            Code::Decimal(decimal) => decimal::find(*dtype, decimal.scale, bits).integer(),
            Code::Quotient(by) => {
                quotient::find(*dtype, by.role, bits, self.integer(&self.columns[by.by], sample)).integer()
            }
        }
    }

    /// What is stored for `column`; `None` where its code does not know the cell.
    fn encode(&self, column: &Column, sample: &[u8]) -> Option<u64> {
        let Column { dtype, code, .. } = column;
        let bits = column.bits(sample);
        match code {
            Code::Ordered => Some(ordered::encode(*dtype, bits)),
            Code::Dictionary(dictionary) => dictionary.encode(*dtype, bits),
            Code::Decimal(decimal) => {
                decimal.numbering.encode(bits, decimal::find(*dtype, decimal.scale, bits))
            }
            Code::Quotient(by) => {
                let other = self.integer(&self.columns[by.by], sample);
                by.numbering.encode(bits, quotient::find(*dtype, by.role, bits, other))
            }
        }
    }

    fn decode<const SIZE: usize>(&self, row: &[u8], sample: &mut [u8]) {
        let stored = row.as_chunks::<SIZE>().0;
        for (column, cell) in self.columns.iter().zip(stored) {
            let cell = load(cell);
            let bits = match &column.code {
                Code::Ordered => ordered::decode(column.dtype, cell),
                Code::Dictionary(dictionary) => dictionary.decode(column.dtype, cell),
                Code::Decimal(decimal) => decimal.decode(column.dtype, cell),
                Code::Quotient(by) => {
                    let other = self.columns[by.by].integer_of(load(&stored[by.by]));
                    by.decode(column.dtype, cell, other)
                }
            };
            let out = &mut sample[column.start..column.start + column.dtype.size()];
            match out.len() {
                8 => out.copy_from_slice(&bits.to_le_bytes()),
                4 => out.copy_from_slice(&(bits as u32).to_le_bytes()),
                2 => out.copy_from_slice(&(bits as u16).to_le_bytes()),
                _ => out.copy_from_slice(&[bits as u8]),
            }
        }
    }
}

impl Column {
    fn bits(&self, sample: &[u8]) -> u64 {
        load(&sample[self.start..self.start + self.dtype.size()])
    }

    /// As [`Table::integer`], from what is stored for the column.
    #[inline]
    fn integer_of(&self, stored: u64) -> i64 {
        match &self.code {
            Code::Ordered => ordered::whole(self.dtype, ordered::decode(self.dtype, stored)),
            Code::Dictionary(dictionary) => ordered::whole(self.dtype, dictionary.decode(self.dtype, stored)),
            Code::Decimal(Decimal { numbering, .. }) | Code::Quotient(Quotient { numbering, .. }) => {
                numbering.decode(stored).unwrap_or(0)
            }
        }
    }
}

impl Transform for Table {
    fn layers(&self) -> &[Layer] {
        &self.layers
    }

    fn is_fitted(&self) -> bool {
        true
    }

    fn forward(&self, sample: &[u8], rows: &mut [&mut [u8]], _: &mut Scratch) {
        let container = self.layers[0].container;
        for (number, column) in self.columns.iter().enumerate() {
            container.set(rows[0], number, self.encode(column, sample).unwrap_or(0));
        }
    }

    fn inverse(&self, rows: &[&[u8]], sample: &mut [u8], _: &mut Scratch) {
        match self.layers[0].container {
            Container::U8 => self.decode::<1>(rows[0], sample),
            Container::U16 => self.decode::<2>(rows[0], sample),
            Container::U32 => self.decode::<4>(rows[0], sample),
            Container::U64 => self.decode::<8>(rows[0], sample),
        }
    }
}

fn numbering(first: i64, specials: &[Bits]) -> Numbering {
    Numbering { first, specials: specials.iter().map(|bits| bits.0).collect() }
}

/// A little-endian integer of 1, 2, 4 or 8 bytes.
#[inline]
fn load(cell: &[u8]) -> u64 {
    match *cell {
        [a] => a.into(),
        [a, b] => u16::from_le_bytes([a, b]).into(),
        [a, b, c, d] => u32::from_le_bytes([a, b, c, d]).into(),
        [a, b, c, d, e, f, g, h] => u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => 0,
    }
}

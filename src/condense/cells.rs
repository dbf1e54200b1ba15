//! Cells of a table as real numbers. In: the bytes of rows, and which cells are wanted. Out: their values, column after
//! column.

use super::Rows;
use crate::error::{Error, Result};
use crate::number::value;
use crate::sample::DType;

/// A cell of every row.
#[derive(Clone, Debug)]
pub struct Cell {
    /// How its bytes are to be read.
    pub dtype: DType,
    /// Where it begins in a row.
    pub offset: usize,
    /// What its numbers are divided by, as of decimals: 1 for others.
    pub divisor: f64,
    /// Where the byte is that says whether there is a value; `None` where there always is one.
    pub valid: Option<usize>,
    /// The column's name, for messages.
    pub name: String,
}

impl Cell {
    /// The value of `row`; NaN where there is none.
    pub fn read(&self, row: &[u8]) -> f64 {
        if self.valid.is_some_and(|valid| row[valid] == 0) {
            return f64::NAN;
        }
        let mut word = [0; 8];
        let bytes = &row[self.offset..self.offset + self.dtype.size()];
        word[..bytes.len()].copy_from_slice(bytes);
        value(self.dtype, u64::from_le_bytes(word)) / self.divisor
    }
}

/// The values of some rows, column after column: features, then the target where there is one.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    numbers: Vec<f64>,
    rows: usize,
}

impl Values {
    /// Read the rows `ids`, whose bytes are `bytes`.
    ///
    /// # Errors
    /// [`Error::Argument`] names the first value that is not finite: it has no place among the others and no mean.
    pub(super) fn read(rows: &Rows<'_>, bytes: &[u8], ids: &[u32]) -> Result<Self> {
        let mut this = Self { numbers: Vec::new(), rows: ids.len() };
        for cell in rows.cells {
            let records = || bytes.chunks_exact(rows.row_bytes);
            let is_null = |at: usize| {
                let record = records().nth(at);
                cell.valid.zip(record).is_some_and(|(valid, record)| record[valid] == 0)
            };
            this.extend(records().map(|row| cell.read(row)), ids, &cell.name, is_null)?;
        }
        if let Some(target) = rows.target {
            this.extend(ids.iter().map(|&id| target[id as usize]), ids, "target", |_| false)?;
        }
        Ok(this)
    }

    fn extend(
        &mut self,
        values: impl Iterator<Item = f64>,
        ids: &[u32],
        column: &str,
        is_null: impl Fn(usize) -> bool,
    ) -> Result<()> {
        let start = self.numbers.len();
        self.numbers.extend(values);
        let added = &self.numbers[start..];
        let Some(bad) = added.iter().position(|value| !value.is_finite()) else { return Ok(()) };
        let what = if is_null(bad) { "null".to_owned() } else { added[bad].to_string() };
        Err(Error::Argument(format!(
            "column '{column}' is {what} in row {}; condensed samples are means and need finite numbers: leave the column out of \
             features, or fill it",
            ids[bad]
        )))
    }

    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// One column.
    pub(super) fn column(&self, column: usize) -> &[f64] {
        &self.numbers[column * self.rows..][..self.rows]
    }
}

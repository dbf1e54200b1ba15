//! Choosing the codes of a table's columns. In: all rows. Out: the transform that takes the fewest bits, with its
//! dictionaries; the same for any number of threads.
//!
//! Three steps, a file each: `sample` rules codes out on some rows, `measure` tries what is left on every row, and
//! `choose` compares what it would take. So a code that is chosen gives back every cell.

mod choose;
mod measure;
mod sample;

use super::number::{Found, MAX_SPECIALS};
use super::spec::{CodeSpec, ColumnSpec, Role};
use super::{is_record, load};
use crate::error::{Error, Result};
use crate::sample::{DType, SampleLayout};
use crate::source::SampleSource;
use crate::transform::Spec;

/// Tables of more columns are stored as they are ordered: nothing is tried on them.
pub const MAX_FITTED: usize = 4096;

/// The transform of a table, and what goes with it.
#[derive(Debug)]
pub struct Fitted {
    /// [`Spec::Table`]; [`Spec::Columns`] where that says the same in fewer bytes.
    pub spec: Spec,
    /// Column and section of every dictionary.
    pub dictionaries: Vec<(u32, Vec<u8>)>,
}

/// Choose the codes for `rows` samples of `layout`, whose cells are `columns` where they differ in dtype. `tick` is called
/// now and then.
///
/// # Errors
/// [`Error::Argument`] where `columns` do not fit the samples; what `source` and `tick` fail with.
pub fn fit(
    layout: &SampleLayout,
    columns: Option<&[DType]>,
    rows: u32,
    source: &dyn SampleSource,
    threads: usize,
    tick: &mut dyn FnMut() -> Result<()>,
) -> Result<Fitted> {
    let dtypes = match columns {
        Some(columns) => columns.to_vec(),
        None => vec![layout.dtype; layout.elements()?],
    };
    let records = Records::new(layout, &dtypes, rows, source)?;
    if rows == 0 || dtypes.is_empty() || dtypes.len() > MAX_FITTED {
        return Ok(Fitted { spec: plain(&dtypes, columns.is_some()), dictionaries: Vec::new() });
    }
    let plan = sample::plan(&records)?;
    let measured = measure::measure(&records, &plan, threads, tick)?;
    let fitted = choose::choose(&records, &plan, measured);
    if columns.is_none() && fitted.saved_bits <= 0 {
        return Ok(Fitted { spec: Spec::Columns, dictionaries: Vec::new() });
    }
    Ok(fitted.chosen)
}

/// All columns `ordered`.
fn plain(dtypes: &[DType], record: bool) -> Spec {
    if !record {
        return Spec::Columns;
    }
    let container = dtypes.iter().map(|dtype| dtype.size() as u8).max().unwrap_or(1);
    let columns = dtypes.iter().map(|&dtype| ColumnSpec { dtype, code: CodeSpec::Ordered });
    Spec::Table { container, columns: columns.collect() }
}

/// The rows of a table.
struct Records<'a> {
    dtypes: &'a [DType],
    starts: Vec<usize>,
    bytes: usize,
    rows: u32,
    source: &'a dyn SampleSource,
}

impl<'a> Records<'a> {
    fn new(
        layout: &SampleLayout,
        dtypes: &'a [DType],
        rows: u32,
        source: &'a dyn SampleSource,
    ) -> Result<Self> {
        let mut bytes = 0;
        let mut starts = Vec::with_capacity(dtypes.len());
        for dtype in dtypes {
            starts.push(bytes);
            bytes += dtype.size();
        }
        let same = dtypes.iter().all(|&dtype| dtype == layout.dtype);
        if layout.bytes()? != bytes || !(same || is_record(layout)) {
            return Err(Error::Argument(format!(
                "{} columns of {bytes} bytes a row for samples of shape {} and dtype {}",
                dtypes.len(),
                layout.shape_text(),
                layout.dtype.name()
            )));
        }
        Ok(Self { dtypes, starts, bytes, rows, source })
    }

    /// The cells of these rows, column after column.
    fn read(&self, ids: &[u32]) -> Result<Vec<Vec<u64>>> {
        let mut records = vec![0; ids.len() * self.bytes];
        self.source.read(ids, &mut records)?;
        let column = |(&start, dtype): (&usize, &DType)| {
            let cells = records.chunks_exact(self.bytes);
            cells.map(|record| load(&record[start..start + dtype.size()])).collect()
        };
        Ok(self.starts.iter().zip(self.dtypes).map(column).collect())
    }
}

/// What may be tried on every row.
struct Plan {
    /// For every column the scale that some rows need, and the quotient that they are.
    candidates: Vec<Candidate>,
    /// The columns that may be quotients, each after the one that it builds on.
    quotients: Vec<usize>,
}

#[derive(Clone, Copy, Default)]
struct Candidate {
    decimal: Option<usize>,
    quotient: Option<(Role, usize)>,
}

/// The integers that a decimal or a quotient would store for a column.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Tally {
    /// Above `most` where there are none.
    least: i64,
    most: i64,
    /// Increasing.
    specials: Vec<u64>,
}

impl Tally {
    fn new() -> Self {
        Self { least: i64::MAX, most: i64::MIN, specials: Vec::new() }
    }

    /// `false` where the code does not know the cell, or there are too many specials.
    fn add(&mut self, found: Found, bits: u64) -> bool {
        match found {
            Found::Integer(integer) => {
                self.least = self.least.min(integer);
                self.most = self.most.max(integer);
                true
            }
            Found::Special => self.add_special(bits),
            Found::Nothing => false,
        }
    }

    fn add_special(&mut self, bits: u64) -> bool {
        if let Err(place) = self.specials.binary_search(&bits) {
            self.specials.insert(place, bits);
        }
        self.specials.len() <= MAX_SPECIALS
    }

    fn merge(&mut self, other: &Self) -> bool {
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
        other.specials.iter().all(|&bits| self.add_special(bits))
    }

    /// Bits of what is stored; `None` where no cell is an integer.
    fn width(&self) -> Option<u32> {
        let span = u64::try_from(self.most.checked_sub(self.least)?).ok()?;
        Some(width(span + self.specials.len() as u64))
    }
}

/// Bits of a number.
fn width(largest: u64) -> u32 {
    u64::BITS - largest.leading_zeros()
}

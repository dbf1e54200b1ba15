//! Codes that some rows allow. In: a thousand rows from all over the table. Out: for every float column the scale as a
//! decimal and the best quotient, where there is one, to be tried on all rows.
//!
//! The integer that a quotient finds may be what other columns are divided by: the average occupancy of districts is
//! population by households, and their average number of rooms is then rooms by households. So quotients are looked for
//! in rounds, each with the integers that the one before has found.

use super::{Candidate, Plan, Records, Tally, width};
use crate::error::Result;
use crate::sample::{DType, NumberKind};
use crate::transform::table::decimal::{self, MAX_SCALE};
use crate::transform::table::spec::{MAX_CHAIN, Role};
use crate::transform::table::{ordered, quotient};

/// Rows that are looked at.
const ROWS: u64 = 1024;

/// How many columns to either side one is tried with.
const REACH: usize = 256;

/// See the module.
pub(super) fn plan(records: &Records<'_>) -> Result<Plan> {
    let rows = u64::from(records.rows);
    let wanted = rows.min(ROWS);
    let ids: Vec<u32> = (0..wanted).map(|i| (i * rows / wanted) as u32).collect();
    let columns = records.read(&ids)?;
    let mut search = Search::new(records.dtypes, &columns);
    let mut fresh: Vec<usize> = (0..columns.len()).filter(|&column| search.is_partner(column)).collect();
    // Its writer keeps well below the length of chains that readers take.
    for _ in 0..MAX_CHAIN / 2 {
        fresh = search.round(&fresh);
        if fresh.is_empty() {
            break;
        }
    }
    Ok(Plan { candidates: search.candidates, quotients: search.quotients })
}

struct Search<'a> {
    dtypes: &'a [DType],
    columns: &'a [Vec<u64>],
    candidates: Vec<Candidate>,
    quotients: Vec<usize>,
    /// Bits that the best code so far takes.
    widths: Vec<u32>,
    /// The integers of the columns that have some.
    integers: Vec<Option<Vec<i64>>>,
}

impl<'a> Search<'a> {
    fn new(dtypes: &'a [DType], columns: &'a [Vec<u64>]) -> Self {
        let mut search = Self {
            dtypes,
            columns,
            candidates: vec![Candidate::default(); columns.len()],
            quotients: Vec::new(),
            widths: Vec::new(),
            integers: Vec::new(),
        };
        for (number, (&dtype, cells)) in dtypes.iter().zip(columns).enumerate() {
            let keys = || cells.iter().map(|&bits| ordered::encode(dtype, bits));
            let mut best = width(keys().max().unwrap_or(0) - keys().min().unwrap_or(0));
            let mut integers = None;
            if dtype.kind() != NumberKind::Float {
                integers = Some(cells.iter().map(|&bits| ordered::whole(dtype, bits)).collect());
            } else if let Some((scale, tally)) = decimals(dtype, cells, 0) {
                search.candidates[number].decimal = Some(scale);
                best = best.min(tally.width().unwrap_or(best));
                let integer = |&bits: &u64| decimal::find(dtype, scale, bits).integer();
                integers = (scale == 0).then(|| cells.iter().map(integer).collect());
            }
            search.widths.push(best);
            search.integers.push(integers);
        }
        search
    }

    /// Whether a column has integers, and not the same one everywhere: that a decimal does as well.
    fn is_partner(&self, column: usize) -> bool {
        let integers = self.integers[column].as_deref();
        integers.is_some_and(|integers| integers.windows(2).any(|pair| pair[0] != pair[1]))
    }

    /// Try all columns without integers with those of the columns `fresh`; returns which have some now.
    fn round(&mut self, fresh: &[usize]) -> Vec<usize> {
        let mut found = Vec::new();
        for column in 0..self.columns.len() {
            if self.integers[column].is_some() || self.widths[column] == 0 {
                continue;
            }
            let near = fresh.iter().filter(|&&other| other.abs_diff(column) <= REACH);
            let pairs = near.flat_map(|&other| [(Role::Numerator, other), (Role::Denominator, other)]);
            for (role, other) in pairs {
                if let Some((integers, width)) = self.quotient(column, role, other)
                    && width < self.widths[column]
                {
                    self.widths[column] = width;
                    self.candidates[column].quotient = Some((role, other));
                    found.push((column, integers));
                }
            }
        }
        // They are partners from the next round on. The last one found for a column is its best.
        let mut fresh: Vec<usize> = found.iter().map(|&(column, _)| column).collect();
        fresh.dedup();
        for (column, integers) in found {
            self.integers[column] = Some(integers);
        }
        self.quotients.extend(&fresh);
        fresh.retain(|&column| self.is_partner(column));
        fresh
    }

    /// The integers of a column as a quotient with another, and their bits.
    fn quotient(&self, column: usize, role: Role, other: usize) -> Option<(Vec<i64>, u32)> {
        let dtype = self.dtypes[column];
        let cells = &self.columns[column];
        let mut tally = Tally::new();
        let others = self.integers[other].as_deref()?;
        let integers: Option<Vec<i64>> = cells
            .iter()
            .zip(others)
            .map(|(&bits, &other)| {
                let found = quotient::find(dtype, role, bits, other);
                tally.add(found, bits).then(|| found.integer())
            })
            .collect();
        Some((integers?, tally.width()?))
    }
}

/// The smallest scale from `from` on at which all cells are decimals, and their integers.
pub(super) fn decimals(dtype: DType, cells: &[u64], from: usize) -> Option<(usize, Tally)> {
    (from..=MAX_SCALE).find_map(|scale| Some((scale, decimals_at(dtype, cells, scale)?)))
}

/// The integers of the cells as decimals of `scale`; there are none where all cells are special.
pub(super) fn decimals_at(dtype: DType, cells: &[u64], scale: usize) -> Option<Tally> {
    let mut tally = Tally::new();
    let fits = cells.iter().all(|&bits| tally.add(decimal::find(dtype, scale, bits), bits));
    fits.then_some(tally)
}

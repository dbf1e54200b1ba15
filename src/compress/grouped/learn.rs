//! Learning a model. In: rows of a block. Out: how every column is predicted, and the bins, trees and tables of what that
//! misses.

use super::NEAR;
use super::sample::Sample;
use super::tree::{self, Known, Tree};
use super::{bins, order};
use crate::bits::BitLayout;
use crate::coder::grouped::model::{Bin, ColumnModel, FACTOR_BITS, MAX_LEAVES, Model, Prediction, Reference};
use crate::coder::grouped::{codes, count};
use crate::error::Result;
use crate::parallel::map_in_order;
use crate::rans::cost::POINT;

/// Values from which predictions and trees are learned.
const STRUCTURE_CELLS: usize = 1 << 21;

/// Rows from which predictions and trees are learned.
const STRUCTURE_ROWS: std::ops::RangeInclusive<usize> = 1024..=65_536;

/// Rows on which predictions are compared by the size of what they miss, by bins, and with trees.
const FIRST_ROWS: usize = 2048;
const SECOND_ROWS: usize = 16_384;

/// How many predictions are left after the first comparison, and after the second.
const FIRST_LEFT: usize = 8;
const SECOND_LEFT: usize = 2;

/// Cells that are joined to bins: in a comparison, and at last.
const QUICK_CELLS: usize = 128;
const CELLS: usize = 512;

/// Cells of what trees look at.
const KNOWN_CELLS: usize = 32;

/// Leaves of a column's tree, and tables of all columns.
const LEAVES: usize = 64;
const TABLES: usize = 2048;

/// The model for `rows`, of which `group` make a group; `tick` is called now and then.
pub(super) fn learn(
    rows: &[u8],
    layout: &BitLayout,
    group: usize,
    threads: usize,
    tick: &mut dyn FnMut() -> Result<()>,
) -> Result<Model> {
    let mut all = Sample::new(rows, layout, group);
    let order = order::choose(&all, threads)?;
    all.reorder(&order);
    let learner = Learner::new(&all, threads)?;
    let columns = order.len();
    let mut predictions = Vec::with_capacity(columns);
    map_in_order(
        threads,
        columns,
        |place| Ok(learner.prediction(place)),
        |_, prediction| {
            predictions.push(prediction);
            tick()
        },
    )?;
    let mut missed: Vec<Known> = Vec::with_capacity(columns);
    let known = |place: usize| {
        let residuals = learner.structure.residuals(place, predictions[place]);
        Ok(in_cells(Reference::Residual(place as u32), &residuals))
    };
    map_in_order(threads, columns, known, |_, known| {
        missed.push(known);
        Ok(())
    })?;
    let mut model = Model::default();
    let column = |place: usize| {
        let mut residuals = all.residuals(place, predictions[place]);
        residuals.sort_unstable();
        let (bins, _) = bins::choose(&residuals, CELLS);
        let (tree, _) = learner.tree(place, predictions[place], &bins, &missed);
        let tables = vec![Vec::new(); tree.splits.len() + 1];
        let ((column, width), prediction) = (all.columns[place], predictions[place]);
        Ok(ColumnModel { column, width, prediction, bins, splits: tree.splits, tables })
    };
    map_in_order(threads, columns, column, |_, column| {
        model.columns.push(column);
        tick()
    })?;
    drop(all);
    let counts = count(&model, layout, rows, group);
    for (column, counts) in model.columns.iter_mut().zip(&counts) {
        column.tables = counts.iter().map(|counts| codes(&counts[..=column.bins.len()])).collect();
    }
    Ok(model)
}

/// Values in cells.
fn in_cells(reference: Reference, values: &[i64]) -> Known {
    let thresholds = bins::thresholds(values, KNOWN_CELLS);
    let cell = |&value: &i64| thresholds.partition_point(|&threshold| threshold <= value) as u8;
    Known { reference, cells: values.iter().map(cell).collect(), thresholds }
}

struct Learner {
    structure: Sample,
    second: Sample,
    first: Sample,
    values: Vec<Known>,
    previous: Vec<Known>,
    row: Known,
    leaves: usize,
}

impl Learner {
    fn new(all: &Sample, threads: usize) -> Result<Self> {
        let columns = all.columns.len();
        let rows = (STRUCTURE_CELLS / columns.max(1)).clamp(*STRUCTURE_ROWS.start(), *STRUCTURE_ROWS.end());
        let structure = all.thin(rows);
        let (mut values, mut previous) = (Vec::with_capacity(columns), Vec::with_capacity(columns));
        let known = |place: usize| {
            let own: Vec<i64> = structure.values[place].iter().map(|&value| value as i64).collect();
            let known = in_cells(Reference::Value(place as u32), &own);
            let zero = known.thresholds.partition_point(|&threshold| threshold <= 0) as u8;
            let before = |row: usize| {
                if row.is_multiple_of(structure.group) { zero } else { known.cells[row - 1] }
            };
            let cells = (0..structure.rows).map(before).collect();
            let reference = Reference::Previous(place as u32);
            Ok((Known { reference, thresholds: known.thresholds.clone(), cells }, known))
        };
        map_in_order(threads, columns, known, |_, (before, now)| {
            previous.push(before);
            values.push(now);
            Ok(())
        })?;
        let numbers: Vec<i64> = (0..structure.rows).map(|row| (row % structure.group) as i64).collect();
        Ok(Self {
            second: structure.thin(SECOND_ROWS),
            first: structure.thin(FIRST_ROWS),
            row: in_cells(Reference::Row, &numbers),
            leaves: (TABLES / columns.max(1)).clamp(1, LEAVES.min(MAX_LEAVES)),
            structure,
            values,
            previous,
        })
    }

    /// The columns that are looked at for column `place`: those that are not far away in the row.
    fn near(&self, place: usize) -> impl Iterator<Item = usize> {
        let columns = &self.structure.columns;
        (0..columns.len()).filter(move |&other| columns[place].0.abs_diff(columns[other].0) <= NEAR)
    }

    /// The prediction with which column `place` takes fewest bits.
    fn prediction(&self, place: usize) -> Prediction {
        let mut candidates = vec![Prediction::Zero];
        for other in self.near(place) {
            let reference = |known: fn(u32) -> Reference| known(other as u32);
            candidates.push(Prediction::Same(reference(Reference::Previous)));
            if other < place {
                candidates.push(Prediction::Same(reference(Reference::Value)));
                candidates.push(Prediction::Change(other as u32));
                let factors = self.factors(place, other);
                candidates
                    .extend(factors.map(|factor| Prediction::Scaled(reference(Reference::Value), factor)));
            }
        }
        let candidates = best_of(candidates, FIRST_LEFT, |&prediction| {
            let residuals = self.first.residuals(place, prediction);
            // How far apart residuals are, whatever they are centred at.
            let later = residuals.iter().skip(7);
            let apart = residuals.iter().zip(later).map(|(a, b)| a.wrapping_sub(*b).unsigned_abs());
            apart.map(|apart| u64::from(u64::BITS - apart.leading_zeros())).sum()
        });
        let mut candidates = best_of(candidates, SECOND_LEFT, |&prediction| {
            let mut residuals = self.second.residuals(place, prediction);
            residuals.sort_unstable();
            bins::choose(&residuals, QUICK_CELLS).1
        });
        if !candidates.contains(&Prediction::Zero) {
            candidates.push(Prediction::Zero);
        }
        let best = best_of(candidates, 1, |&prediction| {
            let mut residuals = self.structure.residuals(place, prediction);
            residuals.sort_unstable();
            let (bins, _) = bins::choose(&residuals, CELLS);
            self.tree(place, prediction, &bins, &[]).1
        });
        best.first().copied().unwrap_or(Prediction::Zero)
    }

    /// Factors with which column `other` may predict column `place`: the usual quotient, and the usual slope.
    fn factors(&self, place: usize, other: usize) -> impl Iterator<Item = i32> {
        let (own, others) = (&self.first.values[place], &self.first.values[other]);
        let quotient = own.iter().zip(others).map(|(&own, &other)| (own as i64, other as i64));
        let later = own.iter().zip(others).skip(7);
        let slope = own.iter().zip(others).zip(later).map(|((&own, &other), (&own_later, &other_later))| {
            (own_later.wrapping_sub(own) as i64, other_later.wrapping_sub(other) as i64)
        });
        let median = |pairs: Vec<(i64, i64)>| {
            let quotients = pairs.iter().filter(|pair| pair.1 != 0);
            let mut quotients: Vec<i128> =
                quotients.map(|&(a, b)| (i128::from(a) << FACTOR_BITS) / i128::from(b)).collect();
            quotients.sort_unstable();
            let factor = quotients.get(quotients.len() / 2).and_then(|&factor| i32::try_from(factor).ok())?;
            // Factors of 0 and 1 are other predictions.
            let one = 1 << FACTOR_BITS;
            (factor.unsigned_abs() > one / 64 && factor.abs_diff(one as i32) > one / 64).then_some(factor)
        };
        [median(quotient.collect()), median(slope.collect())].into_iter().flatten()
    }

    /// The tree of column `place` with these `bins`, and what the column takes, in bits with a point.
    fn tree(&self, place: usize, prediction: Prediction, bins: &[Bin], missed: &[Known]) -> (Tree, u64) {
        let mut plain = 0;
        let symbol = |row: usize| {
            let residual = self.structure.residual(place, prediction, row);
            // A residual that was not among those the bins were made from is an escape.
            let symbol = bins.partition_point(|bin| bin.lower <= residual).saturating_sub(1);
            plain += u64::from(bins.get(symbol).map_or(0, |bin| bin.bits));
            symbol as u8
        };
        let symbols: Vec<u8> = (0..self.structure.rows).map(symbol).collect();
        let mut known: Vec<&Known> = Vec::new();
        for other in self.near(place) {
            known.push(&self.previous[other]);
            if other < place {
                known.push(&self.values[other]);
                known.extend(missed.get(other));
            }
        }
        known.push(&self.row);
        let tree = tree::grow(&symbols, bins.len().max(1), &known, self.leaves);
        let cost = tree.cost + (plain << POINT);
        (tree, cost)
    }
}

/// The `count` candidates with the least costs, the cheapest first; of equal ones those that came first.
fn best_of<T>(candidates: Vec<T>, count: usize, cost: impl FnMut(&T) -> u64) -> Vec<T> {
    let mut costs: Vec<(u64, usize)> = candidates.iter().map(cost).zip(0..).collect();
    costs.sort_unstable();
    let mut candidates: Vec<Option<T>> = candidates.into_iter().map(Some).collect();
    costs.into_iter().take(count).filter_map(|(_, i)| candidates[i].take()).collect()
}

//! The rows from which a model is learned. In: rows of a block. Out: their columns, and the numbers that predictions and
//! trees look at.

use crate::bits::BitLayout;
use crate::coder::grouped::model::{FACTOR_BITS, Prediction, Reference};

/// Values of the columns that are not constant, for whole groups of rows.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// Number and width of each column in the row.
    pub(super) columns: Vec<(u32, u8)>,
    pub(super) values: Vec<Vec<u64>>,
    pub(super) rows: usize,
    /// Rows of a group.
    pub(super) group: usize,
}

impl Sample {
    /// The columns of `rows`.
    pub(super) fn new(rows: &[u8], layout: &BitLayout, group: usize) -> Self {
        let columns: Vec<(u32, u8)> =
            (0u32..).zip(layout.widths.iter().copied()).filter(|c| c.1 > 0).collect();
        let row_bytes = layout.row_bytes();
        let of_column = |&(column, _): &(u32, u8)| {
            rows.chunks_exact(row_bytes).map(|row| layout.container.get(row, column as usize)).collect()
        };
        let values = columns.iter().map(of_column).collect();
        Self { columns, values, rows: rows.len() / row_bytes, group }
    }

    /// The columns in another order.
    pub(super) fn reorder(&mut self, order: &[usize]) {
        self.columns = order.iter().map(|&column| self.columns[column]).collect();
        self.values = order.iter().map(|&column| std::mem::take(&mut self.values[column])).collect();
    }

    /// About `rows` of the rows, in whole groups from all over.
    pub(super) fn thin(&self, rows: usize) -> Self {
        let groups = self.rows.div_ceil(self.group);
        let count = rows.div_ceil(self.group).clamp(1, groups.max(1));
        let picked = (0..count).map(|i| i * groups / count);
        let picked = picked.map(|group| group * self.group..((group + 1) * self.group).min(self.rows));
        let picked: Vec<_> = picked.collect();
        let thinned =
            |values: &Vec<u64>| picked.iter().flat_map(|range| &values[range.clone()]).copied().collect();
        Self {
            columns: self.columns.clone(),
            values: self.values.iter().map(thinned).collect(),
            rows: picked.iter().map(ExactSizeIterator::len).sum(),
            group: self.group,
        }
    }

    /// The value of the row before, 0 in the first row of a group.
    pub(super) fn previous(&self, place: usize, row: usize) -> u64 {
        if row.is_multiple_of(self.group) { 0 } else { self.values[place][row - 1] }
    }

    /// A reference other than a residual.
    fn reference(&self, reference: Reference, row: usize) -> u64 {
        match reference {
            Reference::Value(place) => self.values[place as usize][row],
            Reference::Previous(place) => self.previous(place as usize, row),
            Reference::Residual(_) | Reference::Row => (row % self.group) as u64,
        }
    }

    /// What `prediction` of column `place` misses in row `row`.
    pub(super) fn residual(&self, place: usize, prediction: Prediction, row: usize) -> i64 {
        let value = self.values[place][row];
        let expected = match prediction {
            Prediction::Zero => 0,
            Prediction::Same(reference) => self.reference(reference, row),
            Prediction::Change(other) => {
                let gained =
                    self.values[other as usize][row].wrapping_sub(self.previous(other as usize, row));
                self.previous(place, row).wrapping_add(gained)
            }
            Prediction::Scaled(reference, factor) => {
                ((self.reference(reference, row) as i64).wrapping_mul(factor.into()) >> FACTOR_BITS) as u64
            }
        };
        value.wrapping_sub(expected) as i64
    }

    /// What `prediction` of column `place` misses in all rows.
    pub(super) fn residuals(&self, place: usize, prediction: Prediction) -> Vec<i64> {
        (0..self.rows).map(|row| self.residual(place, prediction, row)).collect()
    }
}

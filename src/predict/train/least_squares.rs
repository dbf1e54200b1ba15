//! Weighted least squares. In: one equation at a time. Out: the solution, plain or with no number below zero.

/// Sums of products: the normal equations.
#[derive(Clone, Debug, Default)]
pub(super) struct Normal {
    /// Upper triangle of the matrix, row after row, unknowns and then the target.
    sums: Vec<f64>,
    unknowns: usize,
}

impl Normal {
    /// Add the equation `values . solution = target`, `weight` times.
    pub(super) fn push(&mut self, values: &[f64], target: f64, weight: f64) {
        if self.sums.is_empty() {
            self.unknowns = values.len();
            self.sums = vec![0.0; (values.len() + 1) * (values.len() + 1)];
        }
        let columns = self.unknowns + 1;
        for (row, &value) in values.iter().enumerate() {
            let factor = value * weight;
            let sums = &mut self.sums[row * columns..(row + 1) * columns];
            for (sum, &other) in sums.iter_mut().zip(values).skip(row) {
                *sum += factor * other;
            }
            sums[columns - 1] += factor * target;
        }
    }

    /// Add the equations of `other`.
    pub(super) fn add(&mut self, other: &Self) {
        if self.sums.is_empty() {
            self.clone_from(other);
            return;
        }
        self.sums.iter_mut().zip(&other.sums).for_each(|(sum, other)| *sum += other);
    }

    /// Matrix (symmetric) and right-hand side.
    fn system(&self) -> (Vec<Vec<f64>>, Vec<f64>) {
        let (n, columns) = (self.unknowns, self.unknowns + 1);
        let at = |i: usize, j: usize| self.sums[i.min(j) * columns + i.max(j)];
        let mut matrix: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| at(i, j)).collect()).collect();
        let mean: f64 = (0..n).map(|i| matrix[i][i]).sum::<f64>() / n.max(1) as f64;
        // Unknowns that nothing tells apart, as in constant data, become 0 or equal.
        for (i, row) in matrix.iter_mut().enumerate() {
            row[i] += 1e-6 * mean + 1e-9;
        }
        (matrix, (0..n).map(|i| self.sums[i * columns + n]).collect())
    }

    /// The least-squares solution, by Gaussian elimination of a positive definite matrix.
    pub(super) fn solve(&self) -> Vec<f64> {
        let (mut matrix, mut right) = self.system();
        let n = right.len();
        for i in 0..n {
            let (done, below) = matrix.split_at_mut(i + 1);
            let pivot = &done[i];
            for (offset, row) in below.iter_mut().enumerate() {
                let factor = row[i] / pivot[i];
                row.iter_mut().zip(pivot).skip(i).for_each(|(value, pivot)| *value -= factor * pivot);
                right[i + 1 + offset] -= factor * right[i];
            }
        }
        for i in (0..n).rev() {
            let known: f64 = matrix[i][i + 1..].iter().zip(&right[i + 1..]).map(|(a, x)| a * x).sum();
            right[i] = (right[i] - known) / matrix[i][i];
        }
        right
    }

    /// The least-squares solution among those without negative numbers, by coordinate descent.
    pub(super) fn solve_non_negative(&self) -> Vec<f64> {
        let (matrix, right) = self.system();
        let mut solution = vec![0.0; right.len()];
        for _ in 0..500 {
            for (i, row) in matrix.iter().enumerate() {
                let others: f64 = row.iter().zip(&solution).map(|(a, x)| a * x).sum::<f64>();
                let rest = right[i] - others + row[i] * solution[i];
                solution[i] = (rest / row[i]).max(0.0);
            }
        }
        solution
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_solutions_are_found() {
        let mut sums = Normal::default();
        for i in 0..50 {
            let i = f64::from(i);
            let values = [i % 7.0, i % 5.0 - 2.0, i % 3.0];
            sums.push(&values, 2.0 * values[0] - 3.0 * values[1] + 0.5 * values[2], 1.0 + i % 2.0);
        }
        for (found, expected) in sums.solve().iter().zip([2.0, -3.0, 0.5]) {
            assert!((found - expected).abs() < 1e-3, "{found}");
        }
        let found = sums.solve_non_negative();
        assert!(found.iter().all(|&x| x >= 0.0) && found[1] == 0.0 && found[0] > 1.5, "{found:?}");
    }

    #[test]
    fn nothing_gives_nothing() {
        assert!(Normal::default().solve().is_empty());
        let mut sums = Normal::default();
        sums.push(&[0.0, 0.0], 0.0, 1.0);
        assert_eq!(sums.solve(), [0.0, 0.0]);
    }
}

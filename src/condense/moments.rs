//! What clusters of rows have in common and what they lose. In: values of rows, and the cluster of each. Out: sizes, means,
//! and the scatter within clusters: with it, sums of products over all rows are known exactly
//! (`sum x x^T = sum n_k c_k c_k^T + S_W`), and least squares on the clusters is least squares on all rows.

use super::cells::Values;

/// Partial sums that a dot product is made of: a fixed number, so that it is the same on every machine.
const LANES: usize = 8;

/// Sums over the rows of one partition. Values are taken relative to the first row of their own cluster, so that what is left of
/// them is no larger than the cluster is wide, and little is lost when squares are subtracted.
#[derive(Debug)]
pub(super) struct Moments {
    columns: usize,
    /// How many of the columns are features; what follows is the target.
    features: usize,
    sizes: Vec<u64>,
    /// Clusters times columns: the first row of each.
    firsts: Vec<f64>,
    /// Clusters times columns.
    sums: Vec<f64>,
    /// For every cluster the sum of the features' squares.
    squares: Vec<f64>,
    /// Columns times columns, the upper triangle: sums of products over all rows.
    products: Vec<f64>,
    /// Working memory: shifted values of a chunk.
    shifted: Vec<f64>,
}

/// What [`Moments`] add up to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Summary {
    /// Rows of each cluster.
    pub(super) sizes: Vec<u64>,
    /// Mean of each cluster: clusters times columns.
    pub(super) means: Vec<f64>,
    /// Sum over rows of `(z - mean of its cluster)(z - mean of its cluster)^T`: columns times columns.
    pub(super) scatter: Vec<f64>,
    /// For every cluster the sum of squared distances of its rows to its mean, in the features.
    pub(super) spread: Vec<f64>,
    /// Standard deviation of each column over all rows.
    pub(super) deviations: Vec<f64>,
}

impl Moments {
    /// Sums of nothing, for `clusters` clusters of rows of `columns` values, of which the first `features` are features.
    pub(super) fn new(clusters: usize, columns: usize, features: usize) -> Self {
        Self {
            columns,
            features,
            sizes: vec![0; clusters],
            firsts: vec![0.0; clusters * columns],
            sums: vec![0.0; clusters * columns],
            squares: vec![0.0; clusters],
            products: vec![0.0; columns * columns],
            shifted: Vec::new(),
        }
    }

    /// Add rows; `clusters` has the cluster of each.
    pub(super) fn add(&mut self, values: &Values, clusters: &[u32]) {
        let (columns, rows) = (self.columns, values.rows());
        for (row, &cluster) in clusters.iter().enumerate() {
            let cluster = cluster as usize;
            if self.sizes[cluster] == 0 {
                let firsts = self.firsts[cluster * columns..][..columns].iter_mut().enumerate();
                firsts.for_each(|(column, first)| *first = values.column(column)[row]);
            }
            self.sizes[cluster] += 1;
        }
        self.shifted.clear();
        for column in 0..columns {
            let of_rows = values.column(column).iter().zip(clusters);
            let firsts = &self.firsts;
            self.shifted
                .extend(of_rows.map(|(value, &cluster)| value - firsts[cluster as usize * columns + column]));
        }
        for (column, shifted) in self.shifted.chunks_exact(rows.max(1)).enumerate() {
            for (&cluster, value) in clusters.iter().zip(shifted) {
                self.sums[cluster as usize * columns + column] += value;
            }
            if column < self.features {
                for (&cluster, value) in clusters.iter().zip(shifted) {
                    self.squares[cluster as usize] += value * value;
                }
            }
            for (other, products) in (column..columns).zip(&mut self.products[column * columns + column..]) {
                *products += dot(shifted, &self.shifted[other * rows..][..rows]);
            }
        }
    }

    /// Means and scatter.
    pub(super) fn finish(self) -> Summary {
        let Self {
            columns, features, sizes, firsts, sums: mut means, squares, products: mut scatter, ..
        } = self;
        let mut spread = squares;
        if columns > 0 {
            let of_clusters = means.chunks_exact_mut(columns).zip(firsts.chunks_exact(columns));
            for ((mean, first), (&size, spread)) in of_clusters.zip(sizes.iter().zip(&mut spread)) {
                let count = size.max(1) as f64;
                mean.iter_mut().for_each(|sum| *sum /= count);
                let centre: f64 = mean[..features].iter().map(|mean| mean * mean).sum();
                // A cluster of one row, or of equal rows, has none; rounding must not make it negative.
                *spread = if size <= 1 { 0.0 } else { not_negative(*spread - count * centre) };
                for row in 0..columns {
                    for column in row..columns {
                        scatter[row * columns + column] -= count * mean[row] * mean[column];
                    }
                }
                mean.iter_mut().zip(first).for_each(|(mean, first)| *mean += first);
            }
        }
        for row in 0..columns {
            scatter[row * columns + row] = not_negative(scatter[row * columns + row]);
            for column in 0..row {
                scatter[row * columns + column] = scatter[column * columns + row];
            }
        }
        let rows = sizes.iter().sum::<u64>().max(1) as f64;
        let deviation = |column: usize| {
            let of_clusters = || means.iter().skip(column).step_by(columns).zip(&sizes);
            let mean = of_clusters().map(|(mean, &size)| mean * (size as f64 / rows)).sum::<f64>();
            let between =
                of_clusters().map(|(at, &size)| size as f64 * (at - mean) * (at - mean)).sum::<f64>();
            ((scatter[column * columns + column] + between) / rows).sqrt()
        };
        let deviations = (0..columns).map(deviation).collect();
        Summary { sizes, means, scatter, spread, deviations }
    }
}

/// As [`f64::max`] with zero, but what is no number stays that.
fn not_negative(value: f64) -> f64 {
    if value < 0.0 { 0.0 } else { value }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (a_parts, b_parts) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f64 = a_parts.remainder().iter().zip(b_parts.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_parts.zip(b_parts) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    lanes.iter().sum::<f64>() + rest
}

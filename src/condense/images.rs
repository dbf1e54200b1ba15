//! The clustering phase of Algorithm 1 (lines 3 to 8) on the bits that are stored, as images have it. In: entropies, bit slices
//! and the value of every sample. Out: clusters of samples that agree in their `beta` most telling bits, with centroids.

use crate::bases::{Groups, Refinement};
use crate::bits::{BitLayout, BitSlices};
use crate::entropy::BitStats;
use crate::error::Result;

/// Group the rows by the first `beta` positions of [`BitStats::clustering_order`] (all of them where there are
/// fewer). `slices` returns the bit slices of the positions asked for, at most `slices_at_once` at a time.
///
/// # Errors
/// Whatever `slices` fails with.
pub fn cluster_by_positions(
    stats: &BitStats,
    layout: &BitLayout,
    beta: usize,
    slices_at_once: usize,
    mut slices: impl FnMut(&[u32]) -> Result<BitSlices>,
) -> Result<Groups> {
    let order = stats.clustering_order(layout);
    let mut refinement = Refinement::new(stats.n as usize);
    for batch in order[..beta.min(order.len())].chunks(slices_at_once.max(1)) {
        let batch_slices = slices(batch)?;
        for (k, &position) in batch.iter().enumerate() {
            refinement.add(batch_slices.get(k), stats.ones[position as usize]);
        }
    }
    let groups = refinement.groups();
    Ok(refinement.at(groups))
}

/// Means per group of values that arrive row by row.
#[derive(Debug)]
pub struct Centroids {
    sums: Vec<f64>,
    columns: usize,
}

impl Centroids {
    /// `groups` groups of `columns` values.
    pub fn new(groups: usize, columns: usize) -> Self {
        Self { sums: vec![0.0; groups * columns], columns }
    }

    /// Add one row's values to its group.
    pub fn add(&mut self, group: u32, values: impl Iterator<Item = f64>) {
        let start = group as usize * self.columns;
        for (sum, value) in self.sums[start..start + self.columns].iter_mut().zip(values) {
            *sum += value;
        }
    }

    /// The means (groups x columns), given the number of rows in each group.
    pub fn finish(mut self, counts: &[u64]) -> Vec<f64> {
        if self.columns > 0 {
            for (row, &count) in self.sums.chunks_exact_mut(self.columns).zip(counts) {
                row.iter_mut().for_each(|sum| *sum /= count as f64);
            }
        }
        self.sums
    }
}

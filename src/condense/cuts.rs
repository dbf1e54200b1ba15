//! Clusters cut in two, one after the other, where it tells most. In: codes, and clusters to begin with. Out: as many clusters as
//! are wanted, and the cuts that made them.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::clustering::{CodeColumn, Codes};
use crate::bases::Groups;

/// One cut of a cluster in two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The cluster; the part that leaves it gets the next number.
    pub cluster: u32,
    /// The column that decides.
    pub column: u32,
    /// Code and step from which on a row leaves: `code << 32 | step`.
    pub from: u64,
}

/// Clusters of rows. The codes of the rows that a cluster begins with lie together, at places in the order of clusters and rows:
/// large tables would otherwise wait for memory at every row of every cut.
pub(super) struct Clusters {
    columns: Vec<CodeColumn>,
    /// The row at every place.
    row_at: Vec<u32>,
    /// The places of each cluster, increasing.
    places: Vec<Vec<u32>>,
}

impl Clusters {
    pub(super) fn new(codes: Codes, groups: &Groups) -> Self {
        let counts = groups.counts();
        let mut next: Vec<u32> = counts
            .iter()
            .scan(0u32, |first, &count| Some(std::mem::replace(first, *first + count as u32)))
            .collect();
        let places = next.iter().zip(&counts).map(|(&first, &count)| (first..first + count as u32).collect());
        let places = places.collect();
        let mut row_at = vec![0; codes.rows];
        let mut place_of = vec![0u32; codes.rows];
        for (row, &group) in (0u32..).zip(&groups.of_row) {
            let place = &mut next[group as usize];
            row_at[*place as usize] = row;
            place_of[row as usize] = *place;
            *place += 1;
        }
        let sorted = |column: CodeColumn| {
            let mut sorted =
                CodeColumn { codes: vec![0; column.codes.len()], steps: vec![0; column.steps.len()] };
            for ((&place, &code), &step) in place_of.iter().zip(&column.codes).zip(&column.steps) {
                sorted.codes[place as usize] = code;
                sorted.steps[place as usize] = step;
            }
            sorted
        };
        Self { columns: codes.columns.into_iter().map(sorted).collect(), row_at, places }
    }

    /// Number of clusters.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Make one cut; whether there are rows on both sides of it.
    pub(super) fn cut(&mut self, cut: &Cut) -> bool {
        let column = &self.columns[cut.column as usize];
        let places = std::mem::take(&mut self.places[cut.cluster as usize]);
        let (leave, stay): (Vec<u32>, Vec<u32>) =
            places.into_iter().partition(|&place| column.at(place) >= cut.from);
        let parted = !leave.is_empty() && !stay.is_empty();
        self.places[cut.cluster as usize] = stay;
        self.places.push(leave);
        parted
    }

    /// Cut always where a column's scatter falls most in units of its scatter over all rows, until there are `size` clusters or
    /// none has two different rows. A cut is at the highest bit in which the cluster's codes of the column differ, or where they
    /// agree, their steps.
    pub(super) fn cut_to(&mut self, size: u64) -> Vec<Cut> {
        let mut cuts = Vec::new();
        if self.len() as u64 >= size || self.row_at.is_empty() {
            return cuts;
        }
        let total: Vec<f64> =
            self.columns.iter().map(|column| scatter(&column.steps).max(1) as f64).collect();
        let mut scratch = Vec::new();
        let mut offer = |clusters: &Self, cluster: usize| {
            best_cut(&clusters.columns, &total, &clusters.places[cluster], cluster, &mut scratch)
        };
        let mut waiting: BinaryHeap<Offer> =
            (0..self.len()).filter_map(|cluster| offer(self, cluster)).collect();
        while (self.len() as u64) < size {
            let Some(Offer { cut, .. }) = waiting.pop() else { break };
            self.cut(&cut);
            cuts.push(cut);
            for cluster in [cut.cluster as usize, self.len() - 1] {
                waiting.extend(offer(self, cluster));
            }
        }
        cuts
    }

    /// The clusters, numbered by first row.
    pub(super) fn groups(&self) -> Groups {
        let mut of_row = vec![0u32; self.row_at.len()];
        for (cluster, places) in (0u32..).zip(&self.places) {
            places.iter().for_each(|&place| of_row[self.row_at[place as usize] as usize] = cluster);
        }
        renumbered(of_row, self.len())
    }
}

/// The best cut of a cluster, and how much of its column's scatter goes away with it.
struct Offer {
    gain: f64,
    cut: Cut,
}

impl Ord for Offer {
    /// The larger gain, then the lower number of the cluster, comes first.
    fn cmp(&self, other: &Self) -> Ordering {
        self.gain.total_cmp(&other.gain).then(other.cut.cluster.cmp(&self.cut.cluster))
    }
}

impl PartialOrd for Offer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Offer {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Offer {}

/// `n` times the sum of squared differences of `n` steps to their mean.
fn scatter(steps: &[u32]) -> u128 {
    let (mut sum, mut squares) = (0u128, 0u128);
    for &step in steps {
        sum += u128::from(step);
        squares += u128::from(u64::from(step) * u64::from(step));
    }
    steps.len() as u128 * squares - sum * sum
}

/// The best cut of the cluster of these `places`, where columns have a scatter of `total` over all rows.
fn best_cut(
    columns: &[CodeColumn],
    total: &[f64],
    places: &[u32],
    cluster: usize,
    scratch: &mut Vec<u64>,
) -> Option<Offer> {
    let mut best: Option<Offer> = None;
    for (column, (of_column, total)) in columns.iter().zip(total).enumerate() {
        // Fetched once, so that the loops over them are vectors.
        scratch.clear();
        scratch.extend(places.iter().map(|&place| of_column.at(place)));
        let low = scratch.iter().fold(u64::MAX, |low, &code| low.min(code));
        let high = scratch.iter().fold(0, |high, &code| high.max(code));
        if low >= high {
            continue;
        }
        let bit = u64::BITS - 1 - (low ^ high).leading_zeros();
        let from = high >> bit << bit;
        // Fewer than 2^32 steps of 32 bits: sums fit.
        let (mut sum, mut upper, mut upper_rows) = (0u64, 0u64, 0u64);
        for &code in scratch.iter() {
            let (step, is_upper) = (code & u64::from(u32::MAX), u64::from(code >= from));
            sum += step;
            upper += step & is_upper.wrapping_neg();
            upper_rows += is_upper;
        }
        let [n, sum, upper, upper_rows] = [places.len() as u64, sum, upper, upper_rows].map(i128::from);
        // The scatter between the two parts: (n s1 - n1 s)^2 / (n n1 n0).
        let apart = (n * upper - upper_rows * sum) as f64;
        let gain = apart * apart / (n * upper_rows * (n - upper_rows)) as f64 / total;
        if best.as_ref().is_none_or(|best| gain > best.gain) {
            let cut = Cut { cluster: cluster as u32, column: column as u32, from };
            best = Some(Offer { gain, cut });
        }
    }
    best
}

/// Clusters numbered by first row.
fn renumbered(mut of_row: Vec<u32>, clusters: usize) -> Groups {
    let mut number = vec![u32::MAX; clusters];
    let mut first_rows = Vec::with_capacity(clusters);
    for (row, cluster) in (0u32..).zip(&mut of_row) {
        let number = &mut number[*cluster as usize];
        if *number == u32::MAX {
            *number = first_rows.len() as u32;
            first_rows.push(row);
        }
        *cluster = *number;
    }
    Groups { of_row, first_rows }
}

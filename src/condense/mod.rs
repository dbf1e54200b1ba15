//! A few weighted rows that stand for all rows of a table (Algorithm 1, lines 3 to 8). In: rows, and how many clusters are
//! wanted. Out: for every cluster its size and means, the scatter within clusters, and the row nearest to the means.
//!
//! Rows are read several times, or kept where their values fit into memory. Results do not depend on the number of threads.

mod cells;
mod clustering;
mod codes;
mod moments;
mod positions;

pub use cells::Cell;
pub use clustering::Goal;
pub use positions::{Centroids, cluster_by_positions};

use crate::bases::Groups;
use crate::error::{Error, Result};
use crate::parallel::{map_in_order, thread_count};
use crate::source::SampleSource;
use cells::Values;
use clustering::{CodeColumn, Codes, cluster};
use codes::{Coder, Range, Sums};
use moments::Moments;

/// Bytes of rows that one job reads.
const CHUNK_BYTES: usize = 1 << 20;

/// Values of a partition that take no more bytes than this are kept instead of being read again.
const KEPT_BYTES: usize = 1 << 28;

/// What is to be condensed.
pub struct Rows<'a> {
    /// The rows.
    pub source: &'a dyn SampleSource,
    /// Bytes of a row.
    pub row_bytes: usize,
    /// The features.
    pub cells: &'a [Cell],
    /// For every row of the source what is to be predicted.
    pub target: Option<&'a [f64]>,
    /// For every row of the source a class: clusters do not mix them.
    pub classes: Option<&'a [u32]>,
    /// The rows of every partition.
    pub partitions: Vec<&'a [u32]>,
}

/// How it is to be condensed.
#[derive(Clone, Copy, Debug)]
pub struct CondenseOptions {
    /// How many clusters; a number of clusters is shared between partitions in proportion to their rows.
    pub goal: Goal,
    /// Whether rows of one cluster resemble each other in the target, too.
    pub target_inside: bool,
    /// Whether the row nearest to each mean is wanted.
    pub nearest: bool,
    /// Threads; 0 for all cores.
    pub num_threads: usize,
}

/// Condensed samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Condensed {
    /// Rows of each cluster.
    pub sizes: Vec<u64>,
    /// Means of each cluster: of the features, and of the target where there is one.
    pub means: Vec<f64>,
    /// Partition of each cluster.
    pub partitions: Vec<u32>,
    /// For every cluster the sum of squared distances of its rows' features to their means.
    pub spread: Vec<f64>,
    /// For every partition the sum over its rows of `(z - mean of the cluster)(z - mean of the cluster)^T`, where z is features
    /// and target.
    pub scatter: Vec<f64>,
    /// The row nearest to each mean, in units of the columns' standard deviations; the first of several. Empty where it was
    /// not asked for.
    pub nearest: Vec<u32>,
    /// For every cluster its first row.
    pub first_rows: Vec<u32>,
}

/// Condense `rows`.
///
/// # Errors
/// [`Error::Argument`] for a value that is not finite, no clusters, more than there are different rows, or arrays of
/// another length; what reading fails with.
pub fn condense(rows: &Rows<'_>, options: &CondenseOptions) -> Result<Condensed> {
    let total: usize = rows.partitions.iter().map(|ids| ids.len()).sum();
    for (what, len) in [("target", rows.target.map(<[_]>::len)), ("classes", rows.classes.map(<[_]>::len))] {
        if let Some(len) = len.filter(|&len| len < total) {
            return Err(Error::Argument(format!("{what} has {len} entries for {total} rows")));
        }
    }
    let goals = shares(options.goal, &rows.partitions)?;
    let mut condensed = Condensed::default();
    for ((number, ids), goal) in (0u32..).zip(&rows.partitions).zip(goals) {
        let columns = rows.cells.len() + usize::from(rows.target.is_some());
        if ids.is_empty() {
            condensed.scatter.extend(vec![0.0; columns * columns]);
            continue;
        }
        Partition::read(rows, ids, options)?.condense(number, goal, &mut condensed)?;
    }
    match options.goal {
        Goal::Clusters(size) if (condensed.sizes.len() as u64) < size => Err(Error::Argument(format!(
            "{size} condensed samples are more than the {} different rows that the columns tell apart; give a smaller size",
            condensed.sizes.len()
        ))),
        _ => Ok(condensed),
    }
}

/// The goal of each partition: a number of clusters is shared by the largest remainder, and every partition gets one.
fn shares(goal: Goal, partitions: &[&[u32]]) -> Result<Vec<Goal>> {
    let size = match goal {
        Goal::Bits(0) => {
            return Err(Error::Argument("beta is 0; clustering needs at least one bit".to_owned()));
        }
        Goal::Bits(_) => return Ok(vec![goal; partitions.len()]),
        Goal::Clusters(size) => size,
    };
    let filled = partitions.iter().filter(|ids| !ids.is_empty()).count() as u64;
    let total: u64 = partitions.iter().map(|ids| ids.len() as u64).sum();
    if size < filled.max(1) {
        return Err(Error::Argument(format!(
            "{size} condensed samples for {filled} partitions; each needs at least one"
        )));
    }
    if size > total {
        return Err(Error::Argument(format!(
            "{size} condensed samples of {total} rows; give a smaller size"
        )));
    }
    let exact = |ids: &&[u32]| u128::from(size) * ids.len() as u128;
    let total = u128::from(total.max(1));
    let mut parts: Vec<u64> =
        partitions.iter().map(|ids| ((exact(ids) / total) as u64).max(u64::from(!ids.is_empty()))).collect();
    let mut by_rest: Vec<usize> = (0..partitions.len()).filter(|&p| !partitions[p].is_empty()).collect();
    by_rest.sort_by_key(|&p| std::cmp::Reverse(exact(&partitions[p]) % total));
    let mut left = size.saturating_sub(parts.iter().sum());
    for &p in by_rest.iter().cycle().take(by_rest.len()) {
        if left > 0 && parts[p] < partitions[p].len() as u64 {
            parts[p] += 1;
            left -= 1;
        }
    }
    // Those that got one although their share was less took it from the largest.
    while parts.iter().sum::<u64>() > size {
        let Some(largest) = parts.iter_mut().max() else { break };
        *largest -= 1;
    }
    Ok(parts.into_iter().map(Goal::Clusters).collect())
}

/// The rows of one partition.
struct Partition<'a> {
    rows: &'a Rows<'a>,
    ids: &'a [u32],
    options: &'a CondenseOptions,
    chunk_rows: usize,
    kept: Option<Vec<Values>>,
    ranges: Vec<Range>,
}

impl<'a> Partition<'a> {
    /// Go through all rows once.
    fn read(rows: &'a Rows<'a>, ids: &'a [u32], options: &'a CondenseOptions) -> Result<Self> {
        let columns = rows.cells.len() + usize::from(rows.target.is_some());
        let keep = ids.len().saturating_mul(columns * 8) <= KEPT_BYTES;
        let mut this = Self {
            rows,
            ids,
            options,
            chunk_rows: (CHUNK_BYTES / rows.row_bytes.max(1)).max(64),
            kept: None,
            ranges: vec![Range::default(); columns],
        };
        let mut ranges = std::mem::take(&mut this.ranges);
        let mut kept = Vec::new();
        this.for_each_chunk(|_, values| {
            for (column, range) in ranges.iter_mut().enumerate() {
                range.add(values.column(column));
            }
            if keep {
                kept.push(values.clone());
            }
        })?;
        this.ranges = ranges;
        this.kept = keep.then_some(kept);
        Ok(this)
    }

    fn condense(&self, number: u32, goal: Goal, condensed: &mut Condensed) -> Result<()> {
        let groups = cluster(&self.codes()?, goal);
        let clusters = groups.first_rows.len();
        let mut moments =
            Moments::new(clusters, self.ranges.iter().map(Range::centre).collect(), self.rows.cells.len());
        self.for_each_chunk(|first, values| moments.add(values, &groups.of_row[first..][..values.rows()]))?;
        let summary = moments.finish();
        if self.options.nearest {
            let nearest = self.nearest(&groups, &summary.means, &summary.deviations)?;
            condensed.nearest.extend(nearest.into_iter().map(|row| self.ids[row as usize]));
        }
        condensed.first_rows.extend(groups.first_rows.iter().map(|&row| self.ids[row as usize]));
        condensed.partitions.extend(std::iter::repeat_n(number, clusters));
        condensed.sizes.extend(summary.sizes);
        condensed.means.extend(summary.means);
        condensed.spread.extend(summary.spread);
        condensed.scatter.extend(summary.scatter);
        Ok(())
    }

    /// The codes of the columns that decide on clusters.
    fn codes(&self) -> Result<Codes> {
        let columns = if self.options.target_inside { self.ranges.len() } else { self.rows.cells.len() };
        let mut sums = vec![Sums::default(); columns];
        self.for_each_chunk(|_, values| {
            for (column, (sums, range)) in sums.iter_mut().zip(&self.ranges).enumerate() {
                sums.add(range, values.column(column));
            }
        })?;
        let coders: Vec<Coder> =
            sums.iter().zip(&self.ranges).map(|(sums, &range)| sums.coder(range)).collect();
        let mut codes = Codes {
            columns: vec![CodeColumn::default(); columns],
            classes: Vec::new(),
            rows: self.ids.len(),
        };
        if let Some(classes) = self.rows.classes {
            codes.classes = self.ids.iter().map(|&id| classes[id as usize]).collect();
        }
        self.for_each_chunk(|_, values| {
            for (column, (codes, coder)) in codes.columns.iter_mut().zip(&coders).enumerate() {
                for &value in values.column(column) {
                    let (code, step) = coder.code(value);
                    codes.codes.push(code);
                    codes.steps.push(step);
                }
            }
        })?;
        Ok(codes)
    }

    /// The row of each cluster that is nearest to its mean.
    fn nearest(&self, groups: &Groups, means: &[f64], deviations: &[f64]) -> Result<Vec<u32>> {
        let columns = self.ranges.len();
        let mut nearest = vec![(f64::INFINITY, 0u32); groups.first_rows.len()];
        self.for_each_chunk(|first, values| {
            let clusters = &groups.of_row[first..][..values.rows()];
            let mut distances = vec![0.0; values.rows()];
            for (column, &deviation) in deviations.iter().enumerate().take(self.rows.cells.len()) {
                if deviation > 0.0 {
                    let of_rows = values.column(column).iter().zip(clusters);
                    for (distance, (value, &cluster)) in distances.iter_mut().zip(of_rows) {
                        let away = (value - means[cluster as usize * columns + column]) / deviation;
                        *distance += away * away;
                    }
                }
            }
            for ((row, distance), &cluster) in (first as u32..).zip(distances).zip(clusters) {
                let best = &mut nearest[cluster as usize];
                if distance < best.0 || best.0 == f64::INFINITY {
                    *best = (distance, row);
                }
            }
        })?;
        Ok(nearest.into_iter().map(|(_, row)| row).collect())
    }

    /// Visit the values of all rows, in order, with the number of the first.
    fn for_each_chunk(&self, mut visit: impl FnMut(usize, &Values)) -> Result<()> {
        if let Some(kept) = &self.kept {
            kept.iter().enumerate().for_each(|(chunk, values)| visit(chunk * self.chunk_rows, values));
            return Ok(());
        }
        let job = |chunk: usize| {
            let first = chunk * self.chunk_rows;
            let ids = &self.ids[first..(first + self.chunk_rows).min(self.ids.len())];
            let mut bytes = vec![0; ids.len() * self.rows.row_bytes];
            self.rows.source.read(ids, &mut bytes)?;
            Values::read(self.rows, &bytes, ids)
        };
        let chunks = self.ids.len().div_ceil(self.chunk_rows);
        map_in_order(thread_count(self.options.num_threads), chunks, job, |chunk, values| {
            visit(chunk * self.chunk_rows, &values);
            Ok(())
        })
    }
}

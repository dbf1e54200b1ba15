//! A few weighted rows that stand for all rows of a table (Algorithm 1, lines 3 to 8). In: rows, and how many clusters are
//! wanted. Out: for every cluster its size and means, the scatter within clusters, and the row nearest to the means.
//!
//! Rows are read several times, or kept where their values fit into memory. Results do not depend on the number of threads.

mod cells;
mod clustering;
mod codes;
mod cuts;
mod images;
mod moments;
mod partition;
mod shares;
mod stored;

pub use cells::Cell;
pub use clustering::{Goal, Rules};
pub use codes::{CodeKind, Range, Sums};
pub use cuts::Cut;
pub use images::{Centroids, cluster_by_positions};
pub use partition::Plan;
pub use stored::{Condensing, Kept, Stored};

use std::collections::HashSet;

use crate::error::{Error, Result};
use crate::source::SampleSource;
use partition::Partition;
use shares::shares;

/// What a file calls its condensed samples.
const SECTION: &str = "condensed";

/// Columns at most.
const MAX_COLUMNS: usize = 8192;

/// Numbers of the scatter of all partitions at most: a gibibyte.
const MAX_SCATTER: usize = 1 << 27;

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
    /// What the bits say.
    pub codes: CodeKind,
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

impl Condensed {
    /// Number of clusters.
    pub fn len(&self) -> usize {
        self.sizes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    fn append(&mut self, part: Self) {
        self.sizes.extend(part.sizes);
        self.means.extend(part.means);
        self.partitions.extend(part.partitions);
        self.spread.extend(part.spread);
        self.scatter.extend(part.scatter);
        self.nearest.extend(part.nearest);
        self.first_rows.extend(part.first_rows);
    }
}

/// Condense `rows`; also, for every partition, what makes its clusters again.
///
/// # Errors
/// [`Error::Argument`] for a value that is not finite, no clusters, more than there are different rows, or arrays of
/// another length; what reading fails with.
pub fn condense(rows: &Rows<'_>, options: &CondenseOptions) -> Result<(Condensed, Vec<Plan>)> {
    rows.check()?;
    let counts: Vec<u64> = rows.partitions.iter().map(|ids| ids.len() as u64).collect();
    let least: Vec<u64> = rows.partitions.iter().map(|ids| rows.classes_in(ids)).collect();
    // How many different rows each has at most, which only trying tells.
    let mut most = counts.clone();
    let mut parts: Vec<Option<(Condensed, Plan)>> = vec![None; counts.len()];
    let mut done = vec![None; counts.len()];
    loop {
        let goals = goals(options.goal, &counts, &least, &most)?;
        for (number, &goal) in goals.iter().enumerate() {
            // A partition is tried again where it has to stand in for one with fewer different rows.
            if done[number].replace(goal) == Some(goal) || counts[number] == 0 {
                continue;
            }
            let (part, plan) =
                Partition::read(rows, number, options, None)?.condense(|codes| Ok(codes.cluster(goal)))?;
            let found = part.len() as u64;
            if matches!(goal, Goal::Clusters(wanted) if found < wanted) {
                (most[number], done[number]) = (found, Some(Goal::Clusters(found)));
            }
            parts[number] = Some((part, plan));
        }
        if done == goals.into_iter().map(Some).collect::<Vec<_>>() {
            break;
        }
    }
    let mut condensed = Condensed::default();
    let mut plans = Vec::new();
    for part in parts {
        let (part, plan) = part.unwrap_or_else(|| rows.empty_partition());
        condensed.append(part);
        plans.push(plan);
    }
    rows.check_sums(&condensed)?;
    Ok((condensed, plans))
}

/// Condense `rows` again by what [`condense`] has found, in one pass, or where values are not kept, in two or three. Of `options` only `nearest` and
/// `num_threads` count; the rest is in `plans`.
///
/// # Errors
/// [`Error::Corrupt`] where `plans` are not made for such rows; otherwise as [`condense`].
pub fn condense_by(rows: &Rows<'_>, plans: &[Plan], options: &CondenseOptions) -> Result<Condensed> {
    rows.check()?;
    if plans.len() != rows.partitions.len() {
        let detail =
            format!("plans of {} partitions, where there are {}", plans.len(), rows.partitions.len());
        return Err(Error::corrupt(SECTION, detail));
    }
    let mut condensed = Condensed::default();
    for (number, plan) in plans.iter().enumerate() {
        if rows.partitions[number].is_empty() {
            condensed.append(rows.empty_partition().0);
            continue;
        }
        plan.check(rows, number).map_err(|detail| Error::corrupt(SECTION, detail))?;
        let partition = Partition::read(rows, number, options, Some(plan))?;
        condensed
            .append(partition.condense(|codes| Ok((codes.cluster_by(&plan.rules)?, Rules::default())))?.0);
    }
    Ok(condensed)
}

fn goals(goal: Goal, rows: &[u64], least: &[u64], most: &[u64]) -> Result<Vec<Goal>> {
    match goal {
        Goal::Bits(0) => Err(Error::Argument("beta is 0; clustering needs at least one bit".to_owned())),
        Goal::Bits(_) => Ok(vec![goal; rows.len()]),
        Goal::Clusters(size) => {
            Ok(shares(size, rows, least, most)?.into_iter().map(Goal::Clusters).collect())
        }
    }
}

impl Rows<'_> {
    /// Columns, the target counted.
    fn columns(&self) -> usize {
        self.cells.len() + usize::from(self.target.is_some())
    }

    fn check(&self) -> Result<()> {
        let total: usize = self.partitions.iter().map(|ids| ids.len()).sum();
        for (what, len) in
            [("target", self.target.map(<[_]>::len)), ("classes", self.classes.map(<[_]>::len))]
        {
            if let Some(len) = len.filter(|&len| len < total) {
                return Err(Error::Argument(format!("{what} has {len} entries for {total} rows")));
            }
        }
        let (columns, partitions) = (self.columns(), self.partitions.len());
        if total == 0 {
            return Err(Error::Argument("there are no rows to condense".to_owned()));
        }
        if columns > MAX_COLUMNS || partitions * columns * columns > MAX_SCATTER {
            return Err(Error::Argument(format!(
                "condensed samples of {columns} columns in {partitions} partitions; at most {MAX_COLUMNS} columns, and {MAX_SCATTER} \
                 numbers of scatter in all: give fewer features"
            )));
        }
        Ok(())
    }

    /// Whether sums of squares are numbers, which those of very large values are not.
    fn check_sums(&self, condensed: &Condensed) -> Result<()> {
        let columns = self.columns();
        let of_squares = |column: usize| {
            let means = condensed.means.iter().skip(column).step_by(columns);
            let between = means.zip(&condensed.sizes).map(|(mean, &size)| mean * mean * size as f64);
            let within = condensed.scatter.iter().skip(column * (columns + 1)).step_by(columns * columns);
            between.sum::<f64>() + within.sum::<f64>()
        };
        let Some(column) = (0..columns).find(|&column| !of_squares(column).is_finite()) else {
            return Ok(());
        };
        let name = self.cells.get(column).map_or("target", |cell| &cell.name);
        Err(Error::Argument(format!(
            "column '{name}' is too large: float64 does not hold the sum of its squares; divide it by a power of ten"
        )))
    }

    /// How many classes these rows have: one where there are none.
    fn classes_in(&self, ids: &[u32]) -> u64 {
        let Some(classes) = self.classes else { return u64::from(!ids.is_empty()) };
        ids.iter().map(|&id| classes[id as usize]).collect::<HashSet<_>>().len() as u64
    }

    /// What a partition without rows comes to.
    fn empty_partition(&self) -> (Condensed, Plan) {
        let scatter = vec![0.0; self.columns() * self.columns()];
        (Condensed { scatter, ..Condensed::default() }, Plan::default())
    }
}

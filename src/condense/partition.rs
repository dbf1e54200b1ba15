//! One partition's rows to its condensed samples. In: rows, and how clusters are found. Out: condensed samples, and a
//! [`Plan`]: what makes the same clusters again without another search.

use std::collections::HashSet;

use super::cells::Values;
use super::clustering::{CodeColumn, Codes, Goal, Rules, cluster, cluster_by};
use super::codes::{CODE_BITS, CodeKind, Coder, Range, Sums, ranks};
use super::moments::Moments;
use super::{CondenseOptions, Condensed, Rows};
use crate::bases::Groups;
use crate::error::Result;
use crate::parallel::{map_in_order, thread_count};

/// Bytes of rows that one job reads.
const CHUNK_BYTES: usize = 1 << 20;

/// Values of a partition that take no more bytes than this are kept instead of being read again.
const KEPT_BYTES: usize = 1 << 28;

/// What makes the clusters of one partition: a few bytes for each column, bit and cut. Rows are read once to be sorted into
/// clusters by it, instead of three times.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Of every column (features, then the target where there is one); empty for a partition without rows.
    pub ranges: Vec<Range>,
    /// Of every column that decides; empty for codes of ranks, which are counted again.
    pub sums: Vec<Sums>,
    /// How many of the columns decide.
    pub deciding: usize,
    /// Bits and cuts.
    pub rules: Rules,
}

impl Plan {
    /// Whether it can be one for partition `number` of `rows`; what is wrong otherwise. A plan from a file may be anything.
    pub(super) fn check(&self, rows: &Rows<'_>, number: usize) -> std::result::Result<(), String> {
        let count = rows.partitions[number].len() as u64;
        let columns = rows.columns();
        let deciding_fits = self.deciding == rows.cells.len() || self.deciding == columns;
        if self.ranges.len() != columns || !deciding_fits {
            return Err(format!(
                "a plan for {} columns, of which {} decide",
                self.ranges.len(),
                self.deciding
            ));
        }
        let finite =
            |range: &Range| range.low.is_finite() && range.high.is_finite() && range.low <= range.high;
        if !self.ranges.iter().all(finite) {
            return Err("the range of a column is none".to_owned());
        }
        if !self.sums.is_empty() && self.sums.len() != self.deciding {
            return Err(format!("sums of {} columns, where {} decide", self.sums.len(), self.deciding));
        }
        if self.sums.iter().any(|sums| sums.count != count || !sums.is_possible()) {
            return Err("sums of a column that no values have".to_owned());
        }
        if self.rules.positions.iter().collect::<HashSet<_>>().len() < self.rules.positions.len() {
            return Err("a bit twice".to_owned());
        }
        let positions = self.deciding as u64 * u64::from(CODE_BITS);
        if self.rules.positions.iter().any(|&position| u64::from(position) >= positions) {
            return Err("a bit of a column that does not decide".to_owned());
        }
        if self.rules.cuts.iter().any(|cut| cut.column as usize >= self.deciding) {
            return Err("a cut in a column that does not decide".to_owned());
        }
        Ok(())
    }
}

/// Codes, and whether clusters begin with bits that all rows share.
pub(super) struct Coded {
    codes: Codes,
    kind: CodeKind,
}

impl Coded {
    /// Search for clusters. The bits of ranks all tell as much, so that to share them would use up the clusters in a few columns.
    pub(super) fn cluster(self, goal: Goal) -> (Groups, Rules) {
        cluster(self.codes, goal, self.kind == CodeKind::Value)
    }

    /// Make clusters known before.
    pub(super) fn cluster_by(self, rules: &Rules) -> Result<Groups> {
        cluster_by(self.codes, rules)
    }
}

/// The rows of one partition.
pub(super) struct Partition<'a> {
    rows: &'a Rows<'a>,
    number: usize,
    ids: &'a [u32],
    options: &'a CondenseOptions,
    chunk_rows: usize,
    kept: Option<Vec<Values>>,
    plan: Plan,
}

impl<'a> Partition<'a> {
    /// Go through all rows once, or where a plan is known and rows are not kept, not yet.
    pub(super) fn read(
        rows: &'a Rows<'a>,
        number: usize,
        options: &'a CondenseOptions,
        known: Option<&Plan>,
    ) -> Result<Self> {
        let ids = rows.partitions[number];
        let columns = rows.columns();
        let keep = ids.len().saturating_mul(columns * 8) <= KEPT_BYTES;
        let mut this = Self {
            rows,
            number,
            ids,
            options,
            chunk_rows: (CHUNK_BYTES / rows.row_bytes.max(1)).max(1),
            kept: None,
            plan: known.cloned().unwrap_or_default(),
        };
        if known.is_some() && !keep {
            return Ok(this);
        }
        let mut ranges = vec![Range::default(); if known.is_none() { columns } else { 0 }];
        let mut kept = Vec::new();
        this.for_each_chunk(|_, values| {
            for (column, range) in ranges.iter_mut().enumerate() {
                range.add(values.column(column));
            }
            if keep {
                kept.push(values.clone());
            }
        })?;
        this.kept = keep.then_some(kept);
        if known.is_none() {
            this.plan.ranges = ranges;
            this.plan.deciding = if options.target_inside { columns } else { rows.cells.len() };
            if options.codes == CodeKind::Value {
                this.plan.sums = this.sums()?;
            }
        }
        Ok(this)
    }

    /// The condensed samples of the clusters that `find` finds.
    pub(super) fn condense(
        mut self,
        find: impl FnOnce(Coded) -> Result<(Groups, Rules)>,
    ) -> Result<(Condensed, Plan)> {
        let (groups, rules) = find(self.codes()?)?;
        self.plan.rules = rules;
        let clusters = groups.first_rows.len();
        let mut moments = Moments::new(clusters, self.plan.ranges.len(), self.rows.cells.len());
        self.for_each_chunk(|first, values| moments.add(values, &groups.of_row[first..][..values.rows()]))?;
        let summary = moments.finish();
        let mut nearest = Vec::new();
        if self.options.nearest {
            let rows = self.nearest(&groups, &summary.means, &summary.deviations)?;
            nearest = rows.into_iter().map(|row| self.ids[row as usize]).collect();
        }
        let condensed = Condensed {
            sizes: summary.sizes,
            means: summary.means,
            partitions: vec![self.number as u32; clusters],
            spread: summary.spread,
            scatter: summary.scatter,
            nearest,
            first_rows: groups.first_rows.iter().map(|&row| self.ids[row as usize]).collect(),
        };
        Ok((condensed, self.plan))
    }

    /// Sums of the steps of the columns that decide on clusters.
    fn sums(&self) -> Result<Vec<Sums>> {
        let mut sums = vec![Sums::default(); self.plan.deciding];
        self.for_each_chunk(|_, values| {
            for (column, (sums, range)) in sums.iter_mut().zip(&self.plan.ranges).enumerate() {
                sums.add(range, values.column(column));
            }
        })?;
        Ok(sums)
    }

    /// The codes of the columns that decide on clusters.
    fn codes(&self) -> Result<Coded> {
        let Plan { ranges, sums, deciding, .. } = &self.plan;
        let coders: Vec<Coder> = sums.iter().map(Sums::coder).collect();
        let mut codes = Codes {
            columns: vec![CodeColumn::default(); *deciding],
            classes: Vec::new(),
            rows: self.ids.len(),
        };
        if let Some(classes) = self.rows.classes {
            codes.classes = self.ids.iter().map(|&id| classes[id as usize]).collect();
        }
        self.for_each_chunk(|_, values| {
            for (column, (codes, range)) in codes.columns.iter_mut().zip(ranges).enumerate() {
                let steps = values.column(column).iter().map(|&value| range.step(value));
                let first = codes.steps.len();
                codes.steps.extend(steps);
                if let Some(coder) = coders.get(column) {
                    codes.codes.extend(codes.steps[first..].iter().map(|&step| coder.code(step)));
                }
            }
        })?;
        let kind = if sums.is_empty() { CodeKind::Rank } else { CodeKind::Value };
        if kind == CodeKind::Rank {
            codes.columns.iter_mut().for_each(|column| column.codes = ranks(&column.steps));
        }
        Ok(Coded { codes, kind })
    }

    /// The row of each cluster that is nearest to its mean.
    fn nearest(&self, groups: &Groups, means: &[f64], deviations: &[f64]) -> Result<Vec<u32>> {
        let columns = self.plan.ranges.len();
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

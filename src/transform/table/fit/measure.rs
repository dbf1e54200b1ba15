//! Every code that is left, on every row. In: the rows, part by part, on any number of threads. Out: for every column its
//! range, its distinct values and the integers of its candidates, unless one row rules them out.

use std::sync::atomic::{AtomicBool, Ordering};

use super::sample::{decimals, decimals_at};
use super::{Plan, Records, Tally};
use crate::error::Result;
use crate::parallel::map_in_order;
use crate::sample::{DType, NumberKind};
use crate::transform::table::{decimal, ordered, quotient};

/// Bytes of records that one job reads.
const PART_BYTES: usize = 1 << 20;

/// Distinct values of a column that are counted at most, and of all columns together, where there are many.
const MAX_DISTINCT: usize = 1 << 16;
const ALL_DISTINCT: usize = 1 << 24;
const MIN_DISTINCT: usize = 256;

/// What is known of a column.
#[derive(Default)]
pub(super) struct Measured {
    /// Smallest and largest cell, as `ordered` encodes them.
    pub(super) range: (u64, u64),
    /// All distinct cells, as `ordered` encodes them, increasing; `None` where there are too many.
    pub(super) distinct: Option<Vec<u64>>,
    /// The scale, and the integers unless parts of the table need different scales.
    pub(super) decimal: Option<(usize, Option<Tally>)>,
    pub(super) quotient: Option<Tally>,
}

/// What has been ruled out while others are still counting.
#[derive(Default)]
struct Ruled {
    distinct: AtomicBool,
    decimal: AtomicBool,
    quotient: AtomicBool,
}

/// See the module.
pub(super) fn measure(
    records: &Records<'_>,
    plan: &Plan,
    threads: usize,
    tick: &mut dyn FnMut() -> Result<()>,
) -> Result<Vec<Measured>> {
    let columns = records.dtypes.len();
    let limit = (ALL_DISTINCT / columns).clamp(MIN_DISTINCT, MAX_DISTINCT);
    let ruled: Vec<Ruled> = (0..columns).map(|_| Ruled::default()).collect();
    let mut total: Vec<Measured> = Vec::new();
    for_each_part(
        records,
        threads,
        |cells| Ok(measure_part(records, plan, &cells, limit, &ruled)),
        |part| {
            if total.is_empty() {
                total = part;
            } else {
                total.iter_mut().zip(part).for_each(|(total, part)| total.merge(part, limit));
            }
            for (total, ruled) in total.iter().zip(&ruled) {
                ruled.distinct.store(total.distinct.is_none(), Ordering::Relaxed);
                ruled.decimal.store(total.decimal.is_none(), Ordering::Relaxed);
                ruled.quotient.store(total.quotient.is_none(), Ordering::Relaxed);
            }
            tick()
        },
    )?;
    settle_decimals(records, &mut total, threads, tick)?;
    drop_orphans(records, plan, &mut total);
    Ok(total)
}

fn for_each_part<T: Send>(
    records: &Records<'_>,
    threads: usize,
    job: impl Fn(Vec<Vec<u64>>) -> Result<T> + Sync,
    mut consume: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    let per_part = (PART_BYTES / records.bytes).max(1) as u64;
    let rows = u64::from(records.rows);
    let load = |number: usize| {
        let start = number as u64 * per_part;
        let ids: Vec<u32> = (start..(start + per_part).min(rows)).map(|id| id as u32).collect();
        job(records.read(&ids)?)
    };
    map_in_order(threads, rows.div_ceil(per_part) as usize, load, |_, part| consume(part))
}

fn measure_part(
    records: &Records<'_>,
    plan: &Plan,
    cells: &[Vec<u64>],
    limit: usize,
    ruled: &[Ruled],
) -> Vec<Measured> {
    let is_open = |flag: &AtomicBool| !flag.load(Ordering::Relaxed);
    let mut integers: Vec<Option<Vec<i64>>> = vec![None; cells.len()];
    let mut measured: Vec<Measured> = Vec::with_capacity(cells.len());
    for (column, cells) in cells.iter().enumerate() {
        let dtype = records.dtypes[column];
        let keys: Vec<u64> = cells.iter().map(|&bits| ordered::encode(dtype, bits)).collect();
        let range = keys.iter().fold((u64::MAX, 0), |(least, most), &key| (key.min(least), key.max(most)));
        let distinct = is_open(&ruled[column].distinct).then(|| distinct(dtype, keys));
        let scale = plan.candidates[column].decimal.filter(|_| is_open(&ruled[column].decimal));
        let decimal = scale.and_then(|scale| decimals(dtype, cells, scale));
        measured.push(Measured {
            range,
            distinct: distinct.filter(|distinct| distinct.len() <= limit),
            decimal: decimal.map(|(scale, tally)| (scale, Some(tally))),
            quotient: None,
        });
    }
    for &column in &plan.quotients {
        let Some((role, other)) = plan.candidates[column].quotient else { continue };
        if !is_open(&ruled[column].quotient) {
            continue;
        }
        if integers[other].is_none() && plan.candidates[other].quotient.is_none() {
            let dtype = records.dtypes[other];
            let cells = cells[other].iter();
            integers[other] = Some(if dtype.kind() == NumberKind::Float {
                cells.map(|&bits| decimal::find(dtype, 0, bits).integer()).collect()
            } else {
                cells.map(|&bits| ordered::whole(dtype, bits)).collect()
            });
        }
        let Some(others) = &integers[other] else { continue };
        let dtype = records.dtypes[column];
        let mut tally = Tally::new();
        let own: Option<Vec<i64>> = cells[column]
            .iter()
            .zip(others)
            .map(|(&bits, &other)| {
                let found = quotient::find(dtype, role, bits, other);
                tally.add(found, bits).then(|| found.integer())
            })
            .collect();
        if own.is_some() {
            measured[column].quotient = Some(tally);
        }
        integers[column] = own;
    }
    measured
}

/// The distinct ones of the cells of a column.
fn distinct(dtype: DType, mut keys: Vec<u64>) -> Vec<u64> {
    if dtype.size() == 1 {
        let mut seen = [false; 256];
        keys.iter().for_each(|&key| seen[key as usize] = true);
        return (0..256).filter(|&key| seen[key as usize]).collect();
    }
    keys.dedup();
    keys.sort_unstable();
    keys.dedup();
    keys
}

impl Measured {
    /// Make this what is known of both parts.
    fn merge(&mut self, other: Self, limit: usize) {
        self.range = (self.range.0.min(other.range.0), self.range.1.max(other.range.1));
        self.distinct = match (self.distinct.take(), other.distinct) {
            (Some(a), Some(b)) => Some(union(a, b)).filter(|union| union.len() <= limit),
            _ => None,
        };
        self.decimal = match (self.decimal.take(), other.decimal) {
            (Some((a, Some(mut tally))), Some((b, Some(other)))) if a == b => {
                tally.merge(&other).then_some((a, Some(tally)))
            }
            (Some((a, _)), Some((b, _))) => Some((a.max(b), None)),
            _ => None,
        };
        self.quotient = match (self.quotient.take(), other.quotient) {
            (Some(mut tally), Some(other)) => tally.merge(&other).then_some(tally),
            _ => None,
        };
    }
}

/// All values of both, increasing as they are.
fn union(a: Vec<u64>, b: Vec<u64>) -> Vec<u64> {
    let mut all = Vec::with_capacity(a.len() + b.len());
    let (mut a, mut b) = (a.into_iter().peekable(), b.into_iter().peekable());
    while let (Some(&x), Some(&y)) = (a.peek(), b.peek()) {
        all.push(x.min(y));
        a.next_if(|_| x <= y);
        b.next_if(|_| y <= x);
    }
    all.extend(a);
    all.extend(b);
    all
}

/// Count the integers of decimals anew, where the first rows need a smaller scale than the others.
fn settle_decimals(
    records: &Records<'_>,
    measured: &mut [Measured],
    threads: usize,
    tick: &mut dyn FnMut() -> Result<()>,
) -> Result<()> {
    let open = |(column, measured): (usize, &Measured)| match measured.decimal {
        Some((scale, None)) => Some((column, scale)),
        _ => None,
    };
    let open: Vec<(usize, usize)> = measured.iter().enumerate().filter_map(open).collect();
    if open.is_empty() {
        return Ok(());
    }
    let mut totals: Vec<Option<Tally>> = vec![Some(Tally::new()); open.len()];
    let job = |cells: Vec<Vec<u64>>| {
        let tally =
            |&(column, scale): &(usize, usize)| decimals_at(records.dtypes[column], &cells[column], scale);
        Ok(open.iter().map(tally).collect::<Vec<_>>())
    };
    for_each_part(records, threads, job, |part| {
        for (total, part) in totals.iter_mut().zip(part) {
            let merged = total.take().zip(part);
            *total = merged.and_then(|(mut total, part)| total.merge(&part).then_some(total));
        }
        tick()
    })?;
    for (&(column, scale), total) in open.iter().zip(totals) {
        measured[column].decimal = total.map(|tally| (scale, Some(tally)));
    }
    Ok(())
}

/// No quotient without the integers that it builds on.
fn drop_orphans(records: &Records<'_>, plan: &Plan, measured: &mut [Measured]) {
    for &column in &plan.quotients {
        let Some((_, other)) = plan.candidates[column].quotient else { continue };
        let is_integer = records.dtypes[other].kind() != NumberKind::Float;
        let by_decimal = matches!(measured[other].decimal, Some((0, Some(_))));
        if !is_integer && !by_decimal && measured[other].quotient.is_none() {
            measured[column].quotient = None;
        }
    }
}

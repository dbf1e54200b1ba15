//! Condensed samples as a file keeps them. In: what was asked for, and condensed samples or what makes them again. Out: the
//! bytes of the section `condensed` (docs/format.md), and back.

use super::clustering::Rules;
use super::codes::{Range, Sums};
use super::cuts::Cut;
use super::{Cell, CondenseOptions, Condensed, Plan, Rows, condense};
use crate::error::Result as CoreResult;
use crate::source::SampleSource;

/// What a file keeps.
#[derive(Clone, Debug, PartialEq)]
pub enum Stored {
    /// The condensed samples.
    Samples(Condensed),
    /// What makes them, for every partition: the paper's low-storage mode.
    Plans(Vec<Plan>),
}

/// What a file keeps, and for what question.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// JSON, kept letter by letter.
    pub request: String,
    /// The answer.
    pub stored: Stored,
}

/// Condensed samples that a file is to keep.
#[derive(Clone, Debug)]
pub struct Condensing<'a> {
    /// The features.
    pub cells: &'a [Cell],
    /// For every sample what is to be predicted.
    pub target: Option<&'a [f64]>,
    /// For every sample a class.
    pub classes: Option<&'a [u32]>,
    /// How they are made.
    pub options: CondenseOptions,
    /// JSON, kept letter by letter.
    pub request: &'a str,
    /// Whether only what makes them is kept.
    pub plans_only: bool,
}

impl Condensing<'_> {
    /// The section for samples of `row_bytes` bytes in `source`, whose numbers `partitions` has.
    ///
    /// # Errors
    /// As [`condense`].
    pub fn section(
        &self,
        source: &dyn SampleSource,
        row_bytes: usize,
        partitions: Vec<&[u32]>,
    ) -> CoreResult<Vec<u8>> {
        let Self { cells, target, classes, options, .. } = *self;
        let rows = Rows { source, row_bytes, cells, target, classes, partitions };
        let (condensed, plans) = condense(&rows, &options)?;
        let stored = if self.plans_only { Stored::Plans(plans) } else { Stored::Samples(condensed) };
        Ok(Kept { request: self.request.to_owned(), stored }.to_bytes())
    }
}

const SAMPLES: u32 = 0;
const PLANS: u32 = 1;

impl Kept {
    /// The section.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mode = if matches!(self.stored, Stored::Samples(_)) { SAMPLES } else { PLANS };
        put_u32(&mut out, &[mode, self.request.len() as u32]);
        out.extend(self.request.as_bytes());
        out.resize(out.len().next_multiple_of(8), 0);
        match &self.stored {
            Stored::Samples(condensed) => put_samples(&mut out, condensed),
            Stored::Plans(plans) => {
                put_u32(&mut out, &[plans.len() as u32, 0]);
                plans.iter().for_each(|plan| put_plan(&mut out, plan));
            }
        }
        out
    }

    /// Read the section of a file of `rows` rows in `partitions` partitions.
    ///
    /// # Errors
    /// What is wrong with it. Plans are checked further where they are used.
    pub fn from_bytes(bytes: &[u8], rows: u64, partitions: usize) -> Result<Self, String> {
        let mut rest = Bytes { rest: bytes };
        let [mode, length] = rest.u32s()?;
        let request = String::from_utf8(rest.take(length as usize)?.to_vec())
            .map_err(|_| "the request is no UTF-8".to_owned())?;
        rest.take(request.len().next_multiple_of(8) - request.len())?;
        let stored = match mode {
            SAMPLES => Stored::Samples(samples(&mut rest, rows, partitions)?),
            PLANS => {
                let [count, _] = rest.u32s()?;
                if count as usize != partitions {
                    return Err(format!("plans of {count} partitions, where there are {partitions}"));
                }
                let plans = (0..count).map(|_| plan(&mut rest)).collect::<Result<_, _>>()?;
                Stored::Plans(plans)
            }
            other => return Err(format!("condensed samples of kind {other}")),
        };
        match rest.rest {
            [] => Ok(Self { request, stored }),
            rest => Err(format!("{} bytes too many", rest.len())),
        }
    }
}

fn put_samples(out: &mut Vec<u8>, condensed: &Condensed) {
    let clusters = condensed.sizes.len();
    let columns = condensed.means.len().checked_div(clusters).unwrap_or(0);
    let partitions = condensed.scatter.len().checked_div(columns * columns).unwrap_or(0);
    let nearest = u32::from(!condensed.nearest.is_empty());
    put_u32(out, &[clusters as u32, columns as u32, partitions as u32, nearest]);
    condensed.sizes.iter().for_each(|size| out.extend(size.to_le_bytes()));
    for values in [&condensed.means, &condensed.spread, &condensed.scatter] {
        values.iter().for_each(|value| out.extend(value.to_le_bytes()));
    }
    put_u32(out, &condensed.partitions);
    put_u32(out, &condensed.first_rows);
    put_u32(out, &condensed.nearest);
}

fn samples(rest: &mut Bytes<'_>, rows: u64, partitions: usize) -> Result<Condensed, String> {
    let [clusters, columns, of_partitions, nearest] = rest.u32s()?;
    let (m, q) = (clusters as usize, columns as usize);
    if of_partitions as usize != partitions || u64::from(clusters) > rows || nearest > 1 {
        return Err(format!(
            "{clusters} clusters in {of_partitions} partitions, where there are {rows} rows in {partitions}"
        ));
    }
    let product = |a: usize, b: usize| a.checked_mul(b).ok_or("more columns than fit".to_owned());
    let sizes = rest.words(m)?.map(u64::from_le_bytes).collect();
    let mut reals = |count: usize| -> Result<Vec<f64>, String> {
        let values: Vec<f64> = rest.words(count)?.map(f64::from_le_bytes).collect();
        if values.iter().all(|value| value.is_finite()) {
            Ok(values)
        } else {
            Err("a value that is not finite".to_owned())
        }
    };
    let means = reals(product(m, q)?)?;
    let spread = reals(m)?;
    let scatter = reals(product(product(q, q)?, partitions)?)?;
    let mut numbers = |count: usize, limit: u64| -> Result<Vec<u32>, String> {
        let values: Vec<u32> = rest.halves(count)?.map(u32::from_le_bytes).collect();
        match values.iter().find(|&&value| u64::from(value) >= limit) {
            Some(value) => Err(format!("the number {value}, where there are {limit}")),
            None => Ok(values),
        }
    };
    let condensed = Condensed {
        sizes,
        means,
        spread,
        scatter,
        partitions: numbers(m, partitions as u64)?,
        first_rows: numbers(m, rows)?,
        nearest: numbers(if nearest == 1 { m } else { 0 }, rows)?,
    };
    let total = condensed.sizes.iter().try_fold(0u64, |sum, &size| sum.checked_add(size));
    if total != Some(rows) || condensed.sizes.contains(&0) {
        return Err(format!("clusters that are not of {rows} rows"));
    }
    Ok(condensed)
}

fn put_plan(out: &mut Vec<u8>, plan: &Plan) {
    let Plan { ranges, sums, deciding, rules: Rules { positions, cuts } } = plan;
    put_u32(out, &[ranges.len() as u32, sums.len() as u32, *deciding as u32]);
    put_u32(out, &[positions.len() as u32, cuts.len() as u32, 0]);
    for range in ranges {
        [range.low, range.high].iter().for_each(|value| out.extend(value.to_le_bytes()));
    }
    for sums in sums {
        out.extend(sums.count.to_le_bytes());
        [sums.sum, sums.squares].iter().for_each(|sum| out.extend(sum.to_le_bytes()));
    }
    for cut in cuts {
        put_u32(out, &[cut.cluster, cut.column]);
        out.extend(cut.from.to_le_bytes());
    }
    put_u32(out, positions);
}

fn plan(rest: &mut Bytes<'_>) -> Result<Plan, String> {
    let [columns, sums, deciding] = rest.u32s()?;
    let [positions, cuts, _] = rest.u32s()?;
    let mut plan = Plan { deciding: deciding as usize, ..Plan::default() };
    for _ in 0..columns {
        let [low, high] = rest.array()?.map(f64::from_le_bytes);
        plan.ranges.push(Range { low, high });
    }
    for _ in 0..sums {
        let [count] = rest.array()?.map(u64::from_le_bytes);
        let [sum, squares] = rest.array()?.map(u128::from_le_bytes);
        plan.sums.push(Sums { count, sum, squares });
    }
    for _ in 0..cuts {
        let [cluster, column] = rest.u32s()?;
        let [from] = rest.array()?.map(u64::from_le_bytes);
        plan.rules.cuts.push(Cut { cluster, column, from });
    }
    plan.rules.positions = rest.halves(positions as usize)?.map(u32::from_le_bytes).collect();
    Ok(plan)
}

fn put_u32(out: &mut Vec<u8>, values: &[u32]) {
    values.iter().for_each(|value| out.extend(value.to_le_bytes()));
}

/// Bytes that have not been read yet; nothing is allocated for what is not there.
struct Bytes<'a> {
    rest: &'a [u8],
}

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or("it ends too early")?;
        self.rest = rest;
        Ok(taken)
    }

    /// `K` numbers of `N` bytes.
    fn array<const K: usize, const N: usize>(&mut self) -> Result<[[u8; N]; K], String> {
        let taken = self.take(K * N)?;
        let (numbers, _) = taken.as_chunks::<N>();
        <[[u8; N]; K]>::try_from(numbers).map_err(|error| error.to_string())
    }

    fn u32s<const K: usize>(&mut self) -> Result<[u32; K], String> {
        Ok(self.array()?.map(u32::from_le_bytes))
    }

    fn words(&mut self, count: usize) -> Result<impl Iterator<Item = [u8; 8]>, String> {
        let taken = self.take(count.checked_mul(8).ok_or("it ends too early")?)?;
        Ok(taken.as_chunks::<8>().0.iter().copied())
    }

    fn halves(&mut self, count: usize) -> Result<impl Iterator<Item = [u8; 4]>, String> {
        let taken = self.take(count.checked_mul(4).ok_or("it ends too early")?)?;
        Ok(taken.as_chunks::<4>().0.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> [Kept; 2] {
        let condensed = Condensed {
            sizes: vec![3, 1],
            means: vec![1.0, -0.0, 2.0, 5e300],
            partitions: vec![0, 1],
            spread: vec![0.5, 0.0],
            scatter: vec![1.0; 8],
            nearest: vec![2, 3],
            first_rows: vec![0, 3],
        };
        let plan = Plan {
            ranges: vec![Range { low: -1.0, high: 2.0 }; 2],
            sums: vec![Sums { count: 3, sum: 5, squares: 11 }],
            deciding: 1,
            rules: Rules {
                positions: vec![0, 3],
                cuts: vec![Cut { cluster: 1, column: 0, from: 9 << 32 | 1 }],
            },
        };
        [Stored::Samples(condensed), Stored::Plans(vec![plan, Plan::default()])]
            .map(|stored| Kept { request: r#"{"size": 2}"#.to_owned(), stored })
    }

    #[test]
    fn what_is_kept_comes_back() {
        for kept in kept() {
            let bytes = kept.to_bytes();
            assert_eq!(Kept::from_bytes(&bytes, 4, 2), Ok(kept));
        }
    }

    #[test]
    fn damage_is_an_error_or_something_else_that_is_possible() {
        for kept in kept() {
            let bytes = kept.to_bytes();
            for end in 0..bytes.len() {
                assert!(Kept::from_bytes(&bytes[..end], 4, 2).is_err());
            }
            for place in 0..bytes.len() {
                for change in [1, 0x80, 0xFF] {
                    let mut bytes = bytes.clone();
                    bytes[place] ^= change;
                    let _ = Kept::from_bytes(&bytes, 4, 2);
                }
            }
            assert!(Kept::from_bytes(&bytes, 4, 3).is_err());
            assert!(Kept::from_bytes(&[&bytes[..], &[0; 8]].concat(), 4, 2).is_err());
        }
    }
}

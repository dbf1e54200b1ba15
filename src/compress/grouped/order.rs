//! The order of decoding. In: a sample of rows. Out: columns, each after one that tells much of it.

use super::sample::Sample;
use super::{NEAR, bins};
use crate::error::Result;
use crate::parallel::map_in_order;
use crate::rans::cost::total;

/// Cells into which values are sorted to see what columns tell of each other.
const CELLS: usize = 12;

/// Values that are looked at for every pair of columns, all pairs together.
const PAIRS: usize = 1 << 28;

/// A maximum spanning tree of mutual information (Chow and Liu 1968), grown from the column that tells most.
pub(super) fn choose(sample: &Sample, threads: usize) -> Result<Vec<usize>> {
    let columns = sample.columns.len();
    let pairs = columns * columns.min(NEAR as usize);
    let sample = sample.thin((PAIRS / pairs.max(1)).clamp(512, 16_384));
    let mut cells: Vec<Vec<u8>> = Vec::with_capacity(columns);
    let sorted = |column: usize| {
        let values: Vec<i64> = sample.values[column].iter().map(|&value| value as i64).collect();
        let thresholds = bins::thresholds(&values, CELLS);
        let cell = |&value: &i64| thresholds.partition_point(|&threshold| threshold <= value) as u8;
        Ok(values.iter().map(cell).collect())
    };
    map_in_order(threads, columns, sorted, |_, column| {
        cells.push(column);
        Ok(())
    })?;
    // What column i tells of every column that is not far away.
    let mut tells: Vec<Vec<u64>> = Vec::with_capacity(columns);
    let row = |i: usize| {
        let near = |j: usize| i != j && sample.columns[i].0.abs_diff(sample.columns[j].0) <= NEAR;
        Ok((0..columns).map(|j| if near(j) { information(&cells[i], &cells[j]) } else { 0 }).collect())
    };
    map_in_order(threads, columns, row, |_, row| {
        tells.push(row);
        Ok(())
    })?;
    let mut left: Vec<usize> = (0..columns).collect();
    let mut order = Vec::with_capacity(columns);
    // What the columns in `order` tell of each other, at most.
    let mut known: Vec<u64> = tells.iter().map(|row| row.iter().sum()).collect();
    while let Some(place) =
        (0..left.len()).max_by_key(|&place| (known[left[place]], std::cmp::Reverse(left[place])))
    {
        let column = left.remove(place);
        if order.is_empty() {
            known = vec![0; columns];
        }
        order.push(column);
        known.iter_mut().zip(&tells[column]).for_each(|(known, &tells)| *known = tells.max(*known));
    }
    Ok(order)
}

/// Mutual information of two columns of cells, times the number of rows, in bits with a point.
fn information(a: &[u8], b: &[u8]) -> u64 {
    const MOST: usize = 4 * CELLS;
    let mut counts = [0u32; MOST * MOST];
    for (&a, &b) in a.iter().zip(b) {
        counts[usize::from(a) * MOST + usize::from(b)] += 1;
    }
    let (mut of_a, mut of_b, mut both) = ([0u64; MOST], [0u64; MOST], 0);
    for (a, row) in counts.chunks_exact(MOST).enumerate() {
        for (b, &count) in row.iter().enumerate().filter(|(_, count)| **count > 0) {
            of_a[a] += u64::from(count);
            of_b[b] += u64::from(count);
            both += total(count.into());
        }
    }
    let alone: u64 = of_a.iter().chain(&of_b).map(|&count| total(count)).sum();
    (both + total(a.len() as u64)).saturating_sub(alone)
}

//! Bins of residuals. In: residuals. Out: at most 255 intervals with which symbols and plain bits together are short; and
//! coarser cells, into which trees sort what they look at.

use crate::coder::grouped::model::{Bin, MAX_BINS};
use crate::rans::cost::{POINT, quick_log2};

/// What a bin costs in the model: its ends, and its place in some tables.
const BIN_BITS: u64 = 28;

/// Values that lie together, the smallest, the largest, and how many.
#[derive(Clone, Copy, Debug)]
struct Cell {
    low: i64,
    high: i64,
    count: u64,
}

/// Cells of `sorted` values, about `wanted` of them (at most twice as many) with equal counts. A value that occurs more
/// often than that has a cell of its own.
fn cells(sorted: &[i64], wanted: usize) -> Vec<Cell> {
    let limit = sorted.len().div_ceil(wanted).max(1) as u64;
    let mut cells: Vec<Cell> = Vec::new();
    // Whether the last cell takes more values.
    let mut open = false;
    for same in sorted.chunk_by(|a, b| a == b) {
        let (value, count) = (same[0], same.len() as u64);
        let alone = count >= limit;
        match cells.last_mut().filter(|_| open && !alone) {
            Some(cell) => {
                cell.high = value;
                cell.count += count;
            }
            None => cells.push(Cell { low: value, high: value, count }),
        }
        open = !alone && cells.last().is_some_and(|cell| cell.count < limit);
    }
    cells
}

/// Bits that number the values from `low` to `high`.
fn span_bits(low: i64, high: i64) -> u32 {
    u64::BITS - (high as u64).wrapping_sub(low as u64).leading_zeros()
}

/// The bins of `sorted` residuals that were grouped into about `wanted` cells, and the length of all residuals and bins, in
/// bits with [`POINT`] bits behind the point: the cheapest way to join neighbouring cells.
pub(super) fn choose(sorted: &[i64], wanted: usize) -> (Vec<Bin>, u64) {
    let cells = cells(sorted, wanted);
    let mut price = BIN_BITS;
    loop {
        let (bins, cost) = join(&cells, sorted.len() as u64, price << POINT);
        if bins.len() <= MAX_BINS {
            return (bins, cost);
        }
        price *= 2;
    }
}

fn join(cells: &[Cell], total: u64, price: u64) -> (Vec<Bin>, u64) {
    let all = quick_log2(total);
    let mut before = vec![0u64; cells.len() + 1];
    for (i, cell) in cells.iter().enumerate() {
        before[i + 1] = before[i] + cell.count;
    }
    // For the first so many cells: the least cost, and where their last bin begins.
    let mut best = vec![(0u64, 0usize); cells.len() + 1];
    for end in 1..=cells.len() {
        let mut least = (u64::MAX, 0);
        for start in (0..end).rev() {
            let count = before[end] - before[start];
            let bits = u64::from(span_bits(cells[start].low, cells[end - 1].high)) << POINT;
            let cost = best[start].0 + count * (all - quick_log2(count).min(all) + bits) + price;
            if cost < least.0 {
                least = (cost, start);
            }
        }
        best[end] = least;
    }
    let mut bins = Vec::new();
    let mut end = cells.len();
    while end > 0 {
        let start = best[end].1;
        let (low, high) = (cells[start].low, cells[end - 1].high);
        bins.push(Bin { lower: low, bits: span_bits(low, high) as u8 });
        end = start;
    }
    bins.reverse();
    (bins, best[cells.len()].0)
}

/// Where cells of `values` end, about `wanted` of them: a value is in the cell of as many thresholds as are not above it.
pub(super) fn thresholds(values: &[i64], wanted: usize) -> Vec<i64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    cells(&sorted, wanted).iter().skip(1).map(|cell| cell.low).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_residual_has_a_bin(mut residuals in prop::collection::vec(prop_oneof![any::<i64>(), -50i64..50, Just(7), Just(i64::MIN), Just(i64::MAX)], 1..600), wanted in 1usize..300) {
            residuals.sort_unstable();
            let (bins, _) = choose(&residuals, wanted);
            prop_assert!(!bins.is_empty() && bins.len() <= MAX_BINS);
            prop_assert!(bins.windows(2).all(|pair| pair[0].lower < pair[1].lower));
            for residual in residuals {
                let bin = bins[bins.partition_point(|bin| bin.lower <= residual) - 1];
                let rest = (residual as u64).wrapping_sub(bin.lower as u64);
                prop_assert!(rest.checked_shr(bin.bits.into()).unwrap_or(0) == 0);
            }
        }
    }

    #[test]
    fn frequent_values_have_bins_of_their_own() {
        let mut residuals: Vec<i64> = (0..2000).map(|i| if i % 2 == 0 { 1000 } else { i }).collect();
        residuals.sort_unstable();
        let (bins, _) = choose(&residuals, 64);
        assert!(bins.contains(&Bin { lower: 1000, bits: 0 }));
        assert!(bins.len() < 10, "{bins:?}");
    }
}

//! Which contexts share a table. In: counts of every context. Out: tables, and the table of every context, such that
//! residuals and tables together are small.

use super::Counts;
use crate::predict::model::MAX_TABLES;
use crate::rans::SYMBOLS;
use crate::rans::cost::{POINT, log2};

/// What a symbol costs in a table's bytes, apart from its frequency.
const SYMBOL_BITS: u64 = 4;

/// Merge two tables at a time, always the two that gain most or lose least, as long as something is gained or there are
/// more than [`MAX_TABLES`].
pub(super) fn merge(counts: &[Counts]) -> (Vec<u8>, Vec<Counts>) {
    let used: Vec<usize> = (0..counts.len()).filter(|&c| counts[c].iter().any(|&n| n > 0)).collect();
    let mut tables: Vec<Option<Counts>> = used.iter().map(|&c| Some(counts[c])).collect();
    let mut owner: Vec<usize> = (0..used.len()).collect();
    let mut costs: Vec<i64> = tables.iter().flatten().map(cost).collect();
    let gain_of =
        |tables: &[Option<Counts>], costs: &[i64], a: usize, b: usize| match (&tables[a], &tables[b]) {
            (Some(first), Some(second)) => {
                let both: Counts = std::array::from_fn(|s| first[s] + second[s]);
                Some(costs[a] + costs[b] - cost(&both))
            }
            _ => None,
        };
    // Gain of merging a with b, for a < b.
    let mut gains: Vec<Vec<Option<i64>>> = (0..tables.len())
        .map(|a| {
            (0..tables.len()).map(|b| (a < b).then(|| gain_of(&tables, &costs, a, b)).flatten()).collect()
        })
        .collect();
    loop {
        let pairs = gains.iter().enumerate().flat_map(|(a, row)| {
            row.iter().enumerate().filter_map(move |(b, gain)| gain.map(|gain| (gain, a, b)))
        });
        // Of equal gains the first.
        let best = pairs.max_by_key(|&(gain, a, b)| (gain, std::cmp::Reverse((a, b))));
        let left = tables.iter().flatten().count();
        let Some((_, a, b)) = best.filter(|&(gain, ..)| gain >= 0 || left > MAX_TABLES) else { break };
        if let (Some(second), Some(first)) = (tables[b].take(), &mut tables[a]) {
            first.iter_mut().zip(second).for_each(|(n, more)| *n += more);
            costs[a] = cost(first);
        }
        owner.iter_mut().filter(|owner| **owner == b).for_each(|owner| *owner = a);
        for other in 0..tables.len() {
            let (low, high) = (a.min(other), a.max(other));
            if low < high {
                gains[low][high] = gain_of(&tables, &costs, low, high);
            }
            let (low, high) = (b.min(other), b.max(other));
            gains[low][high] = None;
        }
    }
    let mut numbers = vec![0u8; tables.len()];
    let mut kept = Vec::new();
    for (table, number) in tables.into_iter().zip(&mut numbers) {
        if let Some(table) = table {
            *number = kept.len() as u8;
            kept.push(table);
        }
    }
    // A context that never occurred takes the table of the nearest one that did.
    let mut map = vec![0; counts.len()];
    for (context, entry) in map.iter_mut().enumerate() {
        let nearest = (0..used.len()).min_by_key(|&i| used[i].abs_diff(context));
        *entry = nearest.map_or(0, |i| numbers[owner[i]]);
    }
    if kept.is_empty() {
        kept.push([0; SYMBOLS]);
    }
    (map, kept)
}

/// Bits (with [`POINT`] behind the point) of residuals with these counts, and of their table.
fn cost(counts: &Counts) -> i64 {
    let total: u64 = counts.iter().sum();
    let mut bits = total as i128 * i128::from(log2(total));
    let mut table = 0;
    for &count in counts.iter().filter(|&&count| count > 0) {
        bits -= count as i128 * i128::from(log2(count));
        let frequency = (count << 14) / total;
        table += SYMBOL_BITS + u64::from(u64::BITS - frequency.leading_zeros());
    }
    bits as i64 + ((table as i64) << POINT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_contexts_share_a_table_and_different_ones_do_not() {
        let at = |symbol: usize| {
            let mut counts = [0; SYMBOLS];
            counts[symbol..symbol + 9].fill(1000);
            counts
        };
        let (map, tables) = merge(&[at(0), at(100), [0; SYMBOLS], at(0), at(100), at(200)]);
        assert_eq!(map, [0, 1, 1, 0, 1, 2]);
        assert_eq!(tables.len(), 3);
        assert_eq!(tables[0].iter().sum::<u64>(), 18_000);
        let (map, tables) = merge(&vec![[0; SYMBOLS]; 4]);
        assert_eq!((map, tables.len()), (vec![0; 4], 1));
    }

    #[test]
    fn there_are_never_too_many_tables() {
        let all: Vec<Counts> = (0..100)
            .map(|i| {
                let mut counts = [0; SYMBOLS];
                counts[i] = 1_000_000;
                counts[i + 1] = 500_000;
                counts
            })
            .collect();
        let (map, tables) = merge(&all);
        assert_eq!(tables.len(), MAX_TABLES);
        assert!(map.iter().all(|&table| (table as usize) < MAX_TABLES));
    }
}

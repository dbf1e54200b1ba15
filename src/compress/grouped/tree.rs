//! Trees of contexts. In: the symbols of a column, and what is known before them, sorted into cells. Out: the questions that
//! tell apart symbols with different frequencies, as long as they save more bits than their tables take.

use crate::coder::grouped::model::{Branch, Reference, Split};
use crate::rans::cost::{POINT, total};

/// Fewer rows are not told apart.
const LEAST_ROWS: usize = 64;

/// References that are looked at beyond the root.
const KEPT_REFERENCES: usize = 16;

/// Bits of a symbol in a table, where it occurs and where it does not.
const PRESENT_BITS: u64 = 5;
const ABSENT_BITS: u64 = 1;

/// Bits of a table besides.
const TABLE_BITS: u64 = 4;

/// A question takes time and memory whenever a row is decoded: for so many rows, it must save a bit more.
const ROWS_PER_BIT: u64 = 200;

/// Bits of a question, apart from its threshold.
const SPLIT_BITS: u64 = 16;

/// A number that is known, in cells.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) reference: Reference,
    /// Where each cell but the first begins.
    pub(super) thresholds: Vec<i64>,
    /// The cell of every row.
    pub(super) cells: Vec<u8>,
}

/// A tree under construction, and the bits of all symbols and tables, with [`POINT`] behind the point.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    pub(super) splits: Vec<Split>,
    pub(super) cost: u64,
}

struct Leaf {
    rows: Vec<u32>,
    /// What its best question saves, and which it is: number of the reference, and of the threshold.
    best: Option<(u64, usize, usize)>,
    /// Where it hangs: the split, and whether at its other side.
    parent: Option<(usize, bool)>,
}

/// A question before its branches are known to be splits or leaves.
struct Node {
    reference: Reference,
    threshold: i64,
    children: [Option<usize>; 2],
}

/// The tree for `symbols`, of `kinds` kinds, with at most `leaves` leaves.
pub(super) fn grow(symbols: &[u8], kinds: usize, known: &[&Known], leaves: usize) -> Tree {
    let mut grower = Grower { symbols, kinds, known, counts: Vec::new(), places: vec![0; kinds] };
    let all: Vec<u32> = (0..symbols.len() as u32).collect();
    let mut base = vec![0u32; kinds];
    symbols.iter().for_each(|&symbol| base[symbol as usize] += 1);
    let mut cost = length(base.iter().copied()) + table_bits(&base);
    let mut references: Vec<usize> = (0..known.len()).collect();
    let (best, mut gains) = grower.best(&all, &references);
    gains.sort_by_key(|&(gain, reference)| (std::cmp::Reverse(gain), reference));
    references = gains.into_iter().take(KEPT_REFERENCES).map(|(_, reference)| reference).collect();
    references.sort_unstable();
    let mut open = vec![Leaf { rows: all, best, parent: None }];
    let mut nodes: Vec<Node> = Vec::new();
    while open.len() < leaves {
        let gain = |leaf: &Leaf| leaf.best.map_or(0, |best| best.0);
        let Some(chosen) = (0..open.len()).max_by_key(|&i| (gain(&open[i]), open.len() - i)) else { break };
        let Some((gain, reference, threshold)) = open[chosen].best else { break };
        cost -= gain.min(cost);
        let leaf = &mut open[chosen];
        let rows = std::mem::take(&mut leaf.rows);
        let cells = &known[reference].cells;
        let (other, less): (Vec<u32>, Vec<u32>) =
            rows.iter().partition(|&&row| usize::from(cells[row as usize]) > threshold);
        if let Some((number, side)) = leaf.parent {
            let number_here = nodes.len();
            nodes[number].children[usize::from(side)] = Some(number_here);
        }
        let number = nodes.len();
        nodes.push(Node {
            reference: known[reference].reference,
            threshold: known[reference].thresholds[threshold],
            children: [None, None],
        });
        let [less, other] = [(less, false), (other, true)].map(|(rows, side)| {
            let (best, _) = grower.best(&rows, &references);
            Leaf { rows, best, parent: Some((number, side)) }
        });
        open[chosen] = less;
        open.push(other);
    }
    Tree { splits: in_order(&nodes), cost }
}

/// The splits of `nodes` in the order of a walk that goes to the smaller side first, with numbers for tables.
fn in_order(nodes: &[Node]) -> Vec<Split> {
    let mut splits: Vec<Split> = Vec::with_capacity(nodes.len());
    let mut tables = 0;
    if nodes.is_empty() {
        return splits;
    }
    // A node or a leaf, and where it hangs: the split, and whether at its other side.
    let mut open = vec![(Some(0), None)];
    while let Some((node, parent)) = open.pop() {
        let branch = match node {
            Some(node) => {
                let number = splits.len();
                let Node { reference, threshold, children } = &nodes[node];
                let (less, other) = (Branch::Table(0), Branch::Table(0));
                splits.push(Split { reference: *reference, threshold: *threshold, less, other });
                open.extend([(children[1], Some((number, true))), (children[0], Some((number, false)))]);
                Branch::Split(number as u16)
            }
            None => {
                tables += 1;
                Branch::Table(tables - 1)
            }
        };
        if let Some((number, other)) = parent {
            let split = &mut splits[number];
            *(if other { &mut split.other } else { &mut split.less }) = branch;
        }
    }
    splits
}

/// Bits of symbols that occur so often.
fn length(counts: impl Iterator<Item = u32>) -> u64 {
    let (mut sum, mut own) = (0u64, 0u64);
    for count in counts {
        sum += u64::from(count);
        own += total(count.into());
    }
    total(sum).saturating_sub(own)
}

fn table_bits(counts: &[u32]) -> u64 {
    let present = counts.iter().filter(|&&count| count > 0).count() as u64;
    (PRESENT_BITS * present + ABSENT_BITS * (counts.len() as u64 - present) + TABLE_BITS) << POINT
}

struct Grower<'a> {
    symbols: &'a [u8],
    kinds: usize,
    known: &'a [&'a Known],
    /// Scratch: for every cell, how often each symbol occurs.
    counts: Vec<u32>,
    /// Scratch: the place of each symbol among those that occur.
    places: Vec<u8>,
}

impl Grower<'_> {
    /// The question that saves most among `rows`: what it saves, its reference and its threshold. And for every reference what
    /// it saves without the price of a table.
    #[expect(clippy::type_complexity, reason = "two lists of numbers")]
    fn best(
        &mut self,
        rows: &[u32],
        references: &[usize],
    ) -> (Option<(u64, usize, usize)>, Vec<(u64, usize)>) {
        let mut base = vec![0u32; self.kinds];
        rows.iter().for_each(|&row| base[self.symbols[row as usize] as usize] += 1);
        let present: Vec<u32> = base.iter().copied().filter(|&count| count > 0).collect();
        let mut gains = Vec::new();
        if rows.len() < LEAST_ROWS || present.len() < 2 {
            return (None, gains);
        }
        let mut next = 0u8;
        for (place, &count) in self.places.iter_mut().zip(&base) {
            *place = next;
            next = next.wrapping_add(u8::from(count > 0));
        }
        let kinds = present.len();
        let own = length(present.iter().copied());
        // Of a table more, only what it takes beyond the one that is there.
        let absent = (self.kinds - kinds) as u64 * ABSENT_BITS;
        let mut best: Option<(u64, usize, usize)> = None;
        for &number in references {
            let known = self.known[number];
            let cells = known.thresholds.len() + 1;
            if cells < 2 {
                continue;
            }
            self.counts.clear();
            self.counts.resize(cells * kinds, 0);
            for &row in rows {
                let symbol = self.places[self.symbols[row as usize] as usize];
                self.counts[usize::from(known.cells[row as usize]) * kinds + usize::from(symbol)] += 1;
            }
            let mut left = vec![0u32; kinds];
            let mut most = 0;
            for (threshold, cell) in self.counts.chunks_exact(kinds).take(cells - 1).enumerate() {
                if cell.iter().all(|&count| count == 0) {
                    continue;
                }
                left.iter_mut().zip(cell).for_each(|(sum, count)| *sum += count);
                let (mut sides, mut sums, mut symbols) = (0u64, [0u64; 2], 0u64);
                for (&left, &all) in left.iter().zip(&present) {
                    let right = all - left;
                    sides += total(left.into()) + total(right.into());
                    sums[0] += u64::from(left);
                    sums[1] += u64::from(right);
                    symbols += u64::from(left > 0) + u64::from(right > 0);
                }
                if sums.contains(&0) {
                    continue;
                }
                let after = (total(sums[0]) + total(sums[1])).saturating_sub(sides);
                let gain = own.saturating_sub(after);
                most = most.max(gain);
                let more = PRESENT_BITS * (symbols - kinds as u64)
                    + ABSENT_BITS * (2 * kinds as u64 - symbols)
                    + absent
                    + TABLE_BITS
                    + SPLIT_BITS
                    + self.symbols.len() as u64 / ROWS_PER_BIT
                    + u64::from(u64::BITS - known.thresholds[threshold].unsigned_abs().leading_zeros());
                let net = gain.saturating_sub(more << POINT);
                if net > best.map_or(0, |best| best.0) {
                    best = Some((net, number, threshold));
                }
            }
            gains.push((most, number));
        }
        (best, gains)
    }
}

//! Rows to clusters. In: codes, column after column. Out: the cluster of every row: rows that agree in their most telling
//! bits (Algorithm 1, lines 3 to 7), and where a number of clusters is asked for, the widest of these cut in two until
//! there are as many.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::codes::CODE_BITS;
use crate::bases::{Groups, Refinement};
use crate::bits::{BitLayout, Container};
use crate::entropy::BitStats;
use crate::error::{Error, Result};

/// How many clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Those that so many bits make.
    Bits(u64),
    /// As many as this, where there are so many different rows.
    Clusters(u64),
}

/// Of the clusters asked for, those made by bits for all rows together; the others are made one by one, where they tell most.
const SHARED: u64 = 2;

/// One column of all rows.
#[derive(Clone, Debug, Default)]
pub(super) struct CodeColumn {
    /// The codes.
    pub(super) codes: Vec<u16>,
    /// The integers that they are made from, which tell more: where codes agree, these may differ.
    pub(super) steps: Vec<u32>,
}

impl CodeColumn {
    /// Code and step as one number.
    fn at(&self, row: u32) -> u64 {
        u64::from(self.codes[row as usize]) << 32 | u64::from(self.steps[row as usize])
    }
}

/// The codes of some rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Codes {
    /// The columns that decide on clusters.
    pub(super) columns: Vec<CodeColumn>,
    /// For every row a class that clusters must not mix; empty where they may.
    pub(super) classes: Vec<u32>,
    /// Number of rows.
    pub(super) rows: usize,
}

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

/// What makes the clusters of given codes, without searching for it again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// The bits that all rows are told apart by: columns in order, 16 bits each, most significant first.
    pub positions: Vec<u32>,
    /// What is cut after that, one after the other.
    pub cuts: Vec<Cut>,
}

/// Clusters, numbered by first row, and what makes them. Where the clusters of a number are not to begin with bits `shared`
/// by all rows, all are made one by one.
pub(super) fn cluster(codes: &Codes, goal: Goal, shared: bool) -> (Groups, Rules) {
    let (limit, most_bits) = match goal {
        Goal::Bits(bits) => (u64::MAX, usize::try_from(bits).unwrap_or(usize::MAX)),
        Goal::Clusters(size) => (size / SHARED, if shared { usize::MAX } else { 0 }),
    };
    let mut refinement = by_class(codes);
    let mut groups = refinement.groups();
    let mut rules = Rules::default();
    for position in order(codes).into_iter().take(most_bits) {
        add(&mut refinement, codes, position);
        if refinement.groups() as u64 > limit {
            break;
        }
        groups = refinement.groups();
        rules.positions.push(position);
    }
    let groups = refinement.at(groups);
    match goal {
        Goal::Bits(_) => (groups, rules),
        Goal::Clusters(size) => {
            let groups = cut(codes, groups, size, &mut rules.cuts);
            (groups, rules)
        }
    }
}

/// The clusters that `rules` make, numbered by first row.
///
/// # Errors
/// [`Error::Corrupt`] for a cut of a cluster that there is not; columns have been checked.
pub(super) fn cluster_by(codes: &Codes, rules: &Rules) -> Result<Groups> {
    let mut refinement = by_class(codes);
    rules.positions.iter().for_each(|&position| add(&mut refinement, codes, position));
    let groups = refinement.groups();
    let groups = refinement.at(groups);
    let mut members = members(&groups);
    for cut in &rules.cuts {
        if cut.cluster as usize >= members.len() {
            let detail = format!("a cut of cluster {} of {}", cut.cluster, members.len());
            return Err(Error::corrupt(super::SECTION, detail));
        }
        make(codes, &mut members, cut);
    }
    Ok(regrouped(groups.of_row, &members))
}

fn by_class(codes: &Codes) -> Refinement {
    let mut refinement = Refinement::new(codes.rows);
    let class_bits = codes.classes.iter().max().map_or(0, |&most| u32::BITS - most.leading_zeros());
    for bit in 0..class_bits {
        let (slice, ones) = slice(codes.classes.iter().map(|class| class >> bit & 1 == 1));
        refinement.add(&slice, ones);
    }
    refinement
}

fn add(refinement: &mut Refinement, codes: &Codes, position: u32) {
    let (column, bit) = place(position);
    let (slice, ones) = slice(codes.columns[column].codes.iter().map(|code| code >> bit & 1 == 1));
    refinement.add(&slice, ones);
}

/// Column and bit of a position: columns in order, most significant bits first.
fn place(position: u32) -> (usize, u32) {
    ((position / CODE_BITS) as usize, CODE_BITS - 1 - position % CODE_BITS)
}

/// The clustering order of the codes' bits.
fn order(codes: &Codes) -> Vec<u32> {
    let mut ones = vec![0u64; codes.columns.len() * CODE_BITS as usize];
    for (column, ones) in codes.columns.iter().zip(ones.chunks_exact_mut(CODE_BITS as usize)) {
        for code in &column.codes {
            for (bit, ones) in (0..CODE_BITS).rev().zip(ones.iter_mut()) {
                *ones += u64::from(code >> bit & 1);
            }
        }
    }
    let layout = BitLayout::full(codes.columns.len(), Container::U16);
    BitStats { n: codes.rows as u64, ones }.clustering_order(&layout)
}

fn slice(bits: impl Iterator<Item = bool>) -> (Vec<u64>, u64) {
    let mut words = Vec::new();
    let mut ones = 0;
    for (row, bit) in bits.enumerate() {
        if row % 64 == 0 {
            words.push(0u64);
        }
        if let (true, Some(word)) = (bit, words.last_mut()) {
            *word |= 1 << (row % 64);
            ones += 1;
        }
    }
    (words, ones)
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

/// Cut clusters in two, always where a column's scatter falls most in units of its scatter over all rows, until there are
/// `size` of them or none has two different rows. A cut is at the highest bit in which the cluster's codes of the column
/// differ, or where they agree, their steps. The `cuts` made are noted.
fn cut(codes: &Codes, groups: Groups, size: u64, cuts: &mut Vec<Cut>) -> Groups {
    if groups.first_rows.len() as u64 >= size || codes.rows == 0 {
        return groups;
    }
    let mut members = members(&groups);
    let all: Vec<u32> = (0..codes.rows as u32).collect();
    let total: Vec<f64> = codes.columns.iter().map(|column| scatter(column, &all).max(1) as f64).collect();
    let mut waiting: BinaryHeap<Offer> = (0..members.len())
        .filter_map(|cluster| best_cut(codes, &total, &members[cluster], cluster))
        .collect();
    while (members.len() as u64) < size {
        let Some(Offer { cut, .. }) = waiting.pop() else { break };
        make(codes, &mut members, &cut);
        cuts.push(cut);
        for cluster in [cut.cluster as usize, members.len() - 1] {
            waiting.extend(best_cut(codes, &total, &members[cluster], cluster));
        }
    }
    regrouped(groups.of_row, &members)
}

/// The rows of each cluster.
fn members(groups: &Groups) -> Vec<Vec<u32>> {
    let mut members = vec![Vec::new(); groups.first_rows.len()];
    for (row, &group) in (0u32..).zip(&groups.of_row) {
        members[group as usize].push(row);
    }
    members
}

fn make(codes: &Codes, members: &mut Vec<Vec<u32>>, cut: &Cut) {
    let column = &codes.columns[cut.column as usize];
    let rows = std::mem::take(&mut members[cut.cluster as usize]);
    let (leave, stay) = rows.into_iter().partition(|&row| column.at(row) >= cut.from);
    members[cut.cluster as usize] = stay;
    members.push(leave);
}

fn regrouped(mut of_row: Vec<u32>, members: &[Vec<u32>]) -> Groups {
    for (cluster, rows) in (0u32..).zip(members) {
        rows.iter().for_each(|&row| of_row[row as usize] = cluster);
    }
    renumbered(of_row, members.len())
}

/// `n` times the sum of squared differences to the mean.
fn scatter(column: &CodeColumn, rows: &[u32]) -> u128 {
    let (mut sum, mut squares) = (0u128, 0u128);
    for &row in rows {
        let step = u64::from(column.steps[row as usize]);
        sum += u128::from(step);
        squares += u128::from(step * step);
    }
    rows.len() as u128 * squares - sum * sum
}

fn best_cut(codes: &Codes, total: &[f64], rows: &[u32], cluster: usize) -> Option<Offer> {
    let mut best: Option<Offer> = None;
    for (column, (of_column, total)) in codes.columns.iter().zip(total).enumerate() {
        let of_rows = || rows.iter().map(|&row| of_column.at(row));
        let (low, high) = of_rows().fold((u64::MAX, 0), |(low, high), code| (low.min(code), high.max(code)));
        if low >= high {
            continue;
        }
        let bit = u64::BITS - 1 - (low ^ high).leading_zeros();
        let from = high >> bit << bit;
        let (mut sum, mut upper, mut upper_rows) = (0i128, 0i128, 0i128);
        for code in of_rows() {
            let step = i128::from(code as u32);
            sum += step;
            if code >= from {
                upper += step;
                upper_rows += 1;
            }
        }
        let n = rows.len() as i128;
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

//! Rows to clusters. In: codes, column after column. Out: the cluster of every row: rows that agree in their most telling
//! bits (Algorithm 1, lines 3 to 7), and where a number of clusters is asked for, these cut until there are as many
//! ([`super::cuts`]).

use super::codes::CODE_BITS;
use super::cuts::{Clusters, Cut};
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
    pub(super) fn at(&self, row: u32) -> u64 {
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
pub(super) fn cluster(codes: Codes, goal: Goal, shared: bool) -> (Groups, Rules) {
    let (limit, most_bits) = match goal {
        Goal::Bits(bits) => (u64::MAX, usize::try_from(bits).unwrap_or(usize::MAX)),
        Goal::Clusters(size) => (size / SHARED, if shared { usize::MAX } else { 0 }),
    };
    let mut refinement = by_class(&codes);
    let mut groups = refinement.groups();
    let mut rules = Rules::default();
    for position in order(&codes).into_iter().take(most_bits) {
        add(&mut refinement, &codes, position);
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
            let mut clusters = Clusters::new(codes, &groups);
            rules.cuts = clusters.cut_to(size);
            (clusters.groups(), rules)
        }
    }
}

/// The clusters that `rules` make, numbered by first row.
///
/// # Errors
/// [`Error::Corrupt`] for a cut of a cluster that there is not; columns have been checked.
pub(super) fn cluster_by(codes: Codes, rules: &Rules) -> Result<Groups> {
    let mut refinement = by_class(&codes);
    rules.positions.iter().for_each(|&position| add(&mut refinement, &codes, position));
    let groups = refinement.groups();
    let mut clusters = Clusters::new(codes, &refinement.at(groups));
    for cut in &rules.cuts {
        if cut.cluster as usize >= clusters.len() || !clusters.cut(cut) {
            let detail = format!("a cut that does not part cluster {} of {}", cut.cluster, clusters.len());
            return Err(Error::corrupt(super::SECTION, detail));
        }
    }
    Ok(clusters.groups())
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
        let mut counts = vec![0u64; 1 << CODE_BITS];
        column.codes.iter().for_each(|&code| counts[usize::from(code)] += 1);
        for (code, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            for (bit, ones) in (0..CODE_BITS).rev().zip(ones.iter_mut()) {
                *ones += count * (code as u64 >> bit & 1);
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

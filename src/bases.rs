//! Counting bases by partition refinement. In: bit slices, one chosen position after another. Out: for every row
//! the number of its base, and the number of bases after every position.
//!
//! A new position splits each group of equal rows into those with a zero and those with a one. Only the rows with
//! the rarer value are touched: low-entropy positions, which come first, cost next to nothing.

/// Groups of rows that agree on all positions added so far.
#[derive(Debug)]
pub struct Refinement {
    group_of: Vec<u32>,
    sizes: Vec<u32>,
    /// The group that each group was split from; the first group is its own parent.
    parents: Vec<u32>,
    /// Scratch: rows of the rarer value per group, zero between calls.
    counts: Vec<u32>,
    /// Scratch: where the rows of the rarer value of a group go.
    targets: Vec<u32>,
}

impl Refinement {
    /// `rows` rows in one group (none, for no rows).
    pub fn new(rows: usize) -> Self {
        let groups = usize::from(rows > 0);
        Self {
            group_of: vec![0; rows],
            sizes: vec![rows as u32; groups],
            parents: vec![0; groups],
            counts: vec![0; groups],
            targets: vec![0; groups],
        }
    }

    /// `n_b`: the number of groups.
    pub fn groups(&self) -> usize {
        self.sizes.len()
    }

    /// Split every group by one more position: `slice` has one bit per row, `ones` of them set.
    pub fn add(&mut self, slice: &[u64], ones: u64) {
        let rows = self.group_of.len();
        // Flip the slice where ones are the majority, so that set bits are always the rarer value.
        let flip = if ones * 2 > rows as u64 { u64::MAX } else { 0 };
        let mut touched = Vec::new();
        for_each_set(slice, flip, rows, |row| {
            let group = self.group_of[row] as usize;
            if self.counts[group] == 0 {
                touched.push(group);
            }
            self.counts[group] += 1;
        });
        for &group in &touched {
            let moved = std::mem::take(&mut self.counts[group]);
            // A group that moves as a whole keeps its number.
            self.targets[group] = group as u32;
            if moved < self.sizes[group] {
                self.targets[group] = self.sizes.len() as u32;
                self.sizes[group] -= moved;
                self.sizes.push(moved);
                self.parents.push(group as u32);
                self.counts.push(0);
                self.targets.push(0);
            }
        }
        if !touched.is_empty() {
            for_each_set(slice, flip, rows, |row| {
                self.group_of[row] = self.targets[self.group_of[row] as usize];
            });
        }
    }

    /// The groups as they were when there were `groups` of them, numbered by first row: the group of every row,
    /// and the first row of every group.
    pub fn at(mut self, groups: usize) -> Groups {
        // A group's number is larger than its parent's, so undoing later splits is following parents.
        let mut ancestor: Vec<u32> = (0..self.sizes.len() as u32).collect();
        for group in groups..self.sizes.len() {
            ancestor[group] = ancestor[self.parents[group] as usize];
        }
        let mut renumbered = vec![u32::MAX; groups];
        let mut first_rows = Vec::with_capacity(groups);
        for (row, group) in self.group_of.iter_mut().enumerate() {
            let old = ancestor[*group as usize] as usize;
            if renumbered[old] == u32::MAX {
                renumbered[old] = first_rows.len() as u32;
                first_rows.push(row as u32);
            }
            *group = renumbered[old];
        }
        Groups { of_row: self.group_of, first_rows }
    }
}

/// Rows sorted into groups of equal base bits (or equal clustering bits).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    /// The group of every row: its base_id.
    pub of_row: Vec<u32>,
    /// The first row of every group; increasing.
    pub first_rows: Vec<u32>,
}

impl Groups {
    /// Number of rows in every group: the paper's counts or weights.
    pub fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.first_rows.len()];
        for &group in &self.of_row {
            counts[group as usize] += 1;
        }
        counts
    }
}

fn for_each_set(slice: &[u64], flip: u64, rows: usize, mut visit: impl FnMut(usize)) {
    for (index, word) in slice.iter().enumerate() {
        let mut bits = word ^ flip;
        let valid = rows - index * 64;
        if valid < 64 {
            bits &= (1 << valid) - 1;
        }
        while bits != 0 {
            visit(index * 64 + bits.trailing_zeros() as usize);
            bits &= bits - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    /// Group numbers by first row, from the rows' bits as plain strings.
    fn plain(slices: &[Vec<u64>], rows: usize) -> Groups {
        let mut seen = HashMap::new();
        let mut first_rows = Vec::new();
        let of_row = (0..rows)
            .map(|row| {
                let key: Vec<bool> = slices.iter().map(|s| s[row / 64] >> (row % 64) & 1 == 1).collect();
                *seen.entry(key).or_insert_with(|| {
                    first_rows.push(row as u32);
                    first_rows.len() as u32 - 1
                })
            })
            .collect();
        Groups { of_row, first_rows }
    }

    proptest! {
        #[test]
        fn refinement_agrees_with_a_hash_map(
            rows in 1usize..200,
            seeds in prop::collection::vec((any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>(), 0u8..4), 0..12),
            back in 0usize..12,
        ) {
            let words = rows.div_ceil(64);
            let slices: Vec<Vec<u64>> = seeds
                .iter()
                .map(|&(a, b, c, d, kind)| match kind {
                    0 => vec![a, b, c, d],
                    1 => vec![a & b & c, b & c & d, c & d & a, d & a & b],
                    2 => vec![a | b | c, b | c | d, c | d | a, d | a | b],
                    _ => vec![0; 4],
                })
                .map(|slice| slice[..words].to_vec())
                .collect();
            let mut refinement = Refinement::new(rows);
            let mut counts = vec![1];
            for slice in &slices {
                let ones = (0..rows).filter(|&r| slice[r / 64] >> (r % 64) & 1 == 1).count();
                refinement.add(slice, ones as u64);
                counts.push(refinement.groups());
            }
            for (k, &count) in counts.iter().enumerate() {
                prop_assert_eq!(count, plain(&slices[..k], rows).first_rows.len());
            }
            let back = back.min(slices.len());
            let groups = refinement.at(counts[back]);
            prop_assert_eq!(&groups, &plain(&slices[..back], rows));
            prop_assert_eq!(groups.counts().iter().sum::<u64>(), rows as u64);
        }
    }
}

//! Entropy of bit positions (paper, Eq. 6 and Algorithm 1 lines 2, 5, 12). In: how often each position is one.
//! Out: entropies for people, and orders of positions for the algorithm.
//!
//! The orders compare integers, not logarithms: the binary entropy grows with the rarer value's count, so sorting
//! by `min(ones, n - ones)` is sorting by entropy, the same on every machine.

use crate::bits::BitLayout;

/// How often each bit position is one over `n` rows.
#[derive(Clone, Debug)]
pub struct BitStats {
    /// Number of rows.
    pub n: u64,
    /// Ones per position, in the order of positions.
    pub ones: Vec<u64>,
}

impl BitStats {
    /// From counts per row bit (as [`crate::bits::count_ones`] makes them).
    pub fn new(n: u64, row_bit_counts: &[u64], row_bits: &[u32]) -> Self {
        Self { n, ones: row_bits.iter().map(|&bit| row_bit_counts[bit as usize]).collect() }
    }

    /// How often position `p` has its rarer value.
    pub fn minority(&self, p: usize) -> u64 {
        self.ones[p].min(self.n - self.ones[p])
    }

    /// Whether every row has the same bit at position `p`.
    pub fn is_constant(&self, p: usize) -> bool {
        self.minority(p) == 0
    }

    /// Entropy of position `p` in bits, 0 to 1 (Eq. 6).
    pub fn entropy(&self, p: usize) -> f64 {
        if self.is_constant(p) {
            return 0.0;
        }
        let q = self.ones[p] as f64 / self.n as f64;
        -q * q.log2() - (1.0 - q) * (1.0 - q).log2()
    }

    /// Sum of all entropies: what a row would cost if its bits were independent and perfectly coded.
    pub fn total_entropy(&self) -> f64 {
        (0..self.ones.len()).map(|p| self.entropy(p)).sum()
    }

    /// Positions that are the same in every row, in the order of positions.
    pub fn constant_positions(&self) -> Vec<u32> {
        self.positions().filter(|&p| self.is_constant(p as usize)).collect()
    }

    /// All other positions by increasing entropy, equal entropies in the order of positions (line 12).
    pub fn by_increasing_entropy(&self) -> Vec<u32> {
        let mut order: Vec<u32> = self.positions().filter(|&p| !self.is_constant(p as usize)).collect();
        order.sort_by_key(|&p| self.minority(p as usize));
        order
    }

    /// The clustering order (lines 4 and 5): round after round, each column's next most significant non-constant
    /// bit; inside a round by decreasing entropy, equal entropies in the order of columns.
    pub fn clustering_order(&self, layout: &BitLayout) -> Vec<u32> {
        let mut rounds: Vec<Vec<u32>> = Vec::new();
        let mut first = 0u32;
        for &width in &layout.widths {
            let column = first..first + u32::from(width);
            first = column.end;
            for (round, p) in column.filter(|&p| !self.is_constant(p as usize)).enumerate() {
                if round == rounds.len() {
                    rounds.push(Vec::new());
                }
                rounds[round].push(p);
            }
        }
        for round in &mut rounds {
            round.sort_by_key(|&p| std::cmp::Reverse(self.minority(p as usize)));
        }
        rounds.concat()
    }

    fn positions(&self) -> std::ops::Range<u32> {
        0..self.ones.len() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::Container;

    #[test]
    fn orders_follow_the_entropies() {
        let stats = BitStats { n: 8, ones: vec![4, 0, 7, 8, 2, 6, 1] };
        assert_eq!(stats.constant_positions(), [1, 3]);
        assert_eq!(stats.by_increasing_entropy(), [2, 6, 4, 5, 0]);
        let entropies: Vec<f64> =
            stats.by_increasing_entropy().iter().map(|&p| stats.entropy(p as usize)).collect();
        assert!(entropies.windows(2).all(|w| w[0] <= w[1]));
        assert!((stats.entropy(0) - 1.0).abs() < 1e-12);
        assert!((stats.entropy(4) - 0.811_278_124).abs() < 1e-6);
    }

    #[test]
    fn clustering_takes_one_bit_of_every_column_per_round() {
        // Columns of 3, 2 and 2 bits: positions 0..3, 3..5, 5..7; position 0 and 5 are constant.
        let layout = BitLayout { container: Container::U8, widths: vec![3, 2, 2] };
        let stats = BitStats { n: 10, ones: vec![0, 2, 5, 4, 1, 10, 3] };
        // Round 1: positions 1, 3, 6 (minority 2, 4, 3); round 2: positions 2, 4 (5, 1).
        assert_eq!(stats.clustering_order(&layout), [3, 6, 1, 2, 4]);
    }
}

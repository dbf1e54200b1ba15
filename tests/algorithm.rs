//! Promise: Algorithm 1 exactly. A slow twin, written from the paper's lines with strings and hash sets, must find
//! the same S, the same n_b, the same positions and the same clusters.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails may panic")]

use std::collections::{BTreeMap, HashSet};

use dreamlearning::bits::{BitLayout, BitSlices, Container, bits_for, count_ones, slice_rows};
use dreamlearning::condense::{Centroids, cluster_by_positions};
use dreamlearning::entropy::BitStats;
use dreamlearning::split::{PRICE_BITS, Prices, SizeModel, search};
use proptest::prelude::*;

/// Rows of 16-bit columns with exact widths, some bits rarer than others.
#[derive(Clone, Debug)]
struct Table {
    layout: BitLayout,
    rows: Vec<Vec<u16>>,
}

impl Table {
    fn bytes(&self) -> Vec<u8> {
        self.rows.iter().flatten().flat_map(|value| value.to_le_bytes()).collect()
    }

    /// Bits of every row in the order of positions.
    fn bits(&self) -> Vec<Vec<bool>> {
        let bits_of = |row: &Vec<u16>| {
            let columns = row.iter().zip(&self.layout.widths);
            columns
                .flat_map(|(&value, &width)| (0..width).rev().map(move |bit| value >> bit & 1 == 1))
                .collect()
        };
        self.rows.iter().map(bits_of).collect()
    }

    fn stats(&self) -> (BitStats, Vec<u32>) {
        let row_bits = self.layout.row_bits();
        let mut counts = vec![0; self.layout.row_words() * 64];
        count_ones(&self.bytes(), self.layout.row_bytes(), &mut counts);
        (BitStats::new(self.rows.len() as u64, &counts, &row_bits), row_bits)
    }

    fn slices(&self, row_bits: &[u32], positions: &[u32]) -> BitSlices {
        let wanted: Vec<u32> = positions.iter().map(|&p| row_bits[p as usize]).collect();
        slice_rows(&self.bytes(), self.layout.row_bytes(), &wanted)
    }
}

fn tables() -> impl Strategy<Value = Table> {
    (prop::collection::vec(0u8..9, 1..6), 1usize..80, any::<u64>()).prop_map(|(widths, n, seed)| {
        let mut state = seed;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
            state >> 40
        };
        let rows = (0..n)
            .map(|_| {
                widths
                    .iter()
                    .map(|&width| {
                        // Each column a power of a uniform number: high bits are rare, as in real data.
                        let mask = (1u64 << width) - 1;
                        let (a, b, c) = (next() & mask, next() & mask, next() & mask);
                        (if next() % 4 == 0 { a } else { a & b & c }) as u16
                    })
                    .collect()
            })
            .collect();
        Table { layout: BitLayout { container: Container::U16, widths }, rows }
    })
}

/// Of the rarer value, so that positions of equal entropy are equal to the last bit.
fn entropy(bits: &[Vec<bool>], p: usize) -> f64 {
    let ones = bits.iter().filter(|row| row[p]).count();
    let q = ones.min(bits.len() - ones) as f64 / bits.len() as f64;
    if q == 0.0 || q == 1.0 { 0.0 } else { -q * q.log2() - (1.0 - q) * (1.0 - q).log2() }
}

fn distinct(bits: &[Vec<bool>], positions: &[usize]) -> usize {
    let patterns: HashSet<String> =
        bits.iter().map(|row| positions.iter().map(|&p| if row[p] { '1' } else { '0' }).collect()).collect();
    patterns.len()
}

/// Eq. 1, term by term.
fn size(n: u64, m: u64, n_b: u64, l_b: u64, l_t: u64, params: u64) -> u64 {
    let log2 = |x: u64| if x <= 1 { 0 } else { (x as f64).log2().ceil() as u64 };
    n_b * l_b + (n + m) * (log2(n_b) + (l_t - l_b)) + m * log2(n) + params
}

/// Lines 9 to 28 as printed, plus the reset of c that the text asks for.
fn plain_search(bits: &[Vec<bool>], m: u64, params: u64, tau: Option<u64>) -> (Vec<usize>, u64, u64) {
    let (n, l_t) = (bits.len() as u64, bits[0].len());
    let mut b_pos: Vec<usize> = (0..l_t).filter(|&p| entropy(bits, p) == 0.0).collect();
    let mut order: Vec<usize> = (0..l_t).filter(|&p| entropy(bits, p) > 0.0).collect();
    order.sort_by(|&a, &b| entropy(bits, a).total_cmp(&entropy(bits, b)).then(a.cmp(&b)));
    let mut best = (b_pos.clone(), size(n, m, 1, b_pos.len() as u64, l_t as u64, params), 1);
    let mut c = 0;
    for p in order {
        b_pos.push(p);
        let n_b = distinct(bits, &b_pos) as u64;
        let s = size(n, m, n_b, b_pos.len() as u64, l_t as u64, params);
        if s < best.1 {
            best = (b_pos.clone(), s, n_b);
            c = 0;
        } else {
            c += 1;
            if tau.is_some_and(|tau| c >= tau) || (tau.is_some() && n_b == n) {
                break;
            }
        }
    }
    best
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_split_is_the_papers(
        table in tables(), m in 0u64..5, params in 0u64..500, tau in prop::option::of(1u64..6), at_once in 1usize..9
    ) {
        let bits = table.bits();
        let (stats, row_bits) = table.stats();
        for p in 0..bits[0].len() {
            prop_assert!((stats.entropy(p) - entropy(&bits, p)).abs() < 1e-12);
        }
        let model = SizeModel {
            samples: table.rows.len() as u64,
            condensed: m,
            total_bits: table.layout.total_bits(),
            parameter_bits: params,
        };
        let found = search(&stats, &model, &Prices::Verbatim, tau, at_once, |positions| Ok(table.slices(&row_bits, positions)), || Ok(())).unwrap();
        // Without tau the twin tries every prefix: the bound must not have cut off the minimum.
        let (positions, s, n_b) = plain_search(&bits, m, params, tau);
        prop_assert_eq!(found.size_bits, u128::from(s));
        prop_assert_eq!(found.groups.first_rows.len() as u64, n_b);
        let chosen: Vec<usize> = found.base_positions.iter().map(|&p| p as usize).collect();
        prop_assert_eq!(&chosen, &positions);
        // Rows of one base agree in all base bits, rows of different bases do not.
        let mut seen: BTreeMap<Vec<bool>, u32> = BTreeMap::new();
        for (row, &id) in bits.iter().zip(&found.groups.of_row) {
            let base: Vec<bool> = positions.iter().map(|&p| row[p]).collect();
            prop_assert_eq!(*seen.entry(base).or_insert(id), id);
        }
        prop_assert_eq!(seen.len() as u64, n_b);
    }

    #[test]
    fn the_split_is_the_best_prefix_at_any_prices(table in tables(), params in 0u64..500, scale in 0u64..3, at_once in 1usize..9) {
        let bits = table.bits();
        let (stats, row_bits) = table.stats();
        let n = table.rows.len() as u64;
        // Prices that rise with the entropy, from nothing to several bits.
        let price = |p: usize| (stats.minority(p) << PRICE_BITS << scale) / n;
        let model = SizeModel {
            samples: n, condensed: 0, total_bits: table.layout.total_bits(), parameter_bits: params,
        };
        let prices = Prices::each(&stats, price);
        let found = search(&stats, &model, &prices, None, at_once, |positions| Ok(table.slices(&row_bits, positions)), || Ok(())).unwrap();
        let order = stats.by_increasing_entropy();
        let constants = stats.constant_positions();
        let size_of = |added: usize| {
            let base: Vec<usize> = constants.iter().chain(&order[..added]).map(|&p| p as usize).collect();
            let n_b = distinct(&bits, &base) as u64;
            let charged: u64 = order[added..].iter().map(|&p| price(p as usize)).sum();
            let id_bits = if n_b <= 1 { 0 } else { (n_b as f64).log2().ceil() as u64 };
            n_b * base.len() as u64 + n * id_bits + ((n * charged) >> PRICE_BITS) + params
        };
        let best = (0..=order.len()).min_by_key(|&added| (size_of(added), added)).unwrap();
        prop_assert_eq!(found.size_bits, u128::from(size_of(best)));
        prop_assert_eq!(found.base_positions.len(), constants.len() + best);
        // One bit for each is the paper's.
        let verbatim = search(&stats, &model, &Prices::Verbatim, None, at_once, |positions| Ok(table.slices(&row_bits, positions)), || Ok(())).unwrap();
        let ones = Prices::each(&stats, |_| 1 << PRICE_BITS);
        let same = search(&stats, &model, &ones, None, at_once, |positions| Ok(table.slices(&row_bits, positions)), || Ok(())).unwrap();
        prop_assert_eq!(verbatim.base_positions, same.base_positions);
        prop_assert_eq!(verbatim.steps, same.steps);
    }

    #[test]
    fn clusters_and_centroids_are_the_papers(table in tables(), beta in 1usize..12, at_once in 1usize..5) {
        let bits = table.bits();
        let (stats, row_bits) = table.stats();
        // Lines 4 to 6 with plain means: each column's non-constant bits from the top, round after round.
        let mut rounds: Vec<Vec<usize>> = vec![Vec::new(); 16];
        let mut first = 0;
        for &width in &table.layout.widths {
            let column = first..first + usize::from(width);
            first = column.end;
            for (round, p) in column.filter(|&p| entropy(&bits, p) > 0.0).enumerate() {
                rounds[round].push(p);
            }
        }
        for round in &mut rounds {
            round.sort_by(|&a, &b| entropy(&bits, b).total_cmp(&entropy(&bits, a)).then(a.cmp(&b)));
        }
        let wanted: Vec<usize> = rounds.concat().into_iter().take(beta).collect();
        let mut clusters: Vec<(Vec<bool>, Vec<usize>)> = Vec::new();
        for (i, row) in bits.iter().enumerate() {
            let key: Vec<bool> = wanted.iter().map(|&p| row[p]).collect();
            match clusters.iter_mut().find(|cluster| cluster.0 == key) {
                Some(cluster) => cluster.1.push(i),
                None => clusters.push((key, vec![i])),
            }
        }

        let groups =
            cluster_by_positions(&stats, &table.layout, beta, at_once, |positions| Ok(table.slices(&row_bits, positions))).unwrap();
        let weights = groups.counts();
        let expected: Vec<u64> = clusters.iter().map(|cluster| cluster.1.len() as u64).collect();
        prop_assert_eq!(&weights, &expected);
        prop_assert_eq!(weights.iter().sum::<u64>(), table.rows.len() as u64);
        let columns = table.layout.widths.len();
        let mut centroids = Centroids::new(weights.len(), columns);
        for (row, &group) in table.rows.iter().zip(&groups.of_row) {
            centroids.add(group, row.iter().map(|&value| f64::from(value)));
        }
        let centroids = centroids.finish(&weights);
        for (cluster, centroid) in clusters.iter().zip(centroids.chunks_exact(columns)) {
            for (column, &mean) in centroid.iter().enumerate() {
                let sum: f64 = cluster.1.iter().map(|&i| f64::from(table.rows[i][column])).sum();
                prop_assert!((mean - sum / cluster.1.len() as f64).abs() < 1e-9);
            }
        }
    }
}

#[test]
fn id_widths_are_ceilings() {
    for n in 1u64..70 {
        assert_eq!(u64::from(bits_for(n)), if n == 1 { 0 } else { (n as f64).log2().ceil() as u64 });
    }
}

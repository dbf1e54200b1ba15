//! The compression phase of Algorithm 1 (lines 9 to 28). In: entropies and bit slices of one block, and what the coder
//! charges for deviation bits. Out: the split of its bit positions into base bits and deviation bits that minimises the
//! stored size S of Eq. 1.

use crate::bases::{Groups, Refinement};
use crate::bits::{BitSlices, bits_for};
use crate::entropy::BitStats;
use crate::error::Result;

/// Positions of the first batch of bit slices.
const FIRST_BATCH: usize = 256;

/// Fractional bits of a price.
pub const PRICE_BITS: u32 = 16;

/// What a coder charges for the deviation bits of a row, in 2^-16 bits. In Eq. 1 each costs one bit, because the paper
/// stores them as they are.
#[derive(Clone, Debug)]
pub enum Prices {
    /// One bit each: Eq. 1 as printed, and the coder `packed`.
    Verbatim,
    /// Sums of the prices of the first `k` positions of [`BitStats::by_increasing_entropy`], for all `k`.
    Sums(Vec<u64>),
}

impl Prices {
    /// `price(p)` in 2^-16 bits for every position, of which no position of higher entropy has a lower one.
    pub fn each(stats: &BitStats, price: impl Fn(usize) -> u64) -> Self {
        let mut sums = vec![0];
        for position in stats.by_increasing_entropy() {
            sums.push(sums[sums.len() - 1] + price(position as usize));
        }
        Self::Sums(sums)
    }

    /// The price of all positions from the `first` on, of `count`.
    fn from(&self, first: usize, count: usize) -> u64 {
        match self {
            Self::Verbatim => ((count - first) as u64) << PRICE_BITS,
            Self::Sums(sums) => sums[count] - sums[first],
        }
    }

    /// What positions from the `first` on, of `count`, cost `rows` rows at least, if each may as well be in the base of
    /// `bases` bases; in 2^-16 bits.
    fn least(&self, first: usize, count: usize, rows: u128, bases: u64) -> u128 {
        let in_base = u128::from(bases) << PRICE_BITS;
        let cheap = match self {
            Self::Verbatim => first,
            // Prices rise, so those that cost less than a base bit come first.
            Self::Sums(sums) => {
                let mut low = first;
                let mut high = count;
                while low < high {
                    let middle = low + (high - low) / 2;
                    let price = u128::from(sums[middle + 1] - sums[middle]);
                    if rows * price < in_base { low = middle + 1 } else { high = middle }
                }
                low
            }
        };
        let charged = u128::from(self.from(first, count) - self.from(cheap, count));
        rows * charged + (count - cheap) as u128 * in_base
    }
}

/// The terms of Eq. 1 that stay the same during a search.
#[derive(Clone, Copy, Debug)]
pub struct SizeModel {
    /// `n`: samples.
    pub samples: u64,
    /// `m`: condensed samples appended to them; 0 for images (paper, section 4.2.1).
    pub condensed: u64,
    /// `l_t`: bits of a sample.
    pub total_bits: u64,
    /// `S_params` in bits.
    pub parameter_bits: u64,
}

impl SizeModel {
    /// `S` of Eq. 1 in bits, for `bases` bases of `base_bits` bits.
    pub fn size(&self, bases: u64, base_bits: u64) -> u128 {
        let rows = u128::from(self.samples + self.condensed);
        let record = u128::from(bits_for(bases)) + u128::from(self.total_bits - base_bits);
        u128::from(bases) * u128::from(base_bits)
            + rows * record
            + u128::from(self.condensed) * u128::from(bits_for(self.samples))
            + u128::from(self.parameter_bits)
    }

    /// `S` where the deviation bits of all rows cost `deviations` in 2^-16 bits.
    fn size_at(&self, bases: u64, base_bits: u64, deviations: u128) -> u128 {
        // All bits in the base: nothing is left to be charged.
        let whole = Self { total_bits: base_bits, ..*self };
        whole.size(bases, base_bits) + (deviations >> PRICE_BITS)
    }

    fn rows(&self) -> u128 {
        u128::from(self.samples + self.condensed)
    }
}

/// The chosen split of one block.
#[derive(Debug)]
pub struct Split {
    /// `B*_pos`: base positions, the constant ones first, then in the order they were added.
    pub base_positions: Vec<u32>,
    /// `v`: how many of them are constant.
    pub constants: usize,
    /// `n_b` bases: the base of every row.
    pub groups: Groups,
    /// `S*` in bits.
    pub size_bits: u128,
    /// Positions that the search looked at before it stopped.
    pub steps: usize,
}

/// Search the split with the smallest `S` under `prices`. `tau` is the plateau threshold (line 23): after `tau` positions in a row that brought no
/// improvement, or one that did not and left every row its own base, the search ends. `None` searches until a lower
/// bound proves the global minimum, which needs few steps more and is never worse.
///
/// `slices` returns the bit slices of the positions asked for: those of [`BitStats::by_increasing_entropy`] in
/// that order, batch after batch, at most `slices_at_once` at a time. `tick` is called before every step.
///
/// The plateau counter starts anew with every improvement, as the paper's text says (its listing leaves it out).
///
/// # Errors
/// Whatever `slices` and `tick` fail with.
pub fn search(
    stats: &BitStats,
    model: &SizeModel,
    prices: &Prices,
    tau: Option<u64>,
    slices_at_once: usize,
    mut slices: impl FnMut(&[u32]) -> Result<BitSlices>,
    mut tick: impl FnMut() -> Result<()>,
) -> Result<Split> {
    let mut base_positions = stats.constant_positions();
    let constants = base_positions.len();
    let order = stats.by_increasing_entropy();
    let mut refinement = Refinement::new(stats.n as usize);

    let mut base_bits = constants as u64;
    let size_of = |bases: u64, base_bits: u64, added: usize| {
        let deviations = model.rows() * u128::from(prices.from(added, order.len()));
        model.size_at(bases, base_bits, deviations)
    };
    // Later steps have at least as many bases. Each position that is left costs either its price in every row, or a bit in
    // every base; so no later step is below this.
    let cannot_beat = |bases: u64, base_bits: u64, added: usize, best: u128| {
        let least = prices.least(added, order.len(), model.rows(), bases);
        model.size_at(bases, base_bits, least) >= best
    };
    let mut best = (size_of(1, base_bits, 0), 0, refinement.groups());
    let mut plateau = 0;
    let mut steps = 0;
    // Slices are cut in growing batches: where nothing is shared the search ends after a few dozen positions.
    let mut batch_len = slices_at_once.clamp(1, FIRST_BATCH);
    let mut rest = &order[..];
    'search: while !rest.is_empty() && !cannot_beat(refinement.groups() as u64, base_bits, steps, best.0) {
        let (batch, later) = rest.split_at(batch_len.min(rest.len()));
        rest = later;
        batch_len = (4 * batch_len).min(slices_at_once.max(1));
        let batch_slices = slices(batch)?;
        for (k, &position) in batch.iter().enumerate() {
            tick()?;
            refinement.add(batch_slices.get(k), stats.ones[position as usize]);
            base_bits += 1;
            steps += 1;
            let bases = refinement.groups() as u64;
            let size = size_of(bases, base_bits, steps);
            if size < best.0 {
                best = (size, steps, refinement.groups());
                plateau = 0;
            } else {
                plateau += 1;
                if tau.is_some_and(|tau| plateau >= tau || bases == stats.n) {
                    break 'search;
                }
            }
            if cannot_beat(bases, base_bits, steps, best.0) {
                break 'search;
            }
        }
    }
    let (size_bits, chosen, bases) = best;
    base_positions.extend_from_slice(&order[..chosen]);
    Ok(Split { base_positions, constants, groups: refinement.at(bases), size_bits, steps })
}

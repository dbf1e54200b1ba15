//! Alias tables (Walker 1977; for rANS as in Giesen, "rANS with static probability distributions", 2014): a slot of
//! the state becomes a symbol by two small look-ups, whatever the precision. In: frequencies. Out: decoding and
//! encoding tables.
//!
//! The `2^14` slots are cut into 256 buckets of 64. Bucket `b` holds the first slots of symbol `b` (as many as it has,
//! at most 64) and, above a threshold, slots of one other symbol. The same idea with a plain look-up table would take
//! 16 KiB for a context instead of 2.5.

use super::{FREQUENCY_BITS, FREQUENCY_SUM, Frequencies, SYMBOLS};

/// `log2` of the slots in a bucket.
pub const BUCKET_BITS: u32 = FREQUENCY_BITS - 8;

const BUCKET: u32 = 1 << BUCKET_BITS;

/// What is added to the shift of a half bucket, so that it is never negative.
pub const SHIFT_BIAS: u32 = BUCKET;

/// The decoding table of one context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasTable {
    /// For every bucket: the threshold, and the other symbol times 256.
    pub buckets: [u16; SYMBOLS],
    /// For the lower and the upper part of every bucket: the symbol's frequency, and `SHIFT_BIAS +` what turns a slot's
    /// place in the bucket into its number among the symbol's slots, times 65,536.
    pub halves: [u32; 2 * SYMBOLS],
}

impl AliasTable {
    /// The table of `frequencies`. Which slots a symbol has is part of the format; see `docs/format.md`.
    pub fn new(frequencies: &Frequencies) -> Self {
        let (thresholds, others) = fill_buckets(frequencies);
        let frequency = |symbol: u8| u32::from(frequencies.values()[symbol as usize]);
        let mut halves = [0; 2 * SYMBOLS];
        // A symbol's slots are counted through its own bucket first, then through the others in their order.
        let mut counted: [u32; SYMBOLS] = thresholds;
        for bucket in 0..SYMBOLS {
            let (threshold, other) = (thresholds[bucket], others[bucket]);
            halves[2 * bucket] = frequency(bucket as u8) | SHIFT_BIAS << 16;
            halves[2 * bucket + 1] = halves[2 * bucket];
            if threshold < BUCKET {
                let counted = &mut counted[other as usize];
                halves[2 * bucket + 1] = frequency(other) | (SHIFT_BIAS + *counted - threshold) << 16;
                *counted += BUCKET - threshold;
            }
        }
        let buckets = std::array::from_fn(|b| (thresholds[b] | u32::from(others[b]) << 8) as u16);
        Self { buckets, halves }
    }

    /// The symbol that the low bits of `state` stand for, and the state without it.
    #[inline]
    pub fn decode(&self, state: u32) -> (u8, u32) {
        let slot = state & (FREQUENCY_SUM - 1);
        let (bucket, place) = ((slot >> BUCKET_BITS) as usize, slot & (BUCKET - 1));
        let entry = u32::from(self.buckets[bucket]);
        let upper = place >= (entry & 0xFF);
        // Both halves are loaded, so that neither waits for the other.
        let (lower, higher) = (self.halves[2 * bucket], self.halves[2 * bucket + 1]);
        let mask = 0u32.wrapping_sub(u32::from(upper));
        let half = higher & mask | lower & !mask;
        let symbol = ((entry >> 8) & mask | bucket as u32 & !mask) as u8;
        let rest = (half & 0xFFFF).wrapping_mul(state >> FREQUENCY_BITS);
        (symbol, rest.wrapping_add(place).wrapping_add(half >> 16).wrapping_sub(SHIFT_BIAS))
    }
}

/// For every bucket its threshold and the symbol above it.
fn fill_buckets(frequencies: &Frequencies) -> ([u32; SYMBOLS], [u8; SYMBOLS]) {
    let mut thresholds: [u32; SYMBOLS] = frequencies.values().map(u32::from);
    let mut others: [u8; SYMBOLS] = std::array::from_fn(|b| b as u8);
    let (mut small, mut large): (Vec<usize>, Vec<usize>) =
        (0..SYMBOLS).rev().partition(|&b| thresholds[b] < BUCKET);
    // A bucket that is not full gets the rest from the symbol that has too much. That one may become small thereby.
    while let (Some(bucket), Some(&giver)) = (small.pop(), large.last()) {
        others[bucket] = giver as u8;
        thresholds[giver] -= BUCKET - thresholds[bucket];
        if thresholds[giver] < BUCKET {
            large.pop();
            small.push(giver);
        }
    }
    (thresholds.map(|threshold| threshold.min(BUCKET)), others)
}

/// The encoding table of one context: [`AliasTable`] inverted.
#[derive(Clone, Debug)]
pub struct EncodeTable {
    /// For every symbol: frequency, and where its slots begin in `slots`.
    symbols: [(u32, u32); SYMBOLS],
    /// The slots of all symbols, one symbol after another, in the order that counts them.
    slots: Vec<u16>,
}

impl EncodeTable {
    /// The inverse of [`AliasTable::new`] of the same frequencies.
    pub fn new(frequencies: &Frequencies) -> Self {
        let table = AliasTable::new(frequencies);
        let mut symbols = [(0, 0); SYMBOLS];
        let mut start = 0;
        for (entry, &frequency) in symbols.iter_mut().zip(frequencies.values()) {
            *entry = (frequency.into(), start);
            start += u32::from(frequency);
        }
        let mut slots = vec![0; FREQUENCY_SUM as usize];
        for slot in 0..FREQUENCY_SUM {
            // A state below 2^14 has no more than the symbol's number of slots.
            let (symbol, number) = table.decode(slot);
            slots[(symbols[symbol as usize].1 + number) as usize] = slot as u16;
        }
        Self { symbols, slots }
    }

    /// Whether the symbol can be written.
    pub fn has(&self, symbol: u8) -> bool {
        self.symbols[symbol as usize].0 > 0
    }

    /// The symbol's frequency.
    #[inline]
    pub(super) fn frequency(&self, symbol: u8) -> u32 {
        self.symbols[symbol as usize].0
    }

    /// The state from which `symbol` is decoded and `state` is left: the sum of both; the second is not looked up yet.
    #[inline]
    pub(super) fn encode(&self, state: u32, symbol: u8) -> (u32, &u16) {
        let (frequency, start) = self.symbols[symbol as usize];
        let (quotient, number) = (state / frequency, state % frequency);
        (quotient << FREQUENCY_BITS, &self.slots[(start + number) as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(frequencies: &Frequencies) {
        let table = AliasTable::new(frequencies);
        let mut seen = [0u32; SYMBOLS];
        for slot in 0..FREQUENCY_SUM {
            let (symbol, number) = table.decode(slot);
            assert!(number < u32::from(frequencies.values()[symbol as usize]));
            seen[symbol as usize] += 1;
        }
        let encode = EncodeTable::new(frequencies);
        for (symbol, &count) in (0u8..=255).zip(&seen) {
            assert_eq!(count, u32::from(frequencies.values()[symbol as usize]));
            assert_eq!(encode.has(symbol), count > 0);
            for state in [FREQUENCY_SUM * 4, 123_456, u32::MAX >> 14].into_iter().filter(|_| count > 0) {
                // What stays below 2^32 after the step, as the encoder sees to.
                let state = state.min(((u64::from(count) << 18) - 1) as u32);
                let (quotient, &slot) = encode.encode(state, symbol);
                assert_eq!(table.decode(quotient | u32::from(slot)), (symbol, state));
            }
        }
    }

    proptest! {
        #[test]
        fn every_symbol_has_its_slots(counts in prop::collection::vec(prop_oneof![Just(0u64), 0u64..50, 0u64..100_000], SYMBOLS), escape: u8) {
            check(&Frequencies::from_counts(&counts.try_into().unwrap(), escape));
        }
    }

    #[test]
    fn one_symbol_alone_has_all_slots() {
        for escape in [0, 128, 255] {
            check(&Frequencies::from_counts(&[0; SYMBOLS], escape));
        }
    }
}

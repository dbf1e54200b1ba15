//! Frequencies of one context. In: counts. Out: whole numbers that add up to [`FREQUENCY_SUM`], and their bytes.

use super::{FREQUENCY_BITS, FREQUENCY_SUM, SYMBOLS};
use crate::bits::{BitWriter, read_bits};

/// Bits that tell how long a frequency is.
const LENGTH_BITS: u32 = 4;

/// The frequency of every symbol; they add up to [`FREQUENCY_SUM`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frequencies([u16; SYMBOLS]);

impl Frequencies {
    /// Frequencies in proportion to `counts`. Symbols that are too rare to be worth a frequency of 1 get none; their
    /// counts go to `escape`, which always has one.
    pub fn from_counts(counts: &[u64; SYMBOLS], escape: u8) -> Self {
        let total: u64 = counts.iter().sum();
        let mut kept = *counts;
        for symbol in 0..SYMBOLS {
            // A slot of 2^14 costs all others 1.44 * total / 2^14 bits and saves its symbol about 6 bits a time.
            if symbol != escape as usize && u128::from(kept[symbol]) << (FREQUENCY_BITS + 2) < total.into() {
                kept[escape as usize] += kept[symbol];
                kept[symbol] = 0;
            }
        }
        kept[escape as usize] = kept[escape as usize].max(1);
        let total: u64 = kept.iter().sum();
        let mut frequencies = [0u16; SYMBOLS];
        let mut sum = 0;
        for (frequency, &count) in frequencies.iter_mut().zip(&kept) {
            if count > 0 {
                let scaled = (u128::from(count) << FREQUENCY_BITS) + u128::from(total / 2);
                *frequency = (scaled / u128::from(total)).max(1) as u16;
                sum += u32::from(*frequency);
            }
        }
        // What rounding left over or took too much is settled where it matters least: with the most frequent.
        while sum != FREQUENCY_SUM {
            let largest = (0..SYMBOLS).max_by_key(|&s| (frequencies[s], SYMBOLS - s)).unwrap_or(0);
            let step = if sum < FREQUENCY_SUM {
                FREQUENCY_SUM - sum
            } else {
                (sum - FREQUENCY_SUM).min((u32::from(frequencies[largest]) / 8).max(1))
            };
            if sum < FREQUENCY_SUM {
                frequencies[largest] += step as u16;
                sum += step;
            } else {
                frequencies[largest] -= step as u16;
                sum -= step;
            }
        }
        Self(frequencies)
    }

    /// The frequency of every symbol.
    pub fn values(&self) -> &[u16; SYMBOLS] {
        &self.0
    }

    /// Append the frequencies: symbols in the order 0, 255, 1, 254, ...; the number of the last one that occurs, then
    /// for each the bit length of its frequency (4 bits) and the bits below the highest.
    pub fn write(&self, writer: &mut BitWriter) {
        let last = (0..SYMBOLS).rev().find(|&i| self.0[unfold(i)] != 0).unwrap_or(0);
        writer.push(last as u64, 8);
        for i in 0..=last {
            let frequency = self.0[unfold(i)];
            let length = u16::BITS - frequency.leading_zeros();
            writer.push(length.into(), LENGTH_BITS);
            if length > 1 {
                writer.push(u64::from(frequency) & ((1 << (length - 1)) - 1), length - 1);
            }
        }
    }

    /// Read what [`Frequencies::write`] wrote from bit `at` of `stream` on, which ends at bit `end` and is padded.
    ///
    /// # Errors
    /// What is wrong.
    pub fn read(stream: &[u8], at: &mut u64, end: u64) -> Result<Self, String> {
        let mut take = |bits: u32| {
            let value = (*at + u64::from(bits) <= end).then(|| read_bits(stream, *at, bits));
            *at += u64::from(bits);
            value.ok_or_else(|| "a frequency table is cut short".to_owned())
        };
        let mut frequencies = [0u16; SYMBOLS];
        let last = take(8)? as usize;
        let mut sum = 0u32;
        for i in 0..=last {
            let length = take(LENGTH_BITS)? as u32;
            if length > 0 {
                let frequency = 1 << (length - 1) | take(length - 1)? as u32;
                frequencies[unfold(i)] = frequency as u16;
                sum += frequency;
            }
        }
        if sum != FREQUENCY_SUM {
            return Err(format!("frequencies add up to {sum} instead of {FREQUENCY_SUM}"));
        }
        Ok(Self(frequencies))
    }
}

/// 0, 255, 1, 254, ...: residuals by their size.
fn unfold(i: usize) -> usize {
    if i.is_multiple_of(2) { i / 2 } else { SYMBOLS - 1 - i / 2 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::PADDING;
    use proptest::prelude::*;

    fn counts() -> impl Strategy<Value = Vec<u64>> {
        let some = prop::collection::vec(prop_oneof![Just(0), 0u64..100, 0u64..1_000_000_000], SYMBOLS);
        let one = (0..SYMBOLS, 0u64..u64::MAX >> 10).prop_map(|(symbol, count)| {
            let mut counts = vec![0; SYMBOLS];
            counts[symbol] = count;
            counts
        });
        prop_oneof![some, one]
    }

    proptest! {
        #[test]
        fn frequencies_add_up_and_survive_bytes(counts in counts(), escape: u8) {
            let counts: [u64; SYMBOLS] = counts.try_into().unwrap();
            let frequencies = Frequencies::from_counts(&counts, escape);
            let sum: u32 = frequencies.values().iter().map(|&f| u32::from(f)).sum();
            prop_assert_eq!(sum, FREQUENCY_SUM);
            prop_assert!(frequencies.values()[escape as usize] > 0);
            let mut writer = BitWriter::default();
            writer.push(5, 3);
            frequencies.write(&mut writer);
            let mut bytes = writer.finish();
            let end = bytes.len() as u64 * 8;
            bytes.extend([0; PADDING]);
            let mut at = 3;
            prop_assert_eq!(&Frequencies::read(&bytes, &mut at, end).unwrap(), &frequencies);
            prop_assert!(at <= end);
            let mut again = 3;
            prop_assert!(Frequencies::read(&bytes, &mut again, at - 1).is_err());
        }
    }
}

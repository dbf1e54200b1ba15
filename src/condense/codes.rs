//! Values to the integers that clusters are made of. In: a column's values, several times in the same order. Out: a code of
//! 16 bits for each, in the order of the values.
//!
//! A code says where a value lies between four standard deviations below and above the column's mean; what lies beyond
//! gets the first or the last code. So the first bit tells below from above the mean, and outliers do not use up the
//! telling bits, as they do where codes count from the smallest value to the largest. Means and deviations are those of
//! integers of 32 bits, so that codes do not depend on the order of the rows or on the machine. Codes of ranks say instead
//! which share of the rows has a smaller value, so that every bit splits a column evenly.

/// Bits of a code.
pub(super) const CODE_BITS: u32 = 16;

/// How many standard deviations the codes reach to either side of the mean.
const DEVIATIONS: i128 = 4;

/// Largest of the integers that means and deviations are taken of.
const STEPS: f64 = u32::MAX as f64;

/// What the codes of a column say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeKind {
    /// Where a value lies, in standard deviations.
    Value,
    /// Which share of the rows is smaller.
    Rank,
}

/// Smallest and largest value of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Smallest value.
    pub low: f64,
    /// Largest value.
    pub high: f64,
}

impl Default for Range {
    fn default() -> Self {
        Self { low: f64::INFINITY, high: f64::NEG_INFINITY }
    }
}

impl Range {
    /// Take in more values; they are finite.
    pub(super) fn add(&mut self, values: &[f64]) {
        for &value in values {
            self.low = self.low.min(value);
            self.high = self.high.max(value);
        }
    }

    /// `floor((value - low) / (high - low) * (2^32 - 1))`; 0 in a constant column.
    pub(super) fn step(&self, value: f64) -> u32 {
        // Halves, so that the difference of the largest numbers does not overflow.
        let width = self.high / 2.0 - self.low / 2.0;
        if width > 0.0 { ((value / 2.0 - self.low / 2.0) / width * STEPS) as u32 } else { 0 }
    }
}

/// Sums of a column's steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// How many there are.
    pub count: u64,
    /// Of the steps.
    pub sum: u128,
    /// Of their squares.
    pub squares: u128,
}

impl Sums {
    /// Take in more values.
    pub(super) fn add(&mut self, range: &Range, values: &[f64]) {
        for &value in values {
            let step = u64::from(range.step(value));
            self.sum += u128::from(step);
            self.squares += u128::from(step * step);
        }
        self.count += values.len() as u64;
    }

    /// Whether there are numbers that add up to these.
    pub(super) fn is_possible(&self) -> bool {
        let (n, most) = (u128::from(self.count), u128::from(u32::MAX));
        n <= most
            && self.sum <= n * most
            && self.squares <= self.sum * most
            && self.sum * self.sum <= n * self.squares
    }

    /// What gives a code to each step.
    pub(super) fn coder(&self) -> Coder {
        let n = u128::from(self.count);
        // n times the mean and n times the deviation: integers, the latter rounded down.
        let spread = (n * self.squares - self.sum * self.sum).isqrt().max(1) as i128;
        Coder {
            count: self.count.into(),
            shift: DEVIATIONS * spread - self.sum as i128,
            width: 2 * DEVIATIONS * spread,
            codes_per_unit: f64::from(1u32 << CODE_BITS) / (2 * DEVIATIONS * spread) as f64,
        }
    }
}

/// Gives every step of a column its code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coder {
    count: i128,
    shift: i128,
    width: i128,
    codes_per_unit: f64,
}

impl Coder {
    /// The code of a step: `floor((count step + shift) 2^16 / width)`, within 16 bits.
    pub(super) fn code(&self, step: u32) -> u16 {
        let place = self.count * i128::from(step) + self.shift;
        // A division of 128 bits takes long, so the quotient is estimated; rounding moves it by one at most.
        let near = i64::try_from(place).map_or(place as f64, |place| place as f64);
        let guess = (near * self.codes_per_unit).floor().clamp(-1.0, f64::from(1u32 << CODE_BITS)) as i128;
        let rest = (place << CODE_BITS) - guess * self.width;
        let code = guess + i128::from(rest >= self.width) - i128::from(rest < 0);
        code.clamp(0, u16::MAX.into()) as u16
    }
}

/// For every step the share of the rows that is smaller (half of those that are equal counted), in 2^16 parts.
pub(super) fn ranks(steps: &[u32]) -> Vec<u16> {
    let mut places: Vec<u64> =
        (0u64..).zip(steps).map(|(row, &step)| u64::from(step) << u32::BITS | row).collect();
    places.sort_unstable();
    let mut codes = vec![0; steps.len()];
    let mut before = 0u64;
    for equal in places.chunk_by(|a, b| a >> u32::BITS == b >> u32::BITS) {
        let twice_middle = 2 * before + equal.len() as u64;
        // Less than twice the number of rows, so the quotient is less than 2^16.
        let code = (u128::from(twice_middle) << CODE_BITS) / (2 * steps.len() as u128);
        equal.iter().for_each(|&place| codes[place as u32 as usize] = code as u16);
        before += equal.len() as u64;
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What gives a code to each value of a column.
    fn coder(values: &[f64]) -> impl Fn(f64) -> u16 + use<> {
        let mut range = Range::default();
        range.add(values);
        let mut sums = Sums::default();
        sums.add(&range, values);
        assert!(sums.is_possible());
        let coder = sums.coder();
        move |value| coder.code(range.step(value))
    }

    proptest! {
        #[test]
        fn codes_keep_the_order(mut values in prop::collection::vec(
            prop_oneof![-1e3..1e3f64, prop::num::f64::NORMAL, prop::num::f64::SUBNORMAL, Just(f64::MAX), Just(f64::MIN), Just(0.0)],
            1..200,
        )) {
            let coder = coder(&values);
            values.sort_by(f64::total_cmp);
            let codes: Vec<u16> = values.iter().map(|&value| coder(value)).collect();
            prop_assert!(codes.windows(2).all(|pair| pair[0] <= pair[1]), "{codes:?}");
        }
    }

    proptest! {
        #[test]
        fn codes_are_exact_quotients(
            steps in prop::collection::vec(prop_oneof![any::<u32>(), 0u32..5, (u32::MAX - 5)..=u32::MAX], 1..60),
            times in 1u64..1 << 26,
        ) {
            let mut sums = Sums::default();
            for &step in &steps {
                sums.count += times;
                sums.sum += u128::from(times) * u128::from(step);
                sums.squares += u128::from(times) * u128::from(step) * u128::from(step);
            }
            prop_assert!(sums.is_possible());
            let coder = sums.coder();
            for step in steps.into_iter().flat_map(|step| [step, step.wrapping_add(1), step / 2]) {
                let place = (coder.count * i128::from(step) + coder.shift) << CODE_BITS;
                let exact = place.div_euclid(coder.width).clamp(0, u16::MAX.into()) as u16;
                prop_assert_eq!(coder.code(step), exact);
            }
        }
    }

    #[test]
    fn ranks_split_rows_evenly() {
        assert_eq!(ranks(&[7, 1, 7, 90]), [1 << 15, 1 << 13, 1 << 15, 7 << 13]);
        assert_eq!(ranks(&[5; 3]), [1 << 15; 3]);
        assert!(ranks(&[]).is_empty());
    }

    #[test]
    fn codes_count_deviations_from_the_mean() {
        // Mean 1, deviation 1; steps are fine enough that codes are off by one at most.
        let codes: Vec<u16> = [0.0, 2.0].map(|value| coder(&[0.0, 2.0])(value)).into();
        assert!((codes[0].abs_diff(3 << 13) <= 1) && (codes[1].abs_diff(5 << 13) <= 1), "{codes:?}");
        // A constant column has one code, an outlier does not move the others together.
        assert_eq!(coder(&[7.5; 4])(7.5), 1 << 15);
        let mut values: Vec<f64> = (0..1000).map(f64::from).collect();
        values.push(1e6);
        let coder = coder(&values);
        assert_eq!(coder(1e6), u16::MAX);
        assert!(coder(0.0) < coder(999.0));
    }
}

//! Values to the integers that clusters are made of. In: a column's values, several times in the same order. Out: a code of
//! 16 bits for each, in the order of the values.
//!
//! A code says where a value lies between four standard deviations below and above the column's mean; what lies beyond
//! gets the first or the last code. So the first bit tells below from above the mean, and outliers do not use up the
//! telling bits, as they do where codes count from the smallest value to the largest. Means and deviations are those of
//! integers of 32 bits, so that codes do not depend on the order of the rows or on the machine.

/// Bits of a code.
pub(super) const CODE_BITS: u32 = 16;

/// How many standard deviations the codes reach to either side of the mean.
const DEVIATIONS: i128 = 4;

/// Largest of the integers that means and deviations are taken of.
const STEPS: f64 = u32::MAX as f64;

/// Smallest and largest value of a column, and about where its values lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    /// Smallest value.
    pub(super) low: f64,
    /// Largest value.
    pub(super) high: f64,
    sum: f64,
    count: u64,
}

impl Default for Range {
    fn default() -> Self {
        Self { low: f64::INFINITY, high: f64::NEG_INFINITY, sum: 0.0, count: 0 }
    }
}

impl Range {
    /// Take in more values; they are finite.
    pub(super) fn add(&mut self, values: &[f64]) {
        for &value in values {
            self.low = self.low.min(value);
            self.high = self.high.max(value);
            // Halves: a sum of large numbers stays finite for longer, and where it does not, `centre` takes care.
            self.sum += value / 2.0;
        }
        self.count += values.len() as u64;
    }

    /// A number near the mean.
    pub(super) fn centre(&self) -> f64 {
        let mean = self.sum / (self.count.max(1) as f64) * 2.0;
        if mean.is_finite() { mean.clamp(self.low.min(0.0), self.high.max(0.0)) } else { 0.0 }
    }

    /// `floor((value - low) / (high - low) * (2^32 - 1))`; 0 in a constant column.
    pub(super) fn step(&self, value: f64) -> u32 {
        // Halves, so that the difference of the largest numbers does not overflow.
        let width = self.high / 2.0 - self.low / 2.0;
        if width > 0.0 { ((value / 2.0 - self.low / 2.0) / width * STEPS) as u32 } else { 0 }
    }
}

/// Sums of a column's steps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    count: u64,
    sum: u128,
    squares: u128,
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

    /// What gives a code to each value.
    pub(super) fn coder(&self, range: Range) -> Coder {
        let n = u128::from(self.count);
        // n times the mean and n times the deviation: integers, the latter rounded down.
        let spread = (n * self.squares - self.sum * self.sum).isqrt().max(1) as i128;
        Coder {
            range,
            count: self.count.into(),
            shift: DEVIATIONS * spread - self.sum as i128,
            width: 2 * DEVIATIONS * spread,
        }
    }
}

/// Gives every value of a column its code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coder {
    range: Range,
    count: i128,
    shift: i128,
    width: i128,
}

impl Coder {
    /// The code of `value`, and its step.
    pub(super) fn code(&self, value: f64) -> (u16, u32) {
        let step = self.range.step(value);
        let place = (self.count * i128::from(step) + self.shift) << CODE_BITS;
        (place.div_euclid(self.width).clamp(0, u16::MAX.into()) as u16, step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn coder(values: &[f64]) -> Coder {
        let mut range = Range::default();
        range.add(values);
        let mut sums = Sums::default();
        sums.add(&range, values);
        sums.coder(range)
    }

    proptest! {
        #[test]
        fn codes_keep_the_order(mut values in prop::collection::vec(
            prop_oneof![-1e3..1e3f64, prop::num::f64::NORMAL, prop::num::f64::SUBNORMAL, Just(f64::MAX), Just(f64::MIN), Just(0.0)],
            1..200,
        )) {
            let coder = coder(&values);
            values.sort_by(f64::total_cmp);
            let codes: Vec<u16> = values.iter().map(|&value| coder.code(value).0).collect();
            prop_assert!(codes.windows(2).all(|pair| pair[0] <= pair[1]), "{codes:?}");
        }
    }

    #[test]
    fn codes_count_deviations_from_the_mean() {
        // Mean 1, deviation 1; steps are fine enough that codes are off by one at most.
        let codes: Vec<u16> = [0.0, 2.0].map(|value| coder(&[0.0, 2.0]).code(value).0).into();
        assert!((codes[0].abs_diff(3 << 13) <= 1) && (codes[1].abs_diff(5 << 13) <= 1), "{codes:?}");
        // A constant column has one code, an outlier does not move the others together.
        assert_eq!(coder(&[7.5; 4]).code(7.5).0, 1 << 15);
        let mut values: Vec<f64> = (0..1000).map(f64::from).collect();
        values.push(1e6);
        let coder = coder(&values);
        assert_eq!(coder.code(1e6).0, u16::MAX);
        assert!(coder.code(0.0).0 < coder.code(999.0).0);
    }
}

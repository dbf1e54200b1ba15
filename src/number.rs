//! Elements as numbers. In: the bytes of a sample. Out: its values as real numbers, or the mean of several samples
//! as a sample.

use half::f16;

use crate::sample::{DType, NumberKind};

/// The values of a sample as real numbers; exact but for 64-bit integers above 2^53.
pub fn values(dtype: DType, sample: &[u8]) -> impl Iterator<Item = f64> {
    elements(dtype, sample).map(move |bits| value(dtype, bits))
}

/// The real number that `bits` are; exact but for 64-bit integers above 2^53.
pub fn value(dtype: DType, bits: u64) -> f64 {
    match dtype {
        DType::Float16 | DType::Float32 | DType::Float64 => real(dtype, bits),
        _ => integer(dtype, bits) as f64,
    }
}

/// Stretches of a sample with elements of one dtype, and how many.
pub type Runs = Vec<(DType, usize)>;

/// As [`values`], of a sample that consists of `runs`.
pub fn values_of_runs<'a>(runs: &'a [(DType, usize)], sample: &'a [u8]) -> impl Iterator<Item = f64> + 'a {
    split_runs(runs, sample).flat_map(|(dtype, part)| values(dtype, part))
}

/// The bytes of every run.
fn split_runs<'a>(
    runs: &'a [(DType, usize)],
    sample: &'a [u8],
) -> impl Iterator<Item = (DType, &'a [u8])> + 'a {
    let mut rest = sample;
    runs.iter().map(move |&(dtype, count)| {
        let (part, later) = rest.split_at((count * dtype.size()).min(rest.len()));
        rest = later;
        (dtype, part)
    })
}

/// The mean of samples that consist of runs; see [`Mean`].
#[derive(Debug)]
pub struct MeanOfRuns<'a> {
    runs: &'a [(DType, usize)],
    means: Vec<Mean>,
}

impl<'a> MeanOfRuns<'a> {
    /// The mean of no samples yet.
    pub fn new(runs: &'a [(DType, usize)]) -> Self {
        Self { runs, means: runs.iter().map(|&(dtype, count)| Mean::new(dtype, count)).collect() }
    }

    /// Add a sample.
    pub fn add(&mut self, sample: &[u8]) {
        for (mean, (_, part)) in self.means.iter_mut().zip(split_runs(self.runs, sample)) {
            mean.add(part);
        }
    }

    /// Write the mean to `sample`, as [`Mean::finish`] does.
    pub fn finish(&self, sample: &mut [u8]) {
        let mut rest = sample;
        for (mean, &(dtype, count)) in self.means.iter().zip(self.runs) {
            let (part, later) = std::mem::take(&mut rest).split_at_mut(count * dtype.size());
            mean.finish(part);
            rest = later;
        }
    }
}

/// Sums samples element by element: integers exactly, floating point in binary64.
#[derive(Debug)]
pub struct Mean {
    dtype: DType,
    count: u64,
    integers: Vec<i128>,
    reals: Vec<f64>,
    /// The only sample so far: its mean is itself, whatever its bits are.
    first: Vec<u8>,
}

impl Mean {
    /// The mean of no samples yet, of `elements` values each.
    pub fn new(dtype: DType, elements: usize) -> Self {
        let float = dtype.kind() == NumberKind::Float;
        Self {
            dtype,
            count: 0,
            integers: vec![0; if float { 0 } else { elements }],
            reals: vec![0.0; if float { elements } else { 0 }],
            first: Vec::new(),
        }
    }

    /// Add a sample.
    pub fn add(&mut self, sample: &[u8]) {
        if self.count == 0 {
            self.first = sample.to_vec();
        }
        self.count += 1;
        let dtype = self.dtype;
        self.integers.iter_mut().zip(elements(dtype, sample)).for_each(|(sum, x)| *sum += integer(dtype, x));
        self.reals.iter_mut().zip(elements(dtype, sample)).for_each(|(sum, x)| *sum += real(dtype, x));
    }

    /// Write the mean to `sample`: integers rounded half up, floating point to the nearest; zeros for no samples.
    pub fn finish(&self, sample: &mut [u8]) {
        if self.count == 1 {
            sample.copy_from_slice(&self.first);
            return;
        }
        let size = self.dtype.size();
        let count = i128::from(self.count.max(1));
        let integers =
            self.integers.iter().map(|&sum| (sum + count / 2).div_euclid(count).to_le_bytes()[..8].to_vec());
        let reals = self.reals.iter().map(|&sum| {
            let mean = sum / self.count.max(1) as f64;
            match self.dtype {
                DType::Float16 => f16::from_f64(mean).to_le_bytes().to_vec(),
                DType::Float32 => (mean as f32).to_le_bytes().to_vec(),
                _ => mean.to_le_bytes().to_vec(),
            }
        });
        for (out, bytes) in sample.chunks_exact_mut(size).zip(integers.chain(reals)) {
            out.copy_from_slice(&bytes[..size]);
        }
    }
}

fn elements(dtype: DType, sample: &[u8]) -> impl Iterator<Item = u64> {
    let size = dtype.size();
    sample.chunks_exact(size).map(move |bytes| {
        let mut word = [0; 8];
        word[..size].copy_from_slice(bytes);
        u64::from_le_bytes(word)
    })
}

fn integer(dtype: DType, bits: u64) -> i128 {
    match dtype {
        DType::Int8 => (bits as i8).into(),
        DType::Int16 => (bits as i16).into(),
        DType::Int32 => (bits as i32).into(),
        DType::Int64 => (bits as i64).into(),
        _ => bits.into(),
    }
}

fn real(dtype: DType, bits: u64) -> f64 {
    match dtype {
        DType::Float16 => f16::from_bits(bits as u16).to_f64(),
        DType::Float32 => f32::from_bits(bits as u32).into(),
        _ => f64::from_bits(bits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean<const N: usize>(dtype: DType, samples: &[[u8; N]]) -> [u8; N] {
        let mut mean = Mean::new(dtype, N / dtype.size());
        samples.iter().for_each(|sample| mean.add(sample));
        let mut out = [0; N];
        mean.finish(&mut out);
        out
    }

    #[test]
    fn means_are_those_of_the_values() {
        assert_eq!(mean(DType::UInt8, &[[1, 255], [2, 255]]), [2, 255]);
        assert_eq!(mean(DType::Int8, &[[0xFF], [0xFE], [0xFE]]), [0xFE]); // -1, -2, -2
        let large = u64::MAX.to_le_bytes();
        assert_eq!(mean(DType::UInt64, &[large, large, large]), large);
        assert_eq!(
            mean(DType::Float32, &[1e38f32.to_le_bytes(), 3e38f32.to_le_bytes()]),
            2e38f32.to_le_bytes()
        );
        let halves = [f16::from_f32(1.0).to_le_bytes(), f16::from_f32(-2.0).to_le_bytes()];
        assert_eq!(mean(DType::Float16, &halves), f16::from_f32(-0.5).to_le_bytes());
        // A lone sample keeps its bits: a signalling NaN, a negative zero.
        for bits in [0x7F80_0001u32, 0x8000_0000] {
            assert_eq!(mean(DType::Float32, &[bits.to_le_bytes()]), bits.to_le_bytes());
        }
    }

    #[test]
    fn values_are_read_by_dtype() {
        let read = |dtype, bytes: &[u8]| values(dtype, bytes).collect::<Vec<_>>();
        assert_eq!(read(DType::Int16, &[0xFE, 0xFF, 1, 0]), [-2.0, 1.0]);
        assert_eq!(read(DType::Bool, &[1, 0]), [1.0, 0.0]);
        assert_eq!(read(DType::Float16, &0x7BFFu16.to_le_bytes()), [65504.0]);
    }
}

//! A keyed permutation of `0..n` that needs no memory. In: positions, `n` and a key. Out: where each position goes.
//!
//! A Feistel network permutes the next power of four; values outside `0..n` are permuted again until they fall inside
//! (cycle walking), which leaves a permutation of `0..n`. The order of every sampler rests on it, so it never changes;
//! `tests/test_permutation.py` has a slow twin.

use crate::error::{Error, Result};

const ROUNDS: usize = 8;
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finaliser of splitmix64.
fn mix(value: u64) -> u64 {
    let value = (value ^ value >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ value >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ value >> 31
}

/// Replace every one of `positions` by where the permutation of `0..n` under `key` sends it.
///
/// # Errors
/// [`Error::Index`] where a position is not in `0..n`.
pub fn permute(positions: &mut [i64], n: u64, key: u64) -> Result<()> {
    if let Some(&index) =
        positions.iter().find(|&&position| u64::try_from(position).map_or(true, |position| position >= n))
    {
        return Err(Error::Index { index, len: n });
    }
    if n == 0 {
        return Ok(());
    }
    let bits = u64::BITS - (n - 1).leading_zeros();
    let half = bits.div_ceil(2).max(1);
    let keys: [u64; ROUNDS] =
        std::array::from_fn(|round| mix(key.wrapping_add((round as u64 + 1).wrapping_mul(GOLDEN))));
    let low = (1 << half) - 1;
    let network = |value: u64| {
        let (mut left, mut right) = (value >> half, value & low);
        for key in keys {
            // The top bits of a product are its best mixed ones.
            (left, right) = (right, left ^ mix(right ^ key) >> (u64::BITS - half));
        }
        left << half | right
    };
    for position in positions {
        let mut value = network(*position as u64);
        while value >= n {
            value = network(value);
        }
        *position = value as i64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_position_is_taken_once() {
        for n in [1, 2, 3, 4, 5, 16, 17, 255, 4097] {
            for key in [0, 1, u64::MAX] {
                let mut order: Vec<i64> = (0..n).collect();
                permute(&mut order, n as u64, key).unwrap();
                order.sort_unstable();
                assert!(order.into_iter().eq(0..n));
            }
        }
        assert!(permute(&mut [5], 5, 0).is_err() && permute(&mut [-1], 5, 0).is_err());
        assert!(permute(&mut [0], 0, 0).is_err() && permute(&mut [], 0, 0).is_ok());
    }
}

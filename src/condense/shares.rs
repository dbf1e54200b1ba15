//! How many clusters each partition gets. In: a number of clusters, rows of the partitions, and how many different rows a
//! partition is known to have. Out: a number for each: in proportion to its rows, and never more than it can have.

use crate::error::{Error, Result};

/// Shares of `size` by the largest remainder; every partition gets its `least` (none where it has no rows, otherwise one for
/// each class) and not more than its `most`.
///
/// # Errors
/// [`Error::Argument`] where there are fewer clusters than partitions, or more than all can have.
pub(super) fn shares(size: u64, rows: &[u64], least: &[u64], most: &[u64]) -> Result<Vec<u64>> {
    let needed = least.iter().sum::<u64>();
    if size < needed.max(1) {
        return Err(Error::Argument(format!(
            "{size} condensed samples are too few; each class of each partition needs one, {needed} in all: give more, or \
             classes=False where the target is a number or classes may be mixed"
        )));
    }
    let (total, possible) = (rows.iter().sum::<u64>(), most.iter().sum::<u64>());
    if size > total {
        return Err(Error::Argument(format!(
            "{size} condensed samples of {total} rows; give a smaller size"
        )));
    }
    if size > possible {
        return Err(Error::Argument(format!(
            "{size} condensed samples are more than the {possible} different rows that the columns tell apart; give a smaller size"
        )));
    }
    let total = u128::from(total.max(1));
    let exact = |p: usize| u128::from(size) * u128::from(rows[p]);
    let first = |p: usize| ((exact(p) / total) as u64).max(least[p]).min(most[p]);
    let mut shares: Vec<u64> = (0..rows.len()).map(first).collect();
    // Those that got one although their share was less took it from the largest.
    while shares.iter().sum::<u64>() > size {
        let above = shares.iter_mut().zip(least).filter(|(share, least)| **share > **least);
        let Some((largest, _)) = above.max() else { break };
        *largest -= 1;
    }
    let mut left = size - shares.iter().sum::<u64>();
    while left > 0 {
        let mut open: Vec<usize> = (0..rows.len()).filter(|&p| shares[p] < most[p]).collect();
        let before = left;
        if left > open.len() as u64 {
            // What others have no use for, in proportion again.
            let weight: u128 = open.iter().map(|&p| u128::from(rows[p])).sum();
            for &p in &open {
                let more = (u128::from(before) * u128::from(rows[p]) / weight.max(1)) as u64;
                let more = more.min(most[p] - shares[p]);
                shares[p] += more;
                left -= more;
            }
        }
        if left == before {
            // What rounding leaves, by the largest remainder.
            open.sort_by_key(|&p| std::cmp::Reverse(exact(p) % total));
            for p in open.into_iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
                shares[p] += 1;
                left -= 1;
            }
        }
    }
    Ok(shares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shares_are_proportional() {
        assert_eq!(shares(10, &[60, 30, 10], &[1; 3], &[60, 30, 10]).unwrap(), [6, 3, 1]);
        assert_eq!(shares(3, &[98, 1, 1], &[1; 3], &[98, 1, 1]).unwrap(), [1, 1, 1]);
        assert_eq!(shares(4, &[98, 0, 2], &[1, 0, 1], &[98, 0, 2]).unwrap(), [3, 0, 1]);
        // The last has three classes; then, the first has only two different rows.
        assert_eq!(shares(10, &[60, 30, 10], &[1, 1, 3], &[60, 30, 10]).unwrap(), [4, 3, 3]);
        assert_eq!(shares(10, &[60, 30, 10], &[1; 3], &[2, 30, 10]).unwrap(), [2, 6, 2]);
        assert!(shares(1, &[5, 5], &[1; 2], &[5, 5]).is_err());
        assert!(shares(8, &[5, 5], &[1; 2], &[2, 5]).unwrap_err().to_string().contains("7 different rows"));
    }

    proptest! {
        #[test]
        fn every_share_can_be_had(
            partitions in prop::collection::vec((0u64..50, 1u64..50, 1u64..4), 1..12),
            size in 1u64..300,
        ) {
            let rows: Vec<u64> = partitions.iter().map(|p| p.0).collect();
            let most: Vec<u64> = partitions.iter().map(|p| p.0.min(p.1)).collect();
            let least: Vec<u64> = most.iter().zip(&partitions).map(|(&most, p)| p.2.min(most)).collect();
            match shares(size, &rows, &least, &most) {
                Ok(shares) => {
                    prop_assert_eq!(shares.iter().sum::<u64>(), size);
                    for ((&share, &least), &most) in shares.iter().zip(&least).zip(&most) {
                        prop_assert!(share <= most && share >= least);
                    }
                }
                Err(_) => prop_assert!(size < least.iter().sum::<u64>().max(1) || size > most.iter().sum()),
            }
        }
    }
}

//! Frame of reference: columns as differences to their minimum. In: rows. Out: the range of every column, and rows
//! with the minima subtracted or added.

use super::Container;

/// Run `$body` with `$t` as the integer of a container, so that its loops have a constant step.
macro_rules! with_integer {
    ($container:expr, $t:ident => $body:expr) => {
        match $container {
            Container::U8 => {
                type $t = u8;
                $body
            }
            Container::U16 => {
                type $t = u16;
                $body
            }
            Container::U32 => {
                type $t = u32;
                $body
            }
            Container::U64 => {
                type $t = u64;
                $body
            }
        }
    };
}

/// Minimum and maximum of every column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranges {
    /// Smallest values.
    pub min: Vec<u64>,
    /// Largest values.
    pub max: Vec<u64>,
}

impl Ranges {
    /// The ranges of `columns` columns over `rows`, one row after another.
    #[allow(clippy::useless_conversion, reason = "only one of the four integers is a u64 already")]
    pub fn of(rows: &[u8], columns: usize, container: Container) -> Self {
        let mut ranges = Self { min: vec![u64::MAX; columns], max: vec![0; columns] };
        with_integer!(container, T => {
            for row in rows.chunks_exact((columns * size_of::<T>()).max(1)) {
                let columns = ranges.min.iter_mut().zip(&mut ranges.max);
                for ((min, max), bytes) in columns.zip(row.as_chunks().0) {
                    let value: u64 = T::from_le_bytes(*bytes).into();
                    *min = value.min(*min);
                    *max = value.max(*max);
                }
            }
        });
        ranges
    }

    /// Make this the ranges of both.
    pub fn merge(&mut self, other: &Self) {
        self.min.iter_mut().zip(&other.min).for_each(|(a, b)| *a = *b.min(a));
        self.max.iter_mut().zip(&other.max).for_each(|(a, b)| *a = *b.max(a));
    }

    /// Subtract the minima from every row.
    pub fn subtract_from(&self, rows: &mut [u8], container: Container) {
        with_integer!(container, T => {
            for row in rows.chunks_exact_mut((self.min.len() * size_of::<T>()).max(1)) {
                for (bytes, min) in row.as_chunks_mut().0.iter_mut().zip(&self.min) {
                    *bytes = T::from_le_bytes(*bytes).wrapping_sub(*min as T).to_le_bytes();
                }
            }
        });
    }
}

/// Add `offsets` (a row, or nothing) to every column of `row`, modulo the container.
pub fn add_offsets(row: &mut [u8], offsets: &[u8], container: Container) {
    with_integer!(container, T => {
        for (bytes, offset) in row.as_chunks_mut().0.iter_mut().zip(offsets.as_chunks().0) {
            *bytes = T::from_le_bytes(*bytes).wrapping_add(T::from_le_bytes(*offset)).to_le_bytes();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_subtracted_is_added_back() {
        for container in [Container::U8, Container::U16, Container::U32, Container::U64] {
            let values = [[7u64, 250], [9, 3], [8, 200]];
            let mut rows = vec![0; 6 * container.bytes()];
            values.concat().iter().enumerate().for_each(|(i, &value)| container.set(&mut rows, i, value));
            let original = rows.clone();
            let mut ranges = Ranges::of(&rows[..4 * container.bytes()], 2, container);
            ranges.merge(&Ranges::of(&rows[4 * container.bytes()..], 2, container));
            assert_eq!((&ranges.min[..], &ranges.max[..]), (&[7, 3][..], &[9, 250][..]));
            ranges.subtract_from(&mut rows, container);
            let found: Vec<u64> = (0..6).map(|i| container.get(&rows, i)).collect();
            assert_eq!(found, [0, 247, 2, 0, 1, 197]);
            let mut offsets = vec![0; 2 * container.bytes()];
            (0..2).for_each(|i| container.set(&mut offsets, i, ranges.min[i]));
            rows.chunks_mut(2 * container.bytes()).for_each(|row| add_offsets(row, &offsets, container));
            assert_eq!(rows, original);
        }
    }
}

//! Whatever is learned from a table, every row comes back, also where another coder would be smaller.

use proptest::prelude::*;

use super::learn::learn;
use crate::bits::{BitLayout, BitWriter, Container, Ranges};
use crate::coder::grouped::model::{Prediction, Reference};
use crate::coder::grouped::{GroupEncoder, Model, decode_group, read, write};

const CONTAINERS: [Container; 4] = [Container::U8, Container::U16, Container::U32, Container::U64];

/// SplitMix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Columns of many kinds: noise of all bits, constants, categories, walks, copies with small errors, what another column
/// was in the row before, multiples, numbers that are large where another is, and mostly zeros.
fn table(rows: usize, columns: usize, container: Container, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = vec![0; rows * columns * container.bytes()];
    let kinds: Vec<u64> = (0..columns).map(|_| next(&mut state) % 9).collect();
    let mut before = vec![0u64; columns];
    for row in bytes.chunks_exact_mut((columns * container.bytes()).max(1)) {
        let mut now = vec![0u64; columns];
        for column in 0..columns {
            let other = column.checked_sub(1).map_or(0, |left| now[left]);
            let random = next(&mut state);
            now[column] = match kinds[column] {
                0 => random,
                1 => 77,
                2 => 10 + random % 5,
                3 => before[column].wrapping_add(random % 7).wrapping_sub(3),
                4 => other.wrapping_add(random % 3),
                5 => column.checked_sub(1).map_or(0, |left| before[left]),
                6 => other.wrapping_mul(3).wrapping_add(random % 16),
                7 => random % (other % 1000 + 1),
                _ => {
                    if random.is_multiple_of(10) {
                        random >> 20
                    } else {
                        0
                    }
                }
            };
        }
        for (column, &value) in now.iter().enumerate() {
            container.set(row, column, value);
            before[column] = container.get(row, column);
        }
    }
    bytes
}

/// Learn from `rows`, with offsets subtracted; write and read back model and groups.
fn check(mut rows: Vec<u8>, columns: usize, container: Container, group: usize) -> Model {
    let ranges = Ranges::of(&rows, columns, container);
    ranges.subtract_from(&mut rows, container);
    let spans = ranges.min.iter().zip(&ranges.max).map(|(min, max)| max - min);
    let widths = spans.map(|span| (u64::BITS - span.leading_zeros()) as u8).collect();
    let layout = BitLayout { container, widths };
    let model = learn(&rows, &layout, group, 1, &mut || Ok(())).unwrap();
    assert_eq!(model, learn(&rows, &layout, group, 3, &mut || Ok(())).unwrap());
    let mut writer = BitWriter::default();
    write(&model, &layout.widths, &mut writer);
    let bytes = writer.finish();
    assert_eq!(read(&bytes, &layout.widths).unwrap(), model);
    assert!(read(&bytes[..bytes.len().saturating_sub(1)], &layout.widths).is_err() || bytes.is_empty());
    assert!(read(&[&bytes[..], &[0]].concat(), &layout.widths).is_err());
    let (mut streams, mut lengths) = (Vec::new(), Vec::new());
    GroupEncoder::new(&model, &layout).encode(&rows, group, &mut streams, &mut lengths);
    let mut rest = &streams[..];
    for (rows, length) in rows.chunks(group * layout.row_bytes()).zip(lengths) {
        let (stream, later) = rest.split_at(2 * length as usize);
        rest = later;
        let count = rows.len() / layout.row_bytes();
        assert!(decode_group(&model, &layout, count, stream).unwrap() == rows);
        assert!(decode_group(&model, &layout, count, &stream[..stream.len() - 2]).is_none());
    }
    assert!(rest.is_empty());
    model
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn every_row_comes_back(
        rows in prop_oneof![Just(1usize), 126usize..131, 1usize..700],
        columns in 1usize..9,
        container in prop::sample::select(CONTAINERS.to_vec()),
        group in prop::sample::select(vec![1usize, 8, 64, 128]),
        seed in any::<u64>(),
    ) {
        check(table(rows, columns, container, seed), columns, container, group);
    }
}

#[test]
fn many_columns_come_back() {
    check(table(300, 1000, Container::U32, 1), 1000, Container::U32, 8);
}

#[test]
fn extremes_come_back() {
    let values = [0, u64::MAX, 1 << 63, (1 << 63) - 1, 1, u64::MAX - 1];
    let mut state = 3;
    let bytes = (0..3 * 400).flat_map(|_| values[next(&mut state) as usize % values.len()].to_le_bytes());
    check(bytes.collect(), 3, Container::U64, 128);
}

#[test]
fn what_columns_tell_of_each_other_is_found() {
    // The second column is the first of the row before, the third is a multiple, the fourth depends on the first.
    let (mut state, mut before) = (5, 0);
    let mut bytes = Vec::new();
    for _ in 0..2000 {
        let value = next(&mut state) % 100_000;
        let last = if value < 50_000 { 3 } else { next(&mut state) % 1024 };
        bytes.extend(
            [value, before, 3 * value + next(&mut state) % 4, last].iter().flat_map(|v| v.to_le_bytes()),
        );
        before = value;
    }
    let model = check(bytes, 4, Container::U64, 128);
    let column = |number| model.columns.iter().find(|column| column.column == number).unwrap();
    assert!(matches!(column(1).prediction, Prediction::Same(Reference::Previous(_))), "{model:?}");
    assert!(matches!(column(2).prediction, Prediction::Scaled(Reference::Value(_), 196_608)), "{model:?}");
    assert!(!column(3).splits.is_empty(), "{model:?}");
}

//! What the presets `paper` and `raw` read records with: bits gathered and scattered by masks, and pixels out of DCT
//! coefficients. Scalar and fast kernels must agree on any input.

use dreamlearning::bits::{BitWriter, PADDING, ones_of_words, words_of};
use dreamlearning::kernels::{self, scalar};

/// Run on one input: bytes of a row, first bit, then the row and its masks.
pub fn run(data: &[u8]) {
    let [length, lead, rest @ ..] = data else { return };
    let length = usize::from(length % 100) + 1;
    if rest.len() < 2 * length {
        return;
    }
    let (row, rest) = rest.split_at(length);
    let (mask, rest) = rest.split_at(length);
    let masks = words_of(mask);
    let bits = ones_of_words(&masks);
    let lead = u32::from(lead % 64);
    let (mut plain, mut fast) = (BitWriter::default(), BitWriter::default());
    for writer in [&mut plain, &mut fast] {
        writer.push(1u64 << lead >> 1, lead);
    }
    scalar::gather(row, &masks, &mut plain);
    kernels::gather(row, &masks, &mut fast);
    let mut stream = plain.finish();
    assert_eq!(stream, fast.finish());
    stream.extend([0; PADDING]);
    let constants: Vec<u64> = words_of(row).iter().zip(&masks).map(|(row, mask)| row & !mask).collect();
    let (mut plain, mut fast) = (vec![0; length], vec![1; length]);
    scalar::scatter(&stream, lead.into(), &masks, &constants, &mut plain);
    kernels::scatter(&stream, lead.into(), bits, &masks, &constants, &mut fast);
    assert_eq!(plain, fast);
    assert_eq!(plain, row);
    let places: Vec<(u32, u64)> = (0u32..).zip(masks).filter(|place| place.1 != 0).collect();
    scalar::scatter_sparse(&stream, lead.into(), &places, &mut plain);
    kernels::scatter_sparse(&stream, lead.into(), bits, &places, &mut fast);
    assert_eq!(plain, fast);
    // The inverse DCT's product, with numbers of any size.
    let numbers: Vec<i32> = rest.as_chunks().0.iter().map(|&bytes| i32::from_le_bytes(bytes)).collect();
    let side = numbers.len().isqrt();
    if (2..40).contains(&side) {
        let (left, right) = (&numbers[..side], &numbers[..side * side]);
        let (mut plain, mut fast) = (vec![0; side], vec![1; side]);
        scalar::multiply_rows(left, right, side, side, 12, &mut plain);
        kernels::multiply_rows(left, right, side, side, 12, &mut fast);
        assert_eq!(plain, fast);
    }
}

//! Algorithm 1 at different prices for a deviation bit. In: a `.gede` file of 8-bit images, and the share of raw that a
//! coder was measured to take (the environment variables `PRICES_FILE` and `PRICES_SHARE`). Out: one line of JSON on
//! stdout; see `benchmarks/split_prices.py`, which runs this and writes the table of `docs/algorithm.md`.
//!
//! Bits are counted without labels, checksums and metadata, and all partitions are added up.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark that fails may panic")]

use dreamlearning::bits::{BitLayout, Ranges, count_ones, slice_rows};
use dreamlearning::block::Parameters;
use dreamlearning::entropy::BitStats;
use dreamlearning::split::{PRICE_BITS, Prices, SizeModel, search};
use dreamlearning::transform::{Scratch, Spec, build};
use dreamlearning::{Dataset, Reading};

/// What one search found, over all partitions.
#[derive(Default)]
struct Found {
    bits: u128,
    /// Base positions that are not constant.
    positions: usize,
    bases: usize,
}

fn main() {
    let (Ok(path), Ok(share)) = (std::env::var("PRICES_FILE"), std::env::var("PRICES_SHARE")) else {
        // `cargo bench` without a file: nothing to do.
        return;
    };
    let share: f64 = share.parse().unwrap();
    let dataset = Dataset::open(path.as_ref(), Reading::Map).unwrap();
    let labels = dataset.copied_field(dataset.field_number("label").unwrap()).unwrap();
    let classes = usize::from(*labels.iter().max().unwrap()) + 1;
    let raw_bits = 8.0 * dataset.raw_bytes().unwrap() as f64 - 8.0 * labels.len() as f64;
    for (name, spec) in
        [("identity", Spec::Identity), ("colour", Spec::Colour), ("dct", Spec::Dct { exact: false })]
    {
        let mut entropy = 0.0;
        let mut found = [Found::default(), Found::default(), Found::default()];
        for class in 0..classes {
            let indices: Vec<i64> =
                (0i64..).zip(&labels).filter(|&(_, &label)| label == class as u8).map(|(i, _)| i).collect();
            entropy += measure(&dataset, &spec, &indices, share, &mut found);
        }
        let row = |price: &str, bits: f64, found: Option<&Found>| {
            println!(
                "{}",
                serde_json::json!({
                    "transform": name,
                    "price": price,
                    "share_of_raw": bits / raw_bits,
                    "base_positions": found.map(|found| found.positions as f64 / classes as f64),
                    "bases": found.map(|found| found.bases as f64 / classes as f64),
                })
            );
        };
        row("sum of the entropies of all positions", entropy, None);
        for (price, found) in ["one bit", "entropy of the position", "measured share"].iter().zip(&found) {
            row(price, found.bits as f64, Some(found));
        }
    }
}

/// Search one class at all prices; returns the sum of its positions' entropies.
fn measure(dataset: &Dataset, spec: &Spec, indices: &[i64], share: f64, found: &mut [Found; 3]) -> f64 {
    let sample_bytes = dataset.sample_bytes().unwrap();
    let mut samples = vec![0; indices.len() * sample_bytes];
    dataset.decode_into(indices, &mut samples, 0).unwrap();
    let transform = build(spec, dataset.sample_layout()).unwrap();
    let layer = &transform.layers()[0];
    let row_bytes = layer.row_bytes();
    let mut rows = vec![0; indices.len() * row_bytes];
    let mut scratch = Scratch::default();
    for (sample, row) in samples.chunks_exact(sample_bytes).zip(rows.chunks_exact_mut(row_bytes)) {
        transform.forward(sample, &mut [row], &mut scratch);
    }
    let mut layout = BitLayout::full(layer.columns, layer.container);
    let mut offsets = None;
    if layer.frame_of_reference {
        let ranges = Ranges::of(&rows, layer.columns, layer.container);
        ranges.subtract_from(&mut rows, layer.container);
        let spans = ranges.min.iter().zip(&ranges.max).map(|(min, max)| max - min);
        layout.widths = spans.map(|span| (u64::BITS - span.leading_zeros()) as u8).collect();
        offsets = Some(ranges.min);
    }
    let row_bits = layout.row_bits();
    let mut counts = vec![0; layout.row_words() * 64];
    count_ones(&rows, row_bytes, &mut counts);
    let stats = BitStats::new(indices.len() as u64, &counts, &row_bits);
    let model = SizeModel {
        samples: indices.len() as u64,
        condensed: 0,
        total_bits: layout.total_bits(),
        parameter_bits: Parameters::size_bits(&layout, offsets.as_deref()),
    };
    let one = f64::from(1u32 << PRICE_BITS);
    // What remains after the constant positions costs the coder its measured share of the raw sample.
    let varying = stats.by_increasing_entropy().len().max(1);
    let measured = (share * 8.0 * sample_bytes as f64 / varying as f64 * one) as u64;
    let prices = [
        Prices::Verbatim,
        Prices::each(&stats, |position| (stats.entropy(position) * one) as u64),
        Prices::each(&stats, |_| measured),
    ];
    for (prices, found) in prices.iter().zip(found) {
        let slices = |positions: &[u32]| {
            let wanted: Vec<u32> = positions.iter().map(|&p| row_bits[p as usize]).collect();
            Ok(slice_rows(&rows, row_bytes, &wanted))
        };
        let split = search(&stats, &model, prices, None, 4096, slices, || Ok(())).unwrap();
        found.bits += split.size_bits;
        found.positions += split.base_positions.len() - split.constants;
        found.bases += split.groups.first_rows.len();
    }
    stats.total_entropy() * indices.len() as f64
}

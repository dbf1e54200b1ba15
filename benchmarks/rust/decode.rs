//! Decoding speed of the core without Python: `cargo bench`. Random batches of 256 synthetic 32x32 RGB images
//! (smooth gradients with noise) per preset, one thread, into one buffer. The end-to-end numbers on real data are in
//! `benchmarks/cifar10.py`; this one is for profiling.
#![allow(clippy::unwrap_used, reason = "a benchmark that fails may panic")]

use std::path::Path;

use dreamlearning::source::MemorySource;
use dreamlearning::{CompressOptions, DType, Dataset, Input, Preset, Reading, SampleLayout, compress};

const SAMPLES: u64 = 8192;
const SAMPLE_BYTES: usize = 32 * 32 * 3;
const BATCH: usize = 256;

fn main() {
    divan::main();
}

fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

fn images() -> Vec<u8> {
    let mut state = 1;
    let mut bytes = Vec::with_capacity(SAMPLES as usize * SAMPLE_BYTES);
    for _ in 0..SAMPLES {
        let (start, right, down) = (next(&mut state) % 128, next(&mut state) % 4, next(&mut state) % 4);
        for i in 0..SAMPLE_BYTES as u64 {
            let (x, y) = (i / 3 % 32, i / 96);
            bytes.push((start + x * right / 2 + y * down / 2 + next(&mut state) % 16) as u8);
        }
    }
    bytes
}

fn open(folder: &Path, preset: Preset, exact: bool) -> Dataset {
    let bytes = images();
    let path = folder.join("bench.gede");
    let source = MemorySource { bytes: &bytes, sample_bytes: SAMPLE_BYTES };
    let input = Input {
        layout: SampleLayout { dtype: DType::UInt8, shape: vec![32, 32, 3] },
        columns: None,
        sides: None,
        num_samples: SAMPLES,
        source: &source,
        fields: Vec::new(),
        partitions: None,
        condensing: None,
        user: "{}",
    };
    let options = CompressOptions { preset, exact, overwrite: true, ..CompressOptions::default() };
    compress(&path, &input, &options, &mut |_| Ok(())).unwrap();
    Dataset::open(&path, Reading::Map).unwrap()
}

#[divan::bench(args = ["fast", "paper", "paper exact"])]
fn batches_of_256(bencher: divan::Bencher, name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let preset = if name == "fast" { Preset::Fast } else { Preset::Paper };
    let dataset = open(folder.path(), preset, name == "paper exact");
    let mut state = 2;
    let mut out = vec![0; BATCH * SAMPLE_BYTES];
    bencher.counter(divan::counter::ItemsCount::new(BATCH)).bench_local(|| {
        let indices: Vec<i64> = (0..BATCH).map(|_| (next(&mut state) % SAMPLES) as i64).collect();
        dataset.decode_into(&indices, &mut out, 1).unwrap();
    });
}

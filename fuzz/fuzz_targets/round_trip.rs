//! Any samples: compressed by every preset that promises to be exact, and read back bit for bit.
#![no_main]

use arbitrary::Arbitrary;
use dreamlearning::source::MemorySource;
use dreamlearning::{CompressOptions, DType, Dataset, Input, Preset, Reading, SampleLayout, compress};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Case {
    dtype: u8,
    shape: [u8; 3],
    rank: u8,
    classes: u8,
    preset: u8,
    tau: Option<u8>,
    bytes: Vec<u8>,
}

fuzz_target!(|case: Case| {
    let dtype = DType::ALL[usize::from(case.dtype) % DType::ALL.len()];
    let shape: Vec<u64> = case.shape[..usize::from(case.rank % 4)].iter().map(|&side| u64::from(side % 20)).collect();
    let layout = SampleLayout { dtype, shape };
    let sample_bytes = layout.bytes().unwrap();
    let Some(count) = case.bytes.len().checked_div(sample_bytes) else { return };
    let bytes = &case.bytes[..count * sample_bytes];
    let classes = u32::from(case.classes % 4) + 1;
    let ids: Vec<u32> = (0..count as u32).map(|i| i % classes).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fuzz.gede");
    let source = MemorySource { bytes, sample_bytes };
    let input = Input {
        layout,
        sides: None,
        num_samples: count as u64,
        source: &source,
        fields: Vec::new(),
        partitions: Some(((0..classes).map(|c| c.to_string()).collect(), &ids)),
        user: "{}",
    };
    let options = CompressOptions {
        preset: [Preset::Paper, Preset::Fast, Preset::Small, Preset::Raw][usize::from(case.preset % 4)],
        exact: true,
        tau: case.tau.map(|tau| u64::from(tau) + 1),
        num_threads: 1,
        overwrite: true,
        ..CompressOptions::default()
    };
    compress(&path, &input, &options, &mut |_| Ok(())).unwrap();
    let dataset = Dataset::open(&path, Reading::Map).unwrap();
    let indices: Vec<i64> = (0..count as i64).collect();
    let mut out = vec![0; bytes.len()];
    dataset.decode_into(&indices, &mut out, 1).unwrap();
    assert_eq!(out, bytes);
    dataset.verify(1, &mut |_, _| Ok(())).unwrap();
});

//! Helpers shared by the integration tests: make data, write it, read it back.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "every test file uses its own part")]

use std::path::{Path, PathBuf};

use dreamlearning::source::MemorySource;
use dreamlearning::{
    CompressOptions, DType, Dataset, Field, Input, Preset, Reading, Result, SampleLayout, compress,
};

/// A small generator, the same everywhere.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 32
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| (self.next() >> 8) as u8).collect()
    }
}

/// Samples of one data set in memory.
#[derive(Clone, Debug)]
pub struct Data {
    pub layout: SampleLayout,
    pub bytes: Vec<u8>,
    pub labels: Vec<u8>,
    pub partitions: Option<(Vec<String>, Vec<u32>)>,
}

impl Data {
    pub fn new(dtype: DType, shape: &[u64], bytes: Vec<u8>) -> Self {
        Self {
            layout: SampleLayout { dtype, shape: shape.to_vec() },
            bytes,
            labels: Vec::new(),
            partitions: None,
        }
    }

    pub fn sample_bytes(&self) -> usize {
        self.layout.bytes().unwrap()
    }

    pub fn len(&self) -> usize {
        if self.sample_bytes() == 0 { 0 } else { self.bytes.len() / self.sample_bytes() }
    }

    /// Labels `i % classes`, and a partition per label.
    pub fn with_classes(mut self, classes: u32) -> Self {
        let ids: Vec<u32> = (0..self.len() as u32).map(|i| i % classes).collect();
        self.labels = ids.iter().map(|&id| id as u8).collect();
        self.partitions = Some(((0..classes).map(|c| format!("class {c}")).collect(), ids));
        self
    }

    pub fn sample(&self, index: usize) -> &[u8] {
        &self.bytes[index * self.sample_bytes()..(index + 1) * self.sample_bytes()]
    }
}

/// Smooth images with some noise, as photographs are.
pub fn images(count: usize, height: u64, width: u64, channels: u64, seed: u64) -> Data {
    let mut random = Random(seed);
    let mut bytes = Vec::new();
    for _ in 0..count {
        let (start, right, down) = (random.next() % 120, random.next() % 5, random.next() % 5);
        for i in 0..height * width * channels {
            let (x, y) = (i / channels % width, i / channels / width);
            bytes
                .push((start + x * right + y * down + 9 * (i % channels) + random.next() % 8).min(255) as u8);
        }
    }
    let shape = if channels == 1 { vec![height, width] } else { vec![height, width, channels] };
    Data::new(DType::UInt8, &shape, bytes)
}

pub fn options(preset: Preset) -> CompressOptions {
    CompressOptions { preset, num_threads: 1, ..CompressOptions::default() }
}

pub fn write(data: &Data, path: &Path, options: &CompressOptions) -> Result<()> {
    let sample_bytes = data.sample_bytes();
    let source = MemorySource { bytes: &data.bytes, sample_bytes };
    let mut fields = Vec::new();
    if !data.labels.is_empty() {
        let layout = SampleLayout { dtype: DType::UInt8, shape: Vec::new() };
        fields.push(Field { name: "label".to_owned(), layout, bytes: &data.labels });
    }
    let input = Input {
        layout: data.layout.clone(),
        num_samples: data.len() as u64,
        source: &source,
        fields,
        partitions: data.partitions.as_ref().map(|(names, ids)| (names.clone(), &ids[..])),
        user: "{\"classes\": null}",
    };
    compress(path, &input, options, &mut |_| Ok(()))
}

/// Write to a folder of its own.
pub fn write_temporary(data: &Data, options: &CompressOptions) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.gede");
    write(data, &path, options).unwrap();
    (folder, path)
}

/// All samples, in order.
pub fn read_all(path: &Path, reading: Reading) -> Result<Vec<u8>> {
    let dataset = Dataset::open(path, reading)?;
    let indices: Vec<i64> = (0..dataset.len() as i64).collect();
    let mut out = vec![0xAA; indices.len() * dataset.sample_bytes()];
    dataset.decode_into(&indices, &mut out, 1)?;
    Ok(out)
}

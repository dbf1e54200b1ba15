//! Helpers shared by the integration tests: make data, write it, read it back.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "every test file uses its own part")]

use std::path::{Path, PathBuf};

use dreamlearning::condense::{Cell, CodeKind, CondenseOptions, Condensed, Condensing, Goal, Stored};
use dreamlearning::dataset::Request;
use dreamlearning::sample::{Images, OWN_SIDE};
use dreamlearning::source::{MemorySource, SampleSource};
use dreamlearning::{
    Columns, CompressOptions, DType, Dataset, Field, Input, Preset, Reading, Result, SampleLayout, compress,
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

/// Dtypes of the columns of a table, and strings of some of them.
pub type OwnColumns = (Vec<DType>, Vec<(u32, Vec<u8>)>);

/// Samples of one data set in memory.
#[derive(Clone, Debug)]
pub struct Data {
    pub layout: SampleLayout,
    /// Dtypes of the cells and strings of columns, where samples are records.
    pub columns: Option<OwnColumns>,
    /// Rows and columns of every image, where they differ.
    pub sides: Option<Vec<(u32, u32)>>,
    pub bytes: Vec<u8>,
    pub labels: Vec<u8>,
    pub partitions: Option<(Vec<String>, Vec<u32>)>,
    /// Of rows of numbers: condensed samples to be kept, or what makes them only.
    pub condensed: Option<ToKeep>,
}

/// How many condensed samples are to be kept, and whether only what makes them.
#[derive(Clone, Copy, Debug)]
pub struct ToKeep {
    pub size: u64,
    pub plans_only: bool,
}

impl Data {
    pub fn new(dtype: DType, shape: &[u64], bytes: Vec<u8>) -> Self {
        Self {
            layout: SampleLayout { dtype, shape: shape.to_vec() },
            columns: None,
            sides: None,
            bytes,
            labels: Vec::new(),
            partitions: None,
            condensed: None,
        }
    }

    pub fn with_condensed(mut self, size: u64, plans_only: bool) -> Self {
        self.condensed = Some(ToKeep { size, plans_only });
        self
    }

    /// The columns of rows of numbers of one dtype.
    pub fn cells(&self) -> Vec<Cell> {
        let dtype = self.layout.dtype;
        let cell = |column: usize| Cell {
            dtype,
            offset: column * dtype.size(),
            divisor: 1.0,
            valid: None,
            name: format!("x{column}"),
        };
        (0..self.layout.shape[0] as usize).map(cell).collect()
    }

    /// The labels as what is to be predicted.
    pub fn target(&self) -> Option<Vec<f64>> {
        (!self.labels.is_empty()).then(|| self.labels.iter().map(|&label| label.into()).collect())
    }

    pub fn sample_bytes(&self) -> usize {
        self.layout.bytes().unwrap()
    }

    pub fn len(&self) -> usize {
        if let Some(sides) = &self.sides {
            return sides.len();
        }
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
        match &self.sides {
            Some(sides) => {
                let images = Images::of(&self.layout).unwrap();
                let size =
                    |&(height, width): &(u32, u32)| images.bytes((height as usize, width as usize)).unwrap();
                let start: usize = sides[..index].iter().map(size).sum();
                &self.bytes[start..start + size(&sides[index])]
            }
            None => &self.bytes[index * self.sample_bytes()..(index + 1) * self.sample_bytes()],
        }
    }
}

impl SampleSource for Data {
    fn read(&self, ids: &[u32], mut out: &mut [u8]) -> Result<()> {
        for &id in ids {
            let sample = self.sample(id as usize);
            let (now, later) = out.split_at_mut(sample.len());
            now.copy_from_slice(sample);
            out = later;
        }
        Ok(())
    }
}

/// Images as of [`images`], with sides of their own up to `height` and `width`.
pub fn ragged(count: usize, height: u64, width: u64, channels: u64, seed: u64) -> Data {
    let mut random = Random(seed);
    let mut bytes = Vec::new();
    let mut sides = Vec::new();
    for i in 0..count {
        let (height, width) = (1 + random.next() % height, 1 + random.next() % width);
        bytes.extend(images(1, height, width, channels, seed + 100 * i as u64).bytes);
        sides.push((height as u32, width as u32));
    }
    let shape = if channels == 1 { vec![OWN_SIDE; 2] } else { vec![OWN_SIDE, OWN_SIDE, channels] };
    Data { sides: Some(sides), ..Data::new(DType::UInt8, &shape, bytes) }
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

/// A table with a column for every code: a number, districts with hidden households, few values, order, words, specials.
pub fn table(rows: usize, seed: u64) -> Data {
    let mut random = Random(seed);
    let dtypes = vec![
        DType::Int16,
        DType::Float64,
        DType::Float32,
        DType::UInt64,
        DType::UInt8,
        DType::Bool,
        DType::Float32,
        DType::Float16,
        DType::Float64,
    ];
    let mut bytes = Vec::new();
    for row in 0..rows {
        let mut next = |below: u64| random.next() % below;
        let (people, households, rooms) = (1 + next(9000) as i16, 1 + next(3000), next(20_000));
        bytes.extend(people.to_le_bytes());
        bytes.extend((f64::from(people) / households as f64).to_le_bytes());
        bytes.extend(((rooms as f64 / households as f64) as f32).to_le_bytes());
        bytes.extend((next(9) * 0x0123_4567_89AB_CDEF).to_le_bytes());
        bytes.push(next(3) as u8);
        bytes.push(u8::from(row % 7 != 0));
        let price = match next(12) {
            0 => f32::from_bits(0x7FC0_0123),
            1 => -0.0,
            _ => (next(100_000) as f64 / 100.0) as f32,
        };
        bytes.extend(price.to_le_bytes());
        bytes.extend((next(1 << 16) as u16).to_le_bytes());
        bytes.extend((next(1 << 32) as f64).sqrt().to_le_bytes());
    }
    let words: [&[u8]; 6] = [
        &3u32.to_le_bytes(),
        &1u32.to_le_bytes(),
        &1u32.to_le_bytes(),
        &4u32.to_le_bytes(),
        b"a",
        "\u{f6}b".as_bytes(),
    ];
    let row_bytes = dtypes.iter().map(|dtype| dtype.size() as u64).sum();
    let columns = Some((dtypes, vec![(4, words.concat())]));
    Data { columns, ..Data::new(DType::UInt8, &[row_bytes], bytes) }
}

/// Rows of 32-bit integers: a walk, what it was before, noise around three times that, categories, numbers whose size depends
/// on them, and mostly zeros; then the same again.
pub fn integers(rows: usize, columns: u64, seed: u64) -> Data {
    let mut random = Random(seed);
    let (mut walk, mut bytes) = (1_000_000u64, Vec::new());
    for _ in 0..rows {
        let before = walk;
        walk = walk + random.next() % 41 - 20;
        let kind = random.next() % 4;
        for column in 0..columns {
            let value = match column % 6 {
                0 => walk,
                1 => before,
                2 => 3 * walk + random.next() % 32,
                3 => 5 + kind,
                4 => random.next() % (1 << (4 * kind)),
                _ => {
                    if random.next().is_multiple_of(20) {
                        random.next() >> 8
                    } else {
                        0
                    }
                }
            };
            bytes.extend((value as u32).to_le_bytes());
        }
    }
    Data::new(DType::Int32, &[columns], bytes)
}

/// So many condensed samples.
pub fn condense_options(size: u64) -> CondenseOptions {
    let (goal, codes) = (Goal::Clusters(size), CodeKind::Value);
    CondenseOptions { goal, codes, target_inside: false, nearest: true, num_threads: 1 }
}

pub fn options(preset: Preset) -> CompressOptions {
    CompressOptions { preset, num_threads: 1, ..CompressOptions::default() }
}

pub fn write(data: &Data, path: &Path, options: &CompressOptions) -> Result<()> {
    let memory;
    let source: &dyn SampleSource = if data.sides.is_some() {
        data
    } else {
        memory = MemorySource { bytes: &data.bytes, sample_bytes: data.sample_bytes() };
        &memory
    };
    let mut fields = Vec::new();
    if !data.labels.is_empty() {
        let layout = SampleLayout { dtype: DType::UInt8, shape: Vec::new() };
        fields.push(Field { name: "label".to_owned(), layout, bytes: &data.labels });
    }
    let columns = data.columns.as_ref().map(|(dtypes, strings)| Columns {
        dtypes: dtypes.clone(),
        strings: strings.iter().map(|(column, bytes)| (*column, &bytes[..])).collect(),
    });
    let (cells, target) = match data.condensed {
        Some(_) => (data.cells(), data.target()),
        None => Default::default(),
    };
    let condensing = data.condensed.map(|keep| Condensing {
        cells: &cells,
        target: target.as_deref(),
        classes: None,
        options: condense_options(keep.size),
        request: "{\"size\": 0}",
        plans_only: keep.plans_only,
    });
    let input = Input {
        layout: data.layout.clone(),
        columns,
        sides: data.sides.as_deref(),
        num_samples: data.len() as u64,
        source,
        fields,
        partitions: data.partitions.as_ref().map(|(names, ids)| (names.clone(), &ids[..])),
        condensing,
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
    if let Some(sample_bytes) = dataset.sample_bytes() {
        let indices: Vec<i64> = (0..dataset.len() as i64).collect();
        let mut out = vec![0xAA; indices.len() * sample_bytes];
        dataset.decode_into(&indices, &mut out, 1)?;
        return Ok(out);
    }
    let sizes = (0..dataset.len()).map(|index| dataset.bytes_of(index)).collect::<Result<Vec<_>>>()?;
    let mut outs: Vec<Vec<u8>> = sizes.iter().map(|&size| vec![0xAA; size]).collect();
    let requests = outs.iter_mut().zip(0..).map(|(out, index)| Request { index, window: None, out });
    dataset.decode_each(&mut requests.collect::<Vec<_>>(), 1)?;
    Ok(outs.concat())
}

/// The condensed samples that the file keeps, read or made by what it keeps.
pub fn kept(data: &Data, dataset: &Dataset) -> Result<Option<Condensed>> {
    let Some(kept) = dataset.kept_condensed()? else { return Ok(None) };
    match kept.stored {
        Stored::Samples(condensed) => Ok(Some(condensed)),
        Stored::Plans(plans) => {
            let target = data.target();
            dataset
                .condense_by(&plans, &data.cells(), target.as_deref(), None, &condense_options(1))
                .map(Some)
        }
    }
}

/// So many condensed samples, found anew.
pub fn condensed(data: &Data, dataset: &Dataset, size: u64) -> Option<Condensed> {
    let target = data.target();
    Some(dataset.condense_table(&data.cells(), target.as_deref(), None, &condense_options(size)).unwrap().0)
}

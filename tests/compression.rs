//! Promise: what is written depends on the samples alone, not on threads or memory, and what could not be read back
//! is never written.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails may panic")]

mod support;

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use dreamlearning::container::MAX_METADATA_BYTES;
use dreamlearning::source::{MemorySource, SampleSource};
use dreamlearning::{DType, Dataset, Error, Input, Preset, Reading, Result, SampleLayout, compress};
use support::{Data, Random, images, integers, options, write_temporary};

#[test]
fn memory_and_threads_do_not_change_a_byte() {
    // Several chunks of a mebibyte, and a search of many steps.
    let numbers: Vec<u8> = Random(5).bytes(3 << 20).iter().map(|byte| byte & byte >> 3 & 7).collect();
    let cases = [
        (Data::new(DType::UInt16, &[24], numbers), Preset::Paper),
        (images(1500, 32, 32, 1, 6).with_classes(2), Preset::Paper),
        (images(700, 32, 32, 3, 7), Preset::Fast),
        (images(700, 32, 32, 3, 8).with_classes(3), Preset::Small),
        (images(20, 150, 260, 3, 9), Preset::Small),
        (integers(70_000, 6, 10).with_classes(2), Preset::Small),
    ];
    for (data, preset) in cases {
        let mut options = options(preset);
        let (_folder, path) = write_temporary(&data, &options);
        let expected = fs::read(path).unwrap();
        for (working_set, num_threads) in [(0, 1), (1 << 16, 2), (2 << 20, 3)] {
            (options.working_set, options.num_threads) = (working_set, num_threads);
            let (folder, path) = write_temporary(&data, &options);
            assert!(fs::read(path).unwrap() == expected, "{preset:?} in {working_set} bytes");
            // The temporary file of the bit slices is gone.
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }
}

/// Samples that are different every time they are read.
struct Restless(AtomicUsize);

impl SampleSource for Restless {
    fn read(&self, _: &[u32], out: &mut [u8]) -> Result<()> {
        out.fill(self.0.fetch_add(1, Ordering::Relaxed) as u8);
        Ok(())
    }
}

fn input<'a>(source: &'a dyn SampleSource, user: &'a str) -> Input<'a> {
    let layout = SampleLayout { dtype: DType::UInt8, shape: vec![16, 16] };
    Input {
        layout,
        columns: None,
        sides: None,
        num_samples: 30,
        source,
        fields: Vec::new(),
        partitions: None,
        condensing: None,
        user,
    }
}

#[test]
fn samples_that_change_meanwhile_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for preset in [Preset::Fast, Preset::Paper, Preset::Small] {
        let mut options = options(preset);
        options.working_set = 0;
        let source = Restless(AtomicUsize::new(0));
        let path = folder.path().join("restless.gede");
        let error = compress(&path, &input(&source, "{}"), &options, &mut |_| Ok(())).unwrap_err();
        assert!(error.to_string().contains("changed while"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn metadata_is_kept_letter_by_letter_or_refused_at_once() {
    let bytes = [0; 16 * 16 * 30];
    let source = MemorySource { bytes: &bytes, sample_bytes: 256 };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metadata.gede");
    let write = |user: &str| {
        let mut options = options(Preset::Fast);
        options.overwrite = true;
        compress(&path, &input(&source, user), &options, &mut |_| Ok(()))
    };
    let nested = format!("{}1{}", "[".repeat(500), "]".repeat(500));
    for user in [r#"{"z": 1e400, "a": 0.1000000000000000055, "n": 1180591620717411303424}"#, "{}", &nested] {
        write(user).unwrap();
        let dataset = Dataset::open(&path, Reading::Map).unwrap();
        assert_eq!(dataset.metadata().user.get(), user);
    }
    fs::remove_file(&path).unwrap();
    let long = format!("\"{}\"", "x".repeat(MAX_METADATA_BYTES as usize));
    for user in ["{", "NaN", &long] {
        assert!(matches!(write(user), Err(Error::Argument(_))));
        assert!(!path.exists());
    }
}

#[test]
fn bases_are_means_of_the_samples_that_share_them() {
    // Two bases: small numbers and large ones; under `fast` a float's bits are not in the order of its value.
    let values: Vec<f32> = (0..64).map(|i| if i % 2 == 0 { 0.5 } else { -4.0 }).collect();
    let bytes = values.iter().flat_map(|value| value.to_le_bytes().repeat(8)).collect();
    let data = Data::new(DType::Float32, &[8], bytes);
    for preset in [Preset::Fast, Preset::Paper, Preset::Small] {
        let (_folder, path) = write_temporary(&data, &options(preset));
        let bases = Dataset::open(&path, Reading::Map).unwrap().bases(0).unwrap();
        assert_eq!(bases.counts.iter().sum::<u64>(), 64);
        let found: Vec<f32> =
            bases.samples.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        assert_eq!(found.len(), 8 * bases.counts.len());
        if bases.counts.len() == 2 {
            assert_eq!(found[..8], [0.5; 8]);
            assert_eq!(found[8..], [-4.0; 8]);
        } else {
            assert_eq!(found, [-1.75; 8]);
        }
    }
}

#[test]
fn each_block_has_the_coder_that_suits_it() {
    let coder_of = |data: &Data, preset: Preset| {
        let (_folder, path) = write_temporary(data, &options(preset));
        let dataset = Dataset::open(&path, Reading::Map).unwrap();
        dataset.verify(2, &mut |_, _| Ok(())).unwrap();
        let coder = dataset.info(true).unwrap()["partitions"][0]["layers"][0]["coder"].clone();
        (coder.as_str().unwrap().to_owned(), dataset.info(false).unwrap()["ratio"].as_f64().unwrap())
    };
    let coder = |data: &Data| coder_of(data, Preset::Small);
    let (name, ratio) = coder(&images(60, 24, 24, 3, 1));
    assert!(name == "rans" && ratio < 0.55, "{name} {ratio}");
    assert_eq!(coder_of(&images(60, 24, 24, 3, 1), Preset::Fast).0, "filtered");
    // Four pixels are fewer than a stream's state.
    assert_eq!(coder(&images(500, 2, 2, 1, 2)).0, "packed");
    // Noise does not grow, in either.
    let (_, ratio) = coder(&Data::new(DType::UInt8, &[64, 64], Random(3).bytes(64 * 64 * 300)));
    assert!(ratio < 1.005, "{ratio}");
    let (name, ratio) = coder(&Data::new(DType::UInt8, &[64, 64], Random(3).bytes(64 * 64 * 2100)));
    assert!(name == "rans" && ratio < 1.005, "{name} {ratio}");
}

#[test]
fn sixteen_bits_and_large_images_come_back() {
    let mut random = Random(4);
    for (shape, spread) in [(vec![40, 50], 300), (vec![3, 140, 131], 5000), (vec![9, 7, 4], 60_000)] {
        let elements: u64 = shape.iter().product();
        let mut value = 0u64;
        let bytes = (0..elements * 12).flat_map(|_| {
            value = (value + 65_536 + random.next() % spread - spread / 2) % 65_536;
            (value as u16).to_le_bytes()
        });
        let data = Data::new(DType::UInt16, &shape, bytes.collect());
        let (_folder, path) = write_temporary(&data, &options(Preset::Small));
        for reading in [Reading::Map, Reading::Positioned] {
            assert_eq!(support::read_all(&path, reading).unwrap(), data.bytes, "{shape:?}");
        }
    }
}

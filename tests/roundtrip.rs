//! Promise: everything not called `paper` on images comes back bit for bit, whatever the dtype, shape and content,
//! in any order, by any way of reading, with any number of threads.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails may panic")]

mod support;

use dreamlearning::{DType, Dataset, Preset, Reading};
use proptest::prelude::*;
use support::{Data, Random, images, options, read_all, table, write_temporary};

fn dtype() -> impl Strategy<Value = DType> {
    prop::sample::select(DType::ALL.to_vec())
}

/// Bytes of one data set: noise, constants, small ranges, or special values of floats.
fn fill(kind: u8, dtype: DType, len: usize, seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    let size = dtype.size();
    match kind % 5 {
        0 => random.bytes(len),
        1 => vec![0x5A; len],
        2 => random.bytes(len).iter().map(|byte| byte & 3).collect(),
        3 => (0..len).map(|i| if i % size == size - 1 { (random.next() % 3) as u8 } else { 7 }).collect(),
        _ => {
            // NaNs with payloads, both zeros, infinities, extremes: all-ones and all-zeros in every place.
            let specials: [u64; 10] = [
                0,
                u64::MAX,
                1 << 63,
                0x7FF0_0000_0000_0000,
                0xFFF0_0000_0000_0000,
                0x7FF8_0000_0000_1234,
                0xFFF0_0000_0000_0001,
                0x7F80_0001_FF80_0000,
                0x8000_0000_7FC1_2345,
                0x7C01_FC00_8000_0001,
            ];
            let pick = |_| specials[random.next() as usize % specials.len()].to_le_bytes();
            (0..len / 8 + 1).flat_map(pick).take(len).collect()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn every_bit_comes_back(
        dtype in dtype(),
        shape in prop::collection::vec(0u64..7, 0..4),
        count in 0usize..90,
        kind in any::<u8>(),
        seed in any::<u64>(),
        classes in 1u32..5,
        preset in prop::sample::select(vec![Preset::Auto, Preset::Fast, Preset::Paper, Preset::Raw, Preset::Small]),
        exact in any::<bool>(),
        map in any::<bool>(),
    ) {
        let mut data = Data::new(dtype, &shape, Vec::new());
        let bytes = fill(kind, dtype, data.sample_bytes() * count, seed);
        data.bytes = bytes;
        if classes > 1 {
            data = data.with_classes(classes);
        }
        let mut options = options(preset);
        options.exact = exact;
        let (_folder, path) = write_temporary(&data, &options);
        let reading = if map { Reading::Map } else { Reading::Positioned };
        let dataset = Dataset::open(&path, reading).unwrap();
        dataset.verify(1, &mut |_, _| Ok(())).unwrap();
        let lossy = !dataset.metadata().exact;
        let is_image = dreamlearning::sample::ImageShape::of(&data.layout).is_some();
        prop_assert_eq!(lossy, preset == Preset::Paper && is_image && !exact);
        let back = read_all(&path, reading).unwrap();
        if !lossy {
            prop_assert_eq!(&back, &data.bytes);
        }
        if !data.labels.is_empty() {
            prop_assert_eq!(&dataset.copied_field(0).unwrap(), &data.labels);
        }

        // Any order, repeats and negative indices.
        if data.len() > 0 && data.sample_bytes() > 0 {
            let mut random = Random(seed);
            let n = data.len() as i64;
            let indices: Vec<i64> = (0..20).map(|_| random.next() as i64 % (2 * n) - n).collect();
            let mut out = vec![0; indices.len() * data.sample_bytes()];
            dataset.decode_into(&indices, &mut out, 1).unwrap();
            for (&index, sample) in indices.iter().zip(out.chunks_exact(data.sample_bytes())) {
                let at = index.rem_euclid(n) as usize;
                prop_assert_eq!(sample, &back[at * data.sample_bytes()..(at + 1) * data.sample_bytes()]);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn records_of_any_columns_come_back(
        dtypes in prop::collection::vec(dtype(), 1..9),
        count in 0usize..200,
        kind in any::<u8>(),
        seed in any::<u64>(),
        classes in 1u32..4,
        preset in prop::sample::select(vec![Preset::Auto, Preset::Fast, Preset::Paper, Preset::Raw, Preset::Small]),
        keep in any::<bool>(),
    ) {
        let row_bytes: usize = dtypes.iter().map(|dtype| dtype.size()).sum();
        let bytes = fill(kind, DType::UInt8, row_bytes * count, seed);
        let mut data = Data::new(DType::UInt8, &[row_bytes as u64], bytes);
        data.columns = Some((dtypes.clone(), Vec::new()));
        if classes > 1 {
            data = data.with_classes(classes);
        }
        let mut options = options(preset);
        if !keep {
            options.working_set = 0;
        }
        let (_folder, path) = write_temporary(&data, &options);
        prop_assert_eq!(&read_all(&path, Reading::Positioned).unwrap(), &data.bytes);
        let dataset = Dataset::open(&path, Reading::Map).unwrap();
        dataset.verify(1, &mut |_, _| Ok(())).unwrap();
        prop_assert_eq!(dataset.columns(), Some(&dtypes[..]));
        prop_assert_eq!(dataset.info(true).unwrap()["columns"].as_array().unwrap().len(), dtypes.len());
        // Bases and condensed samples see cells, not bytes.
        if count > 0 {
            prop_assert_eq!(dataset.bases(0).unwrap().samples.len() % row_bytes, 0);
            let condensed = dataset.condense(2).unwrap();
            prop_assert_eq!(condensed.centroids.len(), condensed.weights.len() * dtypes.len());
        }
    }
}

#[test]
fn a_table_tells_what_it_is_made_of() {
    let data = table(2000, 5);
    let (_folder, path) = write_temporary(&data, &options(Preset::Auto));
    let dataset = Dataset::open(&path, Reading::Map).unwrap();
    let info = dataset.info(true).unwrap();
    let columns = info["columns"].as_array().unwrap();
    let codes: Vec<&str> = columns.iter().map(|column| column["code"].as_str().unwrap()).collect();
    let wanted = [
        "ordered",
        "column 0 divided by integer",
        "integer divided by column 1",
        "dictionary",
        "ordered",
        "ordered",
        "decimal, 2 places, 2 specials",
        "ordered",
        "ordered",
    ];
    assert_eq!(codes, wanted);
    let bits: f64 = columns.iter().map(|column| column["bits"].as_f64().unwrap()).sum();
    let layer = &info["partitions"][0]["layers"][0];
    assert_eq!(Some(bits), layer["bits_per_sample"].as_f64());
    assert_eq!(dataset.strings(4).unwrap(), data.columns.as_ref().unwrap().1[0].1);
    let missing = dataset.strings(3).unwrap_err().to_string();
    assert!(missing.contains("data.gede: column 3 has no strings"), "{missing}");
    assert_eq!(dataset.info(false).unwrap()["columns"][3]["bits"], serde_json::Value::Null);

    // As they are: the same description, and nothing computed.
    let (_raw, path) = write_temporary(&data, &options(Preset::Raw));
    let info = Dataset::open(&path, Reading::Map).unwrap().info(true).unwrap();
    assert_eq!(info["columns"][1], serde_json::json!({"dtype": "float64", "code": "as it is", "bits": 64.0}));
}

#[test]
fn a_mean_of_records_is_one_of_cells() {
    let mut data = Data::new(DType::UInt8, &[3], Vec::new());
    data.columns = Some((vec![DType::UInt8, DType::UInt16], Vec::new()));
    for (a, b) in [(1u8, 500u16), (3, 501), (1, 502), (3, 503)].into_iter().cycle().take(400) {
        data.bytes.push(a);
        data.bytes.extend(b.to_le_bytes());
    }
    let (_folder, path) = write_temporary(&data, &options(Preset::Auto));
    let dataset = Dataset::open(&path, Reading::Map).unwrap();
    let condensed = dataset.condense(1).unwrap();
    let mut rows: Vec<(f64, f64)> = condensed.centroids.chunks(2).map(|row| (row[0], row[1])).collect();
    rows.sort_by(|a, b| a.partial_cmp(b).unwrap());
    assert_eq!(condensed.weights, [200, 200]);
    assert!(rows == [(1.0, 501.0), (3.0, 502.0)] || rows == [(2.0, 500.5), (2.0, 502.5)], "{rows:?}");
}

#[test]
fn threads_change_neither_the_file_nor_the_samples() {
    let data = images(3000, 16, 16, 3, 5).with_classes(3);
    for preset in [Preset::Fast, Preset::Paper, Preset::Raw, Preset::Small] {
        let mut options = options(preset);
        options.exact = true;
        let (_one, path) = write_temporary(&data, &options);
        options.num_threads = 3;
        let (_three, other) = write_temporary(&data, &options);
        assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(&other).unwrap());

        let dataset = Dataset::open(&path, Reading::Map).unwrap();
        let indices: Vec<i64> = (0..data.len() as i64).rev().collect();
        let mut one = vec![0; data.bytes.len()];
        let mut many = vec![0; data.bytes.len()];
        dataset.decode_into(&indices, &mut one, 1).unwrap();
        dataset.decode_into(&indices, &mut many, 3).unwrap();
        assert_eq!(one, many);
        assert_eq!(&one[..data.sample_bytes()], data.sample(data.len() - 1));
    }
}

#[test]
fn noise_grows_by_less_than_one_percent() {
    for (dtype, shape) in
        [(DType::UInt8, vec![32, 32, 3]), (DType::Float32, vec![11]), (DType::Int64, vec![4])]
    {
        let mut data = Data::new(dtype, &shape, Vec::new());
        data.bytes = Random(9).bytes(1_000_000 / data.sample_bytes() * data.sample_bytes());
        for preset in [Preset::Auto, Preset::Fast, Preset::Paper, Preset::Raw, Preset::Small] {
            let mut options = options(preset);
            options.exact = true;
            if preset == Preset::Paper && dtype == DType::UInt8 {
                continue; // The paper's transform of images may grow; it is not a default.
            }
            let (_folder, path) = write_temporary(&data, &options);
            let growth = std::fs::metadata(&path).unwrap().len() as f64 / data.bytes.len() as f64;
            assert!(growth < 1.01, "{dtype:?} {preset:?}: {growth}");
        }
    }
}

#[test]
fn the_paper_preset_reports_its_largest_error() {
    let data = images(400, 24, 20, 3, 11);
    let (_folder, path) = write_temporary(&data, &options(Preset::Paper));
    let dataset = Dataset::open(&path, Reading::Map).unwrap();
    let back = read_all(&path, Reading::Map).unwrap();
    let worst = data.bytes.iter().zip(&back).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    assert!(!dataset.metadata().exact);
    assert!(worst > 0, "these images were expected to lose something");
    assert_eq!(dataset.metadata().max_error, f64::from(worst));
}

#[test]
fn grey_images_stored_as_rgb_cost_a_third() {
    let grey = images(600, 16, 16, 1, 3);
    let bytes = grey.bytes.iter().flat_map(|&byte| [byte; 3]).collect();
    let data = Data::new(DType::UInt8, &[16, 16, 3], bytes);
    let (_folder, path) = write_temporary(&data, &options(Preset::Fast));
    assert_eq!(read_all(&path, Reading::Map).unwrap(), data.bytes);
    let part = std::fs::metadata(&path).unwrap().len() as f64 / data.bytes.len() as f64;
    assert!(part < 0.35, "{part}");
}

//! Promise: with the preset `small`, tables come back whatever rows are asked for and in whatever order, and what is
//! learned from them does not depend on how they are stored.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails may panic")]

mod support;

use dreamlearning::{DType, Dataset, Preset, Reading};
use support::{Data, integers, options, write_temporary};

fn coder(dataset: &Dataset, partition: usize) -> String {
    let info = dataset.info(true).unwrap();
    info["partitions"][partition]["layers"][0]["coder"].as_str().unwrap().to_owned()
}

fn file(data: &Data, reading: Reading) -> (tempfile::TempDir, Dataset) {
    let (folder, path) = write_temporary(data, &options(Preset::Small));
    (folder, Dataset::open(&path, reading).unwrap())
}

#[test]
fn rows_come_back_in_any_order() {
    for rows in [127, 128, 129, 2000] {
        for (reading, classes) in [(Reading::Map, 1), (Reading::Positioned, 3)] {
            let mut data = integers(rows, 6, 1);
            if classes > 1 {
                data = data.with_classes(classes);
            }
            let (_folder, dataset) = file(&data, reading);
            // A class of few rows is smaller without a model.
            assert!(coder(&dataset, 0) == "grouped" || classes > 1 && rows < 200, "{rows} rows");
            dataset.verify(1, &mut |_, _| Ok(())).unwrap();
            let mut random = support::Random(7);
            let some = (0..500).map(|_| random.next() as i64 % rows as i64).collect();
            let orders: [Vec<i64>; 4] = [
                (0..rows as i64).collect(),
                (0..rows as i64).rev().collect(),
                some,
                vec![rows as i64 - 1, 0, 0, -1, 5, -(rows as i64)],
            ];
            for indices in orders {
                for threads in [1, 3] {
                    let size = data.sample_bytes();
                    let mut out = vec![0xAA; indices.len() * size];
                    dataset.decode_into(&indices, &mut out, threads).unwrap();
                    for (&index, found) in indices.iter().zip(out.chunks_exact(size)) {
                        assert_eq!(found, data.sample(index.rem_euclid(rows as i64) as usize));
                    }
                }
            }
        }
    }
}

#[test]
fn one_row_costs_its_group() {
    let data = integers(5000, 6, 2);
    let (_folder, dataset) = file(&data, Reading::Map);
    let mut out = vec![0; data.sample_bytes()];
    dataset.decode_into(&[2500], &mut out, 1).unwrap();
    let one = dataset.bytes_read();
    let mut all = vec![0; data.bytes.len()];
    dataset.decode_into(&(0..5000).collect::<Vec<_>>(), &mut all, 1).unwrap();
    let whole = dataset.bytes_read() - one;
    assert!(one > 0 && one * 30 < whole, "{one} of {whole} bytes");
    // Neighbours are read once.
    assert!(whole < data.bytes.len() as u64 / 2);
}

#[test]
fn condensing_and_bases_see_the_same_rows() {
    let data = integers(3000, 6, 3).with_classes(2);
    let (_folder, dataset) = file(&data, Reading::Map);
    assert_eq!(coder(&dataset, 1), "grouped");
    let (_other, path) = write_temporary(&data, &options(Preset::Paper));
    let packed = Dataset::open(&path, Reading::Map).unwrap();
    let (here, there) = (dataset.condense(9).unwrap(), packed.condense(9).unwrap());
    assert_eq!(here.centroids, there.centroids);
    assert_eq!(here.weights, there.weights);
    assert_eq!(here.partitions, there.partitions);
    let bases = dataset.bases(0).unwrap();
    assert_eq!(bases.counts, [1500]);
    assert_eq!(bases.samples.len(), data.sample_bytes());
}

#[test]
fn the_coder_that_is_smaller_is_used() {
    let (_folder, noise) =
        file(&Data::new(DType::UInt32, &[5], support::Random(4).bytes(20 * 3000)), Reading::Map);
    assert_eq!(coder(&noise, 0), "packed");
    let (_folder, constant) = file(&Data::new(DType::Int64, &[3], vec![7; 24 * 3000]), Reading::Map);
    assert_eq!(coder(&constant, 0), "packed");
    let data = integers(20_000, 6, 5);
    let sizes = [Preset::Small, Preset::Paper].map(|preset| {
        let (_folder, path) = write_temporary(&data, &options(preset));
        std::fs::metadata(path).unwrap().len()
    });
    assert!(sizes[0] * 10 < sizes[1] * 8, "{sizes:?}");
}

//! Promise: every released format stays readable. `tests/golden/v*` are files as they were written by the version in
//! their name; they are never rewritten. What they must decode to is made here, not stored.
//!
//! To add a file after a format change: give it a new name in `golden`, run the tests once with
//! `DREAMLEARNING_WRITE_GOLDEN=1` and commit what appears.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails may panic")]

mod support;

use std::path::{Path, PathBuf};

use dreamlearning::container::{FileReader, SectionKind};
use dreamlearning::{DType, Dataset, Preset, Reading};
use support::{Data, Random, images, options, ragged, read_all, table};

fn golden(name: &str) -> (PathBuf, Data, dreamlearning::CompressOptions) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let mut exact = options(Preset::Paper);
    exact.exact = true;
    let (data, options) = match name {
        "v1.0_fast.gede" => (images(40, 6, 5, 3, 21).with_classes(4), options(Preset::Fast)),
        "v1.0_filtered.gede" => (images(24, 11, 9, 3, 25).with_classes(2), options(Preset::Fast)),
        "v1.0_small.gede" => (images(24, 10, 9, 3, 24).with_classes(2), options(Preset::Small)),
        "v1.0_tiles.gede" => (images(2, 70, 90, 1, 28), options(Preset::Small)),
        "v1.0_own_shapes.gede" => (ragged(10, 20, 30, 3, 26).with_classes(2), options(Preset::Small)),
        "v1.0_own_shapes_16_bits.gede" => {
            let mut data = ragged(9, 20, 30, 1, 27);
            data.layout.dtype = DType::UInt16;
            data.bytes = data.bytes.iter().flat_map(|&byte| (u16::from(byte) * 9).to_le_bytes()).collect();
            (data, options(Preset::Fast))
        }
        "v1.0_paper_exact.gede" => (images(30, 6, 5, 3, 22).with_classes(2), exact),
        "v1.0_columns.gede" => {
            let bytes = Random(23).bytes(4 * 5 * 60).chunks(4).flat_map(|c| [c[0] & 31, 0, 0, 64]).collect();
            (Data::new(DType::Float32, &[5], bytes), options(Preset::Paper))
        }
        "v1.0_table.gede" => (table(300, 29).with_classes(2), options(Preset::Paper)),
        "v1.0_grouped.gede" => (support::integers(300, 6, 29).with_classes(2), options(Preset::Small)),
        "v1.0_condensed.gede" => {
            (support::integers(60, 3, 30).with_classes(2).with_condensed(9, false), options(Preset::Paper))
        }
        "v1.0_condensed_positions.gede" => {
            (support::integers(60, 3, 30).with_classes(2).with_condensed(9, true), options(Preset::Paper))
        }
        other => panic!("no recipe for {other}"),
    };
    (path, data, options)
}

#[test]
fn golden_files_still_decode() {
    for name in [
        "v1.0_fast.gede",
        "v1.0_filtered.gede",
        "v1.0_small.gede",
        "v1.0_tiles.gede",
        "v1.0_own_shapes.gede",
        "v1.0_own_shapes_16_bits.gede",
        "v1.0_paper_exact.gede",
        "v1.0_columns.gede",
        "v1.0_table.gede",
        "v1.0_grouped.gede",
        "v1.0_condensed.gede",
        "v1.0_condensed_positions.gede",
    ] {
        let (path, data, options) = golden(name);
        if std::env::var_os("DREAMLEARNING_WRITE_GOLDEN").is_some() && !path.exists() {
            support::write(&data, &path, &options).unwrap();
        }
        for reading in [Reading::Map, Reading::Positioned] {
            assert_eq!(read_all(&path, reading).unwrap(), data.bytes, "{name}");
            let dataset = Dataset::open(&path, reading).unwrap();
            dataset.verify(1, &mut |_, _| Ok(())).unwrap();
            if !data.labels.is_empty() {
                assert_eq!(dataset.copied_field(0).unwrap(), data.labels, "{name}");
            }
            for (column, strings) in data.columns.iter().flat_map(|columns| &columns.1) {
                assert_eq!(dataset.strings(*column).unwrap(), *strings, "{name}");
            }
            if let Some(keep) = data.condensed {
                assert_eq!(
                    support::kept(&data, &dataset).unwrap(),
                    support::condensed(&data, &dataset, keep.size)
                );
            }
        }
    }
}

/// Payloads of everything but the metadata, which names the library version.
fn payloads(path: &Path) -> Vec<(String, Vec<u8>)> {
    let file = FileReader::open(path, Reading::Map).unwrap();
    let entries = file.entries().filter(|entry| entry.id.kind != SectionKind::Metadata);
    let read = |id| file.read_all(file.section(id).unwrap(), &mut Vec::new()).unwrap().to_vec();
    entries.map(|entry| (entry.id.describe(), read(entry.id))).collect()
}

#[test]
fn exact_presets_still_write_the_same_sections() {
    // Not `paper_exact`: the forward DCT is floating point. Not `fast`: the preset filters rows now. Not `small`: tiles are
    // smaller now, and the parameters say so. Not `own_shapes`: so few images are smaller without a model, and are written
    // without one now.
    for name in [
        "v1.0_filtered.gede",
        "v1.0_tiles.gede",
        "v1.0_own_shapes_16_bits.gede",
        "v1.0_columns.gede",
        "v1.0_table.gede",
        "v1.0_grouped.gede",
        "v1.0_condensed.gede",
        "v1.0_condensed_positions.gede",
    ] {
        let (path, data, options) = golden(name);
        let (_folder, fresh) = support::write_temporary(&data, &options);
        assert_eq!(payloads(&fresh), payloads(&path), "{name}");
    }
}

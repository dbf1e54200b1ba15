//! Promise: hostile bytes give errors. A file cut short anywhere, or with any bit flipped, is refused with the name
//! of the damaged section, or reads as it was; a file whose checksums were recomputed over nonsense never panics,
//! hangs or allocates what its size does not justify.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails may panic")]

#[path = "../fuzz/bodies/reseal.rs"]
#[allow(unreachable_pub, reason = "the fuzz targets use it, too")]
mod reseal;
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use dreamlearning::container::{FileReader, SectionId};
use dreamlearning::dataset::Request;
use dreamlearning::sample::Window;
use dreamlearning::{DType, Dataset, Error, Preset, Reading};
use proptest::prelude::*;
use reseal::reseal;
use support::{Data, Random, images, options, ragged, read_all, table, write_temporary};

/// One small file per combination of features, and what it decodes to.
fn samples() -> Vec<(tempfile::TempDir, PathBuf)> {
    let rows = Data::new(DType::Float32, &[3], Random(4).bytes(12 * 9));
    let mut exact = options(Preset::Paper);
    exact.exact = true;
    vec![
        write_temporary(&images(9, 4, 4, 3, 1), &options(Preset::Fast)),
        write_temporary(&images(12, 4, 3, 1, 2).with_classes(3), &options(Preset::Paper)),
        write_temporary(&images(6, 3, 3, 3, 3).with_classes(2), &exact),
        write_temporary(&rows, &options(Preset::Paper)),
        write_temporary(&images(14, 12, 10, 1, 5).with_classes(2), &options(Preset::Small)),
        write_temporary(&images(9, 13, 9, 3, 6), &options(Preset::Fast)),
        write_temporary(&ragged(8, 12, 20, 3, 7).with_classes(2), &options(Preset::Small)),
        write_temporary(&ragged(8, 12, 20, 1, 8), &options(Preset::Fast)),
        write_temporary(&table(60, 9), &options(Preset::Paper)),
        write_temporary(&support::integers(140, 2, 9), &options(Preset::Small)),
        write_temporary(&images(14, 10, 10, 1, 5), &options(Preset::Small)),
        write_temporary(&condensed_rows(false), &options(Preset::Paper)),
        write_temporary(&condensed_rows(true), &options(Preset::Paper)),
    ]
}

/// Rows with condensed samples beside them, or with what makes these.
fn condensed_rows(plans_only: bool) -> Data {
    support::integers(20, 2, 9).with_classes(2).with_condensed(4, plans_only)
}

/// Everything a reader does: decode all, read the fields, verify.
fn use_file(path: &Path, reading: Reading) -> Result<(Vec<u8>, Vec<Vec<u8>>), Error> {
    let samples = read_all(path, reading)?;
    let dataset = Dataset::open(path, reading)?;
    let fields: Result<Vec<_>, _> =
        (0..dataset.metadata().fields.len()).map(|i| dataset.copied_field(i)).collect();
    dataset.info(true)?;
    dataset.kept_condensed()?;
    let strings = (0..dataset.columns().map_or(0, <[_]>::len) as u32).map(|column| dataset.strings(column));
    strings.filter(|strings| !matches!(strings, Err(Error::Argument(_)))).collect::<Result<Vec<_>, _>>()?;
    dataset.verify(1, &mut |_, _| Ok(()))?;
    Ok((samples, fields?))
}

fn assert_names_a_section(error: &Error, path: &Path, what: &str) {
    match error {
        Error::Corrupt { path: named, section, .. } => {
            assert!(!section.is_empty() && Path::new(named) == path, "{what}: {error}");
        }
        Error::NewerFormat { .. } => {}
        other => panic!("{what}: {other}"),
    }
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    for (_folder, path) in samples() {
        let bytes = fs::read(&path).unwrap();
        for len in 0..bytes.len() {
            fs::write(&path, &bytes[..len]).unwrap();
            for reading in [Reading::Map, Reading::Positioned] {
                let error = use_file(&path, reading).unwrap_err();
                assert_names_a_section(&error, &path, &format!("cut at {len}"));
            }
        }
        let longer = [&bytes[..], &[0]].concat();
        fs::write(&path, longer).unwrap();
        assert!(use_file(&path, Reading::Map).is_err());
    }
}

#[test]
fn a_flipped_bit_is_noticed_or_harmless() {
    for (_folder, path) in samples() {
        let bytes = fs::read(&path).unwrap();
        let wanted = use_file(&path, Reading::Map).unwrap();
        let mut harmless = 0;
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                fs::write(&path, &flipped).unwrap();
                let reading = if bit % 2 == 0 { Reading::Map } else { Reading::Positioned };
                // Padding is checked by `verify` alone: decoding without it must still be right.
                match read_all(&path, reading) {
                    Ok(samples) => {
                        assert_eq!(samples, wanted.0, "byte {at}, bit {bit}");
                        harmless += usize::from(use_file(&path, reading).is_ok());
                    }
                    Err(error) => assert_names_a_section(&error, &path, &format!("byte {at}, bit {bit}")),
                }
            }
        }
        assert_eq!(harmless, 0, "verify must notice every flipped bit");
    }
}

#[test]
fn resealing_an_intact_file_changes_nothing() {
    for (_folder, path) in samples() {
        let bytes = fs::read(&path).unwrap();
        let mut sealed = bytes.clone();
        reseal(&mut sealed);
        assert!(bytes == sealed);
    }
}

#[test]
fn the_files_have_every_coder() {
    let coder = |(_, path): &(tempfile::TempDir, PathBuf)| {
        let info = Dataset::open(path, Reading::Map).unwrap().info(true).unwrap();
        info["partitions"][0]["layers"][0]["coder"].as_str().unwrap().to_owned()
    };
    let coders: Vec<String> = samples().iter().map(coder).collect();
    for wanted in ["packed", "rans", "filtered", "grouped"] {
        assert!(coders.iter().any(|coder| coder == wanted), "no small file of the coder {wanted}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn nonsense_with_right_checksums_never_panics(
        which in 0usize..13,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        map in any::<bool>(),
    ) {
        thread_local!(static FILES: Vec<(tempfile::TempDir, PathBuf)> = samples());
        let (folder, mut bytes) = FILES.with(|files| (tempfile::tempdir().unwrap(), fs::read(&files[which].1).unwrap()));
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        reseal(&mut bytes);
        let path = folder.path().join("nonsense.gede");
        fs::write(&path, &bytes).unwrap();
        let reading = if map { Reading::Map } else { Reading::Positioned };
        // Whatever it is now, it is an error or some samples; `Dataset::open` bounds what they can cost.
        if let Ok(dataset) = Dataset::open(&path, reading) {
            let count = dataset.len().min(50);
            if dataset.sample_bytes().is_none_or(|bytes| bytes < 1 << 20) {
                if let Some(sample_bytes) = dataset.sample_bytes() {
                    let indices: Vec<i64> = (0..count as i64).collect();
                    let mut out = vec![0; indices.len() * sample_bytes];
                    let _ = dataset.decode_into(&indices, &mut out, 1);
                }
                let corner = Window { top: 0, left: 0, height: 1, width: 1 };
                for index in 0..count {
                    let mut out = vec![0; 3];
                    let window = Some(corner);
                    let _ = dataset.decode_each(&mut [Request { index, window, out: &mut out }], 1);
                }
                if dataset.len() < 1000 {
                    let _ = dataset.info(true);
                    let _ = dataset.strings(4);
                    let _ = dataset.verify(1, &mut |_, _| Ok(()));
                    let _ = (0..dataset.metadata().partitions.len()).try_for_each(|p| dataset.bases(p).map(|_| ()));
                    let _ = dataset.condense(3);
                    if which >= 11 && dataset.sample_bytes() == Some(8) {
                        let _ = support::kept(&condensed_rows(false), &dataset);
                    }
                }
            }
        }
    }
}

#[test]
fn what_a_newer_minor_version_added_asks_for_a_newer_library() {
    for (_folder, path) in samples() {
        let intact = fs::read(&path).unwrap();
        let table = u64::from_le_bytes(intact[32..40].try_into().unwrap()) as usize;
        let newer = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = intact.clone();
            (bytes[10], bytes[14]) = (7, 9);
            change(&mut bytes);
            reseal(&mut bytes);
            fs::write(&path, bytes).unwrap();
            use_file(&path, Reading::Map)
        };
        assert!(newer(&|_| ()).is_ok());
        // An unknown section that may not be skipped, and an unknown coder in the first block.
        let coder = u64::from_le_bytes(intact[table + 8..table + 16].try_into().unwrap()) as usize;
        for change in
            [&|b: &mut Vec<u8>| b[table] = 77, &|b: &mut Vec<u8>| b[coder] = 5] as [&dyn Fn(&mut Vec<u8>); 2]
        {
            let error = newer(change).unwrap_err();
            assert!(matches!(error, Error::NewerFormat { .. }), "{error}");
            assert!(
                error.to_string().contains("format 1.7") && error.to_string().contains("0.9.0"),
                "{error}"
            );
        }
    }
}

/// The files's metadata say something else of the same length, with right checksums.
fn with_metadata(path: &Path, from: &str, to: &str) -> Error {
    assert_eq!(from.len(), to.len());
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
    bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
    reseal(&mut bytes);
    let copy = path.with_extension("changed");
    fs::write(&copy, bytes).unwrap();
    use_file(&copy, Reading::Map).unwrap_err()
}

#[test]
fn impossible_tables_are_refused_when_they_are_opened() {
    let (_folder, path) = write_temporary(&table(600, 9), &options(Preset::Paper));
    let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
    let start = text.find("\"transform\":").unwrap();
    let transform = &text[start..start + text[start..].find("\"exact\"").unwrap()];
    for (from, to, message) in [
        ("\"container\":8", "\"container\":3", "containers of 3 bytes"),
        ("\"by\":1", "\"by\":2", "column 2: a quotient that builds on itself"),
        ("\"by\":1", "\"by\":9", "column 2: a quotient with column 9 of 9"),
        ("\"by\":1", "\"by\":6", "column 2: a quotient with column 6, which has no integers"),
        ("\"by\":0", "\"by\":2", "column 1: a quotient that builds on itself"),
        (
            "\"dtype\":\"int16\"",
            "\"dtype\":\"uint8\"",
            "the columns of the transform are not those of the samples",
        ),
        ("[\"int16\"", "[\"uint8\"", "9 columns of 37 bytes need samples of dtype uint8 and shape (37,)"),
        ("\"scale\":2", "\"scale\":x", "metadata"),
        ("[\"7fc00123\"", "[\"7fc0 123\"", "no bits of a cell"),
        ("\"80000000\"", "\"8000000g\"", "no bits of a cell"),
        ("{\"name\":\"dictionary\"}", "{\"name\":\"directions\"}", "directions"),
    ] {
        let error = with_metadata(&path, from, to);
        assert_names_a_section(&error, &path.with_extension("changed"), from);
        assert!(error.to_string().contains(message), "{error} instead of {message}, in {transform}");
    }
    // A dictionary out of order, and strings that end elsewhere.
    let file = FileReader::open(&path, Reading::Map).unwrap();
    for (id, message) in [
        (SectionId::dictionary(3), "section 'values of column 3': value 1 of the dictionary is out of order"),
        (SectionId::strings(4), "section 'strings of column 4': string 0 from byte 0 to"),
    ] {
        let entry = file.section(id).unwrap().entry();
        let mut bytes = fs::read(&path).unwrap();
        bytes[entry.offset as usize + 7] = 0x77;
        reseal(&mut bytes);
        let copy = path.with_extension("changed");
        fs::write(&copy, bytes).unwrap();
        let error = use_file(&copy, Reading::Positioned).unwrap_err().to_string();
        assert!(error.contains(message), "{error} instead of {message}");
    }
}

#[test]
fn tables_that_contradict_themselves_are_not_written() {
    let good = table(20, 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.gede");
    let write = |change: &dyn Fn(&mut support::OwnColumns)| {
        let mut data = good.clone();
        data.columns.iter_mut().for_each(change);
        support::write(&data, &path, &options(Preset::Auto)).unwrap_err().to_string()
    };
    assert!(write(&|columns| columns.0.truncate(3)).contains("3 columns of 14 bytes need samples"));
    assert!(write(&|columns| columns.1[0].0 = 9).contains("strings of column 9; there are 9 columns"));
    assert!(write(&|columns| columns.1.push(columns.1[0].clone())).contains("strings of column 4 twice"));
    assert!(
        write(&|columns| columns.1[0].1.push(1)).contains("the strings of column 4: 1 bytes of text after")
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_file_that_is_no_gede_file_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("photo.png");
    fs::write(&path, Random(1).bytes(500)).unwrap();
    let error = Dataset::open(&path, Reading::Map).err().unwrap();
    assert!(error.to_string().contains("not a .gede file"), "{error}");
    assert!(error.to_string().contains("photo.png"), "{error}");
}

#[test]
fn bad_arguments_are_refused_before_anything_is_written() {
    let data = images(10, 4, 4, 1, 1);
    let (folder, path) = write_temporary(&data, &options(Preset::Fast));
    let dataset = Dataset::open(&path, Reading::Map).unwrap();
    let mut out = vec![7; 32];
    for index in [10, -11, i64::MAX, i64::MIN] {
        assert!(matches!(dataset.decode_into(&[0, index], &mut out, 1), Err(Error::Index { .. })));
    }
    assert!(matches!(dataset.decode_into(&[0], &mut out, 1), Err(Error::Argument(_))));
    assert_eq!(out, [7; 32]);

    let before = fs::read(&path).unwrap();
    assert!(matches!(support::write(&data, &path, &options(Preset::Fast)), Err(Error::OutputExists(_))));
    let mut wrong = data.clone().with_classes(2);
    wrong.labels.pop();
    let other = folder.path().join("other.gede");
    assert!(matches!(support::write(&wrong, &other, &options(Preset::Fast)), Err(Error::Argument(_))));
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

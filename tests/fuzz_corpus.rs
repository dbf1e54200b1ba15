//! Promise: what fuzzing has found stays mended. Every input of `fuzz/corpus/*.bundle` runs through its target, without the
//! fuzzer. `fuzz/bundle.py` makes the bundles from the folders of inputs that `cargo fuzz` works with.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::duplicate_mod,
    unreachable_pub,
    reason = "a test that fails may panic; the fuzz targets use the rest, each by itself"
)]

#[path = "../fuzz/bodies/condensed.rs"]
mod condensed;
#[path = "../fuzz/bodies/open_file.rs"]
mod open_file;
#[path = "../fuzz/bodies/preset_fast.rs"]
mod preset_fast;
#[path = "../fuzz/bodies/preset_packed.rs"]
mod preset_packed;
#[path = "../fuzz/bodies/preset_small.rs"]
mod preset_small;
#[path = "../fuzz/bodies/preset_small_tables.rs"]
mod preset_small_tables;
#[path = "../fuzz/bodies/round_trip.rs"]
mod round_trip;
#[path = "../fuzz/bodies/table.rs"]
mod table;

/// Run all inputs of a bundle: each is its length, four bytes, and then itself.
fn run_all(name: &str, run: fn(&[u8])) {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(format!("{name}.bundle"));
    let bundle = std::fs::read(&path).unwrap();
    let mut rest = &bundle[..];
    let mut count = 0;
    while let Some((length, later)) = rest.split_first_chunk() {
        let (input, later) = later.split_at(u32::from_le_bytes(*length) as usize);
        run(input);
        rest = later;
        count += 1;
    }
    assert!(count > 20 && rest.is_empty(), "{name}: {count} inputs");
}

#[test]
fn damaged_files() {
    run_all("open_file", open_file::run);
}

#[test]
fn condensed_samples() {
    run_all("condensed", condensed::run);
}

#[test]
fn any_samples() {
    run_all("round_trip", round_trip::run);
}

#[test]
fn tables() {
    run_all("table", table::run);
}

#[test]
fn streams_of_small() {
    run_all("preset_small", preset_small::run);
}

#[test]
fn groups_of_small() {
    run_all("preset_small_tables", preset_small_tables::run);
}

#[test]
fn streams_of_fast() {
    run_all("preset_fast", preset_fast::run);
}

#[test]
fn records_of_paper_and_raw() {
    run_all("preset_packed", preset_packed::run);
}

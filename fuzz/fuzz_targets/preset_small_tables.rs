//! See `bodies/preset_small_tables.rs`.
#![no_main]

#[path = "../bodies/preset_small_tables.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::run(data));

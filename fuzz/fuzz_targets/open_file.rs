//! See `bodies/open_file.rs`.
#![no_main]

#[path = "../bodies/open_file.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::run(data));

//! See `bodies/condensed.rs`.
#![no_main]

#[path = "../bodies/condensed.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::run(data));

//! See `bodies/preset_fast.rs`.
#![no_main]

#[path = "../bodies/preset_fast.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::run(data));

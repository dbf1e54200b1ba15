//! See `bodies/preset_packed.rs`.
#![no_main]

#[path = "../bodies/preset_packed.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::run(data));

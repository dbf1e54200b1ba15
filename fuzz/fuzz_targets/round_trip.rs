//! See `bodies/round_trip.rs`.
#![no_main]

#[path = "../bodies/round_trip.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::run(data));

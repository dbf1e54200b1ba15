//! Which instructions are used. In: the CPU, and the environment variable `DREAMLEARNING_CPU`. Out: a [`Level`].
//!
//! The variable holds `portable`, `avx2` or `avx512` and names the most that is used, so that every path can be
//! measured and tested on one machine; it never changes a result.

use std::sync::OnceLock;

/// Instruction sets, each with all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What every CPU has.
    Portable,
    /// AVX2, BMI2, POPCNT.
    Avx2,
    /// AVX-512 F and BW as well.
    Avx512,
}

/// What the CPU has, or less where the environment says so. Looked up once.
pub fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        let most = match std::env::var("DREAMLEARNING_CPU").as_deref() {
            Ok("portable") => Level::Portable,
            Ok("avx2") => Level::Avx2,
            _ => Level::Avx512,
        };
        most.min(detected())
    })
}

#[cfg(target_arch = "x86_64")]
fn detected() -> Level {
    if !(is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt"))
    {
        Level::Portable
    } else if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw") {
        Level::Avx512
    } else {
        Level::Avx2
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detected() -> Level {
    Level::Portable
}

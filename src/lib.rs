//! The core of `dreamlearning`: a data set becomes one `.gede` file, lossless, smaller, with any sample readable at
//! random.
//!
//! # A guided tour, in data-flow order
//!
//! Writing: [`source`] (where samples come from) -> [`sample`] (what one is) -> [`transform`] (columns) -> [`bits`]
//! (positions) -> [`entropy`] -> [`split`] with [`bases`] (Algorithm 1 of the paper) -> [`block`] and [`coder`]
//! (records; for images [`predict`] and [`rans`]) -> [`container`] (bytes on disk). [`mod@compress`] drives it.
//!
//! Reading: [`dataset`] opens a file and decodes samples straight into the caller's buffer; [`condense`] clusters
//! them.
//!
//! [`permutation`] is the order samplers go by, [`number`] reads elements as numbers, [`kernels`] holds the inner loops and [`parallel`] is the only door to
//! threads. Dependencies point one way, down the list; only the container touches the file, and it knows no algorithm;
//! Python lives behind the feature `python`.

#[cfg(target_endian = "big")]
compile_error!("samples are little-endian in memory as on disk; big-endian machines are not supported");

pub mod error;
pub mod parallel;
pub mod permutation;
pub mod sample;
pub mod source;

pub mod bits;
pub mod kernels;
pub mod predict;
pub mod rans;
pub mod transform;

pub mod bases;
pub mod condense;
pub mod entropy;
pub mod split;

pub mod container;

pub mod block;
pub mod coder;

pub mod metadata;
pub mod number;
pub mod strings;

pub mod compress;
pub mod dataset;

#[cfg(feature = "python")]
mod python;

pub use compress::{Columns, CompressOptions, Field, Input, Preset, Progress, compress};
pub use container::Reading;
pub use dataset::Dataset;
pub use error::{Error, Result};
pub use sample::{DType, SampleLayout};

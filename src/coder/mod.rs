//! How the bits of a block become bytes. In: rows and a split. Out: records, and rows again.
//!
//! A coder is one file with one type: add the file, a number in `docs/format.md` and an arm where
//! [`crate::block`] reads that number.

mod packed;

pub use packed::Packed;

//! Static range asymmetric numeral systems (rANS; Duda, arXiv 1311.2540). In: symbols of up to 256 kinds with the
//! frequencies of their context. Out: one stream of 16-bit words per sample, and the symbols again.
//!
//! A stream begins with the decoder's 32-bit state; words follow in the order the decoder takes them. The state stays
//! in `2^16 .. 2^32`, a step takes at most one word, and a stream that was read whole ends in the state
//! [`FINAL_STATE`]: a check that costs nothing more.

mod alias;
pub mod cost;
mod frequencies;
mod stream;

pub use alias::{AliasTable, BUCKET_BITS, EncodeTable, SHIFT_BIAS};
pub use frequencies::Frequencies;
pub use stream::{Decoder, Encoder, Paused, STATE_BYTES, Step};

/// `log2` of the sum of a table's frequencies.
pub const FREQUENCY_BITS: u32 = 14;

/// The sum of a table's frequencies.
pub const FREQUENCY_SUM: u32 = 1 << FREQUENCY_BITS;

/// Symbols of a table.
pub const SYMBOLS: usize = 256;

/// The decoder's state after the last symbol, and the encoder's before it.
pub const FINAL_STATE: u32 = 1 << 16;

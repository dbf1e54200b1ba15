//! Prediction of pixels from their neighbours, with what a data set has taught. In: images (or tiles of images) as
//! planes. Out: one stream of entropy-coded residuals for each, and the pixels again.
//!
//! * [`tiles`]: how an image is cut, and the order of its planes.
//! * [`taps`]: which neighbours are looked at.
//! * [`Model`]: what was learned: weights, contexts, frequencies. It is stored once for a block.
//! * [`train`]: learning it from a sample of the data.
//! * [`scalar`]: the definition of the codec, one image at a time. [`crate::kernels::lanes`] is the fast twin.
//!
//! A pixel is decoded in four steps, all in integers:
//!
//! 1. prediction: a weighted sum of neighbours in its own plane and in the planes decoded before, in eighths;
//! 2. energy: a weighted sum of the absolute errors of the neighbours' predictions and of the gradients around;
//! 3. context: the logarithm of the energy, and the fractional part of the prediction;
//! 4. residual: a rANS symbol with the frequencies of that context.

pub mod model;
pub mod planes;
pub mod scalar;
pub mod taps;
pub mod tiles;
pub mod train;

pub use model::{Model, PlaneModel};

/// Fractional bits of a weight.
pub const WEIGHT_BITS: u32 = 12;

/// Fractional bits of a prediction.
pub const PREDICTION_BITS: u32 = 3;

/// Classes of energy.
pub const LEVELS: usize = 48;

/// Classes of the prediction's fractional part.
pub const FRACTIONS: usize = 4;

/// Contexts of a plane; several share a table.
pub const CONTEXTS: usize = LEVELS * FRACTIONS;

/// Added to an energy before its logarithm is taken.
pub const ENERGY_OFFSET: i32 = 64;

/// The symbol after which a residual follows in plain bits.
pub const ESCAPE: u8 = 128;

/// The context of a prediction in eighths and an energy.
///
/// The level is the energy's logarithm, in quarters of an octave: exponent and two bits of mantissa.
#[inline]
pub fn context(prediction: i32, energy: i32) -> usize {
    let energy = energy + ENERGY_OFFSET;
    let exponent = energy.ilog2();
    let quarters = (energy >> (exponent - 2)) & 3;
    let level = (4 * (exponent as i32 - ENERGY_OFFSET.ilog2() as i32) + quarters) as usize;
    let fraction = ((prediction + 4) & 7) >> 1;
    level.min(LEVELS - 1) * FRACTIONS + fraction as usize
}

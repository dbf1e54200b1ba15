//! The codec one image at a time: the definition, and the path for few images and for 16-bit ones. In: an image's
//! planes. Out: context and residual of every pixel, a stream, planes again.

use super::model::{Model, PlaneModel};
use super::planes::{Extent, Planes};
use super::{ESCAPE, PREDICTION_BITS, WEIGHT_BITS, context, taps};
use crate::kernels::{Fixed, add_gradients, add_weighted};
use crate::rans::{AliasTable, Decoder, EncodeTable, Encoder};

/// Bits of a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// 0 to 255.
    Eight,
    /// 0 to 65,535.
    Sixteen,
}

impl Depth {
    /// 8 or 16.
    pub fn bits(self) -> u32 {
        match self {
            Self::Eight => 8,
            Self::Sixteen => 16,
        }
    }

    /// The largest pixel.
    pub fn max(self) -> i32 {
        (1 << self.bits()) - 1
    }
}

/// Predictor of one plane at one extent.
pub struct Plan {
    /// Its number, in the order of decoding.
    pub plane: usize,
    depth: Depth,
    /// Where each tap lies from the pixel on, and its weight.
    pub taps: Vec<(isize, i64)>,
    /// The same for the errors.
    pub errors: Vec<(isize, i64)>,
    /// The same for the gradients.
    pub gradients: Vec<(isize, isize, i64)>,
}

/// What is known of a pixel before it is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The prediction in eighths.
    pub prediction: i32,
    /// The expected size of the error, in 256ths of a grey level of an 8-bit image.
    pub energy: i32,
}

impl Expectation {
    /// The predicted pixel.
    pub fn pixel(&self) -> i32 {
        (self.prediction + (1 << (PREDICTION_BITS - 1))) >> PREDICTION_BITS
    }

    /// The context.
    pub fn context(&self) -> usize {
        context(self.prediction, self.energy)
    }
}

impl Plan {
    /// The predictor of `plane` by `model`.
    pub fn new(model: &PlaneModel, plane: usize, extent: Extent, depth: Depth) -> Self {
        let place =
            |&(q, tap): &(usize, taps::Tap)| extent.offset(tap) - ((plane - q) * extent.padded()) as isize;
        let zip = |taps: Vec<(usize, taps::Tap)>, weights: &[i16]| {
            taps.iter().map(place).zip(weights.iter().map(|&w| i64::from(w))).collect()
        };
        let errors = taps::errors(plane);
        let (error_weights, gradient_weights) = model.energy.split_at(errors.len());
        let gradients = taps::GRADIENTS.iter().zip(gradient_weights);
        Self {
            plane,
            depth,
            taps: zip(taps::prediction(plane), &model.weights),
            errors: zip(errors, error_weights),
            gradients: gradients
                .map(|(&(a, b), &w)| (extent.offset(a), extent.offset(b), i64::from(w)))
                .collect(),
        }
    }

    /// What is expected at pixel number `at`: the definition.
    fn expect(&self, pixels: &[i32], errors: &[i32], at: usize) -> Expectation {
        let near = |elements: &[i32], offset: isize| i64::from(elements[at.wrapping_add_signed(offset)]);
        let sum = self.taps.iter().map(|&(offset, weight)| near(pixels, offset) * weight).sum();
        let mut energy = self.errors.iter().map(|&(offset, weight)| near(errors, offset) * weight).sum();
        for &(a, b, weight) in &self.gradients {
            energy += (near(pixels, a) - near(pixels, b)).abs() * weight;
        }
        self.expectation(sum, energy)
    }

    /// From the weighted sums of taps, and of errors and gradients.
    fn expectation(&self, sum: i64, energy: i64) -> Expectation {
        let shift = WEIGHT_BITS - PREDICTION_BITS;
        let prediction = (sum + (1 << (shift - 1))) >> shift;
        let limit = i64::from(self.depth.max()) << PREDICTION_BITS;
        // A 16-bit image has errors 256 times as large.
        let energy = energy >> (self.depth.bits() - 8);
        Expectation { prediction: prediction.clamp(0, limit) as i32, energy: energy as i32 }
    }

    /// Go over the pixels of the plane, whose planes before are known. `pixel(pixels, errors, (y, x), expectation)`
    /// tells what the pixel is; margins and errors are set here.
    pub fn walk(
        &self,
        pixels: &mut Planes<i32>,
        errors: &mut Planes<i32>,
        pixel: impl FnMut(&[i32], &[i32], (usize, usize), Expectation) -> i32,
    ) {
        match self.depth {
            Depth::Eight => self.walk_with::<i32>(pixels, errors, pixel),
            Depth::Sixteen => self.walk_with::<i64>(pixels, errors, pixel),
        }
    }

    /// [`Plan::walk`] with sums that fit `T`.
    fn walk_with<T: Fixed>(
        &self,
        pixels: &mut Planes<i32>,
        errors: &mut Planes<i32>,
        mut pixel: impl FnMut(&[i32], &[i32], (usize, usize), Expectation) -> i32,
    ) {
        let Extent { height, width } = pixels.extent();
        let p = self.plane;
        let first = match p {
            0 => (self.depth.max() + 1) / 2,
            _ => pixels.elements()[pixels.at(p - 1, 0, 0)],
        };
        let mut sums = Sums::<T>::new(self, width);
        let weights = [&self.taps, &self.errors].map(|places| (places[LEFT].1, places[LEFT_TWICE].1));
        let [(left_weight, twice_weight), (left_error_weight, twice_error_weight)] = weights;
        for y in 0..height {
            pixels.begin_row(p, y, first);
            errors.begin_row(p, y, 0);
            let from_above = y >= taps::REACH;
            if from_above {
                sums.set(pixels, errors, pixels.at(p, y, 0));
            }
            let start = pixels.at(p, y, 0);
            let row_above = start - pixels.extent().stride();
            for x in 0..width {
                let at = start + x;
                let expected = if from_above {
                    let left = |elements: &[i32], by: usize| i64::from(elements[at - by]);
                    let (w, ww) = (left(pixels.elements(), 1), left(pixels.elements(), 2));
                    let (ew, eww) = (left(errors.elements(), 1), left(errors.elements(), 2));
                    let slope = (w - i64::from(pixels.elements()[row_above + x - 1])).abs();
                    self.expectation(
                        sums.pixels[x].to_i64() + w * left_weight + ww * twice_weight,
                        sums.energy[x].to_i64()
                            + ew * left_error_weight
                            + eww * twice_error_weight
                            + slope * self.gradients[0].2,
                    )
                } else {
                    pixels.begin_pixel(p, y, x);
                    errors.begin_pixel(p, y, x);
                    self.expect(pixels.elements(), errors.elements(), at)
                };
                let value = pixel(pixels.elements(), errors.elements(), (y, x), expected);
                pixels.elements_mut()[at] = value;
                errors.elements_mut()[at] = (value - expected.pixel()).abs();
            }
            pixels.end_row(p, y);
            errors.end_row(p, y);
        }
        pixels.end_plane(p);
        errors.end_plane(p);
    }
}

/// Places of (0, -1) and (0, -2) among the taps, and among the errors.
const LEFT: usize = 0;
const LEFT_TWICE: usize = 4;

/// What the weighted sums of the pixels of a row have before the row is known: everything but the two pixels to the left.
struct Sums<T> {
    taps: Vec<(isize, T)>,
    errors: Vec<(isize, T)>,
    gradients: Vec<(isize, isize, T)>,
    pixels: Vec<T>,
    energy: Vec<T>,
}

impl<T: Fixed> Sums<T> {
    /// For rows of `width` pixels.
    fn new(plan: &Plan, width: usize) -> Self {
        let known = |places: &[(isize, i64)]| -> Vec<(isize, T)> {
            let known =
                places.iter().enumerate().filter(|&(number, _)| number != LEFT && number != LEFT_TWICE);
            known.map(|(_, &(offset, weight))| (offset, T::from_i64(weight))).collect()
        };
        let gradients = plan.gradients[1..].iter().map(|&(a, b, weight)| (a, b, T::from_i64(weight)));
        Self {
            taps: known(&plan.taps),
            errors: known(&plan.errors),
            gradients: gradients.collect(),
            pixels: vec![T::ZERO; width],
            energy: vec![T::ZERO; width],
        }
    }

    /// For the row that begins at element `start`, whose taps all lie in the image or beside it.
    fn set(&mut self, pixels: &Planes<i32>, errors: &Planes<i32>, start: usize) {
        self.pixels.fill(T::ZERO);
        self.energy.fill(T::ZERO);
        add_weighted(pixels.elements(), start, &self.taps, &mut self.pixels);
        add_weighted(errors.elements(), start, &self.errors, &mut self.energy);
        add_gradients(pixels.elements(), start, &self.gradients, &mut self.energy);
    }
}

/// Working memory of one image at a time.
pub struct Scalar {
    depth: Depth,
    pixels: Planes<i32>,
    errors: Planes<i32>,
    plans: Vec<Plan>,
}

impl Scalar {
    /// For images of `extent` with as many planes as `model` has.
    pub fn new(model: &Model, extent: Extent, depth: Depth) -> Self {
        let count = model.planes.len();
        let plans = model.planes.iter().enumerate().map(|(p, plane)| Plan::new(plane, p, extent, depth));
        Self {
            depth,
            pixels: Planes::new(extent, count),
            errors: Planes::new(extent, count),
            plans: plans.collect(),
        }
    }

    /// The planes, one after another, without margins.
    pub fn pixels(&self, plane: usize) -> impl Iterator<Item = &[i32]> {
        let Extent { height, width } = self.pixels.extent();
        (0..height).map(move |y| &self.pixels.elements()[self.pixels.at(plane, y, 0)..][..width])
    }

    /// Go over all pixels in the order of decoding; `pixel(plane, y, x, expectation)` knows or decodes each.
    pub fn walk(&mut self, mut pixel: impl FnMut(usize, usize, usize, Expectation) -> i32) {
        for plan in &self.plans {
            plan.walk(&mut self.pixels, &mut self.errors, |_, _, at, expected| {
                let (y, x) = at;
                pixel(plan.plane, y, x, expected)
            });
        }
    }

    /// Decode `stream`; the planes are in [`Scalar::pixels`] then. False where the stream is damaged.
    pub fn decode(&mut self, model: &Model, tables: &[Vec<AliasTable>], stream: &[u8]) -> bool {
        let mut decoder = Decoder::new(stream);
        let depth = self.depth;
        for ((plan, plane), tables) in self.plans.iter().zip(&model.planes).zip(tables) {
            plan.walk(&mut self.pixels, &mut self.errors, |_, _, _, expected| {
                let table = plane.map[expected.context()];
                let residual = take_residual(&mut decoder, &tables[table as usize], depth);
                (expected.pixel() + residual) & depth.max()
            });
        }
        decoder.is_finished()
    }
}

/// Put the residual (modulo `2^bits`) of one pixel before what `encoder` holds.
pub fn put_residual(encoder: &mut Encoder, table: &EncodeTable, residual: u16, depth: Depth) {
    let (symbol, bits, count) = token(residual, depth);
    if table.has(symbol) && symbol != ESCAPE {
        encoder.put_bits(bits.into(), count);
        encoder.put(table, symbol);
    } else {
        encoder.put_bits(residual.into(), depth.bits());
        encoder.put(table, ESCAPE);
    }
}

#[inline(always)]
fn take_residual(decoder: &mut Decoder<'_>, table: &AliasTable, depth: Depth) -> i32 {
    let symbol = decoder.take(table);
    if symbol == ESCAPE {
        return decoder.take_bits(depth.bits()) as i32;
    }
    if depth == Depth::Eight {
        return symbol.into();
    }
    untoken(symbol, |count| decoder.take_bits(count))
}

/// Symbol of a residual, and the bits that follow it, with their number.
///
/// In 8-bit images the symbol is the residual. In 16-bit images it is so for residuals from -112 to 110; the symbols
/// 111 to 143 without [`ESCAPE`] stand for larger ones: exponent of what exceeds these, and sign.
pub fn token(residual: u16, depth: Depth) -> (u8, u16, u32) {
    let signed = i32::from(residual as i16);
    if depth == Depth::Eight || (LOWEST..HIGHEST).contains(&signed) {
        return (residual as u8, 0, 0);
    }
    let excess = if signed < 0 { LOWEST - signed } else { signed - HIGHEST + 1 };
    let exponent = excess.ilog2();
    let symbol = HIGHEST as u32 + 2 * exponent + u32::from(signed < 0);
    let symbol = symbol as u8 + u8::from(symbol >= ESCAPE.into());
    (symbol, (excess & ((1 << exponent) - 1)) as u16, exponent)
}

/// Residuals of 16-bit images from `LOWEST` on and below `HIGHEST` are symbols.
const LOWEST: i32 = -112;
const HIGHEST: i32 = 111;

/// The inverse of [`token`] in 16-bit images; `bits` reads the bits that follow. `symbol` is not [`ESCAPE`].
fn untoken(symbol: u8, bits: impl FnOnce(u32) -> u32) -> i32 {
    let direct = i32::from(symbol as i8);
    if (LOWEST..HIGHEST).contains(&direct) {
        return direct;
    }
    let number = u32::from(symbol) - HIGHEST as u32 - u32::from(symbol > ESCAPE);
    let exponent = number / 2;
    let excess = (1 << exponent | bits(exponent)) as i32;
    if number % 2 == 1 { LOWEST - excess } else { excess + HIGHEST - 1 }
}

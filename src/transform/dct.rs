//! The paper's image transform (section 4.2.1): YCbCr without subsampling, then an orthonormal DCT-II of the whole
//! image per channel, rounded once. In: an 8- or 16-bit image. Out: a layer of coefficients and, where `exact`, a
//! layer with the difference between the image and what the coefficients give back.
//!
//! Rounding loses about every fourth pixel by one. The way back is fixed-point integer arithmetic, specified to the
//! bit in `docs/format.md`, so every CPU decodes the same pixels, and the correction fits everywhere. The way there
//! uses rustdct's floating point: two CPUs may round a coefficient differently, and both files are right.

use std::sync::Arc;

use rustdct::{DctPlanner, TransformType2And3};

use super::cosine::{TABLE_BITS, table};
use super::identity::plain_layer;
use super::{Layer, Scratch, Transform};
use crate::bits::Container;
use crate::error::{Error, Result};
use crate::kernels::{Fixed, multiply_rows};
use crate::sample::{DType, ImageShape, SampleLayout};

/// Upper limit of an image's height and width: the table has that many entries squared.
pub const MAX_SIDE: usize = 2048;

/// Fraction bits between the two passes of the inverse, and after them.
const MIDDLE_BITS: u32 = 4;
const PIXEL_BITS: u32 = 6;
/// Fraction bits of the colour matrix, and its entries: 1.402, 0.344136, 0.714136, 1.772.
const COLOUR_BITS: u32 = 14;
const CR_TO_RED: i64 = 22970;
const CB_TO_GREEN: i64 = 5638;
const CR_TO_GREEN: i64 = 11700;
const CB_TO_BLUE: i64 = 29032;

/// Element of an image: how it lies in memory, and the arithmetic of its inverse.
trait Pixel {
    type Number: Fixed;
    /// Half the range: what luma is centred on.
    const CENTRE: i64;
    fn load(sample: &[u8], element: usize) -> i64;
    /// Store `value`, which is inside the range.
    fn store(sample: &mut [u8], element: usize, value: i64);
}

impl Pixel for u8 {
    type Number = i32;
    const CENTRE: i64 = 128;
    #[inline(always)]
    fn load(sample: &[u8], element: usize) -> i64 {
        sample[element].into()
    }
    #[inline(always)]
    fn store(sample: &mut [u8], element: usize, value: i64) {
        sample[element] = value as u8;
    }
}

impl Pixel for u16 {
    type Number = i64;
    const CENTRE: i64 = 32768;
    #[inline(always)]
    fn load(sample: &[u8], element: usize) -> i64 {
        Self::from_le_bytes([sample[2 * element], sample[2 * element + 1]]).into()
    }
    #[inline(always)]
    fn store(sample: &mut [u8], element: usize, value: i64) {
        sample[2 * element..2 * element + 2].copy_from_slice(&(value as u16).to_le_bytes());
    }
}

/// Basis tables of the inverse in the arithmetic of the image's dtype.
struct Tables<T> {
    /// `[n][k]`, height squared.
    vertical: Vec<T>,
    /// `[k][n]`, width squared.
    horizontal: Vec<T>,
}

impl<T: Fixed> Tables<T> {
    fn new(image: &ImageShape) -> Self {
        let (height, width) = (image.height, image.width);
        let by_frequency = table(height);
        let vertical = (0..height * height).map(|i| by_frequency[i % height * height + i / height]);
        Self {
            vertical: vertical.map(T::from_i64).collect(),
            horizontal: table(width).into_iter().map(T::from_i64).collect(),
        }
    }
}

enum Arithmetic {
    Narrow(Tables<i32>),
    Wide(Tables<i64>),
}

/// See the module.
pub(super) struct Dct {
    layers: Vec<Layer>,
    image: ImageShape,
    arithmetic: Arithmetic,
    along_rows: Arc<dyn TransformType2And3<f64>>,
    along_columns: Arc<dyn TransformType2And3<f64>>,
    /// What makes each coefficient orthonormal, per horizontal and per vertical frequency.
    scales: [Vec<f64>; 2],
}

impl Dct {
    pub(super) fn new(layout: &SampleLayout, image: ImageShape, exact: bool) -> Result<Self> {
        if image.height > MAX_SIDE || image.width > MAX_SIDE {
            return Err(Error::Argument(format!(
                "a DCT of {}x{} pixels; the paper preset takes images of at most {MAX_SIDE} a side",
                image.height, image.width
            )));
        }
        // A coefficient is at most half the range times sqrt(pixels).
        let narrow = layout.dtype == DType::UInt8 && image.pixels() <= 1 << 16;
        let mut layers = vec![Layer {
            name: "coefficients",
            columns: image.channels * image.pixels(),
            container: if narrow { Container::U16 } else { Container::U32 },
            frame_of_reference: true,
        }];
        if exact {
            layers.push(plain_layer("correction", layout, true)?);
        }
        let mut planner = DctPlanner::new();
        Ok(Self {
            layers,
            image,
            arithmetic: if layout.dtype == DType::UInt8 {
                Arithmetic::Narrow(Tables::new(&image))
            } else {
                Arithmetic::Wide(Tables::new(&image))
            },
            along_rows: planner.plan_dct2(image.width),
            along_columns: planner.plan_dct2(image.height),
            scales: [image.width, image.height].map(|n| (0..n).map(|k| orthonormal(k, n)).collect()),
        })
    }

    /// Rounded coefficients, with half the container's range added.
    fn coefficients<P: Pixel>(&self, sample: &[u8], row: &mut [u8], floats: &mut Vec<f64>) {
        let (height, width, pixels) = (self.image.height, self.image.width, self.image.pixels());
        let scratch_len = self.along_rows.get_scratch_len().max(self.along_columns.get_scratch_len());
        floats.resize(2 * pixels + scratch_len, 0.0);
        let (plane, rest) = floats.split_at_mut(pixels);
        let (turned, scratch) = rest.split_at_mut(pixels);
        let container = self.layers[0].container;
        let bias = 1i64 << (container.bits() - 1);
        for channel in 0..self.image.channels {
            self.fill_plane::<P>(sample, channel, plane);
            let len = self.along_rows.get_scratch_len();
            for line in plane.chunks_exact_mut(width) {
                self.along_rows.process_dct2_with_scratch(line, &mut scratch[..len]);
            }
            for (y, line) in plane.chunks_exact(width).enumerate() {
                line.iter().enumerate().for_each(|(x, value)| turned[x * height + y] = *value);
            }
            let len = self.along_columns.get_scratch_len();
            for line in turned.chunks_exact_mut(height) {
                self.along_columns.process_dct2_with_scratch(line, &mut scratch[..len]);
            }
            let [horizontal, vertical] = &self.scales;
            for (x, line) in turned.chunks_exact(height).enumerate() {
                for (y, value) in line.iter().enumerate() {
                    let scaled = value * horizontal[x] * vertical[y];
                    let integer = (scaled.round() as i64 + bias).clamp(0, 2 * bias - 1);
                    container.set(row, channel * pixels + y * width + x, integer as u64);
                }
            }
        }
    }

    /// One channel of the YCbCr image (or of the image itself, where it has not three channels), around zero.
    fn fill_plane<P: Pixel>(&self, sample: &[u8], channel: usize, plane: &mut [f64]) {
        let centre = P::CENTRE as f64;
        if self.image.channels != 3 {
            let (start, step) = self.image.plane(channel);
            for (i, value) in plane.iter_mut().enumerate() {
                *value = P::load(sample, start + i * step) as f64 - centre;
            }
            return;
        }
        let [red, green, blue] = match channel {
            0 => [0.299, 0.587, 0.114],
            1 => [-0.168_735_892, -0.331_264_108, 0.5],
            _ => [0.5, -0.418_687_589, -0.081_312_411],
        };
        let offset = if channel == 0 { centre } else { 0.0 };
        let (r, step) = self.image.plane(0);
        let (g, b) = (self.image.plane(1).0, self.image.plane(2).0);
        for (i, value) in plane.iter_mut().enumerate() {
            let at = |start: usize| P::load(sample, start + i * step) as f64;
            *value = red * at(r) + green * at(g) + blue * at(b) - offset;
        }
    }

    /// The image that the coefficients of `row` give back.
    fn approximate(&self, row: &[u8], sample: &mut [u8], scratch: &mut Scratch) {
        match &self.arithmetic {
            Arithmetic::Narrow(tables) => self.pixels::<u8>(tables, row, sample, &mut scratch.narrow),
            Arithmetic::Wide(tables) => self.pixels::<u16>(tables, row, sample, &mut scratch.wide),
        }
    }

    fn pixels<P: Pixel>(
        &self,
        tables: &Tables<P::Number>,
        row: &[u8],
        sample: &mut [u8],
        numbers: &mut Vec<P::Number>,
    ) {
        let (height, width, pixels) = (self.image.height, self.image.width, self.image.pixels());
        numbers.resize((2 + self.image.channels) * pixels, P::Number::ZERO);
        let (coefficients, rest) = numbers.split_at_mut(pixels);
        let (middle, planes) = rest.split_at_mut(pixels);
        for (channel, plane) in planes.chunks_exact_mut(pixels).enumerate() {
            self.load_coefficients(row, channel, coefficients);
            let shift = TABLE_BITS - MIDDLE_BITS;
            multiply_rows(&tables.vertical, coefficients, height, width, shift, middle);
            let shift = TABLE_BITS + MIDDLE_BITS - PIXEL_BITS;
            multiply_rows(middle, &tables.horizontal, width, width, shift, plane);
        }
        if self.image.channels == 3 {
            self.store_rgb::<P>(planes, sample);
            return;
        }
        let centre = P::Number::from_i64(P::CENTRE << PIXEL_BITS);
        for (channel, plane) in planes.chunks_exact(pixels).enumerate() {
            let (start, step) = self.image.plane(channel);
            for (i, value) in plane.iter().enumerate() {
                let pixel = value.plus(centre).rounded_shift(PIXEL_BITS).to_i64();
                P::store(sample, start + i * step, pixel.clamp(0, 2 * P::CENTRE - 1));
            }
        }
    }

    fn load_coefficients<T: Fixed>(&self, row: &[u8], channel: usize, out: &mut [T]) {
        let container = self.layers[0].container;
        let bias = 1i64 << (container.bits() - 1);
        let bytes = container.bytes();
        let plane = &row[channel * out.len() * bytes..(channel + 1) * out.len() * bytes];
        if container == Container::U16 {
            for (out, pair) in out.iter_mut().zip(plane.chunks_exact(2)) {
                *out = T::from_i64(i64::from(u16::from_le_bytes([pair[0], pair[1]])) - bias);
            }
        } else {
            for (out, quad) in out.iter_mut().zip(plane.chunks_exact(4)) {
                let value = u32::from_le_bytes([quad[0], quad[1], quad[2], quad[3]]);
                *out = T::from_i64(i64::from(value) - bias);
            }
        }
    }

    fn store_rgb<P: Pixel>(&self, planes: &[P::Number], sample: &mut [u8]) {
        let pixels = self.image.pixels();
        let (red, step) = self.image.plane(0);
        let (green, blue) = (self.image.plane(1).0, self.image.plane(2).0);
        let number = P::Number::from_i64;
        let centre = number(P::CENTRE << PIXEL_BITS);
        let one = number(1 << COLOUR_BITS);
        let (luma, chroma) = planes.split_at(pixels);
        let (cb, cr) = chroma.split_at(pixels);
        for (i, ((&luma, &cb), &cr)) in luma.iter().zip(cb).zip(cr).enumerate() {
            let luma = luma.plus(centre).times(one);
            let values = [
                (red, luma.plus(cr.times(number(CR_TO_RED)))),
                (green, luma.plus(cb.times(number(-CB_TO_GREEN))).plus(cr.times(number(-CR_TO_GREEN)))),
                (blue, luma.plus(cb.times(number(CB_TO_BLUE)))),
            ];
            for (start, value) in values {
                let pixel = value.rounded_shift(COLOUR_BITS + PIXEL_BITS).to_i64();
                P::store(sample, start + i * step, pixel.clamp(0, 2 * P::CENTRE - 1));
            }
        }
    }
}

/// `correction = sample - approximation`, with half the range added, modulo the range.
fn difference<P: Pixel>(sample: &[u8], approximation: &[u8], correction: &mut [u8]) {
    for i in 0..sample.len() / size_of::<P>() {
        let value = P::load(sample, i) - P::load(approximation, i) + P::CENTRE;
        P::store(correction, i, value & (2 * P::CENTRE - 1));
    }
}

/// The inverse of [`difference`]: turns the approximation in `sample` into the sample.
fn correct<P: Pixel>(correction: &[u8], sample: &mut [u8]) {
    for i in 0..sample.len() / size_of::<P>() {
        let value = P::load(sample, i) + P::load(correction, i) - P::CENTRE;
        P::store(sample, i, value & (2 * P::CENTRE - 1));
    }
}

/// Scale of frequency `k` of rustdct's unnormalised DCT-II of length `n`.
fn orthonormal(k: usize, n: usize) -> f64 {
    (if k == 0 { 1.0 } else { 2.0 } / n as f64).sqrt()
}

impl Transform for Dct {
    fn layers(&self) -> &[Layer] {
        &self.layers
    }

    fn is_exact(&self) -> bool {
        self.layers.len() == 2
    }

    fn forward(&self, sample: &[u8], rows: &mut [&mut [u8]], scratch: &mut Scratch) {
        let narrow = matches!(self.arithmetic, Arithmetic::Narrow(_));
        let floats = &mut scratch.floats;
        if narrow {
            self.coefficients::<u8>(sample, rows[0], floats);
        } else {
            self.coefficients::<u16>(sample, rows[0], floats);
        }
        if let [coefficients, correction] = rows {
            let mut approximation = std::mem::take(&mut scratch.sample);
            approximation.resize(sample.len(), 0);
            self.approximate(coefficients, &mut approximation, scratch);
            if narrow {
                difference::<u8>(sample, &approximation, correction);
            } else {
                difference::<u16>(sample, &approximation, correction);
            }
            scratch.sample = approximation;
        }
    }

    fn inverse(&self, rows: &[&[u8]], sample: &mut [u8], scratch: &mut Scratch) {
        self.approximate(rows[0], sample, scratch);
        if let [_, correction] = rows {
            match self.arithmetic {
                Arithmetic::Narrow(_) => correct::<u8>(correction, sample),
                Arithmetic::Wide(_) => correct::<u16>(correction, sample),
            }
        }
    }
}

//! Reversible integer colour. In: an image of three channels. Out: green as it is, red and blue as their difference
//! to green, modulo the channel's range, folded so that small differences of either sign are small numbers.
//!
//! Neighbouring channels of photographs are alike, and a grey image stored as RGB becomes two channels of zeros.

use super::identity::plain_layer;
use super::{Layer, Scratch, Transform};
use crate::error::{Error, Result};
use crate::kernels::add_green;
use crate::sample::{ImageShape, SampleLayout};

/// See the module.
#[derive(Debug)]
pub(super) struct Colour {
    layers: [Layer; 1],
    image: ImageShape,
    wide: bool,
}

impl Colour {
    pub(super) fn new(layout: &SampleLayout, image: ImageShape) -> Result<Self> {
        if image.channels != 3 {
            return Err(Error::Argument(format!(
                "colour differences need 3 channels, not {}",
                image.channels
            )));
        }
        Ok(Self { layers: [plain_layer("samples", layout, false)?], image, wide: layout.dtype.size() == 2 })
    }
}

macro_rules! element {
    ($name:ident, $unsigned:ty, $signed:ty) => {
        mod $name {
            use crate::sample::ImageShape;

            const SIZE: usize = size_of::<$unsigned>();

            fn load(bytes: &[u8]) -> $unsigned {
                let mut element = [0; SIZE];
                element.copy_from_slice(bytes);
                <$unsigned>::from_le_bytes(element)
            }

            /// 0, -1, 1, -2, ... to 0, 1, 2, 3, ...
            fn fold(difference: $unsigned) -> $unsigned {
                (difference << 1) ^ ((difference as $signed >> (8 * SIZE - 1)) as $unsigned)
            }

            fn unfold(folded: $unsigned) -> $unsigned {
                (folded >> 1) ^ (folded & 1).wrapping_neg()
            }

            fn each_pixel(sample: &mut [u8], image: &ImageShape, change: impl Fn(&mut [$unsigned; 3])) {
                let (red, step) = image.plane(0);
                let starts = [red, image.plane(1).0, image.plane(2).0];
                for pixel in 0..image.pixels() {
                    let at = starts.map(|start| (start + pixel * step) * SIZE);
                    let mut values = at.map(|at| load(&sample[at..at + SIZE]));
                    change(&mut values);
                    for (at, value) in at.into_iter().zip(values) {
                        sample[at..at + SIZE].copy_from_slice(&value.to_le_bytes());
                    }
                }
            }

            pub(super) fn forward(sample: &mut [u8], image: &ImageShape) {
                each_pixel(sample, image, |[r, g, b]| {
                    *r = fold(r.wrapping_sub(*g));
                    *b = fold(b.wrapping_sub(*g));
                });
            }

            pub(super) fn inverse(sample: &mut [u8], image: &ImageShape) {
                each_pixel(sample, image, |[r, g, b]| {
                    *r = unfold(*r).wrapping_add(*g);
                    *b = unfold(*b).wrapping_add(*g);
                });
            }
        }
    };
}
element!(narrow, u8, i8);
element!(wide, u16, i16);

impl Transform for Colour {
    fn layers(&self) -> &[Layer] {
        &self.layers
    }

    fn forward(&self, sample: &[u8], rows: &mut [&mut [u8]], _: &mut Scratch) {
        rows[0].copy_from_slice(sample);
        if self.wide { wide::forward(rows[0], &self.image) } else { narrow::forward(rows[0], &self.image) }
    }

    fn inverse(&self, rows: &[&[u8]], sample: &mut [u8], _: &mut Scratch) {
        sample.copy_from_slice(rows[0]);
        self.inverse_in_place(sample);
    }

    fn in_place(&self) -> bool {
        true
    }

    fn inverse_in_place(&self, sample: &mut [u8]) {
        match (self.wide, self.image.channels_first) {
            (true, _) => wide::inverse(sample, &self.image),
            (false, true) => narrow::inverse(sample, &self.image),
            (false, false) => add_green(sample),
        }
    }
}

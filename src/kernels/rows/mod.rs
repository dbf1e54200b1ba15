//! Row filters with groups of eight residuals: prediction without entropy coding. In: an image, or its stream. Out: the
//! stream, or the image.
//!
//! Every row of a plane is predicted by one of four [`FILTERS`], none of which needs more than sums to undo. Residuals
//! are folded (0, -1, 1, -2, ... become 0, 1, 2, 3, ...), and eight at a time are stored in as many bits as the largest
//! needs: `w` bytes, which one instruction (`pdep`) spreads to eight.
//!
//! `encode.rs` and `decode.rs` are for pixels of 8 and of 16 bits, whose differences are in `pixel.rs`.

mod decode;
mod encode;
mod pixel;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use super::cpu;
use crate::sample::{DType, ImageShape};
use pixel::Pixel;

/// Number of filters: up, left, left plus half the slope above, left plus the slope above.
pub const FILTERS: usize = 4;

/// Residuals of a group.
const GROUP: usize = 8;

/// Bytes that must be readable after a stream.
pub const OVERREAD: usize = 16;

/// An image, and how its planes are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Where the pixels are.
    pub image: ImageShape,
    /// `UInt8` or `UInt16`.
    pub dtype: DType,
    /// Whether planes 1 and 2 of three or four are stored as differences to plane 0.
    pub differences: bool,
}

impl Shape {
    fn symbols(&self) -> usize {
        self.image.channels * self.image.pixels()
    }

    fn groups(&self) -> usize {
        self.symbols().div_ceil(GROUP)
    }

    fn filter_bytes(&self) -> usize {
        (self.image.channels * self.image.height).div_ceil(4)
    }

    fn width_bytes<P: Pixel>(&self) -> usize {
        (P::CODE_BITS as usize * self.groups()).div_ceil(8)
    }

    fn is_difference(&self, plane: usize) -> bool {
        self.differences && self.image.channels >= 3 && (plane == 1 || plane == 2)
    }
}

/// Working memory of [`decode`].
#[derive(Debug, Default)]
pub struct Scratch {
    narrow: decode::Rows<u8>,
    wide: decode::Rows<u16>,
}

/// The stream of the image `sample`.
pub fn encode(sample: &[u8], shape: &Shape) -> Vec<u8> {
    match shape.dtype {
        DType::UInt8 => encode::encode::<u8>(sample, shape),
        _ => encode::encode::<u16>(sample, shape),
    }
}

/// Decode a stream of `length` bytes, which [`OVERREAD`] others follow, into `out`, an image's bytes. False where the
/// stream is damaged; `out` holds anything then.
pub fn decode(bytes: &[u8], length: usize, shape: &Shape, scratch: &mut Scratch, out: &mut [u8]) -> bool {
    #[cfg(target_arch = "x86_64")]
    if shape.dtype == DType::UInt8 && cpu::level() >= cpu::Level::Avx2 {
        // SAFETY: the CPU has the instructions.
        return unsafe { x86_64::decode(bytes, length, shape, &mut scratch.narrow, out) };
    }
    decode_scalar(bytes, length, shape, scratch, out)
}

/// Three planes of bytes in turn: `out` becomes red, green, blue of the first pixel, then of the second, ...
pub fn interleave(green: &[u8], red: &[u8], blue: &[u8], out: &mut [u8]) {
    assert!(green.len() == red.len() && green.len() == blue.len() && out.len() == 3 * green.len());
    #[cfg(target_arch = "x86_64")]
    if cpu::level() >= cpu::Level::Avx2 {
        // SAFETY: a CPU with AVX2 has SSSE3.
        let done = unsafe { x86_64::interleave_16(green, red, blue, 0, out) };
        return decode::interleave(&green[done..], &red[done..], &blue[done..], 0, &mut out[3 * done..]);
    }
    decode::interleave(green, red, blue, 0, out);
}

/// The definition, and what other CPUs do.
pub fn decode_scalar(
    bytes: &[u8],
    length: usize,
    shape: &Shape,
    scratch: &mut Scratch,
    out: &mut [u8],
) -> bool {
    match shape.dtype {
        DType::UInt8 => {
            let interleave = decode::interleave::<u8>;
            decode::decode(bytes, length, shape, &mut scratch.narrow, out, u8::spread, interleave)
        }
        _ => {
            let interleave = decode::interleave::<u16>;
            decode::decode(bytes, length, shape, &mut scratch.wide, out, u16::spread, interleave)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn samples() -> impl Strategy<Value = (Shape, Vec<u8>)> {
        (1usize..20, 1usize..40, 1usize..=4, any::<[bool; 3]>(), any::<u64>(), 0u32..5).prop_map(
            |(height, width, channels, [channels_first, differences, wide], mut seed, noise)| {
                let image = ImageShape { height, width, channels, channels_first };
                let dtype = if wide { DType::UInt16 } else { DType::UInt8 };
                let mut value = 0u8;
                let bytes = (0..height * width * channels * dtype.size()).map(|_| {
                    seed =
                        seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    value = value.wrapping_add((seed >> 40) as u8 >> (8 - 2 * noise).min(7));
                    value
                });
                (Shape { image, dtype, differences }, bytes.collect())
            },
        )
    }

    proptest! {
        #[test]
        fn images_come_back_and_damage_is_the_same_everywhere(
            (shape, sample) in samples(),
            damage in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
            cut in 0usize..4,
        ) {
            let mut stream = encode(&sample, &shape);
            if let Some((at, value)) = damage {
                let at = at.index(stream.len());
                stream[at] = value;
            }
            let length = stream.len().saturating_sub(if damage.is_some() { cut } else { 0 });
            stream.resize(length + OVERREAD, 0);
            let (mut fast, mut plain) = (vec![1; sample.len()], vec![2; sample.len()]);
            let whole = decode(&stream, length, &shape, &mut Scratch::default(), &mut fast);
            prop_assert_eq!(whole, decode_scalar(&stream, length, &shape, &mut Scratch::default(), &mut plain));
            if whole {
                prop_assert_eq!(&fast, &plain);
            }
            if damage.is_none() {
                prop_assert!(whole);
                prop_assert_eq!(&fast, &sample);
            }
        }
    }

    #[test]
    fn every_difference_folds_and_unfolds() {
        assert!((0..=255u8).all(|difference| difference.fold().unfold() == difference));
        assert!((0..=65535u16).all(|difference| difference.fold().unfold() == difference));
        assert_eq!([0u8, 255, 1, 254].map(Pixel::fold), [0, 1, 2, 3]);
        assert_eq!([0u16, 65535, 1, 65534].map(Pixel::fold), [0, 1, 2, 3]);
    }
}

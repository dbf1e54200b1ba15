//! Row filters with groups of eight residuals: prediction without entropy coding. In: an 8-bit image, or its stream.
//! Out: the stream, or the image.
//!
//! Every row of a plane is predicted by one of four [`FILTERS`], none of which needs more than sums to undo. Residuals
//! are folded (0, -1, 1, -2, ... become 0, 1, 2, 3, ...), and eight at a time are stored in as many bits as the largest
//! needs: `w` bytes, which one instruction (`pdep`) spreads to eight.

use crate::bits::BitWriter;
use crate::sample::ImageShape;

/// Bits of a residual that a group may have; a stream names them by 3 bits.
pub const WIDTHS: [u8; 8] = [0, 2, 3, 4, 5, 6, 7, 8];

/// Number of filters: up, left, left plus half the slope above, left plus the slope above.
pub const FILTERS: usize = 4;

/// Residuals of a group.
const GROUP: usize = 8;

/// Bytes that must be readable after a stream.
pub const OVERREAD: usize = 16;

/// An image, and how its planes are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Where the pixels are. They are of 8 bits.
    pub image: ImageShape,
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

    fn width_bytes(&self) -> usize {
        (3 * self.groups()).div_ceil(8)
    }

    fn is_difference(&self, plane: usize) -> bool {
        self.differences && self.image.channels >= 3 && (plane == 1 || plane == 2)
    }
}

/// The planes of an image, one after another, as they are stored.
fn planes(sample: &[u8], shape: &Shape) -> Vec<u8> {
    let pixels = shape.image.pixels();
    let mut planes = vec![0; shape.symbols()];
    for (plane, target) in planes.chunks_exact_mut(pixels).enumerate() {
        let (first, step) = shape.image.plane(shape.image.channel(plane));
        target.iter_mut().zip(sample[first..].iter().step_by(step)).for_each(|(out, &pixel)| *out = pixel);
    }
    let (green, others) = planes.split_at_mut(pixels);
    for (number, plane) in others.chunks_exact_mut(pixels).enumerate() {
        if shape.is_difference(number + 1) {
            plane.iter_mut().zip(green.iter()).for_each(|(pixel, &green)| *pixel = pixel.wrapping_sub(green));
        }
    }
    planes
}

/// The stream of the image `sample`.
pub fn encode(sample: &[u8], shape: &Shape) -> Vec<u8> {
    let width = shape.image.width;
    let planes = planes(sample, shape);
    let mut filters = Vec::new();
    let mut folded = Vec::with_capacity(planes.len() + GROUP);
    let zeros = vec![0; width];
    for plane in planes.chunks_exact(shape.image.pixels()) {
        let mut above = &zeros[..];
        for row in plane.chunks_exact(width) {
            let candidates = (0..FILTERS).map(|filter| residuals(row, above, filter));
            let offset = folded.len() % GROUP;
            let best = candidates.enumerate().min_by_key(|(_, residuals)| cost(residuals, offset));
            if let Some((filter, residuals)) = best {
                filters.push(filter as u8);
                folded.extend(residuals);
            }
            above = row;
        }
    }
    folded.resize(shape.groups() * GROUP, 0);
    let mut head = BitWriter::default();
    filters.iter().for_each(|&filter| head.push(filter.into(), 2));
    let mut stream = head.finish();
    let mut widths = BitWriter::default();
    let mut payload: Vec<u8> = Vec::with_capacity(folded.len());
    for group in folded.chunks_exact(GROUP) {
        let code = width_code(group);
        widths.push(code as u64, 3);
        let bits = u32::from(WIDTHS[code]);
        let word = group.iter().rev().fold(0u64, |word, &residual| word << (bits % 64) | u64::from(residual));
        payload.extend(&word.to_le_bytes()[..bits as usize]);
    }
    stream.extend(widths.finish());
    stream.extend(payload);
    stream
}

/// The smallest width that holds a group.
fn width_code(group: &[u8]) -> usize {
    let all = group.iter().fold(0, |all, &residual| all | residual);
    let bits = (u8::BITS - all.leading_zeros()) as u8;
    WIDTHS.partition_point(|&width| width < bits)
}

/// Bytes that a row takes if `offset` residuals of its first group lie before it.
fn cost(residuals: &[u8], offset: usize) -> usize {
    let (first, rest) = residuals.split_at((GROUP - offset).min(residuals.len()));
    let bytes = |group: &[u8]| usize::from(WIDTHS[width_code(group)]);
    bytes(first) + rest.chunks(GROUP).map(bytes).sum::<usize>()
}

/// Folded residuals of a row by a filter.
fn residuals(row: &[u8], above: &[u8], filter: usize) -> Vec<u8> {
    let predict = |x: usize| {
        let up = above[x];
        if x == 0 || filter == 0 {
            return up;
        }
        let (left, slope) = (row[x - 1], up.wrapping_sub(above[x - 1]));
        match filter {
            1 => left,
            2 => left.wrapping_add(half(slope)),
            _ => left.wrapping_add(slope),
        }
    };
    (0..row.len()).map(|x| fold(row[x].wrapping_sub(predict(x)))).collect()
}

fn half(slope: u8) -> u8 {
    ((slope as i8) >> 1) as u8
}

fn fold(difference: u8) -> u8 {
    (difference << 1) ^ ((difference as i8 >> 7) as u8)
}

fn unfold(folded: u8) -> u8 {
    (folded >> 1) ^ 0u8.wrapping_sub(folded & 1)
}

/// Working memory of [`decode`].
#[derive(Debug, Default)]
pub struct Scratch {
    planes: Vec<u8>,
    row: Vec<u8>,
}

/// Decode a stream of `length` bytes, which [`OVERREAD`] others follow, into `out`, an image's bytes. False where the
/// stream is damaged; `out` holds anything then.
pub fn decode(bytes: &[u8], length: usize, shape: &Shape, scratch: &mut Scratch, out: &mut [u8]) -> bool {
    assert!(bytes.len() >= length + OVERREAD && out.len() == shape.symbols(), "a stream without its padding");
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi2") {
        // SAFETY: the CPU has the instructions.
        return unsafe { x86_64::decode(bytes, length, shape, scratch, out) };
    }
    decode_with(bytes, length, shape, scratch, out, spread, interleave)
}

/// The definition, and what other CPUs do.
pub fn decode_scalar(
    bytes: &[u8],
    length: usize,
    shape: &Shape,
    scratch: &mut Scratch,
    out: &mut [u8],
) -> bool {
    decode_with(bytes, length, shape, scratch, out, spread, interleave)
}

/// Eight numbers of `width` bits to eight bytes.
#[inline(always)]
fn spread(word: u64, width: u32) -> u64 {
    if width == 8 {
        return word;
    }
    let mask = (1u64 << width) - 1;
    (0..8).fold(0, |out, i| out | ((word >> (i * width)) & mask) << (8 * i))
}

/// Undo the differences to green and put three planes in turn.
#[inline(always)]
fn interleave(green: &[u8], red: &[u8], blue: &[u8], base: u8, out: &mut [u8]) {
    for (((out, &g), &r), &b) in out.chunks_exact_mut(3).zip(green).zip(red).zip(blue) {
        out[0] = r.wrapping_add(g & base);
        out[1] = g;
        out[2] = b.wrapping_add(g & base);
    }
}

#[inline(always)]
fn decode_with(
    bytes: &[u8],
    length: usize,
    shape: &Shape,
    scratch: &mut Scratch,
    out: &mut [u8],
    spread: impl Fn(u64, u32) -> u64,
    interleave: impl Fn(&[u8], &[u8], &[u8], u8, &mut [u8]),
) -> bool {
    let (filter_bytes, width_bytes) = (shape.filter_bytes(), shape.width_bytes());
    if length < filter_bytes + width_bytes {
        return false;
    }
    let (filters, rest) = bytes.split_at(filter_bytes);
    let (widths, payload) = rest.split_at(width_bytes);
    let end = length - filter_bytes - width_bytes;
    let Scratch { planes, row: steps } = scratch;
    planes.resize(shape.groups() * GROUP, 0);
    let mut at = 0;
    // Three bytes name the widths of eight groups.
    for (groups, names) in planes.chunks_mut(8 * GROUP).zip(widths.chunks(3)) {
        let mut names = names.iter().rev().fold(0u32, |word, &byte| word << 8 | u32::from(byte));
        for group in groups.chunks_exact_mut(GROUP) {
            let width = u32::from(WIDTHS[(names & 7) as usize]);
            names >>= 3;
            let Some(word) = payload.get(at..at + 8).and_then(|word| word.try_into().ok()) else {
                return false;
            };
            group.copy_from_slice(&spread(u64::from_le_bytes(word), width).to_le_bytes());
            at += width as usize;
        }
    }
    // The last byte may follow to make the length even.
    if at != end && at + 1 != end {
        return false;
    }
    planes.iter_mut().for_each(|residual| *residual = unfold(*residual));
    let ImageShape { width, height, channels, .. } = shape.image;
    steps.resize(width, 0);
    let filter_of = |row: usize| filters[row / 4] >> (2 * (row % 4)) & 3;
    for (number, plane) in planes[..shape.symbols()].chunks_exact_mut(width * height).enumerate() {
        for y in 0..height {
            let (before, row) = plane.split_at_mut(y * width);
            let row = &mut row[..width];
            let above = before.len().checked_sub(width).map(|start| &before[start..]);
            undo(row, above, filter_of(number * height + y), steps);
        }
    }
    let pixels = shape.image.pixels();
    let planes = &planes[..shape.symbols()];
    if channels == 3 && !shape.image.channels_first {
        let base = if shape.differences { 0xFF } else { 0 };
        interleave(&planes[..pixels], &planes[pixels..2 * pixels], &planes[2 * pixels..], base, out);
        return true;
    }
    for (number, plane) in planes.chunks_exact(pixels).enumerate() {
        let (first, step) = shape.image.plane(shape.image.channel(number));
        let base = if shape.is_difference(number) { 0xFF } else { 0 };
        let targets = out[first..].iter_mut().step_by(step);
        targets.zip(plane).zip(&planes[..pixels]).for_each(|((out, &pixel), &green)| {
            *out = pixel.wrapping_add(green & base);
        });
    }
    true
}

/// Residuals of a row to its pixels. `steps` has room for a row.
#[inline(always)]
fn undo(row: &mut [u8], above: Option<&[u8]>, filter: u8, steps: &mut [u8]) {
    let Some(above) = above else {
        // The row above the first is zero.
        if filter != 0 {
            prefix_sums(row, 0);
        }
        return;
    };
    if filter == 2 {
        // Half the slope, from the second pixel on.
        steps[0] = 0;
        for ((step, &here), &left) in steps[1..].iter_mut().zip(&above[1..]).zip(above) {
            *step = half(here.wrapping_sub(left));
        }
        row.iter_mut().zip(&*steps).for_each(|(residual, &step)| *residual = residual.wrapping_add(step));
    }
    match filter {
        1 | 2 => prefix_sums(row, above[0]),
        // Left plus the slope above, again and again, is the pixel above plus the sum of the residuals.
        3 => prefix_sums(row, 0),
        _ => {}
    }
    if filter == 0 || filter == 3 {
        row.iter_mut().zip(above).for_each(|(pixel, &up)| *pixel = pixel.wrapping_add(up));
    }
}

/// Each byte becomes the sum of `start` and all up to itself, modulo 256.
#[inline(always)]
fn prefix_sums(row: &mut [u8], start: u8) {
    let mut sum = start;
    #[cfg(target_arch = "x86_64")]
    let row = {
        let (blocks, rest) = row.as_chunks_mut::<16>();
        for block in blocks {
            sum = x86_64::prefix_sums_of_16(block, sum);
        }
        rest
    };
    for byte in row {
        sum = sum.wrapping_add(*byte);
        *byte = sum;
    }
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    //! Versions for x86-64; sums of sixteen with what every such CPU has.

    use std::arch::x86_64::*;

    use super::{Scratch, Shape, decode_with};

    /// Sums of 16 bytes, from `start` on; returns the last.
    #[inline(always)]
    pub(super) fn prefix_sums_of_16(block: &mut [u8; 16], start: u8) -> u8 {
        // SAFETY: SSE2 is part of x86-64, and the block has 16 bytes.
        unsafe {
            let mut x = _mm_loadu_si128(block.as_ptr().cast());
            x = _mm_add_epi8(x, _mm_slli_si128(x, 1));
            x = _mm_add_epi8(x, _mm_slli_si128(x, 2));
            x = _mm_add_epi8(x, _mm_slli_si128(x, 4));
            x = _mm_add_epi8(x, _mm_slli_si128(x, 8));
            x = _mm_add_epi8(x, _mm_set1_epi8(start as i8));
            _mm_storeu_si128(block.as_mut_ptr().cast(), x);
        }
        block[15]
    }

    /// # Safety
    /// The CPU has AVX2 and BMI2.
    #[target_feature(enable = "avx2,bmi2")]
    pub(super) unsafe fn decode(
        bytes: &[u8],
        length: usize,
        shape: &Shape,
        scratch: &mut Scratch,
        out: &mut [u8],
    ) -> bool {
        const MASKS: [u64; 9] = {
            let mut masks = [0; 9];
            let mut width = 0;
            while width <= 8 {
                masks[width] = 0x0101_0101_0101_0101 * ((1 << width) - 1);
                width += 1;
            }
            masks
        };
        let spread = |word: u64, width: u32| _pdep_u64(word, MASKS[width as usize]);
        decode_with(bytes, length, shape, scratch, out, spread, |green, red, blue, base, out| {
            // SAFETY: AVX2, by this function's contract.
            let done = unsafe { interleave_16(green, red, blue, base, out) };
            super::interleave(&green[done..], &red[done..], &blue[done..], base, &mut out[3 * done..]);
        })
    }

    /// [`super::interleave`] for 16 pixels at a time; returns how many it did.
    ///
    /// # Safety
    /// The CPU has SSSE3.
    #[inline]
    #[target_feature(enable = "ssse3")]
    unsafe fn interleave_16(green: &[u8], red: &[u8], blue: &[u8], base: u8, out: &mut [u8]) -> usize {
        // Where byte `16 part + i` of 48 comes from, for each of the three colours.
        const fn places(part: usize, channel: usize) -> [i8; 16] {
            let mut places = [-1i8; 16];
            let mut i = 0;
            while i < 16 {
                let at = 16 * part + i;
                if at % 3 == channel {
                    places[i] = (at / 3) as i8;
                }
                i += 1;
            }
            places
        }
        const PLACES: [[[i8; 16]; 3]; 3] = [
            [places(0, 0), places(0, 1), places(0, 2)],
            [places(1, 0), places(1, 1), places(1, 2)],
            [places(2, 0), places(2, 1), places(2, 2)],
        ];
        let (green, red, blue) =
            (green.as_chunks::<16>().0, red.as_chunks::<16>().0, blue.as_chunks::<16>().0);
        let out = out.as_chunks_mut::<48>().0;
        let count = green.len().min(red.len()).min(blue.len()).min(out.len());
        for i in 0..count {
            // SAFETY: the arrays have as many bytes as are loaded and stored; SSSE3 by this function's contract.
            unsafe {
                let load = |bytes: &[u8; 16]| _mm_loadu_si128(bytes.as_ptr().cast());
                let g = load(&green[i]);
                let added = _mm_and_si128(g, _mm_set1_epi8(base as i8));
                let r = _mm_add_epi8(load(&red[i]), added);
                let b = _mm_add_epi8(load(&blue[i]), added);
                for (part, places) in PLACES.iter().enumerate() {
                    let place = |channel: usize| _mm_loadu_si128(places[channel].as_ptr().cast());
                    let rg = _mm_or_si128(_mm_shuffle_epi8(r, place(0)), _mm_shuffle_epi8(g, place(1)));
                    let rgb = _mm_or_si128(rg, _mm_shuffle_epi8(b, place(2)));
                    _mm_storeu_si128(out[i].as_mut_ptr().add(16 * part).cast(), rgb);
                }
            }
        }
        16 * count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn samples() -> impl Strategy<Value = (Shape, Vec<u8>)> {
        (1usize..20, 1usize..40, 1usize..=4, any::<bool>(), any::<bool>(), any::<u64>(), 0u32..5).prop_map(
            |(height, width, channels, channels_first, differences, mut seed, noise)| {
                let image = ImageShape { height, width, channels, channels_first };
                let mut value = 0u8;
                let bytes = (0..height * width * channels).map(|_| {
                    seed =
                        seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    value = value.wrapping_add((seed >> 40) as u8 >> (8 - 2 * noise).min(7));
                    value
                });
                (Shape { image, differences }, bytes.collect())
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
        assert!((0..=255u8).all(|difference| unfold(fold(difference)) == difference));
        assert_eq!([0u8, 255, 1, 254].map(fold), [0, 1, 2, 3]);
    }
}

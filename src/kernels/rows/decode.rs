//! A stream to its image.

use super::pixel::Pixel;
use super::{GROUP, OVERREAD, Shape};
use crate::sample::ImageShape;

/// Working memory.
#[derive(Debug, Default)]
pub(super) struct Rows<P> {
    planes: Vec<P>,
    steps: Vec<P>,
}

/// Undo the differences to green and put three planes in turn.
#[inline(always)]
pub(super) fn interleave<P: Pixel>(green: &[P], red: &[P], blue: &[P], base: P, out: &mut [u8]) {
    for (((out, &g), &r), &b) in out.chunks_exact_mut(3 * P::BYTES).zip(green).zip(red).zip(blue) {
        r.plus(g.and(base)).write(out);
        g.write(&mut out[P::BYTES..]);
        b.plus(g.and(base)).write(&mut out[2 * P::BYTES..]);
    }
}

/// See [`super::decode`]; `spread` is [`Pixel::spread`], or does what it does, and so is `interleave`.
#[inline(always)]
pub(super) fn decode<P: Pixel>(
    bytes: &[u8],
    length: usize,
    shape: &Shape,
    scratch: &mut Rows<P>,
    out: &mut [u8],
    spread: impl Fn(&[u8], u32) -> [P; GROUP],
    interleave: impl Fn(&[P], &[P], &[P], P, &mut [u8]),
) -> bool {
    assert!(bytes.len() >= length + OVERREAD, "a stream without its padding");
    assert!(out.len() == shape.symbols() * P::BYTES, "a buffer of another size");
    let (filter_bytes, width_bytes) = (shape.filter_bytes(), shape.width_bytes::<P>());
    if length < filter_bytes + width_bytes {
        return false;
    }
    let (filters, rest) = bytes.split_at(filter_bytes);
    let (widths, payload) = rest.split_at(width_bytes);
    let end = length - filter_bytes - width_bytes;
    let Rows { planes, steps } = scratch;
    planes.resize(shape.groups() * GROUP, P::default());
    let mut at = 0;
    // Some bytes name the widths of eight groups.
    for (groups, names) in planes.chunks_mut(8 * GROUP).zip(widths.chunks(P::CODE_BITS as usize)) {
        let mut names = names.iter().rev().fold(0u32, |word, &byte| word << 8 | u32::from(byte));
        for group in groups.chunks_exact_mut(GROUP) {
            let width = u32::from(P::WIDTHS[names as usize & ((1 << P::CODE_BITS) - 1)]);
            names >>= P::CODE_BITS;
            let Some(word) = payload.get(at..at + 8 * P::BYTES) else { return false };
            group.copy_from_slice(&spread(word, width));
            at += width as usize;
        }
    }
    // The last byte may follow to make the length even.
    if at != end && at + 1 != end {
        return false;
    }
    planes.iter_mut().for_each(|residual| *residual = residual.unfold());
    let ImageShape { width, height, channels, .. } = shape.image;
    steps.resize(width, P::default());
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
        let base = P::mask(shape.differences);
        interleave(&planes[..pixels], &planes[pixels..2 * pixels], &planes[2 * pixels..], base, out);
        return true;
    }
    for (number, plane) in planes.chunks_exact(pixels).enumerate() {
        let (first, step) = shape.image.plane(shape.image.channel(number));
        let base = P::mask(shape.is_difference(number));
        let out = &mut out[first * P::BYTES..];
        let green = &planes[..pixels];
        if step == 1 {
            // Of constant size, so that the compiler can use vectors.
            let targets = out[..pixels * P::BYTES].chunks_exact_mut(P::BYTES);
            targets.zip(plane).zip(green).for_each(|((out, &pixel), &green)| {
                pixel.plus(green.and(base)).write(out);
            });
            continue;
        }
        out.chunks_mut(step * P::BYTES).zip(plane).zip(green).for_each(|((out, &pixel), &green)| {
            pixel.plus(green.and(base)).write(out);
        });
    }
    true
}

/// Residuals of a row to its pixels. `steps` has room for a row.
#[inline(always)]
fn undo<P: Pixel>(row: &mut [P], above: Option<&[P]>, filter: u8, steps: &mut [P]) {
    let Some(above) = above else {
        // The row above the first is zero.
        if filter != 0 {
            P::prefix_sums(row, P::default());
        }
        return;
    };
    if filter == 2 {
        // Half the slope, from the second pixel on.
        steps[0] = P::default();
        for ((step, &here), &left) in steps[1..].iter_mut().zip(&above[1..]).zip(above) {
            *step = here.minus(left).half();
        }
        row.iter_mut().zip(&*steps).for_each(|(residual, &step)| *residual = residual.plus(step));
    }
    match filter {
        1 | 2 => P::prefix_sums(row, above[0]),
        // Left plus the slope above, again and again, is the pixel above plus the sum of the residuals.
        3 => P::prefix_sums(row, P::default()),
        _ => {}
    }
    if filter == 0 || filter == 3 {
        row.iter_mut().zip(above).for_each(|(pixel, &up)| *pixel = pixel.plus(up));
    }
}

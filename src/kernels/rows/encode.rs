//! An image to its stream.

use super::pixel::Pixel;
use super::{FILTERS, GROUP, Shape};
use crate::bits::BitWriter;

/// The planes of an image, one after another, as they are stored.
fn planes<P: Pixel>(sample: &[u8], shape: &Shape) -> Vec<P> {
    let pixels = shape.image.pixels();
    let mut planes = vec![P::default(); shape.symbols()];
    for (plane, target) in planes.chunks_exact_mut(pixels).enumerate() {
        let (first, step) = shape.image.plane(shape.image.channel(plane));
        let places = (first..).step_by(step);
        target.iter_mut().zip(places).for_each(|(out, at)| *out = P::read(&sample[at * P::BYTES..]));
    }
    let (green, others) = planes.split_at_mut(pixels);
    for (number, plane) in others.chunks_exact_mut(pixels).enumerate() {
        if shape.is_difference(number + 1) {
            plane.iter_mut().zip(green.iter()).for_each(|(pixel, &green)| *pixel = pixel.minus(green));
        }
    }
    planes
}

/// The stream of the image `sample`.
pub(super) fn encode<P: Pixel>(sample: &[u8], shape: &Shape) -> Vec<u8> {
    let width = shape.image.width;
    let planes = planes::<P>(sample, shape);
    let mut filters = Vec::new();
    let mut folded = Vec::with_capacity(planes.len() + GROUP);
    let zeros = vec![P::default(); width];
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
    folded.resize(shape.groups() * GROUP, P::default());
    let mut head = BitWriter::default();
    filters.iter().for_each(|&filter| head.push(filter.into(), 2));
    let mut stream = head.finish();
    let mut widths = BitWriter::default();
    let mut payload: Vec<u8> = Vec::with_capacity(folded.len() * P::BYTES);
    for group in folded.chunks_exact(GROUP) {
        let code = width_code(group);
        widths.push(code as u64, P::CODE_BITS);
        let bits = u32::from(P::WIDTHS[code]);
        let word = group.iter().rev().fold(0u128, |word, &residual| word << bits | residual.wide());
        payload.extend(&word.to_le_bytes()[..bits as usize]);
    }
    stream.extend(widths.finish());
    stream.extend(payload);
    stream
}

/// The smallest width that holds a group.
fn width_code<P: Pixel>(group: &[P]) -> usize {
    let bits = group.iter().map(|residual| residual.bits()).max().unwrap_or(0);
    P::WIDTHS.partition_point(|&width| width < bits)
}

/// Bytes that a row takes if `offset` residuals of its first group lie before it.
fn cost<P: Pixel>(residuals: &[P], offset: usize) -> usize {
    let (first, rest) = residuals.split_at((GROUP - offset).min(residuals.len()));
    let bytes = |group: &[P]| usize::from(P::WIDTHS[width_code(group)]);
    bytes(first) + rest.chunks(GROUP).map(bytes).sum::<usize>()
}

/// Folded residuals of a row by a filter.
fn residuals<P: Pixel>(row: &[P], above: &[P], filter: usize) -> Vec<P> {
    let predict = |x: usize| {
        let up = above[x];
        if x == 0 || filter == 0 {
            return up;
        }
        let (left, slope) = (row[x - 1], up.minus(above[x - 1]));
        match filter {
            1 => left,
            2 => left.plus(slope.half()),
            _ => left.plus(slope),
        }
    };
    (0..row.len()).map(|x| row[x].minus(predict(x)).fold()).collect()
}

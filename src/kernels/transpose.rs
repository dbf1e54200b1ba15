//! Pixels out of lanes. In: a row of vectors, one lane an image. Out: a row of bytes for each image, and three such rows in
//! turn.

/// Images that are handled at once, and pixels: a square of bytes.
const SIDE: usize = 16;

/// Bytes from one image's row to the next in what [`rows_of_lanes`] writes for rows of `width` pixels.
pub fn stride(width: usize) -> usize {
    width.next_multiple_of(SIDE)
}

/// Fetch memory that is about to be written, so that rows of many images can be written in turn without waiting for each.
pub fn prefetch(memory: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    for line in memory.chunks(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: SSE is part of x86-64; a prefetch reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = memory;
}

/// `out[lane * stride + x]` becomes the low byte of `pixels[x * lanes + lane]`; `lanes` is a multiple of 16, pixels are
/// below 256.
pub fn rows_of_lanes(pixels: &[i16], lanes: usize, out: &mut [u8]) {
    let width = pixels.len() / lanes;
    let stride = stride(width);
    assert!(lanes.is_multiple_of(SIDE) && pixels.len() == width * lanes && out.len() == lanes * stride);
    for first in (0..lanes).step_by(SIDE) {
        for x in (0..width).step_by(SIDE) {
            let count = SIDE.min(width - x);
            let block = |k: usize| -> &[i16; SIDE] {
                // What lies right of the row is not looked at.
                let at = (x + k.min(count - 1)) * lanes + first;
                pixels[at..].first_chunk().unwrap_or(&[0; SIDE])
            };
            let square = transpose(std::array::from_fn(block));
            for (k, row) in square.iter().enumerate() {
                out[(first + k) * stride + x..][..SIDE].copy_from_slice(row);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn transpose(columns: [&[i16; SIDE]; SIDE]) -> [[u8; SIDE]; SIDE] {
    use std::arch::x86_64::*;
    // SAFETY: SSE2 is part of x86-64; arrays are as long as what is loaded and stored.
    unsafe {
        let mut v: [__m128i; SIDE] = columns.map(|column| {
            let half = |at: usize| _mm_loadu_si128(column.as_ptr().add(at).cast());
            _mm_packus_epi16(half(0), half(8))
        });
        // Each round puts element i of the first half before element i of the second: four rounds turn the square.
        for _ in 0..4 {
            let mut next = v;
            for i in 0..SIDE / 2 {
                next[2 * i] = _mm_unpacklo_epi8(v[i], v[i + SIDE / 2]);
                next[2 * i + 1] = _mm_unpackhi_epi8(v[i], v[i + SIDE / 2]);
            }
            v = next;
        }
        let mut square = [[0; SIDE]; SIDE];
        for (row, v) in square.iter_mut().zip(v) {
            _mm_storeu_si128(row.as_mut_ptr().cast(), v);
        }
        square
    }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn transpose(columns: [&[i16; SIDE]; SIDE]) -> [[u8; SIDE]; SIDE] {
    let mut square = [[0; SIDE]; SIDE];
    for (x, column) in columns.iter().enumerate() {
        for (row, &pixel) in square.iter_mut().zip(column.iter()) {
            row[x] = pixel as u8;
        }
    }
    square
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_finds_its_place() {
        for lanes in [16, 32] {
            for width in [1, 2, 15, 16, 17, 40] {
                let pixel = |x: usize, lane: usize| (x * 31 + lane * 7 + x * lane) as u8;
                let pixels: Vec<i16> =
                    (0..width * lanes).map(|i| pixel(i / lanes, i % lanes).into()).collect();
                let mut out = vec![0; lanes * stride(width)];
                rows_of_lanes(&pixels, lanes, &mut out);
                for lane in 0..lanes {
                    for x in 0..width {
                        assert_eq!(out[lane * stride(width) + x], pixel(x, lane));
                    }
                }
            }
        }
    }
}

//! Channels out of pixels. In: an image whose channels lie side by side in every pixel (H, W, C). Out: one plane a channel
//! (C, H, W), as convolutions want them.

use super::cpu;

/// `out` becomes the planes of `pixels`: `channels` elements of `element_bytes` (1, 2, 4 or 8) bytes a pixel.
pub fn split_channels(pixels: &[u8], channels: usize, element_bytes: usize, out: &mut [u8]) {
    if pixels.is_empty() && out.is_empty() {
        return;
    }
    assert!(pixels.len() == out.len() && pixels.len().is_multiple_of(channels * element_bytes));
    if channels == 3 && element_bytes == 1 {
        let mut done = 0;
        #[cfg(target_arch = "x86_64")]
        if cpu::level() >= cpu::Level::Avx2 {
            // SAFETY: the CPU has AVX2 and with it SSSE3; lengths were asserted above.
            done = unsafe { split_three(pixels, out) };
        }
        return split_bytes::<3>(pixels, out, done);
    }
    match element_bytes {
        1 if channels == 4 => split_bytes::<4>(pixels, out, 0),
        1 => split::<1>(pixels, channels, out),
        2 => split::<2>(pixels, channels, out),
        4 => split::<4>(pixels, channels, out),
        _ => split::<8>(pixels, channels, out),
    }
}

/// The definition: element after element.
fn split<const BYTES: usize>(pixels: &[u8], channels: usize, out: &mut [u8]) {
    let plane = out.len() / channels;
    if plane == 0 {
        return;
    }
    for (channel, out) in out.chunks_exact_mut(plane).enumerate() {
        for (pixel, out) in pixels.chunks_exact(channels * BYTES).zip(out.chunks_exact_mut(BYTES)) {
            out.copy_from_slice(&pixel[channel * BYTES..][..BYTES]);
        }
    }
}

/// The same for bytes, from pixel `done` on.
fn split_bytes<const CHANNELS: usize>(pixels: &[u8], out: &mut [u8], done: usize) {
    let plane = out.len() / CHANNELS;
    if plane == 0 {
        return;
    }
    for (channel, out) in out.chunks_exact_mut(plane).enumerate() {
        let (pixels, _) = pixels.as_chunks::<CHANNELS>();
        for (pixel, out) in pixels.iter().zip(out).skip(done) {
            *out = pixel[channel];
        }
    }
}

/// 16 pixels of three bytes at once; returns how many pixels are done.
///
/// # Safety
/// The CPU has SSSE3; `out` is as long as `pixels`, a multiple of three.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "ssse3")]
unsafe fn split_three(pixels: &[u8], out: &mut [u8]) -> usize {
    use std::arch::x86_64::*;

    /// For each channel and each of three vectors, which byte goes where (-1: none).
    const PICK: [[[i8; 16]; 3]; 3] = {
        let mut pick = [[[-1; 16]; 3]; 3];
        let mut byte = 0;
        while byte < 48 {
            pick[byte % 3][byte / 16][byte / 3] = (byte % 16) as i8;
            byte += 1;
        }
        pick
    };
    let plane = out.len() / 3;
    let blocks = plane / 16;
    for block in 0..blocks {
        // SAFETY: 48 bytes of pixels and 16 of each plane belong to each block.
        unsafe {
            let from = pixels.as_ptr().add(block * 48);
            let parts = [0, 16, 32].map(|at| _mm_loadu_si128(from.add(at).cast()));
            for (channel, pick) in PICK.iter().enumerate() {
                let picked =
                    |part: usize| _mm_shuffle_epi8(parts[part], _mm_loadu_si128(pick[part].as_ptr().cast()));
                let all = _mm_or_si128(_mm_or_si128(picked(0), picked(1)), picked(2));
                _mm_storeu_si128(out.as_mut_ptr().add(channel * plane + block * 16).cast(), all);
            }
        }
    }
    blocks * 16
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_element_finds_its_plane(
            bytes in prop::collection::vec(any::<u8>(), 0..700), channels in 1usize..5, log in 0u32..4
        ) {
            let element = 1 << log;
            let pixels = &bytes[..bytes.len() / (channels * element) * (channels * element)];
            let count = pixels.len() / (channels * element);
            let mut out = vec![0; pixels.len()];
            split_channels(pixels, channels, element, &mut out);
            for pixel in 0..count {
                for channel in 0..channels {
                    let from = &pixels[(pixel * channels + channel) * element..][..element];
                    prop_assert_eq!(from, &out[(channel * count + pixel) * element..][..element]);
                }
            }
        }
    }
}

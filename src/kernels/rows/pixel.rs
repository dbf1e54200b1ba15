//! Pixels of 8 and of 16 bits. In: numbers modulo 2^bits. Out: folded differences, groups of eight, sums.

/// An unsigned integer that wraps.
pub(super) trait Pixel: Copy + Default + std::fmt::Debug {
    /// Bytes of one.
    const BYTES: usize;
    /// Bits of a residual that a group may have; a stream names them by [`Pixel::CODE_BITS`] bits.
    const WIDTHS: &'static [u8];
    /// See there.
    const CODE_BITS: u32;

    /// From the [`Pixel::BYTES`] first bytes.
    fn read(bytes: &[u8]) -> Self;
    /// To them.
    fn write(self, bytes: &mut [u8]);
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn and(self, other: Self) -> Self;
    /// Number of bits, without leading zeros.
    fn bits(self) -> u8;
    /// Half of it, as a signed number, rounded down.
    fn half(self) -> Self;
    /// 0, -1, 1, -2, ... to 0, 1, 2, 3, ...
    fn fold(self) -> Self;
    /// The inverse.
    fn unfold(self) -> Self;
    /// As a number.
    fn wide(self) -> u128;
    /// All ones or zero.
    fn mask(ones: bool) -> Self;
    /// Eight numbers of `width` bits from the beginning of `word` on, which has `8 * BYTES` bytes.
    fn spread(word: &[u8], width: u32) -> [Self; 8];
    /// Each becomes the sum of `start` and all up to itself.
    fn prefix_sums(row: &mut [Self], start: Self);
}

macro_rules! pixel {
    ($t:ty, $signed:ty, $word:ty, $code_bits:expr, $widths:expr, $prefix_sums:path) => {
        impl Pixel for $t {
            const BYTES: usize = size_of::<$t>();
            const WIDTHS: &'static [u8] = &$widths;
            const CODE_BITS: u32 = $code_bits;

            #[inline(always)]
            fn read(bytes: &[u8]) -> Self {
                bytes.first_chunk().map_or(0, |bytes| Self::from_le_bytes(*bytes))
            }
            #[inline(always)]
            fn write(self, bytes: &mut [u8]) {
                bytes[..Self::BYTES].copy_from_slice(&self.to_le_bytes());
            }
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline(always)]
            fn minus(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
            #[inline(always)]
            fn and(self, other: Self) -> Self {
                self & other
            }
            #[inline(always)]
            fn bits(self) -> u8 {
                (Self::BITS - self.leading_zeros()) as u8
            }
            #[inline(always)]
            fn half(self) -> Self {
                ((self as $signed) >> 1) as Self
            }
            #[inline(always)]
            fn fold(self) -> Self {
                (self << 1) ^ ((self as $signed >> (Self::BITS - 1)) as Self)
            }
            #[inline(always)]
            fn unfold(self) -> Self {
                (self >> 1) ^ (0 as Self).wrapping_sub(self & 1)
            }
            #[inline(always)]
            fn wide(self) -> u128 {
                self.into()
            }
            #[inline(always)]
            fn mask(ones: bool) -> Self {
                if ones { Self::MAX } else { 0 }
            }
            #[inline(always)]
            fn spread(word: &[u8], width: u32) -> [Self; 8] {
                let word = word.first_chunk().map_or(0, |word| <$word>::from_le_bytes(*word));
                let mask = ((1u32 << width) - 1) as Self;
                let mut out = [0; 8];
                for (i, out) in (0..).zip(&mut out) {
                    *out = (word >> (i * width)) as Self & mask;
                }
                out
            }
            #[inline(always)]
            fn prefix_sums(row: &mut [Self], start: Self) {
                let (mut sum, rest) = $prefix_sums(row, start);
                for value in rest {
                    sum = sum.wrapping_add(*value);
                    *value = sum;
                }
            }
        }
    };
}
pixel!(u8, i8, u64, 3, [0, 2, 3, 4, 5, 6, 7, 8], blocks);
pixel!(u16, i16, u128, 4, [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], none);

/// Sums of whole vectors; the last of them, and what is left to do.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn blocks(row: &mut [u8], start: u8) -> (u8, &mut [u8]) {
    let mut sum = start;
    let (blocks, rest) = row.as_chunks_mut::<16>();
    for block in blocks {
        sum = super::x86_64::prefix_sums_of_16(block, sum);
    }
    (sum, rest)
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn blocks(row: &mut [u8], start: u8) -> (u8, &mut [u8]) {
    none(row, start)
}

#[inline(always)]
fn none<P>(row: &mut [P], start: P) -> (P, &mut [P]) {
    (start, row)
}

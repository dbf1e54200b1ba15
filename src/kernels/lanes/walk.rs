//! Going over the pixels of many images at once, with any [`Lanes`].

use super::memory::Memory;
use super::streams::Streams;
use super::tables::{PlaneTables, Tables};
use super::{Lanes, MOST_LANES, Sides};
use crate::predict::planes::Extent;
use crate::predict::{ESCAPE, taps};

/// Tells or learns what a pixel is.
trait Pixels<L: Lanes> {
    unsafe fn pixel(
        &mut self,
        tables: &PlaneTables,
        at: *const i16,
        prediction: L::Long,
        context: L::Long,
        active: Option<L::Short>,
    ) -> L::Short;

    /// A row is complete.
    unsafe fn after_row(&mut self) {}
}

/// Reads pixels from streams.
struct Decode<'a, L: Lanes> {
    source: &'a Streams,
    state: L::Long,
    position: L::Long,
    /// Two bytes behind the end.
    beyond: L::Long,
}

impl<L: Lanes> Pixels<L> for Decode<'_, L> {
    #[inline(always)]
    unsafe fn pixel(
        &mut self,
        tables: &PlaneTables,
        _at: *const i16,
        prediction: L::Long,
        context: L::Long,
        active: Option<L::Short>,
    ) -> L::Short {
        // SAFETY: by the trait's contract.
        unsafe {
            let words = self.source.words.as_ptr();
            let (state, position) = (self.state, self.position);
            let mut residual = L::take(tables, words, &mut self.state, &mut self.position, context);
            if L::any_equal(residual, ESCAPE.into()) {
                residual = self.escape(residual);
            }
            if let Some(active) = active {
                let active = L::widen_mask(active);
                self.state = L::select(active, self.state, state);
                self.position = L::select(active, self.position, position);
            }
            L::narrow(L::add_bytes(L::pixel(prediction), residual))
        }
    }

    #[inline(always)]
    unsafe fn after_row(&mut self) {
        // Two bytes behind the end are behind it, and as many zeros follow there.
        // SAFETY: by the trait's contract.
        unsafe { self.position = L::least(self.position, self.beyond) }
    }
}

impl<L: Lanes> Decode<'_, L> {
    /// Read the plain bits of lanes that have an escape.
    #[cold]
    #[inline(never)]
    fn escape(&mut self, residual: L::Long) -> L::Long {
        let (mut residuals, mut states, mut positions) =
            ([0i32; MOST_LANES], [0i32; MOST_LANES], [0i32; MOST_LANES]);
        const { assert!(L::COUNT <= MOST_LANES) };
        // SAFETY: the arrays hold more than a vector.
        unsafe {
            L::store_long(residuals.as_mut_ptr(), residual);
            L::store_long(states.as_mut_ptr(), self.state);
            L::store_long(positions.as_mut_ptr(), self.position);
        }
        for lane in 0..L::COUNT {
            if residuals[lane] != i32::from(ESCAPE) {
                continue;
            }
            let state = states[lane] as u32;
            residuals[lane] = (state & 0xFF) as i32;
            let state = state >> 8;
            states[lane] = state as i32;
            if state < 1 << 16 {
                let at = positions[lane] as usize;
                let word = u32::from(self.source.words[at]) | u32::from(self.source.words[at + 1]) << 8;
                states[lane] = (state << 16 | word) as i32;
                positions[lane] += 2;
            }
        }
        // SAFETY: as above.
        unsafe {
            self.state = L::load_long(states.as_ptr());
            self.position = L::load_long(positions.as_ptr());
            L::load_long(residuals.as_ptr())
        }
    }
}

/// Notes context and residual of pixels that are known.
struct Predict<'a> {
    coded: &'a mut [i16],
    next: usize,
}

impl<L: Lanes> Pixels<L> for Predict<'_> {
    #[inline(always)]
    unsafe fn pixel(
        &mut self,
        _tables: &PlaneTables,
        at: *const i16,
        prediction: L::Long,
        context: L::Long,
        _active: Option<L::Short>,
    ) -> L::Short {
        // SAFETY: by the trait's contract; `coded` has room for a vector of each symbol.
        unsafe {
            let pixel = L::load(at);
            let residual = L::subtract_bytes(L::widen(pixel), L::pixel(prediction));
            let to = self.coded.as_mut_ptr().add(self.next);
            self.next += L::COUNT;
            L::store_pair(to, context, residual);
            pixel
        }
    }
}

/// # Safety
/// The CPU has the instructions of `L`; `tables` fit `memory`, which has `L::COUNT` lanes, as has `source`.
#[inline(always)]
pub(super) unsafe fn decode<L: Lanes>(
    tables: &Tables,
    memory: &mut Memory,
    source: &mut Streams,
    sides: Option<&Sides>,
) {
    // SAFETY: by this function's contract.
    unsafe {
        let mut beyond = [0; MOST_LANES];
        beyond.iter_mut().zip(&source.end).for_each(|(beyond, end)| *beyond = end + 2);
        let mut pixels = Decode::<L> {
            source,
            state: L::load_long(source.state.as_ptr()),
            position: L::load_long(source.position.as_ptr()),
            beyond: L::load_long(beyond.as_ptr()),
        };
        match sides {
            Some(sides) => walk::<L, true>(tables, memory, &mut pixels, sides),
            None => walk::<L, false>(tables, memory, &mut pixels, &Sides::default()),
        }
        let (state, position) = (pixels.state, pixels.position);
        L::store_long(source.state.as_mut_ptr(), state);
        L::store_long(source.position.as_mut_ptr(), position);
    }
}

/// # Safety
/// As [`decode`]; `coded` has room for a vector of each symbol.
#[inline(always)]
pub(super) unsafe fn predict<L: Lanes>(
    tables: &Tables,
    memory: &mut Memory,
    coded: &mut [i16],
    sides: Option<&Sides>,
) {
    let mut pixels = Predict { coded, next: 0 };
    // SAFETY: by this function's contract.
    unsafe {
        match sides {
            Some(sides) => walk::<L, true>(tables, memory, &mut pixels, sides),
            None => walk::<L, false>(tables, memory, &mut pixels, &Sides::default()),
        }
    }
}

/// Go over all pixels. A lane whose image is smaller (`MIXED`) stands still where its image ends: pixels and errors there
/// are copies of their neighbours, which are what lies right of an image and below it.
///
/// # Safety
/// As [`decode`].
#[inline(always)]
unsafe fn walk<L: Lanes, const MIXED: bool>(
    tables: &Tables,
    memory: &mut Memory,
    source: &mut impl Pixels<L>,
    sides: &Sides,
) {
    let extent = memory.extent();
    let Extent { height, width } = extent;
    let stride = extent.stride() * L::COUNT;
    // SAFETY: every place below lies in the padded planes, as taps reach no further than the margins.
    unsafe {
        let (pixels, errors) = memory.elements();
        let heights = if MIXED { L::load(sides.heights.as_ptr()) } else { L::splat_short(0) };
        let widths = if MIXED { L::load(sides.widths.as_ptr()) } else { L::splat_short(0) };
        for (p, plane) in tables.planes().iter().enumerate() {
            let start = (p * extent.padded() + extent.at(0, 0)) * L::COUNT;
            let first = match p {
                0 => L::splat_short(128),
                _ => L::load(pixels.add(start - extent.padded() * L::COUNT)),
            };
            for y in 0..height {
                let row = start + y * stride;
                let row_active = if MIXED { Some(L::less(L::splat_short(y as i16), heights)) } else { None };
                begin_row::<L>(pixels.add(row), stride, y, first, row_active);
                begin_row::<L>(errors.add(row), stride, y, L::splat_short(0), row_active);
                for x in 0..width {
                    let at = row + x * L::COUNT;
                    let (pixel, error) = (pixels.add(at), errors.add(at));
                    if y < taps::REACH {
                        for q in 0..=p {
                            let back = (p - q) * extent.padded() * L::COUNT;
                            begin_pixel::<L>(pixel.sub(back), stride, y);
                            begin_pixel::<L>(error.sub(back), stride, y);
                        }
                    }
                    let near =
                        |from: *mut i16, offset: isize| L::load(from.offset(offset * L::COUNT as isize));
                    let mut sum = L::splat(0);
                    for &(a, b, weights) in &plane.taps {
                        sum = L::add_products(sum, near(pixel, a), near(pixel, b), weights);
                    }
                    let mut energy = L::splat(0);
                    for &(a, b, weights) in &plane.errors {
                        energy = L::add_products(energy, near(error, a), near(error, b), weights);
                    }
                    for &(a, b, weights) in &plane.gradients {
                        let slope = L::absolute_difference(near(pixel, a), near(pixel, b));
                        energy = L::add_products(energy, slope, slope, weights);
                    }
                    let prediction = L::prediction(sum);
                    let context = L::context(prediction, energy);
                    let Some(row_active) = row_active else {
                        let value = source.pixel(plane, pixel, prediction, context, None);
                        L::store(pixel, value);
                        L::store(error, L::absolute_difference(value, L::narrow(L::pixel(prediction))));
                        continue;
                    };
                    let active = L::both(row_active, L::less(L::splat_short(x as i16), widths));
                    let value = source.pixel(plane, pixel, prediction, context, Some(active));
                    let miss = L::absolute_difference(value, L::narrow(L::pixel(prediction)));
                    for (to, value) in [(pixel, value), (error, miss)] {
                        let (left, above) = (L::load(to.sub(L::COUNT)), L::load(to.sub(stride)));
                        let copy = L::select_short(row_active, left, above);
                        L::store(to, L::select_short(active, value, copy));
                    }
                }
                source.after_row();
                end_row::<L>(pixels.add(row), width);
                end_row::<L>(errors.add(row), width);
            }
            let margin = taps::REACH * L::COUNT;
            for planes in [pixels, errors] {
                let last = planes.add(start + (height - 1) * stride - margin);
                std::ptr::copy_nonoverlapping(last, last.add(stride), stride);
            }
        }
    }
}

/// The left margin of a row.
#[inline(always)]
unsafe fn begin_row<L: Lanes>(
    row: *mut i16,
    stride: usize,
    y: usize,
    first: L::Short,
    active: Option<L::Short>,
) {
    // SAFETY: by the caller's contract: margins surround the row.
    unsafe {
        let mut value = if y == 0 { first } else { L::load(row.sub(stride)) };
        if let (Some(active), true) = (active, y > 0) {
            // Below an image its last row goes on, with its margins.
            value = L::select_short(active, value, L::load(row.sub(stride).sub(L::COUNT)));
        }
        for k in 1..=taps::REACH {
            L::store(row.sub(k * L::COUNT), value);
        }
    }
}

/// What the pixel's taps find above the image.
#[inline(always)]
unsafe fn begin_pixel<L: Lanes>(pixel: *mut i16, stride: usize, y: usize) {
    // SAFETY: by the caller's contract: margins surround the plane.
    unsafe {
        let value = L::load(pixel.sub(L::COUNT));
        for up in y + 1..=taps::REACH {
            for k in 0..=2 * taps::REACH {
                L::store(pixel.sub(up * stride).sub(taps::REACH * L::COUNT).add(k * L::COUNT), value);
            }
        }
    }
}

/// The right margin of a row.
#[inline(always)]
unsafe fn end_row<L: Lanes>(row: *mut i16, width: usize) {
    // SAFETY: by the caller's contract: margins surround the row.
    unsafe {
        let end = row.add(width * L::COUNT);
        let value = L::load(end.sub(L::COUNT));
        for k in 0..taps::REACH {
            L::store(end.add(k * L::COUNT), value);
        }
    }
}

//! Going over the pixels of many images at once, with any [`Lanes`].

use std::sync::Arc;

use super::Lanes;
use crate::predict::planes::Extent;
use crate::predict::scalar::Depth;
use crate::predict::tiles::Tiling;
use crate::predict::{CONTEXTS, ESCAPE, Model, PlaneModel, taps};
use crate::rans::{AliasTable, FINAL_STATE, SYMBOLS};

/// A model as the lanes want it, for one extent.
pub struct Tables {
    extent: Extent,
    planes: Vec<PlaneTables>,
}

/// One plane of [`Tables`].
pub(super) struct PlaneTables {
    /// Two taps at a time: where they lie in elements, and their weights in the halves of a number.
    taps: Vec<(isize, isize, i32)>,
    errors: Vec<(isize, isize, i32)>,
    /// Pairs of places whose absolute difference is weighed.
    gradients: Vec<(isize, isize, i32)>,
    /// The table of every context.
    pub(super) map: Vec<i32>,
    pub(super) alias: Arc<Alias>,
}

/// The decoding tables of one plane, one after another.
#[derive(Debug)]
pub struct Alias {
    /// [`AliasTable::buckets`] of all tables, and padding for loads of 4 bytes.
    pub(super) buckets: Vec<u16>,
    /// [`AliasTable::halves`] of all tables.
    pub(super) halves: Vec<u32>,
}

impl Alias {
    /// Those of every plane.
    pub fn of(tables: &[Vec<AliasTable>]) -> Vec<Arc<Self>> {
        let plane = |tables: &Vec<AliasTable>| {
            let buckets = tables.iter().flat_map(|table| table.buckets).chain([0]);
            let halves = tables.iter().flat_map(|table| table.halves);
            Arc::new(Self { buckets: buckets.collect(), halves: halves.collect() })
        };
        tables.iter().map(plane).collect()
    }
}

impl Tables {
    /// The tables of `model` for images of `extent`; `alias` is [`Alias::of`] its frequencies.
    pub fn new(model: &Model, alias: &[Arc<Alias>], extent: Extent) -> Self {
        assert_eq!(alias.len(), model.planes.len());
        let planes = model.planes.iter().zip(alias).enumerate();
        let planes = planes.map(|(p, (plane, alias))| PlaneTables::new(plane, alias, p, extent));
        Self { extent, planes: planes.collect() }
    }

    /// The tables of `model` for every extent that tiles have; none for 16-bit images, which lanes do not go over.
    pub fn of_tiles(model: &Model, tables: &[Vec<AliasTable>], tiling: &Tiling) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        if tiling.depth() == Depth::Eight {
            let alias = Alias::of(tables);
            for number in 0..tiling.tiles() {
                let extent = tiling.place(number).extent;
                if all.iter().all(|tables| tables.extent != extent) {
                    all.push(Self::new(model, &alias, extent));
                }
            }
        }
        all
    }

    /// The extent of the images.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    pub(super) fn assert_fits(&self, memory: &Memory) {
        assert!(
            self.extent == memory.extent && self.planes.len() == memory.planes,
            "tables of another extent"
        );
    }
}

impl PlaneTables {
    fn new(model: &PlaneModel, alias: &Arc<Alias>, plane: usize, extent: Extent) -> Self {
        let place =
            |&(q, tap): &(usize, taps::Tap)| extent.offset(tap) - ((plane - q) * extent.padded()) as isize;
        let pairs = |taps: Vec<(usize, taps::Tap)>, weights: &[i16]| {
            let pairs = taps.chunks(2).zip(weights.chunks(2));
            let pair = |(taps, weights): (&[(usize, taps::Tap)], &[i16])| match (taps, weights) {
                ([a, b], &[v, w]) => (place(a), place(b), both(v, w)),
                (taps, weights) => (place(&taps[0]), place(&taps[0]), both(weights[0], 0)),
            };
            pairs.map(pair).collect()
        };
        let errors = taps::errors(plane);
        let (error_weights, gradient_weights) = model.energy.split_at(errors.len());
        let gradients = taps::GRADIENTS.iter().zip(gradient_weights);
        // The kernels rely on these.
        let tables = model.tables.len();
        assert!(alias.buckets.len() == tables * SYMBOLS + 1 && alias.halves.len() == 2 * tables * SYMBOLS);
        assert!(model.map.len() == CONTEXTS && model.map.iter().all(|&t| usize::from(t) < tables));
        assert!(model.weights.len() == taps::prediction(plane).len());
        assert!(model.energy.len() == taps::errors(plane).len() + taps::GRADIENTS.len());
        Self {
            taps: pairs(taps::prediction(plane), &model.weights),
            errors: pairs(errors, error_weights),
            gradients: gradients
                .map(|(&(a, b), &w)| (extent.offset(a), extent.offset(b), both(w, 0)))
                .collect(),
            map: model.map.iter().map(|&table| i32::from(table) * SYMBOLS as i32).collect(),
            alias: Arc::clone(alias),
        }
    }
}

fn both(low: i16, high: i16) -> i32 {
    i32::from(low as u16) | i32::from(high) << 16
}

/// Alignment of vectors.
#[derive(Clone, Copy)]
#[repr(align(64))]
#[expect(dead_code, reason = "read as elements")]
struct Line([i16; 32]);

/// Planes of pixels and of absolute errors of all lanes, with margins as in [`crate::predict::planes`]; each element
/// is a vector.
pub struct Memory {
    extent: Extent,
    planes: usize,
    lanes: usize,
    pixels: Vec<Line>,
    errors: Vec<Line>,
}

impl Memory {
    pub(super) fn new(extent: Extent, planes: usize, lanes: usize) -> Self {
        let lines = (extent.padded() * planes * lanes).div_ceil(32);
        let blank = vec![Line([0; 32]); lines];
        Self { extent, planes, lanes, pixels: blank.clone(), errors: blank }
    }

    /// Symbols of one image.
    pub(super) fn symbols(&self) -> usize {
        self.planes * self.extent.height * self.extent.width
    }

    /// Pixels of all lanes in row `y` of `plane`: `width` times as many elements as there are lanes.
    pub fn row(&self, plane: usize, y: usize) -> &[i16] {
        let start = (plane * self.extent.padded() + self.extent.at(y, 0)) * self.lanes;
        &elements(&self.pixels)[start..start + self.extent.width * self.lanes]
    }

    /// The same, to be filled.
    pub fn row_mut(&mut self, plane: usize, y: usize) -> &mut [i16] {
        let start = (plane * self.extent.padded() + self.extent.at(y, 0)) * self.lanes;
        let length = self.extent.width * self.lanes;
        &mut elements_mut(&mut self.pixels)[start..start + length]
    }
}

fn elements(lines: &[Line]) -> &[i16] {
    // SAFETY: a line is 32 elements without padding.
    unsafe { std::slice::from_raw_parts(lines.as_ptr().cast(), lines.len() * 32) }
}

fn elements_mut(lines: &mut [Line]) -> &mut [i16] {
    // SAFETY: a line is 32 elements without padding.
    unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), lines.len() * 32) }
}

/// The streams of all lanes in one buffer, and how far each has been read.
pub(super) struct Streams {
    words: Vec<u8>,
    state: Vec<i32>,
    position: Vec<i32>,
    end: Vec<i32>,
    /// Whether half a word is left over, as no writer leaves it.
    odd: Vec<bool>,
}

impl Streams {
    pub(super) fn new(streams: &[&[u8]], lanes: usize) -> Self {
        assert!(streams.len() <= lanes, "more streams than lanes");
        let mut this = Self {
            words: Vec::with_capacity(streams.iter().map(|stream| stream.len() + 4).sum::<usize>() + 8),
            state: vec![0; lanes],
            position: vec![0; lanes],
            end: vec![0; lanes],
            odd: Vec::new(),
        };
        for lane in 0..lanes {
            let stream = streams.get(lane).copied().unwrap_or(&[]);
            let (state, words) = stream.split_first_chunk().unwrap_or((&[0; 4], &[]));
            this.state[lane] = i32::from_le_bytes(*state);
            this.position[lane] = this.words.len() as i32;
            // Half a word is none.
            this.words.extend(&words[..words.len() / 2 * 2]);
            this.end[lane] = this.words.len() as i32;
            // What a stream that ends too early goes on with.
            this.words.extend([0; 4]);
            this.odd.push(words.len() % 2 == 1);
        }
        assert!(i32::try_from(this.words.len()).is_ok(), "streams of more than 2 GiB");
        this
    }

    /// Whether each of the first `count` streams was read to its end and ended as streams do.
    pub(super) fn finished(&self, count: usize) -> Vec<bool> {
        (0..count)
            .map(|i| self.state[i] == FINAL_STATE as i32 && self.position[i] == self.end[i] && !self.odd[i])
            .collect()
    }
}

/// Tells or learns what a pixel is.
trait Pixels<L: Lanes> {
    unsafe fn pixel(
        &mut self,
        tables: &PlaneTables,
        at: *const i16,
        prediction: L::Long,
        context: L::Long,
    ) -> L::Short;
}

/// Reads pixels from streams.
struct Decode<'a, L: Lanes> {
    source: &'a Streams,
    state: L::Long,
    position: L::Long,
    end: L::Long,
}

impl<L: Lanes> Pixels<L> for Decode<'_, L> {
    #[inline(always)]
    unsafe fn pixel(
        &mut self,
        tables: &PlaneTables,
        _at: *const i16,
        prediction: L::Long,
        context: L::Long,
    ) -> L::Short {
        // SAFETY: by the trait's contract.
        unsafe {
            let words = self.source.words.as_ptr();
            let mut residual = L::take(tables, words, &mut self.state, &mut self.position, self.end, context);
            if L::any_equal(residual, ESCAPE.into()) {
                residual = self.escape(residual);
            }
            L::narrow(L::add_bytes(L::pixel(prediction), residual))
        }
    }
}

impl<L: Lanes> Decode<'_, L> {
    /// Read the plain bits of lanes that have an escape.
    #[cold]
    #[inline(never)]
    fn escape(&mut self, residual: L::Long) -> L::Long {
        const MOST: usize = 64;
        let (mut residuals, mut states, mut positions) = ([0i32; MOST], [0i32; MOST], [0i32; MOST]);
        debug_assert!(L::COUNT <= MOST);
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
                let at = positions[lane].min(self.source.end[lane]) as usize;
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
pub(super) unsafe fn decode<L: Lanes>(tables: &Tables, memory: &mut Memory, source: &mut Streams) {
    // SAFETY: by this function's contract.
    unsafe {
        let mut pixels = Decode::<L> {
            source,
            state: L::load_long(source.state.as_ptr()),
            position: L::load_long(source.position.as_ptr()),
            end: L::load_long(source.end.as_ptr()),
        };
        walk::<L>(tables, memory, &mut pixels);
        let (state, position) = (pixels.state, pixels.position);
        L::store_long(source.state.as_mut_ptr(), state);
        L::store_long(source.position.as_mut_ptr(), position);
    }
}

/// # Safety
/// As [`decode`]; `coded` has room for a vector of each symbol.
#[inline(always)]
pub(super) unsafe fn predict<L: Lanes>(tables: &Tables, memory: &mut Memory, coded: &mut [i16]) {
    // SAFETY: by this function's contract.
    unsafe { walk::<L>(tables, memory, &mut Predict { coded, next: 0 }) }
}

/// # Safety
/// As [`decode`].
#[inline(always)]
unsafe fn walk<L: Lanes>(tables: &Tables, memory: &mut Memory, source: &mut impl Pixels<L>) {
    let Memory { extent, pixels, errors, .. } = memory;
    let extent = *extent;
    let Extent { height, width } = extent;
    let stride = extent.stride() * L::COUNT;
    // SAFETY: every place below lies in the padded planes, as taps reach no further than the margins.
    unsafe {
        let (pixels, errors) = (pixels.as_mut_ptr().cast::<i16>(), errors.as_mut_ptr().cast::<i16>());
        for (p, plane) in tables.planes.iter().enumerate() {
            let start = (p * extent.padded() + extent.at(0, 0)) * L::COUNT;
            let first = match p {
                0 => L::splat_short(128),
                _ => L::load(pixels.add(start - extent.padded() * L::COUNT)),
            };
            for y in 0..height {
                let row = start + y * stride;
                begin_row::<L>(pixels.add(row), stride, y, first);
                begin_row::<L>(errors.add(row), stride, y, L::splat_short(0));
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
                    let value = source.pixel(plane, pixel, prediction, context);
                    L::store(pixel, value);
                    L::store(error, L::absolute_difference(value, L::narrow(L::pixel(prediction))));
                }
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
unsafe fn begin_row<L: Lanes>(row: *mut i16, stride: usize, y: usize, first: L::Short) {
    // SAFETY: by the caller's contract: margins surround the row.
    unsafe {
        let value = if y == 0 { first } else { L::load(row.sub(stride)) };
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

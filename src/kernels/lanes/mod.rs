//! Prediction and decoding of many images in lock-step, one in each lane of a vector. In: the model, and the streams or
//! the pixels of images (tiles, in a file). Out: their pixels, or context and symbol of every pixel.
//!
//! The definition is [`crate::predict::scalar`]; this is the same for 8-bit images. An image is decoded pixel after pixel,
//! each after the ones before, so one image alone leaves a core idle. Lanes are independent, and all do the same.
//!
//! `Lanes` is what a vector can do, `portable.rs` for every CPU, others for CPUs that have the instructions; `walk.rs` is
//! what is done with it, once for all.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod memory;
mod portable;
mod streams;
mod tables;
mod walk;

pub use memory::Memory;
pub use tables::{Alias, Tables};

use super::cpu;
use crate::predict::planes::Extent;

/// Vectors of [`Lanes::COUNT`] lanes.
///
/// # Safety
/// Of all functions: the CPU has the instructions; pointers are readable or writable for a whole vector.
trait Lanes: Copy {
    /// Lanes, a multiple of 16.
    const COUNT: usize;
    /// A 16-bit integer for each lane.
    type Short: Copy;
    /// A 32-bit integer for each lane.
    type Long: Copy;

    unsafe fn load(from: *const i16) -> Self::Short;
    unsafe fn store(to: *mut i16, value: Self::Short);
    unsafe fn splat_short(value: i16) -> Self::Short;
    unsafe fn splat(value: i32) -> Self::Long;
    /// Numbers in lane order; the order inside a `Long` is the implementation's own.
    unsafe fn load_long(from: *const i32) -> Self::Long;
    unsafe fn store_long(to: *mut i32, value: Self::Long);
    /// `sum + a * low half of weights + b * high half`.
    unsafe fn add_products(sum: Self::Long, a: Self::Short, b: Self::Short, weights: i32) -> Self::Long;
    unsafe fn absolute_difference(a: Self::Short, b: Self::Short) -> Self::Short;
    /// Both values of each lane are below `2^15`.
    unsafe fn narrow(value: Self::Long) -> Self::Short;
    /// Prediction in eighths (0 to 2040) from the weighted sum.
    unsafe fn prediction(sum: Self::Long) -> Self::Long;
    /// [`crate::predict::context`].
    unsafe fn context(prediction: Self::Long, energy: Self::Long) -> Self::Long;
    /// The pixel that a prediction stands for.
    unsafe fn pixel(prediction: Self::Long) -> Self::Long;
    /// `(a + b) & 255`.
    unsafe fn add_bytes(a: Self::Long, b: Self::Long) -> Self::Long;
    /// Store `low | high << 8`; both are below 256.
    unsafe fn store_pair(to: *mut i16, low: Self::Long, high: Self::Long);
    /// `(a - b) & 255`.
    unsafe fn subtract_bytes(a: Self::Long, b: Self::Long) -> Self::Long;
    unsafe fn widen(value: Self::Short) -> Self::Long;
    /// A mask: all ones where `a < b`, otherwise zero.
    unsafe fn less(a: Self::Short, b: Self::Short) -> Self::Short;
    /// Both masks.
    unsafe fn both(a: Self::Short, b: Self::Short) -> Self::Short;
    unsafe fn select_short(mask: Self::Short, yes: Self::Short, no: Self::Short) -> Self::Short;
    unsafe fn widen_mask(mask: Self::Short) -> Self::Long;
    unsafe fn select(mask: Self::Long, yes: Self::Long, no: Self::Long) -> Self::Long;
    /// Whether any lane is `value`.
    unsafe fn any_equal(a: Self::Long, value: i32) -> bool;
    unsafe fn least(a: Self::Long, b: Self::Long) -> Self::Long;
    /// One symbol of every lane. `state` and `position` (in bytes from `words` on, where 4 bytes more are readable) move on;
    /// `map` has a table number for every context.
    unsafe fn take(
        tables: &tables::PlaneTables,
        words: *const u8,
        state: &mut Self::Long,
        position: &mut Self::Long,
        context: Self::Long,
    ) -> Self::Long;
}

/// No vector has more lanes.
const MOST_LANES: usize = 64;

/// Working memory for many images, and the fastest way to go over them on this CPU.
pub struct Group {
    memory: Memory,
    path: Path,
}

/// Rows and columns of the image in each lane, where they differ.
struct Sides {
    heights: [i16; MOST_LANES],
    widths: [i16; MOST_LANES],
}

impl Default for Sides {
    fn default() -> Self {
        Self { heights: [0; MOST_LANES], widths: [0; MOST_LANES] }
    }
}

impl Sides {
    /// `None` where all are of `all`, which is as large as the largest; lanes without an image go along.
    fn of(images: impl Iterator<Item = Extent> + Clone, all: Extent) -> Option<Self> {
        if images.clone().all(|extent| extent == all) {
            return None;
        }
        let mut sides = Self { heights: [all.height as i16; _], widths: [all.width as i16; _] };
        for (lane, extent) in images.enumerate() {
            assert!((1..=all.height).contains(&extent.height) && (1..=all.width).contains(&extent.width));
            (sides.heights[lane], sides.widths[lane]) = (extent.height as i16, extent.width as i16);
        }
        Some(sides)
    }
}

/// The instructions that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// What every CPU has.
    Portable,
    /// AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 F and BW.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Path {
    /// The paths that this CPU has, the fastest last.
    pub fn available() -> Vec<Self> {
        #[allow(unused_mut, reason = "other CPUs have one path")]
        let mut paths = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if cpu::level() >= cpu::Level::Avx2 {
                paths.push(Self::Avx2);
            }
            if cpu::level() >= cpu::Level::Avx512 {
                paths.push(Self::Avx512);
            }
        }
        paths
    }

    /// The path that goes over `count` images soonest: a wide one takes its time even where few lanes are filled.
    pub fn best_for(count: usize) -> Self {
        let paths = Self::available();
        let wide_enough = paths.iter().rev().find(|path| count > path.lanes() / 2);
        *wide_enough.or(paths.iter().rev().min_by_key(|path| path.lanes())).unwrap_or(&Self::Portable)
    }

    /// Images that are gone over at once.
    pub fn lanes(self) -> usize {
        match self {
            Self::Portable => portable::Portable::COUNT,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => avx2::Avx2::COUNT,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => avx512::Avx512::COUNT,
        }
    }
}

impl Group {
    /// A group that goes by `path`, which is one of [`Path::available`].
    pub fn new(path: Path) -> Self {
        assert!(Path::available().contains(&path), "the CPU has no {path:?}");
        Self { memory: Memory::new(path.lanes()), path }
    }

    /// Lanes.
    pub fn lanes(&self) -> usize {
        self.path.lanes()
    }

    /// The instructions it uses.
    pub fn path(&self) -> Path {
        self.path
    }

    /// Pixels of all lanes.
    pub fn memory(&mut self) -> &mut Memory {
        &mut self.memory
    }

    /// Make room for images of the extent of `tables`.
    pub fn fit(&mut self, tables: &Tables) {
        let Extent { height, width } = tables.extent();
        assert!((1..=i16::MAX as usize).contains(&height) && (1..=i16::MAX as usize).contains(&width));
        self.memory.fit(tables.extent(), tables.planes().len());
    }

    /// Decode one stream in each lane, at most [`Group::lanes`]. No image is larger than the extent of `tables`. Returns
    /// for each whether it is whole; pixels are in the memory then, from its first row and column on.
    pub fn decode(&mut self, tables: &Tables, images: &[(Extent, &[u8])]) -> Vec<bool> {
        self.fit(tables);
        let sides = Sides::of(images.iter().map(|image| image.0), tables.extent());
        let sides = sides.as_ref();
        let mut source =
            streams::Streams::new(images.iter().map(|image| image.1), self.lanes(), tables.extent().width);
        // SAFETY: the CPU has the instructions, as `new` has checked; tables and memory fit together.
        unsafe {
            match self.path {
                Path::Portable => portable::decode(tables, &mut self.memory, &mut source, sides),
                #[cfg(target_arch = "x86_64")]
                Path::Avx2 => avx2::decode(tables, &mut self.memory, &mut source, sides),
                #[cfg(target_arch = "x86_64")]
                Path::Avx512 => avx512::decode(tables, &mut self.memory, &mut source, sides),
            }
        }
        source.finished(images.len())
    }

    /// Predict the pixels that the memory holds since [`Group::fit`], of images of `extents`. Returns
    /// `context | residual << 8` of every pixel, in the order of decoding, lane by lane; where a smaller image has no
    /// pixel, it is anything.
    pub fn predict<'a>(
        &mut self,
        tables: &Tables,
        extents: impl Iterator<Item = Extent> + Clone,
        coded: &'a mut Vec<i16>,
    ) -> &'a [i16] {
        self.fit(tables);
        let sides = Sides::of(extents, tables.extent());
        let sides = sides.as_ref();
        coded.resize(self.memory.symbols() * self.lanes(), 0);
        // SAFETY: as in `decode`; `coded` has room for all symbols of all lanes.
        unsafe {
            match self.path {
                Path::Portable => portable::predict(tables, &mut self.memory, coded, sides),
                #[cfg(target_arch = "x86_64")]
                Path::Avx2 => avx2::predict(tables, &mut self.memory, coded, sides),
                #[cfg(target_arch = "x86_64")]
                Path::Avx512 => avx512::predict(tables, &mut self.memory, coded, sides),
            }
        }
        coded
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::scalar::{Depth, Scalar, put_residual};
    use crate::predict::train::{Tile, train};
    use crate::predict::{ESCAPE, Model};
    use crate::rans::{EncodeTable, Encoder};
    use proptest::prelude::*;

    /// Images of which some are smooth, some noise, and some have a jump, so that escapes occur.
    fn tiles(extent: Extent, mixed: bool, planes: usize, count: usize, mut seed: u64) -> Vec<Tile> {
        let mut random = move |limit: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % limit
        };
        (0..count)
            .map(|i| {
                let mut value = 100u64;
                let mut side = |most: usize| if mixed { 1 + random(most as u64) as usize } else { most };
                let extent = Extent { height: side(extent.height), width: side(extent.width) };
                let pixels = (0..planes * extent.height * extent.width).map(|_| {
                    value = match i % 4 {
                        0 => random(256),
                        1 => value + random(7) + 253,
                        2 => value + if random(40) == 0 { 128 } else { random(3) + 255 },
                        _ => value,
                    } % 256;
                    value as u16
                });
                Tile { extent, pixels: pixels.collect() }
            })
            .collect()
    }

    fn encode(model: &Model, tile: &Tile) -> (Vec<u8>, Vec<i16>) {
        let Extent { height, width } = tile.extent;
        let mut coded = Vec::new();
        Scalar::new(model, tile.extent, Depth::Eight).walk(|p, y, x, expected| {
            let pixel = i32::from(tile.pixels[(p * height + y) * width + x]);
            coded.push((p, expected.context(), (pixel - expected.pixel()) as u8));
            pixel
        });
        let tables: Vec<Vec<EncodeTable>> =
            model.planes.iter().map(|plane| plane.tables.iter().map(EncodeTable::new).collect()).collect();
        let mut encoder = Encoder::default();
        for &(p, context, residual) in coded.iter().rev() {
            let table = &tables[p][model.planes[p].map[context] as usize];
            put_residual(&mut encoder, table, residual.into(), Depth::Eight);
        }
        let mut stream = Vec::new();
        encoder.finish(&mut stream);
        (
            stream,
            coded.iter().map(|&(_, context, residual)| (context | (residual as usize) << 8) as i16).collect(),
        )
    }

    fn damage(stream: &mut Vec<u8>, kind: usize, seed: usize) {
        let at = seed % stream.len();
        match kind {
            0 => {}
            1 => stream.truncate(at),
            2 => stream.extend([1, 2, 3, 4]),
            3 => stream[at] ^= 1 << (seed % 8),
            4 => stream.push(7),
            _ => stream.fill(seed as u8),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
        #[test]
        fn all_paths_do_what_the_scalar_one_does(
            height in 1usize..12,
            width in 1usize..12,
            mixed: bool,
            planes in 1usize..=4,
            count in 1usize..40,
            seed: u64,
            damaged in prop::collection::vec((0usize..6, any::<usize>()), 40),
        ) {
            let extent = Extent { height, width };
            let tiles = tiles(extent, mixed, planes, count, seed);
            let model = train(&tiles[..count.div_ceil(2)], planes, Depth::Eight, 1, &mut || Ok(())).unwrap();
            let (mut streams, coded): (Vec<_>, Vec<_>) = tiles.iter().map(|tile| encode(&model, tile)).unzip();
            for (stream, &(kind, seed)) in streams.iter_mut().zip(&damaged) {
                damage(stream, kind, seed);
            }
            let alias = model.alias_tables();
            let tables = Tables::new(&model, &Alias::of(&alias), extent);
            for path in Path::available() {
                let mut group = Group::new(path);
                let lanes = group.lanes();
                let images: Vec<(Extent, &[u8])> =
                    tiles.iter().zip(&streams).map(|(tile, stream)| (tile.extent, &stream[..])).collect();
                for (first, part) in (0..).step_by(lanes).zip(images.chunks(lanes)) {
                    let whole = group.decode(&tables, part);
                    for (lane, &(extent, stream)) in part.iter().enumerate() {
                        let mut scalar = Scalar::new(&model, extent, Depth::Eight);
                        prop_assert_eq!(scalar.decode(&model, &alias, stream), whole[lane], "{:?}", path);
                        prop_assert!(whole[lane] || damaged[first + lane].0 != 0);
                        for plane in 0..planes {
                            for (y, row) in scalar.pixels(plane).enumerate() {
                                let found = group.memory().row(plane, y)[lane..].iter().step_by(lanes);
                                let found = found.take(extent.width).map(|&pixel| i32::from(pixel));
                                prop_assert!(found.eq(row.iter().copied()), "{:?}", path);
                            }
                        }
                    }
                }
                for (first, part) in (0..).step_by(lanes).zip(tiles.chunks(lanes)) {
                    group.fit(&tables);
                    for (lane, tile) in part.iter().enumerate() {
                        for (number, row) in tile.pixels.chunks_exact(tile.extent.width).enumerate() {
                            let Extent { height, .. } = tile.extent;
                            let target = group.memory().row_mut(number / height, number % height);
                            let places = target[lane..].iter_mut().step_by(lanes);
                            places.zip(row).for_each(|(place, &pixel)| *place = pixel as i16);
                        }
                    }
                    let mut found = Vec::new();
                    let found = group.predict(&tables, part.iter().map(|tile| tile.extent), &mut found);
                    for (lane, tile) in part.iter().enumerate() {
                        let rows = found.chunks_exact(lanes * width).enumerate();
                        let rows = rows.filter(|(number, _)| number % height < tile.extent.height);
                        let found = rows.flat_map(|(_, row)| {
                            row[lane..].iter().step_by(lanes).take(tile.extent.width)
                        });
                        prop_assert!(found.eq(&coded[first + lane]), "{:?}", path);
                    }
                }
            }
        }
    }

    #[test]
    fn the_images_of_the_test_have_escapes() {
        let tiles = tiles(Extent { height: 9, width: 9 }, false, 1, 8, 3);
        let model = train(&tiles[1..2], 1, Depth::Eight, 1, &mut || Ok(())).unwrap();
        let plane = &model.planes[0];
        let (_, coded) = encode(&model, &tiles[2]);
        let escapes = coded.iter().filter(|code| {
            let [context, residual] = code.to_le_bytes();
            let table = &plane.tables[plane.map[context as usize] as usize];
            residual == ESCAPE || table.values()[residual as usize] == 0
        });
        assert!(escapes.count() > 0);
    }
}

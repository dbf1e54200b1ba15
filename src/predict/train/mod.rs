//! Learning a model. In: a sample of the images, as tiles. Out: a [`Model`].
//!
//! Plane after plane: weights by least squares, repeated with weights that turn squares into absolute values and
//! count an error in units of what is usual around it (its code length grows with that ratio); then the energy weights
//! by non-negative least squares. At last residuals are counted in every context, and contexts that resemble each other
//! share a table, as long as that makes the whole smaller, tables included.
//!
//! Sums run in a fixed order and use nothing but `+ - * /`, so the model depends on neither threads nor the CPU.

mod least_squares;
mod merge;

use std::sync::{Arc, Mutex, PoisonError};

use super::model::{MAX_ENERGY_WEIGHTS, PlaneModel};
use super::planes::{Extent, Planes};
use super::scalar::{Depth, Expectation, Plan, Scalar, token};
use super::{CONTEXTS, ESCAPE, Model, WEIGHT_BITS, taps};
use crate::error::Result;
use crate::kernels::lanes::{Alias, Group, Path, Tables};
use crate::parallel::map_in_order;
use crate::rans::{Frequencies, SYMBOLS};
use least_squares::Normal;

/// Pixels of a plane from which weights are learned.
const WEIGHT_PIXELS: usize = 1 << 19;

/// Of those, one in this many enters the sums.
const SPARSE: usize = 3;

/// Rounds of least squares for the weights, and for the energy.
const WEIGHT_ROUNDS: usize = 5;
const ENERGY_ROUNDS: usize = 2;

/// Pixels of a plane that one job goes over.
const JOB_PIXELS: usize = 1 << 16;

/// A tile whose pixels are known.
#[derive(Clone, Debug)]
pub struct Tile {
    /// Rows and columns.
    pub extent: Extent,
    /// Plane after plane, row after row.
    pub pixels: Vec<u16>,
}

impl Tile {
    /// Number of pixels of one plane.
    fn area(&self) -> usize {
        self.extent.area()
    }
}

/// Counts of the symbols of one context.
type Counts = [u64; SYMBOLS];

/// A model for images of `planes` planes that resemble `tiles`.
///
/// # Errors
/// Where threads cannot be started, and what `tick` fails with, which is called now and then.
pub fn train(
    tiles: &[Tile],
    planes: usize,
    depth: Depth,
    threads: usize,
    tick: &mut dyn FnMut() -> Result<()>,
) -> Result<Model> {
    let mut model = Model { planes: Vec::new() };
    let mut pixels = 0;
    let few = tiles.iter().take_while(|tile| {
        pixels += tile.area();
        pixels - tile.area() < WEIGHT_PIXELS
    });
    let known: Vec<Mutex<Known>> = few.map(|tile| Mutex::new(Known::new(tile, planes))).collect();
    for plane in 0..planes {
        let mut learned = blank(plane);
        for round in 0..WEIGHT_ROUNDS {
            let add = |known: &mut Known, plan: &Plan, sums: &mut Normal| {
                known.add_weights(plan, sums, round > 0);
            };
            let sums = sum(&known, &learned, plane, depth, threads, add, tick)?;
            set_weights(&mut learned, plane, &sums.solve());
        }
        for round in 0..ENERGY_ROUNDS {
            let add = |known: &mut Known, plan: &Plan, sums: &mut Normal| {
                known.add_energy(plan, sums, round > 0);
            };
            let sums = sum(&known, &learned, plane, depth, threads, add, tick)?;
            set_energy(&mut learned, &sums.solve_non_negative());
        }
        model.planes.push(learned);
    }
    drop(known);
    let counts = count(tiles, &model, depth, threads, tick)?;
    for (plane, counts) in model.planes.iter_mut().zip(&counts) {
        let (map, tables) = merge::merge(counts);
        plane.map = map;
        plane.tables = tables.iter().map(|counts| Frequencies::from_counts(counts, ESCAPE)).collect();
    }
    Ok(model)
}

/// A model that predicts the pixel to the left, and counts every error near as much.
fn blank(plane: usize) -> PlaneModel {
    let mut weights = vec![0; taps::prediction(plane).len()];
    weights[0] = 1 << WEIGHT_BITS;
    let energy = vec![16; taps::errors(plane).len() + taps::GRADIENTS.len()];
    let tables = vec![Frequencies::from_counts(&[0; SYMBOLS], ESCAPE)];
    PlaneModel { weights, energy, map: vec![0; CONTEXTS], tables }
}

/// Weights in units, as solved, to those of the model.
fn set_weights(learned: &mut PlaneModel, plane: usize, solution: &[f64]) {
    let one = f64::from(1 << WEIGHT_BITS);
    let mut solution = solution.iter();
    for (group, (start, end)) in groups(plane).into_iter().enumerate() {
        // Rounded one by one; the first tap of the group, which stands for the rest, keeps the sum.
        let mut rest = if group == 0 { 1 << WEIGHT_BITS } else { 0 };
        for (weight, value) in learned.weights[start + 1..end].iter_mut().zip(&mut solution) {
            // With 48 others, the first cannot leave the range either.
            *weight = (value * one).round().clamp(-16384.0, 16384.0) as i16;
            rest -= i32::from(*weight);
        }
        learned.weights[start] = rest.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
        if i32::from(learned.weights[start]) != rest {
            learned.weights[start..end].fill(0);
            learned.weights[start] = if group == 0 { 1 << WEIGHT_BITS } else { 0 };
        }
    }
}

fn set_energy(learned: &mut PlaneModel, solution: &[f64]) {
    let sum: f64 = solution.iter().sum();
    let scale = (f64::from(MAX_ENERGY_WEIGHTS - 64) / sum.max(1e-9)).min(256.0);
    for (weight, value) in learned.energy.iter_mut().zip(solution) {
        *weight = (value * scale).round() as i16;
    }
}

/// First tap and end of every plane's taps in [`taps::prediction`], the own plane first.
fn groups(plane: usize) -> Vec<(usize, usize)> {
    let own = taps::OWN.len();
    let others = (0..plane).map(|q| own + q * taps::OTHER.len());
    std::iter::once((0, own)).chain(others.map(|start| (start, start + taps::OTHER.len()))).collect()
}

/// A tile with the errors that the planes learned so far make.
struct Known {
    pixels: Planes<i32>,
    errors: Planes<i32>,
}

impl Known {
    fn new(tile: &Tile, planes: usize) -> Self {
        let mut pixels = Planes::new(tile.extent, planes);
        for (number, row) in tile.pixels.chunks_exact(tile.extent.width).enumerate() {
            let start = pixels.at(number / tile.extent.height, number % tile.extent.height, 0);
            let target = &mut pixels.elements_mut()[start..start + row.len()];
            target.iter_mut().zip(row).for_each(|(target, &pixel)| *target = pixel.into());
        }
        Self { pixels, errors: Planes::new(tile.extent, planes) }
    }

    /// Go over one pixel in [`SPARSE`] of the plane: `visit(pixels, errors, at, expectation)`.
    fn sample(&mut self, plan: &Plan, mut visit: impl FnMut(&[i32], &[i32], usize, Expectation)) {
        let (extent, plane) = (self.pixels.extent(), plan.plane);
        let mut turn = 0;
        plan.walk(&mut self.pixels, &mut self.errors, |pixels, errors, (y, x), expected| {
            let at = plane * extent.padded() + extent.at(y, x);
            turn += 1;
            if turn == SPARSE {
                // Other columns in every row.
                turn = usize::from(x + SPARSE >= extent.width);
                visit(pixels, errors, at, expected);
            }
            pixels[at]
        });
    }

    /// Equations for the weights. A tap enters as its difference to the first tap of its plane, so that the sums of
    /// the weights stay what they must be.
    fn add_weights(&mut self, plan: &Plan, sums: &mut Normal, weighted: bool) {
        let groups = groups(plan.plane);
        let mut values = Vec::new();
        self.sample(plan, |pixels, errors, at, expected| {
            let near = |elements: &[i32], offset: isize| elements[at.wrapping_add_signed(offset)];
            values.clear();
            for &(start, end) in &groups {
                let first = near(pixels, plan.taps[start].0);
                values.extend(
                    plan.taps[start + 1..end].iter().map(|tap| f64::from(near(pixels, tap.0) - first)),
                );
            }
            let target = f64::from(pixels[at] - near(pixels, plan.taps[0].0));
            let weight = if weighted {
                let around: i32 = plan.errors[..4].iter().map(|error| near(errors, error.0)).sum();
                let miss = (pixels[at] - expected.pixel()).abs();
                1.0 / (f64::from(around + 16) * f64::from(miss + 4))
            } else {
                1.0
            };
            sums.push(&values, target, weight);
        });
    }

    /// Equations for the energy weights.
    fn add_energy(&mut self, plan: &Plan, sums: &mut Normal, weighted: bool) {
        let mut values = Vec::new();
        self.sample(plan, |pixels, errors, at, expected| {
            let near = |elements: &[i32], offset: isize| elements[at.wrapping_add_signed(offset)];
            values.clear();
            values.extend(plan.errors.iter().map(|error| f64::from(near(errors, error.0))));
            let slopes = plan.gradients.iter().map(|&(a, b, _)| (near(pixels, a) - near(pixels, b)).abs());
            values.extend(slopes.map(f64::from));
            let target = f64::from((pixels[at] - expected.pixel()).abs());
            let usual = if weighted {
                f64::from(expected.energy) / 256.0
            } else {
                values.iter().sum::<f64>() / values.len() as f64
            };
            sums.push(&values, target, 1.0 / ((usual + 1.0) * (usual + 1.0)));
        });
    }
}

/// Run `add` on all tiles and add up what it adds.
fn sum(
    known: &[Mutex<Known>],
    learned: &PlaneModel,
    plane: usize,
    depth: Depth,
    threads: usize,
    add: impl Fn(&mut Known, &Plan, &mut Normal) + Sync,
    tick: &mut dyn FnMut() -> Result<()>,
) -> Result<Normal> {
    let mut total = Normal::default();
    let parts = JOBS_OF_TILES.min(known.len().max(1));
    let job = |number: usize| {
        let mut sums = Normal::default();
        for known in known.iter().skip(number).step_by(parts) {
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            let plan = Plan::new(learned, plane, known.pixels.extent(), depth);
            add(&mut known, &plan, &mut sums);
        }
        Ok(sums)
    };
    map_in_order(threads, parts, job, |_, part| {
        total.add(&part);
        tick()
    })?;
    Ok(total)
}

/// Jobs that tiles are dealt to; not the number of threads, on which sums must not depend.
const JOBS_OF_TILES: usize = 64;

/// Symbols of every plane in every context.
fn count(
    tiles: &[Tile],
    model: &Model,
    depth: Depth,
    threads: usize,
    tick: &mut dyn FnMut() -> Result<()>,
) -> Result<Vec<Vec<Counts>>> {
    let planes = model.planes.len();
    let mut total = vec![vec![[0; SYMBOLS]; CONTEXTS]; planes];
    let area: usize = tiles.iter().map(Tile::area).sum();
    let parts = area.div_ceil(JOB_PIXELS).clamp(1, tiles.len().max(1));
    let alias = Alias::of(&model.alias_tables());
    let job = |number: usize| {
        let mut counts = vec![vec![[0u32; SYMBOLS]; CONTEXTS]; planes];
        let (start, end) = (number * tiles.len() / parts, (number + 1) * tiles.len() / parts);
        let mut part: Vec<&Tile> = tiles[start..end].iter().collect();
        part.sort_by_key(|tile| tile.extent.order());
        match depth {
            Depth::Eight => count_lanes(&part, model, &alias, &mut counts),
            Depth::Sixteen => part
                .chunk_by(|a, b| a.extent == b.extent)
                .for_each(|same| count_one_by_one(same, model, &mut counts)),
        }
        Ok(counts)
    };
    map_in_order(threads, parts, job, |_, counts| {
        for (total, part) in total.iter_mut().flatten().zip(counts.iter().flatten()) {
            total.iter_mut().zip(part).for_each(|(total, &part)| *total += u64::from(part));
        }
        tick()
    })?;
    Ok(total)
}

/// Symbols of 8-bit tiles, of which neighbours resemble each other in extent.
fn count_lanes(tiles: &[&Tile], model: &Model, alias: &[Arc<Alias>], counts: &mut [Vec<[u32; SYMBOLS]>]) {
    let mut group = Group::new(Path::best_for(tiles.len()));
    let lanes = group.lanes();
    let mut coded = Vec::new();
    let mut tables: Option<Tables> = None;
    for tiles in tiles.chunks(lanes) {
        let extents = tiles.iter().map(|tile| tile.extent);
        let extent = Extent::largest(extents.clone());
        let tables = match &mut tables {
            Some(tables) if tables.extent() == extent => tables,
            other => other.insert(Tables::new(model, alias, extent)),
        };
        group.fit(tables);
        for (lane, tile) in tiles.iter().enumerate() {
            for (number, pixels) in tile.pixels.chunks_exact(tile.extent.width).enumerate() {
                let height = tile.extent.height;
                let row = group.memory().row_mut(number / height, number % height);
                for (place, &pixel) in row[lane..].iter_mut().step_by(lanes).zip(pixels) {
                    *place = pixel as i16;
                }
            }
        }
        let coded = group.predict(tables, extents, &mut coded);
        for (number, row) in coded.chunks_exact(extent.width * lanes).enumerate() {
            let (counts, y) = (&mut counts[number / extent.height], number % extent.height);
            for (x, pixel) in row.chunks_exact(lanes).enumerate() {
                for (tile, code) in tiles.iter().zip(pixel) {
                    if y < tile.extent.height && x < tile.extent.width {
                        let [context, residual] = code.to_le_bytes();
                        counts[context as usize][residual as usize] += 1;
                    }
                }
            }
        }
    }
}

/// Symbols of 16-bit tiles of one extent.
fn count_one_by_one(tiles: &[&Tile], model: &Model, counts: &mut [Vec<[u32; SYMBOLS]>]) {
    let Some(first) = tiles.first() else { return };
    let Extent { height, width } = first.extent;
    let mut scalar = Scalar::new(model, first.extent, Depth::Sixteen);
    for tile in tiles {
        scalar.walk(|plane, y, x, expected| {
            let pixel = i32::from(tile.pixels[(plane * height + y) * width + x]);
            let (symbol, ..) = token((pixel - expected.pixel()) as u16, Depth::Sixteen);
            counts[plane][expected.context()][symbol as usize] += 1;
            pixel
        });
    }
}

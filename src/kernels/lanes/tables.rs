//! A model as lanes want it. In: a model, and the extent of the images. Out: places of taps in memory, pairs of weights, and
//! decoding tables one after another.

use std::sync::Arc;

use crate::predict::planes::Extent;
use crate::predict::{CONTEXTS, Model, PlaneModel, taps};
use crate::rans::{AliasTable, SYMBOLS};

/// A model as the lanes want it, for one extent.
pub struct Tables {
    extent: Extent,
    planes: Vec<PlaneTables>,
}

/// One plane of [`Tables`].
pub(super) struct PlaneTables {
    /// Two taps at a time: where they lie in elements, and their weights in the halves of a number.
    pub(super) taps: Vec<(isize, isize, i32)>,
    pub(super) errors: Vec<(isize, isize, i32)>,
    /// Pairs of places whose absolute difference is weighed.
    pub(super) gradients: Vec<(isize, isize, i32)>,
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

    /// The extent of the images.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// Number of planes.
    pub(super) fn planes(&self) -> &[PlaneTables] {
        &self.planes
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

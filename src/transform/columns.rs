//! Numbers to integers of the same order, for tables. In: a sample of any dtype. Out: one unsigned integer per
//! element: signed integers shifted by half their range, floats by IEEE total order (so that -0.0, infinities and
//! every NaN payload keep their place and their bits). Each column is then stored from its minimum on.

use super::identity::plain_layer;
use super::{Layer, Scratch, Transform};
use crate::error::Result;
use crate::sample::{NumberKind, SampleLayout};

/// See the module.
#[derive(Debug)]
pub(super) struct Columns {
    layers: [Layer; 1],
    kind: NumberKind,
}

impl Columns {
    pub(super) fn new(layout: &SampleLayout) -> Result<Self> {
        Ok(Self { layers: [plain_layer("columns", layout, true)?], kind: layout.dtype.kind() })
    }

    fn map(&self, from: &[u8], to: &mut [u8], convert: impl Fn(u64, u64) -> u64) {
        let container = self.layers[0].container;
        let sign = 1u64 << (container.bits() - 1);
        for column in 0..self.layers[0].columns {
            container.set(to, column, convert(container.get(from, column), sign));
        }
    }
}

impl Transform for Columns {
    fn layers(&self) -> &[Layer] {
        &self.layers
    }

    fn forward(&self, sample: &[u8], rows: &mut [&mut [u8]], _: &mut Scratch) {
        match self.kind {
            NumberKind::Unsigned => rows[0].copy_from_slice(sample),
            NumberKind::Signed => self.map(sample, rows[0], |value, sign| value ^ sign),
            // Negative numbers grow downwards: flip all their bits, and only the sign of the others.
            NumberKind::Float => {
                self.map(
                    sample,
                    rows[0],
                    |value, sign| if value & sign != 0 { !value } else { value | sign },
                );
            }
        }
    }

    fn inverse(&self, rows: &[&[u8]], sample: &mut [u8], _: &mut Scratch) {
        match self.kind {
            NumberKind::Unsigned => sample.copy_from_slice(rows[0]),
            NumberKind::Signed => self.map(rows[0], sample, |value, sign| value ^ sign),
            NumberKind::Float => {
                self.map(
                    rows[0],
                    sample,
                    |value, sign| if value & sign != 0 { value ^ sign } else { !value },
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::DType;

    #[test]
    fn order_is_kept() {
        let layout = SampleLayout { dtype: DType::Float32, shape: vec![7] };
        let values = [f32::NEG_INFINITY, -1.5, -0.0, 0.0, 1e-40, 2.5, f32::INFINITY];
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let columns = Columns::new(&layout).unwrap();
        let mut row = vec![0; 28];
        columns.forward(&bytes, &mut [&mut row], &mut Scratch::default());
        let integers: Vec<u64> = (0..7).map(|i| columns.layers[0].container.get(&row, i)).collect();
        assert!(integers.windows(2).all(|w| w[0] < w[1]), "{integers:?}");
    }
}

//! Samples to columns and back. In: samples as bytes. Out: rows, one per layer, of unsigned integers whose order is
//! the order of the values.
//!
//! A transform is one file with one type: add the file, a variant of [`Spec`] and an arm of [`build`].

mod colour;
mod columns;
mod cosine;
mod dct;
mod identity;
pub mod table;

use serde::{Deserialize, Serialize};

use crate::bits::Container;
use crate::error::{Error, Result};
use crate::sample::{ImageShape, SampleLayout};

pub use dct::MAX_SIDE;
use table::ColumnSpec;

/// Name and parameters of a transform, as the file's metadata holds them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase", deny_unknown_fields)]
pub enum Spec {
    /// The sample's own bytes.
    Identity,
    /// Reversible differences of colour channels to green.
    Colour,
    /// Numbers to integers of the same order; each column is stored from its minimum on.
    Columns,
    /// YCbCr and a rounded DCT of the whole image.
    Dct {
        /// Whether a second layer holds what the rounding lost.
        exact: bool,
    },
    /// Cells of tables to small integers, each column by a code of its own.
    Table {
        /// Bytes that hold the integer of any column.
        container: u8,
        /// The columns in order.
        columns: Vec<ColumnSpec>,
    },
}

/// The columns of one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Name for `info`.
    pub name: &'static str,
    /// Number of columns.
    pub columns: usize,
    /// Container of every column.
    pub container: Container,
    /// Whether columns are stored as differences to their minimum in the partition, with exact widths.
    pub frame_of_reference: bool,
}

impl Layer {
    /// Bytes of a row of this layer.
    pub fn row_bytes(&self) -> usize {
        self.columns * self.container.bytes()
    }
}

/// Scratch memory of one thread, so that nothing is allocated per sample.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Real numbers of the forward DCT.
    pub floats: Vec<f64>,
    /// Fixed-point numbers of the inverse DCT of 8-bit images.
    pub narrow: Vec<i32>,
    /// Fixed-point numbers of the inverse DCT of 16-bit images.
    pub wide: Vec<i64>,
    /// One sample.
    pub sample: Vec<u8>,
}

/// A reversible (or, for [`Spec::Dct`] without `exact`, nearly reversible) change of representation.
pub trait Transform: Send + Sync {
    /// The layers, in the order a reader wants them.
    fn layers(&self) -> &[Layer];

    /// Whether [`Transform::inverse`] returns exactly what [`Transform::forward`] was given.
    fn is_exact(&self) -> bool {
        true
    }

    /// Whether it was made for certain samples, so that [`Transform::inverse`] may not return others.
    fn is_fitted(&self) -> bool {
        false
    }

    /// One sample to its rows; `rows[k]` has `layers()[k].row_bytes()` bytes.
    fn forward(&self, sample: &[u8], rows: &mut [&mut [u8]], scratch: &mut Scratch);

    /// Rows back to the sample. Where [`Transform::in_place`] holds, the sample's buffer is the only row.
    fn inverse(&self, rows: &[&[u8]], sample: &mut [u8], scratch: &mut Scratch);

    /// Whether there is one layer whose row has the sample's size and may be decoded into the sample's buffer.
    fn in_place(&self) -> bool {
        false
    }

    /// The inverse, for a row that lies in the sample's buffer.
    fn inverse_in_place(&self, _sample: &mut [u8]) {}
}

/// The transform that `spec` names, for samples of `layout`. Samples of different shapes only have the identity, whose
/// layer has no columns then: their coders need none.
///
/// # Errors
/// [`Error::Argument`] where the samples do not fit it, or a column has a dictionary.
pub fn build(spec: &Spec, layout: &SampleLayout) -> Result<Box<dyn Transform>> {
    build_with(spec, layout, &|column| Err(Error::Argument(format!("no dictionary for column {column}"))))
}

/// As [`build()`], where `dictionary` has the section of a column's dictionary.
///
/// # Errors
/// As there; [`Error::Corrupt`] for an impossible dictionary, and what `dictionary` fails with.
pub fn build_with(
    spec: &Spec,
    layout: &SampleLayout,
    dictionary: &dyn Fn(u32) -> Result<Vec<u8>>,
) -> Result<Box<dyn Transform>> {
    let image = || {
        ImageShape::of(layout).ok_or_else(|| {
            Error::Argument(format!(
                "shape {:?} of dtype {} is not an 8- or 16-bit image",
                layout.shape,
                layout.dtype.name()
            ))
        })
    };
    if layout.is_ragged() {
        return match spec {
            Spec::Identity => {
                let none = SampleLayout { dtype: layout.dtype, shape: vec![0] };
                Ok(Box::new(identity::Identity::new(&none)?))
            }
            _ => Err(Error::Argument("samples of different shapes cannot be transformed".to_owned())),
        };
    }
    Ok(match spec {
        Spec::Identity => Box::new(identity::Identity::new(layout)?),
        Spec::Colour => Box::new(colour::Colour::new(layout, image()?)?),
        Spec::Columns => Box::new(columns::Columns::new(layout)?),
        Spec::Dct { exact } => Box::new(dct::Dct::new(layout, image()?, *exact)?),
        Spec::Table { container, columns } => {
            Box::new(table::Table::new(*container, columns, layout, dictionary)?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::DType;

    fn round_trip(spec: &Spec, layout: &SampleLayout, sample: &[u8]) -> Vec<u8> {
        let transform = build(spec, layout).unwrap();
        let mut rows: Vec<Vec<u8>> = transform.layers().iter().map(|l| vec![0; l.row_bytes()]).collect();
        let mut scratch = Scratch::default();
        let mut borrowed: Vec<&mut [u8]> = rows.iter_mut().map(Vec::as_mut_slice).collect();
        transform.forward(sample, &mut borrowed, &mut scratch);
        let mut out = vec![0xEE; sample.len()];
        if transform.in_place() {
            out.copy_from_slice(&rows[0]);
            transform.inverse_in_place(&mut out);
        } else {
            let borrowed: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
            transform.inverse(&borrowed, &mut out, &mut scratch);
        }
        out
    }

    fn noise(len: usize, mut state: u64) -> Vec<u8> {
        let step = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        (0..len).map(step).collect()
    }

    #[test]
    fn exact_transforms_return_every_bit() {
        for dtype in DType::ALL {
            let layout = SampleLayout { dtype, shape: vec![5, 7] };
            let sample = noise(layout.bytes().unwrap(), 7);
            for spec in [Spec::Identity, Spec::Columns] {
                assert_eq!(round_trip(&spec, &layout, &sample), sample, "{spec:?} {dtype:?}");
            }
        }
        for dtype in [DType::UInt8, DType::UInt16] {
            for shape in
                [vec![9, 13], vec![9, 13, 3], vec![3, 9, 13], vec![4, 8, 8], vec![40, 33, 1], vec![1, 1, 3]]
            {
                let layout = SampleLayout { dtype, shape };
                for seed in 0..5 {
                    let sample = noise(layout.bytes().unwrap(), seed);
                    let specs = [Spec::Colour, Spec::Dct { exact: true }];
                    let three = ImageShape::of(&layout).unwrap().channels == 3;
                    for spec in specs.iter().skip(usize::from(!three)) {
                        assert_eq!(round_trip(spec, &layout, &sample), sample, "{spec:?} {layout:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_plain_dct_is_off_by_little() {
        for (shape, limit) in [(vec![32, 32, 3], 3), (vec![28, 28], 2), (vec![3, 57, 91], 3)] {
            let layout = SampleLayout { dtype: DType::UInt8, shape };
            let sample = noise(layout.bytes().unwrap(), 3);
            let back = round_trip(&Spec::Dct { exact: false }, &layout, &sample);
            let worst = sample.iter().zip(&back).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(worst <= limit, "{layout:?}: {worst}");
        }
    }
}

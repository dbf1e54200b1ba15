//! The transform that does nothing. In: a sample. Out: its bytes as one layer of columns of the element's size.

use super::{Layer, Scratch, Transform};
use crate::bits::Container;
use crate::error::Result;
use crate::sample::{DType, SampleLayout};

/// See the module.
#[derive(Debug)]
pub(super) struct Identity {
    layers: [Layer; 1],
}

impl Identity {
    pub(super) fn new(layout: &SampleLayout) -> Result<Self> {
        Ok(Self { layers: [plain_layer("samples", layout, false)?] })
    }
}

/// A layer with one column per element of the sample, in containers of the element's size.
pub(super) fn plain_layer(
    name: &'static str,
    layout: &SampleLayout,
    frame_of_reference: bool,
) -> Result<Layer> {
    let columns = layout.elements()?;
    Ok(Layer { name, columns, container: container_of(layout.dtype), frame_of_reference })
}

/// The container of one element.
const fn container_of(dtype: DType) -> Container {
    match dtype.size() {
        1 => Container::U8,
        2 => Container::U16,
        4 => Container::U32,
        _ => Container::U64,
    }
}

impl Transform for Identity {
    fn layers(&self) -> &[Layer] {
        &self.layers
    }

    fn forward(&self, sample: &[u8], rows: &mut [&mut [u8]], _: &mut Scratch) {
        rows[0].copy_from_slice(sample);
    }

    fn inverse(&self, rows: &[&[u8]], sample: &mut [u8], _: &mut Scratch) {
        sample.copy_from_slice(rows[0]);
    }

    fn in_place(&self) -> bool {
        true
    }
}

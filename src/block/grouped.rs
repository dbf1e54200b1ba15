//! The parameters section of a block of the coder `grouped`. In: column minima and widths, and a model. Out: bytes, and back.

use super::parameters::{Columns, FIXED_BYTES, Input, number};
use crate::bits::{BitLayout, BitWriter};
use crate::coder::grouped::model::{MAX_GROUP, Model};
use crate::coder::grouped::{read, write};
use crate::transform::Layer;

/// Number of the coder in the file, the first byte of the section.
pub const CODER_GROUPED: u8 = 3;

/// What is stored of a block whose rows are entropy-coded in groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupedParameters {
    /// Number of rows.
    pub rows: u64,
    /// Rows of a group.
    pub group: u64,
    /// Exact widths of the columns.
    pub layout: BitLayout,
    /// Minimum of each column, where the layer stores differences to it.
    pub offsets: Option<Vec<u64>>,
    /// What was learned.
    pub model: Model,
}

impl GroupedParameters {
    /// The section's payload.
    pub fn to_bytes(&self) -> Vec<u8> {
        let columns = Columns { layout: &self.layout, offsets: self.offsets.as_deref() };
        let mut bytes = columns.head(CODER_GROUPED, 0, self.rows, self.group);
        columns.write(&mut bytes);
        let mut writer = BitWriter::default();
        write(&self.model, &self.layout.widths, &mut writer);
        bytes.extend(writer.finish());
        bytes
    }

    /// Read the section of a block of `layer` with `rows` rows.
    ///
    /// # Errors
    /// A description of the first contradiction.
    pub fn from_bytes(bytes: &[u8], layer: &Layer, rows: u64) -> Result<Self, String> {
        let mut input = Input { bytes };
        let fixed = input.take(FIXED_BYTES as u64)?;
        let (layout, offsets) = input.columns(fixed, 0, layer, rows)?;
        let group = number(&fixed[16..24]);
        if group == 0 || group > MAX_GROUP as u64 {
            return Err(format!("groups of {group} rows"));
        }
        let model = read(input.bytes, &layout.widths)?;
        Ok(Self { rows, group, layout, offsets, model })
    }

    /// The offsets as a row; empty where there are none or all are zero.
    pub fn offset_row(&self) -> Vec<u8> {
        Columns { layout: &self.layout, offsets: self.offsets.as_deref() }.offset_row()
    }
}

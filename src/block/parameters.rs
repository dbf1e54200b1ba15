//! The parameters section of a block (the paper's compression parameters, S_params). In: column minima and widths,
//! base positions, constant bits. Out: bytes as `docs/format.md` maps them, and back with every number checked
//! against the layer and the section's length.

use crate::bits::{BitLayout, Container, ones_of_words, pack_positions, unpack_positions};
use crate::coder::Packed;
use crate::transform::Layer;

/// Number of the packed coder.
const CODER_PACKED: u8 = 0;
const FLAG_OFFSETS: u8 = 1;
const FLAG_SPLIT: u8 = 2;
/// Bytes before the columns.
pub(super) const FIXED_BYTES: usize = 24;
/// Blocks of more bit positions (rows of more than 1 MiB) are stored without a split: the search and its masks need
/// many bytes per position, and rows that large share nothing.
pub const MAX_SPLIT_BITS: u64 = 1 << 23;

/// Base positions as masks over the row's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSplit {
    /// `B_pos`: all base positions, the constant ones too.
    pub base: Vec<u64>,
    /// The constant positions among them.
    pub constant: Vec<u64>,
    /// Their values.
    pub values: Vec<u64>,
    /// `n_b`.
    pub bases: u64,
}

/// What a reader must know of a block besides its records and bases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Number of rows.
    pub rows: u64,
    /// Exact widths of the columns.
    pub layout: BitLayout,
    /// Minimum of each column, where the layer stores differences to it.
    pub offsets: Option<Vec<u64>>,
    /// `None`: every bit is a deviation bit.
    pub split: Option<StoredSplit>,
}

impl Parameters {
    /// `S_params` of Eq. 1 in bits, for a block with a split: all of this section that does not depend on it.
    pub fn size_bits(layout: &BitLayout, offsets: Option<&[u64]>) -> u64 {
        let columns = offsets.map_or(0, |offsets| (offset_bytes(offsets) + 1) * offsets.len());
        8 * (FIXED_BYTES + columns) as u64 + layout.total_bits()
    }

    /// The section's payload.
    pub fn to_bytes(&self) -> Vec<u8> {
        let columns = Columns { layout: &self.layout, offsets: self.offsets.as_deref() };
        let flags = if self.split.is_some() { FLAG_SPLIT } else { 0 };
        let bases = self.split.as_ref().map_or(1, |split| split.bases);
        let mut bytes = columns.head(CODER_PACKED, flags, self.rows, bases);
        columns.write(&mut bytes);
        if let Some(split) = &self.split {
            bytes.extend(pack_positions(&self.layout, &self.layout.mask(), &split.base));
            bytes.extend(pack_positions(&self.layout, &split.base, &split.constant));
            bytes.extend(pack_positions(&self.layout, &split.constant, &split.values));
        }
        bytes
    }

    /// Read the section of a block of `layer` with `rows` rows.
    ///
    /// # Errors
    /// A description of the first contradiction.
    pub fn from_bytes(bytes: &[u8], layer: &Layer, rows: u64) -> Result<Self, String> {
        let mut input = Input { bytes };
        let fixed = input.take(FIXED_BYTES as u64)?;
        let (coder, flags, bases) = (fixed[0], fixed[2], number(&fixed[16..24]));
        if coder != CODER_PACKED {
            return Err(format!("coder {coder} is unknown"));
        }
        let (layout, offsets) = input.columns(fixed, FLAG_SPLIT, layer, rows)?;
        let mut split = None;
        if flags & FLAG_SPLIT != 0 {
            if bases == 0 || bases > rows {
                return Err(format!("{bases} bases for {rows} rows"));
            }
            if layout.total_bits() > MAX_SPLIT_BITS {
                return Err(format!("a split of {} bit positions", layout.total_bits()));
            }
            let all = layout.mask();
            let mut masks = |within: &[u64]| -> Result<Vec<u64>, String> {
                let packed = input.take(ones_of_words(within).div_ceil(8))?;
                Ok(unpack_positions(&layout, within, packed))
            };
            let base = masks(&all)?;
            let constant = masks(&base)?;
            let values = masks(&constant)?;
            split = Some(StoredSplit { base, constant, values, bases });
        } else if bases != 1 {
            return Err(format!("{bases} bases without a split"));
        }
        if !input.bytes.is_empty() {
            return Err(format!("{} bytes too many", input.bytes.len()));
        }
        Ok(Self { rows, layout, offsets, split })
    }

    /// `v`: positions that are the same in all rows.
    pub fn constant_bits(&self) -> u64 {
        self.split.as_ref().map_or(0, |split| ones_of_words(&split.constant))
    }

    /// The coder that these parameters describe.
    pub fn coder(&self) -> Packed {
        let all = self.layout.mask();
        match &self.split {
            None => {
                let none = vec![0; all.len()];
                Packed::new(&all, &none, &none, &none, 1)
            }
            Some(StoredSplit { base, constant, values, bases }) => {
                let shared: Vec<u64> =
                    base.iter().zip(constant).map(|(base, constant)| base & !constant).collect();
                Packed::new(&all, &shared, constant, values, *bases)
            }
        }
    }

    /// The offsets as a row; empty where there are none or all are zero.
    pub fn offset_row(&self) -> Vec<u8> {
        Columns { layout: &self.layout, offsets: self.offsets.as_deref() }.offset_row()
    }
}

/// What every coder of columns stores of them.
pub(super) struct Columns<'a> {
    pub(super) layout: &'a BitLayout,
    pub(super) offsets: Option<&'a [u64]>,
}

impl Columns<'_> {
    /// The first [`FIXED_BYTES`] bytes; `last` is what the coder stores in the last eight of them.
    pub(super) fn head(&self, coder: u8, flags: u8, rows: u64, last: u64) -> Vec<u8> {
        let flags = flags | if self.offsets.is_some() { FLAG_OFFSETS } else { 0 };
        let width = self.offsets.map_or(0, offset_bytes);
        let mut bytes = vec![coder, self.layout.container.bytes() as u8, flags, width as u8];
        bytes.extend((self.layout.widths.len() as u32).to_le_bytes());
        bytes.extend(rows.to_le_bytes());
        bytes.extend(last.to_le_bytes());
        bytes
    }

    /// Append offsets and widths, where there are any.
    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        if let Some(offsets) = self.offsets {
            let width = offset_bytes(offsets);
            bytes.extend(offsets.iter().flat_map(|offset| offset.to_le_bytes().into_iter().take(width)));
            bytes.extend(&self.layout.widths);
        }
    }

    /// The offsets as a row; empty where there are none or all are zero.
    pub(super) fn offset_row(&self) -> Vec<u8> {
        let Some(offsets) = self.offsets.filter(|offsets| offsets.iter().any(|&offset| offset != 0)) else {
            return Vec::new();
        };
        let mut row = vec![0; self.layout.row_bytes()];
        for (column, &offset) in offsets.iter().enumerate() {
            self.layout.container.set(&mut row, column, offset);
        }
        row
    }
}

/// Bytes that hold the largest offset: 0, 1, 2, 4 or 8.
fn offset_bytes(offsets: &[u64]) -> usize {
    match offsets.iter().max().copied().unwrap_or(0) {
        0 => 0,
        1..=0xFF => 1,
        0x100..=0xFFFF => 2,
        0x1_0000..=0xFFFF_FFFF => 4,
        _ => 8,
    }
}

pub(super) fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte))
}

pub(super) struct Input<'a> {
    pub(super) bytes: &'a [u8],
}

impl<'a> Input<'a> {
    pub(super) fn take(&mut self, count: u64) -> Result<&'a [u8], String> {
        let have = self.bytes.len() as u64;
        if count > have {
            return Err(format!("it ends where {count} bytes more are needed, {have} are left"));
        }
        let (head, rest) = self.bytes.split_at(count as usize);
        self.bytes = rest;
        Ok(head)
    }

    /// Check the bytes before the columns, `fixed`, where the coder may have set `flags`, and read offsets and widths.
    pub(super) fn columns(
        &mut self,
        fixed: &[u8],
        flags: u8,
        layer: &Layer,
        rows: u64,
    ) -> Result<(BitLayout, Option<Vec<u64>>), String> {
        let (container, found, width) = (fixed[1], fixed[2], fixed[3] as usize);
        let columns = number(&fixed[4..8]);
        if Container::from_bytes(container.into()) != Some(layer.container) || columns != layer.columns as u64
        {
            let (want, have) = (layer.container.bytes(), layer.columns);
            return Err(format!(
                "{columns} columns of {container} bytes where the layer has {have} of {want}"
            ));
        }
        if number(&fixed[8..16]) != rows {
            return Err(format!("{} rows where the partition has {rows}", number(&fixed[8..16])));
        }
        if found & !(FLAG_OFFSETS | flags) != 0 || (found & FLAG_OFFSETS != 0) != layer.frame_of_reference {
            return Err(format!("impossible flags {found}"));
        }
        let mut layout = BitLayout::full(layer.columns, layer.container);
        if found & FLAG_OFFSETS == 0 {
            if width != 0 {
                return Err(format!("offsets of {width} bytes that are not there"));
            }
            return Ok((layout, None));
        }
        if ![0, 1, 2, 4, 8].contains(&width) || width > layer.container.bytes() {
            return Err(format!("offsets of {width} bytes"));
        }
        let values = self.take(columns * width as u64)?;
        let offsets = if width == 0 {
            vec![0; layer.columns]
        } else {
            values.chunks_exact(width).map(number).collect()
        };
        layout.widths = self.take(columns)?.to_vec();
        let limit = layer.container.bits() as u8;
        if let Some(bad) = layout.widths.iter().find(|&&width| width > limit) {
            return Err(format!("a column of {bad} bits in a container of {limit}"));
        }
        Ok((layout, Some(offsets)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(frame_of_reference: bool) -> Layer {
        Layer { name: "test", columns: 5, container: Container::U16, frame_of_reference }
    }

    fn example(frame_of_reference: bool) -> Parameters {
        let mut layout = BitLayout::full(5, Container::U16);
        if frame_of_reference {
            layout.widths = vec![3, 0, 16, 7, 9];
        }
        let all = layout.mask();
        let base: Vec<u64> = all.iter().map(|w| w & 0x3333_3333_3333_3333).collect();
        let constant: Vec<u64> = base.iter().map(|w| w & 0x1111_1111_1111_1111).collect();
        let values = constant.iter().map(|w| w & 0x0101_0101_0101_0101).collect();
        Parameters {
            rows: 12,
            layout,
            offsets: frame_of_reference.then(|| vec![0, 7, 300, 65535, 1]),
            split: Some(StoredSplit { base, constant, values, bases: 3 }),
        }
    }

    #[test]
    fn parameters_survive_bytes() {
        for frame in [false, true] {
            let mut parameters = example(frame);
            let bytes = parameters.to_bytes();
            assert_eq!(Parameters::from_bytes(&bytes, &layer(frame), 12).unwrap(), parameters);
            parameters.split = None;
            let bytes = parameters.to_bytes();
            assert_eq!(Parameters::from_bytes(&bytes, &layer(frame), 12).unwrap(), parameters);
        }
    }

    #[test]
    fn every_truncation_and_extension_is_an_error() {
        let bytes = example(true).to_bytes();
        for len in 0..bytes.len() {
            assert!(Parameters::from_bytes(&bytes[..len], &layer(true), 12).is_err(), "{len}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(Parameters::from_bytes(&longer, &layer(true), 12).is_err());
        assert!(Parameters::from_bytes(&bytes, &layer(true), 13).is_err());
        assert!(Parameters::from_bytes(&bytes, &layer(false), 12).is_err());
    }
}

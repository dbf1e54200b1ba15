//! The parameters section of a block of the coder `rans`. In: a model. Out: bytes, and back.

use crate::coder::Codec;
use crate::container::{FileReader, SectionId, SectionKind};
use crate::predict::Model;
use crate::predict::tiles::TILE_SIDES;
use crate::sample::Images;

/// Number of the coder in the file, the first byte of the section.
pub const CODER_RANS: u8 = 1;

const FIXED_BYTES: usize = 16;

/// What is stored of a block whose pixels are predicted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PredictedParameters {
    /// Number of rows.
    pub rows: u64,
    /// Longest side of a tile.
    pub tile_side: u16,
    /// What was learned, or the partition whose section holds it.
    pub model: Stored,
}

/// Where a model is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// In this section.
    Here(Model),
    /// In the section of another partition.
    With(u32),
}

impl PredictedParameters {
    /// The section's payload.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (planes, with) = match &self.model {
            Stored::Here(model) => (model.planes.len(), 0),
            Stored::With(partition) => (0, partition + 1),
        };
        let mut bytes = vec![CODER_RANS, planes as u8];
        bytes.extend(self.tile_side.to_le_bytes());
        bytes.extend(with.to_le_bytes());
        bytes.extend(self.rows.to_le_bytes());
        if let Stored::Here(model) = &self.model {
            bytes.extend(model.to_bytes());
        }
        bytes
    }

    /// Read the section of a block of `rows` images.
    ///
    /// # Errors
    /// A description of the first contradiction.
    pub fn from_bytes(bytes: &[u8], images: &Images, rows: u64) -> Result<Self, String> {
        let (fixed, model) = bytes
            .split_at_checked(FIXED_BYTES)
            .ok_or_else(|| format!("{} bytes are too few", bytes.len()))?;
        let planes = usize::from(fixed[1]);
        let tile_side = u16::from_le_bytes([fixed[2], fixed[3]]);
        let stored_rows = fixed[8..].iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte));
        if stored_rows != rows {
            return Err(format!("{stored_rows} rows where the partition has {rows}"));
        }
        let with = fixed[4..8].iter().rev().fold(0, |value, &byte| value << 8 | u32::from(byte));
        if !TILE_SIDES.contains(&tile_side.into()) {
            return Err(format!("tiles with sides of {tile_side}"));
        }
        let model = match with.checked_sub(1) {
            Some(_) if planes != 0 || !model.is_empty() => return Err("two models".to_owned()),
            Some(partition) => Stored::With(partition),
            None if planes != images.channels => {
                return Err(format!("{planes} planes where an image has {}", images.channels));
            }
            None => Stored::Here(Model::from_bytes(model, planes)?),
        };
        Ok(Self { rows, tile_side, model })
    }
}

/// Read the codec that is stored with partition `partition` of `rows` of the `images`.
///
/// # Errors
/// [`crate::Error::Corrupt`] where there is none, [`crate::Error::Io`].
pub fn open_codec(
    file: &FileReader,
    partition: u32,
    images: Option<Images>,
    rows: u64,
) -> crate::error::Result<Codec> {
    let id = SectionId { kind: SectionKind::Parameters, partition, layer: 0 };
    let mut buffer = Vec::new();
    let bytes = file.read_all(file.section(id)?, &mut buffer)?;
    let (Some(&CODER_RANS), Some(images)) = (bytes.first(), images) else {
        return Err(file.corrupt(id, "it holds no model"));
    };
    let parameters = PredictedParameters::from_bytes(bytes, &images, rows);
    match parameters.map_err(|detail| file.not_understood(id, detail))? {
        PredictedParameters { model: Stored::Here(model), tile_side, .. } => {
            Ok(Codec::new(model, images, tile_side.into()))
        }
        _ => Err(file.corrupt(id, "it holds no model")),
    }
}

//! The metadata section: what the file says about itself, as JSON. In: what the writer knows. Out: a checked
//! description. Only this section uses serde; every other byte of the format is written by hand.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::container::MAX_METADATA_BYTES;
use crate::error::{Error, Result};
use crate::sample::{DType, SampleLayout};
use crate::transform::Spec;
use crate::transform::table::{ColumnSpec, is_record};

/// Upper limit of the number of samples: rows are numbered with 32 bits.
pub const MAX_SAMPLES: u64 = u32::MAX as u64;

/// Content of the metadata section.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Metadata {
    /// Library and version that wrote the file.
    pub writer: String,
    /// Number of samples.
    pub num_samples: u64,
    /// Dtype and shape of the sample field.
    pub sample: SampleLayout,
    /// Dtypes of the cells, where samples are records: bytes of shape (row bytes,), the cells one after another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<DType>>,
    /// Bytes of all samples, where these differ in shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_bytes: Option<u64>,
    /// The preset asked for ("fast", "paper").
    pub preset: String,
    /// What turns rows back into samples.
    pub transform: Spec,
    /// Whether decoding returns every bit of the source.
    pub exact: bool,
    /// Largest absolute difference to the source, measured over all samples; 0 where `exact`.
    pub max_error: f64,
    /// Digest of all decoded samples, see [`digest`], in hexadecimal.
    pub digest: String,
    /// Partitions in order.
    pub partitions: Vec<Partition>,
    /// Raw fields in order.
    pub fields: Vec<FieldLayout>,
    /// The JSON of the caller, kept as it was written: classes, source, and what a user adds.
    pub user: Box<RawValue>,
}

/// One partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// Class name, or "all".
    pub name: String,
    /// Number of its samples.
    pub count: u64,
}

/// One raw field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldLayout {
    /// Name, unique in the file.
    pub name: String,
    /// Dtype and shape of one sample's value.
    #[serde(flatten)]
    pub layout: SampleLayoutOpen,
}

/// [`SampleLayout`] inside a flattened struct, where serde cannot deny unknown keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleLayoutOpen {
    /// Element type.
    pub dtype: crate::sample::DType,
    /// Shape of one sample's value.
    pub shape: Vec<u64>,
}

impl FieldLayout {
    /// Bytes of one sample's value.
    ///
    /// # Errors
    /// As [`SampleLayout::bytes`].
    pub fn bytes(&self) -> Result<usize> {
        SampleLayout { dtype: self.layout.dtype, shape: self.layout.shape.clone() }.bytes()
    }
}

impl Metadata {
    /// Read the section and check what it says against itself.
    ///
    /// # Errors
    /// A description of the first contradiction.
    pub fn from_json(bytes: &[u8]) -> std::result::Result<Self, String> {
        let metadata: Self = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        if metadata.num_samples > MAX_SAMPLES {
            return Err(format!("{} samples; at most {MAX_SAMPLES} are possible", metadata.num_samples));
        }
        let total = metadata.partitions.iter().try_fold(0u64, |sum, p| sum.checked_add(p.count));
        if total != Some(metadata.num_samples) {
            return Err("the partitions do not add up to the number of samples".to_owned());
        }
        if let Some(columns) = &metadata.columns {
            check_columns(columns, &metadata.sample)?;
        }
        if let Spec::Table { columns, .. } = &metadata.transform {
            let expected = metadata.columns.as_deref();
            let same = |(number, column): (usize, &ColumnSpec)| match expected {
                Some(expected) => expected.get(number) == Some(&column.dtype),
                None => column.dtype == metadata.sample.dtype,
            };
            if !columns.iter().enumerate().all(same) {
                return Err("the columns of the transform are not those of the samples".to_owned());
            }
        }
        if metadata.sample.is_ragged() != metadata.total_bytes.is_some() {
            return Err("total_bytes goes with samples of different shapes, and only with them".to_owned());
        }
        Ok(metadata)
    }

    /// The section's payload, which [`Metadata::from_json`] is known to accept.
    ///
    /// # Errors
    /// [`Error::Argument`] where no reader would take it.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let refuse = |detail: String| Error::Argument(format!("the metadata cannot be stored: {detail}"));
        let json = serde_json::to_vec(self).map_err(|e| refuse(e.to_string()))?;
        if json.len() as u64 > MAX_METADATA_BYTES {
            return Err(refuse(format!("{} bytes of JSON; at most {MAX_METADATA_BYTES} fit", json.len())));
        }
        Self::from_json(&json).map_err(refuse)?;
        Ok(json)
    }
}

/// Check that records of `layout` are cells of these dtypes.
///
/// # Errors
/// What they are instead.
pub fn check_columns(columns: &[DType], layout: &SampleLayout) -> std::result::Result<(), String> {
    let bytes: usize = columns.iter().map(|column| column.size()).sum();
    if is_record(layout) && layout.shape[0] == bytes as u64 {
        return Ok(());
    }
    Err(format!(
        "{} columns of {bytes} bytes need samples of dtype uint8 and shape ({bytes},), not {} and {}",
        columns.len(),
        layout.dtype.name(),
        layout.shape_text()
    ))
}

/// Digest of one sample; a data set's digest is their sum modulo 2^64, which does not depend on the order of
/// decoding: xxh3-64 of the sample's bytes with the sample's index as seed.
pub fn digest(sample: &[u8], index: u64) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(sample, index)
}

/// Hexadecimal form of a digest.
pub fn digest_text(digest: u64) -> String {
    format!("{digest:016x}")
}

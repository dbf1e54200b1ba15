//! Presets. In: a preset's name, what the samples are, and for tables all of them. Out: the transform that will be used.

use super::{CompressOptions, Input};
use crate::error::{Error, Result};
use crate::sample::{Images, SampleLayout};
use crate::transform::Spec;
use crate::transform::table::{self, Fitted};

/// What a user picks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// `small` for images, `paper` for tables.
    Auto,
    /// Filtered rows of pixels for images; otherwise packed, tables as by `paper`. Always bit-exact.
    Fast,
    /// The paper's: YCbCr and DCT for images, small integers for tables.
    Paper,
    /// Pixels predicted with a model learned from the data, residuals entropy-coded. What is no 8- or 16-bit image is a
    /// row of integers, predicted and entropy-coded in groups of rows. Always bit-exact.
    Small,
    /// Every sample as it is: the fastest to read.
    Raw,
}

impl Preset {
    const NAMES: [(Self, &'static str); 5] = [
        (Self::Auto, "auto"),
        (Self::Small, "small"),
        (Self::Fast, "fast"),
        (Self::Paper, "paper"),
        (Self::Raw, "raw"),
    ];

    /// The preset called `name`.
    ///
    /// # Errors
    /// [`Error::Argument`] lists the names.
    pub fn from_name(name: &str) -> Result<Self> {
        Self::NAMES.iter().find(|entry| entry.1 == name).map(|entry| entry.0).ok_or_else(|| {
            Error::Argument(format!(
                "preset '{name}' does not exist; presets are auto, small, fast, paper and raw"
            ))
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|entry| entry.0 == self).map_or("auto", |entry| entry.1)
    }

    /// What the preset stands for with samples of `layout`.
    #[must_use]
    pub fn resolve(self, layout: &SampleLayout) -> Self {
        match self {
            Self::Auto | Self::Small if Images::of(layout).is_some() => Self::Small,
            Self::Auto => Self::Paper,
            other => other,
        }
    }
}

/// Whether `preset` (resolved) filters the rows of images of `layout`.
pub(super) fn filters_rows(preset: Preset, layout: &SampleLayout) -> bool {
    preset == Preset::Fast && Images::of(layout).is_some()
}

/// Rows of more elements are no table: nothing is tried on their columns.
const MAX_TABLE_COLUMNS: u64 = table::fit::MAX_FITTED as u64;

/// The transform for `input`. `tick` is called now and then, where that takes a look at all samples.
pub(super) fn choose(
    input: &Input<'_>,
    options: &CompressOptions,
    threads: usize,
    tick: &mut dyn FnMut() -> Result<()>,
) -> Result<Fitted> {
    let layout = &input.layout;
    let is_image = Images::of(layout).is_some();
    let is_table = !is_image && (input.columns.is_some() || is_rows(layout));
    let spec = match options.preset.resolve(layout) {
        Preset::Paper | Preset::Fast | Preset::Small if is_table => {
            let columns = input.columns.as_ref().map(|columns| &columns.dtypes[..]);
            return table::fit(layout, columns, input.num_samples as u32, input.source, threads, tick);
        }
        Preset::Paper if layout.is_ragged() => {
            return Err(Error::Argument(
                "the preset paper needs images of one shape; use small, fast or raw, or resize the images"
                    .to_owned(),
            ));
        }
        Preset::Paper if is_image => Spec::Dct { exact: options.exact },
        Preset::Paper | Preset::Small if !is_image => Spec::Columns,
        _ => Spec::Identity,
    };
    Ok(Fitted { spec, dictionaries: Vec::new() })
}

/// Whether a sample is a row of a table.
fn is_rows(layout: &SampleLayout) -> bool {
    matches!(layout.shape[..], [columns] if columns <= MAX_TABLE_COLUMNS)
}

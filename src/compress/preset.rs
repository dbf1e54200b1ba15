//! Presets. In: a preset's name and what the samples are. Out: the transform that will be used.

use super::{CompressOptions, Input};
use crate::error::{Error, Result};
use crate::sample::{Images, SampleLayout};
use crate::transform::Spec;

/// What a user picks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// `small` for images, `paper` for tables.
    Auto,
    /// Filtered rows of pixels for images; otherwise packed. Always bit-exact.
    Fast,
    /// The paper's: YCbCr and DCT for images, order-preserving integers for tables.
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

/// The transform for `input`.
pub(super) fn choose(input: &Input<'_>, options: &CompressOptions) -> Result<Spec> {
    let images = Images::of(&input.layout);
    match options.preset.resolve(&input.layout) {
        Preset::Paper if input.layout.is_ragged() => Err(Error::Argument(
            "the preset paper needs images of one shape; use small, fast or raw, or resize the images"
                .to_owned(),
        )),
        Preset::Paper if images.is_some() => Ok(Spec::Dct { exact: options.exact }),
        Preset::Paper => Ok(Spec::Columns),
        Preset::Small if images.is_none() => Ok(Spec::Columns),
        _ => Ok(Spec::Identity),
    }
}

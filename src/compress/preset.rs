//! Presets. In: a preset's name and what the samples are. Out: the transform that will be used.

use super::{CompressOptions, Input};
use crate::bits::{BitLayout, count_ones, slice_rows};
use crate::block::{MAX_SPLIT_BITS, Parameters};
use crate::entropy::BitStats;
use crate::error::{Error, Result};
use crate::sample::{DType, ImageShape, SampleLayout};
use crate::split::{self, SizeModel};
use crate::transform::{self, Scratch, Spec};

/// Samples on which `fast` compares its transforms.
const TRIAL_SAMPLES: u64 = 2048;
const TRIAL_BYTES: u64 = 16 << 20;

/// What a user picks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// `small` for images, `paper` for tables.
    Auto,
    /// Filtered rows of pixels for 8-bit images; otherwise reversible colour or nothing, then packed. Always bit-exact.
    Fast,
    /// The paper's: YCbCr and DCT for images, order-preserving integers for tables.
    Paper,
    /// Pixels predicted with a model learned from the data, residuals entropy-coded; always bit-exact. What is no
    /// 8- or 16-bit image is compressed as by `paper`, exactly.
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
            Self::Auto | Self::Small if ImageShape::of(layout).is_some() => Self::Small,
            Self::Auto | Self::Small => Self::Paper,
            other => other,
        }
    }
}

/// Whether `preset` (resolved) filters the rows of images of `layout`.
pub(super) fn filters_rows(preset: Preset, layout: &SampleLayout) -> bool {
    preset == Preset::Fast && layout.dtype == DType::UInt8 && ImageShape::of(layout).is_some()
}

/// The transform for `input`.
pub(super) fn choose(input: &Input<'_>, options: &CompressOptions) -> Result<Spec> {
    let image = ImageShape::of(&input.layout);
    match options.preset.resolve(&input.layout) {
        Preset::Paper if image.is_some() => Ok(Spec::Dct { exact: options.exact }),
        Preset::Paper => Ok(Spec::Columns),
        Preset::Raw | Preset::Small => Ok(Spec::Identity),
        preset if filters_rows(preset, &input.layout) => Ok(Spec::Identity),
        _ if image.is_some_and(|image| image.channels == 3) => {
            let plain = trial_size(input, &Spec::Identity)?;
            let colour = trial_size(input, &Spec::Colour)?;
            // Undoing the colour costs decoding time: it must bring something.
            Ok(if colour < plain / 100 * 98 { Spec::Colour } else { Spec::Identity })
        }
        _ => Ok(Spec::Identity),
    }
}

/// `S` of evenly spaced samples under `spec`.
fn trial_size(input: &Input<'_>, spec: &Spec) -> Result<u128> {
    let sample_bytes = input.layout.bytes()? as u64;
    let count = input.num_samples.min(TRIAL_SAMPLES).min(TRIAL_BYTES / sample_bytes.max(1));
    let row_bytes = sample_bytes as usize;
    let layer = transform::build(spec, &input.layout)?;
    let layout = BitLayout::full(layer.layers()[0].columns, layer.layers()[0].container);
    if count == 0 || layout.total_bits() > MAX_SPLIT_BITS {
        return Ok(0);
    }
    let ids: Vec<u32> = (0..count).map(|i| (i * input.num_samples / count) as u32).collect();
    let mut samples = vec![0; ids.len() * row_bytes];
    input.source.read(&ids, &mut samples)?;
    let mut rows = vec![0; samples.len()];
    let mut scratch = Scratch::default();
    for (sample, row) in samples.chunks_exact(row_bytes).zip(rows.chunks_exact_mut(row_bytes)) {
        layer.forward(sample, &mut [row], &mut scratch);
    }
    let row_bits = layout.row_bits();
    let mut counts = vec![0; layout.row_words() * 64];
    count_ones(&rows, row_bytes, &mut counts);
    let stats = BitStats::new(count, &counts, &row_bits);
    let model = SizeModel {
        samples: count,
        condensed: 0,
        total_bits: layout.total_bits(),
        parameter_bits: Parameters::size_bits(&layout, None),
    };
    let found = split::search(
        &stats,
        &model,
        None,
        row_bits.len(),
        |positions| {
            let wanted: Vec<u32> = positions.iter().map(|&p| row_bits[p as usize]).collect();
            Ok(slice_rows(&rows, row_bytes, &wanted))
        },
        || Ok(()),
    )?;
    Ok(found.size_bits)
}

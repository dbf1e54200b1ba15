//! What a sample is. In: a dtype name and a shape. Out: sizes in bytes, checked against overflow.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Upper limit of one sample's size: larger things are not samples but data sets.
pub const MAX_SAMPLE_BYTES: u64 = 1 << 28;

/// Element type of a field. Values are little-endian on disk and in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are NumPy's")]
pub enum DType {
    Bool,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Int8,
    Int16,
    Int32,
    Int64,
    Float16,
    Float32,
    Float64,
}

/// How the bits of a dtype are to be read as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberKind {
    /// `bool` and unsigned integers.
    Unsigned,
    /// Two's complement integers.
    Signed,
    /// IEEE 754 binary floating point.
    Float,
}

impl DType {
    /// Every dtype, in the order of the format document.
    pub const ALL: [Self; 12] = [
        Self::Bool,
        Self::UInt8,
        Self::UInt16,
        Self::UInt32,
        Self::UInt64,
        Self::Int8,
        Self::Int16,
        Self::Int32,
        Self::Int64,
        Self::Float16,
        Self::Float32,
        Self::Float64,
    ];

    /// NumPy's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::UInt8 => "uint8",
            Self::UInt16 => "uint16",
            Self::UInt32 => "uint32",
            Self::UInt64 => "uint64",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Float16 => "float16",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
        }
    }

    /// The dtype NumPy calls `name`.
    ///
    /// # Errors
    /// [`Error::Type`] lists the supported names.
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|d| d.name() == name).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|d| d.name()).collect();
            Error::Type(format!("dtype {name} is not supported; supported are {}", known.join(", ")))
        })
    }

    /// Size of one element in bytes: 1, 2, 4 or 8.
    pub const fn size(self) -> usize {
        match self {
            Self::Bool | Self::UInt8 | Self::Int8 => 1,
            Self::UInt16 | Self::Int16 | Self::Float16 => 2,
            Self::UInt32 | Self::Int32 | Self::Float32 => 4,
            Self::UInt64 | Self::Int64 | Self::Float64 => 8,
        }
    }

    /// How its bits are a number.
    pub const fn kind(self) -> NumberKind {
        match self {
            Self::Bool | Self::UInt8 | Self::UInt16 | Self::UInt32 | Self::UInt64 => NumberKind::Unsigned,
            Self::Int8 | Self::Int16 | Self::Int32 | Self::Int64 => NumberKind::Signed,
            Self::Float16 | Self::Float32 | Self::Float64 => NumberKind::Float,
        }
    }
}

/// Dtype and shape of one sample of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleLayout {
    /// Element type.
    pub dtype: DType,
    /// Shape of one sample; empty for a scalar.
    pub shape: Vec<u64>,
}

impl SampleLayout {
    /// Number of elements of one sample.
    ///
    /// # Errors
    /// [`Error::Argument`] where the sample would be larger than [`MAX_SAMPLE_BYTES`].
    pub fn elements(&self) -> Result<usize> {
        let limit = MAX_SAMPLE_BYTES / self.dtype.size() as u64;
        let too_large = || {
            Error::Argument(format!(
                "a sample of shape {:?} and dtype {} is larger than {MAX_SAMPLE_BYTES} bytes",
                self.shape,
                self.dtype.name()
            ))
        };
        let count = self
            .shape
            .iter()
            .try_fold(1u64, |product, &side| product.checked_mul(side))
            .filter(|&count| count <= limit)
            .ok_or_else(too_large)?;
        usize::try_from(count).map_err(|_| too_large())
    }

    /// Size of one sample in bytes.
    ///
    /// # Errors
    /// As [`SampleLayout::elements`].
    pub fn bytes(&self) -> Result<usize> {
        Ok(self.elements()? * self.dtype.size())
    }
}

/// Where the pixels of an image sample are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageShape {
    /// Rows.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
    /// 1 to 4.
    pub channels: usize,
    /// Whether the channel axis comes first (C, H, W) instead of last (H, W, C).
    pub channels_first: bool,
}

impl ImageShape {
    /// Read `layout` as an 8- or 16-bit image: (H, W), (H, W, C) or (C, H, W) with 1 to 4 channels.
    /// `None` where it is not one.
    pub fn of(layout: &SampleLayout) -> Option<Self> {
        if !matches!(layout.dtype, DType::UInt8 | DType::UInt16) {
            return None;
        }
        let side = |i: usize| usize::try_from(layout.shape[i]).ok().filter(|&s| s > 0);
        let is_channels = |n: usize| (1..=4).contains(&n);
        match layout.shape.len() {
            2 => Some(Self { height: side(0)?, width: side(1)?, channels: 1, channels_first: false }),
            3 => {
                let (a, b, c) = (side(0)?, side(1)?, side(2)?);
                if is_channels(c) {
                    Some(Self { height: a, width: b, channels: c, channels_first: false })
                } else if is_channels(a) {
                    Some(Self { height: b, width: c, channels: a, channels_first: true })
                } else {
                    None
                }
            }
            _ => None,
        }
    }

    /// Number of pixels of one channel.
    pub const fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// The channel that is stored as plane `plane`: green before red and blue, which resemble it.
    pub const fn channel(&self, plane: usize) -> usize {
        match plane {
            0 if self.channels >= 3 => 1,
            1 if self.channels >= 3 => 0,
            other => other,
        }
    }

    /// Element number of a channel's first pixel, and the step from one pixel to the next.
    pub const fn plane(&self, channel: usize) -> (usize, usize) {
        if self.channels_first { (channel * self.height * self.width, 1) } else { (channel, self.channels) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(dtype: DType, shape: &[u64]) -> SampleLayout {
        SampleLayout { dtype, shape: shape.to_vec() }
    }

    #[test]
    fn sizes_are_checked_against_overflow() {
        assert_eq!(layout(DType::UInt8, &[32, 32, 3]).bytes().unwrap(), 3072);
        assert_eq!(layout(DType::Float64, &[]).bytes().unwrap(), 8);
        assert_eq!(layout(DType::Float64, &[0, 5]).bytes().unwrap(), 0);
        assert!(layout(DType::Float64, &[u64::MAX, u64::MAX]).bytes().is_err());
        assert!(layout(DType::UInt8, &[1 << 31]).bytes().is_err());
    }

    #[test]
    fn images_are_recognised_by_dtype_and_shape() {
        let hwc = ImageShape::of(&layout(DType::UInt8, &[32, 30, 3])).unwrap();
        assert_eq!((hwc.height, hwc.width, hwc.channels, hwc.channels_first), (32, 30, 3, false));
        let chw = ImageShape::of(&layout(DType::UInt16, &[3, 32, 30])).unwrap();
        assert_eq!((chw.height, chw.width, chw.channels, chw.channels_first), (32, 30, 3, true));
        assert!(ImageShape::of(&layout(DType::Float32, &[32, 32, 3])).is_none());
        assert!(ImageShape::of(&layout(DType::UInt8, &[9])).is_none());
        assert!(ImageShape::of(&layout(DType::UInt8, &[32, 32, 13])).is_none());
    }

    #[test]
    fn names_round_trip() {
        for dtype in DType::ALL {
            assert_eq!(DType::from_name(dtype.name()).unwrap(), dtype);
        }
        assert!(DType::from_name("complex64").unwrap_err().to_string().contains("complex64"));
    }
}

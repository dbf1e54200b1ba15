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

/// In a shape: every sample has a side of its own. `null` in JSON.
pub const OWN_SIDE: u64 = u64::MAX;

/// Dtype and shape of one sample of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleLayout {
    /// Element type.
    pub dtype: DType,
    /// Shape of one sample; empty for a scalar. Sides may be [`OWN_SIDE`].
    #[serde(with = "sides")]
    pub shape: Vec<u64>,
}

/// A shape in JSON.
mod sides {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::OWN_SIDE;

    pub(super) fn serialize<S: Serializer>(shape: &[u64], serializer: S) -> Result<S::Ok, S::Error> {
        let sides = shape.iter().map(|&side| (side != OWN_SIDE).then_some(side));
        sides.collect::<Vec<_>>().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
        let sides = Vec::<Option<u64>>::deserialize(deserializer)?;
        Ok(sides.into_iter().map(|side| side.unwrap_or(OWN_SIDE)).collect())
    }
}

impl SampleLayout {
    /// The shape, with `None` for every [`OWN_SIDE`].
    pub fn open_shape(&self) -> Vec<Option<u64>> {
        self.shape.iter().map(|&side| (side != OWN_SIDE).then_some(side)).collect()
    }

    /// The shape for people, as Python writes it.
    pub fn shape_text(&self) -> String {
        let sides =
            self.open_shape().into_iter().map(|side| side.map_or("None".to_owned(), |side| side.to_string()));
        format!("({})", sides.collect::<Vec<_>>().join(", "))
    }

    /// Whether samples differ in shape.
    pub fn is_ragged(&self) -> bool {
        self.shape.contains(&OWN_SIDE)
    }

    /// Number of elements of one sample.
    ///
    /// # Errors
    /// [`Error::Argument`] where the sample would be larger than [`MAX_SAMPLE_BYTES`], or samples differ in shape.
    pub fn elements(&self) -> Result<usize> {
        if self.is_ragged() {
            return Err(Error::Argument("every sample has a shape of its own".to_owned()));
        }
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
    /// Read `layout` as an image of one shape for all, see [`Images::of`].
    pub fn of(layout: &SampleLayout) -> Option<Self> {
        let images = Images::of(layout)?;
        images.sides.map(|sides| images.shape(sides))
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

    /// All of it.
    pub const fn window(&self) -> Window {
        Window { top: 0, left: 0, height: self.height, width: self.width }
    }

    /// The shape of a part of it.
    pub const fn cut(&self, window: &Window) -> Self {
        Self { height: window.height, width: window.width, ..*self }
    }

    /// First element and number of elements of every stretch of `window` that lies in one piece, in order.
    pub fn runs(&self, window: Window) -> impl Iterator<Item = (usize, usize)> {
        let (parts, step) = if self.channels_first { (self.channels, 1) } else { (1, self.channels) };
        let (width, plane) = (self.width, self.pixels());
        (0..parts * window.height).map(move |number| {
            let (part, y) = (number / window.height, number % window.height);
            (part * plane + ((window.top + y) * width + window.left) * step, window.width * step)
        })
    }
}

/// A part of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First row.
    pub top: usize,
    /// First column.
    pub left: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Window {
    /// Whether it lies in an image of `sides` (rows, columns), with at least one pixel.
    pub fn fits(&self, (height, width): (usize, usize)) -> bool {
        let fits = |start: usize, length: usize, side: usize| {
            length > 0 && start.checked_add(length).is_some_and(|end| end <= side)
        };
        fits(self.top, self.height, height) && fits(self.left, self.width, width)
    }
}

/// What the images of a data set have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Images {
    /// `UInt8` or `UInt16`.
    pub dtype: DType,
    /// 1 to 4.
    pub channels: usize,
    /// As in [`ImageShape`].
    pub channels_first: bool,
    /// Rows and columns; `None` where every image has its own.
    pub sides: Option<(usize, usize)>,
}

impl Images {
    /// Read `layout` as 8- or 16-bit images: (H, W), (H, W, C) or (C, H, W) with 1 to 4 channels, where H and W may both
    /// be [`OWN_SIDE`]. `None` where it is something else.
    pub fn of(layout: &SampleLayout) -> Option<Self> {
        if !matches!(layout.dtype, DType::UInt8 | DType::UInt16) {
            return None;
        }
        let is_channels = |side: u64| (1..=4).contains(&side);
        let (channels, channels_first, sides) = match layout.shape[..] {
            [height, width] => (1, false, (height, width)),
            [height, width, channels] if is_channels(channels) => (channels, false, (height, width)),
            [channels, height, width] if is_channels(channels) => (channels, true, (height, width)),
            _ => return None,
        };
        let sides = match sides {
            (OWN_SIDE, OWN_SIDE) => None,
            (OWN_SIDE, _) | (_, OWN_SIDE) | (0, _) | (_, 0) => return None,
            (height, width) => Some((usize::try_from(height).ok()?, usize::try_from(width).ok()?)),
        };
        Some(Self { dtype: layout.dtype, channels: channels as usize, channels_first, sides })
    }

    /// The image of `sides` (rows, columns).
    pub const fn shape(&self, sides: (usize, usize)) -> ImageShape {
        let (height, width) = sides;
        ImageShape { height, width, channels: self.channels, channels_first: self.channels_first }
    }

    /// Bytes of an image of `sides`; `None` where that is more than [`MAX_SAMPLE_BYTES`].
    pub fn bytes(&self, (height, width): (usize, usize)) -> Option<usize> {
        let pixels = (height as u64).checked_mul(width as u64)?;
        let bytes = pixels.checked_mul((self.channels * self.dtype.size()) as u64)?;
        if bytes <= MAX_SAMPLE_BYTES { usize::try_from(bytes).ok() } else { None }
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
        assert!(layout(DType::UInt8, &[OWN_SIDE, OWN_SIDE, 0]).bytes().is_err());
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
    fn images_may_each_have_their_own_sides() {
        let own = Images::of(&layout(DType::UInt8, &[3, OWN_SIDE, OWN_SIDE])).unwrap();
        assert_eq!((own.sides, own.channels, own.channels_first), (None, 3, true));
        assert_eq!(own.bytes((5, 4)), Some(60));
        assert_eq!(own.bytes((1 << 20, 1 << 20)), None);
        assert!(Images::of(&layout(DType::UInt8, &[OWN_SIDE, 5])).is_none());
        assert!(Images::of(&layout(DType::Float32, &[OWN_SIDE, OWN_SIDE])).is_none());
        let json = serde_json::to_string(&layout(DType::UInt8, &[OWN_SIDE, OWN_SIDE, 3])).unwrap();
        assert_eq!(json, r#"{"dtype":"uint8","shape":[null,null,3]}"#);
        assert!(serde_json::from_str::<SampleLayout>(&json).unwrap().is_ragged());
    }

    #[test]
    fn windows_are_cut_in_runs() {
        let image = ImageShape { height: 4, width: 5, channels: 3, channels_first: false };
        let window = Window { top: 1, left: 2, height: 2, width: 3 };
        assert!(window.fits((4, 5)) && !window.fits((4, 4)) && !window.fits((2, 5)));
        assert_eq!(image.runs(window).collect::<Vec<_>>(), [(21, 9), (36, 9)]);
        let first = ImageShape { channels: 2, channels_first: true, ..image };
        assert_eq!(first.runs(window).collect::<Vec<_>>(), [(7, 3), (12, 3), (27, 3), (32, 3)]);
        assert!(!Window { top: usize::MAX, left: 0, height: 2, width: 1 }.fits((9, 9)));
    }

    #[test]
    fn names_round_trip() {
        for dtype in DType::ALL {
            assert_eq!(DType::from_name(dtype.name()).unwrap(), dtype);
        }
        assert!(DType::from_name("complex64").unwrap_err().to_string().contains("complex64"));
    }
}

//! The sides of images that differ in size. In: rows and columns of every image, in the order of rows of a block. Out: a
//! section from which those of any image, and the number of its first stream, are read in constant time.
//!
//! Sides are stored as differences to the shortest, in as many bits as the longest needs. Every 64 images, the number of
//! streams before is stored as well.

use crate::bits::{BitWriter, PADDING, bits_for, read_bits};
use crate::container::FileReader;
use crate::error::Result;
use crate::sample::Images;

/// Images from one stored number of streams to the next.
const GROUP: usize = 64;

/// Bytes before the first number of streams.
const HEAD_BYTES: u64 = 24;

/// Bytes of a stored number of streams.
const START_BYTES: u64 = 8;

/// Rows and columns of an image.
pub type ImageSides = (usize, usize);

/// The section for images of `sides`, of which each has `streams(sides)` streams.
pub fn to_bytes(sides: &[ImageSides], streams: impl Fn(ImageSides) -> usize) -> Vec<u8> {
    let range = |values: &mut dyn Iterator<Item = usize>| {
        let (least, most) = values.fold((usize::MAX, 0), |(least, most), v| (least.min(v), most.max(v)));
        let least = least.min(most);
        (least, bits_for((most - least) as u64 + 1))
    };
    let (height, height_bits) = range(&mut sides.iter().map(|sides| sides.0));
    let (width, width_bits) = range(&mut sides.iter().map(|sides| sides.1));
    let mut starts = Vec::new();
    let mut total = 0u64;
    for group in sides.chunks(GROUP) {
        starts.extend(total.to_le_bytes());
        total += group.iter().map(|&sides| streams(sides) as u64).sum::<u64>();
    }
    let mut bytes = Vec::new();
    bytes.extend(total.to_le_bytes());
    bytes.extend((height as u32).to_le_bytes());
    bytes.extend((width as u32).to_le_bytes());
    bytes.extend([height_bits as u8, width_bits as u8, 0, 0, 0, 0, 0, 0]);
    bytes.extend(starts);
    let mut writer = BitWriter::with_capacity(sides.len() * (height_bits + width_bits) as usize);
    for image in sides {
        writer.push((image.0 - height) as u64, height_bits);
        writer.push((image.1 - width) as u64, width_bits);
    }
    bytes.extend(writer.finish());
    bytes.extend([0; PADDING]);
    bytes
}

/// The shapes section of an open file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shapes {
    images: Images,
    /// Number of the section, see [`FileReader::section_at`].
    section: usize,
    rows: u64,
    streams: u64,
    least: (u64, u64),
    bits: (u32, u32),
}

impl Shapes {
    /// Check the section number `section`, of a block of `rows` rows.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`], [`crate::Error::Io`].
    pub fn open(file: &FileReader, section: usize, images: Images, rows: u64) -> Result<Self> {
        let entry = file.section_at(section).entry();
        let mut buffer = Vec::new();
        let head = file.read(file.section_at(section), 0, HEAD_BYTES, 0, &mut buffer)?;
        let number = |range: std::ops::Range<usize>| {
            head[range].iter().rev().fold(0u64, |value, &byte| value << 8 | u64::from(byte))
        };
        let bits = (u32::from(head[16]), u32::from(head[17]));
        if bits.0 > u32::BITS || bits.1 > u32::BITS {
            return Err(file.corrupt(entry.id, format!("sides of {} and {} bits", bits.0, bits.1)));
        }
        let shapes = Self {
            images,
            section,
            rows,
            streams: number(0..8),
            least: (number(8..12), number(12..16)),
            bits,
        };
        let packed = (u128::from(rows) * u128::from(bits.0 + bits.1)).div_ceil(8);
        let expected = u128::from(shapes.packed_from()) + packed + PADDING as u128;
        if u128::from(entry.bytes) != expected {
            let detail = format!("{} bytes where the shapes of {rows} images need {expected}", entry.bytes);
            return Err(file.corrupt(entry.id, detail));
        }
        Ok(shapes)
    }

    /// Where the sides begin.
    fn packed_from(&self) -> u64 {
        HEAD_BYTES + START_BYTES * self.rows.div_ceil(GROUP as u64)
    }

    /// Streams of all images.
    pub fn streams(&self) -> u64 {
        self.streams
    }

    /// Sides of the image in `row`, which exists, and the number of its first stream; an image has `streams(sides)`.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`] where it has no pixels, too many, or streams that do not exist; [`crate::Error::Io`].
    pub fn row(
        &self,
        file: &FileReader,
        row: u64,
        streams: impl Fn(ImageSides) -> usize,
    ) -> Result<(ImageSides, u64)> {
        let section = file.section_at(self.section);
        let wrong = |detail: String| file.corrupt(section.entry().id, detail);
        let mut buffer = Vec::new();
        let group = row / GROUP as u64;
        let start = file.read(section, HEAD_BYTES + START_BYTES * group, START_BYTES, 0, &mut buffer)?;
        let mut first = start.iter().rev().fold(0u64, |value, &byte| value << 8 | u64::from(byte));
        let width = u64::from(self.bits.0 + self.bits.1);
        let begin = group * GROUP as u64;
        let (first_bit, last_bit) = (begin * width, (row + 1) * width);
        let bytes = last_bit.div_ceil(8) - first_bit / 8;
        let from = self.packed_from() + first_bit / 8;
        let packed = file.read(section, from, bytes, PADDING as u64, &mut buffer)?;
        let side = |least: u64, bit: u64, bits: u32| (least + read_bits(packed, bit, bits)) as usize;
        for number in begin..=row {
            let bit = number * width - first_bit / 8 * 8;
            let sides = (
                side(self.least.0, bit, self.bits.0),
                side(self.least.1, bit + u64::from(self.bits.0), self.bits.1),
            );
            if sides.0 == 0 || sides.1 == 0 || self.images.bytes(sides).is_none() {
                return Err(wrong(format!("row {number} is an image of {} x {} pixels", sides.0, sides.1)));
            }
            let count = streams(sides) as u64;
            if number == row {
                if first.checked_add(count).is_none_or(|end| end > self.streams) {
                    return Err(wrong(format!("row {row} has streams behind the last of {}", self.streams)));
                }
                return Ok((sides, first));
            }
            first = first.saturating_add(count);
        }
        Err(wrong(format!("there is no row {row}")))
    }
}

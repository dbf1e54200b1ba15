//! Where each of many streams lies. In: the lengths of streams that follow one another. Out: a section from which the
//! place of any stream is read in constant time.
//!
//! Lengths are stored in units of 2 bytes, as differences to the shortest, in as many bits as the largest needs. Every
//! 64 streams, the place where the first of them begins is stored as well.

use crate::bits::{BitWriter, PADDING, bits_for, read_bits};
use crate::container::{FileReader, Section};
use crate::error::Result;

/// Streams from one stored beginning to the next.
const GROUP: usize = 64;

/// Bytes before the stored beginnings: shortest length and width.
const HEAD_BYTES: u64 = 8;

/// Bytes of a stored beginning.
const START_BYTES: u64 = 8;

/// The section for streams of `lengths` (in units of 2 bytes).
pub fn to_bytes(lengths: &[u32]) -> Vec<u8> {
    let least = lengths.iter().copied().min().unwrap_or(0);
    let most = lengths.iter().copied().max().unwrap_or(0);
    let width = bits_for(u64::from(most - least) + 1);
    let mut bytes = Vec::new();
    bytes.extend(least.to_le_bytes());
    bytes.extend(width.to_le_bytes());
    let mut start = 0u64;
    for group in lengths.chunks(GROUP) {
        bytes.extend(start.to_le_bytes());
        start += group.iter().map(|&length| u64::from(length)).sum::<u64>();
    }
    let mut writer = BitWriter::with_capacity(lengths.len() * width as usize);
    lengths.iter().for_each(|&length| writer.push(u64::from(length - least), width));
    bytes.extend(writer.finish());
    bytes.extend([0; PADDING]);
    bytes
}

/// About how many bytes the section of `streams` streams will have.
pub fn estimate(streams: usize) -> usize {
    streams * 3 / 2
}

/// The lengths section of an open file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    streams: u64,
    least: u64,
    width: u32,
}

impl Lengths {
    /// Check the section of `streams` streams.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`], [`crate::Error::Io`].
    pub fn open(file: &FileReader, section: &Section, streams: u64) -> Result<Self> {
        let id = section.entry().id;
        let mut buffer = Vec::new();
        let head = file.read(section, 0, HEAD_BYTES, 0, &mut buffer)?;
        let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (least, width) = (number(0), number(4));
        if width > u32::BITS {
            return Err(file.corrupt(id, format!("lengths of {width} bits")));
        }
        let groups = streams.div_ceil(GROUP as u64);
        let packed = (u128::from(streams) * u128::from(width)).div_ceil(8);
        let expected = u128::from(HEAD_BYTES + START_BYTES * groups) + packed + PADDING as u128;
        if u128::from(section.entry().bytes) != expected {
            let detail = format!("{} bytes where {streams} lengths need {expected}", section.entry().bytes);
            return Err(file.corrupt(id, detail));
        }
        Ok(Self { streams, least: least.into(), width })
    }

    /// First byte and number of bytes of each of `count` streams from `first` on, which exist.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`], [`crate::Error::Io`].
    pub fn places(
        &self,
        file: &FileReader,
        section: &Section,
        first: u64,
        count: usize,
        places: &mut Vec<(u64, u64)>,
    ) -> Result<()> {
        let mut buffer = Vec::new();
        let group = first / GROUP as u64;
        let start = file.read(section, HEAD_BYTES + START_BYTES * group, START_BYTES, 0, &mut buffer)?;
        let mut at = start.iter().rev().fold(0u64, |value, &byte| value << 8 | u64::from(byte));
        let packed = HEAD_BYTES + START_BYTES * self.streams.div_ceil(GROUP as u64);
        let begin = group * GROUP as u64;
        let end = first + count as u64;
        let (first_bit, last_bit) = (begin * u64::from(self.width), end * u64::from(self.width));
        let bytes = last_bit.div_ceil(8) - first_bit / 8;
        let stream = file.read(section, packed + first_bit / 8, bytes, PADDING as u64, &mut buffer)?;
        for number in begin..end {
            let bit = number * u64::from(self.width) - first_bit / 8 * 8;
            let length = self.least + read_bits(stream, bit, self.width);
            if number >= first {
                // A place that cannot be is refused by whoever reads it.
                places.push((at.saturating_mul(2), 2 * length));
            }
            at = at.saturating_add(length);
        }
        Ok(())
    }
}

//! A block: one partition x layer, with its own column parameters, split and coder. In: what the writer found, or
//! the bytes of a parameters section. Out: those bytes, or a block that turns row numbers into rows.

mod parameters;

pub use parameters::{MAX_SPLIT_BITS, Parameters, StoredSplit};

use crate::bits::{BitLayout, Container, PADDING};
use crate::coder::Packed;
use crate::container::{FileReader, Section, SectionId, SectionKind};
use crate::error::Result;
use crate::transform::Layer;

/// Buffers of one thread for bytes that do not lie in a map.
#[derive(Debug, Default)]
pub struct ReadBuffers {
    records: Vec<u8>,
    bases: Vec<u8>,
    /// Bytes of records and bases read so far.
    pub bytes_read: u64,
}

/// A block of an open file.
pub struct Block {
    rows: u64,
    coder: Packed,
    /// The columns' minima as a row; empty where columns are stored as they are.
    offsets: Vec<u8>,
    container: Container,
    layout: BitLayout,
    constant_bits: u64,
    records_id: SectionId,
    bases_id: SectionId,
}

impl Block {
    /// Read and check the parameters of the block `partition` x `layer_number`, which holds `rows` rows.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`] where they contradict the file, [`crate::Error::Io`].
    pub fn open(
        file: &FileReader,
        partition: u32,
        layer_number: u16,
        layer: &Layer,
        rows: u64,
    ) -> Result<Self> {
        let id = |kind| SectionId { kind, partition, layer: layer_number };
        let mut buffer = Vec::new();
        let parameters_id = id(SectionKind::Parameters);
        let bytes = file.read_all(file.section(parameters_id)?, &mut buffer)?;
        let parameters = Parameters::from_bytes(bytes, layer, rows)
            .map_err(|detail| file.not_understood(parameters_id, detail))?;
        let block = Self {
            rows,
            coder: parameters.coder(),
            offsets: parameters.offset_row(),
            container: layer.container,
            constant_bits: parameters.constant_bits(),
            layout: parameters.layout,
            records_id: id(SectionKind::Rows),
            bases_id: id(SectionKind::Bases),
        };
        block.check_section(file, block.records_id, block.coder.record_bits(), rows)?;
        block.check_section(file, block.bases_id, block.coder.base_bits(), block.coder.bases())?;
        Ok(block)
    }

    fn check_section(&self, file: &FileReader, id: SectionId, bits: u64, count: u64) -> Result<()> {
        let expected = (u128::from(bits) * u128::from(count)).div_ceil(8) + PADDING as u128;
        let found = file.section(id)?.entry().bytes;
        if u128::from(found) == expected {
            return Ok(());
        }
        Err(file.corrupt(id, format!("{found} bytes where {count} entries of {bits} bits need {expected}")))
    }

    /// Number of rows.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// `n_b`: number of bases.
    pub fn bases(&self) -> u64 {
        self.coder.bases()
    }

    /// The bits that exist in a row.
    pub fn layout(&self) -> &BitLayout {
        &self.layout
    }

    /// Bits of one record.
    pub fn record_bits(&self) -> u64 {
        self.coder.record_bits()
    }

    /// Bits of one base, without the constant ones.
    pub fn base_bits(&self) -> u64 {
        self.coder.base_bits()
    }

    /// `v`: bits that are the same in all rows.
    pub fn constant_bits(&self) -> u64 {
        self.constant_bits
    }

    /// The columns of row `row`, offsets added.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`], [`crate::Error::Io`].
    pub fn read_row(
        &self,
        file: &FileReader,
        row: u64,
        out: &mut [u8],
        buffers: &mut ReadBuffers,
    ) -> Result<()> {
        self.read_bits(file, row, out, buffers)?;
        add_offsets(self.container, &self.offsets, out);
        Ok(())
    }

    /// As [`Block::read_row`] without the offsets: the bits that the split is about.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`], [`crate::Error::Io`].
    pub fn read_bits(
        &self,
        file: &FileReader,
        row: u64,
        out: &mut [u8],
        buffers: &mut ReadBuffers,
    ) -> Result<()> {
        let section = file.section(self.records_id)?;
        let width = self.coder.record_bits();
        let (records, bit, bytes) = read_entry(file, section, width, row, &mut buffers.records)?;
        buffers.bytes_read += bytes;
        self.coder.read_deviation(records, bit, out);
        if self.coder.base_bits() > 0 {
            let base = self.coder.read_id(records, bit);
            self.add_base(file, base, out, buffers)?;
        }
        Ok(())
    }

    /// The base_id of row `row`.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`], [`crate::Error::Io`].
    pub fn read_base_id(&self, file: &FileReader, row: u64, buffers: &mut ReadBuffers) -> Result<u64> {
        let section = file.section(self.records_id)?;
        let width = self.coder.record_bits();
        let (records, bit, _) = read_entry(file, section, width, row, &mut buffers.records)?;
        Ok(self.coder.read_id(records, bit))
    }

    fn add_base(
        &self,
        file: &FileReader,
        base: u64,
        out: &mut [u8],
        buffers: &mut ReadBuffers,
    ) -> Result<()> {
        if base >= self.coder.bases() {
            let detail = format!("base_id {base} of {} bases", self.coder.bases());
            return Err(file.corrupt(self.records_id, detail));
        }
        let section = file.section(self.bases_id)?;
        let width = self.coder.base_bits();
        let (table, bit, bytes) = read_entry(file, section, width, base, &mut buffers.bases)?;
        buffers.bytes_read += bytes;
        self.coder.read_base(table, bit, out);
        Ok(())
    }

    /// Add the offsets to a row of bits.
    pub fn add_offsets(&self, row: &mut [u8]) {
        add_offsets(self.container, &self.offsets, row);
    }
}

/// Entry `index` of a section of entries of `width` bits: bytes that cover it, its first bit there, and how many
/// bytes that took. The entry lies in the section, whose length was checked when the block was opened.
fn read_entry<'a>(
    file: &'a FileReader,
    section: &'a Section,
    width: u64,
    index: u64,
    buffer: &'a mut Vec<u8>,
) -> Result<(&'a [u8], u64, u64)> {
    let first = index * width;
    let start = first / 8;
    let bytes = (first + width).div_ceil(8) - start;
    Ok((file.read(section, start, bytes, PADDING as u64, buffer)?, first % 8, bytes))
}

/// Add `offsets` (a row, or nothing) to every column of `row`, modulo the container.
fn add_offsets(container: Container, offsets: &[u8], row: &mut [u8]) {
    macro_rules! add {
        ($t:ty) => {{
            const SIZE: usize = size_of::<$t>();
            for (value, offset) in row.chunks_exact_mut(SIZE).zip(offsets.chunks_exact(SIZE)) {
                let mut a = [0; SIZE];
                let mut b = [0; SIZE];
                a.copy_from_slice(value);
                b.copy_from_slice(offset);
                let sum = <$t>::from_le_bytes(a).wrapping_add(<$t>::from_le_bytes(b));
                value.copy_from_slice(&sum.to_le_bytes());
            }
        }};
    }
    match container {
        Container::U8 => add!(u8),
        Container::U16 => add!(u16),
        Container::U32 => add!(u32),
        Container::U64 => add!(u64),
    }
}

//! A block: one partition x layer, with its own column parameters, split and coder. In: what the writer found, or
//! the bytes of a parameters section. Out: those bytes, or a block that turns row numbers into rows.

mod parameters;

pub use parameters::{MAX_SPLIT_BITS, Parameters, StoredSplit};

use crate::bits::{BitLayout, Container, add_offsets};
use crate::coder::{Coder, ReadBuffers, Sections};
use crate::container::{FileReader, SectionId, SectionKind};
use crate::error::Result;
use crate::transform::Layer;

/// A block of an open file.
pub struct Block {
    rows: u64,
    coder: Coder,
    /// The columns' minima as a row; empty where columns are stored as they are.
    offsets: Vec<u8>,
    container: Container,
    layout: BitLayout,
    constant_bits: u64,
    sections: Sections,
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
            sections: Sections {
                records: file.section_number(id(SectionKind::Rows))?,
                bases: file.section_number(id(SectionKind::Bases))?,
            },
        };
        block.coder.check(file, block.sections, rows)?;
        Ok(block)
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
        add_offsets(out, &self.offsets, self.container);
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
        self.coder.read_row(file, self.sections, row, out, buffers)
    }

    /// The base_id of row `row`.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`], [`crate::Error::Io`].
    pub fn read_base_id(&self, file: &FileReader, row: u64, buffers: &mut ReadBuffers) -> Result<u64> {
        self.coder.read_base_id(file, self.sections, row, buffers)
    }
}

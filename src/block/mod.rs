//! A block: one partition x layer, with its own column parameters, split and coder. In: what the writer found, or
//! the bytes of a parameters section. Out: those bytes, or a block that turns row numbers into rows.

mod filtered;
mod parameters;
mod predicted;

pub use filtered::{CODER_FILTERED, FilteredParameters};
pub use parameters::{MAX_SPLIT_BITS, Parameters, StoredSplit};
pub use predicted::{CODER_RANS, PredictedParameters, Stored, open_codec};

use std::sync::Arc;

use crate::bits::{BitLayout, Container, add_offsets};
use crate::coder::{Codec, Coder, Filtered, Predicted, ReadBuffers, RowError, Sections};
use crate::container::{FileReader, SectionId, SectionKind};
use crate::error::Result;
use crate::sample::SampleLayout;
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
    /// Read and check the parameters of the block `partition` x `layer_number`, which holds `rows` rows of `layer` of
    /// samples of layout `sample`. `codec` has the codec that is stored with a partition.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`] where they contradict the file, [`crate::Error::Io`].
    pub fn open(
        file: &FileReader,
        partition: u32,
        layer_number: u16,
        layer: &Layer,
        sample: &SampleLayout,
        rows: u64,
        codec: &dyn Fn(u32) -> Result<Arc<Codec>>,
    ) -> Result<Self> {
        let id = |kind| SectionId { kind, partition, layer: layer_number };
        let mut buffer = Vec::new();
        let parameters_id = id(SectionKind::Parameters);
        let bytes = file.read_all(file.section(parameters_id)?, &mut buffer)?;
        let wrong = |detail: String| file.not_understood(parameters_id, detail);
        let records = file.section_number(id(SectionKind::Rows))?;
        if bytes.first() == Some(&CODER_RANS) {
            let (parameters, _) = PredictedParameters::from_bytes(bytes, sample, rows).map_err(wrong)?;
            let with = match parameters.model {
                Stored::Here(_) => partition,
                Stored::With(other) => other,
            };
            if layer.row_bytes() != sample.bytes()? {
                return Err(wrong("predicted pixels in a layer that is no image".to_owned()));
            }
            let sections = Sections { records, beside: file.section_number(id(SectionKind::Lengths))? };
            let coder = Predicted::open(file, sections, codec(with)?, rows)?;
            return Ok(Self::of_images(Coder::Predicted(Box::new(coder)), layer, rows, sections));
        }
        if bytes.first() == Some(&CODER_FILTERED) {
            let parameters = FilteredParameters::from_bytes(bytes, rows).map_err(wrong)?;
            let shape = parameters.shape(sample).filter(|_| layer.container == Container::U8);
            let shape =
                shape.ok_or_else(|| wrong("filtered rows in a layer that is no 8-bit image".to_owned()))?;
            let sections = Sections { records, beside: file.section_number(id(SectionKind::Lengths))? };
            let coder = Coder::Filtered(Filtered::open(file, sections, shape, rows)?);
            return Ok(Self::of_images(coder, layer, rows, sections));
        }
        let parameters = Parameters::from_bytes(bytes, layer, rows).map_err(wrong)?;
        let block = Self {
            rows,
            coder: Coder::Packed(parameters.coder()),
            offsets: parameters.offset_row(),
            container: layer.container,
            constant_bits: parameters.constant_bits(),
            layout: parameters.layout,
            sections: Sections { records, beside: file.section_number(id(SectionKind::Bases))? },
        };
        block.coder.check(file, block.sections, rows)?;
        Ok(block)
    }

    /// A block without columns of its own kind: a row is an image.
    fn of_images(coder: Coder, layer: &Layer, rows: u64, sections: Sections) -> Self {
        let layout = BitLayout::full(layer.columns, layer.container);
        let container = layer.container;
        Self { rows, coder, offsets: Vec::new(), container, constant_bits: 0, layout, sections }
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

    /// Bits of one record; `None` where records differ in length.
    pub fn record_bits(&self) -> Option<u64> {
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

    /// Whether rows are better read many at a time.
    pub fn wants_batches(&self) -> bool {
        matches!(self.coder, Coder::Predicted(_))
    }

    /// Name of the coder, for `info`.
    pub fn coder_name(&self) -> &'static str {
        match self.coder {
            Coder::Packed(_) => "packed",
            Coder::Predicted(_) => "rans",
            Coder::Filtered(_) => "filtered",
        }
    }

    /// As [`Block::read_row`] for each of `rows`, into the buffer of the same place in `outs`.
    ///
    /// # Errors
    /// As there, with the place of the row at fault.
    pub fn read_rows(
        &self,
        file: &FileReader,
        rows: &[u64],
        outs: &mut [&mut [u8]],
        buffers: &mut ReadBuffers,
    ) -> std::result::Result<(), RowError> {
        if let Coder::Predicted(predicted) = &self.coder {
            return predicted.read_rows(file, self.sections, rows, outs, buffers);
        }
        for (number, (&row, out)) in rows.iter().zip(outs).enumerate() {
            self.read_row(file, row, out, buffers).map_err(|error| (number, error))?;
        }
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

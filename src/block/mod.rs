//! A block: one partition x layer, with its own column parameters, split and coder. In: what the writer found, or
//! the bytes of a parameters section. Out: those bytes, or a block that turns row numbers into rows.

mod filtered;
mod grouped;
mod parameters;
mod predicted;

pub use filtered::{CODER_FILTERED, FilteredParameters};
pub use grouped::{CODER_GROUPED, GroupedParameters};
pub use parameters::{MAX_SPLIT_BITS, Parameters, StoredSplit};
pub use predicted::{CODER_RANS, PredictedParameters, Stored, open_codec};

use std::sync::Arc;

use crate::bits::{BitLayout, Container, add_offsets};
use crate::coder::grouped::Grouped;
use crate::coder::shapes::ImageSides;
use crate::coder::{Codec, Coder, Filtered, Predicted, ReadBuffers, RowError, Sections, Sides, Wanted};
use crate::container::{FileReader, SectionId, SectionKind};
use crate::error::{Error, Result};
use crate::sample::{ImageShape, Images};
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
    /// Images whose records are their pixels as they are.
    plain: Option<(ImageShape, usize)>,
}

impl Block {
    /// Read and check the parameters of the block `partition` x `layer_number`, which holds `rows` rows of `layer`;
    /// `images` is what the samples are if they are images, and the layer is nothing else. `codec` has the codec that
    /// is stored with a partition.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`] where they contradict the file, [`crate::Error::Io`].
    pub fn open(
        file: &FileReader,
        partition: u32,
        layer_number: u16,
        layer: &Layer,
        images: Option<Images>,
        rows: u64,
        codec: &dyn Fn(u32) -> Result<Arc<Codec>>,
    ) -> Result<Self> {
        let id = |kind| SectionId { kind, partition, layer: layer_number };
        let mut buffer = Vec::new();
        let parameters_id = id(SectionKind::Parameters);
        let bytes = file.read_all(file.section(parameters_id)?, &mut buffer)?;
        let wrong = |detail: String| file.not_understood(parameters_id, detail);
        let records = file.section_number(id(SectionKind::Rows))?;
        let lengths = || file.section_number(id(SectionKind::Lengths));
        let shapes = || file.section_number(id(SectionKind::Shapes));
        let no_image = || wrong("a coder of images for what is none".to_owned());
        if bytes.first() == Some(&CODER_RANS) {
            let images = images.ok_or_else(no_image)?;
            let parameters = PredictedParameters::from_bytes(bytes, &images, rows).map_err(wrong)?;
            let with = match parameters.model {
                Stored::Here(_) => partition,
                Stored::With(other) => other,
            };
            let sections = Sections { records, beside: lengths()? };
            let sides = Sides::open(file, shapes, images, rows)?;
            let coder = Predicted::open(file, sections, codec(with)?, sides, rows)?;
            return Ok(Self::of_images(Coder::Predicted(Box::new(coder)), layer, rows, sections));
        }
        if bytes.first() == Some(&CODER_FILTERED) {
            let images = images.ok_or_else(no_image)?;
            let parameters = FilteredParameters::from_bytes(bytes, rows).map_err(wrong)?;
            let sections = Sections { records, beside: lengths()? };
            let sides = Sides::open(file, shapes, images, rows)?;
            let coder = Filtered::open(file, sections, images, parameters.differences, sides, rows)?;
            return Ok(Self::of_images(Coder::Filtered(coder), layer, rows, sections));
        }
        if images.is_some_and(|images| images.sides.is_none()) {
            return Err(wrong("images of different sides in records of one width".to_owned()));
        }
        if bytes.first() == Some(&CODER_GROUPED) {
            let parameters = GroupedParameters::from_bytes(bytes, layer, rows).map_err(wrong)?;
            let sections = Sections { records, beside: lengths()? };
            let (layout, group) = (&parameters.layout, parameters.group);
            let coder = Grouped::open(file, sections, &parameters.model, layout, rows, group)?;
            return Ok(Self {
                rows,
                coder: Coder::Grouped(Box::new(coder)),
                offsets: parameters.offset_row(),
                container: layer.container,
                constant_bits: 0,
                layout: parameters.layout,
                sections,
                plain: None,
            });
        }
        let parameters = Parameters::from_bytes(bytes, layer, rows).map_err(wrong)?;
        let coder = parameters.coder();
        let images = images.filter(|_| coder.is_plain(layer.row_bytes()));
        let plain = images.and_then(|images| Some((images.shape(images.sides?), images.dtype.size())));
        let block = Self {
            rows,
            plain,
            coder: Coder::Packed(coder),
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
        Self { rows, coder, offsets: Vec::new(), container, constant_bits: 0, layout, sections, plain: None }
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

    /// Whether rows are better read in their order: one costs those before it in its group.
    pub fn wants_order(&self) -> bool {
        matches!(self.coder, Coder::Grouped(_))
    }

    /// Name of the coder, for `info`.
    pub fn coder_name(&self) -> &'static str {
        match self.coder {
            Coder::Packed(_) => "packed",
            Coder::Predicted(_) => "rans",
            Coder::Filtered(_) => "filtered",
            Coder::Grouped(_) => "grouped",
        }
    }

    /// Whether parts of images can be read as well.
    pub fn reads_windows(&self) -> bool {
        self.plain.is_some() || matches!(self.coder, Coder::Predicted(_) | Coder::Filtered(_))
    }

    /// Whether channels can be brought forward while images are decoded ([`Wanted::planes`]).
    pub fn splits_channels(&self) -> bool {
        matches!(self.coder, Coder::Predicted(_) | Coder::Filtered(_))
    }

    /// Ask for the first bytes of row `row`, where rows lie in the file as they are.
    pub fn prefetch(&self, file: &FileReader, row: u64) {
        if let (Some(_), Coder::Packed(packed)) = (&self.plain, &self.coder) {
            file.prefetch(file.section_at(self.sections.records), row * (packed.record_bits() / 8));
        }
    }

    /// Sides of the image in row `row`; `None` where rows are no images to the coder.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`], [`crate::Error::Io`].
    pub fn sides(&self, file: &FileReader, row: u64) -> Result<Option<ImageSides>> {
        self.coder.sides(file, row)
    }

    /// As [`Block::read_row`] for all `wanted`, of which only [`Block::reads_windows`] allows windows.
    ///
    /// # Errors
    /// As there, and [`crate::Error::Argument`] for windows outside of an image and buffers of another size; with the
    /// number of the one at fault.
    pub fn read_rows(
        &self,
        file: &FileReader,
        wanted: &mut [Wanted<'_>],
        buffers: &mut ReadBuffers,
    ) -> std::result::Result<(), RowError> {
        if let Coder::Predicted(predicted) = &self.coder {
            return predicted.read_rows(file, self.sections, wanted, buffers);
        }
        for (number, wanted) in wanted.iter_mut().enumerate() {
            let read = match &self.coder {
                Coder::Filtered(filtered) => filtered.read_row(file, self.sections, wanted, buffers),
                Coder::Packed(packed) if wanted.window.is_some() => match self.plain {
                    Some((image, element_bytes)) => {
                        packed.read_window(file, self.sections, wanted, &image, element_bytes, buffers)
                    }
                    None => Err(Error::Argument("a part of a row that is no image".to_owned())),
                },
                _ => self.read_row(file, wanted.row, wanted.out, buffers),
            };
            read.map_err(|error| (number, error))?;
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

//! Reading a file. In: a path, then sample indices. Out: samples, straight in the caller's buffer.
//!
//! [`Dataset`] is immutable and shared freely between threads and across forks; blocks are opened when they are
//! first needed.

mod ahead;
mod decode;
mod order;
mod report;
mod summary;
mod verify;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::bits::{PADDING, bits_for};
use crate::block::{Block, open_codec};
use crate::coder::Codec;
use crate::container::{FileReader, MAX_METADATA_BYTES, Reading, Section, SectionId, SectionKind};
use crate::error::{Error, Result};
use crate::metadata::Metadata;
use crate::sample::{DType, Images, SampleLayout};
use crate::strings;
use crate::transform::{self, Spec, Transform};

pub use ahead::{Ahead, Batch, Decoded, OnError};
pub use decode::Request;
pub use order::Order;
pub use summary::{Bases, Condensed};

/// An open `.gede` file.
pub struct Dataset {
    file: FileReader,
    metadata: Metadata,
    transform: Box<dyn Transform>,
    /// What the samples are, where they are images and stored as such.
    images: Option<Images>,
    /// Size of one sample; `None` where they differ.
    sample_bytes: Option<usize>,
    /// First row of every partition, counted through all of them, and the number of samples.
    starts: Vec<u64>,
    /// Partition after partition, layer after layer.
    blocks: Vec<OnceLock<Block>>,
    /// For every partition, what it has learned and others may use.
    codecs: Vec<OnceLock<Arc<Codec>>>,
    index_bits: u32,
    bytes_read: AtomicU64,
}

impl Dataset {
    /// Open `path`.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Corrupt`], [`Error::NewerFormat`].
    pub fn open(path: &Path, reading: Reading) -> Result<Self> {
        let file = FileReader::open(path, reading)?;
        Self::from_file(file).map_err(|e| e.in_file(path))
    }

    fn from_file(file: FileReader) -> Result<Self> {
        let id = SectionId::whole(SectionKind::Metadata);
        let section = file.section(id)?;
        if section.entry().bytes > MAX_METADATA_BYTES {
            return Err(file.corrupt(id, format!("{} bytes of metadata", section.entry().bytes)));
        }
        // What a writer may refuse as an argument is damage in a file.
        let as_damage = |e: Error| file.not_understood(id, e.to_string());
        let metadata = Metadata::from_json(file.read_all(section, &mut Vec::new())?)
            .map_err(|detail| file.not_understood(id, detail))?;
        let images = Images::of(&metadata.sample).filter(|_| metadata.transform == Spec::Identity);
        let ragged = metadata.sample.is_ragged();
        if ragged && images.is_none() {
            return Err(file.not_understood(id, "samples of different shapes that are no images".to_owned()));
        }
        let sample_bytes = if ragged { None } else { Some(metadata.sample.bytes().map_err(as_damage)?) };
        let dictionary = |column| {
            Ok(file.read_all(file.section(SectionId::dictionary(column))?, &mut Vec::new())?.to_vec())
        };
        let transform = transform::build_with(&metadata.transform, &metadata.sample, &dictionary);
        let transform = transform.map_err(|error| match error {
            Error::Argument(detail) => file.not_understood(id, detail),
            other => other,
        })?;
        if metadata.exact != transform.is_exact() {
            return Err(file.corrupt(id, "it contradicts itself about exactness"));
        }
        let mut starts = vec![0];
        for partition in &metadata.partitions {
            starts.push(starts[starts.len() - 1] + partition.count);
        }
        let blocks = metadata.partitions.len() * transform.layers().len();
        if blocks as u64 > file.file_bytes() {
            return Err(file.corrupt(id, format!("{blocks} blocks in a file of {} bytes", file.file_bytes())));
        }
        let index_bits = if metadata.partitions.len() > 1 { bits_for(metadata.num_samples) } else { 0 };
        let dataset = Self {
            transform,
            images,
            sample_bytes,
            starts,
            blocks: (0..blocks).map(|_| OnceLock::new()).collect(),
            codecs: metadata.partitions.iter().map(|_| OnceLock::new()).collect(),
            index_bits,
            bytes_read: AtomicU64::new(0),
            metadata,
            file,
        };
        dataset.check_sections()?;
        Ok(dataset)
    }

    /// Lengths of index and fields against the number of samples, before anything trusts them.
    fn check_sections(&self) -> Result<()> {
        let expect = |id: SectionId, expected: Option<u64>| {
            let found = self.file.section(id)?.entry().bytes;
            if Some(found) == expected {
                return Ok(());
            }
            let wanted = expected.map_or("too many".to_owned(), |bytes| bytes.to_string());
            Err(self.file.corrupt(id, format!("{found} bytes where the metadata asks for {wanted}")))
        };
        let n = self.metadata.num_samples;
        if self.metadata.partitions.len() > 1 {
            let bytes = (n * u64::from(self.index_bits)).div_ceil(8) + PADDING as u64;
            expect(SectionId::whole(SectionKind::Index), Some(bytes))?;
        }
        for (number, field) in (0u32..).zip(&self.metadata.fields) {
            let id = SectionId { kind: SectionKind::Field, partition: number, layer: 0 };
            let bytes = field.bytes().map_err(|e| self.file.corrupt(id, e.to_string()))?;
            expect(id, n.checked_mul(bytes as u64))?;
        }
        let columns = self.metadata.columns.as_ref().map_or(0, Vec::len);
        let columns = columns.max(self.transform.layers()[0].columns);
        let misplaced = |id: &SectionId| id.kind == SectionKind::Values && id.partition as usize >= columns;
        match self.file.entries().find(|entry| misplaced(&entry.id)) {
            Some(entry) => Err(self.file.corrupt(entry.id, format!("there are {columns} columns"))),
            None => Ok(()),
        }
    }

    /// What the file says about itself.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Number of samples.
    pub fn len(&self) -> u64 {
        self.metadata.num_samples
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Dtype and shape of one sample, whose sides are [`crate::sample::OWN_SIDE`] where samples differ.
    pub fn sample_layout(&self) -> &SampleLayout {
        &self.metadata.sample
    }

    /// Size of one sample in bytes; `None` where samples differ in shape.
    pub fn sample_bytes(&self) -> Option<usize> {
        self.sample_bytes
    }

    /// Whether no sample has any bytes, so that no blocks are stored.
    fn is_hollow(&self) -> bool {
        self.sample_bytes == Some(0)
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Bytes of records and bases that decoding has read since the file was opened.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// The number of the raw field `name`.
    ///
    /// # Errors
    /// [`Error::Argument`] lists the fields.
    pub fn field_number(&self, name: &str) -> Result<usize> {
        self.metadata.fields.iter().position(|field| field.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.metadata.fields.iter().map(|field| field.name.as_str()).collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            Error::Argument(format!("{} has no field '{name}'; it has {names}", self.path().display()))
        })
    }

    /// The bytes of a raw field inside the map; `None` where the file is read by positions.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Io`].
    pub fn mapped_field(&self, number: usize) -> Result<Option<&[u8]>> {
        self.file.mapped(self.field_section(number)?)
    }

    /// A copy of the bytes of a raw field.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Io`].
    pub fn copied_field(&self, number: usize) -> Result<Vec<u8>> {
        Ok(self.file.read_all(self.field_section(number)?, &mut Vec::new())?.to_vec())
    }

    /// Whether the file still has the length it had when it was opened: what is mapped may be touched.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where it is shorter, [`Error::Io`].
    pub fn check_length(&self) -> Result<()> {
        self.file.check_length()
    }

    fn field_section(&self, number: usize) -> Result<&Section> {
        self.check_length()?;
        self.file.section(SectionId { kind: SectionKind::Field, partition: number as u32, layer: 0 })
    }

    /// Dtypes of the cells, where samples are records.
    pub fn columns(&self) -> Option<&[DType]> {
        self.metadata.columns.as_deref()
    }

    /// The strings of column `column`, as [`crate::strings`] has them.
    ///
    /// # Errors
    /// [`Error::Argument`] where the column has none; [`Error::Corrupt`], [`Error::Io`].
    pub fn strings(&self, column: u32) -> Result<Vec<u8>> {
        let id = SectionId::strings(column);
        if !self.file.entries().any(|entry| entry.id == id) {
            let path = self.path().display();
            return Err(Error::Argument(format!("{path}: column {column} has no strings")));
        }
        self.check_length()?;
        let bytes = self.file.read_all(self.file.section(id)?, &mut Vec::new())?.to_vec();
        strings::check(&bytes).map_err(|detail| self.file.corrupt(id, detail))?;
        Ok(bytes)
    }

    /// Number of samples of partition `number`.
    ///
    /// # Errors
    /// [`Error::Argument`] where there is no such partition.
    pub fn partition_len(&self, number: usize) -> Result<u64> {
        let count = self.metadata.partitions.len();
        self.metadata
            .partitions
            .get(number)
            .map(|partition| partition.count)
            .ok_or_else(|| Error::Argument(format!("partition {number} of {count} partitions")))
    }

    fn block(&self, partition: usize, layer: usize) -> Result<&Block> {
        let slot = &self.blocks[partition * self.transform.layers().len() + layer];
        if let Some(block) = slot.get() {
            return Ok(block);
        }
        let rows = self.metadata.partitions[partition].count;
        let layer_of = &self.transform.layers()[layer];
        let images = self.images;
        let codec = |partition| self.codec(partition);
        let block = Block::open(&self.file, partition as u32, layer as u16, layer_of, images, rows, &codec)?;
        Ok(slot.get_or_init(|| block))
    }

    /// The codec that is stored with a partition.
    fn codec(&self, partition: u32) -> Result<Arc<Codec>> {
        let slot = self.codecs.get(partition as usize).ok_or_else(|| {
            let id = SectionId { kind: SectionKind::Parameters, partition, layer: 0 };
            self.file.corrupt(id, "there is no such partition")
        })?;
        if let Some(codec) = slot.get() {
            return Ok(Arc::clone(codec));
        }
        let rows = self.metadata.partitions[partition as usize].count;
        let codec = Arc::new(open_codec(&self.file, partition, self.images, rows)?);
        Ok(Arc::clone(slot.get_or_init(|| codec)))
    }
}

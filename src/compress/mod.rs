//! Writing a file. In: samples, raw fields, partitions and options. Out: the file, in bounded memory, with the same
//! bytes for any number of threads.
//!
//! Each partition is read a fixed number of times: once to learn ranges, then per layer to count bits, to cut the bit
//! slices that the split search asks for (long searches keep them in an unnamed temporary file), to write the bases
//! and to write the records. Where its rows fit into [`CompressOptions::working_set`] they are kept instead.

mod encode;
mod filtered;
mod grouped;
mod learn;
mod meter;
mod partition;
mod predicted;
mod preset;
mod ragged;
mod slices;
mod streams;

use std::path::Path;

use serde_json::value::RawValue;

use crate::bits::{PADDING, bits_for};
use crate::condense::Condensing;
use crate::container::{FileWriter, SectionId, SectionKind};
use crate::error::{Error, Result};
use crate::metadata::{self, FieldLayout, MAX_SAMPLES, Metadata, Partition, SampleLayoutOpen, digest_text};
use crate::parallel::thread_count;
use crate::sample::{DType, Images, MAX_SAMPLE_BYTES, SampleLayout};
use crate::source::SampleSource;
use crate::transform::table::Fitted;
use crate::{strings, transform};

pub use preset::Preset;

/// The usual [`CompressOptions::working_set`].
pub const WORKING_SET: usize = 256 << 20;

/// A raw field.
#[derive(Debug)]
pub struct Field<'a> {
    /// Name, unique in the file.
    pub name: String,
    /// Dtype and shape of one sample's value.
    pub layout: SampleLayout,
    /// All values, one after another.
    pub bytes: &'a [u8],
}

/// The columns of a table whose samples are records: bytes of shape (row bytes,), the cells one after another.
#[derive(Debug)]
pub struct Columns<'a> {
    /// Dtype of every column, in order.
    pub dtypes: Vec<DType>,
    /// Columns of text, whose cells are numbers of strings, and these strings; see [`crate::strings`].
    pub strings: Vec<(u32, &'a [u8])>,
}

/// What is to be compressed.
pub struct Input<'a> {
    /// Dtype and shape of a sample.
    pub layout: SampleLayout,
    /// The columns, where samples are records.
    pub columns: Option<Columns<'a>>,
    /// Rows and columns of every sample, where `layout` says that they differ.
    pub sides: Option<&'a [(u32, u32)]>,
    /// Number of samples.
    pub num_samples: u64,
    /// The samples.
    pub source: &'a dyn SampleSource,
    /// Raw fields.
    pub fields: Vec<Field<'a>>,
    /// Names of the partitions, and for every sample the number of its own; `None`: one partition.
    pub partitions: Option<(Vec<String>, &'a [u32])>,
    /// Condensed samples to be kept with them.
    pub condensing: Option<Condensing<'a>>,
    /// JSON, kept with the file letter by letter.
    pub user: &'a str,
}

impl Input<'_> {
    /// Rows and columns of sample `number` of these `images`.
    fn sides_of(&self, images: &Images, number: usize) -> (usize, usize) {
        let own = self.sides.and_then(|sides| sides.get(number));
        own.map(|&(height, width)| (height as usize, width as usize)).or(images.sides).unwrap_or_default()
    }

    /// Bytes of sample `number` of these `images`.
    fn bytes_of(&self, images: &Images, number: usize) -> usize {
        images.bytes(self.sides_of(images, number)).unwrap_or(0)
    }

    /// Bytes of all samples, where they differ in shape.
    ///
    /// # Errors
    /// [`Error::Argument`] names the first that is no image.
    fn total_bytes(&self) -> Result<Option<u64>> {
        let count = self.sides.map_or(0, <[_]>::len);
        if !self.layout.is_ragged() {
            return match self.sides {
                Some(_) => Err(Error::Argument("sides for samples of one shape".to_owned())),
                None => Ok(None),
            };
        }
        let images = Images::of(&self.layout).ok_or_else(|| {
            Error::Type("only images of 8 or 16 bits may differ in shape from sample to sample".to_owned())
        })?;
        if count as u64 != self.num_samples {
            return Err(Error::Argument(format!("{count} shapes for {} samples", self.num_samples)));
        }
        (0..count)
            .try_fold(0u64, |total, number| {
                let (height, width) = self.sides_of(&images, number);
                let bytes = images.bytes((height, width)).filter(|&bytes| bytes > 0).ok_or_else(|| {
                    Error::Argument(format!(
                        "sample {number} has {height} x {width} pixels; an image has at least one pixel and at \
                         most {MAX_SAMPLE_BYTES} bytes"
                    ))
                })?;
                Ok(total.saturating_add(bytes as u64))
            })
            .map(Some)
    }
}

/// How it is to be compressed.
#[derive(Clone, Debug)]
pub struct CompressOptions {
    /// Which preset.
    pub preset: Preset,
    /// For `paper` on images: add the correction that makes it lossless.
    pub exact: bool,
    /// Plateau threshold of Algorithm 1; `None` for the proven global minimum.
    pub tau: Option<u64>,
    /// Threads; 0 for all cores.
    pub num_threads: usize,
    /// Bytes of rows that are kept in memory instead of being computed again; the bytes written do not depend on it.
    ///
    /// The memory of a run is bounded by one and a half times this, about 50 bytes per sample, and per thread a few
    /// copies of the samples worked on at once: 1 MiB of them, or 64 where a sample is larger than 16 KiB.
    pub working_set: usize,
    /// Whether an existing file is replaced.
    pub overwrite: bool,
}

impl Default for CompressOptions {
    fn default() -> Self {
        Self {
            preset: Preset::Auto,
            exact: false,
            tau: None,
            num_threads: 0,
            working_set: WORKING_SET,
            overwrite: false,
        }
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// Samples done. Several passes over the data are counted as parts of each sample.
    pub done: u64,
    /// All samples.
    pub total: u64,
    /// Bytes of samples written so far, uncompressed.
    pub raw_bytes: u64,
    /// Bytes of the file so far.
    pub file_bytes: u64,
}

/// Called often, from the calling thread; an error it returns ends the run and is passed on.
pub type OnProgress<'a> = dyn FnMut(Progress) -> Result<()> + 'a;

/// Compress `input` to the file `path`.
///
/// # Errors
/// [`Error::Argument`] for inconsistent input, [`Error::OutputExists`], [`Error::Io`], and what `on_progress`
/// returns. Nothing is left of a run that fails.
///
/// # Example
/// ```
/// use dreamlearning::source::MemorySource;
/// use dreamlearning::{CompressOptions, DType, Dataset, Input, Preset, Reading, SampleLayout, compress};
///
/// let layout = SampleLayout { dtype: DType::UInt8, shape: vec![4, 4] };
/// let samples: Vec<u8> = (0..160).map(|i| i / 16).collect();
/// let source = MemorySource { bytes: &samples, sample_bytes: 16 };
/// let input = Input {
///     layout,
///     columns: None,
///     sides: None,
///     num_samples: 10,
///     source: &source,
///     fields: Vec::new(),
///     partitions: None,
///     condensing: None,
///     user: "{}",
/// };
/// let options =
///     CompressOptions { preset: Preset::Fast, exact: true, ..CompressOptions::default() };
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("steps.gede");
/// compress(&path, &input, &options, &mut |_| Ok(()))?;
///
/// let dataset = Dataset::open(&path, Reading::Map)?;
/// let mut out = [0; 32];
/// dataset.decode_into(&[9, -10], &mut out, 1)?;
/// assert_eq!(out[..16], [9; 16]);
/// assert_eq!(out[16..], [0; 16]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn compress(
    path: &Path,
    input: &Input<'_>,
    options: &CompressOptions,
    on_progress: &mut OnProgress<'_>,
) -> Result<()> {
    let total_bytes = input.total_bytes()?;
    let hollow = total_bytes.is_none() && input.layout.bytes()? == 0;
    let order = Order::new(input)?;
    check_fields(input)?;
    check_columns(input)?;
    let threads = thread_count(options.num_threads);
    // What a reader would not take, or is in the way, is refused now and not after an hour.
    let mut metadata = describe(input, options, &order)?;
    metadata.total_bytes = total_bytes;
    metadata.to_json()?;
    let mut writer = FileWriter::create(path, options.overwrite)?;
    // First, since a value that has no mean should not be found after an hour.
    let condensed = input.condensing.as_ref().map(|condensing| {
        condensing.section(input.source, input.layout.bytes()?, order.partitions().collect())
    });
    let condensed = condensed.transpose()?;
    let begun = Progress { total: input.num_samples, ..Progress::default() };
    let Fitted { spec, dictionaries } = preset::choose(input, options, threads, &mut || on_progress(begun))?;
    let transform = transform::build_with(&spec, &input.layout, &|column| {
        let found = dictionaries.iter().find(|dictionary| dictionary.0 == column);
        found.map(|dictionary| dictionary.1.clone()).ok_or(Error::Aborted)
    })?;
    (metadata.transform, metadata.exact) = (spec, transform.is_exact());
    metadata.to_json()?;

    let mut run = encode::Run {
        input,
        transform: transform.as_ref(),
        preset: options.preset.resolve(&input.layout),
        tau: options.tau,
        working_set: options.working_set,
        threads,
        writer: &mut writer,
        folder: path.parent().unwrap_or(Path::new("")),
        meter: meter::Meter::new(on_progress, input.num_samples),
        passes: 1,
        learned: None,
        digest: 0,
        max_error: 0.0,
    };
    if !hollow {
        for (number, ids) in order.partitions().enumerate() {
            match ids {
                [] => {}
                ids if total_bytes.is_some() => run.ragged_partition(number as u32, ids)?,
                ids => run.partition(number as u32, ids)?,
            }
        }
    }
    metadata.digest = digest_text(run.digest);
    metadata.max_error = run.max_error;

    for (column, section) in &dictionaries {
        writer.section(SectionId::dictionary(*column), section)?;
    }
    for (column, section) in input.columns.iter().flat_map(|columns| &columns.strings) {
        writer.section(SectionId::strings(*column), section)?;
    }
    if order.names.len() > 1 {
        write_index(&mut writer, &order)?;
    }
    for (number, field) in input.fields.iter().enumerate() {
        let id = SectionId { kind: SectionKind::Field, partition: number as u32, layer: 0 };
        writer.section(id, field.bytes)?;
    }
    if let Some(section) = condensed {
        writer.section(SectionId::whole(SectionKind::Condensed), &section)?;
    }
    writer.section(SectionId::whole(SectionKind::Metadata), &metadata.to_json()?)?;
    writer.finish()
}

/// The metadata of the file; transform, digest and measured error still open.
fn describe(input: &Input<'_>, options: &CompressOptions, order: &Order) -> Result<Metadata> {
    let partitions = order.partitions().zip(&order.names);
    let fields = input.fields.iter().map(|field| FieldLayout {
        name: field.name.clone(),
        layout: SampleLayoutOpen { dtype: field.layout.dtype, shape: field.layout.shape.clone() },
    });
    Ok(Metadata {
        writer: concat!("dreamlearning ", env!("CARGO_PKG_VERSION")).to_owned(),
        num_samples: input.num_samples,
        sample: input.layout.clone(),
        columns: input.columns.as_ref().map(|columns| columns.dtypes.clone()),
        total_bytes: None,
        preset: options.preset.resolve(&input.layout).name().to_owned(),
        transform: transform::Spec::Identity,
        exact: true,
        max_error: 0.0,
        digest: digest_text(0),
        partitions: partitions
            .map(|(ids, name)| Partition { name: name.clone(), count: ids.len() as u64 })
            .collect(),
        fields: fields.collect(),
        user: RawValue::from_string(input.user.to_owned())
            .map_err(|e| Error::Argument(format!("the metadata is not JSON: {e}")))?,
    })
}

/// The samples sorted by partition, in their own order inside each.
struct Order {
    names: Vec<String>,
    ids: Vec<u32>,
    /// Where each partition begins in `ids`; one more entry for the end.
    starts: Vec<usize>,
}

impl Order {
    fn new(input: &Input<'_>) -> Result<Self> {
        if input.num_samples > MAX_SAMPLES {
            return Err(Error::Argument(format!(
                "{} samples; a file holds at most {MAX_SAMPLES}",
                input.num_samples
            )));
        }
        let n = input.num_samples as u32;
        let Some((names, partition_of)) = &input.partitions else {
            return Ok(Self {
                names: vec!["all".to_owned()],
                ids: (0..n).collect(),
                starts: vec![0, n as usize],
            });
        };
        if partition_of.len() as u64 != input.num_samples {
            return Err(Error::Argument(format!("{} partition numbers for {n} samples", partition_of.len())));
        }
        let mut starts = vec![0; names.len() + 1];
        for (sample, &partition) in partition_of.iter().enumerate() {
            let slot = starts.get_mut(partition as usize + 1).ok_or_else(|| {
                Error::Argument(format!("sample {sample} is in partition {partition} of {}", names.len()))
            })?;
            *slot += 1;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut next = starts.clone();
        let mut ids = vec![0; n as usize];
        for (sample, &partition) in (0u32..).zip(partition_of.iter()) {
            let at = &mut next[partition as usize];
            ids[*at] = sample;
            *at += 1;
        }
        Ok(Self { names: names.clone(), ids, starts })
    }

    fn partitions(&self) -> impl Iterator<Item = &[u32]> {
        self.starts.windows(2).map(|w| &self.ids[w[0]..w[1]])
    }
}

/// For every sample its row, counted through all partitions, in `bits_for(samples)` bits.
fn write_index(writer: &mut FileWriter, order: &Order) -> Result<()> {
    let mut row_of = vec![0u32; order.ids.len()];
    for (row, &sample) in (0u32..).zip(&order.ids) {
        row_of[sample as usize] = row;
    }
    let bits = bits_for(order.ids.len() as u64);
    writer.begin(SectionId::whole(SectionKind::Index))?;
    // A multiple of 8 rows fills whole bytes.
    for rows in row_of.chunks(1 << 16) {
        let mut stream = crate::bits::BitWriter::with_capacity(rows.len() * bits as usize);
        rows.iter().for_each(|&row| stream.push(u64::from(row), bits));
        writer.write(&stream.finish())?;
    }
    writer.write(&[0; PADDING])?;
    writer.end()
}

fn check_columns(input: &Input<'_>) -> Result<()> {
    let Some(columns) = &input.columns else { return Ok(()) };
    metadata::check_columns(&columns.dtypes, &input.layout).map_err(Error::Argument)?;
    for (place, (column, section)) in columns.strings.iter().enumerate() {
        if *column as usize >= columns.dtypes.len() {
            let count = columns.dtypes.len();
            return Err(Error::Argument(format!("strings of column {column}; there are {count} columns")));
        }
        if columns.strings[..place].iter().any(|other| other.0 == *column) {
            return Err(Error::Argument(format!("strings of column {column} twice")));
        }
        strings::check(section)
            .map_err(|detail| Error::Argument(format!("the strings of column {column}: {detail}")))?;
    }
    Ok(())
}

fn check_fields(input: &Input<'_>) -> Result<()> {
    for (number, field) in input.fields.iter().enumerate() {
        let expected = input.num_samples.saturating_mul(field.layout.bytes()? as u64);
        if field.bytes.len() as u64 != expected {
            return Err(Error::Argument(format!(
                "field '{}' has {} bytes where {} samples need {expected}",
                field.name,
                field.bytes.len(),
                input.num_samples
            )));
        }
        if input.fields[..number].iter().any(|other| other.name == field.name) {
            return Err(Error::Argument(format!("two fields are called '{}'", field.name)));
        }
    }
    Ok(())
}

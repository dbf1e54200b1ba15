//! What a file says about its samples without being decoded one by one. In: a partition, or a number of clustering
//! bits. Out: bases with counts, or condensed samples with weights (paper, Algorithm 1 lines 3 to 8), also written into
//! the file.

use super::Dataset;
use super::decode::Worker;
use crate::bits::{BitSlices, count_ones, slice_rows};
use crate::block::{Block, MAX_SPLIT_BITS};
use crate::coder::ReadBuffers;
use crate::condense::{
    self, Cell, Centroids, CondenseOptions, Condensing, Kept, Plan, Rows, cluster_by_positions,
};
use crate::container::{FORMAT_VERSION, FileReader, FileWriter, Reading, SectionId, SectionKind};
use crate::entropy::BitStats;
use crate::error::{Error, Result};
use crate::number::{MeanOfRuns, Runs, values_of_runs};
use crate::source::SampleSource;

/// Rows that are handled at once; a multiple of 64.
const CHUNK_ROWS: usize = 4096;
/// Bytes of a section copied at once; a multiple of what a checksum covers.
const COPY_BYTES: usize = 1 << 20;
/// Bytes of bit slices held at once.
const SLICE_BYTES: usize = 64 << 20;

/// The bases of one partition.
#[derive(Debug)]
pub struct Bases {
    /// One representative per base: the mean of the samples that share it. For columns of integers that is the base
    /// with the average deviation (Algorithm 1).
    pub samples: Vec<u8>,
    /// How many samples share each base.
    pub counts: Vec<u64>,
}

/// Condensed samples.
#[derive(Debug)]
pub struct Condensed {
    /// Centroids, `values per sample` numbers each.
    pub centroids: Vec<f64>,
    /// Samples per cluster.
    pub weights: Vec<u64>,
    /// Partition of each cluster.
    pub partitions: Vec<u32>,
}

impl SampleSource for Dataset {
    fn read(&self, ids: &[u32], out: &mut [u8]) -> Result<()> {
        let indices: Vec<i64> = ids.iter().map(|&id| id.into()).collect();
        self.decode_into(&indices, out, 1)
    }
}

impl Dataset {
    /// The bases of partition `number`, in the order of their first rows. For several layers: of the first one.
    ///
    /// # Errors
    /// [`Error::Argument`] for an unknown partition; [`Error::Corrupt`], [`Error::Io`].
    pub fn bases(&self, number: usize) -> Result<Bases> {
        let rows = self.partition_len(number)?;
        let sample_bytes = self.metadata.sample.bytes()?;
        if rows == 0 || self.is_hollow() {
            return Ok(Bases { samples: Vec::new(), counts: Vec::new() });
        }
        self.file.check_length()?;
        let block = self.block(number, 0)?;
        let mut buffers = ReadBuffers::default();
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); block.bases() as usize];
        for row in 0..rows {
            let id = block.read_base_id(&self.file, row, &mut buffers)?;
            let list = members.get_mut(id as usize).ok_or_else(|| {
                Error::corrupt("rows", format!("base_id {id} of {} bases", block.bases()))
                    .in_file(self.path())
            })?;
            list.push(row as u32);
        }
        let sample_of_row = self.samples_by_row()?;
        let first = self.starts[number] as usize;
        let runs = self.runs()?;
        let mut worker = Worker::new(self);
        let mut sample = vec![0; sample_bytes];
        let mut samples = vec![0; members.len() * sample_bytes];
        for (list, out) in members.iter().zip(samples.chunks_exact_mut(sample_bytes)) {
            let mut mean = MeanOfRuns::new(&runs);
            for &row in list {
                let index = sample_of_row[first + row as usize];
                self.decode_one(index.into(), &mut sample, &mut worker)?;
                mean.add(&sample);
            }
            mean.finish(out);
        }
        Ok(Bases { samples, counts: members.iter().map(|list| list.len() as u64).collect() })
    }

    /// Cluster the samples of each partition by their `beta` most telling bits and average each cluster.
    ///
    /// # Errors
    /// [`Error::Argument`] for `beta` = 0 or samples too large for it; [`Error::Corrupt`], [`Error::Io`].
    pub fn condense(&self, beta: usize) -> Result<Condensed> {
        if beta == 0 {
            return Err(Error::Argument("beta is 0; clustering needs at least one bit".to_owned()));
        }
        let runs = self.runs()?;
        let elements = self.values_per_sample()?;
        let mut condensed = Condensed { centroids: Vec::new(), weights: Vec::new(), partitions: Vec::new() };
        let sample_of_row = self.samples_by_row()?;
        for (number, partition) in self.metadata.partitions.iter().enumerate() {
            if partition.count == 0 || self.is_hollow() {
                continue;
            }
            let groups = self.cluster_partition(number, beta)?;
            let weights = groups.counts();
            let mut centroids = Centroids::new(weights.len(), elements);
            let mut worker = Worker::new(self);
            let mut sample = vec![0; self.metadata.sample.bytes()?];
            let first = self.starts[number] as usize;
            for (&group, &index) in groups.of_row.iter().zip(&sample_of_row[first..]) {
                self.decode_one(index.into(), &mut sample, &mut worker)?;
                centroids.add(group, values_of_runs(&runs, &sample));
            }
            condensed.centroids.extend(centroids.finish(&weights));
            condensed.partitions.extend(std::iter::repeat_n(number as u32, weights.len()));
            condensed.weights.extend(weights);
        }
        Ok(condensed)
    }

    /// Condense a table: [`condense`](crate::condense::condense) on its samples, whose columns are `cells`; `target` and
    /// `classes` have one entry for each sample.
    ///
    /// # Errors
    /// As there.
    pub fn condense_table(
        &self,
        cells: &[Cell],
        target: Option<&[f64]>,
        classes: Option<&[u32]>,
        options: &CondenseOptions,
    ) -> Result<(condense::Condensed, Vec<Plan>)> {
        let sample_of_row = self.samples_by_row()?;
        condense::condense(&self.rows_of(&sample_of_row, cells, target, classes)?, options)
    }

    /// What the file keeps of condensed samples; `None` where it keeps nothing.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Io`].
    pub fn kept_condensed(&self) -> Result<Option<Kept>> {
        let id = SectionId::whole(SectionKind::Condensed);
        if !self.file.entries().any(|entry| entry.id == id) {
            return Ok(None);
        }
        let mut buffer = Vec::new();
        let bytes = self.file.read_all(self.file.section(id)?, &mut buffer)?;
        let kept = Kept::from_bytes(bytes, self.len(), self.metadata.partitions.len());
        kept.map(Some).map_err(|detail| self.file.not_understood(id, detail))
    }

    /// The condensed samples that `plans`, kept by this file, make: as [`Self::condense_table`] gave them.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where they are not made for this file; otherwise as there.
    pub fn condense_by(
        &self,
        plans: &[Plan],
        cells: &[Cell],
        target: Option<&[f64]>,
        classes: Option<&[u32]>,
        options: &CondenseOptions,
    ) -> Result<condense::Condensed> {
        let sample_of_row = self.samples_by_row()?;
        let rows = self.rows_of(&sample_of_row, cells, target, classes)?;
        condense::condense_by(&rows, plans, options).map_err(|error| error.in_file(self.path()))
    }

    /// Replace this file by one that has condensed samples, too.
    ///
    /// # Errors
    /// As [`Self::condense_table`] and [`FileWriter`]; [`Error::Argument`] for a file of a newer minor version, which may have
    /// what this library would not copy right, and where another file has taken this one's place.
    pub fn keep_condensed(&self, condensing: &Condensing<'_>) -> Result<()> {
        if self.file.version() > FORMAT_VERSION {
            let (major, minor) = self.file.version();
            return Err(Error::Argument(format!(
                "{} is of format {major}.{minor}, which is newer than this library; condense it with a newer one",
                self.path().display()
            )));
        }
        let path = self.path();
        let sample_of_row = self.samples_by_row()?;
        let rows = self.rows_of(&sample_of_row, condensing.cells, None, None)?;
        let mut writer = FileWriter::create(path, true)?;
        writer.keep_permissions(self.path())?;
        let section = condensing.section(self, rows.row_bytes, rows.partitions)?;
        let kept = SectionId::whole(SectionKind::Condensed);
        let mut buffer = Vec::new();
        for entry in self.file.entries().filter(|entry| entry.id != kept) {
            let from = self.file.section(entry.id)?;
            writer.begin(entry.id)?;
            for start in (0..entry.bytes).step_by(COPY_BYTES) {
                let bytes = (entry.bytes - start).min(COPY_BYTES as u64);
                writer.write(self.file.read(from, start, bytes, 0, &mut buffer)?)?;
            }
            writer.end()?;
        }
        writer.section(kept, &section)?;
        if FileReader::open(path, Reading::Positioned)?.checksum() != self.file.checksum() {
            return Err(Error::Argument(format!(
                "{} has been replaced by a file of other content since it was opened; open it again",
                path.display()
            )));
        }
        writer.finish()
    }

    fn rows_of<'a>(
        &'a self,
        sample_of_row: &'a [u32],
        cells: &'a [Cell],
        target: Option<&'a [f64]>,
        classes: Option<&'a [u32]>,
    ) -> Result<Rows<'a>> {
        let partitions =
            self.starts.windows(2).map(|ends| &sample_of_row[ends[0] as usize..ends[1] as usize]);
        Ok(Rows {
            source: self,
            row_bytes: self.metadata.sample.bytes()?,
            cells,
            target,
            classes,
            partitions: partitions.collect(),
        })
    }

    /// Values of one sample: its cells, where it is a record.
    ///
    /// # Errors
    /// [`Error::Argument`] where samples differ in shape.
    pub fn values_per_sample(&self) -> Result<usize> {
        self.columns().map_or_else(|| self.metadata.sample.elements(), |columns| Ok(columns.len()))
    }

    /// The dtypes of these values.
    fn runs(&self) -> Result<Runs> {
        Ok(match self.columns() {
            Some(columns) => columns.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect(),
            None => vec![(self.metadata.sample.dtype, self.metadata.sample.elements()?)],
        })
    }

    /// The sample of every row, rows counted through all partitions.
    fn samples_by_row(&self) -> Result<Vec<u32>> {
        let mut buffer = Vec::new();
        let mut sample_of_row = vec![0; self.len() as usize];
        for index in 0..self.len() {
            let (partition, row) = self.locate(index, &mut buffer)?;
            sample_of_row[(self.starts[partition] + row) as usize] = index as u32;
        }
        Ok(sample_of_row)
    }

    fn cluster_partition(&self, number: usize, beta: usize) -> Result<crate::bases::Groups> {
        let block = self.block(number, 0)?;
        let layout = block.layout();
        if layout.total_bits() > MAX_SPLIT_BITS {
            return Err(Error::Argument(format!(
                "samples of {} bits are too large to cluster",
                layout.total_bits()
            )));
        }
        let rows = block.rows() as usize;
        let row_bytes = layout.row_bytes();
        let row_bits = layout.row_bits();
        let mut counts = vec![0; layout.row_words() * 64];
        self.for_each_chunk(block, |_, part| count_ones(part, row_bytes, &mut counts))?;
        let stats = BitStats::new(rows as u64, &counts, &row_bits);
        let at_once = (SLICE_BYTES / rows.div_ceil(64).max(1) / 8).max(1);
        cluster_by_positions(&stats, layout, beta, at_once, |positions| {
            let wanted: Vec<u32> = positions.iter().map(|&p| row_bits[p as usize]).collect();
            let mut slices = BitSlices::new(wanted.len(), rows);
            self.for_each_chunk(block, |first, part| {
                slices.insert(first, &slice_rows(part, row_bytes, &wanted));
            })?;
            Ok(slices)
        })
    }

    /// The bits of all rows of a block, some thousand rows at a time.
    fn for_each_chunk(&self, block: &Block, mut visit: impl FnMut(usize, &[u8])) -> Result<()> {
        let row_bytes = block.layout().row_bytes();
        let rows = block.rows() as usize;
        let mut buffers = ReadBuffers::default();
        let mut part = Vec::new();
        for first in (0..rows).step_by(CHUNK_ROWS) {
            let count = CHUNK_ROWS.min(rows - first);
            part.resize(count * row_bytes, 0);
            for (row, out) in (first as u64..).zip(part.chunks_exact_mut(row_bytes)) {
                block.read_bits(&self.file, row, out, &mut buffers)?;
            }
            visit(first, &part);
        }
        Ok(())
    }
}

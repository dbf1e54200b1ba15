//! What a file says about its samples without being decoded one by one. In: a partition, or a number of clustering
//! bits. Out: bases with counts, or condensed samples with weights (paper, Algorithm 1 lines 3 to 8).

use super::Dataset;
use super::decode::Worker;
use crate::bits::{BitSlices, count_ones, slice_rows};
use crate::block::{Block, MAX_SPLIT_BITS, ReadBuffers};
use crate::condense::{Centroids, cluster};
use crate::entropy::BitStats;
use crate::error::{Error, Result};
use crate::sample::DType;
use crate::transform::{self, Layer, Scratch, Spec};

/// Rows that are handled at once; a multiple of 64.
const CHUNK_ROWS: usize = 4096;
/// Bytes of bit slices held at once.
const SLICE_BYTES: usize = 64 << 20;

/// The bases of one partition.
#[derive(Debug)]
pub struct Bases {
    /// One representative per base, as a sample: the base bits with the average of the deviations.
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

impl Dataset {
    /// The bases of partition `number`, in the order of their first rows. For several layers: of the first one.
    ///
    /// # Errors
    /// [`Error::Argument`] for an unknown partition; [`Error::Corrupt`], [`Error::Io`].
    pub fn bases(&self, number: usize) -> Result<Bases> {
        let rows = self.partition_len(number)?;
        if rows == 0 || self.sample_bytes == 0 {
            return Ok(Bases { samples: Vec::new(), counts: Vec::new() });
        }
        let block = self.block(number, 0)?;
        let layer = &self.transform.layers()[0];
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
        // Representatives come from the first layer alone; without its correction a DCT is still an image.
        let spec = match self.metadata.transform {
            Spec::Dct { .. } => Spec::Dct { exact: false },
            ref other => other.clone(),
        };
        let preview = transform::build(&spec, &self.metadata.sample)?;
        let mut scratch = Scratch::default();
        let mut samples = vec![0; members.len() * self.sample_bytes];
        let mut row = vec![0; layer.row_bytes()];
        for (list, sample) in members.iter().zip(samples.chunks_exact_mut(self.sample_bytes)) {
            self.average(block, layer, list, &mut row, &mut buffers)?;
            preview.inverse(&[&row], sample, &mut scratch);
        }
        Ok(Bases { samples, counts: members.iter().map(|list| list.len() as u64).collect() })
    }

    /// The mean of the given rows, column by column, rounded half up. Base bits are the same in all of them, so
    /// this is the base with the average deviation.
    fn average(
        &self,
        block: &Block,
        layer: &Layer,
        rows: &[u32],
        out: &mut [u8],
        buffers: &mut ReadBuffers,
    ) -> Result<()> {
        let mut sums = vec![0u128; layer.columns];
        for &row in rows {
            block.read_bits(&self.file, row.into(), out, buffers)?;
            for (column, sum) in sums.iter_mut().enumerate() {
                *sum += u128::from(layer.container.get(out, column));
            }
        }
        let count = rows.len().max(1) as u128;
        for (column, sum) in sums.into_iter().enumerate() {
            layer.container.set(out, column, ((sum + count / 2) / count) as u64);
        }
        block.add_offsets(out);
        Ok(())
    }

    /// Cluster the samples of each partition by their `beta` most telling bits and average each cluster.
    ///
    /// # Errors
    /// [`Error::Argument`] for `beta` = 0 or samples too large for it; [`Error::Corrupt`], [`Error::Io`].
    pub fn condense(&self, beta: usize) -> Result<Condensed> {
        if beta == 0 {
            return Err(Error::Argument("beta is 0; clustering needs at least one bit".to_owned()));
        }
        let values = self.metadata.sample.elements()?;
        let mut condensed = Condensed { centroids: Vec::new(), weights: Vec::new(), partitions: Vec::new() };
        let sample_of_row = self.samples_by_row()?;
        for (number, partition) in self.metadata.partitions.iter().enumerate() {
            if partition.count == 0 || self.sample_bytes == 0 {
                continue;
            }
            let groups = self.cluster_partition(number, beta)?;
            let weights = groups.counts();
            let mut centroids = Centroids::new(weights.len(), values);
            let mut worker = Worker::new(self);
            let mut sample = vec![0; self.sample_bytes];
            let first = self.starts[number] as usize;
            for (&group, &index) in groups.of_row.iter().zip(&sample_of_row[first..]) {
                self.decode_one(index.into(), &mut sample, &mut worker)?;
                centroids.add(group, elements(self.metadata.sample.dtype, &sample));
            }
            condensed.centroids.extend(centroids.finish(&weights));
            condensed.partitions.extend(std::iter::repeat_n(number as u32, weights.len()));
            condensed.weights.extend(weights);
        }
        Ok(condensed)
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
        cluster(&stats, layout, beta, at_once, |positions| {
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

/// The values of a sample as real numbers.
fn elements(dtype: DType, sample: &[u8]) -> impl Iterator<Item = f64> {
    let size = dtype.size();
    sample.chunks_exact(size).map(move |bytes| {
        let mut word = [0; 8];
        word[..size].copy_from_slice(bytes);
        let bits = u64::from_le_bytes(word);
        match dtype {
            DType::Bool | DType::UInt8 | DType::UInt16 | DType::UInt32 | DType::UInt64 => bits as f64,
            DType::Int8 => f64::from(bits as i8),
            DType::Int16 => f64::from(bits as i16),
            DType::Int32 => f64::from(bits as i32),
            DType::Int64 => bits as i64 as f64,
            DType::Float16 => half_to_f64(bits as u16),
            DType::Float32 => f64::from(f32::from_bits(bits as u32)),
            DType::Float64 => f64::from_bits(bits),
        }
    })
}

/// IEEE binary16 to binary64, exactly.
fn half_to_f64(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let fraction = f64::from(bits & 0x3FF);
    sign * match (bits >> 10) & 0x1F {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (1024.0 + fraction) * 2f64.powi(i32::from(exponent) - 25),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_read_exactly() {
        let cases = [
            (0x3C00, 1.0),
            (0xC000, -2.0),
            (0x7BFF, 65504.0),
            (0x0001, 5.960_464_477_539_063e-8),
            (0x0400, 6.103_515_625e-5),
        ];
        for (bits, value) in cases {
            assert_eq!(half_to_f64(bits), value, "{bits:#x}");
        }
        assert!(half_to_f64(0x7E00).is_nan());
        assert_eq!(half_to_f64(0xFC00), f64::NEG_INFINITY);
    }
}

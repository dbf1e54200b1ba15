//! Bit slices for the split search. In: the rows of a block and the order in which the search wants their bits.
//! Out: the slices, batch by batch, in bounded memory.
//!
//! Slices are cut from the rows. Where the rows must be computed anew for every batch, only the first batches are:
//! most searches end there. One that goes on gets all its other slices cut in a single pass, into an unnamed
//! temporary file beside the output, in the order in which they will be read back.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom};
use std::path::Path;

use super::partition::PartitionRows;
use crate::bits::{BitSlices, slice_rows};
use crate::error::{Error, Result};

/// Batches that are cut directly although the rows have to be computed for each.
const DIRECT_BATCHES: usize = 2;

/// See the module.
pub(super) struct SliceSource<'a> {
    rows: &'a PartitionRows<'a>,
    layer: usize,
    /// Row bits in the order in which they are asked for.
    order: Vec<u32>,
    taken: usize,
    batches: usize,
    /// Bytes of slices in memory at once.
    memory: usize,
    folder: &'a Path,
    spool: Option<Spool>,
}

/// The slices of `order[first..]`, in groups of rows; a group holds its part of one slice after another.
struct Spool {
    file: File,
    first: usize,
    slices: usize,
    group_rows: usize,
}

impl<'a> SliceSource<'a> {
    pub(super) fn new(
        rows: &'a PartitionRows<'a>,
        layer: usize,
        order: Vec<u32>,
        memory: usize,
        folder: &'a Path,
    ) -> Self {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        Self { rows, layer, order, taken: 0, batches: 0, memory, folder, spool: None }
    }

    /// Slices that fit into memory at once.
    pub(super) fn at_once(&self) -> usize {
        (self.memory / self.rows.len().div_ceil(64).max(1) / 8).max(1)
    }

    /// The next `count` slices in order. `tick(rows)` is called now and then.
    pub(super) fn next(
        &mut self,
        count: usize,
        tick: &mut dyn FnMut(usize) -> Result<()>,
    ) -> Result<BitSlices> {
        let first = self.taken;
        self.taken += count;
        self.batches += 1;
        let rest = self.order.len() - first;
        if self.spool.is_none() && !self.rows.are_kept() && self.batches > DIRECT_BATCHES && rest > count {
            self.spool = Some(self.write_spool(first, tick)?);
        }
        match &mut self.spool {
            Some(spool) => spool.read(first, count, self.rows.len()).map_err(|e| self.io("reading", e)),
            None => self.cut(first, count, tick),
        }
    }

    fn cut(
        &self,
        first: usize,
        count: usize,
        tick: &mut dyn FnMut(usize) -> Result<()>,
    ) -> Result<BitSlices> {
        let wanted = &self.order[first..first + count];
        let row_bytes = self.rows.layer(self.layer).row_bytes();
        let mut slices = BitSlices::new(count, self.rows.len());
        let cut = |_, part: &[u8]| Ok(slice_rows(part, row_bytes, wanted));
        self.rows.for_each_chunk(self.layer, cut, |chunk, part| {
            slices.insert(self.rows.chunk_start(chunk), &part);
            tick(self.rows.chunk_rows())
        })?;
        Ok(slices)
    }

    fn write_spool(&self, first: usize, tick: &mut dyn FnMut(usize) -> Result<()>) -> Result<Spool> {
        let wanted = &self.order[first..];
        let row_bytes = self.rows.layer(self.layer).row_bytes();
        // Whole chunks, as many as fit.
        let chunk_rows = self.rows.chunk_rows();
        let fitting = self.memory * 8 / wanted.len().max(1);
        let group_rows = (fitting / chunk_rows * chunk_rows).max(chunk_rows);
        let total = self.rows.len();
        let file = tempfile::tempfile_in(self.folder).map_err(|e| self.io("creating", e))?;
        let mut out = BufWriter::with_capacity(1 << 20, file);
        let mut group = BitSlices::new(wanted.len(), group_rows.min(total));
        let cut = |_, part: &[u8]| Ok(slice_rows(part, row_bytes, wanted));
        self.rows.for_each_chunk(self.layer, cut, |chunk, part| {
            let start = self.rows.chunk_start(chunk);
            group.insert(start % group_rows, &part);
            let end = (start + chunk_rows).min(total);
            if end == total || end.is_multiple_of(group_rows) {
                group.write_to(&mut out).map_err(|e| self.io("writing", e))?;
                if end < total {
                    group = BitSlices::new(wanted.len(), group_rows.min(total - end));
                }
            }
            tick(self.rows.chunk_rows())
        })?;
        let file = out.into_inner().map_err(|e| self.io("writing", e.into_error()))?;
        Ok(Spool { file, first, slices: wanted.len(), group_rows })
    }

    fn io(&self, action: &'static str, error: std::io::Error) -> Error {
        Error::io(action, self.folder.join("(an unnamed temporary file)"), error)
    }
}

impl Spool {
    fn read(&mut self, first: usize, count: usize, rows: usize) -> std::io::Result<BitSlices> {
        let mut slices = BitSlices::new(count, rows);
        let mut buffer = Vec::new();
        let mut group_start = 0u64;
        for start in (0..rows).step_by(self.group_rows) {
            let bytes_per_slice = self.group_rows.min(rows - start).div_ceil(64) * 8;
            buffer.resize(count * bytes_per_slice, 0);
            let skipped = (first - self.first) * bytes_per_slice;
            self.file.seek(SeekFrom::Start(group_start + skipped as u64))?;
            self.file.read_exact(&mut buffer)?;
            slices.insert_bytes(start, &buffer);
            group_start += (self.slices * bytes_per_slice) as u64;
        }
        Ok(slices)
    }
}

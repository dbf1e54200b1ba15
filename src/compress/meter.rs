//! How far a run is. In: rows as passes go over them. Out: [`Progress`] for the caller, in samples.

use super::{OnProgress, Progress};
use crate::error::Result;

/// Counts the rows of all passes over a partition and reports them as samples, so that the count is that of the data
/// set and moves evenly, whatever the number of passes.
pub(super) struct Meter<'a, 'p> {
    on_progress: &'a mut OnProgress<'p>,
    progress: Progress,
    /// Samples of partitions that are complete.
    before: u64,
    /// Rows of this partition.
    rows: u64,
    /// Passes expected over them.
    passes: u64,
    /// Rows gone over, in all passes.
    work: u64,
}

impl<'a, 'p> Meter<'a, 'p> {
    pub(super) fn new(on_progress: &'a mut OnProgress<'p>, samples: u64) -> Self {
        let progress = Progress { total: samples, ..Progress::default() };
        Self { on_progress, progress, before: 0, rows: 0, passes: 1, work: 0 }
    }

    /// Begin a partition of `rows` rows.
    pub(super) fn begin(&mut self, rows: u64, passes: u64) {
        (self.rows, self.passes, self.work) = (rows, passes, 0);
    }

    /// At least `passes` are over, if fewer than expected were needed.
    pub(super) fn reach(&mut self, passes: u64) {
        self.work = self.work.max(passes * self.rows);
    }

    /// `rows` more rows have been gone over.
    pub(super) fn advance(&mut self, rows: u64) -> Result<()> {
        // Only `end` completes a partition.
        self.work = (self.work + rows).min((self.passes * self.rows).saturating_sub(1));
        self.progress.done = self.before + self.work / self.passes;
        (self.on_progress)(self.progress)
    }

    /// `raw_bytes` more bytes of samples are written; the file has `file_bytes`.
    pub(super) fn written(&mut self, raw_bytes: u64, file_bytes: u64) {
        self.progress.raw_bytes += raw_bytes;
        self.progress.file_bytes = file_bytes;
    }

    /// The partition is complete.
    pub(super) fn end(&mut self) -> Result<()> {
        self.before += self.rows;
        self.work = 0;
        self.rows = 0;
        self.advance(0)
    }
}

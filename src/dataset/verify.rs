//! Verifying a file. In: an open file. Out: the certainty that every byte is as written and every sample decodes to
//! what the writer saw, or the first thing that is wrong.

use std::ops::Range;

use super::Dataset;
use super::decode::{Request, Worker};
use super::order::Order;
use crate::error::{Error, Result};
use crate::metadata::{digest, digest_text};
use crate::parallel::{map_in_order, thread_count};

/// Bytes of samples that one job decodes.
const JOB_BYTES: u64 = 4 << 20;

impl Dataset {
    /// Check all checksums and the padding, decode every sample and compare the digest with the writer's.
    /// `on_progress(done, total)` counts samples.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Io`], and what `on_progress` returns.
    pub fn verify(
        &self,
        num_threads: usize,
        on_progress: &mut dyn FnMut(u64, u64) -> Result<()>,
    ) -> Result<()> {
        self.file.check_length()?;
        self.file.check_padding()?;
        for entry in self.file.entries() {
            self.file.check_section(self.file.section(entry.id)?)?;
        }
        let (mut total, mut total_bytes) = (0u64, 0u64);
        let average = self.all_sample_bytes().checked_div(self.len()).unwrap_or(0);
        if !self.is_hollow() && !self.is_empty() {
            let per_job = (JOB_BYTES / average.max(1)).max(1);
            let jobs = self.len().div_ceil(per_job) as usize;
            let job = |number: usize| {
                let start = number as u64 * per_job;
                let end = (start + per_job).min(self.len());
                let (sum, bytes) = self.digest_of(start..end)?;
                Ok((sum, bytes, end))
            };
            map_in_order(thread_count(num_threads), jobs, job, |_, (sum, bytes, end)| {
                total = total.wrapping_add(sum);
                total_bytes = total_bytes.saturating_add(bytes);
                on_progress(end, self.len())
            })?;
        }
        if total_bytes != self.all_sample_bytes() {
            let expected = self.all_sample_bytes();
            let detail = format!("the samples have {total_bytes} bytes, the metadata say {expected}");
            return Err(Error::corrupt("metadata", detail).in_file(self.path()));
        }
        let found = digest_text(total);
        if found != self.metadata.digest {
            let detail =
                format!("the samples decode to digest {found}, the writer saw {}", self.metadata.digest);
            return Err(Error::corrupt("rows", detail).in_file(self.path()));
        }
        Ok(())
    }

    /// Digest and bytes of the samples in `range`, as they are decoded; few at a time, whatever their sizes.
    fn digest_of(&self, range: Range<u64>) -> Result<(u64, u64)> {
        let mut worker = Worker::new(self);
        let (mut sum, mut bytes) = (0u64, 0u64);
        let mut samples = Vec::new();
        let mut next = range.start;
        while next < range.end {
            let first = next;
            let mut sizes = Vec::new();
            let mut total = 0;
            while next < range.end && (total as u64) < JOB_BYTES {
                sizes.push(self.bytes_of(next)?);
                total += sizes[sizes.len() - 1];
                next += 1;
            }
            samples.resize(total, 0);
            let mut requests = Vec::with_capacity(sizes.len());
            let mut rest = &mut samples[..];
            for (index, &size) in (first..).zip(&sizes) {
                let (out, later) = std::mem::take(&mut rest).split_at_mut(size);
                requests.push(Request { index, window: None, out });
                rest = later;
            }
            self.decode_many(&mut requests, Order::Stored, &mut worker)?;
            let digests = requests.iter().map(|request| digest(request.out, request.index));
            sum = digests.fold(sum, u64::wrapping_add);
            bytes = bytes.saturating_add(total as u64);
        }
        Ok((sum, bytes))
    }
}

//! Verifying a file. In: an open file. Out: the certainty that every byte is as written and every sample decodes to
//! what the writer saw, or the first thing that is wrong.

use super::Dataset;
use super::decode::Worker;
use crate::error::{Error, Result};
use crate::metadata::{digest, digest_text};
use crate::parallel::{map_in_order, thread_count};

/// Bytes of samples that one job decodes.
const JOB_BYTES: usize = 1 << 20;

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
        let mut total = 0u64;
        if let Some(per_job) = JOB_BYTES.checked_div(self.sample_bytes) {
            let per_job = per_job.max(1) as u64;
            let jobs = self.len().div_ceil(per_job) as usize;
            let job = |number: usize| {
                let start = number as u64 * per_job;
                let end = (start + per_job).min(self.len());
                let mut worker = Worker::new(self);
                let mut samples = vec![0; (end - start) as usize * self.sample_bytes];
                self.decode_many(&(start..end).collect::<Vec<_>>(), &mut samples, &mut worker)?;
                let digests = (start..end).zip(samples.chunks_exact(self.sample_bytes));
                let sum = digests.fold(0u64, |sum, (index, sample)| sum.wrapping_add(digest(sample, index)));
                Ok((sum, end))
            };
            map_in_order(thread_count(num_threads), jobs, job, |_, (sum, end)| {
                total = total.wrapping_add(sum);
                on_progress(end, self.len())
            })?;
        }
        let found = digest_text(total);
        if found != self.metadata.digest {
            let detail =
                format!("the samples decode to digest {found}, the writer saw {}", self.metadata.digest);
            return Err(Error::corrupt("rows", detail).in_file(self.path()));
        }
        Ok(())
    }
}

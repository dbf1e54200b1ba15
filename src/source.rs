//! Where samples come from. In: memory or an open file. Out: the samples asked for, in any order, any number of
//! times. A source that can only be read once is first written to a temporary file by its reader.

use std::fs::File;
use std::path::PathBuf;

use crate::error::{Error, Result};

/// Samples that can be read at random.
pub trait SampleSource: Sync {
    /// Copy samples `ids` to `out`, one after another.
    ///
    /// # Errors
    /// [`Error::Io`].
    fn read(&self, ids: &[u32], out: &mut [u8]) -> Result<()>;
}

/// Samples one after another in memory.
#[derive(Debug)]
pub struct MemorySource<'a> {
    /// All samples.
    pub bytes: &'a [u8],
    /// Size of one.
    pub sample_bytes: usize,
}

impl SampleSource for MemorySource<'_> {
    fn read(&self, ids: &[u32], out: &mut [u8]) -> Result<()> {
        for (out, &id) in out.chunks_exact_mut(self.sample_bytes).zip(ids) {
            let start = id as usize * self.sample_bytes;
            out.copy_from_slice(&self.bytes[start..start + self.sample_bytes]);
        }
        Ok(())
    }
}

/// Samples one after another in a file, read by position: memory stays bounded.
#[derive(Debug)]
pub struct FileSource {
    /// The file.
    pub file: File,
    /// Its name for messages.
    pub name: PathBuf,
    /// Where the first sample begins.
    pub offset: u64,
    /// Size of one.
    pub sample_bytes: usize,
}

impl SampleSource for FileSource {
    fn read(&self, ids: &[u32], mut out: &mut [u8]) -> Result<()> {
        // Neighbouring samples are one read.
        for run in ids.chunk_by(|a, b| a.checked_add(1) == Some(*b)) {
            let Some(&first) = run.first() else { continue };
            let (now, later) = out.split_at_mut(run.len() * self.sample_bytes);
            let start = self.offset + u64::from(first) * self.sample_bytes as u64;
            read_exact_at(&self.file, now, start).map_err(|e| Error::io("reading samples", &self.name, e))?;
            out = later;
        }
        Ok(())
    }
}

/// Samples of different sizes one after another in a file.
#[derive(Debug)]
pub struct RaggedFileSource {
    /// The file.
    pub file: File,
    /// Its name for messages.
    pub name: PathBuf,
    /// Where each sample begins, and the end of the last.
    pub starts: Vec<u64>,
}

impl SampleSource for RaggedFileSource {
    fn read(&self, ids: &[u32], mut out: &mut [u8]) -> Result<()> {
        for run in ids.chunk_by(|a, b| a.checked_add(1) == Some(*b)) {
            let (Some(&first), Some(&last)) = (run.first(), run.last()) else { continue };
            let (start, end) = (self.starts[first as usize], self.starts[last as usize + 1]);
            let (now, later) = out.split_at_mut((end - start) as usize);
            read_exact_at(&self.file, now, start).map_err(|e| Error::io("reading samples", &self.name, e))?;
            out = later;
        }
        Ok(())
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, out: &mut [u8], start: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, start)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut out: &mut [u8], mut start: u64) -> std::io::Result<()> {
    use std::os::windows::fs::FileExt;
    while !out.is_empty() {
        let n = file.seek_read(out, start)?;
        if n == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        out = &mut out[n..];
        start += n as u64;
    }
    Ok(())
}

//! Reading a file that nobody vouches for. In: a path. Out: sections whose bytes have passed their checksums.
//!
//! Opening checks the header, the section table and that sections lie one after another without holes inside the
//! file; nothing is allocated on a number that the file's length does not cover. A section's bytes are checked
//! chunk by chunk when they are first read, once per open.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::{Advice, Mmap};

use super::checksum::hash;
use super::header::u64_at;
use super::{ALIGNMENT, ENTRY_BYTES, HEADER_BYTES, Header, SectionEntry, SectionId, align};
use crate::error::{Error, Result};

/// How the bytes of a file are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Mapped into memory: fastest. A file cut short by others while it is mapped can end the process, as with
    /// every memory map; files written by this library are replaced, never changed.
    Map,
    /// Positioned reads: a little slower, and every I/O failure is an error.
    Positioned,
}

enum Bytes {
    Mapped(Mmap),
    Positioned,
}

/// A section of an open file.
pub struct Section {
    entry: SectionEntry,
    state: OnceLock<Checks>,
}

struct Checks {
    sums: Vec<u8>,
    /// One bit per chunk: whether it has been checked.
    passed: Vec<AtomicU64>,
}

/// Cache lines that [`FileReader::prefetch`] asks for; the CPU guesses the rest.
#[cfg(target_arch = "x86_64")]
const PREFETCHED_LINES: usize = 16;

/// An open file.
pub struct FileReader {
    path: PathBuf,
    file: File,
    header: Header,
    bytes: Bytes,
    sections: Vec<Section>,
    by_id: HashMap<SectionId, usize>,
}

impl FileReader {
    /// Open `path` and check its structure.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Corrupt`], [`Error::NewerFormat`].
    pub fn open(path: &Path, reading: Reading) -> Result<Self> {
        Self::open_inner(path, reading).map_err(|e| e.in_file(path))
    }

    fn open_inner(path: &Path, reading: Reading) -> Result<Self> {
        let io = |e| Error::io("opening", path, e);
        // Before it is opened: that would wait for ever at a pipe nobody writes to.
        if !fs::metadata(path).map_err(io)?.is_file() {
            let what = if path.is_dir() { "a folder" } else { "no regular file" };
            return Err(Error::Argument(format!("{} is {what}; name a .gede file", path.display())));
        }
        let file = File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        let length = metadata.len();
        let mut head = [0; HEADER_BYTES];
        if length < HEADER_BYTES as u64 {
            let detail = format!("the file has {length} bytes, less than a header");
            return Err(Error::corrupt("header", detail));
        }
        read_at(&file, &mut head, 0).map_err(io)?;
        let header = Header::from_bytes(&head, path)?;
        if header.file_bytes != length {
            let detail = format!("the file has {length} bytes and should have {}", header.file_bytes);
            return Err(Error::corrupt("header", detail));
        }
        let table_bytes = u64::from(header.sections) * ENTRY_BYTES as u64;
        if header.table_offset.checked_add(table_bytes) != Some(length) {
            return Err(Error::corrupt("header", "the section table does not end with the file"));
        }
        let mut table = vec![0; table_bytes as usize];
        read_at(&file, &mut table, header.table_offset).map_err(io)?;
        if hash(&table) != header.table_checksum {
            return Err(Error::corrupt("section table", "its checksum does not match"));
        }
        let sections = read_table(&table, header.table_offset).map_err(|e| header.explain(e, path))?;
        let mut by_id = HashMap::with_capacity(sections.len());
        for (number, section) in sections.iter().enumerate() {
            if by_id.insert(section.entry.id, number).is_some() {
                let detail = format!("'{}' appears twice", section.entry.id.describe());
                return Err(Error::corrupt("section table", detail));
            }
        }
        let bytes = match reading {
            Reading::Map => {
                // SAFETY: the map is only read. Nothing here prevents another process from changing the file; the
                // library itself only ever replaces files, and `Reading::Map` documents the rest.
                let map = unsafe { Mmap::map(&file) }.map_err(io)?;
                // Batches are random: reading ahead would fetch pages nobody asked for. Only a hint.
                let _ = map.advise(Advice::Random);
                Bytes::Mapped(map)
            }
            Reading::Positioned => Bytes::Positioned,
        };
        Ok(Self { path: path.to_owned(), file, header, bytes, sections, by_id })
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's length in bytes.
    pub fn file_bytes(&self) -> u64 {
        self.header.file_bytes
    }

    /// Major and minor version of the file's format.
    pub fn version(&self) -> (u16, u16) {
        self.header.version
    }

    /// xxh3-64 of the section table, which holds the checksums of everything: another content, another number.
    pub fn checksum(&self) -> u64 {
        self.header.table_checksum
    }

    /// All sections, in file order.
    pub fn entries(&self) -> impl Iterator<Item = &SectionEntry> {
        self.sections.iter().map(|section| &section.entry)
    }

    /// The section `id`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where the file has none.
    pub fn section(&self, id: SectionId) -> Result<&Section> {
        Ok(&self.sections[self.section_number(id)?])
    }

    /// The place of section `id` in the file, for [`FileReader::section_at`].
    ///
    /// # Errors
    /// [`Error::Corrupt`] where the file has none.
    pub fn section_number(&self, id: SectionId) -> Result<usize> {
        let number = self.by_id.get(&id).copied();
        number.ok_or_else(|| self.corrupt(id, "the file has no such section"))
    }

    /// The section of that number, without a search.
    pub fn section_at(&self, number: usize) -> &Section {
        &self.sections[number]
    }

    /// An [`Error::Corrupt`] that names this file and section `id`.
    pub fn corrupt(&self, id: SectionId, detail: impl Into<String>) -> Error {
        Error::corrupt(id.describe(), detail).in_file(&self.path)
    }

    /// The error for content of section `id` that makes no sense although its checksums match: damage, or
    /// something that a newer minor version has added.
    pub fn not_understood(&self, id: SectionId, detail: impl Into<String>) -> Error {
        self.header.explain(Error::corrupt(id.describe(), detail), &self.path)
    }

    /// Fail where the file has been cut short or has grown since it was opened.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Io`].
    pub fn check_length(&self) -> Result<()> {
        let length = self.file.metadata().map_err(|e| Error::io("reading", &self.path, e))?.len();
        if length == self.header.file_bytes {
            return Ok(());
        }
        let was = self.header.file_bytes;
        let detail = format!("the file had {was} bytes when it was opened and has {length} now");
        Err(Error::corrupt("header", detail).in_file(&self.path))
    }

    /// `bytes` checked bytes of `section` from `start` on, followed by up to `tail` bytes that need not have been
    /// checked (padding for kernels that load whole words). The result lies in the map, or in `buffer`.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Io`].
    pub fn read<'a>(
        &'a self,
        section: &'a Section,
        start: u64,
        bytes: u64,
        tail: u64,
        buffer: &'a mut Vec<u8>,
    ) -> Result<&'a [u8]> {
        let entry = &section.entry;
        if start.checked_add(bytes).and_then(|end| end.checked_add(tail)).is_none_or(|end| end > entry.bytes)
        {
            let detail = format!("bytes {start}+{bytes}+{tail} lie outside its {} bytes", entry.bytes);
            return Err(self.corrupt(entry.id, detail));
        }
        self.check(section, start, bytes)?;
        self.raw(entry.offset + start, bytes + tail, buffer)
    }

    /// Ask for the first bytes of what will be read from byte `start` of a section, where the file is mapped: a hint, with no
    /// effect but on time.
    pub fn prefetch(&self, section: &Section, start: u64) {
        #[cfg(target_arch = "x86_64")]
        if let Bytes::Mapped(map) = &self.bytes {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let first = section.entry.offset.saturating_add(start) as usize;
            for line in map.get(first..).unwrap_or(&[]).chunks(64).take(PREFETCHED_LINES) {
                // SAFETY: SSE is part of x86-64; the address lies in the map, and a prefetch reads nothing.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) }
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (section, start);
    }

    /// The whole payload of a section.
    ///
    /// # Errors
    /// As [`FileReader::read`].
    pub fn read_all<'a>(&'a self, section: &'a Section, buffer: &'a mut Vec<u8>) -> Result<&'a [u8]> {
        self.read(section, 0, section.entry.bytes, 0, buffer)
    }

    /// The payload of a section in the map, or `None` where the file is read by positions.
    ///
    /// # Errors
    /// As [`FileReader::read`].
    pub fn mapped(&self, section: &Section) -> Result<Option<&[u8]>> {
        let Bytes::Mapped(map) = &self.bytes else { return Ok(None) };
        self.check(section, 0, section.entry.bytes)?;
        let start = section.entry.offset as usize;
        Ok(Some(&map[start..start + section.entry.bytes as usize]))
    }

    /// Check all bytes of a section that have not been checked yet.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Io`].
    pub fn check_section(&self, section: &Section) -> Result<()> {
        self.check(section, 0, section.entry.bytes)
    }

    /// Check everything between the sections as well: header, table and padding are as they were written.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Io`].
    pub fn check_padding(&self) -> Result<()> {
        let mut buffer = Vec::new();
        for (number, section) in self.sections.iter().enumerate() {
            let entry = &section.entry;
            let end = entry.checks_offset + entry.chunks() * 8;
            let next = self.sections.get(number + 1).map_or(self.header.table_offset, |s| s.entry.offset);
            for (from, to) in [(entry.offset + entry.bytes, entry.checks_offset), (end, next)] {
                if self.raw(from, to - from, &mut buffer)?.iter().any(|&byte| byte != 0) {
                    return Err(self.corrupt(entry.id, "the padding after it is not zero"));
                }
            }
        }
        Ok(())
    }

    fn raw<'a>(&'a self, start: u64, bytes: u64, buffer: &'a mut Vec<u8>) -> Result<&'a [u8]> {
        match &self.bytes {
            Bytes::Mapped(map) => Ok(&map[start as usize..(start + bytes) as usize]),
            Bytes::Positioned => {
                buffer.resize(bytes as usize, 0);
                match read_at(&self.file, buffer, start) {
                    Ok(()) => Ok(buffer),
                    Err(e) if e.kind() == ErrorKind::UnexpectedEof => {
                        self.check_length()?;
                        Err(Error::io("reading", &self.path, e))
                    }
                    Err(e) => Err(Error::io("reading", &self.path, e)),
                }
            }
        }
    }

    /// Check the chunks that hold `bytes` bytes of the section from `start` on, those that were not yet.
    fn check(&self, section: &Section, start: u64, bytes: u64) -> Result<()> {
        if bytes == 0 {
            return Ok(());
        }
        let entry = &section.entry;
        let checks = match section.state.get() {
            Some(checks) => checks,
            None => self.load_checks(section)?,
        };
        let mut buffer = Vec::new();
        for chunk in start >> entry.chunk_log2..=(start + bytes - 1) >> entry.chunk_log2 {
            let bit = 1u64 << (chunk % 64);
            let passed = &checks.passed[chunk as usize / 64];
            if passed.load(Ordering::Relaxed) & bit != 0 {
                continue;
            }
            let from = chunk << entry.chunk_log2;
            let len = (entry.bytes - from).min(1 << entry.chunk_log2);
            let sum = hash(self.raw(entry.offset + from, len, &mut buffer)?);
            if sum != u64_at(&checks.sums, chunk as usize * 8) {
                let detail = format!("bytes {from} to {} do not match their checksum", from + len);
                return Err(self.corrupt(entry.id, detail));
            }
            passed.fetch_or(bit, Ordering::Relaxed);
        }
        Ok(())
    }

    fn load_checks<'a>(&self, section: &'a Section) -> Result<&'a Checks> {
        let entry = &section.entry;
        let mut buffer = Vec::new();
        let sums = self.raw(entry.checks_offset, entry.chunks() * 8, &mut buffer)?.to_vec();
        if hash(&sums) != entry.checks_checksum {
            return Err(self.corrupt(entry.id, "its list of checksums is damaged"));
        }
        let passed = (0..entry.chunks().div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Ok(section.state.get_or_init(|| Checks { sums, passed }))
    }
}

impl Section {
    /// The section's entry in the table.
    pub fn entry(&self) -> &SectionEntry {
        &self.entry
    }
}

/// Entries in file order, each where the one before ends.
fn read_table(table: &[u8], table_offset: u64) -> Result<Vec<Section>> {
    let misplaced = |id: SectionId| {
        Error::corrupt("section table", format!("'{}' does not lie where it should", id.describe()))
    };
    let mut expected = HEADER_BYTES as u64;
    let mut sections = Vec::with_capacity(table.len() / ENTRY_BYTES);
    for bytes in table.chunks_exact(ENTRY_BYTES) {
        let entry = SectionEntry::from_bytes(bytes)?;
        let inside = entry.offset == expected && entry.bytes <= table_offset && entry.offset <= table_offset;
        if !inside || entry.checks_offset != align(entry.offset + entry.bytes, 8) {
            return Err(misplaced(entry.id));
        }
        let end = entry.checks_offset + entry.chunks() * 8;
        if end > table_offset {
            return Err(misplaced(entry.id));
        }
        expected = align(end, ALIGNMENT);
        sections.push(Section { entry, state: OnceLock::new() });
    }
    if expected != table_offset {
        return Err(Error::corrupt("section table", "the sections do not fill the file"));
    }
    Ok(sections)
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> std::io::Result<()> {
    use std::os::windows::fs::FileExt;
    while !buffer.is_empty() {
        match file.seek_read(buffer, offset)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            n => {
                buffer = &mut buffer[n..];
                offset += n as u64;
            }
        }
    }
    Ok(())
}

//! Writing a file that is there as a whole or not at all. In: sections, one after another, in pieces. Out: the
//! finished file under its final name.
//!
//! Everything goes to a temporary file `.NAME.PID.N.tmp` in the same folder, held under a lock; `finish` syncs it,
//! gives it its name and syncs the folder. A writer that fails removes its temporary file; one that is killed leaves
//! it behind unlocked, and the next writer of the same name removes it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{BufWriter, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::checksum::{ChunkHasher, hash};
use super::{ALIGNMENT, CHUNK_LOG2, HEADER_BYTES, Header, SectionEntry, SectionId, align};
use crate::error::{Error, Result};

struct OpenSection {
    id: SectionId,
    offset: u64,
    hasher: ChunkHasher,
}

/// See the module.
pub struct FileWriter {
    file: BufWriter<File>,
    temporary: PathBuf,
    target: PathBuf,
    overwrite: bool,
    finished: bool,
    position: u64,
    entries: Vec<SectionEntry>,
    open: Option<OpenSection>,
}

impl FileWriter {
    /// Begin the file that will be `target`.
    ///
    /// # Errors
    /// [`Error::OutputExists`] unless `overwrite`; [`Error::Io`].
    pub fn create(target: &Path, overwrite: bool) -> Result<Self> {
        let target = &check_target(target, overwrite)?;
        let name = target
            .file_name()
            .ok_or_else(|| Error::Argument(format!("{} does not name a file", target.display())))?
            .to_string_lossy()
            .into_owned();
        let folder = folder_of(target);
        remove_abandoned(&folder, &name);
        let (file, temporary) = create_temporary(&folder, &name)?;
        let mut writer = Self {
            file: BufWriter::with_capacity(1 << 20, file),
            temporary,
            target: target.to_owned(),
            overwrite,
            finished: false,
            position: 0,
            entries: Vec::new(),
            open: None,
        };
        writer.put(&[0; HEADER_BYTES])?;
        Ok(writer)
    }

    /// Give the file the permissions that the file `of` has.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn keep_permissions(&self, of: &Path) -> Result<()> {
        let permissions =
            fs::metadata(of).and_then(|found| fs::set_permissions(&self.temporary, found.permissions()));
        permissions.map_err(|e| self.error("copying permissions", e))
    }

    /// Bytes written so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Begin a section; the one before must have ended.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn begin(&mut self, id: SectionId) -> Result<()> {
        debug_assert!(self.open.is_none());
        self.pad_to(ALIGNMENT)?;
        self.open = Some(OpenSection { id, offset: self.position, hasher: ChunkHasher::new(CHUNK_LOG2) });
        Ok(())
    }

    /// Append to the open section.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some(open) = &mut self.open {
            open.hasher.update(bytes);
        }
        self.put(bytes)
    }

    /// End the open section: its checksums follow.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn end(&mut self) -> Result<()> {
        let Some(OpenSection { id, offset, hasher }) = self.open.take() else {
            return Ok(());
        };
        let bytes = self.position - offset;
        self.pad_to(8)?;
        let checks = hasher.finish();
        let entry = SectionEntry {
            id,
            offset,
            bytes,
            checks_offset: self.position,
            checks_checksum: hash(&checks),
            chunk_log2: CHUNK_LOG2,
        };
        self.entries.push(entry);
        self.put(&checks)
    }

    /// A whole section at once.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn section(&mut self, id: SectionId, bytes: &[u8]) -> Result<()> {
        self.begin(id)?;
        self.write(bytes)?;
        self.end()
    }

    /// Write table and header, sync, and give the file its name.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::OutputExists`] where somebody else has written the file meanwhile.
    pub fn finish(mut self) -> Result<()> {
        self.pad_to(ALIGNMENT)?;
        let table: Vec<u8> = self.entries.iter().flat_map(SectionEntry::to_bytes).collect();
        let file_bytes = self.position + table.len() as u64;
        let header = Header::new(file_bytes, self.position, self.entries.len() as u32, hash(&table));
        self.put(&table)?;
        let written = self
            .file
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.file.write_all(&header.to_bytes()))
            .and_then(|()| self.file.flush())
            .and_then(|()| self.file.get_ref().sync_all());
        written.map_err(|e| self.error("writing", e))?;
        self.publish()?;
        self.finished = true;
        // The rename is durable once the folder is; a folder that cannot be opened cannot be synced either.
        if let Ok(folder) = File::open(folder_of(&self.target)) {
            let _ = folder.sync_all();
        }
        Ok(())
    }

    fn publish(&self) -> Result<()> {
        if self.overwrite {
            return fs::rename(&self.temporary, &self.target).map_err(|e| self.error("renaming", e));
        }
        // Unlike a rename, a link never replaces a file that appeared meanwhile.
        match fs::hard_link(&self.temporary, &self.target) {
            Ok(()) => fs::remove_file(&self.temporary).map_err(|e| self.error("renaming", e)),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => Err(Error::OutputExists(self.target.clone())),
            Err(_) if self.target.exists() => Err(Error::OutputExists(self.target.clone())),
            // A file system without links.
            Err(_) => fs::rename(&self.temporary, &self.target).map_err(|e| self.error("renaming", e)),
        }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|e| self.error("writing", e))?;
        self.position += bytes.len() as u64;
        Ok(())
    }

    fn pad_to(&mut self, to: u64) -> Result<()> {
        let padding = align(self.position, to) - self.position;
        self.put(&[0; ALIGNMENT as usize][..padding as usize])
    }

    fn error(&self, action: &'static str, source: std::io::Error) -> Error {
        Error::io(action, &self.target, source)
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        if !self.finished {
            // Nothing more can be done about a file that cannot be removed; its name says what it is.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// The file that will be written: where `target` is a link, what it leads to. Nothing but a file is ever replaced.
fn check_target(target: &Path, overwrite: bool) -> Result<PathBuf> {
    let refuse = |what: &str| Err(Error::Argument(format!("{} is {what}; name a file", target.display())));
    let Ok(found) = fs::symlink_metadata(target) else { return Ok(target.to_owned()) };
    if found.is_dir() {
        return refuse("a folder");
    }
    if !overwrite {
        return Err(Error::OutputExists(target.to_owned()));
    }
    let resolved = if found.is_symlink() { fs::canonicalize(target) } else { Ok(target.to_owned()) };
    match resolved {
        Ok(path) if path.is_dir() => refuse("a folder"),
        Ok(path) if path.is_file() => Ok(path),
        Ok(_) => refuse("a device or a pipe"),
        Err(_) => refuse("a link that leads nowhere"),
    }
}

fn folder_of(target: &Path) -> PathBuf {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The beginning of a temporary file's name; room is left for its end in the 255 bytes that systems allow.
fn temporary_prefix(name: &str) -> String {
    let fits = |&(at, c): &(usize, char)| at + c.len_utf8() <= 200;
    let short: String = name.char_indices().take_while(fits).map(|(_, c)| c).collect();
    format!(".{short}.")
}

fn create_temporary(folder: &Path, name: &str) -> Result<(File, PathBuf)> {
    let mut attempt = 0;
    loop {
        let path = folder.join(format!("{}{}.{attempt}.tmp", temporary_prefix(name), std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => {
                // Without locks (some network file systems) only the clean-up after a kill is lost. A writer of the
                // same name may have taken the file for an abandoned one before it was locked.
                let taken = matches!(file.try_lock(), Err(TryLockError::WouldBlock)) || !path.exists();
                if !taken {
                    return Ok((file, path));
                }
                attempt += 1;
            }
            Err(e) if e.kind() == ErrorKind::AlreadyExists && attempt < 1000 => attempt += 1,
            Err(e) => return Err(Error::io("creating a temporary file beside it", folder.join(name), e)),
        }
    }
}

/// Remove temporary files of writers of `name` that no longer run.
fn remove_abandoned(folder: &Path, name: &str) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let prefix = temporary_prefix(name);
    for entry in entries.flatten() {
        let file_name = entry.file_name();
        let file_name = file_name.to_string_lossy();
        let Some(middle) = file_name.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(".tmp")) else {
            continue;
        };
        let ours = middle.split('.').count() == 2
            && middle.bytes().all(|byte| byte == b'.' || byte.is_ascii_digit());
        if ours
            && let Ok(file) = OpenOptions::new().write(true).open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

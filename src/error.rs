//! The one error type of the core. In: what went wrong and where. Out: a message that names the file and the
//! section, sample or argument at fault. `src/python/error.rs` maps each variant to a Python exception.

use std::io;
use std::path::{Path, PathBuf};

/// Result of every fallible function of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operation failed, sorted by whose fault it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes of a file contradict the format or their checksums.
    #[error("{path}: the file is damaged in section '{section}': {detail}")]
    Corrupt {
        /// The damaged file; empty until the container layer adds it.
        path: String,
        /// Name of the section, as `info` lists it.
        section: String,
        /// What was expected and what was found.
        detail: String,
    },
    /// The file was written in a newer format than this library knows.
    #[error("{path}: written in format {major}.{minor}; reading it needs dreamlearning {needs} or newer")]
    NewerFormat {
        /// The file.
        path: String,
        /// Major version of the file.
        major: u16,
        /// Minor version of the file.
        minor: u16,
        /// The library version the file's writer named.
        needs: String,
    },
    /// A sample index outside the data set.
    #[error("sample index {index} is out of range for {len} samples")]
    Index {
        /// The index as the caller gave it.
        index: i64,
        /// Number of samples.
        len: u64,
    },
    /// An argument has the wrong type (a dtype, for instance).
    #[error("{0}")]
    Type(String),
    /// An argument has the right type and an impossible value.
    #[error("{0}")]
    Argument(String),
    /// The output exists and overwriting was not asked for.
    #[error("{0} exists; pass overwrite=True (--overwrite) to replace it")]
    OutputExists(PathBuf),
    /// The operating system refused.
    #[error("{path}: {action}: {source}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// The system's own answer.
        source: io::Error,
    },
    /// A progress callback asked to stop.
    #[error("stopped by the progress callback")]
    Aborted,
}

impl Error {
    /// A damaged section; the container adds the path with [`Error::in_file`].
    pub fn corrupt(section: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Corrupt { path: String::new(), section: section.into(), detail: detail.into() }
    }

    /// An I/O failure while doing `action` with `path`.
    pub fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io { action, path: path.into(), source }
    }

    /// Name the file in a [`Error::Corrupt`] that does not name one yet.
    #[must_use]
    pub fn in_file(self, file: &Path) -> Self {
        match self {
            Self::Corrupt { path, section, detail } if path.is_empty() => {
                Self::Corrupt { path: file.display().to_string(), section, detail }
            }
            other => other,
        }
    }
}

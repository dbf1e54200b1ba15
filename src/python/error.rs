//! The one place where an error of the core becomes a Python exception, by whose fault it is.

use pyo3::create_exception;
use pyo3::exceptions::{
    PyException, PyFileExistsError, PyIndexError, PyOSError, PyRuntimeError, PyTypeError, PyValueError,
};
use pyo3::prelude::*;

use crate::error::Error;

create_exception!(
    dreamlearning._core,
    DreamlearningError,
    PyException,
    "Base class of every error of this package that is not a built-in one."
);
create_exception!(
    dreamlearning._core,
    CorruptFileError,
    DreamlearningError,
    "The file is damaged or is not a ``.gede`` file; the message names file, section and, if known, sample."
);
create_exception!(
    dreamlearning._core,
    FormatVersionError,
    DreamlearningError,
    "The file was written in a newer format; the message names the library version that reads it."
);

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Corrupt { .. } => CorruptFileError::new_err(message),
            Error::NewerFormat { .. } => FormatVersionError::new_err(message),
            Error::Index { .. } => PyIndexError::new_err(message),
            Error::Type(_) => PyTypeError::new_err(message),
            Error::Argument(_) => PyValueError::new_err(message),
            Error::OutputExists(_) => PyFileExistsError::new_err(message),
            Error::Io { source, path, action } => match source.raw_os_error() {
                // Python picks the subclass (FileNotFoundError, PermissionError, ...) from the number.
                Some(number) => {
                    let text = format!("{action}: {}", plain_text(&source));
                    PyOSError::new_err((number, text, path.display().to_string()))
                }
                None => PyOSError::new_err(message),
            },
            Error::Aborted => PyRuntimeError::new_err(message),
        }
    }
}

/// The system's text without Rust's " (os error N)", which Python adds in its own form.
fn plain_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

//! `compress` for Python. In: arrays, or an open file of raw samples. Out: a `.gede` file.

use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use numpy::{
    PyArray1, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArray, PyUntypedArrayMethods,
};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::array::{bytes_of, dtype_of};
use super::condense::ToKeep;
use crate::compress::{Columns, CompressOptions, Field, Input, Preset, Progress};
use crate::error::Error;
use crate::sample::{DType, Images, OWN_SIDE, SampleLayout};
use crate::source::{FileSource, MemorySource, RaggedFileSource, SampleSource};

/// Time between two calls of a progress callback.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Samples that lie one after another, C order, native little-endian, in an open file.
///
/// The core reads them with positioned reads, so their memory stays bounded. The descriptor is duplicated.
#[pyclass(frozen, module = "dreamlearning._core")]
pub(super) struct RawFile {
    file: File,
    offset: u64,
    num_samples: u64,
    layout: SampleLayout,
    /// Rows and columns of every image, where they differ.
    sides: Option<Vec<(u32, u32)>>,
}

#[pymethods]
impl RawFile {
    #[new]
    #[pyo3(signature = (fd, offset, num_samples, dtype, shape, sides = None))]
    fn new(
        fd: i32,
        offset: u64,
        num_samples: u64,
        dtype: &str,
        shape: Vec<Option<u64>>,
        sides: Option<PyReadonlyArray2<'_, u32>>,
    ) -> PyResult<Self> {
        let shape = shape.into_iter().map(|side| side.unwrap_or(OWN_SIDE)).collect();
        let layout = SampleLayout { dtype: DType::from_name(dtype)?, shape };
        let file = duplicate(fd)?;
        let length = file.metadata()?.len();
        let sides = sides.map(|sides| {
            let sides = sides.as_array();
            sides.rows().into_iter().filter_map(|row| Some((*row.first()?, *row.get(1)?))).collect::<Vec<_>>()
        });
        let bytes = match &sides {
            None => num_samples.checked_mul(layout.bytes()? as u64),
            Some(sides) if sides.len() as u64 == num_samples => sizes(&layout, sides)
                .map(|mut sizes| sizes.try_fold(0u64, |sum, size| sum.checked_add(size?)))
                .unwrap_or_default(),
            Some(sides) => {
                let count = sides.len();
                return Err(PyValueError::new_err(format!("{count} shapes for {num_samples} samples")));
            }
        };
        if bytes.and_then(|bytes| bytes.checked_add(offset)).is_none_or(|end| end > length) {
            return Err(PyValueError::new_err(format!(
                "{num_samples} samples of shape {} and dtype {dtype} do not fit into a file of {length} bytes",
                layout.shape_text()
            )));
        }
        Ok(Self { file, offset, num_samples, layout, sides })
    }
}

/// Bytes of images of `sides`, each `None` where it is too large; nothing where `layout` is not of images.
fn sizes(layout: &SampleLayout, sides: &[(u32, u32)]) -> Option<impl Iterator<Item = Option<u64>>> {
    let images = Images::of(layout)?;
    let size = move |&(height, width): &(u32, u32)| images.bytes((height as usize, width as usize));
    Some(sides.iter().map(move |sides| size(sides).map(|bytes| bytes as u64)))
}

impl RawFile {
    /// Where the samples are, for the core.
    fn source(&self) -> PyResult<Box<dyn SampleSource>> {
        let (file, name) = (self.file.try_clone()?, PathBuf::from("samples"));
        let Some(sides) = &self.sides else {
            let sample_bytes = self.layout.bytes()?;
            return Ok(Box::new(FileSource { file, name, offset: self.offset, sample_bytes }));
        };
        let mut starts = vec![self.offset];
        for size in sizes(&self.layout, sides).into_iter().flatten() {
            starts.push(starts[starts.len() - 1] + size.unwrap_or(0));
        }
        Ok(Box::new(RaggedFileSource { file, name, starts }))
    }
}

#[cfg(unix)]
fn duplicate(fd: i32) -> PyResult<File> {
    use std::os::fd::BorrowedFd;
    if fd < 0 {
        return Err(PyValueError::new_err(format!("{fd} is not a file descriptor")));
    }
    // SAFETY: the caller keeps the descriptor open during this call; a closed one is an error of `dup`, not worse.
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    Ok(borrowed.try_clone_to_owned()?.into())
}

#[cfg(not(unix))]
fn duplicate(_fd: i32) -> PyResult<File> {
    Err(pyo3::exceptions::PyOSError::new_err(
        "reading samples from a file needs a Unix system; pass an array",
    ))
}

/// Calls a Python callback now and then, looks for Ctrl-C, and keeps the exception that either raises.
struct Callback<'a> {
    progress: Option<&'a Py<PyAny>>,
    last: Option<Instant>,
    raised: Option<PyErr>,
}

impl Callback<'_> {
    fn call(&mut self, p: Progress) -> crate::error::Result<()> {
        if p.done < p.total && self.last.is_some_and(|last| last.elapsed() < PROGRESS_EVERY) {
            return Ok(());
        }
        self.last = Some(Instant::now());
        let outcome = Python::attach(|py| {
            py.check_signals()?;
            if let Some(progress) = self.progress {
                progress.call1(py, (p.done, p.total, p.raw_bytes, p.file_bytes))?;
            }
            Ok(())
        });
        outcome.map_err(|error| {
            self.raised = Some(error);
            Error::Aborted
        })
    }
}

/// Write ``path`` from C-contiguous ``samples``; see the type stub.
#[pyfunction]
#[pyo3(signature = (
    path, samples, *, fields, partition_ids, partition_names, metadata, preset, exact, tau, num_threads, overwrite,
    progress, columns = None, strings = None, condensing = None
))]
#[expect(clippy::too_many_arguments, reason = "keyword arguments of one Python function")]
pub(super) fn compress(
    py: Python<'_>,
    path: PathBuf,
    samples: &Bound<'_, PyAny>,
    fields: Vec<(String, Bound<'_, PyUntypedArray>)>,
    partition_ids: Option<PyReadonlyArray1<'_, u32>>,
    partition_names: Vec<String>,
    metadata: &str,
    preset: &str,
    exact: Option<bool>,
    tau: Option<u64>,
    num_threads: usize,
    overwrite: bool,
    progress: Option<Py<PyAny>>,
    columns: Option<Vec<String>>,
    strings: Option<Vec<(u32, Bound<'_, PyBytes>)>>,
    condensing: Option<ToKeep<'_>>,
) -> PyResult<()> {
    let options = CompressOptions {
        preset: Preset::from_name(preset)?,
        exact: exact.unwrap_or(false),
        tau,
        num_threads,
        overwrite,
        ..CompressOptions::default()
    };
    let array = samples.cast::<PyUntypedArray>();
    let raw_file = samples.cast::<RawFile>();
    let (layout, num_samples, source): (_, _, Box<dyn SampleSource>) = match (&array, &raw_file) {
        (Ok(array), _) => {
            let Some((&n, shape)) = array.shape().split_first() else {
                return Err(PyValueError::new_err("samples is a scalar; its first axis must count samples"));
            };
            let shape = shape.iter().map(|&side| side as u64).collect();
            let layout = SampleLayout { dtype: dtype_of(array)?, shape };
            // SAFETY: `samples` is borrowed for the whole call; the stub asks the caller not to write to it.
            let bytes = unsafe { bytes_of(array, "samples")? };
            let sample_bytes = layout.bytes()?;
            (layout, n as u64, Box::new(MemorySource { bytes, sample_bytes }))
        }
        (_, Ok(raw)) => {
            let raw = raw.get();
            (raw.layout.clone(), raw.num_samples, raw.source()?)
        }
        _ => return Err(PyTypeError::new_err("samples must be a NumPy array or a RawFile")),
    };
    let fields = fields
        .iter()
        .map(|(name, array)| {
            let shape = array.shape().iter().skip(1).map(|&side| side as u64).collect();
            let layout = SampleLayout { dtype: dtype_of(array)?, shape };
            // SAFETY: `fields` is borrowed for the whole call; the stub asks the caller not to write to it.
            let bytes = unsafe { bytes_of(array, name)? };
            Ok(Field { name: name.clone(), layout, bytes })
        })
        .collect::<PyResult<Vec<_>>>()?;
    let partition_ids = partition_ids.as_ref().map(PyReadonlyArray1::as_slice).transpose()?;
    let partitions = partition_ids.map(|ids| (partition_names, ids));
    let strings = strings.as_deref().unwrap_or_default();
    if columns.is_none() && !strings.is_empty() {
        return Err(PyValueError::new_err("strings without columns"));
    }
    let columns = columns.map(|names| {
        let dtypes = names.iter().map(|name| DType::from_name(name)).collect::<crate::error::Result<_>>();
        let strings = strings.iter().map(|(column, bytes)| (*column, bytes.as_bytes())).collect();
        dtypes.map(|dtypes| Columns { dtypes, strings })
    });
    let columns = columns.transpose()?;
    let sides = raw_file.as_ref().ok().and_then(|raw| raw.get().sides.as_deref());
    let row_bytes = if layout.is_ragged() { 0 } else { layout.bytes()? };
    let cells = condensing.as_ref().map(|keep| keep.cells(row_bytes)).transpose()?.unwrap_or_default();
    let condensing = condensing.as_ref().map(|keep| keep.condensing(&cells)).transpose()?;
    let input = Input {
        layout,
        columns,
        sides,
        num_samples,
        source: source.as_ref(),
        fields,
        partitions,
        condensing,
        user: metadata,
    };

    let mut callback = Callback { progress: progress.as_ref(), last: None, raised: None };
    let result = py.detach(|| crate::compress::compress(&path, &input, &options, &mut |p| callback.call(p)));
    match callback.raised {
        Some(raised) => Err(raised),
        None => Ok(result?),
    }
}

/// A one-dimensional array of `values`.
pub(super) fn array_of<T: numpy::Element>(py: Python<'_>, values: Vec<T>) -> Bound<'_, PyArray1<T>> {
    PyArray1::from_vec(py, values)
}

/// `values` as rows of `columns` values.
pub(super) fn rows_of<'py, T: numpy::Element>(
    py: Python<'py>,
    values: Vec<T>,
    rows: usize,
    columns: usize,
) -> PyResult<Bound<'py, numpy::PyArray2<T>>> {
    array_of(py, values).reshape([rows, columns])
}

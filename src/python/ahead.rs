//! `Prefetcher` for Python. In: batches of sample numbers. Out: the same batches decoded by threads that never touch Python,
//! each in memory that belongs to whoever holds the array, and is used again once nobody does.

use std::sync::Arc;
use std::time::Duration;

use numpy::{PyArray1, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArray};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::array::bytes_of_mut;
use super::pool::{Pool, lend};
use super::reader::{Reader, order_of, windows_of};
use crate::dataset::{Ahead, Batch, OnError};

/// How long Python's signals wait at most while a batch is waited for.
const SIGNALS_EVERY: Duration = Duration::from_millis(50);

/// Where a batch goes.
enum Memory {
    /// Of the pool.
    Pooled { words: Vec<u64>, bytes: usize },
    /// Of an array of the caller, who keeps it alive.
    Array { data: *mut u8, bytes: usize, array: Py<PyUntypedArray> },
}

// SAFETY: the pointer is the memory of an array that `array` keeps alive and that nobody else uses meanwhile, as the stub
// asks; threads write to it and never touch the object.
unsafe impl Send for Memory {}

impl AsMut<[u8]> for Memory {
    fn as_mut(&mut self) -> &mut [u8] {
        match self {
            // SAFETY: the words hold at least `bytes` initialised bytes.
            Self::Pooled { words, bytes } => unsafe {
                std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), *bytes)
            },
            // SAFETY: see `Send`; the length is the array's.
            Self::Array { data, bytes, .. } => unsafe { std::slice::from_raw_parts_mut(*data, *bytes) },
        }
    }
}

/// Decodes batches ahead of who uses them, on threads of its own.
#[pyclass(frozen, module = "dreamlearning._core")]
pub(super) struct Prefetcher {
    ahead: Ahead<Memory>,
    reader: Py<Reader>,
    pool: Arc<Pool>,
}

#[pymethods]
impl Prefetcher {
    #[new]
    #[pyo3(signature = (reader, num_threads, *, channels_first = false, skip = false, spare = 4))]
    fn new(
        reader: &Bound<'_, Reader>,
        num_threads: usize,
        channels_first: bool,
        skip: bool,
        spare: usize,
    ) -> PyResult<Self> {
        let pool = Arc::new(Pool::new(spare));
        let shared = Arc::clone(&pool);
        let allocate = move |bytes| Memory::Pooled { words: shared.take(bytes), bytes };
        let on_error = if skip { OnError::Skip } else { OnError::Raise };
        let dataset = Arc::clone(&reader.get().dataset);
        let ahead = Ahead::new(dataset, num_threads, order_of(channels_first), on_error, allocate)?;
        Ok(Self { ahead, reader: reader.clone().unbind(), pool })
    }

    /// Queue samples ``indices``, or of each image the part ``regions``; into ``out``, if given.
    #[pyo3(signature = (indices, regions = None, out = None))]
    fn submit(
        &self,
        indices: PyReadonlyArray1<'_, i64>,
        regions: Option<PyReadonlyArray2<'_, i64>>,
        out: Option<&Bound<'_, PyUntypedArray>>,
    ) -> PyResult<()> {
        let dataset = &self.reader.get().dataset;
        let indices = indices.as_slice()?.iter().map(|&index| dataset.resolve(index));
        let indices = indices.collect::<Result<Vec<_>, _>>()?;
        let windows = regions.as_ref().map(windows_of).transpose()?;
        if let Some(windows) = windows.as_ref().filter(|windows| windows.len() != indices.len()) {
            let (regions, samples) = (windows.len(), indices.len());
            return Err(PyValueError::new_err(format!("{regions} regions for {samples} samples")));
        }
        let buffer = match out {
            Some(array) => {
                // SAFETY: the stub asks the caller to leave the array alone until the batch has been taken.
                let memory = unsafe { bytes_of_mut(array, "out")? };
                Some(Memory::Array {
                    data: memory.as_mut_ptr(),
                    bytes: memory.len(),
                    array: array.clone().unbind(),
                })
            }
            None => None,
        };
        Ok(self.ahead.submit(Batch { indices, windows, buffer })?)
    }

    /// Batches queued and not taken yet.
    #[getter]
    fn pending(&self) -> u64 {
        self.ahead.pending()
    }

    /// Wait for the oldest batch, at most ``timeout`` seconds: its bytes, or the array given for it, and what was skipped
    /// as (place in the batch, reason); None if it is not done by then.
    #[pyo3(signature = (timeout = None))]
    #[expect(clippy::type_complexity, reason = "an array and a list of pairs")]
    fn take<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<f64>,
    ) -> PyResult<Option<(Bound<'py, PyAny>, Vec<(usize, String)>)>> {
        let mut left = timeout.map(|seconds| Duration::from_secs_f64(seconds.clamp(0.0, 1e9)));
        let decoded = loop {
            let now = left.map_or(SIGNALS_EVERY, |left| left.min(SIGNALS_EVERY));
            if let Some(decoded) = py.detach(|| self.ahead.take(now))? {
                break decoded?;
            }
            py.check_signals()?;
            left = left.map(|left| left.saturating_sub(now));
            if left == Some(Duration::ZERO) {
                return Ok(None);
            }
        };
        let skipped = decoded.skipped.into_iter().map(|(place, error)| (place, error.to_string())).collect();
        let array = match decoded.buffer {
            None => PyArray1::<u8>::zeros(py, 0, false).into_any(),
            Some(Memory::Array { array, .. }) => array.into_bound(py).into_any(),
            Some(Memory::Pooled { words, bytes }) => lend(py, &self.pool, words, bytes)?.into_any(),
        };
        Ok(Some((array, skipped)))
    }

    /// End the threads and drop what is queued.
    fn close(&self, py: Python<'_>) {
        let memory = py.detach(|| self.ahead.close());
        drop(memory);
    }
}

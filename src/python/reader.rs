//! `Reader` for Python. In: a path, then index arrays. Out: samples in the caller's array, with the GIL released.

use std::path::PathBuf;
use std::sync::Arc;

use numpy::{
    PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArray,
    PyUntypedArrayMethods,
};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use super::array::{bytes_of_mut, dtype_of};
use super::compress::{array_of, rows_of};
use crate::Dataset;
use crate::container::Reading;
use crate::dataset::{Order, Request};
use crate::error::Error;
use crate::sample::Window;

/// An open ``.gede`` file. Thread-safe; holds no lock and no thread across a fork.
#[pyclass(frozen, module = "dreamlearning._core")]
pub(super) struct Reader {
    pub(super) dataset: Arc<Dataset>,
}

#[pymethods]
impl Reader {
    #[new]
    #[pyo3(signature = (path, reading = "mmap"))]
    fn new(py: Python<'_>, path: PathBuf, reading: &str) -> PyResult<Self> {
        let reading = match reading {
            "mmap" => Reading::Map,
            "pread" => Reading::Positioned,
            other => {
                return Err(PyValueError::new_err(format!("reading='{other}'; it is 'mmap' or 'pread'")));
            }
        };
        let dataset = py.detach(|| Dataset::open(&path, reading))?;
        Ok(Self { dataset: Arc::new(dataset) })
    }

    fn __len__(&self) -> PyResult<usize> {
        Ok(self.dataset.len() as usize)
    }

    /// NumPy name of the sample field's dtype, e.g. "uint8".
    #[getter]
    fn dtype(&self) -> &'static str {
        self.dataset.sample_layout().dtype.name()
    }

    /// Shape of one sample; ``None`` for the sides that every sample has of its own.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.dataset.sample_layout().open_shape())
    }

    /// NumPy names of the dtypes of the cells, where a sample is a record of them; otherwise None.
    #[getter]
    fn columns(&self) -> Option<Vec<&'static str>> {
        Some(self.dataset.columns()?.iter().map(|dtype| dtype.name()).collect())
    }

    /// The strings of a text column: their number, where each ends, and UTF-8.
    fn strings<'py>(&self, py: Python<'py>, column: u32) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| self.dataset.strings(column))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Rows and columns of images ``indices``, shape (k, 2).
    fn sides<'py>(
        &self,
        py: Python<'py>,
        indices: PyReadonlyArray1<'_, i64>,
    ) -> PyResult<Bound<'py, PyArray2<u32>>> {
        let indices = indices.as_slice()?;
        let sides = py.detach(|| {
            indices.iter().try_fold(Vec::new(), |mut all, &index| {
                let sides = self.dataset.sides(self.dataset.resolve(index)?)?;
                let (height, width) =
                    sides.ok_or_else(|| Error::Argument("the samples are no images".to_owned()))?;
                all.extend([height as u32, width as u32]);
                Ok::<_, Error>(all)
            })
        })?;
        rows_of(py, sides, indices.len(), 2)
    }

    /// The place of samples ``indices`` in the order of storage, shape (k,).
    fn rows<'py>(
        &self,
        py: Python<'py>,
        indices: PyReadonlyArray1<'_, i64>,
    ) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let indices = indices.as_slice()?;
        let row = |&index| Ok::<_, Error>(self.dataset.row_of(self.dataset.resolve(index)?)? as i64);
        let rows = py.detach(|| indices.iter().map(row).collect::<Result<Vec<_>, _>>())?;
        Ok(array_of(py, rows))
    }

    #[getter]
    fn num_partitions(&self) -> usize {
        self.dataset.metadata().partitions.len()
    }

    /// Bytes of compressed rows and bases that decoding has touched since the file was opened.
    #[getter]
    fn bytes_read(&self) -> u64 {
        self.dataset.bytes_read()
    }

    /// The JSON given to ``compress``, letter by letter.
    fn metadata(&self) -> String {
        self.dataset.metadata().user.get().to_owned()
    }

    /// What is in the file and what each part costs, as JSON.
    #[pyo3(signature = (blocks = true))]
    fn info(&self, py: Python<'_>, blocks: bool) -> PyResult<String> {
        Ok(py.detach(|| self.dataset.info(blocks))?.to_string())
    }

    /// Write samples ``indices`` (repeats and negative indices allowed) into ``out``, shape (k, *shape), or (k, C, H, W)
    /// with ``channels_first`` for samples (H, W, C).
    #[pyo3(signature = (indices, out, num_threads = 1, channels_first = false))]
    fn decode_into(
        &self,
        py: Python<'_>,
        indices: PyReadonlyArray1<'_, i64>,
        out: &Bound<'_, PyUntypedArray>,
        num_threads: usize,
        channels_first: bool,
    ) -> PyResult<()> {
        let layout = self.dataset.sample_layout();
        let dtype = out.dtype().to_string();
        if dtype_of(out).ok() != Some(layout.dtype) {
            let stored = layout.dtype.name();
            return Err(PyTypeError::new_err(format!("out has dtype {dtype}; the samples are {stored}")));
        }
        let indices = indices.as_slice()?;
        let mut shape = layout.shape.clone();
        if channels_first {
            shape.rotate_right(1);
        }
        let expected: Vec<u64> = std::iter::once(indices.len() as u64).chain(shape).collect();
        if !out.shape().iter().map(|&side| side as u64).eq(expected.iter().copied()) {
            return Err(PyValueError::new_err(format!(
                "out has shape {:?}; {} samples need {expected:?}",
                out.shape(),
                indices.len()
            )));
        }
        // SAFETY: `out` is borrowed for the whole call; the stub asks the caller not to use it meanwhile.
        let bytes = unsafe { bytes_of_mut(out, "out")? };
        let order = order_of(channels_first);
        Ok(py.detach(|| self.dataset.decode_into_as(indices, bytes, order, num_threads))?)
    }

    /// Write samples ``indices``, or of each image the part ``regions`` (top, left, height, width), shape (k, 4), into
    /// the arrays ``outs``.
    #[pyo3(signature = (indices, outs, regions = None, num_threads = 1))]
    fn decode_each(
        &self,
        py: Python<'_>,
        indices: PyReadonlyArray1<'_, i64>,
        outs: Vec<Bound<'_, PyUntypedArray>>,
        regions: Option<PyReadonlyArray2<'_, i64>>,
        num_threads: usize,
    ) -> PyResult<()> {
        let indices = indices.as_slice()?;
        let windows = regions.as_ref().map(windows_of).transpose()?;
        let counts = [Some(outs.len()), windows.as_ref().map(Vec::len)];
        if let Some(count) = counts.into_iter().flatten().find(|&count| count != indices.len()) {
            return Err(PyValueError::new_err(format!(
                "{count} arrays or regions for {} samples",
                indices.len()
            )));
        }
        let mut requests = Vec::with_capacity(indices.len());
        for (place, (out, &index)) in outs.iter().zip(indices).enumerate() {
            let stored = self.dataset.sample_layout().dtype;
            if dtype_of(out).ok() != Some(stored) {
                let (dtype, stored) = (out.dtype(), stored.name());
                return Err(PyTypeError::new_err(format!("out has dtype {dtype}; the samples are {stored}")));
            }
            let index = self.dataset.resolve(index)?;
            let window = windows.as_ref().map(|windows| windows[place]);
            // SAFETY: `outs` are borrowed for the whole call; none overlaps another, which is checked below before
            // anything is written; the stub asks the caller not to use them meanwhile.
            requests.push(Request { index, window, out: unsafe { bytes_of_mut(out, "out")? } });
        }
        let mut places: Vec<_> = requests.iter().map(|request| request.out.as_ptr_range()).collect();
        places.sort_by_key(|place| place.start);
        if places.windows(2).any(|pair| pair[0].end > pair[1].start) {
            return Err(PyValueError::new_err("arrays in out share memory; give each sample its own"));
        }
        Ok(py.detach(|| self.dataset.decode_each(&mut requests, num_threads))?)
    }

    /// An error where the file is not as long any more as when it was opened, and what is mapped must not be touched.
    fn check_length(&self) -> PyResult<()> {
        Ok(self.dataset.check_length()?)
    }

    /// The bytes of a raw field, read-only, mapped without a copy; the caller views them as their dtype.
    fn field<'py>(slf: &Bound<'py, Self>, name: &str) -> PyResult<Bound<'py, PyArray1<u8>>> {
        let dataset = &slf.get().dataset;
        let number = dataset.field_number(name)?;
        let array = match dataset.mapped_field(number)? {
            Some(bytes) => {
                let view = ndarray::ArrayView1::from(bytes);
                // SAFETY: the bytes lie in the map, which lives as long as `slf`, the array's base object, and the
                // array is made read-only below before anybody else sees it.
                unsafe { PyArray1::borrow_from_array(&view, slf.clone().into_any()) }
            }
            None => PyArray1::from_vec(slf.py(), dataset.copied_field(number)?),
        };
        array.readwrite().make_nonwriteable();
        Ok(array)
    }

    /// Representatives (n_b, sample bytes) and counts (n_b,) of one partition.
    #[expect(clippy::type_complexity, reason = "two arrays")]
    fn bases<'py>(
        &self,
        py: Python<'py>,
        partition: usize,
    ) -> PyResult<(Bound<'py, PyArray2<u8>>, Bound<'py, PyArray1<u64>>)> {
        let bases = py.detach(|| self.dataset.bases(partition))?;
        let samples =
            rows_of(py, bases.samples, bases.counts.len(), self.dataset.sample_bytes().unwrap_or(0))?;
        Ok((samples, array_of(py, bases.counts)))
    }

    /// Clustering phase of Algorithm 1, per partition: centroids (m, values per sample), cluster sizes (m,)
    /// and the partition of each cluster (m,).
    #[expect(clippy::type_complexity, reason = "three arrays")]
    fn condensed<'py>(
        &self,
        py: Python<'py>,
        beta: usize,
    ) -> PyResult<(Bound<'py, PyArray2<f64>>, Bound<'py, PyArray1<u64>>, Bound<'py, PyArray1<u32>>)> {
        let condensed = py.detach(|| self.dataset.condense(beta))?;
        let columns = self.dataset.values_per_sample()?;
        let centroids = rows_of(py, condensed.centroids, condensed.weights.len(), columns)?;
        Ok((centroids, array_of(py, condensed.weights), array_of(py, condensed.partitions)))
    }

    /// Check every byte, decode every sample and compare with the stored digest.
    #[pyo3(signature = (num_threads = 0, progress = None))]
    fn verify(&self, py: Python<'_>, num_threads: usize, progress: Option<Py<PyAny>>) -> PyResult<()> {
        let mut raised = None;
        let mut on_progress = |done: u64, total: u64| {
            let outcome = Python::attach(|py| {
                py.check_signals()?;
                progress.as_ref().map(|progress| progress.call1(py, (done, total))).transpose()
            });
            outcome.map(|_| ()).map_err(|error| {
                raised = Some(error);
                Error::Aborted
            })
        };
        let result = py.detach(|| self.dataset.verify(num_threads, &mut on_progress));
        match raised {
            Some(raised) => Err(raised),
            None => Ok(result?),
        }
    }
}

/// How samples shall lie in memory.
pub(super) const fn order_of(channels_first: bool) -> Order {
    if channels_first { Order::ChannelsFirst } else { Order::Stored }
}

/// Rows of (top, left, height, width).
pub(super) fn windows_of(regions: &PyReadonlyArray2<'_, i64>) -> PyResult<Vec<Window>> {
    let regions = regions.as_array();
    if regions.ncols() != 4 {
        let columns = regions.ncols();
        return Err(PyValueError::new_err(format!("regions of {columns} numbers instead of 4")));
    }
    // What is negative lies in no image.
    let side = |value: i64| usize::try_from(value).unwrap_or(usize::MAX);
    let window = |row: ndarray::ArrayView1<'_, i64>| Window {
        top: side(row[0]),
        left: side(row[1]),
        height: side(row[2]),
        width: side(row[3]),
    };
    Ok(regions.rows().into_iter().map(window).collect())
}

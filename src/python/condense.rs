//! Condensing for Python. In: a file or an array of rows, and what is wanted. Out: arrays of what clusters are.

use numpy::ndarray::Array3;
use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyArray3, PyReadonlyArray1, PyUntypedArray, PyUntypedArrayMethods,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::array::{bytes_of, dtype_of};
use super::compress::{array_of, rows_of};
use super::reader::Reader;
use crate::condense::{
    Cell, CodeKind, CondenseOptions, Condensed, Condensing, Goal, Kept, Rows, Stored, condense,
};
use crate::error::Error;
use crate::sample::DType;
use crate::source::MemorySource;

/// Sizes (m,), means (m, q), partitions (m,), spread (m,), scatter (p, q, q), nearest rows (m,) or (0,), first rows (m,).
type Arrays<'py> = (
    Bound<'py, PyArray1<u64>>,
    Bound<'py, PyArray2<f64>>,
    Bound<'py, PyArray1<u32>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray3<f64>>,
    Bound<'py, PyArray1<u32>>,
    Bound<'py, PyArray1<u32>>,
);

/// Name, dtype, offset in the row, divisor, and offset of the byte that says whether there is a value.
type AskedCell = (String, String, usize, f64, Option<usize>);

/// How Python asks: names as in `_core.pyi`.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(super) struct Asked<'py> {
    cells: Vec<AskedCell>,
    target: Option<PyReadonlyArray1<'py, f64>>,
    classes: Option<PyReadonlyArray1<'py, u32>>,
    beta: Option<u64>,
    size: Option<u64>,
    ranks: bool,
    target_inside: bool,
    nearest: bool,
    num_threads: usize,
}

/// How Python asks a file to keep condensed samples.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(super) struct ToKeep<'py> {
    asked: Asked<'py>,
    request: String,
    plans_only: bool,
}

impl Asked<'_> {
    fn goal(&self) -> PyResult<Goal> {
        match (self.beta, self.size) {
            (Some(beta), None) => Ok(Goal::Bits(beta)),
            (None, Some(size)) => Ok(Goal::Clusters(size)),
            _ => Err(PyValueError::new_err("give either beta or size")),
        }
    }

    fn options(&self) -> PyResult<CondenseOptions> {
        Ok(CondenseOptions {
            goal: self.goal()?,
            codes: if self.ranks { CodeKind::Rank } else { CodeKind::Value },
            target_inside: self.target_inside,
            nearest: self.nearest,
            num_threads: self.num_threads,
        })
    }

    fn target(&self) -> PyResult<Option<&[f64]>> {
        Ok(self.target.as_ref().map(|target| target.as_slice()).transpose()?)
    }

    fn classes(&self) -> PyResult<Option<&[u32]>> {
        Ok(self.classes.as_ref().map(|classes| classes.as_slice()).transpose()?)
    }

    /// The cells, which lie in rows of `row_bytes` bytes.
    fn cells(&self, row_bytes: usize) -> PyResult<Vec<Cell>> {
        let cell = |(name, dtype, offset, divisor, valid): &AskedCell| {
            let dtype = DType::from_name(dtype)?;
            let inside = offset.checked_add(dtype.size()).is_some_and(|end| end <= row_bytes);
            if !inside || valid.is_some_and(|valid| valid >= row_bytes) {
                return Err(PyValueError::new_err(format!(
                    "column '{name}' of dtype {} at byte {offset} of rows of {row_bytes} bytes",
                    dtype.name()
                )));
            }
            Ok(Cell { dtype, offset: *offset, divisor: *divisor, valid: *valid, name: name.clone() })
        };
        self.cells.iter().map(cell).collect()
    }

    fn columns(&self) -> usize {
        self.cells.len() + usize::from(self.target.is_some())
    }
}

impl ToKeep<'_> {
    /// The cells, which lie in rows of `row_bytes` bytes.
    pub(super) fn cells(&self, row_bytes: usize) -> PyResult<Vec<Cell>> {
        self.asked.cells(row_bytes)
    }

    /// The same for the core.
    pub(super) fn condensing<'a>(&'a self, cells: &'a [Cell]) -> PyResult<Condensing<'a>> {
        Ok(Condensing {
            cells,
            target: self.asked.target()?,
            classes: self.asked.classes()?,
            options: self.asked.options()?,
            request: &self.request,
            plans_only: self.plans_only,
        })
    }
}

/// Condense the rows of a table in a file.
#[pyfunction]
pub(super) fn condense_table<'py>(
    py: Python<'py>,
    reader: &Bound<'py, Reader>,
    asked: Asked<'py>,
) -> PyResult<Arrays<'py>> {
    let dataset = &reader.get().dataset;
    let (options, columns) = (asked.options()?, asked.columns());
    let cells = asked.cells(dataset.sample_bytes().unwrap_or(0))?;
    let (target, classes) = (asked.target()?, asked.classes()?);
    let (condensed, _) = py.detach(|| dataset.condense_table(&cells, target, classes, &options))?;
    arrays(py, condensed, columns, dataset.metadata().partitions.len())
}

/// What a file keeps: the request, and arrays, or `None` where it keeps what makes them.
#[pyfunction]
pub(super) fn kept_condensed<'py>(
    py: Python<'py>,
    reader: &Bound<'py, Reader>,
) -> PyResult<Option<(String, Option<Arrays<'py>>)>> {
    let dataset = &reader.get().dataset;
    let Some(Kept { request, stored }) = py.detach(|| dataset.kept_condensed())? else { return Ok(None) };
    let arrays = match stored {
        Stored::Plans(_) => None,
        Stored::Samples(condensed) => {
            let columns = condensed.means.len().checked_div(condensed.len()).unwrap_or(0);
            Some(arrays(py, condensed, columns, dataset.metadata().partitions.len())?)
        }
    };
    Ok(Some((request, arrays)))
}

/// Condensed samples by what a file keeps to make them.
#[pyfunction]
pub(super) fn condense_kept<'py>(
    py: Python<'py>,
    reader: &Bound<'py, Reader>,
    asked: Asked<'py>,
) -> PyResult<Arrays<'py>> {
    let dataset = &reader.get().dataset;
    let (options, columns) = (asked.options()?, asked.columns());
    let cells = asked.cells(dataset.sample_bytes().unwrap_or(0))?;
    let (target, classes) = (asked.target()?, asked.classes()?);
    let condensed = py.detach(|| match dataset.kept_condensed()? {
        Some(Kept { stored: Stored::Plans(plans), .. }) => {
            dataset.condense_by(&plans, &cells, target, classes, &options)
        }
        _ => Err(Error::Argument("the file keeps nothing that makes condensed samples".to_owned())),
    })?;
    arrays(py, condensed, columns, dataset.metadata().partitions.len())
}

/// Write a file again, with condensed samples.
#[pyfunction]
pub(super) fn keep_condensed(py: Python<'_>, reader: &Bound<'_, Reader>, keep: ToKeep<'_>) -> PyResult<()> {
    let dataset = &reader.get().dataset;
    let cells = keep.cells(dataset.sample_bytes().unwrap_or(0))?;
    let condensing = keep.condensing(&cells)?;
    Ok(py.detach(|| dataset.keep_condensed(&condensing))?)
}

/// Condense rows in memory: `rows` is C-contiguous with first axis n.
#[pyfunction]
pub(super) fn condense_rows<'py>(
    py: Python<'py>,
    rows: &Bound<'py, PyUntypedArray>,
    asked: Asked<'py>,
) -> PyResult<Arrays<'py>> {
    dtype_of(rows)?;
    let (options, columns) = (asked.options()?, asked.columns());
    // SAFETY: the array is borrowed for the whole call, and Python code that changes it meanwhile gets what it asks for: other
    // numbers, never other memory.
    let bytes = unsafe { bytes_of(rows, "rows")? };
    let count = rows.shape().first().copied().unwrap_or(0);
    let row_bytes = bytes.len().checked_div(count).unwrap_or(0);
    let cells = asked.cells(row_bytes)?;
    let ids: Vec<u32> =
        (0..u32::try_from(count).map_err(|_| PyValueError::new_err("more than 2^32 - 1 rows"))?).collect();
    let request = Rows {
        source: &MemorySource { bytes, sample_bytes: row_bytes },
        row_bytes,
        cells: &cells,
        target: asked.target()?,
        classes: asked.classes()?,
        partitions: vec![&ids],
    };
    let (condensed, _) = py.detach(|| condense(&request, &options))?;
    arrays(py, condensed, columns, 1)
}

fn arrays(py: Python<'_>, condensed: Condensed, columns: usize, partitions: usize) -> PyResult<Arrays<'_>> {
    let clusters = condensed.sizes.len();
    let scatter = Array3::from_shape_vec((partitions, columns, columns), condensed.scatter)
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok((
        array_of(py, condensed.sizes),
        rows_of(py, condensed.means, clusters, columns)?,
        array_of(py, condensed.partitions),
        array_of(py, condensed.spread),
        scatter.into_pyarray(py),
        array_of(py, condensed.nearest),
        array_of(py, condensed.first_rows),
    ))
}

//! The keyed permutation for Python. In: positions. Out: where they go.

use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::permutation;

/// Where the permutation of ``range(n)`` under ``key`` sends each of ``positions``.
#[pyfunction]
pub(super) fn permute<'py>(
    py: Python<'py>,
    positions: PyReadonlyArray1<'_, i64>,
    n: u64,
    key: u64,
) -> PyResult<Bound<'py, PyArray1<i64>>> {
    let mut order = positions.as_slice()?.to_vec();
    py.detach(|| permutation::permute(&mut order, n, key))?;
    Ok(PyArray1::from_vec(py, order))
}

//! NumPy arrays as bytes. In: an array of any supported dtype. Out: its dtype, and its memory as a slice, after the
//! checks that make that sound.

use numpy::{PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods, npyffi::NPY_ARRAY_WRITEABLE};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::sample::DType;

/// The dtype of `array`.
pub(super) fn dtype_of(array: &Bound<'_, PyUntypedArray>) -> PyResult<DType> {
    let descr = array.dtype();
    let name = descr.getattr("name")?;
    let name = name.cast::<PyString>()?.to_string();
    if matches!(descr.byteorder(), b'>') {
        return Err(PyTypeError::new_err(format!("dtype {name} is big-endian; convert it to little-endian")));
    }
    Ok(DType::from_name(&name)?)
}

/// The memory of a C-contiguous array. `what` names it in messages.
///
/// # Safety
/// Nobody may write to the array while the slice lives. The callers hold a reference to the array and document
/// this for Python, where it cannot be enforced.
pub(super) unsafe fn bytes_of<'a>(array: &'a Bound<'_, PyUntypedArray>, what: &str) -> PyResult<&'a [u8]> {
    require_contiguous(array, what)?;
    let bytes = array.len() * array.dtype().itemsize();
    if bytes == 0 {
        return Ok(&[]);
    }
    // SAFETY: a C-contiguous array owns `bytes` initialised bytes from `data` on, alive as long as the array.
    Ok(unsafe { std::slice::from_raw_parts((*array.as_array_ptr()).fields.data.cast::<u8>(), bytes) })
}

/// The memory of a C-contiguous, writeable array.
///
/// # Safety
/// Nobody may read or write the array otherwise while the slice lives; as for [`bytes_of`].
#[expect(clippy::mut_from_ref, reason = "a reference to a Python object does not guard its memory")]
pub(super) unsafe fn bytes_of_mut<'a>(
    array: &'a Bound<'_, PyUntypedArray>,
    what: &str,
) -> PyResult<&'a mut [u8]> {
    require_contiguous(array, what)?;
    // SAFETY: the array object is valid while it is borrowed.
    if unsafe { (*array.as_array_ptr()).fields.flags } & NPY_ARRAY_WRITEABLE == 0 {
        return Err(PyValueError::new_err(format!("{what} is read-only; pass a writeable array")));
    }
    let bytes = array.len() * array.dtype().itemsize();
    if bytes == 0 {
        return Ok(&mut []);
    }
    // SAFETY: as in `bytes_of`, and the array is writeable.
    Ok(unsafe { std::slice::from_raw_parts_mut((*array.as_array_ptr()).fields.data.cast::<u8>(), bytes) })
}

fn require_contiguous(array: &Bound<'_, PyUntypedArray>, what: &str) -> PyResult<()> {
    if array.is_c_contiguous() {
        return Ok(());
    }
    let (shape, strides) = (array.shape(), array.strides());
    Err(PyValueError::new_err(format!(
        "{what} of shape {shape:?} and strides {strides:?} is not C-contiguous; pass numpy.ascontiguousarray of it"
    )))
}

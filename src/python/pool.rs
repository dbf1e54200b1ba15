//! Memory of batches, used again. In: a size. Out: a NumPy array that owns its memory, which comes back here when nobody
//! holds the array: no page faults for every batch, and no batch that is ever written over.

use std::sync::{Arc, Mutex, PoisonError};

use numpy::{PyArray1, ndarray};
use pyo3::prelude::*;

/// Memory that is used again. Words, so that elements of any type are aligned.
#[derive(Default)]
pub(super) struct Pool {
    free: Mutex<Vec<Vec<u64>>>,
    most: usize,
    /// The process whose threads may hold the lock; in a forked child nobody would ever let go of it.
    pid: u32,
}

impl Pool {
    /// A pool that keeps at most `most` pieces of memory.
    pub(super) fn new(most: usize) -> Self {
        Self { most, pid: std::process::id(), ..Self::default() }
    }

    pub(super) fn take(&self, bytes: usize) -> Vec<u64> {
        let words = bytes.div_ceil(8);
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        match free.iter().position(|memory| memory.len() == words) {
            Some(place) => free.swap_remove(place),
            None => {
                // Batches of one size at a time: what does not fit this one will hardly fit another.
                free.pop();
                drop(free);
                vec![0; words]
            }
        }
    }

    fn put(&self, memory: Vec<u64>) {
        if self.pid != std::process::id() {
            return;
        }
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < self.most {
            free.push(memory);
        }
    }
}

/// The owner of an array's memory; gives it back to the pool.
#[pyclass(frozen, module = "dreamlearning._core")]
struct Lent {
    words: Vec<u64>,
    pool: Arc<Pool>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.pool.put(std::mem::take(&mut self.words));
    }
}

/// `words` as an array of `bytes` bytes that gives them back to `pool`.
pub(super) fn lend<'py>(
    py: Python<'py>,
    pool: &Arc<Pool>,
    mut words: Vec<u64>,
    bytes: usize,
) -> PyResult<Bound<'py, PyArray1<u8>>> {
    let data = words.as_mut_ptr().cast::<u8>();
    let lent = Bound::new(py, Lent { words, pool: Arc::clone(pool) })?;
    // SAFETY: the words hold at least `bytes` bytes and live as long as `lent`, the array's base object; they are reached
    // through this array alone, which may therefore be written.
    unsafe {
        let view = ndarray::ArrayView1::from_shape_ptr(bytes, data);
        Ok(PyArray1::borrow_from_array(&view, lent.into_any()))
    }
}

/// Memory for one batch after another of the same size.
#[pyclass(frozen, module = "dreamlearning._core")]
pub(super) struct Buffers {
    pool: Arc<Pool>,
}

#[pymethods]
impl Buffers {
    #[new]
    #[pyo3(signature = (spare = 4))]
    fn new(spare: usize) -> Self {
        Self { pool: Arc::new(Pool::new(spare)) }
    }

    /// Bytes with anything in them, as an array of one axis.
    fn take<'py>(&self, py: Python<'py>, bytes: usize) -> PyResult<Bound<'py, PyArray1<u8>>> {
        lend(py, &self.pool, self.pool.take(bytes), bytes)
    }
}

//! The Python extension `dreamlearning._core`. In: Python objects. Out: calls of the core with the GIL released, and
//! errors as Python exceptions. No arithmetic lives here; `python/dreamlearning/_core.pyi` is its typed surface.

mod ahead;
mod array;
mod compress;
mod condense;
mod error;
mod order;
mod pool;
mod reader;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
mod _core {
    use super::{Bound, PyModule, PyModuleMethods, PyResult};

    #[pymodule_export]
    use super::ahead::Prefetcher;
    #[pymodule_export]
    use super::compress::{RawFile, compress};
    #[pymodule_export]
    use super::condense::{condense_kept, condense_rows, condense_table, keep_condensed, kept_condensed};
    #[pymodule_export]
    use super::error::{CorruptFileError, DreamlearningError, FormatVersionError};
    #[pymodule_export]
    use super::order::permute;
    #[pymodule_export]
    use super::pool::Buffers;
    #[pymodule_export]
    use super::reader::Reader;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("build_profile", if cfg!(debug_assertions) { "debug" } else { "release" })?;
        module.add("FORMAT_VERSION", crate::container::FORMAT_VERSION)?;
        let names = [
            "Buffers",
            "FORMAT_VERSION",
            "CorruptFileError",
            "DreamlearningError",
            "FormatVersionError",
            "Prefetcher",
            "RawFile",
            "Reader",
            "__version__",
            "build_profile",
            "compress",
            "condense_kept",
            "condense_rows",
            "condense_table",
            "keep_condensed",
            "kept_condensed",
            "permute",
        ];
        module.add("__all__", names)
    }
}

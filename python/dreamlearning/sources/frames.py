"""Tables in memory: data frames of pandas and polars, Arrow tables, structured NumPy arrays.

In: the object, known by its type's module, so that none of these libraries is imported for it. Out:
:class:`ArrowRows`. Every value keeps its bits: NaN in a NumPy column stays NaN and does not become a null.
"""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import SourceError
from .base import OnRead, Source
from .tables import BATCH_ROWS, ArrowRows, from_rows, pyarrow_or_extra
from .targets import row_place

__all__ = ["from_frame", "is_frame"]


def is_frame(source: Any) -> bool:
    """Whether ``source`` is a table that :func:`from_frame` reads."""
    if isinstance(source, np.ndarray):
        return source.dtype.names is not None
    library = type(source).__module__.partition(".")[0]
    return (library, type(source).__name__) in {
        ("pandas", "DataFrame"),
        ("polars", "DataFrame"),
        ("polars", "LazyFrame"),
        ("pyarrow", "Table"),
        ("pyarrow", "RecordBatch"),
    }


def from_frame(
    frame: Any,
    target: str | None = None,
    folder: str | os.PathLike[str] | None = None,
    on_read: OnRead | None = None,
) -> Source:
    """The rows of a data frame or table in memory.

    The index of a pandas frame is no column; where it has a name, that is an error, as it would be lost.

    Args:
        frame: a pandas or polars ``DataFrame``, a pyarrow ``Table`` or ``RecordBatch``, or a NumPy array
            with named fields, shape (n,).
        target: name of the column to be predicted.
        folder: where the spool lives.
        on_read: told of (rows read, rows in all).

    Raises:
        SourceError: columns of a kind that is not known, or as
            :func:`~dreamlearning.sources.tables.from_rows`.
        ImportError: pyarrow is not installed.
    """
    pyarrow = pyarrow_or_extra()
    library = type(frame).__module__.partition(".")[0]
    name = f"{library} {type(frame).__name__}"
    if library == "pandas":
        table = _from_pandas(frame, name)
    elif library == "polars":
        if type(frame).__name__ == "LazyFrame":
            raise SourceError(f"{name}: nothing has been computed yet; give frame.collect()")
        table = frame.to_arrow()
    elif library == "numpy":
        table = _from_structured(frame, name)
    else:
        table = pyarrow.table(frame) if type(frame).__name__ == "RecordBatch" else frame

    def read(columns: list[str] | None) -> Iterator[Any]:
        chosen = table if columns is None else table.select(columns)
        yield from chosen.to_batches(BATCH_ROWS)

    rows = ArrowRows(
        name=name,
        title=name,
        schema=table.schema,
        read=read,
        num_rows=table.num_rows,
        has_nulls={f.name: c.null_count > 0 for f, c in zip(table.schema, table.columns, strict=True)},
    )
    return from_rows(rows, target, folder, on_read)


def _from_pandas(frame: Any, name: str) -> Any:
    import pyarrow

    if any(level is not None for level in frame.index.names):
        raise SourceError(
            f"{name}: the index {list(frame.index.names)} would be lost; frame.reset_index() makes it a "
            "column, frame.reset_index(drop=True) leaves it out"
        )
    arrays, names = [], []
    for number, label in enumerate(frame.columns):
        if not isinstance(label, (str, int, np.integer)):
            raise SourceError(f"{name}: column {number} is called {label!r}, which is no text; rename it")
        column = frame.iloc[:, number]
        where = f"{name}, column {str(label)!r}"
        # NumPy's floats know no null; only of other columns None, NaN and NaT are nulls.
        plain = isinstance(column.dtype, np.dtype) and column.dtype.kind in "biuf"
        try:
            array = _plain(column.to_numpy()) if plain else pyarrow.array(column, from_pandas=True)
        except (pyarrow.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise SourceError(f"{where}{_culprit(column)}: {error}") from error
        arrays.append(array)
        names.append(str(label))
    return pyarrow.table(arrays, names=names)


def _plain(values: Any) -> Any:
    """Numbers as an Arrow array, every bit as it is."""
    import pyarrow

    return pyarrow.array(np.ascontiguousarray(values, values.dtype.newbyteorder("=")), from_pandas=False)


def _culprit(column: Any) -> str:
    """Where a column of Python objects stops being of one kind, if that can be told."""
    import pyarrow

    seen: type | None = None
    for row, value in enumerate(column):
        try:
            if pyarrow.array([value], from_pandas=True).null_count:
                continue
        except (pyarrow.ArrowException, TypeError, ValueError, OverflowError):
            return f", {row_place(row)}"
        if seen is not None and type(value) is not seen:
            return f", {row_place(row)}, {value!r} of type {type(value).__name__} after {seen.__name__}"
        seen = type(value)
    return ""


def _from_structured(array: Any, name: str) -> Any:
    import pyarrow

    if array.ndim != 1:
        raise SourceError(f"{name}: shape {array.shape}; a table of named fields has shape (n,)")
    arrays = []
    for field in array.dtype.names:
        try:
            arrays.append(_plain(array[field]))
        except (pyarrow.ArrowException, TypeError, ValueError) as error:
            raise SourceError(f"{name}, column {field!r}: {error}") from error
    return pyarrow.table(arrays, names=list(array.dtype.names))

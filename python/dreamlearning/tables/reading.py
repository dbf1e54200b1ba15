"""A table out of a file: columns, matrices, Arrow tables and data frames.

In: an open file whose samples are records. Out: what :class:`dreamlearning.CompressedFile` hands on, decoded
a few megabytes at a time. Only the last two need pyarrow.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptFileError, missing_extra
from ..indexing import as_indices
from .description import VALID, Column, Table
from .features import Features
from .strings import decode_strings
from .types import arrow_type, counts, decimal_scale, numpy_type

if TYPE_CHECKING:
    from ..file import CompressedFile

__all__ = ["arrays", "column", "facts_of", "schema", "strings", "to_arrow", "to_batches", "to_pandas"]

_RUN_BYTES = 1 << 24
_RUN_ROWS = 1 << 16


def _table_of(file: "CompressedFile") -> Table:
    if file.table is None:
        raise ValueError(
            f"{file.path} has samples of shape {file.shape} and no columns; decode() gives them as an array"
        )
    return file.table


def _runs(file: "CompressedFile", indices: Any) -> Iterator[NDArray[Any]]:
    """The rows a few megabytes at a time."""
    chosen = as_indices(slice(None) if indices is None else indices, len(file))
    step = max(1, min(_RUN_ROWS, _RUN_BYTES // max(1, file.sample_bytes)))
    for start in range(0, len(chosen), step):
        yield file.decode(chosen[start : start + step])


def _kept_strings(file: "CompressedFile", name: str) -> bytes:
    table = _table_of(file)
    if not table[name].is_text:
        raise ValueError(f"column {name!r} of type {table[name].type} is no text and has no strings")
    return file._reader.strings(table.cell(name))


def strings(file: "CompressedFile", name: str) -> list[str]:
    """The strings of a text column; see :meth:`dreamlearning.CompressedFile.strings`."""
    kept = _kept_strings(file, name)
    try:
        return decode_strings(kept)
    except ValueError as error:
        raise CorruptFileError(f"{file.path}, column {name!r}: {error}") from error


def column(file: "CompressedFile", name: str, indices: Any = None) -> Any:
    """One column; see :meth:`dreamlearning.CompressedFile.column`."""
    described = _table_of(file)[name]
    names: list[Any] | None = strings(file, name) if described.is_text else None
    if names is not None and counts(described.type):
        names = [_integer(file, described, text) for text in names]
    parts = [_values(file, run, described, names) for run in _runs(file, indices)]
    if not parts:
        return _values(file, np.empty(0, file.dtype), described, names)
    return np.ma.concatenate(parts) if np.ma.isMaskedArray(parts[0]) else np.concatenate(parts)


def _integer(file: "CompressedFile", column: Column, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise _damaged(file, column, error) from error


def _values(file: "CompressedFile", records: NDArray[Any], column: Column, names: list[Any] | None) -> Any:
    cells = np.ascontiguousarray(records[column.name])
    valid = records[column.name + VALID] if column.nullable else np.ones(len(cells), bool)
    scale = decimal_scale(column.type)
    if names is not None or scale is not None or column.type == "null":
        objects = np.full(len(cells), None, object)
        present = cells[valid]
        if names is not None:
            beyond = present[present >= len(names)]
            if beyond.size:
                raise _damaged(file, column, f"a cell has the number {beyond[0]} of {len(names)} strings")
            objects[valid] = np.array([*names, None], object)[present]
        elif scale is not None:
            objects[valid] = [Decimal(cell).scaleb(-scale) for cell in present.tolist()]
        return objects
    known = numpy_type(column.type)
    if known is not None:
        cells = cells.astype(np.int64, copy=False).view(known)
    return np.ma.masked_array(cells, ~valid) if column.nullable else cells


def _damaged(file: "CompressedFile", column: Column, reason: object) -> CorruptFileError:
    return CorruptFileError(f"{file.path}, column {column.name!r}: {reason}")


def arrays(file: "CompressedFile", features: Any = None) -> tuple[NDArray[np.float64], NDArray[Any] | None]:
    """Features and target; see :meth:`dreamlearning.CompressedFile.arrays`."""
    if file.table is None:
        if len(file.shape) != 1 or file.ragged or features is not None:
            raise ValueError(
                f"{file.path} has samples of shape {file.shape} and no named columns"
                + ("" if features is None else "; leave features out")
            )
        return file.decode(slice(None)).astype(np.float64), file.labels
    chosen = Features(file.table, features, np.float64)
    matrix = np.empty((len(file), len(chosen.names)))
    # Of no rows, so that there is always one.
    targets = [chosen.target(np.empty(0, file.dtype))]
    start = 0
    for run in _runs(file, None):
        chosen.matrix(run, matrix[start : start + len(run)])
        targets.append(chosen.target(run))
        start += len(run)
    found = [target for target in targets if target is not None]
    return matrix, np.concatenate(found) if found else None


def _chosen_columns(table: Table, columns: Any) -> list[Column]:
    if isinstance(columns, str):
        raise TypeError(f"columns is {columns!r}; give a list of names")
    return list(table.columns) if columns is None else [table[name] for name in columns]


def schema(file: "CompressedFile", columns: Any = None) -> Any:
    """The Arrow schema of the columns: their names and types."""
    try:
        import pyarrow
    except ImportError as error:
        raise missing_extra("pyarrow", "tabular") from error
    chosen = _chosen_columns(_table_of(file), columns)
    return pyarrow.schema([(c.name, _arrow_type(file, c)) for c in chosen])


def _arrow_type(file: "CompressedFile", column: Column) -> Any:
    import pyarrow

    try:
        return arrow_type(column.type)
    except (ValueError, pyarrow.ArrowException) as error:
        raise _damaged(file, column, f"type {column.type}: {error}") from error


def to_batches(file: "CompressedFile", indices: Any = None, columns: Any = None) -> Iterator[Any]:
    """The table as Arrow record batches of a few megabytes; see
    :meth:`dreamlearning.CompressedFile.to_arrow`."""
    described = schema(file, columns)
    import pyarrow

    from .cells import array_of
    from .text_cells import string_array, text_array_of

    chosen = _chosen_columns(_table_of(file), columns)
    texts = {}
    for column in chosen:
        if column.is_text:
            try:
                texts[column.name] = string_array(_kept_strings(file, column.name))
            except ValueError as error:
                raise _damaged(file, column, error) from error
    for run in _runs(file, indices):
        out = []
        for column in chosen:
            valid = run[column.name + VALID] if column.nullable else None
            cells = run[column.name]
            try:
                if column.is_text:
                    out.append(text_array_of(cells, valid, column.type, texts[column.name]))
                else:
                    out.append(array_of(cells, valid, column.type))
            except (ValueError, pyarrow.ArrowException) as error:
                raise _damaged(file, column, error) from error
        yield pyarrow.RecordBatch.from_arrays(out, schema=described)


def to_arrow(file: "CompressedFile", indices: Any = None, columns: Any = None) -> Any:
    """A ``pyarrow.Table``; see :meth:`dreamlearning.CompressedFile.to_arrow`."""
    described = schema(file, columns)
    import pyarrow

    return pyarrow.Table.from_batches(to_batches(file, indices, columns), described)


def to_pandas(file: "CompressedFile", indices: Any = None, columns: Any = None) -> Any:
    """A ``pandas.DataFrame``; see :meth:`dreamlearning.CompressedFile.to_pandas`."""
    try:
        import pandas
    except ImportError as error:
        raise missing_extra("pandas", "tabular") from error
    table = to_arrow(file, indices, columns)
    chosen = _chosen_columns(_table_of(file), columns)
    series = [_series(column, array) for column, array in zip(chosen, table.columns, strict=True)]
    frame = pandas.concat(series, axis=1) if series else pandas.DataFrame(index=range(len(table)))
    frame.columns = [column.name for column in chosen]
    return frame


def _series(column: Column, array: Any) -> Any:
    import pandas
    import pyarrow

    kind = array.type
    if pyarrow.types.is_dictionary(kind):
        # pandas takes signed indices only.
        signed = pyarrow.dictionary(pyarrow.int64(), kind.value_type, ordered=kind.ordered)
        return array.cast(signed).to_pandas()
    if column.is_text or column.type.startswith(("timestamp", "duration")):
        return array.to_pandas()
    if column.nullable or column.type not in (column.dtype.name, "halffloat", "float", "double"):
        return pandas.Series(pandas.arrays.ArrowExtensionArray(array))
    return array.to_pandas()


def facts_of(table: Table, facts: dict[str, Any]) -> dict[str, Any]:
    """A table as ``info()`` shows it, in JSON types; ``facts`` are what the core says of the file."""
    described = table.to_json()
    for one, column in zip(described["columns"], table.columns, strict=True):
        cell = table.cell(column.name)
        coded = facts["columns"][cell : cell + 1 + column.nullable]
        one.update(dtype=column.dtype.name, code=coded[0]["code"], bits=sum(c["bits"] or 0 for c in coded))
    return described

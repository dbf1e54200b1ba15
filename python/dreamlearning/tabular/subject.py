"""What is condensed: where the features of a row lie, and the target of every row.

In: an open file, or a source that is about to become one. Out: a :class:`Subject`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..sources.base import LABEL_FIELD, Source
from ..tables import Table
from ..tables.description import VALID
from ..tables.features import Features
from ..tables.strings import decode_strings
from ..tables.types import decimal_scale, numpy_type

if TYPE_CHECKING:
    from ..file import CompressedFile

__all__ = ["Cell", "Subject", "array_cells", "subject_of_file", "subject_of_source"]

_RUN_BYTES = 1 << 24

Cell = tuple[str, str, int, float, int | None]
"""Name, dtype, offset in the row, divisor, offset of the byte that says whether there is a value."""


def _no_rows(_: NDArray[np.int64]) -> Any:
    raise NotImplementedError("rows of a source are not read one by one")


@dataclass(frozen=True)
class Subject:
    """Rows, as condensing sees them.

    Attributes:
        n: number of rows.
        names: the features.
        cells: where they lie in a row.
        target_name: name of the target, or ``None``.
        target: of every row a number, bool or text, or the number of one of ``strings``, shape (n,), or
            ``None``.
        strings: of a column of text; ``None`` for others.
        rows_of: features (k, d), float64, and target (k,), or ``None``, of rows by number, shape (k,).
    """

    n: int
    names: list[str]
    cells: list[Cell]
    target_name: str | None
    target: NDArray[Any] | None
    strings: list[str] | None = None
    rows_of: Callable[[NDArray[np.int64]], tuple[NDArray[np.float64], NDArray[Any] | None]] = _no_rows


def array_cells(
    count: int, dtype: np.dtype[Any], columns: Iterable[str] | None = None
) -> tuple[list[str], list[Cell]]:
    """Names and cells of ``count`` values of one dtype.

    Raises:
        ValueError, TypeError: another number of names, or no list.
    """
    if isinstance(columns, str):
        raise TypeError(f"columns is {columns!r}; give a list of names")
    numbered = (f"x{number}" for number in range(count))
    names = [str(name) for name in (numbered if columns is None else columns)]
    if len(names) != count:
        raise ValueError(f"columns has {len(names)} names for {count} columns")
    return names, [
        (name, dtype.name, number * dtype.itemsize, 1.0, None) for number, name in enumerate(names)
    ]


def subject_of_file(file: "CompressedFile", features: Any, *, with_target: bool = True) -> Subject:
    """The rows of an open file; without ``with_target`` the target is left out, which saves reading it.

    Raises:
        ValueError: a feature that is unknown or text, or features where columns have no names.
    """
    table = file.table
    if table is None:
        labels = file.labels

        def samples(rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[Any] | None]:
            return file.decode(rows).astype(np.float64), _labels(labels, rows)

        return _plain(str(file.path), len(file), file.shape, file.dtype, labels, features, samples)
    chosen = _features(table, features)
    is_text = table.target is not None and table[table.target].is_text
    strings = file.strings(table.target) if is_text and table.target is not None else None

    def records(rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[Any] | None]:
        decoded = file.decode(rows)
        target = _target(table, len(rows), [decoded])
        if strings is not None and target is not None:
            target = np.array([strings[number] for number in target.tolist()], np.str_)
        return chosen.matrix(decoded), target

    target = _target(table, len(file), _runs(file)) if with_target else None
    return Subject(len(file), chosen.names, _cells(table, chosen), table.target, target, strings, records)


def subject_of_source(source: Source, features: Any) -> Subject:
    """The rows of a source.

    Raises:
        ValueError: as :func:`subject_of_file`; samples that are no rows.
    """
    table = source.table
    if table is None:
        labels = source.fields.get(LABEL_FIELD)
        return _plain(source.name, source.num_samples, source.shape, source.dtype, labels, features)
    chosen = _features(table, features)
    kept = None if table.target is None else table[table.target].strings
    runs = (records.reshape(-1).view(table.dtype) for _, records in source.batches())
    target = _target(table, source.num_samples, runs)
    strings = None if kept is None else decode_strings(kept)
    return Subject(source.num_samples, chosen.names, _cells(table, chosen), table.target, target, strings)


def _features(table: Table, names: Any) -> Features:
    chosen = Features(table, names, np.float64)
    if table.target in chosen.names:
        raise ValueError(f"column {table.target!r} is the target; leave it out of features")
    return chosen


def _labels(labels: NDArray[Any] | None, rows: Any = slice(None)) -> NDArray[Any] | None:
    return np.asarray(labels)[rows] if labels is not None and labels.ndim == 1 else None


def _plain(
    where: str, n: int, shape: Any, dtype: np.dtype[Any], labels: Any, features: Any, rows_of: Any = _no_rows
) -> Subject:
    """Rows without names: samples of one axis, and labels."""
    if len(shape) != 1 or shape[0] is None:
        raise ValueError(f"{where}: samples of shape {tuple(shape)} are no rows of a table to condense")
    names, cells = array_cells(shape[0], dtype)
    if features is not None and list(features) != names:
        raise ValueError(f"{where} has no named columns; leave features out")
    target = _labels(labels)
    return Subject(n, names, cells, None if target is None else LABEL_FIELD, target, None, rows_of)


def _cells(table: Table, features: Features) -> list[Cell]:
    fields = table.dtype.fields
    assert fields is not None
    cells: list[Cell] = []
    for name in features.names:
        column = table[name]
        dtype, offset = fields[name][:2]
        valid = fields[name + VALID][1] if column.nullable else None
        cells.append((name, dtype.name, offset, 10.0 ** (decimal_scale(column.type) or 0), valid))
    return cells


def _runs(file: "CompressedFile") -> Iterator[NDArray[Any]]:
    step = max(1, _RUN_BYTES // max(1, file.sample_bytes))
    for start in range(0, len(file), step):
        yield file.decode(range(start, min(start + step, len(file))))


def _target(table: Table, n: int, runs: Iterable[NDArray[Any]]) -> NDArray[Any] | None:
    """The target of ``runs`` of records, n in all: numbers, bools, or numbers of strings. Dates are their
    integers."""
    if table.target is None:
        return None
    column = table[table.target]
    cells = np.empty(n, column.dtype)
    start = 0
    for records in runs:
        cells[start : start + len(records)] = records[column.name]
        start += len(records)
    scale = decimal_scale(column.type)
    if scale is not None:
        return cells / 10.0**scale
    return cells if numpy_type(column.type) is None else cells.astype(np.float64)

"""Arrays of numbers as a table, where one of their columns is named as the target.

In: a :class:`Source` of samples of one axis, with fields beside them. Out: a :class:`Source` of packed
records: a column for each element of a sample, and for each field.
"""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError
from ..tables import Column, Table
from .base import OnRead, Source
from .spool import Spool
from .targets import check_target

__all__ = ["as_table"]

_SAMPLES = "x"
_TYPES = {"float16": "halffloat", "float32": "float", "float64": "double"}


def as_table(
    source: Source,
    target: str,
    folder: str | os.PathLike[str] | None = None,
    on_read: OnRead | None = None,
) -> Source:
    """``source`` as a table with a target.

    The columns of the samples are called by ``metadata["feature_names"]`` where that lists as many names,
    otherwise x0, x1 and so on; a field keeps its name, and one of two axes is called after
    ``metadata[NAME + "_columns"]`` or NAME0, NAME1 and so on.

    Raises:
        SourceError: samples of more axes, names that are not unique, an unknown target, or one that is NaN.

    Example:
        >>> source = Source("flowers", np.zeros((3, 2)), {"label": np.array([0, 1, 1])})
        >>> as_table(source, "label").table.names
        ['x0', 'x1', 'label']
    """
    shapes = {"samples": source.shape, **{key: array.shape[1:] for key, array in source.fields.items()}}
    for name, shape in shapes.items():
        if len(shape) > 1 or None in shape:
            raise SourceError(
                f"{source.name}, {name!r}: shape (n, {', '.join(map(str, shape))}) is no table; "
                "leave the target out"
            )
    names = _names(source.metadata.get("feature_names"), source.shape, _SAMPLES)
    parts = [(names, source.dtype)]
    for key, array in source.fields.items():
        columns = source.metadata.get(f"{key}_columns")
        parts.append((_names(columns, array.shape[1:], key) if array.ndim > 1 else [key], array.dtype))
    columns = [
        Column(name, _TYPES.get(dtype.name, dtype.name), dtype) for names, dtype in parts for name in names
    ]
    try:
        table = Table(columns, target)
    except ValueError as error:
        raise SourceError(f"{source.name}: {error}") from error

    spool = Spool(folder, source.name)
    spool.append(np.empty((0, table.dtype.itemsize), np.uint8))
    for start, records in _records(source, table, parts):
        check_target(records[target], None, (source.name, target), start)
        spool.append(records.view(np.uint8).reshape(len(records), table.dtype.itemsize))
        if on_read:
            on_read(start + len(records), source.num_samples)
    return Source(source.name, spool.finish(), metadata=source.metadata, table=table)


def _names(known: Any, shape: tuple[Any, ...], stem: str) -> list[str]:
    count = shape[0] if shape else 1
    if isinstance(known, list) and len(known) == count:
        return [str(name) for name in known]
    return [f"{stem}{i}" for i in range(count)] if shape else [stem]


def _records(
    source: Source, table: Table, parts: list[tuple[list[str], np.dtype[Any]]]
) -> Iterator[tuple[int, NDArray[Any]]]:
    for start, samples in source.batches():
        stop = start + len(samples)
        arrays = [samples, *(array[start:stop] for array in source.fields.values())]
        records = np.empty(len(samples), table.dtype)
        for (names, _), array in zip(parts, arrays, strict=True):
            flat = array.reshape(len(samples), len(names))
            for number, name in enumerate(names):
                records[name] = flat[:, number]
        yield start, records

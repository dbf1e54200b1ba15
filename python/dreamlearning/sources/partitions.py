"""The rows of a table by the values of one column.

In: a source of records and the name of a column. Out: for every row the number of its partition, and names.
"""

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError
from ..tables import Column, Table
from ..tables.strings import decode_strings
from .base import Source

__all__ = ["column_partitions", "partition_columns"]


def partition_columns(table: Table) -> list[str]:
    """The columns by which a table can be partitioned: integers, truth values and text, none of them null."""
    return [column.name for column in table.columns if _is_usable(column)]


def _is_usable(column: Column) -> bool:
    plain = column.is_text or column.type == column.dtype.name
    return plain and not column.nullable and column.dtype.kind in "iub"


def column_partitions(source: Source, table: Table, name: str) -> tuple[NDArray[np.uint32], list[str]]:
    """For every row the number of its partition, in order of the sorted values, shape (n,), and the
    partitions' names.

    Raises:
        SourceError: the column is of floats or dates, or has nulls.
    """
    column = table[name]
    if not _is_usable(column):
        what = "it has nulls" if column.nullable else f"it is of type {column.type}"
        raise SourceError(
            f"{source.name}: cannot partition by {name!r}: {what}; columns of integers, truth values or "
            f"text: {', '.join(partition_columns(table)) or 'none'}"
        )
    values = np.empty(source.num_samples, column.dtype)
    for start, records in source.batches():
        values[start : start + len(records)] = records.reshape(-1).view(table.dtype)[name]
    present, ids = np.unique(values, return_inverse=True)
    strings = None if column.strings is None else decode_strings(column.strings)
    names = [str(value) if strings is None else strings[value] for value in present.tolist()]
    return ids.astype(np.uint32), names

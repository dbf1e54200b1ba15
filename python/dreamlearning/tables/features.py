"""Rows of a table as numbers to learn from.

In: records. Out: a matrix of features, and the target. Text has no number and is no feature.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .description import VALID, Column, Table
from .types import decimal_scale

__all__ = ["Features"]


class Features:
    """Which columns of a table are features, and how a record becomes numbers.

    Args:
        table: the columns.
        names: the features; ``None`` for all columns but the target and text.
        dtype: of the features; ``None`` for float32 where it holds the cells of all of them (float32,
            float16, truth values, integers of at most 16 bits), otherwise float64.

    Attributes:
        names: the features, in order.
        dtype: float32 or float64.

    Raises:
        ValueError: a feature that is unknown or text.

    Example:
        >>> a, b = Column("a", "int8", np.dtype("i1"), True), Column("b", "bool", np.dtype("?"))
        >>> table = Table([a, b], target="b")
        >>> features = Features(table)
        >>> features.matrix(np.array([(3, True, True), (3, False, False)], table.dtype)).tolist()
        [[3.0], [nan]]
    """

    def __init__(self, table: Table, names: Iterable[str] | None = None, dtype: Any = None) -> None:
        if isinstance(names, str):
            raise TypeError(f"features is {names!r}; give a list of names")
        self._table = table
        if names is None:
            self._columns = [c for c in table.columns if _is_number(c) and c.name != table.target]
        else:
            self._columns = [table[name] for name in names]
            for column in self._columns:
                if not _is_number(column):
                    raise ValueError(
                        f"column {column.name!r} of type {column.type} has no numbers; leave it out"
                    )
        self.names = [column.name for column in self._columns]
        kinds = [column.dtype if _scale(column) is None else np.dtype(float) for column in self._columns]
        self.dtype = np.dtype(dtype) if dtype is not None else np.result_type(np.float32, *kinds)

    def matrix(self, records: NDArray[Any], out: NDArray[Any] | None = None) -> NDArray[Any]:
        """The features of ``records``, shape (k, d); nulls are NaN."""
        matrix = np.empty((len(records), len(self._columns)), self.dtype) if out is None else out
        for number, column in enumerate(self._columns):
            matrix[:, number] = _numbers(records, column)
            if column.nullable:
                matrix[~records[column.name + VALID], number] = np.nan
        return matrix

    def target(self, records: NDArray[Any]) -> NDArray[Any] | None:
        """The target, shape (k,), of its own dtype (float64 for decimals); ``None`` without one."""
        if self._table.target is None:
            return None
        return _numbers(records, self._table[self._table.target]).copy()


def _is_number(column: Column) -> bool:
    return not column.is_text and column.type != "null"


def _scale(column: Column) -> int | None:
    return decimal_scale(column.type)


def _numbers(records: NDArray[Any], column: Column) -> NDArray[Any]:
    scale = _scale(column)
    cells: NDArray[Any] = records[column.name]
    return cells if scale is None else cells / 10.0**scale

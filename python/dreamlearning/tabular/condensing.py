"""From a table to its condensed samples (paper, Algorithm 1, clustering phase).

In: an open file, or arrays, and how many condensed samples are wanted. Out: a :class:`CondensedTable`. The
core reads the rows a few megabytes at a time; only columns of classes or targets are held in memory.
"""

import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from ..indexing import as_threads
from ..tables.description import VALID
from ..tables.features import Features
from ..tables.types import decimal_scale
from .condensed import CondensedTable, Scatter

if TYPE_CHECKING:
    from ..file import CompressedFile

__all__ = ["condense_arrays", "condense_file"]

_CLASSES = 100  # an integer target of more values is a number, of fewer a class
_REPRESENTATIVES = ("centroid", "row")

Cell = tuple[str, str, int, float, int | None]


def condense_file(
    file: "CompressedFile",
    *,
    beta: int | None = None,
    size: int | None = None,
    fraction: float | None = None,
    features: Iterable[str] | None = None,
    representative: str = "centroid",
    classes: bool | None = None,
    cluster_target: bool = False,
    num_threads: int = 0,
) -> CondensedTable:
    """Condensed samples of a table; see :meth:`dreamlearning.CompressedFile.condensed`."""
    if file.table is None:
        if features is not None:
            raise ValueError(f"{file.path} has no named columns; leave features out")
        width = file.dtype.itemsize
        names = [f"x{number}" for number in range(file.shape[0])]
        cells = [(name, file.dtype.name, number * width, 1.0, None) for number, name in enumerate(names)]
        target_name = None if file.labels is None or file.labels.ndim != 1 else "label"
        target = None if target_name is None else np.asarray(file.labels)
        chosen = None
    else:
        chosen = Features(file.table, features, np.float64)
        names, cells = chosen.names, _cells(file, chosen.names)
        target_name, target = file.target, None if file.target is None else _target_column(file, file.target)
    condensed, nearest = _condense(
        lambda asked: _core.condense_table(file._reader, asked),
        cells,
        target,
        len(file),
        {"beta": beta, "size": size, "fraction": fraction},
        representative=representative,
        classes=classes,
        cluster_target=cluster_target,
        num_threads=num_threads,
    )
    if not len(nearest):
        return condensed(names, target_name, None)
    rows = file.decode(nearest)
    return condensed(names, target_name, rows.astype(np.float64) if chosen is None else chosen.matrix(rows))


def condense_arrays(
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    beta: int | None = None,
    size: int | None = None,
    fraction: float | None = None,
    representative: str = "centroid",
    classes: bool | None = None,
    cluster_target: bool = False,
    columns: Iterable[str] | None = None,
    num_threads: int = 0,
) -> CondensedTable:
    """The same for arrays in memory: ``X`` of shape (n, d), ``y`` of shape (n,) or ``None``.

    Example:
        >>> condense_arrays([[0.0], [1.0], [10.0]], [0.0, 2.0, 5.0], size=2)
        CondensedTable(2 clusters of 3 rows, 1 columns, target 'y')
    """
    rows = np.ascontiguousarray(X, np.float64)
    if rows.ndim != 2:
        raise ValueError(f"X has shape {rows.shape}; give rows and columns")
    target = None if y is None else np.asarray(y)
    if target is not None and target.shape != (len(rows),):
        raise ValueError(f"y has shape {target.shape}; give ({len(rows)},), one a row of X")
    names = [f"x{number}" for number in range(rows.shape[1])] if columns is None else list(columns)
    cells = [(name, "float64", 8 * number, 1.0, None) for number, name in enumerate(names)]
    condensed, nearest = _condense(
        lambda asked: _core.condense_rows(rows, asked),
        cells,
        target,
        len(rows),
        {"beta": beta, "size": size, "fraction": fraction},
        representative=representative,
        classes=classes,
        cluster_target=cluster_target,
        num_threads=num_threads,
    )
    return condensed(names, None if y is None else "y", rows[nearest] if len(nearest) else None)


def _condense(
    core: Any,
    cells: list[Cell],
    target: NDArray[Any] | None,
    n: int,
    goal: dict[str, Any],
    *,
    representative: str,
    classes: bool | None,
    cluster_target: bool,
    num_threads: int,
) -> tuple[Any, NDArray[np.int64]]:
    """Ask the core; what comes back makes a table of names and, where rows are wanted, of their values."""
    if representative not in _REPRESENTATIVES:
        raise ValueError(f"representative is {representative!r}; give 'centroid' or 'row'")
    if not cells:
        raise ValueError("there are no columns of numbers to condense")
    if n == 0:
        raise ValueError("there are no rows to condense")
    beta, size = _goal(n, **goal)
    names, ids = _classes(target, classes=classes)
    numbers = None if target is None or ids is not None else _numbers(target)
    sizes, means, partition, spread, scatter, nearest, first = core(
        {
            "cells": cells,
            "target": numbers,
            "classes": ids,
            "beta": beta,
            "size": size,
            "target_inside": bool(cluster_target) and numbers is not None,
            "nearest": representative == "row",
            "num_threads": as_threads(num_threads),
        }
    )
    d = len(cells)
    zeros = np.zeros(len(scatter))
    parts = Scatter(
        scatter[:, :d, :d],
        scatter[:, :d, d] if numbers is not None else np.zeros((len(scatter), d)),
        scatter[:, d, d] if numbers is not None else zeros,
        spread,
    )
    means_y = names[ids[first]] if names is not None and ids is not None else None
    means_y = means[:, d] if numbers is not None else means_y
    nearest = nearest.astype(np.int64)

    def condensed(columns: list[str], name: str | None, rows: NDArray[Any] | None) -> CondensedTable:
        shared = (sizes.astype(np.float64), partition.astype(np.int64), parts, columns, name, n)
        if rows is None:
            return CondensedTable(means[:, :d], means_y, *shared)
        y = target[nearest] if target is not None and numbers is not None else means_y
        return CondensedTable(rows, y, *shared, means=means[:, :d], y_means=means_y)

    return condensed, nearest


def _goal(n: int, beta: Any, size: Any, fraction: Any) -> tuple[int | None, int | None]:
    """Bits, or clusters."""
    given = [
        name for name, value in (("size", size), ("fraction", fraction), ("beta", beta)) if value is not None
    ]
    if len(given) != 1:
        raise ValueError(f"give one of size, fraction and beta, not {' and '.join(given) or 'none'}")
    if fraction is not None:
        if not isinstance(fraction, (int, float)) or not 0 < fraction <= 1:
            raise ValueError(f"fraction is {fraction!r}; give a number above 0 and at most 1")
        return None, max(1, round(fraction * n))
    number = operator.index(beta if size is None else size)
    if number < 1:
        raise ValueError(f"{given[0]} is {number}; give at least 1")
    number = min(number, 2**63)
    return (number, None) if size is None else (None, number)


def _classes(
    target: NDArray[Any] | None, *, classes: bool | None
) -> tuple[NDArray[Any] | None, NDArray[np.uint32] | None]:
    """The classes in sorted order and the number of each row's, where the target is one."""
    if target is None or classes is False:
        return None, None
    if classes is None and target.dtype.kind == "f":
        return None, None
    names, ids = np.unique(target, return_inverse=True)
    if classes is None and target.dtype.kind in "iu" and len(names) > _CLASSES:
        return None, None
    return names, ids.astype(np.uint32)


def _numbers(target: NDArray[Any]) -> NDArray[np.float64]:
    if target.dtype.kind not in "biuf":
        raise ValueError(f"the target has dtype {target.dtype} and no numbers; leave classes=False out")
    return np.ascontiguousarray(target, np.float64)


def _cells(file: "CompressedFile", names: list[str]) -> list[Cell]:
    """Where the core finds the features in a record."""
    table = file.table
    assert table is not None
    assert table.dtype.fields is not None
    fields = table.dtype.fields
    cells: list[Cell] = []
    for name in names:
        column = table[name]
        dtype, offset = fields[name][:2]
        valid = fields[name + VALID][1] if column.nullable else None
        cells.append((name, dtype.name, offset, 10.0 ** (decimal_scale(column.type) or 0), valid))
    return cells


def _target_column(file: "CompressedFile", name: str) -> NDArray[Any]:
    """The target of every row: numbers, bools, or text."""
    values = file.column(name)
    table = file.table
    assert table is not None
    if table[name].is_text:
        return np.asarray(values, np.str_)
    if np.ma.isMaskedArray(values):
        values = values.filled()  # compress() has refused nulls in a target
    values = np.asarray(values)
    return values.astype(np.float64) if values.dtype.kind not in "biuf" else values

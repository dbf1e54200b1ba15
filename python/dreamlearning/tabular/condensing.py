"""From a table to its condensed samples (paper, Algorithm 1, clustering phase).

In: an open file, or arrays, and how many condensed samples are wanted. Out: a :class:`CondensedTable`. The
core reads the rows a few megabytes at a time; only columns of classes or targets are held in memory.
"""

from collections.abc import Iterable
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from ..indexing import as_threads
from ..tables.description import VALID
from ..tables.features import Features
from ..tables.types import decimal_scale
from .checks import check_sums
from .condensed import CondensedTable
from .scatter import Scatter
from .targets import text_of

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
        names = _names(None, file.shape[0])
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

    Args:
        X, y: rows of numbers, and what is to be predicted: numbers, bools or text.
        beta, size, fraction: how many: the clusters of so many bits, a number, or a share of the rows; one of
            the three.
        representative: ``"centroid"``, the mean of a cluster, or ``"row"``, the row nearest to it.
        classes: whether clusters are pure in y; ``None`` for text, bools, and integers of at most 100 values.
            ``False``: they mix numbers, whose means the table has, or two classes of text or bools, of which
            it has the second one's share (see :meth:`CondensedTable.to_classes`).
        cluster_target: whether rows of a cluster resemble each other in y, too.
        columns: d names.
        num_threads: 0 for all cores; the result does not depend on it.

    Raises:
        ValueError: a NaN or an infinity (named by row and column), more condensed samples than different
            rows, numbers whose squares are beyond float64, or arguments that contradict each other.
        TypeError: a size, fraction or beta that is no number.

    Example:
        >>> condense_arrays([[0.0], [1.0], [10.0]], [0.0, 2.0, 5.0], size=2)
        CondensedTable(2 clusters of 3 rows, 1 columns, target 'y')
    """
    rows = np.ascontiguousarray(X, np.float64)
    if rows.ndim != 2:
        raise ValueError(f"X has shape {rows.shape}; give rows and columns")
    target = None if y is None else text_of(y)
    if target is not None and target.shape != (len(rows),):
        raise ValueError(f"y has shape {target.shape}; give ({len(rows)},), one a row of X")
    names = _names(columns, rows.shape[1])
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
    names, ids, numbers = _as_core_wants(target, classes=classes)
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
    titles = [cell[0] for cell in cells] + ["target"] * (numbers is not None)
    means = means.reshape(len(sizes), -1)
    check_sums(means, sizes.astype(np.float64), scatter, titles)
    without = np.zeros((len(scatter), d + 1))
    to_target = without if numbers is None else scatter[:, d, :]
    parts = Scatter(scatter[:, :d, :d], to_target[:, :d], to_target[:, d], spread)
    sizes, nearest = sizes.astype(np.float64), nearest.astype(np.int64)
    means_y, pair = None, None
    if ids is not None:
        means_y = names[ids[first]]
    elif numbers is not None:
        means_y, pair = means[:, d], names
        if np.array_equal(numbers, np.rint(numbers)) and np.abs(numbers).sum() < 2**53:
            means_y = np.rint(means_y * sizes) / sizes  # sums are whole: a mean of ones is 1

    def condensed(columns: list[str], name: str | None, rows: NDArray[Any] | None) -> CondensedTable:
        shared = (sizes, partition.astype(np.int64), parts, columns, name, n)
        if rows is None:
            return CondensedTable(means[:, :d], means_y, *shared, classes=pair)
        y = means_y
        if numbers is not None:
            y = (numbers if pair is not None else target)[nearest]
        return CondensedTable(rows, y, *shared, means=means[:, :d], y_means=means_y, classes=pair)

    return condensed, nearest


def _goal(n: int, beta: Any, size: Any, fraction: Any) -> tuple[int | None, int | None]:
    """Bits, or clusters."""
    options = {"size": size, "fraction": fraction, "beta": beta}
    given = [(name, value) for name, value in options.items() if value is not None]
    if len(given) != 1:
        names = " and ".join(name for name, _ in given) or "none"
        raise ValueError(f"give one of size, fraction and beta, not {names}")
    what, value = given[0]
    if isinstance(value, bool) or not isinstance(value, Real if what == "fraction" else Integral):
        raise TypeError(f"{what} is {value!r}; give a {'' if what == 'fraction' else 'whole '}number")
    if what == "fraction":
        if not 0 < value <= 1:
            raise ValueError(f"fraction is {value!r}; give a number above 0 and at most 1")
        return None, max(1, round(float(value) * n))
    number = int(value)
    if number < 1:
        raise ValueError(f"{what} is {number}; give at least 1")
    number = min(number, 2**63)
    return (number, None) if size is None else (None, number)


def _as_core_wants(
    target: NDArray[Any] | None, *, classes: bool | None
) -> tuple[NDArray[Any] | None, NDArray[np.uint32] | None, NDArray[np.float64] | None]:
    """``(names, ids, numbers)``: the classes in order and the number of each row's, where clusters are pure
    in them; otherwise the target as numbers, and where these are 0 and 1 for two classes, their names."""
    if target is None:
        return None, None, None
    kind = target.dtype.kind
    if classes is False:
        return _mixed(target)
    if classes is None and kind == "f":
        return None, None, np.ascontiguousarray(target, np.float64)
    names, ids = np.unique(target, return_inverse=True)
    if classes is None and kind in "iu" and len(names) > _CLASSES:
        return None, None, target.astype(np.float64)
    return names, ids.astype(np.uint32), None


def _mixed(target: NDArray[Any]) -> tuple[NDArray[Any] | None, None, NDArray[np.float64]]:
    if target.dtype.kind in "iuf":
        return None, None, np.ascontiguousarray(target, np.float64)
    if target.dtype.kind == "b":
        return np.array([False, True]), None, target.astype(np.float64)
    names, ids = np.unique(target, return_inverse=True)
    if len(names) != 2:
        raise ValueError(
            f"the target is text of {len(names)} classes; classes=False needs numbers or two classes: leave "
            "it out"
        )
    return names, None, ids.astype(np.float64)


def _names(columns: Iterable[str] | None, d: int) -> list[str]:
    """The names of ``d`` columns."""
    if isinstance(columns, str):
        raise TypeError(f"columns is {columns!r}; give a list of names")
    names = [f"x{number}" for number in range(d)] if columns is None else [str(name) for name in columns]
    if len(names) != d:
        raise ValueError(f"columns has {len(names)} names for {d} columns")
    return names


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

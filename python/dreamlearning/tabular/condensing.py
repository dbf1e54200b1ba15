"""From a table to its condensed samples (paper, Algorithm 1, clustering phase).

In: an open file, or arrays, and a :class:`Request`. Out: a :class:`CondensedTable`, computed, or as the file
keeps it. The core reads the rows a few megabytes at a time; only columns of classes or targets are held in
memory.
"""

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from ..errors import CorruptFileError
from ..indexing import as_threads
from .condensed import CondensedTable, Scatter
from .request import Request
from .subject import Subject, array_cells, subject_of_file

if TYPE_CHECKING:
    from ..file import CompressedFile

__all__ = ["condense_arrays", "condense_file", "kept_request", "to_keep"]

_CLASSES = 100  # an integer target of more values is a number, of fewer a class

Arrays = tuple[NDArray[Any], ...]


def condense_file(file: "CompressedFile", request: Request | None, num_threads: int = 0) -> CondensedTable:
    """Condensed samples of a table; see :meth:`dreamlearning.CompressedFile.condensed`."""
    threads = as_threads(num_threads)
    kept = _core.kept_condensed(file._reader)
    if kept is not None:
        stored = _request_of(file, kept[0])
        if request is None or _named(file, request).asks_the_same(stored, len(file)):
            try:
                return _kept(file, stored, kept[1], threads)
            except ValueError as error:
                raise CorruptFileError(f"{file.path}: its condensed samples: {error}") from error
    if request is None:
        raise ValueError(f"{file.path} keeps no condensed samples; give one of size, fraction and beta")
    subject = subject_of_file(file, request.features)
    arrays = _core.condense_table(file._reader, _asked(subject, request, threads))
    return _table(subject, arrays, subject.rows_of)


def kept_request(file: "CompressedFile") -> dict[str, Any] | None:
    """What a file keeps: the request, ``store``, and the number of ``samples`` where they are stored."""
    kept = _core.kept_condensed(file._reader)
    if kept is None:
        return None
    request = _request_of(file, kept[0]).to_json()
    if kept[1] is None:
        return {**request, "store": "positions"}
    return {**request, "store": "samples", "samples": len(kept[1][0])}


def to_keep(subject: Subject, request: Request, store: str, num_threads: int) -> dict[str, Any]:
    """How the core is asked to keep condensed samples of ``subject``."""
    named = request.with_features(subject.names)
    return {
        "asked": _asked(subject, request, num_threads),
        "request": json.dumps(named.to_json()),
        "plans_only": store == "positions",
    }


def condense_arrays(
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    size: int | None = None,
    fraction: float | None = None,
    beta: int | None = None,
    bits: str = "value",
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
    request = Request(size, fraction, beta, bits, representative, classes, cluster_target)
    rows = np.ascontiguousarray(X, np.float64)
    if rows.ndim != 2:
        raise ValueError(f"X has shape {rows.shape}; give rows and columns")
    target = None if y is None else np.asarray(y)
    if target is not None and target.shape != (len(rows),):
        raise ValueError(f"y has shape {target.shape}; give ({len(rows)},), one a row of X")
    names, cells = array_cells(rows.shape[1], rows.dtype, None if columns is None else list(columns))
    subject = Subject(len(rows), names, cells, None if y is None else "y", target)
    arrays = _core.condense_rows(rows, _asked(subject, request, as_threads(num_threads)))
    return _table(subject, arrays, lambda i: (rows[i], None if target is None else target[i]))


def _named(file: "CompressedFile", request: Request) -> Request:
    return request.with_features(subject_of_file(file, request.features, with_target=False).names)


def _kept(file: "CompressedFile", stored: Request, arrays: Arrays | None, num_threads: int) -> CondensedTable:
    """What the file keeps, or what it keeps makes."""
    subject = subject_of_file(file, stored.features, with_target=arrays is None)
    if arrays is None:
        arrays = _core.condense_kept(file._reader, _asked(subject, stored, num_threads))
    d = len(subject.names)
    if arrays[1].shape[1] - d not in ((0,) if subject.target_name is None else (0, 1)):
        raise ValueError(f"means of {arrays[1].shape[1]} columns for {d} features")
    return _table(subject, arrays, subject.rows_of)


def _asked(subject: Subject, request: Request, num_threads: int) -> dict[str, Any]:
    """What the core is asked; it names a column or row that has no mean."""
    if not subject.cells:
        raise ValueError("there are no columns of numbers to condense")
    if subject.n == 0:
        raise ValueError("there are no rows to condense")
    beta, size = request.goal(subject.n)
    ids = _classes(subject.target, classes=request.classes)
    numbers = None if subject.target is None or ids is not None else _numbers(subject.target)
    return {
        "cells": subject.cells,
        "target": numbers,
        "classes": ids,
        "beta": beta,
        "size": size,
        "ranks": request.bits == "rank",
        "target_inside": request.cluster_target and numbers is not None,
        "nearest": request.representative == "row",
        "num_threads": num_threads,
    }


def _table(
    subject: Subject,
    arrays: Arrays,
    rows: Callable[[NDArray[np.int64]], tuple[NDArray[Any], NDArray[Any] | None]],
) -> CondensedTable:
    """What the core has found as a table; ``rows`` gives features and target of rows by number."""
    sizes, means, partition, spread, scatter, nearest, first = arrays
    d, p = len(subject.names), len(scatter)
    has_numbers = means.shape[1] > d
    parts = Scatter(
        scatter[:, :d, :d],
        scatter[:, :d, d] if has_numbers else np.zeros((p, d)),
        scatter[:, d, d] if has_numbers else np.zeros(p),
        spread,
    )
    means_y = means[:, d] if has_numbers else rows(first.astype(np.int64))[1]
    shared = (
        sizes.astype(np.float64),
        partition.astype(np.int64),
        parts,
        subject.names,
        subject.target_name,
        subject.n,
    )
    if not len(nearest):
        return CondensedTable(means[:, :d], means_y, *shared)
    X, y = rows(nearest.astype(np.int64))
    return CondensedTable(X, y, *shared, means=means[:, :d], y_means=means_y)


def _classes(target: NDArray[Any] | None, *, classes: bool | None) -> NDArray[np.uint32] | None:
    """The number of each row's class, in sorted order, where the target is one."""
    if target is None or classes is False:
        return None
    if classes is None and target.dtype.kind == "f":
        return None
    names, ids = np.unique(target, return_inverse=True)
    if classes is None and target.dtype.kind in "iu" and len(names) > _CLASSES:
        return None
    return ids.astype(np.uint32)


def _numbers(target: NDArray[Any]) -> NDArray[np.float64]:
    if target.dtype.kind not in "biuf":
        raise ValueError(f"the target has dtype {target.dtype} and no numbers; leave classes=False out")
    return np.ascontiguousarray(target, np.float64)


def _request_of(file: "CompressedFile", kept: str) -> Request:
    try:
        return Request.of(json.loads(kept))
    except (ValueError, TypeError) as error:
        raise CorruptFileError(f"{file.path}: the request of its condensed samples: {error}") from error

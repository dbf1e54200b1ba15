"""From a table to its condensed samples (paper, Algorithm 1, clustering phase).

In: an open file, or arrays, and a :class:`Request`. Out: a :class:`CondensedTable`, computed, or as the file
keeps it. The core reads the rows a few megabytes at a time, and holds codes of 6 bytes a cell and values of
up to 256 MiB.
"""

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from ..errors import CorruptFileError, DreamlearningError
from ..indexing import as_threads
from .checks import check_sums
from .condensed import CondensedTable
from .request import Request
from .scatter import Scatter
from .subject import Subject, array_cells, subject_of_file
from .target_kinds import Target, TargetKind, as_core_wants
from .targets import text_of

if TYPE_CHECKING:
    from ..file import CompressedFile

__all__ = ["condense_arrays", "condense_file", "kept_request", "to_keep"]

Arrays = tuple[NDArray[Any], ...]


class Kept(NamedTuple):
    """What a file keeps."""

    request: Request
    kind: TargetKind
    arrays: Arrays | None
    """What the core found; ``None`` where only what makes it is kept."""


def condense_file(file: "CompressedFile", request: Request | None, num_threads: int = 0) -> CondensedTable:
    """Condensed samples of a table; see :meth:`dreamlearning.CompressedFile.condensed`."""
    threads = as_threads(num_threads)
    kept = _read(file)
    if request is None and isinstance(kept, DreamlearningError):
        raise kept
    if isinstance(kept, Kept):
        names = None if request is None else subject_of_file(file, request.features, with_target=False).names
        if request is None or request.with_features(names).asks_the_same(kept.request, len(file)):
            try:
                return _kept(file, kept, threads)
            except ValueError as error:
                raise CorruptFileError(f"{file.path}: its condensed samples: {error}") from error
    if request is None:
        raise ValueError(f"{file.path} keeps no condensed samples; give one of size, fraction and beta")
    subject = subject_of_file(file, request.features)
    target = as_core_wants(subject.target, subject.strings, classes=request.classes)
    arrays = _core.condense_table(file._reader, _asked(subject, target, request, threads))
    return _table(subject, target.kind, arrays, subject.rows_of)


def kept_request(file: "CompressedFile") -> dict[str, Any] | None:
    """What a file keeps: the request, ``store``, and the number of ``samples`` where they are stored."""
    kept = _read(file)
    if not isinstance(kept, Kept):
        return None if kept is None else {"store": "unknown"}
    request = kept.request.to_json()
    if kept.arrays is None:
        return {**request, "store": "positions"}
    return {**request, "store": "samples", "samples": len(kept.arrays[0])}


def to_keep(subject: Subject, request: Request, store: str, num_threads: int) -> dict[str, Any]:
    """How the core is asked to keep condensed samples of ``subject``."""
    target = as_core_wants(subject.target, subject.strings, classes=request.classes)
    kept = {"request": request.with_features(subject.names).to_json(), "target": target.kind.to_json()}
    return {
        "asked": _asked(subject, target, request, num_threads),
        "request": json.dumps(kept),
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

    Args:
        X, y: rows of numbers, and what is to be predicted: numbers, bools or text.
        size, fraction, beta: how many: a number, a share of the rows, or the clusters of so many bits; one of
            the three.
        bits: ``"value"`` or ``"rank"``.
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
    request = Request(size, fraction, beta, bits, representative, classes, cluster_target)
    if np.iscomplexobj(X):
        raise ValueError("X holds complex numbers; give real ones")
    rows = np.ascontiguousarray(X, np.float64)
    if rows.ndim != 2:
        raise ValueError(f"X has shape {rows.shape}; give rows and columns")
    target = None if y is None else text_of(y)
    if target is not None and target.shape != (len(rows),):
        raise ValueError(f"y has shape {target.shape}; give ({len(rows)},), one a row of X")
    names, cells = array_cells(rows.shape[1], rows.dtype, columns)
    subject = Subject(len(rows), names, cells, None if y is None else "y", target)
    wanted = as_core_wants(target, classes=request.classes)
    arrays = _core.condense_rows(rows, _asked(subject, wanted, request, as_threads(num_threads)))
    return _table(subject, wanted.kind, arrays, lambda i: (rows[i], None if target is None else target[i]))


def _kept(file: "CompressedFile", kept: Kept, num_threads: int) -> CondensedTable:
    """What the file keeps, or what it keeps makes."""
    kind, arrays = kept.kind, kept.arrays
    subject = subject_of_file(file, kept.request.features, with_target=arrays is None)
    if arrays is None:
        target = as_core_wants(subject.target, subject.strings, classes=kind.pure)
        arrays = _core.condense_kept(file._reader, _asked(subject, target, kept.request, num_threads))
    d = len(subject.names)
    if arrays[1].shape[1] - d not in ((0,) if subject.target_name is None else (0, 1)):
        raise ValueError(f"means of {arrays[1].shape[1]} columns for {d} features")
    return _table(subject, kind, arrays, subject.rows_of)


def _asked(subject: Subject, target: Target, request: Request, num_threads: int) -> dict[str, Any]:
    """What the core is asked; it names a column or row that has no mean."""
    if not subject.cells:
        raise ValueError("there are no columns of numbers to condense")
    if subject.n == 0:
        raise ValueError("there are no rows to condense")
    beta, size = request.goal(subject.n)
    return {
        "cells": subject.cells,
        "target": target.numbers,
        "classes": target.ids,
        "beta": beta,
        "size": size,
        "ranks": request.bits == "rank",
        "target_inside": request.cluster_target and target.numbers is not None,
        "nearest": request.representative == "row",
        "num_threads": num_threads,
    }


def _table(
    subject: Subject,
    kind: TargetKind,
    arrays: Arrays,
    rows: Callable[[NDArray[np.int64]], tuple[NDArray[Any], NDArray[Any] | None]],
) -> CondensedTable:
    """What the core has found as a table; ``rows`` gives features and target of rows by number."""
    sizes, means, partition, spread, scatter, nearest, first = arrays
    d, p = len(subject.names), len(scatter)
    has_numbers = means.shape[1] > d
    weights = sizes.astype(np.float64)
    check_sums(means, weights, scatter, subject.names + ["target"] * has_numbers)
    to_target = scatter[:, d, :] if has_numbers else np.zeros((p, d + 1))
    parts = Scatter(scatter[:, :d, :d], to_target[:, :d], to_target[:, d], spread)
    means_y = kind.means(means[:, d], weights) if has_numbers else rows(first.astype(np.int64))[1]
    shared = (weights, partition.astype(np.int64), parts, subject.names, subject.target_name, subject.n)
    if not len(nearest):
        return CondensedTable(means[:, :d], means_y, *shared, classes=kind.pair)
    X, y = rows(nearest.astype(np.int64))
    return CondensedTable(X, kind.numbers(y), *shared, means=means[:, :d], y_means=means_y, classes=kind.pair)


def _read(file: "CompressedFile") -> Kept | DreamlearningError | None:
    """What the file keeps; why it can't be read, where a newer library has written it or it is damaged."""
    try:
        kept = _core.kept_condensed(file._reader)
        if kept is None:
            return None
        read = json.loads(kept[0])
        return Kept(Request.of(read["request"]), TargetKind.of(read["target"]), kept[1])
    except DreamlearningError as error:
        return error
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        return CorruptFileError(f"{file.path}: the request of its condensed samples: {error!r}")

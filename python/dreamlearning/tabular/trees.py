"""Bases for histogram trees: the distinct rows of a quantised table, with counts.

In: numbers, cut to a few bits a column, and a target. Out: a :class:`CondensedTable` whose rows are the
distinct quantised rows. A tree's split depends on its rows only through the weight and the sum of targets on
either side of a threshold, so a learner that takes weights finds on the bases the splits that it finds on all
quantised rows.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checks import check_finite
from .condensed import CondensedTable
from .scatter import Scatter
from .targets import condense_target

__all__ = ["bases_of", "cells"]


def cells(X: ArrayLike, bits: int | ArrayLike, reference: ArrayLike | None = None) -> NDArray[np.int64]:
    """Numbers (n, d) cut to ``bits`` most significant bits, from the least to the greatest of a column.

    Integers keep the top bits of ``x - least``, as bases do; floats are put into ``2**bits`` cells of one
    size.

    Args:
        X: (n, d), integers or floats.
        bits: bits to keep, 1 to 32: one number, or one a column.
        reference: rows whose least and greatest count, the training rows when ``X`` are others; what is
            outside goes into the first or the last cell.

    Returns:
        int64 (n, d), from 0 to ``2**bits - 1``.

    Raises:
        ValueError: a NaN, another number of columns, bits out of range.

    Example:
        >>> cells([[0.0], [0.4], [0.6], [1.0]], bits=1).ravel()
        array([0, 0, 1, 1])
        >>> cells([[8], [11], [12], [15]], bits=1).ravel()
        array([0, 0, 1, 1])
    """
    X = np.asarray(X)
    base = X if reference is None else np.asarray(reference)
    if X.ndim != 2 or base.ndim != 2 or X.shape[1] != base.shape[1] or not len(base):
        raise ValueError(f"X has shape {X.shape} and reference {base.shape}; give rows of the same columns")
    kept = np.broadcast_to(np.asarray(bits), X.shape[1])
    if kept.dtype.kind not in "iu" or (kept < 1).any() or (kept > 32).any():
        raise ValueError(f"bits is {bits!r}; give integers from 1 to 32, one or one a column")
    if X.dtype.kind in "biu" and base.dtype.kind in "biu":
        least, greatest = base.min(axis=0), base.max(axis=0)
        # Differences modulo 2^64 are right for every integer dtype.
        offset = np.clip(X, least, greatest).astype(np.uint64) - least.astype(np.uint64)
        widths = [int(high).bit_length() for high in greatest.astype(np.uint64) - least.astype(np.uint64)]
        drop = np.array([max(w - int(b), 0) for w, b in zip(widths, kept, strict=True)], np.uint64)
        return (offset >> drop).astype(np.int64)
    X, base = X.astype(np.float64), base.astype(np.float64)
    check_finite(X, "X")
    check_finite(base, "reference")
    least = base.min(axis=0)
    step = (base.max(axis=0) - least) / 2.0**kept
    place = np.floor((X - least) / np.where(step > 0, step, 1))
    return np.clip(place, 0, 2.0**kept - 1).astype(np.int64)


def bases_of(
    codes: ArrayLike,
    y: ArrayLike | None = None,
    *,
    target: Literal["value", "mean"] = "value",
    columns: Sequence[str] | None = None,
) -> CondensedTable:
    """The distinct rows of ``codes``, with the number of rows each stands for.

    Args:
        codes: integers (n, d), as :func:`cells` makes them; at most 2^53 in size, so that float64 holds them.
        y: (n,) target, or ``None``.
        target: ``"value"``, one base for each distinct row *and* target, as classification wants it;
            ``"mean"``, one for each distinct row, with its mean target, for regression. Means of whole
            numbers (an integer dtype) become up to three bases with whole targets next to the mean and the
            very same sum, since a mean times a count is not exact, and the last bit decides between splits of
            equal gain.
        columns: d names.

    Returns:
        The bases in the order in which they first occur, with a scatter that is zero but for ``"mean"``'s
        target.

    Raises:
        ValueError: wrong shapes or dtypes, a NaN in y, text with ``"mean"``.

    Example:
        >>> bases = bases_of([[0, 1], [0, 1], [2, 1], [0, 1]], ["a", "a", "a", "b"])
        >>> bases.X.tolist(), bases.y.tolist(), bases.sample_weight.tolist()
        ([[0.0, 1.0], [2.0, 1.0], [0.0, 1.0]], ['a', 'a', 'b'], [2.0, 1.0, 1.0])
    """
    codes = np.asarray(codes)
    if codes.ndim != 2 or codes.dtype.kind not in "biu":
        raise ValueError(f"codes has shape {codes.shape} and dtype {codes.dtype}; give integers (n, d)")
    if codes.size and max(abs(int(codes.min())), abs(int(codes.max()))) > 2**53:
        raise ValueError("codes exceed 2^53, which float64 does not hold; keep fewer bits")
    if target not in ("value", "mean"):
        raise ValueError(f"target is {target!r}; give 'value' or 'mean'")
    n, d = codes.shape
    keys = list(codes.T)
    if y is not None:
        y = np.asarray(y)
        if y.shape != (n,):
            raise ValueError(f"y has shape {y.shape}; give ({n},), one a row of codes")
        if target == "value":
            keys.append(y)
    base, first = _distinct(keys, n)
    m = len(first)
    size = np.bincount(base, minlength=m).astype(np.float64)
    if target == "mean" and y is not None and y.dtype.kind in "biu":
        first, y_bases, size, left = _whole_means(y.astype(np.int64), base, first)
    else:
        y_bases, inner = condense_target(y, base, first, size, np.arange(m))
        left = float(inner @ inner)
    m = len(first)
    scatter = Scatter(np.zeros((1, d, d)), np.zeros((1, d)), np.array([left]), np.zeros(m))
    names = [f"x{j}" for j in range(d)] if columns is None else list(columns)
    return CondensedTable(codes[first], y_bases, size, np.zeros(m, np.int64), scatter, names, None, n)


def _whole_means(
    y: NDArray[np.int64], base: NDArray[np.int64], first: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], float]:
    """Bases with whole targets around each mean: first rows, targets, weights, and the squares left over.

    A mean of q + r/n is n - r times q and r times q + 1. Where r is 0 and the targets differ, one q - 1 and
    one q + 1 among the q's keep it from looking like a base of one target, at which a tree stops.
    """
    m = len(first)
    total, n = np.zeros(m, np.int64), np.bincount(base, minlength=m)
    np.add.at(total, base, y)
    q, r = np.divmod(total, n)
    mixed = np.zeros(m, bool)
    mixed[base[y != y[first][base]]] = True
    apart = (mixed & (r == 0)).astype(np.int64)
    targets = np.column_stack([q - 1, q, q + 1])
    weights = np.column_stack([apart, n - r - 2 * apart, r + apart])
    kept = weights > 0
    rest = y - q[base]
    left = (rest.astype(np.float64) ** 2).sum() - (weights * np.array([1, 0, 1])).sum()
    return (
        np.repeat(first, kept.sum(axis=1)),
        targets[kept],
        weights[kept].astype(np.float64),
        float(max(left, 0)),
    )


def _distinct(keys: list[NDArray], n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which distinct combination of ``keys`` each row is, numbered as they first occur, and its first row."""
    number = np.zeros(n, np.int64)
    for key in keys:
        values, place = np.unique(key, return_inverse=True)
        number = np.unique(number * len(values) + place, return_inverse=True)[1]
    _, first, number = np.unique(number, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[number], first[order]

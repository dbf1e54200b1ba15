"""What is wrong with rows, named by row and column.

In: arrays that a user gave. Out: nothing, or the array as it is wanted, or a ``ValueError`` whose message
says where. NumPy alone.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "as_integers",
    "as_rows",
    "check_finite",
    "check_number",
    "check_sums",
    "check_weights",
    "label_of_row",
]


def label_of_row(row: int, start: int = 0) -> str:
    """How a message calls row ``row`` of a batch that begins at row ``start``.

    Example:
        >>> label_of_row(3, start=1000)
        'row 1003'
    """
    return f"row {int(row) + start}"


def check_finite(
    values: NDArray[np.float64], name: str, columns: Sequence[str] | None = None, start: int = 0
) -> None:
    """Refuse NaN and infinity in ``values``, shape (n,) or (n, d); ``start`` is the number of the first row.

    Raises:
        ValueError: with the first such value's row and column.

    Example:
        >>> check_finite(np.array([[1.0, np.nan]]), "X", ["age", "income"])
        Traceback (most recent call last):
        ValueError: Input X contains NaN: row 0, column 1 ('income'); remove the row, or fill it
    """
    if np.isfinite(values).all():
        return
    where = np.argwhere(~np.isfinite(values))[0]
    place = label_of_row(where[0], start)
    if values.ndim == 2:
        column = "" if columns is None else f" ({str(columns[where[1]])!r})"
        place += f", column {where[1]}{column}"
    what = "NaN" if np.isnan(values[tuple(where)]) else "infinity"
    raise ValueError(f"Input {name} contains {what}: {place}; remove the row, or fill it")


def check_sums(
    means: NDArray[np.float64], size: NDArray[np.float64], xx: NDArray[np.float64], columns: Sequence[str]
) -> None:
    """Refuse means (m, d) and scatter (p, d, d) of clusters whose sums of squares are beyond float64.

    Raises:
        ValueError: with the first such column.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        squares = size @ means**2 + np.diagonal(xx, axis1=1, axis2=2).sum(axis=0)
    wrong = np.flatnonzero(~np.isfinite(squares))
    if wrong.size:
        raise ValueError(
            f"column {columns[wrong[0]]!r} is too large: float64 does not hold the sum of its squares; "
            "divide it by a power of ten"
        )


def as_rows(X: Any, columns: Sequence[str], name: str) -> NDArray[np.float64]:
    """``X`` as finite float64 rows of ``columns``.

    Raises:
        ValueError: another shape, no numbers, or one that is not finite.
    """
    X = np.asarray(X)
    if X.ndim != 2 or X.shape[1] != len(columns):
        raise ValueError(f"{name} has shape {X.shape}; give rows of {len(columns)} columns")
    if X.dtype.kind not in "biuf":
        raise ValueError(f"{name} has dtype {X.dtype}; give numbers")
    X = np.ascontiguousarray(X, np.float64)
    check_finite(X, name, columns)
    return X


def as_integers(values: Any, n: int, name: str) -> NDArray[np.int64]:
    """``values``, shape (n,), as integers.

    Raises:
        ValueError: they are none, or of another shape.
    """
    values = np.asarray(values)
    if values.shape != (n,):
        raise ValueError(f"{name} has shape {values.shape}; give ({n},), one a row of X")
    if values.dtype.kind not in "biu":
        raise ValueError(f"{name} has dtype {values.dtype}; give integers")
    return values.astype(np.int64)


def check_weights(weight: NDArray[np.float64], start: int = 0) -> None:
    """Refuse weights (n,) that are negative or not finite.

    Raises:
        ValueError: with the first such weight's row.
    """
    check_finite(weight, "sample_weight", start=start)
    if (weight < 0).any():
        row = int(np.flatnonzero(weight < 0)[0])
        raise ValueError(
            f"sample_weight is {weight[row]} in {label_of_row(row, start)}; no weight is negative"
        )


def check_number(name: str, value: Any, *, positive: bool = False) -> None:
    """Refuse what is not a finite number of at least zero (``positive``: above zero).

    Raises:
        TypeError: no number.
        ValueError: out of range.
    """
    if isinstance(value, (bool, str)) or not np.isscalar(value) or not np.isreal(value):
        raise TypeError(f"{name} is {value!r}; give a number")
    if not np.isfinite(value) or value < 0 or (positive and value == 0):
        raise ValueError(f"{name} is {value!r}; give a finite number {'above' if positive else 'from'} zero")

"""A target has a value in every row.

In: the cells of the column to be predicted. Out: nothing, or an error that names the row.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError

__all__ = ["check_target", "row_place"]


def row_place(row: int) -> str:
    """How messages call a row where there are no lines to count.

    Example:
        >>> row_place(7)
        'row 7 (the first is 0)'
    """
    return f"row {row} (the first is 0)"


def check_target(
    cells: NDArray[Any],
    valid: NDArray[np.bool_] | None,
    where: tuple[str, str],
    start: int,
    place: Callable[[int], str] = row_place,
) -> None:
    """Nothing, where every cell has a value.

    Args:
        cells: shape (k,).
        valid: which have a value at all, shape (k,); ``None`` for all.
        where: names of the source and of the column, for the message.
        start: row of the first cell.
        place: how the message calls a row.

    Raises:
        SourceError: a cell is null or NaN.
    """
    missing = np.isnan(cells) if cells.dtype.kind == "f" else np.zeros(len(cells), bool)
    if valid is not None:
        missing = missing | ~valid
    if missing.any():
        row = int(np.argmax(missing))
        what = "NaN" if valid is None or valid[row] else "no value"
        raise SourceError(
            f"{where[0]}, {place(start + row)}, column {where[1]!r}: the target has {what} here; leave such "
            "rows out, or name no target"
        )

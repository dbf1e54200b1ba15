"""Arrow's values as cells, and back: the integers and floats themselves, no bit of them looked at.

In: an Arrow array of a type with values of fixed size, or cells with their validity. Out: the other. Buffers
are taken as they are, so that NaN payloads, negative zeros and dates far away survive.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .types import arrow_type, cell_dtype, decimal_scale

__all__ = ["BadCellError", "array_of", "cells_of", "fill_nulls", "validity"]


class BadCellError(Exception):
    """A cell that cannot be stored.

    Args:
        row: its row, counted from the first one of the batch.
        reason: what is wrong with it and what to do.
    """

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(reason)
        self.row = row


def validity(array: Any) -> NDArray[np.bool_] | None:
    """Which of an Arrow array's values are no nulls, shape (n,); ``None`` where all are."""
    if array.null_count == 0:
        return None
    if str(array.type) == "null":
        return np.zeros(len(array), bool)
    return _bits(array.buffers()[0], array.offset, len(array))


def cells_of(array: Any) -> NDArray[Any]:
    """The cells of an Arrow array that is no text, shape (n,), with anything where there are nulls.

    Raises:
        BadCellError: a decimal that does not fit into 64 bits.
    """
    name = str(array.type)
    dtype = cell_dtype(name)
    assert dtype is not None
    if len(array) == 0 or name == "null":
        return np.zeros(len(array), dtype)
    data = array.buffers()[1]
    if dtype.kind == "b":
        return _bits(data, array.offset, len(array))
    if decimal_scale(name) is not None:
        return _decimals(array, data)
    return np.frombuffer(data, dtype, len(array), array.offset * dtype.itemsize)


def _bits(buffer: Any, offset: int, count: int) -> NDArray[np.bool_]:
    first = offset // 8
    packed = np.frombuffer(buffer, np.uint8, (offset + count + 7) // 8 - first, first)
    return np.unpackbits(packed, bitorder="little")[offset % 8 :][:count].astype(bool)


def _decimals(array: Any, data: Any) -> NDArray[np.int64]:
    width = array.type.byte_width
    word = np.dtype(np.int32 if width == 4 else np.int64)
    words = np.frombuffer(data, word, len(array) * width // word.itemsize, array.offset * width)
    words = words.reshape(len(array), -1)
    low = words[:, 0].astype(np.int64)
    too_large = (words[:, 1:] != (low >> 63)[:, None]).any(axis=1)
    if (valid := validity(array)) is not None:
        too_large &= valid
    if too_large.any():
        row = int(np.flatnonzero(too_large)[0])
        raise BadCellError(
            row,
            f"{array[row].as_py()} has more digits than 64 bits hold; convert the column to text or double",
        )
    return low


def fill_nulls(values: NDArray[Any], valid: NDArray[np.bool_], before: Any) -> NDArray[Any]:
    """``values`` in which every null repeats the value before it; ``before`` is what precedes the first.

    Example:
        >>> fill_nulls(np.array([7, 7, 1, 7]), np.array([False, False, True, False]), 5)
        array([5, 5, 1, 1])
    """
    place = np.where(valid, np.arange(len(values)), -1)
    np.maximum.accumulate(place, out=place)
    filled = values[place]
    filled[place < 0] = before
    return filled


def array_of(cells: NDArray[Any], valid: NDArray[np.bool_] | None, name: str) -> Any:
    """The Arrow array of type ``name`` with those cells; :func:`cells_of` gives them back."""
    import pyarrow

    kind = arrow_type(name)
    if name == "null":
        return pyarrow.nulls(len(cells))
    bitmap = None if valid is None else _bitmap(valid)
    if cells.dtype.kind == "b":
        data = _bitmap(cells)
    elif decimal_scale(name) is not None:
        data = pyarrow.py_buffer(_words(cells.astype(np.int64), kind.byte_width))
    else:
        data = pyarrow.py_buffer(np.ascontiguousarray(cells, cell_dtype(name)))
    return pyarrow.Array.from_buffers(kind, len(cells), [bitmap, data])


def _bitmap(bits: NDArray[np.bool_]) -> Any:
    import pyarrow

    return pyarrow.py_buffer(np.packbits(bits, bitorder="little"))


def _words(values: NDArray[np.int64], width: int) -> NDArray[Any]:
    """Integers as the two's complement of ``width`` bytes that decimals have."""
    if width == 4:
        return values.astype(np.int32)
    words = np.empty((len(values), width // 8), np.int64)
    words[:] = (values >> 63)[:, None]
    words[:, 0] = values
    return words

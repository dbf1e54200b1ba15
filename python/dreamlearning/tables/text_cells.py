"""Text and categories as cells: each value the number of its string.

In: Arrow arrays of strings or dictionaries, one after another; or numbers and the strings of a file. Out:
numbers and strings; or the Arrow array, with its categories in their order.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .strings import encode_strings, string_ends
from .types import arrow_type

__all__ = ["Numbering", "string_array", "text_array_of"]


class Numbering:
    """Numbers the distinct strings of a column in the order in which they first appear.

    Categories keep their own order, those that no row has included. Everything is held in memory: a column
    of text may be long, but its distinct strings must fit.
    """

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._known: Any = None  # the dictionary of the last array: usually the next one has the same
        self._known_numbers = np.empty(0, np.int64)

    def __len__(self) -> int:
        return len(self._numbers)

    def encode(self) -> bytes:
        """The strings as a file keeps them.

        Raises:
            ValueError: they are longer than 2 GiB.
        """
        return encode_strings(self._numbers)

    def add(self, array: Any) -> NDArray[np.bool_] | None:
        """Number what ``array`` has; which of its values are no nulls, ``None`` where all are."""
        return self._valid(*self._split(array, grow=True))

    def cells(self, array: Any) -> tuple[NDArray[np.int64], NDArray[np.bool_] | None]:
        """The numbers of an array's values, shape (n,), with anything where there are nulls; and which are
        none.

        Raises:
            KeyError: a string that :meth:`add` has not seen.
        """
        indices, numbers = self._split(array, grow=False)
        valid = self._valid(indices, numbers)
        own = np.zeros(len(indices), np.int64)
        present = slice(None) if valid is None else valid
        own[present] = numbers[indices[present]]
        return own, valid

    def _valid(self, indices: NDArray[np.int64], numbers: NDArray[np.int64]) -> NDArray[np.bool_] | None:
        missing = indices < 0
        missing[~missing] = numbers[indices[~missing]] < 0
        return ~missing if missing.any() else None

    def _split(self, array: Any, *, grow: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For each value its place in the array's dictionary, -1 for nulls; for each place its number, -1
        where the dictionary itself has a null."""
        import pyarrow

        kind = array.type
        if not pyarrow.types.is_dictionary(kind):
            array = array.cast(pyarrow.large_binary()).dictionary_encode()
        indices = np.asarray(array.indices.cast(pyarrow.int64()).fill_null(-1))
        dictionary = array.dictionary
        if self._known is None or not self._known.equals(dictionary):
            texts = dictionary
            if not pyarrow.types.is_large_binary(texts.type):
                texts = texts.cast(pyarrow.large_string()).cast(pyarrow.large_binary())
            values = texts.to_pylist()
            if grow:
                for value in values:
                    if value is not None:
                        self._numbers.setdefault(value, len(self._numbers))
            numbers = [-1 if value is None else self._numbers[value] for value in values]
            self._known, self._known_numbers = dictionary, np.array(numbers, np.int64)
        return indices, self._known_numbers


def string_array(encoded: bytes) -> Any:
    """The strings that a file keeps of a column as an Arrow array of large strings.

    Raises:
        ValueError: they are damaged.
    """
    import pyarrow

    ends, text = string_ends(encoded)
    offsets = np.zeros(len(ends) + 1, np.int64)
    offsets[1:] = ends
    buffers = [None, pyarrow.py_buffer(offsets), pyarrow.py_buffer(text)]
    return pyarrow.Array.from_buffers(pyarrow.large_string(), len(ends), buffers)


def text_array_of(cells: NDArray[Any], valid: NDArray[np.bool_] | None, name: str, strings: Any) -> Any:
    """The Arrow array of type ``name`` with the strings, a :func:`string_array`, that ``cells`` number.

    Raises:
        ValueError: a cell numbers a string that is not there.
    """
    import pyarrow

    beyond = cells >= len(strings)
    if valid is not None:
        beyond &= valid
    if beyond.any():
        raise ValueError(f"a cell has the number {cells[beyond][0]} of {len(strings)} strings")
    indices = pyarrow.array(cells.astype(np.int64), mask=None if valid is None else ~valid)
    kind = arrow_type(name)
    if not pyarrow.types.is_dictionary(kind):
        return strings.take(indices).cast(kind)
    return pyarrow.DictionaryArray.from_arrays(
        indices.cast(kind.index_type), strings.cast(kind.value_type), ordered=kind.ordered
    )

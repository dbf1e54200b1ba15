"""Where samples lie in a ``.gede`` file.

In: an open file. Out: its samples in the order in which they are stored.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..file import CompressedFile

__all__ = ["storage_order"]

_LABEL = "label"


def storage_order(file: CompressedFile) -> NDArray[np.int64] | None:
    """The samples in the order of storage, int64 of shape (n,); ``None`` where that is the order of indices.

    A file of several partitions has them one after another, each with its samples in the order of indices.
    Which sample is in which partition follows from the field that the file was partitioned by: the one
    whose values have the partitions' names and counts (the label, where several do). Where no field does,
    as in files that were not written by :func:`dreamlearning.compress`, the order of indices is all that is
    known.
    """
    partitions = [(p["name"], p["count"]) for p in file.partitions]
    if len(partitions) > 1:
        for values, names in _candidates(file):
            found, counts = np.unique(values, return_counts=True)
            if len(found) == len(partitions) and partitions == [
                (names.get(value, str(value)), count)
                for value, count in zip(found.tolist(), counts.tolist(), strict=True)
            ]:
                return np.argsort(values, kind="stable").astype(np.int64)
    return None


def _candidates(file: CompressedFile) -> Iterator[tuple[NDArray[np.integer], dict[int, str]]]:
    """Fields that a file may be partitioned by, the label first, and names of their values."""
    classes = dict(enumerate(file.classes or []))
    for name in sorted(file.fields, key=lambda name: name != _LABEL):
        values = file.field(name)
        if values.ndim == 1 and values.dtype.kind in "iu":
            yield values, classes if name == _LABEL else {}

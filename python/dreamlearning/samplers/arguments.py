"""What users give a sampler, checked.

In: numbers, data sets and labels of any kind. Out: Python integers and NumPy arrays, or an error that names
the argument.
"""

import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["class_ids", "dataset_size", "epoch_length", "epoch_number", "integer", "positive"]


def integer(value: Any, name: str) -> int:
    """``value`` as a Python integer; a TypeError where it is none."""
    try:
        return operator.index(value)
    except TypeError as error:
        raise TypeError(f"{name} is {value!r}; give an integer") from error


def positive(value: Any, name: str) -> int:
    """``value`` as an integer of at least 1."""
    number = integer(value, name)
    if number < 1:
        raise ValueError(f"{name} is {number}; it must be at least 1")
    return number


def epoch_number(value: Any) -> int:
    """``value`` as the number of an epoch, 0 or more."""
    epoch = integer(value, "epoch")
    if epoch < 0:
        raise ValueError(f"epoch is {epoch}; it must not be negative")
    return epoch


def dataset_size(dataset: Any) -> int:
    """The number of samples, at least 1."""
    try:
        size = len(dataset)
    except TypeError as error:
        raise TypeError(f"dataset is a {type(dataset).__name__}, which has no length") from error
    if size == 0:
        raise ValueError("the data set has no samples to draw from")
    return size


def epoch_length(fraction: Any, count: Any, size: int, *, repeats: bool = False) -> int:
    """Samples in an epoch, from the one of ``fraction`` and ``count`` that is given.

    ``repeats``: ``count`` may be larger than the data set.
    """
    if (fraction is None) == (count is None):
        both = "neither is given" if fraction is None else "both are given"
        raise ValueError(f"give either fraction or count; {both}")
    if count is not None:
        number = positive(count, "count")
        if number > size and not repeats:
            raise ValueError(
                f"count is {number}, the data set has {size} samples; without weights none repeats in an "
                "epoch"
            )
        return number
    try:
        inside = 0 < fraction <= 1
    except TypeError as error:
        raise TypeError(f"fraction is {fraction!r}; give a number above 0 and at most 1") from error
    if not inside:
        raise ValueError(
            f"fraction is {fraction}; it must be above 0 and at most 1 (count gives a number of samples)"
        )
    return max(1, round(fraction * size))


def _labels_of(dataset: Any) -> Any:
    """The labels of a data set, or of a torch ``Subset`` of one; ``None`` where it has none."""
    for name in ("labels", "targets"):
        if getattr(dataset, name, None) is not None:
            return getattr(dataset, name)
    whole, members = getattr(dataset, "dataset", None), getattr(dataset, "indices", None)
    if whole is None or members is None:
        return None
    labels = _labels_of(whole)
    return None if labels is None else np.asarray(labels)[np.asarray(members, np.int64)]


def class_ids(dataset: Any, size: int, what: str) -> NDArray[np.int64]:
    """The class of every sample, numbered from 0 in sorted order: int64 of shape (size,).

    ``what`` needs them; the error says so.
    """
    labels = _labels_of(dataset)
    if labels is None:
        raise ValueError(f"{what} needs a data set with `labels` or `targets`, one per sample")
    array = np.asarray(labels)
    if array.shape != (size,):
        raise ValueError(f"{what} needs labels of shape ({size},), not {array.shape}")
    return np.unique(array, return_inverse=True)[1].astype(np.int64)

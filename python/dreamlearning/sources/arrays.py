"""Arrays in memory as a source: one array, ``(samples, labels)``, or a dictionary of arrays.

In: anything array-like. Out: a :class:`Source` that shares the caller's memory where it is C-contiguous and
little-endian, and goes through the spool where it is not.
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError
from .base import LABEL_FIELD, OnRead, Source, StoredSamples, as_array, smallest_ints
from .spool import Spool, spool_array

__all__ = [
    "LABEL_NAMES",
    "SAMPLE_NAMES",
    "class_names",
    "from_arrays",
    "from_mapping",
    "from_numpy",
    "label_array",
    "sample_member",
]

SAMPLE_NAMES = ("image", "images", "X", "x", "data", "samples")
LABEL_NAMES = (LABEL_FIELD, "labels", "target", "targets", "y")
CLASSES_MEMBER = "classes"


def from_numpy(
    samples: Any,
    labels: Any = None,
    fields: Mapping[str, Any] | None = None,
    classes: Iterable[Any] | None = None,
    *,
    spool_folder: str | os.PathLike[str] | None = None,
    on_read: OnRead | None = None,
) -> Source:
    """Arrays, or anything that becomes one, as a source.

    Args:
        samples: shape (n, ...), or a list of images that differ in height and width.
        labels: first axis n; Python integers are kept in the smallest dtype, arrays in their own.
        fields: more to keep beside the samples: name -> array with first axis n.
        classes: names of the classes, so that ``classes[label]`` names a sample's class.
        spool_folder: folder for an unnamed temporary file where copies are needed; by default the system's.
        on_read: told of (samples read, samples in all) where they are copied.

    Raises:
        SourceError: a dtype that cannot be stored, shapes that differ, or a field of another length.

    Example:
        >>> import numpy as np
        >>> source = from_numpy(np.zeros((2, 8, 8), np.uint8), [0, 1], {"weight": [0.5, 2.0]}, ["cat", "dog"])
        >>> sorted(source.fields), source.classes
        (['label', 'weight'], ['cat', 'dog'])
    """
    arrays = {str(key): as_array(value, f"arrays, {key!r}") for key, value in (fields or {}).items()}
    if labels is not None:
        if LABEL_FIELD in arrays:
            raise SourceError("arrays: the labels are given twice, as labels and as a field; leave one out")
        arrays = {LABEL_FIELD: label_array(labels, "arrays"), **arrays}
    names = None if classes is None else class_names(classes)
    return from_arrays(samples, arrays, "arrays", spool_folder, classes=names, on_read=on_read)


def from_arrays(
    samples: Any,
    fields: Mapping[str, NDArray[Any]],
    name: str,
    folder: str | os.PathLike[str] | None,
    *,
    classes: list[str] | None = None,
    metadata: dict[str, Any] | None = None,
    on_read: OnRead | None = None,
) -> Source:
    """A source of array-like ``samples``, shape (n, ...), or a list of images of different sizes, and
    ``fields`` beside them."""
    if is_ragged(samples):
        spool = Spool(folder, name)
        for i, sample in enumerate(samples):
            where = f"{name}, sample {i}"
            spool.append(as_array(sample, where)[None], where)
            if on_read:
                on_read(i + 1, len(samples))
        return Source(name, spool.finish(), fields, classes=classes, metadata=metadata)
    array = as_array(samples, name)
    stored: NDArray[Any] | StoredSamples = array
    # Checked before anything is copied.
    source = Source(name, array, fields, classes=classes, metadata=metadata)
    if not array.flags.c_contiguous or array.dtype != source.dtype:
        stored = spool_array(array, folder, name, on_read)
        source = Source(name, stored, fields, classes=classes, metadata=metadata)
    return source


def from_mapping(
    arrays: Mapping[str, Any],
    name: str,
    folder: str | os.PathLike[str] | None,
    on_read: OnRead | None = None,
    *,
    labelled: bool = True,
) -> Source:
    """A source of named arrays: one is the sample, the others are fields; without ``labelled`` none of them
    is renamed to ``"label"``."""
    members = {
        str(key): value if is_ragged(value) else as_array(value, f"{name}, {key!r}")
        for key, value in arrays.items()
    }
    classes = class_names(members.pop(CLASSES_MEMBER)) if is_class_list(members) else None
    if not members:
        raise SourceError(f"{name}: there are no arrays in it")
    sample = sample_member(
        {
            key: sum(np.asarray(one).nbytes for one in value)
            if isinstance(value, (list, tuple))
            else value.nbytes
            for key, value in members.items()
        }
    )
    samples = members.pop(sample)
    fields = name_fields(members, name) if labelled else members
    return from_arrays(samples, fields, name, folder, classes=classes, on_read=on_read)


def sample_member(sizes: Mapping[str, int]) -> str:
    """Which of several named arrays (name -> bytes) holds the samples.

    The largest of those called like samples ("image", "X", "data"...); otherwise the first that is not
    called like labels; otherwise the first.
    """
    known = [name for name in sizes if name in SAMPLE_NAMES]
    if known:
        return max(known, key=lambda name: sizes[name])
    return next((name for name in sizes if name not in LABEL_NAMES), next(iter(sizes)))


def name_fields(members: Mapping[str, NDArray[Any]], name: str) -> dict[str, NDArray[Any]]:
    """The fields beside the samples, of which the first called like labels becomes ``"label"``."""
    label = next((key for key in LABEL_NAMES if key in members), None)
    fields = {LABEL_FIELD if key == label else key: array for key, array in members.items()}
    for key in fields:
        if not key:
            raise SourceError(f"{name}: a field has an empty name")
    return fields


def is_class_list(members: Mapping[str, NDArray[Any]]) -> bool:
    """Whether there is a member "classes" that lists class names."""
    array = members.get(CLASSES_MEMBER)
    return isinstance(array, np.ndarray) and array.ndim == 1 and array.dtype.kind == "U"


def is_ragged(samples: Any) -> bool:
    """Whether ``samples`` is a list of arrays or tensors, of which some differ in shape."""
    if not isinstance(samples, (list, tuple)) or not all(hasattr(sample, "shape") for sample in samples):
        return False
    return len({tuple(sample.shape) for sample in samples}) > 1


def class_names(values: Iterable[Any]) -> list[str]:
    """Class names as strings; synonyms, as in ImageNet, joined by commas."""
    return [", ".join(map(str, v)) if isinstance(v, (tuple, list)) else str(v) for v in values]


def label_array(labels: Any, name: str) -> NDArray[Any]:
    """Labels as an array: Python integers in the smallest dtype, arrays and tensors in their own.

    Raises:
        SourceError: labels of different shapes or kinds; the message names the first that differs.
    """
    if not isinstance(labels, (list, tuple)):
        return as_array(labels, f"{name}, labels")
    if all(type(label) is int for label in labels):
        return smallest_ints(labels)
    arrays = [as_array(label, f"{name}, label of sample {i}") for i, label in enumerate(labels)]
    for i, array in enumerate(arrays):
        if (array.shape, array.dtype.kind) != (arrays[0].shape, arrays[0].dtype.kind):
            raise SourceError(
                f"{name}, label of sample {i}: shape {array.shape} and dtype {array.dtype}, but the "
                f"first label has shape {arrays[0].shape} and dtype {arrays[0].dtype}; "
                "give all labels one shape and dtype"
            )
    return np.stack(arrays)

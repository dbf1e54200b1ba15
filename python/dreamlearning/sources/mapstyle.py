"""Any map-style data set: an object with ``len`` and ``[i]``.

In: items that are a sample or ``(sample, label)``, with the sample a Pillow image, an array or a tensor.
Out: a :class:`Source`; the data set is walked once, in order, through the spool.
"""

import os
from typing import Any

from numpy.typing import NDArray

from ..errors import SourceError
from .arrays import class_names, label_array
from .base import LABEL_FIELD, OnRead, Source, as_array
from .images import image_to_array
from .spool import Spool

__all__ = ["from_dataset", "sample_array"]


def from_dataset(
    dataset: Any,
    name: str | None = None,
    *,
    spool_folder: str | os.PathLike[str] | None = None,
    on_read: OnRead | None = None,
) -> Source:
    """All samples of ``dataset``; its ``classes``, where it lists them, name the labels.

    Args:
        dataset: an object with ``len`` and ``[i]``, whose items are samples or (sample, label).
        name: what the file calls it; by default its class.
        spool_folder: folder for an unnamed temporary file with the raw samples; by default the system's.
        on_read: told of (samples read, samples in all).

    Raises:
        SourceError: a sample or label that is no array or whose shape or dtype is not the first one's. The
            message gives its index.

    Example:
        >>> import numpy as np
        >>> from_dataset([(np.zeros((8, 8), np.uint8), 3)] * 5, "zeros").num_samples
        5
    """
    name = name or type(dataset).__name__
    if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
        raise SourceError(f"{name}: is no map-style data set; it needs len(data) and data[i]")
    spool = Spool(spool_folder, name)
    labels: list[Any] = []
    total = len(dataset)
    for i in range(total):
        where = f"{name}, sample {i}"
        item = dataset[i]
        if isinstance(item, (tuple, list)):
            if len(item) != 2:
                raise SourceError(f"{where}: {len(item)} values; an item must be a sample or (sample, label)")
            sample, label = item
            labels.append(_plain_label(label, where))
        else:
            sample = item
        array = sample_array(sample, where)
        if labels and len(labels) != i + 1:
            raise SourceError(f"{where}: some samples have a label and others have none")
        spool.append(array[None], where)
        if on_read:
            on_read(i + 1, total)
    stored = spool.finish()
    fields: dict[str, NDArray[Any]] = {LABEL_FIELD: label_array(labels, name)} if labels else {}
    return Source(name, stored, fields, classes=dataset_classes(dataset) if labels else None)


def sample_array(sample: Any, where: str) -> NDArray[Any]:
    """One sample as an array."""
    if isinstance(sample, (dict, str, bytes)) or sample is None:
        raise SourceError(
            f"{where}: is a {type(sample).__name__}; a sample must be an image, an array or a tensor"
        )
    if hasattr(sample, "mode") and hasattr(sample, "getbands"):
        return image_to_array(sample, where)
    return as_array(sample, where)


def dataset_classes(dataset: Any) -> list[str] | None:
    """The names of the classes, where the data set has a list of them."""
    classes = getattr(dataset, "classes", None)
    return class_names(classes) if isinstance(classes, (list, tuple)) and classes else None


def _plain_label(label: Any, where: str) -> Any:
    if isinstance(label, (str, bytes, dict)) or label is None:
        raise SourceError(f"{where}: its label is a {type(label).__name__}; labels must be numbers or arrays")
    if hasattr(label, "mode") and hasattr(label, "getbands"):
        return image_to_array(label, f"{where}, label")
    return label

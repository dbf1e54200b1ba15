"""``torchvision:NAME?root=DIR&split=train``: any data set class of torchvision.

In: the name of a class of ``torchvision.datasets`` and its arguments as a query. Out: a :class:`Source`,
taken straight from the class's arrays where these are what it hands out item by item, and otherwise walked
item by item.
"""

import difflib
import inspect
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError, missing_extra
from .arrays import from_arrays
from .base import LABEL_FIELD, OnRead, Source, is_storable, smallest_ints
from .mapstyle import dataset_classes, from_dataset, sample_array
from .query import parse_query

__all__ = ["from_text", "from_torchvision"]


def from_torchvision(
    dataset_or_name: Any,
    root: str | os.PathLike[str] | None = None,
    split: str | None = "train",
    *,
    spool_folder: str | os.PathLike[str] | None = None,
    on_read: OnRead | None = None,
    **arguments: Any,
) -> Source:
    """A data set of torchvision.

    Args:
        dataset_or_name: the name of a class of ``torchvision.datasets``, or an object of one, whose items are
            taken as it hands them out, transforms included.
        root: the folder its files are in, where the class wants one.
        split: ``"train"``, ``"test"``, or what the class knows; it becomes ``train=True|False`` for classes
            that take that. Classes without splits have only ``"train"``.
        spool_folder: folder for an unnamed temporary file with the raw samples; by default the system's.
        on_read: told of (samples read, samples in all).
        **arguments: more for the class, such as ``download=True``.

    Raises:
        SourceError: an unknown class or argument, or the data is not under ``root``.
        ImportError: torchvision is not installed.

    Example:
        >>> source = from_torchvision("CIFAR10", "data", "test", download=True)      # doctest: +SKIP
    """
    if not isinstance(dataset_or_name, str):
        if root is not None or arguments:
            raise SourceError("root and other arguments go with the name of a data set, not with an object")
        return _from_object(dataset_or_name, type(dataset_or_name).__name__, spool_folder, on_read)
    name = f"torchvision:{dataset_or_name}"
    cls = _class(dataset_or_name, name)
    if root is not None:
        arguments["root"] = os.fspath(root)
    has_splits = {"train", "split"} & inspect.signature(cls).parameters.keys()
    if split is not None and (has_splits or split != "train"):
        arguments["split"] = split
    return _build(cls, arguments, name, "pass download=True", spool_folder, on_read)


def from_text(text: str, folder: str | os.PathLike[str] | None, on_read: OnRead | None = None) -> Source:
    """The data set ``NAME?key=value&...``.

    ``split=train|test`` becomes ``train=True|False`` for classes that take that; ``download=true`` allows a
    download; other keys are handed on.
    """
    class_name, _, query = text.partition("?")
    name = f"torchvision:{text}"
    cls = _class(class_name, name)
    return _build(cls, _parse(query, name), name, "add &download=true", folder, on_read)


def _class(class_name: str, name: str) -> type:
    try:
        from torchvision import datasets
    except ImportError as error:
        raise missing_extra("torchvision", "torch") from error

    known = [key for key in datasets.__all__ if isinstance(getattr(datasets, key, None), type)]
    if class_name not in known:
        close = difflib.get_close_matches(class_name, known, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(close)}?" if close else "see torchvision.datasets for the names"
        raise SourceError(f"{name}: torchvision has no data set {class_name!r}; {hint}")
    return getattr(datasets, class_name)


def _build(
    cls: type,
    arguments: dict[str, Any],
    name: str,
    how_to_download: str,
    folder: str | os.PathLike[str] | None,
    on_read: OnRead | None,
) -> Source:
    split = arguments.get("split")
    arguments = _fit(cls, arguments, name)
    try:
        dataset = cls(**arguments)
    except (RuntimeError, OSError, ValueError, ImportError) as error:
        hint = "" if arguments.get("download") else f"; check root, or {how_to_download}"
        raise SourceError(f"{name}: {error}{hint}") from error
    # A short name: where the data lay on this machine is nobody's business.
    name = f"torchvision:{cls.__name__}" + (f"?split={split}" if split else "")
    return _from_object(dataset, name, folder, on_read)


def _from_object(
    dataset: Any, name: str, folder: str | os.PathLike[str] | None, on_read: OnRead | None
) -> Source:
    arrays = _whole_arrays(dataset)
    if arrays is None:
        return from_dataset(dataset, name, spool_folder=folder, on_read=on_read)
    samples, labels = arrays
    fields = {} if labels is None else {LABEL_FIELD: labels}
    return from_arrays(samples, fields, name, folder, classes=dataset_classes(dataset), on_read=on_read)


def _parse(query: str, name: str) -> dict[str, Any]:
    pairs = parse_query(query, name, "root=DIR&split=train")
    return {key: value if key == "root" else _value(value) for key, value in pairs.items()}


def _fit(cls: type, arguments: dict[str, Any], name: str) -> dict[str, Any]:
    """``arguments`` as ``cls`` takes them, with ``split`` as ``train`` where it wants that."""
    arguments = dict(arguments)
    parameters = inspect.signature(cls).parameters
    takes_train = "train" in parameters and "split" not in parameters
    if takes_train and "split" in arguments:
        split = arguments.pop("split")
        if "train" in arguments:
            raise SourceError(f"{name}: split and train say the same; give one of them")
        if split not in ("train", "test"):
            raise SourceError(f"{name}: split={split}; give split=train or split=test")
        arguments["train"] = split == "train"
    try:
        inspect.signature(cls).bind(**arguments)
    except TypeError as error:
        raise SourceError(f"{name}: {error}; {cls.__name__} takes {', '.join(parameters)}") from error
    return arguments


def _value(text: str) -> Any:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    return int(text) if text.lstrip("-").isdigit() else text


def _whole_arrays(dataset: Any) -> tuple[NDArray[Any], NDArray[Any] | None] | None:
    """(samples, labels) as whole arrays, if and only if items 0, the middle and the last agree with them."""
    n = len(dataset) if hasattr(dataset, "__len__") else 0
    data = _array_or_none(getattr(dataset, "data", None), n)
    if data is None or n == 0:
        return None
    targets = getattr(dataset, "targets", getattr(dataset, "labels", None))
    labels = None if targets is None else _array_or_none(targets, n)
    probes = (0, n // 2, n - 1)
    items = [dataset[i] for i in probes]
    if not all(isinstance(item, tuple) and len(item) == 2 for item in items):
        return None
    if labels is None or labels.ndim != 1 or labels.dtype.kind not in "iu":
        return None
    if any(type(item[1]) is not int or item[1] != labels[i] for i, item in zip(probes, items, strict=True)):
        return None
    # Some classes keep channels first and hand out channels last.
    for samples in (data, data.transpose(0, 2, 3, 1)) if data.ndim == 4 else (data,):
        arrays = [sample_array(item[0], "item") for item in items]
        if all(
            array.dtype == samples.dtype and np.array_equal(array, samples[i])
            for i, array in zip(probes, arrays, strict=True)
        ):
            return samples, smallest_ints(labels)
    return None


def _array_or_none(value: Any, n: int) -> NDArray[Any] | None:
    if value is None or not hasattr(value, "__len__") or len(value) != n:
        return None
    if isinstance(value, list) and not all(type(v) is int for v in value):
        return None
    array = np.asarray(value)
    return array if array.ndim and is_storable(array.dtype) else None

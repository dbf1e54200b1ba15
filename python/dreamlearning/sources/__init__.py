"""Everything that can be compressed.

In: what the user names (a SOURCE string, a file, arrays, a data set). Out: one :class:`Source`, read as late
and as little as possible. Each kind lives in a file of its own.
"""

import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import SourceError
from .base import LABEL_FIELD, OnRead, Source

__all__ = ["LABEL_FIELD", "Source", "resolve"]

_FORMS = (
    "a .csv, .parquet, .arrow, .feather, .ipc, .npy, .npz or .gede file, libsvm:FILE, "
    "torchvision:NAME?root=DIR&split=train, imagefolder:DIR, hf:NAME?split=train, webdataset:PATTERN, or "
    "sklearn:digits|iris|wine|breast_cancer|diabetes"
)


_SCHEMES = {
    "torchvision": "torchvision",
    "imagefolder": "imagefolder",
    "hf": "huggingface",
    "webdataset": "webdataset",
    "libsvm": "libsvm",
}
"""What stands before the colon of a SOURCE -> the module that reads it."""
_ARROW = (".arrow", ".feather", ".ipc")


def resolve(
    source: Any,
    *,
    target: str | None = None,
    spool_folder: str | os.PathLike[str] | None = None,
    on_read: OnRead | None = None,
) -> Source:
    """The samples and fields of whatever ``source`` is.

    Args:
        source: a SOURCE string; a path of a ``.csv``, ``.parquet``, ``.arrow``, ``.feather``, ``.ipc``,
            ``.npy``, ``.npz`` or ``.gede`` file; a data frame of pandas or polars or a table of pyarrow; an
            array; ``(samples, labels)``; a dictionary of arrays; an opened
            :class:`~dreamlearning.CompressedFile`; a data set of Hugging Face's library; a map-style data
            set; a :class:`Source`.
        target: of a table: name of the column to be predicted. Arrays of one axis for each sample become a
            table, too, where it is given.
        spool_folder: folder for the unnamed temporary file of sources that have to be copied; by default the
            system's folder for temporary files.
        on_read: told of (samples read, samples in all) where samples are read one by one.

    Raises:
        SourceError: it cannot be read, contradicts itself, or is nothing that is known.

    Example:
        >>> import numpy as np
        >>> resolve((np.zeros((4, 8, 8), np.uint8), [0, 1, 0, 1])).fields["label"].dtype
        dtype('uint8')
    """
    if target is not None and not isinstance(target, str):
        raise TypeError(f"target is a {type(target).__name__}; give the name of a column")
    resolved = _resolve(source, target, spool_folder, on_read)
    if target is None:
        return resolved
    if resolved.table is not None:
        if resolved.table.target != target:
            raise SourceError(
                f"{resolved.name}: already a Source, without the target {target!r}; make it anew"
            )
        return resolved
    from .array_tables import as_table

    return as_table(resolved, target, spool_folder, on_read)


def _resolve(
    source: Any, target: str | None, spool_folder: str | os.PathLike[str] | None, on_read: OnRead | None
) -> Source:
    from ..file import CompressedFile
    from . import arrays, frames

    if isinstance(source, Source):
        return source
    if isinstance(source, (str, os.PathLike)):
        return _named(os.fspath(source), target, spool_folder, on_read)
    if isinstance(source, CompressedFile):
        from .compressed import from_compressed

        return from_compressed(source, spool_folder, on_read, target)
    if frames.is_frame(source):
        return frames.from_frame(source, target, spool_folder, on_read)
    if type(source).__module__.partition(".")[0] == "datasets":
        from .huggingface import from_hf

        return from_hf(source, spool_folder=spool_folder, on_read=on_read)
    if isinstance(source, Mapping):
        return arrays.from_mapping(source, "arrays", spool_folder, on_read, labelled=target is None)
    if isinstance(source, tuple):
        if len(source) != 2:
            raise SourceError(f"a tuple of {len(source)}; give (samples, labels), or a dictionary of arrays")
        labels = arrays.label_array(source[1], "arrays")
        return arrays.from_arrays(source[0], {LABEL_FIELD: labels}, "arrays", spool_folder, on_read=on_read)
    if hasattr(source, "__array__"):
        return arrays.from_arrays(source, {}, "array", spool_folder, on_read=on_read)
    if hasattr(source, "__getitem__") and hasattr(source, "__len__"):
        from .mapstyle import from_dataset

        return from_dataset(source, spool_folder=spool_folder, on_read=on_read)
    raise SourceError(
        f"cannot compress a {type(source).__name__}; give {_FORMS}, arrays, or a map-style data set"
    )


def _named(
    text: str | bytes,
    target: str | None,
    folder: str | os.PathLike[str] | None,
    on_read: OnRead | None,
) -> Source:
    text = os.fsdecode(text)
    scheme, colon, rest = text.partition(":")
    if colon and scheme in _SCHEMES:
        module = importlib.import_module(f".{_SCHEMES[scheme]}", __name__)
        return module.from_text(rest, folder, on_read)
    if colon and scheme == "sklearn":
        from .sklearn import from_sklearn

        return from_sklearn(rest)

    from .csv_files import from_csv, split_query

    text, query = split_query(text)
    path = Path(text)
    if text and path.is_dir():
        raise SourceError(
            f"{text}: this is a folder; for one sub-folder of images per class give imagefolder:{text}"
        )
    suffix = path.suffix.lower()
    if suffix not in (".npy", ".npz", ".gede", ".csv", ".parquet", *_ARROW):
        raise SourceError(f"{text!r} is not a known SOURCE; give {_FORMS}")
    if not path.is_file():
        what = "it is a device or a pipe; name a file" if path.exists() else "there is no such file"
        raise SourceError(f"{text}: {what}")
    if suffix == ".gede":
        from ..file import open as open_compressed
        from .compressed import from_compressed

        return from_compressed(open_compressed(path), folder, on_read, target)
    if suffix == ".csv":
        return from_csv(path, target, folder, on_read, query=query)
    if suffix == ".parquet" or suffix in _ARROW:
        from .arrow_files import from_arrow_file, from_parquet

        return (from_parquet if suffix == ".parquet" else from_arrow_file)(path, target, folder, on_read)
    from .numpy_files import from_npy, from_npz

    if suffix == ".npy":
        return from_npy(path, folder, on_read)
    return from_npz(path, folder, on_read, labelled=target is None)

"""Samples back out of a file, in formats other programs read.

In: a file, indices, and a path. Out: arrays, ``.npz``, ``.npy``, ``.parquet``, ``.csv``, shards of tar
archives, or a folder of PNG files. Decoded a few megabytes at a time; an output appears under its name only
when it is complete. Each kind lives in a file of its own.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .arrays import to_numpy
from .imagefolder import to_imagefolder
from .parquet import to_parquet
from .tables import to_csv
from .webdataset import to_webdataset

__all__ = ["extract", "to_csv", "to_imagefolder", "to_numpy", "to_parquet", "to_webdataset"]

_BY_SUFFIX: dict[str, Callable[..., int]] = {
    ".npz": to_numpy,
    ".npy": to_numpy,
    ".parquet": to_parquet,
    ".csv": to_csv,
    ".tar": to_webdataset,
}


def extract(
    file: Any, output: str | os.PathLike[str], indices: Any = None, *, overwrite: bool = False
) -> int:
    """Write samples ``indices`` of ``file`` to ``output``, whose ending names the kind, and return how many.

    ``*.npz``: the samples as ``"data"``, every field under its name, and ``"classes"`` where they are known.
    ``*.npy``: the samples. ``*.parquet``: :func:`to_parquet`. ``*.csv``: :func:`to_csv`. ``*.tar``:
    :func:`to_webdataset`. Anything else: a new folder of PNG files named by sample number.

    Raises:
        FileExistsError: ``output`` exists and ``overwrite`` is false, or is a folder (never replaced).
        ValueError: the samples do not fit into a file of that kind.
        ImportError: a library that this kind needs is not installed.
    """
    write = _BY_SUFFIX.get(Path(output).suffix.lower(), to_imagefolder)
    return write(file, output, indices=indices, overwrite=overwrite)

"""A source becomes a ``.gede`` file.

In: whatever :func:`dreamlearning.sources.resolve` understands, and a path. Out: the file, opened. The file
appears under its name only when it is complete.
"""

import contextlib
import errno
import json
import operator
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _core
from .errors import SourceError
from .file import CompressedFile
from .file import open as open_compressed
from .indexing import as_threads
from .progress import CompressProgress, compress_progress
from .sources import LABEL_FIELD, Source, resolve
from .sources.partitions import column_partitions, partition_columns
from .tabular.condensing import to_keep
from .tabular.request import Request
from .tabular.subject import subject_of_source

__all__ = ["PRESETS", "compress"]

PRESETS = ("auto", "small", "fast", "paper", "raw")


def compress(
    source: Any,
    path: str | os.PathLike[str],
    *,
    target: str | None = None,
    preset: str = "auto",
    exact: bool | None = None,
    partition_by: str | None = None,
    tau: int | None = None,
    num_threads: int = 0,
    overwrite: bool = False,
    progress: bool | CompressProgress | None = None,
    metadata: dict[str, Any] | None = None,
    condense: "int | float | dict[str, Any] | None" = None,
) -> CompressedFile:
    """Compress ``source`` into the file ``path`` and open it.

    Args:
        source: a SOURCE string such as ``"torchvision:CIFAR10?root=data&split=train"``; the path of a
            ``.csv``, ``.parquet``, ``.arrow``, ``.feather``, ``.ipc``, ``.npy``, ``.npz`` or ``.gede`` file;
            a data frame of pandas or polars or a table of pyarrow; one array of shape (n, ...); a list of
            samples, which may be images of different sizes; ``(samples, labels)`` as a tuple; a dictionary
            of arrays; or a map-style data set.
        path: the file to write, usually ``*.gede``.
        target: of a table: name of the column to be predicted; it must have a value in every row. Named
            arrays whose samples have one axis become a table where it is given; ``(X, y)`` needs none.
        preset: ``"small"`` (learned prediction and entropy coding; rows of tables in groups of at most
            128, which are decoded together), ``"fast"``, ``"paper"``
            (Algorithm 1 of the paper; images only near-lossless unless ``exact``), ``"raw"`` (samples as
            they are: the fastest to read), or ``"auto"``: ``small`` for images and ``paper`` for tables.
        exact: ``True`` makes ``paper`` bit-exact for images too.
        partition_by: name of an integer field, usually ``"label"``, or of a column of integers, truth values
            or text; the samples of each value are coded together.
        tau: plateau threshold that stops Algorithm 1 early; ``None`` for the proven minimum.
        num_threads: 0 for all cores. The bytes written do not depend on it.
        overwrite: replace an existing file, once the new one is complete.
        progress: ``None`` shows a bar where stderr is a terminal, ``True`` and ``False`` force it, and a
            callable is called with (samples done, samples in all, raw bytes written, bytes of the file) a
            few times a second; what it raises aborts the compression.
        metadata: small JSON-able facts to keep in the file, as :attr:`CompressedFile.metadata`.
        condense: of a table: condensed samples to keep in the file for :meth:`CompressedFile.condensed`: a
            number (``92``), a share of the rows (``0.01``), or a dictionary of its arguments and ``store``:
            ``"samples"``, or ``"positions"``, which keeps only what makes them.

    Returns:
        The written file, opened.

    Raises:
        FileExistsError: ``path`` exists and ``overwrite`` is false; nothing has been read then.
        SourceError: the source cannot be read or contradicts itself.
        ValueError, TypeError: a wrong argument.
        OSError: the file system said no (a full disk, no permission); no file is left behind.

    Example:
        >>> import numpy as np
        >>> images = np.zeros((100, 8, 8), np.uint8)
        >>> f = compress((images, [0] * 100), "zeros.gede", partition_by="label")    # doctest: +SKIP
        >>> bool((f.decode(range(100)) == images).all())                               # doctest: +SKIP
        True
    """
    path = Path(os.fsdecode(path))
    if preset not in PRESETS:
        raise ValueError(f"preset is {preset!r}; give one of {', '.join(PRESETS)}")
    num_threads = as_threads(num_threads)
    if partition_by is not None and not isinstance(partition_by, str):
        raise TypeError(f"partition_by is a {type(partition_by).__name__}; give the name of a field")
    if tau is not None and not 0 <= operator.index(tau) < 1 << 63:
        raise ValueError(f"tau is {tau}; give a number of bit positions, or None for the proven minimum")
    if exact is not None and not isinstance(exact, bool):
        raise TypeError(f"exact is a {type(exact).__name__}; give True, False or None")
    if metadata is not None and not isinstance(metadata, dict):
        raise TypeError(f"metadata is a {type(metadata).__name__}; give a dictionary")
    to_store = None if condense is None else Request.to_store(condense)
    json.dumps(metadata, allow_nan=False)  # fails now rather than after an hour
    _check_output(path, source, overwrite=overwrite)

    with compress_progress(progress) as reporters:
        resolved = resolve(source, target=target, spool_folder=path.parent, on_read=reporters.read)
        ids, names = _partitions(resolved, partition_by)
        reporters.sample_bytes = resolved.sample_bytes
        kept = {
            "classes": resolved.classes,
            "source": resolved.name,
            "user": {**resolved.metadata, **(metadata or {})},
        }
        columns: dict[str, Any] = {}
        if resolved.table is not None:
            kept["table"] = resolved.table.to_json()
            columns = {"columns": resolved.table.cells, "strings": resolved.table.strings}
        if to_store is not None:
            request, store = to_store
            subject = subject_of_source(resolved, request.features)
            columns["condensing"] = to_keep(subject, request, store, num_threads)
        _core.compress(
            str(path),
            resolved.samples(),
            fields=list(resolved.fields.items()),
            partition_ids=ids,
            partition_names=names,
            metadata=json.dumps(kept, allow_nan=False),
            preset=preset,
            exact=exact,
            tau=tau,
            num_threads=num_threads,
            overwrite=overwrite,
            progress=reporters.compress,
            **columns,
        )
    return open_compressed(path)


def _check_output(path: Path, source: Any, *, overwrite: bool) -> None:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "the output is a folder; name a file", str(path))
    if path.exists() and not path.is_file():
        raise ValueError(f"{path}: the output is a device or a pipe; name a file")
    if isinstance(source, (str, os.PathLike)) and path.is_file():
        with contextlib.suppress(OSError):
            named = os.fsdecode(source).removeprefix("libsvm:")
            same = any(path.samefile(one) for one in {named, named.partition("?")[0]} if Path(one).is_file())
            if same and path.suffix.lower() != ".gede":
                raise ValueError(f"{path}: the output is the source; give it another name")
    if os.path.lexists(path) and not overwrite:
        raise FileExistsError(
            errno.EEXIST, "the output exists; pass overwrite=True (--overwrite), or remove it", str(path)
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder to write to", str(path.parent))


def _partitions(source: Source, partition_by: str | None) -> tuple[NDArray[np.uint32] | None, list[str]]:
    """For every sample the number of its partition, in order of the sorted values, and the partitions'
    names."""
    if partition_by is None:
        return None, []
    if source.table is not None and partition_by in source.table.names:
        return column_partitions(source, source.table, partition_by)
    field = source.fields.get(partition_by)
    if field is None or field.ndim != 1 or field.dtype.kind not in "iu":
        usable = [name for name, a in source.fields.items() if a.ndim == 1 and a.dtype.kind in "iu"]
        usable += [] if source.table is None else partition_columns(source.table)
        raise SourceError(
            f"{source.name}: cannot partition by {partition_by!r}: "
            + (
                "there is no such field"
                if field is None
                else f"it has shape {field.shape} and dtype {field.dtype}"
            )
            + f"; integer fields: {', '.join(usable) or 'none'}"
        )
    values, ids = np.unique(field, return_inverse=True)
    classes = source.classes if partition_by == LABEL_FIELD else None
    names = [
        classes[v] if classes is not None and 0 <= v < len(classes) else str(v) for v in map(int, values)
    ]
    return ids.astype(np.uint32), names

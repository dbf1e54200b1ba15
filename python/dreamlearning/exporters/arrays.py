"""Samples as NumPy arrays: in memory, ``.npy`` or ``.npz``.

In: a file and indices. Out: a dictionary of arrays, or a file of them, decoded a few megabytes at a time.
"""

import os
import zipfile
from pathlib import Path
from typing import IO, Any, overload

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ..file import CompressedFile
from .base import as_chosen, check_output, new_file, opened, runs

__all__ = ["to_numpy"]

_SUFFIXES = (".npz", ".npy")


@overload
def to_numpy(
    file: Any, path: None = None, *, indices: Any = None, overwrite: bool = False
) -> dict[str, Any]: ...


@overload
def to_numpy(
    file: Any, path: str | os.PathLike[str], *, indices: Any = None, overwrite: bool = False
) -> int: ...


def to_numpy(
    file: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    indices: Any = None,
    overwrite: bool = False,
) -> dict[str, Any] | int:
    """The samples and fields as NumPy arrays.

    Args:
        file: the path of a ``.gede`` file, a :class:`CompressedFile`, or a ``CompressedDataset`` (whose
            transforms and crops are not applied).
        path: ``*.npz`` for all arrays, ``*.npy`` for the samples alone; ``None`` writes nothing.
        indices: only these samples, in this order: integers, a slice or a mask.
        overwrite: replace an existing file, once the new one is complete.

    Returns:
        Without a path a dictionary: ``"data"``, the samples, shape (k, *shape), or a list of arrays where
        they differ in shape (of a table records, shape (k,)); every field under its name; ``"classes"`` where
        they are known. ``compress`` takes it again. With a path the number of samples written.

    Raises:
        FileExistsError: ``path`` exists and ``overwrite`` is false, or is a folder.
        ValueError: a path of another kind, or samples of different shapes or with text, which no array file
            holds.
        IndexError, TypeError: wrong indices.

    Example:
        >>> arrays = to_numpy("digits.gede", indices=[5, 3])        # doctest: +SKIP
        >>> arrays["data"].shape, arrays["label"].shape              # doctest: +SKIP
        ((2, 8, 8), (2,))
    """
    with opened(file) as one:
        chosen = as_chosen(indices, len(one))
        if path is None:
            arrays = _fields(one, chosen)
            return {_sample_name(arrays): one.decode(chosen), **arrays}
        output = Path(path)
        suffix = output.suffix.lower()
        if suffix not in _SUFFIXES:
            raise ValueError(f"{output}: the name must end in {' or '.join(_SUFFIXES)}")
        check_output(output, overwrite=overwrite)
        _common_shape(one, chosen)
        _refuse_text(one)
        with new_file(output, one) as stream:
            (_write_npz if suffix == ".npz" else _write_samples)(stream, one, chosen)
        return len(chosen)


def _common_shape(file: CompressedFile, indices: NDArray[np.int64]) -> tuple[int, ...]:
    """The shape that the samples have.

    Raises:
        ValueError: they differ.
    """
    if not file.ragged:
        return file.shape
    shapes = np.unique(file.shapes(indices), axis=0).tolist()
    if len(shapes) != 1:
        raise ValueError(
            f"{file.path}: the images have {len(shapes)} different shapes, which one array does not hold; "
            "name a folder as output"
        )
    return tuple(shapes[0])


def _refuse_text(file: CompressedFile) -> None:
    texts = [] if file.table is None else [column.name for column in file.table.columns if column.is_text]
    if texts:
        raise ValueError(
            f"{file.path}: the columns {', '.join(texts)} are text, which an array file does not hold; name "
            "a .parquet or .csv file"
        )


def _fields(file: CompressedFile, indices: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    arrays = {name: file.field(name)[indices] for name in file.fields}
    if file.classes is not None:
        arrays.setdefault("classes", np.array(file.classes, dtype=np.str_))
    return arrays


def _sample_name(arrays: dict[str, NDArray[Any]]) -> str:
    return next(name for name in ("data", "samples", "X") if name not in arrays)


def _write_samples(stream: IO[bytes], file: CompressedFile, indices: NDArray[np.int64]) -> None:
    header = {
        "descr": npy.dtype_to_descr(file.dtype),
        "fortran_order": False,
        "shape": (len(indices), *_common_shape(file, indices)),
    }
    _write_header(stream, header)
    for _, samples in runs(file, indices):
        stream.write(np.asarray(samples).tobytes())


def _write_header(stream: IO[bytes], header: dict[str, Any]) -> None:
    if isinstance(header["descr"], str):
        npy.write_array_header_1_0(stream, header)
        return
    # Version 3 holds names of any length in UTF-8.
    text = repr(header).encode()
    size = len(text) + 1
    size += -(12 + size) % npy.ARRAY_ALIGN
    stream.write(npy.magic(3, 0) + size.to_bytes(4, "little") + text.ljust(size - 1) + b"\n")


def _write_npz(stream: IO[bytes], file: CompressedFile, indices: NDArray[np.int64]) -> None:
    arrays = _fields(file, indices)
    with zipfile.ZipFile(stream, "w") as archive:
        with archive.open(f"{_sample_name(arrays)}.npy", "w", force_zip64=True) as member:
            _write_samples(member, file, indices)
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                npy.write_array(member, array, allow_pickle=False)

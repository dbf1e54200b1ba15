"""Arrays in an ``.npz`` file, without pickle and without trust.

In: a stream or a path. Out: a dictionary of arrays. What is written is stored uncompressed, so no array that
is read can claim more memory than the file has bytes.
"""

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ..errors import SourceError

__all__ = ["read_npz", "write_npz"]

T = TypeVar("T")

# What zipfile and NumPy raise for bytes that are no such file. zipfile has NotImplementedError for versions,
# compression methods and flags that it does not know, and RuntimeError for encrypted members.
_DAMAGE = (
    *(zipfile.BadZipFile, struct.error, OSError, EOFError, NotImplementedError, RuntimeError),
    *(ValueError, TypeError, SyntaxError, MemoryError, OverflowError),
)


def write_npz(stream: IO[bytes], arrays: dict[str, NDArray[Any]]) -> None:
    """Write ``arrays``, the same bytes whenever they are the same."""
    with zipfile.ZipFile(stream, "w") as archive:
        for name, array in arrays.items():
            # ZipInfo without a date is of 1980, so that time is not in the file.
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                npy.write_array(member, np.asarray(array, order="C"), allow_pickle=False)


def read_npz(path: Path, kind: str, version: int, build: Callable[[dict[str, NDArray[Any]]], T]) -> T:
    """``build`` of the arrays in ``path``, a file whose array ``kind`` says ``version``.

    Raises:
        SourceError: the file is damaged, of another kind or version, or ``build`` finds its arrays wrong.
        OSError: it can't be read.
    """
    data = io.BytesIO(path.read_bytes())  # condensed data are small, and errors from here on are the file's
    try:
        with zipfile.ZipFile(data) as archive:
            arrays = dict(_member(archive, info) for info in archive.infolist())
        if kind not in arrays:
            raise ValueError(f"it holds no {kind.replace('_', ' ')}")
        if arrays[kind].shape != () or arrays[kind] != version:
            raise ValueError(f"its version is {arrays[kind]}, not {version}; install a newer dreamlearning")
        return build(arrays)
    except KeyError as error:
        raise SourceError(f"{path}: the array {error} is missing") from error
    except _DAMAGE as error:
        raise SourceError(f"{path}: {error}") from error


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> tuple[str, NDArray[Any]]:
    name = info.filename.removesuffix(".npy")
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"the array {name!r} is compressed; read it with numpy.load")
    with archive.open(info) as member:
        if npy.read_magic(member) != (1, 0):
            raise ValueError(f"the array {name!r} is of another .npy version than 1.0")
        shape, in_columns, dtype = npy.read_array_header_1_0(member)
        if dtype.hasobject or in_columns or any(side < 0 for side in shape):
            raise ValueError(f"the array {name!r} is not a plain array in row order")
        data = member.read()  # at most the file's size, since nothing is compressed
    count = 1
    for side in shape:
        count *= side
    if count * dtype.itemsize != len(data):
        raise ValueError(f"the array {name!r} has {len(data)} bytes, which is not {shape} of {dtype}")
    return name, np.frombuffer(data, dtype).reshape(shape)

"""``.npy`` and ``.npz`` files.

In: a path. Out: a :class:`Source` whose samples are never in memory as a whole: a ``.npy`` in C order is
read where it lies, everything else is streamed once through the spool. Pickled objects are refused, always.
"""

import io
import mmap
import os
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ..errors import SourceError
from .arrays import CLASSES_MEMBER, SAMPLE_NAMES, class_names, name_fields, sample_member
from .base import Descriptor, OnRead, Source, StoredSamples, check_dtype
from .spool import Spool, spool_array

__all__ = ["from_npy", "from_npz", "read_npy"]

_RUN_BYTES = 1 << 24
_COLUMN_NAMES = ("feature_names", "columns")
_Header = tuple[tuple[int, ...], bool, np.dtype[Any]]


def from_npy(path: Path, folder: str | os.PathLike[str] | None, on_read: OnRead | None = None) -> Source:
    """The array of a ``.npy`` file, shape (n, ...).

    Raises:
        SourceError: not a ``.npy`` file, cut short, of Python objects, or of a dtype that cannot be stored.
    """
    name = str(path)
    try:
        file = path.open("rb")
    except OSError as error:
        raise SourceError(f"{name}: cannot be read: {error.strerror}") from error
    with file:
        shape, fortran, dtype = _read_header(file, name)
        offset = file.tell()
        needed, there = _num_bytes(shape, dtype), path.stat().st_size - offset
        if there < needed:
            raise SourceError(f"{name}: cut short: {there} bytes of samples where its header says {needed}")
        little = dtype.newbyteorder("<")
        if needed and ((fortran and len(shape) > 1) or dtype != little):
            mapped = np.memmap(file, dtype, "r", offset, shape, "F" if fortran else "C")
            return Source(path.name, spool_array(mapped, folder, name, on_read))
        stored = StoredSamples(Descriptor(file.fileno()), offset, shape[0], little, shape[1:])
        return Source(path.name, stored)


def from_npz(
    path: Path,
    folder: str | os.PathLike[str] | None,
    on_read: OnRead | None = None,
    *,
    labelled: bool = True,
) -> Source:
    """The arrays of a ``.npz`` file: the sample through the spool, the others as fields.

    A member ``classes`` of strings names the classes; one whose name ends in ``feature_names`` or ``columns``
    becomes metadata. Without ``labelled`` no field is renamed to ``"label"``.
    """
    name = str(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return _from_archive(archive, path, folder, on_read, labelled=labelled)
    except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        if isinstance(error, OSError) and error.errno is not None and error.filename != name:
            raise  # the spool's, e.g. disk full
        raise SourceError(f"{name}: cannot be read as .npz: {error}") from error


def _from_archive(
    archive: zipfile.ZipFile,
    path: Path,
    folder: str | os.PathLike[str] | None,
    on_read: OnRead | None,
    *,
    labelled: bool,
) -> Source:
    headers: dict[str, _Header] = {}
    classes = None
    metadata: dict[str, Any] = {}
    for member in archive.namelist():
        key = member.removesuffix(".npy")
        where = f"{path}, {key!r}"
        with archive.open(member) as stream:
            is_list = key == CLASSES_MEMBER or key.endswith(_COLUMN_NAMES)
            shape, fortran, dtype = _read_header(stream, where, allow_text=is_list)
            if dtype.kind == "U":
                texts = class_names(_read_all(stream, (shape, fortran, dtype), where))
                if key == CLASSES_MEMBER:
                    classes = texts
                else:
                    metadata[key] = texts
            else:
                headers[key] = shape, fortran, dtype
    if not headers:
        raise SourceError(f"{path}: there are no arrays in it")

    sample = sample_member({key: _num_bytes(shape, dtype) for key, (shape, _, dtype) in headers.items()})
    others = {}
    for key, header in headers.items():
        if key != sample:
            # Its header says how long a field is; reading a wrong one would only cost memory.
            _check_length(header[0], headers[sample][0], f"{path}, {key!r}")
            with _open_member(archive, key) as stream:
                _read_header(stream, key)
                others[key] = _read_all(stream, header, f"{path}, {key!r}")
    with _open_member(archive, sample) as stream:
        _read_header(stream, sample)
        stored = _spool_stream(stream, headers[sample], folder, f"{path}, {sample!r}", on_read)
    fields = name_fields(others, str(path)) if labelled else others
    if not labelled and len(headers[sample][0]) == 1 and sample not in SAMPLE_NAMES:
        metadata.setdefault("feature_names", [sample])  # one of several columns that lie by themselves
    return Source(path.name, stored, fields, classes=classes, metadata=metadata)


def _open_member(archive: zipfile.ZipFile, key: str) -> IO[bytes]:
    return archive.open(f"{key}.npy" if f"{key}.npy" in archive.NameToInfo else key)


def _check_length(shape: tuple[int, ...], samples: tuple[int, ...], where: str) -> None:
    if not shape or shape[0] != samples[0]:
        count = shape[0] if shape else "a single"
        raise SourceError(
            f"{where}: {count} values for {samples[0]} samples; there must be one for every sample"
        )


def read_npy(data: bytes, where: str) -> NDArray[Any]:
    """The array in a ``.npy`` file's bytes, of any shape. Python objects are refused, never unpickled.

    Raises:
        SourceError: it is damaged, cut short, or of a dtype that cannot be stored.
    """
    stream = io.BytesIO(data)
    header = _read_header(stream, where, allow_number=True)
    return _read_all(stream, header, where)


def _read_header(
    stream: IO[bytes], where: str, *, allow_text: bool = False, allow_number: bool = False
) -> _Header:
    """Shape, Fortran order and dtype; the stream is left at the first value."""
    try:
        version = npy.read_magic(stream)
        readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
        if version not in readers:
            raise SourceError(
                f"{where}: .npy version {version} (fields with names) cannot be stored; give plain arrays"
            )
        shape, fortran, dtype = readers[version](stream)
    except (ValueError, EOFError) as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"{where}: not a readable .npy file: {error}") from error
    if any(length < 0 for length in shape):
        raise SourceError(f"{where}: not a readable .npy file: its header has shape {shape}")
    if dtype.hasobject:
        raise SourceError(
            f"{where}: holds Python objects, which are never unpickled; save numbers of one dtype"
        )
    if not (allow_text and dtype.kind == "U"):
        check_dtype(dtype, where)
        if not shape and not allow_number:
            raise SourceError(f"{where}: a single number; save an array of shape (n, ...)")
    return shape, fortran, dtype


def _num_bytes(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    count = 1
    for length in shape:
        count *= length
    return count * dtype.itemsize


def _read_exactly(stream: IO[bytes], size: int, where: str) -> bytes:
    data = io.BytesIO()
    while data.tell() < size:
        chunk = stream.read(min(size - data.tell(), _RUN_BYTES))
        if not chunk:
            raise SourceError(f"{where}: cut short: {data.tell()} bytes where {size} were expected")
        data.write(chunk)
    return data.getvalue()


def _read_all(
    stream: IO[bytes],
    header: _Header,
    where: str,
) -> NDArray[Any]:
    shape, fortran, dtype = header
    flat = np.frombuffer(_read_exactly(stream, _num_bytes(shape, dtype), where), dtype)
    return flat.reshape(shape, order="F" if fortran else "C")


def _spool_stream(
    stream: IO[bytes],
    header: _Header,
    folder: str | os.PathLike[str] | None,
    where: str,
    on_read: OnRead | None,
) -> StoredSamples:
    shape, fortran, dtype = header
    if fortran and len(shape) > 1:
        # Samples of a Fortran-order member do not lie together: unpack it to disk, then pick them out.
        raw = Spool(folder, where)
        flat = int(np.prod(shape, dtype=np.int64))
        for start in range(0, flat, _RUN_BYTES):
            count = min(_RUN_BYTES, flat - start)
            raw.append(np.frombuffer(_read_exactly(stream, count * dtype.itemsize, where), dtype))
        if not flat:
            return spool_array(np.empty(shape, dtype), folder, where)
        values = raw.finish()
        mapped = mmap.mmap(values.file.fileno(), 0, access=mmap.ACCESS_READ)
        array = np.frombuffer(mapped, values.dtype).reshape(shape, order="F")
        return spool_array(array, folder, where, on_read)
    spool = Spool(folder, where)
    sample_bytes = _num_bytes(shape[1:], dtype)
    step = max(1, _RUN_BYTES // max(1, sample_bytes))
    for start in range(0, max(1, shape[0]), step):
        count = min(step, shape[0] - start)
        data = _read_exactly(stream, count * sample_bytes, where)
        spool.append(np.frombuffer(data, dtype).reshape((count, *shape[1:])))
        if on_read:
            on_read(start + count, shape[0])
    return spool.finish()

"""Samples that arrive one by one, laid out in a temporary file the core can read at random.

In: samples or runs of samples, once, in order. Out: :class:`StoredSamples` in a file without a name, so that
memory stays bounded and nothing is left behind, not even after ``kill -9``.
"""

import os
import tempfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError
from .base import Descriptor, OnRead, StoredSamples, check_count, check_dtype

__all__ = ["Spool", "spool_array"]

_RUN_BYTES = 1 << 24
_WRITE_BYTES = 1 << 20


class Spool:
    """Collects samples of one dtype and shape.

    Args:
        folder: where the unnamed file lives; it needs room for all samples raw.
        name: the source, for messages.
    """

    def __init__(self, folder: str | os.PathLike[str] | None, name: str) -> None:
        self._folder = os.fspath(folder or tempfile.gettempdir()) or "."
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            self._file = Descriptor(file.fileno())
        self._waiting = bytearray()
        self._name = name
        self._dtype: np.dtype[Any] | None = None
        self._shape: tuple[int, ...] = ()
        self._count = 0

    def append(self, samples: NDArray[Any], where: str | None = None) -> None:
        """Add ``samples`` of shape (k, *shape); the first call settles dtype and shape.

        Raises:
            SourceError: another dtype or shape than the first sample's; ``where`` names the culprit.
        """
        where = where or f"{self._name}, sample {self._count}"
        if self._dtype is None:
            self._dtype, self._shape = check_dtype(samples.dtype, where), samples.shape[1:]
        dtype = samples.dtype.newbyteorder("<")
        if dtype != self._dtype or samples.shape[1:] != self._shape:
            raise SourceError(
                f"{where}: shape {samples.shape[1:]} and dtype {dtype}, but the samples before it have "
                f"shape {self._shape} and dtype {self._dtype}; give all samples one shape and dtype"
            )
        self._waiting += np.ascontiguousarray(samples, dtype=dtype).tobytes()
        self._count += samples.shape[0]
        check_count(self._count, self._name)
        if len(self._waiting) >= _WRITE_BYTES:
            self._flush()

    def _flush(self) -> None:
        view = memoryview(self._waiting)
        while view:
            try:
                view = view[os.write(self._file.fileno(), view) :]
            except OSError as error:
                what = f"copying the samples of {self._name} to a temporary file: {error.strerror}"
                raise OSError(error.errno, what, self._folder) from error
        self._waiting = bytearray()

    def finish(self) -> StoredSamples:
        """All samples added so far.

        Raises:
            SourceError: there were none, so that their shape is unknown.
        """
        if self._dtype is None:
            raise SourceError(f"{self._name}: there are no samples")
        self._flush()
        return StoredSamples(self._file, 0, self._count, self._dtype, self._shape)


def spool_array(
    array: NDArray[Any], folder: str | os.PathLike[str] | None, name: str, on_read: OnRead | None = None
) -> StoredSamples:
    """Copy an array of any strides and byte order, shape (n, ...), a few megabytes at a time."""
    spool = Spool(folder, name)
    step = max(1, _RUN_BYTES // max(1, array[:1].nbytes))
    for start in range(0, max(1, len(array)), step):
        spool.append(array[start : start + step])
        if on_read:
            on_read(min(start + step, len(array)), len(array))
    return spool.finish()

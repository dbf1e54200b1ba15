"""Samples that arrive one by one, laid out in a temporary file the core can read at random.

In: samples or runs of samples, once, in order. Out: :class:`StoredSamples` in a file without a name, so that
memory stays bounded and nothing is left behind, not even after ``kill -9``.
"""

import math
import os
import tempfile
from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError
from ..indexing import image_axes
from .base import MAX_SAMPLE_BYTES, Descriptor, OnRead, StoredSamples, check_count, check_dtype

__all__ = ["Spool", "spool_array"]

_RUN_BYTES = 1 << 24
_WRITE_BYTES = 1 << 20


class Spool:
    """Collects samples of one dtype and shape, or images that differ in size and in nothing else.

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
        # Shapes of all samples, once they differ, and the templates that all of them fit.
        self._shapes: array[int] | None = None
        self._templates: list[tuple[int | None, ...]] = []

    def append(self, samples: NDArray[Any], where: str | None = None) -> None:
        """Add ``samples`` of shape (k, *shape); the first call settles the dtype and how many channels images
        have.

        Raises:
            SourceError: another dtype than the first sample's, or another shape where they are no images;
                ``where`` names the culprit.
        """
        where = where or f"{self._name}, sample {self._count}"
        if self._dtype is None:
            self._dtype, self._shape = check_dtype(samples.dtype, where), samples.shape[1:]
        dtype = samples.dtype.newbyteorder("<")
        shape = samples.shape[1:]
        size = math.prod(shape) * dtype.itemsize
        if size > MAX_SAMPLE_BYTES:
            raise SourceError(
                f"{where}: shape {shape} and dtype {dtype} take {size:,} bytes; a sample has at most "
                f"{MAX_SAMPLE_BYTES:,}"
            )
        if dtype != self._dtype or not self._admit(shape, len(samples)):
            raise SourceError(
                f"{where}: shape {shape} and dtype {dtype}, but the samples before it have "
                f"shape {self._shape} and dtype {self._dtype}; give all samples one dtype and shape (images "
                "may "
                "differ in height and width)"
            )
        self._waiting += np.ascontiguousarray(samples, dtype=dtype).tobytes()
        self._count += samples.shape[0]
        check_count(self._count, self._name)
        if len(self._waiting) >= _WRITE_BYTES:
            self._flush()

    def _admit(self, shape: tuple[int, ...], count: int) -> bool:
        """Whether samples of ``shape`` go with those before."""
        if self._shapes is None:
            if shape == self._shape:
                return True
            assert self._dtype is not None
            self._templates = [t for t in _templates(self._shape) if image_axes(t, self._dtype)]
        fitting = [template for template in self._templates if template in _templates(shape)]
        if not fitting:
            return False
        if self._shapes is None:
            self._shapes = array("Q", self._shape * self._count)
        self._templates = fitting
        self._shapes.extend(shape * count)
        return True

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
        if self._shapes is None:
            return StoredSamples(self._file, 0, self._count, self._dtype, self._shape)
        template = self._templates[0]
        own = [axis for axis, side in enumerate(template) if side is None]
        shapes = np.frombuffer(self._shapes, np.uint64).reshape(self._count, len(template))
        if shapes.max() >= 1 << 32:
            raise SourceError(f"{self._name}: an image with a side of {shapes.max()} pixels")
        sides = np.ascontiguousarray(shapes[:, own], dtype=np.uint32)
        return StoredSamples(self._file, 0, self._count, self._dtype, template, sides)


def _templates(shape: tuple[int, ...]) -> list[tuple[int | None, ...]]:
    """What images of different sizes may have in common with one of ``shape``; channels last come first."""
    if any(side == 0 for side in shape):
        return []
    if len(shape) == 2:
        return [(None, None)]
    if len(shape) == 3:
        return [(None, None, shape[2]), (shape[0], None, None)]
    return []


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

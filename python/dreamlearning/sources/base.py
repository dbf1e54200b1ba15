"""What every source becomes: samples of one dtype and shape, and fields beside them.

In: arrays, or samples that lie in a file. Out: a checked :class:`Source`, whose samples the core takes
either from memory or with positioned reads, so that a data set larger than memory never has to be loaded.
"""

import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core import RawFile
from ..errors import SourceError
from ..tables import Table

__all__ = [
    "LABEL_FIELD",
    "Descriptor",
    "OnRead",
    "Source",
    "StoredSamples",
    "as_array",
    "check_count",
    "check_dtype",
    "is_storable",
    "smallest_ints",
]

LABEL_FIELD = "label"
MAX_SAMPLES = 2**32 - 1
MAX_SAMPLE_BYTES = 2**28
OnRead = Callable[[int, int | None], object]
"""Told of (samples read, samples in all) while a source is read; ``None`` where the latter is unknown."""

_INTEGERS = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
_STORABLE = frozenset(("bool", *_INTEGERS, "float16", "float32", "float64"))


class Descriptor:
    """A file descriptor of our own, closed when the last one to use it lets go."""

    def __init__(self, fd: int) -> None:
        self._fd = os.dup(fd)

    def fileno(self) -> int:
        """The number."""
        return self._fd

    def __del__(self) -> None:
        if hasattr(self, "_fd"):
            os.close(self._fd)


@dataclass(frozen=True)
class StoredSamples:
    """Samples that lie one after another, C order, little-endian, in an open file from ``offset`` on.

    Where images differ in size, the sides in ``shape`` are ``None`` and ``sides`` has rows and columns of
    each, shape (n, 2), uint32.
    """

    file: Descriptor
    offset: int
    num_samples: int
    dtype: np.dtype[Any]
    shape: tuple[int | None, ...]
    sides: NDArray[np.uint32] | None = None

    @cached_property
    def _ends(self) -> NDArray[np.int64]:
        """Where each sample of different size ends, counted from the first."""
        assert self.sides is not None
        return np.cumsum(self.sides[:, 0].astype(np.int64) * self.sides[:, 1] * self._bytes_without_sides)

    @property
    def _bytes_without_sides(self) -> int:
        return self.dtype.itemsize * math.prod(side for side in self.shape if side is not None)

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample; of an average one where they differ in size."""
        if self.sides is None:
            return self._bytes_without_sides
        return int(self._ends[-1]) // self.num_samples

    def raw_file(self) -> RawFile:
        """The same, as the core takes it."""
        dtype = self.dtype.name
        return RawFile(self.file.fileno(), self.offset, self.num_samples, dtype, self.shape, self.sides)

    def shape_of(self, index: int) -> tuple[int, ...]:
        """Shape of one sample."""
        own = iter(() if self.sides is None else self.sides[index].tolist())
        return tuple(next(own) if side is None else side for side in self.shape)

    def read(self, start: int, stop: int) -> Any:
        """Samples ``start`` to ``stop``: an array of shape (stop - start, *shape), or a list of arrays where
        they differ in size."""
        if self.sides is None:
            out = np.empty((stop - start, *self.shape_of(start)), self.dtype)
            self._read_into(out, start * self.sample_bytes)
            return out
        first = int(self._ends[start - 1]) if start else 0
        images = []
        for index in range(start, stop):
            image = np.empty(self.shape_of(index), self.dtype)
            self._read_into(image, first)
            first += image.nbytes
            images.append(image)
        return images

    def _read_into(self, out: NDArray[Any], position: int) -> None:
        view = memoryview(out.reshape(-1).view(np.uint8))  # type: ignore[arg-type]  # an array is a buffer
        position += self.offset
        while len(view):
            chunk = os.pread(self.file.fileno(), min(len(view), 1 << 30), position)
            if not chunk:
                raise SourceError("the source ended early while its samples were read")
            view[: len(chunk)] = chunk
            view = view[len(chunk) :]
            position += len(chunk)


class Source:
    """Samples, and the fields stored raw beside them.

    Args:
        name: what the user called it; kept in the file.
        samples: C-contiguous little-endian array of shape (n, *shape), or samples in a file.
        fields: name -> array with first axis n. The main label field is called ``"label"``.
        classes: names of the classes, so that ``classes[label]`` names a sample's class.
        metadata: small JSON-able facts kept in the file.
        table: of rows of a table: the columns. The samples are then packed records, uint8 of shape (n, bytes
            of a row).

    Raises:
        SourceError: a dtype that cannot be stored, or a field whose length is not the number of samples.
    """

    def __init__(
        self,
        name: str,
        samples: NDArray[Any] | StoredSamples,
        fields: Mapping[str, NDArray[Any]] | None = None,
        *,
        classes: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        table: Table | None = None,
    ) -> None:
        self.name = name
        self.classes = classes
        self.table = table
        self.metadata = metadata or {}
        self._samples = samples
        self.shape: tuple[int | None, ...]
        if isinstance(samples, StoredSamples):
            self.num_samples, self.shape = samples.num_samples, samples.shape
        else:
            if samples.ndim == 0:
                raise SourceError(f"{name}: the samples are a single number; give an array of shape (n, ...)")
            self.num_samples, self.shape = samples.shape[0], samples.shape[1:]
        self.dtype = check_dtype(samples.dtype, name)
        if table is not None and (self.shape, self.dtype) != ((table.dtype.itemsize,), np.uint8):
            raise SourceError(
                f"{name}: rows of shape {self.shape} and dtype {self.dtype}, but a row of its columns has "
                f"{table.dtype.itemsize} bytes"
            )
        check_count(self.num_samples, name)
        self.fields = {key: self._field(key, array) for key, array in (fields or {}).items()}

    def _field(self, key: str, array: NDArray[Any]) -> NDArray[Any]:
        where = f"{self.name}, field {key!r}"
        if not key or "\0" in key:
            raise SourceError(f"{where}: no name for a field; rename it")
        dtype = check_dtype(array.dtype, where)
        if array.ndim == 0 or array.shape[0] != self.num_samples:
            count = array.shape[0] if array.ndim else "a single"
            raise SourceError(
                f"{where}: {count} values for {self.num_samples} samples; there must be one for every sample"
            )
        return np.ascontiguousarray(array, dtype=dtype)

    def samples(self) -> NDArray[Any] | RawFile:
        """The samples as the core takes them."""
        return self._samples.raw_file() if isinstance(self._samples, StoredSamples) else self._samples

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample; of an average one where they differ in size."""
        if isinstance(self._samples, StoredSamples):
            return self._samples.sample_bytes
        return self.dtype.itemsize * math.prod(self._samples.shape[1:])

    def read(self, start: int, stop: int) -> Any:
        """Samples ``start`` to ``stop``: an array of shape (stop - start, *shape), or a list of arrays where
        they differ in size."""
        if isinstance(self._samples, StoredSamples):
            return self._samples.read(start, stop)
        return self._samples[start:stop]

    def batches(self, batch_bytes: int = 1 << 24) -> Iterator[tuple[int, Any]]:
        """All samples in order, as (number of the first one, :meth:`read`), about ``batch_bytes`` at a
        time."""
        step = max(1, batch_bytes // max(1, self.sample_bytes))
        for start in range(0, self.num_samples, step):
            yield start, self.read(start, min(start + step, self.num_samples))


def check_count(num_samples: int, where: str) -> None:
    """SourceError where a file cannot hold that many samples."""
    if num_samples > MAX_SAMPLES:
        raise SourceError(f"{where}: {num_samples:,} samples; a file holds at most {MAX_SAMPLES:,}")


def is_storable(dtype: np.dtype[Any]) -> bool:
    """Whether a file can hold values of this dtype (of either byte order)."""
    return dtype.name in _STORABLE


def check_dtype(dtype: np.dtype[Any], where: str) -> np.dtype[Any]:
    """``dtype`` in little-endian order; SourceError naming it where it cannot be stored."""
    if not is_storable(dtype):
        raise SourceError(
            f"{where}: dtype {dtype} cannot be stored; convert it to bool, an integer or float16/32/64"
        )
    return dtype.newbyteorder("<")


def as_array(value: Any, where: str) -> NDArray[Any]:
    """An array of anything array-like: NumPy, torch tensor (on any device), nested list."""
    try:
        if hasattr(value, "detach") and hasattr(value, "cpu"):
            value = value.detach().cpu()
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise SourceError(f"{where}: not an array of one shape: {error}") from error
    if array.dtype.hasobject:
        raise SourceError(
            f"{where}: holds Python objects ({type(value).__name__}); give numbers of one dtype"
        )
    return array


def smallest_ints(values: Any) -> NDArray[Any]:
    """Integers in the smallest dtype that holds them all: unsigned, or signed where one is negative.

    Example:
        >>> smallest_ints([3, 255]).dtype, smallest_ints([-1, 255]).dtype
        (dtype('uint8'), dtype('int16'))
    """
    array = np.asarray(values)
    if array.size == 0:
        return array.astype(np.uint8)
    low, high = int(array.min()), int(array.max())
    kinds = ("uint8", "uint16", "uint32", "uint64") if low >= 0 else ("int8", "int16", "int32", "int64")
    for name in kinds:
        if np.iinfo(name).min <= low and high <= np.iinfo(name).max:
            return array.astype(name)
    raise SourceError(f"labels between {low} and {high} fit no integer dtype")

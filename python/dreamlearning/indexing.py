"""What users pass as indices and buffers, checked and made uniform for the core.

In: sequences, slices, masks, NumPy arrays, torch tensors. Out: int64 indices and a C-contiguous writable
NumPy view of the caller's buffer. No torch is imported: a tensor is known by what it can do.
"""

import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["as_buffer", "as_function", "as_indices", "as_regions", "as_threads", "image_axes"]


_LARGEST = np.iinfo(np.int64).max
_MOST_THREADS = 65535


def as_threads(num_threads: Any) -> int:
    """A number of threads, 0 for all cores.

    Raises:
        TypeError, ValueError: not an integer, or an impossible one.
    """
    try:
        number = operator.index(num_threads)
    except TypeError as error:
        raise TypeError(f"num_threads is {num_threads!r}; give an integer, 0 for all cores") from error
    if not 0 <= number <= _MOST_THREADS:
        raise ValueError(
            f"num_threads is {num_threads}; give 0 for all cores, or at most {_MOST_THREADS} threads"
        )
    return number


def as_function(value: Any, name: str) -> Any:
    """``value``, which is a function or ``None``.

    Raises:
        TypeError: it is neither.
    """
    if value is not None and not callable(value):
        raise TypeError(f"{name} is {value!r}; give a function, or leave it out")
    return value


def as_indices(indices: Any, n: int) -> NDArray[np.int64]:
    """``indices`` into ``n`` samples as int64 of shape (k,); negative ones are left to the core.

    Raises:
        TypeError: not integers, not a slice and not a mask.
        ValueError: not one-dimensional.
        IndexError: a mask of another length than ``n``, or a number beyond int64.
    """
    if isinstance(indices, slice):
        return np.arange(*indices.indices(n), dtype=np.int64)
    if isinstance(indices, range):
        return np.arange(indices.start, indices.stop, indices.step, dtype=np.int64)
    if hasattr(indices, "detach") and hasattr(indices, "cpu"):
        indices = indices.detach().cpu().numpy()
    array = np.asarray(indices)
    if array.ndim == 0:
        raise TypeError(f"an index is a {type(indices).__name__}; give integers, a boolean mask or a slice")
    if array.ndim != 1:
        raise ValueError(f"indices have {array.ndim} dimensions; give one, such as a list of integers")
    if array.dtype.kind == "b":
        if array.shape[0] != n:
            raise IndexError(f"a mask of length {array.shape[0]} for {n} samples")
        return np.flatnonzero(array).astype(np.int64, copy=False)
    if array.size == 0:
        return np.empty(0, np.int64)
    if array.dtype.kind in "fO" and all(isinstance(i, int) for i in indices):
        # What NumPy makes of integers that are too large.
        raise IndexError(f"index {max(indices, key=abs)} is out of range for {n} samples")
    if array.dtype.kind not in "iu":
        raise TypeError(f"indices have dtype {array.dtype}; give integers, a boolean mask or a slice")
    if array.dtype.kind == "u" and array.dtype.itemsize == 8 and array.max() > _LARGEST:
        raise IndexError(f"index {array.max()} is out of range for {n} samples")
    return np.ascontiguousarray(array, dtype=np.int64)


def as_buffer(out: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """``out`` as the array the core writes into, sharing its memory.

    Raises:
        TypeError: not a NumPy array or CPU torch tensor, or of another dtype.
        ValueError: of another shape, not C-contiguous, or read-only.
    """
    if isinstance(out, np.ndarray):
        array = out
    elif hasattr(out, "detach") and hasattr(out, "numpy"):
        if out.device.type != "cpu":
            raise TypeError(f"out is a tensor on {out.device}; give one on the CPU")
        try:
            array = out.detach().numpy()
        except (TypeError, RuntimeError) as error:
            raise TypeError(
                f"out is a tensor of dtype {out.dtype} that NumPy cannot share ({error}); "
                f"give a dense CPU tensor of dtype {dtype}"
            ) from error
    else:
        raise TypeError(f"out is a {type(out).__name__}; give a NumPy array or a CPU torch tensor")
    if array.dtype != dtype:
        raise TypeError(f"out has dtype {array.dtype}, the samples have {dtype}")
    if array.shape != shape:
        raise ValueError(f"out has shape {array.shape}, the samples asked for have {shape}")
    if not array.flags.c_contiguous:
        raise ValueError(f"out has strides {array.strides}; it must be C-contiguous, shape {shape}")
    if not array.flags.writeable:
        raise ValueError("out is read-only; give an array that can be written")
    return array


def as_regions(regions: Any, count: int) -> NDArray[np.int64]:
    """(top, left, height, width) for each of ``count`` images as int64 of shape (count, 4).

    Raises:
        TypeError, ValueError: not integers, or of another shape.
    """
    if hasattr(regions, "detach") and hasattr(regions, "cpu"):
        regions = regions.detach().cpu().numpy()
    array = np.asarray(regions)
    if count == 0 and array.size == 0:
        return np.empty((0, 4), np.int64)
    if array.shape != (count, 4):
        raise ValueError(
            f"regions have shape {array.shape}; give (top, left, height, width) for each of {count} images"
        )
    if array.dtype.kind not in "iu":
        raise TypeError(f"regions have dtype {array.dtype}; give integers")
    return np.ascontiguousarray(array, dtype=np.int64)


def image_axes(shape: tuple[int | None, ...], dtype: np.dtype[Any]) -> list[int] | None:
    """The axes of rows and of columns in samples of ``shape``; ``None`` where they are no images to the core.

    Example:
        >>> image_axes((32, 30, 3), np.dtype("uint8")), image_axes((3, None, None), np.dtype("uint16"))
        ([0, 1], [1, 2])
    """
    if dtype not in (np.uint8, np.uint16):
        return None
    if len(shape) == 2:
        return [0, 1]
    if len(shape) == 3 and shape[2] is not None and 1 <= shape[2] <= 4:
        return [0, 1]
    if len(shape) == 3 and shape[0] is not None and 1 <= shape[0] <= 4:
        return [1, 2]
    return None

"""Memory for batches that NumPy, torch and the core share.

In: a shape and a NumPy dtype. Out: tensors the core decodes into: ordinary ones, page-locked ones for a copy
to a GPU, or ones that a ``DataLoader`` worker hands to its parent without another copy.
"""

import contextlib
import math
import os
from functools import cache
from typing import Any

import numpy as np
import torch

from ._core import Buffers

with contextlib.suppress(ImportError):
    # torch imports this when the first tensor is sent to another process, in a worker's thread: two imports
    # at once in a fresh fork can break one of them (gh-91351), and the batch never arrives.
    import torch.nested._internal.nested_tensor

__all__ = ["empty_batch", "in_worker", "torch_dtype"]


_OWN: list[Any] = [None, None]  # process, and its buffers


def _buffers() -> Buffers:
    if _OWN[0] != os.getpid():
        # Of two threads that come here at once each makes one; the later one stays.
        _OWN[:] = os.getpid(), Buffers()
    buffers: Buffers = _OWN[1]
    return buffers


@cache
def torch_dtype(dtype: np.dtype[Any]) -> torch.dtype:
    """The torch dtype of the same name.

    Example:
        >>> torch_dtype(np.dtype("uint16"))
        torch.uint16
    """
    return torch.from_numpy(np.empty(0, dtype)).dtype


def in_worker() -> bool:
    """Whether this process is a worker of a ``DataLoader``."""
    return torch.utils.data.get_worker_info() is not None


def empty_batch(
    shape: tuple[int, ...], dtype: np.dtype[Any], *, shared: bool = False, pinned: bool = False
) -> torch.Tensor:
    """A C-contiguous tensor of ``shape`` with anything in it, on the CPU. Its memory is its own, and is
    used again for another one once nobody holds it.

    Args:
        shape: the shape.
        dtype: NumPy's dtype of the elements.
        shared: in memory that another process can map.
        pinned: in page-locked memory, from which a GPU copies while the CPU does something else.
    """
    kind = torch_dtype(dtype)
    if pinned:
        return torch.empty(shape, dtype=kind, pin_memory=True)
    if not shared:
        memory = _buffers().take(math.prod(shape) * dtype.itemsize)
        return torch.from_numpy(memory.view(dtype).reshape(shape))
    # What default_collate itself uses inside a worker; the public way would allocate twice.
    storage = torch.UntypedStorage._new_shared(max(1, math.prod(shape) * dtype.itemsize))
    tensor = torch.empty(0, dtype=kind)
    return tensor.set_(storage, 0, shape, torch.empty(shape, dtype=kind, device="meta").stride())

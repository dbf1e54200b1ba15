"""Threads of the core, kept busy a few batches ahead.

In: a data set and the sample numbers of one batch after another. Out: the same batches, decoded, in that
order. At most ``ahead`` batches are in the works, so memory is bounded however slow the consumer is.
"""

import atexit
import logging
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from .._core import Prefetcher
from ..dataset import CompressedDataset
from ..tensors import empty_batch

__all__ = ["Prefetching", "Read"]

_log = logging.getLogger("dreamlearning")


class Read(NamedTuple):
    """A batch that has been read."""

    items: Sequence[Any] | None
    """What the data set makes of it, as its ``__getitems__`` returns it; ``None`` where all of it was left
    out."""
    index: NDArray[np.int64]
    """Numbers of the samples that could be read, shape (k,)."""
    asked: int
    """How many were asked for."""


class _Queued(NamedTuple):
    index: NDArray[np.int64]
    shapes: list[tuple[int, ...]] | None
    pinned: torch.Tensor | None


class Prefetching:
    """One pass over a data set.

    Args:
        dataset: where the samples come from.
        order: the numbers of the samples of each batch, int64 of shape (k,).
        ahead: batches in the works.
        num_threads: threads that decode, 0 for all cores.
        skip: leave out samples that cannot be read instead of raising.
        pinned: decode into page-locked memory.
        epoch: for an augmentation of the data set.
    """

    def __init__(
        self,
        dataset: CompressedDataset,
        order: Iterator[NDArray[np.int64]],
        *,
        ahead: int,
        num_threads: int,
        skip: bool,
        pinned: bool,
        epoch: int,
    ) -> None:
        self._dataset = dataset
        self._order = order
        self._ahead = ahead
        self._pinned = pinned
        self._epoch = epoch
        self._queue: deque[_Queued] = deque()
        self._failure: Exception | None = None  # of the order, or of a batch that could not be queued
        self._core = Prefetcher(
            dataset.file._reader,
            num_threads,
            channels_first=dataset._channels_first,
            skip=skip,
            spare=ahead + 2,
        )
        _running.add(self)

    def take(self, timeout: float | None = None) -> Read | None:
        """The next batch; ``None`` at the end, or where it is not there within ``timeout`` seconds.

        Raises:
            CorruptFileError, OSError: a sample cannot be read; the message names it.
            Exception: what the order, or a crop, has raised, after all batches before.
        """
        self._fill()
        if not self._queue:
            if self._failure is not None:
                raise self._failure
            return None
        taken = self._core.take(timeout)
        if taken is None:
            return None
        queued = self._queue.popleft()
        # A thread should not wait for what comes next.
        self._fill()
        array, skipped = taken
        index, asked = queued.index, len(queued.index)
        decoded = self._decoded(queued, array)
        if skipped:
            keep = np.delete(np.arange(asked), [place for place, _ in skipped])
            for place, reason in skipped:
                _log.warning("sample %d is left out: %s", index[place], reason)
            index = index[keep]
            decoded = decoded[keep] if isinstance(decoded, torch.Tensor) else [decoded[i] for i in keep]
        items = self._dataset._finish(decoded, index, self._epoch) if len(index) or not asked else None
        return Read(items, index, asked)

    def _fill(self) -> None:
        while len(self._queue) < self._ahead and self._failure is None:
            try:
                index = next(self._order, None)
                if index is None:
                    return
                self._queue.append(self._submit(index))
            except Exception as error:
                # It is the turn of the batches before it first.
                self._failure = error

    def _submit(self, index: NDArray[np.int64]) -> _Queued:
        dataset = self._dataset
        pinned, shapes = None, None
        if dataset._uniform:
            if self._pinned:
                shape = (len(index), *dataset._decoded_shape)
                pinned = empty_batch(shape, dataset._dtype, pinned=True)
            self._core.submit(index, None, None if pinned is None else pinned.numpy())
        else:
            regions, shapes = dataset.file._parts(index, dataset._regions(index))
            self._core.submit(index, regions)
        # The core has refused what is out of range.
        return _Queued(np.where(index < 0, index + len(dataset), index), shapes, pinned)

    def _decoded(self, queued: _Queued, array: NDArray[Any]) -> Any:
        """What the core has decoded, as the data set's own ``_decode`` returns it."""
        if queued.pinned is not None:
            return queued.pinned
        elements = array.view(self._dataset._dtype)
        if queued.shapes is None:
            return torch.from_numpy(elements.reshape(len(queued.index), *self._dataset._decoded_shape))
        ends = np.cumsum([int(np.prod(shape)) for shape in queued.shapes])
        parts = np.split(elements, ends[:-1]) if len(ends) else []
        return [part.reshape(shape) for part, shape in zip(parts, queued.shapes, strict=True)]

    def close(self) -> None:
        """End the threads; batches handed out stay valid."""
        self._core.close()
        self._queue.clear()
        self._order = iter(())


# Threads must not write to memory that the interpreter or torch takes down.
_running: "weakref.WeakSet[Prefetching]" = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for prefetching in list(_running):
        prefetching.close()

"""The loader: batches decoded ahead by threads, in an order that can be resumed.

In: a :class:`~dreamlearning.CompressedDataset` and how to go through it. Out: batches as a stock
``DataLoader`` would give them, on the device asked for. Needs the extra ``torch``.
"""

import operator
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import missing_extra
from ..file import CompressedFile
from ..indexing import as_function, as_indices, as_threads

try:
    import torch
    from torch.utils.data import Subset, default_collate

    from ..batch_view import BatchView
    from ..dataset import CompressedDataset
    from ..samplers import EpochSampler, SubsetSampler
    from ..samplers.arguments import epoch_number, integer, positive
    from .prefetching import Prefetching, Read
    from .transfer import InFlight, Transfer
except ImportError as error:
    raise missing_extra("torch", "torch") from error

__all__ = ["Loader"]

_STAGED = 2
"""Batches on their way to a device, the one that is handed out next included."""


class Loader:
    """Batches of a ``.gede`` file, decoded ahead by threads of the core: no worker processes, no copies
    between processes, the same order for any number of threads.

    Iterating gives what a stock ``DataLoader`` would give: ``[samples, targets]``, or the samples alone where
    there are no labels, all owned by the caller. Several iterators may be open at once; the newest one is
    what :meth:`state_dict` tells about. An iterator that is dropped, or left by ``break`` or an exception,
    ends its threads.

    Args:
        dataset: a :class:`~dreamlearning.CompressedDataset`, a torch ``Subset`` of one, an opened file, or a
            path.
        batch_size: samples in a batch.
        shuffle: a fresh order every epoch, the same as ``SubsetSampler(dataset, 1.0, seed=seed)``.
        sampler: what samples an epoch has and in which order; any torch sampler will do.
        batch_sampler: gives lists of sample numbers instead; excludes batch_size, shuffle, sampler and
            drop_last.
        drop_last: leave out a last batch that is not full.
        num_threads: threads that decode, 0 for all cores.
        prefetch: batches decoded ahead of the one that is trained on; at least ``num_threads`` are.
        device: where batches go, such as ``"cuda"``: copied from page-locked memory on a stream of its own.
            ``None`` leaves them in CPU memory.
        pin_memory: decode into page-locked memory; by default where ``device`` is a CUDA device.
        augment: called with (samples, numbers of the samples, epoch) on the device, as a
            :class:`dreamlearning.augment.Augmentation` wants; its result takes the samples' place.
        collate_fn: makes a batch of a list of items instead of torch's ``default_collate``.
        on_error: ``"raise"``, or ``"skip"`` to leave out samples that are damaged (logged and counted in
            :attr:`skipped`).
        seed: of ``shuffle``.

    Attributes:
        skipped: samples that the newest iterator has left out.

    Raises:
        ValueError, TypeError: arguments that contradict each other, or are of the wrong kind.
        CorruptFileError, OSError: when iterating; the message names the sample.

    Example:
        >>> loader = Loader("cifar10.gede", batch_size=256, shuffle=True, device="cuda")   # doctest: +SKIP
        >>> for images, labels in loader: ...                                              # doctest: +SKIP
    """

    def __init__(
        self,
        dataset: CompressedDataset | Subset[Any] | CompressedFile | str | os.PathLike[str],
        batch_size: int = 1,
        *,
        shuffle: bool = False,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[list[int]] | None = None,
        drop_last: bool = False,
        num_threads: int = 2,
        prefetch: int = 4,
        device: torch.device | str | int | None = None,
        pin_memory: bool | None = None,
        augment: Callable[[torch.Tensor, torch.Tensor, int], torch.Tensor] | None = None,
        collate_fn: Callable[[Any], Any] | None = None,
        on_error: str = "raise",
        seed: int = 0,
    ) -> None:
        self.dataset, self._members = _resolve(dataset)
        self.batch_size = positive(batch_size, "batch_size")
        self.prefetch = positive(prefetch, "prefetch")
        self.num_threads = as_threads(num_threads)
        self.drop_last = bool(drop_last)
        if on_error not in ("raise", "skip"):
            raise ValueError(f"on_error is {on_error!r}; give 'raise' or 'skip'")
        self.on_error = on_error
        if batch_sampler is not None and (
            sampler is not None or shuffle or drop_last or self.batch_size != 1
        ):
            raise ValueError("a batch_sampler excludes batch_size, shuffle, sampler and drop_last")
        if sampler is not None and shuffle:
            raise ValueError("a sampler excludes shuffle: it decides on the order")
        for name, order in (("sampler", sampler), ("batch_sampler", batch_sampler)):
            if order is not None and not isinstance(order, Iterable):
                raise TypeError(f"{name} is {order!r}; give something that can be iterated over")
        self._count = len(self.dataset) if self._members is None else len(self._members)
        if sampler is None and batch_sampler is None:
            sampler = SubsetSampler(range(self._count), 1.0, seed=seed) if shuffle else range(self._count)
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.augment = as_function(augment, "augment")
        self.collate_fn = as_function(collate_fn, "collate_fn")
        self._transfer = Transfer(device)
        self.device = self._transfer.device
        self.pin_memory = self._transfer.asynchronous if pin_memory is None else bool(pin_memory)
        if self.pin_memory and not torch.cuda.is_available():
            raise ValueError("pin_memory needs a CUDA device; leave it out")
        self.skipped = 0
        self._epoch = 0
        self._fresh = True  # no iterator has started this epoch
        self._manual = False  # set_epoch has been called
        self._batches = 0  # of this epoch that the consumer has got
        self._samples = 0  # of these since the epoch was begun or resumed
        self._given, self._whole = 0, 0  # samples that will be in batches, and samples in all, from there on
        self._skip_batches = 0  # of the next iterator, where the sampler cannot resume itself
        self._newest = 0  # which pass counts what the consumer gets
        self._running = False  # whether it is under way

    def __len__(self) -> int:
        """Batches in an epoch."""
        if self.batch_sampler is not None:
            return _length(self.batch_sampler)
        samples = _length(self.sampler)
        return samples // self.batch_size if self.drop_last else -(-samples // self.batch_size)

    @property
    def epoch(self) -> int:
        """The epoch of the newest iterator, or of the next one where none has started."""
        return self._epoch

    def set_epoch(self, epoch: int) -> None:
        """Let the next iterator give epoch ``epoch`` (0, 1, ...). Without it, epochs follow one another."""
        epoch = epoch_number(epoch)
        for sampler in (self.sampler, self.batch_sampler):
            if hasattr(sampler, "set_epoch"):
                sampler.set_epoch(epoch)
        self._manual = True
        # The epoch that is under way or that load_state_dict has restored keeps its position.
        if epoch == self._epoch and (self._fresh or self._running):
            return
        if isinstance(self.sampler, EpochSampler):
            self.sampler.restart(epoch)
        self._go_to(epoch, 0)

    def _go_to(self, epoch: int, batches: int) -> None:
        """Let the next iterator begin ``epoch``, of which ``batches`` have been consumed."""
        self._epoch, self._batches, self._skip_batches = epoch, batches, batches
        self._samples = self._given = 0
        self._fresh = True
        self._newest += 1

    def __iter__(self) -> Iterator[Any]:
        # A generator, so that whatever ends the loop ends the threads.
        self._newest += 1
        mine = self._newest
        order = self._begin()
        epoch = self._epoch  # of this pass, whatever is set or begun meanwhile
        self.skipped = 0
        reading = Prefetching(
            self.dataset,
            order,
            ahead=max(self.prefetch, self.num_threads),
            num_threads=self.num_threads,
            skip=self.on_error == "skip",
            pinned=self.pin_memory,
            epoch=epoch,
        )
        staged: deque[tuple[InFlight, Read]] = deque()
        self._running = True
        try:
            while True:
                self._stage(reading, staged)
                if not staged:
                    break
                flight, read = staged.popleft()
                if mine == self._newest:
                    self._batches += 1
                    self._samples += read.asked
                    self.skipped += read.asked - len(read.index)
                if read.items is not None:
                    yield self._finished(flight, read, epoch)
        finally:
            reading.close()
            if mine == self._newest:
                self._running = False

    def _begin(self) -> Iterator[NDArray[np.int64]]:
        """Start the next epoch, or go on with the one that was resumed: its batches of sample numbers."""
        if not self._fresh and not self._manual:
            self._epoch += 1
        if not self._fresh:
            self._batches = 0
        self._fresh = False
        self._samples = 0
        skip, self._skip_batches = self._skip_batches, 0
        if self.batch_sampler is not None:
            batches = (as_indices(batch, self._count) for batch in self.batch_sampler)
        elif isinstance(self.sampler, EpochSampler):
            rest = self.sampler.begin()
            self._epoch = self.sampler.epoch
            # It resumes by itself, at a sample and not only at a batch.
            self._whole = len(rest)
            self._given = self._whole - self._whole % self.batch_size if self.drop_last else self._whole
            starts = range(0, self._given, self.batch_size)
            batches, skip = (rest[start : min(start + self.batch_size, self._given)] for start in starts), 0
        else:
            batches = self._gather()
        for _ in range(skip):
            next(batches, None)
        return map(self._in_dataset, batches)

    def _in_dataset(self, batch: NDArray[np.int64]) -> NDArray[np.int64]:
        """The numbers of the samples that a sampler asks for."""
        if self._members is None:
            return batch
        wrong = batch[(batch < -self._count) | (batch >= self._count)]
        if wrong.size:
            raise IndexError(
                f"the sampler asks for sample {wrong[0]} of a Subset of {self._count}; make it for the Subset"
            )
        return self._members[batch]

    def _gather(self) -> Iterator[NDArray[np.int64]]:
        waiting: list[int] = []
        assert self.sampler is not None
        for index in self.sampler:
            waiting.append(operator.index(index))
            if len(waiting) == self.batch_size:
                yield as_indices(waiting, self._count)
                waiting = []
        if waiting and not self.drop_last:
            yield as_indices(waiting, self._count)

    def _stage(self, reading: Prefetching, staged: "deque[tuple[InFlight, Read]]") -> None:
        """Have the next batch ready, and the copy of the one after it started if that is decoded already."""
        while len(staged) < (_STAGED if self._transfer.asynchronous else 1):
            read = reading.take(0.0 if staged else None)
            if read is None:
                return
            batch = None if read.items is None else self._collate(read.items)
            staged.append((self._transfer.start(batch), read))

    def _collate(self, items: Any) -> Any:
        if self.collate_fn is not None:
            return self.collate_fn(items)
        if isinstance(items, BatchView):
            return items.collate()
        try:
            return default_collate(items)
        except RuntimeError as error:
            if not self.dataset._uniform:
                error.add_note(
                    "images differ in size: give a crop and transform that make them equal, or collate_fn"
                )
            raise

    def _finished(self, flight: InFlight, read: Read, epoch: int) -> Any:
        batch = self._transfer.finish(flight)
        if self.augment is None:
            return batch
        index = torch.from_numpy(read.index)
        if self.device is not None:
            index = index.to(self.device, non_blocking=True)
        if isinstance(batch, torch.Tensor):
            return self.augment(batch, index, epoch)
        if not isinstance(batch, (list, tuple)) or not batch or not isinstance(batch[0], torch.Tensor):
            raise TypeError(
                f"augment needs a batch that is a tensor, or a list that begins with one, not a "
                f"{type(batch).__name__}; leave augment or collate_fn out"
            )
        return [self.augment(batch[0], index, epoch), *batch[1:]]

    def state_dict(self) -> dict[str, Any]:
        """Where the consumer stands, in constant size; batches that were decoded ahead are not counted.

        Samplers of this package resume exactly, with any batch size and number of threads and ranks. Any
        other sampler has to give the same order again, in batches of the same size; those that were consumed
        are then left out.
        """
        state: dict[str, Any] = {
            "epoch": self._epoch,
            "batches": self._batches,
            "batch_size": self.batch_size,
        }
        if isinstance(self.sampler, EpochSampler):
            # A last batch that was left out is no rest to go on with.
            finished = self._samples >= self._given > 0
            state["sampler"] = self.sampler.state_dict(self._whole if finished else self._samples)
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on exactly where :meth:`state_dict` was taken.

        Raises:
            ValueError: the state is of another sampler or batch size, or no state of a loader.
            TypeError: a number in it is none.
        """
        if not isinstance(state, Mapping) or not {"epoch", "batches", "batch_size"} <= state.keys():
            raise ValueError(f"{state!r} is no state of a loader; give what state_dict() returned")
        epoch, batches = integer(state["epoch"], "epoch"), integer(state["batches"], "batches")
        if min(epoch, batches) < 0:
            raise ValueError(f"the state has epoch {epoch} and {batches} batches; neither may be negative")
        if isinstance(self.sampler, EpochSampler):
            if not isinstance(state.get("sampler"), Mapping):
                raise ValueError("the state is of a loader with another kind of sampler")
            self.sampler.load_state_dict(state["sampler"])
            epoch, batches = self.sampler.epoch, batches if self.sampler.epoch == epoch else 0
        elif "sampler" in state:
            raise ValueError("the state is of a loader with another kind of sampler")
        elif state["batch_size"] != self.batch_size:
            raise ValueError(
                f"the state counts batches of {state['batch_size']}, this loader has batches of "
                f"{self.batch_size}; only samplers of dreamlearning can change it"
            )
        elif batches >= len(self):
            epoch, batches = epoch + 1, 0
        self._go_to(epoch, batches)

    def __repr__(self) -> str:
        device = None if self.device is None else str(self.device)
        return (
            f"Loader({str(self.dataset.file.path)!r}, batch_size={self.batch_size}, "
            f"num_threads={self.num_threads}, prefetch={self.prefetch}, device={device!r})"
        )


def _resolve(dataset: Any) -> tuple[CompressedDataset, NDArray[np.int64] | None]:
    """The data set, and which of its samples are meant (``None``: all)."""
    if isinstance(dataset, Subset):
        inner, members = _resolve(dataset.dataset)
        chosen = as_indices(dataset.indices, len(dataset.dataset))
        return inner, chosen if members is None else members[chosen]
    if isinstance(dataset, CompressedFile):
        dataset = CompressedDataset(dataset.path, reading=dataset._reading)
    if isinstance(dataset, (str, os.PathLike)):
        dataset = CompressedDataset(dataset)
    if not isinstance(dataset, CompressedDataset):
        raise TypeError(
            f"a Loader reads .gede files, not a {type(dataset).__name__}; give a CompressedDataset, a Subset "
            "of one, or a path, or use torch's DataLoader"
        )
    return dataset, None


def _length(order: Any) -> int:
    if not isinstance(order, Sized):
        raise TypeError(f"a {type(order).__name__} has no length, so the loader has none")
    return len(order)

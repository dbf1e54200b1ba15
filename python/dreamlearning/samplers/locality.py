"""A shuffled epoch whose reads stay close together, for files on cold disks.

In: a data set over a ``.gede`` file, and how far reads may spread. Out: an :class:`EpochSampler` that reads
blocks of neighbouring samples, a few blocks at a time.
"""

from collections.abc import Sized
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..file import CompressedFile
from ..permutation import derive_key, permute
from .arguments import dataset_size, epoch_length, epoch_number, positive
from .base import EpochSampler
from .keys import GROUP, SHUFFLE, WALK
from .weights import fingerprint

__all__ = ["LocalitySampler"]

_BLOCK_BYTES = 1 << 20


class LocalitySampler(EpochSampler):
    """A shuffled epoch that reads a few blocks of neighbouring samples at a time.

    The samples, in the order in which the file stores them, are cut into blocks. Every epoch shuffles the
    blocks, takes ``window`` of them at a time, and shuffles the samples of these. So no more than
    ``window * block`` samples are in flight, all from ``window`` stretches of the file (twice that while a
    batch is filled from the end of one group and the beginning of the next). Shuffling is coarser than that
    of :class:`SubsetSampler`: two samples come close to each other in an epoch only if their blocks fall
    into one group.

    With less than the whole data set in an epoch, the epochs walk the blocks in one shuffled order, so that
    every sample is seen once every ``n / k`` epochs; the first and the last block of an epoch are cut so
    that it has exactly ``k`` samples.

    All ranks read the same blocks at the same time. Where they share no page cache each reads them all; give
    every machine one rank, or its own part of the data, if that is too much.

    Args:
        dataset: a :class:`dreamlearning.CompressedDataset` or :class:`dreamlearning.CompressedFile`. Anything
            else with ``len()`` is taken to be stored in the order of indices, and needs ``block``.
        block: neighbouring samples in a block; by default as many as have about 1 MiB of compressed bytes.
        window: blocks whose samples are shuffled together.
        fraction: share of the data set in an epoch, above 0 and at most 1; by default all of it.
        count: samples in an epoch, in place of ``fraction``.
        seed: any integer; another seed is another order.
        num_replicas: number of ranks.
        rank: which of them this is, from 0.
        drop_last: leave out what does not divide evenly among the ranks.

    Attributes:
        block: samples in a block.
        window: blocks whose samples are shuffled together.

    Raises:
        ValueError: ``block`` or ``window`` below 1, both ``fraction`` and ``count``, one of them out of
            range, an empty data set, no ``block`` where there is no file, or wrong ranks.
        TypeError: a number that is none, or a data set without a length.

    Example:
        >>> sampler = LocalitySampler(range(100), block=5, window=2)
        >>> len({i // 5 for i in list(sampler)[:10]})
        2
    """

    def __init__(
        self,
        dataset: Sized,
        *,
        block: int | None = None,
        window: int = 8,
        fraction: float | None = None,
        count: int | None = None,
        seed: int = 0,
        num_replicas: int = 1,
        rank: int = 0,
        drop_last: bool = False,
    ) -> None:
        size = dataset_size(dataset)
        if fraction is None and count is None:
            fraction = 1.0
        length = epoch_length(fraction, count, size)
        super().__init__(length, seed=seed, num_replicas=num_replicas, rank=rank, drop_last=drop_last)
        file = getattr(dataset, "file", dataset)
        if not isinstance(file, CompressedFile):
            file = None
        if block is None:
            if file is None:
                raise ValueError(f"dataset is a {type(dataset).__name__} without a .gede file; give block")
            block = max(1, _BLOCK_BYTES * size // file.info()["file_bytes"])
        self.block = min(positive(block, "block"), size)
        self.window = positive(window, "window")
        self._size = size
        self._stored = file.storage_order() if file is not None and len(file.partitions) > 1 else None

    def identity(self) -> dict[str, Any]:
        """Sizes, block and window, and a digest of the order of storage where it is not that of indices."""
        identity: dict[str, Any] = {
            "num_samples": self._size,
            "length": self._length,
            "block": self.block,
            "window": self.window,
        }
        if self._stored is not None:
            identity["storage"] = fingerprint(self._stored)
        return identity

    def indices(self, epoch: int) -> NDArray[np.int64]:
        """The order of one epoch, all ranks together: int64 of shape (k,), a function of (seed, epoch)."""
        epoch = epoch_number(epoch)
        places = self._walk(epoch)
        # The epoch's blocks are numbered anew, shuffled, and taken `window` at a time.
        blocks, block = np.unique(places // self.block, return_inverse=True)
        turns = permute(np.arange(blocks.size), blocks.size, derive_key(self.seed, GROUP, epoch))
        group = turns[block] // self.window
        within = permute(np.arange(places.size), places.size, derive_key(self.seed, SHUFFLE, epoch))
        places = places[np.lexsort((within, group))]
        return places if self._stored is None else self._stored[places]

    def _walk(self, epoch: int) -> NDArray[np.int64]:
        """The places (positions in the file) of an epoch's samples, block after block of the walk."""
        n, k = self._size, self._length
        steps = (epoch * k % n + np.arange(k, dtype=np.int64)) % n
        number = -(-n // self.block)
        order = permute(np.arange(number), number, derive_key(self.seed, WALK))
        sizes = np.minimum(self.block, n - order * self.block)  # the file's last block may be short
        ends = np.cumsum(sizes)
        turn = np.searchsorted(ends, steps, side="right")
        return order[turn] * self.block + steps - (ends - sizes)[turn]

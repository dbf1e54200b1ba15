"""A fresh part of the data set every epoch, shared by the processes of ``torch.distributed``.

In: what :class:`SubsetSampler` takes. Out: this process's share of every epoch, as a sampler that
frameworks take for torch's own ``DistributedSampler`` and leave in place.
"""

from collections.abc import Sized
from typing import Any

import torch.distributed
from torch.utils.data import DistributedSampler

from .subset import SubsetSampler

__all__ = ["DistributedSubsetSampler"]


class DistributedSubsetSampler(SubsetSampler, DistributedSampler[int]):  # type: ignore[override]
    """:class:`SubsetSampler` whose ranks are those of ``torch.distributed``.

    It is a ``torch.utils.data.DistributedSampler``, so Lightning keeps it. Not for Accelerate, which splits
    any sampler's batches among its processes: give it a :class:`SubsetSampler`.

    Args:
        dataset, fraction, replacement, stratified, seed, count, weights, drop_last: as in
            :class:`SubsetSampler`.
        num_replicas: number of ranks; ``None`` for that of ``torch.distributed``.
        rank: which of them this is; ``None`` for that of ``torch.distributed``.

    Attributes:
        dataset: the data set.
        num_samples: samples of an epoch on this rank; also ``len(self)``.
        total_size: samples of an epoch on all ranks together, with those that pad it.
        shuffle: ``True``.

    Raises:
        RuntimeError: ``num_replicas`` or ``rank`` is ``None`` and ``torch.distributed`` is not initialised.
        ValueError, TypeError: as :class:`SubsetSampler`.

    Example:
        >>> ranks = [DistributedSubsetSampler(range(100), 0.1, num_replicas=2, rank=r) for r in (0, 1)]
        >>> len(ranks[0]), len({*ranks[0], *ranks[1]})
        (5, 10)
    """

    # DistributedSampler.__init__ is not called: it would overwrite what EpochSampler keeps.
    def __init__(
        self,
        dataset: Sized,
        fraction: float | None = None,
        replacement: bool = False,  # noqa: FBT001, FBT002
        stratified: bool = False,  # noqa: FBT001, FBT002
        seed: int = 0,
        *,
        count: int | None = None,
        weights: Any = None,
        num_replicas: int | None = None,
        rank: int | None = None,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None or rank is None:
            if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
                raise RuntimeError(
                    "torch.distributed is not initialised: call torch.distributed.init_process_group() "
                    "first, or give num_replicas and rank"
                )
            num_replicas = torch.distributed.get_world_size() if num_replicas is None else num_replicas
            rank = torch.distributed.get_rank() if rank is None else rank
        super().__init__(
            dataset,
            fraction,
            replacement,
            stratified,
            seed,
            count=count,
            weights=weights,
            num_replicas=num_replicas,
            rank=rank,
            drop_last=drop_last,
        )
        self.dataset: Any = dataset
        self.shuffle = True
        self.num_samples = len(self)
        self.total_size = self.num_samples * self.num_replicas

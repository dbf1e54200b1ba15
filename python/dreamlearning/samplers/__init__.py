"""Which samples an epoch sees, and in which order.

In: a data set, a share of it and a seed. Out: torch samplers whose order is a pure function of (seed,
epoch): the same on every machine, for any number of workers and for all ranks together, and resumable in
mid-epoch. ``docs/sampling.md`` says which sampler to use when. Needs the extra ``torch``.

Example:
    >>> sampler = SubsetSampler(range(100), fraction=0.1)
    >>> len(sampler), len({i for _ in range(10) for i in sampler})
    (10, 100)
"""

from .base import EpochSampler
from .distributed import DistributedSubsetSampler
from .locality import LocalitySampler
from .subset import SubsetSampler

__all__ = ["DistributedSubsetSampler", "EpochSampler", "LocalitySampler", "SubsetSampler"]

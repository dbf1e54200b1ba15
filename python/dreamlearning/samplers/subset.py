"""A fresh part of the data set every epoch.

In: a data set with a length (and labels, to stratify or to balance), how much of it, and perhaps a weight per
sample. Out: an :class:`EpochSampler` of that many samples an epoch.
"""

from collections.abc import Sized
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..permutation import GOLDEN, derive_key, keyed_hash, permute
from .arguments import class_ids, dataset_size, epoch_length, epoch_number
from .base import EpochSampler
from .keys import CLASS, DRAW, OFFSET, SHUFFLE, START, TIE, WALK
from .weights import as_weights, fingerprint, systematic

__all__ = ["SubsetSampler"]


class SubsetSampler(EpochSampler):
    """A fresh subset of a data set every epoch, for a stock ``DataLoader``.

    Each epoch has ``k`` samples: ``max(1, round(fraction * n))``, or ``count``. Without ``replacement`` the
    epochs walk one permutation of the data set, so that every sample is seen once every ``n / k`` epochs;
    with it each epoch is an independent draw. Inside an epoch nothing repeats. ``stratified`` keeps the
    class proportions in every epoch, right to about one sample a class.

    With ``weights``, sample i appears in every epoch floor or ceil of ``k * w[i] / sum(w)`` times, so it
    repeats only where its weight asks for more than one, and ``k`` may be larger than the data set. Without
    ``replacement`` the epochs share out the samples evenly in the long run; with it they are independent.

    The epoch advances by itself each time an iterator starts, unless :meth:`set_epoch` is ever called; then
    it is what was set last. :class:`EpochSampler` says how ranks share an epoch; this class never looks at
    ``torch.distributed`` (:class:`DistributedSubsetSampler` does), so that Accelerate may split what it
    gives.

    Args:
        dataset: anything with ``len()``; ``stratified`` and ``weights="balanced"`` need its ``labels`` or
            ``targets`` (one per sample).
        fraction: share of the data set in an epoch, above 0 and at most 1.
        replacement: draw every epoch independently of the others.
        stratified: keep the class proportions.
        seed: any integer; another seed is another order.
        count: samples in an epoch, in place of ``fraction``: 1 to n, with ``weights`` any number from 1.
        weights: one non-negative finite number per sample, shape (n,), or ``"balanced"``: the inverse of the
            class's frequency, which gives every class ``k`` / number of classes samples in every epoch,
            right to one.
        num_replicas: number of ranks.
        rank: which of them this is, from 0.
        drop_last: leave out what does not divide evenly among the ranks.

    Raises:
        ValueError: neither or both of ``fraction`` and ``count``, one of them out of range, an empty data
            set, labels that are missing or too few, wrong ``weights``, ``weights`` and ``stratified``
            together, or wrong ranks.
        TypeError: a number that is none, or a data set without a length.

    Example:
        >>> sampler = SubsetSampler(range(100), fraction=0.1)
        >>> len(sampler), len({i for _ in range(10) for i in sampler})
        (10, 100)
        >>> sorted(SubsetSampler(range(3), count=6, weights=[1, 0, 2]))
        [0, 0, 2, 2, 2, 2]
    """

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
        num_replicas: int = 1,
        rank: int = 0,
        drop_last: bool = False,
    ) -> None:
        size = dataset_size(dataset)
        length = epoch_length(fraction, count, size, repeats=weights is not None)
        super().__init__(length, seed=seed, num_replicas=num_replicas, rank=rank, drop_last=drop_last)
        if weights is not None and stratified:
            raise ValueError(
                "weights and stratified exclude each other; weights='balanced' balances the classes"
            )
        self.fraction = fraction
        self.replacement = bool(replacement)
        self.stratified = bool(stratified)
        self._size = size
        self._labels = class_ids(dataset, size, "stratified sampling") if stratified else None
        self._weights: NDArray[np.int64] | None = None
        if weights is not None:
            self._weights, self._labels = as_weights(weights, dataset, size)
        self._fixed: tuple[int, NDArray[np.int64]] | None = None  # what epochs share, and the seed it is of

    def identity(self) -> dict[str, Any]:
        """Sizes, the way of drawing, and a digest of the weights."""
        return {
            "num_samples": self._size,
            "length": self._length,
            "replacement": self.replacement,
            "stratified": self.stratified,
            **({} if self._weights is None else {"weights": fingerprint(self._weights)}),
        }

    def indices(self, epoch: int) -> NDArray[np.int64]:
        """The order of one epoch, all ranks together: int64 of shape (k,), a function of (seed, epoch)."""
        epoch = epoch_number(epoch)
        n, k, seed = self._size, self._length, self.seed
        steps = np.arange(k, dtype=np.int64)
        if self._weights is not None:
            members = self._weighted(epoch)
        elif self.replacement and self._labels is None:
            return permute(steps, n, derive_key(seed, DRAW, epoch))
        elif self.replacement:
            start = derive_key(seed, START, epoch) % n
            members = self._stratify(derive_key(seed, DRAW, epoch))[(start + steps) % n]
        else:
            positions = (epoch * k % n + steps) % n
            if self._labels is None:
                members = permute(positions, n, derive_key(seed, WALK))
            else:
                members = self._shared(self._stratify)[positions]
        return members[permute(steps, k, derive_key(seed, SHUFFLE, epoch))]

    def _shared(self, arrange: Any) -> NDArray[np.int64]:
        """``arrange(key)`` for the walk, which is the same in all epochs."""
        if self._fixed is None or self._fixed[0] != self.seed:
            self._fixed = self.seed, arrange(derive_key(self.seed, WALK))
        return self._fixed[1]

    def _weighted(self, epoch: int) -> NDArray[np.int64]:
        """The samples that an epoch draws by weight, in no particular order."""
        assert self._weights is not None
        offset = derive_key(self.seed, OFFSET, epoch if self.replacement else 0)
        if self.replacement:
            order = self._lay_out(derive_key(self.seed, DRAW, epoch))
        else:
            order = self._shared(self._lay_out)
            offset = (offset + epoch * GOLDEN) % 2**64
        copies = systematic(np.cumsum(self._weights[order]), self._length, offset)
        return np.repeat(order, copies)

    def _lay_out(self, key: int) -> NDArray[np.int64]:
        """All samples in the order in which their weights are laid end to end."""
        order = permute(np.arange(self._size), self._size, key)
        if self._labels is None:
            return order
        # Class after class, so that the classes, too, are drawn right to one.
        return order[np.argsort(self._labels[order], kind="stable")]

    def _stratify(self, key: int) -> NDArray[np.int64]:
        """All samples in an order of which every slice has the class proportions.

        Each class is permuted and spread evenly over [0, 1): rank r of n_c goes to (r + 0.5) / n_c.
        """
        labels = self._labels
        assert labels is not None
        place = np.empty(self._size)
        for c in range(int(labels.max()) + 1):
            members = np.flatnonzero(labels == c)
            ranks = permute(np.arange(members.size), members.size, derive_key(key, CLASS, c))
            place[members] = (ranks + 0.5) / members.size
        ties = keyed_hash(np.arange(self._size), derive_key(key, TIE))
        return np.lexsort((ties, place)).astype(np.int64)

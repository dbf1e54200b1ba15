"""Which samples an epoch sees.

In: a data set with a length (and labels, to stratify), a fraction and a seed. Out: a torch sampler whose
order is a pure function of (seed, epoch): the same on every machine, for any number of workers, and
resumable in mid-epoch.
"""

import operator
from collections.abc import Iterator, Sized
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import missing_extra
from .permutation import derive_key, keyed_hash, permute

try:
    from torch.utils.data import Sampler
except ImportError as error:
    raise missing_extra("torch", "torch") from error

__all__ = ["SubsetSampler"]

# What a key is for; part of the order, so never renumber.
_WALK, _SHUFFLE, _DRAW, _CLASS, _TIE, _START = range(6)


class SubsetSampler(Sampler[int]):
    """A fresh subset of a data set every epoch, for a stock ``DataLoader``.

    Each epoch has ``k = max(1, round(fraction * n))`` different samples. Without ``replacement`` the epochs
    walk one permutation of the data set, so that every sample is seen once every ``1 / fraction`` epochs;
    with it each epoch is an independent draw. ``stratified`` keeps the class proportions in every epoch,
    right to about one sample a class.

    The epoch advances by itself each time an iterator starts, unless :meth:`set_epoch` is ever called; then
    it is what was set last.

    Args:
        dataset: anything with ``len()``; ``stratified`` needs its ``labels`` or ``targets`` (one per sample).
        fraction: share of the data set in an epoch, above 0 and at most 1.
        replacement: draw every epoch independently of the others (inside an epoch nothing repeats).
        stratified: keep the class proportions.
        seed: any integer; another seed is another order.

    Raises:
        ValueError: a fraction outside (0, 1], an empty data set, or labels that are missing or too few.

    Example:
        >>> sampler = SubsetSampler(range(100), fraction=0.1)
        >>> len(sampler), len({i for _ in range(10) for i in sampler})
        (10, 100)
    """

    def __init__(
        self,
        dataset: Sized,
        fraction: float,
        replacement: bool = False,  # noqa: FBT001, FBT002
        stratified: bool = False,  # noqa: FBT001, FBT002
        seed: int = 0,
    ) -> None:
        if not 0 < fraction <= 1:
            raise ValueError(f"fraction is {fraction}; it must be above 0 and at most 1")
        self.num_samples = len(dataset)
        if self.num_samples == 0:
            raise ValueError("the data set has no samples to draw from")
        self.fraction = fraction
        self.replacement = bool(replacement)
        self.stratified = bool(stratified)
        self.seed = _integer(seed, "seed")
        self._length = max(1, round(fraction * self.num_samples))
        self._labels = _class_ids(dataset, self.num_samples) if stratified else None
        self._sequence: NDArray[np.int64] | None = None  # of the walk, where it is stratified
        self._epoch = 0
        self._position = 0  # samples of this epoch handed out so far
        self._resume_at = 0  # where the next iterator starts, after load_state_dict
        self._fresh = True  # no iterator has started this epoch
        self._manual = False  # set_epoch has been called
        self._newest = 0  # only the newest iterator moves the position

    def __len__(self) -> int:
        return self._length

    @property
    def epoch(self) -> int:
        """The epoch of the newest iterator, or of the next one where none has started."""
        return self._epoch

    def set_epoch(self, epoch: int) -> None:
        """Let the next iterator give epoch ``epoch`` (0, 1, ...); from now on epochs do not advance by
        themselves."""
        epoch = _epoch_number(epoch)
        # The epoch that load_state_dict has restored keeps its position.
        if epoch != self._epoch or not self._fresh:
            self._epoch, self._position, self._resume_at, self._fresh = epoch, 0, 0, True
        self._manual = True

    def indices(self, epoch: int) -> NDArray[np.int64]:
        """The order of one epoch: int64 of shape (len(self),), a pure function of (seed, epoch)."""
        epoch = _epoch_number(epoch)
        n, k, seed = self.num_samples, self._length, self.seed
        steps = np.arange(k, dtype=np.int64)
        if self.replacement and self._labels is None:
            return permute(steps, n, derive_key(seed, _DRAW, epoch))
        if self.replacement:
            start = derive_key(seed, _START, epoch) % n
            members = self._stratify(derive_key(seed, _DRAW, epoch))[(start + steps) % n]
        else:
            positions = (epoch * k % n + steps) % n
            if self._labels is None:
                members = permute(positions, n, derive_key(seed, _WALK))
            else:
                if self._sequence is None:
                    self._sequence = self._stratify(derive_key(seed, _WALK))
                members = self._sequence[positions]
        return members[permute(steps, k, derive_key(seed, _SHUFFLE, epoch))]

    def __iter__(self) -> Iterator[int]:
        # A generator, so that an iterator that never starts costs no epoch (a DataLoader may make such).
        if not self._fresh and not self._manual:
            self._epoch += 1
        start, self._resume_at = self._resume_at, 0
        self._fresh = False
        self._position = start
        self._newest += 1
        mine = self._newest
        for position, index in enumerate(self.indices(self._epoch)[start:].tolist(), start + 1):
            if mine == self._newest:
                self._position = position
            yield index

    def state_dict(self) -> dict[str, Any]:
        """Where the order stands, in constant size: seed, epoch and position (the rest is to be checked).

        ``position`` counts the indices handed out. A ``DataLoader`` with workers asks for a few batches
        ahead of the training loop; set ``position`` to the samples really trained on before storing the
        state.
        """
        return {
            "seed": self.seed,
            "epoch": self._epoch,
            "position": self._position,
            "num_samples": self.num_samples,
            "length": self._length,
            "replacement": self.replacement,
            "stratified": self.stratified,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on exactly where :meth:`state_dict` was taken; the next iterator gives the rest of that epoch.

        Raises:
            ValueError: the state is of another data set size, another fraction or another way of drawing.
        """
        for key, value in self.state_dict().items():
            if key not in ("seed", "epoch", "position") and state[key] != value:
                raise ValueError(f"the state has {key} {state[key]}, this sampler has {value}")
        seed = _integer(state["seed"], "seed")
        epoch, position = _epoch_number(state["epoch"]), _integer(state["position"], "position")
        if not 0 <= position <= self._length:
            raise ValueError(f"epoch {epoch}, position {position} is not inside an epoch of {self._length}")
        if position == self._length:
            epoch, position = epoch + 1, 0
        self.seed = seed
        self._sequence = None
        self._epoch, self._position, self._resume_at, self._fresh = epoch, position, position, True
        self._newest += 1

    def _stratify(self, key: int) -> NDArray[np.int64]:
        """All samples in an order of which every slice has the class proportions.

        Each class is permuted and spread evenly over [0, 1): rank r of n_c goes to (r + 0.5) / n_c.
        """
        labels = self._labels
        assert labels is not None
        place = np.empty(self.num_samples)
        for c in range(int(labels.max()) + 1):
            members = np.flatnonzero(labels == c)
            ranks = permute(np.arange(members.size), members.size, derive_key(key, _CLASS, c))
            place[members] = (ranks + 0.5) / members.size
        ties = keyed_hash(np.arange(self.num_samples), derive_key(key, _TIE))
        return np.lexsort((ties, place)).astype(np.int64)


def _integer(value: Any, name: str) -> int:
    try:
        return operator.index(value)
    except TypeError as error:
        raise TypeError(f"{name} is {value!r}; give an integer") from error


def _epoch_number(value: Any) -> int:
    epoch = _integer(value, "epoch")
    if epoch < 0:
        raise ValueError(f"epoch is {epoch}; it must not be negative")
    return epoch


def _class_ids(dataset: Any, num_samples: int) -> NDArray[np.int64]:
    labels = getattr(dataset, "labels", None)
    if labels is None:
        labels = getattr(dataset, "targets", None)
    if labels is None:
        raise ValueError("stratified sampling needs a data set with `labels` or `targets`, one per sample")
    array = np.asarray(labels)
    if array.shape != (num_samples,):
        raise ValueError(f"stratified sampling needs labels of shape ({num_samples},), not {array.shape}")
    return np.unique(array, return_inverse=True)[1].astype(np.int64)

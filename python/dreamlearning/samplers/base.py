"""Epochs, ranks and exact resume, for any order.

In: a subclass that gives the order of an epoch for all ranks together. Out: a torch sampler of one rank's
share, which starts epochs, splits them among ranks, and can be stored and restored at any sample, for
another number of ranks too.
"""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import missing_extra
from .arguments import epoch_number, integer, positive

try:
    from torch.utils.data import Sampler
except ImportError as error:
    raise missing_extra("torch", "torch") from error

__all__ = ["EpochSampler"]

_PLACE = ("seed", "epoch", "position")
"""What of a state is taken over; the rest must agree."""


class EpochSampler(Sampler[int], ABC):
    """A sampler whose order is a pure function of (seed, epoch); subclasses implement :meth:`indices`.

    Position p of an epoch goes to rank ``p % num_replicas``, counted from where the epoch was resumed:
    after t samples a rank, all ranks together have seen exactly the first ``t * num_replicas`` of the rest.
    Every rank has equally many samples. Where they do not divide evenly, the ranks that lack one go on from
    the beginning of the epoch's order; with ``drop_last`` the rest is left out instead.

    The epoch advances by itself each time an iterator starts, unless :meth:`set_epoch` is ever called; then
    it is what was set last.

    Args:
        length: samples in an epoch, all ranks together; at least 1.
        seed: any integer; another seed is another order.
        num_replicas: number of ranks.
        rank: which of them this is, from 0.
        drop_last: leave out what does not divide evenly among the ranks.

    Raises:
        TypeError: a number that is no integer.
        ValueError: ``length`` or ``num_replicas`` below 1, ``rank`` outside ``range(num_replicas)``, or, with
            ``drop_last``, more ranks than samples.

    Example:
        >>> class Forward(EpochSampler):
        ...     def indices(self, epoch):
        ...         return np.arange(7, dtype=np.int64)
        >>> list(Forward(7)), list(Forward(7, num_replicas=2, rank=1))
        ([0, 1, 2, 3, 4, 5, 6], [1, 3, 5, 0])
    """

    def __init__(
        self,
        length: int,
        *,
        seed: int = 0,
        num_replicas: int = 1,
        rank: int = 0,
        drop_last: bool = False,
    ) -> None:
        self.seed = integer(seed, "seed")
        self.num_replicas = positive(num_replicas, "num_replicas")
        self.rank = integer(rank, "rank")
        if not 0 <= self.rank < self.num_replicas:
            raise ValueError(
                f"rank is {self.rank}; it must be at least 0 and below num_replicas={self.num_replicas}"
            )
        self.drop_last = bool(drop_last)
        self._length = positive(length, "length")
        if self.drop_last and self._length < self.num_replicas:
            raise ValueError(
                f"an epoch has {self._length} samples for num_replicas={self.num_replicas}: with drop_last a "
                "rank would have none; leave drop_last out, or make the epoch longer"
            )
        self._epoch = 0
        self._start = 0  # position of all ranks together where this epoch begins, after a resume not 0
        self._pass: _Pass | None = None  # the newest pass over this epoch, which counts what is handed out
        self._fresh = True  # no iterator has started this epoch
        self._manual = False  # set_epoch has been called

    @abstractmethod
    def indices(self, epoch: int) -> NDArray[np.int64]:
        """The order of one epoch for all ranks together: int64 of shape (length,), a pure function of (seed,
        epoch)."""

    def identity(self) -> dict[str, Any]:
        """What a state must agree in to be loaded: a small dictionary of JSON types.

        A subclass adds what its order depends on besides seed and epoch.
        """
        return {"length": self._length}

    def __len__(self) -> int:
        """Samples of a whole epoch on this rank."""
        return self._share(self._length)

    @property
    def epoch(self) -> int:
        """The epoch of the newest iterator, or of the next one where none has started."""
        return self._epoch

    def set_epoch(self, epoch: int) -> None:
        """Let the next iterator give epoch ``epoch`` (0, 1, ...); from now on epochs do not advance by
        themselves."""
        epoch = epoch_number(epoch)
        # The epoch that is under way or that load_state_dict has restored keeps its position.
        if epoch != self._epoch:
            self._go_to(epoch, 0)
        self._manual = True

    def restart(self, epoch: int) -> None:
        """Let the next iterator give all of epoch ``epoch``, even where a part of it has been handed out."""
        self._go_to(epoch_number(epoch), 0)

    def rank_indices(self, epoch: int, start: int = 0) -> NDArray[np.int64]:
        """What this rank sees of an epoch that all ranks together begin at position ``start``.

        Returns:
            int64 of shape (k,), k the same on every rank.

        Raises:
            ValueError: ``start`` is not inside the epoch.
        """
        start = integer(start, "start")
        if not 0 <= start <= self._length:
            raise ValueError(f"start is {start}; an epoch has {self._length} samples")
        order = self.indices(epoch)
        total = self._share(self._length - start) * self.num_replicas
        positions = np.arange(start + self.rank, start + total, self.num_replicas)
        return order[positions % self._length]

    def begin(self) -> NDArray[np.int64]:
        """Start the next epoch, exactly as iterating does, and return what is left of it for this rank.

        None of it counts as handed out: give :meth:`state_dict` the position.

        Returns:
            int64 of shape (k,): ``len(self)`` indices, fewer in an epoch that is resumed.
        """
        self._go_to(*self._next_start())
        self._fresh = False
        return self.rank_indices(self._epoch, self._start)

    def __iter__(self) -> "_EpochIterator":
        return _EpochIterator.over(self)

    def __repr__(self) -> str:
        shown = {"seed": self.seed, "rank": f"{self.rank} of {self.num_replicas}", **self.identity()}
        return f"{type(self).__name__}({', '.join(f'{key}={value}' for key, value in shown.items())})"

    def state_dict(self, position: int | None = None) -> dict[str, Any]:
        """Where the order stands, in constant size and the same on every rank.

        Args:
            position: samples of this epoch that this rank has consumed, counted from where it was resumed;
                by default those handed out. A ``DataLoader`` with workers asks for a few batches ahead of
                the training loop, so give it ``batches_done * batch_size`` there (more than is left counts
                as all).

        Returns:
            JSON types. ``position`` is that of all ranks together; the rest besides seed and epoch is checked
            when the state is loaded.

        Raises:
            ValueError: a negative ``position``.
        """
        if position is None:
            taken = 0 if self._pass is None else self._pass.taken
        else:
            taken = integer(position, "position")
        if taken < 0:
            raise ValueError(f"position is {taken}; it must not be negative")
        return self._state(self._epoch, self._start, taken)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on exactly where :meth:`state_dict` was taken; the next iterator gives the rest of that epoch.

        ``num_replicas`` may be another than it was: the new ranks go on at the position of all ranks
        together. Where nothing is left of the epoch (with ``drop_last``: less than one sample a rank), the
        next one starts. The seed becomes that of the state.

        Raises:
            ValueError: the state is of another data set size, another length or another way of drawing, or it
                lacks something.
            TypeError: seed, epoch or position is no integer.
        """
        self._restore(state)

    def _restore(self, state: dict[str, Any]) -> bool:
        """Load ``state``; whether something is left of its epoch."""
        mine = self.identity()
        if missing := [key for key in _PLACE if key not in state]:
            raise ValueError(f"the state has no {', '.join(missing)}; give what state_dict() returned")
        for key in [*mine, *(key for key in state if key not in mine and key not in _PLACE)]:
            if state.get(key) != mine.get(key):
                raise ValueError(f"the state has {key} {state.get(key)}, this sampler has {mine.get(key)}")
        seed = integer(state["seed"], "seed")
        epoch, position = epoch_number(state["epoch"]), integer(state["position"], "position")
        if not 0 <= position <= self._length:
            raise ValueError(f"epoch {epoch}, position {position} is not inside an epoch of {self._length}")
        left = self._share(self._length - position) > 0
        self.seed = seed
        self._go_to(epoch if left else epoch + 1, position if left else 0)
        return left

    def _share(self, samples: int) -> int:
        """How many of ``samples`` each rank gets."""
        return samples // self.num_replicas if self.drop_last else -(-samples // self.num_replicas)

    def _go_to(self, epoch: int, start: int) -> None:
        """Let the next iterator begin ``epoch`` at ``start``."""
        self._epoch, self._start, self._pass, self._fresh = epoch, start, None, True

    def _next_start(self) -> tuple[int, int]:
        """Epoch and position that an iterator begins at if it starts now."""
        if self._fresh:
            return self._epoch, self._start
        return (self._epoch if self._manual else self._epoch + 1), 0

    def _state(self, epoch: int, start: int, taken: int) -> dict[str, Any]:
        """The state after ``taken`` samples a rank of an epoch begun at ``start``."""
        finished = taken >= self._share(self._length - start)
        position = self._length if finished else start + taken * self.num_replicas
        return {"seed": self.seed, "epoch": epoch, "position": position, **self.identity()}


class _Pass:
    """One pass over an epoch: where it began, and how far it is."""

    def __init__(self, sampler: EpochSampler) -> None:
        self.sampler = sampler
        self.epoch, self.start = 0, 0
        self.to_begin = True
        self.rest: Any = None
        self._count = 0

    def lists(self) -> Iterator[Iterator[int]]:
        """The samples, as an iterator that is made when the first of them is asked for."""
        while self.to_begin:
            self.to_begin = False
            samples = self.sampler.begin().tolist()
            self.epoch, self.start, self._count = self.sampler._epoch, self.sampler._start, len(samples)
            self.rest = iter(samples)
            self.sampler._pass = self
            yield self.rest

    @property
    def taken(self) -> int:
        """Samples handed out."""
        return 0 if self.rest is None else self._count - self.rest.__length_hint__()

    def end(self) -> None:
        """Hand out nothing more of what was begun."""
        if self.rest is not None:
            self.rest.__setstate__(self._count)


class _EpochIterator(itertools.chain[int]):
    """One pass over an epoch. It starts with the first sample it is asked for, so that one that never is (a
    ``DataLoader`` may make such) costs no epoch. A chain, so that no Python code runs for a sample.

    torchdata's ``StatefulDataLoader`` stores the state of samplers and of their iterators. That of the
    iterator tells an epoch that has been handed out to the last sample, of which nothing must come again,
    from the next one before its first sample.
    """

    _pass: _Pass

    @classmethod
    def over(cls, sampler: EpochSampler) -> "_EpochIterator":
        """A new pass."""
        one = _Pass(sampler)
        iterator = cls.from_iterable(one.lists())
        assert isinstance(iterator, cls)
        iterator._pass = one
        return iterator

    def state_dict(self) -> dict[str, Any]:
        """Where this pass stands; as the sampler's."""
        one = self._pass
        if one.rest is None:
            return one.sampler._state(*one.sampler._next_start(), 0)
        return one.sampler._state(one.epoch, one.start, one.taken)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Let this pass, and the sampler, go on where ``state`` was taken."""
        one = self._pass
        left = one.sampler._restore(state)
        one.end()
        one.to_begin, one.rest = left, None if left else iter(())
        one.epoch, one.start, one._count = int(state["epoch"]), int(state["position"]), 0

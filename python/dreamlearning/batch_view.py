"""A batch that is decoded once and taken apart only if somebody asks.

In: the columns of a batch (samples, targets, perhaps indices), each already stacked. Out: what looks like a
list of samples to whoever iterates, and its columns, untouched, to torch's ``default_collate``. That is what
lets a stock ``DataLoader`` hand out a batch without an object for every sample.

``default_collate`` looks up ``type(batch[0])`` in ``default_collate_fn_map``. The samples of a view are of
the type :class:`Sample`, for which a function is registered here. Views of samples without targets hand out
bare tensors or arrays, so for those types torch's own function is wrapped: it sees a view, or does what it
always did.
"""

from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np
from torch import Tensor, as_tensor
from torch.utils.data._utils.collate import default_collate_fn_map
from torch.utils.data.dataloader import default_collate

__all__ = ["BatchView", "Sample"]


class Sample(tuple[Any, ...]):
    """One sample of a :class:`BatchView`: (sample, target) or (sample, target, index)."""

    __slots__ = ()


class BatchView(Sequence[Any]):
    """A batch as a sequence of samples, made when they are asked for.

    Args:
        columns: what a batch consists of, each with one entry a sample: tensors, arrays or lists. A single
            column makes bare entries, more make :class:`Sample` tuples.

    Example:
        >>> view = BatchView([torch.zeros(4, 3, 8, 8), [0, 1, 0, 1]])        # doctest: +SKIP
        >>> len(view), view[1][1]                                            # doctest: +SKIP
        (4, 1)
        >>> [type(column).__name__ for column in default_collate(view)]      # doctest: +SKIP
        ['Tensor', 'Tensor']
    """

    __slots__ = ("columns",)

    def __init__(self, columns: Sequence[Any]) -> None:
        self.columns = tuple(columns)

    def __len__(self) -> int:
        return len(self.columns[0])

    @overload
    def __getitem__(self, place: int) -> Any: ...
    @overload
    def __getitem__(self, place: slice) -> "BatchView": ...
    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return BatchView([column[place] for column in self.columns])
        if len(self.columns) == 1:
            return self.columns[0][place]
        return Sample(_entry(column, place) for column in self.columns)

    def collate(self) -> Any:
        """The batch as ``default_collate`` gives it: a list of columns, or the only one."""
        columns = [_stacked(column) for column in self.columns]
        return columns[0] if len(columns) == 1 else columns

    def __repr__(self) -> str:
        return f"BatchView of {len(self)} samples, {len(self.columns)} columns"


def _entry(column: Any, place: int) -> Any:
    """A sample's entry, with integers as Python has them: what the data set gives for a single sample."""
    entry = column[place]
    if isinstance(column, Tensor) and column.ndim == 1 and not column.is_floating_point():
        return entry.item()
    return entry


def _stacked(column: Any) -> Any:
    if isinstance(column, Tensor):
        return column
    # An array becomes a tensor that shares its memory; a list is collated as torch would.
    return as_tensor(column) if isinstance(column, np.ndarray) else default_collate(column)


def _collate_samples(batch: Any, *, collate_fn_map: Any = None) -> Any:
    if isinstance(batch, BatchView):
        return batch.collate()
    # Samples that somebody has put into a list, as StackDataset does.
    return [default_collate(list(column)) for column in zip(*batch, strict=True)]


def _seeing_views(collate: Callable[..., Any]) -> Callable[..., Any]:
    def collate_or_view(batch: Any, *, collate_fn_map: Any = None) -> Any:
        if isinstance(batch, BatchView):
            return batch.collate()
        return collate(batch, collate_fn_map=collate_fn_map)

    return collate_or_view


default_collate_fn_map[Sample] = _collate_samples
for _kind in (Tensor, np.ndarray):
    default_collate_fn_map[_kind] = _seeing_views(default_collate_fn_map[_kind])

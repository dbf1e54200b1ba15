"""What a target is to condensing: classes that clusters keep apart, numbers, or two classes that they mix.

In: the target of every row. Out: what the core takes, and a :class:`TargetKind`, which makes targets of
clusters from what the core gives back.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .targets import as_class_pair

__all__ = ["Target", "TargetKind", "as_core_wants"]

_CLASSES = 100  # an integer target of more values is a number, of fewer a class


@dataclass(frozen=True, eq=False)
class TargetKind:
    """What the numbers mean that stand for a target.

    Attributes:
        pair: two classes of text or bools, which 0 and 1 stand for, shape (2,); ``None`` for others.
        whole: whether all numbers are whole and their sums exact.
        pure: whether clusters keep classes apart; the target then is no number.
    """

    pair: NDArray[Any] | None = None
    whole: bool = False
    pure: bool = False

    def means(self, means: NDArray[np.float64], sizes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean targets of clusters, shape (m,): of whole numbers a mean of ones is 1."""
        return np.rint(means * sizes) / sizes if self.whole else means

    def numbers(self, y: NDArray[Any] | None) -> NDArray[Any] | None:
        """Targets of rows, shape (k,), as the table has them."""
        return y if self.pair is None or y is None else (y == self.pair[1]).astype(np.float64)

    def to_json(self) -> dict[str, Any]:
        """What a file keeps."""
        pair = None if self.pair is None else self.pair.tolist()
        return {"pair": pair, "whole": self.whole, "classes": self.pure}

    @classmethod
    def of(cls, kept: dict[str, Any]) -> "TargetKind":
        """What :meth:`to_json` gave.

        Raises:
            ValueError, KeyError, TypeError: it is something else.
        """
        pair = kept["pair"]
        return cls(None if pair is None else as_class_pair(pair), bool(kept["whole"]), bool(kept["classes"]))


@dataclass(frozen=True, eq=False)
class Target:
    """The target of every row as the core takes it.

    Attributes:
        kind: what it is.
        ids: uint32 (n,), the number of each row's class, where clusters keep classes apart.
        numbers: float64 (n,), where they do not.
    """

    kind: TargetKind = TargetKind()
    ids: NDArray[np.uint32] | None = None
    numbers: NDArray[np.float64] | None = None


def as_core_wants(
    target: NDArray[Any] | None, strings: list[str] | None = None, *, classes: bool | None
) -> Target:
    """``target``, shape (n,), of numbers, bools or text, or of the numbers of ``strings``.

    Raises:
        ValueError: text of more than two classes that clusters are to mix, or a number without a string.
    """
    if target is None:
        return Target()
    kind = target.dtype.kind if strings is None else "U"
    if (classes is None and kind == "f") or (classes is False and kind in "iuf"):
        return _numbers(target)
    if classes is False and kind == "b":
        return _numbers(target, np.array([False, True]))
    names, ids = np.unique(target, return_inverse=True)
    if strings is not None:
        names, ids = _named(names.tolist(), ids, strings)
    if classes is False:
        if len(names) != 2:
            raise ValueError(
                f"the target is text of {len(names)} classes; classes=False needs numbers or two classes: "
                "leave it out"
            )
        return _numbers(ids, names)
    if classes is None and kind in "iu" and len(names) > _CLASSES:
        return _numbers(target)
    return Target(TargetKind(pure=True), ids=ids.astype(np.uint32))


def _named(
    numbers: list[int], ids: NDArray[Any], strings: list[str]
) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    """The strings that ``numbers`` stand for in order, and which of them each row has."""
    if numbers and numbers[-1] >= len(strings):
        raise ValueError(f"the target has the number {numbers[-1]}, where there are {len(strings)} strings")
    used = [strings[number] for number in numbers]
    names = sorted(set(used))
    place = {name: number for number, name in enumerate(names)}
    return np.array(names, np.str_), np.array([place[name] for name in used], np.int64)[ids]


def _numbers(target: NDArray[Any], pair: NDArray[Any] | None = None) -> Target:
    numbers = np.ascontiguousarray(target, np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        whole = np.array_equal(numbers, np.rint(numbers)) and bool(np.abs(numbers).sum() < 2**53)
    return Target(TargetKind(pair, whole), numbers=numbers)

"""Targets of rows and of clusters: numbers, classes, and means of two classes.

In: a target as users give it, or that of a condensed table. Out: a checked array, the means or classes of
clusters, and the part that each of two classes has in a cluster. NumPy alone.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .checks import check_finite, label_of_row

if TYPE_CHECKING:
    from .condensed import CondensedTable

__all__ = [
    "TwoClasses",
    "as_class_pair",
    "as_target",
    "condense_target",
    "is_mixed",
    "one_hot",
    "text_of",
    "two_classes",
]

Floats = NDArray[np.float64]


def text_of(y: Any) -> NDArray[Any]:
    """``y`` as an array in which text is no object: pickle stays out of files, and text is sorted as text.

    Raises:
        ValueError: objects that are no text; the message names the first one's row.
    """
    y = np.asarray(y)
    if y.dtype.kind != "O":
        return y
    for row, value in enumerate(y.ravel().tolist()):
        if not isinstance(value, str):
            raise ValueError(
                f"y holds objects, such as {value!r} in {label_of_row(row)}; give numbers or text"
            )
    return y.astype(np.str_)


def as_target(y: Any, n: int) -> NDArray[Any]:
    """``y``, shape (n,), as numbers (floats become float64), bools or text.

    Raises:
        ValueError: another shape or dtype, or a number that is not finite.
    """
    y = np.asarray(y)
    if y.shape != (n,):
        raise ValueError(f"y has shape {y.shape}; give ({n},), one a row of X")
    y = text_of(y)
    if y.dtype.kind == "f":
        y = y.astype(np.float64)
        check_finite(y, "y")
    elif y.dtype.kind not in "biuU":
        raise ValueError(f"y has dtype {y.dtype}; give numbers or text")
    return y


def as_class_pair(classes: Any) -> NDArray[Any]:
    """Two classes, shape (2,), text or bools in order.

    Raises:
        ValueError: they are something else.
    """
    classes = as_target(classes, 2)
    if classes.dtype.kind not in "bU" or not classes[0] < classes[1]:
        raise ValueError(f"classes is {classes.tolist()}; give two texts or bools, sorted")
    return classes


def condense_target(
    y: Any, cluster: NDArray[np.int64], first: NDArray[np.int64], size: Floats, numbers: NDArray[np.int64]
) -> tuple[NDArray[Any] | None, Floats]:
    """The clusters' mean targets or classes, and what is left of each row's target (zero for classes)."""
    if y is None:
        return None, np.zeros(len(cluster))
    y = as_target(y, len(cluster))
    differs = np.flatnonzero(y != y[first][cluster])
    if y.dtype.kind != "f" and not differs.size:
        return y[first], np.zeros(len(cluster))
    if y.dtype.kind == "U":
        row = differs[0]
        raise ValueError(
            f"y is text and differs within cluster {numbers[cluster[row]]} ({label_of_row(row)}); cluster "
            "each class on its own, or give numbers"
        )
    y = y.astype(np.float64)
    offset = y.mean()
    means = np.bincount(cluster, y - offset, len(size)) / size + offset
    mixed = np.zeros(len(size), bool)
    mixed[cluster[differs]] = True
    means = np.where(mixed, means, y[first])  # the value itself, not a sum divided again
    return means, y - means[cluster]


def one_hot(labels: NDArray[Any], classes: NDArray[Any], start: int = 0) -> Floats:
    """Targets (n, 1) for two classes, 1 for the second, and (n, K) for K; ``start`` numbers the first row.

    Raises:
        ValueError: fewer than two classes, or a label that is none of them.
    """
    if len(classes) < 2:
        raise ValueError(f"the target has only one class, {classes[0]!s}; logistic regression needs two")
    place = np.minimum(np.searchsorted(classes, labels), len(classes) - 1)
    wrong = np.flatnonzero(classes[place] != labels)
    if wrong.size:
        raise ValueError(
            f"row {wrong[0] + start} has the class {labels[wrong[0]]!s}, which the fit did not see"
        )
    if len(classes) == 2:
        return place[:, None].astype(np.float64)
    return np.eye(len(classes))[place]


@dataclass(frozen=True, eq=False)
class TwoClasses:
    """Two classes and the numbers that stand for them in mean targets.

    Attributes:
        names: the classes, shape (2,), sorted.
        low, high: their numbers, ``low < high``.
    """

    names: NDArray[Any]
    low: float
    high: float

    def shares(self, y: NDArray[Any]) -> Floats:
        """The second class's part in each mean target, shape (m,)."""
        return (y - self.low) / (self.high - self.low)


def is_mixed(table: "CondensedTable") -> bool:
    """Whether clusters may hold rows of several targets, so that the table's targets are means."""
    return table.classes is not None or bool(table.scatter.yy.any())


def two_classes(table: "CondensedTable", given: tuple[Any, Any] | None = None) -> TwoClasses:
    """The two classes whose means the targets of ``table``, which has some, are.

    Of numbers only two values a and b are consistent with the scatter of the target, which is then
    ``sum_k n_k (mean_k - a)(b - mean_k)``: 0 and 1, -1 and 1, or those ``given``.

    Raises:
        ValueError: there are no such classes.
    """
    if table.classes is not None:
        if given is not None and list(given) != table.classes.tolist():
            raise ValueError(
                f"classes is {given!r}, and those of the condensed table are "
                f"{tuple(table.classes.tolist())!r}; leave classes out"
            )
        return TwoClasses(table.classes, 0.0, 1.0)
    means = table.centroid_y
    if means is None or means.dtype.kind == "U":
        raise ValueError("classes is for mean targets; the condensed table has text as target")
    means = means.astype(np.float64)
    for a, b in [(0, 1), (-1, 1)] if given is None else [given]:
        inside = means.min() >= a and means.max() <= b
        expected = table.sample_weight @ ((means - a) * (b - means))
        if a < b and inside and np.isclose(expected, table.scatter.yy.sum(), rtol=1e-6, atol=1e-9 * table.n):
            return TwoClasses(np.array([a, b]), float(a), float(b))
    raise ValueError(
        "the mean targets are not those of two classes "
        + ("(0, 1) or (-1, 1); give classes=(low, high)" if given is None else f"{given!r}")
        + ", or cluster each class on its own (several classes always need that)"
    )

"""Condensed samples of a table: a representative and a weight per cluster, and the exact scatter within.

In: rows with the numbers of their clusters, arrays that the core computed, or an ``.npz`` file. Out:
:class:`CondensedTable`, checked; ``to_numpy`` for any estimator that takes weights, ``to_classes`` for
classifiers. The scatter is what the means leave out: with it sums of squares over all rows come back exactly
(paper, Eq. 10 from the arrays of Eq. 11).
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..exporters.base import check_output, new_file
from .checks import as_integers, as_rows, check_sums
from .npz import read_npz, write_npz
from .scatter import Scatter
from .targets import as_class_pair, as_target, condense_target, is_mixed, two_classes

__all__ = ["CondensedTable"]

Floats = NDArray[np.float64]

_FORMAT = 1


@dataclass(frozen=True, eq=False, repr=False)
class CondensedTable:
    """A few weighted rows that stand for all rows of a table, and the scatter that they leave out.

    Attributes:
        X: float64 (m, d), a representative of each cluster: its mean, or one of its rows.
        y: (m,) mean target, float64; where every cluster has one class, the class (integer, bool or text).
            ``None`` without a target.
        sample_weight: float64 (m,), rows in each cluster; the sum is ``n``.
        partition: int64 (m,), partition of each cluster.
        scatter: about the cluster means, exact.
        columns: d names.
        target: the target's name, or ``None``.
        n: rows that the table stands for.
        means, y_means: the cluster means where the representatives are rows, else ``None``.
        classes: (2,) sorted, where the target is text or bool and clusters mix its two classes: then ``y`` is
            the second one's share, from 0 to 1. Else ``None``.

    Raises:
        ValueError: shapes that do not agree, a NaN, a weight that is not positive, weights that do not sum
            to ``n``. The message names row and column.
    """

    X: Floats
    y: NDArray[Any] | None
    sample_weight: Floats
    partition: NDArray[np.int64]
    scatter: Scatter
    columns: list[str]
    target: str | None
    n: int
    means: Floats | None = None
    y_means: Floats | None = None
    classes: NDArray[Any] | None = None

    def __post_init__(self) -> None:
        columns = [str(name) for name in self.columns]
        _set(self, columns=columns, n=int(self.n), target=None if self.target is None else str(self.target))
        _set(self, X=as_rows(self.X, columns, "X"), sample_weight=np.asarray(self.sample_weight, np.float64))
        _set(self, partition=np.asarray(self.partition, np.int64))
        m, p = len(self.X), len(self.scatter.xx)
        for name in ("sample_weight", "partition"):
            if getattr(self, name).shape != (m,):
                raise ValueError(f"{name} has shape {getattr(self, name).shape}; give ({m},), one a cluster")
        if self.scatter.xx.shape[1] != len(columns) or self.scatter.spread.shape != (m,):
            raise ValueError(f"the scatter is not that of {m} clusters and {len(columns)} columns")
        if self.y is not None:
            _set(self, y=as_target(self.y, m))
        if self.means is not None:
            _set(self, means=as_rows(self.means, columns, "means"))
            if len(self.means) != m:
                raise ValueError(f"means has {len(self.means)} rows for {m} clusters")
        if self.y_means is not None:
            _set(self, y_means=as_target(self.y_means, m))
        if self.classes is not None:
            _set(self, classes=as_class_pair(self.classes))
            for shares in (self.y, self.centroid_y):
                if shares is None or shares.dtype.kind != "f" or (np.abs(shares - 0.5) > 0.5).any():
                    raise ValueError("with classes, y is the share of the second class, from 0 to 1")
        wrong = np.flatnonzero(~((self.sample_weight > 0) & np.isfinite(self.sample_weight)))
        if wrong.size:
            raise ValueError(
                f"cluster {wrong[0]} has weight {self.sample_weight[wrong[0]]}; give positive weights"
            )
        if abs(self.sample_weight.sum() - self.n) > 1e-9 * max(self.n, 1):
            raise ValueError(
                f"the weights sum to {self.sample_weight.sum():.17g}, not to n, which is {self.n}"
            )
        if ((self.partition < 0) | (self.partition >= p)).any():
            raise ValueError(f"a cluster's partition is outside 0..{p - 1}")

    @property
    def centroids(self) -> Floats:
        """The cluster means, float64 (m, d), whatever the representatives are."""
        return self.X if self.means is None else self.means

    @property
    def centroid_y(self) -> NDArray[Any] | None:
        """The mean targets (m,), or the classes, whatever the representatives are."""
        return self.y if self.y_means is None else self.y_means

    def __len__(self) -> int:
        return len(self.X)

    def __repr__(self) -> str:
        rows = "" if self.means is None else ", representatives are rows"
        return (
            f"CondensedTable({len(self)} clusters of {self.n} rows, {len(self.columns)} columns, "
            f"target {self.target!r}{rows})"
        )

    def to_numpy(self) -> tuple[Floats, NDArray[Any] | None, Floats]:
        """``(X, y, sample_weight)``, as ``fit`` of any estimator that takes weights wants them.

        Example:
            >>> table = CondensedTable.from_groups([[1.0], [3.0], [5.0]], [1.0, 2.0, 6.0], groups=[0, 0, 1])
            >>> table.to_numpy()
            (array([[2.],
                   [5.]]), array([1.5, 6. ]), array([2., 1.]))
        """
        return self.X, self.y, self.sample_weight

    def to_classes(
        self, classes: tuple[Any, Any] | None = None
    ) -> tuple[Floats, NDArray[Any], NDArray[np.float64]]:
        """``(X, y, sample_weight)`` as ``fit`` of a classifier wants them: no means in ``y``, but classes.

        A cluster that mixes two classes becomes a row for each of them, with the number of its rows of that
        class as weight. Clusters of one class each are what :meth:`to_numpy` gives.

        Args:
            classes: the two values ``(low, high)`` of a target of numbers, needed only where they are not
                (0, 1) or (-1, 1).

        Raises:
            ValueError: there is no target, or it has not these two values.

        Example:
            >>> table = CondensedTable.from_groups([[1.0], [3.0], [5.0]], [0, 1, 1], groups=[0, 0, 1])
            >>> table.to_classes()
            (array([[2.],
                   [2.],
                   [5.]]), array([0, 1, 1]), array([1., 1., 1.]))
        """
        y = self.centroid_y
        if y is None:
            raise ValueError("the condensed table has no target; condense the table with target=...")
        if classes is None and not is_mixed(self):
            return self.X, y, self.sample_weight
        pair = two_classes(self, classes)
        second = self.sample_weight * pair.shares(y)
        # Rows are counted: what a mean's rounding leaves of a class that is not there is none.
        counted = np.rint(second)
        second = np.where(np.abs(second - counted) < 1e-6, counted, second)
        weight = np.column_stack([self.sample_weight - second, second])
        present = weight > 0
        cluster, number = np.nonzero(present)
        return self.X[cluster], pair.names[number], weight[present]

    @classmethod
    def from_groups(
        cls,
        X: ArrayLike,
        y: ArrayLike | None,
        groups: ArrayLike,
        partition: ArrayLike | None = None,
        *,
        columns: Sequence[str] | None = None,
        target: str | None = None,
        representative: Literal["centroid", "row"] = "centroid",
    ) -> "CondensedTable":
        """Condense rows whose clusters are known: one pass in NumPy, clusters in order of their number.

        Args:
            X: numbers (n, d).
            y: (n,) target, or ``None``. Integers, bools and text that are the same throughout every cluster
                stay classes; other numbers become means.
            groups: (n,) cluster of each row: any integers.
            partition: integers (n,), 0..p-1, the same throughout a cluster; ``None`` puts all in 0.
            columns: d names; ``None`` calls them x0, x1, ...
            target: the target's name.
            representative: ``"centroid"``, the mean; ``"row"``, the row nearest to it in units of the
                columns' standard deviations (in its partition), the first of several.

        Raises:
            ValueError: shapes that do not agree, a NaN (named by row and column), text that differs within
                a cluster, a cluster in two partitions, numbers whose squares are beyond float64.

        Example:
            >>> CondensedTable.from_groups([[1.0], [3.0], [5.0]], [0, 0, 1], groups=[7, 7, 2]).y
            array([1, 0])
        """
        X = np.asarray(X)
        if X.ndim != 2:
            raise ValueError(f"X has shape {X.shape}; give rows and columns")
        columns = [f"x{j}" for j in range(X.shape[1])] if columns is None else list(columns)
        X = as_rows(X, columns, "X")
        numbers, first, cluster = np.unique(
            as_integers(groups, len(X), "groups"), return_index=True, return_inverse=True
        )
        parts = (
            np.zeros(len(X), np.int64) if partition is None else as_integers(partition, len(X), "partition")
        )
        split = np.flatnonzero(parts != parts[first][cluster])
        if split.size:
            raise ValueError(f"cluster {numbers[cluster[split[0]]]} is in two partitions (row {split[0]})")
        if (parts < 0).any():
            raise ValueError(f"partition is {parts.min()} in row {parts.argmin()}; give numbers from 0 on")

        order = np.argsort(cluster, kind="stable")
        starts = np.searchsorted(cluster[order], np.arange(len(numbers)))
        size = np.bincount(cluster, minlength=len(numbers)).astype(np.float64)
        y_means, inner_y = condense_target(y, cluster, first, size, numbers)
        by_partition = [parts == q for q in range(int(parts.max(initial=0)) + 1)]
        with np.errstate(over="ignore", invalid="ignore"):  # told by check_sums
            # About the overall mean, so that a column far from zero loses no digits.
            centre = X.mean(axis=0) if len(X) else np.zeros(X.shape[1])
            means = np.add.reduceat(X[order] - centre, starts) / size[:, None] if len(X) else np.zeros_like(X)
            inner = X - centre - means[cluster]
            xx = np.stack([inner[rows].T @ inner[rows] for rows in by_partition])
            check_sums(means, size, xx, columns)
        scatter = Scatter(
            xx,
            np.stack([inner[rows].T @ inner_y[rows] for rows in by_partition]),
            np.array([inner_y[rows] @ inner_y[rows] for rows in by_partition]),
            np.bincount(cluster, (inner**2).sum(axis=1), len(numbers)),
        )
        shared = (size, parts[first], scatter, columns, target, len(X))
        if representative == "centroid":
            return cls(means + centre, y_means, *shared)
        if representative != "row":
            raise ValueError(f"representative is {representative!r}; give 'centroid' or 'row'")
        far = np.zeros(len(X))
        for rows in by_partition:
            scale = X[rows].std(axis=0) if rows.any() else np.ones(X.shape[1])
            far[rows] = ((inner[rows] / np.where(scale > 0, scale, 1)) ** 2).sum(axis=1)
        nearest = np.lexsort((far, cluster))[starts]
        chosen_y = None if y is None else np.asarray(y)[nearest]
        return cls(X[nearest], chosen_y, *shared, means=means + centre, y_means=y_means)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write an ``.npz`` file that :meth:`load` and ``numpy.load`` read, without pickle.

        Raises:
            FileExistsError: ``path`` exists and ``overwrite`` is false.
            ValueError: the name does not end in ``.npz``.
        """
        output = Path(path)
        if output.suffix.lower() != ".npz":
            raise ValueError(f"{output}: the name must end in .npz")
        check_output(output, overwrite=overwrite)
        arrays = {
            "condensed_table": np.array(_FORMAT),
            **{name: getattr(self, name) for name in ("X", "sample_weight", "partition")},
            **{name: getattr(self.scatter, name) for name in ("xx", "xy", "yy", "spread")},
            "columns": np.array(self.columns, np.str_),
            "n": np.array(self.n),
            **{
                name: np.asarray(getattr(self, name))
                for name in ("y", "means", "y_means", "classes", "target")
                if getattr(self, name) is not None
            },
        }
        with new_file(output) as stream:
            write_npz(stream, arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "CondensedTable":
        """Read what :meth:`save` wrote.

        Raises:
            SourceError: the file is damaged, or holds something else.
            OSError: it can't be read.
        """
        return read_npz(Path(path), "condensed_table", _FORMAT, cls._from_arrays)

    @classmethod
    def _from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> "CondensedTable":
        scatter = Scatter(*(arrays[name] for name in ("xx", "xy", "yy", "spread")))
        return cls(
            arrays["X"],
            arrays.get("y"),
            arrays["sample_weight"],
            arrays["partition"],
            scatter,
            arrays["columns"].tolist(),
            str(arrays["target"]) if "target" in arrays else None,
            int(arrays["n"]),
            arrays.get("means"),
            arrays.get("y_means"),
            arrays.get("classes"),
        )


def _set(table: CondensedTable, **values: Any) -> None:
    for name, value in values.items():
        object.__setattr__(table, name, value)

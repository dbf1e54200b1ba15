"""Condensing as scikit-learn has it: an object with settings and ``fit``.

In: arrays or frames. Out: a condensed table, or (X, y) with weights for a pipeline. Needs scikit-learn.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import missing_extra
from .condensed import CondensedTable
from .condensing import condense_arrays
from .target_kinds import as_core_wants
from .targets import text_of

try:
    from sklearn.base import BaseEstimator
    from sklearn.utils.multiclass import type_of_target
    from sklearn.utils.validation import validate_data
except ImportError as error:
    raise missing_extra("scikit-learn", "tabular") from error

__all__ = ["EntroGeDeCondenser"]


class EntroGeDeCondenser(BaseEstimator):
    """A few weighted rows that stand for all of them (paper, Algorithm 1, lines 3 to 8).

    Args:
        size, fraction, beta: how many: a number, a share of the rows, or the clusters of so many bits; one
            of the three, by default one hundredth, and at least one for each class.
        bits: ``"value"`` or ``"rank"``; see :meth:`dreamlearning.CompressedFile.condensed`.
        representative: ``"centroid"``, the mean of a cluster, or ``"row"``, the row nearest to it.
        classes: whether clusters are pure in y; ``None`` for text, bools, and integers of at most 100 values.
            ``False``: y is a mean, or the share of the second of two classes of text or bools.
        cluster_target: whether rows of a cluster resemble each other in y, too.

    Attributes:
        condensed_: the :class:`CondensedTable`.

    Example:
        >>> X = np.random.default_rng(0).normal(size=(1000, 3))
        >>> condenser = EntroGeDeCondenser(size=20)
        >>> X_c, y_c = condenser.fit_resample(X, X @ [1.0, 2.0, 3.0])
        >>> X_c.shape, float(condenser.sample_weight_.sum())
        ((20, 3), 1000.0)
    """

    def __init__(
        self,
        size: int | None = None,
        fraction: float | None = None,
        beta: int | None = None,
        *,
        bits: str = "value",
        representative: str = "centroid",
        classes: bool | None = None,
        cluster_target: bool = False,
    ) -> None:
        self.size = size
        self.fraction = fraction
        self.beta = beta
        self.bits = bits
        self.representative = representative
        self.classes = classes
        self.cluster_target = cluster_target

    def fit(self, X: Any, y: Any = None) -> "EntroGeDeCondenser":
        """Condense ``X``, shape (n, d), and ``y``, shape (n,) or ``None``.

        Raises:
            ValueError: a NaN, more condensed samples than different rows, or settings that contradict.
        """
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite=False)
        if y is not None:
            type_of_target(y, input_name="y", raise_unknown=True)
        names = getattr(self, "feature_names_in_", None)
        size = self.size
        if size is None and self.beta is None and self.fraction is None:
            size = max(round(0.01 * len(X)), self._num_classes(y), 1)
        self.condensed_: CondensedTable = condense_arrays(
            X,
            y,
            size=size,
            fraction=self.fraction,
            beta=self.beta,
            bits=self.bits,
            representative=self.representative,
            classes=self.classes,
            cluster_target=self.cluster_target,
            columns=names,
        )
        return self

    def _num_classes(self, y: Any) -> int:
        ids = None if y is None else as_core_wants(text_of(y), classes=self.classes).ids
        return 1 if ids is None else int(ids.max(initial=0)) + 1

    def fit_resample(self, X: Any, y: Any = None) -> tuple[NDArray[np.float64], NDArray[Any] | None]:
        """Condensed X, shape (m, d), and y, shape (m,); the weights are in :attr:`sample_weight_`."""
        self.fit(X, y)
        return self.condensed_.X, self.condensed_.y

    @property
    def sample_weight_(self) -> NDArray[np.float64]:
        """Rows of each cluster, shape (m,)."""
        return self.condensed_.sample_weight

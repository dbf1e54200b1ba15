"""The two bounds between which the objective of logistic regression over all rows lies.

In: a condensed table, or rows with weights. Out: :class:`Bounds`, L and U of :mod:`.logistic` as functions of
the parameters, and the certificate that follows; :class:`StandsFor`, by which the table's rows are known.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .certificate import Certificate
from .condensed import CondensedTable
from .likelihood import Likelihood, Minimum
from .moments import mean_of, varies
from .targets import TwoClasses

if TYPE_CHECKING:
    from .logistic import CondensedLogisticRegression

__all__ = ["Bounds", "StandsFor"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bounds:
    """L and U in columns that are centred and scaled, which changes neither; the intercept comes last."""

    lower: Likelihood
    upper: Likelihood
    centroids: Likelihood
    centre: Floats
    scale: Floats
    fit_intercept: bool

    @classmethod
    def of_table(
        cls,
        table: CondensedTable,
        target: Floats,
        pair: TwoClasses | None,
        model: "CondensedLogisticRegression",
    ) -> "Bounds":
        """Of a table with targets (m, K); ``pair`` are the classes where these are means."""
        xx, xy = table.scatter.xx.sum(axis=0), table.scatter.xy.sum(axis=0)
        xy = np.zeros_like(xy) if pair is None else xy / (pair.high - pair.low)
        return cls._make(table.centroids, target, table.sample_weight, xx, xy, model)

    @classmethod
    def of_rows(
        cls, X: Floats, target: Floats, weight: Floats, model: "CondensedLogisticRegression"
    ) -> "Bounds":
        """Of rows (m, d), which leave nothing out, with targets (m, K)."""
        d = X.shape[1]
        return cls._make(X, target, weight, np.zeros((d, d)), np.zeros(d), model)

    @classmethod
    def _make(
        cls,
        C: Floats,
        target: Floats,
        weight: Floats,
        xx: Floats,
        xy: Floats,
        model: "CondensedLogisticRegression",
    ) -> "Bounds":
        n = weight.sum()
        K = target.shape[1]
        has_intercept = bool(model.fit_intercept)
        mean = mean_of(C, weight)
        centre = mean if has_intercept else np.zeros_like(mean)
        scale = np.sqrt((weight @ (C - centre) ** 2 + np.diag(xx)) / n)
        used = varies(scale, mean)
        scale = np.where(used, scale, 1.0)
        Z = (C - centre) / scale * used
        d = Z.shape[1]
        q = d + has_intercept
        rows = np.column_stack([Z, np.ones(len(Z))]) if has_intercept else Z
        extra, ridge, inner = np.zeros((q, K)), np.zeros((q, q)), np.zeros((q, q))
        extra[:d, 0] = xy / scale / n * used
        ridge[:d, :d] = np.diag(model.alpha / scale**2)
        inner[:d, :d] = xx / np.outer(scale, scale) / n * np.outer(used, used)
        share = weight / n
        bound = 0.25 if K == 1 else 0.5
        return cls(
            Likelihood(rows, share, target, extra, ridge),
            Likelihood(rows, share, target, extra, ridge + bound * inner),
            Likelihood(rows, share, target, np.zeros((q, K)), ridge),
            centre,
            scale,
            has_intercept,
        )

    def to_columns(self, theta: Floats) -> tuple[Floats, Floats]:
        """``coef_`` (K, d) and ``intercept_`` (K,) in the table's own columns."""
        coef = (theta[: len(self.scale)] / self.scale[:, None]).T
        return coef, theta[-1] - coef @ self.centre if self.fit_intercept else np.zeros(len(coef))

    def from_columns(self, coef: Floats, intercept: Floats) -> Floats:
        """What :meth:`to_columns` made them from."""
        theta = (coef * self.scale).T
        return np.vstack([theta, intercept + coef @ self.centre]) if self.fit_intercept else theta

    def certificate(self, model: "CondensedLogisticRegression", best: Minimum | None, n: int) -> Certificate:
        """L and U at the fitted parameters, and what L's minimum says of F's.

        ``best`` is U's minimum, where that is what was fitted.
        """
        theta = self.from_columns(model.coef_, model.intercept_) if best is None else best.theta
        (low, low_rounding), (high, high_rounding) = self.lower.value(theta), self.upper.value(theta)
        low, high = max(low - low_rounding, 0.0), high + high_rounding
        floor = self.lower.minimum(theta, max_iter=100, tol=1e-14, floor=0.0).bound
        least = min(max(floor, 0.0), high)  # no loss is below zero
        return Certificate(low, high, least, high, high - least, "scatter", n)


@dataclass(frozen=True, eq=False)
class StandsFor:
    """By what the rows of a condensed table, and the objective over them, are known again."""

    n: int
    mean: Floats
    scale: Floats
    share: Floats
    alpha: float
    fit_intercept: bool

    @classmethod
    def of(cls, bounds: Bounds, model: "CondensedLogisticRegression", n: int) -> "StandsFor":
        """What is remembered of a fit."""
        J = bounds.lower
        d = len(bounds.scale)
        mean = bounds.centre + bounds.scale * (J.share @ J.Z[:, :d])
        return cls(n, mean, bounds.scale, J.share @ J.target, model.alpha, bool(model.fit_intercept))

    def same_as(self, sums: Any) -> bool:
        """Whether an ``OnePass`` had as many rows of weight one, the same means, and the same objective."""
        return (
            (sums.n, sums.alpha, sums.has_intercept) == (self.n, self.alpha, self.fit_intercept)
            and abs(sums.total - self.n) <= 1e-9 * self.n
            and bool((np.abs(sums.mean - self.mean) <= 1e-9 * (self.scale + np.abs(self.mean))).all())
            and bool((np.abs(sums.share - self.share) <= 1e-9).all())
        )

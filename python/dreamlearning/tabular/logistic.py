"""Logistic regression on condensed samples that minimises a bound of the full data's objective.

In: a condensed table, or rows with weights. Out: a fitted estimator. Over all rows it is about

    F(w, b) = 1/n sum_i (A(u_i) - y_i u_i) + alpha/2 |w|^2,      u_i = x_i w + b,   A(u) = log(1 + e^u)

with y in {0, 1} (several classes: softmax). Of the rows only the clusters' sizes n_k, means c_k and mean
targets are known, and the scatter S, s of rows about them. A is convex, its curvature at most 1/4 (softmax:
1/2), so

    L(w, b)  <=  F(w, b)  <=  U(w, b) = L(w, b) + 1/(8n) w^T S w       (softmax: 1/(4n))
    L(w, b)  =   1/n sum_k n_k (A(c_k w + b) - mean_y_k (c_k w + b)) - s w/n + alpha/2 |w|^2

(Jensen; Taylor about c_k, where the first-order term vanishes because c_k is the mean). U is what is
minimised.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import missing_extra
from .arguments import rows_to_fit, rows_to_predict, table_to_fit
from .certificate import Certificate
from .checks import check_number
from .condensed import CondensedTable
from .likelihood import Likelihood, Minimum, link

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.utils.multiclass import check_classification_targets
except ImportError as error:
    raise missing_extra("scikit-learn", "tabular") from error

__all__ = ["CondensedLogisticRegression", "StandsFor", "one_hot"]

Floats = NDArray[np.float64]


class CondensedLogisticRegression(ClassifierMixin, BaseEstimator):
    """Logistic regression on condensed samples, with two classes or several.

    Args:
        alpha: strength of the ridge, from 0: ``alpha/2 |w|^2`` beside the *mean* loss, as in
            ``SGDClassifier``. scikit-learn's ``LogisticRegression(C=C)`` on n rows is ``alpha=1/(C n)`` here.
        scatter: minimise the upper bound U, which knows how far rows are from their means. ``False``: the
            weighted representatives alone, as the paper has it, which is overconfident where each cluster has
            one class.
        fit_intercept: whether to fit b, which is never penalised; otherwise it is 0.
        classes: the two values ``(low, high)`` that the rows' target takes, needed for mean targets only
            where they are not (0, 1) or (-1, 1).
        max_iter: most Newton steps.
        tol: the steps end when one promises to lower the objective by less.

    Attributes:
        coef_, intercept_: float64 (1, d) and (1,) for two classes, (K, d) and (K,) for K.
        classes_: the classes (K,), sorted.
        certificate_: :class:`Certificate` after a fit on a condensed table; else ``None``, since plain
            rows do not say what they leave out.
        n_iter_: int32 (1,), Newton steps.
        n_features_in_: d.

    Source: paper, appendix D, with the scatter within clusters as an upper bound of the loss.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(2000, 2))
        >>> y = (X[:, 0] + rng.logistic(size=2000) > 0).astype(int)
        >>> table = CondensedTable.from_groups(X, y, groups=np.digitize(X[:, 0], [-1, 0, 1]) * 2 + y)
        >>> model = CondensedLogisticRegression().fit(table)
        >>> model.certificate_.lower <= model.certificate_.upper
        True
    """

    certificate_: Certificate | None

    def __init__(
        self,
        alpha: float = 1e-4,
        scatter: bool = True,  # noqa: FBT001, FBT002 - as scikit-learn has it
        fit_intercept: bool = True,  # noqa: FBT001, FBT002
        classes: tuple[Any, Any] | None = None,
        max_iter: int = 100,
        tol: float = 1e-12,
    ) -> None:
        self.alpha = alpha
        self.scatter = scatter
        self.fit_intercept = fit_intercept
        self.classes = classes
        self.max_iter = max_iter
        self.tol = tol

    def fit(
        self,
        X: CondensedTable | ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> "CondensedLogisticRegression":
        """Fit on a condensed table, ``fit(table)``, or on rows (n, d), classes (n,) and weights (n,).

        O(m d^2) a Newton step for m clusters or rows (times K^2 for K > 2 classes).

        Raises:
            ValueError: a NaN, wrong shapes, negative weights or none above zero, fewer than two classes, a
                table without a target or with targets that are not those of two classes.
        """
        check_number("alpha", self.alpha)
        check_number("tol", self.tol)
        check_number("max_iter", self.max_iter, positive=True)
        if isinstance(X, CondensedTable):
            means = table_to_fit(self, X, y, sample_weight)
            self.classes_ = _classes_of(X, means, self.classes)
            bounds = _Bounds.of_table(X, shares_of(means, self.classes_), self)
            if self.scatter:
                best = self._minimise(bounds, bounds.upper)
            elif X.means is None:
                best = self._minimise(bounds, bounds.centroids)
            else:
                given = _Bounds.of_rows(X.X, shares_of(X.y, self.classes_), X.sample_weight, self)
                best = self._minimise(given, given.upper)
            self.certificate_ = bounds.certificate(self, best if self.scatter else None, X.n)
            self._stands_for = StandsFor.of(bounds, self, X.n)
        else:
            self._stands_for = None
            rows, labels, weight = rows_to_fit(self, X, y, sample_weight, numbers=False)
            check_classification_targets(labels)
            self.classes_ = np.unique(labels)
            bounds = _Bounds.of_rows(rows, one_hot(labels, self.classes_), weight, self)
            self._minimise(bounds, bounds.upper)
            self.certificate_ = None
        return self

    def _minimise(self, bounds: "_Bounds", objective: Likelihood) -> Minimum:
        start = np.zeros(objective.extra.shape)
        best = objective.minimum(start, max_iter=int(self.max_iter), tol=self.tol)
        if not best.converged:
            warnings.warn(
                f"no minimum after {best.iterations} Newton steps; raise max_iter, or, where the classes can "
                "be separated, alpha",
                ConvergenceWarning,
                stacklevel=3,
            )
        self.n_iter_ = np.array([best.iterations], np.int32)
        self.coef_, self.intercept_ = bounds.to_columns(best.theta)
        return best

    def decision_function(self, X: Any) -> Floats:
        """``X w + b``: (n,) for two classes, above zero for ``classes_[1]``; (n, K) for K."""
        u = rows_to_predict(self, X) @ self.coef_.T + self.intercept_
        return u[:, 0] if u.shape[1] == 1 else u

    def predict_proba(self, X: Any) -> Floats:
        """Probability of each class, float64 (n, K), in the order of ``classes_``."""
        u = self.decision_function(X)
        if u.ndim == 2:
            return link(u)[1]
        return np.column_stack([link(-u[:, None])[1], link(u[:, None])[1]])

    def predict_log_proba(self, X: Any) -> Floats:
        """Logarithms of :meth:`predict_proba`."""
        u = self.decision_function(X)
        if u.ndim == 2:
            return u - link(u)[0][:, None]
        return -np.column_stack([link(u[:, None])[0], link(-u[:, None])[0]])

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each row (n,)."""
        u = self.decision_function(X)
        return self.classes_[u.argmax(axis=1) if u.ndim == 2 else (u > 0).astype(np.intp)]


@dataclass(frozen=True, eq=False)
class _Bounds:
    """L and U in columns that are centred and scaled, which changes neither; the intercept comes last."""

    lower: Likelihood
    upper: Likelihood
    centroids: Likelihood
    centre: Floats
    scale: Floats
    fit_intercept: bool

    @classmethod
    def of_table(cls, table: CondensedTable, target: Floats, model: CondensedLogisticRegression) -> "_Bounds":
        K = target.shape[1]
        low, high = model.classes_[[0, -1]] if K == 1 else (0, 1)
        mixed = _is_mixed(table)
        xy = table.scatter.xy.sum(axis=0) / float(high - low) if mixed else np.zeros(len(table.columns))
        return cls._make(
            table.centroids, target, table.sample_weight, table.scatter.xx.sum(axis=0), xy, model
        )

    @classmethod
    def of_rows(
        cls, X: Floats, target: Floats, weight: Floats, model: CondensedLogisticRegression
    ) -> "_Bounds":
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
        model: CondensedLogisticRegression,
    ) -> "_Bounds":
        n = weight.sum()
        K = target.shape[1]
        has_intercept = bool(model.fit_intercept)
        mean = weight @ C / n
        centre = mean if has_intercept else np.zeros_like(mean)
        scale = np.sqrt((weight @ (C - centre) ** 2 + np.diag(xx)) / n)
        varies = scale > 1e-13 * np.abs(mean)  # else what is left of the column is rounding
        scale = np.where(varies, scale, 1.0)
        Z = (C - centre) / scale * varies
        d = Z.shape[1]
        q = d + has_intercept
        rows = np.column_stack([Z, np.ones(len(Z))]) if has_intercept else Z
        extra, ridge, inner = np.zeros((q, K)), np.zeros((q, q)), np.zeros((q, q))
        extra[:d, 0] = xy / scale / n * varies
        ridge[:d, :d] = np.diag(model.alpha / scale**2)
        inner[:d, :d] = xx / np.outer(scale, scale) / n * np.outer(varies, varies)
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

    def certificate(self, model: CondensedLogisticRegression, best: Minimum | None, n: int) -> Certificate:
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
    def of(cls, bounds: _Bounds, model: CondensedLogisticRegression, n: int) -> "StandsFor":
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


def shares_of(y: NDArray[Any], classes: NDArray[Any]) -> Floats:
    """Targets of clusters: of classes as :func:`one_hot`; of mean targets the second class's part (m, 1)."""
    if len(classes) == 2 and y.dtype.kind == "f":
        low, high = float(classes[0]), float(classes[1])
        return ((y - low) / (high - low))[:, None]
    return one_hot(y, classes)


def _is_mixed(table: CondensedTable) -> bool:
    """Whether clusters hold rows of several classes, so that their targets are means."""
    return bool(table.scatter.yy.any())


def _classes_of(table: CondensedTable, means: NDArray[Any], given: tuple[Any, Any] | None) -> NDArray[Any]:
    """The classes of the rows of ``table``.

    Of mean targets only two values a and b are consistent with the scatter of the target, which is then
    ``sum_k n_k (mean_k - a)(b - mean_k)``.
    """
    if not _is_mixed(table) and given is None:
        if means.dtype.kind == "f":
            check_classification_targets(means)
            if np.array_equal(means, np.round(means)):
                return np.unique(means).astype(np.int64)
        return np.unique(means)
    if means.dtype.kind == "U":
        raise ValueError("classes is for mean targets; the condensed table has text as target")
    means = means.astype(np.float64)
    for a, b in [(0, 1), (-1, 1)] if given is None else [given]:
        inside = means.min() >= a and means.max() <= b
        expected = table.sample_weight @ ((means - a) * (b - means))
        if a < b and inside and np.isclose(expected, table.scatter.yy.sum(), rtol=1e-6, atol=1e-9 * table.n):
            return np.array([a, b])
    raise ValueError(
        "the mean targets are not those of two classes "
        + ("(0, 1) or (-1, 1); give classes=(low, high)" if given is None else f"{given!r}")
        + ", or cluster each class on its own (several classes always need that)"
    )

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
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import missing_extra
from .arguments import rows_to_fit, rows_to_predict, table_to_fit
from .bounds import Bounds, StandsFor
from .certificate import Certificate
from .checks import check_number
from .condensed import CondensedTable
from .likelihood import Likelihood, Minimum, link
from .targets import is_mixed, one_hot, two_classes

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.utils.multiclass import check_classification_targets
except ImportError as error:
    raise missing_extra("scikit-learn", "tabular") from error

__all__ = ["CondensedLogisticRegression"]

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
            pair = two_classes(X, self.classes) if is_mixed(X) or self.classes is not None else None
            self.classes_ = _pure_classes(means) if pair is None else pair.names

            def target(y: NDArray[Any]) -> Floats:
                return one_hot(y, self.classes_) if pair is None else pair.shares(y)[:, None]

            bounds = Bounds.of_table(X, target(means), pair, self)
            if self.scatter:
                best = self._minimise(bounds, bounds.upper)
            elif X.y is None or X.means is None:
                best = self._minimise(bounds, bounds.centroids)
            else:
                given = Bounds.of_rows(X.X, target(X.y), X.sample_weight, self)
                best = self._minimise(given, given.upper)
            self.certificate_ = bounds.certificate(self, best if self.scatter else None, X.n)
            self._stands_for = StandsFor.of(bounds, self, X.n)
        else:
            self._stands_for = None
            rows, labels, weight = rows_to_fit(self, X, y, sample_weight, numbers=False)
            check_classification_targets(labels)
            self.classes_ = np.unique(labels)
            bounds = Bounds.of_rows(rows, one_hot(labels, self.classes_), weight, self)
            self._minimise(bounds, bounds.upper)
            self.certificate_ = None
        return self

    def _minimise(self, bounds: Bounds, objective: Likelihood) -> Minimum:
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


def _pure_classes(classes: NDArray[Any]) -> NDArray[Any]:
    """The distinct classes of clusters that have one each; whole floats are integers."""
    if classes.dtype.kind == "f":
        check_classification_targets(classes)
        if np.array_equal(classes, np.round(classes)):
            classes = classes.astype(np.int64)
    return np.unique(classes)

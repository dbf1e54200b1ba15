"""Linear regression on condensed samples: exact, as the paper has it, or by gradient descent.

In: a condensed table, or rows with weights. Out: a fitted estimator that minimises, over all rows,

    F(w, b) = 1/(2n) sum_i (x_i w + b - y_i)^2 + alpha/2 |w|^2

exactly or nearly, and says in ``certificate_`` how nearly. The intercept b is never penalised.
"""

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import missing_extra
from .arguments import rows_to_fit, rows_to_predict, table_to_fit
from .certificate import Certificate
from .checks import check_number
from .condensed import CondensedTable
from .moments import Moments, drop_constant

try:
    from sklearn.base import BaseEstimator, RegressorMixin
    from sklearn.exceptions import ConvergenceWarning
except ImportError as error:
    raise missing_extra("scikit-learn", "tabular") from error

__all__ = ["CondensedLinearRegression"]

Floats = NDArray[np.float64]

_SOLVERS = ("exact", "closed_form", "gradient_descent")


class CondensedLinearRegression(RegressorMixin, BaseEstimator):
    """Least squares or ridge regression on condensed samples.

    Args:
        alpha: strength of the ridge, from 0: ``alpha/2 |w|^2`` beside the *mean* of ``(x w + b - y)^2 / 2``.
            scikit-learn's ``Ridge(alpha=a)`` on n rows is ``alpha=a/n`` here.
        fit_intercept: whether to fit b; otherwise it is 0, as in the paper's formulas.
        solver: ``"exact"``, the solution of the full data, from means, weights and scatter;
            ``"closed_form"``, the paper's Eq. 11, from representatives and weights alone;
            ``"gradient_descent"``, Eq. 5 and 9 on the same, with standardised columns and the step 1/L (L:
            largest eigenvalue of the Hessian).
        max_iter: most steps of gradient descent.
        tol: gradient descent ends when no component of the gradient is above ``tol`` times the largest of
            the first.

    Attributes:
        coef_: float64 (d,).
        intercept_: float.
        certificate_: :class:`Certificate`, exact, after a fit on a condensed table; else ``None``, since
            plain rows do not say what they leave out.
        n_iter_: steps of gradient descent; 1 for the other solvers.
        n_features_in_: d.

    Source: paper, Eq. 4, 5, 9 to 11; ``"exact"`` adds the scatter within clusters to Eq. 11.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(500, 2))
        >>> y = 3 * X[:, 0] - X[:, 1] + rng.normal(size=500)
        >>> table = CondensedTable.from_groups(X, y, groups=np.arange(500) % 10)
        >>> exact = CondensedLinearRegression().fit(table)
        >>> exact.certificate_.gap
        0.0
        >>> CondensedLinearRegression(solver="closed_form").fit(table).certificate_.gap > 0
        True
    """

    certificate_: Certificate | None

    def __init__(
        self,
        alpha: float = 0.0,
        fit_intercept: bool = True,  # noqa: FBT001, FBT002 - as scikit-learn has it
        solver: str = "exact",
        max_iter: int = 10_000,
        tol: float = 1e-8,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol

    def fit(
        self,
        X: CondensedTable | ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> "CondensedLinearRegression":
        """Fit on a condensed table, ``fit(table)``, or on rows (n, d), targets (n,) and weights (n,).

        O(m d^2) for m clusters or rows.

        Raises:
            ValueError: a NaN, wrong shapes, negative weights or none above zero, an unknown solver, a table
                without a target or with text as target.
        """
        check_number("alpha", self.alpha)
        if self.solver not in _SOLVERS:
            raise ValueError(f"solver is {self.solver!r}; give one of {', '.join(map(repr, _SOLVERS))}")
        full = None
        if isinstance(X, CondensedTable):
            means = _numbers(table_to_fit(self, X, y, sample_weight))
            full = Moments.from_table(X, means)
            given = Moments.from_rows(X.X, _numbers(X.y), X.sample_weight) if self.solver != "exact" else full
        else:
            given = Moments.from_rows(*rows_to_fit(self, X, y, sample_weight, numbers=True))
        self.n_iter_ = 1
        if self.solver == "gradient_descent":
            self.coef_, self.intercept_ = self._descend(given)
        else:
            self.coef_, self.intercept_ = given.solve(self.alpha, fit_intercept=self.fit_intercept)
        self.certificate_ = None if full is None else certificate_of(self, full, "moments")
        return self

    def _descend(self, moments: Moments) -> tuple[Floats, float]:
        """Eq. 9 in standardised columns; the sum over samples is folded into the moments once."""
        check_number("max_iter", self.max_iter, positive=True)
        check_number("tol", self.tol)
        A, c, _ = moments.products(centred=self.fit_intercept)
        scale = drop_constant(moments, A) / np.sqrt(moments.n)
        unit = np.where(scale > 0, scale, 1.0)
        H = A / np.outer(unit, unit) / moments.n + np.diag(self.alpha / unit**2)
        downhill = np.where(scale > 0, c / unit / moments.n, 0.0)
        H[scale == 0] = H[:, scale == 0] = 0
        step = 1 / max(float(np.linalg.eigvalsh(H)[-1]), np.finfo(float).tiny)
        enough = self.tol * np.abs(downhill).max(initial=0)
        v = np.zeros(len(H))
        for steps in range(1, int(self.max_iter) + 1):
            self.n_iter_ = steps
            gradient = H @ v - downhill
            if np.abs(gradient).max(initial=0) <= enough:
                break
            v -= step * gradient
        else:
            warnings.warn(
                f"gradient descent did not converge in {self.max_iter} steps; raise max_iter, or use "
                "solver='closed_form'",
                ConvergenceWarning,
                stacklevel=3,
            )
        w = v / unit
        return w, float(moments.y_mean - moments.x_mean @ w) if self.fit_intercept else 0.0

    def predict(self, X: Any) -> Floats:
        """``X w + b``, float64 (n,), for rows (n, d)."""
        return rows_to_predict(self, X) @ self.coef_ + self.intercept_


def certificate_of(estimator: CondensedLinearRegression, full: Moments, method: str) -> Certificate:
    """The certificate where the moments of all rows are known: F and F* within rounding, by which a gap that
    is not zero is widened."""
    at = (estimator.coef_, estimator.intercept_, estimator.alpha)
    value = full.objective(*at, fit_intercept=estimator.fit_intercept)
    gap = full.excess(*at, fit_intercept=estimator.fit_intercept)
    of_sums, of_means = full.rounding(*at, fit_intercept=estimator.fit_intercept)
    rounding = of_sums + of_means
    low, high = max(value - rounding, 0.0), value + rounding
    least = max(value - gap - rounding, 0.0), value - gap + rounding
    return Certificate(low, high, *least, gap + of_sums if gap else 0.0, method, round(full.n))


def _numbers(y: NDArray[Any] | None) -> Floats:
    if y is None or y.dtype.kind == "U":
        raise ValueError(
            "the target is text; regression needs numbers, CondensedLogisticRegression takes text"
        )
    return y.astype(np.float64)

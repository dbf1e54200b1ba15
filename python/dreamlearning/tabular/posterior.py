"""Certificates from the rows themselves: one exact pass over all of them, and one Newton step.

In: a fitted estimator, and the rows as arrays or batches. Out: a :class:`Certificate` about it, or an
improved copy with its own.
"""

import copy
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import missing_extra
from .certificate import Certificate
from .checks import check_finite, check_weights
from .condensed import CondensedTable
from .linear import CondensedLinearRegression, certificate_of
from .logistic import CondensedLogisticRegression
from .moments import Moments
from .onepass import OnePass
from .targets import one_hot

try:
    from sklearn.utils.validation import check_is_fitted
except ImportError as error:
    raise missing_extra("scikit-learn", "tabular") from error

__all__ = ["certify", "refine"]

Floats = NDArray[np.float64]
Estimator = CondensedLinearRegression | CondensedLogisticRegression


def certify(estimator: Estimator, X: Any, y: Any = None, sample_weight: Any = None) -> Certificate:
    """How far a fitted estimator is from the optimum on these rows, from one exact pass over them.

    For linear regression F and F* are known exactly. For logistic regression F is exact, and the gap is at
    most the least of these: ``|g|^2 / (2 alpha)``; ``g^T H^{-1} g / (2 (1 - r))``, where g and H are gradient
    and Hessian of F at the fitted parameters and r bounds the change of any row's output by the Newton step
    ``H^{-1} g``; F itself; and, if these are the rows that the estimator's condensed table stands for, F
    minus the lower bound that the fit found. The second needs neither a ridge nor a penalised intercept and
    is nearly the truth close to the optimum, as after :func:`refine`.

    Args:
        estimator: a fitted estimator of this package.
        X: rows (n, d) beside ``y`` (n,) and ``sample_weight`` (n,) or ``None``; or, alone, an iterable of
            batches ``(X, y)`` or ``(X, y, sample_weight)``.
        y, sample_weight: see ``X``.

    Raises:
        TypeError: another kind of estimator, or a condensed table instead of rows.
        NotFittedError: it is not fitted.
        ValueError: no rows, wrong shapes, a NaN, a class that the fit did not see; the message names the row.

    Example:
        >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), [0, 1, 0, 1]
        >>> model = CondensedLogisticRegression(alpha=0.1).fit(X, y)
        >>> certify(model, X, y).gap < 1e-12
        True
    """
    return _certificate(estimator, _look(estimator, X, y, sample_weight))


def refine(estimator: Estimator, X: Any, y: Any = None, sample_weight: Any = None) -> Estimator:
    """A copy after one exact Newton step on these rows, with a new ``certificate_``.

    One pass finds the step, a second what it proves at the new place (as :func:`certify`); where F rose, the
    step is halved, with one more pass each time. For linear regression one pass is all, and the result is the
    solution of the full data. Close to the optimum a step squares the distance: call it again for more
    digits.

    Args and errors: as :func:`certify`, and, for logistic regression, a ``TypeError`` for batches that can be
    read only once.

    Example:
        >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), [0.0, 1.0, 1.5, 3.0]
        >>> start = CondensedLinearRegression().fit(X[:2], y[:2])
        >>> better = refine(start, X, y)
        >>> float(better.coef_[0].round(9)), better.certificate_.gap
        (0.95, 0.0)
    """
    if y is None and isinstance(estimator, CondensedLogisticRegression) and iter(X) is X:
        raise TypeError(
            "the batches can be read only once; give a list of them, or an object that begins anew"
        )
    sums = _look(estimator, X, y, sample_weight)
    refined = copy.deepcopy(estimator)
    if isinstance(sums, Moments):
        refined.coef_, refined.intercept_ = sums.solve(refined.alpha, fit_intercept=refined.fit_intercept)
        refined.certificate_ = _certificate(refined, sums)
        return refined
    before = _certificate(estimator, sums)
    refined.certificate_ = before
    if refined._stands_for is not None and not refined._stands_for.same_as(sums):
        refined._stands_for = None  # the new certificate is about other rows than the table's
    step = np.zeros_like(sums.theta) if sums.better is None else sums.better - sums.theta
    for length in (*0.5 ** np.arange(10.0), 0.0):
        theta = sums.theta + length * step
        refined.coef_ = np.ascontiguousarray(theta[: refined.n_features_in_].T)
        refined.intercept_ = theta[-1].copy() if refined.fit_intercept else np.zeros(theta.shape[1])
        refined.certificate_ = _certificate(refined, _look(refined, X, y, sample_weight))
        if refined.certificate_.lower <= before.upper:
            break
    return refined


def _certificate(estimator: Estimator, sums: Moments | OnePass) -> Certificate:
    if isinstance(sums, Moments):
        return certificate_of(estimator, sums, "pass")
    least = sums.least
    known = estimator._stands_for
    if known is not None and known.same_as(sums):
        least = max(least, estimator.certificate_.optimum_lower)
    low, high = max(sums.value - sums.rounding, 0.0), sums.value + sums.rounding
    least = min(least, high)
    return Certificate(low, high, least, high, high - least, "pass", sums.n)


def _look(estimator: Estimator, X: Any, y: Any, sample_weight: Any) -> Moments | OnePass:
    """The pass: sums over all rows."""
    if not isinstance(estimator, (CondensedLinearRegression, CondensedLogisticRegression)):
        raise TypeError(
            f"estimator is a {type(estimator).__name__}; give a fitted estimator of dreamlearning.tabular"
        )
    check_is_fitted(estimator)
    if isinstance(X, CondensedTable):
        raise TypeError("a condensed table is no rows; what it proves is in certificate_")
    batches = X if y is None else [(X, y) if sample_weight is None else (X, y, sample_weight)]
    if isinstance(estimator, CondensedLinearRegression):
        moments = None
        for rows, target, weight, start in _checked(estimator, batches):
            target = np.asarray(target, np.float64)
            check_finite(target, "y", start=start)
            part = Moments.from_rows(rows, target, weight)
            moments = part if moments is None else moments + part
        if moments is None:
            raise ValueError("there are no rows: the batches are empty, or every weight is zero")
        return moments
    coef, intercept = estimator.coef_.T, estimator.intercept_
    theta = np.vstack([coef, intercept]) if estimator.fit_intercept else coef
    sums = OnePass(theta, estimator.alpha, has_intercept=bool(estimator.fit_intercept))
    for rows, labels, weight, start in _checked(estimator, batches):
        sums.add(rows, one_hot(np.asarray(labels), estimator.classes_, start), weight)
    sums.finish()
    return sums


def _checked(estimator: Estimator, batches: Iterable[Any]) -> Iterator[tuple[Floats, Any, Floats, int]]:
    """The batches as (rows, targets, weights, number of the first row)."""
    start = 0
    for batch in batches:
        if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3):
            raise ValueError(
                f"the batch at row {start} is no pair (X, y); give y beside X, or batches of both"
            )
        rows = np.asarray(batch[0], np.float64)
        n = len(rows)
        if rows.ndim != 2 or rows.shape[1] != estimator.n_features_in_ or np.shape(batch[1]) != (n,):
            raise ValueError(
                f"the batch at row {start} has shapes {rows.shape} and {np.shape(batch[1])}; give rows of "
                f"{estimator.n_features_in_} columns and as many targets"
            )
        check_finite(rows, "X", getattr(estimator, "columns_", None), start)
        weight = np.ones(n) if len(batch) == 2 else np.asarray(batch[2], np.float64)
        if weight.shape != (n,):
            raise ValueError(f"the batch at row {start} has weights of shape {weight.shape}; give ({n},)")
        check_weights(weight, start)
        if weight.any():
            yield rows, batch[1], weight, start
        start += n

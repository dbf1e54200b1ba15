"""What the tests of learning share: clusters by leading bits, the objective in plain NumPy."""

import numpy as np
from dreamlearning.tabular import CondensedLinearRegression, cells

# Rounding of F itself, which is of order one here.
SLACK = 1e-12


def clusters(X, bits, y=None):
    """Clusters of rows whose most significant bits agree, of one class where ``y`` is given."""
    keys = cells(X, bits) if y is None else np.column_stack([cells(X, bits), y])
    return np.unique(keys, axis=0, return_inverse=True)[1].ravel()


def objective(model, X, y):
    """F in plain NumPy, on all rows."""
    y = np.asarray(y)
    u = X @ np.atleast_2d(model.coef_).T + model.intercept_
    penalty = model.alpha / 2 * (model.coef_**2).sum()
    if isinstance(model, CondensedLinearRegression):
        return ((u[:, 0] - y) ** 2).mean() / 2 + penalty
    if len(model.classes_) == 2:
        return np.logaddexp(0, np.where(y == model.classes_[1], -1, 1) * u[:, 0]).mean() + penalty
    chosen = u[np.arange(len(y)), np.searchsorted(model.classes_, y)]
    return (np.logaddexp.reduce(u, axis=1) - chosen).mean() + penalty


def holds(certificate, value, best, slack=SLACK):
    assert certificate.lower - slack <= value <= certificate.upper + slack
    assert certificate.optimum_lower - slack <= best <= certificate.optimum_upper + slack
    assert value - best <= certificate.gap + slack

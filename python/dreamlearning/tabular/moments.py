"""Sums of squares and products of a table, and the least squares that follow from them.

In: weighted rows, a condensed table, or two moments. Out: :class:`Moments`; the minimiser of

    F(w, b) = 1/(2n) sum_i (x_i w + b - y_i)^2 + alpha/2 |w|^2        (paper, Eq. 2, plus a ridge)

which depends on the rows through the moments alone (Eq. 10), and F itself.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .condensed import CondensedTable

__all__ = ["Moments", "drop_constant", "mean_of", "solve_symmetric", "varies"]

Floats = NDArray[np.float64]

# Below this part of its own mean a column's standard deviation is the rounding of its means.
_CONSTANT = 4 * float(np.finfo(np.float64).eps)
# A sum of many terms is off by this part of the sum of their absolute values at most, or nearly always.
_ROUNDING = 64 * float(np.finfo(np.float64).eps)
# What a mean, and a product with it, are off by.
_OF_MEANS = 8 * float(np.finfo(np.float64).eps)
# Directions with less than this part of the largest eigenvalue count as absent (after scaling columns).
_SINGULAR = 1e-13


@dataclass(frozen=True, eq=False)
class Moments:
    """Weight, means, and weighted sums of products about the means.

    Attributes:
        n: the sum of the weights.
        x_mean, y_mean: float64 (d,) and a number.
        xx, xy, yy: float64 (d, d), (d,), and a number: sums of ``(x - x_mean)(x - x_mean)^T`` and so on.
    """

    n: float
    x_mean: Floats
    y_mean: float
    xx: Floats
    xy: Floats
    yy: float

    @classmethod
    def from_rows(cls, X: Floats, y: Floats, weight: Floats) -> "Moments":
        """Of rows (m, d), targets (m,) and weights (m,); O(m d^2)."""
        n = weight.sum()
        x_mean, y_mean = mean_of(X, weight), float(mean_of(y, weight))
        root = np.sqrt(weight)
        A, c = (X - x_mean) * root[:, None], (y - y_mean) * root
        return cls(float(n), x_mean, y_mean, A.T @ A, A.T @ c, float(c @ c))

    @classmethod
    def from_table(cls, table: CondensedTable, y: Floats) -> "Moments":
        """Of *all* rows that ``table`` stands for, exactly; ``y`` are its mean targets as numbers (m,)."""
        between = cls.from_rows(table.centroids, y, table.sample_weight)
        within = table.scatter
        return cls(
            between.n,
            between.x_mean,
            between.y_mean,
            between.xx + within.xx.sum(axis=0),
            between.xy + within.xy.sum(axis=0),
            between.yy + float(within.yy.sum()),
        )

    def __add__(self, other: "Moments") -> "Moments":
        """Of the rows of both."""
        n = self.n + other.n
        dx, dy = other.x_mean - self.x_mean, other.y_mean - self.y_mean
        part = other.n / n
        lift = self.n * part
        return Moments(
            n,
            self.x_mean + part * dx,
            self.y_mean + part * dy,
            self.xx + other.xx + lift * np.outer(dx, dx),
            self.xy + other.xy + lift * dx * dy,
            self.yy + other.yy + lift * dy * dy,
        )

    def products(self, *, centred: bool) -> tuple[Floats, Floats, float]:
        """``(xx, xy, yy)`` about the means, or (``centred=False``) about zero."""
        if centred:
            return self.xx, self.xy, self.yy
        return (
            self.xx + self.n * np.outer(self.x_mean, self.x_mean),
            self.xy + self.n * self.y_mean * self.x_mean,
            self.yy + self.n * self.y_mean**2,
        )

    def solve(self, alpha: float, *, fit_intercept: bool) -> tuple[Floats, float]:
        """The coefficients (d,) and intercept that minimise F; the shortest where several do.

        Columns are scaled to one before anything is factored, so units do not matter.
        """
        A, c, _ = self.products(centred=fit_intercept)
        scale = drop_constant(self, A)
        used = scale > 0
        # With the ridge in it: what it adds to a small column must not make the others look absent.
        unit = np.hypot(np.where(used, scale, 1.0), np.sqrt(alpha * self.n))
        G = A / np.outer(unit, unit) * np.outer(used, used)
        ridge = alpha * self.n / unit**2
        v, null = solve_symmetric(G + np.diag(ridge), c / unit * used)
        w = v / unit
        if alpha == 0 and null.shape[1]:
            # What rounding leaves of columns that have no part in it would be large in their units.
            N = np.where(np.abs(null) > _SINGULAR, null, 0.0) / unit[:, None]
            w = w - N @ np.linalg.lstsq(N, w, rcond=None)[0]
        return w, float(self.y_mean - self.x_mean @ w) if fit_intercept else 0.0

    def objective(self, w: Floats, b: float, alpha: float, *, fit_intercept: bool) -> float:
        """F at any ``w`` and ``b``."""
        A, c, yy = self.products(centred=fit_intercept)
        shift = self.y_mean - self.x_mean @ w - b if fit_intercept else 0.0
        squares = max(yy - 2 * (w @ c) + w @ A @ w, 0.0)
        return float(squares / (2 * self.n) + shift**2 / 2 + alpha * (w @ w) / 2)

    def rounding(self, w: Floats, b: float, alpha: float, *, fit_intercept: bool) -> tuple[float, float]:
        """What the last digits of :meth:`objective` may be off because of the sums that it is made of, and
        because of the means, which differences of objectives do not notice."""
        A, c, yy = (np.abs(part) for part in self.products(centred=fit_intercept))
        # Means are rounded like any number, and move each row's residual by that.
        residual = np.sqrt(2 * self.objective(w, b, alpha, fit_intercept=fit_intercept))
        w = np.abs(w)
        squares = (yy + 2 * (w @ c) + w @ A @ w) / (2 * self.n)
        of_means = _OF_MEANS * (abs(self.y_mean) + np.abs(self.x_mean) @ w + abs(b))
        of_square = residual * of_means + of_means**2 / 2
        return float(_ROUNDING * (squares + alpha * (w @ w) / 2)), float(of_square)

    def excess(self, w: Floats, b: float, alpha: float, *, fit_intercept: bool) -> float:
        """F at ``w`` and ``b`` minus its minimum, without the cancellation of two objectives."""
        A, _, _ = self.products(centred=fit_intercept)
        best, _ = self.solve(alpha, fit_intercept=fit_intercept)
        shift = self.y_mean - self.x_mean @ w - b if fit_intercept else 0.0
        step = w - best
        return float((step @ A @ step / self.n + alpha * (step @ step) + shift**2) / 2)


def mean_of(values: Floats, weight: Floats) -> Floats:
    """The weighted mean over the first axis, exactly the value of a column that stands still."""
    n = weight.sum()
    mean = weight @ values / n
    return mean + weight @ (values - mean) / n  # the sum of numbers far from zero has been rounded


def varies(scale: Floats, mean: Floats) -> NDArray[np.bool_]:
    """Whether columns of standard deviation ``scale`` (d,) and ``mean`` (d,) are more than rounding."""
    return scale > _CONSTANT * np.abs(mean)


def drop_constant(moments: Moments, A: Floats) -> Floats:
    """The scale of each column, the root of the diagonal of ``A``; zero where it is nothing but rounding."""
    scale = np.sqrt(np.maximum(np.diag(A), 0))
    return np.where(varies(scale / np.sqrt(moments.n), moments.x_mean), scale, 0.0)


def solve_symmetric(H: Floats, g: Floats) -> tuple[Floats, Floats]:
    """The shortest x with ``H x = g`` for a positive semidefinite H (q, q), and H's null space (q, k)."""
    values, vectors = np.linalg.eigh(H)
    kept = values > _SINGULAR * max(float(values[-1]) if len(values) else 0.0, np.finfo(float).tiny)
    V = vectors[:, kept]
    return V @ ((V.T @ g) / values[kept]), vectors[:, ~kept]

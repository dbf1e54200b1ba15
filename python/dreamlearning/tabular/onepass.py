"""What one pass over the rows proves about logistic regression at fixed parameters.

In: batches of rows, at parameters theta. Out: F there, a lower bound of its minimum F*, and a Newton step.

The lower bound is the best of three: F* is not below zero; ``|gradient|^2 / (2 alpha)`` below F where there
is a ridge; and :func:`~dreamlearning.tabular.likelihood.gap_at`, which is far sharper but asks that the
Newton step moves no row's output by 1 or more. Far rows would spoil that, so rows are sorted into shells by
their length: with the near rows' curvature alone the bound stays valid, only weaker. Length is ``|z|_M =
sqrt(z^T M^{-1} z)`` with a fixed M, so that ``|z step| <= |z|_M |step|_M`` for any step, which is not known
before the pass is over.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .likelihood import curvature, gap_at, link, newton_step

__all__ = ["OnePass"]

Floats = NDArray[np.float64]

# Upper edges of the shells, in units of the typical length sqrt(q / curvature); the last has none.
_EDGES = 2.0 ** np.arange(-2.0, 6.5, 0.5)


class OnePass:
    """Sums over rows at ``theta`` (q, K), whose last row is the intercept where there is one.

    Attributes (after :meth:`finish`):
        n, total: rows, and their weight.
        mean, share: weighted means of the columns (d,) and of the targets (K,).
        value: F at theta, ``rounding`` what its last digits may be off.
        least: F* is at least this.
        better: parameters after a Newton step (q, K), or ``None`` where the Hessian has no inverse.
    """

    def __init__(self, theta: Floats, alpha: float, *, has_intercept: bool) -> None:
        self.theta, self.alpha, self.has_intercept = theta, alpha, has_intercept
        self.n, self.total = 0, 0.0
        self._sums: dict[str, Any] = {}

    def add(self, rows: Floats, target: Floats, weight: Floats) -> None:
        """Add rows (k, d), targets (k, K) and weights (k,)."""
        d = rows.shape[1]
        u = rows @ self.theta[:d] + (self.theta[d] if self.has_intercept else 0)
        A, P = link(u)
        if self.n == 0:
            self._prepare(rows, P)
        Z = self._design(rows)
        fit = (target * u).sum(axis=1)
        per_row = weight[:, None]
        for name, part in {
            "loss": weight @ (A - fit),
            "size": weight @ (np.abs(A) + np.abs(fit)),
            "conjugate": weight @ ((P * u).sum(axis=1) - A),
            "z": weight @ Z,
            "p": weight @ P,
            "t": weight @ target,
            "pz": Z.T @ (per_row * P),
            "residual": Z.T @ (per_row * (P - target)),
        }.items():
            self._sums[name] = self._sums.get(name, 0.0) + part
        length = np.sqrt(((Z @ self._root) ** 2).sum(axis=1))
        shell = np.searchsorted(self._edges, length)
        self._longest = max(self._longest, float(length.max(initial=0.0)))
        for s in np.unique(shell):
            inside = shell == s
            self._curvature[s] += curvature(Z[inside], weight[inside], P[inside])
        self.total += float(weight.sum())
        self.n += len(rows)

    def _prepare(self, rows: Floats, P: Floats) -> None:
        """Centre, scale, M and shells from the first batch: any choice is valid, a typical one sharp."""
        still = (rows == rows[0]).all(axis=0)
        centre = np.where(still, rows[0], rows.mean(axis=0))  # so that a still column is exactly zero
        self._centre = centre if self.has_intercept else np.zeros(rows.shape[1])
        scale = np.sqrt(((rows - self._centre) ** 2).mean(axis=0))
        self._scale = np.where(scale > 0, scale, 1.0)
        Z = self._design(rows)
        weight = (P * (1 - P)).mean(axis=1)
        M = Z.T @ (Z * weight[:, None]) / len(Z)
        M += np.diag(1e-3 * np.diag(M) + 1e-6 * weight.mean() + 1e-300)
        values, vectors = np.linalg.eigh(M)
        values = np.maximum(values, 1e-12 * values[-1])
        self._root, self._M = vectors / np.sqrt(values), (vectors * values) @ vectors.T
        q, K = self.theta.shape
        self._edges = _EDGES * np.sqrt(q / max(float(weight.mean()), 1e-6))
        self._curvature = np.zeros((len(_EDGES) + 1, K * q, K * q))
        self._longest = 0.0

    def _design(self, rows: Floats) -> Floats:
        Z = (rows - self._centre) / self._scale
        return np.column_stack([Z, np.ones(len(Z))]) if self.has_intercept else Z

    def finish(self) -> None:
        """From sums to F, its lower bound and the step.

        Raises:
            ValueError: there was no row with a weight.
        """
        if self.total == 0:
            raise ValueError("there are no rows: the batches are empty, or every weight is zero")
        means = {name: value / self.total for name, value in self._sums.items()}
        d = len(self._scale)
        self.mean = means["z"][:d] * self._scale + self._centre
        self.share = means["t"]
        w = self.theta[:d]
        penalty = self.alpha * float((w * w).sum()) / 2
        self.value = float(means["loss"]) + penalty
        self.rounding = 64 * float(np.finfo(np.float64).eps) * (float(means["size"]) + penalty)

        gradient = means["residual"].copy()
        gradient[:d] += self.alpha * w / self._scale[:, None]
        ridge = np.append(self.alpha / self._scale**2, [0.0] * self.has_intercept)
        ridge = np.kron(np.eye(w.shape[1]), np.diag(ridge))
        below = np.inf
        edges = np.minimum(np.append(self._edges, np.inf), self._longest)
        for H, edge in zip(np.cumsum(self._curvature, axis=0) / self.total, edges, strict=True):
            step, decrement, solved = newton_step(gradient, H + ridge)
            if solved:
                below = min(below, gap_at(decrement, edge * self._width(step)))
        best = max(self.value - below, self._from_ridge(means))
        self.least = max(float(best) - self.rounding, 0.0)  # no loss is below zero
        self.better = self.theta - self._in_columns(step) if solved else None

    def _width(self, step: Floats) -> float:
        """``|step|_M``; for several outputs the largest of their differences."""
        if step.shape[1] > 1:
            step = (step[:, :, None] - step[:, None, :]).reshape(len(step), -1)
        return float(np.sqrt((step * (self._M @ step)).sum(axis=0).max()))

    def _in_columns(self, step: Floats) -> Floats:
        d = len(self._scale)
        step = step.copy()
        step[:d] /= self._scale[:, None]
        if self.has_intercept:
            step[d] -= self._centre @ step[:d]
        return step

    def _from_ridge(self, means: dict[str, Any]) -> float:
        """F* is at least this by strong convexity, with an intercept that has none.

        The dual asks for probabilities whose mean is the targets'. ``k p + const`` with the largest ``k <=
        1`` that keeps them probabilities has it; ``-A*`` of it is at least ``-k A*(p)``.
        """
        if self.alpha == 0:
            return -np.inf
        k = 1.0
        pz, d = means["pz"], len(self._scale)
        if self.has_intercept:
            p, t = means["p"], means["t"]
            if len(p) == 1:
                p, t = np.append(p, 1 - p), np.append(t, 1 - t)
            k = min(1.0, float((t / np.maximum(p, 1e-300)).min()))
            pz = k * pz + np.outer(means["z"], (t - k * p)[: pz.shape[1]])
        residual = (pz - (means["pz"] - means["residual"]))[:d] * self._scale[:, None]
        return float(-k * means["conjugate"] - (residual**2).sum() / (2 * self.alpha))

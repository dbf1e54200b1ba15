"""The logistic and softmax loss of weighted rows, its minimum, and a proven bound below that minimum.

In: rows Z (m, q) with their shares of the weight, mean targets, a linear and a quadratic term. Out: value,
gradient, Hessian; the minimiser by Newton's method; a lower bound of the minimum. With ``u = z Theta``,

    J(Theta) = sum_k share_k (A(u_k) - <target_k, u_k>) - <extra, Theta> + 1/2 <Theta, Q Theta>,

where A(u) is log(1 + e^u) for one output and log(sum_c e^{u_c}) for several.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .moments import solve_symmetric

__all__ = ["Likelihood", "Minimum", "gap_at", "link"]

Floats = NDArray[np.float64]

_EPSILON = float(np.finfo(np.float64).eps)


def link(u: Floats) -> tuple[Floats, Floats]:
    """A(u), shape (m,), and its gradient, the probabilities, shape (m, K), for outputs u (m, K)."""
    if u.shape[1] == 1:
        e = np.exp(-np.abs(u))
        return (np.maximum(u, 0) + np.log1p(e))[:, 0], np.where(u >= 0, 1, e) / (1 + e)
    top = u.max(axis=1, keepdims=True)
    e = np.exp(u - top)
    total = e.sum(axis=1, keepdims=True)
    return (top + np.log(total))[:, 0], e / total


def curvature(Z: Floats, share: Floats, P: Floats) -> Floats:
    """Hessian (K q, K q) of ``sum share A``, output by output; P are the probabilities (m, K)."""
    q, K = Z.shape[1], P.shape[1]
    if K == 1:
        return Z.T @ (Z * (share[:, None] * P * (1 - P)))
    H = np.empty((K, q, K, q))
    for c in range(K):
        for e in range(c, K):
            weight = share * P[:, c] * (float(c == e) - P[:, e])
            H[c, :, e, :] = H[e, :, c, :] = Z.T @ (Z * weight[:, None])
    return H.reshape(K * q, K * q)


def reach(Z: Floats, step: Floats) -> float:
    """How far ``step`` (q, K) moves any row's output, at most; of several outputs, one against another."""
    change = Z @ step
    moved = np.abs(change[:, 0]) if change.shape[1] == 1 else np.ptp(change, axis=1)
    return float(moved.max(initial=0.0))


def gap_at(decrement: float, moved: float) -> float:
    """How far J is above its minimum, at most, where a Newton step promises ``decrement / 2``.

    ``decrement`` is g^T H^{-1} g and ``moved`` the :func:`reach` of the step H^{-1} g; infinite unless
    ``moved < 1``. Proof: every ``p'`` in the domain of the conjugate A* gives a lower bound of J (Fenchel).
    Take ``p' = p - A''(u) (z step)``. It meets the dual's constraints exactly, is inside the domain since
    ``p' >= (1 - moved) p``, and A* has curvature at most 1/(1 - moved) times that at p in between, so that
    the dual falls short of J by at most ``decrement / (2 (1 - moved))``. No strong convexity is needed: it
    holds without a ridge, and with an intercept that has none.
    """
    return decrement / (2 * (1 - moved)) if moved < 1 else np.inf


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where Newton's method ended.

    Attributes:
        theta: float64 (q, K).
        value: J there.
        bound: J is nowhere below; minus infinity where nothing is known.
        iterations: Newton steps.
        converged: whether the last step promised less than the tolerance.
    """

    theta: Floats
    value: float
    bound: float
    iterations: int
    converged: bool


@dataclass(frozen=True, eq=False)
class Likelihood:
    """J for rows ``Z`` (m, q), ``share`` (m,), ``target`` (m, K), ``extra`` (q, K), ``Q`` (q, q)."""

    Z: Floats
    share: Floats
    target: Floats
    extra: Floats
    Q: Floats

    def value(self, theta: Floats) -> tuple[float, float]:
        """J, and how much of it rounding may have taken or added."""
        u = self.Z @ theta
        data = self.share @ (link(u)[0] - (self.target * u).sum(axis=1))
        linear = (self.extra * theta).sum()
        ridge = (theta * (self.Q @ theta)).sum() / 2
        size = abs(data) + abs(linear) + ridge + self.share @ np.abs(self.target * u).sum(axis=1)
        return float(data - linear + ridge), float(64 * _EPSILON * size)

    def derivatives(self, theta: Floats) -> tuple[Floats, Floats]:
        """Gradient (q, K) and Hessian (K q, K q)."""
        _, P = link(self.Z @ theta)
        gradient = self.Z.T @ (self.share[:, None] * (P - self.target)) - self.extra + self.Q @ theta
        return gradient, curvature(self.Z, self.share, P) + np.kron(np.eye(P.shape[1]), self.Q)

    def minimum(self, start: Floats, *, max_iter: int, tol: float, floor: float = -np.inf) -> Minimum:
        """Damped Newton steps from ``start`` until one promises less than ``tol``, and that one too.

        They end early below ``floor``, for a caller whom no bound below it would help.
        """
        theta = start
        value, rounding = self.value(theta)
        iterations, converged, bound = 0, False, -np.inf
        while True:
            gradient, H = self.derivatives(theta)
            step, decrement, solved = newton_step(gradient, H)
            if solved:
                bound = max(bound, value - rounding - gap_at(decrement, reach(self.Z, step)))
            if converged or iterations == max_iter or value < floor:
                return Minimum(theta, value, bound, iterations, converged)
            iterations += 1
            length = 1.0
            while True:
                to = theta - length * step
                if to.shape[1] > 1:  # of several outputs only the differences matter
                    to = to - to.mean(axis=1, keepdims=True)
                reached, rounding = self.value(to)
                if reached <= value - 1e-4 * length * decrement + rounding or length < 1e-10:
                    break
                length /= 2
            converged = decrement / 2 <= tol
            theta, value = to, reached


def newton_step(gradient: Floats, H: Floats) -> tuple[Floats, float, bool]:
    """The step ``H^{-1} gradient`` (q, K), ``gradient^T step``, and whether the step exists.

    Where H is singular the step stays out of its null space, which must not hold any of the gradient.
    """
    g = gradient.T.ravel()
    diagonal = np.diag(H)
    unit = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    scaled, _ = solve_symmetric(H / np.outer(unit, unit), g / unit)
    step = scaled / unit
    missed = np.abs(H @ step - g) / unit
    # The objective's terms are of order one in these units, so the gradient's rounding is _EPSILON.
    solved = bool((missed <= 1e-9 * np.abs(g / unit).max(initial=0) + 64 * _EPSILON).all())
    return step.reshape(gradient.T.shape).T, float(max(g @ step, 0.0)), solved

"""Certificates of fits on condensed samples, held against the truth on all rows.

In: five data sets, five sizes, ten draws of rows. Out: a dictionary for
``results/tabular_certificates.json``.
For every fit: F at the fitted parameters and its minimum F* on all rows, found here by other code than the
library's (least squares by QR, Newton's method to a gradient of 1e-13), in float64; whether each bound of the
certificate holds; and the bound on F - F* beside the truth.

A bound may miss the truth by `ALLOWANCE` times F at zero parameters, the rounding of sums in the truth
itself. Misses without that allowance are counted, too.
"""

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import tabular_data
from common import as_text, say
from dreamlearning.tabular import (
    CondensedLinearRegression,
    CondensedLogisticRegression,
    certify,
    condense_arrays,
    refine,
)
from tabular_data import Data
from tabular_recipes import Floats

FRACTIONS = [0.01, 0.02, 0.05, 0.1, 0.2]
MOST_ROWS = 20_000
ALPHA = 1e-4
ALLOWANCE = 1e-12


class LeastSquares:
    """``1/(2n) sum (x w + b - y)^2`` on rows, and its minimum."""

    def __init__(self, x: Floats, y: Floats) -> None:
        self.z, self.y = np.c_[x, np.ones(len(x))], y
        self.zero = float(np.mean(y**2) / 2)
        self.least = self.value(np.linalg.lstsq(self.z, y, rcond=None)[0])

    def value(self, theta: Floats) -> float:
        """F."""
        return float(np.mean((self.z @ theta - self.y) ** 2) / 2)

    def of(self, model: Any) -> float:
        """F at what a model found."""
        return self.value(np.r_[model.coef_, model.intercept_])


class Logistic:
    """``1/n sum log(1 + e^u) - y u + alpha/2 |w|^2`` on rows, and its minimum."""

    def __init__(self, x: Floats, y: Floats) -> None:
        self.z, self.y = np.c_[x, np.ones(len(x))], y
        self.ridge = np.r_[np.full(x.shape[1], ALPHA), 0.0]
        self.zero = float(np.log(2))
        theta = np.zeros(self.z.shape[1])
        for _ in range(100):
            u = self.z @ theta
            p = 0.5 * (1 + np.tanh(u / 2))
            gradient = self.z.T @ (p - y) / len(y) + self.ridge * theta
            if np.abs(gradient).max() < 1e-13:
                break
            hessian = (self.z * (p * (1 - p))[:, None]).T @ self.z / len(y) + np.diag(self.ridge)
            step = np.linalg.solve(hessian, gradient)
            length = 1.0
            while length > 1e-3 and self.value(theta - length * step) > self.value(theta):
                length /= 2  # far from the optimum a whole step can overshoot
            theta = theta - length * step
        self.gradient = float(np.abs(gradient).max())
        self.least = self.value(theta)

    def value(self, theta: Floats) -> float:
        """F."""
        u = self.z @ theta
        return float(np.mean(np.logaddexp(0, u) - self.y * u) + 0.5 * self.ridge @ theta**2)

    def of(self, model: Any) -> float:
        """F at what a model found."""
        return self.value(np.r_[model.coef_[0], model.intercept_])


def measure(data: Path, seeds: int, *, quick: bool) -> dict[str, Any]:
    """All fits."""
    warnings.filterwarnings("ignore", message="no minimum after")
    fractions = FRACTIONS[:2] if quick else FRACTIONS
    found: dict[str, Any] = {}
    for one in tabular_data.certified_sets(data)[3 if quick else 0 :]:
        gathered: dict[str, dict[str, list[dict[str, float]]]] = {}
        rows = min(1000 if quick else MOST_ROWS, round(0.8 * len(one.x)))
        gradients = []
        for seed in range(seeds):
            chosen = np.random.default_rng(seed).choice(len(one.x), rows, replace=False)
            held = Data(one.name, one.x[chosen], one.number[chosen], one.label[chosen])
            truths = LeastSquares(held.x, held.number), Logistic(held.x, held.label.astype(np.float64))
            gradients.append(truths[1].gradient)
            for fraction in fractions:
                for kind, model, certificate in fits(held, fraction):
                    truth = truths[0] if isinstance(model, CondensedLinearRegression) else truths[1]
                    by_size = gathered.setdefault(kind, {})
                    by_size.setdefault(f"{fraction:g}", []).append(check(certificate, truth.of(model), truth))
        kinds = {kind: {f: gather(runs) for f, runs in sizes.items()} for kind, sizes in gathered.items()}
        found[one.name] = {
            "rows": rows,
            "columns": one.x.shape[1],
            "largest_gradient_at_the_truth": max(gradients),
            "kinds": kinds,
        }
        for kind, sizes in kinds.items():
            ratios = ", ".join(f"{f}: {show(row['median_ratio'])}" for f, row in sizes.items())
            say(f"  {one.name}, {kind}: bound over truth {ratios}")
    total = {key: sum(row[key] for row in each(found)) for key in ("fits", "violations", "misses")}
    total["largest_miss"] = max(row["largest_miss"] for row in each(found))
    return {
        "alpha": ALPHA,
        "allowance": ALLOWANCE,
        "seeds": seeds,
        **total,
        "data_sets": found,
        "bars": [
            {
                "bar": f"no certificate of {total['fits']:,} fits is violated",
                "value": total["violations"],
                "verdict": "FAIL" if total["violations"] else "PASS",
            }
        ],
    }


def fits(data: Data, fraction: float) -> list[tuple[str, Any, Any]]:
    """Every kind of fit on so many condensed samples, with its certificate."""
    size = max(3, round(fraction * len(data.x)))
    table = condense_arrays(data.x, data.number, size=size, classes=False, num_threads=1)
    pure = condense_arrays(data.x, data.label, size=size, num_threads=1)
    label = data.label.astype(np.float64)
    mixed = condense_arrays(data.x, label, size=size, classes=False, num_threads=1)
    found: list[tuple[str, Any, Any]] = []
    for solver in ("exact", "closed_form", "gradient_descent"):
        model = CondensedLinearRegression(solver=solver, max_iter=300, tol=1e-6)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # descent that ends early has a certificate as well
            model.fit(table)
        found.append((f"linear, {solver.replace('_', ' ')}", model, model.certificate_))
    closed = found[1][1]
    found.append(("linear, closed form, one pass", closed, certify(closed, data.x, data.number)))
    refined = refine(closed, data.x, data.number)
    found.append(("linear, refined", refined, refined.certificate_))
    for name, given, scatter in (
        ("logistic, one class a cluster", pure, True),
        ("logistic, one class a cluster, without scatter", pure, False),
        ("logistic, mixed clusters", mixed, True),
    ):
        model = CondensedLogisticRegression(alpha=ALPHA, scatter=scatter).fit(given)
        found.append((name, model, model.certificate_))
    start = found[-1][1]
    found.append(("logistic, mixed clusters, one pass", start, certify(start, data.x, data.label)))
    refined = refine(start, data.x, data.label)
    found.append(("logistic, refined", refined, refined.certificate_))
    return found


def check(certificate: Any, value: float, truth: LeastSquares | Logistic) -> dict[str, float]:
    """What the certificate says beside what is so."""
    by = max(
        certificate.lower - value,
        value - certificate.upper,
        certificate.optimum_lower - truth.least,
        truth.least - certificate.optimum_upper,
        value - truth.least - certificate.gap,
    )
    return {
        "bound": certificate.gap,
        "truth": value - truth.least,
        "miss": max(by / truth.zero, 0.0),
        "violation": by > ALLOWANCE * truth.zero,
        "allowance": ALLOWANCE * truth.zero,
    }


def gather(runs: list[dict[str, float]]) -> dict[str, Any]:
    """The draws of one size. Ratios where the truth is well above rounding."""
    told = [run["bound"] / run["truth"] for run in runs if run["truth"] > 100 * run["allowance"]]
    return {
        "fits": len(runs),
        "violations": int(sum(run["violation"] for run in runs)),
        "misses": int(sum(run["miss"] > 0 for run in runs)),
        "largest_miss": max(run["miss"] for run in runs),
        "median_ratio": float(np.median(told)) if told else None,
        "least_ratio": min(told) if told else None,
        "median_bound": float(np.median([run["bound"] for run in runs])),
        "median_truth": float(np.median([run["truth"] for run in runs])),
        "bound": as_text([run["bound"] for run in runs]),
        "truth": as_text([run["truth"] for run in runs]),
    }


def each(found: dict[str, Any]) -> list[dict[str, Any]]:
    """All sizes of all kinds of all data sets."""
    return [row for one in found.values() for sizes in one["kinds"].values() for row in sizes.values()]


def show(ratio: float | None) -> str:
    """A ratio for the screen."""
    return "-" if ratio is None else f"{ratio:.3g}"


if __name__ == "__main__":
    sys.exit("run benchmarks/tabular.py --only certificates")

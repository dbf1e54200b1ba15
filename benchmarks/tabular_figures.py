"""Linear regression on a few condensed samples of California Housing: the paper's figures 3, 5a, 5b, 8 and 9.

In: the folder of data, ten splits. Out: a dictionary for ``results/tabular_figures.json``, from which
`tabular_pictures` draws. Beside our condensed samples, as many random rows, centroids of MiniBatchKMeans and
of BIRCH. Errors are mean squared errors on the test rows, as ratios to least squares on all training rows.
"""

import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import dreamlearning
import numpy as np
import tabular_bits
import tabular_data
from common import as_text, say
from dreamlearning.tabular import CondensedLinearRegression, condense_arrays
from sklearn.preprocessing import StandardScaler
from tabular_recipes import Floats
from tabular_study import (
    LEARNING_RATE,
    SIZE,
    Descent,
    Split,
    by_birch,
    by_kmeans,
    centroids,
    least_squares,
    squared_error,
)

SIZES = [41, SIZE, 165, 330, 826, 1651]
STEPS = [int(step) for step in np.unique(np.round(np.logspace(1, 5.5, 28)))]
FEW_ROWS, FEW_SAMPLES, FEW_STEPS, FEW_RATE = 1000, 45, 60, 0.1
START = (-1.0, -0.8)
Weighted = tuple[Floats, Floats, Floats]


def measure(data: Path, work: Path, seeds: int, *, quick: bool) -> dict[str, Any]:
    """All figures."""
    splits = tabular_data.california_splits(data, seeds)
    sizes = [SIZE] if quick else SIZES
    say("figure 5a: errors")
    errors = by_size(splits, sizes)
    say("figure 5a: storage")
    stored = storage(splits[0], sizes, work)
    say("figure 5b")
    descents = descent(splits, repeats=1 if quick else 7)
    say("figure 3")
    few = paths(splits)
    say("figures 8 and 9")
    census = tabular_data.census_splits(data, seeds)
    few_splits = 1 if quick else seeds
    bits = tabular_bits.measure(splits[:few_splits], census[:few_splits], sizes)
    return {
        "splits": seeds,
        "rows": len(splits[0][1]),
        "figure_3": few,
        "figure_5a": {"errors": errors, "storage": stored},
        "figure_5b": descents,
        **bits,
        "bars": bars(errors),
    }


def samples(x: Floats, y: Floats, size: int, seed: int) -> dict[str, Weighted]:
    """Weighted rows of each kind, ``size`` of them (BIRCH may find fewer)."""
    table = condense_arrays(x, y, size=size, classes=False, num_threads=1)
    rows = np.random.default_rng(seed).choice(len(y), size, replace=False)
    return {
        "condensed": (table.X, table.y, table.sample_weight),
        "random rows": (x[rows], y[rows], np.full(size, len(y) / size)),
        "MiniBatchKMeans": centroids(by_kmeans(x, size), x, y),
        "BIRCH": centroids(by_birch(x, size), x, y),
    }


# --- Figure 5a ---------------------------------------------------------------------------------------------


def by_size(splits: list[Split], sizes: list[int]) -> dict[str, dict[str, Any]]:
    """Test errors in closed form against the number of samples, by kind."""
    gathered: dict[str, dict[int, list[tuple[float, int]]]] = {}
    for seed, (x, y, u, v) in enumerate(splits):
        full = squared_error(least_squares(x, y), u, v)
        for size in sizes:
            for name, made in samples(x, y, size, seed).items():
                ratio = squared_error(least_squares(*made), u, v) / full
                gathered.setdefault(name, {}).setdefault(size, []).append((ratio, len(made[2])))
            exact = CondensedLinearRegression().fit(condense_arrays(x, y, size=size, num_threads=1))
            ratio = squared_error(exact, u, v) / full
            gathered.setdefault("condensed, with scatter", {}).setdefault(size, []).append((ratio, size))
    found: dict[str, dict[str, Any]] = {}
    for name, rows in gathered.items():
        found[name] = {}
        for size, runs in rows.items():
            ratios = [ratio for ratio, _ in runs]
            found[name][str(size)] = {
                "samples": float(np.mean([count for _, count in runs])),
                **spread(ratios),
            }
        say(f"  {name}: " + ", ".join(f"{s}: {r['mean']:.4f}" for s, r in found[name].items()))
    return found


def spread(ratios: list[float]) -> dict[str, float]:
    """Mean, median, least and greatest over splits, in full precision: the scatter's ratio is 1 to 1e-10."""
    return {
        "mean": float(np.mean(ratios)),
        "median": float(np.median(ratios)),
        "least": min(ratios),
        "worst": max(ratios),
    }


def storage(split: Split, sizes: list[int], work: Path) -> dict[str, Any]:
    """The file of the training rows, and what condensed samples kept beside it would take."""
    x, y, *_ = split
    found: dict[str, Any] = {}
    for dtype in ("float64", "float32"):
        table = tabular_data.as_table(x, y, dtype)
        found[dtype] = {}
        for preset in ("paper", "small"):
            path = work / f"{preset}-{dtype}.gede"
            dreamlearning.compress(
                table, path, target=tabular_data.TARGET, preset=preset, num_threads=1, progress=False
            )
            share = path.stat().st_size / table.nbytes
            kept = {str(size): size * (table.dtype.itemsize + 4) / table.nbytes for size in sizes}
            found[dtype][preset] = {"share_of_raw": share, "samples_beside": kept}
            say(f"  {preset}, {dtype}: {share:.1%} of raw")
    return found


def bars(errors: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """92 samples: at most 4 % above full data; with the scatter no difference."""
    plain, exact = errors["condensed"][str(SIZE)], errors["condensed, with scatter"][str(SIZE)]
    off = max(abs(exact["worst"] - 1), abs(exact["least"] - 1))
    return [
        {
            "bar": f"California Housing, {SIZE} centroids and weights: mean test error at most 1.04 x",
            "value": plain["mean"],
            "worst": plain["worst"],
            "verdict": "PASS" if plain["mean"] <= 1.04 else "FAIL",
        },
        {
            "bar": "the same with scatter: 1 to nine digits on every split",
            "value": 1 + off,
            "verdict": "PASS" if off < 1e-9 else "FAIL",
        },
    ]


# --- Figure 5b ---------------------------------------------------------------------------------------------


def descent(splits: list[Split], repeats: int) -> dict[str, Any]:
    """Test errors after so many steps of Eq. 5, as ratios to the solution on all rows; seconds of a step."""
    gathered: dict[str, list[list[float]]] = {}
    closed: dict[str, list[float]] = {}
    for seed, (x, y, u, v) in enumerate(splits):
        scale = StandardScaler().fit(x)
        full = squared_error(least_squares(x, y), u, v)
        for name, made in {"all rows": (x, y, np.ones(len(y))), **samples(x, y, SIZE, seed)}.items():
            runs = [squared_error(Descent(scale, steps).fit(*made), u, v) / full for steps in STEPS]
            gathered.setdefault(name, []).append(runs)
            closed.setdefault(name, []).append(squared_error(least_squares(*made), u, v) / full)
        if seed == 0:
            clock = clocks(x, y, repeats)
    found = {
        name: {
            "mean": as_text(np.mean(runs, axis=0)),
            "least": as_text(np.min(runs, axis=0)),
            "worst": as_text(np.max(runs, axis=0)),
            "closed_form": float(np.mean(closed[name])),
            "steps_to_4_percent": reached(np.mean(runs, axis=0), 1.04),
        }
        for name, runs in gathered.items()
    }
    for name, row in found.items():
        say(f"  {name}: 4 % above after {row['steps_to_4_percent']} steps, closed {row['closed_form']:.4f}")
    return {
        "samples": SIZE,
        "learning_rate": LEARNING_RATE,
        "steps": as_text(STEPS),
        "errors": found,
        "seconds": clock,
    }


def reached(errors: Floats, bound: float) -> int | None:
    """Steps after which the error stays within the bound."""
    above = np.flatnonzero(errors > bound)
    last = -1 if not len(above) else int(above[-1])
    return STEPS[last + 1] if last + 1 < len(STEPS) else None


def clocks(x: Floats, y: Floats, repeats: int) -> dict[str, float]:
    """Median seconds of one step, of a solution in closed form, and of condensing."""
    scale = StandardScaler().fit(x)
    table = condense_arrays(x, y, size=SIZE, num_threads=1)
    found = {}
    for name, rows, target, weight, steps in (
        ("all rows", x, y, np.ones(len(y)), 200),
        ("condensed", table.X, table.y, table.sample_weight, 2000),
    ):
        z = np.c_[scale.transform(rows), np.ones(len(rows))]
        share = weight / weight.sum()

        def run(z: Floats = z, share: Floats = share, target: Floats = target, steps: int = steps) -> None:
            theta = np.zeros(z.shape[1])
            for _ in range(steps):
                theta -= LEARNING_RATE * (z.T @ (share * (z @ theta - target)))

        def solve(z: Floats = z, share: Floats = share, target: Floats = target) -> None:
            np.linalg.solve((z * share[:, None]).T @ z, z.T @ (share * target))

        found[f"{name}, one step"] = seconds(run, repeats) / steps
        found[f"{name}, closed form"] = seconds(solve, repeats)
    found["condensing"] = seconds(lambda: condense_arrays(x, y, size=SIZE, num_threads=1), repeats)
    return found


def seconds(work: Any, repeats: int) -> float:
    """Median seconds of a call."""
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return median(taken)


# --- Figure 3 ----------------------------------------------------------------------------------------------


def paths(splits: list[Split]) -> dict[str, Any]:
    """Gradient descent for one column (median income): 1,000 rows, 45 samples of them, batches of 45."""
    numbers: dict[str, list[dict[str, float]]] = {}
    picture: dict[str, Any] = {}
    for seed, (x, y, *_) in enumerate(splits):
        rng = np.random.default_rng(seed)
        rows = rng.choice(len(y), FEW_ROWS, replace=False)
        xs = StandardScaler().fit_transform(x[rows, :1])
        ys = (y[rows] - y[rows].mean()) / y[rows].std()
        best = np.polyfit(xs[:, 0], ys, 1)
        full = path(lambda: (xs, ys, np.ones(len(ys))))  # noqa: B023 (called at once)
        joint = condense_arrays(xs, ys, size=FEW_SAMPLES, cluster_target=True, num_threads=1)
        made = {
            "condensed, clusters of income and value": (joint.X, joint.y, joint.sample_weight),
            **samples(xs, ys, FEW_SAMPLES, seed),
        }

        def batch() -> Weighted:
            chosen = rng.choice(FEW_ROWS, FEW_SAMPLES, replace=False)  # noqa: B023
            return xs[chosen], ys[chosen], np.ones(FEW_SAMPLES)  # noqa: B023

        walks = {"all rows": full, "mini-batches": path(batch)}
        walks |= {name: path(lambda held=held: held) for name, held in made.items()}
        for name, walk in walks.items():
            numbers.setdefault(name, []).append(
                {
                    "distance_from_path": float(np.linalg.norm(walk - full, axis=1).mean()),
                    "distance_from_optimum": float(np.linalg.norm(walk[-1] - best)),
                    "rows_a_step": FEW_ROWS if name == "all rows" else FEW_SAMPLES,
                }
            )
        if seed == 0:
            few = walks["condensed, clusters of income and value"]
            picture = {
                "rows": [as_text(xs[:, 0]), as_text(ys)],
                "condensed": [as_text(joint.X[:, 0]), as_text(joint.y), as_text(joint.sample_weight)],
                "optimum": as_text(best),
                "paths": {
                    name: [as_text(walk[:, 0]), as_text(walk[:, 1])]
                    for name, walk in (
                        ("all rows", full),
                        ("mini-batches", walks["mini-batches"]),
                        ("condensed", few),
                    )
                },
            }
    found = {
        name: {key: float(np.mean([run[key] for run in runs])) for key in runs[0]}
        for name, runs in numbers.items()
    }
    for name, row in found.items():
        say(f"  {name}: {row['distance_from_path']:.4f} from the path of all rows")
    return {
        "rows": FEW_ROWS,
        "samples": FEW_SAMPLES,
        "steps": FEW_STEPS,
        "learning_rate": FEW_RATE,
        "walks": found,
        "first_split": picture,
    }


def path(batch: Any) -> Floats:
    """Slope and intercept after every step, (steps + 1, 2), by Eq. 5 on what ``batch`` gives."""
    theta, found = np.array(START), [np.array(START)]
    for _ in range(FEW_STEPS):
        x, y, weight = batch()
        z = np.c_[x, np.ones(len(x))]
        theta = theta - FEW_RATE * (z.T @ (weight * (z @ theta - y))) / weight.sum()
        found.append(theta)
    return np.array(found)


if __name__ == "__main__":
    sys.exit("run benchmarks/tabular.py --only figures")

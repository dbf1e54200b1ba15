"""How a few weighted centroids have to be made so that a model trained on them is as good as on all rows.

In: the folder of ``california_housing.npz``, ``credit_default.npz`` and ``ijcnn1.npz``. Out:
``results/tabular_study.json``. Test error of linear and logistic regression on centroids with weights (no
scatter correction), as a ratio to the same model on all training rows, for the clusterings of
`tabular_recipes` and for random rows, MiniBatchKMeans and BIRCH of equal size. Some minutes on one core.

    python benchmarks/tabular_study.py --data ../shared/data/tabular
"""

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tabular_recipes as recipes
from common import environment, say, write_result
from numpy.typing import NDArray
from sklearn.cluster import Birch, MiniBatchKMeans
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.preprocessing import StandardScaler
from tabular_recipes import Floats, Integers

SIZE = 92
SIZES = [48, 64, *range(83, 93), 110, 165, 330, 826]
STEPS = [10_000, 30_000, 100_000, 300_000]
LEARNING_RATE = 1e-3
Cluster = Callable[[Floats, int], Integers]
Split = tuple[Floats, Floats, Floats, Floats]


def splits(x: Floats, y: Floats, seeds: range) -> list[Split]:
    """80 % of the rows to train and the rest to test, for every seed."""
    found = []
    for seed in seeds:
        rows = np.random.default_rng(seed).permutation(len(y))
        train, test = np.split(rows, [round(0.8 * len(y))])
        found.append((x[train], y[train], x[test], y[test]))
    return found


def centroids(labels: Integers, x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean of the rows, mean target and count of every cluster."""
    weight = np.bincount(labels).astype(np.float64)
    mean = np.stack([np.bincount(labels, column) for column in x.T], 1) / weight[:, None]
    return mean, np.bincount(labels, y) / weight, weight


def ratios(values: list[float], full: list[float], samples: list[int]) -> dict[str, Any]:
    """Mean, median and worst over splits of the ratio to all rows, and the ratio of means."""
    r = np.array(values) / np.array(full)
    return {
        "samples": float(np.mean(samples)),
        "mean": float(r.mean()),
        "median": float(np.median(r)),
        "worst": float(r.max()),
        "ratio_of_means": float(np.mean(values) / np.mean(full)),
        "each": [round(float(a), 4) for a in r],
    }


# --- Clusterings by name -----------------------------------------------------------------------------------

CODES: dict[str, Callable[[Floats], Integers]] = {
    "min-max": recipes.values,
    "ieee": recipes.ieee,
    "ranks": recipes.ranks,
    "rank and value": recipes.halfway,
    "quantiles 1 %..99 %": recipes.winsorised,
    "quantiles 0.1 %..99.9 %": lambda x: recipes.winsorised(x, 0.001),
    "asinh": recipes.asinh,
    "mean +-3 deviations": lambda x: recipes.positions(x, 3),
    "mean +-4 deviations": recipes.positions,
    "mean +-5 deviations": lambda x: recipes.positions(x, 5),
    "mean +-8 deviations": lambda x: recipes.positions(x, 8),
}


def by_prefix(code: str, rule: str = "paper") -> Cluster:
    """The same bits for all rows."""
    return lambda x, size: recipes.prefix(CODES[code](x), size, rule)


def by_greedy(code: str) -> Cluster:
    """The same bits for all rows, chosen by scatter explained."""
    return lambda x, size: recipes.greedy(CODES[code](x), x, size)


def by_split(code: str, share: float = 0.0) -> Cluster:
    """A share of the size by the paper's rule, the others by bits of their own."""

    def cluster(x: Floats, size: int) -> Integers:
        codes = CODES[code](x)
        start = recipes.prefix(codes, int(size * share)) if share else None
        return recipes.split(codes, recipes.values(x), size, start)

    return cluster


def by_merge(code: str, factor: float) -> Cluster:
    """More clusters than wanted by the paper's rule, the smallest merged."""

    def cluster(x: Floats, size: int) -> Integers:
        labels = recipes.prefix(CODES[code](x), int(size * factor))
        return recipes.merge(x, labels, size) if labels.max() >= size else labels

    return cluster


def by_kmeans(x: Floats, size: int) -> Integers:
    """MiniBatchKMeans on standardised columns."""
    z = StandardScaler().fit_transform(x)
    found = MiniBatchKMeans(size, random_state=0, n_init=3, max_no_improvement=10).fit_predict(z)
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def by_birch(x: Floats, size: int) -> Integers:
    """BIRCH on standardised columns, with the first threshold of 0.25, 0.35, ... that leaves few to merge."""
    z, threshold = StandardScaler().fit_transform(x), 0.25
    while True:
        tree = Birch(threshold=threshold, n_clusters=None).fit(z)
        if len(tree.subcluster_centers_) <= max(4 * size, 2000):
            break
        threshold *= 1.4
    if len(tree.subcluster_centers_) > size:
        tree.set_params(n_clusters=size).partial_fit()
    return np.unique(tree.predict(z), return_inverse=True)[1].astype(np.int64)


# --- Linear regression -------------------------------------------------------------------------------------


def squared_error(model: Any, x: Floats, y: Floats) -> float:
    """Mean squared error."""
    return float(np.mean((model.predict(x) - y) ** 2))


def least_squares(x: Floats, y: Floats, weight: Floats | None = None) -> LinearRegression:
    """Closed form with intercept."""
    return LinearRegression().fit(x, y, sample_weight=weight)


class Descent:
    """Equation 5 from zero on columns standardised as given, after many steps at once."""

    def __init__(self, scale: StandardScaler, steps: int) -> None:
        self.scale, self.steps = scale, steps

    def fit(self, x: Floats, y: Floats, weight: Floats) -> "Descent":
        """``steps`` steps: in the eigenvectors of the Hessian each is a geometric series."""
        z = np.c_[self.scale.transform(x), np.ones(len(x))]
        curvature, vectors = np.linalg.eigh((z * weight[:, None]).T @ z / weight.sum())
        target = vectors.T @ (z.T @ (weight * y) / weight.sum())
        curvature = np.maximum(curvature, 1e-12)
        reached = -np.expm1(self.steps * np.log1p(-LEARNING_RATE * curvature)) / curvature
        self.parameters = vectors @ (reached * target)
        return self

    def predict(self, x: Floats) -> Floats:
        """The linear model."""
        return np.c_[self.scale.transform(x), np.ones(len(x))] @ self.parameters


def linear(data: list[Split], clusters: dict[str, tuple[Cluster, int]]) -> dict[str, Any]:
    """Ratios of closed-form test errors, by name."""
    full = [squared_error(least_squares(x, y), u, v) for x, y, u, v in data]
    found = {}
    for name, (cluster, size) in clusters.items():
        errors, samples = [], []
        for x, y, u, v in data:
            made = centroids(cluster(x, size), x, y)
            errors.append(squared_error(least_squares(*made), u, v))
            samples.append(len(made[2]))
        found[name] = ratios(errors, full, samples)
        row = found[name]
        say(f"  {name}: {row['mean']:.3f}, worst {row['worst']:.3f}, {row['samples']:.0f} samples")
    return {"full_mse": full, "recipes": found}


def representatives(data: list[Split], size: int) -> dict[str, Any]:
    """The recommended clusters with other representatives, targets and learners."""
    errors: dict[str, list[float]] = {}
    full: dict[str, list[float]] = {}
    exact = [squared_error(least_squares(x, y), u, v) for x, y, u, v in data]

    def note(name: str, model: Any, test: tuple[Floats, Floats], against: float) -> None:
        errors.setdefault(name, []).append(squared_error(model, *test))
        full.setdefault(name, []).append(against)

    for seed, ((x, y, *test), best) in enumerate(zip(data, exact, strict=True)):
        rng = np.random.default_rng(seed)
        labels = recipes.condense(x, size)
        mean, target, weight = centroids(labels, x, y)
        scale = StandardScaler().fit(x)
        rows = rng.permutation(len(y))
        rows = rows[np.unique(labels[rows], return_index=True)[1]]
        note("one random row a cluster", least_squares(x[rows], y[rows], weight), test, best)
        away = ((scale.transform(x) - scale.transform(mean)[labels]) ** 2).sum(1)
        rows = np.lexsort((away, labels))[np.r_[0, np.cumsum(np.bincount(labels))[:-1]]]
        note("the row nearest the centroid", least_squares(x[rows], y[rows], weight), test, best)
        rows = rng.choice(len(y), size, replace=False)
        note("random rows", least_squares(x[rows], y[rows]), test, best)
        joint = np.c_[x, y]
        made = centroids(recipes.condense(joint, size), x, y)
        note("target inside the clustering", least_squares(*made), test, best)
        moved = match_moments(np.c_[mean, target], weight, joint)
        note(
            "centroids moved to the moments of all rows",
            least_squares(moved[:, :-1], moved[:, -1], weight),
            test,
            best,
        )
        for penalty in (1e-4, 1e-3, 1e-2):
            ridge = Ridge(penalty * len(y)).fit(scale.transform(mean), target, sample_weight=weight)
            note(f"ridge {penalty:g}", ridge, (scale.transform(test[0]), test[1]), best)
        for steps in STEPS:
            note(
                f"gradient descent, {steps} steps",
                Descent(scale, steps).fit(mean, target, weight),
                test,
                best,
            )
            everything = Descent(scale, steps).fit(x, y, np.ones(len(y)))
            note(f"all rows, gradient descent, {steps} steps", everything, test, best)
            note(
                f"gradient descent, {steps} steps, against all rows by the same",
                Descent(scale, steps).fit(mean, target, weight),
                test,
                squared_error(everything, *test),
            )
    found = {name: ratios(errors[name], full[name], [size] * len(data)) for name in errors}
    for name, result in found.items():
        say(f"  {name}: {result['mean']:.3f}, worst {result['worst']:.3f}")
    return found


def match_moments(means: Floats, weight: Floats, rows: Floats) -> Floats:
    """The least move of weighted means after which they have the mean and the covariance of all rows."""
    centre, scale = rows.mean(0), rows.std(0)
    z, whole = (means - centre) / scale, np.corrcoef(rows, rowvar=False)
    part = (z * weight[:, None]).T @ z / weight.sum()

    def power(matrix: Floats, exponent: float) -> Floats:
        values, vectors = np.linalg.eigh(matrix)
        return (vectors * np.maximum(values, 1e-15) ** exponent) @ vectors.T

    root = power(part, 0.5)
    back = power(part, -0.5)
    return z @ (back @ power(root @ whole @ root, 0.5) @ back) * scale + centre


# --- Logistic regression -----------------------------------------------------------------------------------


def classifier(x: Floats, y: Floats, weight: Floats) -> tuple[StandardScaler, LogisticRegression]:
    """scikit-learn's with its defaults; a mean label counts as rows of both classes."""
    scale = StandardScaler().fit(x, sample_weight=weight)
    z = scale.transform(x)
    both = np.r_[z, z], np.r_[np.zeros(len(y)), np.ones(len(y))], np.r_[weight * (1 - y), weight * y]
    held = both[2] > 0
    model = LogisticRegression(solver="newton-cholesky", max_iter=200)
    return scale, model.fit(both[0][held], both[1][held], sample_weight=both[2][held])


def scores(x: Floats, y: Floats, weight: Floats, test: tuple[Floats, Floats]) -> dict[str, float]:
    """Accuracy, area under the curve and log loss on test rows."""
    scale, model = classifier(x, y, weight)
    chance = model.predict_proba(scale.transform(test[0]))[:, 1]
    return {
        "accuracy": float(np.mean((chance > 0.5) == (test[1] > 0.5))),
        "auc": float(roc_auc_score(test[1], chance)),
        "log_loss": float(log_loss(test[1], chance)),
    }


def logistic(data: list[Split], sizes: list[int], controls_up_to: int) -> dict[str, Any]:
    """Scores of every recipe, as means over the splits, and the accuracy relative to all rows."""
    gathered: dict[str, list[dict[str, float]]] = {}
    for seed, (x, y, *test_) in enumerate(data):
        test = (test_[0], test_[1])
        rng = np.random.default_rng(seed)
        whole = scores(x, y, np.ones(len(y)), test)

        def note(name: str, x: Floats, y: Floats, weight: Floats) -> None:
            found = scores(x, y, weight, test) | {"samples": len(y)}  # noqa: B023 (called at once)
            found["relative_accuracy"] = found["accuracy"] / whole["accuracy"]  # noqa: B023
            found["extra_log_loss"] = found["log_loss"] - whole["log_loss"]  # noqa: B023
            gathered.setdefault(name, []).append(found)

        note("all rows", x, y, np.ones(len(y)))
        classes = y.astype(np.int64)
        for size in sizes:
            note(f"{size}: min-max, paper, mean label", *centroids(by_prefix("min-max")(x, size), x, y))
            pure = recipes.prefix(recipes.values(x), size, start=classes)
            note(f"{size}: min-max, paper, each class by itself", *centroids(pure, x, y))
            labels = recipes.condense(x, size)
            note(f"{size}: recommended, mean label", *centroids(labels, x, y))
            rows = rng.permutation(len(y))
            rows = rows[np.unique(labels[rows], return_index=True)[1]]
            note(
                f"{size}: recommended, one random row a cluster",
                x[rows],
                y[rows],
                np.bincount(labels).astype(float),
            )
            pure = recipes.condense(x, size, start=classes)
            note(f"{size}: recommended, each class by itself", *centroids(pure, x, y))
            half = recipes.condense(x, size // 2)
            divided = np.unique(2 * half + classes, return_inverse=True)[1].astype(np.int64)
            note(f"{size}: recommended at half the size, then by class", *centroids(divided, x, y))
            codes = recipes.ranks(x) << recipes.VALUE_BITS | recipes.values(x)
            note(
                f"{size}: ranks, split, mean label",
                *centroids(recipes.split(codes, recipes.values(x), size), x, y),
            )
            rows = rng.choice(len(y), size, replace=False)
            note(f"{size}: random rows", x[rows], y[rows], np.full(size, len(y) / size))
            if size <= controls_up_to:
                note(f"{size}: MiniBatchKMeans, mean label", *centroids(by_kmeans(x, size), x, y))
                note(f"{size}: BIRCH, mean label", *centroids(by_birch(x, size), x, y))
    found = {}
    for name, runs in gathered.items():
        found[name] = {key: float(np.mean([run[key] for run in runs])) for key in runs[0]}
        found[name]["worst_relative_accuracy"] = min(run["relative_accuracy"] for run in runs)
        row = found[name]
        say(
            f"  {name}: accuracy x {row['relative_accuracy']:.4f}, "
            f"AUC {row['auc']:.4f}, log loss {row['log_loss']:.4f}, {row['samples']:.0f} samples"
        )
    return {"splits": len(data), "recipes": found}


# --- All of it ---------------------------------------------------------------------------------------------


def alternatives() -> dict[str, tuple[Cluster, int]]:
    """Everything tried at 92 samples of California Housing."""
    found: dict[str, tuple[Cluster, int]] = {"recommended": (recipes.condense, SIZE)}
    for share in (0.25, 0.75):
        found[f"recommended, {share:.0%} by the paper's rule"] = (
            lambda x, size, share=share: recipes.condense(x, size, share=share),
            SIZE,
        )
    for code in CODES:
        found[f"{code}: paper"] = (by_prefix(code), SIZE)
        found[f"{code}: half paper, half split"] = (by_split(code, 0.5), SIZE)
        found[f"{code}: split"] = (by_split(code), SIZE)
    for code in ("min-max", "ieee", "mean +-4 deviations"):
        found[f"{code}: bits by column"] = (by_prefix(code, "columns"), SIZE)
        found[f"{code}: most balanced bit of all"] = (by_prefix(code, "entropy"), SIZE)
        found[f"{code}: bit that explains most scatter"] = (by_greedy(code), SIZE)
    found["min-max: paper to 138, smallest merged"] = (by_merge("min-max", 1.5), SIZE)
    found["ieee: paper to 138, smallest merged"] = (by_merge("ieee", 1.5), SIZE)
    found["MiniBatchKMeans"] = (by_kmeans, SIZE)
    found["BIRCH"] = (by_birch, SIZE)
    return found


def by_size() -> dict[str, tuple[Cluster, int]]:
    """What the size changes."""
    tried: dict[str, Cluster] = {
        "recommended": recipes.condense,
        "min-max: paper": by_prefix("min-max"),
        "ieee: paper": by_prefix("ieee"),
        "ranks: split": by_split("ranks"),
    }
    return {f"{name}, {size}": (cluster, size) for name, cluster in tried.items() for size in SIZES}


def census(folder: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The eight original columns and the house value, without the rows in which one is missing."""
    raw = np.load(folder / "california_housing.npz")["raw"].astype(np.float64)
    raw = raw[~np.isnan(raw).any(1)]
    return raw[:, :8], raw[:, 8]


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=Path("data/tabular"), help="folder of the three .npz files"
    )
    options = parser.parse_args()
    environment_before = environment()
    warnings.filterwarnings("ignore", module="sklearn.cluster")  # BIRCH says that it found fewer clusters
    result: dict[str, Any] = {
        "what": "test error on condensed samples over test error on all training rows",
        "command": "python benchmarks/tabular_study.py --data DATA",
        "environment": environment_before,
    }

    housing = np.load(options.data / "california_housing.npz")
    x, y = housing["X"].astype(np.float64), housing["y"].astype(np.float64)
    ten = splits(x, y, range(10))
    say("California Housing, 92 samples")
    result["california_housing"] = linear(ten, alternatives())
    say("California Housing, other representatives")
    result["california_housing_representatives"] = representatives(ten, SIZE)
    say("California Housing, other sizes")
    result["california_housing_sizes"] = linear(ten, by_size())
    few = {
        "recommended": (recipes.condense, SIZE),
        "min-max: paper": (by_prefix("min-max"), SIZE),
        "ieee: paper": (by_prefix("ieee"), SIZE),
    }
    say("California Housing, 30 splits on which no choice was made")
    result["california_housing_fresh_splits"] = linear(splits(x, y, range(2000, 2030)), few)
    say("California Housing, the census columns")
    result["california_census"] = linear(splits(*census(options.data), range(10)), few)

    ijcnn = np.load(options.data / "ijcnn1.npz")
    train, test = (
        (ijcnn[f"X_{part}"].astype(np.float64), (ijcnn[f"y_{part}"] > 0) * 1.0) for part in ("train", "test")
    )
    say("IJCNN1")
    result["ijcnn1"] = logistic([(*train, *test)], [500, 2500], 500)
    credit = np.load(options.data / "credit_default.npz")
    say("Credit Default")
    data = splits(credit["X"].astype(np.float64), credit["y"].astype(np.float64), range(10))
    result["credit_default"] = logistic(data, [240, 1200], 240)
    result["credit_default_large"] = logistic(data[:5], [7920, 13_200], 0)
    say(f"wrote {write_result('tabular_study', result).name}")


if __name__ == "__main__":
    main()

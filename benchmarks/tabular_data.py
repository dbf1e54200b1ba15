"""The tables that ``tabular.py`` measures.

In: the folder of ``california_housing.npz``, ``credit_default.npz`` and ``ijcnn1.npz``; scikit-learn for two
more. Out: arrays in memory, as structured tables of one dtype, and as splits to train and to test.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler
from tabular_recipes import Floats
from tabular_study import Split, census, splits

TARGET = "target"


@dataclass(frozen=True)
class Data:
    """Rows, a target of numbers and a target of two classes (0 and 1)."""

    name: str
    x: Floats
    number: Floats
    label: NDArray[np.int64]


def california(folder: Path) -> tuple[Floats, Floats]:
    """scikit-learn's eight columns, of which four are ratios, and the house value."""
    held = np.load(folder / "california_housing.npz")
    return held["X"].astype(np.float64), held["y"].astype(np.float64)


def credit(folder: Path) -> tuple[Floats, NDArray[np.int64]]:
    """Default of Credit Card Clients: 23 columns of integers."""
    held = np.load(folder / "credit_default.npz")
    return held["X"].astype(np.float64), held["y"].astype(np.int64)


def ijcnn1(folder: Path) -> tuple[Split, NDArray[np.int64]]:
    """IJCNN1 in its official parts, 49,990 rows to train and 91,701 to test, and the labels of all."""
    held = np.load(folder / "ijcnn1.npz")
    labels = [(held[f"y_{part}"] > 0).astype(np.int64) for part in ("train", "test")]
    rows = [held[f"X_{part}"].astype(np.float64) for part in ("train", "test")]
    return (rows[0], labels[0], rows[1], labels[1]), np.concatenate(labels)


def as_table(x: NDArray[Any], y: NDArray[Any], dtype: str) -> NDArray[Any]:
    """All columns, the target too, in one dtype: a packed structured array (n,)."""
    names = [f"x{j}" for j in range(x.shape[1])]
    table = np.empty(len(x), [(name, dtype) for name in (*names, TARGET)])
    for name, column in zip(names, x.T, strict=True):
        table[name] = column
    table[TARGET] = y
    return table


def tables(folder: Path, rows: int | None = None) -> dict[str, NDArray[Any]]:
    """What is stored: each data set in float64 and float32, and Credit Default as the integers it consists
    of; ``rows`` keeps the first so many."""
    split, labels = ijcnn1(folder)
    sets = {
        "California Housing": california(folder),
        "California, census columns": census(folder),
        "Credit Default": credit(folder),
        "IJCNN1": (np.concatenate([split[0], split[2]]), labels),
    }
    found = {
        f"{name}, {dtype}": as_table(x[:rows], y[:rows], dtype)
        for name, (x, y) in sets.items()
        for dtype in ("float64", "float32")
    }
    x, y = sets["Credit Default"]
    found["Credit Default, int32"] = as_table(x[:rows], y[:rows], "int32")
    return found


def standardised(split: Split) -> Split:
    """Columns with the mean 0 and the deviation 1 of the rows to train on."""
    x, y, u, v = split
    scale = StandardScaler().fit(x)
    return scale.transform(x), y, scale.transform(u), v


def california_splits(folder: Path, seeds: int) -> list[Split]:
    """80 % to train, 20 % to test, as in the paper."""
    return splits(*california(folder), range(seeds))


def census_splits(folder: Path, seeds: int) -> list[Split]:
    """The same of the nine original columns, which are integers and short decimals."""
    return splits(*census(folder), range(seeds))


def credit_splits(folder: Path, seeds: int) -> list[Split]:
    """80 % to train, 20 % to test, as in the paper; standardised."""
    return [standardised(split) for split in splits(*credit(folder), range(seeds))]


def ijcnn1_splits(folder: Path, seeds: int) -> list[Split]:
    """First the official parts, then as many rows drawn anew for each seed; standardised."""
    official, labels = ijcnn1(folder)
    rows, first = np.concatenate([official[0], official[2]]), len(official[0])
    found = [official]
    for seed in range(1, seeds):
        order = np.random.default_rng(seed).permutation(len(rows))
        train, test = order[:first], order[first:]
        found.append((rows[train], labels[train], rows[test], labels[test]))
    return [standardised(split) for split in found]


def certified_sets(folder: Path) -> list[Data]:
    """Five data sets, standardised: two from scikit-learn or made, one of them small, one heavy-tailed."""
    house, value = california(folder)
    cards, default = credit(folder)
    split, engine = ijcnn1(folder)
    cells, benign = load_breast_cancer(return_X_y=True)
    made, number, label = heavy_tails(20_000, 12)
    found = [
        ("California Housing", house, value, value > np.median(value)),
        ("Credit Default", cards, default, default),
        ("IJCNN1", np.concatenate([split[0], split[2]]), engine, engine),
        ("breast_cancer", cells, benign, benign),
        ("heavy tails", made, number, label),
    ]
    return [
        Data(name, StandardScaler().fit_transform(x), number.astype(np.float64), label.astype(np.int64))
        for name, x, number, label in found
    ]


def heavy_tails(n: int, d: int) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Correlated columns of Student's t with three degrees of freedom, a noisy sum of them, and a class that
    one tells from it with errors."""
    rng = np.random.default_rng(20)
    x = rng.standard_t(3, (n, d)) @ (np.eye(d) + 0.3 * rng.normal(size=(d, d)))
    direction = rng.normal(size=d)
    u = x @ direction / np.linalg.norm(direction)
    return x, u + rng.standard_t(3, n), (u + rng.logistic(size=n) > 0).astype(np.int64)

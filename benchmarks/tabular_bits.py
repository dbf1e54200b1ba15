"""Which bits tell most, and which cost least: the paper's figures 8 and 9 on California Housing.

In: splits. Out: test errors on centroids of clusters that agree in the bits of highest or of lowest entropy
(figure 8), and Equation 1's size where those bits are the base (figure 9), each against the share of clusters
or bases among the rows.
"""

from typing import Any

import numpy as np
import tabular_recipes as recipes
from common import as_text, say
from tabular_recipes import Bit, Floats, Integers
from tabular_study import Split, centroids, least_squares, squared_error

SHARES = [float(share) for share in np.round(np.logspace(-4, 0, 41), 6)]
RAW_BITS = 32  # a cell of float32
CODES = {"mean +-4 deviations": recipes.positions, "min-max": recipes.values}


def measure(splits: list[Split], census: list[Split], sizes: list[int]) -> dict[str, Any]:
    """Figures 8 and 9."""
    return {"figure_8": errors(splits, [10, 20, *sizes]), "figure_9": storage(splits, census)}


def lowest_first(codes: Integers) -> list[Bit]:
    """All non-constant bits, the least balanced first; ties: the lower column, then the higher bit."""
    found = []
    for j, column in enumerate(codes.T):
        for k in range(int(column.max()).bit_length() - 1, -1, -1):
            ones = int(np.count_nonzero(column >> k & 1))
            if 0 < ones < len(column):
                found.append((min(ones, len(column) - ones), j, -k))
    return [(j, -k) for _, j, k in sorted(found)]


def clusters(codes: Integers, bits: list[Bit], size: int) -> Integers:
    """The longest run of ``bits`` that makes at most ``size`` clusters."""
    labels = np.zeros(len(codes), np.int64)
    for j, k in bits:
        finer = recipes.refine(labels, codes[:, j] >> k & 1)
        if finer.max() >= size:
            break
        labels = finer
    return labels


def errors(splits: list[Split], sizes: list[int]) -> dict[str, Any]:
    """Ratios to the test error of all rows, and how many clusters there were."""
    gathered: dict[str, dict[int, list[tuple[float, int]]]] = {}

    def note(name: str, size: int, ratio: float, count: int) -> None:
        gathered.setdefault(name, {}).setdefault(size, []).append((ratio, count))

    for seed, (x, y, u, v) in enumerate(splits):
        full = squared_error(least_squares(x, y), u, v)
        rng = np.random.default_rng(seed)
        for name, code in CODES.items():
            codes = code(x)
            for entropy, bits in (("high", recipes.order(codes)), ("low", lowest_first(codes))):
                for size in sizes:
                    made = centroids(clusters(codes, bits, size), x, y)
                    ratio = squared_error(least_squares(*made), u, v) / full
                    note(f"{entropy} entropy, {name}", size, ratio, len(made[2]))
        for size in sizes:
            rows = rng.choice(len(y), size, replace=False)
            note("random rows", size, squared_error(least_squares(x[rows], y[rows]), u, v) / full, size)
    found = {}
    for name, rows in gathered.items():
        found[name] = {
            str(size): {
                "samples": float(np.mean([count for _, count in runs])),
                "median": float(np.median([ratio for ratio, _ in runs])),
                "mean": float(np.mean([ratio for ratio, _ in runs])),
            }
            for size, runs in rows.items()
        }
        say(f"  {name}: " + ", ".join(f"{s}: {r['median']:.3f}" for s, r in found[name].items()))
    return found


def storage(splits: list[Split], census: list[Split]) -> dict[str, Any]:
    """Equation 1 (without condensed samples and parameters) by raw bits, for either order of the bits."""
    found: dict[str, Any] = {"shares": as_text(SHARES)}
    for kind, given, whole in (
        ("scikit-learn's columns, order of float32", splits, ordered),
        ("census columns, decimals as integers", census, decimals),
    ):
        curves: dict[str, list[Floats]] = {"high entropy": [], "low entropy": []}
        for x, y, *_ in given:
            codes = whole(np.c_[x, y])
            for name, bits in (("high entropy", recipes.order(codes)), ("low entropy", lowest_first(codes))):
                curves[name].append(equation_1(codes, bits, RAW_BITS))
        found[kind] = {
            name: {
                "share_of_raw": as_text(np.nanmean(runs, axis=0)),
                "least": float(np.mean([np.nanmin(run) for run in runs])),
            }
            for name, runs in curves.items()
        }
        say(f"  {kind}: " + ", ".join(f"{name} {found[kind][name]['least']:.3f}" for name in curves))
    return found


def ordered(x: Floats) -> Integers:
    """The order of float32 as integers, from each column's least on: exact."""
    signed = (x.astype(np.float32) + 0).view(np.int32).astype(np.int64)
    whole = np.where(signed < 0, signed ^ np.int64(2**31 - 1), signed)
    return whole - whole.min(0)


def decimals(x: Floats) -> Integers:
    """Columns times the smallest power of ten that makes them whole, from the least on: exact."""
    found = np.empty(x.shape, np.int64)
    for j, column in enumerate(x.T):
        scale = next(s for s in range(7) if (np.round(column * 10**s) / 10**s == column).all())
        found[:, j] = np.round(column * 10**scale)
    return found - found.min(0)


def equation_1(codes: Integers, bits: list[Bit], width: int) -> Floats:
    """Size by raw bits where the number of bases first reaches each of `SHARES`; NaN where it never does."""
    n, d = codes.shape
    found = np.full(len(SHARES), np.nan)
    labels, bases, place = np.zeros(n, np.int64), 1, 0
    for taken, (j, k) in enumerate(bits, 1):
        labels = recipes.refine(labels, codes[:, j] >> k & 1)
        bases = int(labels.max()) + 1
        number = (bases - 1).bit_length()
        size = (bases * taken + n * (number + len(bits) - taken)) / (n * d * width)
        while place < len(SHARES) and bases >= SHARES[place] * n:
            found[place] = size
            place += 1
        if bases == n:
            break
    return found

"""How well a linear model learns from condensed samples, beside as many random rows.

In: :class:`Numbers` whose target is a number or has two classes. Out: :class:`Learned`, errors on rows that
were held out, and a panel. Needs scikit-learn.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..tabular.condensing import condense_arrays
from .rows import Numbers
from .style import OURS, PART, PLAIN, name_text, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Learned", "draw_learned", "learn"]

Floats = NDArray[np.float64]

CENTROIDS, SCATTER, RANDOM = "condensed, means alone", "condensed, with scatter", "random rows"
_FRACTIONS = (0.002, 0.006, 0.02, 0.06, 0.2)
_FEWEST_ROWS = 20
_DRAWS = 5
_WORK = 2e9  # rows times columns squared
_EXACT = 1e-12  # of the error of a constant: rounding
_ALPHA = 1e-3  # of the logistic regressions, whose columns are standardised


@dataclass(frozen=True, eq=False)
class Learned:
    """Errors on held-out rows.

    Attributes:
        sizes: of the condensed tables, in rows.
        errors: for each way of learning one error a size; NaN where it could not learn.
        all_rows: the error of the model that has learned from all training rows.
        constant: the error of the best constant answer.
        measure: what the errors are.
        trained, held_out: numbers of rows.
    """

    sizes: list[int]
    errors: dict[str, list[float]]
    all_rows: float
    constant: float
    measure: str
    trained: int
    held_out: int


def learn(numbers: Numbers, seed: int) -> Learned:
    """Hold out a fifth of the rows and learn from the others.

    Linear regression for a number, logistic regression for two classes. Random rows: median of five draws.

    Raises:
        ImportError: scikit-learn is not installed.
        ValueError: there is nothing to learn; the message says why.
    """
    if numbers.y is None:
        raise ValueError("no comparison: the table has no target that is a number or a class")
    classes = numbers.task == "classes"
    if classes and len(numbers.classes) != 2:
        raise ValueError(
            f"no comparison: {name_text(numbers.target or '')} has {len(numbers.classes)} classes; it is "
            "drawn for numbers and for two classes"
        )
    if not numbers.names:
        raise ValueError("no comparison: there is no column of numbers to learn from")
    rng = np.random.default_rng(seed)
    n = min(len(numbers.X), max(_FEWEST_ROWS, int(_WORK / len(numbers.names) ** 2)))
    if n < _FEWEST_ROWS:
        raise ValueError("no comparison: the table has too few rows to hold some of them out")
    order = rng.permutation(len(numbers.X))[:n]
    test, train = order[: n // 5], np.sort(order[n // 5 :])
    X, y = numbers.X[train], numbers.y[train]
    middle, scale = X.mean(axis=0), X.std(axis=0)
    varies = scale > 0
    if not varies.any() or y.var() == 0:
        raise ValueError("no comparison: nothing varies in the columns, or in the target")
    X = (X[:, varies] - middle[varies]) / scale[varies]
    unseen = (numbers.X[test][:, varies] - middle[varies]) / scale[varies], numbers.y[test]
    fit = _logistic if classes else _least_squares
    error = _log_loss if classes else _squared
    constant = _constant_log_loss(y, unseen[1]) if classes else float(((y.mean() - unseen[1]) ** 2).mean())
    all_rows = error(fit(X, y), *unseen)
    if all_rows < _EXACT * constant:
        raise ValueError("no comparison: a linear model predicts the target exactly")

    sizes: list[int] = []
    errors: dict[str, list[float]] = {CENTROIDS: [], SCATTER: [], RANDOM: []}
    for fraction in _FRACTIONS:
        size = max(2, round(fraction * len(train)))
        if size in sizes:
            continue
        try:
            table = condense_arrays(X, y, size=size, classes=classes)
        except ValueError:  # more than there are different rows
            break
        sizes.append(size)
        errors[CENTROIDS].append(error(fit(table, scatter=False), *unseen))
        errors[SCATTER].append(error(fit(table), *unseen))
        draws = [rng.choice(len(train), size, replace=False) for _ in range(_DRAWS)]
        fine = [draw for draw in draws if not classes or len(np.unique(y[draw])) == 2]
        found = [error(fit(X[draw], y[draw]), *unseen) for draw in fine]
        errors[RANDOM].append(float(np.median(found)) if found else np.nan)
    if not sizes:
        raise ValueError("no comparison: there are too few different rows to condense")
    measure = "log loss" if classes else "mean squared error"
    return Learned(sizes, errors, all_rows, constant, measure, len(train), len(test))


def draw_learned(axes: "Axes", numbers: Numbers, seed: int) -> None:
    """Error against the number of condensed samples."""
    title = "Learning from condensed samples"
    try:
        learned = learn(numbers, seed)
    except (ValueError, ImportError) as error:
        say(axes, title, str(error))
        return
    styles = {CENTROIDS: ("o-", OURS), SCATTER: ("s-", "#00876c"), RANDOM: ("x--", PART)}
    for name, values in learned.errors.items():
        style, colour = styles[name]
        axes.plot(learned.sizes, values, style, color=colour, markersize=5, label=name)
    axes.axhline(learned.all_rows, color="black", linewidth=1, label=f"all {learned.trained:,} rows")
    axes.axhline(learned.constant, color=PLAIN, linewidth=1, linestyle=":", label="a constant")
    _scale(axes, learned)
    axes.set_xlabel("condensed samples, or random rows", fontsize=9)
    axes.set_ylabel(f"{learned.measure} on {learned.held_out:,} other rows", fontsize=9)
    axes.tick_params(labelsize=8.5)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8.5, framealpha=0.9)
    model = "Logistic" if numbers.task == "classes" else "Linear"
    axes.set_title(f"{title}\n{model} regression for {name_text(numbers.target or '')}", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)


def _scale(axes: "Axes", learned: Learned) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    axes.set_xscale("log")
    axes.set_xticks(learned.sizes, [f"{size:,}" for size in learned.sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    values = np.concatenate([[learned.all_rows, learned.constant], *learned.errors.values()])
    values = values[np.isfinite(values)]
    low, high = values.min(), min(values.max(), 5 * learned.constant)
    if not 0 < low < high:
        return
    if high / low < 10:
        axes.set_ylim(low - 0.08 * (high - low), high + 0.08 * (high - low))
        return
    axes.set_yscale("log")
    axes.set_ylim(low / 1.3, high * 1.3)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _least_squares(X: Any, y: Floats | None = None, *, scatter: bool = True) -> Callable[[Floats], Floats]:
    from ..tabular.linear import CondensedLinearRegression

    return CondensedLinearRegression(solver="exact" if scatter else "closed_form").fit(X, y).predict


def _logistic(X: Any, y: Any = None, *, scatter: bool = True) -> Callable[[Floats], Floats]:
    from ..tabular.logistic import CondensedLogisticRegression

    return CondensedLogisticRegression(_ALPHA, scatter=scatter).fit(X, y).decision_function


def _squared(model: Callable[[Floats], Floats], X: Floats, y: Floats) -> float:
    return float(((model(X) - y) ** 2).mean())


def _log_loss(model: Callable[[Floats], Floats], X: Floats, y: NDArray[Any]) -> float:
    return float(np.logaddexp(0, np.where(y == 1, -1, 1) * model(X)).mean())


def _constant_log_loss(y: NDArray[Any], unseen: NDArray[Any]) -> float:
    share = y.mean()
    return float(-(unseen.mean() * np.log(share) + (1 - unseen.mean()) * np.log1p(-share)))

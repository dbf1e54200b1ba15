"""Rows and the condensed samples that stand for them, in the two columns that tell most.

In: :class:`Numbers`. Out: a panel.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..tabular.condensed import CondensedTable
from ..tabular.condensing import condense_arrays
from .rows import Numbers
from .style import CLASSES, PLAIN, name_text, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["condensed_of", "draw_points", "telling_columns"]

Floats = NDArray[np.float64]

_TITLE = "Rows and condensed samples"
_DRAWN = 20_000
_RANKED = 10_000
_TOTAL_AREA, _LARGEST_AREA = 6000.0, 500.0  # square points
_SAME = 0.98  # columns that agree so far tell the same


def condensed_of(numbers: Numbers, size: int | None) -> CondensedTable:
    """Condensed samples of the rows: ``size``, or about 1 % of them.

    Raises:
        ValueError: there are fewer different rows than that.
    """
    if size is None:
        size = min(max(10, round(len(numbers.X) / 100)), 500, _different_rows(numbers))
        size = max(size, len(numbers.classes))
    classes = None if numbers.task is None else numbers.task == "classes"
    return condense_arrays(numbers.X, numbers.y, size=size, classes=classes, columns=numbers.names)


def telling_columns(numbers: Numbers, seed: int) -> tuple[int, int]:
    """The two columns to look at, as numbers; twice the same where there is one.

    The first agrees most with the target (in ranks; of classes: differs most between them), the second does
    so, too, and tells something else. Without a target the two that agree most.
    """
    X, y = numbers.X, numbers.y
    if len(X) > _RANKED:
        some = np.sort(np.random.default_rng(seed).choice(len(X), _RANKED, replace=False))
        X, y = X[some], None if y is None else y[some]
    ranks = np.column_stack([_ranks(column) for column in X.T])
    agreement = np.abs(ranks.T @ ranks) / len(ranks)
    if y is None:
        agreement[agreement > _SAME] = 0
        first, second = divmod(int(np.argmax(np.triu(agreement, 1))), len(agreement))
        return first, second if second != first else min(first + 1, len(agreement) - 1)
    if numbers.task == "number":
        telling = np.abs(_ranks(y) @ ranks) / len(ranks)
    else:
        of_class = np.bincount(y, minlength=len(numbers.classes)).astype(float)
        sums = np.stack([np.bincount(y, column, len(of_class)) for column in ranks.T], axis=1)
        telling = np.sqrt((sums**2 / np.maximum(of_class, 1)[:, None]).sum(axis=0) / len(ranks))
    first = int(np.argmax(telling))
    other = telling * (1 - np.minimum(agreement[first] ** 2, 1))
    other[first] = -1
    return first, int(np.argmax(other))


def draw_points(axes: "Axes", numbers: Numbers, size: int | None, seed: int) -> None:
    """Rows as faint points, condensed samples as circles whose areas are their weights."""
    if not len(numbers.X) or not numbers.names:
        what = "there are no rows" if numbers.of == 0 else "there is no column of numbers, besides the target"
        say(axes, _TITLE, "; ".join([what, *numbers.left_out]))
        return
    try:
        table = condensed_of(numbers, size)
    except ValueError as error:
        say(axes, _TITLE, str(error))
        return
    first, second = telling_columns(numbers, seed)
    some = np.arange(len(numbers.X))
    if len(some) > _DRAWN:
        some = np.random.default_rng(seed).choice(len(some), _DRAWN, replace=False)
    x, circles_x = numbers.X[:, first], table.X[:, first]
    if second != first:
        y, circles_y, label = numbers.X[:, second], table.X[:, second], _axis_text(numbers, second)
    elif numbers.task == "number":
        assert numbers.y is not None
        assert table.y is not None
        y, circles_y, label = numbers.y, table.y, name_text(numbers.target or "", 40)
    else:
        ordered = np.sort(x)
        y, circles_y = (np.searchsorted(ordered, v, "right") / len(x) for v in (x, circles_x))
        label = "share of rows up to there"

    few = len(some) < 2000
    axes.scatter(
        x[some],
        y[some],
        s=9 if few else 3,
        alpha=0.6 if few else 0.35,
        linewidths=0,
        rasterized=True,
        **_colours(numbers, some),
    )
    area = table.sample_weight * min(_TOTAL_AREA / table.n, _LARGEST_AREA / table.sample_weight.max())
    circles = axes.scatter(
        circles_x,
        circles_y,
        s=area,
        linewidths=0.7,
        edgecolors="black",
        alpha=0.85,
        **_colours(numbers, table),
    )
    for values, limits in ((x, axes.set_xlim), (y, axes.set_ylim)):
        limits(*_limits(values))
    axes.set_xlabel(_axis_text(numbers, first), fontsize=9)
    axes.set_ylabel(label, fontsize=9)
    axes.tick_params(labelsize=8.5)
    notes = [
        f"{numbers.rows_text} (points), {len(table):,} condensed (circles, area: weight)",
        *numbers.left_out,
    ]
    axes.set_title("\n".join([_TITLE, *notes]), fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    _explain_colours(axes, numbers, circles)


def _axis_text(numbers: Numbers, column: int) -> str:
    name = numbers.names[column]
    return name_text(name, 40) + (f", {numbers.units[name]}" if name in numbers.units else "")


def _colours(numbers: Numbers, of: Any) -> dict[str, Any]:
    """How ``scatter`` colours rows (numbers of rows) or the condensed samples (a table)."""
    rows = not isinstance(of, CondensedTable)
    if numbers.y is None or (rows and numbers.task == "number"):
        return {"color": PLAIN if rows else CLASSES[0]}
    y = numbers.y[of] if rows else of.y
    if numbers.task == "number":
        low, high = _limits(numbers.y)
        return {"c": y, "cmap": "cividis", "vmin": low, "vmax": high}
    if len(numbers.classes) > len(CLASSES):
        return {"c": y, "cmap": "cividis", "vmin": 0, "vmax": len(numbers.classes) - 1}
    return {"color": [CLASSES[int(one)] for one in y]}


def _explain_colours(axes: "Axes", numbers: Numbers, circles: Any) -> None:
    target = name_text(numbers.target or "", 24)
    if numbers.task == "number":
        bar = axes.figure.colorbar(circles, ax=axes, pad=0.01)
        bar.set_label(target, fontsize=9)
        bar.ax.tick_params(labelsize=8)
    elif numbers.task == "classes" and len(numbers.classes) <= len(CLASSES):
        for colour, name in zip(CLASSES, numbers.classes, strict=False):
            axes.scatter([], [], s=40, color=colour, label=name_text(name))
        axes.legend(title=target, fontsize=8.5, title_fontsize=8.5, loc="upper right", framealpha=0.9)


def _limits(values: Floats) -> tuple[float, float]:
    """From where to where to draw: 99 % of the values and a margin."""
    low, high = np.quantile(values, [0.005, 0.995])
    if low == high:
        low, high = values.min(), values.max()
    margin = 0.06 * (high - low) or 0.5 * max(abs(high), 1.0)
    return float(low - margin), float(high + margin)


def _ranks(column: NDArray[Any]) -> Floats:
    """Mean ranks with mean 0 and mean square 1; zeros for a constant."""
    _, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    ranks -= ranks.mean()
    deviation = np.sqrt((ranks**2).mean())
    return ranks / deviation if deviation > 0 else ranks


def _different_rows(numbers: Numbers) -> int:
    keys = numbers.X + 0.0  # -0.0 is 0.0
    if numbers.y is not None and numbers.task == "classes":
        keys = np.column_stack([keys, numbers.y])
    keys = np.ascontiguousarray(keys)
    return len(np.unique(keys.view(np.dtype((np.void, keys.itemsize * keys.shape[1])))))

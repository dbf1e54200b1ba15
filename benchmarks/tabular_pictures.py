"""The pictures of ``tabular.py``, drawn from its results.

In: ``results/tabular_*.json``. Out: ``figures/*.png``, one for each figure of the paper, one of the
certificates and one of the cost. What has no result yet is left out. Colours are those of Okabe and Ito,
which the colour-blind tell apart; lines differ in their markers, too.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from common import from_text

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

HERE = Path(__file__).parent
RESULTS, FIGURES = HERE / "results", HERE / "figures"
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PINK = (
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#F0E442",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
)
CONTROLS = {
    "random rows": (BLACK, "x", ":"),
    "MiniBatchKMeans": (ORANGE, "s", "--"),
    "BIRCH": (PINK, "^", "--"),
}
LINEAR = {"condensed": (BLUE, "o", "-"), "condensed, with scatter": (GREEN, "D", "-"), **CONTROLS}
LOGISTIC = {
    "centroids of mixed classes": (BLUE, "o", "-"),
    "centroids of mixed classes, with scatter": (GREEN, "D", "-"),
    "centroids of one class": (RED, "v", "-"),
    "the same, with scatter": (SKY, "P", "-"),
    "the row nearest each centroid of one class": (YELLOW, "*", "-"),
    **CONTROLS,
}
MARKERS = ("o", "s", "^", "D", "v")


def style(kind: tuple[str, str, str]) -> dict[str, Any]:
    """Colour, marker and line, as matplotlib wants them."""
    colour, marker, line = kind
    return {"color": colour, "marker": marker, "linestyle": line, "markersize": 4, "linewidth": 1.2}


def figure_3(result: dict[str, Any]) -> Figure:
    """Paths of gradient descent over the loss of 1,000 rows, and the condensed samples among the rows."""
    held = result["figure_3"]["first_split"]
    x, y = (np.array(from_text(text)) for text in held["rows"])
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4))
    paths = {name: [from_text(text) for text in pair] for name, pair in held["paths"].items()}
    slope, intercept = np.meshgrid(np.linspace(-1.15, 1.1, 120), np.linspace(-0.95, 0.35, 120))
    loss = 0.5 * (slope**2 * np.mean(x**2) + intercept**2 + np.mean(y**2)) + (
        slope * intercept * np.mean(x) - slope * np.mean(x * y) - intercept * np.mean(y)
    )
    left.contour(slope, intercept, loss, 14, colors="0.8", linewidths=0.7)
    for name, kind in (
        ("mini-batches", (ORANGE, ".", "-")),
        ("all rows", (BLACK, "x", "-")),
        ("condensed", (BLUE, "o", "--")),
    ):
        label = {"all rows": "all 1,000 rows", "mini-batches": "mini-batches of 45"}.get(name, "45 condensed")
        left.plot(*paths[name], label=label, **{**style(kind), "markersize": 3, "linewidth": 0.9})
    left.plot(*from_text(held["optimum"]), "*", color=RED, markersize=10, label="least squares, all rows")
    left.set(xlabel="slope", ylabel="intercept", title="60 steps of gradient descent")
    left.legend(fontsize=7)
    right.plot(x, y, ".", color="0.75", markersize=3, label="1,000 rows")
    cx, cy, weight = (np.array(from_text(text)) for text in held["condensed"])
    right.scatter(cx, cy, 4 + weight, color=BLUE, alpha=0.8, label="45 condensed (area: weight)")
    right.set(xlabel="median income, standardised", ylabel="house value, standardised", title="Rows")
    right.legend(fontsize=7)
    return figure


def figure_5a(result: dict[str, Any]) -> Figure:
    """Error, and storage, against the share of condensed samples."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4))
    by_size(left, result["figure_5a"]["errors"], LINEAR, result["rows"], "mean")
    left.axhline(1, color="0.5", linewidth=0.8)
    left.axhline(1.04, color="0.5", linewidth=0.8, linestyle=":")
    left.set_yscale("log")
    left.set_title(f"Test MSE / that of all rows (mean of {result['splits']} splits)", fontsize=10)
    left.set(xlabel="samples, % of rows (dotted: 4 % more)")
    left.legend(fontsize=7)
    for dtype, colour in (("float64", BLUE), ("float32", RED)):
        for preset, line in (("paper", "-"), ("small", "--")):
            row = result["figure_5a"]["storage"][dtype][preset]
            sizes = [100 * int(size) / result["rows"] for size in row["samples_beside"]]
            right.plot(
                sizes,
                [100 * row["share_of_raw"]] * len(sizes),
                color=colour,
                linestyle=line,
                label=f"{preset}, {dtype}: samples computed when asked for",
            )
            beside = [100 * (row["share_of_raw"] + more) for more in row["samples_beside"].values()]
            right.plot(sizes, beside, color=colour, linestyle=line, marker=".", linewidth=0.6)
    right.axhline(44, color="0.5", linewidth=0.8, linestyle=":")
    right.text(0.26, 45, "the paper, 0.6 % of samples", fontsize=7, color="0.3")
    right.set_xscale("log")
    right.set(
        ylim=(0, 55),
        xlabel="condensed samples, % of rows",
    )
    right.set_title("Lossless file, % of raw (dots: samples beside it)", fontsize=10)
    right.legend(fontsize=6, loc="lower left")
    return figure


def by_size(axes: Any, errors: dict[str, Any], kinds: dict[str, Any], rows: int, value: str) -> None:
    """One line for each kind."""
    for name, kind in kinds.items():
        points = [(100 * row["samples"] / rows, row[value]) for row in errors[name].values()]
        axes.plot(*zip(*points, strict=True), label=name, **style(kind))
    axes.set_xscale("log")


def figure_5b(result: dict[str, Any]) -> Figure:
    """Error against steps, and against seconds."""
    held = result["figure_5b"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), sharey=True)
    steps = np.array(from_text(held["steps"]))
    for name, kind in {"all rows": (RED, "v", "-"), "condensed": LINEAR["condensed"], **CONTROLS}.items():
        row = held["errors"][name]
        left.plot(steps, from_text(row["mean"]), label=name, **style(kind))
        left.axhline(row["closed_form"], color=kind[0], linewidth=0.5)
    seconds = held["seconds"]
    for name, kind in (("all rows", (RED, "v", "-")), ("condensed", LINEAR["condensed"])):
        time = steps * seconds[f"{name}, one step"]
        if name == "condensed":
            time = time + seconds["condensing"]
        row = held["errors"][name]
        right.plot(time, from_text(row["mean"]), label=f"{name}, gradient descent", **style(kind))
        closed = seconds[f"{name}, closed form"] + (seconds["condensing"] if name == "condensed" else 0)
        right.plot(
            closed, row["closed_form"], "*", color=kind[0], markersize=12, label=f"{name}, closed form"
        )
    left.set(xlabel="steps of gradient descent, rate 0.001", ylabel="test MSE / least squares on all rows")
    right.set(xlabel="seconds on one core, condensing included")
    left.set_title("92 samples; thin lines: closed form", fontsize=10)
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_ylim(0.93, 2.0)
        axes.legend(fontsize=7)
    return figure


def figure_8(result: dict[str, Any]) -> Figure:
    """Bits of high and of low entropy: error."""
    figure, axes = plt.subplots(figsize=(5.5, 4))
    kinds = {
        "high entropy, mean +-4 deviations": (BLUE, "o", "-"),
        "high entropy, min-max": (GREEN, "D", "-"),
        "low entropy, mean +-4 deviations": (RED, "v", "--"),
        "low entropy, min-max": (ORANGE, "^", "--"),
        "random rows": CONTROLS["random rows"],
    }
    by_size(axes, result["figure_8"], kinds, result["rows"], "median")
    axes.set_yscale("log")
    axes.set(xlabel="clusters, % of rows", ylabel="test MSE / that of all rows (median)")
    axes.legend(fontsize=7)
    return figure


def figure_9(result: dict[str, Any]) -> Figure:
    """Bits of high and of low entropy as base bits: size."""
    figure, axes = plt.subplots(figsize=(5.5, 4))
    held = dict(result["figure_9"])
    shares = 100 * np.array(from_text(held.pop("shares")))
    for (kind, curves), colour in zip(held.items(), (BLUE, RED), strict=True):
        for name, line in (("high entropy", "--"), ("low entropy", "-")):
            size = 100 * np.array(from_text(curves[name]["share_of_raw"]))
            axes.plot(shares, size, color=colour, linestyle=line, label=f"{kind}: {name}")
    axes.set_xscale("log")
    axes.set(xlabel="bases, % of rows", ylabel="Equation 1, % of raw float32", ylim=(30, 85))
    axes.legend(fontsize=7, loc="upper left")
    return figure


def figure_10(result: dict[str, Any]) -> Figure:
    """Logistic regression: accuracy and area under the curve."""
    figure, grid = plt.subplots(2, 2, figsize=(9, 7), sharex="col")
    for column, (name, data) in enumerate(result["data_sets"].items()):
        for row, (value, title) in enumerate(
            (("relative_accuracy", "accuracy / that of all rows"), ("auc", "area under the curve"))
        ):
            axes = grid[row, column]
            for kind, look in LOGISTIC.items():
                found = data["kinds"].get(kind, {})  # controls that take too long are left out
                shares = [100 * found[share]["samples"] / data["train"] for share in found]
                axes.plot(shares, [one[value] for one in found.values()], label=kind, **style(look))
            whole = data["kinds"]["all rows"]["1"][value]
            axes.axhline(whole, color="0.5", linewidth=0.8)
            if row == 0:
                constant = data["kinds"]["a constant answer"]["0"][value]
                axes.axhline(constant, color="0.5", linewidth=0.8, linestyle=":")
                axes.set_title(name)
            axes.set_xscale("log")
            axes.set_ylabel(title)
        grid[1, column].set_xlabel("samples, % of training rows")
    grid[1, 0].legend(fontsize=7)
    grid[0, 0].text(0.02, 0.02, "dotted: a constant answer", fontsize=7, transform=grid[0, 0].transAxes)
    return figure


def certificates(result: dict[str, Any]) -> Figure:
    """The bound against the truth, every fit a point."""
    figure, axes = plt.subplots(figsize=(8, 5))
    kinds = {
        "linear, closed form": BLACK,
        "logistic, one class a cluster, without scatter": RED,
        "logistic, one class a cluster": ORANGE,
        "logistic, mixed clusters": BLUE,
        "logistic, mixed clusters, one pass": SKY,
        "logistic, refined": GREEN,
    }
    seen = []
    for marker, (_, data) in zip(MARKERS, result["data_sets"].items(), strict=False):
        for kind, colour in kinds.items():
            rows = data["kinds"][kind].values()
            truth = np.array([value for row in rows for value in from_text(row["truth"])])
            bound = np.array([value for row in rows for value in from_text(row["bound"])])
            told = (truth > 1e-15) & (bound > 1e-15)
            axes.plot(truth[told], bound[told], marker, color=colour, markersize=3, alpha=0.6, linewidth=0)
            seen += [*truth[told], *bound[told]]
    ends = [min(seen) / 2, max(seen) * 2]
    axes.plot(ends, ends, color="0.4", linewidth=0.8)
    for kind, colour in kinds.items():
        axes.plot([], [], "o", color=colour, markersize=4, label=kind)
    for marker, name in zip(MARKERS, result["data_sets"], strict=False):
        axes.plot([], [], marker, color="0.5", markersize=4, label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set(xlabel="truth: F - F* on all rows", ylabel="certified bound of it")
    axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.01, 1))
    return figure


def cost(result: dict[str, Any]) -> Figure:
    """Seconds against rows."""
    figure, axes = plt.subplots(figsize=(5.5, 4))
    for (name, held), kind in zip(
        result["arrays"].items(), ((BLUE, "o", "-"), (RED, "v", "--")), strict=True
    ):
        points = [(int(rows), row["seconds"]["median"]) for rows, row in held["rows"].items()]
        axes.plot(*zip(*points, strict=True), label=f"{name}: slope {held['slope'] or 1:.2f}", **style(kind))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set(xlabel="rows of 22 columns", ylabel="seconds on one core")
    axes.legend(fontsize=8)
    return figure


PICTURES: dict[str, tuple[str, Callable[[dict[str, Any]], Figure]]] = {
    "figure_3": ("tabular_figures", figure_3),
    "figure_5a": ("tabular_figures", figure_5a),
    "figure_5b": ("tabular_figures", figure_5b),
    "figure_8": ("tabular_figures", figure_8),
    "figure_9": ("tabular_figures", figure_9),
    "figure_10": ("tabular_accuracy", figure_10),
    "certificates": ("tabular_certificates", certificates),
    "cost": ("tabular_cost", cost),
}


def draw_all(results: Path = RESULTS, figures: Path = FIGURES) -> list[Path]:
    """Draw what there are results for."""
    figures.mkdir(exist_ok=True)
    drawn = []
    for name, (result, draw) in PICTURES.items():
        source = results / f"{result}.json"
        if not source.exists():
            continue
        figure = draw(json.loads(source.read_text()))
        path = figures / f"tabular_{name}.png"
        figure.tight_layout()
        figure.savefig(path, dpi=100, metadata={"Software": None})
        plt.close(figure)
        drawn.append(path)
    return drawn

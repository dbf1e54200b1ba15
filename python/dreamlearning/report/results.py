"""Pictures of the results of other commands.

In: the dictionary that :func:`dreamlearning.recipes.run_main_job` or
:func:`dreamlearning.comparison.compare` returns. Out: a matplotlib figure.
"""

from typing import TYPE_CHECKING, Any

from .style import OURS, PART, PLAIN, new_figure, unit_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["comparison_figure", "main_job_figure"]

_SIZE_LABELS = {"raw": "raw arrays", "png": "PNG per image", "small": ".gede small", "paper": ".gede paper"}


def main_job_figure(result: dict[str, Any]) -> "Figure":
    """Three panels: bytes on disk, test accuracy against samples seen, seconds per epoch.

    Args:
        result: what ``run_main_job`` returned, or read back from its JSON.

    Raises:
        ImportError: matplotlib is not installed.
    """
    figure = new_figure(figsize=(13, 4.3))
    sizes, accuracy, seconds = figure.subplots(1, 3, width_ratios=(1.15, 1.35, 0.8))
    _draw_sizes(sizes, result["sizes"])
    _draw_accuracy(accuracy, result["runs"])
    _draw_seconds(seconds, result["runs"])
    for axes in (sizes, accuracy, seconds):
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_axisbelow(True)
    data, machine = result["data"], result["machine"]
    height, width = data["shape"][:2]
    figure.suptitle(
        f"{data['source']}: {data['train_samples']:,} training images of {height} x {width}, "
        f"ResNet-18, {machine['cores']} cores",
        fontsize=12,
    )
    return figure


def comparison_figure(result: dict[str, Any]) -> "Figure":
    """Two panels of bars: size, and megabytes decoded a second.

    Args:
        result: what ``dreamlearning.comparison.compare`` returned, with the name of the ``file`` added.

    Raises:
        ImportError: matplotlib is not installed.
    """
    formats = result["formats"]
    figure = new_figure(figsize=(10, 1.2 + 0.5 * len(formats)))
    sizes, speeds = figure.subplots(1, 2, sharey=True)
    colours = [OURS if name.startswith(".gede") else PLAIN for name in formats]
    names = []
    for name, row in formats.items():
        note = " (as RGB)" if row.get("channels_repeated") else ""
        if row["images"] < result["samples"]:
            note += f"\n({row['images']:,} images: .gede {row['gede_share_of_same_images']:.1%})"
        names.append(name + note)
    for axes, values, labels, title in (
        (
            sizes,
            [100 * row["share_of_raw"] for row in formats.values()],
            [f"{row['share_of_raw']:.1%}" for row in formats.values()],
            "Size, % of raw (shorter is better)",
        ),
        (
            speeds,
            [row["megabytes_per_second"] for row in formats.values()],
            [f"{row['megabytes_per_second']:,.0f} ({_rate(row)} images/s)" for row in formats.values()],
            "Decoding, MB/s on one core (longer is better)",
        ),
    ):
        bars = axes.barh(names, values, color=colours, height=0.62)
        axes.bar_label(bars, labels, padding=4)
        axes.set_xlim(0, max(values) * 1.6)
        axes.set_title(title, fontsize=11)
        axes.grid(axis="x", alpha=0.3)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    sizes.invert_yaxis()
    machine = result["machine"]
    name = result.get("file", "a .gede file")
    figure.suptitle(f"{name}: {result['samples']:,} images, {machine['cpu']}", fontsize=12)
    return figure


def _draw_sizes(axes: "Axes", sizes: dict[str, Any]) -> None:
    names = [name for name in _SIZE_LABELS if name in sizes]
    unit, divisor = unit_of(max(sizes[name]["bytes"] for name in names))
    values = [sizes[name]["bytes"] / divisor for name in names]
    colours = [OURS if name in ("small", "paper") else PLAIN for name in names]
    bars = axes.barh([_size_label(name, sizes[name]) for name in names], values, color=colours, height=0.62)
    axes.bar_label(bars, [f"{sizes[name]['share']:.0%}" for name in names], padding=4)
    axes.invert_yaxis()
    axes.set_xlim(0, max(values) * 1.18)
    axes.set_xlabel(f"training set on disk, {unit}")
    axes.grid(axis="x", alpha=0.3)
    axes.set_title("Smaller on disk")


def _size_label(name: str, size: dict[str, Any]) -> str:
    lossy = "" if size.get("exact", True) else f"\n(off by at most {size['max_error']})"
    return _SIZE_LABELS[name] + lossy


def _draw_accuracy(axes: "Axes", runs: list[dict[str, Any]]) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    lowest = 1.0
    for run, colour in zip(runs, (OURS, PART), strict=False):
        seen = [epoch["samples_seen"] for epoch in run["epochs"]]
        reached = [100 * epoch["test_accuracy"] for epoch in run["epochs"]]
        lowest = min(lowest, *(value / 100 for value in reached))
        label = f"{_run_label(run)}: {reached[-1]:.1f} %"
        axes.plot(seen, reached, "o-", color=colour, markersize=4, label=label)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(100 * lowest - 4, 102)
    axes.set_xlabel("training images seen (logarithmic)")
    axes.set_ylabel("test accuracy, %")
    axes.grid(alpha=0.3, which="both")
    axes.legend(loc="lower right", frameon=True)
    axes.set_title("Trained from the .gede file")


def _draw_seconds(axes: "Axes", runs: list[dict[str, Any]]) -> None:
    values = [run["seconds_per_epoch"] for run in runs]
    bars = axes.bar([_run_label(run) for run in runs], values, color=(OURS, PART)[: len(runs)], width=0.55)
    axes.bar_label(bars, [f"{value:.2g} s" for value in values], padding=3)
    axes.set_ylim(0, max(values) * 1.15)
    axes.set_ylabel("seconds per epoch")
    axes.grid(axis="y", alpha=0.3)
    axes.set_title("Training time")


def _run_label(run: dict[str, Any]) -> str:
    fraction = run["recipe"]["fraction"]
    return "all data" if fraction == 1 else f"{fraction:.0%} per epoch"


def _rate(row: dict[str, Any]) -> str:
    return _short(float(f"{row['images_per_second']:.2g}"))


def _short(count: float) -> str:
    """``_short(1500) == "1.5k"``."""
    for divisor, suffix in ((1e6, "M"), (1e3, "k")):
        if count >= divisor:
            return f"{count / divisor:g}{suffix}"
    return f"{count:g}"

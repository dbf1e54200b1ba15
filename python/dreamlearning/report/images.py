"""Images in one picture. In: an open file. Out: a figure with some of them, sizes, and classes."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..file import CompressedFile
from ..indexing import image_axes
from .storage import draw_sizes
from .style import OURS, name_text, new_figure, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = ["image_figure"]

_ROWS, _COLUMNS = 5, 8
_MOST_CLASSES = 20


def image_figure(file: CompressedFile, seed: int) -> "Figure":
    """Some images, the sizes, and how many images each class has; see
    :func:`dreamlearning.report.file_figure`."""
    facts = file.info()
    figure = new_figure(figsize=(14, 7))
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(1.3, 1))[0]
    _draw_sheet(left, file, seed)
    panels = right.subplots(2, 1)
    draw_sizes(panels[0], facts)
    _draw_classes(panels[1], file)
    sides = " x ".join("own" if side is None else str(side) for side in file.shape)
    exact = "bit-exact" if facts["exact"] else f"NOT lossless, max error {facts['max_error']}"
    figure.suptitle(
        f"{name_text(file.path.name, 60)}: {len(file):,} samples of {sides or 'one number'}, {file.dtype}, "
        f"preset {facts['preset']}, {exact}",
        fontsize=13,
    )
    return figure


def _draw_sheet(figure: "SubFigure", file: CompressedFile, seed: int) -> None:
    if image_axes(file.shape, file.dtype) is None or 0 in file.shape or not len(file):
        say(figure.subplots(), "Samples", "there are no images to be shown")
        return
    count = min(_ROWS * _COLUMNS, len(file))
    chosen = np.sort(np.random.default_rng(seed).choice(len(file), count, replace=False))
    labels, classes = _labels(file), file.classes
    shown = list(file.decode(chosen))
    # Digits, say, end at 16 and not at 255.
    white = max(1, *(int(one.max()) for one in shown))
    columns = min(_COLUMNS, math.ceil(math.sqrt(count)))
    panels = figure.subplots(math.ceil(count / columns), columns, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    for axes, index, one in zip(panels, chosen.tolist(), shown, strict=False):
        pixels = _picture(one, channels_first=image_axes(file.shape, file.dtype) == [1, 2])
        axes.imshow(pixels, cmap="gray", interpolation="nearest", vmin=0, vmax=white)
        title = f"{index}" if labels is None else name_text(_class_name(labels[index], classes), 14)
        axes.set_title(title, fontsize=8, pad=2)
    figure.suptitle(f"{count} of {len(file):,} images", fontsize=11)


def _picture(pixels: NDArray[Any], *, channels_first: bool) -> NDArray[Any]:
    """As ``imshow`` takes it: (H, W), or (H, W, 3 or 4) of 8 bits or between 0 and 1."""
    if channels_first:
        pixels = np.moveaxis(pixels, 0, -1)
    if pixels.ndim == 3 and pixels.shape[2] <= 2:
        return pixels[..., 0]  # grey; what is transparent is not shown
    if pixels.ndim == 3 and pixels.dtype == np.uint16:
        return pixels / 65535
    return pixels


def _labels(file: CompressedFile) -> NDArray[Any] | None:
    labels = file.labels
    return None if labels is None or labels.ndim != 1 else np.asarray(labels)


def _class_name(label: Any, classes: list[str] | None) -> str:
    if classes is not None and label.dtype.kind in "iu" and 0 <= label < len(classes):
        return classes[int(label)]
    return f"{label:.4g}" if label.dtype.kind == "f" else str(label)


def _draw_classes(axes: "Axes", file: CompressedFile) -> None:
    labels = _labels(file)
    if labels is None or labels.dtype.kind not in "biu" or not len(labels):
        say(axes, "Classes", "the samples have no labels that are classes")
        return
    values, counts = np.unique(labels, return_counts=True)
    title = f"Samples in each of {len(values):,} classes" if len(values) > 1 else "Samples in one class"
    if len(values) > _MOST_CLASSES:
        shown = np.sort(np.argsort(-counts, kind="stable")[:_MOST_CLASSES])
        values, counts = values[shown], counts[shown]
        title += f"; the largest {_MOST_CLASSES}"
    slots = range(len(values))
    bars = axes.barh(slots, counts, color=OURS, height=0.66)
    axes.bar_label(bars, [f"{count:,}" for count in counts], padding=4, fontsize=8.5)
    names = [name_text(_class_name(value, file.classes)) for value in values]
    axes.set_yticks(slots, names, fontsize=8.5)
    axes.set_ylim(max(len(names), 6) - 0.4, -0.6)
    axes.set_xlim(0, counts.max() * 1.15)
    axes.set_title(title, fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)

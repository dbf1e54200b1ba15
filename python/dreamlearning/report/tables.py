"""A table in one picture. In: an open file. Out: a figure of four panels."""

from typing import TYPE_CHECKING

from ..file import CompressedFile
from .learning import draw_learned
from .points import draw_points
from .rows import numbers_of
from .storage import column_rows, draw_columns, draw_sizes
from .style import name_text, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["table_figure"]


def table_figure(file: CompressedFile, size: int | None, seed: int) -> "Figure":
    """Sizes, columns, rows with condensed samples, and learning from these; see
    :func:`dreamlearning.report.file_figure`."""
    facts = file.info()
    columns = column_rows(facts, file.table)
    # The upper panels grow with the number of columns that are shown.
    upper = 1.1 + 0.21 * min(max(len(columns), 8), 24)
    figure = new_figure(figsize=(14, upper + 5.2))
    panels = figure.subplots(2, 2, height_ratios=(upper, 5.0), width_ratios=(1, 1.15))
    draw_sizes(panels[0, 0], facts)
    draw_columns(panels[0, 1], columns, facts)
    numbers = numbers_of(file, seed)
    draw_points(panels[1, 0], numbers, size, seed)
    draw_learned(panels[1, 1], numbers, seed)
    target = "no target" if numbers.target is None else f"target {name_text(numbers.target)}"
    if file.target is not None:
        target = f"target {name_text(file.target)}"
    rows = f"{len(file):,} row{'' if len(file) == 1 else 's'}"
    width = f"{len(columns):,} column{'' if len(columns) == 1 else 's'}"
    figure.suptitle(
        f"{name_text(file.path.name, 60)}: {rows} of {width}, {target}, preset {facts['preset']}", fontsize=13
    )
    return figure

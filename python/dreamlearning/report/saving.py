"""Figures as files. In: a figure and a path. Out: a file that appears when it is complete."""

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from ..exporters.base import check_output, new_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["check_picture_name", "save_figure"]

_FORMATS = (".png", ".pdf", ".svg")


def check_picture_name(path: str | os.PathLike[str]) -> str:
    """The format that the name of a picture stands for.

    Raises:
        ValueError: none of those there are.

    Example:
        >>> check_picture_name("bars.PDF")
        'pdf'
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise ValueError(f"{path}: the name of a picture ends in .png, .pdf or .svg")
    return suffix[1:]


def save_figure(figure: "Figure", path: str | os.PathLike[str], *, overwrite: bool = True) -> None:
    """Write a figure as PNG, PDF or SVG; the file appears under its name only when it is complete.

    Raises:
        FileExistsError: ``path`` exists and ``overwrite`` is false.
        ValueError: the name has another ending.
    """
    kind, output = check_picture_name(path), Path(path)
    check_output(output, overwrite=overwrite)
    with warnings.catch_warnings(), new_file(output) as stream:
        # Names in scripts that the font lacks become boxes, which is all that can be done about them here.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(stream, format=kind)

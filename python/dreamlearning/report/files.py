"""One picture of what is in a file. In: a ``.gede`` file. Out: a figure."""

import operator
import os
from typing import TYPE_CHECKING, Any

from ..exporters.base import opened
from .images import image_figure
from .tables import table_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["MOST_CONDENSED", "file_figure"]

MOST_CONDENSED = 500


def file_figure(file: str | os.PathLike[str] | Any, *, size: int | None = None, seed: int = 0) -> "Figure":
    """What is in a file, in one picture.

    Of a table: its size and that of its parts, what each column takes and how it is stored, the rows with
    condensed samples in the two columns that tell most, and, where the target is a number or has two classes,
    how well a linear model learns from condensed samples. Of images: some of them, sizes, and classes.

    Tables of more than 100,000 rows are sampled for the last two panels. The same file, ``size`` and ``seed``
    give the same picture.

    Args:
        file: a path, or an opened file.
        size: condensed samples to show, 1 to 500; by default about 1 % of the rows.
        seed: of the rows that are drawn and held out, and of the images shown; at least 0.

    Raises:
        ImportError: matplotlib is not installed. Without scikit-learn only the last panel is missing.
        ValueError: ``size`` or ``seed`` is out of range, or the file holds images and ``size`` is given.
        OSError, CorruptFileError: the file can't be read.

    Example:
        >>> figure = file_figure("housing.gede")            # doctest: +SKIP
        >>> figure.savefig("housing.pdf")                   # doctest: +SKIP
    """
    if size is not None and not 1 <= operator.index(size) <= MOST_CONDENSED:
        raise ValueError(f"size is {size}; give 1 to {MOST_CONDENSED} condensed samples")
    if operator.index(seed) < 0:
        raise ValueError(f"seed is {seed}; give 0 or more")
    with opened(file) as one:
        if one.table is not None or len(one.shape) == 1:
            return table_figure(one, size, seed)
        if size is not None:
            raise ValueError(f"{one.path} holds no table; leave size out")
        return image_figure(one, seed)

"""What all pictures share: colours, numbers and names as text, panels that only say something.

In: numbers, names, axes. Out: short texts that fit, and axes.
"""

import textwrap
from typing import TYPE_CHECKING, Any

from ..errors import missing_extra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["CLASSES", "OURS", "PART", "PLAIN", "bytes_text", "name_text", "new_figure", "say", "unit_of"]

# One colour for what is stored plainly, one for our files, one for training on a part.
PLAIN, OURS, PART = "#9aa5b1", "#2166ac", "#e08214"
# Colours that colour-blind people tell apart, too (Okabe and Ito, 2008).
CLASSES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#000000", "#b8a800")


def new_figure(**options: Any) -> "Figure":
    """A figure that belongs to no window.

    Raises:
        ImportError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise missing_extra("matplotlib", "plots") from error
    return Figure(dpi=150, layout="constrained", **options)


def unit_of(num_bytes: float) -> tuple[str, float]:
    """The unit for so many bytes, and how many bytes it has."""
    for unit, divisor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if num_bytes >= divisor:
            return unit, divisor
    return "bytes", 1.0


def bytes_text(num_bytes: int) -> str:
    """Bytes in decimal units.

    Example:
        >>> bytes_text(153_600_000), bytes_text(17)
        ('153.6 MB', '17 bytes')
    """
    unit, divisor = unit_of(num_bytes)
    return f"{num_bytes / divisor:,.{0 if divisor == 1 else 1}f} {unit}"


def name_text(name: str, most: int = 22) -> str:
    """A name that somebody gave, on one line of at most ``most`` characters, without meaning as a formula.

    Example:
        >>> name_text("price in $"), name_text("temperature_07", 10)
        ('price in \\\\$', 'temp…re_07')
    """
    name = name if name.isprintable() else repr(name)
    if len(name) > most:  # names often differ at the end
        name = name[: most - most // 2 - 1] + "…" + name[len(name) - most // 2 :]
    return name.replace("$", r"\$")


def say(axes: "Axes", title: str, text: str) -> None:
    """A panel that holds a sentence instead of a drawing."""
    axes.set_title(title, fontsize=11)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color(PLAIN)
    text = "\n".join(textwrap.wrap(text.replace("$", r"\$"), 52))
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes, fontsize=9.5)

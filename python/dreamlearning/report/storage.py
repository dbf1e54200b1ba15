"""Where the bytes of a file are. In: ``file.info()``. Out: panels with bars."""

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from ..tables import Table
from .style import OURS, PLAIN, bytes_text, name_text, unit_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["column_rows", "draw_columns", "draw_sizes", "parts_of"]

# What sections are called here, in the order of the bars.
_PARTS = {
    "rows": "rows",
    "bases": "bases",
    "values": "strings, dictionaries",
    "fields": "labels and fields",
    "parameters": "model, parameters",
    "index": "index, lengths",
    "lengths": "index, lengths",
    "shapes": "index, lengths",
}
_REST = "names, checksums, ..."
_MOST_COLUMNS = 24
_FEWEST_SLOTS = 6  # so that the bar of a single column is no block


def parts_of(facts: dict[str, Any]) -> dict[str, int]:
    """The bytes of a file by what they are for; they add up to its size.

    Args:
        facts: what ``file.info()`` gives.
    """
    parts = dict.fromkeys([*_PARTS.values(), _REST], 0)
    for section, count in facts["sections"].items():
        name = _PARTS.get(section, _REST)
        parts[name] += count
    layers = [(layer, part["count"]) for part in facts["partitions"] for layer in part["layers"]]
    if layers and all(layer["record_bits"] is not None for layer, _ in layers):
        # A record is the number of a base and the deviation.
        numbers = sum(count * (layer["record_bits"] - _deviation_bits(layer)) for layer, count in layers) // 8
        rows = parts.pop("rows")
        parts = {"deviations": rows - numbers, "numbers of bases": numbers, **parts}
    return {name: count for name, count in parts.items() if count}


def _deviation_bits(layer: dict[str, Any]) -> int:
    return layer["bits_per_sample"] - layer["base_bits"] - layer["constant_bits"]


def draw_sizes(axes: "Axes", facts: dict[str, Any]) -> None:
    """Bars: raw, the file, and its parts."""
    parts = parts_of(facts)
    whole = {"raw": facts["raw_bytes"], "this file": facts["file_bytes"]}
    unit, divisor = unit_of(max(whole.values()))
    names = [*whole, *(f"· {name}" for name in parts)]
    values = [*whole.values(), *parts.values()]
    share = "" if facts["ratio"] is None else f"  ({facts['ratio']:.1%} of raw)"
    labels = [
        bytes_text(facts["raw_bytes"]),
        bytes_text(facts["file_bytes"]) + share,
        *(f"{bytes_text(count)}  ({count / facts['file_bytes']:.1%})" for count in parts.values()),
    ]
    colours = [PLAIN, OURS, *["#92c5de"] * len(parts)]
    bars = axes.barh(range(len(names)), [value / divisor for value in values], color=colours, height=0.66)
    axes.bar_label(bars, labels, padding=4, fontsize=9)
    axes.set_yticks(range(len(names)), names, fontsize=9)
    axes.set_ylim(max(len(names), _FEWEST_SLOTS) - 0.4, -0.6)
    axes.set_xlim(0, max(max(values), 1) / divisor * 1.6)
    axes.set_xlabel(unit, fontsize=9)
    axes.set_title("Sizes", fontsize=11)
    _tidy(axes)


def column_rows(facts: dict[str, Any], table: Table | None) -> list[dict[str, Any]]:
    """For every column ``name``, ``bits`` stored in a row, ``raw`` bits, and ``code``, how it is stored."""
    cells = facts.get("columns") or []
    if facts["table"] is None:
        names = [f"x{number}" for number in range(len(cells))]
        shown = [
            {"name": name, "code": cell["code"], "bits": cell["bits"] or 0, "raw": _bits(cell["dtype"])}
            for name, cell in zip(names, cells, strict=True)
        ]
    else:
        assert table is not None
        names = list(table.dtype.names or ())
        shown = [
            {
                "name": column["name"],
                "code": column["code"] + (", nulls" if column["nullable"] else ""),
                "bits": column["bits"],
                "raw": _bits(column["dtype"]) + 8 * column["nullable"],
            }
            for column in facts["table"]["columns"]
        ]
    for one in shown:
        one["code"] = re.sub(
            r"column (\d+)",
            lambda match: names[int(match[1])] if int(match[1]) < len(names) else match[0],
            one["code"],
        )
    return shown


def draw_columns(axes: "Axes", columns: list[dict[str, Any]], facts: dict[str, Any]) -> None:
    """Bars: bits of each column, raw and stored, and how it is stored.

    Args:
        columns: what :func:`column_rows` gives; of many those that take most are drawn.
        facts: what ``file.info()`` gives.
    """
    total, stored = sum(one["raw"] for one in columns), sum(one["bits"] for one in columns)
    title = f"Bits of a row: {total:,} raw, {_count(stored)} as integers"
    if facts["num_samples"]:
        title += f", {_count(8 * facts['file_bytes'] / facts['num_samples'])} in the file"
    if len(columns) > _MOST_COLUMNS:
        by_bits = sorted(range(len(columns)), key=lambda i: -columns[i]["bits"])[: _MOST_COLUMNS - 1]
        rest = len(columns) - len(by_bits)
        columns = [columns[i] for i in sorted(by_bits)]
        left = stored - sum(one["bits"] for one in columns)
        title += f"\n(the other {rest} columns, {_count(left)} bits together, are not shown)"
    slots = range(len(columns))
    axes.barh(slots, [one["raw"] for one in columns], color=PLAIN, alpha=0.45, height=0.78, label="raw")
    axes.barh(slots, [one["bits"] for one in columns], color=OURS, height=0.5, label="stored as")
    widest = max((max(one["raw"], one["bits"]) for one in columns), default=1)
    for slot, one in zip(slots, columns, strict=True):
        text = f"{_count(one['bits'])} of {one['raw']}: {name_text(one['code'], 48)}"
        axes.text(widest * 1.03, slot, text, va="center", fontsize=8.5)
    axes.set_yticks(slots, [name_text(one["name"]) for one in columns], fontsize=8.5)
    axes.set_ylim(max(len(columns), _FEWEST_SLOTS) - 0.4, -0.6)
    axes.set_xlim(0, widest * 2.3)
    axes.set_xticks([tick for tick in axes.get_xticks() if tick <= widest])
    axes.set_title(title, fontsize=11)
    _tidy(axes)


def _count(bits: float) -> str:
    return f"{bits:,.1f}".removesuffix(".0")


def _bits(dtype: str) -> int:
    return 8 * np.dtype(dtype).itemsize


def _tidy(axes: "Axes") -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(axis="x", labelsize=8.5)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)

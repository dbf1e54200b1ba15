"""``dreamlearning info``. In: a file. Out: its facts as a table, or as JSON."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from ..file import open as open_compressed
from .formatting import loss, shape, sizes

__all__ = ["info"]

_SHOWN = 12


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def info(file: Path, as_json: bool) -> None:  # noqa: FBT001
    """Say what is in FILE and what each part of it costs.

    \b
    dreamlearning info cifar10.gede
    dreamlearning info cifar10.gede --json
    """
    with open_compressed(file) as opened:
        facts = opened.info()
    if as_json:
        click.echo(json.dumps(facts, indent=2))
    else:
        _print_table(file, facts)


def _print_table(file: Path, facts: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(file=sys.stdout)
    table = Table(show_header=False, box=None, title=str(file), title_justify="left")
    fields = ", ".join(f"{f['name']} {f['dtype']} {tuple(f['shape'])}" for f in facts["fields"] if f["raw"])
    partitions = facts["partitions"]
    named = [f"{p['name']} ({p['count']:,})" for p in partitions[:_SHOWN]]
    described = facts["table"]
    rows = {
        "samples": f"{facts['num_samples']:,} of shape {shape(facts['shape'])}, {facts['dtype']}"
        if described is None
        else f"{facts['num_samples']:,} rows of {len(described['columns'])} columns, "
        f"{facts['shape'][0]} bytes each, target {described['target'] or 'none'}",
        "fields": fields or "none",
        "classes": _some(facts["classes"] or []),
        "partitions": f"{len(partitions)}: {_some(named, len(partitions))}" if len(partitions) > 1 else "1",
        **({} if facts["condensed"] is None else {"condensed": _condensed(facts["condensed"])}),
        "preset": f"{facts['preset']}, transform {facts['transform']['name']}, {loss(facts)}",
        "size": sizes(facts),
        "written by": f"{facts['writer']}, format {_version(facts['format_version'])}",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table, highlight=False, markup=False)

    if described is not None:
        console.print(_columns(described["columns"]), highlight=False, markup=False)

    sections = Table(
        "section", "bytes", "share", box=None, title="\nwhere the bytes are", title_justify="left"
    )
    for column in sections.columns[1:]:
        column.justify = "right"
    for name, count in facts["sections"].items():
        sections.add_row(name, f"{count:,}", f"{count / facts['file_bytes']:.1%}")
    sections.add_row("all", f"{facts['file_bytes']:,}", "100.0%")
    console.print(sections, highlight=False, markup=False)


def _columns(columns: list[dict[str, Any]]) -> Any:
    """The columns of a table, their types, and how the file stores them."""
    from rich.table import Table
    from rich.text import Text

    shown = Table("column", "type", "nulls", "stored as", box=None, title="\ncolumns", title_justify="left")
    shown.add_column("bits", justify="right")
    for column in columns:
        nulls = "yes" if column["nullable"] else ""
        texts = (_one_line(column["name"]), column["type"], nulls, column["code"], f"{column['bits']:g}")
        shown.add_row(*map(Text, texts))  # names are no markup
    return shown


def _one_line(name: str) -> str:
    return name if name.isprintable() else repr(name)


def _condensed(kept: dict[str, Any]) -> str:
    if kept["store"] == "unknown":
        return "by another version of the library, or damaged"
    goal = next(f"{name} {kept[name]}" for name in ("size", "fraction", "beta") if name in kept)
    count = f"{kept['samples']:,} samples" if "samples" in kept else "positions of bits"
    return f"{count} of {len(kept['features'])} features, asked for as {goal}"


def _some(names: list[str], total: int | None = None) -> str:
    more = (len(names) if total is None else total) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "") or "unknown"


def _version(version: Any) -> str:
    return ".".join(map(str, version)) if isinstance(version, list) else str(version)

"""``dreamlearning bench``. In: a file of images. Out: its size and speed beside PNG, WebP, JPEG XL and QOI
on the same images, as a table with bars, as a picture, or as JSON."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from ..comparison import compare
from ..file import open as open_compressed

__all__ = ["bench"]

_BAR = 9


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="Images to look at, spread over the file; at most 67 MB of them.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=5.0,
    show_default=True,
    help="Longest time to encode in each format; slow ones get fewer images.",
)
@click.option("--runs", type=click.IntRange(min=1), default=5, show_default=True, help="Timed runs.")
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the bars to this file as well: .png, .pdf or .svg.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def bench(
    file: Path,
    samples: int,
    seconds: float,
    runs: int,
    picture: Path | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Compare FILE with PNG, WebP, JPEG XL and QOI.

    On its own images, and losslessly.

    All decode on one thread: FILE in random batches, the others image by image from memory.

    \b
    dreamlearning bench cifar10.gede
    dreamlearning bench photos.gede --samples 100 --picture bars.png
    """
    if picture is not None:
        from ..report import check_picture_name

        check_picture_name(picture)
        if not picture.parent.is_dir():
            raise click.UsageError(f"there is no folder {picture.parent} for the picture")
    from rich.console import Console

    console = Console(stderr=True)
    with open_compressed(file) as opened, console.status("reading") as status:
        result = compare(opened, max_samples=samples, seconds=seconds, runs=runs, on_step=status.update)
    result = {"file": file.name, **result}
    if picture is not None:
        from ..report import comparison_figure, save_figure

        save_figure(comparison_figure(result), picture)
    if as_json:
        click.echo(json.dumps(result, indent=2))
    else:
        _print_table(result)
        if picture is not None:
            click.echo(f"wrote {picture}")


def _print_table(result: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    formats = result["formats"]
    largest = max(1.0, *(row["share_of_raw"] for row in formats.values()))
    fastest = max(row["megabytes_per_second"] for row in formats.values())
    table = Table(
        box=None, title=f"{result['file']}, {result['samples']:,} images, one thread", title_justify="left"
    )
    headings = ("", "% of raw", "size", "images/s", "MB/s", "x PNG", "speed")
    for heading in headings:
        table.add_column(
            heading, justify="left" if heading in ("", "size", "speed") else "right", no_wrap=True
        )
    for name, row in formats.items():
        table.add_row(
            name + (" (as RGB)" if row.get("channels_repeated") else ""),
            f"{row['share_of_raw']:.1%}"[:-1],
            _bar(row["share_of_raw"] / largest),
            f"{row['images_per_second']:,.0f}",
            f"{row['megabytes_per_second']:,.1f}",
            "" if row["times_png"] is None else f"{row['times_png']:.2f}",
            _bar(row["megabytes_per_second"] / fastest),
        )
    Console(file=sys.stdout).print(table, highlight=False, markup=False)
    for name, row in formats.items():
        if row["images"] < result["samples"]:
            click.echo(
                f"{name}: its time was up after {row['images']:,} images, for which the file needs "
                f"{row['gede_share_of_same_images']:.1%} of raw"
            )
    for name, reason in result["left_out"].items():
        click.echo(f"{name} is left out: {reason}")
    if not result["exact"]:
        click.echo("The file is NOT lossless; the other formats are.")


def _bar(share: float) -> str:
    return "█" * round(share * _BAR) or "▏"

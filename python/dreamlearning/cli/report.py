"""``dreamlearning report``. In: a file. Out: a picture of what is in it."""

from pathlib import Path

import click

from ..exporters.base import check_output

__all__ = ["report"]


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="picture.png, .pdf or .svg; by default FILE's name with -report.png, beside it.",
)
@click.option(
    "--size",
    type=click.IntRange(min=1, max=500),
    help="Of a table: so many condensed samples are shown; by default about 1 % of the rows.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0, max=2**63 - 1),
    default=0,
    show_default=True,
    help="Of the rows that are drawn and held out, and of the images shown.",
)
@click.option("--overwrite", is_flag=True, help="Replace an existing picture.")
def report(file: Path, output: Path | None, size: int | None, seed: int, *, overwrite: bool) -> None:
    """Draw what is in FILE as one picture.

    Of a table: sizes, how each column is stored, rows with condensed samples, and what a linear model learns
    from these (extra tabular). Of images: some of them, sizes and classes. Needs the extra plots.

    \b
    dreamlearning report housing.gede
    dreamlearning report housing.gede -o housing.pdf --size 92
    """
    from ..report import check_picture_name, file_figure, save_figure

    output = file.with_name(f"{file.stem}-report.png") if output is None else output
    try:
        check_picture_name(output)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--output") from error
    check_output(output, overwrite=overwrite)
    save_figure(file_figure(file, size=size, seed=seed), output, overwrite=overwrite)
    click.echo(f"wrote {output}")

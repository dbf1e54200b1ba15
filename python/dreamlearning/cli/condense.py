"""``dreamlearning condense``. In: a table in a file. Out: a few weighted rows that stand for all of them."""

from pathlib import Path

import click
import numpy as np

from ..exporters.base import check_output, new_file
from ..file import open as open_compressed
from ..tabular.condensed import CondensedTable
from ..tabular.request import STORES

__all__ = ["condense"]

WEIGHT = "sample_weight"


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--size", type=int, help="So many condensed samples.")
@click.option("--fraction", type=float, help="As many as this share of the rows.")
@click.option("--beta", type=int, help="The clusters that so many bits make.")
@click.option(
    "--bits",
    type=click.Choice(("value", "rank")),
    default="value",
    show_default=True,
    help="value: where a value lies, in standard deviations. rank: which share of the rows is smaller.",
)
@click.option("--features", metavar="A,B,...", help="Only these columns; all numbers by default.")
@click.option("--rows", is_flag=True, help="Real rows, the nearest to each mean, instead of the means.")
@click.option(
    "--mixed",
    is_flag=True,
    help="Let clusters mix classes: of two classes, the second one's share becomes the target. Better than "
    "pure clusters where condensed samples are few.",
)
@click.option("--cluster-target", is_flag=True, help="Let the target take part in the clustering.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="small.npz (with the scatter), small.csv or small.parquet (with a column sample_weight).",
)
@click.option(
    "--store",
    type=click.Choice(STORES),
    help="Write FILE again with the samples in it, or with the positions of the bits that make them.",
)
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
def condense(
    file: Path,
    size: int | None,
    fraction: float | None,
    beta: int | None,
    bits: str,
    features: str | None,
    output: Path | None,
    store: str | None,
    *,
    rows: bool,
    mixed: bool,
    cluster_target: bool,
    overwrite: bool,
) -> None:
    """Write a few weighted rows that stand for all rows of the table FILE, by themselves or into FILE.

    What takes weights learns from them: LinearRegression().fit(X, y, sample_weight=w). An .npz file holds the
    scatter within clusters, too, and dreamlearning.tabular.CondensedTable.load reads it.

    \b
    dreamlearning condense housing.gede --size 92 -o small.npz
    dreamlearning condense housing.gede --size 92 --store samples
    dreamlearning condense credit.gede --fraction 0.05 --rows -o small.parquet
    """
    if output is None and store is None:
        raise click.UsageError("say where to: -o OUTPUT, --store samples, or both")
    if output is not None:
        if output.suffix.lower() not in (".npz", ".csv", ".parquet"):
            raise click.BadParameter(
                f"{output} ends neither in .npz nor in .csv or .parquet", param_hint="--output"
            )
        check_output(output, overwrite=overwrite)
    asked = {
        "size": size,
        "fraction": fraction,
        "beta": beta,
        "bits": bits,
        "features": None if features is None else features.split(","),
        "representative": "row" if rows else "centroid",
        "classes": False if mixed else None,
        "cluster_target": cluster_target,
    }
    with open_compressed(file) as opened:
        if len(opened.shape) > 1:
            raise click.UsageError(f"{file} holds images; condense takes tables")
        if output is not None:
            condensed = opened.condensed(**asked)
            assert isinstance(condensed, CondensedTable)
            if output.suffix.lower() == ".npz":
                condensed.save(output, overwrite=overwrite)
            else:
                _write_table(condensed, output)
            click.echo(f"{output}: {len(condensed):,} condensed samples of {condensed.n:,} rows")
        if store is not None:
            with opened.store_condensed({**asked, "store": store}) as again:
                kept = again.info()["sections"]["condensed"]
            click.echo(f"{file}: keeps condensed {store}, {kept:,} bytes")


def _write_table(condensed: CondensedTable, output: Path) -> None:
    from ..errors import missing_extra

    try:
        import pyarrow as pa
        from pyarrow import csv, parquet
    except ImportError as error:
        raise missing_extra("pyarrow", "tabular") from error
    columns = dict(zip(condensed.columns, condensed.X.T, strict=True))
    if condensed.y is not None:
        columns[condensed.target or "y"] = condensed.y
    if WEIGHT in columns:
        raise ValueError(f"the table has a column {WEIGHT!r} of its own; write an .npz file")
    columns[WEIGHT] = condensed.sample_weight
    table = pa.table({name: np.ascontiguousarray(values) for name, values in columns.items()})
    with new_file(output) as stream:
        if output.suffix.lower() == ".csv":
            csv.write_csv(table, stream)
        else:
            parquet.write_table(table, stream)

"""``dreamlearning extract``. In: a file. Out: its samples in a format that other programs read.

Decoded a few megabytes at a time. The output appears under its name only when it is complete.
"""

import re
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from ..exporters import extract as extract_samples
from ..file import open as open_compressed

__all__ = ["extract"]


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("output", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--indices", metavar="I,J,...", help="Only these samples, in this order.")
@click.option("--range", "range_", metavar="A:B", help="Only samples A up to, not including, B.")
@click.option("--overwrite", is_flag=True, help="Replace existing files; never a folder.")
def extract(
    file: Path,
    output: Path,
    indices: str | None,
    range_: str | None,
    overwrite: bool,  # noqa: FBT001
) -> None:
    """Write the samples of FILE to OUT.

    OUT ending in .npz gets all arrays (the samples are called "data"), OUT ending in .npy the samples alone.
    OUT ending in .parquet is what Hugging Face's datasets reads; a table gets its columns back there, and in
    OUT ending in .csv. OUT ending in .tar what webdataset reads:
    one archive, or with {000..} in its name shards of 10,000 samples, numbered there. Any other OUT is a new
    folder of PNG files, in one sub-folder per class, which imagefolder: reads again.

    \b
    dreamlearning extract cifar10.gede cifar10.npz
    dreamlearning extract cifar10.gede cifar10.parquet
    dreamlearning extract housing.gede housing.csv
    dreamlearning extract cifar10.gede "shards/cifar10-{000..}.tar"
    dreamlearning extract cifar10.gede pictures --range 0:100
    dreamlearning extract cifar10.gede three.npy --indices 7,1,-1
    """
    if indices is not None and range_ is not None:
        raise click.UsageError("give --indices or --range, not both")
    with open_compressed(file) as opened:
        count = extract_samples(opened, output, _chosen(indices, range_, len(opened)), overwrite=overwrite)
    click.echo(f"{output}: {count:,} samples")


def _chosen(indices: str | None, range_: str | None, n: int) -> NDArray[np.int64]:
    if indices is not None:
        try:
            chosen = np.array([int(i) for i in indices.split(",")], dtype=np.int64)
        except (ValueError, OverflowError) as error:
            raise click.BadParameter(
                f"{indices!r} is not a list such as 7,1,-1", param_hint="--indices"
            ) from error
        outside = chosen[(chosen < -n) | (chosen >= n)]
        if outside.size:
            raise click.BadParameter(
                f"sample {outside[0]} is out of range for {n} samples", param_hint="--indices"
            )
        return chosen % max(n, 1)
    if range_ is not None:
        match = re.fullmatch(r"(-?\d*):(-?\d*)", range_)
        if match is None or "-" in match.groups():
            raise click.BadParameter(f"{range_!r} is not of the form A:B", param_hint="--range")
        return np.arange(n, dtype=np.int64)[slice(*(int(g) if g else None for g in match.groups()))]
    return np.arange(n, dtype=np.int64)

"""``dreamlearning compress``. In: a SOURCE and a file name. Out: the file, and what came of it."""

import json
import time
from pathlib import Path

import click

from ..compression import PRESETS
from ..compression import compress as compress_source
from .formatting import loss, samples, sizes

__all__ = ["compress"]


@click.command()
@click.argument("source")
@click.argument("output", metavar="OUT.gede", type=click.Path(path_type=Path))
@click.option("--target", metavar="NAME", help="Of a table: the column to be predicted.")
@click.option(
    "--preset",
    type=click.Choice(PRESETS),
    default="auto",
    show_default=True,
    help="small: learned prediction. fast: quicker to read. raw: as it is. paper: Algorithm 1. "
    "auto: small for images, paper for tables.",
)
@click.option(
    "--exact/--no-exact",
    default=None,
    help="Make the preset paper bit-exact for images too, or allow it not to be.",
)
@click.option("--partition-by", metavar="FIELD", help="Code the samples of each value together, e.g. label.")
@click.option(
    "--tau",
    type=click.IntRange(min=0, max=2**63 - 1),
    help="Stop Algorithm 1 after a plateau of this many bits.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=0, max=65535),
    default=0,
    help="Threads; 0, the default, is all cores.",
)
@click.option(
    "--condense",
    metavar="N|SHARE",
    help="Of a table: keep so many condensed samples in the file, too (92), or a share of the rows (0.01).",
)
@click.option("--overwrite", is_flag=True, help="Replace an existing file once the new one is complete.")
@click.option("--json", "as_json", is_flag=True, help="Print the facts about the file as JSON.")
@click.option("--quiet", is_flag=True, help="No progress bar and no summary.")
def compress(
    source: str,
    output: Path,
    target: str | None,
    preset: str,
    exact: bool | None,  # noqa: FBT001
    partition_by: str | None,
    tau: int | None,
    threads: int,
    condense: str | None,
    overwrite: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
    quiet: bool,  # noqa: FBT001
) -> None:
    """Compress SOURCE into the file OUT.gede.

    SOURCE is a table (.csv, .parquet, .arrow, .feather, .ipc; FILE.csv?text=COLUMN reads a column as text,
    FILE.csv?delimiter=; or tab and FILE.csv?encoding=latin-1 what is not separated by commas or not UTF-8),
    libsvm:FILE (?n_features=D), a .npy, .npz or .gede file, torchvision:NAME?root=DIR&split=train,
    imagefolder:DIR (one sub-folder per class; images may differ in size, and imagefolder:DIR?mode=RGB, or L,
    LA, RGBA, converts mixed modes), hf:NAME?split=train (a data set of Hugging Face's
    datasets, a folder or a .parquet file; also name=CONFIG, and image= and label= name columns),
    webdataset:PATTERN (tar archives such as train-{000..099}.tar; image= and label= name extensions), or
    sklearn:digits|iris|wine|breast_cancer|diabetes.

    \b
    dreamlearning compress sklearn:digits digits.gede
    dreamlearning compress "torchvision:CIFAR10?root=data&split=train&download=true" cifar10.gede
    dreamlearning compress imagefolder:photos/train photos.gede
    dreamlearning compress "hf:uoft-cs/cifar10?split=train" cifar10.gede
    dreamlearning compress "webdataset:shards/train-*.tar" train.gede
    dreamlearning compress housing.csv housing.gede --target MedHouseVal --condense 92
    dreamlearning compress libsvm:ijcnn1.txt ijcnn1.gede
    dreamlearning compress table.npz table.gede --preset paper --partition-by label
    """
    start = time.perf_counter()
    with compress_source(
        source,
        output,
        target=target,
        preset=preset,
        exact=exact,
        partition_by=partition_by,
        tau=tau,
        num_threads=threads,
        overwrite=overwrite,
        progress=False if quiet else None,
        condense=None if condense is None else _goal(condense),
    ) as file:
        facts = file.info()
    seconds = time.perf_counter() - start
    if as_json:
        click.echo(json.dumps(facts, indent=2))
    elif not quiet:
        click.echo(
            f"{output}: {samples(facts['num_samples'])}, {sizes(facts)}, "
            f"preset {facts['preset']}, {loss(facts)}, {seconds:.1f} s"
        )


def _goal(text: str) -> int | float:
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r}; give a number of samples such as 92, or a share such as 0.01", param_hint="--condense"
        ) from None

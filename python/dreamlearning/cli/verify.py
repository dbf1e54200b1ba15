"""``dreamlearning verify``. In: a file, and optionally the SOURCE it was made from. Out: a verdict.

Without a source the file is checked against its own checksums and digest; with one, every sample and field
is compared with the source bit by bit (a file that is not bit-exact: within its stored maximum error).
"""

import json
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from ..file import CompressedFile
from ..file import open as open_compressed
from ..sources import Source, resolve
from ..tables.strings import decode_strings
from .formatting import loss, samples

__all__ = ["DifferentError", "compare", "verify"]


class DifferentError(Exception):
    """The file does not hold what the source holds."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--source", metavar="SOURCE", help="Compare with what the file was made from, bit by bit.")
@click.option(
    "--threads",
    type=click.IntRange(min=0, max=65535),
    default=0,
    help="Threads; 0, the default, is all cores.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
def verify(file: Path, source: str | None, threads: int, as_json: bool) -> None:  # noqa: FBT001
    """Check every byte of FILE, decode every sample and compare with the stored digest.

    \b
    dreamlearning verify cifar10.gede
    dreamlearning verify cifar10.gede --source "torchvision:CIFAR10?root=data&split=train"
    """
    with open_compressed(file) as opened:
        opened.verify(threads)
        verdict: dict[str, Any] = {
            "ok": True,
            "num_samples": len(opened),
            "exact": opened.info()["exact"],
            "source": source,
        }
        if source is not None:
            verdict["max_difference"] = compare(opened, resolve(source, target=opened.target))
        text = f"{file}: {samples(len(opened))} verified, {loss(opened.info())}"
    if as_json:
        click.echo(json.dumps(verdict))
    else:
        click.echo(text + ("" if source is None else f"; compared with {source}"))


def compare(file: CompressedFile, source: Source) -> float:
    """The largest difference between any value of ``file`` and of ``source``; 0 for a bit-exact file.

    Raises:
        DifferentError: they differ in shape, dtype, a field or a sample (beyond the stored maximum error,
            where the file is not bit-exact). The message names the first sample.
    """
    ours = (len(file), file.shape, file.dtype)
    theirs = (source.num_samples, source.shape, source.dtype)
    if source.table is not None:
        theirs = (source.num_samples, (), source.table.dtype)
    if ours != theirs:
        raise DifferentError(
            f"{file.path}: {ours[0]} samples of shape {ours[1]} and dtype {ours[2]}, but {source.name} has "
            f"{theirs[0]} of shape {theirs[1]} and dtype {theirs[2]}"
        )
    if set(file.fields) != set(source.fields):
        raise DifferentError(
            f"{file.path}: fields {sorted(file.fields)}, but {source.name} has {sorted(source.fields)}"
        )
    for name, expected in source.fields.items():
        field = file.field(name)
        if field.dtype != expected.dtype or field.shape != expected.shape:
            raise DifferentError(
                f"{file.path}: field {name!r} has shape {field.shape} and dtype {field.dtype}, but in "
                f"{source.name} shape {expected.shape} and dtype {expected.dtype}"
            )
        differing = _differing(field, expected)
        if differing.size:
            raise DifferentError(
                f"{file.path}: field {name!r} of sample {differing[0]} differs from {source.name}"
            )

    _compare_tables(file, source)
    facts = file.info()
    largest = 0.0
    for start, expected in source.batches():
        decoded = file.decode(range(start, start + len(expected)))
        if file.ragged:
            for index, (ours_is, theirs_is) in enumerate(zip(decoded, expected, strict=True), start):
                if not np.array_equal(ours_is, theirs_is):
                    raise DifferentError(f"{file.path}: sample {index} differs from {source.name}")
            continue
        differing = _differing(decoded, expected)
        if differing.size and not facts["exact"]:
            difference = np.abs(decoded.astype(np.float64) - expected.astype(np.float64)).reshape(
                len(decoded), -1
            )
            largest = max(largest, float(difference.max()))
            differing = np.flatnonzero(~(difference.max(axis=1) <= facts["max_error"]))
        if differing.size:
            raise DifferentError(f"{file.path}: sample {start + differing[0]} differs from {source.name}")
    return largest


def _compare_tables(file: CompressedFile, source: Source) -> None:
    """Nothing, where neither is a table or the columns are the same, with the same strings."""
    ours = [] if file.table is None else file.table.columns
    theirs = [] if source.table is None else source.table.columns
    for mine, other in zip(ours, theirs, strict=False):
        if mine.type != other.type:
            raise DifferentError(
                f"{file.path}: column {mine.name!r} is of type {mine.type}, but in {source.name} of "
                f"{other.type}"
            )
        if other.strings is not None and file.strings(mine.name) != decode_strings(other.strings):
            raise DifferentError(f"{file.path}: column {mine.name!r} has other strings than {source.name}")
    if len(ours) != len(theirs):
        raise DifferentError(f"{file.path} and {source.name}: only one of them is a table")


def _differing(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.int64]:
    """Rows whose bits differ (so that NaN equals NaN, and 0.0 does not equal -0.0)."""
    if a.size == 0:
        return np.empty(0, np.int64)
    bits = [np.ascontiguousarray(x).reshape(len(x), -1).view(np.uint8) for x in (a, b)]
    return np.flatnonzero((bits[0] != bits[1]).any(axis=1))

"""Samples as shards that the library ``webdataset`` reads.

In: a file and indices. Out: tar archives in which the files of one sample share its number: ``.png`` (images
of 8 bits) or ``.npy`` (everything else), ``.cls``, and ``.json`` with the class's name and the other fields.
"""

import errno
import io
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ..errors import missing_extra
from ..file import CompressedFile
from ..sources import LABEL_FIELD
from .base import as_chosen, check_output, new_file, new_folder, opened, runs, scratch_folder
from .pictures import Pictures, are_pictures
from .tables import refuse_table

__all__ = ["to_webdataset"]

_CLASS_NAME = "class_name"
_PLACE = re.compile(r"\{(0+)\.\.\}|%0(\d+)d")


def to_webdataset(
    file: Any,
    pattern: str | os.PathLike[str],
    samples_per_shard: int | None = None,
    *,
    indices: Any = None,
    overwrite: bool = False,
) -> int:
    """Write the samples and fields as one tar archive, or as shards.

    Images of 8 bits become ``.png``, other samples ``.npy``; every bit is kept. Integer labels become
    ``.cls``; other fields, and the name of the sample's class as ``"class_name"``, go into ``.json``.
    :func:`from_webdataset` reads it all again (numbers in ``.json`` as the smallest integers, or float64).

    Args:
        file: the path of a ``.gede`` file, a :class:`CompressedFile`, or a ``CompressedDataset`` (whose
            transforms and crops are not applied).
        pattern: ``"train.tar"`` for one archive; ``"train-{000..}.tar"`` (or ``"train-%03d.tar"``) for shards
            that are numbered in that place. They appear under their names together, when all are complete.
            Where their folder does not exist it is made.
        samples_per_shard: 10,000 by default.
        indices: only these samples, in this order: integers without repeats, a slice or a mask.
        overwrite: replace existing files, once all new ones are complete.

    Returns:
        The number of samples.

    Raises:
        FileExistsError: a file exists that the pattern fits, and ``overwrite`` is false or it would not be
            replaced.
        ValueError: a pattern of another form, with too few digits, or an index that is repeated.
        IndexError, TypeError: wrong indices.
        ImportError: ``webdataset`` or Pillow is not installed.

    Example:
        >>> to_webdataset("photos.gede", "shards/photos-{000..}.tar", 1000)      # doctest: +SKIP
        125000
    """
    try:
        import webdataset  # noqa: F401
    except ImportError as error:
        raise missing_extra("webdataset", "webdataset") from error

    output = Path(pattern)
    place = _PLACE.search(output.name)
    if place is None and samples_per_shard is not None:
        raise ValueError(f"{output}: one archive has no shards; give a name such as train-{{000..}}.tar")
    if set("{}%") & set(_PLACE.sub("", output.name, count=1)):
        raise ValueError(f"{output}: is no pattern; give a name such as train.tar or train-{{000..}}.tar")
    per_shard = 10_000 if samples_per_shard is None else samples_per_shard
    if per_shard < 1:
        raise ValueError(f"samples_per_shard is {per_shard}; give at least 1")
    with opened(file) as one:
        chosen = as_chosen(indices, len(one))
        if len(np.unique(chosen)) < len(chosen):
            raise ValueError("shards hold each sample once; name an output *.npz or *.parquet for repeats")
        refuse_table(one, output)
        write = _Writer(one)
        if place is None:
            check_output(output, overwrite=overwrite)
            with new_file(output, one) as stream:
                write(stream, chosen)
            return len(chosen)
        parts = [chosen[start : start + per_shard] for start in range(0, max(1, len(chosen)), per_shard)]
        names = _shard_names(output, place, len(parts))
        with _together(output, place, names, one, overwrite=overwrite) as folder:
            for name, part in zip(names, parts, strict=True):
                with (folder / name).open("xb") as stream:
                    write(stream, part)
                    stream.flush()
                    os.fsync(stream.fileno())
    return len(chosen)


def _shard_names(output: Path, place: re.Match[str], count: int) -> list[str]:
    digits = len(place[1]) if place[1] else int(place[2])
    if len(str(count - 1)) > digits:
        raise ValueError(f"{output}: {count} shards have more than {digits} digits; give more")
    before, after = output.name[: place.start()], output.name[place.end() :]
    return [f"{before}{i:0{digits}d}{after}" for i in range(count)]


@contextmanager
def _together(
    output: Path, place: re.Match[str], names: list[str], source: CompressedFile, *, overwrite: bool
) -> Iterator[Path]:
    """A temporary folder whose files ``names`` appear beside each other at the end, or not at all."""
    parent = output.parent
    if not os.path.lexists(parent):
        check_output(parent, overwrite=False, is_file=False)
        with new_folder(parent, source) as folder:
            yield folder
        return
    before, after = output.name[: place.start()], output.name[place.end() :]
    fits = re.compile(re.escape(before) + r"\d+" + re.escape(after))
    check_output(output, overwrite=overwrite)
    for there in sorted(entry.name for entry in os.scandir(parent) if fits.fullmatch(entry.name)):
        if not overwrite or there not in names:
            advice = "pass overwrite=True (--overwrite), or remove it"
            if overwrite:
                advice = "it would be read as one of the new shards; remove it"
            raise FileExistsError(errno.EEXIST, f"a shard exists; {advice}", str(parent / there))
        check_output(parent / there, overwrite=True)
    moved: list[Path] = []
    with scratch_folder(output, source) as folder:
        yield folder
        try:
            for name in names:
                (folder / name).replace(parent / name)
                moved.append(parent / name)
        except BaseException:
            for one in moved:
                one.unlink()
            raise


class _Writer:
    """Writes samples of ``file`` into tar archives."""

    def __init__(self, file: CompressedFile) -> None:
        self._file = file
        is_png = are_pictures(file) and file.dtype == np.uint8
        self._pictures = Pictures(file) if is_png else None
        self._fields = {name: file.field(name) for name in file.fields}
        labels = file.labels
        is_class = labels is not None and labels.ndim == 1 and labels.dtype.kind in "iu"
        self._labels = self._fields.pop(LABEL_FIELD) if is_class else None
        known = file.classes is not None and is_class and _CLASS_NAME not in self._fields
        self._classes = (file.classes if known else None) or []
        self._digits = len(str(max(0, len(file) - 1)))

    def __call__(self, stream: IO[bytes], indices: NDArray[np.int64]) -> None:
        """Write one archive."""
        from webdataset import TarWriter

        # No time, owner or group, so that the same samples are the same bytes.
        with TarWriter(stream, encoder=False, mtime=0, user="", group="") as tar:
            for run, samples in runs(self._file, indices):
                for i, pixels in zip(run.tolist(), samples, strict=True):
                    tar.write({"__key__": f"{i:0{self._digits}d}", **self._files(i, pixels)})

    def _files(self, i: int, pixels: NDArray[Any]) -> dict[str, bytes]:
        files = {"png": self._pictures.png(pixels)} if self._pictures else {"npy": _npy(pixels)}
        values = {name: field[i].tolist() for name, field in self._fields.items()}
        if self._labels is not None:
            label = int(self._labels[i])
            files["cls"] = str(label).encode()
            if 0 <= label < len(self._classes):
                values[_CLASS_NAME] = self._classes[label]
        if values:
            files["json"] = json.dumps(values).encode()
        return files


def _npy(array: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    npy.write_array(stream, np.asarray(array), allow_pickle=False)
    return stream.getvalue()

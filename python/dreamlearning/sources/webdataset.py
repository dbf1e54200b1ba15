"""``webdataset:PATTERN``: shards of the library ``webdataset``.

In: names of tar archives, in which the files of one sample share a name: ``0007.png``, ``0007.cls``,
``0007.json``. Out: a :class:`Source`; the shards are walked once, in order, through the spool.

Read are images, ``.npy``, ``.cls`` and ``.json``. Labels are the number in ``.cls``, or ``"label"`` in
``.json``; other numbers in ``.json`` become fields, and ``"class_name"`` there names the classes. What cannot
become a field (text, what some samples lack, files of other kinds) is left out, and the metadata says so
under ``"left_out"``. Nothing is ever unpickled.
"""

import io
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..errors import SourceError, missing_extra
from .arrays import label_array
from .base import LABEL_FIELD, OnRead, Source
from .images import EXTENSIONS, ImageReader
from .json_fields import JsonFields
from .numpy_files import read_npy
from .query import parse_query
from .shards import list_shards, read_shard
from .spool import Spool

__all__ = ["from_text", "from_webdataset"]

_SAMPLES = (*(extension[1:] for extension in EXTENSIONS), "npy")
_LABEL = "cls"
_CLASS_NAME = "class_name"
_OPTIONS = ("image", "label", "mode")


def from_webdataset(
    urls_or_pattern: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    image: str | None = None,
    label: str | None = None,
    *,
    mode: str | None = None,
    spool_folder: str | os.PathLike[str] | None = None,
    on_read: OnRead | None = None,
) -> Source:
    """The samples of WebDataset shards, in order.

    Args:
        urls_or_pattern: a tar archive, plain or compressed; a pattern with braces (``train-{000..099}.tar``)
            or a glob (``train-*.tar``); an http(s) address; or a list of them. Commands (``pipe:``) are not
            run.
        image: the extension of the files that hold the samples, as in ``"jpg"`` or ``"left.png"``, with
            semicolons between several that may; by default the only image or ``.npy`` of each sample.
        label: the extension of the files that hold the labels, or a key in ``.json``; ``""`` for none. By
            default ``"cls"``, or the key ``"label"``.
        mode: convert every image to ``"L"``, ``"LA"``, ``"RGB"`` or ``"RGBA"``; without it all must have one
            mode.
        spool_folder: folder for an unnamed temporary file with the raw samples; by default the system's.
        on_read: told of (samples read, ``None``).

    Returns:
        The samples; integers as labels and fields in the smallest dtype, other numbers as float64.

    Raises:
        SourceError: a shard that is not there, damaged or cut short; a sample without the image or label that
            is asked for, with several that may be it, with text as label, or with another mode, dtype or
            number of axes than the first. The message names the shard and the sample.
        ImportError: ``webdataset`` or Pillow is not installed.

    Example:
        >>> source = from_webdataset("train-{000..099}.tar", image="jpg", label="cls")     # doctest: +SKIP
        >>> dreamlearning.compress(source, "train.gede")                                   # doctest: +SKIP
    """
    try:
        import webdataset  # noqa: F401
    except ImportError as error:
        raise missing_extra("webdataset", "webdataset") from error

    shards = list_shards(urls_or_pattern, "webdataset")
    # Where the shards lay on this machine is nobody's business.
    name = f"webdataset:{Path(shards[0]).name}" + (f" and {len(shards) - 1} more" if shards[1:] else "")
    reader = ImageReader(mode, 'give mode="{mode}" (in a SOURCE, mode={mode})')
    samples = _Samples(reader, image and image.lower(), label)
    spool = Spool(spool_folder, name)
    read = 0
    for shard in shards:
        for sample in read_shard(shard, samples.wanted):
            where = f"{shard}, sample {sample['__key__']!r}"
            spool.append(samples.pixels(sample, where)[None], where)
            samples.add_label_and_fields(sample, where)
            read += 1
            if on_read:
                on_read(read, None)
    stored = spool.finish()
    fields, reasons = samples.fields.arrays()
    left_out = {_printable(key): reason for key, reason in {**samples.left_out, **reasons}.items()}
    if fields.pop(LABEL_FIELD, None) is not None:
        left_out[LABEL_FIELD] = "not the label that was asked for"
    if samples.labels:
        fields = {LABEL_FIELD: label_array(samples.labels, name), **fields}
    metadata = {"left_out": left_out} if left_out else None
    return Source(name, stored, fields, classes=samples.class_names(), metadata=metadata)


def from_text(text: str, folder: str | os.PathLike[str] | None, on_read: OnRead | None = None) -> Source:
    """The source ``PATTERN`` or ``PATTERN?image=...&label=...&mode=...``."""
    pattern, _, query = text.rpartition("?")
    # A question mark may belong to a glob.
    if not pattern or not query.startswith(tuple(f"{option}=" for option in _OPTIONS)):
        pattern, query = text, ""
    if not pattern:
        raise SourceError("webdataset: names no shards; give webdataset:train-{000..099}.tar")
    options = parse_query(query, f"webdataset:{text}", "image=jpg&label=cls", _OPTIONS)
    return from_webdataset(pattern, **options, spool_folder=folder, on_read=on_read)


class _Samples:
    """What is in a sample's files, and the labels and fields of all so far."""

    def __init__(self, reader: ImageReader, image: str | None, label: str | None) -> None:
        self._reader, self._label = reader, label
        self._images = None if image is None else [one.strip() for one in image.split(";")]
        self.labels: list[Any] = []
        self.fields = JsonFields()
        self.left_out: dict[str, str] = {}
        self._names: dict[int, str] | None = {}
        self._count = 0

    def wanted(self, extension: str) -> bool:
        """Whether files of this extension are read at all."""
        last = extension.rpartition(".")[2]
        if self._images is not None and last in _SAMPLES:
            return extension in self._images or extension == self._label
        return last in _SAMPLES or extension in (_LABEL, "json", self._label)

    def pixels(self, sample: Mapping[str, Any], where: str) -> NDArray[Any]:
        """The image or array of a sample."""
        extensions = [key for key in sample if not key.startswith("__")]
        wanted = self._images
        if wanted is None:
            wanted = [key for key in extensions if key.rpartition(".")[2] in _SAMPLES and key != self._label]
        found = [key for key in wanted if key in extensions]
        if len(found) != 1 and (self._images is None or not found):
            what = f"files {', '.join(found)} may each be the sample" if found else "has no image or .npy"
            if self._images is not None:
                what = f"has no file {' or '.join(self._images)}"
            raise SourceError(f"{where}: {what}; give image= with one of {', '.join(extensions)}")
        extension = found[0]
        last = extension.rpartition(".")[2]
        if last not in _SAMPLES:
            raise SourceError(
                f"{where}: files {extension!r} are not read; samples must be {', '.join(_SAMPLES)}"
            )
        for key in extensions:
            if key not in (extension, _LABEL, "json", self._label):
                self.left_out.setdefault(key, "a file of another kind")
        if last == "npy":
            return read_npy(sample[extension], f"{where}, {extension}")
        return self._reader.read(io.BytesIO(sample[extension]), f"{where}, {extension}")

    def add_label_and_fields(self, sample: Mapping[str, Any], where: str) -> None:
        """Take the label and the fields of the next sample."""
        values = _json(sample["json"], where) if "json" in sample else {}
        label = self._find_label(sample, values, where)
        if label is not None:
            self.labels.append(label)
        self._count += 1
        if self.labels and len(self.labels) != self._count:
            raise SourceError(f"{where}: some samples have a label and others have none")
        if self._names is not None and type(label) is int and isinstance(values.get(_CLASS_NAME), str):
            name = _printable(values.pop(_CLASS_NAME))
            if self._names.setdefault(label, name) != name:
                self._names = None
                self.left_out[_CLASS_NAME] = "names that contradict each other"
        self.fields.append(values)

    def _find_label(self, sample: Mapping[str, Any], values: dict[str, Any], where: str) -> Any:
        if self._label == "":
            return None
        file = self._label if self._label is not None else _LABEL
        if file in sample and file != "json":
            if file.rpartition(".")[2] == "npy":
                return read_npy(sample[file], f"{where}, {file}")
            return _integer(sample[file], f"{where}, {file}")
        key = self._label if self._label is not None else LABEL_FIELD
        label = values.pop(key, None)
        if label is None and self._label is not None:
            raise SourceError(
                f"{where}: has no label {key!r}, neither a file nor a key in .json; give another label, or "
                'label="" for none'
            )
        if isinstance(label, (str, dict)):
            raise SourceError(
                f"{where}: its label {key!r} in .json is a {type(label).__name__}; labels must be numbers: "
                'give another label, or label="" for none'
            )
        return label

    def class_names(self) -> list[str] | None:
        """Names of the classes, where the samples tell them; one without samples is called by its number."""
        if not self._names or min(self._names) < 0 or max(self._names) >= 10 * len(self._names) + 1000:
            return None
        return [self._names.get(i, str(i)) for i in range(max(self._names) + 1)]


def _integer(data: bytes, where: str) -> int:
    try:
        return int(data)
    except ValueError as error:
        shown = data[:40].decode(errors="replace").strip()
        raise SourceError(
            f"{where}: the label is {shown!r}; labels must be integers: give another label, or "
            'label="" for none'
        ) from error


def _json(data: bytes, where: str) -> dict[str, Any]:
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{where}, json: cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise SourceError(
            f"{where}, json: is a {type(values).__name__}; it must be an object of named values"
        )
    return values


def _printable(text: str) -> str:
    """``text`` without what UTF-8 cannot hold."""
    return text.encode(errors="replace").decode()

"""``hf:NAME?split=train``: data sets of Hugging Face's library ``datasets``.

In: a data set, in memory, on disk or streamed, or the name to load one by. Out: a :class:`Source`; the rows
are walked once, in order, a few megabytes at a time, through the spool.

The only image column, or else the only array, holds the samples; the only class label, or else what is called
like a label, or else the only integer, the labels. Other columns of numbers become fields. What cannot (text,
lists of different lengths, columns where values are missing) is left out, and the metadata says so under
``"left_out"``. Images are what ``datasets`` hands out, turned as their EXIF data says.
"""

import contextlib
import glob
import io
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import SourceError, missing_extra
from .base import LABEL_FIELD, OnRead, Source, smallest_ints
from .hf_columns import Fields, NoNumbersError, choose_label, choose_sample, kind_of, numbers
from .images import ImageReader
from .query import parse_query
from .spool import Spool

__all__ = ["from_hf", "from_text"]

_RUN_BYTES = 1 << 23
_MOST_ROWS = 1000
_OPTIONS = ("split", "name", "image", "label", "mode")


def from_hf(
    name_or_dataset: Any,
    split: str | None = None,
    image: str | None = None,
    label: str | None = None,
    *,
    config: str | None = None,
    mode: str | None = None,
    spool_folder: str | os.PathLike[str] | None = None,
    on_read: OnRead | None = None,
) -> Source:
    """A data set of Hugging Face's library ``datasets``.

    Args:
        name_or_dataset: a ``Dataset`` or ``IterableDataset``, a dictionary of them by split, the name of one
            on the Hub, a ``.parquet`` file, a folder of files, or a folder that ``save_to_disk`` wrote. What
            lies on this machine is read where it is; what is on the Hub goes through the library's cache.
        split: which split, where there are several.
        image: the column that holds the samples; by default the only image, or the only array.
        label: the column that holds the labels, ``""`` for none; by default the only class label, what is
            called like a label, or the only integer.
        config: the name of the configuration, for data sets that have several.
        mode: convert every image to ``"L"``, ``"LA"``, ``"RGB"`` or ``"RGBA"``; without it all must have one
            mode.
        spool_folder: folder for an unnamed temporary file with the raw samples; by default the system's.
        on_read: told of (samples read, samples in all); the latter is ``None`` for a stream.

    Returns:
        The samples; class labels in the smallest integer dtype, other columns in their own.

    Raises:
        SourceError: it cannot be loaded or read, does not say which column is which, or a sample has no
            value, or another mode, dtype or number of axes than the first. The message names the sample.
        ImportError: ``datasets`` or Pillow is not installed.

    Example:
        >>> source = from_hf("uoft-cs/cifar10", split="train")              # doctest: +SKIP
        >>> dreamlearning.compress(source, "cifar10.gede")                   # doctest: +SKIP
    """
    try:
        import datasets
    except ImportError as error:
        raise missing_extra("datasets", "hf") from error

    if isinstance(name_or_dataset, (str, os.PathLike)):
        text = os.fspath(name_or_dataset)
        # Where a folder lay on this machine is nobody's business.
        name = f"hf:{Path(text).resolve().name if Path(text).exists() else text}"
        name += f"?split={split}" if split else ""
        dataset = _load(text, split, config, name)
    else:
        name, dataset = f"hf:{type(name_or_dataset).__name__}", name_or_dataset
        if config is not None or (split is not None and not isinstance(dataset, Mapping)):
            raise SourceError(f"{name}: split and config go with a name, not with a data set")
    if isinstance(dataset, Mapping):
        dataset = _one_split(dataset, split, name)
    if not isinstance(dataset, (datasets.Dataset, datasets.IterableDataset)):
        raise SourceError(f"{name}: is no Dataset or IterableDataset of the library datasets")

    dataset = dataset.with_format(None)
    features = _features(dataset, name)
    kinds = {column: kind_of(feature) for column, feature in features.items()}
    sample = choose_sample(kinds, image, name)
    label = choose_label(kinds, label, sample, name)
    spool = Spool(spool_folder, name)
    reader = None
    if kinds.pop(sample) == "image":
        reader = ImageReader(mode, 'give mode="{mode}" (in a SOURCE, mode={mode})', upright=True)
    fields = Fields(kinds, label, name)
    total = len(dataset) if isinstance(dataset, datasets.Dataset) else None
    read = 0
    for table in _tables(_undecoded(dataset, features), name):
        if sample not in table.column_names:
            raise SourceError(f"{name}, sample {read}: has no column {sample!r}")
        if reader is None:
            _add_arrays(spool, table.column(sample), f"{name}, sample ", read)
        else:
            own_mode = features[sample].mode
            _add_images(spool, table.column(sample), f"{name}, sample ", read, reader, own_mode)
        fields.append(table, read)
        read += table.num_rows
        if on_read:
            on_read(read, total)
    stored = spool.finish()
    arrays = fields.arrays()
    classes = None
    if label is not None and kinds[label] == "class":
        arrays[LABEL_FIELD] = smallest_ints(arrays[LABEL_FIELD])
        classes = list(features[label].names)
    metadata = {"left_out": fields.left_out} if fields.left_out else None
    return Source(name, stored, arrays, classes=classes, metadata=metadata)


def from_text(text: str, folder: str | os.PathLike[str] | None, on_read: OnRead | None = None) -> Source:
    """The source ``NAME?split=...&name=CONFIG&image=...&label=...&mode=...``."""
    name, query = (text, "") if Path(text).exists() else text.partition("?")[::2]
    if not name:
        raise SourceError("hf: names no data set; give hf:NAME?split=train")
    options = parse_query(query, f"hf:{text}", "split=train&name=CONFIG", _OPTIONS)
    config = options.pop("name", None)
    return from_hf(name, **options, config=config, spool_folder=folder, on_read=on_read)


def _load(text: str, split: str | None, config: str | None, name: str) -> Any:
    import datasets

    path = Path(text)
    try:
        with _quiet(datasets):
            if any((path / file).is_file() for file in ("state.json", "dataset_dict.json")):
                return datasets.load_from_disk(text)
            # Streaming reads local files where they lie; otherwise they would be copied into the cache.
            if path.is_file():
                if path.suffix.lower() != ".parquet":
                    raise SourceError(
                        f"{name}: of single files only .parquet is read; give a folder or a name"
                    )
                files = glob.escape(os.fspath(path.absolute()))
                return datasets.load_dataset("parquet", data_files=files, streaming=True)
            if path.is_dir():
                return datasets.load_dataset(text, config, streaming=True)
            return datasets.load_dataset(text, config, split=split)
    except SourceError:
        raise
    except (OSError, ValueError, RuntimeError, ImportError, datasets.exceptions.DatasetsError) as error:
        raise SourceError(f"{name}: {error}") from error


@contextlib.contextmanager
def _quiet(datasets: Any) -> Iterator[None]:
    """No progress bars of the library where nobody watches."""
    watched = sys.stderr is not None and sys.stderr.isatty()
    silence = not watched and not datasets.are_progress_bars_disabled()
    if silence:
        datasets.disable_progress_bars()
    try:
        yield
    finally:
        if silence:
            datasets.enable_progress_bars()


def _one_split(splits: Mapping[str, Any], split: str | None, name: str) -> Any:
    if split is None and len(splits) == 1:
        return next(iter(splits.values()))
    if split is None or split not in splits:
        what = "" if split is None else f"there is no split {split!r}; "
        raise SourceError(f"{name}: {what}give split= with one of {', '.join(map(str, splits)) or 'none'}")
    return splits[split]


def _features(dataset: Any, name: str) -> Mapping[str, Any]:
    """The features; those of a stream that does not know them are told from its first row."""
    import datasets

    if dataset.features is not None:
        return dataset.features
    with _reading(name, 0):
        first = next(iter(dataset), None)
        if first is None:
            raise SourceError(f"{name}: there are no samples")
        return datasets.Dataset.from_list([first]).features


def _undecoded(dataset: Any, features: Mapping[str, Any]) -> Any:
    """``dataset`` as Arrow tables, with images as the bytes they are; our decoding loses nothing."""
    import datasets

    if dataset.features is not None:
        for column, feature in features.items():
            if isinstance(feature, datasets.Image):
                dataset = dataset.cast_column(column, datasets.Image(decode=False))
    return dataset.with_format("arrow")


def _tables(dataset: Any, name: str) -> Iterator[Any]:
    """The rows as Arrow tables of a few megabytes."""
    read = 0
    rows: Iterator[Any] = iter(())
    with _reading(name, read):
        first = next(dataset.iter(batch_size=1), None)
        if first is not None:
            step = min(max(1, _RUN_BYTES // max(1, first.nbytes)), _MOST_ROWS)
            rows = dataset.iter(batch_size=step)
    while True:
        with _reading(name, read):
            table = next(rows, None)
        if table is None:
            return
        yield table
        read += table.num_rows


@contextlib.contextmanager
def _reading(name: str, read: int) -> Iterator[None]:
    import datasets
    import pyarrow

    try:
        yield
    except SourceError:
        raise
    except (
        OSError,
        ValueError,
        RuntimeError,
        pyarrow.ArrowException,
        datasets.exceptions.DatasetsError,
    ) as error:
        raise SourceError(f"{name}: cannot be read from sample {read} on: {error}") from error


def _add_images(
    spool: Spool, column: Any, where: str, first: int, reader: ImageReader, mode: str | None
) -> None:
    import fsspec

    for row, value in enumerate(column):
        image, here = value.as_py(), f"{where}{first + row}"
        if image is None or (image["bytes"] is None and image["path"] is None):
            raise SourceError(f"{here}: has no image; filter such rows out, e.g. with its method filter")
        if image["bytes"] is not None:
            pixels = reader.read(io.BytesIO(image["bytes"]), here, mode)
        else:
            try:
                with fsspec.open(image["path"], "rb") as file:
                    pixels = reader.read(file, here, mode)
            except (OSError, ValueError) as error:
                if isinstance(error, SourceError):
                    raise
                raise SourceError(f"{here}: cannot be read: {error}") from error
        spool.append(pixels[None], here)


def _add_arrays(spool: Spool, column: Any, where: str, first: int) -> None:
    try:
        spool.append(numbers(column))
        return
    except NoNumbersError:
        pass  # perhaps each has a shape of its own
    for row in range(len(column)):
        here = f"{where}{first + row}"
        try:
            spool.append(numbers(column.slice(row, 1)), here)
        except NoNumbersError as error:
            raise SourceError(f"{here}: {error}") from error

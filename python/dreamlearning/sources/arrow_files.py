"""Parquet and Arrow files as tables.

In: a path ending in ``.parquet``, ``.arrow``, ``.feather`` or ``.ipc``. Out: :class:`ArrowRows`, read by
record batches, so that a file may be larger than memory. What a damaged file claims is checked before it is
used.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import SourceError
from .base import OnRead, Source
from .tables import BATCH_ROWS, ArrowRows, from_rows, pyarrow_or_extra

__all__ = ["from_arrow_file", "from_parquet"]


def from_parquet(
    path: Path,
    target: str | None = None,
    folder: str | os.PathLike[str] | None = None,
    on_read: OnRead | None = None,
) -> Source:
    """The rows of a Parquet file.

    Raises:
        SourceError: no Parquet file, damaged, or as :func:`~dreamlearning.sources.tables.from_rows`.
        ImportError: pyarrow is not installed.
    """
    pyarrow_or_extra()
    from pyarrow import parquet

    with _readable(path, "Parquet"), parquet.ParquetFile(path) as file:
        schema, metadata = file.schema_arrow, file.metadata
        has_nulls = _nulls_by_statistics(metadata, schema.names)

    def read(columns: list[str] | None) -> Iterator[Any]:
        with _readable(path, "Parquet"), parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH_ROWS, columns=columns, use_threads=False):
                batch.validate(full=True)
                yield batch if columns is None else batch.select(columns)

    rows = ArrowRows(
        name=str(path),
        title=path.name,
        schema=schema,
        read=read,
        num_rows=metadata.num_rows,
        has_nulls=has_nulls,
        advice=f"leave the column out; a data set of images or lists is read as hf:{path}",
    )
    return from_rows(rows, target, folder, on_read)


def _nulls_by_statistics(metadata: Any, names: list[str]) -> dict[str, bool]:
    """For the columns of which every row group says so: whether they have nulls."""
    if metadata.num_columns != len(names):
        return {}  # something nested, which is refused later on
    known = {}
    for number, name in enumerate(names):
        groups = (metadata.row_group(i).column(number).statistics for i in range(metadata.num_row_groups))
        counts = [None if s is None or not s.has_null_count else s.null_count for s in groups]
        if None not in counts:
            known[name] = any(counts)
    return known


def from_arrow_file(
    path: Path,
    target: str | None = None,
    folder: str | os.PathLike[str] | None = None,
    on_read: OnRead | None = None,
) -> Source:
    """The rows of an Arrow file: the format of files (also called Feather 2) or of streams.

    Raises:
        SourceError: no Arrow file, damaged, or as :func:`~dreamlearning.sources.tables.from_rows`.
        ImportError: pyarrow is not installed.
    """
    pyarrow = pyarrow_or_extra()

    def batches() -> Iterator[Any]:
        """The schema, then the batches."""
        with _readable(path, "Arrow"), pyarrow.OSFile(str(path)) as file:
            if file.read(6) == b"ARROW1":
                opened = pyarrow.ipc.open_file(file)
                yield opened.schema
                yield from (opened.get_batch(i) for i in range(opened.num_record_batches))
            else:
                file.seek(0)
                stream = pyarrow.ipc.open_stream(file)
                yield stream.schema
                yield from stream

    def read(columns: list[str] | None) -> Iterator[Any]:
        whole = batches()
        next(whole)
        for batch in whole:
            with _readable(path, "Arrow"):
                batch.validate(full=True)
            yield batch if columns is None else batch.select(columns)

    rows = ArrowRows(name=str(path), title=path.name, schema=next(batches()), read=read)
    return from_rows(rows, target, folder, on_read)


@contextmanager
def _readable(path: Path, kind: str) -> Iterator[None]:
    """What pyarrow says of a file as our own error."""
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"{path}: cannot be read as a {kind} file: {error}") from error

"""A ``.gede`` file as a source, to compress it again with another preset.

In: an opened file. Out: its samples through the spool, its fields, its classes and the columns of a table.
"""

import os
from dataclasses import replace

import numpy as np

from ..errors import SourceError
from ..file import CompressedFile
from ..tables import Table
from ..tables.description import VALID
from .base import OnRead, Source
from .spool import Spool
from .targets import check_target

__all__ = ["from_compressed"]

_RUN_BYTES = 1 << 24


def from_compressed(
    file: CompressedFile,
    folder: str | os.PathLike[str] | None,
    on_read: OnRead | None = None,
    target: str | None = None,
) -> Source:
    """The decoded samples of ``file`` and its raw fields; of a table with ``target`` in place of its own
    target, if one is given.

    Raises:
        SourceError: the target is unknown, or has no value in a row.
    """
    name = file.path.name
    spool = Spool(folder, name)
    table = None if file.table is None else _with_strings(file, file.table, target)
    step = max(1, _RUN_BYTES // max(1, file.sample_bytes))
    for start in range(0, max(1, len(file)), step):
        samples = file[start : start + step]
        if table is not None:
            if target is not None:
                valid = samples[target + VALID] if table[target].nullable else None
                check_target(samples[target], valid, (name, target), start)
            samples = samples.view(np.uint8).reshape(len(samples), table.dtype.itemsize)
        for part in [sample[None] for sample in samples] if file.ragged else [samples]:
            spool.append(part)
        if on_read:
            on_read(min(start + step, len(file)), len(file))
    return Source(
        name,
        spool.finish(),
        {field: file.field(field) for field in file.fields},
        classes=file.classes,
        metadata=file.metadata,
        table=table,
    )


def _with_strings(file: CompressedFile, table: Table, target: str | None) -> Table:
    columns = [
        replace(column, strings=file._reader.strings(table.cell(column.name))) if column.is_text else column
        for column in table.columns
    ]
    try:
        return Table(columns, target or table.target)
    except ValueError as error:
        raise SourceError(f"{file.path}: {error}") from error

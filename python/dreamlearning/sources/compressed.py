"""A ``.gede`` file as a source, to compress it again with another preset.

In: an opened file. Out: its samples through the spool, its fields and its classes.
"""

import os

from ..file import CompressedFile
from .base import OnRead, Source
from .spool import Spool

__all__ = ["from_compressed"]

_RUN_BYTES = 1 << 24


def from_compressed(
    file: CompressedFile, folder: str | os.PathLike[str] | None, on_read: OnRead | None = None
) -> Source:
    """The decoded samples of ``file`` and its raw fields."""
    name = file.path.name
    spool = Spool(folder, name)
    step = max(1, _RUN_BYTES // max(1, file.sample_bytes))
    for start in range(0, max(1, len(file)), step):
        samples = file[start : start + step]
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
    )

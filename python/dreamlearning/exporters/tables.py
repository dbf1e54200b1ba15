"""A table back as a Parquet or CSV file.

In: a file with a table, indices and a path. Out: the same columns, written a few megabytes at a time.
"""

import os
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import missing_extra
from ..file import CompressedFile
from ..tables import reading
from .base import new_file, to_export

__all__ = ["refuse_table", "to_csv", "write_parquet"]


def to_csv(file: Any, path: str | os.PathLike[str], *, indices: Any = None, overwrite: bool = False) -> int:
    """Write a table as a CSV file in UTF-8: the names, then a line for each row.

    Numbers are written with as many digits as it takes to read them back, text and categories in quotes,
    nulls as empty cells, NaN as ``nan`` (whose payload a CSV file does not hold), durations as their
    integers. A CSV file knows no types: integers of 8 bits are read back as 64, categories as text. Parquet
    keeps them.

    Args:
        file: the path of a ``.gede`` file, a :class:`CompressedFile`, or a ``CompressedDataset``.
        path: the file to write, ``*.csv``.
        indices: only these rows, in this order: integers, a slice or a mask.
        overwrite: replace an existing file, once the new one is complete.

    Returns:
        The number of rows.

    Raises:
        FileExistsError: ``path`` exists and ``overwrite`` is false, or is a folder.
        ValueError: a path of another kind, or samples that are no rows of a table.
        IndexError, TypeError: wrong indices.
        ImportError: ``pyarrow`` is not installed.

    Example:
        >>> to_csv("housing.gede", "housing.csv")            # doctest: +SKIP
        20640
    """
    try:
        import pyarrow
        from pyarrow import csv
    except ImportError as error:
        raise missing_extra("pyarrow", "tabular") from error

    with to_export(file, indices, path, ".csv", overwrite=overwrite) as (one, chosen, output):
        types = [_csv_type(field.type) for field in reading.schema(one)]
        schema = pyarrow.schema(zip(one.columns or [], types, strict=True))
        with new_file(output, one) as stream, csv.CSVWriter(stream, schema) as writer:
            for batch in reading.to_batches(one, chosen):
                columns = [array.cast(kind) for array, kind in zip(batch.columns, types, strict=True)]
                writer.write_batch(pyarrow.RecordBatch.from_arrays(columns, schema=schema))
    return len(chosen)


def _csv_type(kind: Any) -> Any:
    """The type by which pyarrow's CSV writer shows values of type ``kind``."""
    import pyarrow

    if pyarrow.types.is_dictionary(kind):
        return kind.value_type
    if pyarrow.types.is_duration(kind):
        return pyarrow.int64()
    if pyarrow.types.is_float16(kind):
        return pyarrow.float32()
    if pyarrow.types.is_decimal(kind) or str(kind) == "string_view":
        return pyarrow.string()
    return kind


def write_parquet(stream: IO[bytes], file: CompressedFile, chosen: NDArray[np.int64]) -> None:
    """Write the rows ``chosen`` of a table to ``stream``, with the types that went in."""
    from pyarrow import parquet

    with parquet.ParquetWriter(stream, reading.schema(file)) as writer:
        for batch in reading.to_batches(file, chosen):
            writer.write_batch(batch)


def refuse_table(file: CompressedFile, output: Path) -> None:
    """Nothing, unless the samples are rows of a table.

    Raises:
        ValueError: they are.
    """
    if file.table is not None:
        raise ValueError(
            f"{file.path} is a table, which {output} would not hold; name a .parquet or .csv file"
        )

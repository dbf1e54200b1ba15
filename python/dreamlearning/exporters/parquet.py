"""Samples as a Parquet file that Hugging Face's ``datasets``, pandas and others read.

In: a file and indices. Out: one row for each sample, written a few megabytes at a time: images as PNG in the
layout of the feature ``Image``, rows of a table as its columns, other samples as lists of fixed length,
labels as ``ClassLabel`` where the classes have names, and other fields as what they are.
"""

import json
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import missing_extra
from ..file import CompressedFile
from ..sources import LABEL_FIELD
from .base import new_file, runs, to_export
from .pictures import Pictures, are_pictures
from .tables import write_parquet

__all__ = ["to_parquet"]


def to_parquet(
    file: Any,
    path: str | os.PathLike[str],
    *,
    indices: Any = None,
    overwrite: bool = False,
) -> int:
    """Write the samples and fields as a Parquet file.

    ``datasets.load_dataset("parquet", data_files=path)`` gives images and class labels back, and so does
    :func:`from_hf`. Images of 8 bits, and grey ones of 16, are PNG in the column ``"image"``, of any sizes;
    other samples are lists (of lists) of fixed length in the column ``"data"``. Every field is a column. A
    table gets its own columns back, with the types that went in.

    Args:
        file: the path of a ``.gede`` file, a :class:`CompressedFile`, or a ``CompressedDataset`` (whose
            transforms and crops are not applied).
        path: the file to write, ``*.parquet``.
        indices: only these samples, in this order: integers, a slice or a mask.
        overwrite: replace an existing file, once the new one is complete.

    Returns:
        The number of samples.

    Raises:
        FileExistsError: ``path`` exists and ``overwrite`` is false, or is a folder.
        ValueError: a path of another kind, samples of different shapes that PNG does not hold, or of no
            elements.
        IndexError, TypeError: wrong indices.
        ImportError: ``pyarrow`` or Pillow is not installed.

    Example:
        >>> to_parquet("cifar10.gede", "cifar10.parquet")            # doctest: +SKIP
        50000
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise missing_extra("pyarrow", "parquet") from error

    with to_export(file, indices, path, ".parquet", overwrite=overwrite) as (one, chosen, output):
        if one.table is not None:
            with new_file(output, one) as stream:
                write_parquet(stream, one, chosen)
            return len(chosen)
        pictures = Pictures(one) if are_pictures(one) else None
        if pictures is None and (one.ragged or 0 in one.shape):
            raise ValueError(
                f"{one.path}: samples of shape {one.shape} and dtype {one.dtype} do not fit into a column"
            )
        sample = next(
            name
            for name in (("image", "picture") if pictures else ()) + ("data", "samples", "X")
            if name not in one.fields
        )
        columns = {sample: _Image(pictures) if pictures else _Array(one.dtype, one.shape)}
        for name in one.fields:
            field = one.field(name)
            names = _class_names(one, field) if name == LABEL_FIELD else None
            columns[name] = _Array(field.dtype, field.shape[1:], names)
        schema = pyarrow.schema(
            [(name, column.type) for name, column in columns.items()],
            metadata={"huggingface": _features({name: c.feature for name, c in columns.items()})},
        )
        fields = {name: one.field(name) for name in one.fields}
        with new_file(output, one) as stream, parquet.ParquetWriter(stream, schema) as writer:
            for run, samples in runs(one, chosen):
                values = {sample: samples, **{name: field[run] for name, field in fields.items()}}
                arrays = [columns[name].array(value, run) for name, value in values.items()]
                writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))
    return len(chosen)


class _Image:
    """A column of PNG files, as Hugging Face's feature ``Image`` stores it."""

    def __init__(self, pictures: Pictures) -> None:
        import pyarrow

        self._pictures = pictures
        self.type = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
        self.feature = {"_type": "Image"}

    def array(self, samples: Any, run: NDArray[np.int64]) -> Any:
        """The samples with numbers ``run`` as an Arrow array."""
        import pyarrow

        rows = [
            {"bytes": self._pictures.png(pixels), "path": f"{i}.png"}
            for i, pixels in zip(run.tolist(), samples, strict=True)
        ]
        return pyarrow.array(rows, self.type)


class _Array:
    """A column of numbers, or of lists of fixed length, of class labels where ``names`` are given."""

    def __init__(self, dtype: np.dtype[Any], shape: tuple[int, ...], names: list[str] | None = None) -> None:
        import pyarrow

        self._shape, self._names = shape, names
        self.feature: dict[str, Any] = {"dtype": dtype.name, "_type": "Value"}
        self.type = pyarrow.from_numpy_dtype(dtype)
        if names is not None:
            self.feature, self.type = {"names": names, "_type": "ClassLabel"}, pyarrow.int64()
        for length in reversed(shape):
            # Every version of the library reads "Sequence"; newer ones call it List.
            self.feature = {"feature": self.feature, "length": length, "_type": "Sequence"}
            self.type = pyarrow.list_(self.type, length)

    def array(self, values: NDArray[Any], run: NDArray[np.int64]) -> Any:
        """``values``, shape (k, *shape), as an Arrow array."""
        import pyarrow

        flat = np.ascontiguousarray(values, np.int64 if self._names is not None else None).reshape(-1)
        array = pyarrow.array(flat)
        for length in reversed(self._shape):
            array = pyarrow.FixedSizeListArray.from_arrays(array, length)
        return array.cast(self.type)


def _class_names(file: CompressedFile, labels: NDArray[Any]) -> list[str] | None:
    """The classes as a ``ClassLabel`` takes them, each name once; ``None`` where they are none."""
    names = file.classes
    if not names or labels.ndim != 1 or labels.dtype.kind not in "iu":
        return None
    if labels.size and not -1 <= int(labels.min()) <= int(labels.max()) < len(names):
        return None
    return names if len(set(names)) == len(names) else [f"{i}_{name}" for i, name in enumerate(names)]


def _features(features: dict[str, Any]) -> str:
    return json.dumps({"info": {"features": features}})

"""Rows of Arrow's types as a source: what CSV, Parquet and Arrow files and data frames have in common.

In: :class:`ArrowRows`, batches of rows that can be read more than once. Out: a :class:`Source` of packed
records in the spool, and the description of their columns. One pass finds the nulls and numbers the strings
of the columns where these are unknown, the next one writes; memory holds one batch and the distinct strings.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError, missing_extra
from ..tables import Column, Table
from ..tables.cells import BadCellError, cells_of, fill_nulls, validity
from ..tables.description import VALID
from ..tables.text_cells import Numbering
from ..tables.types import cell_dtype, is_text, with_room
from .base import OnRead, Source
from .spool import Spool
from .targets import check_target, row_place

__all__ = ["BATCH_ROWS", "ArrowRows", "from_rows", "pyarrow_or_extra"]

BATCH_ROWS = 1 << 15


def pyarrow_or_extra() -> Any:
    """The library ``pyarrow``.

    Raises:
        ImportError: it is not installed; the message names the extra.
    """
    try:
        import pyarrow
    except ImportError as error:
        raise missing_extra("pyarrow", "tabular") from error
    return pyarrow


@dataclass(frozen=True)
class ArrowRows:
    """A table that is read in batches, as often as it takes.

    Args:
        name: what messages call it.
        title: what the file keeps as the name of the source.
        schema: names and types of all columns.
        read: batches of the rows in order, each with all columns, or with those named.
        num_rows: ``None`` where that is unknown before all have been read.
        has_nulls: for columns of which it is known, whether they have nulls.
        place: how messages call a row, counted from 0.
        advice: what to say of types that are no cells.
    """

    name: str
    title: str
    schema: Any
    read: Callable[[list[str] | None], Iterator[Any]]
    num_rows: int | None = None
    has_nulls: Mapping[str, bool] = field(default_factory=dict)
    place: Callable[[int], str] = row_place
    advice: str = "leave the column out, or convert it to numbers, text, dates or times"


def from_rows(
    rows: ArrowRows,
    target: str | None = None,
    folder: str | os.PathLike[str] | None = None,
    on_read: OnRead | None = None,
) -> Source:
    """The rows as packed records in the spool.

    Args:
        rows: the table.
        target: name of the column to be predicted; it must have a value in every row.
        folder: where the spool lives.
        on_read: told of (rows read, rows in all).

    Raises:
        SourceError: a type that has no cells of a fixed size, names that are not unique or empty, an unknown
            target, no value in the target, or a cell that cannot be stored; the message names row and column.
    """
    _check_names(rows, target)
    writers = [_ColumnWriter(rows, kind.name, str(kind.type)) for kind in rows.schema]
    _survey(rows, [writer for writer in writers if writer.unknown])
    try:
        table = Table([writer.column() for writer in writers], target)
    except ValueError as error:
        raise SourceError(f"{rows.name}: {error}") from error

    spool = Spool(folder, rows.name)
    done = 0
    spool.append(np.empty((0, table.dtype.itemsize), np.uint8))
    for batch in rows.read(None):
        for start in range(0, batch.num_rows, BATCH_ROWS):
            part = batch.slice(start, BATCH_ROWS)
            records = np.empty(part.num_rows, table.dtype)
            for writer, array in zip(writers, part.columns, strict=True):
                writer.write(array, records, done, is_target=writer.name == target)
            done += part.num_rows
            spool.append(records.view(np.uint8).reshape(len(records), table.dtype.itemsize))
            if on_read:
                on_read(done, rows.num_rows)
    return Source(rows.title, spool.finish(), table=table)


def _check_names(rows: ArrowRows, target: str | None) -> None:
    names = rows.schema.names
    if not names:
        raise SourceError(f"{rows.name}: there are no columns")
    first: dict[str, int] = {}
    for number, name in enumerate(names):
        if not name:
            raise SourceError(f"{rows.name}: column {number} (the first is 0) has no name; give it one")
        if name in first:
            raise SourceError(
                f"{rows.name}: columns {first[name]} and {number} (the first is 0) are both called {name!r}; "
                "rename one of them"
            )
        first[name] = number
    if target is not None and target not in names:
        raise SourceError(
            f"{rows.name}: there is no column {target!r} to be the target; columns: {', '.join(names)}"
        )


def _survey(rows: ArrowRows, unknown: "Sequence[_ColumnWriter]") -> None:
    """Read once what must be known of some columns before the first row is written."""
    if not unknown:
        return
    start = 0
    for batch in rows.read([writer.name for writer in unknown]):
        for writer in unknown:
            writer.look_at(batch.column(writer.name), start)
        start += batch.num_rows


class _ColumnWriter:
    """One column: learns what is unknown of it, then writes its cells into records."""

    def __init__(self, rows: ArrowRows, name: str, kind: str) -> None:
        self.name = name
        self._rows, self._kind = rows, kind
        try:
            self._dtype = cell_dtype(kind)
        except ValueError as error:
            raise SourceError(f"{rows.name}, column {name!r}: {error}; {rows.advice}") from error
        self._strings = Numbering() if is_text(kind) else None
        # Of text, a null may also stand in a dictionary.
        self._nulls = None if is_text(kind) else rows.has_nulls.get(name)
        self._before: NDArray[Any] | None = None  # the last value, or else the first one to come
        self.unknown = self._nulls is not False and kind != "null"
        self._nullable = kind == "null"

    def look_at(self, array: Any, start: int) -> None:
        """Learn from some values, of which the first is of row ``start``."""
        valid = self._numbered(array, start) if self._strings is not None else validity(array)
        if valid is not None:
            self._nullable = True
        if self._before is None and (valid is None or valid.any()) and len(array):
            first = 0 if valid is None else int(np.argmax(valid))
            self._before = self._cells(array.slice(first, 1), start + first)[0][0]

    def _numbered(self, array: Any, start: int) -> NDArray[np.bool_] | None:
        assert self._strings is not None
        try:
            return self._strings.add(array)
        except UnicodeDecodeError as error:
            raise self._error(start, f"holds text that is no UTF-8: {error}") from error

    def column(self) -> Column:
        """The column, once all is known of it."""
        if self._strings is None:
            assert self._dtype is not None
            return Column(self.name, self._kind, self._dtype, self._nullable)
        try:
            strings = self._strings.encode()
        except ValueError as error:
            raise SourceError(f"{self._rows.name}, column {self.name!r}: {error}") from error
        self._dtype = np.min_scalar_type(max(0, len(self._strings) - 1))
        kind = with_room(self._kind, len(self._strings))
        return Column(self.name, kind, self._dtype, self._nullable, strings)

    def write(self, array: Any, records: NDArray[Any], start: int, *, is_target: bool) -> None:
        """Write the cells of some values into ``records``; the first is of row ``start``."""
        cells, valid = self._cells(array, start)
        if is_target:
            check_target(cells, valid, (self._rows.name, self.name), start, self._rows.place)
        if valid is not None and not self._nullable:
            raise SourceError(f"{self._rows.name}: column {self.name!r} has changed while it was read")
        if self._nullable:
            records[self.name + VALID] = True if valid is None else valid
        if valid is not None:
            assert self._dtype is not None
            before = self._before if self._before is not None else self._dtype.type(0)
            cells = fill_nulls(cells, valid, before)
        if len(cells):
            self._before = cells[-1]
        records[self.name] = cells

    def _cells(self, array: Any, start: int) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
        if self._strings is not None:
            try:
                return self._strings.cells(array)
            except KeyError as error:
                raise SourceError(
                    f"{self._rows.name}: column {self.name!r} has changed while it was read"
                ) from error
        try:
            return cells_of(array), validity(array)
        except BadCellError as error:
            raise self._error(start + error.row, str(error)) from error

    def _error(self, row: int, reason: str) -> SourceError:
        return SourceError(f"{self._rows.name}, {self._rows.place(row)}, column {self.name!r}: {reason}")

"""CSV files as tables, with types that hold for the whole file.

In: a path, and the columns to be read as text. Out: :class:`ArrowRows`. A first pass looks at every cell and
settles the types (:mod:`dreamlearning.sources.csv_types`); the cells are converted when they are read again.
"""

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

from ..errors import SourceError
from ..tables.cells import BadCellError
from ..tables.types import arrow_type
from .base import OnRead, Source
from .csv_types import CellTypes, is_number
from .tables import ArrowRows, from_rows, pyarrow_or_extra

__all__ = ["from_csv", "split_query"]

_BLOCK_BYTES = 1 << 22
_FORM = "FILE.csv?text=COLUMN&text=COLUMN"


def split_query(text: str) -> tuple[str, str]:
    """Path and options of a SOURCE such as ``FILE.csv?text=COLUMN``; a file whose name has a ``?`` has none.

    Example:
        >>> split_query("people.csv?text=zip"), split_query("people.parquet?text=zip")
        (('people.csv', 'text=zip'), ('people.parquet?text=zip', ''))
    """
    path, _, query = text.partition("?")
    if not path.lower().endswith(".csv") or Path(text).is_file():
        return text, ""
    return path, query


def from_csv(
    path: Path,
    target: str | None = None,
    folder: str | os.PathLike[str] | None = None,
    on_read: OnRead | None = None,
    *,
    query: str = "",
) -> Source:
    """The rows of a CSV file in UTF-8, whose first line has the names of the columns.

    The first cell of a column that is not missing says what the column holds: numbers, ``true`` and
    ``false``, dates and times, or text. All cells below have to be of that kind; numbers become int64, uint64
    or float64, whichever holds them all. Cells that are empty or one of ``NA``, ``N/A``, ``n/a``, ``#N/A``,
    ``#NA``, ``NULL`` and ``null`` are nulls, in a column of text only those that are empty and not quoted;
    ``nan`` is a number. Numbers with a leading zero or plus are text. Empty lines are skipped.

    Args:
        path: the file.
        target: name of the column to be predicted.
        folder: where the spool lives.
        on_read: told of (rows read, rows in all).
        query: ``text=COLUMN``, for every column that is to be read as text.

    Raises:
        SourceError: a line with another number of cells, a cell of another kind than those above it, an
            integer that no dtype holds, or as :func:`~dreamlearning.sources.tables.from_rows`; the message
            names line and column.
        ImportError: pyarrow is not installed.
    """
    pyarrow_or_extra()
    file = _CsvFile(path)
    types = {name: CellTypes() for name in file.names}
    for name in _text_columns(path, query, file.names):
        types[name].as_text()
    count = 0
    for batch in file.blocks(None):
        for name, array in zip(batch.schema.names, batch.columns, strict=True):
            with file.naming(name, count):
                types[name].look_at(array, count)
        count += batch.num_rows
    kinds, has_nulls = {}, {}
    for name, cells in types.items():
        with file.naming(name, 0):
            kinds[name] = cells.type()
        has_nulls[name] = cells.has_nulls
    return from_rows(file.rows(types, kinds, has_nulls, count), target, folder, on_read)


def _text_columns(path: Path, query: str, names: list[str]) -> list[str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError as error:
        raise SourceError(f"{path}: {query!r} is not of the form {_FORM}") from error
    for key, value in pairs:
        if key != "text":
            raise SourceError(f"{path}: there is no option {key!r}; give {_FORM}")
        if value not in names:
            raise SourceError(f"{path}: there is no column {value!r}; columns: {', '.join(names)}")
    return [value for _, value in pairs]


class _CsvFile:
    """A CSV file that is read more than once, all cells as text."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.names: list[str] = []
        self.names = self._open(None).schema.names
        if self.names != [str(i) for i in range(len(self.names))] and all(map(is_number, self.names)):
            raise SourceError(
                f"{path}, line 1: {', '.join(self.names[:5])} are numbers, no names of columns; the first "
                "line of the file must name them"
            )
        for number, name in enumerate(self.names):
            if not name or name in self.names[:number]:
                what = f"is the second one called {name!r}" if name else "has no name"
                raise SourceError(f"{path}, line 1: column {number + 1} {what}; give every column its own")

    def _open(self, columns: list[str] | None) -> Any:
        import pyarrow
        from pyarrow import csv as reader

        try:
            return reader.open_csv(
                str(self._path),
                reader.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES),
                reader.ParseOptions(newlines_in_values=True),
                reader.ConvertOptions(
                    column_types={name: pyarrow.string() for name in self.names},
                    include_columns=columns,
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                ),
            )
        except (pyarrow.ArrowException, UnicodeDecodeError) as error:
            raise self._refused(error) from error

    def blocks(self, columns: list[str] | None) -> Iterator[Any]:
        """The rows in batches of a few megabytes; nulls are cells that are empty and not quoted."""
        import pyarrow

        opened = self._open(columns)
        while True:
            try:
                batch = opened.read_next_batch()
            except StopIteration:
                return
            except (pyarrow.ArrowException, UnicodeDecodeError) as error:
                raise self._refused(error) from error
            yield batch

    def rows(
        self,
        types: dict[str, CellTypes],
        kinds: dict[str, str],
        has_nulls: dict[str, bool],
        num_rows: int,
    ) -> ArrowRows:
        """The file with its cells converted to ``kinds``."""
        import pyarrow

        schema = pyarrow.schema([(name, arrow_type(kind)) for name, kind in kinds.items()])

        def read(columns: list[str] | None) -> Iterator[Any]:
            start = 0
            for batch in self.blocks(columns):
                arrays = []
                for name, array in zip(batch.schema.names, batch.columns, strict=True):
                    with self.naming(name, start):
                        arrays.append(types[name].convert(array))
                start += batch.num_rows
                yield pyarrow.record_batch(arrays, names=batch.schema.names)

        return ArrowRows(
            name=str(self._path),
            title=self._path.name,
            schema=schema,
            read=read,
            num_rows=num_rows,
            has_nulls=has_nulls,
            place=lambda row: f"line {self.line_of(row)}",
        )

    def naming(self, column: str, start: int) -> "_Naming":
        """Errors about a cell get its line and column; rows count from ``start``."""
        return _Naming(self, column, start)

    def error(self, row: int, column: str, reason: str) -> SourceError:
        """The error about one cell."""
        advice = f"to read the column as text: {self._path}?text={quote(column, safe='')}"
        return SourceError(f"{self._path}, line {self.line_of(row)}, column {column!r}: {reason}; {advice}")

    def line_of(self, row: int) -> int:
        """The line on which a row of data begins, as an editor counts."""
        return next((line for number, (line, _) in enumerate(self._lines(), -1) if number == row), 0)

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        """All rows that are no empty lines, the names first: on which line each begins, and its cells."""
        with self._path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            reader = csv.reader(file)
            line = 1
            for cells in reader:
                if cells:
                    yield line, cells
                line = reader.line_num + 1

    def _refused(self, error: Exception) -> SourceError:
        """What pyarrow refuses as our own error, with the line that is to blame."""
        path = self._path
        if "straddl" in str(error):
            return SourceError(f"{path}: a row is longer than {_BLOCK_BYTES:,} bytes; is a quote not closed?")
        try:
            with path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    try:
                        line.decode()
                    except UnicodeDecodeError:
                        return SourceError(f"{path}, line {number}: no UTF-8; convert the file to UTF-8")
            count = None
            for first, cells in self._lines():
                count = count or len(cells)
                if len(cells) != count:
                    return SourceError(
                        f"{path}, line {first}: {len(cells)} cells, but the first line names {count} columns"
                    )
        except (OSError, csv.Error):
            pass  # then what pyarrow says has to do
        return SourceError(f"{path}: cannot be read as a CSV file: {' '.join(str(error).split())}")


class _Naming:
    def __init__(self, file: _CsvFile, column: str, start: int) -> None:
        self._file, self._column, self._start = file, column, start

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, BadCellError):
            raise self._file.error(self._start + error.row, self._column, str(error)) from error

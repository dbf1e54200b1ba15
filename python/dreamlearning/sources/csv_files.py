"""CSV files as tables, with types that hold for the whole file.

In: a path, and options (:mod:`dreamlearning.sources.csv_options`). Out: :class:`ArrowRows`. A first pass
looks at every cell and settles the types (:mod:`dreamlearning.sources.csv_types`); the cells are converted
when they are read again.
"""

import csv
import os
import sys
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any, TextIO

from ..errors import SourceError
from ..tables.cells import BadCellError
from ..tables.types import arrow_type
from .base import OnRead, Source
from .csv_options import CsvOptions
from .csv_types import CellTypes, is_number
from .tables import ArrowRows, from_rows, pyarrow_or_extra

__all__ = ["from_csv", "split_query"]

_BLOCK_BYTES = 1 << 22


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
    """The rows of a CSV file, whose first line has the names of the columns.

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
        query: ``text=COLUMN``, for every column that is to be read as text; ``delimiter=;`` (or another
            character, or ``tab``) where cells are not separated by commas; ``encoding=latin-1`` (or another)
            where the file is not UTF-8.

    Raises:
        SourceError: a line with another number of cells, a cell of another kind than those above it, an
            integer that no dtype holds, or as :func:`~dreamlearning.sources.tables.from_rows`; the message
            names line and column.
        ImportError: pyarrow is not installed.
    """
    pyarrow_or_extra()
    options = CsvOptions.parse(path, query)
    file = _CsvFile(path, options)
    types = {name: CellTypes() for name in file.names}
    for name in options.text:
        if name not in types:
            raise SourceError(f"{path}: there is no column {name!r}; columns: {', '.join(file.names)}")
        types[name].as_text()
    count = 0
    for batch in file.blocks(None):
        for name, array in zip(batch.schema.names, batch.columns, strict=True):
            with file.naming(name, count):
                types[name].look_at(array, count)
        count += batch.num_rows
    file.check_quotes()
    kinds, has_nulls = {}, {}
    for name, cells in types.items():
        with file.naming(name, 0):
            kinds[name] = cells.type()
        has_nulls[name] = cells.has_nulls
    return from_rows(file.rows(types, kinds, has_nulls, count), target, folder, on_read)


class _CsvFile:
    """A CSV file that is read more than once, all cells as text."""

    def __init__(self, path: Path, options: CsvOptions) -> None:
        self._path, self._options = path, options
        self.names: list[str] = []
        self._check_delimiter()
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

    def _check_delimiter(self) -> None:
        try:
            names = next((cells for _, cells in self._lines("strict")), [])
        except (OSError, UnicodeError, csv.Error):
            return  # what is wrong will be said where all is read
        advice = self._options.other_delimiter(self._path, names)
        if advice is not None:
            raise SourceError(f"{self._path}, line 1: {advice}")

    def _open(self, columns: list[str] | None) -> Any:
        import pyarrow
        from pyarrow import csv as reader

        try:
            return reader.open_csv(
                str(self._path),
                reader.ReadOptions(
                    use_threads=False, block_size=_BLOCK_BYTES, encoding=self._options.encoding
                ),
                reader.ParseOptions(delimiter=self._options.delimiter, newlines_in_values=True),
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

    def check_quotes(self) -> None:
        """An error where a quoted cell is never closed: it has swallowed all lines below."""
        with self._path.open("rb") as raw:
            quotes = sum(block.count(b'"') for block in iter(lambda: raw.read(_BLOCK_BYTES), b""))
        if quotes % 2 == 0:
            return  # they come in pairs, doubled ones too; only an odd one is worth a slow look
        line, limit = 1, csv.field_size_limit(sys.maxsize)
        try:
            with self._text("replace") as file:
                reader = csv.reader(file, delimiter=self._options.delimiter, strict=True)
                for _ in reader:
                    line = reader.line_num + 1
        except csv.Error as error:
            if "end of data" in str(error):
                raise SourceError(
                    f"{self._path}, line {line}: a quote is opened here and never closed; close it, or "
                    "write it twice where it is part of a quoted cell"
                ) from None
        finally:
            csv.field_size_limit(limit)

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
        advice = f"to read the column as text: {self._options.with_text(self._path, column)}"
        return SourceError(f"{self._path}, line {self.line_of(row)}, column {column!r}: {reason}; {advice}")

    def line_of(self, row: int) -> int:
        """The line on which a row of data begins, as an editor counts."""
        return next((line for number, (line, _) in enumerate(self._lines(), -1) if number == row), 0)

    def _lines(self, errors: str = "replace") -> Iterator[tuple[int, list[str]]]:
        """All rows that are no empty lines, the names first: on which line each begins, and its cells."""
        with self._text(errors) as file:
            reader = csv.reader(file, delimiter=self._options.delimiter)
            line = 1
            for cells in reader:
                if cells:
                    yield line, cells
                line = reader.line_num + 1

    def _text(self, errors: str) -> TextIO:
        # The mark that may stand before UTF-8 is no part of the first name.
        encoding = "utf-8-sig" if self._options.encoding == "utf-8" else self._options.encoding
        return self._path.open(encoding=encoding, errors=errors, newline="")

    def _undecodable(self) -> int | None:
        """The first line that is not of the file's encoding."""
        with self._text("replace") as some, self._text("ignore") as others:
            # Only what cannot be decoded is different.
            lines = enumerate(zip_longest(some, others), 1)
            return next((number for number, (one, other) in lines if one != other), None)

    def _refused(self, error: Exception) -> SourceError:
        """What pyarrow refuses as our own error, with the line that is to blame."""
        path = self._path
        if "straddl" in str(error):
            return SourceError(f"{path}: a row is longer than {_BLOCK_BYTES:,} bytes; is a quote not closed?")
        try:
            number = self._undecodable()
            if number is not None:
                encoding = self._options.encoding
                return SourceError(
                    f"{path}, line {number}: no {'UTF-8' if encoding == 'utf-8' else encoding}; name its "
                    f"encoding, as in {path.name}?encoding=latin-1, or convert the file to UTF-8"
                )
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

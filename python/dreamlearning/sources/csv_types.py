"""What the cells of a CSV column are: numbers, truth values, dates, times or text.

In: the cells of one column as text, a batch at a time. Out: the one type that holds them all without a loss,
and the cells converted to it. A number that a dtype would bend (an integer beyond 64 bits, or one that no
float64 equals among floats, or a leading zero) is refused instead.
"""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..tables.cells import BadCellError
from ..tables.types import arrow_type

__all__ = ["CellTypes", "is_number"]

_MISSING = ("", "NA", "N/A", "n/a", "#N/A", "#N/A N/A", "#NA", "NULL", "null")
_TRUE, _FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")
_INTEGER = r"^(0|-?[1-9][0-9]*)$"
_FLOAT = r"^-?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$"
_SPECIAL = r"^-?(?i:nan|inf|infinity)$"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_ZONE = r"(Z|[-+][0-9]{2}:?[0-9]{2})"
_TIME = rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[ T][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]{{1,9}})?)?{_ZONE}?$"
_FRACTIONS = {"ns": r"\.[0-9]{7}", "us": r"\.[0-9]{4}", "ms": r"\."}  # the first that occurs is the unit


def is_number(text: str) -> bool:
    """Whether a cell is one.

    Example:
        >>> [is_number(cell) for cell in ("-1.5e3", "nan", ".5", "007", "+1", "1,5", "")]
        [True, True, True, False, False, False, False]
    """
    return any(re.fullmatch(pattern, text.strip(" \t")) for pattern in (_FLOAT, _SPECIAL))


class CellTypes:
    """Learns the type of one column from all of its cells.

    Attributes:
        has_nulls: whether a cell is missing.
    """

    def __init__(self) -> None:
        self._kind: str | None = None
        self._filled = self._empty = self._missing = False
        self._low = self._high = 0
        self._floats = False
        # Of integers the first that ...: (row, text)
        self._beyond_signed: tuple[int, str] | None = None
        self._beyond_all: tuple[int, str] | None = None
        self._inexact: tuple[int, str] | None = None
        self._times = False
        self._zones: bool | None = None
        self._unit = "s"

    def as_text(self) -> None:
        """Whatever the cells are, they are text."""
        self._kind = "text"

    @property
    def has_nulls(self) -> bool:  # noqa: D102
        return self._empty if self._kind in (None, "text") else self._missing

    def look_at(self, array: Any, start: int) -> None:
        """Learn from cells, a string array, of which the first is of row ``start``.

        Raises:
            BadCellError: a cell of another kind than the first one of the column.
        """
        self._empty |= array.null_count > 0
        self._filled |= array.null_count < len(array)
        if self._kind == "text":
            return
        cells, present = _trimmed(array)
        self._missing |= not present.all()
        rows = np.flatnonzero(present)
        if not rows.size:
            return
        if self._kind is None:
            self._kind = _kind_of(cells[int(rows[0])].as_py())
        check = {"number": self._numbers, "bool": self._bools, "time": self._dates}.get(self._kind)
        if check is not None:
            check(cells, present, start)

    def _numbers(self, cells: Any, present: NDArray[np.bool_], start: int) -> None:
        numbers = _numbers_among(cells, present)
        _refuse(cells, present & ~numbers, "is no number, as the cells above it are")
        integers = _among(cells, present & ~_contains(cells, "."), lambda some: _matches(some, _INTEGER))
        self._floats |= bool((present & ~integers).any())
        if integers.any():
            self._integers(cells.filter(_mask(integers)), np.flatnonzero(integers) + start)

    def _integers(self, cells: Any, rows: NDArray[np.int64]) -> None:
        import pyarrow

        try:
            values = np.asarray(cells.cast(pyarrow.int64()))
        except pyarrow.ArrowInvalid:
            self._large_integers([str(text) for text in cells.to_pylist()], rows)
            return
        self._low, self._high = min(self._low, int(values.min())), max(self._high, int(values.max()))
        if self._inexact is None and (self._low < -(2**53) or self._high > 2**53):
            with np.errstate(invalid="ignore"):
                inexact = values.astype(np.float64).astype(np.int64) != values
            inexact |= values == np.iinfo(np.int64).max  # which comes back by chance on some processors
            if inexact.any():
                first = int(np.argmax(inexact))
                self._inexact = int(rows[first]), str(values[first])

    def _large_integers(self, texts: list[str], rows: NDArray[np.int64]) -> None:
        for row, text in zip(rows.tolist(), texts, strict=True):
            # Python refuses to read integers of thousands of digits; these are too large in any case.
            value = int(text) if len(text) <= 300 else (-1 if text[0] == "-" else 1) << 100
            self._low, self._high = min(self._low, value), max(self._high, value)
            if not -(1 << 63) <= value < 1 << 63:
                self._beyond_signed = self._beyond_signed or (row, text)
            if not -(1 << 63) <= value < 1 << 64:
                self._beyond_all = self._beyond_all or (row, text)
            if len(text) > 300 or int(float(value)) != value:
                self._inexact = self._inexact or (row, text)

    def _bools(self, cells: Any, present: NDArray[np.bool_], start: int) -> None:
        wrong = present & ~_is_in(cells, (*_TRUE, *_FALSE))
        _refuse(cells, wrong, "is neither true nor false, as the cells above it are")

    def _dates(self, cells: Any, present: NDArray[np.bool_], start: int) -> None:
        dates, times = _matches(cells, _DATE), _matches(cells, _TIME)
        _refuse(cells, present & ~dates & ~times, "is no date or time, as the cells above it are")
        zoned = times & _matches(cells, _ZONE + "$")
        self._times |= bool(times.any())
        if self._zones is None:
            self._zones = bool(zoned[int(np.argmax(present))])
        zones = "has a time zone" if not self._zones else "has no time zone"
        _refuse(cells, present & (zoned != self._zones), f"{zones}, other than the cells above it")
        for unit, pattern in _FRACTIONS.items():
            if unit == self._unit:
                break
            if _matches(cells, pattern).any():
                self._unit = unit
                break

    def type(self) -> str:
        """The type that holds all cells, as Arrow calls it.

        Raises:
            BadCellError: there is none, because of an integer that is too large.
        """
        if self._kind is None:
            return "string" if self._filled else "null"
        if self._kind == "number":
            return self._number_type()
        if self._kind == "time":
            if not self._times:
                return "date32[day]"
            return f"timestamp[{self._unit}{', tz=UTC' if self._zones else ''}]"
        return "bool" if self._kind == "bool" else "string"

    def _number_type(self) -> str:
        if self._floats:
            if self._inexact is not None:
                row, text = self._inexact
                raise BadCellError(row, f"{_short(text)} is among floats, and no float64 is equal to it")
            return "double"
        if self._beyond_signed is None:
            return "int64"
        if self._beyond_all is not None or self._low < 0:
            row, text = self._beyond_all or self._beyond_signed
            raise BadCellError(row, f"{_short(text)} is too large: neither int64 nor uint64 holds the column")
        return "uint64"

    def convert(self, array: Any) -> Any:
        """Cells as an array of :meth:`type`.

        Raises:
            BadCellError: one looks like what the column holds and is none, such as February 30.
        """
        import pyarrow
        from pyarrow import compute

        kind = arrow_type(self.type())
        if self._kind == "text" or self._kind is None:
            return array.cast(kind) if self._filled or self._kind else pyarrow.nulls(len(array))
        cells, present = _trimmed(array)
        if self._kind == "bool":
            return pyarrow.array(_is_in(cells, _TRUE), mask=~present)
        try:
            values = _nulled(cells, present).cast(kind)
        except pyarrow.ArrowInvalid as error:
            raise _first_that_fails(_nulled(cells, present), kind) from error
        if self._floats:
            infinite = _bits(compute.is_inf(values))
            beyond = infinite & ~_among(cells, infinite, lambda some: _matches(some, _SPECIAL))
            _refuse(cells, beyond, "is beyond what a float64 holds")
        return values


def _kind_of(text: str) -> str:
    if is_number(text):
        return "number"
    if text in _TRUE or text in _FALSE:
        return "bool"
    return "time" if re.fullmatch(_DATE, text) or re.fullmatch(_TIME, text) else "text"


def _trimmed(array: Any) -> tuple[Any, NDArray[np.bool_]]:
    """Cells without blanks around them, and which are not missing."""
    from pyarrow import compute

    cells = compute.ascii_trim(array, " \t")
    return cells, ~_is_in(cells, _MISSING) & np.asarray(array.is_valid())


def _numbers_among(cells: Any, present: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of the cells that are present are numbers; :func:`is_number` for many at once."""
    import pyarrow
    from pyarrow import compute

    # Where Arrow reads all of them, only few have to be looked at more closely.
    doubtful = present
    try:
        values = _nulled(cells, present).cast(pyarrow.float64())
    except pyarrow.ArrowInvalid:
        pass
    else:
        first = [_bits(compute.starts_with(cells, start)) for start in ("0", "-0", "+")]
        doubtful = present & (np.logical_or.reduce(first) | ~_bits(compute.is_finite(values)))
    fine = _among(cells, doubtful, lambda some: _matches(some, _FLOAT) | _matches(some, _SPECIAL))
    return (present & ~doubtful) | fine


def _nulled(cells: Any, present: NDArray[np.bool_]) -> Any:
    """The cells with nulls for those that are missing."""
    import pyarrow
    from pyarrow import compute

    if present.all():
        return cells
    return compute.if_else(_mask(present), cells, pyarrow.scalar(None, cells.type))


def _among(
    cells: Any, chosen: NDArray[np.bool_], test: Callable[[Any], NDArray[np.bool_]]
) -> NDArray[np.bool_]:
    """Which of the chosen cells pass a test that only they are put to."""
    passed = np.zeros(len(cells), bool)
    if chosen.any():
        passed[chosen] = test(cells if chosen.all() else cells.filter(_mask(chosen)))
    return passed


def _contains(cells: Any, text: str) -> NDArray[np.bool_]:
    from pyarrow import compute

    return _bits(compute.match_substring(cells, text))


def _is_in(cells: Any, values: tuple[str, ...]) -> NDArray[np.bool_]:
    import pyarrow
    from pyarrow import compute

    return np.asarray(compute.is_in(cells, pyarrow.array(values, cells.type)))


def _matches(cells: Any, pattern: str) -> NDArray[np.bool_]:
    from pyarrow import compute

    return _bits(compute.match_substring_regex(cells, pattern))


def _bits(array: Any) -> NDArray[np.bool_]:
    """Truth values without nulls."""
    return np.asarray(array.fill_null(False))  # noqa: FBT003


def _mask(bits: NDArray[np.bool_]) -> Any:
    import pyarrow

    return pyarrow.array(bits)


def _refuse(cells: Any, wrong: NDArray[np.bool_], reason: str) -> None:
    if wrong.any():
        row = int(np.argmax(wrong))
        raise BadCellError(row, f"{_short(cells[row].as_py())} {reason}")


def _first_that_fails(cells: Any, kind: Any) -> BadCellError:
    import pyarrow

    for row in range(len(cells)):
        try:
            cells.slice(row, 1).cast(kind)
        except pyarrow.ArrowInvalid:
            return BadCellError(row, f"{_short(cells[row].as_py())} is no {kind}")
    raise AssertionError("no cell fails alone")


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")

"""What a table's columns are: names, types, cells.

In: columns as a source finds them, or the JSON that a file keeps. Out: a checked :class:`Table`, which knows
the dtype of one row (the *record*) and what the core has to be told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .types import cell_dtype, is_text

__all__ = ["VALID", "Column", "Table"]

VALID = "?valid"
"""Behind the name of a column with nulls: the name of the cell that says whether there is a value."""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: any text but none.
        type: what Arrow calls it, as in ``"double"``, ``"string"`` or ``"timestamp[us, tz=UTC]"``.
        dtype: of the cell. Text has an unsigned number, the index into ``strings``; dates and times have
            their integers; decimals the integer without the point.
        nullable: whether a bool cell follows that says whether there is a value.
        strings: the strings of a text column, as :mod:`dreamlearning.tables.strings` writes them; ``None``
            for other columns, and where they have not been read.
    """

    name: str
    type: str
    dtype: np.dtype[Any]
    nullable: bool = False
    strings: bytes | None = None

    @property
    def is_text(self) -> bool:
        """Whether its cells are indices into ``strings``."""
        return is_text(self.type)


@dataclass(frozen=True)
class Table:
    """The columns of a table and the one to be predicted.

    Args:
        columns: at least one, with names that differ.
        target: name of the column to be predicted.

    Raises:
        ValueError: names that are empty or not unique, a cell that does not fit its type, or an unknown
            target; the message names the column.

    Example:
        >>> age, name = Column("age", "int8", np.dtype("i1"), True), Column("name", "string", np.dtype("u2"))
        >>> table = Table([age, name], target="age")
        >>> table.dtype.names, table.dtype.itemsize
        (('age', 'age?valid', 'name'), 4)
    """

    columns: Sequence[Column]
    target: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(self.columns))
        if not self.columns:
            raise ValueError("there are no columns")
        seen: set[str] = set()
        for number, column in enumerate(self.columns):
            if not column.name:
                raise ValueError(f"column {number} has no name; give it one")
            try:
                column.name.encode()
            except UnicodeEncodeError:
                raise ValueError(f"column {column.name!r}: its name is no valid text; rename it") from None
            for name in [column.name, *([column.name + VALID] if column.nullable else [])]:
                if name in seen:
                    raise ValueError(f"two columns are called {name!r}; rename one of them")
                seen.add(name)
            expected = cell_dtype(column.type)
            fits = column.dtype.kind == "u" if expected is None else column.dtype == expected
            if not fits:
                raise ValueError(
                    f"column {column.name!r} of type {column.type} has cells of dtype {column.dtype}"
                )
        if self.target is not None:
            self[self.target]

    def __getitem__(self, name: str) -> Column:
        """The column called ``name``.

        Raises:
            ValueError: there is none; the message lists those there are.
        """
        if name not in self._by_name:
            raise ValueError(f"there is no column {name!r}; columns: {', '.join(self.names)}")
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return [column.name for column in self.columns]

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """Of one row: the cells one after another, little-endian, no padding."""
        fields: list[tuple[str, np.dtype[Any]]] = []
        for column in self.columns:
            fields.append((column.name, column.dtype.newbyteorder("<")))
            if column.nullable:
                fields.append((column.name + VALID, np.dtype("bool")))
        return np.dtype(fields)

    @property
    def cells(self) -> list[str]:
        """The dtypes of the cells, in order, as the core names them."""
        assert self.dtype.names is not None
        return [self.dtype[name].name for name in self.dtype.names]

    def cell(self, name: str) -> int:
        """The number of a column's cell."""
        return self._cell_numbers[name]

    @cached_property
    def _cell_numbers(self) -> dict[str, int]:
        assert self.dtype.names is not None
        return {name: number for number, name in enumerate(self.dtype.names)}

    @property
    def strings(self) -> list[tuple[int, bytes]]:
        """For every text column the number of its cell and its strings."""
        return [(self.cell(c.name), c.strings) for c in self.columns if c.strings is not None]

    def to_json(self) -> dict[str, Any]:
        """What a file keeps: names, types and the target. The dtypes of the cells stand elsewhere in it."""
        return {
            "columns": [{"name": c.name, "type": c.type, "nullable": c.nullable} for c in self.columns],
            "target": self.target,
        }

    @classmethod
    def from_json(cls, kept: Any, cells: Sequence[str]) -> "Table":
        """The table that :meth:`to_json` described, whose cells have the dtypes ``cells``.

        Raises:
            ValueError: it describes no table, or another one than the cells say.
        """
        columns = []
        rest = iter(cells)
        listed = kept.get("columns") if isinstance(kept, dict) else None
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise ValueError("the description of the table has no list of columns")
        for one in listed:
            name, kind, nullable = one.get("name"), one.get("type"), one.get("nullable")
            if not isinstance(name, str) or not isinstance(kind, str) or not isinstance(nullable, bool):
                raise ValueError(f"the description of the table has a column that is {one!r}"[:300])
            cell, valid = next(rest, None), next(rest, None) if nullable else "bool"
            if cell is None or valid != "bool":
                raise ValueError(f"column {name!r} is described, but has no cells of its type")
            columns.append(Column(name, kind, np.dtype(cell), nullable))
        if next(rest, None) is not None:
            raise ValueError("there are cells that no column is described for")
        target = kept.get("target")
        if target is not None and not isinstance(target, str):
            raise ValueError("the name of the target is no text")
        return cls(columns, target)

"""What a picture of a table shows of its rows: the columns of numbers, and the target.

In: an open file. Out: :class:`Numbers`, finite float64 columns of all rows or, of large tables, of some.
"""

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..exporters.base import runs
from ..file import CompressedFile
from ..tables import Table
from ..tables.features import Features
from .style import name_text

__all__ = ["MOST_COLUMNS", "MOST_ROWS", "Numbers", "numbers_of"]

MOST_ROWS = 100_000
MOST_COLUMNS = 256
_MOST_BYTES = 1 << 28
_CLASSES = 100  # an integer target of more values is a number, of fewer a class, as for condensed samples
_LARGE = 1e150  # squares of larger values are no float64


@dataclass(frozen=True, eq=False)
class Numbers:
    """Columns of numbers, with the target.

    Attributes:
        X: float64 (k, d), finite.
        names: d names.
        y: (k,), float64 where the task is ``"number"``, otherwise the number of each row's class; ``None``
            without a target.
        target: its name.
        task: what learning would predict.
        classes: names of the classes, where the target has some.
        of: rows in the file, of which k were drawn.
        left_out: why columns are missing, a few words for each reason.
        units: of columns whose numbers say nothing without.
    """

    X: NDArray[np.float64]
    names: list[str]
    y: NDArray[Any] | None
    target: str | None
    task: Literal["number", "classes"] | None
    classes: list[str]
    of: int
    left_out: list[str]
    units: dict[str, str]

    @property
    def rows_text(self) -> str:
        """How many rows these are.

        Example:
            >>> Numbers(np.zeros((3, 0)), [], None, None, None, [], 9, [], {}).rows_text
            '3 of 9 rows'
        """
        of = "" if len(self.X) == self.of else f" of {self.of:,}"
        return f"{len(self.X):,}{of} row{'' if self.of == 1 else 's'}"


def numbers_of(file: CompressedFile, seed: int) -> Numbers:
    """The columns of numbers in ``file``: of at most 100,000 rows, and the first 256 columns."""
    left_out = []
    target: str | None
    usable: NDArray[np.bool_]
    rows = max(1, min(MOST_ROWS, _MOST_BYTES // max(1, file.sample_bytes)))
    chosen = np.arange(len(file))
    if len(file) > rows:
        chosen = np.sort(np.random.default_rng(seed).choice(len(file), rows, replace=False))

    if file.table is None:
        features, names, target = None, [f"x{number}" for number in range(file.shape[0])], "label"
        labels = file.labels
        y = None if labels is None or labels.ndim != 1 else np.asarray(labels[chosen])
        classes = file.classes
    else:
        names, target, classes = Features(file.table).names, file.target, file.classes
        features, y = Features(file.table, names[:MOST_COLUMNS]), None
    if len(names) > MOST_COLUMNS:
        left_out.append(f"only the first {MOST_COLUMNS} of {len(names):,} columns of numbers")
        names = names[:MOST_COLUMNS]

    X, targets, start = np.empty((len(chosen), len(names))), [], 0
    for run, samples in runs(file, chosen):
        part = X[start : start + len(run)]
        if features is None:
            part[:] = samples[:, : len(names)]
        else:
            features.matrix(samples, part)
            targets.append(features.target(samples))
        start += len(run)
    if features is not None and target is not None and targets:
        y = np.concatenate([one for one in targets if one is not None])

    with np.errstate(invalid="ignore"):
        usable = np.asarray((np.abs(X) < _LARGE).all(axis=0))
    missing = [name_text(name, 16) for name, fine in zip(names, usable, strict=True) if not fine]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        left_out.append(f"without {', '.join(missing[:3])}{more} (missing, infinite or huge values)")
    names = [name for name, fine in zip(names, usable, strict=True) if fine]
    y, task, of_target = _as_task(y, classes)
    return Numbers(
        np.ascontiguousarray(X[:, usable]),
        names,
        y,
        None if y is None else target,
        task,
        of_target,
        len(file),
        left_out,
        {} if file.table is None else _units(file.table),
    )


def _units(table: Table) -> dict[str, str]:
    """Dates and times are numbers since 1970."""
    units = {}
    for column in table.columns:
        match = re.match(r"(?:date32|date64|timestamp)\[(\w+)", column.type)
        if match:
            units[column.name] = f"{'days' if match[1] == 'day' else match[1]} since 1970"
    return units


def _as_task(
    y: NDArray[Any] | None, classes: list[str] | None
) -> tuple[NDArray[Any] | None, Literal["number", "classes"] | None, list[str]]:
    """The target as numbers or as numbers of classes; nothing of one that learning cannot take."""
    if y is None or y.dtype.kind not in "biuf" or not np.isfinite(y).all():
        return None, None, []
    values, ids = np.unique(y, return_inverse=True)
    named = classes is not None and y.dtype.kind in "iu"
    if named or y.dtype.kind == "b" or len(values) == 2 or (y.dtype.kind in "iu" and len(values) <= _CLASSES):
        known = classes if named and values.max(initial=0) < len(classes or []) else None
        return (
            ids,
            "classes",
            [known[int(v)] if known else f"{v:g}" if v.dtype.kind == "f" else str(v) for v in values],
        )
    y = y.astype(np.float64)
    return (y, "number", []) if (np.abs(y) < _LARGE).all() else (None, None, [])

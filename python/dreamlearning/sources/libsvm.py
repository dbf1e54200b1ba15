"""``libsvm:FILE``: text of the form ``label index:value index:value``, as LIBSVM and SVMlight write it.

In: a path, read through scikit-learn a few megabytes at a time. Out: a dense float64 table of shape (n, d) in
the spool, its labels beside it: integers where all are whole numbers; numbers of queries (``qid:``) as well.
"""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError, missing_extra
from .base import LABEL_FIELD, MAX_SAMPLE_BYTES, OnRead, Source, smallest_ints
from .query import parse_query
from .spool import Spool

__all__ = ["from_text"]

_RUN_BYTES = 1 << 22
_FORM = "libsvm:FILE?n_features=D"
_QUERY_FIELD = "qid"


def from_text(text: str, folder: str | os.PathLike[str] | None, on_read: OnRead | None = None) -> Source:
    """The rows of ``FILE`` or ``FILE?n_features=D``; features that a row does not name are 0.

    Indices count from 1, or from 0 where index 0 occurs. ``n_features`` is the number of columns where the
    last ones never occur.

    Raises:
        SourceError: a line of another form, an index beyond ``n_features``, or a label that is NaN; the
            message names the line.
        ImportError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_svmlight_file  # noqa: F401
    except ImportError as error:
        raise missing_extra("scikit-learn", "tabular") from error

    path, query = (text, "") if Path(text).is_file() else text.partition("?")[::2]
    name = f"libsvm:{path}"
    options = parse_query(query, name, _FORM, ("n_features",))
    if not Path(path).is_file():
        raise SourceError(f"{name}: there is no such file")
    first, last, count = 1, -1, 0
    labels, queries = [np.empty(0)], [np.empty(0, np.int64)]
    for rows, columns, _, targets, of_queries in _runs(path, name):
        if len(columns):
            first, last = min(first, int(columns.min())), max(last, int(columns.max()))
        wrong = np.flatnonzero(np.isnan(targets))
        if wrong.size:
            line = _line_of(path, count + int(wrong[0]))
            raise SourceError(f"{name}, line {line}: the label is NaN; leave such lines out")
        labels.append(targets)
        queries.append(of_queries)
        count += len(rows) - 1
    features = _num_features(options, last + 1 - first, name)

    spool = Spool(folder, name)
    spool.append(np.empty((0, features)))
    done = 0
    step = max(1, _RUN_BYTES // max(1, features * 8))
    for rows, columns, values, _, _ in _runs(path, name):
        if len(columns) and not first <= columns.min() <= columns.max() < first + features:
            raise SourceError(f"{name}: has changed while it was read")
        for start in range(0, len(rows) - 1, step):
            ends = rows[start : start + step + 1]
            dense = np.zeros((len(ends) - 1, features))
            place = np.repeat(np.arange(len(dense)), np.diff(ends))
            dense[place, columns[ends[0] : ends[-1]] - first] = values[ends[0] : ends[-1]]
            spool.append(dense)
            done += len(dense)
            if on_read:
                on_read(done, count)
    fields = {LABEL_FIELD: _as_labels(np.concatenate(labels))}
    asked = np.concatenate(queries)
    if len(asked) not in (0, count):
        raise SourceError(f"{name}: {len(asked)} of {count} lines have a qid; give all one, or none")
    if len(asked):
        fields[_QUERY_FIELD] = smallest_ints(asked)
    return Source(name, spool.finish(), fields)


def _num_features(options: dict[str, str], needed: int, name: str) -> int:
    most = MAX_SAMPLE_BYTES // 8
    if needed > most:
        raise SourceError(f"{name}: there are features up to number {needed}; {most:,} are the most")
    given = options.get("n_features")
    if given is None:
        if needed < 1:
            raise SourceError(f"{name}: no line names a feature; give their number, {_FORM}")
        return needed
    if not given.isdecimal() or not given.isascii() or not 1 <= int(given) <= most:
        raise SourceError(f"{name}: n_features is {given!r}; give the number of columns, 1 to {most}")
    if int(given) < needed:
        raise SourceError(f"{name}: n_features is {given}, but there are features up to number {needed}")
    return int(given)


def _as_labels(labels: NDArray[np.float64]) -> NDArray[Any]:
    """Whole numbers in the smallest integer dtype; everything else as it is, a negative zero, too."""
    whole = (labels == np.trunc(labels)) & (np.abs(labels) < 2**53) & ~((labels == 0) & np.signbit(labels))
    return smallest_ints(labels.astype(np.int64)) if whole.all() else labels


def _runs(path: str, name: str) -> Iterator[tuple[NDArray[Any], ...]]:
    """The file a few megabytes at a time: where rows begin and end, columns, values, labels, and numbers of
    queries."""
    from sklearn.datasets import load_svmlight_file

    with Path(path).open("rb") as file:
        while lines := file.readlines(_RUN_BYTES):
            try:
                block = io.BytesIO(b"".join(lines))
                matrix, labels, queries = load_svmlight_file(block, zero_based=True, query_id=True)
            except (ValueError, OverflowError) as error:
                raise _refused(path, name, error) from error
            yield matrix.indptr, matrix.indices, matrix.data, labels, queries


def _refused(path: str, name: str, error: Exception) -> SourceError:
    """The error with the line that is to blame."""
    for number, line in _lines(path):
        try:
            label, *pairs = line.split()
            float(label)
            before = -1
            for pair in pairs:
                index, _, value = pair.partition(b":")
                if index == b"qid":
                    continue
                float(value)
                if int(index) <= before:
                    raise ValueError(f"feature {int(index)} after {before}; they must go up")
                before = int(index)
        except ValueError as reason:
            return SourceError(f"{name}, line {number}: {reason}; lines have the form 'label index:value'")
    return SourceError(f"{name}: {error}")


def _line_of(path: str, row: int) -> int:
    """The line of a row, as an editor counts."""
    return next((number for at, (number, _) in enumerate(_lines(path)) if at == row), 0)


def _lines(path: str) -> Iterator[tuple[int, bytes]]:
    """The lines that have rows, without comments, and their numbers."""
    with Path(path).open("rb") as file:
        for number, line in enumerate(file, 1):
            content = line.partition(b"#")[0].strip()
            if content:
                yield number, content

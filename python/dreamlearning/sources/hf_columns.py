"""Which column of a Hugging Face data set is what, and its numbers.

In: the features of ``datasets``, and Arrow columns. Out: the names of the columns of samples and of
labels, and NumPy arrays of the columns' own dtypes. What cannot become a field is remembered with the reason.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError
from .arrays import LABEL_NAMES, SAMPLE_NAMES
from .base import LABEL_FIELD

__all__ = ["Fields", "NoNumbersError", "choose_label", "choose_sample", "kind_of", "numbers"]

_NUMBERS = ("class", "integer", "number", "array")


def kind_of(feature: Any) -> str:
    """What a feature holds: ``"image"``, ``"class"``, ``"integer"``, ``"number"``, ``"array"``, ``"text"`` or
    ``"other"``."""
    import datasets
    import pyarrow

    if isinstance(feature, datasets.Image):
        return "image"
    if isinstance(feature, datasets.ClassLabel):
        return "class"
    if isinstance(feature, (datasets.Array2D, datasets.Array3D, datasets.Array4D, datasets.Array5D)):
        return "array"
    if isinstance(feature, (datasets.List, datasets.LargeList)):
        return "array" if kind_of(feature.feature) in _NUMBERS else "other"
    if isinstance(feature, datasets.Value):
        types, arrow = pyarrow.types, feature.pa_type
        if types.is_integer(arrow):
            return "integer"
        if types.is_floating(arrow) or types.is_boolean(arrow):
            return "number"
        if types.is_string(arrow) or types.is_large_string(arrow):
            return "text"
    return "other"


def choose_sample(kinds: Mapping[str, str], wanted: str | None, name: str) -> str:
    """The column of samples: ``wanted``, or the only image, or what is called like samples, or the only
    array.

    Raises:
        SourceError: there is no such column, none that will do, or several.
    """
    if wanted is not None:
        _check_column(kinds, wanted, "image", name)
        if kinds[wanted] not in ("image", *_NUMBERS):
            raise SourceError(f"{name}: column {wanted!r} holds {kinds[wanted]}, neither images nor numbers")
        return wanted
    found = [column for column, kind in kinds.items() if kind == "image"]
    if not found:
        found = [c for c, kind in kinds.items() if kind in _NUMBERS and c in SAMPLE_NAMES]
    if len(found) != 1 and "image" not in kinds.values():
        arrays = [column for column, kind in kinds.items() if kind == "array"]
        found = [column for column in arrays if column not in LABEL_NAMES] or arrays
    if len(found) == 1:
        return found[0]
    what = f"columns {', '.join(found)} may each be the samples" if found else "no column of images or arrays"
    raise SourceError(f"{name}: {what}; give image= with one of {', '.join(kinds) or 'its columns'}")


def choose_label(kinds: Mapping[str, str], wanted: str | None, sample: str, name: str) -> str | None:
    """The column of labels: ``wanted`` (``""`` is none), or the only class label, or what is called like a
    label, or the only integer.

    Raises:
        SourceError: there is no such column, several may be it, or it holds no numbers.
    """
    if wanted == "":
        return None
    if wanted is None:
        wanted = _find_label({column: kind for column, kind in kinds.items() if column != sample}, name)
        if wanted is None:
            return None
    _check_column(kinds, wanted, "label", name)
    if wanted == sample:
        raise SourceError(f"{name}: column {wanted!r} holds the samples; give another one as label")
    if kinds[wanted] not in _NUMBERS:
        advice = f'class_encode_column("{wanted}") makes numbers of text' if kinds[wanted] == "text" else ""
        raise SourceError(
            f"{name}: column {wanted!r} holds {kinds[wanted]}, and labels must be numbers; "
            + (f"{advice}, or " if advice else "")
            + 'give another column, or label="" for none'
        )
    return wanted


def _find_label(kinds: Mapping[str, str], name: str) -> str | None:
    found = [column for column, kind in kinds.items() if kind == "class"]
    if not found:
        found = [column for column in LABEL_NAMES if column in kinds][:1]
    if not found:
        found = [column for column, kind in kinds.items() if kind == "integer"]
    if len(found) > 1:
        raise SourceError(
            f"{name}: columns {', '.join(found)} may each be the label; give label= with one, or "
            'label="" for none'
        )
    return found[0] if found else None


def _check_column(kinds: Mapping[str, str], column: str, argument: str, name: str) -> None:
    if column not in kinds:
        raise SourceError(
            f"{name}: there is no column {column!r}; give {argument}= with one of {', '.join(kinds)}"
        )


class NoNumbersError(ValueError):
    """A column that no array holds; the message is the reason."""


def numbers(column: Any) -> NDArray[Any]:
    """The values of an Arrow array of numbers, or of lists of them of one length: shape (n, ...).

    Raises:
        NoNumbersError: a value is missing, or lists differ in length.
    """
    import pyarrow

    if isinstance(column, pyarrow.ChunkedArray):
        parts = [numbers(chunk) for chunk in column.chunks]
        if len({part.shape[1:] for part in parts}) > 1:
            raise NoNumbersError("lists of different lengths")
        return parts[0] if len(parts) == 1 else np.concatenate(parts)
    array = column.storage if isinstance(column, pyarrow.ExtensionArray) else column
    if array.null_count:
        raise NoNumbersError("a value is missing")
    types = pyarrow.types
    if types.is_list(array.type) or types.is_large_list(array.type) or types.is_fixed_size_list(array.type):
        inner = numbers(array.flatten())
        lengths = np.unique(array.value_lengths().to_numpy(zero_copy_only=False))
        if len(lengths) > 1:
            raise NoNumbersError("lists of different lengths")
        return inner.reshape(len(array), int(lengths[0]) if len(lengths) else 0, *inner.shape[1:])
    return array.to_numpy(zero_copy_only=False)


class Fields:
    """Collects the columns that become fields, as long as they can.

    Args:
        kinds: column -> :func:`kind_of`, without the samples' column.
        label: the column that must become the field ``"label"``, if any.
        name: the source, for messages.
    """

    def __init__(self, kinds: Mapping[str, str], label: str | None, name: str) -> None:
        self._parts: dict[str, list[NDArray[Any]]] = {c: [] for c, kind in kinds.items() if kind in _NUMBERS}
        self._label, self._name = label, name
        self.left_out = {c: kind for c, kind in kinds.items() if kind not in _NUMBERS}
        if label != LABEL_FIELD and label is not None and self._parts.pop(LABEL_FIELD, None) is not None:
            self.left_out[LABEL_FIELD] = f"the label is {label}"

    def append(self, table: Any, first: int) -> None:
        """Add the rows of an Arrow table, of which the first is sample number ``first``.

        Raises:
            SourceError: a label is missing; the message names the sample.
        """
        for column, parts in list(self._parts.items()):
            if column not in table.column_names:
                raise SourceError(f"{self._name}, sample {first}: has no column {column!r}")
            try:
                array = numbers(table.column(column))
                if parts and array.shape[1:] != parts[0].shape[1:]:
                    raise NoNumbersError("lists of different lengths")
            except NoNumbersError as error:
                if column == self._label:
                    row = first + first_bad_row(table.column(column))
                    raise SourceError(
                        f"{self._name}, sample {row}: its label, column {column!r}: {error}; give another "
                        'column, or label="" for none'
                    ) from error
                self.left_out[column] = str(error)
                del self._parts[column]
            else:
                parts.append(array)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The fields, the label first."""
        arrays = {column: np.concatenate(parts) for column, parts in self._parts.items() if parts}
        label = {} if self._label is None else {LABEL_FIELD: arrays.pop(self._label)}
        return {**label, **arrays}


def first_bad_row(column: Any) -> int:
    """The first row of an Arrow column that is missing, or a list of another length than the first one's."""
    shape = None
    for row in range(len(column)):
        try:
            own = numbers(column.slice(row, 1)).shape
        except NoNumbersError:
            return row
        if shape not in (None, own):
            return row
        shape = own
    return 0

"""Values in JSON, one object for each sample, as fields.

In: dictionaries of JSON values. Out: arrays for the keys whose value is a number, or a list of numbers of one
shape, in every sample, and for the others the reason why not.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError
from .base import smallest_ints

__all__ = ["JsonFields"]

_DEEPEST = 8


class JsonFields:
    """Collects values key by key, as long as they can become fields.

    Example:
        >>> fields = JsonFields()
        >>> fields.append({"width": 640, "caption": "a dog"})
        >>> fields.append({"width": 480, "caption": "a cat"})
        >>> fields.arrays()
        ({'width': array([640, 480], dtype=uint16)}, {'caption': 'text'})
    """

    def __init__(self) -> None:
        self._values: dict[str, list[Any]] = {}
        self._left_out: dict[str, str] = {}
        self._count = 0

    def append(self, values: Mapping[str, Any]) -> None:
        """Add one sample's values."""
        for key, value in values.items():
            if key in self._left_out:
                continue
            reason = _reason_against(value)
            if not reason and (not key or "\0" in key or not key.isprintable()):
                reason = "no name for a field"
            column = self._values.setdefault(key, [])
            if not reason and len(column) != self._count:
                reason = "some samples have no value"
            if reason:
                self._left_out[key] = reason
                del self._values[key]
            else:
                column.append(value)
        self._count += 1

    def arrays(self) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
        """The fields, and for each key that is none the reason."""
        fields, left_out = {}, dict(self._left_out)
        for key, column in self._values.items():
            try:
                if len(column) != self._count:
                    raise ValueError("some samples have no value")
                fields[key] = _as_field(column)
            except (ValueError, OverflowError, SourceError) as error:
                left_out[key] = str(error)
        return fields, left_out


def _reason_against(value: Any, depth: int = 0) -> str:
    if isinstance(value, (bool, int, float)):
        return ""
    if isinstance(value, list):
        if depth == _DEEPEST:
            return "lists in lists"
        return next((reason for one in value if (reason := _reason_against(one, depth + 1))), "")
    return {str: "text", type(None): "a value is missing"}.get(type(value), f"a {type(value).__name__}")


def _as_field(column: list[Any]) -> NDArray[Any]:
    """Integers in the smallest dtype, booleans as such, everything else as float64.

    Raises:
        ValueError, OverflowError: shapes differ, or a value does not fit.
    """
    array = np.array(column, dtype=object)
    values = array.ravel().tolist()
    types = set(map(type, values))
    if list in types:
        raise ValueError("lists of different lengths")
    if types == {bool}:
        return array.astype(bool)
    if types == {int}:
        return smallest_ints(array.astype(np.uint64 if min(values) >= 0 else np.int64))
    if any(type(value) is int and int(float(value)) != value for value in values):
        raise ValueError("integers that float64 does not hold")
    return array.astype(np.float64)

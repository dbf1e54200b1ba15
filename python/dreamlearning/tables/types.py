"""The types of columns, by the names that Arrow gives them.

In: a type's name, as a file keeps it. Out: the dtype of its cells, what NumPy calls its values, and Arrow's
own type object. Only the last needs pyarrow, so that a file is read without it.
"""

import re
from typing import Any

import numpy as np

__all__ = ["arrow_type", "cell_dtype", "counts", "decimal_scale", "is_text", "numpy_type", "with_room"]

_PLAIN = {
    "null": "bool",
    "bool": "bool",
    **{name: name for name in ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")},
    "halffloat": "float16",
    "float": "float32",
    "double": "float64",
    "date32[day]": "int32",
    "date64[ms]": "int64",
    "time32[s]": "int32",
    "time32[ms]": "int32",
    "time64[us]": "int64",
    "time64[ns]": "int64",
    **{f"duration[{unit}]": "int64" for unit in ("s", "ms", "us", "ns")},
}
_STRINGS = ("string", "large_string", "string_view")
_TIMESTAMP = re.compile(r"timestamp\[(s|ms|us|ns)(?:, tz=(.+))?\]")
_DECIMAL = re.compile(r"decimal(32|64|128|256)\(([0-9]{1,2}), (-?[0-9]{1,2})\)")
_DICTIONARY = re.compile(r"dictionary<values=([a-z0-9_]+), indices=(u?int(?:8|16|32|64)), ordered=([01])>")
_COUNTED = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", *_STRINGS)


def is_text(name: str) -> bool:
    """Whether its cells are indices into strings: text, and categories of text or integers."""
    category = _DICTIONARY.fullmatch(name)
    return name in _STRINGS or (category is not None and category[1] in _COUNTED)


def counts(name: str) -> bool:
    """Whether its strings are integers: categories that are numbers.

    Example:
        >>> counts("dictionary<values=int64, indices=int8, ordered=0>"), counts("string")
        (True, False)
    """
    category = _DICTIONARY.fullmatch(name)
    return category is not None and category[1] not in _STRINGS


def with_room(name: str, count: int) -> str:
    """The same type where its indices number ``count`` categories, otherwise one with wider indices: batches
    with categories of their own may have more of them together.

    Example:
        >>> with_room("dictionary<values=string, indices=int8, ordered=0>", 129)
        'dictionary<values=string, indices=int16, ordered=0>'
    """
    category = _DICTIONARY.fullmatch(name)
    if category is None or count - 1 <= np.iinfo(category[2]).max:
        return name
    kinds = [category[2].rstrip("0123456789") + str(bits) for bits in (16, 32, 64)]
    wider = next(kind for kind in kinds if count - 1 <= np.iinfo(kind).max)
    return name.replace(f"indices={category[2]}", f"indices={wider}")


def cell_dtype(name: str) -> np.dtype[Any] | None:
    """The dtype of its cells; ``None`` where that depends on how many strings there are.

    Raises:
        ValueError: no type that a cell of fixed size holds.

    Example:
        >>> cell_dtype("timestamp[us, tz=Europe/Berlin]"), cell_dtype("string")
        (dtype('int64'), None)
    """
    if is_text(name):
        return None
    if _TIMESTAMP.fullmatch(name) or _DECIMAL.fullmatch(name):
        return np.dtype("int64")
    if name not in _PLAIN:
        raise ValueError(f"type {name[:100]} has no cells of a fixed size")
    return np.dtype(_PLAIN[name])


def numpy_type(name: str) -> str | None:
    """The dtype by which NumPy knows dates, times and durations, whose cells hold the same integers.

    Example:
        >>> numpy_type("date32[day]"), numpy_type("time64[us]"), numpy_type("double")
        ('datetime64[D]', 'timedelta64[us]', None)
    """
    if match := _TIMESTAMP.fullmatch(name):
        return f"datetime64[{match[1]}]"
    if match := re.fullmatch(r"(?:time32|time64|duration)\[(.+)\]", name):
        return f"timedelta64[{match[1]}]"
    return {"date32[day]": "datetime64[D]", "date64[ms]": "datetime64[ms]"}.get(name)


def decimal_scale(name: str) -> int | None:
    """Digits behind the point of a decimal type; ``None`` of others.

    Example:
        >>> decimal_scale("decimal128(10, 2)"), decimal_scale("double")
        (2, None)
    """
    match = _DECIMAL.fullmatch(name)
    return None if match is None else int(match[3])


def arrow_type(name: str) -> Any:
    """Arrow's type of that name.

    Raises:
        ValueError: it has none.
    """
    import pyarrow

    if match := _TIMESTAMP.fullmatch(name):
        return pyarrow.timestamp(match[1], match[2])
    if match := _DECIMAL.fullmatch(name):
        make = getattr(pyarrow, f"decimal{match[1]}", None)
        if make is None:
            raise ValueError(f"{name} needs a newer pyarrow")
        return make(int(match[2]), int(match[3]))
    if match := _DICTIONARY.fullmatch(name):
        return pyarrow.dictionary(arrow_type(match[2]), arrow_type(match[1]), ordered=match[3] == "1")
    if name not in _PLAIN and name not in _STRINGS:
        raise ValueError(f"type {name[:100]} has no cells of a fixed size")
    return getattr(pyarrow, name)() if name == "string_view" else pyarrow.type_for_alias(name)

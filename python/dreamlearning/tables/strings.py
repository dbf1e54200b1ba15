"""The strings of a text column as the bytes that a file keeps.

In: strings, or those bytes. Out: bytes (how many strings, where each ends, then all of them in UTF-8), or the
strings, checked before a single one is made.
"""

import itertools
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

__all__ = ["decode_strings", "encode_strings", "string_ends"]

_MAX_BYTES = 2**31 - 1


def encode_strings(values: Iterable[bytes]) -> bytes:
    """Strings in UTF-8 as a file keeps them: count, ends (uint32, little-endian) and bytes.

    Raises:
        ValueError: together they are longer than 2 GiB.

    Example:
        >>> encode_strings([b"a", b"bc"]).hex(" ", -4)
        '02000000 01000000 03000000 616263'
    """
    listed = list(values)
    ends = np.cumsum([len(value) for value in listed], dtype=np.int64)
    if len(listed) and ends[-1] > _MAX_BYTES:
        raise ValueError(f"its {len(listed):,} distinct strings take {ends[-1]:,} bytes; 2 GiB is the most")
    return b"".join([len(listed).to_bytes(4, "little"), ends.astype("<u4").tobytes(), *listed])


def string_ends(encoded: bytes) -> tuple[NDArray[np.uint32], bytes]:
    """Where each string ends, shape (count,), and the bytes of all.

    Raises:
        ValueError: the bytes contradict themselves, or are no UTF-8.
    """
    count = int.from_bytes(encoded[:4], "little")
    start = 4 + 4 * count
    if len(encoded) < max(4, start):
        raise ValueError(f"the strings are cut short: {len(encoded)} bytes for {count} strings")
    ends = np.frombuffer(encoded, "<u4", count, 4)
    text = encoded[start:]
    if (np.diff(ends.astype(np.int64), prepend=0) < 0).any() or len(text) != (int(ends[-1]) if count else 0):
        raise ValueError("the ends of the strings contradict each other")
    if len(text) > _MAX_BYTES:
        raise ValueError(f"the strings take {len(text):,} bytes; 2 GiB is the most")
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"the strings are no UTF-8: {error.reason} at byte {error.start}") from error
    # A string that ends within a character is none.
    inner = ends[ends < len(text)]
    if ((np.frombuffer(text, np.uint8)[inner] & 0xC0) == 0x80).any():
        raise ValueError("a string ends within a character")
    return ends, text


def decode_strings(encoded: bytes) -> list[str]:
    """The strings.

    Raises:
        ValueError: as :func:`string_ends`.

    Example:
        >>> decode_strings(encode_strings([b"a", "Größe".encode(), b""]))
        ['a', 'Größe', '']
    """
    ends, text = string_ends(encoded)
    starts = [0, *ends.tolist()]
    return [text[a:b].decode() for a, b in itertools.pairwise(starts)]

"""A keyed permutation of ``range(n)`` that needs no memory.

In: positions, ``n`` and a 64-bit key. Out: where each position goes. Integers only, so the order is the same
on every machine and with every NumPy. The permutation itself is in the core (``src/permutation.rs``).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core

__all__ = ["GOLDEN", "MASK", "derive_key", "keyed_hash", "mix", "permute"]

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15
"""2**64 / golden ratio: multiples of it, modulo 2**64, spread as evenly as any sequence can."""


def mix(value: int) -> int:
    """The finaliser of splitmix64 on a Python integer."""
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def _mix_array(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The same on an array (multiplication wraps)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def derive_key(*parts: int) -> int:
    """One 64-bit key from several integers (of any size and sign; the order matters).

    Example:
        >>> derive_key(0, 1) != derive_key(1, 0)
        True
    """
    key = len(parts)
    for part in parts:
        key = mix((key * 31 + GOLDEN + part) & MASK)
    return key


def keyed_hash(values: ArrayLike, key: int) -> NDArray[np.uint64]:
    """A 64-bit hash of every integer in ``values`` under ``key``; shape (k,), one-to-one for a given key."""
    array = np.atleast_1d(np.asarray(values)).astype(np.uint64)
    return _mix_array(_mix_array(array + np.uint64(GOLDEN)) ^ np.uint64(mix(key & MASK)))


def permute(positions: ArrayLike, n: int, key: int) -> NDArray[np.int64]:
    """Where the keyed permutation of ``range(n)`` sends each of ``positions``.

    Args:
        positions: integers in ``range(n)``, shape (k,).
        n: size of the permuted range.
        key: any integer; its low 64 bits choose the permutation.

    Returns:
        int64 array of shape (k,).

    Raises:
        IndexError: a position is outside ``range(n)``.

    Example:
        >>> sorted(permute(range(5), 5, key=7).tolist())
        [0, 1, 2, 3, 4]
    """
    where = np.atleast_1d(np.asarray(positions, dtype=np.int64))
    if where.size and (where.min() < 0 or where.max() >= n):
        raise IndexError(
            f"positions {where.min()}..{where.max()} are not all in range({n}), the range that is permuted"
        )
    return _core.permute(np.ascontiguousarray(where), n, key & MASK)

"""Drawing by weight: systematic sampling in integers.

In: one weight per sample, and how many draws. Out: how often each sample is drawn. ``count`` equally spaced
points lie on the weights laid end to end, so a sample of weight w is drawn floor or ceil of
``count * w / sum`` times: never twice where its share is below one. Weights become integers of about 52 bits
in all, and every step after that is exact, so draws are the same on every machine.
"""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arguments import class_ids

__all__ = ["as_weights", "fingerprint", "systematic"]

_BITS = 52
# Digits of the long division in `systematic`: a remainder below 2**53 and a digit fit into 63 bits.
_DIGIT_BITS = 9


def as_weights(weights: Any, dataset: Any, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    """Integer weights in proportion to ``weights``, and the classes where they are balanced.

    Args:
        weights: (size,) non-negative finite numbers, or ``"balanced"``: the inverse of the class's frequency.
        dataset: where the labels are, for ``"balanced"``.
        size: number of samples.

    Returns:
        int64 of shape (size,), whose sum is below 2**53; the class of every sample, int64 of shape (size,),
        or ``None``. A weight below about 2**-53 of the sum counts as none.

    Raises:
        ValueError: weights of another shape, NaN, infinite or negative ones, or all zero.
        TypeError: weights that are no numbers.
    """
    if isinstance(weights, str):
        if weights != "balanced":
            raise ValueError(f"weights is {weights!r}; give one number per sample, or 'balanced'")
        classes = class_ids(dataset, size, "weights='balanced'")
        return _to_integers(1 / np.bincount(classes)[classes]), classes
    if hasattr(weights, "detach") and hasattr(weights, "cpu"):
        weights = weights.detach().cpu().numpy()
    array = np.asarray(weights)
    if array.dtype.kind not in "iufb":
        raise TypeError(f"weights have dtype {array.dtype}; give one number per sample, or 'balanced'")
    if array.shape != (size,):
        raise ValueError(f"weights have shape {array.shape}; give one number for each of {size} samples")
    array = array.astype(np.float64)
    wrong = np.flatnonzero(~(np.isfinite(array) & (array >= 0)))
    if wrong.size:
        raise ValueError(f"weights[{wrong[0]}] is {array[wrong[0]]}; weights must be finite and not negative")
    if not array.any():
        raise ValueError("weights are all zero; at least one must be above")
    return _to_integers(array), None


def _to_integers(weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Scaled by a power of two, so that integers stay in proportion exactly, and rounded."""
    # By the largest first: the sum must neither overflow nor vanish.
    scaled = np.ldexp(weights, -int(np.frexp(weights.max())[1]))
    total = np.cumsum(scaled)[-1]  # np.sum adds in an order that depends on the CPU
    return np.rint(np.ldexp(scaled, _BITS - int(np.frexp(total)[1]))).astype(np.int64)


def fingerprint(integers: NDArray[np.int64]) -> str:
    """A short digest of integers, by which a state knows that it is of the same ones."""
    return hashlib.blake2b(integers.astype("<i8").tobytes(), digest_size=8).hexdigest()


def systematic(ends: NDArray[np.int64], count: int, offset: int) -> NDArray[np.int64]:
    """How many of ``count`` equally spaced points lie on each of the weights that end at ``ends``.

    Args:
        ends: cumulative integer weights, shape (n,), the last one above 0 and below 2**53.
        count: number of points, 1 or more.
        offset: where the first point lies: ``offset / 2**64`` of the distance between two.

    Returns:
        int64 of shape (n,) with sum ``count``; entry i is floor or ceil of ``count * weight[i] / ends[-1]``.

    Example:
        >>> systematic(np.cumsum([3, 0, 1, 2]), 4, offset=0).tolist()
        [2, 0, 1, 1]
    """
    total = int(ends[-1])
    # With weights and points scaled by count, point j is at shift + j * total, and before an end lie
    # ceil((count * end - shift) / total) points. The product has too many bits: long division, one digit of
    # count after the other.
    shift = total * offset >> 64
    quotient, remainder = np.zeros_like(ends), np.zeros_like(ends)
    top = -(-count.bit_length() // _DIGIT_BITS) * _DIGIT_BITS
    for low in range(top - _DIGIT_BITS, -1, -_DIGIT_BITS):
        digit = (count >> low) & ((1 << _DIGIT_BITS) - 1)
        carry, remainder = np.divmod((remainder << _DIGIT_BITS) + digit * ends, total)
        quotient = (quotient << _DIGIT_BITS) + carry
    before = quotient + (remainder + (total - 1 - shift)) // total
    return np.diff(before, prepend=0)

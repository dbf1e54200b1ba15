"""Random numbers of samples, as tensors.

In: the numbers of a batch's samples, the epoch, and the key of an operation. Out: 64 random bits for each
sample, and what operations make of them: integers in a range, events with a probability. It is
:func:`dreamlearning.permutation.keyed_hash` in int64 tensors, whose arithmetic wraps; torch has no logical
shift to the right, so a mask removes what the arithmetic one drags in. Integers only: the same numbers on
every device.
"""

import operator
from typing import Any

import torch

from ..permutation import GOLDEN, MASK, derive_key, mix

__all__ = ["SampleNumbers", "events", "integers", "operation_key"]

_LOW_32 = 2**32 - 1


def _signed(value: int) -> int:
    """The int64 with the bits of an unsigned 64-bit ``value``."""
    return value - 2**64 if value >= 2**63 else value


_STEP, _FIRST, _SECOND = map(_signed, (GOLDEN, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def _shift_right(values: torch.Tensor, by: int) -> torch.Tensor:
    return (values >> by) & (2 ** (64 - by) - 1)


def _mix_tensor(values: torch.Tensor) -> torch.Tensor:
    """The finaliser of splitmix64 on int64 bits."""
    values = (values ^ _shift_right(values, 30)) * _FIRST
    values = (values ^ _shift_right(values, 27)) * _SECOND
    return values ^ _shift_right(values, 31)


def operation_key(*parts: int) -> int:
    """The key of an operation from several integers (the order matters), as an int64."""
    return _signed(mix(derive_key(*parts)))


class SampleNumbers:
    """What the random numbers of a batch are drawn from.

    Args:
        index: numbers of the samples in the data set, int64 of shape (B,).
        epoch: an integer from 0, or an int64 tensor of no axes, which does not make ``torch.compile`` compile
            again when it changes.

    Attributes:
        epoch: as given.
    """

    def __init__(self, index: torch.Tensor, epoch: int | torch.Tensor) -> None:
        if torch.compiler.is_compiling() and not isinstance(epoch, torch.Tensor):
            # An integer that changes becomes a symbol, which has no 64 bits to hash.
            epoch = torch.full((), epoch, dtype=torch.int64, device=index.device)
        self.epoch = epoch
        self._hashed = _mix_tensor(index + _STEP)

    def bits(self, key: int) -> torch.Tensor:
        """64 random bits for each sample in this epoch: int64 of shape (B,)."""
        if isinstance(self.epoch, torch.Tensor):
            return _mix_tensor(self._hashed ^ _mix_tensor(_mix_tensor(_mix_tensor(self.epoch + _STEP) ^ key)))
        # In Python: a GPU would be asked for dozens of operations on a single number.
        epoch_key = mix(mix((self.epoch + GOLDEN) & MASK) ^ (key & MASK))
        return _mix_tensor(self._hashed ^ _signed(mix(epoch_key)))

    def lasting_bits(self, key: int) -> torch.Tensor:
        """64 random bits for each sample, the same in every epoch: int64 of shape (B,)."""
        return _mix_tensor(self._hashed ^ key)


def as_numbers(images: torch.Tensor, index: Any, epoch: Any) -> SampleNumbers:
    """``index`` and ``epoch`` as users pass them, checked, on the device of ``images``.

    Raises:
        TypeError: an index or an epoch that are no integers.
        ValueError: an index of another shape than (B,), a negative epoch, or one of several elements.
    """
    index = torch.as_tensor(index)
    if index.is_floating_point() or index.is_complex() or index.dtype == torch.bool:
        raise TypeError(f"index has dtype {index.dtype}; give the numbers of the samples, int64")
    if index.ndim != 1 or index.shape[0] != images.shape[0]:
        raise ValueError(
            f"index has shape {tuple(index.shape)}; give one number for each of the {images.shape[0]} images"
        )
    if isinstance(epoch, torch.Tensor):
        if epoch.is_floating_point() or epoch.is_complex() or epoch.dtype == torch.bool:
            raise TypeError(f"epoch has dtype {epoch.dtype}; give an integer or an int64 tensor")
        if epoch.ndim != 0:
            raise ValueError(f"epoch has shape {tuple(epoch.shape)}; give a tensor of no axes")
        epoch = epoch.to(torch.int64)
    else:
        try:
            epoch = operator.index(epoch)
        except TypeError as error:
            raise TypeError(f"epoch is {epoch!r}; give an integer") from error
        if epoch < 0:
            raise ValueError(f"epoch is {epoch}; it must not be negative")
    device = images.device
    # A copy to the CPU that does not wait could be read before it is there.
    waits = device.type == "cpu"
    return SampleNumbers(index.to(device=device, dtype=torch.int64, non_blocking=not waits), epoch)


def integers(bits: torch.Tensor, n: int, m: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two independent integers for each sample, in ``range(n)`` and ``range(m)``; int64 of shape (B,) each.

    Each is a product with 32 random bits, so no value is likelier than another by more than n / 2**32.
    """
    return (_shift_right(bits, 32) * n) >> 32, ((bits & _LOW_32) * m) >> 32


def events(bits: torch.Tensor, p: float) -> torch.Tensor:
    """Whether what has probability ``p`` happens to each sample: bool of shape (B,).

    An integer comparison: ``p`` counts in steps of 2**-53, and 0 and 1 mean never and always.
    """
    return _shift_right(bits, 11) < int(p * 2**53)

"""Operations that erase parts of images.

In: a batch (B, C, H, W) of any dtype. Out: the same batch, with a part of every image filled.
"""

import operator
from numbers import Real

import torch

from .base import Augmentation
from .random import SampleNumbers, integers
from .selection import select

__all__ = ["Cutout"]


class Cutout(Augmentation):
    """Fill one square of each image, at a place of its own.

    The square's centre is any pixel of the image with equal probability, and what lies outside the image is
    cut off, as in "Improved Regularization of Convolutional Neural Networks with Cutout" (DeVries and Taylor,
    2017). Along each axis the square covers ``size`` pixels from ``centre - size // 2`` on.

    Args:
        size: side of the square in pixels.
        value: what it is filled with, in all channels, in the units of the images that come in: 0 is black
            before :class:`Normalize` and the mean after it.
        seed: any integer.

    Raises:
        TypeError: a size that is no integer.
        ValueError: a size below 1 or, when called, a value that the images' dtype does not have.

    Example:
        >>> erased = Cutout(2)(torch.ones(1, 1, 9, 9), index=torch.tensor([5]))
        >>> int((erased == 0).sum()) in (1, 2, 4)
        True
    """

    random = True

    def __init__(self, size: int, value: float = 0, seed: int = 0) -> None:
        try:
            self.size = operator.index(size)
        except TypeError as error:
            raise TypeError(f"size is {size!r}; give an integer, in pixels") from error
        if self.size < 1:
            raise ValueError(f"size is {size}; give at least 1")
        if not isinstance(value, Real):
            raise TypeError(f"value is {value!r}; give a number")
        self.value = value
        super().__init__(seed)

    def apply(self, images: torch.Tensor, numbers: SampleNumbers | None, key: int) -> torch.Tensor:
        """The batch with one square of each image filled."""
        assert numbers is not None
        height, width = images.shape[2:]
        row, column = integers(numbers.bits(key), height, width)
        inside = self._covered(row, height)[:, None, :, None] & self._covered(column, width)[:, None, None, :]
        return select(inside, self._fill(images), images)

    def _covered(self, centre: torch.Tensor, side: int) -> torch.Tensor:
        """Which places along an axis the squares cover: bool (B, side)."""
        first = (centre - self.size // 2)[:, None]
        places = torch.arange(side, device=centre.device)
        return (places >= first) & (places < first + self.size)

    def _fill(self, images: torch.Tensor) -> torch.Tensor:
        dtype = images.dtype
        if not (dtype.is_floating_point or dtype.is_complex):
            low, high = (0, 1) if dtype == torch.bool else (torch.iinfo(dtype).min, torch.iinfo(dtype).max)
            if self.value != int(self.value) or not low <= self.value <= high:
                raise ValueError(
                    f"value is {self.value}, which images of {dtype} cannot hold; give an integer from {low} "
                    f"to {high}"
                )
        return torch.full((), self.value, dtype=dtype, device=images.device)

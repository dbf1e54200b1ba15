"""Operations that move pixels: random crops and flips.

In: a batch (B, C, H, W) of any dtype. Out: a batch of the same dtype whose pixels are those of the input
(or zeros) at other places; nothing is interpolated. A crop is one gather: no padded copy is made.
"""

import operator
from numbers import Real
from typing import Any

import torch

from .base import Augmentation
from .random import SampleNumbers, events, integers
from .selection import select

__all__ = ["AlternatingFlip", "HorizontalFlip", "RandomCrop"]

_MODES = ("zeros", "reflect", "edge")


class RandomCrop(Augmentation):
    """Pad every image on all sides and cut a window out of it, at a place of its own.

    All places of the window are equally likely. The result is contiguous.

    Args:
        padding: pixels added on each side: one number, or (above and below, left and right).
        mode: what is added: ``"zeros"``; ``"reflect"``, the image mirrored about its outermost pixels, which
            are not repeated; ``"edge"``, the outermost pixels repeated.
        size: the window: one number for a square, or (height, width); by default the size of the images.
        seed: any integer.

    Raises:
        ValueError: a negative padding, an unknown mode or, when called, a window larger than the padded image
            or a padding too large to reflect.

    Example:
        >>> crop = RandomCrop(padding=4, mode="reflect")
        >>> crop(torch.zeros(2, 3, 32, 32, dtype=torch.uint8), index=torch.tensor([0, 1])).dtype
        torch.uint8
    """

    random = True

    def __init__(
        self,
        padding: int | tuple[int, int] = 0,
        mode: str = "zeros",
        size: int | tuple[int, int] | None = None,
        seed: int = 0,
    ) -> None:
        self.padding = _pair(padding, "padding", least=0)
        if mode not in _MODES:
            raise ValueError(f"mode is {mode!r}; give one of {', '.join(_MODES)}")
        self.mode = mode
        self.size = None if size is None else _pair(size, "size", least=1)
        super().__init__(seed)

    def apply(self, images: torch.Tensor, numbers: SampleNumbers | None, key: int) -> torch.Tensor:
        """The windows, (B, C, height, width)."""
        assert numbers is not None
        sides = tuple(images.shape[2:])
        window = self.size or sides
        places = []
        for side, padding, length, name in zip(sides, self.padding, window, ("height", "width"), strict=True):
            places.append(side + 2 * padding - length + 1)
            if places[-1] < 1:
                raise ValueError(
                    f"size asks for a {name} of {length}, but the images have {side} and {2 * padding} of "
                    "padding; give a smaller size or more padding"
                )
            if self.mode == "reflect" and padding >= side:
                raise ValueError(
                    f"padding is {padding}, but images with a {name} of {side} can be reflected by at most "
                    f"{side - 1} pixels; give less, or mode='edge'"
                )
        rows, columns = (
            start[:, None] - padding + torch.arange(length, device=images.device)
            for start, padding, length in zip(
                integers(numbers.bits(key), *places), self.padding, window, strict=True
            )
        )
        height, width = sides
        if self.mode == "reflect":
            return _take(images, _reflect(rows, height), _reflect(columns, width))
        inside = _take(images, rows.clamp(0, height - 1), columns.clamp(0, width - 1))
        if self.mode == "edge" or self.padding == (0, 0):
            return inside
        outside = _is_outside(rows, height)[:, None, :, None] | _is_outside(columns, width)[:, None, None, :]
        return select(outside, inside.new_zeros(()), inside)


class HorizontalFlip(Augmentation):
    """Mirror each image left to right with probability ``p``.

    Args:
        p: from 0 (never) to 1 (always); exact to 2**-53.
        seed: any integer.

    Raises:
        ValueError: ``p`` outside [0, 1].

    Example:
        >>> flip = HorizontalFlip(p=1.0)
        >>> flip(torch.arange(3).view(1, 1, 1, 3), index=torch.tensor([0])).flatten().tolist()
        [2, 1, 0]
    """

    random = True

    def __init__(self, p: float = 0.5, seed: int = 0) -> None:
        if not isinstance(p, Real):
            raise TypeError(f"p is {p!r}; give a probability from 0 to 1")
        if not 0 <= p <= 1:
            raise ValueError(f"p is {p}; give a probability from 0 to 1")
        self.p = float(p)
        super().__init__(seed)

    def apply(self, images: torch.Tensor, numbers: SampleNumbers | None, key: int) -> torch.Tensor:
        """The batch with some of its images mirrored."""
        assert numbers is not None
        return _flip(images, events(numbers.bits(key), self.p))


class AlternatingFlip(Augmentation):
    """Mirror a random half of the images in the first epoch, the other half in the next, and so on.

    A sample is seen both ways in any two epochs in a row, where independent flips show half of the samples
    twice the same way. From "94% on CIFAR-10 in 3.29 Seconds on a Single GPU" (Keller Jordan, 2024).

    Args:
        seed: any integer.

    Example:
        >>> flip = AlternatingFlip()
        >>> images = torch.arange(2).view(1, 1, 1, 2)
        >>> first, second = (flip(images, torch.tensor([0]), epoch) for epoch in (0, 1))
        >>> bool((first != second).all())
        True
    """

    random = True

    def apply(self, images: torch.Tensor, numbers: SampleNumbers | None, key: int) -> torch.Tensor:
        """The batch with some of its images mirrored."""
        assert numbers is not None
        return _flip(images, ((numbers.lasting_bits(key) ^ numbers.epoch) & 1) == 1)


def _flip(images: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
    return select(which[:, None, None, None], images.flip(3), images)


def _take(images: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Pixels at ``rows`` (B, h) and ``columns`` (B, w) of each image: (B, C, h, w)."""
    count, channels, _, width = images.shape
    where = rows[:, :, None] * width + columns[:, None, :]
    taken = images.flatten(2).gather(2, where.flatten(1)[:, None].expand(-1, channels, -1))
    return taken.view(count, channels, rows.shape[1], columns.shape[1])


def _reflect(places: torch.Tensor, side: int) -> torch.Tensor:
    return side - 1 - (side - 1 - places.abs()).abs()


def _is_outside(places: torch.Tensor, side: int) -> torch.Tensor:
    return (places < 0) | (places >= side)


def _pair(value: Any, name: str, *, least: int) -> tuple[int, int]:
    pair = value if isinstance(value, (tuple, list)) else (value, value)
    try:
        first, second = map(operator.index, pair)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} is {value!r}; give an integer or two") from error
    if min(first, second) < least:
        raise ValueError(f"{name} is {value!r}; give at least {least}")
    return first, second

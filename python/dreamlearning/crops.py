"""Crops that are chosen before an image is decoded, so that only the part that is wanted is.

In: rows and columns of an image. Out: the region to decode. Given to
:class:`dreamlearning.CompressedDataset` as ``crop``; what resizes the crop stays in ``transform``. Any
function of (height, width) that returns (top, left, height, width) will do as well. Random numbers are
torch's, so that a ``DataLoader`` seeds them in every worker.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Center", "Crop", "RandomResized", "Region"]

Region = tuple[int, int, int, int]
"""(top, left, height, width)."""
Crop = Callable[[int, int], Region]
"""From (height, width) of an image to the region that is decoded."""

_ATTEMPTS = 10


@dataclass(frozen=True)
class RandomResized:
    """The region that ``torchvision.transforms.v2.RandomResizedCrop`` would take, drawn in the same way.

    Args:
        scale: least and largest share of the image's area.
        ratio: least and largest width / height.

    Example:
        >>> ds = CompressedDataset(                                         # doctest: +SKIP
        ...     "photos.gede",
        ...     crop=RandomResized(),
        ...     transform=v2.Compose([v2.Resize((224, 224)), v2.PILToTensor()]),
        ... )
    """

    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)

    def __post_init__(self) -> None:
        for name, pair, most in (("scale", self.scale, 1), ("ratio", self.ratio, math.inf)):
            if len(pair) != 2 or not 0 < pair[0] <= pair[1] <= most or math.isinf(pair[1]):
                limit = " and none above 1" if most == 1 else ""
                raise ValueError(f"{name} is {pair}; give two positive numbers, the smaller first{limit}")

    def __call__(self, height: int, width: int) -> Region:
        """A region of an image of ``height`` x ``width`` pixels."""
        import torch

        area = height * width
        for _ in range(_ATTEMPTS):
            target = area * torch.empty(1).uniform_(*self.scale).item()
            low, high = self.ratio
            aspect = math.exp(torch.empty(1).uniform_(math.log(low), math.log(high)).item())
            w, h = round(math.sqrt(target * aspect)), round(math.sqrt(target / aspect))
            if 0 < w <= width and 0 < h <= height:
                top = int(torch.randint(0, height - h + 1, (1,)).item())
                left = int(torch.randint(0, width - w + 1, (1,)).item())
                return top, left, h, w
        # No luck: the middle, as much as the ratio allows.
        aspect = min(max(width / height, self.ratio[0]), self.ratio[1])
        w, h = min(width, round(height * aspect)), min(height, round(width / aspect))
        w, h = max(1, w), max(1, h)
        return (height - h) // 2, (width - w) // 2, h, w


@dataclass(frozen=True)
class Center:
    """The middle of an image.

    Args:
        share: the crop's side as a share of the image's shorter side, as 224 / 256 is in ImageNet's
        evaluation.

    Example:
        >>> Center(0.5)(100, 60)
        (35, 15, 30, 30)
    """

    share: float = 224 / 256

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"share is {self.share}; give a number above 0 and at most 1")

    def __call__(self, height: int, width: int) -> Region:
        """A square region in the middle of an image of ``height`` x ``width`` pixels."""
        side = max(1, round(min(height, width) * self.share))
        return (height - side) // 2, (width - side) // 2, side, side

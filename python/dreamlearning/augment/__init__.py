"""Random augmentation of whole batches, drawn for each sample, on the device that holds the batch.

In: images (B, C, H, W) of any dtype on any device, the numbers of these samples in the data set, and the
epoch. Out: the augmented batch, on the same device. What happens to a sample depends on (seed, epoch, number
of the sample, place of the operation in the list) only: not on the batch, its order, the device or the
worker. Needs the extra ``torch``.

    >>> import torch
    >>> from dreamlearning.augment import Compose, Cutout, HorizontalFlip, RandomCrop
    >>> augment = Compose([RandomCrop(padding=4), HorizontalFlip(), Cutout(8)], seed=0)
    >>> images = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    >>> augment(images, index=torch.tensor([17, 4]), epoch=3).shape
    torch.Size([2, 3, 32, 32])
"""

from ..errors import missing_extra

try:
    import torch  # noqa: F401
except ImportError as error:
    raise missing_extra("torch", "torch") from error

from .base import Augmentation, Compose
from .erasing import Cutout
from .geometry import AlternatingFlip, HorizontalFlip, RandomCrop
from .random import SampleNumbers
from .values import ChannelsLast, Normalize, ToDtype

__all__ = [
    "AlternatingFlip",
    "Augmentation",
    "ChannelsLast",
    "Compose",
    "Cutout",
    "HorizontalFlip",
    "Normalize",
    "RandomCrop",
    "SampleNumbers",
    "ToDtype",
]

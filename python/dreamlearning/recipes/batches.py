"""What happens to a batch of images between the loader and the model.

In: uint8 batches (N, C, H, W) as a ``DataLoader`` gives them. Out: float32 batches, normalised, and for
natural images randomly cropped and mirrored. Whole batches at a time: a per-image transform costs more than
decoding does.
"""

from dataclasses import dataclass

from ..errors import missing_extra
from ..file import CompressedFile

try:
    import torch
    from torch.nn import functional
except ImportError as error:
    raise missing_extra("torch", "torch") from error

from ..augment import statistics

__all__ = ["Statistics", "channel_statistics", "crop_and_mirror", "is_natural"]


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation of each channel, in units of the stored values."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def normalise(self, images: torch.Tensor) -> torch.Tensor:
        """float32 (N, C, H, W) of mean 0 and deviation 1 from images of any dtype, on the same device."""
        shape = (1, -1, 1, 1)
        mean = torch.tensor(self.mean, device=images.device).view(shape)
        std = torch.tensor(self.std, device=images.device).view(shape)
        return (images.to(torch.float32) - mean) / std


def channel_statistics(file: CompressedFile) -> Statistics:
    """The statistics of every sample of a file of 8-bit images (H, W) or (H, W, C).

    Example:
        >>> channel_statistics(dreamlearning.open("digits.gede")).mean      # doctest: +SKIP
        (4.88,)
    """
    mean, std = statistics.channel_statistics(file)
    return Statistics(tuple(mean), tuple(std))


def is_natural(shape: tuple[int, ...]) -> bool:
    """Whether images of this shape show the same thing when mirrored: colour and at least 28 pixels wide.

    Digits and letters do not survive a mirror, and 8 pixels do not survive a crop.
    """
    return len(shape) == 3 and shape[2] == 3 and min(shape[:2]) >= 28


def crop_and_mirror(images: torch.Tensor, generator: torch.Generator, pad: int = 4) -> torch.Tensor:
    """Move each image by up to ``pad`` pixels, filling with zeros, and mirror every second one on average.

    Args:
        images: (N, C, H, W) of any dtype; normalise first, so that zero is the mean.
        generator: CPU generator; the same state gives the same batch on every device.
        pad: largest shift in pixels.
    """
    count, channels, height, width = images.shape
    device = images.device
    down, right = torch.randint(0, 2 * pad + 1, (2, count), generator=generator)
    mirrored = torch.rand(count, generator=generator) < 0.5
    rows = down[:, None] + torch.arange(height)
    columns = right[:, None] + torch.arange(width)
    columns = torch.where(mirrored[:, None], columns.flip(1), columns)
    padded = functional.pad(images, (pad, pad, pad, pad))
    return padded[
        torch.arange(count, device=device)[:, None, None, None],
        torch.arange(channels, device=device)[None, :, None, None],
        rows.to(device)[:, None, :, None],
        columns.to(device)[:, None, None, :],
    ]

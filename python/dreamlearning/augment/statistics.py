"""Mean and standard deviation of each channel of a file's images.

In: an open file of 8- or 16-bit images. Out: two lists, in units of the stored values. The sums are integers,
so they are exact, whatever the order they are added in.
"""

import math
import operator
from typing import Any

import numpy as np

from ..file import CompressedFile
from ..indexing import image_axes

__all__ = ["channel_statistics"]

_VALUES = 2**20  # decoded at once


def channel_statistics(
    file: CompressedFile, max_samples: int | None = None
) -> tuple[list[float], list[float]]:
    """(mean, standard deviation) of every channel; a deviation of 0 is given as 1.

    Args:
        file: images (H, W), (H, W, C) or (C, H, W) of one size or of many.
        max_samples: look at this many samples, evenly spread, instead of all.

    Raises:
        ValueError: no images of 8 or 16 bits, no samples, or ``max_samples`` below 1.

    Example:
        >>> channel_statistics(dreamlearning.open("digits.gede"))           # doctest: +SKIP
        ([4.884164579855314], [6.016787548672236])
    """
    axes = image_axes(file.shape, file.dtype)
    if axes is None:
        raise ValueError(
            f"{file.path} holds samples of shape {file.shape} and dtype {file.dtype}, no images of 8 or 16 "
            "bits; give mean and std yourself"
        )
    count = len(file) if max_samples is None else min(len(file), operator.index(max_samples))
    if count < 1:
        raise ValueError(
            f"{count} samples to look at; give a file with samples and max_samples of at least 1"
        )
    chosen = np.arange(count, dtype=np.int64) * len(file) // count
    step = max(1, _VALUES * file.dtype.itemsize // max(1, file.sample_bytes))
    seen = 0
    total: Any = 0
    squares: Any = 0
    for start in range(0, count, step):
        batch = file.decode(chosen[start : start + step])
        for images in batch if isinstance(batch, list) else [batch]:
            values = _by_channel(images, len(file.shape), axes)
            seen += values.shape[1]
            # Python's integers from here on: no number of samples is too many.
            total = total + values.sum(axis=1).astype(object)
            squares = squares + (values * values).sum(axis=1).astype(object)
    mean = [int(t) / seen for t in total]
    variance = [int(s) / seen - m**2 for s, m in zip(squares, mean, strict=True)]
    return mean, [math.sqrt(v) if v > 0 else 1.0 for v in variance]


def _by_channel(images: Any, sample_axes: int, axes: list[int]) -> Any:
    """int64 of shape (channels, pixels) from one image or a batch of them."""
    if sample_axes == 2:
        return images.reshape(1, -1).astype(np.int64)
    channel = images.ndim - 1 if axes == [0, 1] else images.ndim - 3
    last = np.moveaxis(images, channel, 0)
    return last.reshape(last.shape[0], -1).astype(np.int64)

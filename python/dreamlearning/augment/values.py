"""Operations on the values of pixels and on their layout in memory; nothing here is random.

In: a batch (B, C, H, W). Out: the batch normalised, in another dtype, or with its channels last in memory.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from .base import Augmentation
from .random import SampleNumbers
from .statistics import channel_statistics

__all__ = ["ChannelsLast", "Normalize", "ToDtype"]


class Normalize(Augmentation):
    """Numbers of mean 0 and deviation 1: ``(images * scale - mean) / std``, channel by channel.

    Computed as ``images * a + b`` in float32 (float64 where ``dtype`` is), then rounded to ``dtype``. ``a``
    and ``b`` are made once for each device. Product and sum are rounded one after the other, so the result is
    the same on every device and in every batch; a compiled one may differ in the last bit.

    Args:
        mean: of each channel, after scaling; one number is for all channels.
        std: likewise; above 0.
        dtype: of the result, a floating-point one.
        scale: by default 1 / the largest value of an integer dtype (1/255 for uint8), and 1 for others.

    Raises:
        ValueError: a ``std`` that is not above 0, lengths that differ from each other or, when called, from
            the images' channels.

    Example:
        >>> normalize = Normalize(mean=[0.5], std=[0.25])
        >>> normalize(torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1)).flatten().tolist()
        [-2.0, 2.0]
    """

    def __init__(
        self,
        mean: float | Sequence[float],
        std: float | Sequence[float],
        dtype: torch.dtype = torch.float32,
        scale: float | None = None,
    ) -> None:
        self.mean, self.std = _numbers(mean, "mean"), _numbers(std, "std")
        if len(self.mean) != len(self.std) and 1 not in (len(self.mean), len(self.std)):
            raise ValueError(f"mean has {len(self.mean)} numbers, std {len(self.std)}; give one per channel")
        if min(self.std) <= 0:
            raise ValueError(f"std is {std}; every number must be above 0")
        if not dtype.is_floating_point:
            raise ValueError(f"dtype is {dtype}; give a floating-point one, such as torch.float32")
        self.dtype = dtype
        self.scale = scale
        self._constants: dict[Any, tuple[torch.Tensor, torch.Tensor]] = {}
        super().__init__()

    @classmethod
    def of(
        cls, data: Any, dtype: torch.dtype = torch.float32, *, max_samples: int | None = None
    ) -> "Normalize":
        """Normalisation with the mean and deviation of a file's own samples, from exact integer sums.

        Args:
            data: a :class:`~dreamlearning.CompressedFile` or :class:`~dreamlearning.CompressedDataset` with
                images of 8 or 16 bits; crops and transforms are not looked at.
            dtype: of the result.
            max_samples: look at this many samples, evenly spread, instead of all.

        Raises:
            TypeError: data of another kind.
            ValueError: no images of 8 or 16 bits, or ``max_samples`` below 1.

        Example:
            >>> Normalize.of(CompressedDataset("cifar10.gede"))             # doctest: +SKIP
            Normalize(mean=(0.491, 0.482, 0.447), std=(0.247, 0.243, 0.262), dtype=torch.float32, scale=None)
        """
        file = getattr(data, "file", data)
        if not hasattr(file, "decode"):
            raise TypeError(f"data is a {type(data).__name__}; give a CompressedDataset or a CompressedFile")
        mean, std = channel_statistics(file, max_samples)
        scale = 1 / np.iinfo(file.dtype).max  # what _default_scale says of the same dtype
        return cls([m * scale for m in mean], [s * scale for s in std], dtype)

    def apply(self, images: torch.Tensor, numbers: SampleNumbers | None, key: int) -> torch.Tensor:
        """The batch, normalised."""
        channels = max(len(self.mean), len(self.std))
        if channels not in (1, images.shape[1]):
            raise ValueError(f"mean and std have {channels} channels, the images {images.shape[1]}")
        factor, summand = self._of_device(images)
        # Not addcmul: whether it rounds once or twice differs between devices.
        return (images.to(factor.dtype) * factor).add_(summand).to(self.dtype)

    def _of_device(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """``a`` and ``b``, each (C, 1, 1), where the images are."""
        device, dtype = images.device, images.dtype
        if torch.compiler.is_compiling():
            return self._make(device, dtype)  # a compiler folds them, and a cache would make it compile again
        if (device, dtype) not in self._constants:
            with torch.inference_mode(mode=False):  # or they could not be used where there are gradients
                self._constants[device, dtype] = self._make(device, dtype)
        return self._constants[device, dtype]

    def _make(self, device: torch.device, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
        scale = _default_scale(dtype) if self.scale is None else self.scale
        channels = max(len(self.mean), len(self.std))
        mean, std = (n * channels if len(n) == 1 else n for n in (self.mean, self.std))
        compute = torch.float64 if self.dtype == torch.float64 else torch.float32

        def column(numbers: list[float]) -> torch.Tensor:
            # Filled on the device: a copy from the CPU would be a part of every compiled call.
            return torch.stack([torch.full((1, 1), x, dtype=compute, device=device) for x in numbers])

        return (
            column([scale / s for s in std]),
            column([-m / s for m, s in zip(mean, std, strict=True)]),
        )

    def __getstate__(self) -> dict[str, Any]:
        # Another process makes the constants on its own devices.
        return {**self.__dict__, "_constants": {}}


class ToDtype(Augmentation):
    """The batch in another dtype.

    Args:
        dtype: of the result.
        scale: divide integers by the largest value of their dtype, so that uint8 becomes 0 to 1. Only to a
            floating-point dtype; values that are floating-point already stay as they are.

    Raises:
        ValueError: ``scale`` with an integer dtype.

    Example:
        >>> ToDtype(torch.float16)(torch.full((1, 1, 1, 1), 255, dtype=torch.uint8)).item()
        1.0
    """

    def __init__(self, dtype: torch.dtype, scale: bool = True) -> None:  # noqa: FBT001, FBT002
        if scale and not dtype.is_floating_point:
            raise ValueError(f"dtype is {dtype}; give a floating-point one, or scale=False")
        self.dtype = dtype
        self.scale = bool(scale)
        super().__init__()

    def apply(self, images: torch.Tensor, numbers: SampleNumbers | None, key: int) -> torch.Tensor:
        """The batch in the other dtype."""
        factor = _default_scale(images.dtype) if self.scale else 1.0
        if factor == 1.0:
            return images.to(self.dtype)
        # In float32 first: 65535 is beyond float16.
        compute = torch.float64 if self.dtype == torch.float64 else torch.float32
        return (images.to(compute) * factor).to(self.dtype)


class ChannelsLast(Augmentation):
    """The batch with its channels last in memory, as convolutions on GPUs like it; its shape stays the same.

    Example:
        >>> ChannelsLast()(torch.zeros(2, 3, 4, 4)).stride()
        (48, 1, 12, 3)
    """

    def __init__(self) -> None:
        super().__init__()

    def apply(self, images: torch.Tensor, numbers: SampleNumbers | None, key: int) -> torch.Tensor:
        """The batch in the other layout."""
        return images.contiguous(memory_format=torch.channels_last)


def _default_scale(dtype: torch.dtype) -> float:
    """1 / the largest value of an integer dtype; 1 for others."""
    if dtype.is_floating_point or dtype.is_complex or dtype == torch.bool:
        return 1.0
    return 1 / torch.iinfo(dtype).max


def _numbers(values: Any, name: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(v) for v in (values if hasattr(values, "__iter__") else [values]))
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} is {values!r}; give a number, or one per channel") from error
    if not numbers or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{name} is {values!r}; give finite numbers, one per channel")
    return numbers

"""A ``.gede`` file as a stock PyTorch data set.

In: a path, the transforms one would give torchvision, and perhaps a crop that is chosen before decoding. Out:
samples and targets, one by one or a batch in a single call into the core. Needs the extra ``torch``.
"""

import operator
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .crops import Crop
from .errors import missing_extra
from .file import CompressedFile
from .indexing import as_threads, image_axes

try:
    import torch
    from torch.utils.data import Dataset
except ImportError as error:
    raise missing_extra("torch", "torch") from error

__all__ = ["CompressedDataset"]

_SAMPLE_TYPES = ("auto", "tensor", "pil", "numpy")


class CompressedDataset(Dataset[Any]):
    """Map-style data set over a ``.gede`` file; ``ds[i]`` is ``(sample, target)``, or the sample where there
    are no labels.

    Give it to a ``DataLoader``, with workers or without: it pickles by path, opens the file anew in each
    process, and decodes a whole batch in one call. Inside a worker keep ``num_threads=1``.

    Args:
        path: the ``.gede`` file.
        transform: applied to every sample.
        target_transform: applied to every target.
        crop: called with (height, width) of every image; returns the region (top, left, height, width)
            that is decoded instead of the whole image, such as :class:`dreamlearning.crops.RandomResized`.
        sample_type: what a sample is (before ``transform``):
            ``"tensor"``: a torch tensor of the stored dtype; images of shape (H, W, 1|3|4) become C, H, W
            and two-axis samples (H, W) become 1, H, W, as torchvision has it;
            ``"pil"``: a Pillow image, for 8-bit images only;
            ``"numpy"``: the array as stored;
            ``"auto"``: ``"pil"`` where there is a transform and the samples are 8-bit images, as
            torchvision's own data sets do, otherwise ``"tensor"``.
        num_threads: threads that decode a batch; 0 for all cores.
        reading: ``"mmap"`` or ``"pread"``.

    Attributes:
        classes: names of the classes, ``None`` where unknown.
        class_to_idx: their numbers by name, ``None`` where unknown.
        num_threads: may be changed at any time.

    Raises:
        ValueError: an unknown ``sample_type``, ``"pil"`` for samples that are no 8-bit images, or a ``crop``
            of samples that are no images.
        ImportError: torch (or, for Pillow images, Pillow) is not installed.

    Example:
        >>> ds = CompressedDataset("cifar10.gede", transform=transforms.ToTensor())   # doctest: +SKIP
        >>> loader = DataLoader(ds, batch_size=128, shuffle=True, num_workers=2)         # doctest: +SKIP
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        *,
        crop: Crop | None = None,
        sample_type: str = "auto",
        num_threads: int = 1,
        reading: str = "mmap",
    ) -> None:
        self.file = CompressedFile(path, reading=reading)
        self.transform = transform
        self.target_transform = target_transform
        self.num_threads = as_threads(num_threads)
        if sample_type not in _SAMPLE_TYPES:
            raise ValueError(f"sample_type is {sample_type!r}; give one of {', '.join(_SAMPLE_TYPES)}")
        shape = self.file.shape
        axes = image_axes(shape, self.file.dtype)
        if crop is not None and axes is None:
            raise ValueError(
                f"samples of shape {shape} and dtype {self.file.dtype} are no images; leave crop out"
            )
        self.crop = crop
        self._axes = axes
        image = len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4))
        eight_bit = image and self.file.dtype == np.uint8
        if sample_type == "pil" and not eight_bit:
            raise ValueError(
                f"samples of shape {shape} and dtype {self.file.dtype} are no 8-bit images with their "
                "channels last; give sample_type='tensor' or 'numpy'"
            )
        if sample_type == "auto":
            sample_type = "pil" if transform is not None and eight_bit else "tensor"
        if sample_type == "pil":
            _pillow()
        self._sample_type = sample_type
        self._image = image
        self.classes = self.file.classes
        self.class_to_idx = None if self.classes is None else {name: i for i, name in enumerate(self.classes)}
        self._has_labels = "label" in self.file.fields
        self._labels: NDArray[Any] | None = None
        self._targets: list[Any] | None = None

    def __len__(self) -> int:
        return len(self.file)

    @property
    def labels(self) -> NDArray[Any] | None:
        """The labels as a read-only array, mapped without a copy; ``None`` where there are none."""
        if self._labels is None and self._has_labels:
            self._labels = self.file.labels
        return self._labels

    @property
    def targets(self) -> list[Any] | None:
        """The labels as a list of Python numbers, as in torchvision; ``None`` where there are none."""
        if self._targets is None and (labels := self.labels) is not None:
            self._targets = labels.tolist()
        return self._targets

    def __getitem__(self, index: int) -> Any:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        """The items of a batch, decoded in one call; a ``DataLoader`` calls this."""
        samples = self._convert(self._decode(indices))
        if self.transform is not None:
            samples = [self.transform(sample) for sample in samples]
        labels = self.labels
        if labels is None:
            return samples
        targets = labels[np.asarray(indices, dtype=np.int64)]
        plain = targets.tolist() if targets.ndim == 1 else list(torch.from_numpy(targets))
        if self.target_transform is not None:
            plain = [self.target_transform(target) for target in plain]
        return list(zip(samples, plain, strict=True))

    def _decode(self, indices: Sequence[int]) -> Any:
        if self.crop is None:
            return self.file.decode(indices, num_threads=self.num_threads)
        sides = self.file.shapes(indices)[:, self._axes].tolist()
        regions = [_region(self.crop(height, width), height, width) for height, width in sides]
        return self.file.decode_regions(indices, regions, num_threads=self.num_threads)

    def _convert(self, batch: Any) -> list[Any]:
        """The samples of a batch, which is an array, or a list of arrays where they differ in shape."""
        if self._sample_type == "numpy":
            return list(batch)
        if self._sample_type == "pil":
            image = _pillow()
            one_channel = self.file.shape[2:] == (1,)
            return [image.fromarray(pixels[..., 0] if one_channel else pixels) for pixels in batch]
        if isinstance(batch, list):
            return [self._as_tensor(array[None])[0] for array in batch]
        return list(self._as_tensor(batch).unbind(0))

    def _as_tensor(self, batch: NDArray[Any]) -> torch.Tensor:
        tensor = torch.from_numpy(batch)
        if self._image:
            tensor = tensor.unsqueeze(1) if tensor.ndim == 3 else tensor.permute(0, 3, 1, 2).contiguous()
        return tensor

    def __getstate__(self) -> dict[str, Any]:
        # The labels are a view of this process's mapping; the other process makes its own.
        return {**self.__dict__, "_labels": None, "_targets": None}

    def __repr__(self) -> str:
        return f"CompressedDataset({self.file!r}, sample_type={self._sample_type!r})"


def _region(region: Any, height: int, width: int) -> Any:
    """What a crop returned, if it is four integers."""
    try:
        top, left, rows, columns = map(operator.index, region)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"crop({height}, {width}) returned {region!r}; it must return integers (top, left, height, width)"
        ) from error
    return top, left, rows, columns


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise missing_extra("PIL", "images") from error
    return Image

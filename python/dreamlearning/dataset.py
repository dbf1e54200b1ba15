"""A ``.gede`` file as a stock PyTorch data set.

In: a path, the transforms one would give torchvision, and perhaps a crop that is chosen before decoding. Out:
samples and targets, one by one, or a batch in a single call into the core and in a single tensor
(:class:`dreamlearning.batch_view.BatchView`). Needs the extra ``torch``.
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
from .indexing import as_function, as_indices, as_threads, image_axes
from .tables.features import Features

try:
    import torch
    from torch.utils.data import Dataset

    from .batch_view import BatchView, Sample
    from .tensors import empty_batch, in_worker
except ImportError as error:
    raise missing_extra("torch", "torch") from error

__all__ = ["CompressedDataset"]

_SAMPLE_TYPES = ("auto", "tensor", "pil", "numpy")


class CompressedDataset(Dataset[Any]):
    """Map-style data set over a ``.gede`` file; ``ds[i]`` is ``(sample, target)``, or the sample where there
    are no labels. Of a table a sample is one row: its features, a tensor of shape (d,), and the target of the
    table.

    Give it to a ``DataLoader``, with workers or without: it pickles by path, opens the file anew in each
    process, and decodes a whole batch in one call. Without ``transform`` a batch stays one tensor all the way
    (in a worker in shared memory); with one, ``transform`` is called sample by sample. Batches belong to the
    caller, are writable and have the stored dtype. Inside a worker keep ``num_threads=1``.

    Args:
        path: the ``.gede`` file.
        transform: applied to every sample.
        target_transform: applied to every target.
        batch_transform: applied to every batch of samples, a tensor of shape (k, ...), after ``transform``;
            returns a tensor with as many entries. A :class:`dreamlearning.augment.Augmentation` is also told
            the numbers of the samples and the epoch (see :meth:`set_epoch`).
        crop: called with (height, width) of every image; returns the region (top, left, height, width)
            that is decoded instead of the whole image, such as :class:`dreamlearning.crops.RandomResized`.
        sample_type: what a sample is (before ``transform``):
            ``"tensor"``: a torch tensor of the stored dtype; images of shape (H, W, 1|3|4) become C, H, W
            and two-axis samples (H, W) become 1, H, W, as torchvision has it;
            ``"pil"``: a Pillow image, for 8-bit images only;
            of a table the features as :meth:`CompressedFile.arrays` takes them, in float32 where that holds
            the dtypes of all of them (float16, float32, truth values, integers of at most 16 bits), otherwise
            in float64;
            ``"numpy"``: the array as stored; of a table the record;
            ``"auto"``: ``"pil"`` where there is a transform and the samples are 8-bit images, as
            torchvision's own data sets do, otherwise ``"tensor"``.
        channels_last: leave the pixels of image tensors in torch's memory format ``channels_last``, which is
            how they are stored: the same shape (k, C, H, W) without the work of taking channels apart.
        return_index: also give each sample's number, as the last entry.
        num_threads: threads that decode a batch; 0 for all cores.
        reading: ``"mmap"`` or ``"pread"``.

    Attributes:
        features: of a table the names of the features, in the order of the tensor; ``None`` of others.
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
        batch_transform: Callable[[torch.Tensor], Any] | None = None,
        crop: Crop | None = None,
        sample_type: str = "auto",
        channels_last: bool = False,
        return_index: bool = False,
        num_threads: int = 1,
        reading: str = "mmap",
    ) -> None:
        self.file = CompressedFile(path, reading=reading)
        self.transform = as_function(transform, "transform")
        self.target_transform = as_function(target_transform, "target_transform")
        self.batch_transform = as_function(batch_transform, "batch_transform")
        self.return_index = bool(return_index)
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
        if batch_transform is not None and transform is None and sample_type == "pil":
            raise ValueError("batch_transform takes tensors; leave sample_type='pil' out")
        self._sample_type = sample_type
        self._image = image
        self._channels_last = bool(channels_last)
        # Whether a batch is decoded into a single array, and whether the core shall take its channels apart.
        self._uniform = crop is None and not self.file.ragged
        planes = sample_type == "tensor" and image and not channels_last
        self._channels_first = planes and self._uniform and len(shape) == 3
        self._decoded_shape = (shape[2], *shape[:2]) if self._channels_first else shape
        self._dtype = self.file.dtype
        self._features: Features | None = None
        if self.file.table is not None:
            # The core decodes the bytes of rows.
            self._features = Features(self.file.table)
            self._decoded_shape, self._dtype = (self.file.dtype.itemsize,), np.dtype(np.uint8)
        self.features = None if self._features is None else self._features.names
        self.classes = self.file.classes
        self.class_to_idx = None if self.classes is None else {name: i for i, name in enumerate(self.classes)}
        self._has_labels = "label" in self.file.fields or self.file.target is not None
        self._labels: NDArray[Any] | None = None
        self._targets: list[Any] | None = None
        augments = batch_transform is not None and _is_augmentation(batch_transform)
        # Workers of any start method see it: they read the epoch that the training loop sets.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_() if augments else None

    def __len__(self) -> int:
        return len(self.file)

    @property
    def labels(self) -> NDArray[Any] | None:
        """The labels as a read-only array, mapped without a copy; of a table the targets, decoded once;
        ``None`` where there are none."""
        if self._labels is None and self._has_labels:
            self._labels = self.file.labels if self._features is None else self._all_targets()
        return self._labels

    @property
    def targets(self) -> list[Any] | None:
        """The labels as a list of Python numbers, as in torchvision; ``None`` where there are none."""
        if self._targets is None and (labels := self.labels) is not None:
            self._targets = labels.tolist()
        return self._targets

    def set_epoch(self, epoch: int) -> None:
        """Tell an augmentation given as ``batch_transform`` which epoch it is, before the epoch starts;
        workers that stay alive see it, too. Without an augmentation nothing depends on it."""
        if self._epoch is not None:
            self._epoch.fill_(operator.index(epoch))

    def __getitem__(self, index: Any) -> Any:
        """One item; of a list, a slice or a mask the whole batch, stacked where its samples are tensors."""
        try:
            single = operator.index(index)
        except TypeError:
            batch = self.__getitems__(index)
            return batch.collate() if isinstance(batch, BatchView) else batch
        sample = self.__getitems__([single])[0]
        return tuple(sample) if isinstance(sample, Sample) else sample

    def __getitems__(self, indices: Sequence[int]) -> Sequence[Any]:
        """The items of a batch, decoded in one call; a ``DataLoader`` calls this.

        Returns:
            A sequence of what ``ds[i]`` gives for each; torch's ``default_collate`` takes its tensors as they
            are.
        """
        index = as_indices(indices, len(self))
        decoded = self._decode(index)
        # The core has refused what is out of range.
        return self._finish(decoded, np.where(index < 0, index + len(self), index))

    def _decode(self, index: NDArray[np.int64]) -> Any:
        """A batch as it leaves the core: a tensor, or a list of arrays where images differ in size."""
        if not self._uniform:
            regions = self._regions(index)
            if regions is None:
                return self.file.decode(index, num_threads=self.num_threads)
            return self.file.decode_regions(index, regions, num_threads=self.num_threads)
        # A batch that Python code works on is copied to the other process anyhow.
        through = self.transform is None and self.batch_transform is None and self._sample_type == "tensor"
        through = through and self._features is None
        shape = (len(index), *self._decoded_shape)
        batch = empty_batch(shape, self._dtype, shared=through and in_worker())
        # CompressedFile.decode without its checks of what comes from outside.
        self.file._reader.decode_into(index, batch.numpy(), self.num_threads, self._channels_first)
        return batch

    def _regions(self, index: NDArray[np.int64]) -> list[Any] | None:
        """What ``crop`` wants of each image."""
        if self.crop is None:
            return None
        sides = self.file.shapes(index)[:, self._axes].tolist()
        return [_region(self.crop(height, width), height, width) for height, width in sides]

    def _finish(self, decoded: Any, index: NDArray[np.int64], epoch: int | None = None) -> Sequence[Any]:
        """The items of a batch from what the core has decoded; ``index`` counts from 0."""
        records = None
        if self._features is not None:
            records = decoded = decoded.numpy().reshape(-1).view(self.file.dtype)
        samples = self._samples(decoded)
        if self.transform is not None:
            samples = [self.transform(sample) for sample in samples]
        if self.batch_transform is not None:
            samples = self._transform_batch(samples, index, epoch)
        columns = [samples]
        if self._has_labels:
            columns.append(self._target_column(index, records))
        if self.return_index:
            columns.append(torch.from_numpy(index))
        view = BatchView(columns)
        if not isinstance(samples, list):
            return view
        # A list of samples is what it is: nothing is gained by looking like one.
        return [tuple(item) if isinstance(item, Sample) else item for item in view]

    def _samples(self, decoded: Any) -> Any:
        """The samples as ``sample_type`` has them: one tensor, one array, or a list."""
        if self._features is not None:
            is_tensor = self._sample_type == "tensor"
            return torch.from_numpy(self._features.matrix(decoded)) if is_tensor else decoded
        if self._sample_type == "tensor":
            if isinstance(decoded, list):
                return [self._layout(torch.from_numpy(array)[None])[0] for array in decoded]
            return self._layout(decoded)
        arrays = decoded if isinstance(decoded, list) else decoded.numpy()
        if self._sample_type == "numpy":
            return arrays
        image = _pillow()
        one_channel = self.file.shape[2:] == (1,)
        return [image.fromarray(pixels[..., 0] if one_channel else pixels) for pixels in arrays]

    def _layout(self, batch: torch.Tensor) -> torch.Tensor:
        """Images as (k, C, H, W)."""
        if not self._image:
            return batch
        if batch.ndim == 3:
            return batch.unsqueeze(1)
        if self._channels_first:
            return batch
        batch = batch.permute(0, 3, 1, 2)
        return batch if self._channels_last else batch.contiguous()

    def _transform_batch(self, samples: Any, index: NDArray[np.int64], epoch: int | None) -> Any:
        assert self.batch_transform is not None
        if isinstance(samples, list):
            try:
                samples = torch.stack([torch.as_tensor(sample) for sample in samples])
            except (TypeError, ValueError, RuntimeError) as error:
                raise ValueError(
                    f"batch_transform needs samples that stack into one tensor ({error}); let `transform` "
                    "return tensors of one shape"
                ) from error
        samples = torch.as_tensor(samples)
        if self._epoch is not None:
            epoch = int(self._epoch) if epoch is None else epoch
            transformed = self.batch_transform(samples, torch.from_numpy(index), epoch)  # type: ignore[call-arg]
        else:
            transformed = self.batch_transform(samples)
        if not hasattr(transformed, "__len__") or len(transformed) != len(index):
            raise ValueError(
                f"batch_transform returned {type(transformed).__name__} for a batch of {len(index)}; it must "
                "return a tensor with one entry for each sample"
            )
        return transformed

    def _all_targets(self) -> NDArray[Any] | None:
        targets = self.file.arrays([])[1]
        if targets is not None:
            targets.flags.writeable = False
        return targets

    def _target_column(self, index: NDArray[np.int64], records: NDArray[Any] | None) -> Any:
        """The targets: integers as int64, as torch makes of Python's; everything else of the stored dtype.
        ``records`` are the rows of a table."""
        if records is not None:
            assert self._features is not None
            targets = self._features.target(records)
            assert targets is not None
        else:
            self.file._reader.check_length()  # before the map of a file that has been cut short is touched
            labels = self.labels
            assert labels is not None
            targets = labels[index]
        if self.target_transform is not None:
            plain = targets.tolist() if targets.ndim == 1 else list(torch.from_numpy(targets))
            return [self.target_transform(target) for target in plain]
        if targets.ndim == 1 and targets.dtype.kind in "iu":
            if targets.dtype == np.uint64 and targets.size and targets.max() > np.iinfo(np.int64).max:
                return torch.from_numpy(targets)
            targets = targets.astype(np.int64, copy=False)
        return torch.from_numpy(targets)

    def __getstate__(self) -> dict[str, Any]:
        # The labels are a view of this process's mapping; the other process makes its own.
        return {**self.__dict__, "_labels": None, "_targets": None}

    def __repr__(self) -> str:
        return f"CompressedDataset({self.file!r}, sample_type={self._sample_type!r})"


def _is_augmentation(transform: Any) -> bool:
    from .augment import Augmentation

    return isinstance(transform, Augmentation)


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

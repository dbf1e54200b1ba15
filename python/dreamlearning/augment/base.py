"""What every augmentation is, and how several become one.

In: a batch of images, the numbers of its samples, the epoch. Out: the batch, after one operation or several.
A key says which operation draws: it is made of the seeds and of the operation's name and place when the
object is made, never while it runs.
"""

import operator
import zlib
from collections.abc import Iterable
from typing import Any, ClassVar

import torch

from .random import SampleNumbers, as_numbers, operation_key

__all__ = ["Augmentation", "Compose"]


class Augmentation:
    """One operation on a batch of images.

    For an operation of your own derive from this class, call ``super().__init__(seed)`` and write
    :meth:`apply`. A class's name is part of its key: another name draws other numbers.

    Args:
        seed: any integer; another seed draws other numbers.

    Attributes:
        random: whether the operation draws random numbers, and so needs an index.

    Example:
        >>> class Negative(Augmentation):
        ...     random = True
        ...
        ...     def apply(self, images, numbers, key):
        ...         negative = numbers.bits(key) % 2 == 1
        ...         return torch.where(negative[:, None, None, None], 255 - images, images)
        >>> images = torch.zeros(4, 1, 1, 1, dtype=torch.uint8)
        >>> Negative(seed=1)(images, index=torch.arange(4)).flatten().tolist()
        [0, 255, 0, 0]
    """

    random: ClassVar[bool] = False

    def __init__(self, seed: int = 0) -> None:
        try:
            self.seed = operator.index(seed)
        except TypeError as error:
            raise TypeError(f"seed is {seed!r}; give an integer") from error
        self._plan = self.steps()
        self._random = any(step.random for step, _ in self._plan)

    def __call__(
        self, images: torch.Tensor, index: Any = None, epoch: int | torch.Tensor = 0
    ) -> torch.Tensor:
        """The augmented batch.

        Args:
            images: (B, C, H, W) of any dtype, on any device; never changed.
            index: numbers of the samples in the data set: int64 of shape (B,), on any device. May be left out
                where nothing is random.
            epoch: an integer from 0, or an int64 tensor of no axes.

        Raises:
            TypeError: images that are no tensor, an index or an epoch that are no integers.
            ValueError: images without four axes, an index that is missing or of another length.
        """
        if not isinstance(images, torch.Tensor):
            raise TypeError(f"images is a {type(images).__name__}; give a tensor of shape (B, C, H, W)")
        if images.ndim != 4:
            raise ValueError(
                f"images has shape {tuple(images.shape)}; give (B, C, H, W), for one image images[None]"
            )
        numbers = None
        if self._random:
            if index is None:
                raise ValueError(
                    f"{type(self).__name__} is random for each sample and needs index=, the numbers of the "
                    "samples in the data set (B,), such as CompressedDataset(..., return_index=True) gives"
                )
            numbers = as_numbers(images, index, epoch)
        for step, key in self._plan:
            images = step.apply(images, numbers, key)
        return images

    def apply(self, images: torch.Tensor, numbers: SampleNumbers | None, key: int) -> torch.Tensor:
        """The operation itself, on a batch that has been checked.

        Args:
            images: (B, C, H, W); not to be changed.
            numbers: gives random bits for each sample; ``None`` where no operation in use is random.
            key: what to ask ``numbers`` with.
        """
        raise NotImplementedError(f"{type(self).__name__} has no apply()")

    def steps(self, *place: int) -> list[tuple["Augmentation", int]]:
        """The operations to apply, in order, each with its key; ``place`` says where in what else this is."""
        return [(self, operation_key(*place, self.seed, zlib.crc32(type(self).__name__.encode())))]

    def __repr__(self) -> str:
        shown = {k: v for k, v in vars(self).items() if k[0] != "_" and (k != "seed" or self._random)}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in shown.items())})"


class Compose(Augmentation):
    """Several augmentations, one after the other.

    Args:
        operations: :class:`Augmentation` objects; another ``Compose`` is one of them. An operation's place in
            the list is part of what it draws, so two equal ones draw differently.
        seed: any integer; used on top of the seeds of the operations.

    Raises:
        TypeError: an operation that is no :class:`Augmentation`.

    Example:
        >>> from dreamlearning.augment import HorizontalFlip, RandomCrop
        >>> Compose([RandomCrop(padding=4), HorizontalFlip()], seed=1)(
        ...     torch.zeros(2, 3, 32, 32), index=torch.tensor([8, 3]), epoch=0
        ... ).shape
        torch.Size([2, 3, 32, 32])
    """

    def __init__(self, operations: Iterable[Augmentation], seed: int = 0) -> None:
        if not isinstance(operations, Iterable):
            raise TypeError(f"operations is {operations!r}; give a list of augmentations")
        self.operations = tuple(operations)
        for place, operation in enumerate(self.operations):
            if not isinstance(operation, Augmentation):
                raise TypeError(
                    f"operations[{place}] is {operation!r}; give objects of dreamlearning.augment, and call "
                    "anything else before or after"
                )
        super().__init__(seed)

    def steps(self, *place: int) -> list[tuple[Augmentation, int]]:
        """All operations, those of a ``Compose`` inside included."""
        return [
            step
            for number, operation in enumerate(self.operations)
            for step in operation.steps(*place, self.seed, number)
        ]

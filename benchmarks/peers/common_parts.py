"""What several peers share: the order of a shuffled epoch, PNG, and stores that keep bytes.

In: numbers of samples, seeds, arrays. Out: index arrays, PNG bytes, tensors.
"""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image


def index_batches(n: int, batch_size: int, share: float, seed: int) -> Iterator[NDArray[np.int64]]:
    """The batches of an epoch: ``share`` of n samples, shuffled anew for each seed."""
    order = np.random.default_rng(seed).permutation(n)[: max(1, round(n * share))]
    for first in range(0, len(order), batch_size):
        yield order[first : first + batch_size]


class RandomShare(torch.utils.data.Sampler[int]):
    """The same order for a torch ``DataLoader``; :attr:`seed` is set before each epoch."""

    def __init__(self, n: int, share: float) -> None:
        self.n, self.share, self.seed = n, share, 0

    def __len__(self) -> int:
        return max(1, round(self.n * self.share))

    def __iter__(self) -> Iterator[int]:
        for batch in index_batches(self.n, self.n, self.share, self.seed):
            yield from batch.tolist()


def png(image: NDArray[np.uint8]) -> bytes:
    """One image as PNG with Pillow's default settings."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def from_pngs(encoded: Iterable[bytes | memoryview]) -> torch.Tensor:
    """Decoded with Pillow: uint8 (k, H, W, 3)."""
    return torch.from_numpy(np.stack([np.asarray(Image.open(io.BytesIO(one))) for one in encoded]))


def from_raw(records: Iterable[bytes], shape: tuple[int, ...]) -> torch.Tensor:
    """Records of raw pixels as one uint8 tensor (k, H, W, 3) of its own memory."""
    return torch.frombuffer(bytearray(b"".join(records)), dtype=torch.uint8).reshape(-1, *shape)


def write_beside(images: NDArray[np.uint8], labels: NDArray[np.int64], folder: Path) -> None:
    """Labels and the shape of an image, for stores that know only bytes."""
    np.save(folder / "labels.npy", labels)
    np.save(folder / "shape.npy", images.shape[1:])


def read_beside(folder: Path) -> tuple[torch.Tensor, tuple[int, ...]]:
    """What :func:`write_beside` wrote."""
    return torch.from_numpy(np.load(folder / "labels.npy")), tuple(np.load(folder / "shape.npy").tolist())

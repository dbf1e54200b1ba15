"""Our own loaders: ``CompressedDataset`` in a stock ``DataLoader``, ``Loader``, and decoding alone."""

import dreamlearning
import numpy as np
from torch.utils.data import DataLoader

from .common_parts import index_batches

PACKAGES = ("dreamlearning",)


def write(images, labels, folder, *, preset, **_):
    dreamlearning.compress((images, labels), folder / "data.gede", preset=preset, progress=False).close()


def reader(folder, batch_size, share, *, preset, way, workers, channels_last=False):
    path = folder / "data.gede"
    if way == "decode":
        return _bare(dreamlearning.open(path), batch_size, share)
    layout = {"channels_last": True} if channels_last else {}
    dataset = dreamlearning.CompressedDataset(path, **layout)
    sampler = dreamlearning.SubsetSampler(dataset, share)
    if way == "loader":
        loader = dreamlearning.Loader(
            dataset, batch_size=batch_size, sampler=sampler, num_threads=workers, prefetch=4
        )
    else:
        loader = DataLoader(
            dataset, batch_size, sampler=sampler, num_workers=workers, persistent_workers=workers > 0
        )

    def epoch(seed):
        sampler.set_epoch(seed)
        return iter(loader)

    return epoch


def _bare(file, batch_size, share):
    """One thread into one buffer that every batch overwrites."""
    labels, buffer = file.labels, np.empty((batch_size, *file.shape), file.dtype)

    def epoch(seed):
        for chosen in index_batches(len(file), batch_size, share, seed):
            yield file.decode(chosen, out=buffer[: len(chosen)], num_threads=1), labels[chosen]

    return epoch

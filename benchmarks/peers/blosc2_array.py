"""A blosc2 array, one image a block, zstd and bit shuffling."""

import blosc2
import numpy as np
import torch

from .common_parts import index_batches

PACKAGES = ("blosc2",)


def write(images, labels, folder):
    in_chunk = 1024 if images[0].nbytes < 65_536 else 16
    blosc2.asarray(
        images,
        urlpath=str(folder / "images.b2nd"),
        chunks=(min(in_chunk, len(images)), *images.shape[1:]),
        blocks=(1, *images.shape[1:]),
        cparams={"codec": blosc2.Codec.ZSTD, "clevel": 5, "filters": [blosc2.Filter.BITSHUFFLE]},
    )
    np.save(folder / "labels.npy", labels)


def reader(folder, batch_size, share):
    images = blosc2.open(str(folder / "images.b2nd"), mode="r")
    labels = torch.from_numpy(np.load(folder / "labels.npy"))
    small = images[0].nbytes < 65_536  # one indexed read is faster for these, one image at a time for others

    def epoch(seed):
        for chosen in index_batches(len(labels), batch_size, share, seed):
            increasing = np.sort(chosen)
            batch = (
                np.asarray(images[increasing]) if small else np.stack([images[int(i)] for i in increasing])
            )
            yield torch.from_numpy(batch), labels[increasing]

    return epoch

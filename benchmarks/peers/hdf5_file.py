"""HDF5 in compressed chunks, through h5py; an image at a time.

One indexed read for a batch is 4 to 30 times as slow.
"""

import h5py
import hdf5plugin
import numpy as np
import torch

from .common_parts import index_batches

PACKAGES = ("h5py", "hdf5plugin")


def write(images, labels, folder, *, kind):
    if kind == "one":
        in_chunk = 1
        filters = hdf5plugin.Blosc2(cname="zstd", clevel=5, filters=hdf5plugin.Blosc2.BITSHUFFLE)
    else:
        in_chunk = 128 if images[0].nbytes < 65_536 else 8
        filters = hdf5plugin.Zstd(clevel=3)
    chunks = (min(in_chunk, len(images)), *images.shape[1:])
    with h5py.File(folder / "images.h5", "w") as file:
        file.create_dataset("images", data=images, chunks=chunks, **filters)
        file["labels"] = labels


def reader(folder, batch_size, share, *, kind):
    file = h5py.File(folder / "images.h5", "r")
    images, labels = file["images"], torch.from_numpy(file["labels"][:])

    def epoch(seed):
        for chosen in index_batches(len(labels), batch_size, share, seed):
            # In increasing order, so that a chunk of many images may still be in the cache for the next.
            increasing = np.sort(chosen)
            yield torch.from_numpy(np.stack([images[i] for i in increasing])), labels[increasing]

    return epoch

"""zarr v3, chunks in shards, Blosc with zstd and bit shuffling."""

import numpy as np
import torch
import zarr
from zarr.codecs import BloscCodec

from .common_parts import index_batches

PACKAGES = ("zarr",)


def write(images, labels, folder):
    in_chunk, in_shard = (128, 12_800) if images[0].nbytes < 65_536 else (1, 128)
    in_chunk = min(in_chunk, len(images))
    in_shard = min(in_shard, len(images) // in_chunk * in_chunk)
    array = zarr.create_array(
        folder / "images.zarr",
        shape=images.shape,
        dtype=images.dtype,
        chunks=(in_chunk, *images.shape[1:]),
        shards=(in_shard, *images.shape[1:]),
        compressors=BloscCodec(cname="zstd", clevel=5, shuffle="bitshuffle"),
    )
    array[:] = images
    np.save(folder / "labels.npy", labels)


def reader(folder, batch_size, share):
    images = zarr.open_array(folder / "images.zarr", mode="r")
    labels = torch.from_numpy(np.load(folder / "labels.npy"))
    small = images[0].nbytes < 65_536  # one indexed read is faster for these, one image at a time for others

    def epoch(seed):
        for chosen in index_batches(len(labels), batch_size, share, seed):
            increasing = np.sort(chosen)
            batch = (
                np.asarray(images.oindex[increasing])
                if small
                else np.stack([images[int(i)] for i in increasing])
            )
            yield torch.from_numpy(batch), labels[increasing]

    return epoch

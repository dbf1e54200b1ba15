"""WebDataset: tar shards, read in shuffled order through a buffer."""

import random

import numpy as np
import torch
import webdataset as wds

from .common_parts import png

PACKAGES = ("webdataset",)
SHARD_BYTES = 16 << 20


def write(images, labels, folder, *, kind):
    most = max(1, SHARD_BYTES // images[0].nbytes)
    with wds.ShardWriter(str(folder / "shard-%04d.tar"), maxcount=most, verbose=0) as shards:
        for number, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
            payload = png(image) if kind == "png" else image
            shards.write({"__key__": f"{number:06}", kind: payload, "cls": label})


def reader(folder, batch_size, share, *, kind):
    shards = sorted(map(str, folder.glob("*.tar")))

    def epoch(seed):
        rng = random.Random(seed)
        samples = wds.WebDataset(shards, shardshuffle=len(shards), seed=seed)
        if share < 1:
            samples = samples.select(lambda _: rng.random() < share)
        samples = samples.shuffle(1000, rng=rng).decode("rgb8").to_tuple(kind, "cls").batched(batch_size)
        for batch, labels in samples:
            yield torch.from_numpy(np.asarray(batch)), torch.as_tensor(labels)

    return epoch

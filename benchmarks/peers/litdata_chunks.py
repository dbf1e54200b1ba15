"""LitData: chunks compressed with zstd, with its own shuffle and loader."""

import torch
from litdata import StreamingDataLoader, StreamingDataset
from litdata.streaming.cache import Cache

PACKAGES = ("litdata",)


def write(images, labels, folder):
    cache = Cache(str(folder / "chunks"), chunk_bytes="16MB", compression="zstd")
    for number, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        cache[number] = {"image": torch.from_numpy(image), "label": label}
    cache.done()
    cache.merge(1)


def reader(folder, batch_size, share):
    # The cache, where chunks are inflated, is put where it is counted.
    dataset = StreamingDataset(
        str(folder / "chunks"), cache_dir=str(folder / "cache"), shuffle=True, subsample=float(share)
    )
    loader = StreamingDataLoader(dataset, batch_size=batch_size, num_workers=0)

    def epoch(_seed):  # its order advances with each epoch
        for batch in loader:
            yield batch["image"], batch["label"]

    return epoch

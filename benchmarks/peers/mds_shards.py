"""MosaicML Streaming: MDS shards on local disk, with its own shuffle."""

import numpy as np
import torch
from PIL import Image
from streaming import MDSWriter, StreamingDataset
from streaming.base.util import clean_stale_shared_memory
from torch.utils.data import DataLoader

PACKAGES = ("mosaicml-streaming",)


def write(images, labels, folder, *, kind):
    clean_stale_shared_memory()  # of a run that was killed
    shape = ",".join(map(str, images.shape[1:]))
    columns = {"image": "png" if kind == "png" else f"ndarray:uint8:{shape}", "label": "int"}
    compression = None if kind == "png" else "zstd:3"
    with MDSWriter(out=str(folder), columns=columns, compression=compression) as shards:
        for image, label in zip(images, labels.tolist(), strict=True):
            shards.write({"image": Image.fromarray(image) if kind == "png" else image, "label": label})


def reader(folder, batch_size, share, *, kind):
    size = None if share == 1 else round(share * len(StreamingDataset(local=str(folder), batch_size=1)))
    dataset = StreamingDataset(local=str(folder), shuffle=True, batch_size=batch_size, epoch_size=size)
    loader = DataLoader(dataset, batch_size, collate_fn=_collate)
    return lambda _seed: iter(loader)  # its order advances with each epoch


def _collate(samples):
    images = np.stack([np.asarray(sample["image"]) for sample in samples])
    return torch.from_numpy(images), torch.tensor([sample["label"] for sample in samples])

"""Hugging Face datasets: an Arrow table with PNG images or with ``Array3D``, in a stock ``DataLoader``."""

import datasets
from torch.utils.data import DataLoader

from .common_parts import RandomShare, png

PACKAGES = ("datasets", "pyarrow")
datasets.disable_progress_bars()


def write(images, labels, folder, *, kind):
    if kind == "png":
        column, feature = [{"bytes": png(image), "path": None} for image in images], datasets.Image()
    else:
        column, feature = images, datasets.Array3D(images.shape[1:], "uint8")
    features = datasets.Features({"image": feature, "label": datasets.Value("int64")})
    table = datasets.Dataset.from_dict({"image": column, "label": labels}, features=features)
    table.save_to_disk(folder)


def reader(folder, batch_size, share, *, kind):
    table = datasets.load_from_disk(folder).with_format("torch")
    sampler = RandomShare(len(table), share)
    loader = DataLoader(table, batch_size, sampler=sampler)

    def epoch(seed):
        sampler.seed = seed
        for batch in loader:
            yield batch["image"], batch["label"]

    return epoch

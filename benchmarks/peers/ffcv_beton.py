"""FFCV, uncompressed, with its own loader."""

import numpy as np
from ffcv.fields import IntField, NDArrayField
from ffcv.fields.decoders import IntDecoder, NDArrayDecoder
from ffcv.loader import Loader, OrderOption
from ffcv.transforms import Squeeze, ToTensor
from ffcv.writer import DatasetWriter

from .common_parts import index_batches

PACKAGES = ("ffcv", "numba")


def write(images, labels, folder, **_):
    class Rows:
        def __len__(self):
            return len(images)

        def __getitem__(self, index):
            return np.asarray(images[index]), int(labels[index])

    fields = {"image": NDArrayField(images.dtype, images.shape[1:]), "label": IntField()}
    DatasetWriter(str(folder / "images.beton"), fields, num_workers=1).from_indexed_dataset(Rows())
    np.save(folder / "length.npy", len(images))


def reader(folder, batch_size, share, *, workers):
    chosen = None
    if share < 1:
        n = int(np.load(folder / "length.npy"))
        chosen = next(index_batches(n, n, share, 0))
    loader = Loader(
        str(folder / "images.beton"),
        batch_size=batch_size,
        num_workers=workers,
        order=OrderOption.RANDOM,
        os_cache=True,
        drop_last=False,
        indices=chosen,
        pipelines={"image": [NDArrayDecoder(), ToTensor()], "label": [IntDecoder(), ToTensor(), Squeeze(1)]},
    )
    return lambda _seed: iter(loader)  # its order advances with each epoch

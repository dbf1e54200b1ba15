"""Lance: PNG in a binary column, or pixels in a fixed-size list, read with ``take``."""

import lance
import numpy as np
import pyarrow as pa
import torch

from .common_parts import from_pngs, from_raw, index_batches, png

PACKAGES = ("pylance", "pyarrow")


def write(images, labels, folder, *, kind):
    if kind == "png":
        column = pa.array([png(image) for image in images], pa.binary())
    else:
        column = pa.FixedSizeListArray.from_arrays(pa.array(images.reshape(-1)), images[0].size)
    lance.write_dataset(pa.table({"image": column, "label": labels}), str(folder / "images.lance"))
    np.save(folder / "shape.npy", images.shape[1:])


def reader(folder, batch_size, share, *, kind):
    table = lance.dataset(str(folder / "images.lance"))
    shape, n = tuple(np.load(folder / "shape.npy").tolist()), table.count_rows()

    def epoch(seed):
        for chosen in index_batches(n, batch_size, share, seed):
            rows = table.take(chosen.tolist())
            if kind == "png":
                images = from_pngs(memoryview(one.as_buffer()) for one in rows["image"])
            else:
                images = from_raw((chunk.flatten().to_numpy() for chunk in rows["image"].chunks), shape)
            yield images, torch.from_numpy(rows["label"].to_numpy())

    return epoch

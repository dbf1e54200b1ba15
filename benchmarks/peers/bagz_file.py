"""bagz: records, each compressed with zstd."""

import bagz

from .common_parts import from_raw, index_batches, read_beside, write_beside

PACKAGES = ("bagz",)


def write(images, labels, folder):
    with bagz.Writer(str(folder / "images.bagz")) as writer:
        for image in images:
            writer.write(image.tobytes())
    write_beside(images, labels, folder)


def reader(folder, batch_size, share):
    records = bagz.Reader(str(folder / "images.bagz"))
    labels, shape = read_beside(folder)

    def epoch(seed):
        for chosen in index_batches(len(labels), batch_size, share, seed):
            yield from_raw(records.read_indices(chosen.tolist()), shape), labels[chosen]

    return epoch

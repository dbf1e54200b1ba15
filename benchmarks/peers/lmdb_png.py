"""LMDB with PNG values."""

import lmdb

from .common_parts import from_pngs, index_batches, png, read_beside, write_beside

PACKAGES = ("lmdb",)


def write(images, labels, folder):
    environment = lmdb.open(str(folder), map_size=2 * images.nbytes + (64 << 20))
    with environment, environment.begin(write=True) as transaction:
        for number, image in enumerate(images):
            transaction.put(b"%08d" % number, png(image))
    write_beside(images, labels, folder)


def reader(folder, batch_size, share):
    environment = lmdb.open(str(folder), readonly=True, lock=False, readahead=False)
    transaction = environment.begin(buffers=True)
    labels, _shape = read_beside(folder)

    def epoch(seed):
        for chosen in index_batches(len(labels), batch_size, share, seed):
            yield from_pngs(transaction.get(b"%08d" % number) for number in chosen), labels[chosen]

    return epoch

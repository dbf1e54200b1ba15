"""ArrayRecord, one record a group, zstd."""

from array_record.python.array_record_module import ArrayRecordReader, ArrayRecordWriter

from .common_parts import from_raw, index_batches, read_beside, write_beside

PACKAGES = ("array-record",)


def write(images, labels, folder):
    writer = ArrayRecordWriter(str(folder / "images.array_record"), "group_size:1,zstd:3")
    for image in images:
        writer.write(image.tobytes())
    writer.close()
    write_beside(images, labels, folder)


def reader(folder, batch_size, share):
    records = ArrayRecordReader(str(folder / "images.array_record"), "readahead_buffer_size:0")
    labels, shape = read_beside(folder)

    def epoch(seed):
        for chosen in index_batches(len(labels), batch_size, share, seed):
            yield from_raw(records.read(chosen.tolist()), shape), labels[chosen]

    return epoch

"""Promise: an epoch of the LocalitySampler is complete and shuffled, and reads a few stretches at a time."""

import itertools
import struct

import dreamlearning
import numpy as np
import pytest
from dreamlearning import CompressedDataset, LocalitySampler
from torch.utils.data import Subset

# Orders that scripts in the wild rely on: never edit.
GOLDEN = {  # count: epochs 0 and 1
    20: [
        [16, 17, 11, 10, 15, 9, 14, 0, 13, 2, 1, 12, 5, 19, 4, 18, 3, 7, 6, 8],
        [16, 15, 18, 19, 17, 7, 8, 9, 10, 11, 6, 12, 0, 13, 2, 1, 14, 3, 4, 5],
    ],
    8: [[1, 0, 17, 16, 15, 14, 12, 13], [2, 19, 18, 5, 4, 6, 3, 7]],
}


def stored_rows(file):
    """The row of every sample, from the section `index` (docs/format.md): a bit stream, low bits first."""
    n = len(file)
    content = file.path.read_bytes()
    (table,) = struct.unpack_from("<Q", content, 32)
    entries = (struct.unpack_from("<HHIQQ", content, at) for at in range(table, len(content), 64))
    _, _, _, offset, length = next(entry for entry in entries if entry[0] == 3)
    bits = np.unpackbits(np.frombuffer(content, np.uint8, length, offset), bitorder="little")
    width = (n - 1).bit_length()
    return bits[: n * width].reshape(n, width) @ (1 << np.arange(width))


def test_the_order_never_changes():
    for count, orders in GOLDEN.items():
        sampler = LocalitySampler(range(20), block=3, window=2, seed=3, count=count)
        assert [sampler.indices(e).tolist() for e in (0, 1)] == orders


@pytest.mark.parametrize("partition_by", [None, "label", "group"])
def test_the_order_of_storage(tmp_path, partition_by):
    rng = np.random.default_rng(0)
    samples, labels = rng.integers(0, 255, (500, 6, 5), np.uint8), rng.integers(0, 4, 500)
    source = dreamlearning.sources.Source(
        "named",
        samples,
        {"label": labels, "weight": rng.random(500), "group": rng.integers(-3, 5, 500)},
        classes=["ant", "bee", "cat", "dog"],
    )
    with dreamlearning.compress(source, tmp_path / "x.gede", partition_by=partition_by) as file:
        order = file.storage_order()
        if partition_by is None:
            assert np.array_equal(order, np.arange(500))
        else:
            assert len(file.partitions) > 1
            assert np.array_equal(stored_rows(file)[order], np.arange(500))


def test_partitions_that_no_field_explains(tmp_path):
    """Partitions by what is stored nowhere else: the file itself knows where its samples are."""
    groups = np.random.default_rng(1).integers(0, 3, 40)
    source = dreamlearning.sources.Source("odd", np.zeros((40, 3), np.uint8), {"group": groups})
    dreamlearning.compress(source, tmp_path / "x.gede", partition_by="group").close()
    with dreamlearning.open(tmp_path / "x.gede") as file:
        file._info["fields"].clear()
        assert np.array_equal(file.storage_order(), np.argsort(groups, kind="stable"))


@pytest.mark.parametrize("count", [None, 700])
@pytest.mark.parametrize(("block", "window"), [(20, 3), (50, 1), (7, 8), (1, 5), (5000, 2)])
def test_reads_stay_close_together(digits_path, block, window, count):
    """Measured in rows of a class-wise file, which is read with positioned reads."""
    data = CompressedDataset(digits_path, reading="pread")
    rows = stored_rows(data.file)
    sampler = LocalitySampler(data, block=block, window=window, count=count, seed=5)
    order = np.array(list(sampler))
    assert len(order) == len(np.unique(order)) == len(sampler) == (count or 1797)
    blocks = rows[order] // sampler.block
    # Groups are disjoint, so each begins where a block is new after `window` of them.
    groups, current = [], set()
    for at, number in enumerate(blocks.tolist()):
        if number not in current and len(current) == window:
            groups.append(at)
            current = set()
        current.add(number)
    starts = [0, *groups, len(order)]
    for start, stop in itertools.pairwise(starts):
        assert stop - start <= window * block
        assert len(np.unique(blocks[start:stop])) <= window
        assert not set(blocks[start:stop].tolist()) & set(blocks[stop:].tolist())
    if block == 20 and count is None:  # shuffled, inside a group and as a whole
        places = rows[order]
        assert np.abs(np.diff(places[:60])).mean() > 10
        assert abs(np.corrcoef(places, np.arange(1797))[0, 1]) < 0.3
        assert list(sampler) != order.tolist()


@pytest.mark.parametrize(("n", "block", "count"), [(100, 7, 10), (100, 7, 33), (103, 10, 102), (12, 5, 1)])
def test_epochs_walk_all_samples(n, block, count):
    sampler = LocalitySampler(range(n), block=block, window=2, count=count)
    seen = np.zeros(n, int)
    for epoch in range(150):
        order = sampler.indices(epoch)
        assert len(set(order.tolist())) == count
        # Whole blocks, but for the first and the last one of the epoch and the file's short one.
        _, sizes = np.unique(order // block, return_counts=True)
        assert (sizes < block).sum() <= 3
        seen[order] += 1
        assert seen.max() - seen.min() <= 1


def test_the_default_block_is_about_a_mebibyte(tmp_path):
    samples = np.random.default_rng(0).integers(0, 255, (3000, 40, 40), np.uint8)
    with dreamlearning.compress(samples, tmp_path / "x.gede", preset="raw") as file:
        sampler = LocalitySampler(file)
        bytes_of_a_block = sampler.block * file.info()["file_bytes"] / 3000
        assert 0.99 * 2**20 < bytes_of_a_block <= 2**20
        assert sorted(sampler) == list(range(3000))


def test_resuming(digits_path):
    data = CompressedDataset(digits_path)
    sampler = LocalitySampler(data, block=10, fraction=0.3, seed=8)
    iterator = iter(sampler)
    head = [next(iterator) for _ in range(100)]
    again = LocalitySampler(data, block=10, fraction=0.3)
    again.load_state_dict(sampler.state_dict())
    assert head + list(again) == sampler.indices(0).tolist()
    assert list(again) == sampler.indices(1).tolist()
    for other, key in [
        (LocalitySampler(data, block=11, fraction=0.3), "block"),
        (LocalitySampler(data, block=10, fraction=0.3, window=7), "window"),
        (LocalitySampler(data, block=10, fraction=0.31), "length"),
        (LocalitySampler(range(1797), block=10, fraction=0.3), "storage"),
        (LocalitySampler(range(1796), block=10, count=539), "num_samples"),
    ]:
        with pytest.raises(ValueError, match=key):
            other.load_state_dict(sampler.state_dict())


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"block": 0}, ValueError, "block is 0"),
        ({"block": 1.5}, TypeError, "block"),
        ({"window": 0}, ValueError, "window is 0"),
        ({"window": "8"}, TypeError, "window"),
        ({"fraction": 0.5, "count": 3}, ValueError, "both"),
        ({"fraction": 0}, ValueError, "fraction is 0"),
        ({"count": 1798}, ValueError, "count is 1798"),
        ({"num_replicas": 2, "rank": 2}, ValueError, "rank is 2"),
    ],
)
def test_wrong_arguments(digits_path, options, error, message):
    with pytest.raises(error, match=message):
        LocalitySampler(CompressedDataset(digits_path), **options)


def test_data_sets_without_a_file(digits_path):
    with pytest.raises(ValueError, match=r"range without a \.gede file; give block"):
        LocalitySampler(range(100))
    with pytest.raises(ValueError, match="no samples"):
        LocalitySampler(Subset(CompressedDataset(digits_path), []), block=3)
    assert sorted(LocalitySampler(Subset(CompressedDataset(digits_path), range(9)), block=3)) == list(
        range(9)
    )

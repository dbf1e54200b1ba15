"""Promise: the Loader gives what a stock DataLoader gives, and names wrong arguments."""

import itertools
import time

import dreamlearning
import numpy as np
import pytest
import torch
from dreamlearning import CompressedDataset, Loader, SubsetSampler, augment, crops
from loading import same, threads
from torch.utils.data import BatchSampler, DataLoader, Subset, random_split

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def data(colour):
    return CompressedDataset(colour[0])


@pytest.mark.parametrize("num_threads", [1, 2, 0, 5])
@pytest.mark.parametrize(
    "options", [{}, {"channels_last": True}, {"sample_type": "numpy"}, {"return_index": True}]
)
def test_it_gives_what_a_data_loader_gives(colour, num_threads, options):
    data = CompressedDataset(colour[0], **options)
    for drop_last in (False, True):
        loader = Loader(data, 64, num_threads=num_threads, drop_last=drop_last)
        same(loader, DataLoader(data, 64, drop_last=drop_last))
        assert len(loader) == len(DataLoader(data, 64, drop_last=drop_last))
        sampler = SubsetSampler(data, 0.5, seed=1)
        same(
            Loader(data, 40, sampler=sampler), DataLoader(data, 40, sampler=SubsetSampler(data, 0.5, seed=1))
        )


@pytest.mark.parametrize("preset", ["small", "fast", "paper", "raw"])
@pytest.mark.parametrize("reading", ["mmap", "pread"])
def test_every_preset(colour, tmp_path, preset, reading):
    dreamlearning.compress(colour[1:], tmp_path / "p.gede", preset=preset, partition_by="label").close()
    data = CompressedDataset(tmp_path / "p.gede", reading=reading)
    same(Loader(data, 64), DataLoader(data, 64))


def test_images_of_any_size_and_transforms(imagenet_folder, tmp_path):
    dreamlearning.compress(f"imagefolder:{imagenet_folder}?mode=RGB", tmp_path / "i.gede").close()
    resize = lambda image: torch.from_numpy(np.array(image.resize((32, 32)))).permute(2, 0, 1)  # noqa: E731
    for crop in (None, crops.Center(0.5)):
        data = CompressedDataset(tmp_path / "i.gede", transform=resize, crop=crop)
        same(Loader(data, 4), DataLoader(data, 4))
    # Without a transform they do not stack, and a function of the user's own decides.
    data = CompressedDataset(tmp_path / "i.gede")
    same(
        itertools.chain.from_iterable(Loader(data, 4, collate_fn=list)),
        itertools.chain.from_iterable(DataLoader(data, 4, collate_fn=list)),
    )
    with pytest.raises(RuntimeError, match="stack") as caught:
        list(Loader(data, 4))
    assert "images differ in size" in caught.value.__notes__[0]
    assert threads() == 0


def test_tables_and_samples_without_targets(tmp_path):
    table = np.random.default_rng(0).normal(size=(100, 7)).astype(np.float32)
    dreamlearning.compress(table, tmp_path / "t.gede").close()
    assert torch.equal(torch.cat(list(Loader(tmp_path / "t.gede", 30))), torch.from_numpy(table))
    dreamlearning.compress(np.zeros((5, 0), np.uint8), tmp_path / "e.gede").close()
    assert [batch.shape for batch in Loader(str(tmp_path / "e.gede"), 3)] == [(3, 0), (2, 0)]


def test_subsets_files_and_batch_samplers(data):
    part, _ = random_split(data, [100, 200], torch.Generator().manual_seed(0))
    same(Loader(part, 30), DataLoader(part, 30))
    nested = Subset(part, list(range(50, 0, -1)))
    same(Loader(nested, 30), DataLoader(nested, 30))
    same(
        Loader(nested, 7, sampler=SubsetSampler(nested, 0.5)),
        DataLoader(nested, 7, sampler=SubsetSampler(nested, 0.5)),
    )
    same(Loader(data.file, 100), DataLoader(data, 100))
    batches = BatchSampler(range(0, 300, 3), 16, drop_last=False)
    same(Loader(data, batch_sampler=batches), DataLoader(data, batch_sampler=batches))
    assert len(Loader(data, batch_sampler=batches)) == 7


def test_batches_stay_the_callers(data, colour):
    loader = Loader(data, 16, prefetch=2, num_threads=2)
    kept = [batch for _ in range(3) for batch, _ in loader]
    expected = torch.from_numpy(np.moveaxis(colour[1], -1, 1).copy())
    assert torch.equal(torch.cat(kept), expected.repeat(3, 1, 1, 1))
    addresses = {batch.data_ptr() for batch in kept}
    assert len(addresses) == len(kept)
    del kept
    # Memory that nobody holds is used again: a pass needs no more buffers than are in the works and spare.
    seen = {batch.data_ptr() for batch, _ in loader if batch.add_(1) is batch and len(batch) == 16}
    assert len(seen) <= 10


def test_memory_waits_for_the_consumer(data):
    iterator = iter(Loader(data, 8, prefetch=3, num_threads=1))
    next(iterator)
    reading = iterator.gi_frame.f_locals["reading"]
    for _ in range(20):
        time.sleep(0.005)
        assert reading._core.pending <= 3
    assert len(list(iterator)) == 37


def test_the_order_is_the_same_for_any_number_of_threads(data):
    def orders(**options):
        loader = Loader(
            CompressedDataset(data.file.path, return_index=True), 32, shuffle=True, seed=5, **options
        )
        return [torch.cat([batch[2] for batch in loader]).tolist() for _ in range(3)]

    expected = [SubsetSampler(data, 1.0, seed=5).indices(epoch).tolist() for epoch in range(3)]
    assert orders(num_threads=1) == orders(num_threads=4, prefetch=1) == orders(num_threads=0) == expected


def test_augmentation(data, colour):
    flips = augment.Compose([augment.RandomCrop(2), augment.HorizontalFlip()], seed=1)
    loader = Loader(data, 64, shuffle=True, augment=flips)
    images = torch.from_numpy(np.moveaxis(colour[1], -1, 1).copy())
    for epoch in range(2):
        order = torch.from_numpy(loader.sampler.indices(epoch))
        got = torch.cat([batch for batch, _ in loader])
        assert torch.equal(got, flips(images[order], order, epoch))
    # The same inside the data set.
    inside = CompressedDataset(data.file.path, batch_transform=flips)
    for loader in (Loader(data, 64, augment=flips), Loader(inside, 64)):
        loader.set_epoch(3)
        assert torch.equal(torch.cat([b for b, _ in loader]), flips(images, torch.arange(300), 3))


def test_negative_numbers_and_empty_batches(data):
    flips = augment.Compose([augment.RandomCrop(2), augment.HorizontalFlip()])
    inside = CompressedDataset(data.file.path, batch_transform=flips)
    assert torch.equal(inside[[-1]][0], inside[[299]][0])
    batches = [[-1, 3], [], [299]]
    got = [images for images, _ in Loader(data, batch_sampler=batches, augment=flips)]
    assert [len(images) for images in got] == [2, 0, 1]
    assert torch.equal(got[0][0], got[2][0])


def test_devices(data):
    same(Loader(data, 64, device="cpu"), DataLoader(data, 64))
    assert next(iter(Loader(data, 64, device="meta")))[0].is_meta
    with pytest.raises((RuntimeError, ValueError)):
        Loader(data, 64, device="nowhere")
    if not torch.cuda.is_available():
        with pytest.raises((RuntimeError, AssertionError)):
            Loader(data, 64, device="cuda")
        with pytest.raises(ValueError, match="CUDA"):
            Loader(data, 64, pin_memory=True)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_a_cuda_device(data):
    loader = Loader(data, 64, device="cuda", prefetch=2)
    for _ in range(2):
        batches = [(images.clone(), labels) for images, labels in loader]
        assert all(images.is_cuda and labels.is_cuda for images, labels in batches)
        same([[images.cpu(), labels.cpu()] for images, labels in batches], DataLoader(data, 64))


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"prefetch": 0}, ValueError, "prefetch"),
        ({"num_threads": -1}, ValueError, "num_threads"),
        ({"on_error": "ignore"}, ValueError, "on_error"),
        ({"sampler": [1], "shuffle": True}, ValueError, "excludes"),
        ({"batch_sampler": [[1]], "batch_size": 3}, ValueError, "excludes"),
        ({"batch_sampler": [[1]], "drop_last": True}, ValueError, "excludes"),
        ({"batch_size": 1.5}, TypeError, "batch_size is 1.5"),
        ({"prefetch": "2"}, TypeError, "prefetch is '2'"),
        ({"num_threads": None}, TypeError, "num_threads is None"),
        ({"sampler": 5}, TypeError, "sampler is 5"),
        ({"batch_sampler": 5}, TypeError, "batch_sampler is 5"),
        ({"augment": 5}, TypeError, "augment is 5"),
        ({"collate_fn": "list"}, TypeError, "collate_fn is 'list'"),
    ],
)
def test_wrong_arguments(data, arguments, error, match):
    with pytest.raises(error, match=match):
        Loader(data, **arguments)


def test_wrong_data_sets_and_orders(data, tmp_path):
    with pytest.raises(TypeError, match="DataLoader"):
        Loader([1, 2, 3])
    with pytest.raises(FileNotFoundError):
        Loader(tmp_path / "none.gede")
    got = []
    with pytest.raises(IndexError, match="300"):
        got.extend(Loader(data, 2, sampler=[0, 1, 2, 3, 300], prefetch=4))
    assert len(got) == 2  # what comes before is good
    with pytest.raises(IndexError, match="Subset of 10; make it for the Subset"):
        list(Loader(Subset(data, range(10)), 2, sampler=SubsetSampler(data, 0.5)))
    with pytest.raises(TypeError):
        list(Loader(data, 2, sampler=["a"]))
    with pytest.raises(TypeError, match="length"):
        len(Loader(data, 2, sampler=iter([1])))
    with pytest.raises(ValueError, match="no samples"):
        Loader(Subset(data, []), shuffle=True)
    assert list(Loader(Subset(data, []))) == []
    assert threads() == 0


def test_repr(data):
    assert "batch_size=8" in repr(Loader(data, 8))

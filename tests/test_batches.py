"""Promise: a stock DataLoader gets whole batches, as it would have stacked them itself, whatever stands
between."""

import pickle

import dreamlearning
import numpy as np
import pytest
import torch
from dreamlearning import CompressedDataset, SubsetSampler, augment
from dreamlearning.batch_view import BatchView, Sample
from torch.utils.data import (
    ConcatDataset,
    DataLoader,
    StackDataset,
    Subset,
    default_collate,
    random_split,
)

START_METHODS = ["fork", "spawn", "forkserver"]


@pytest.fixture
def data(colour):
    return CompressedDataset(colour[0])


def planes(images):
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(images, -1, 1)))


def check(batches, images, labels):
    assert torch.equal(torch.cat([batch[0] for batch in batches]), planes(images))
    targets = torch.cat([batch[1] for batch in batches])
    assert targets.dtype == torch.int64
    assert targets.tolist() == labels.tolist()


def test_no_sample_is_made(data, colour, monkeypatch):
    """torch looks at the first one to know the type; nobody looks at another."""
    looked_at = []
    get = BatchView.__getitem__
    monkeypatch.setattr(BatchView, "__getitem__", lambda view, i: looked_at.append(i) or get(view, i))
    check(list(DataLoader(data, 100)), *colour[1:])
    assert looked_at == [0, 0, 0]


@pytest.mark.parametrize("preset", ["small", "fast", "raw"])
@pytest.mark.parametrize("reading", ["mmap", "pread"])
def test_batches_belong_to_the_caller(colour, tmp_path, preset, reading):
    _, images, labels = colour
    dreamlearning.compress((images, labels), tmp_path / "c.gede", preset=preset).close()
    data = CompressedDataset(tmp_path / "c.gede", reading=reading)
    for _ in range(2):
        for batch, targets in DataLoader(data, 64):
            assert batch.dtype == torch.uint8
            assert batch.is_contiguous()
            batch.fill_(7)
            targets.fill_(7)
    check(list(DataLoader(data, 64)), images, labels)


def test_channels_last(colour):
    _, images, labels = colour
    data = CompressedDataset(colour[0], channels_last=True)
    batches = list(DataLoader(data, 64))
    check(batches, images, labels)
    assert all(batch.is_contiguous(memory_format=torch.channels_last) for batch, _ in batches)
    assert data[3][0].shape == (3, 16, 16)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32", "float64"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_channels_of_any_type(tmp_path, dtype, channels):
    samples = np.random.default_rng(0).integers(0, 200, (40, 5, 7, channels)).astype(dtype)
    dreamlearning.compress(samples, tmp_path / "s.gede").close()
    for channels_last in (False, True):
        data = CompressedDataset(tmp_path / "s.gede", channels_last=channels_last)
        batch = next(iter(DataLoader(data, 40)))
        assert batch.dtype == getattr(torch, dtype)
        assert torch.equal(batch, planes(samples))
        assert torch.equal(data[7], batch[7])


def test_the_file_itself_brings_channels_forward(colour, digits_file):
    path, images, _ = colour
    file = dreamlearning.open(path)
    expected = planes(images).numpy()
    assert np.array_equal(file.decode([4, -1], channels_first=True), expected[[4, -1]])
    out = np.empty((300, 3, 16, 16), np.uint8)
    assert file.decode(slice(None), out=out, num_threads=2, channels_first=True) is out
    assert np.array_equal(out, expected)
    with pytest.raises(ValueError, match="shape"):
        file.decode([0], out=np.empty((1, 16, 16, 3), np.uint8), channels_first=True)
    with pytest.raises(ValueError, match="no last axis"):
        digits_file.decode([0], channels_first=True)


def test_wrappers(data, colour):
    _, images, labels = colour
    order = np.random.default_rng(0).permutation(300)
    check(list(DataLoader(Subset(data, order.tolist()), 64)), images[order], labels[order])
    part, rest = random_split(data, [100, 200], torch.Generator().manual_seed(0))
    for piece in (part, rest):
        check(list(DataLoader(piece, 30)), images[piece.indices], labels[piece.indices])
    check(
        list(DataLoader(ConcatDataset([part, data]), 64)),
        *(np.concatenate([column[part.indices], column]) for column in (images, labels)),
    )
    stacked = list(DataLoader(StackDataset(left=data, right=part.dataset), 64))
    for side in ("left", "right"):
        check([batch[side] for batch in stacked], images, labels)
    check(
        list(DataLoader(StackDataset(data, data), 64, collate_fn=lambda b: default_collate(b)[0])),
        images,
        labels,
    )


def test_a_collate_function_sees_a_sequence(data, colour):
    _, images, labels = colour
    seen = []

    def collate(batch):
        seen.append((len(batch), type(batch[0])))
        assert [target for _, target in batch] == [batch[i][1] for i in range(len(batch))]
        assert isinstance(batch[1:3], BatchView)
        return torch.stack([image for image, _ in batch]), torch.tensor([target for _, target in batch])

    check(list(DataLoader(data, 128, collate_fn=collate)), images, labels)
    assert seen == [(128, Sample), (128, Sample), (44, Sample)]
    assert isinstance(data[0], tuple)
    assert not isinstance(data[0], Sample)
    assert type(data[0][1]) is int


def test_batches_asked_for_whole(data, colour):
    path, images, labels = colour
    sampler = torch.utils.data.BatchSampler(range(300), 64, drop_last=False)
    check(list(DataLoader(data, sampler=sampler, batch_size=None)), images, labels)
    check([data[:150], data[torch.arange(150, 300)]], images, labels)
    assert len(data[np.arange(300) < 7][0]) == 7
    assert [target for _, target in CompressedDataset(path, sample_type="pil")[:4]] == labels[:4].tolist()
    with pytest.raises(TypeError):
        data["3"]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("method", START_METHODS)
def test_workers_hand_over_shared_memory(data, colour, method):
    _, images, labels = colour
    loader = DataLoader(
        data,
        64,
        num_workers=2,
        persistent_workers=True,
        multiprocessing_context=method,
        timeout=120,
    )
    for _ in range(2):
        batches = list(loader)
        check(batches, images, labels)
        assert all(batch.is_shared() for batch, _ in batches)
        batches[0][0].fill_(1)  # writable, and nobody else's


def test_samples_without_targets(colour, tmp_path):
    images = colour[1]
    dreamlearning.compress(images, tmp_path / "i.gede").close()
    for sample_type, expected in (("tensor", planes(images)), ("numpy", torch.from_numpy(images))):
        data = CompressedDataset(tmp_path / "i.gede", sample_type=sample_type)
        view = data.__getitems__(range(300))
        assert default_collate(view) is not view
        assert torch.equal(torch.cat(list(DataLoader(data, 77))), expected)
        assert torch.equal(torch.as_tensor(data[8]), expected[8])
    # What is no view is collated as ever.
    assert torch.equal(
        default_collate([torch.ones(2), torch.zeros(2)]), torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    )
    assert default_collate([np.ones(2)]).shape == (1, 2)


@pytest.mark.parametrize(
    ("labels", "dtype", "kind"),
    [
        (np.arange(20, dtype=np.uint8), torch.int64, int),
        (np.arange(20, dtype=np.int32) - 5, torch.int64, int),
        (np.arange(20, dtype=np.uint64), torch.int64, int),
        (np.arange(20, dtype=np.uint64) + 2**63, torch.uint64, int),
        (np.arange(20) % 2 == 0, torch.bool, bool),
        (np.linspace(0, 1, 20, dtype=np.float32), torch.float32, torch.Tensor),
        (np.linspace(0, 1, 20), torch.float64, torch.Tensor),
        (np.arange(80, dtype=np.uint8).reshape(20, 4), torch.uint8, torch.Tensor),
    ],
)
def test_targets_of_any_type(tmp_path, labels, dtype, kind):
    dreamlearning.compress((np.zeros((20, 3), np.uint8), labels), tmp_path / "l.gede").close()
    data = CompressedDataset(tmp_path / "l.gede")
    targets = torch.cat([batch[1] for batch in DataLoader(data, 8)])
    assert targets.dtype == dtype
    assert np.array_equal(targets.numpy(), labels)
    target = data[3][1]
    assert isinstance(target, kind)
    assert np.array_equal(target, labels[3])
    if dtype != torch.uint64:  # torch itself cannot make one of Python's integers
        assert default_collate([data[i][1] for i in range(4)]).dtype == dtype


def test_numbers_of_samples_and_transforms_of_targets(colour):
    path, _, labels = colour
    data = CompressedDataset(path, target_transform=lambda target: target * 2.0, return_index=True)
    _, targets, index = next(iter(DataLoader(data, 50, sampler=SubsetSampler(data, 0.5, seed=1))))
    assert index.tolist() == SubsetSampler(data, 0.5, seed=1).indices(0)[:50].tolist()
    assert targets.tolist() == (labels[index] * 2.0).tolist()
    assert data[-1][1:] == (labels[299] * 2.0, 299)
    transformed = CompressedDataset(path, transform=lambda image: 3, return_index=True)
    assert transformed[5] == (3, labels[5], 5)


def test_batch_transform(colour):
    path, images, _ = colour
    data = CompressedDataset(path, batch_transform=lambda batch: batch.float() / 255)
    batches = list(DataLoader(data, 64))
    assert torch.equal(torch.cat([batch for batch, _ in batches]), planes(images).float() / 255)
    assert torch.equal(data[4][0], planes(images)[4].float() / 255)
    # After `transform`, on what it returned.
    both = CompressedDataset(
        path,
        transform=lambda image: torch.from_numpy(np.array(image)),
        batch_transform=lambda batch: batch.long() * 2,
    )
    assert torch.equal(both[4][0], torch.from_numpy(images[4]).long() * 2)
    for wrong in (lambda batch: batch[:-1], lambda batch: None):
        with pytest.raises(ValueError, match="one entry for each sample"):
            CompressedDataset(path, batch_transform=wrong)[0]
    with pytest.raises(ValueError, match="stack"):
        CompressedDataset(path, transform=lambda image: "no", batch_transform=lambda batch: batch)[0]
    with pytest.raises(ValueError, match="pil"):
        CompressedDataset(path, sample_type="pil", batch_transform=lambda batch: batch)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("method", START_METHODS)
def test_augmentations_know_sample_and_epoch_in_workers(colour, method):
    path, images, _ = colour
    flips = augment.Compose([augment.RandomCrop(2), augment.HorizontalFlip()], seed=3)
    data = CompressedDataset(path, batch_transform=flips)
    loader = DataLoader(
        data, 64, num_workers=2, persistent_workers=True, multiprocessing_context=method, timeout=120
    )
    for epoch in (0, 5):
        data.set_epoch(epoch)
        expected = flips(planes(images), torch.arange(300), epoch)
        assert torch.equal(torch.cat([batch for batch, _ in loader]), expected)


def test_pickling_keeps_everything(colour):
    data = CompressedDataset(colour[0], channels_last=True, return_index=True, batch_transform=torch.neg)
    again = pickle.loads(pickle.dumps(data))
    for one, other in zip(data[5], again[5], strict=True):
        assert np.array_equal(one, other)


def test_odd_indices(data, colour):
    _, images, labels = colour
    view = data.__getitems__(np.array([3, -1, 3]))
    assert torch.equal(view.columns[0], planes(images)[[3, -1, 3]])
    assert view.columns[1].tolist() == labels[[3, -1, 3]].tolist()
    assert len(data.__getitems__([])) == 0
    assert "BatchView of 3 samples" in repr(view)
    with pytest.raises(IndexError, match="300"):
        data.__getitems__([0, 300])

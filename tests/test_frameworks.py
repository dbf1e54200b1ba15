"""Promise: the samplers work in StatefulDataLoader, Lightning and Accelerate, and resume there in mid-epoch."""

import copy

import numpy as np
import pytest
import torch
from dreamlearning import CompressedDataset, DistributedSubsetSampler, LocalitySampler, SubsetSampler
from torch.utils.data import DataLoader

BATCH = 8

# torchdata 0.11 calls what torch has deprecated since.
pytestmark = pytest.mark.filterwarnings("ignore:'set_vital' is deprecated:UserWarning")


class Numbered(CompressedDataset):
    """A file's samples with their numbers in place of labels."""

    def __getitems__(self, indices):
        samples = super().__getitems__(indices)
        return [(sample, index) for (sample, _), index in zip(samples, indices, strict=True)]


@pytest.fixture
def data(digits_path):
    return Numbered(digits_path)


def numbers(batches):
    return [int(i) for _, index in batches for i in index]


# ---------------------------------------------------------------- torchdata

KINDS = {
    "subset": lambda data: SubsetSampler(data, count=60, seed=3),
    "stratified": lambda data: SubsetSampler(data, count=60, stratified=True, seed=3),
    "weights": lambda data: SubsetSampler(data, count=60, weights="balanced", seed=3),
    "rank": lambda data: DistributedSubsetSampler(data, count=120, num_replicas=2, rank=1, seed=3),
    "locality": lambda data: LocalitySampler(data, block=10, window=2, count=60, seed=3),
}
WORKERS = {"none": {"num_workers": 0}, "two": {"num_workers": 2}}
WORKERS["persistent"] = {"num_workers": 2, "persistent_workers": True}


def stateful(data, sampler, workers, **options):
    from torchdata.stateful_dataloader import StatefulDataLoader

    options = {"batch_size": BATCH, **options}
    return StatefulDataLoader(data, sampler=sampler, **WORKERS[workers], **options)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("kind", KINDS)
def test_stateful_loader(data, kind, workers):
    make = KINDS[kind]
    order = make(data)
    loader = stateful(data, make(data), workers)
    assert numbers(loader) == order.rank_indices(0).tolist()
    iterator = iter(loader)
    head = numbers(next(iterator) for _ in range(3))
    state = copy.deepcopy(loader.state_dict())
    rest = numbers(iterator)
    assert head + rest == order.rank_indices(1).tolist()

    again = stateful(data, make(data), workers)
    again.load_state_dict(state)
    assert numbers(again) == rest
    assert numbers(again) == order.rank_indices(2).tolist()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("taken", ["broken off", "all batches", "finished"])
def test_stateful_loader_between_epochs(data, workers, taken):
    """No epoch comes twice and none is skipped, wherever the state was taken."""
    make = KINDS["subset"]
    loader = stateful(data, make(data), workers)
    iterator = iter(loader)
    for _ in range(3 if taken == "broken off" else 8):
        next(iterator)
    if taken == "finished":
        assert next(iterator, None) is None
    elif taken == "broken off":
        iterator = iter(loader)
    state = copy.deepcopy(loader.state_dict())
    again = stateful(data, make(data), workers)
    again.load_state_dict(state)
    if taken == "all batches":
        assert numbers(again) == []
    for epoch in (1, 2):
        assert numbers(again) == make(data).indices(epoch).tolist()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("workers", ["none", "two"])
def test_stateful_loader_without_batches(data, workers):
    make = KINDS["subset"]
    loader = stateful(data, make(data), workers, batch_size=None)
    iterator = iter(loader)
    head = [next(iterator)[1] for _ in range(21)]
    again = stateful(data, make(data), workers, batch_size=None)
    again.load_state_dict(copy.deepcopy(loader.state_dict()))
    assert head + [index for _, index in again] == make(data).indices(0).tolist()
    assert [index for _, index in again] == make(data).indices(1).tolist()


@pytest.mark.timeout(60)
def test_stateful_loader_with_other_ranks(data):
    """The state of any of 2 ranks is loaded by each of 3."""

    def loader(ranks, rank):
        sampler = DistributedSubsetSampler(data, count=96, num_replicas=ranks, rank=rank, seed=1)
        return stateful(data, sampler, "none")

    order = SubsetSampler(data, count=96, seed=1).indices(0).tolist()
    loaders = [loader(2, rank) for rank in range(2)]
    iterators = [iter(one) for one in loaders]
    seen = [numbers(next(iterator) for _ in range(3)) for iterator in iterators]
    assert np.stack(seen).T.ravel().tolist() == order[:48]
    rest = []
    for rank in range(3):
        again = loader(3, rank)
        again.load_state_dict(copy.deepcopy(loaders[1].state_dict()))
        rest.append(numbers(again))
    assert np.stack(rest).T.ravel().tolist() == order[48:]


@pytest.mark.timeout(60)
def test_plain_loader_with_workers(data):
    """A stock loader asks ahead; the loop says how far it has come."""
    make = KINDS["subset"]
    sampler = make(data)
    iterator = iter(DataLoader(data, BATCH, sampler=sampler, num_workers=2))
    head = numbers(next(iterator) for _ in range(2))
    state = sampler.state_dict(position=2 * BATCH)
    assert sampler.state_dict()["position"] > 2 * BATCH
    again = make(data)
    again.load_state_dict(state)
    loader = DataLoader(data, BATCH, sampler=again, num_workers=2)
    assert head + numbers(loader) == make(data).indices(0).tolist()
    assert numbers(loader) == make(data).indices(1).tolist()

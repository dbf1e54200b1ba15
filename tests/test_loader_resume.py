"""Promise: the Loader goes on exactly where a state was taken, and epochs are those that were asked for."""

import itertools
import json

import pytest
import torch
from dreamlearning import CompressedDataset, Loader, SubsetSampler
from loading import same
from torch.utils.data import RandomSampler, Subset

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def data(colour):
    return CompressedDataset(colour[0])


def test_epochs(data):
    loader = Loader(data, 100, shuffle=True, seed=1)
    assert loader.epoch == 0
    first, second = [torch.cat([y for _, y in loader]) for _ in range(2)]
    assert loader.epoch == 1
    assert not torch.equal(first, second)
    loader.set_epoch(0)
    assert torch.equal(torch.cat([y for _, y in loader]), first)
    assert torch.equal(torch.cat([y for _, y in loader]), first)
    loader.set_epoch(1)
    assert torch.equal(torch.cat([y for _, y in loader]), second)
    with pytest.raises(ValueError, match="negative"):
        loader.set_epoch(-1)
    plain = Loader(data, 100)
    for epoch in range(3):
        list(plain)
        assert plain.epoch == epoch


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("taken", [0, 1, 3, 4, 5, 7])
def test_it_resumes_after_any_batch(data, taken, drop_last):
    """130 samples: four batches of 32, and two samples more."""
    members = Subset(data, list(range(130)))

    def make():
        return Loader(members, 32, shuffle=True, seed=2, drop_last=drop_last, num_threads=2)

    def two_epochs(loader):
        return itertools.chain(loader, loader)

    whole = list(two_epochs(make()))
    loader = make()
    got = list(itertools.islice(two_epochs(loader), taken))
    state = json.loads(json.dumps(loader.state_dict()))
    assert len(json.dumps(state)) < 400
    again = make()
    again.load_state_dict(state)
    left = list(again)
    assert again.epoch == (0 if taken < len(make()) else 1)
    if len(got) + len(left) < len(whole):
        left += list(again)
    same(got + left, whole)


def test_it_resumes_with_other_ranks(data):
    def sampler(ranks, rank):
        return SubsetSampler(data, 0.8, seed=4, num_replicas=ranks, rank=rank)

    def loaders(ranks, batch_size):
        numbered = CompressedDataset(data.file.path, return_index=True)
        return [Loader(numbered, batch_size, sampler=sampler(ranks, rank)) for rank in range(ranks)]

    before = loaders(2, 12)
    seen, states = [], []
    for loader in before:
        for _, (_, _, index) in zip(range(3), loader, strict=False):
            seen += index.tolist()
        states.append(loader.state_dict())
    assert states[0] == states[1]
    for loader in loaders(3, 7):
        loader.load_state_dict(states[0])
        seen += [i for batch in loader for i in batch[2].tolist()]
    assert sorted(seen) == sorted(sampler(1, 0).indices(0).tolist())


def test_other_samplers_resume_where_they_repeat(data):
    def make():
        generator = torch.Generator().manual_seed(3)
        return Loader(data, 50, sampler=RandomSampler(data, generator=generator))

    whole = list(make())
    loader = make()
    for _ in zip(range(2), loader, strict=False):
        pass
    again = make()
    again.load_state_dict(loader.state_dict())
    same(again, whole[2:])
    for change, message in (
        ({"batches": -1}, "negative"),
        ({"sampler": {}}, "another kind"),
        ({"batch_size": 25}, "batches of 25, this loader has batches of 50"),
    ):
        with pytest.raises(ValueError, match=message):
            make().load_state_dict(loader.state_dict() | change)
    with pytest.raises(TypeError, match="batches is 'two'"):
        make().load_state_dict(loader.state_dict() | {"batches": "two"})
    with pytest.raises(ValueError, match="another kind"):
        Loader(data, 50, shuffle=True).load_state_dict(loader.state_dict())


@pytest.mark.parametrize("wrong", [None, {}, {"epoch": 0}, 5])
@pytest.mark.parametrize("shuffle", [False, True])
def test_what_is_no_state(data, wrong, shuffle):
    loader = Loader(data, 50, shuffle=shuffle)
    with pytest.raises(ValueError, match="no state of a loader"):
        loader.load_state_dict(wrong)
    assert len(list(loader)) == 6


@pytest.mark.parametrize("shuffle", [False, True])
def test_setting_the_epoch(data, shuffle):
    """An epoch that is under way or restored goes on; one that was broken off begins again."""

    def make():
        return Loader(CompressedDataset(data.file.path, return_index=True), 50, shuffle=shuffle, seed=8)

    def numbers(batches):
        return [batch[2].tolist() for batch in batches]

    epochs = [numbers(make()) for _ in range(1)]
    again = make()
    list(again)
    epochs.append(numbers(again))
    stopped = make()
    for _ in itertools.islice(stopped, 2):
        pass
    state = stopped.state_dict()

    resumed = make()
    resumed.load_state_dict(state)
    resumed.set_epoch(0)
    iterator = iter(resumed)
    assert numbers([next(iterator)]) == epochs[0][2:3]
    resumed.set_epoch(0)  # within the loop, as some frameworks do
    assert resumed.state_dict()["batches"] == 3
    assert numbers(iterator) == epochs[0][3:]

    resumed.load_state_dict(state)
    iterator = iter(resumed)
    next(iterator)
    iterator.close()
    resumed.set_epoch(0)
    assert resumed.state_dict()["batches"] == 0
    assert numbers(resumed) == epochs[0]
    resumed.set_epoch(1)
    assert numbers(resumed) == epochs[1]


def test_a_pass_keeps_its_epoch(data):
    loader = Loader(data, 100, augment=lambda images, index, epoch: images * 0 + epoch)
    first = iter(loader)
    next(first)
    second = iter(loader)
    assert next(second)[0].max() == 1
    loader.set_epoch(7)
    assert [int(batch.max()) for batch, _ in first] == [0, 0]
    assert [int(batch.max()) for batch, _ in loader] == [7, 7, 7]
    with pytest.raises(TypeError, match="begins with one"):
        next(iter(Loader(data, 4, augment=lambda *_: None, collate_fn=lambda items: {"x": 1})))

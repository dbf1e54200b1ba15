"""Promise: the order is a pure function of (seed, epoch), covers the data as stated, and resumes anywhere."""

import itertools
import json
import math

import numpy as np
import pytest
import torch
from dreamlearning import CompressedDataset, SubsetSampler
from torch.utils.data import DataLoader

# Orders that scripts in the wild rely on: never edit.
GOLDEN_ORDERS = {  # (replacement, stratified): epochs 0, 1 and 7
    (False, False): [[5, 4, 9, 8], [3, 10, 2, 11], [3, 11, 2, 10]],
    (False, True): [[6, 5, 0, 1], [7, 9, 10, 11], [7, 11, 10, 9]],
    (True, False): [[8, 2, 5, 7], [10, 3, 2, 8], [8, 1, 11, 5]],
    (True, True): [[9, 2, 7, 0], [6, 11, 2, 10], [3, 11, 0, 8]],
}


class Labelled:
    def __init__(self, labels):
        self.labels = labels

    def __len__(self):
        return len(self.labels)


def test_the_order_never_changes():
    labelled = Labelled([0, 1, 1, 2, 0, 1, 2, 2, 1, 1, 0, 1])
    for (replacement, stratified), orders in GOLDEN_ORDERS.items():
        sampler = SubsetSampler(labelled, 0.34, replacement, stratified, seed=3)
        assert [sampler.indices(e).tolist() for e in (0, 1, 7)] == orders


@pytest.mark.parametrize("stratified", [False, True])
@pytest.mark.parametrize(("n", "fraction"), [(100, 0.1), (100, 0.5), (7, 1.0), (12, 0.25), (1000, 0.01)])
def test_every_sample_once_every_1_over_fraction_epochs(n, fraction, stratified):
    sampler = SubsetSampler(Labelled(np.arange(n) % 3), fraction, stratified=stratified)
    epochs = round(1 / fraction)
    for _ in range(2):
        seen = [i for _ in range(epochs) for i in sampler]
        assert sorted(seen) == list(range(n))


@pytest.mark.parametrize(("n", "fraction"), [(103, 0.1), (50, 0.3), (11, 0.4)])
def test_coverage_stays_even_where_the_fraction_does_not_divide(n, fraction):
    sampler = SubsetSampler(range(n), fraction)
    counts = np.zeros(n, int)
    for _ in range(200):
        epoch = list(sampler)
        assert len(set(epoch)) == len(epoch) == len(sampler) == max(1, round(fraction * n))
        counts[epoch] += 1
    assert counts.max() - counts.min() <= 1


def test_with_replacement_epochs_are_independent():
    sampler = SubsetSampler(range(1000), 0.1, replacement=True, seed=4)
    epochs = [list(sampler) for _ in range(200)]
    assert all(len(set(epoch)) == 100 for epoch in epochs)
    overlaps = [len(set(a) & set(b)) for a, b in itertools.pairwise(epochs)]
    assert 8 < np.mean(overlaps) < 12
    counts = np.bincount(np.concatenate(epochs), minlength=1000)
    assert 3.5 < counts.std() < 5  # binomial: sqrt(200 * 0.1 * 0.9) = 4.24


@pytest.mark.parametrize("replacement", [False, True])
def test_stratified_epochs_keep_the_proportions(replacement):
    rng = np.random.default_rng(0)
    labels = rng.choice(["a", "b", "c", "d"], 2000, p=[0.6, 0.3, 0.09, 0.01])
    sampler = SubsetSampler(Labelled(labels), 0.07, replacement, stratified=True)
    for _ in range(40):
        chosen = labels[list(sampler)]
        for name in "abcd":
            assert abs((chosen == name).sum() - 0.07 * (labels == name).sum()) < 2
    if replacement:  # a class too rare for every epoch still turns up
        sampler = SubsetSampler(Labelled(labels), 0.02, replacement, stratified=True)
        assert any("d" in labels[sampler.indices(e)] for e in range(30))
        assert any("d" not in labels[sampler.indices(e)] for e in range(30))


def test_seeds_and_epochs_differ():
    orders = {tuple(SubsetSampler(range(50), 0.5, seed=s).indices(e)) for s in range(5) for e in range(5)}
    assert len(orders) == 25
    full = SubsetSampler(range(50), 1.0)
    assert list(full) != list(full)


def test_epochs_advance_by_themselves_or_as_set():
    sampler = SubsetSampler(range(100), 0.1)
    assert [list(sampler) for _ in range(3)] == [sampler.indices(e).tolist() for e in range(3)]
    next(iter(sampler))  # an epoch broken off counts
    assert sampler.epoch == 3
    assert list(sampler) == sampler.indices(4).tolist()
    iter(sampler)  # one that never starts does not
    assert list(sampler) == sampler.indices(5).tolist()

    sampler = SubsetSampler(range(100), 0.1)
    for epoch in (0, 7, 7, 2):
        sampler.set_epoch(epoch)
        assert list(sampler) == sampler.indices(epoch).tolist()
    assert list(sampler) == sampler.indices(2).tolist()
    with pytest.raises(ValueError, match="negative"):
        sampler.set_epoch(-1)


@pytest.mark.parametrize("options", [{}, {"replacement": True}, {"stratified": True}])
@pytest.mark.parametrize("stop", [0, 1, 13, 29, 30])
def test_resuming_in_mid_epoch(options, stop):
    labelled = Labelled(np.arange(100) % 7)
    sampler = SubsetSampler(labelled, 0.3, seed=5, **options)
    list(sampler)
    iterator = iter(sampler)
    head = [next(iterator) for _ in range(stop)]
    state = json.loads(json.dumps(sampler.state_dict()))
    tail = list(iterator)
    following = list(sampler)

    again = SubsetSampler(labelled, 0.3, seed=0, **options)
    again.load_state_dict(state)
    if stop == 0:  # nothing of this epoch had started: the state is the end of the one before
        assert again.state_dict()["epoch"] == 1
    assert head + (list(again) if stop < 30 else []) == head + tail
    assert list(again) == following


def test_resuming_with_set_epoch():
    sampler = SubsetSampler(range(100), 0.3)
    sampler.set_epoch(4)
    iterator = iter(sampler)
    for _ in range(10):
        next(iterator)
    again = SubsetSampler(range(100), 0.3)
    again.load_state_dict(sampler.state_dict())
    again.set_epoch(4)
    assert list(again) == list(iterator)
    again.set_epoch(4)
    assert list(again) == again.indices(4).tolist()


def test_state_before_the_first_iteration():
    sampler = SubsetSampler(range(10), 0.5, seed=9)
    state = sampler.state_dict()
    assert (state["seed"], state["epoch"], state["position"]) == (9, 0, 0)
    again = SubsetSampler(range(10), 0.5)
    again.load_state_dict(state)
    assert list(again) == list(sampler)
    assert len(json.dumps(state)) < 200


def test_a_state_of_something_else():
    state = SubsetSampler(range(10), 0.5).state_dict()
    with pytest.raises(ValueError, match="num_samples"):
        SubsetSampler(range(11), 0.5).load_state_dict(state)
    with pytest.raises(ValueError, match="length"):
        SubsetSampler(range(10), 0.6).load_state_dict(state)
    with pytest.raises(ValueError, match="position"):
        SubsetSampler(range(10), 0.5).load_state_dict({**state, "position": 6})
    with pytest.raises(ValueError, match="replacement"):
        SubsetSampler(range(10), 0.5, replacement=True).load_state_dict(state)


def test_numpy_integers_are_integers():
    plain, numpy = SubsetSampler(range(100), 0.1, seed=3), SubsetSampler(range(100), 0.1, seed=np.uint8(3))
    plain.set_epoch(2)
    numpy.set_epoch(np.int64(2))
    assert list(plain) == list(numpy) == plain.indices(np.uint64(2)).tolist()
    json.dumps(numpy.state_dict())


@pytest.mark.parametrize("value", ["a", 1.5, None, float("nan")])
def test_things_that_are_no_integers(value):
    sampler = SubsetSampler(range(100), 0.1)
    for call in (sampler.set_epoch, sampler.indices):
        with pytest.raises(TypeError, match="epoch"):
            call(value)
    with pytest.raises(TypeError, match="seed"):
        SubsetSampler(range(100), 0.1, seed=value)


@pytest.mark.parametrize("fraction", [0, -0.1, 1.01, math.nan, math.inf])
def test_fractions_out_of_range(fraction):
    with pytest.raises(ValueError, match="fraction"):
        SubsetSampler(range(10), fraction)


def test_what_cannot_be_sampled():
    with pytest.raises(ValueError, match="no samples"):
        SubsetSampler([], 0.5)
    with pytest.raises(ValueError, match="labels"):
        SubsetSampler(range(10), 0.5, stratified=True)
    odd = Labelled(range(10))
    odd.labels = np.zeros(9)
    odd.__class__ = type("Ten", (Labelled,), {"__len__": lambda self: 10})
    with pytest.raises(ValueError, match=r"\(10,\)"):
        SubsetSampler(odd, 0.5, stratified=True)


@pytest.mark.parametrize("name", ["labels", "targets"])
def test_classes_of_a_torch_subset(name):
    from torch.utils.data import Subset

    whole = Labelled(np.arange(60) % 4)
    setattr(whole, name, vars(whole).pop("labels"))
    members = np.r_[0:60:4, 1:60:8, 2:10:4]
    for part in (Subset(whole, members.tolist()), Subset(Subset(whole, range(60)), members)):
        chosen = SubsetSampler(part, 0.5, stratified=True).indices(0)
        assert np.bincount(members[chosen] % 4).tolist() == [7, 4, 1]
        given = SubsetSampler(part, count=300, weights="balanced").indices(0)
        assert np.bincount(members[given] % 4).tolist() == [100, 100, 100]
    with pytest.raises(ValueError, match="labels"):
        SubsetSampler(Subset(range(10), [1, 2]), 0.5, stratified=True)


def test_repr_tells_what_the_order_depends_on():
    sampler = SubsetSampler(range(100), 0.25, seed=7, num_replicas=3, rank=1)
    for part in ("SubsetSampler(", "seed=7", "rank=1 of 3", "length=25"):
        assert part in repr(sampler)


def test_restart_forgets_what_was_handed_out():
    sampler = SubsetSampler(range(100), 0.25, seed=7)
    iterator = iter(sampler)
    next(iterator)
    sampler.restart(0)
    assert list(sampler) == sampler.indices(0).tolist()
    sampler.load_state_dict(sampler.state_dict(position=5))
    sampler.restart(3)
    assert list(sampler) == sampler.indices(3).tolist()


def test_small_fractions_give_one_sample():
    assert len(list(SubsetSampler(range(10), 1e-9))) == 1


@pytest.mark.timeout(120)
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("batch_size", [16, None])
def test_in_a_data_loader(digits_path, workers, batch_size):
    """Each pass of the loader is one epoch, whatever the workers."""
    data = CompressedDataset(digits_path, transform=np.asarray)
    sampler = SubsetSampler(data, 0.02, stratified=True)
    loader = DataLoader(
        data,
        batch_size,
        sampler=sampler,
        num_workers=workers,
        persistent_workers=workers > 0,
        collate_fn=list,
    )
    for epoch in range(3):
        seen = [item for batch in loader for item in (batch if batch_size else [batch])]
        expected = [data[i] for i in sampler.indices(epoch)]
        assert len(seen) == len(expected) == 36
        for (sample, target), (expected_sample, expected_target) in zip(seen, expected, strict=True):
            assert np.array_equal(sample, expected_sample)
            assert target == expected_target


@pytest.mark.parametrize("options", [{}, {"replacement": True}, {"stratified": True}])
def test_a_count_is_a_fraction(options):
    labelled = Labelled(np.arange(50) % 4)
    for count in (1, 15, 50):
        by_count = SubsetSampler(labelled, count=count, seed=2, **options)
        by_fraction = SubsetSampler(labelled, count / 50, seed=2, **options)
        assert len(by_count) == count
        for epoch in range(3):
            assert np.array_equal(by_count.indices(epoch), by_fraction.indices(epoch))


def test_begin_starts_an_epoch_as_iterating_does():
    sampler, iterated = SubsetSampler(range(30), 0.5), SubsetSampler(range(30), 0.5)
    for _ in range(3):
        assert sampler.begin().tolist() == list(iterated)
        assert sampler.epoch == iterated.epoch
    state = sampler.state_dict(position=6)
    assert state["position"] == 6
    sampler.load_state_dict(state)
    assert sampler.begin().tolist() == sampler.indices(2)[6:].tolist()
    assert sampler.state_dict(position=4)["position"] == 10  # counted from where the epoch was resumed
    assert sampler.state_dict(position=1000)["position"] == 15
    assert sampler.begin().tolist() == sampler.indices(3).tolist()
    with pytest.raises(ValueError, match="position"):
        sampler.state_dict(position=-1)
    with pytest.raises(TypeError, match="position"):
        sampler.state_dict(position=1.5)


def test_setting_the_epoch_under_way_keeps_its_position():
    """Lightning sets the epoch after workers have begun it."""
    sampler = SubsetSampler(range(30), 0.5)
    sampler.load_state_dict({**sampler.state_dict(), "epoch": 4, "position": 5})
    iterator = iter(sampler)
    next(iterator)
    sampler.set_epoch(4)
    next(iterator)
    assert (sampler.state_dict()["epoch"], sampler.state_dict()["position"]) == (4, 7)
    assert list(sampler) == sampler.indices(4).tolist()


def test_an_iterator_has_a_state_of_its_own():
    sampler = SubsetSampler(range(30), 0.5, seed=6)
    first = iter(sampler)
    for _ in range(9):
        next(first)
    state, waiting = first.state_dict(), iter(sampler).state_dict()
    assert (state["epoch"], state["position"]) == (0, 9)
    assert (waiting["epoch"], waiting["position"]) == (1, 0)  # although epoch 0 was broken off

    again = SubsetSampler(range(30), 0.5, seed=6)
    iterator = iter(again)
    iterator.load_state_dict(state)
    assert list(iterator) == list(first)
    finished = iterator.state_dict()
    assert (finished["epoch"], finished["position"]) == (0, 15)
    iterator = iter(again)
    iterator.load_state_dict(finished)  # nothing of a finished epoch comes again, and none is skipped
    assert list(iterator) == []
    assert iterator.state_dict() == finished
    assert list(again) == again.indices(1).tolist()


def test_states_of_earlier_versions():
    """Written by the first version: keys that were added later may be missing."""
    state = {"seed": 5, "epoch": 2, "position": 3, "num_samples": 30, "length": 10}
    state |= {"replacement": False, "stratified": False}
    sampler = SubsetSampler(range(30), 1 / 3)
    assert sampler.state_dict().keys() == state.keys()
    sampler.load_state_dict(state)
    assert list(sampler) == SubsetSampler(range(30), 1 / 3, seed=5).indices(2)[3:].tolist()


def test_states_that_lack_or_add_something():
    sampler = SubsetSampler(range(30), count=10)
    for key in sampler.state_dict():
        state = sampler.state_dict()
        del state[key]
        with pytest.raises(ValueError, match=key):
            sampler.load_state_dict(state)
    with pytest.raises(ValueError, match="weights"):
        sampler.load_state_dict(SubsetSampler(range(30), count=10, weights=np.ones(30)).state_dict())
    one, two = (SubsetSampler(range(30), count=10, weights=w) for w in (np.ones(30), np.arange(30)))
    with pytest.raises(ValueError, match="weights"):
        two.load_state_dict(one.state_dict())
    one.load_state_dict(json.loads(json.dumps(one.state_dict())))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, ValueError, "neither"),
        ({"fraction": 0.5, "count": 3}, ValueError, "both"),
        ({"fraction": 5}, ValueError, "count"),
        ({"fraction": "half"}, TypeError, "fraction"),
        ({"count": 0}, ValueError, "count is 0"),
        ({"count": 11}, ValueError, "count is 11"),
        ({"count": 2.0}, TypeError, "count"),
        ({"count": 0, "weights": [1] * 10}, ValueError, "count is 0"),
        ({"fraction": 0.5, "weights": [1] * 10, "stratified": True}, ValueError, "stratified"),
        ({"fraction": 0.5, "num_replicas": 0}, ValueError, "num_replicas is 0"),
        ({"fraction": 0.5, "num_replicas": 2.0}, TypeError, "num_replicas"),
        ({"fraction": 0.5, "num_replicas": 2, "rank": 2}, ValueError, "rank is 2"),
        ({"fraction": 0.5, "rank": -1}, ValueError, "rank is -1"),
        ({"fraction": 0.5, "rank": None}, TypeError, "rank"),
        ({"fraction": 0.5, "num_replicas": 6, "drop_last": True}, ValueError, "num_replicas=6"),
    ],
)
def test_wrong_arguments(options, error, message):
    with pytest.raises(error, match=message):
        SubsetSampler(range(10), **options)


def test_data_sets_that_are_none():
    for empty in ([], torch.utils.data.Subset(range(10), [])):
        with pytest.raises(ValueError, match="no samples"):
            SubsetSampler(empty, 0.5)
    with pytest.raises(TypeError, match="int, which has no length"):
        SubsetSampler(10, 0.5)

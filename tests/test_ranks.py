"""Promise: ranks together see an epoch's order exactly, equally many samples each, whatever their number."""

import json

import numpy as np
import pytest
import torch.distributed
from dreamlearning import DistributedSubsetSampler, EpochSampler, LocalitySampler, SubsetSampler
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DistributedSampler


def split(order, start, replicas, drop_last):
    """The slow twin: deal the rest of an epoch out, one sample after the other."""
    hands = [[] for _ in range(replicas)]
    rest = list(order[start:])
    while drop_last and len(rest) % replicas:
        rest.pop()
    position = 0
    while rest and len(rest) % replicas:
        rest.append(order[position % len(order)])
        position += 1
    for position, index in enumerate(rest):
        hands[position % replicas].append(index)
    return hands


def ranks(n, count, replicas, *, drop_last=False, seed=4, weights=None):
    return [
        SubsetSampler(
            range(n),
            count=count,
            seed=seed,
            weights=weights,
            num_replicas=replicas,
            rank=r,
            drop_last=drop_last,
        )
        for r in range(replicas)
    ]


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("replicas", [1, 2, 3, 7, 10])
@pytest.mark.parametrize("start", [0, 1, 6, 29, 30])
def test_the_split_is_its_slow_twin(replicas, start, drop_last):
    samplers = ranks(50, 30, replicas, drop_last=drop_last)
    for epoch in (0, 3):
        hands = split(samplers[0].indices(epoch).tolist(), start, replicas, drop_last)
        assert [s.rank_indices(epoch, start).tolist() for s in samplers] == hands
        if start == 0:
            assert {len(s) for s in samplers} == {len(hand) for hand in hands}


def test_a_rest_shorter_than_the_ranks_is_padded():
    samplers = ranks(5, 3, 8)
    order = samplers[0].indices(0).tolist()
    assert [s.rank_indices(0).tolist() for s in samplers] == [[order[i % 3]] for i in range(8)]
    samplers = ranks(40, 30, 8)
    order = samplers[0].indices(0).tolist()
    assert [s.rank_indices(0, 28).tolist() for s in samplers] == [[i] for i in order[28:] + order[:6]]


def test_starts_outside_the_epoch():
    for start in (-1, 31):
        with pytest.raises(ValueError, match="start"):
            ranks(50, 30, 1)[0].rank_indices(0, start)


class Backwards(EpochSampler):
    def indices(self, epoch):
        return np.arange(10, dtype=np.int64)[::-1]


def test_any_order_can_be_shared():
    samplers = [Backwards(10, num_replicas=3, rank=r) for r in range(3)]
    assert [list(s) for s in samplers] == [[9, 6, 3, 0], [8, 5, 2, 9], [7, 4, 1, 8]]
    assert [len(s) for s in samplers] == [4, 4, 4]
    with pytest.raises(TypeError, match="abstract"):
        EpochSampler(10)
    with pytest.raises(ValueError, match="length is 0"):
        Backwards(0)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_resuming_with_other_ranks(data):
    """R1 ranks, then R2, then R3: together they see the order of the epoch, and then that of the next one."""
    n = data.draw(st.integers(1, 60), label="n")
    weights = data.draw(st.sampled_from([None, [i % 4 + 1 for i in range(n)]]), label="weights")
    if weights is None and data.draw(st.booleans(), label="by fraction"):
        fraction = data.draw(st.floats(1e-3, 1), label="fraction")
        count = len(SubsetSampler(range(n), fraction))
    else:
        count = data.draw(st.integers(1, n if weights is None else 2 * n), label="count")
    drop_last = data.draw(st.booleans(), label="drop_last")
    state, position, epoch = None, 0, 0
    for phase in range(3):
        replicas = data.draw(st.integers(1, count if drop_last else 9), label="replicas")
        samplers = ranks(
            n, count, replicas, drop_last=drop_last, weights=weights, seed=4 if phase == 0 else 99
        )
        if state is not None:
            for sampler in samplers:
                sampler.load_state_dict(state)
            position = state["position"]
            if position == count or (drop_last and count - position < replicas):
                epoch, position = epoch + 1, 0
        order = samplers[0].indices(epoch).tolist()
        hands = split(order, position, replicas, drop_last)
        share = len(hands[0])
        assert share > 0
        taken = share if phase == 2 else data.draw(st.integers(0, share), label="taken")
        iterators = [iter(sampler) for sampler in samplers]
        seen = [[next(iterator) for _ in range(taken)] for iterator in iterators]
        assert seen == [hand[:taken] for hand in hands]
        together = [hand[t] for t in range(taken) for hand in seen]
        assert together[: count - position] == order[position : position + taken * replicas]
        states = [json.loads(json.dumps(sampler.state_dict())) for sampler in samplers]
        if taken:  # an epoch of which nothing was asked for has not begun
            assert all(state == states[0] for state in states)
            assert states[0]["epoch"] == epoch
            if taken < share:
                assert states[0]["position"] == position + taken * replicas
        state = states[0]
        if taken == share:
            assert state["position"] == count
            assert all(next(iterator, None) is None for iterator in iterators)
    for sampler in samplers:
        assert list(sampler) == sampler.rank_indices(epoch + 1).tolist()


def test_nothing_left_for_more_ranks():
    first = ranks(40, 30, 4, drop_last=True)[0]
    iterator = iter(first)
    for _ in range(6):
        next(iterator)
    state = first.state_dict()
    assert state["position"] == 24
    for sampler in ranks(40, 30, 7, drop_last=True):
        sampler.load_state_dict(state)
        assert sampler.epoch == 1
        assert list(sampler) == sampler.rank_indices(1).tolist()
    for sampler in ranks(40, 30, 7):
        sampler.load_state_dict(state)
        assert len(list(sampler)) == 1


def test_positions_of_ranks():
    """A loop behind a loader says how far it has come; the state is of all ranks together."""
    for sampler in ranks(100, 64, 4):
        batches = 3
        list(sampler)
        assert sampler.state_dict(position=batches * 4)["position"] == 48
        assert sampler.state_dict()["position"] == 64
        sampler.load_state_dict(sampler.state_dict(position=12))
        assert sampler.rank_indices(0, 48).tolist() == list(sampler)


def test_the_distributed_sampler():
    samplers = [DistributedSubsetSampler(range(103), 0.5, seed=1, num_replicas=4, rank=r) for r in range(4)]
    plain = SubsetSampler(range(103), 0.5, seed=1)
    for epoch in range(3):
        together = np.stack([list(sampler) for sampler in samplers]).T.ravel()
        assert together[:52].tolist() == plain.indices(epoch).tolist()
    sampler = samplers[1]
    assert isinstance(sampler, DistributedSampler)
    assert isinstance(sampler, SubsetSampler)
    assert (sampler.num_replicas, sampler.rank, sampler.epoch, sampler.seed) == (4, 1, 2, 1)
    assert (sampler.num_samples, sampler.total_size, len(sampler)) == (13, 52, 13)
    assert (sampler.drop_last, sampler.shuffle, sampler.dataset) == (False, True, range(103))
    sampler.set_epoch(7)
    assert list(sampler) == sampler.rank_indices(7).tolist()
    plain.load_state_dict(sampler.state_dict())
    assert plain.epoch == 8


def test_the_distributed_sampler_needs_a_process_group(tmp_path):
    with pytest.raises(RuntimeError, match="init_process_group"):
        DistributedSubsetSampler(range(10), 0.5)
    with pytest.raises(RuntimeError, match="init_process_group"):
        DistributedSubsetSampler(range(10), 0.5, num_replicas=2)
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        sampler = DistributedSubsetSampler(range(10), 0.5)
        assert (sampler.num_replicas, sampler.rank) == (1, 0)
        assert DistributedSubsetSampler(range(10), 0.5, num_replicas=3, rank=2).rank == 2
        assert SubsetSampler(range(10), 0.5).num_replicas == 1
    finally:
        torch.distributed.destroy_process_group()


def test_locality_is_shared_among_ranks():
    samplers = [LocalitySampler(range(100), block=7, window=3, num_replicas=3, rank=r) for r in range(3)]
    order = samplers[0].indices(0).tolist()
    assert [list(s) for s in samplers] == split(order, 0, 3, drop_last=False)

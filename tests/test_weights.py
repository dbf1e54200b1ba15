"""Promise: weights decide how often samples are drawn, exactly and the same everywhere."""

import itertools
import json
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from dreamlearning import SubsetSampler
from dreamlearning.samplers.weights import as_weights, systematic
from hypothesis import given, settings
from hypothesis import strategies as st

# Orders that scripts in the wild rely on: never edit.
GOLDEN_WEIGHTS = [0, 1, 2, 0.5, 3, 0.25, 1, 1, 0, 7, 1, 1]
GOLDEN_WEIGHTED = {  # (weights, replacement): epochs 0, 1 and 7
    ("given", False): [[4, 10, 4, 9, 6, 2, 9], [4, 1, 9, 11, 9, 9, 2], [9, 2, 11, 4, 7, 9, 9]],
    ("given", True): [[7, 4, 2, 11, 9, 9, 4], [2, 6, 4, 9, 1, 7, 9], [9, 2, 3, 1, 4, 9, 9]],
    ("balanced", False): [[10, 11, 4, 0, 6, 3, 8], [4, 7, 9, 6, 2, 0, 3], [8, 1, 6, 4, 7, 5, 10]],
    ("balanced", True): [[10, 1, 0, 4, 3, 7, 5], [10, 6, 2, 7, 5, 4, 3], [11, 2, 7, 10, 6, 8, 4]],
}


class Labelled:
    def __init__(self, labels):
        self.labels = labels

    def __len__(self):
        return len(self.labels)


def test_weighted_orders_never_change():
    labelled = Labelled([0, 1, 1, 2, 0, 1, 2, 2, 1, 1, 0, 1])
    for (kind, replacement), orders in GOLDEN_WEIGHTED.items():
        weights = GOLDEN_WEIGHTS if kind == "given" else kind
        sampler = SubsetSampler(labelled, count=7, weights=weights, replacement=replacement, seed=3)
        assert [sampler.indices(e).tolist() for e in (0, 1, 7)] == orders


WEIGHTS = st.one_of(
    st.integers(0, 9), st.floats(0, 1, exclude_min=True), st.floats(0, 1e300), st.sampled_from([0.0, 1e-300])
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(WEIGHTS, min_size=1, max_size=30).filter(any),
    st.integers(1, 100),
    st.integers(0, 2**64 - 1),
)
def test_systematic_sampling_is_its_slow_twin(weights, count, offset):
    """Every point on its own, in fractions."""
    integers, _ = as_weights(weights, None, len(weights))
    ends = list(itertools.accumulate(map(int, integers)))
    assert 2**51 - 30 < ends[-1] < 2**53
    shift = Fraction(ends[-1] * offset >> 64, ends[-1])
    copies = [0] * len(weights)
    for j in range(count):
        point = (shift + j) * ends[-1] / count
        copies[next(i for i, end in enumerate(ends) if point < end)] += 1
    assert systematic(np.array(ends), count, offset).tolist() == copies
    total = sum(map(Fraction, weights))
    for weight, integer, number in zip(weights, integers.tolist(), copies, strict=True):
        share = count * Fraction(integer, ends[-1])
        assert math.floor(share) <= number <= math.ceil(share)
        assert abs(Fraction(integer, ends[-1]) - Fraction(weight) / total) < 2**-46
        assert number == 0 or weight > 0


@pytest.mark.parametrize("replacement", [False, True])
def test_weights_decide_how_often(replacement):
    rng = np.random.default_rng(3)
    weights = rng.integers(0, 20, 300)
    for count in (1, 50, 1000):
        share = count * weights / weights.sum()
        sampler = SubsetSampler(range(300), count=count, weights=weights, replacement=replacement, seed=1)
        assert len(sampler) == count
        total = np.zeros(300, int)
        for epoch in range(200):
            copies = np.bincount(sampler.indices(epoch), minlength=300)
            assert copies.sum() == count
            assert (np.floor(share) <= copies).all()
            assert (copies <= np.ceil(share)).all()
            total += copies
        drift = total - 200 * share
        # Binomial at most with replacement, 5 sigma; without it the epochs share samples out.
        assert np.abs(drift).max() < (5 * np.sqrt(200 * 0.25) if replacement else 3)


def test_equal_weights_are_exact():
    for n, count in [(7, 7), (1000, 3000), (12_345, 12_345)]:
        sampler = SubsetSampler(range(n), count=count, weights=np.full(n, 0.1))
        for epoch in range(5):
            assert (np.bincount(sampler.indices(epoch), minlength=n) == count // n).all()


@pytest.mark.parametrize("replacement", [False, True])
def test_balanced_weights_balance_every_epoch(replacement):
    labels = np.random.default_rng(0).choice(["a", "b", "c", "d"], 2000, p=[0.6, 0.3, 0.09, 0.01])
    sampler = SubsetSampler(Labelled(labels), 0.05, replacement, weights="balanced")
    seen = []
    for epoch in range(40):
        chosen = sampler.indices(epoch)
        counts = [int((labels[chosen] == name).sum()) for name in "abcd"]
        assert max(counts) - min(counts) <= 1
        seen += chosen.tolist()
    rare = np.bincount(seen, minlength=2000)[labels == "d"]
    assert rare.max() - rare.min() <= (25 if replacement else 3)


def test_weights_of_any_kind():
    plain = SubsetSampler(range(6), count=9, weights=[1, 2, 3, 4, 0, 2])
    for same in (
        np.array([1, 2, 3, 4, 0, 2], np.uint8),
        np.array([1, 2, 3, 4, 0, 2], np.float16),
        torch.tensor([1, 2, 3, 4, 0, 2]),
        (5e-309, 1e-308, 1.5e-308, 2e-308, 0, 1e-308),
        (1e307, 2e307, 3e307, 4e307, 0, 2e307),
    ):
        sampler = SubsetSampler(range(6), count=9, weights=same)
        assert [sampler.indices(e).tolist() for e in range(5)] == [
            plain.indices(e).tolist() for e in range(5)
        ]
        assert len(json.dumps(sampler.state_dict())) < 200


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ([1.0] * 9, ValueError, r"shape \(9,\).*10 samples"),
        ([[1.0] * 10], ValueError, "shape"),
        ([1.0] * 9 + [math.nan], ValueError, r"weights\[9\] is nan"),
        ([1.0] * 9 + [math.inf], ValueError, r"weights\[9\] is inf"),
        ([1.0, -2.0] * 5, ValueError, r"weights\[1\] is -2.0"),
        ([0.0] * 10, ValueError, "all zero"),
        ("inverse", ValueError, "balanced"),
        ("balanced", ValueError, "labels"),
        (["a"] * 10, TypeError, "weights have dtype"),
        ([1j] * 10, TypeError, "weights have dtype"),
    ],
)
def test_wrong_weights(weights, error, message):
    with pytest.raises(error, match=message):
        SubsetSampler(range(10), 0.5, weights=weights)

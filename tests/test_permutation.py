"""Promise: the order under every sampler is what a slow twin says, on any machine."""

import numpy as np
import pytest
from dreamlearning.permutation import derive_key, keyed_hash, permute

GOLDEN = 0x9E3779B97F4A7C15
MASK = 2**64 - 1


def mix(value):
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def twin(position, n, key):
    """The permutation as its definition has it, one position at a time."""
    half = max(1, ((n - 1).bit_length() + 1) // 2)
    while True:
        left, right = position >> half, position & ((1 << half) - 1)
        for round_number in range(8):
            left, right = (
                right,
                left ^ (mix(right ^ mix((key + (round_number + 1) * GOLDEN) & MASK)) >> (64 - half)),
            )
        position = left << half | right
        if position < n:
            return position


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 63, 64, 65, 1000, 50_000, 10**12, 2**62])
def test_it_equals_its_twin(n):
    positions = np.unique(np.random.default_rng(0).integers(0, n, 200))
    for key in (0, 7, -5, MASK, 2**64 + 3):
        expected = [twin(int(position), n, key & MASK) for position in positions]
        assert permute(positions, n, key).tolist() == expected
        assert permute(positions[::-1], n, key).tolist() == expected[::-1]


def test_the_positions_given_stay_as_they_are():
    positions = np.arange(10)
    permute(positions, 10, 1)
    assert positions.tolist() == list(range(10))
    assert permute([], 5, 0).tolist() == []


# Orders that scripts in the wild rely on: never edit.
GOLDEN_10 = [9, 0, 1, 4, 8, 2, 6, 5, 7, 3]
GOLDEN_BIG = [70299187092, 707934080575, 818059018473]
GOLDEN_KEY = 8421225782569194894
GOLDEN_HASH = [3822843147720204744, 17421924623382170995]


def test_the_permutation_never_changes():
    assert permute(range(10), 10, 0).tolist() == GOLDEN_10
    assert permute([0, 1, 999_999_999_999], 10**12, 123).tolist() == GOLDEN_BIG
    assert derive_key(1, 2, 3) == GOLDEN_KEY
    assert keyed_hash([0, 1], 5).tolist() == GOLDEN_HASH


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 15, 16, 17, 255, 256, 257, 4095, 10_007])
def test_a_permutation_is_one(n):
    for key in (0, 1, 2**64 - 1, -5):
        assert np.array_equal(np.sort(permute(np.arange(n), n, key)), np.arange(n))
    positions = np.arange(n)[::-2]
    assert np.array_equal(permute(positions, n, 9), permute(np.arange(n), n, 9)[positions])


def test_permutations_look_random():
    first = np.array([permute([0, 1], 10, key) for key in range(5000)])
    for column in first.T:
        counts = np.bincount(column, minlength=10)
        assert ((counts - 500) ** 2 / 500).sum() < 33  # chi-squared, 9 degrees: 1 in 10,000
    order = permute(np.arange(50_000), 50_000, 3)
    assert abs(np.corrcoef(order[:-1], order[1:])[0, 1]) < 0.02
    assert abs(np.corrcoef(np.arange(50_000), order)[0, 1]) < 0.02


def test_positions_outside_the_range():
    with pytest.raises(IndexError):
        permute([5], 5, 0)
    with pytest.raises(IndexError):
        permute([-1], 5, 0)
    assert permute([], 5, 0).tolist() == []

"""Promise: the order under every sampler is what a slow twin says, on any machine."""

import numpy as np
import pytest
from dreamlearning.permutation import permute

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

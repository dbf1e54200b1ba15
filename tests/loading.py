"""What the tests of loading share: comparing loaders, counting their threads, a file of their own."""

from pathlib import Path

import dreamlearning
import numpy as np
import pytest
import torch


def threads():
    """Threads of loaders that are alive in this process."""
    if not Path("/proc/self/task").exists():
        pytest.skip("threads are counted in /proc")
    names = []
    for task in Path("/proc/self/task").iterdir():
        names.append((task / "comm").read_text())
    return sum(name.startswith("dreamlearning-a") for name in names)


def same(ours, theirs):
    ours, theirs = list(ours), list(theirs)
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        if isinstance(other, torch.Tensor):
            assert torch.equal(one, other)
        else:
            assert type(one) is type(other)
            for a, b in zip(one, other, strict=True):
                assert torch.equal(torch.as_tensor(a), torch.as_tensor(b))


def copy_of(path, tmp_path, preset="small", count=3000):
    """A file of its own, with noise, so that samples lie in many checked chunks."""
    images = np.random.default_rng(3).integers(0, 256, (count, 16, 16, 3), np.uint8)
    labels = np.arange(count)
    dreamlearning.compress((images, labels), tmp_path / "own.gede", preset=preset).close()
    return tmp_path / "own.gede", images, labels

"""Promise: workers that die are noticed, the epoch goes on as if nothing had happened, and nothing leaks."""

import gc
import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from dreamlearning import CompressedDataset, Loader, SubsetSampler
from torch.utils.data import DataLoader

EPOCHS, WORKERS, BATCH = 10, 4, 32


def used():
    """(own memory in bytes, open files, shared memory segments, child processes) of this process."""
    gc.collect()
    this = psutil.Process()
    segments = len(list(Path("/dev/shm").glob("torch_*"))) if Path("/dev/shm").is_dir() else 0
    return this.memory_full_info().uss, this.num_fds(), segments, len(this.children())


@pytest.fixture
def numbered(digits_path):
    return CompressedDataset(digits_path, return_index=True)


def workers_of(iterator):
    return [worker.pid for worker in iterator._workers]


# More workers than this machine may have cores: what torch warns of is what is wanted.
@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")
@pytest.mark.timeout(280)
def test_ten_epochs_with_workers_that_are_killed(numbered, digits):
    """One of four workers is killed in the middle of every epoch; a new loader goes on at the last batch."""
    chance = random.Random(5)
    expected = SubsetSampler(numbered, 0.7, seed=2)
    sampler = SubsetSampler(numbered, 0.7, seed=2)
    kills = 0
    before = None
    for epoch in range(EPOCHS):
        seen, state = [], None
        batches = -(-len(sampler) // BATCH)
        while len(seen) < len(sampler):
            if state is not None:
                sampler.load_state_dict(state)
            loader = DataLoader(numbered, BATCH, sampler=sampler, num_workers=WORKERS, timeout=60)
            kill_at = chance.randrange(batches // 4, batches // 2) if state is None else None
            consumed = 0
            iterator = iter(loader)
            try:
                for images, labels, index in iterator:
                    assert np.array_equal(images[:, 0].numpy(), digits[0][index])
                    assert np.array_equal(labels.numpy(), digits[1][index])
                    seen += index.tolist()
                    consumed += 1
                    state = sampler.state_dict(consumed * BATCH)
                    if consumed == kill_at:
                        os.kill(chance.choice(workers_of(iterator)), signal.SIGKILL)
                        killed = time.monotonic()
            except RuntimeError as error:
                if "killed" not in str(error) and "exited unexpectedly" not in str(error):
                    raise
                assert time.monotonic() - killed < 15
                kills += 1
            del iterator, loader
        assert seen == expected.indices(epoch).tolist()
        if epoch == 2:
            before = used()
    after = used()
    assert kills >= EPOCHS // 2  # a worker may die when it has nothing left to do
    assert after[0] - before[0] < 24 << 20
    assert after[1] <= before[1] + 2
    assert after[2:] == (before[2], 0)


@pytest.mark.timeout(280)
def test_memory_of_the_loader_is_flat(numbered):
    loader = Loader(numbered, BATCH, sampler=SubsetSampler(numbered, 0.7, seed=2), num_threads=3)
    sizes = []
    for _ in range(30):
        for number, _ in enumerate(loader):
            if number % 7 == 6 and len(sizes) % 3 == 2:
                break  # the rest of the epoch is never asked for
        sizes.append(used())
    assert sizes[-1][0] - sizes[4][0] < 8 << 20
    assert sizes[-1][1:] == sizes[4][1:]


@pytest.mark.timeout(120)
def test_ten_percent_holds_only_the_batches_in_flight(tmp_path, run_python):
    """49 MB of samples, an epoch of a tenth: own memory grows by the buffers, not by the data."""
    import dreamlearning

    images = np.random.default_rng(0).integers(0, 256, (16_000, 32, 32, 3), np.uint8)
    dreamlearning.compress(images, tmp_path / "big.gede", preset="raw").close()
    code = (
        "import psutil, sys, dreamlearning\n"
        "data = dreamlearning.CompressedDataset(sys.argv[1])\n"
        "sampler = dreamlearning.SubsetSampler(data, 0.1)\n"
        "loader = dreamlearning.Loader(data, 64, sampler=sampler)\n"
        "next(iter(loader))\n"
        "before = psutil.Process().memory_full_info().uss\n"
        "grown = 0\n"
        "for _ in range(10):\n"
        "    for batch in loader: pass\n"
        "    file = sum(m.private_clean + m.private_dirty for m in psutil.Process().memory_maps()"
        " if m.path.endswith('big.gede'))\n"
        "    grown = max(grown, psutil.Process().memory_full_info().uss - file - before)\n"
        "print(grown)\n"
    )
    done = run_python(code, tmp_path / "big.gede", timeout=90)
    assert done.returncode == 0, done.stderr
    in_flight = 8 * 64 * 3072
    assert int(done.stdout) < 4 * in_flight

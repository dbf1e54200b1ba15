"""Promise: a warmed-up parent's workers decode whole batches, however they start; threads share a file."""

import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor

import dreamlearning
import numpy as np
import pytest
import torch
from dreamlearning import CompressedDataset, SubsetSampler
from torch.utils.data import DataLoader

START_METHODS = ["fork", "spawn", "forkserver"]
ORDER = np.random.default_rng(0).integers(0, 1797, 1500)


@pytest.fixture
def warm(digits_file, digits):
    """An open file whose parent process has decoded whole batches with all its threads."""
    for threads in (0, 4):
        assert np.array_equal(digits_file.decode(ORDER, num_threads=threads), digits[0][ORDER])
    return digits_file


@pytest.mark.timeout(120)
@pytest.mark.parametrize("threads", [1, 0, 3])
@pytest.mark.parametrize("method", START_METHODS)
def test_workers_of_a_warm_parent(warm, digits, method, threads):
    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        jobs = [pool.apply_async(warm.decode, (ORDER,), {"num_threads": threads}) for _ in range(4)]
        for job in jobs:
            assert np.array_equal(job.get(timeout=90), digits[0][ORDER])
    assert np.array_equal(warm.decode(ORDER, num_threads=threads), digits[0][ORDER])


@pytest.mark.timeout(60)
@pytest.mark.parametrize("reading", ["mmap", "pread"])
def test_the_open_file_itself_after_a_fork(digits_path, digits, reading):
    """The child uses the very object of its parent: no pickling, so it must notice that it is elsewhere."""
    file = dreamlearning.open(digits_path, reading=reading)
    labels = file.labels
    file.decode(ORDER, num_threads=4)
    child = os.fork()
    if child == 0:
        good = np.array_equal(file.decode(ORDER, num_threads=4), digits[0][ORDER])
        good = good and np.array_equal(labels, digits[1]) and np.array_equal(file.labels, digits[1])
        os._exit(0 if good else 1)
    _, status = os.waitpid(child, 0)
    assert status == 0
    assert np.array_equal(file.decode(ORDER), digits[0][ORDER])


@pytest.mark.timeout(180)
@pytest.mark.parametrize("method", START_METHODS)
def test_data_loader_workers(digits_path, digits, method):
    data = CompressedDataset(digits_path)
    data.file.decode(ORDER, num_threads=0)
    assert data.targets[:3] == digits[1][:3].tolist()
    sampler = SubsetSampler(data, 0.5)
    loader = DataLoader(
        data, 100, sampler=sampler, num_workers=2, multiprocessing_context=method, timeout=120
    )
    batches = list(loader)
    order = sampler.indices(0)
    assert np.array_equal(torch.cat([b[0] for b in batches])[:, 0].numpy(), digits[0][order])
    assert torch.cat([b[1] for b in batches]).tolist() == digits[1][order].tolist()


@pytest.mark.timeout(60)
def test_threads_share_one_file(digits_path, digits):
    file = dreamlearning.open(digits_path)

    def work(seed):
        order = np.random.default_rng(seed).integers(0, 1797, 400)
        out = np.empty((400, 8, 8), np.uint8)
        for threads in (1, 2, 0):
            file.decode(order, out=out, num_threads=threads)
            if not np.array_equal(out, digits[0][order]):
                return False
        return np.array_equal(file.labels, digits[1])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(100)))


@pytest.mark.timeout(60)
def test_compressing_in_a_forked_child(warm, tmp_path):
    samples = np.random.default_rng(1).integers(0, 9, (3000, 20), np.uint8)
    child = os.fork()
    if child == 0:
        try:
            dreamlearning.compress(samples, tmp_path / "c.gede", num_threads=2)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert np.array_equal(dreamlearning.open(tmp_path / "c.gede")[:], samples)

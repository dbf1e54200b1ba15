"""Promise: a Loader says what is wrong with a file, ends however its loop ends, and never hangs or leaks."""

import gc
import logging
import os
import signal
import subprocess
import sys
import threading
import time

import dreamlearning
import numpy as np
import pytest
import torch
from dreamlearning import CompressedDataset, CorruptFileError, Loader
from dreamlearning._core import Prefetcher
from loading import copy_of, same, threads
from torch.utils.data import DataLoader

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def data(colour):
    return CompressedDataset(colour[0])


def test_labels_of_a_mapped_file_cut_short(tmp_path):
    """What was decoded ahead is good, and its labels are not touched where the map has no file any more."""
    path, _, _ = copy_of(None, tmp_path)
    iterator = iter(Loader(path, 50, prefetch=1, num_threads=1))
    next(iterator)
    time.sleep(0.3)
    os.truncate(path, path.stat().st_size // 3)
    with pytest.raises(CorruptFileError, match="bytes when it was opened"):
        list(iterator)


def damage(path, share=0.5):
    content = bytearray(path.read_bytes())
    content[int(len(content) * share)] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("preset", ["small", "raw"])
def test_damage_is_an_error_that_names_the_sample(tmp_path, preset):
    path, _, _ = copy_of(None, tmp_path, preset)
    damage(path)
    loader = Loader(path, 50)
    start = time.monotonic()
    with pytest.raises(CorruptFileError, match=r"own\.gede.*reading sample 1[0-9]{3}"):
        list(loader)
    assert time.monotonic() - start < 20
    assert threads() == 0


@pytest.mark.parametrize("preset", ["small", "raw"])
@pytest.mark.parametrize("batch_size", [1, 50])
def test_damaged_samples_can_be_left_out(tmp_path, preset, batch_size, caplog):
    path, images, labels = copy_of(None, tmp_path, preset)
    damage(path)
    loader = Loader(path, batch_size, on_error="skip")
    with caplog.at_level(logging.WARNING, "dreamlearning"):
        batches = list(loader)
    kept = torch.cat([targets for _, targets in batches]).numpy()
    assert 1 <= loader.skipped == 3000 - len(kept) <= 20  # a checked chunk of 8 KiB
    assert len(caplog.records) == loader.skipped
    assert "left out" in caplog.text
    assert np.array_equal(torch.cat([b for b, _ in batches]).numpy(), np.moveaxis(images[kept], -1, 1))
    assert set(labels) - set(kept.tolist()) == {record.args[0] for record in caplog.records}
    assert all(len(targets) for _, targets in batches)
    good = Loader(path, 50, sampler=range(100), on_error="skip")
    assert [len(targets) for _, targets in good] == [50, 50]
    assert good.skipped == 0


@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_a_file_cut_short_while_it_is_read(tmp_path, on_error):
    path, _, _ = copy_of(None, tmp_path)
    data = CompressedDataset(path, reading="pread")
    iterator = iter(Loader(data, 20, prefetch=1, num_threads=1, on_error=on_error))
    next(iterator)
    os.truncate(path, path.stat().st_size // 2)
    start = time.monotonic()
    with pytest.raises(CorruptFileError, match="bytes when it was opened"):
        list(iterator)
    assert time.monotonic() - start < 1


def test_a_file_that_is_replaced(tmp_path, colour):
    path, images, _ = copy_of(None, tmp_path)
    data = CompressedDataset(path)
    iterator = iter(Loader(data, 500))
    next(iterator)
    (tmp_path / "new.gede").write_bytes(colour[0].read_bytes())
    (tmp_path / "new.gede").rename(path)
    # What is open is the file that was there.
    assert np.array_equal(torch.cat([b for b, _ in iterator]).numpy(), np.moveaxis(images[500:], -1, 1))
    # A worker would open the new one.
    loader = DataLoader(data, 500, num_workers=1, timeout=60)
    with pytest.raises(dreamlearning.DreamlearningError, match="replaced"):
        list(loader)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"own\.gede"):
        list(DataLoader(data, 500, num_workers=1, timeout=60))


def fail_at_once(loader):
    for _ in loader:
        raise ZeroDivisionError


def test_threads_end_however_the_loop_does(data):
    for _ in Loader(data, 8):
        # A thread gives itself its name.
        assert any(threads() == 2 or time.sleep(0.01) for _ in range(1000))
        break
    gc.collect()
    assert threads() == 0
    with pytest.raises(ZeroDivisionError):
        fail_at_once(Loader(data, 8))
    assert threads() == 0
    iterator = iter(Loader(data, 8))
    next(iterator)
    iterator.close()
    assert threads() == 0
    one, other = iter(Loader(data, 100)), iter(Loader(data, 100))
    same(one, other)
    several = [next(iter(Loader(data, 8))) for _ in range(50)]
    assert threads() == 0
    assert len(several) == 50


def test_many_consumers_at_once(data):
    expected = list(DataLoader(data, 30))
    failures = []

    def work():
        try:
            same(Loader(data, 30, num_threads=3), expected)
        except BaseException as error:
            failures.append(error)

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert not failures


ENDINGS = {
    "exit": "sys.exit(7)",
    "return": "pass",
    "error": "raise RuntimeError('own')",
    "kept": "keep = iterator; sys.modules['keep'] = iterator",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_interpreter_ends(colour, run_python, ending):
    code = (
        "import sys, dreamlearning\n"
        "iterator = iter(dreamlearning.Loader(sys.argv[1], 4, prefetch=60, num_threads=4))\n"
        "next(iterator)\n"
        "print('begun', flush=True)\n" + ENDINGS[ending]
    )
    done = run_python(code, colour[0])
    assert done.stdout == "begun\n"
    assert done.returncode == {"exit": 7, "error": 1}.get(ending, 0), done.stderr


def test_control_c_ends_a_wait(colour):
    """Wherever the consumer is: waiting for a batch, between batches or between epochs."""
    code = (
        "import sys, time, dreamlearning\n"
        "loader = dreamlearning.Loader(sys.argv[1], 2, num_threads=1)\n"
        "print('begun', flush=True)\n"
        "while True:\n"
        "    for batch in loader: pass\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(colour[0])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=10)
    finally:
        process.kill()
    assert "KeyboardInterrupt" in error
    assert process.returncode != 0


def test_a_fork_in_the_middle(data):
    """The child has no threads: going on there is an error, a new loop works, and the parent never
    notices."""
    loader = Loader(data, 20, num_threads=2)
    iterator = iter(loader)
    first = next(iterator)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            next(iterator)
        except ValueError as error:
            code = 2
            if "forked" in str(error) and len(list(loader)) == 15:
                code = 0
        finally:
            del iterator
            os._exit(code)
    deadline = time.monotonic() + 30
    while (done := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < deadline:
        time.sleep(0.01)
    if done == (0, 0):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert done[1] == 0
    same([first, *iterator], DataLoader(data, 20))


def test_prefetcher_of_the_core(data):
    """What no loader does, but somebody might."""
    reader = data.file._reader
    core = Prefetcher(reader, 1)
    with pytest.raises(ValueError, match="no batch"):
        core.take()
    with pytest.raises(IndexError):
        core.submit(np.array([300]))
    core.submit(np.array([5, 6]), np.array([[0, 0, 2, 3], [1, 1, 2, 2]]))
    pixels, skipped = core.take()
    assert len(pixels) == (6 + 4) * 3
    assert skipped == []
    out = np.empty(768, np.uint8)
    core.submit(np.array([-1]), None, out)
    assert core.take()[0] is out
    assert np.array_equal(out, data.file[299].ravel())
    core.submit(np.array([1]), None, np.empty(5, np.uint8))
    with pytest.raises(ValueError, match="5 bytes"):
        core.take()
    core.submit(np.array([1]), np.array([[10, 10, 10, 10]]))
    with pytest.raises(ValueError, match="sample 1"):
        core.take()
    with pytest.raises(ValueError, match="regions"):
        core.submit(np.array([1]), np.zeros((2, 4), np.int64))
    frozen = np.empty(768, np.uint8)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        core.submit(np.array([1]), None, frozen)
    core.submit(np.array([1]))
    core.close()
    with pytest.raises(ValueError, match="closed"):
        core.submit(np.array([1]))
    assert threads() == 0

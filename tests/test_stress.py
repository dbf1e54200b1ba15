"""Promise: workers that die are noticed, the epoch goes on as if nothing had happened, and nothing leaks."""

import numpy as np
import pytest

# In an interpreter of its own: torch raises from a signal handler, wherever the main thread happens to be.
KILLS = """
import gc, os, random, signal, sys, time, warnings
import numpy as np, psutil, torch
from torch.utils.data import DataLoader
from dreamlearning import CompressedDataset, SubsetSampler

warnings.filterwarnings("ignore", "This DataLoader will create")  # more workers than cores is what is wanted
EPOCHS, WORKERS, BATCH = 10, 4, 32
data = CompressedDataset(sys.argv[1], return_index=True)
expected = SubsetSampler(data, 0.7, seed=2)
sampler = SubsetSampler(data, 0.7, seed=2)
chance = random.Random(5)
kills, slowest = set(), 0.0

def attempt(seen, kill_at):
    global killed, iterator
    begun = len(seen)
    iterator = iter(DataLoader(data, BATCH, sampler=sampler, num_workers=WORKERS))
    for images, labels, index in iterator:
        assert np.array_equal(images[:, 0].numpy(), digits[index])
        seen.append(index.tolist())
        if len(seen) - begun == kill_at:
            killed = time.monotonic()
            os.kill(chance.choice([w.pid for w in iterator._workers]), signal.SIGKILL)

def shut_down():
    global iterator
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # the other workers end now, which is no error
    iterator._shutdown_workers()
    iterator = None
    torch.utils.data._utils.signal_handling._SIGCHLD_handler_set = False  # the next loader sets it again

def one_loader(*arguments):
    # Attempt, record, shut down: each once, whatever interrupts it.
    global step, slowest
    while step < 3:
        try:
            if step == 0:
                step = 1
                attempt(*arguments)
            elif step == 1:
                if killed is not None:
                    kills.add(epoch)
                    slowest = max(slowest, time.monotonic() - killed)
                step = 2
            else:
                shut_down()
                step = 3
        except (RuntimeError, OSError, EOFError):
            # torch says that a worker was killed, or cannot fetch the memory that the worker had announced.
            if killed is None:
                raise

def used():
    gc.collect()
    this = psutil.Process()
    segments = sum(name.startswith("torch_") for name in os.listdir("/dev/shm"))
    return [this.memory_full_info().uss, this.num_fds(), segments, len(this.children())]

digits = data.file[:]
for epoch in range(EPOCHS):
    seen = []
    order = expected.indices(epoch).tolist()
    while sum(map(len, seen)) < len(order):
        if seen:
            # A state as of the last batch that has arrived; a script would have stored it.
            sampler.load_state_dict({**sampler.state_dict(), "epoch": epoch, "position": sum(map(len, seen))})
        killed, step = None, 0
        while step < 3:
            try:
                one_loader(seen, None if seen else chance.randrange(5, 20))
            except RuntimeError:  # torch's handler speaks where it likes
                if killed is None:
                    raise
    assert [i for batch in seen for i in batch] == order, f"epoch {epoch}"
    if epoch == 2:
        before = used()
after = used()
print(len(kills), slowest, after[0] - before[0], *[a - b for a, b in zip(after[1:], before[1:])])
"""


@pytest.mark.timeout(280)
def test_ten_epochs_with_workers_that_are_killed(digits_path, run_python):
    """One of four workers is killed in the middle of every epoch; a new loader goes on at the last batch."""
    done = run_python(KILLS, digits_path, timeout=270)
    assert done.returncode == 0, done.stderr
    kills, slowest, memory, files, segments, children = map(float, done.stdout.split())
    assert kills == 10
    assert slowest < 15
    assert memory < 24 << 20
    assert abs(files) < 5  # a socket or two of the last worker that was killed
    assert segments < 3  # torch makes one and unlinks it at once, unless it is killed in between
    assert children == 0


# In an interpreter of its own: what other tests have left behind changes what a process owns.
FLAT = """
import gc, sys, psutil
from dreamlearning import CompressedDataset, Loader, SubsetSampler

data = CompressedDataset(sys.argv[1], return_index=True)
loader = Loader(data, 32, sampler=SubsetSampler(data, 0.7, seed=2), num_threads=3)
sizes = []
for epoch in range(30):
    for number, _ in enumerate(loader):
        if number == 6 and epoch % 3 == 2:
            break  # the rest of the epoch is never asked for
    gc.collect()
    this = psutil.Process()
    sizes.append((this.memory_full_info().uss, this.num_fds(), this.num_threads()))
print(*(last - early for last, early in zip(sizes[-1], sizes[4])))
"""


@pytest.mark.timeout(120)
def test_memory_of_the_loader_is_flat(digits_path, run_python):
    done = run_python(FLAT, digits_path, timeout=100)
    assert done.returncode == 0, done.stderr
    memory, files, threads = map(int, done.stdout.split())
    assert memory < 8 << 20
    assert (files, threads) == (0, 0)


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

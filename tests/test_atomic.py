"""Promise: whatever stops the writer, there is never half a file under the final name."""

import os
import signal
import subprocess
import sys
import time

import dreamlearning
import numpy as np
import pytest

# Stops in mid-write, says so, and waits to be killed.
STALLING = """
import sys, time
import numpy as np
import dreamlearning
samples = np.random.default_rng(0).integers(0, 256, (40_000, 500), np.uint8)
source = list(samples[:50]) + [samples[0]] * 5000 if sys.argv[2] == "spool" else samples
def stall(done, total, raw, size):
    if done > total / 2 or sys.argv[2] == "spool":
        print("writing", flush=True)
        time.sleep(60)
dreamlearning.compress(source, sys.argv[1], progress=stall, overwrite=True)
"""


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.timeout(60)
@pytest.mark.parametrize("before", [None, b"the old file"])
@pytest.mark.parametrize("source", ["array", "spool"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_killed_in_mid_write(tmp_path, number, source, before):
    path = tmp_path / "out.gede"
    if before:
        path.write_bytes(before)
    command = [sys.executable, "-c", STALLING, path, source]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "writing\n"
        process.send_signal(number)
        assert process.wait(20) != 0
        if number == signal.SIGINT:
            assert "KeyboardInterrupt" in process.stderr.read()
    assert (path.read_bytes() if path.exists() else None) == before
    others = [name for name in leftovers(tmp_path) if name != "out.gede"]
    if number == signal.SIGINT:
        assert others == []
    else:  # a killed writer may leave its temporary file, which says what it is
        assert all(name.startswith(".out.gede.") and name.endswith(".tmp") for name in others)

    samples = np.arange(12).reshape(4, 3)
    with dreamlearning.compress(samples, path, overwrite=True) as file:
        assert np.array_equal(file[:], samples)
    assert leftovers(tmp_path) == ["out.gede"]


@pytest.fixture
def huge(tmp_path):
    """A sparse .npy of 6 GB of zeros: long work that needs no disk."""
    path = tmp_path / "huge.npy"
    with path.open("wb") as stream:
        header = {"descr": "|u1", "fortran_order": False, "shape": (2_000_000, 3000)}
        np.lib.format.write_array_header_1_0(stream, header)
        stream.truncate(stream.tell() + 6_000_000_000)
    return path


@pytest.mark.timeout(60)
def test_ctrl_c_without_a_progress_callback(tmp_path, huge):
    command = [sys.executable, "-m", "dreamlearning", "compress", huge, tmp_path / "out.gede"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 20
        while not any(".out.gede" in name for name in leftovers(tmp_path)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert process.poll() is None, process.stderr.read()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out == ""
    assert err == "dreamlearning: error: interrupted\n"
    assert leftovers(tmp_path) == ["huge.npy"]


FULL_DISK = """
import resource, sys
import numpy as np
import dreamlearning
samples = np.random.default_rng(0).integers(0, 256, (4000, 500), np.uint8)
source = samples if sys.argv[2] == "array" else list(samples)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    dreamlearning.compress(source, sys.argv[1])
except OSError as error:
    print(type(error).__name__, error.errno)
"""


@pytest.mark.timeout(60)
@pytest.mark.parametrize("source", ["array", "spool"])
def test_a_full_disk(tmp_path, run_python, source):
    """A limit on the file size stands in for a full disk: the write fails half way."""
    done = run_python(FULL_DISK, tmp_path / "out.gede", source)
    assert done.stdout.startswith("OSError"), done.stderr
    assert leftovers(tmp_path) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        dreamlearning.compress(np.zeros((3, 2)), tmp_path / "out.gede")


def test_a_failing_source_leaves_the_old_file(tmp_path):
    path = tmp_path / "out.gede"
    dreamlearning.compress(np.zeros((3, 2)), path).close()
    before = path.read_bytes()
    with pytest.raises(dreamlearning.SourceError):
        dreamlearning.compress([np.zeros(2), np.zeros(3)], path, overwrite=True)
    assert path.read_bytes() == before
    assert leftovers(tmp_path) == ["out.gede"]


@pytest.mark.timeout(120)
def test_memory_stays_bounded(tmp_path, run_python, peak_memory):
    """600 MB of samples pass through the 256 MiB of rows and 64 MiB of slices the writer may keep."""
    path = tmp_path / "big.npy"
    samples = np.lib.format.open_memmap(path, "w+", np.uint8, (150_000, 4000))
    samples[:] = np.random.default_rng(0).integers(0, 256, 4000, np.uint8)
    samples.flush()
    done = run_python(
        f"import sys, dreamlearning\n{peak_memory}\n"
        "before = peak()\n"
        "dreamlearning.compress(sys.argv[1], sys.argv[2], preset='fast').verify()\n"
        "print(peak() - before)",
        path,
        tmp_path / "big.gede",
        timeout=110,
    )
    assert int(done.stdout) < 330_000, done.stderr

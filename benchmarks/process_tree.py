"""A child process that answers requests, watched with everything it has started.

In: a command. Out: its answers, the peak of its memory and the bytes that it had read from disk. Linux only.
"""

import contextlib
import json
import os
import selectors
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil

SAMPLE_SECONDS = 0.02


class RowError(Exception):
    """The child could not do what it was asked."""


class Child:
    """A process that reads one JSON request a line and prints one JSON answer a line.

    Args:
        command: what to start.
        log: file that takes its stderr.
        env: its environment.
    """

    def __init__(self, command: list[str], log: Path, env: dict[str, str]) -> None:
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, env=env
            )
        self._selector = selectors.DefaultSelector()
        assert self._process.stdout is not None
        self._selector.register(self._process.stdout, selectors.EVENT_READ)
        self._tree = psutil.Process(self._process.pid)

    def hear(self, timeout: float, watch: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002
        """The next answer; with ``watch`` also ``peak_pss``, sampled every 20 ms meanwhile.

        Raises:
            RowError: the answer is an error, or none came in time or at all; the process has ended then.
        """
        assert self._process.stdout is not None
        deadline, peak = time.monotonic() + timeout, 0
        while True:
            if watch:
                peak = max(peak, self.pss())
            if self._selector.select(SAMPLE_SECONDS if watch else 1):
                break
            if time.monotonic() > deadline:
                self.end()
                raise RowError(f"no answer within {timeout:.0f} s")
        line = self._process.stdout.readline()
        if not line:
            self.end()
            raise RowError(f"its process ended with {self._process.returncode}")
        answer = json.loads(line)
        if "error" in answer:
            self.end()
            raise RowError(answer["error"])
        return {**answer, "peak_pss": max(peak, self.pss())} if watch else answer

    def ask(self, timeout: float, watch: bool = False, **request: Any) -> dict[str, Any]:  # noqa: FBT001, FBT002
        """Send a request and return its answer; as :meth:`hear`."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # hear() says how it ended
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        return self.hear(timeout, watch)

    def pss(self) -> int:
        """Memory of the whole tree now: its own pages, and of shared ones its share."""
        return sum(_of(process, lambda p: p.memory_full_info().pss) for process in self._all())

    def read_bytes(self, counter: str) -> int:
        """Bytes that the tree has read: ``read_bytes`` from disk, or ``read_chars`` through system calls."""
        return sum(_of(process, lambda p: getattr(p.io_counters(), counter)) for process in self._all())

    def cpu_seconds(self) -> float:
        """Processor time of the tree so far."""
        return sum(_of(process, lambda p: sum(p.cpu_times()[:2])) for process in self._all())

    def close(self) -> None:
        """Tell the process that nothing more is asked; it may then end."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()

    def end(self) -> None:
        """Let the process go, and kill what of it and its own processes does not."""
        started = self._all()
        self.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        for process in started:
            _of(process, lambda p: p.kill())
        self._process.wait()
        self._selector.close()

    def _all(self) -> list[psutil.Process]:
        try:
            return [self._tree, *self._tree.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


def _of(process: psutil.Process, measure: Any) -> Any:
    try:
        return measure(process) or 0
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return 0


def disk_bytes(folder: Path) -> tuple[int, int]:
    """Bytes of all files, and of the blocks of the file system that they take."""
    sizes = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return sum(size.st_size for size in sizes), sum(512 * size.st_blocks for size in sizes)


def forget(folder: Path) -> None:
    """Drop the files from the page cache, so that the next reader has to ask the disk."""
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)


def warm(folder: Path) -> None:
    """Read the files, so that they are in the page cache."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb", buffering=0) as stream:
                while stream.read(1 << 22):
                    pass


def working_counter(folder: Path) -> str:
    """``read_bytes`` where the kernel counts what this file system reads from disk, else ``read_chars``."""
    probe, size = folder / "probe.bin", 8 << 20
    probe.write_bytes(os.urandom(size))
    try:
        forget(folder)
        before = psutil.Process().io_counters().read_bytes
        probe.read_bytes()
        return "read_bytes" if psutil.Process().io_counters().read_bytes - before >= size else "read_chars"
    finally:
        probe.unlink()


def read_ahead_bytes(folder: Path) -> int | None:
    """How far the kernel reads ahead on the disk of this folder; ``None`` where it does not say."""
    device = folder.stat().st_dev
    place = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    for queue in (place / "queue", place / "../queue"):
        try:
            return 1024 * int((queue / "read_ahead_kb").read_text())
        except OSError:
            continue
    return None

"""Progress of long work, shown on stderr.

In: counts from the core, a few times a second. Out: a rich progress bar, only where stderr is a terminal or
the caller insists. Library code never prints anything else.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["CompressProgress", "Reporters", "VerifyProgress", "compress_progress", "verify_progress"]

CompressProgress = Callable[[int, int, int, int], object]
"""Called with (samples done, samples in all, raw bytes written, bytes they take in the file).

Several passes over the data count as parts of each sample; nothing is written before the last of them."""
VerifyProgress = Callable[[int, int], object]
"""Called with (done, total)."""


@dataclass
class Reporters:
    """What the two phases of a compression report to: reading the source, then compressing it."""

    read: Callable[[int, int | None], object] | None
    compress: CompressProgress | None
    sample_bytes: int = 0  # once it is known; for the throughput


def _wanted(progress: bool | None) -> bool:  # noqa: FBT001
    if progress is None:
        return sys.stderr is not None and sys.stderr.isatty()
    return progress


def _bar(columns: str):  # -> rich.progress.Progress
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn(columns),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


@contextmanager
def compress_progress(progress: bool | CompressProgress | None) -> Iterator[Reporters]:  # noqa: FBT001
    """Yield the reporters for one compression.

    ``progress``: ``None`` for a bar where stderr is a terminal, ``True``/``False`` to force it, or a
    callable, which then hears of the compression phase only.
    """
    if callable(progress):
        yield Reporters(read=None, compress=progress)
        return
    if not _wanted(progress):
        yield Reporters(read=None, compress=None)
        return
    with _bar("{task.fields[rate]}") as bar:
        reading = bar.add_task("reading", total=None, visible=False, rate="")
        compressing = bar.add_task("compressing", total=None, visible=False, start=False, rate="")

        def on_read(done: int, total: int | None) -> None:
            bar.update(reading, completed=done, total=total, visible=True)

        def on_compress(done: int, total: int, raw_bytes: int, file_bytes: int) -> None:
            task = bar.tasks[compressing]
            if task.start_time is None:
                bar.start_task(compressing)
            speed = done * reporters.sample_bytes / 1e6 / task.elapsed if task.elapsed else 0.0
            ratio = f", {file_bytes / raw_bytes:.1%} of raw" if raw_bytes and file_bytes else ""
            bar.update(
                compressing, completed=done, total=total, visible=True, rate=f"{speed:.1f} MB/s{ratio}"
            )

        reporters = Reporters(read=on_read, compress=on_compress)
        yield reporters


@contextmanager
def verify_progress(progress: bool | VerifyProgress | None) -> Iterator[VerifyProgress | None]:  # noqa: FBT001
    """Yield the reporter of a verification; ``progress`` as in :func:`compress_progress`."""
    if callable(progress):
        yield progress
        return
    if not _wanted(progress):
        yield None
        return
    with _bar("") as bar:
        task = bar.add_task("verifying", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)

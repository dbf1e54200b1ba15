"""Memory: what reading a random 10 % of CIFAR-10 holds, and what compressing 2 GB of it needs at most.

In: a folder where ``torchvision.datasets.CIFAR10`` finds the data, and a scratch folder with 5 GB free. Out:
``results/memory.json``. Every measurement is a fresh process, which reports its own ``/proc/self`` (Linux
only).

    python benchmarks/memory.py --data data
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import dreamlearning
import numpy as np
from common import environment, say, write_result
from dreamlearning.footprint import mapped_bytes
from dreamlearning.sources import Source, resolve
from dreamlearning.sources.base import StoredSamples
from numpy.lib.format import open_memmap

BATCH = 256
SHARE = 0.1
COMPRESSIONS: dict[str, dict[str, Any]] = {
    "small": {"preset": "small"},
    "fast": {"preset": "fast"},
    "fast by label": {"preset": "fast", "partition_by": "label"},
    "paper": {"preset": "paper"},
    "paper by label": {"preset": "paper", "partition_by": "label"},
}


def status(*keys: str) -> list[int]:
    """Bytes of these lines of ``/proc/self/status``, e.g. ``RssAnon``."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return [int(lines[key].split()[0]) * 1024 for key in keys]


def read_part(path: str, reading: str) -> dict[str, Any]:
    """Open a file and decode a random 10 %, keeping every batch."""
    chosen = np.random.default_rng(0).permutation(50_000)[: int(50_000 * SHARE)]
    gc.collect()
    anonymous, mapped = status("RssAnon", "RssFile")
    file = dreamlearning.open(path, reading=reading)
    batches = [file.decode(chosen[i : i + BATCH]) for i in range(0, len(chosen), BATCH)]
    anonymous_after, mapped_after = status("RssAnon", "RssFile")
    decoded = sum(batch.nbytes for batch in batches)
    touched = mapped_bytes(path) or 0
    grown = anonymous_after - anonymous + mapped_after - mapped
    return {
        "reading": reading,
        "decoded_bytes": decoded,
        "file_bytes": file.info()["file_bytes"],
        "anonymous_growth": anonymous_after - anonymous,
        "file_growth": mapped_after - mapped,
        "file_pages_resident": touched,
        "bound": 2 * decoded + touched,
        "within_bound": grown < 2 * decoded + touched,
    }


def compress_big(samples: str, labels: str, output: str, options: dict[str, Any]) -> dict[str, Any]:
    """Compress the big file on two threads, watching the memory of this process."""
    header = np.load(samples, mmap_mode="r")
    # The samples stay where they are: the core reads them with positioned reads.
    stream = Path(samples).open("rb")  # noqa: SIM115
    stored = StoredSamples(stream, header.offset, len(header), header.dtype, header.shape[1:])
    source = Source("CIFAR-10, tiled", stored, {"label": np.load(labels)})
    gc.collect()
    (before,) = status("RssAnon")
    peak, done = before, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.01):
            peak = max(peak, *status("RssAnon"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    try:
        file = dreamlearning.compress(source, output, num_threads=2, progress=False, **options)
    finally:
        seconds = time.perf_counter() - start
        done.set()
        watcher.join()
    info = file.info()
    # VmHWM starts anew with each program; the peak of getrusage would include the parent's.
    (highest,) = status("VmHWM")
    return {
        "raw_bytes": info["num_samples"] * file.sample_bytes,
        "num_samples": info["num_samples"],
        "file_bytes": info["file_bytes"],
        "seconds": seconds,
        "anonymous_before": before,
        "anonymous_peak": peak,
        "anonymous_growth": peak - before,
        "resident_peak": highest,
    }


def tile(images: np.ndarray, path: Path, times: int) -> None:
    """The images, ``times`` over, as one ``.npy`` file; never more than two copies in memory.

    Each copy is shifted sideways by one pixel more, so that no two images are the same: equal ones would
    share a base and make the work unlike that on 2 GiB of real images.
    """
    big = open_memmap(path, mode="w+", dtype=images.dtype, shape=(len(images) * times, *images.shape[1:]))
    for i in range(times):
        big[i * len(images) : (i + 1) * len(images)] = np.roll(images, i, axis=2)
        big.flush()


def in_new_process(function: str, *arguments: Any) -> dict[str, Any]:
    """What ``function`` returns in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, __file__, "--child", function, json.dumps(arguments)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return json.loads(done.stdout)


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="data", help="root of torchvision's CIFAR10")
    parser.add_argument("--scratch", help="folder for 5 GB of temporary files")
    parser.add_argument("--tiles", type=int, default=14, help="copies of CIFAR-10; 14 are 2 GiB")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        function, arguments = options.child
        measured = {"read_part": read_part, "compress_big": compress_big}[function](*json.loads(arguments))
        print(json.dumps(measured))
        return

    environment_before = environment()
    source = resolve(f"torchvision:CIFAR10?root={options.data}&split=train")
    images, labels = source.read(0, source.num_samples), source.fields["label"]
    reading, compressing = {}, {}
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        folder = Path(scratch)
        for name, chosen in (("small", {}), ("raw", {}), ("paper", {"partition_by": "label"})):
            path = folder / f"{name}.gede"
            dreamlearning.compress((images, labels), path, preset=name, progress=False, **chosen).close()
            for way in ("mmap", "pread"):
                reading[f"{name}, {way}"] = in_new_process("read_part", str(path), way)
                say(f"reading {name}, {way}: {reading[f'{name}, {way}']}")
        tile(images, folder / "big.npy", options.tiles)
        np.save(folder / "labels.npy", np.tile(labels, options.tiles))
        for name, chosen in COMPRESSIONS.items():
            output = folder / "big.gede"
            compressing[name] = in_new_process(
                "compress_big", str(folder / "big.npy"), str(folder / "labels.npy"), str(output), chosen
            )
            output.unlink()
            say(f"compressing {name}: {compressing[name]}")
    write_result(
        "memory",
        {
            "what": "resident memory of fresh processes: reading a random 10 % of CIFAR-10 train in batches "
            "of 256 that are all kept, and compressing CIFAR-10 train tiled, each copy shifted by a "
            "pixel, on 2 threads",
            "command": "python benchmarks/memory.py --data data",
            "environment": environment_before,
            "bound": "reading adds less than twice the decoded bytes plus the file's resident pages",
            "reading": reading,
            "compressing": compressing,
        },
    )


if __name__ == "__main__":
    main()

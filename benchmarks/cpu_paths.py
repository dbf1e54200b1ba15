"""CIFAR-10 with the instructions of older CPUs: random batches of 256 a second on one core, PNG beside them.

In: a folder where ``torchvision.datasets.CIFAR10`` finds the data. Out: ``results/cpu_paths.json``. Each
path runs in a process of its own, told by ``DREAMLEARNING_CPU`` to use no more than it names; inside, the
systems take turns.

    python benchmarks/cpu_paths.py --data data
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import dreamlearning
import numpy as np
from common import environment, say, summary, write_result
from dreamlearning.comparison import codecs
from torchvision.datasets import CIFAR10

PATHS = ("avx512", "avx2", "portable")
PRESETS = ("small", "fast", "raw")
BATCH = 256
PNG_IMAGES = 10_000


def measure(folder: Path, runs: int) -> dict[str, Any]:
    """Images a second of every preset, of one image at a time, and of PNG; in this process."""
    files = {preset: dreamlearning.open(folder / f"{preset}.gede") for preset in PRESETS}
    count = len(files["raw"])
    png = codecs()["PNG"]
    streams = [png.encode(image) for image in files["raw"].decode(range(0, count, count // PNG_IMAGES))]
    out = np.empty((BATCH, *files["raw"].shape), np.uint8)
    rates: dict[str, list[float]] = {name: [] for name in (*PRESETS, "small, one image at a time", "PNG")}
    for run in range(runs + 1):  # the first one warms up
        order = np.random.default_rng(run).permutation(count)
        for preset, file in files.items():
            start = time.perf_counter()
            for first in range(0, count, BATCH):
                part = order[first : first + BATCH]
                file.decode(part, out=out[: len(part)], num_threads=1)
            rates[preset].append(count / (time.perf_counter() - start))
        single = order[:PNG_IMAGES].tolist()
        start = time.perf_counter()
        for index in single:
            files["small"].decode([index], out=out[:1])
        rates["small, one image at a time"].append(len(single) / (time.perf_counter() - start))
        start = time.perf_counter()
        for index in single:
            out[0] = png.decode(streams[index % len(streams)])
        rates["PNG"].append(len(single) / (time.perf_counter() - start))
    return {
        name: {
            "images_per_second": summary(values[1:]),
            "times_png": summary([a / b for a, b in zip(values[1:], rates["PNG"][1:], strict=True)]),
        }
        for name, values in rates.items()
    }


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="data", help="root of torchvision's CIFAR10")
    parser.add_argument("--runs", type=int, default=7, help="timed epochs")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(options.child, options.runs)))
        return
    environment_before = environment()
    images = CIFAR10(options.data, train=True).data
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for preset in PRESETS:
            dreamlearning.compress(images, Path(folder) / f"{preset}.gede", preset=preset).close()
        for path in PATHS:
            command = [sys.executable, __file__, "--child", folder, "--runs", str(options.runs)]
            done = subprocess.run(
                command,
                env={**os.environ, "DREAMLEARNING_CPU": path},
                capture_output=True,
                text=True,
                check=True,
            )
            results[path] = json.loads(done.stdout)
            rates = {name: row["images_per_second"]["median"] for name, row in results[path].items()}
            say(f"{path}: " + ", ".join(f"{name} {rate:,.0f}/s" for name, rate in rates.items()))
    written = write_result(
        "cpu_paths",
        {
            "what": "CIFAR-10 train; random batches of 256 into one array, one thread",
            "command": "python benchmarks/cpu_paths.py --data data",
            "environment": environment_before,
            "paths": results,
        },
    )
    say(f"wrote {written.name}")


if __name__ == "__main__":
    main()

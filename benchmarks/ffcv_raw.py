"""The preset ``raw`` beside FFCV's raw mode: CIFAR-10 in random batches of 256, one thread each.

In: a folder where ``torchvision.datasets.CIFAR10`` finds the data, and the Python of an environment with
FFCV, which has to be built from source and needs older packages than this one. Out:
``results/ffcv_raw.json``. Two processes take turns, epoch by epoch: while one measures, the other waits.

    python benchmarks/ffcv_raw.py --data data --ffcv-python FFCV/bin/python
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BATCH = 256


def child(folder: Path) -> None:
    """FFCV's side: write the file, then one epoch for each line read."""
    import numpy as np
    from ffcv.fields import IntField, NDArrayField
    from ffcv.fields.decoders import IntDecoder, NDArrayDecoder
    from ffcv.loader import Loader, OrderOption
    from ffcv.writer import DatasetWriter

    images = np.load(folder / "images.npy")

    class Rows:
        def __len__(self) -> int:
            return len(images)

        def __getitem__(self, index: int) -> tuple:
            return images[index], 0

    path = folder / "cifar10.beton"
    fields = {"image": NDArrayField(images.dtype, images.shape[1:]), "label": IntField()}
    DatasetWriter(str(path), fields, num_workers=1).from_indexed_dataset(Rows())
    loader = Loader(
        str(path),
        batch_size=BATCH,
        num_workers=1,
        order=OrderOption.RANDOM,
        os_cache=True,
        drop_last=False,
        pipelines={"image": [NDArrayDecoder()], "label": [IntDecoder()]},
    )
    print(path.stat().st_size, flush=True)
    for _ in sys.stdin:
        start, seen = time.perf_counter(), 0
        for batch, _labels in loader:
            seen += len(batch)
        print(seen / (time.perf_counter() - start), flush=True)


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="data", help="root of torchvision's CIFAR10")
    parser.add_argument("--ffcv-python", default=sys.executable, help="Python of an environment with FFCV")
    parser.add_argument("--runs", type=int, default=9, help="timed epochs")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child)
        return

    import dreamlearning
    import numpy as np
    from common import environment, say, summary, write_result
    from torchvision.datasets import CIFAR10

    environment_before = environment()
    images = np.ascontiguousarray(CIFAR10(options.data, train=True).data)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        np.save(folder / "images.npy", images)
        file = dreamlearning.compress(images, folder / "raw.gede", preset="raw")
        mapped = np.load(folder / "images.npy", mmap_mode="r")
        command = [options.ffcv_python, __file__, "--child", folder]
        out = np.empty((BATCH, *images.shape[1:]), np.uint8)

        def epoch(run: int, gather) -> float:
            order = np.random.default_rng(run).permutation(len(images))
            start = time.perf_counter()
            for first in range(0, len(order), BATCH):
                part = order[first : first + BATCH]
                gather(part, out[: len(part)])
            return len(order) / (time.perf_counter() - start)

        rates: dict[str, list[float]] = {".gede raw": [], "FFCV, raw": [], "numpy.memmap": []}
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as ffcv:
            assert ffcv.stdin is not None
            assert ffcv.stdout is not None
            sizes = {".gede raw": file.info()["file_bytes"], "FFCV, raw": int(ffcv.stdout.readline())}
            for run in range(options.runs + 2):  # FFCV compiles in its first epoch
                ffcv.stdin.write("go\n")
                ffcv.stdin.flush()
                measured = {
                    "FFCV, raw": float(ffcv.stdout.readline()),
                    ".gede raw": epoch(run, lambda i, out: file.decode(i, out=out, num_threads=1)),
                    "numpy.memmap": epoch(
                        run, lambda i, out: np.take(mapped, i, axis=0, out=out, mode="clip")
                    ),
                }
                if run >= 2:
                    for name, rate in measured.items():
                        rates[name].append(rate)
                say(", ".join(f"{name} {rate:,.0f}/s" for name, rate in measured.items()))
            ffcv.stdin.close()
    ratios = [a / b for a, b in zip(rates[".gede raw"], rates["FFCV, raw"], strict=True)]
    path = write_result(
        "ffcv_raw",
        {
            "what": "CIFAR-10 train; random batches of 256, one thread",
            "command": "python benchmarks/ffcv_raw.py --data data --ffcv-python FFCV/bin/python",
            "environment": environment_before,
            "share_of_raw": {name: size / images.nbytes for name, size in sizes.items()},
            "images_per_second": {name: summary(values) for name, values in rates.items()},
            "times_ffcv": summary(ratios),
        },
    )
    say(f"wrote {path.name}")


if __name__ == "__main__":
    main()

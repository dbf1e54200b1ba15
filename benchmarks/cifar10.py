"""CIFAR-10: bytes on disk, time to compress, and random batches a second on one core, beside the usual ways.

In: a folder where ``torchvision.datasets.CIFAR10`` finds the data. Out: ``results/cifar10.json``.

Every system fills ONE preallocated array with batches of 256 in the same shuffled order of all 50,000
images, on one thread. The systems take turns, run after run, so that a machine that slows down slows all of
them.

    python benchmarks/cifar10.py --data data
"""

import argparse
import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dreamlearning
import numpy as np
import torch
from common import environment, say, summary, write_result
from dreamlearning.comparison import Codec, codecs
from dreamlearning.sources import Source
from numpy.typing import NDArray
from PIL import Image
from torchvision.datasets import CIFAR10
from torchvision.transforms.functional import pil_to_tensor

BATCH = 256
PRESETS: dict[str, dict[str, Any]] = {
    "small": {"preset": "small"},
    "raw": {"preset": "raw"},
    "fast": {"preset": "fast"},
    "paper": {"preset": "paper", "partition_by": "label"},
    "paper exact": {"preset": "paper", "partition_by": "label", "exact": True},
}
Gather = Callable[[NDArray[np.int64], NDArray[np.uint8]], object]
"""Fills the array with the samples of these indices."""


def _pillow_png(image: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="png")
    return buffer.getvalue()


CODECS = {
    "PNG, Pillow": Codec(_pillow_png, lambda data: np.asarray(Image.open(io.BytesIO(data)))),
    **codecs(),
}
# The slow ones on every fifth image.
EVERY = {"WebP lossless": 5, "JPEG XL, effort 7": 5}


class Encoded:
    """Images in a picture format, one after another in a file, with an index of where each starts."""

    def __init__(self, path: Path, images: NDArray[np.uint8], codec: Codec, every: int) -> None:
        offsets = [0]
        self.images = images[::every]
        with path.open("wb") as stream:
            for image in self.images:
                offsets.append(offsets[-1] + stream.write(codec.encode(image)))
        self.num_bytes = offsets[-1]
        self._offsets = offsets
        self._decode = codec.decode
        self._every = every
        self._bytes = np.memmap(path, mode="r")

    def gather(self, indices: NDArray[np.int64], out: NDArray[np.uint8]) -> None:
        """Decode these images into ``out``; only those that were encoded are asked for."""
        for position, i in enumerate((indices // self._every).tolist()):
            out[position] = self._decode(self._bytes[self._offsets[i] : self._offsets[i + 1]].tobytes())


def gather_torchvision(dataset: CIFAR10) -> Gather:
    """The way of torchvision: a Pillow image for each item, turned into a tensor."""

    def gather(indices: NDArray[np.int64], out: NDArray[np.uint8]) -> None:
        images = torch.from_numpy(out)
        for position, i in enumerate(indices.tolist()):
            images[position] = pil_to_tensor(dataset[i][0]).permute(1, 2, 0)

    return gather


def epoch_seconds(gather: Gather, order: NDArray[np.int64], out: NDArray[np.uint8]) -> float:
    """Seconds for all images in ``order``, ``BATCH`` at a time, into the same array."""
    start = time.perf_counter()
    for first in range(0, len(order), BATCH):
        indices = order[first : first + BATCH]
        gather(indices, out[: len(indices)])
    return time.perf_counter() - start


def compress_all(
    folder: Path, images: NDArray[np.uint8], labels: NDArray[Any], classes: list[str], runs: int
) -> dict[str, dict[str, Any]]:
    """Each preset's file in ``folder``, and what it cost."""
    source = Source("torchvision:CIFAR10?split=train", images, {"label": labels}, classes=classes)
    results: dict[str, dict[str, Any]] = {}
    for name, options in PRESETS.items():
        seconds = []
        for _ in range(runs):
            start = time.perf_counter()
            file = dreamlearning.compress(
                source, folder / f"{name}.gede", num_threads=2, overwrite=True, progress=False, **options
            )
            seconds.append(time.perf_counter() - start)
        info = file.info()
        errors = np.abs(file.decode(slice(None)).astype(np.int16) - images)
        if info["exact"] and errors.any():
            raise SystemExit(f"{name}: claims to be exact and is off by {errors.max()}")
        results[f".gede {name}"] = {
            "bytes": info["file_bytes"],
            "share_of_raw": info["file_bytes"] / images.nbytes,
            "compress_seconds": summary(seconds),
            "compress_threads": 2,
            "exact": info["exact"],
            "max_error": int(errors.max()),
            "share_of_pixels_off": float((errors > 0).mean()),
            "sections": info["sections"],
        }
        say(f"{name}: {info['file_bytes'] / images.nbytes:.2%} of raw, {summary(seconds)['median']:.1f} s")
    return results


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="data", help="root of torchvision's CIFAR10")
    parser.add_argument("--runs", type=int, default=7, help="timed epochs of each system")
    parser.add_argument("--compress-runs", type=int, default=3, help="timed compressions of each preset")
    options = parser.parse_args()

    environment_before = environment()
    torch.set_num_threads(1)
    dataset = CIFAR10(options.data, train=True)
    images = np.ascontiguousarray(dataset.data)
    labels = np.asarray(dataset.targets, dtype=np.uint8)

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        systems = compress_all(folder, images, labels, dataset.classes, options.compress_runs)
        files = {name: dreamlearning.open(folder / f"{name}.gede") for name in PRESETS}
        np.save(folder / "images.npy", images)
        mapped = np.load(folder / "images.npy", mmap_mode="r")
        # What torchvision keeps is the raw array, in memory.
        for name in ("numpy.memmap", "torchvision"):
            systems[name] = {"bytes": images.nbytes, "share_of_raw": 1.0}
        encoded = {}
        for name, codec in CODECS.items():
            encoded[name] = Encoded(folder / name, images, codec, EVERY.get(name, 1))
            share = encoded[name].num_bytes / encoded[name].images.nbytes
            systems[name] = {
                "bytes": encoded[name].num_bytes,
                "images": len(encoded[name].images),
                "share_of_raw": share,
            }
            say(f"{name}: {share:.2%} of raw")

        gathers: dict[str, Gather] = {
            f".gede {name}": lambda i, out, f=file: f.decode(i, out=out, num_threads=1)
            for name, file in files.items()
        }
        # mode="clip" is the one that writes straight into out.
        gathers["numpy.memmap"] = lambda i, out: np.take(mapped, i, axis=0, out=out, mode="clip")
        gathers |= {name: one.gather for name, one in encoded.items()}
        gathers["torchvision"] = gather_torchvision(dataset)

        out = np.empty((BATCH, *images.shape[1:]), np.uint8)
        check_and_warm_up(gathers, images, out, systems)
        rates: dict[str, list[float]] = {name: [] for name in gathers}
        for run in range(options.runs):
            order = np.random.default_rng(run).permutation(len(images))
            for name, gather in gathers.items():
                mine = order[order % EVERY.get(name, 1) == 0]
                rates[name].append(len(mine) / epoch_seconds(gather, mine, out))
            say(f"run {run + 1}: " + ", ".join(f"{name} {r[-1]:,.0f}/s" for name, r in rates.items()))
    for name, values in rates.items():
        # Run by run, so that both sides of a ratio saw the same machine.
        ratios = [mine / png for mine, png in zip(values, rates["PNG"], strict=True)]
        systems[name] |= {"images_per_second": summary(values), "times_png": summary(ratios)}
    path = write_result(
        "cifar10",
        {
            "what": "CIFAR-10 train, 50,000 images 32x32x3 uint8; random batches of 256 into one array, "
            "one thread",
            "command": "python benchmarks/cifar10.py --data data",
            "environment": environment_before,
            "raw_bytes": images.nbytes,
            "batch": BATCH,
            "systems": systems,
        },
    )
    say(f"wrote {path.name}")


def check_and_warm_up(
    gathers: dict[str, Gather],
    images: NDArray[np.uint8],
    out: NDArray[np.uint8],
    systems: dict[str, dict[str, Any]],
) -> None:
    """One untimed epoch of each system, compared with the images."""
    order = np.random.default_rng(2**32).permutation(len(images))
    for name, gather in gathers.items():
        mine = order[order % EVERY.get(name, 1) == 0]
        for first in range(0, len(mine), BATCH):
            indices = mine[first : first + BATCH]
            gather(indices, out[: len(indices)])
            error = np.abs(out[: len(indices)].astype(np.int16) - images[indices]).max()
            if error > systems[name].get("max_error", 0):
                raise SystemExit(f"{name}: off by {error}")


if __name__ == "__main__":
    main()

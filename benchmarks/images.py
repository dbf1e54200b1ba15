"""Other images than CIFAR-10: sizes and decoding beside PNG, lossless WebP, JPEG XL and QOI, and what a
crop reads.

In: the folder of ``unpack.py`` (MNIST, Fashion-MNIST), a folder of the Kodak photographs as PNG and one of
ImageNet photographs as JPEG. Out: ``results/images.json``. Data sets that are not there are left out,
which the result says.

    python benchmarks/images.py --data data --kodak ../shared/data/kodak --imagenet
    ../shared/data/imagenet_sample
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import dreamlearning
import numpy as np
import torch
from common import environment, say, summary, write_result
from dreamlearning import CompressedFile, crops
from dreamlearning.comparison import compare

SAMPLES = {"MNIST": 5000, "Fashion-MNIST": 5000, "Kodak": 24, "ImageNet": 125}
CROP_ROUNDS = 5


def sources(options: argparse.Namespace, scratch: Path) -> dict[str, str]:
    """What there is, by name."""
    found = {}
    for name, cls in (("MNIST", "MNIST"), ("Fashion-MNIST", "FashionMNIST")):
        if (Path(options.data) / cls).is_dir():
            found[name] = f"torchvision:{cls}?root={options.data}&split=train"
    for name, folder, pattern in (
        ("Kodak", options.kodak, "*.png"),
        ("ImageNet", options.imagenet, "*.JPEG"),
    ):
        photographs = sorted(Path(folder).glob(pattern)) if folder else []
        if photographs:
            target = scratch / name / "photographs"
            target.mkdir(parents=True)
            for photograph in photographs:
                (target / photograph.name).symlink_to(photograph.resolve())
            found[name] = f"imagefolder:{target.parent}?mode=RGB"
    return found


def crop_cost(file: CompressedFile) -> dict[str, Any]:
    """Share of bytes and of time that random crops take of whole images."""
    torch.manual_seed(0)
    crop = crops.RandomResized()
    shapes = file.shapes()[:, :2].tolist()
    indices = np.arange(len(file))
    result: dict[str, Any] = {"images": len(file), "rounds": CROP_ROUNDS}
    shares, times, areas = [], [], []
    for _ in range(CROP_ROUNDS):
        regions = [crop(*shape) for shape in shapes]
        start, before = time.perf_counter(), file.bytes_read
        file.decode(indices)
        whole, middle = time.perf_counter() - start, file.bytes_read
        start = time.perf_counter()
        file.decode_regions(indices, regions)
        times.append((time.perf_counter() - start) / whole)
        shares.append((file.bytes_read - middle) / (middle - before))
        pixels = sum(h * w for _, _, h, w in regions)
        areas.append(pixels / sum(h * w for h, w in shapes))
    result |= {
        "share_of_bytes": summary(shares),
        "share_of_seconds": summary(times),
        "share_of_pixels": summary(areas),
    }
    typical = [i for i, shape in enumerate(shapes) if sorted(shape) == [375, 500]]
    if typical:
        before = file.bytes_read
        file.decode(typical)
        middle = file.bytes_read
        for _ in range(CROP_ROUNDS):
            file.decode_regions(typical, [crop(*shapes[i]) for i in typical])
        share = (file.bytes_read - middle) / CROP_ROUNDS / (middle - before)
        result["photographs_of_500x375"] = {"images": len(typical), "share_of_bytes": share}
    return result


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="data", help="root of torchvision's MNIST and FashionMNIST")
    parser.add_argument("--kodak", help="folder of kodim01.png ...")
    parser.add_argument("--imagenet", help="folder of ImageNet photographs, *.JPEG")
    parser.add_argument("--runs", type=int, default=5, help="timed runs")
    parser.add_argument("--seconds", type=float, default=90.0, help="longest time to encode in each format")
    options = parser.parse_args()

    environment_before = environment()
    torch.set_num_threads(1)
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        found = sources(options, scratch)
        for name, source in found.items():
            formats: dict[str, Any] = {}
            extra: dict[str, Any] = {}
            for preset in ("fast", "small"):
                start = time.perf_counter()
                path = scratch / f"{preset}.gede"
                file = dreamlearning.compress(
                    source, path, preset=preset, overwrite=True, progress=False, num_threads=2
                )
                seconds = time.perf_counter() - start
                file.verify()
                compared = compare(
                    file,
                    max_samples=SAMPLES[name],
                    max_bytes=1 << 30,
                    seconds=options.seconds,
                    runs=options.runs,
                )
                # The other formats are kept as the second comparison saw them.
                formats = {**formats, **compared["formats"]}
                formats[f".gede {preset}"]["compress_seconds"] = seconds
                say(f"{name}, {preset}: {formats[f'.gede {preset}']['share_of_raw']:.2%} of raw")
                if name in ("Kodak", "ImageNet") and preset == "small":
                    extra["random_crops"] = crop_cost(file)
            sample_bytes = file.info()["fields"][0]["bytes"]
            if name == "ImageNet":
                jpeg = sum(path.stat().st_size for path in Path(options.imagenet).glob("*.JPEG"))
                extra["jpeg_share_of_raw"] = jpeg / sample_bytes
            results[name] = {
                "samples": len(file),
                "shape": file.shape,
                "raw_bytes": sample_bytes,
                "compared_on": compared["samples"],
                "formats": formats,
                **extra,
            }
    path = write_result(
        "images",
        {
            "what": "sizes of whole files, and decoding of randomly ordered images on one thread",
            "command": "python benchmarks/images.py --data data --kodak KODAK --imagenet IMAGENET",
            "environment": environment_before,
            "left_out": sorted(set(SAMPLES) - set(results)),
            "data_sets": results,
        },
    )
    say(f"wrote {path.name}")


if __name__ == "__main__":
    main()

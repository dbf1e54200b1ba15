"""Images a second of random crop, flip and cutout on a GPU, beside torchvision v2 and Kornia.

In: nothing. Out: a JSON file where ``--out`` says. A pending run: takes about 2 minutes on one GPU.

    python benchmarks/gpu/augment.py --out benchmarks/results/gpu_augment.json

The batches are uint8 and on the device already. Every system crops from zero padding of an eighth of the
side, mirrors, and erases a square of a quarter of the side. ``torchvision, each sample`` calls the transforms
once for every image; ``torchvision, one draw for the batch`` calls them once, so that all images get the same
crop: fast, but another augmentation. Kornia takes floats only, so the conversion is in its time; it is left
out where it is not installed. The systems take turns within each run.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from dreamlearning.augment import Compose, Cutout, HorizontalFlip, RandomCrop
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).parent.parent))
from common import environment, say, summary

SHAPES = [(512, 32), (4096, 32), (256, 224)]  # batch, side
QUICK = [(4, 32)]

System = Callable[[torch.Tensor, torch.Tensor], Any]


def systems(side: int, device: str, backend: str) -> dict[str, System]:
    """What is compared: from images and their numbers to the augmented batch."""
    padding, square = side // 8, side // 4
    ours = Compose([RandomCrop(padding), HorizontalFlip(), Cutout(square)])
    torch.compiler.reset()
    compiled = torch.compile(ours, fullgraph=True, backend=backend)
    share = (square / side) ** 2
    theirs = v2.Compose(
        [
            v2.RandomCrop(side, padding=padding),
            v2.RandomHorizontalFlip(),
            v2.RandomErasing(p=1.0, scale=(share, share), ratio=(1.0, 1.0)),
        ]
    )
    epoch = torch.tensor(3, device=device)  # as in one epoch of a training
    found: dict[str, System] = {
        "dreamlearning, eager": lambda images, index: ours(images, index, 3),
        "dreamlearning, compiled": lambda images, index: compiled(images, index, epoch),
        "torchvision, each sample": lambda images, _index: torch.stack([theirs(x) for x in images]),
        "torchvision, one draw for the batch": lambda images, _index: theirs(images),
    }
    try:
        import kornia.augmentation as kornia
    except ImportError:
        return found
    steps = torch.nn.Sequential(
        kornia.RandomCrop((side, side), padding=padding),
        kornia.RandomHorizontalFlip(),
        kornia.RandomErasing(p=1.0, scale=(share, share), ratio=(1.0, 1.0)),
    )
    found["kornia, from uint8"] = lambda images, _index: steps(images.float() / 255)
    return found


def rate(system: System, images: torch.Tensor, index: torch.Tensor, seconds: float) -> float:
    """Images a second over at least ``seconds``; the device's queue is empty before and after."""

    def wait() -> None:
        if images.is_cuda:
            torch.cuda.synchronize()

    steps, batches = 0, 1
    wait()
    start = time.perf_counter()
    while True:
        for _ in range(batches):
            system(images, index)
            steps += 1
        wait()
        if (elapsed := time.perf_counter() - start) >= seconds:
            return steps * len(images) / elapsed
        batches *= 2  # seldom waiting, or small batches would measure the wait


def measure(count: int, side: int, options: argparse.Namespace) -> dict[str, Any]:
    """All systems on batches of one shape."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8, generator=generator)
    images = images.to(options.device)
    index = torch.randperm(1_281_167, generator=generator)[:count].to(options.device)
    compared = systems(side, options.device, options.backend)
    rates: dict[str, list[float]] = {name: [] for name in compared}
    for run in range(options.runs + 1):  # the first one compiles
        for name, system in compared.items():
            measured = rate(system, images, index, options.seconds)
            if run:
                rates[name].append(measured)
                say(f"{count} x 3 x {side} x {side}, {name}: {measured:,.0f}/s")
    return {
        "batch": count,
        "side": side,
        "images_per_second": {name: summary(values) for name, values in rates.items()},
    }


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--backend", default="inductor", help="of torch.compile")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each measurement")
    parser.add_argument("--quick", action="store_true", help="one tiny batch, to see whether all of it runs")
    options = parser.parse_args()
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        parser.error("there is no CUDA device here; --device cpu --quick shows whether the script runs")

    result = {
        "what": "random crop, flip and cutout of uint8 batches on the device, images a second",
        "command": "python benchmarks/gpu/augment.py --out benchmarks/results/gpu_augment.json",
        "environment": environment(),
        "device": torch.cuda.get_device_name() if options.device.startswith("cuda") else options.device,
        "torch": torch.__version__,
        "shapes": [measure(*shape, options) for shape in (QUICK if options.quick else SHAPES)],
    }
    temporary = options.out.with_suffix(".tmp")
    try:
        temporary.write_text(json.dumps(result, indent=2) + "\n")
        temporary.replace(options.out)
    finally:
        temporary.unlink(missing_ok=True)
    say(f"wrote {options.out.name}")


if __name__ == "__main__":
    main()

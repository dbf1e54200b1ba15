"""Batches on a GPU: ``Loader`` with its copies on a side stream beside a stock ``DataLoader``; a pending run.

In: CIFAR-10 as torchvision lays it out (``--data``), or nothing (random images of the same size). Out: JSON
with images/s into GPU memory, alone and beside a training step of a small convolutional network, for each way
to load.
Expected: about 4 minutes on one GPU. ``--device cpu --samples 2000`` tries the script itself.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import dreamlearning
import numpy as np
import torch
from dreamlearning import CompressedDataset, Loader, SubsetSampler, augment
from torch.utils.data import DataLoader

sys.path.insert(0, str(Path(__file__).parent.parent))
from common import environment

BATCH = 512
PASSES = 5


def arrays(data: str | None, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 32, 32, 3) and labels (n,)."""
    if data is None:
        rng = np.random.default_rng(0)
        smooth = rng.integers(0, 256, (samples, 8, 8, 3), np.uint8).repeat(4, 1).repeat(4, 2)
        return smooth, rng.integers(0, 10, samples)
    from torchvision.datasets import CIFAR10

    source = CIFAR10(data, train=True)
    return source.data[:samples], np.array(source.targets[:samples])


def network() -> torch.nn.Module:
    """Enough work that loading can hide behind it, little enough that it can be seen."""
    layers: list[torch.nn.Module] = []
    for before, after in ((3, 64), (64, 128), (128, 256)):
        layers += [torch.nn.Conv2d(before, after, 3, 2, 1), torch.nn.BatchNorm2d(after), torch.nn.ReLU()]
    head = [torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(256, 10)]
    return torch.nn.Sequential(*layers, *head)


def ways(path: Path, device: str) -> dict[str, object]:
    """Name -> something that gives batches on the device."""
    dataset = CompressedDataset(path)
    cuda = device.startswith("cuda")
    flips = augment.Compose([augment.RandomCrop(4), augment.HorizontalFlip()])

    def stock(workers: int):
        loader = DataLoader(
            dataset,
            BATCH,
            sampler=SubsetSampler(dataset, 1.0),
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=cuda,
            drop_last=True,
        )

        class OnDevice:
            def __iter__(self):
                for images, labels in loader:
                    yield images.to(device, non_blocking=True), labels.to(device, non_blocking=True)

        return OnDevice()

    def ours(threads: int, **options):
        return Loader(
            dataset, BATCH, shuffle=True, drop_last=True, num_threads=threads, device=device, **options
        )

    return {
        "DataLoader, 0 workers": stock(0),
        "DataLoader, 4 workers": stock(4),
        "Loader, 1 thread": ours(1),
        "Loader, 4 threads": ours(4),
        "Loader, 12 threads": ours(12, prefetch=16),
        "Loader, 4 threads, augment": ours(4, augment=flips),
    }


def measure(batches, device: str, model: torch.nn.Module | None) -> float:
    """Images/s of one pass."""
    optimizer = torch.optim.SGD(model.parameters(), 0.01) if model is not None else None
    seen = 0
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    start = time.perf_counter()
    for images, labels in batches:
        seen += len(images)
        if model is not None and optimizer is not None:
            loss = torch.nn.functional.cross_entropy(model(images.float() / 255), labels)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return seen / (time.perf_counter() - start)


def main() -> None:
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=style)
    parser.add_argument("--data", help="folder of torchvision's CIFAR10; without it random images are used")
    parser.add_argument("--samples", type=int, default=50_000)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file")
    options = parser.parse_args()
    images, labels = arrays(options.data, options.samples)
    results: dict[str, dict[str, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for preset in ("small", "fast", "raw"):
            path = Path(folder) / f"{preset}.gede"
            dreamlearning.compress((images, labels), path, preset=preset, progress=False).close()
            all_ways = ways(path, options.device)
            model = network().to(options.device)
            rates: dict[str, dict[str, list[float]]]
            rates = {name: {"alone": [], "training": []} for name in all_ways}
            for number in range(PASSES + 1):
                for name, batches in all_ways.items():
                    for kind, trained in (("alone", None), ("training", model)):
                        rate = measure(batches, options.device, trained)
                        if number:  # the first pass warms everything up
                            rates[name][kind].append(rate)
            results[preset] = {
                name: {kind: statistics.median(values) for kind, values in kinds.items()}
                for name, kinds in rates.items()
            }
            print(json.dumps({preset: results[preset]}, indent=1), flush=True)
    device = torch.cuda.get_device_name() if options.device.startswith("cuda") else options.device
    report = {
        "what": f"images/s into {device}, batches of {BATCH}, median of {PASSES} passes",
        "data": "CIFAR-10 train" if options.data else "random images of CIFAR-10's size",
        "samples": len(images),
        "device": device,
        "environment": environment(),
        "presets": results,
    }
    options.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()

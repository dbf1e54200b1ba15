"""``dreamlearning demo``. In: a source. Out: one table, one picture and one JSON file of the main job."""

import json
import os
from pathlib import Path
from typing import Any

import click

from .formatting import size

__all__ = ["demo"]


@click.command()
@click.option(
    "--source", metavar="SOURCE", default="sklearn:digits", show_default=True, help="Training images."
)
@click.option(
    "--test-source", metavar="SOURCE", help="Test images; by default a fifth of the training images."
)
@click.option(
    "--epochs", type=click.IntRange(min=1), default=12, show_default=True, help="Of both trainings."
)
@click.option(
    "--fraction",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.1,
    show_default=True,
    help="Share of the training images that an epoch of the second training sees.",
)
@click.option(
    "--batch-size", type=click.IntRange(min=2), help="Images of a step; by default 32, or 128 for many."
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("out"),
    show_default=True,
    help="Folder for the files, the table as JSON, and the picture.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda...")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the model and the order.")
@click.option("--train-limit", type=click.IntRange(min=1), metavar="N", help="Train on N images only.")
def demo(
    source: str,
    test_source: str | None,
    epochs: int,
    fraction: float,
    batch_size: int | None,
    out: Path,
    device: str,
    seed: int,
    train_limit: int | None,
) -> None:
    """Compress a data set, check it bit by bit, and train a ResNet-18 from the file.

    Once on all data, and once on a fresh part of it every epoch. Prints one table; OUT then holds the files,
    demo.png and demo.json. The default takes a minute or two on two cores and needs no download.

    \b
    dreamlearning demo
    dreamlearning demo --source "torchvision:CIFAR10?root=data&split=train&download=true" \\
        --test-source "torchvision:CIFAR10?root=data&split=test" --epochs 30
    """
    # torch takes seconds to import; `dreamlearning --help` does without.
    from ..recipes import MainJob, run_main_job
    from ..report import main_job_figure, save_figure

    job = MainJob(
        source=source,
        test_source=test_source,
        epochs=epochs,
        fraction=fraction,
        batch_size=batch_size,
        seed=seed,
        device=device,
        train_limit=train_limit,
    )
    result = run_main_job(job, out, say=lambda line: click.echo(line, err=True))
    _write_json(result, out / "demo.json")
    save_figure(main_job_figure(result), out / "demo.png")
    _print_table(result)
    click.echo(f"\nPicture: {out / 'demo.png'}   numbers: {out / 'demo.json'}   files: {out / '*.gede'}")


def _write_json(result: dict[str, Any], path: Path) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(json.dumps(result, indent=2) + "\n")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _print_table(result: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    data, sizes, runs = result["data"], result["sizes"], result["runs"]
    table = Table(title=f"{data['source']}, {data['train_samples']:,} training images")
    table.add_column("")
    for name in ("on disk", "of raw", "RAM held", "s/epoch", "accuracy"):
        table.add_column(name, justify="right")
    stored = {
        "raw": ("raw arrays", size(data["raw_image_bytes"])),
        "png": ("PNG per image", ""),
        "paper": (f".gede paper, {_loss(sizes['paper'])}", ""),
        "small": (f".gede small, {_loss(sizes['small'])}", ""),
    }
    for key, (label, held) in stored.items():
        table.add_row(label, size(sizes[key]["bytes"]), f"{sizes[key]['share']:.1%}", held)
    table.add_section()
    for run in runs:
        fraction = run["recipe"]["fraction"]
        label = "train: all data" if fraction == 1 else f"train: a fresh {fraction:.0%}"
        # Without /proc all of the file may be resident.
        held = run["batch_bytes"] + (run["mapped_bytes"] or sizes["small"]["bytes"])
        seconds, accuracy = f"{run['seconds_per_epoch']:.2f}", f"{run['test_accuracy']:.1%}"
        table.add_row(label, "", "", size(held), seconds, accuracy)
    console = Console()
    console.print(table)
    mapped = runs[0]["mapped_bytes"]
    resident = (
        f"{size(mapped)} of resident pages of the mapped file, which the system may take back (peak Rss in "
        "/proc/self/smaps)"
        if mapped is not None
        else "all of the mapped file, as this system does not tell which pages are resident"
    )
    console.print(
        "On disk: images and labels; PNG is the sum of the file contents. Both trainings read the .gede "
        "small file, all of it per epoch or a fresh part of it. RAM held by training data, on all data: "
        f"{size(runs[0]['batch_bytes'])} of decoded batches (at most two are alive at once) + {resident}; "
        f"raw arrays are held whole. Accuracy is that of the last of {len(runs[0]['epochs'])} epochs, on "
        f"{data['test_samples']:,} images never trained on; seconds are the median, without evaluation.",
        style="dim",
        highlight=False,
    )


def _loss(stored: dict[str, Any]) -> str:
    return "bit-exact" if stored["exact"] else f"off by <= {stored['max_error']}"

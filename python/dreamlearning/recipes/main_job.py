"""The main job: a data set becomes ``.gede`` files, and a network trains from one of them.

In: a :class:`MainJob`. Out: ``train.gede``, ``train_paper.gede`` and ``test.gede`` in a folder, and a
dictionary with the bytes of each form, and with two trainings: on all data, and on a fresh part of it per
epoch. Every file is decoded again and compared with its source before anything trains on it.
"""

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compression import compress
from ..errors import DreamlearningError, SourceError
from ..file import CompressedFile
from ..footprint import describe_machine, png_bytes
from ..permutation import permute
from ..sources import LABEL_FIELD, Source, resolve
from .training import Epoch, Recipe, Run, train

__all__ = ["MainJob", "run_main_job"]

_TEST_SHARE = 0.2
_MANY_SAMPLES = 10_000


@dataclass(frozen=True)
class MainJob:
    """What the main job does.

    Args:
        source: any SOURCE of labelled 8-bit images.
        test_source: the images to test on; by default a fifth of ``source``, the same one every time.
        epochs: of both trainings.
        fraction: share of the training images in an epoch of the second training.
        batch_size: images of a step; by default 32, or 128 from 10,000 training images on.
        seed: of the model and of the order. It does not change the division into training and test.
        device: "auto", "cpu", "cuda"...
        train_limit: train on so many images only, drawn at random.
    """

    source: Any = "sklearn:digits"
    test_source: Any = None
    epochs: int = 12
    fraction: float = 0.1
    batch_size: int | None = None
    seed: int = 0
    device: str = "auto"
    train_limit: int | None = None


def run_main_job(
    job: MainJob, folder: str | os.PathLike[str], *, say: Callable[[str], object] | None = None
) -> dict[str, Any]:
    """Run ``job``, leaving its files in ``folder``, and return what was measured.

    Args:
        job: the settings.
        folder: made if it is not there; files of an earlier run are replaced.
        say: told one line about each step.

    Returns:
        JSON types: ``machine``, ``job``, ``data`` (counts and shape), ``sizes`` (``raw``, ``png``,
        ``small``, ``paper``, each with ``bytes`` and ``share`` of raw) and ``runs`` (one training each, see
        :class:`Run`).

    Raises:
        SourceError: the source cannot be read, or does not hold labelled 8-bit images.
        DreamlearningError: a file does not hold what went into it.

    Example:
        >>> result = run_main_job(MainJob(epochs=2), "out")                     # doctest: +SKIP
        >>> result["sizes"]["small"]["share"], result["runs"][0]["test_accuracy"]    # doctest: +SKIP
        (0.66, 0.9)
    """
    say = say or (lambda line: None)
    Recipe(epochs=job.epochs, device=job.device).torch_device()  # fails now rather than after the files
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"{name}.gede" for name in ("train", "train_paper", "test")}

    data, sizes = _write_files(job, paths, say)
    # From here on everything is read from the files.
    batch_size = job.batch_size or (128 if data["train_samples"] >= _MANY_SAMPLES else 32)
    runs = []
    for fraction in (1.0, job.fraction):
        recipe = Recipe(fraction, job.epochs, batch_size, seed=job.seed, device=job.device)
        name = f"{fraction:.0%} per epoch"

        def on_epoch(number: int, epoch: Epoch, name: str = name) -> None:
            say(
                f"{name}, epoch {number} of {job.epochs}: {epoch.seconds:.1f} s, loss {epoch.loss:.3f}, "
                f"test accuracy {epoch.test_accuracy:.1%}"
            )

        run: Run = train(paths["train"], paths["test"], recipe, on_epoch=on_epoch)
        runs.append(run.as_dict())
    settings = {key: value if _is_json(value) else type(value).__name__ for key, value in asdict(job).items()}
    return {
        "machine": describe_machine(),
        "job": settings,
        "data": data,
        "sizes": sizes,
        "runs": runs,
    }


def _write_files(
    job: MainJob, paths: dict[str, Path], say: Callable[[str], object]
) -> tuple[dict[str, Any], dict[str, Any]]:
    source = _labelled_images(resolve(job.source), job.source)
    if job.test_source is None:
        train_rows, test_rows = _divide(source.fields[LABEL_FIELD])
        test_from = source
    else:
        test_from = _labelled_images(resolve(job.test_source), job.test_source)
        if test_from.shape != source.shape:
            raise SourceError(
                f"images of {job.test_source} have shape {test_from.shape}, of {job.source} {source.shape}"
            )
        train_rows, test_rows = np.arange(source.num_samples), np.arange(test_from.num_samples)
    if job.train_limit is not None and job.train_limit < len(train_rows):
        chosen = permute(np.arange(job.train_limit), len(train_rows), key=0)
        train_rows = train_rows[np.sort(chosen)]
    images, labels = _take(source, train_rows)
    test_images, test_labels = _take(test_from, test_rows)
    if not len(images) or not len(test_images):
        raise SourceError(f"{len(images)} images to train and {len(test_images)} to test on are not enough")

    raw = images.nbytes + labels.nbytes
    sizes: dict[str, Any] = {"raw": {"bytes": raw, "share": 1.0}}
    say(f"{len(images):,} images to train on, {len(test_images):,} to test on, of shape {source.shape}")
    png = png_bytes(images) + labels.nbytes
    sizes["png"] = {"bytes": png, "share": png / raw}
    for name, key, preset, partition_by in (
        ("train", "small", "small", None),
        ("train_paper", "paper", "paper", LABEL_FIELD),
    ):
        made = Source(source.name, images, {LABEL_FIELD: labels}, classes=source.classes)
        with compress(
            made, paths[name], preset=preset, partition_by=partition_by, overwrite=True, progress=False
        ) as f:
            error = _check(f, images, labels)
            info = f.info()
        size = info["file_bytes"]
        sizes[key] = {
            "bytes": size,
            "share": size / raw,
            "exact": info["exact"],
            "max_error": error,
            "sections": info["sections"],
        }
        exact = "bit-exact" if not error else f"not lossless, largest error {error}"
        say(f"{paths[name].name}: {size:,} bytes, {size / raw:.1%} of raw, decoded and compared: {exact}")
    made = Source(source.name, test_images, {LABEL_FIELD: test_labels}, classes=source.classes)
    with compress(made, paths["test"], overwrite=True, progress=False) as f:
        _check(f, test_images, test_labels)
    data = {
        "source": source.name,
        "train_samples": len(images),
        "test_samples": len(test_images),
        "shape": list(source.shape),
        "classes": len(np.unique(labels)),
        "raw_image_bytes": images.nbytes,
        "label_bytes": labels.nbytes,
    }
    return data, sizes


def _labelled_images(source: Source, asked: Any) -> Source:
    label = source.fields.get(LABEL_FIELD)
    image = len(source.shape) == 2 or (len(source.shape) == 3 and source.shape[2] in (1, 3, 4))
    if not image or source.dtype != np.uint8:
        raise SourceError(
            f"{asked}: samples of shape {source.shape} and dtype {source.dtype}; "
            "the main job trains on 8-bit images (H, W) or (H, W, 1|3|4)"
        )
    if label is None or label.ndim != 1 or label.dtype.kind not in "iu" or (label.size and label.min() < 0):
        raise SourceError(f"{asked}: the main job needs one label for each image, an integer counted from 0")
    return source


def _divide(labels: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(training rows, test rows), both in order: always the same fifth of every class is for testing."""
    is_test = np.zeros(len(labels), bool)
    for value in np.unique(labels):
        members = np.flatnonzero(labels == value)
        count = round(len(members) * _TEST_SHARE)
        is_test[members[permute(np.arange(count), len(members), key=int(value))]] = True
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def _take(source: Source, rows: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    if None in source.shape:
        raise SourceError(f"{source.name}: its images differ in size; resize them to one size first")
    images = np.empty((len(rows), *source.read(0, 1).shape[1:]), source.dtype)
    for start, batch in source.batches():
        first, last = np.searchsorted(rows, (start, start + len(batch)))
        images[first:last] = batch[rows[first:last] - start]
    return images, np.ascontiguousarray(source.fields[LABEL_FIELD][rows])


def _check(file: CompressedFile, images: NDArray[np.uint8], labels: NDArray[Any]) -> int:
    """The largest difference between the file and its source; an error where that breaks a promise."""
    file.verify()
    info = file.info()
    error = 0
    for start in range(0, len(images), 4096):
        decoded = file.decode(slice(start, start + 4096)).astype(np.int16)
        error = max(error, int(np.abs(decoded - images[start : start + 4096]).max()))
    promised = info["max_error"] or 0
    if error > promised or (info["exact"] and error):
        raise DreamlearningError(f"{file.path}: pixels are off by {error}, the file promises {promised}")
    if file.labels is None or not np.array_equal(file.labels, labels):
        raise DreamlearningError(f"{file.path}: the labels differ from the source")
    return error


def _is_json(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, bool))

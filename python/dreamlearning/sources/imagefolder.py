"""``imagefolder:DIR``: one sub-folder of image files per class.

In: a folder laid out as for ``torchvision.datasets.ImageFolder``, whose order of classes and samples is
kept. Out: a :class:`Source` of images of one shape and mode, with the number of the sub-folder as label.
"""

import os
from pathlib import Path
from typing import Any

from ..errors import SourceError, missing_extra
from .base import LABEL_FIELD, OnRead, Source, smallest_ints
from .images import image_to_array
from .spool import Spool

__all__ = ["from_imagefolder"]

_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def from_imagefolder(
    text: str, folder: str | os.PathLike[str] | None, on_read: OnRead | None = None
) -> Source:
    """All images under ``text``.

    Raises:
        SourceError: no such folder, no sub-folders, a sub-folder without images, an image that cannot be
            read, or one whose shape or mode is not the first one's. The message names the file.
        ImportError: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise missing_extra("PIL", "images") from error

    if not text:
        raise SourceError("imagefolder: names no folder; give imagefolder:DIR")
    root = Path(text)
    # Where the folder lay on this machine is nobody's business.
    name = f"imagefolder:{root.resolve().name}"
    files, labels, classes = _list_images(root)
    spool = Spool(folder, name)
    expected: tuple[str, tuple[int, ...]] | None = None
    for i, file in enumerate(files):
        array, mode = _read_image(Image, file)
        if expected is None:
            expected = mode, array.shape
        elif (mode, array.shape) != expected:
            raise SourceError(
                f"{file}: shape {array.shape} and mode {mode}, but {files[0]} has shape {expected[1]} and "
                f"mode {expected[0]}; resize or convert the images to one shape and mode first"
            )
        spool.append(array[None], str(file))
        if on_read:
            on_read(i + 1, len(files))
    return Source(name, spool.finish(), {LABEL_FIELD: smallest_ints(labels)}, classes=classes)


def _list_images(root: Path) -> tuple[list[Path], list[int], list[str]]:
    if not root.is_dir():
        raise SourceError(f"{root}: there is no such folder")
    classes = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
    for name in classes:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            where = os.fsencode(root / name)
            raise SourceError(f"{where!r}: the folder's name is not UTF-8; rename it") from error
    if not classes:
        raise SourceError(f"{root}: has no sub-folders; put the images into one sub-folder per class")
    files: list[Path] = []
    labels: list[int] = []
    for label, class_name in enumerate(classes):
        before = len(files)
        for folder, names in _walk(root / class_name):
            files.extend(folder / name for name in names if name.lower().endswith(_EXTENSIONS))
        if len(files) == before:
            raise SourceError(f"{root / class_name}: has no images ({', '.join(_EXTENSIONS)})")
        labels.extend([label] * (len(files) - before))
    return files, labels, classes


def _walk(top: Path) -> list[tuple[Path, list[str]]]:
    """All folders under ``top`` in the order of their names, with their sorted files. Links are followed."""
    found = []
    for folder, subfolders, names in os.walk(top, followlinks=True):
        for name in subfolders:
            link = Path(folder, name)
            if link.is_symlink() and Path(folder).resolve().is_relative_to(link.resolve()):
                raise SourceError(f"{link}: a link to a folder that holds it; remove it")
        found.append((Path(folder), sorted(names)))
    return sorted(found)


def _read_image(image_module: Any, file: Path) -> tuple[Any, str]:
    if file.exists() and not file.is_file():
        raise SourceError(f"{file}: is no regular file; remove it")
    try:
        with image_module.open(file) as image:
            return image_to_array(image, str(file)), image.mode
    except SourceError:
        raise
    except (OSError, SyntaxError, ValueError, image_module.DecompressionBombError) as error:
        raise SourceError(f"{file}: cannot be read as an image: {error}; repair or remove it") from error

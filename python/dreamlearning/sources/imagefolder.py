"""``imagefolder:DIR``: one sub-folder of image files per class.

In: a folder laid out as for ``torchvision.datasets.ImageFolder``, whose order of classes and samples is
kept. Out: a :class:`Source` of images of one mode and of any sizes, with the number of the sub-folder as
label.

Modes: all images must have the same (RGB, L, ...), unless ``imagefolder:DIR?mode=RGB`` asks for every image
to be converted to one.
"""

import os
import warnings
from pathlib import Path
from typing import Any

from ..errors import SourceError, missing_extra
from .base import LABEL_FIELD, OnRead, Source, smallest_ints
from .images import MODES, convert_to_array, image_to_array
from .spool import Spool

__all__ = ["from_imagefolder"]

_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def from_imagefolder(
    text: str, folder: str | os.PathLike[str] | None, on_read: OnRead | None = None
) -> Source:
    """All images under ``text``, which may end in ``?mode=MODE``.

    Raises:
        SourceError: no such folder, no sub-folders, a sub-folder without images, an unknown mode, an image
            that cannot be read, or one whose mode is not the first one's. The message names the file.
        ImportError: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise missing_extra("PIL", "images") from error

    if not text:
        raise SourceError("imagefolder: names no folder; give imagefolder:DIR")
    path, wanted = _split_mode(text)
    root = Path(path)
    # Where the folder lay on this machine is nobody's business.
    name = f"imagefolder:{root.resolve().name}"
    files, labels, classes = _list_images(root)
    spool = Spool(folder, name)
    first: str | None = None
    for i, file in enumerate(files):
        array, mode = _read_image(Image, file, wanted)
        first = first or mode
        if mode != first:
            raise SourceError(
                f"{file}: mode {mode}, but {files[0]} has mode {first}; convert the images to one mode, or "
                "let "
                f"imagefolder:{path}?mode={_common_mode(first, mode)} do it"
            )
        spool.append(array[None], str(file))
        if on_read:
            on_read(i + 1, len(files))
    return Source(name, spool.finish(), {LABEL_FIELD: smallest_ints(labels)}, classes=classes)


def _split_mode(text: str) -> tuple[str, str | None]:
    if Path(text).is_dir() or "?" not in text:
        return text, None
    path, _, query = text.rpartition("?")
    key, _, value = query.partition("=")
    mode = value.upper()
    if key != "mode":
        raise SourceError(
            f"imagefolder:{text}: there is no such folder, and the only option is ?mode= with one of "
            f"{', '.join(MODES)}"
        )
    if mode not in MODES:
        raise SourceError(
            f"imagefolder:{text}: mode {value!r} is not possible; give one of {', '.join(MODES)}"
        )
    return path, mode


def _common_mode(*modes: str) -> str:
    """The mode that holds most of what images of ``modes`` have."""
    if any(mode in ("LA", "RGBA", "PA") for mode in modes):
        return "RGBA"
    return "L" if all(mode in ("1", "L") for mode in modes) else "RGB"


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


def _read_image(image_module: Any, file: Path, wanted: str | None) -> tuple[Any, str]:
    if file.exists() and not file.is_file():
        raise SourceError(f"{file}: is no regular file; remove it")
    try:
        with warnings.catch_warnings(), image_module.open(file) as image:
            # Large is fine; what is far too large is an error.
            warnings.simplefilter("ignore", image_module.DecompressionBombWarning)
            if wanted is not None:
                return convert_to_array(image, wanted, str(file)), wanted
            return image_to_array(image, str(file)), image.mode
    except SourceError:
        raise
    except (OSError, SyntaxError, ValueError, image_module.DecompressionBombError) as error:
        raise SourceError(f"{file}: cannot be read as an image: {error}; repair or remove it") from error

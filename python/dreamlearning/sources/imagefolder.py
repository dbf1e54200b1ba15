"""``imagefolder:DIR``: one sub-folder of image files per class.

In: a folder laid out as for ``torchvision.datasets.ImageFolder``, whose order of classes and samples is
kept. Out: a :class:`Source` of images of one mode and of any sizes, with the number of the sub-folder as
label.

Modes: all images must have the same (RGB, L, ...), unless ``imagefolder:DIR?mode=RGB`` asks for every image
to be converted to one.
"""

import os
from pathlib import Path

from ..errors import SourceError
from .base import LABEL_FIELD, OnRead, Source, smallest_ints
from .images import EXTENSIONS, MODES, ImageReader
from .spool import Spool

__all__ = ["from_imagefolder", "from_text"]


def from_imagefolder(
    folder: str | os.PathLike[str],
    mode: str | None = None,
    *,
    spool_folder: str | os.PathLike[str] | None = None,
    on_read: OnRead | None = None,
) -> Source:
    """All images under ``folder``, which has one sub-folder per class.

    Args:
        folder: laid out as for ``torchvision.datasets.ImageFolder``.
        mode: convert every image to ``"L"``, ``"LA"``, ``"RGB"`` or ``"RGBA"``; without it all must have one
            mode.
        spool_folder: folder for an unnamed temporary file with the raw samples; by default the system's.
        on_read: told of (samples read, samples in all).

    Returns:
        Images (H, W) or (H, W, C) of any sizes, and the numbers of their sub-folders as labels.

    Raises:
        SourceError: no such folder, no sub-folders, a sub-folder without images, an unknown mode, an image
            that cannot be read, or one whose mode is not the first one's. The message names the file.
        ImportError: Pillow is not installed.

    Example:
        >>> source = from_imagefolder("photos/train", mode="RGB")           # doctest: +SKIP
        >>> dreamlearning.compress(source, "photos.gede")                    # doctest: +SKIP
    """
    root = Path(folder)
    reader = ImageReader(mode, f"let imagefolder:{root}?mode={{mode}} do it")
    # Where the folder lay on this machine is nobody's business.
    name = f"imagefolder:{root.resolve().name}"
    files, labels, classes = _list_images(root)
    spool = Spool(spool_folder, name)
    for i, file in enumerate(files):
        if file.exists() and not file.is_file():
            raise SourceError(f"{file}: is no regular file; remove it")
        spool.append(reader.read(file, str(file))[None], str(file))
        if on_read:
            on_read(i + 1, len(files))
    return Source(name, spool.finish(), {LABEL_FIELD: smallest_ints(labels)}, classes=classes)


def from_text(text: str, folder: str | os.PathLike[str] | None, on_read: OnRead | None = None) -> Source:
    """The source ``DIR`` or ``DIR?mode=MODE``."""
    if not text:
        raise SourceError("imagefolder: names no folder; give imagefolder:DIR")
    path, mode = _split_mode(text)
    return from_imagefolder(path, mode, spool_folder=folder, on_read=on_read)


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
            files.extend(folder / name for name in names if name.lower().endswith(EXTENSIONS))
        if len(files) == before:
            raise SourceError(f"{root / class_name}: has no images ({', '.join(EXTENSIONS)})")
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

"""A data set of 224 x 224 images from a folder of photographs.

In: photographs, at best 125 of them. Out: uint8 (8 for each, 224, 224, 3), the same at every run, and the
number of the photograph as the label.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 224
SHORT_SIDE = 256
OTHER_SHORT_SIDES = (224, 288, 336)


def crops(photograph: Path) -> list[NDArray[np.uint8]]:
    """The four corners and the centre at a short side of 256, and the centre at three others."""
    with Image.open(photograph) as opened:
        image = opened.convert("RGB")
    small = _scaled(image, SHORT_SIDE)
    right, bottom = small.width - SIDE, small.height - SIDE
    corners = [(0, 0), (right, 0), (0, bottom), (right, bottom)]
    cut = [_cut(small, left, top) for left, top in corners]
    for scaled in (small, *(_scaled(image, side) for side in OTHER_SHORT_SIDES)):
        cut.append(_cut(scaled, (scaled.width - SIDE) // 2, (scaled.height - SIDE) // 2))
    return cut


def load(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """All crops of all photographs in a fixed shuffled order, so that crops of one do not lie side by side.

    Raises:
        ValueError: the folder holds no JPEG or PNG files.
    """
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpeg", ".jpg", ".png"))
    if not found:
        raise ValueError(f"{folder} holds no .jpeg, .jpg or .png files; give a folder of photographs")
    parts = [crops(path) for path in found]
    images = np.stack([image for part in parts for image in part])
    labels = np.repeat(np.arange(len(parts), dtype=np.int64), [len(part) for part in parts])
    order = np.random.default_rng(0).permutation(len(images))
    return images[order], labels[order]


def _scaled(image: Image.Image, short_side: int) -> Image.Image:
    factor = short_side / min(image.size)
    size = (max(short_side, round(image.width * factor)), max(short_side, round(image.height * factor)))
    return image.resize(size, Image.Resampling.BICUBIC)


def _cut(image: Image.Image, left: int, top: int) -> NDArray[np.uint8]:
    return np.asarray(image.crop((left, top, left + SIDE, top + SIDE)))

"""Pillow images as arrays, and back, without losing a bit.

In: an opened image. Out: an array (H, W) or (H, W, C). Modes whose pixels an array does not hold in full
(palettes, CMYK, 16-bit colour) are refused rather than converted behind the user's back.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError

__all__ = ["MODES", "convert_to_array", "image_to_array"]

_MODES = ("1", "L", "LA", "RGB", "RGBA", "I;16", "I", "F")

MODES = ("L", "LA", "RGB", "RGBA")
"""Modes that images may be converted to."""


def image_to_array(image: Any, where: str) -> NDArray[Any]:
    """The pixels of a Pillow image: (H, W) for one channel, (H, W, C) for more.

    Raises:
        SourceError: a mode that an array cannot hold in full, or several frames; ``where`` names the image.
        OSError: the image is damaged.
    """
    if image.mode not in _MODES:
        raise SourceError(
            f"{where}: mode {image.mode} cannot be stored as it is; convert it to RGB or L first (for a "
            "folder of "
            "images, imagefolder:DIR?mode=RGB does)"
        )
    _refuse_frames_and_cut_colours(image, where)
    return np.asarray(image)


def convert_to_array(image: Any, mode: str, where: str) -> NDArray[Any]:
    """The pixels of a Pillow image after its conversion to ``mode``, one of :data:`MODES`.

    Raises:
        SourceError: more than 8 bits a colour, which would be lost, or several frames.
        OSError: the image is damaged.
    """
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        raise SourceError(f"{where}: mode {image.mode} has more than 8 bits, which mode {mode} would lose")
    _refuse_frames_and_cut_colours(image, where)
    # A palette with transparency goes by way of RGBA, where Pillow keeps its colours.
    through = "RGBA" if image.mode == "P" and "transparency" in image.info else image.mode
    if through in ("LAB", "HSV", "YCbCr"):
        through = "RGB"
    return np.asarray(image.convert(through).convert(mode))


def _refuse_frames_and_cut_colours(image: Any, where: str) -> None:
    if getattr(image, "n_frames", 1) > 1:
        raise SourceError(f"{where}: holds {image.n_frames} frames; save one image per file")
    if image.mode in ("LA", "RGB", "RGBA") and any(
        ";16" in str(tile[-1]) for tile in getattr(image, "tile", ())
    ):
        raise SourceError(f"{where}: has 16 bits per colour, which Pillow cuts to 8; save it as .npy instead")

"""Pillow images as arrays without losing a bit.

In: an opened image, or the files of many. Out: arrays (H, W) or (H, W, C). Modes whose pixels an array does
not hold in full (palettes, CMYK, 16-bit colour) are refused rather than converted behind the user's back.
"""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError, missing_extra

__all__ = ["EXTENSIONS", "MODES", "ImageReader", "convert_to_array", "image_to_array"]

EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""Endings of files that are taken for images; those of ``torchvision.datasets.ImageFolder``."""

_MODES = ("1", "L", "LA", "RGB", "RGBA", "I;16", "I", "F")

MODES = ("L", "LA", "RGB", "RGBA")
"""Modes that images may be converted to."""

_ORIENTATION = 0x0112  # the EXIF tag


class ImageReader:
    """Reads encoded images one after another and holds them to one mode.

    Args:
        mode: convert every image to it, one of :data:`MODES`; ``None`` keeps them as they are.
        advice: what to do about mixed modes, with ``{mode}`` where the mode is named.
        upright: turn images as their EXIF data says, which otherwise is not applied.

    Raises:
        SourceError: an unknown mode.
        ImportError: Pillow is not installed.
    """

    def __init__(self, mode: str | None, advice: str, *, upright: bool = False) -> None:
        try:
            from PIL import Image, ImageOps
        except ImportError as error:
            raise missing_extra("PIL", "images") from error
        if mode is not None and mode not in MODES:
            raise SourceError(f"mode {mode!r} is not possible; give one of {', '.join(MODES)}")
        self._pillow, self._turn = Image, ImageOps.exif_transpose if upright else None
        self._wanted, self._advice = mode, advice
        self._first: tuple[str, str] | None = None

    def read(self, file: Any, where: str, mode: str | None = None) -> NDArray[Any]:
        """The pixels of an image: ``file`` is a path or a stream, ``where`` names it in messages, and
        ``mode`` stands in for the reader's own where that is ``None``.

        Raises:
            SourceError: it cannot be read, or its mode is not the first one's.
        """
        try:
            with warnings.catch_warnings(), self._pillow.open(file) as image:
                # Large is fine; what is far too large is an error.
                warnings.simplefilter("ignore", self._pillow.DecompressionBombWarning)
                array, mode = self._pixels(image, where, self._wanted or mode)
        except SourceError:
            raise
        except (OSError, SyntaxError, ValueError, self._pillow.DecompressionBombError) as error:
            raise SourceError(f"{where}: cannot be read as an image: {error}; repair or remove it") from error
        if self._first is None:
            self._first = mode, where
        if mode != self._first[0]:
            raise SourceError(
                f"{where}: mode {mode}, but {self._first[1]} has mode {self._first[0]}; convert the images "
                f"to one mode, or {self._advice.format(mode=_common_mode(self._first[0], mode))}"
            )
        return array

    def _pixels(self, image: Any, where: str, wanted: str | None) -> tuple[NDArray[Any], str]:
        if self._turn is not None:
            # First, since looking for EXIF data decodes a PNG, after which nothing tells that it was cut.
            _refuse_frames_and_cut_colours(image, where)
            if image.getexif().get(_ORIENTATION, 1) != 1:
                image = self._turn(image)
        if wanted is not None:
            return convert_to_array(image, wanted, where), wanted
        return image_to_array(image, where), image.mode


def _common_mode(*modes: str) -> str:
    """The mode that holds most of what images of ``modes`` have."""
    if any(mode in ("LA", "RGBA", "PA") for mode in modes):
        return "RGBA"
    return "L" if all(mode in ("1", "L") for mode in modes) else "RGB"


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

"""Samples as PNG images.

In: samples of a file, as arrays. Out: Pillow images, or the bytes of PNG files, that hold every bit.
Channels come last in a picture, and an axis of one channel goes.
"""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import missing_extra
from ..file import CompressedFile
from ..indexing import image_axes

__all__ = ["Pictures", "are_pictures"]


def are_pictures(file: CompressedFile) -> bool:
    """Whether PNG holds the samples: images of 8 bits, or of 16 bits with one channel."""
    channels_first = image_axes(file.shape, file.dtype) == [1, 2]
    if image_axes(file.shape, file.dtype) is None or 0 in file.shape:
        return False
    channels = 1 if len(file.shape) == 2 else file.shape[0 if channels_first else -1]
    return file.dtype == np.uint8 or channels == 1


class Pictures:
    """Makes pictures of the samples of ``file``, for which :func:`are_pictures` holds.

    Raises:
        ImportError: Pillow is not installed.
    """

    def __init__(self, file: CompressedFile) -> None:
        try:
            from PIL import Image
        except ImportError as error:
            raise missing_extra("PIL", "images") from error
        self._from_array = Image.fromarray
        self._channels_first = image_axes(file.shape, file.dtype) == [1, 2]

    def image(self, pixels: NDArray[Any]) -> Any:
        """One sample as a Pillow image."""
        last = np.ascontiguousarray(np.moveaxis(pixels, 0, -1)) if self._channels_first else pixels
        return self._from_array(last[..., 0] if last.ndim == 3 and last.shape[2] == 1 else last)

    def png(self, pixels: NDArray[Any]) -> bytes:
        """One sample as the bytes of a PNG file."""
        stream = io.BytesIO()
        self.image(pixels).save(stream, "PNG")
        return stream.getvalue()

"""A file beside PNG, lossless WebP, JPEG XL and QOI, on its own images.

In: an open file of 8- or 16-bit images. Out: for every format the size and the speed of decoding on one
thread, all measured here and now. The other formats are the C libraries that ``imagecodecs`` calls, one
image after another from memory; needs ``pip install "dreamlearning[bench]"``.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import missing_extra
from .file import CompressedFile
from .footprint import describe_machine
from .indexing import image_axes

__all__ = ["Codec", "codecs", "compare"]

_BATCH_BYTES = 16 << 20

Image = NDArray[Any]
OnStep = Callable[[str], object]


@dataclass(frozen=True)
class Codec:
    """A picture format.

    ``encode`` and ``decode`` turn an image of shape (H, W) or (H, W, C) into bytes and back, bit for bit.
    """

    encode: Callable[[Image], bytes]
    decode: Callable[[bytes], Image]
    channels: tuple[int, ...] = (1, 2, 3, 4)
    """What it can hold; an image with fewer is stored with its channels repeated."""
    sixteen_bits: bool = True


def codecs() -> dict[str, Codec]:
    """The formats, by name.

    Raises:
        ImportError: imagecodecs is not installed.
    """
    try:
        import imagecodecs
    except ImportError as error:
        raise missing_extra("imagecodecs", "bench") from error

    def jpeg_xl(image: Image) -> bytes:
        return imagecodecs.jpegxl_encode(image, lossless=True, effort=7, numthreads=1)

    return {
        "PNG": Codec(lambda image: imagecodecs.png_encode(image, level=9), imagecodecs.png_decode),
        "WebP lossless": Codec(
            lambda image: imagecodecs.webp_encode(image, lossless=True),
            imagecodecs.webp_decode,
            channels=(3, 4),
            sixteen_bits=False,
        ),
        "JPEG XL, effort 7": Codec(jpeg_xl, lambda data: imagecodecs.jpegxl_decode(data, numthreads=1)),
        "QOI": Codec(imagecodecs.qoi_encode, imagecodecs.qoi_decode, channels=(3, 4), sixteen_bits=False),
    }


@dataclass
class _Encoded:
    """Images in one format, and how fast they were decoded."""

    codec: Codec
    streams: list[bytes] = field(default_factory=list)
    images: list[int] = field(default_factory=list)
    """Which images they are."""
    raw_bytes: int = 0
    repeated: bool = False
    """Whether channels had to be repeated."""
    seconds: list[float] = field(default_factory=list)

    @property
    def num_bytes(self) -> int:
        return sum(map(len, self.streams))


def compare(
    file: CompressedFile,
    *,
    max_samples: int = 1000,
    max_bytes: int = 64 << 20,
    seconds: float = 5.0,
    runs: int = 5,
    on_step: OnStep | None = None,
) -> dict[str, Any]:
    """Measure ``file`` and every other format on images spread evenly over the file.

    Args:
        max_samples: images that are looked at, at most.
        max_bytes: bytes of them, at most.
        seconds: encoding in a format stops after this time, with the images it has come to, in a random
        order. runs: timed runs, in which the formats take turns; the result is the median. on_step: told
        in words what is being done.

    Returns:
        JSON types: ``samples``, ``machine`` and ``formats``, a dictionary from name to ``images``,
        ``share_of_raw``, ``images_per_second``, ``megabytes_per_second``, ``times_png`` and ``runs``. The
        first one is the file itself, whose ``share_of_raw`` is that of the whole file, its index and its
        labels included.

        ``gede_share_of_same_images`` is what the file needs for the images of that row: they differ where
        a format ran out of time. ``left_out`` names the formats that could not hold the images, and says
        why.

    Raises:
        ValueError: the samples are no images, or there are none.
        ImportError: imagecodecs is not installed.

    Example:
        >>> result = compare(dreamlearning.open("cifar10.gede"))        # doctest: +SKIP
        >>> result["formats"]["PNG"]["share_of_raw"]                    # doctest: +SKIP
        0.738
    """
    if image_axes(file.shape, file.dtype) is None or not len(file):
        raise ValueError(
            f"{file.path}: {len(file)} samples of shape {file.shape} and dtype {file.dtype}; only images of "
            "8 or 16 bits can be compared with picture formats"
        )
    if max_samples < 1 or max_bytes < 1 or runs < 1 or seconds <= 0:
        raise ValueError("max_samples, max_bytes and runs must be at least 1, and seconds above 0")
    step = on_step or (lambda _: None)
    count = max(1, min(len(file), max_samples, max_bytes // max(1, file.sample_bytes)))
    indices = np.linspace(0, len(file) - 1, count).round().astype(np.int64)
    images = [_channels_last(image, file.shape) for image in file.decode(indices)]
    encoded, left_out = {}, {}
    for name, codec in codecs().items():
        step(f"encoding {name}")
        try:
            encoded[name] = _encode(codec, images, seconds)
        except (
            ValueError,
            RuntimeError,
            OverflowError,
        ) as error:  # imagecodecs' own errors are RuntimeErrors
            left_out[name] = str(error)
    ours = f".gede {file.info()['preset']}"
    own_seconds: list[float] = []
    for run in range(runs + 1):  # the first one warms up
        step(f"decoding, run {run} of {runs}" if run else "decoding once to warm up")
        taken = _decode_file(file, indices, run)
        if run:
            own_seconds.append(taken)
        for one in encoded.values():
            taken = _decode(one, run)
            if run:
                one.seconds.append(taken)
    raw = sum(image.nbytes for image in images)
    facts = file.info()
    sample_bytes = next(entry["bytes"] for entry in facts["fields"] if not entry["raw"])
    overhead = (facts["file_bytes"] - facts["sections"]["rows"]) / sample_bytes
    formats = {ours: _row(len(images), raw, facts["file_bytes"] / sample_bytes, own_seconds)}
    for name, one in encoded.items():
        row = _row(len(one.streams), one.raw_bytes, one.num_bytes / one.raw_bytes, one.seconds)
        before = file.bytes_read
        file.decode(indices[one.images])
        same = (file.bytes_read - before) / one.raw_bytes + overhead
        formats[name] = {**row, "channels_repeated": one.repeated, "gede_share_of_same_images": same}
    for row in formats.values():
        png = formats["PNG"]["megabytes_per_second"] if "PNG" in formats else None
        row["times_png"] = row["megabytes_per_second"] / png if png else None
    return {
        "samples": len(images),
        "preset": facts["preset"],
        "exact": facts["exact"],
        "machine": describe_machine(),
        "formats": formats,
        "left_out": left_out,
    }


def _row(images: int, raw_bytes: int, share: float, seconds: list[float]) -> dict[str, Any]:
    middle = median(seconds)
    return {
        "images": images,
        "share_of_raw": share,
        "images_per_second": images / middle,
        "megabytes_per_second": raw_bytes / 1e6 / middle,
        "runs": len(seconds),
    }


def _channels_last(image: Image, shape: tuple[Any, ...]) -> Image:
    """An image as the formats take it: (H, W), or (H, W, C) with several channels."""
    axes = image_axes(shape, image.dtype)
    if axes == [1, 2]:
        image = np.ascontiguousarray(np.moveaxis(image, 0, 2))
    return image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image


def _encode(codec: Codec, images: list[Image], seconds: float) -> _Encoded:
    """As many of ``images`` as fit into ``seconds``, in a random order.

    Raises:
        ValueError, RuntimeError: the format cannot hold them.
    """
    if images[0].dtype != np.uint8 and not codec.sixteen_bits:
        raise ValueError("it has 8 bits")
    channels = 1 if images[0].ndim == 2 else images[0].shape[2]
    if channels == 2 and channels not in codec.channels:
        raise ValueError("it has no images of 2 channels")
    result = _Encoded(codec, repeated=channels not in codec.channels)
    end = time.perf_counter() + seconds
    for number in random.Random(0).sample(range(len(images)), len(images)):
        image = images[number]
        stored = np.repeat(image[..., None], 3, axis=2) if result.repeated else image
        stream = codec.encode(np.ascontiguousarray(stored))
        if not np.array_equal(np.squeeze(codec.decode(stream)), np.squeeze(stored)):
            raise ValueError("it does not keep every bit of these images")
        result.streams.append(stream)
        result.images.append(number)
        result.raw_bytes += image.nbytes
        if time.perf_counter() > end:
            break
    return result


def _decode(encoded: _Encoded, run: int) -> float:
    order = random.Random(run).sample(encoded.streams, len(encoded.streams))
    decode = encoded.codec.decode
    start = time.perf_counter()
    for stream in order:
        decode(stream)
    return time.perf_counter() - start


def _decode_file(file: CompressedFile, indices: NDArray[np.int64], run: int) -> float:
    """Seconds for random batches of the file's images, on one thread, into memory that is used again."""
    order = np.random.default_rng(run).permutation(indices)
    batch = max(1, min(256, _BATCH_BYTES // max(1, file.sample_bytes)))
    parts = [order[first : first + batch] for first in range(0, len(order), batch)]
    if file.ragged:
        outs: list[Any] = [[np.empty(shape, file.dtype) for shape in file.shapes(part)] for part in parts]
    else:
        out = np.empty((batch, *file.shape), file.dtype)
        outs = [out[: len(part)] for part in parts]
    start = time.perf_counter()
    for part, out in zip(parts, outs, strict=True):
        file.decode(part, out=out, num_threads=1)
    return time.perf_counter() - start

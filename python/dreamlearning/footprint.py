"""How many bytes a data set takes, on disk and in memory, and on which machine that was found.

In: arrays, or the path of a mapped file. Out: integers, and a description of the machine. Nothing is
estimated: where the system does not tell, the answer is ``None``.
"""

import io
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._core import __version__, build_profile
from .errors import missing_extra

__all__ = ["describe_machine", "mapped_bytes", "png_bytes"]

_FLAGS = ("bmi2", "avx2", "avx512f", "avx512bw", "avx512vbmi")
_PACKAGES = ("numpy", "torch", "torchvision", "pillow")


def png_bytes(images: NDArray[np.uint8]) -> int:
    """Bytes of all images (n, H, W) or (n, H, W, C) as one PNG file each, with Pillow's default settings.

    File contents only; a file system rounds each up to its block size, usually 4096 bytes.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise missing_extra("PIL", "images") from error

    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    total = 0
    for image in images:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, format="png")
        total += buffer.tell()
    return total


def mapped_bytes(path: str | os.PathLike[str]) -> int | None:
    """Bytes of the file that are mapped into this process and in memory now: ``Rss`` in ``/proc/self/smaps``.

    These are pages of the system's file cache; it takes them back when memory is short. ``None`` where
    there is no ``/proc``.

    Example:
        >>> mapped_bytes("never-opened.gede")       # 0 on Linux, None elsewhere
        0
    """
    try:
        smaps = Path("/proc/self/smaps").read_text()
    except OSError:
        return None
    # A mapping starts with "ADDRESS PERMISSIONS OFFSET DEVICE INODE PATH", then come "Key: value kB" lines.
    target = os.fspath(Path(path).resolve())
    total, inside = 0, False
    for line in smaps.splitlines():
        parts = line.split(maxsplit=5)
        if not parts[0].endswith(":"):
            inside = len(parts) == 6 and parts[5] == target
        elif inside and parts[0] == "Rss:":
            total += int(parts[1]) * 1024
    return total


def describe_machine() -> dict[str, Any]:
    """Processor, memory, system and versions: what a number needs beside it to mean anything.

    Holds nothing that names the machine's owner or its folders.
    """
    cpu = _cpu_info()
    flags = set(cpu.get("flags", "").split())
    versions = {name: _version(name) for name in _PACKAGES}
    return {
        "cpu": cpu.get("model name") or platform.processor() or platform.machine(),
        "cores": _usable_cores(),
        "cpu_flags": [flag for flag in _FLAGS if flag in flags],
        "memory_bytes": _memory_bytes(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{name: version for name, version in versions.items() if version is not None},
        "dreamlearning": __version__,
        "build_profile": build_profile,
    }


def _cpu_info() -> dict[str, str]:
    try:
        first = Path("/proc/cpuinfo").read_text().split("\n\n", 1)[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None

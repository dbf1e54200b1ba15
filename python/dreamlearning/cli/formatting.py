"""Numbers as people read them. In: bytes, ratios. Out: short strings."""

from typing import Any

__all__ = ["loss", "samples", "shape", "size", "sizes"]


def size(num_bytes: float) -> str:
    """Bytes in decimal units.

    Example:
        >>> size(153_600_000)
        '153.6 MB'
    """
    for unit in ("bytes", "kB", "MB", "GB"):
        if num_bytes < 1000:
            return f"{num_bytes:,.0f} bytes" if unit == "bytes" else f"{num_bytes:.1f} {unit}"
        num_bytes /= 1000
    return f"{num_bytes:.2f} TB"


def sizes(info: dict[str, Any]) -> str:
    """File size against raw size, from a file's ``info()``."""
    share = "" if info["ratio"] is None else f" ({info['ratio']:.1%})"
    return f"{size(info['file_bytes'])} of {size(info['raw_bytes'])}{share}"


def loss(info: dict[str, Any]) -> str:
    """Whether a file is bit-exact, from its ``info()``."""
    return "bit-exact" if info["exact"] else f"NOT lossless, max error {info['max_error']}"


def samples(count: int) -> str:
    """Example:
    >>> samples(1), samples(1797)
    ('1 sample', '1,797 samples')
    """
    return f"{count:,} sample{'' if count == 1 else 's'}"


def shape(sides: list[int | None]) -> str:
    """Shape of a sample.

    Example:
        >>> shape([32, 32, 3]), shape([None, None, 3])
        ('(32, 32, 3)', '(own, own, 3)')
    """
    return str(tuple(sides)).replace("None", "own")

"""The errors of this package.

Three come from the core; :class:`SourceError` is about what is read *before* compressing. Wrong arguments
raise the built-in ``TypeError``, ``ValueError`` and ``IndexError``; the file system raises ``OSError``.
"""

from ._core import CorruptFileError, DreamlearningError, FormatVersionError

__all__ = ["CorruptFileError", "DreamlearningError", "FormatVersionError", "SourceError", "missing_extra"]


class SourceError(DreamlearningError, ValueError):
    """The source can't be read or contradicts itself: mixed shapes, an unreadable image, too few labels.

    The message names the file or the sample and says what to do.
    """


def missing_extra(module: str, extra: str) -> ImportError:
    """The error for an optional dependency that is not installed.

    Args:
        module: the package that could not be imported, e.g. ``"torch"``.
        extra: the extra of this package that brings it, e.g. ``"torch"``.

    Example:
        >>> print(missing_extra("PIL", "images"))
        this needs PIL, which is not installed: pip install "dreamlearning[images]"
    """
    return ImportError(
        f'this needs {module}, which is not installed: pip install "dreamlearning[{extra}]"', name=module
    )

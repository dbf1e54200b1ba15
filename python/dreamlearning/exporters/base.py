"""What all ways out of a file share: what to write, where to, and outputs that appear when complete.

In: a file, opened or named, indices and a path. Out: an opened :class:`CompressedFile`, int64 indices, and
temporary files and folders that take their names at the end.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..file import CompressedFile
from ..file import open as open_compressed
from ..indexing import as_indices

__all__ = [
    "as_chosen",
    "check_output",
    "new_file",
    "new_folder",
    "opened",
    "runs",
    "scratch_folder",
    "to_export",
]

_RUN_BYTES = 1 << 24


@contextmanager
def opened(file: Any) -> Iterator[CompressedFile]:
    """The file behind what users pass: an opened one, a ``CompressedDataset``, or a path.

    Raises:
        TypeError: it is something else.
        OSError, DreamlearningError: as :func:`dreamlearning.open`.
    """
    inner = getattr(file, "file", file)  # of a CompressedDataset, known without importing torch
    if isinstance(inner, CompressedFile):
        yield inner
    elif isinstance(file, (str, os.PathLike)):
        with open_compressed(file) as one:
            yield one
    else:
        raise TypeError(
            f"file is a {type(file).__name__}; give a path, a CompressedFile or a CompressedDataset"
        )


@contextmanager
def to_export(
    file: Any, indices: Any, path: str | os.PathLike[str], suffix: str, *, overwrite: bool
) -> Iterator[tuple[CompressedFile, NDArray[np.int64], Path]]:
    """What goes into a new file whose name ends in ``suffix``: the file, the samples chosen, and the output.

    Raises:
        ValueError: ``path`` ends in something else.
        Errors of :func:`opened`, :func:`as_chosen` and :func:`check_output`.
    """
    output = Path(path)
    if output.suffix.lower() != suffix:
        raise ValueError(f"{output}: the name must end in {suffix}")
    with opened(file) as one:
        chosen = as_chosen(indices, len(one))
        check_output(output, overwrite=overwrite)
        yield one, chosen, output


def as_chosen(indices: Any, n: int) -> NDArray[np.int64]:
    """The samples to write, each at least 0: ``indices`` into ``n`` samples, all of them for ``None``.

    Raises:
        IndexError: one is out of range.
        TypeError, ValueError: no indices.
    """
    chosen = as_indices(slice(None) if indices is None else indices, n)
    outside = chosen[(chosen < -n) | (chosen >= n)]
    if outside.size:
        raise IndexError(f"sample {outside[0]} is out of range for {n} samples")
    return chosen % max(n, 1)


def check_output(output: Path, *, overwrite: bool, is_file: bool = True) -> None:
    """Whether ``output`` may be written.

    Raises:
        FileExistsError: it exists and ``overwrite`` is false, or is a folder (never replaced).
        FileNotFoundError: the folder it goes to does not exist.
        ValueError: it is a device or a pipe.
    """
    if os.path.lexists(output) and not (overwrite and is_file and not output.is_dir()):
        if is_file and not output.is_dir():
            advice = "pass overwrite=True (--overwrite), or remove it"
        elif output.is_dir():
            advice = "a folder is never replaced; remove it, or give another name"
        else:
            advice = "the pictures need a new folder; remove it, or give another name"
        raise FileExistsError(errno.EEXIST, f"the output exists; {advice}", str(output))
    if not output.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder to write to", str(output.parent))
    if output.exists() and not output.is_file():
        raise ValueError(f"{output}: the output is a device or a pipe; name a file")


@contextmanager
def new_file(output: Path, source: CompressedFile | None = None) -> Iterator[IO[bytes]]:
    """A stream to a temporary file beside ``output`` that becomes it at the end, or is removed.

    Errors of ``source``, which is being read meanwhile, keep the name they have.
    """
    with (
        _named(output, source),
        tempfile.NamedTemporaryFile(dir=output.parent, prefix=f".{output.name}.", delete=False) as stream,
    ):
        try:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            os.fchmod(stream.fileno(), _public_mode(0o666))
            Path(stream.name).replace(output)
        except BaseException:
            Path(stream.name).unlink()
            raise


@contextmanager
def new_folder(output: Path, source: CompressedFile) -> Iterator[Path]:
    """A temporary folder beside ``output`` that becomes it at the end, or is removed."""
    with scratch_folder(output, source) as temporary:
        yield temporary
        temporary.chmod(_public_mode(0o777))
        temporary.rename(output)


@contextmanager
def scratch_folder(output: Path, source: CompressedFile) -> Iterator[Path]:
    """A temporary folder beside ``output``, removed at the end unless it was renamed."""
    with _named(output, source):
        temporary = Path(tempfile.mkdtemp(dir=output.parent, prefix=f".{output.name}."))
        try:
            yield temporary
        finally:
            if temporary.exists():
                shutil.rmtree(temporary)


@contextmanager
def _named(output: Path, source: CompressedFile | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno is None or (source is not None and error.filename == str(source.path)):
            raise
        # A full disk names nobody.
        raise OSError(error.errno, error.strerror, str(output)) from error


def _public_mode(mode: int) -> int:
    """``mode`` as the user's umask leaves it; temporary files are private."""
    mask = os.umask(0)
    os.umask(mask)
    return mode & ~mask


def runs(file: CompressedFile, indices: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], Any]]:
    """The samples a few megabytes at a time, as (their numbers, the samples)."""
    step = max(1, _RUN_BYTES // max(1, file.sample_bytes))
    for start in range(0, len(indices), step):
        run = indices[start : start + step]
        yield run, file.decode(run)

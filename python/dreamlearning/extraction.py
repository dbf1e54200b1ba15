"""Samples back out of a file, in formats other programs read.

In: an opened file, indices, and a path. Out: ``.npz``, ``.npy``, or a folder of PNG files in one sub-folder
per class. Decoded a few megabytes at a time; the output appears under its name only when it is complete.
"""

import errno
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from .errors import missing_extra
from .file import CompressedFile
from .indexing import image_axes

__all__ = ["extract"]

_RUN_BYTES = 1 << 24


def extract(
    file: CompressedFile,
    output: str | os.PathLike[str],
    indices: NDArray[np.int64],
    *,
    overwrite: bool = False,
) -> int:
    """Write samples ``indices`` of ``file`` to ``output`` and return how many.

    ``*.npz``: the samples as ``"data"``, every field under its name, and ``"classes"`` where they are known.
    ``*.npy``: the samples. Anything else: a new folder of PNG files named by sample number.

    Raises:
        FileExistsError: ``output`` exists and ``overwrite`` is false, or is a folder (never replaced).
        ValueError: the samples are no images that PNG can hold.
        ImportError: Pillow is not installed (PNG only).
    """
    output = Path(output)
    suffix = output.suffix.lower()
    is_file = suffix in (".npz", ".npy")
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
    try:
        if is_file:
            _common_shape(file, indices)
            with _new_file(output) as stream:
                (_write_npz if suffix == ".npz" else _write_samples)(stream, file, indices)
        else:
            _write_folder(output, file, indices)
    except OSError as error:
        if error.errno is None or error.filename == str(file.path):
            raise
        # A full disk names nobody.
        raise OSError(error.errno, error.strerror, str(output)) from error
    return len(indices)


@contextmanager
def _new_file(output: Path) -> Iterator[IO[bytes]]:
    with tempfile.NamedTemporaryFile(dir=output.parent, prefix=f".{output.name}.", delete=False) as stream:
        try:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            mask = os.umask(0)
            os.umask(mask)
            os.fchmod(stream.fileno(), 0o666 & ~mask)
            Path(stream.name).replace(output)
        except BaseException:
            Path(stream.name).unlink()
            raise


def _common_shape(file: CompressedFile, indices: NDArray[np.int64]) -> tuple[int, ...]:
    """The shape that the samples have.

    Raises:
        ValueError: they differ.
    """
    if not file.ragged:
        return file.shape
    shapes = np.unique(file.shapes(indices), axis=0).tolist()
    if len(shapes) != 1:
        raise ValueError(
            f"{file.path}: the images have {len(shapes)} different shapes, which one array does not hold; "
            "name a folder as output"
        )
    return tuple(shapes[0])


def _runs(file: CompressedFile, indices: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], Any]]:
    step = max(1, _RUN_BYTES // max(1, file.sample_bytes))
    for start in range(0, len(indices), step):
        run = indices[start : start + step]
        yield run, file.decode(run)


def _write_samples(stream: IO[bytes], file: CompressedFile, indices: NDArray[np.int64]) -> None:
    header = {
        "descr": npy.dtype_to_descr(file.dtype),
        "fortran_order": False,
        "shape": (len(indices), *_common_shape(file, indices)),
    }
    npy.write_array_header_1_0(stream, header)
    for _, samples in _runs(file, indices):
        stream.write(np.asarray(samples).tobytes())


def _write_npz(stream: IO[bytes], file: CompressedFile, indices: NDArray[np.int64]) -> None:
    arrays = {name: file.field(name)[indices] for name in file.fields}
    if file.classes is not None:
        arrays.setdefault("classes", np.array(file.classes, dtype=np.str_))
    sample = next(name for name in ("data", "samples", "X") if name not in arrays)
    with zipfile.ZipFile(stream, "w") as archive:
        with archive.open(f"{sample}.npy", "w", force_zip64=True) as member:
            _write_samples(member, file, indices)
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                npy.write_array(member, array, allow_pickle=False)


def _write_folder(output: Path, file: CompressedFile, indices: NDArray[np.int64]) -> None:
    try:
        from PIL import Image
    except ImportError as error:
        raise missing_extra("PIL", "images") from error

    if len(np.unique(indices)) < len(indices):
        raise ValueError("a folder holds each sample once; name an output *.npz for repeats")
    shape = file.shape
    axes = image_axes(shape, file.dtype)
    first = axes == [1, 2]  # the axis of channels comes first
    channels = 1 if len(shape) == 2 else shape[0 if first else -1]
    if axes is None or (file.dtype == np.uint16 and channels != 1):
        advice = "decode them in Python" if file.ragged else "name an output *.npz instead"
        raise ValueError(
            f"samples of shape {shape} and dtype {file.dtype} do not fit into PNG files; {advice}"
        )
    folders = _class_folders(file)
    digits = len(str(max(0, len(file) - 1)))
    temporary = Path(tempfile.mkdtemp(dir=output.parent, prefix=f".{output.name}."))
    try:
        for run, samples in _runs(file, indices):
            for i, pixels in zip(run.tolist(), samples, strict=True):
                folder = temporary / folders[i] if folders is not None else temporary
                folder.mkdir(exist_ok=True)
                last = np.ascontiguousarray(np.moveaxis(pixels, 0, -1)) if first else pixels
                image = Image.fromarray(last[..., 0] if last.ndim == 3 and channels == 1 else last)
                image.save(folder / f"{i:0{digits}d}.png")
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o777 & ~mask)
        temporary.rename(output)
    except BaseException:
        shutil.rmtree(temporary)
        raise


def _class_folders(file: CompressedFile) -> list[str] | None:
    """For every sample the name of its class's folder; ``None`` without one label per sample."""
    labels = file.labels
    if labels is None or labels.ndim != 1 or labels.dtype.kind not in "iu":
        return None
    classes = file.classes or []
    values = np.unique(labels).tolist()
    # A class name may hold what a folder name may not.
    names = {v: _folder_name(classes[v]) if 0 <= v < len(classes) else str(v) for v in values}
    if len({name.lower() for name in names.values()}) < len(names):
        names = {v: f"{v}_{name}" for v, name in names.items()}
    return [names[v] for v in labels.tolist()]


def _folder_name(name: str) -> str:
    """``name`` as one folder name: no separators, not hidden, not empty."""
    safe = "".join("_" if c in '/\\:*?"<>|' or not c.isprintable() else c for c in name).strip(" .")
    return safe or "_"

"""Samples as a folder of PNG files, one sub-folder per class.

In: a file and indices. Out: a new folder, which ``torchvision.datasets.ImageFolder`` and ``imagefolder:``
read.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np

from ..file import CompressedFile
from .base import as_chosen, check_output, new_folder, opened, runs
from .pictures import Pictures, are_pictures
from .tables import refuse_table

__all__ = ["to_imagefolder"]


def to_imagefolder(
    file: Any,
    folder: str | os.PathLike[str],
    *,
    indices: Any = None,
    overwrite: bool = False,
) -> int:
    """Write the samples as PNG files named by sample number, in one sub-folder per class.

    Only images and their labels go into a folder; other fields do not. Class names become names of folders:
    what these may not hold is replaced by ``_``, and names that would be the same are preceded by the label.

    Args:
        file: the path of a ``.gede`` file, a :class:`CompressedFile`, or a ``CompressedDataset`` (whose
            transforms and crops are not applied).
        folder: a new folder; it appears when it is complete.
        indices: only these samples: integers without repeats, a slice or a mask.
        overwrite: here only for symmetry: a folder is never replaced.

    Returns:
        The number of samples.

    Raises:
        FileExistsError: ``folder`` exists.
        ValueError: the samples are no images that PNG can hold, or some index is repeated.
        IndexError, TypeError: wrong indices.
        ImportError: Pillow is not installed.

    Example:
        >>> to_imagefolder("photos.gede", "photos", indices=slice(100))      # doctest: +SKIP
        100
    """
    output = Path(folder)
    with opened(file) as one:
        chosen = as_chosen(indices, len(one))
        check_output(output, overwrite=overwrite, is_file=False)
        refuse_table(one, output)
        pictures = Pictures(one)
        if len(np.unique(chosen)) < len(chosen):
            raise ValueError("a folder holds each sample once; name an output *.npz for repeats")
        if not are_pictures(one):
            advice = "decode them in Python" if one.ragged else "name an output *.npz instead"
            raise ValueError(
                f"samples of shape {one.shape} and dtype {one.dtype} do not fit into PNG files; {advice}"
            )
        folders = _class_folders(one)
        digits = len(str(max(0, len(one) - 1)))
        with new_folder(output, one) as temporary:
            for run, samples in runs(one, chosen):
                for i, pixels in zip(run.tolist(), samples, strict=True):
                    into = temporary / folders[i] if folders is not None else temporary
                    into.mkdir(exist_ok=True)
                    pictures.image(pixels).save(into / f"{i:0{digits}d}.png")
    return len(chosen)


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

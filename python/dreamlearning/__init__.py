"""A data set becomes one ``.gede`` file, and a training script runs from it.

In: arrays, image folders, torchvision or scikit-learn data sets. Out: a compressed file whose samples are
read at random, as NumPy arrays (:func:`open`) or as a stock PyTorch data set (:class:`CompressedDataset`).
Importing this package never imports torch.

    >>> import dreamlearning
    >>> f = dreamlearning.compress("sklearn:digits", "digits.gede")     # doctest: +SKIP
    >>> f.decode([5, 3, 5]).shape                                       # doctest: +SKIP
    (3, 8, 8)
"""

import importlib
import os
import warnings
from typing import TYPE_CHECKING, Any

from . import crops
from ._core import __version__, build_profile
from .compression import compress
from .errors import CorruptFileError, DreamlearningError, FormatVersionError, SourceError
from .file import CompressedFile, open

if TYPE_CHECKING:
    from . import augment
    from .dataset import CompressedDataset
    from .loader import Loader
    from .samplers import DistributedSubsetSampler, EpochSampler, LocalitySampler, SubsetSampler

__all__ = [
    "CompressedDataset",
    "CompressedFile",
    "CorruptFileError",
    "DistributedSubsetSampler",
    "DreamlearningError",
    "EpochSampler",
    "FormatVersionError",
    "Loader",
    "LocalitySampler",
    "SourceError",
    "SubsetSampler",
    "__version__",
    "augment",
    "compress",
    "crops",
    "open",
]

if build_profile == "debug":
    warnings.warn(
        "dreamlearning was built without optimisation and is many times slower; build it with "
        "`maturin develop --release`",
        RuntimeWarning,
        stacklevel=2,
    )


if os.environ.get("DREAMLEARNING_CPU", "avx512") not in ("portable", "avx2", "avx512"):
    warnings.warn(
        f"DREAMLEARNING_CPU is {os.environ['DREAMLEARNING_CPU']!r}, which is ignored; it may be portable, "
        "avx2 or avx512",
        RuntimeWarning,
        stacklevel=2,
    )


# These need torch, which the core install does without.
_LAZY = {
    "CompressedDataset": "dataset",
    "DistributedSubsetSampler": "samplers",
    "EpochSampler": "samplers",
    "Loader": "loader",
    "LocalitySampler": "samplers",
    "SubsetSampler": "samplers",
}


def __getattr__(name: str) -> Any:
    if name == "augment":
        return importlib.import_module(".augment", __name__)  # `from . import` would ask here again
    if name in _LAZY:
        return getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

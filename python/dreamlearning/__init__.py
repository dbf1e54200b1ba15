"""A data set becomes one ``.gede`` file, and a training script runs from it.

In: arrays, tables, image folders, data sets of torchvision, scikit-learn, Hugging Face or WebDataset
(``from_...``). Out: a compressed file whose samples are read at random, as NumPy arrays (:func:`open`) or as
a stock PyTorch data set (:class:`CompressedDataset`), and written out again in formats that other programs
read (``to_...``). Importing this package never imports torch.

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
    from .exporters import to_csv, to_imagefolder, to_numpy, to_parquet, to_webdataset
    from .loader import Loader
    from .samplers import DistributedSubsetSampler, EpochSampler, LocalitySampler, SubsetSampler
    from .sources.arrays import from_numpy
    from .sources.huggingface import from_hf
    from .sources.imagefolder import from_imagefolder
    from .sources.mapstyle import from_dataset
    from .sources.torchvision import from_torchvision
    from .sources.webdataset import from_webdataset

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
    "from_dataset",
    "from_hf",
    "from_imagefolder",
    "from_numpy",
    "from_torchvision",
    "from_webdataset",
    "open",
    "to_csv",
    "to_imagefolder",
    "to_numpy",
    "to_parquet",
    "to_webdataset",
]

# Imported when asked for: some need torch, which the core install does without.
_LAZY = {
    "CompressedDataset": "dataset",
    "DistributedSubsetSampler": "samplers",
    "EpochSampler": "samplers",
    "Loader": "loader",
    "LocalitySampler": "samplers",
    "SubsetSampler": "samplers",
    "from_dataset": "sources.mapstyle",
    "from_hf": "sources.huggingface",
    "from_imagefolder": "sources.imagefolder",
    "from_numpy": "sources.arrays",
    "from_torchvision": "sources.torchvision",
    "from_webdataset": "sources.webdataset",
    "to_csv": "exporters",
    "to_imagefolder": "exporters",
    "to_numpy": "exporters",
    "to_parquet": "exporters",
    "to_webdataset": "exporters",
}

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


def __getattr__(name: str) -> Any:
    if name == "augment":
        return importlib.import_module(".augment", __name__)  # `from . import` would ask here again
    if name in _LAZY:
        return getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

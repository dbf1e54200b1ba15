"""``sklearn:NAME``: the small data sets that come with scikit-learn, no download.

In: a name. Out: ``digits`` as uint8 images (1797, 8, 8) with labels; ``iris``, ``wine``, ``breast_cancer``
and ``diabetes`` as float64 tables with their target as label.
"""

import numpy as np

from ..errors import SourceError, missing_extra
from .base import LABEL_FIELD, Source, smallest_ints

__all__ = ["from_sklearn"]

_TABLES = ("iris", "wine", "breast_cancer", "diabetes")


def from_sklearn(name: str) -> Source:
    """One of scikit-learn's embedded data sets.

    Raises:
        SourceError: an unknown name.
        ImportError: scikit-learn is not installed.
    """
    try:
        from sklearn import datasets
    except ImportError as error:
        raise missing_extra("scikit-learn", "sklearn") from error

    source = f"sklearn:{name}"
    if name == "digits":
        digits = datasets.load_digits()
        return Source(
            source,
            digits.images.astype(np.uint8),
            {LABEL_FIELD: smallest_ints(digits.target)},
            classes=[str(c) for c in digits.target_names],
        )
    if name not in _TABLES:
        raise SourceError(f"{source}: unknown; give one of {', '.join(('digits', *_TABLES))}")
    table = getattr(datasets, f"load_{name}")()
    is_classes = table.target.dtype.kind in "iu"
    return Source(
        source,
        np.ascontiguousarray(table.data),
        {LABEL_FIELD: smallest_ints(table.target) if is_classes else table.target},
        classes=[str(c) for c in table.target_names] if is_classes else None,
        metadata={"feature_names": [str(f) for f in table.feature_names]},
    )

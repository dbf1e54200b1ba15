"""Learning from a table's condensed samples, with a bound on what the full data would have given.

In: a :class:`CondensedTable` (representatives, weights, exact scatter within clusters). Out: fitted
scikit-learn estimators with a ``certificate_``. Condensed tables need NumPy alone, all else the extra
``tabular``.

    >>> import numpy as np
    >>> from dreamlearning.tabular import CondensedLinearRegression, CondensedTable
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 3))
    >>> y = X @ [1.0, -2.0, 0.5] + 4
    >>> table = CondensedTable.from_groups(X, y, groups=rng.integers(0, 20, 1000))
    >>> CondensedLinearRegression().fit(table).coef_.round(9)
    array([ 1. , -2. ,  0.5])
"""

import importlib
from typing import TYPE_CHECKING, Any

from .condensed import CondensedTable
from .condensing import condense_arrays
from .scatter import Scatter

if TYPE_CHECKING:
    from .certificate import Certificate
    from .condenser import EntroGeDeCondenser
    from .linear import CondensedLinearRegression
    from .logistic import CondensedLogisticRegression
    from .posterior import certify, refine
    from .trees import bases_of, cells

__all__ = [
    "Certificate",
    "CondensedLinearRegression",
    "CondensedLogisticRegression",
    "CondensedTable",
    "EntroGeDeCondenser",
    "Scatter",
    "bases_of",
    "cells",
    "certify",
    "condense_arrays",
    "refine",
]

# Imported when asked for: they need scikit-learn, or are not needed to hold a table.
_LAZY = {
    "Certificate": "certificate",
    "CondensedLinearRegression": "linear",
    "CondensedLogisticRegression": "logistic",
    "EntroGeDeCondenser": "condenser",
    "bases_of": "trees",
    "cells": "trees",
    "certify": "posterior",
    "refine": "posterior",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

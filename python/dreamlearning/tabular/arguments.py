"""What the estimators take: a condensed table, or plain rows as scikit-learn has them.

In: the arguments of ``fit`` and ``predict``. Out: checked float64 arrays; errors name row and column.
Needs scikit-learn.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import missing_extra
from .checks import check_finite, check_weights
from .condensed import CondensedTable

try:
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise missing_extra("scikit-learn", "tabular") from error

__all__ = ["rows_to_fit", "rows_to_predict", "table_to_fit"]

Floats = NDArray[np.float64]


def table_to_fit(estimator: Any, table: CondensedTable, y: Any, sample_weight: Any) -> NDArray[Any]:
    """The mean targets or classes of ``table``, which is ``fit``'s only argument.

    Raises:
        TypeError: there are other arguments.
        ValueError: the table has no target.
    """
    if y is not None or sample_weight is not None:
        raise TypeError("a condensed table has its own y and sample_weight; call fit(table)")
    if table.centroid_y is None:
        raise ValueError("the condensed table has no target; condense the table with target=...")
    for name in ("feature_names_in_", "columns_"):
        if hasattr(estimator, name):
            delattr(estimator, name)
    estimator.n_features_in_ = table.X.shape[1]
    estimator.columns_ = list(table.columns)
    return table.centroid_y


def rows_to_fit(
    estimator: Any, X: Any, y: Any, sample_weight: Any, *, numbers: bool
) -> tuple[Floats, NDArray[Any], Floats]:
    """``(X, y, weight)``; ``numbers`` says that y must be float64.

    Raises:
        ValueError: shapes that do not agree, a NaN, a negative weight, weights that are all zero.
    """
    if hasattr(estimator, "columns_"):
        del estimator.columns_
    X, y = validate_data(estimator, X, y, dtype=np.float64, ensure_all_finite=False, y_numeric=numbers)
    names = getattr(estimator, "feature_names_in_", None)
    check_finite(X, "X", None if names is None else list(names))
    if numbers:
        y = np.asarray(y, np.float64)
    if y.dtype.kind == "f":
        check_finite(y, "y")
    if sample_weight is None:
        return X, y, np.ones(len(X))
    weight = np.asarray(sample_weight, np.float64)
    if weight.ndim == 0:
        weight = np.full(len(X), weight)
    if weight.shape != (len(X),):
        raise ValueError(f"sample_weight has shape {weight.shape}; give ({len(X)},), one a row of X")
    check_weights(weight)
    if not weight.any():
        raise ValueError("sample_weight sums to zero: every weight is zero, so there is nothing to fit")
    return X, y, weight


def rows_to_predict(estimator: Any, X: Any) -> Floats:
    """Rows (n, d) for a fitted estimator; of a frame, the columns of the table that it was fitted on.

    Raises:
        NotFittedError: ``fit`` comes first.
        ValueError: another number of columns, a column that is missing, a NaN.
    """
    check_is_fitted(estimator)
    columns = getattr(estimator, "columns_", None)
    if columns is not None and hasattr(X, "columns"):
        missing = sorted(set(columns) - set(X.columns))
        if missing:
            raise ValueError(f"X lacks the column {missing[0]!r}, which the condensed table has")
        X = X[columns].to_numpy()
    X = validate_data(estimator, X, dtype=np.float64, ensure_all_finite=False, reset=False)
    names = getattr(estimator, "feature_names_in_", columns)
    check_finite(X, "X", None if names is None else list(names))
    return X

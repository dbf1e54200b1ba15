"""What the means of clusters leave out.

In: sums that the core or NumPy worked out, or a file holds. Out: :class:`Scatter`, checked. NumPy alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Scatter"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scatter:
    """Sums over rows of ``(z - mean of its cluster)(z - mean of its cluster)^T``, for each of p partitions.

    Attributes:
        xx: float64 (p, d, d), columns with columns.
        xy: float64 (p, d), columns with the target; zero without a target.
        yy: float64 (p,), the target with itself.
        spread: float64 (m,), the trace of each cluster's own part of ``xx``.
    """

    xx: Floats
    xy: Floats
    yy: Floats
    spread: Floats

    def __post_init__(self) -> None:
        for name in ("xx", "xy", "yy", "spread"):
            array = np.ascontiguousarray(getattr(self, name), np.float64)
            if not np.isfinite(array).all():
                raise ValueError(f"the scatter's {name} holds a NaN or an infinity")
            object.__setattr__(self, name, array)
        p, d = self.xx.shape[0], self.xx.shape[-1]
        if self.xx.shape != (p, d, d) or self.xy.shape != (p, d) or self.yy.shape != (p,):
            raise ValueError(
                f"the scatter's shapes {self.xx.shape}, {self.xy.shape}, {self.yy.shape} do not agree; "
                "give (p, d, d), (p, d), (p,)"
            )
        if self.spread.ndim != 1 or (self.spread < 0).any() or (self.yy < 0).any():
            raise ValueError("the scatter's spread must have shape (m,); neither it nor yy is ever negative")

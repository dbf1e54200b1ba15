"""What a fit on condensed samples proves about the full data.

In: bounds that an estimator or a pass over the rows worked out. Out: :class:`Certificate`. F is the objective
of the estimator over *all* rows, F* its minimum.
"""

from dataclasses import dataclass

__all__ = ["Certificate"]


@dataclass(frozen=True)
class Certificate:
    """Bounds on the objective F over all rows: at the fitted parameters, and at its minimum F*.

    Attributes:
        lower, upper: ``lower <= F(fitted) <= upper``.
        optimum_lower, optimum_upper: ``optimum_lower <= F* <= optimum_upper``.
        gap: ``F(fitted) - F* <= gap``, the number to look at.
        method: ``"moments"`` (F is known exactly), ``"scatter"`` (two-sided bound without the rows),
            ``"pass"`` (F was computed on the rows).
        n: rows that F is about.

    Example:
        >>> print(Certificate(0.51, 0.53, 0.50, 0.53, 0.03, "scatter", 1000))
        objective over 1000 rows between 0.51 and 0.53, at most 0.03 above its minimum (scatter)
    """

    lower: float
    upper: float
    optimum_lower: float
    optimum_upper: float
    gap: float
    method: str
    n: int

    def __str__(self) -> str:
        value = f"{self.lower:.6g}"
        if self.upper > self.lower:
            value = f"between {value} and {self.upper:.6g}"
        return (
            f"objective over {self.n} rows {value}, at most {self.gap:.3g} above its minimum ({self.method})"
        )

"""What condensed samples are asked for.

In: how a user says it: a number, a share, keyword arguments, or the JSON of a file. Out: a checked
:class:`Request`, and that JSON.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from numbers import Integral, Real
from typing import Any

import numpy as np

__all__ = ["STORES", "Request"]

STORES = ("samples", "positions")

_REPRESENTATIVES = ("centroid", "row")
_BITS = ("value", "rank")
_GOALS = ("size", "fraction", "beta")


@dataclass(frozen=True)
class Request:
    """How many condensed samples, and of what kind; see :meth:`dreamlearning.CompressedFile.condensed`.

    Raises:
        ValueError, TypeError: none or several of ``size``, ``fraction`` and ``beta``, or a wrong value.

    Example:
        >>> Request(fraction=0.01).goal(5000)
        (None, 50)
        >>> Request.of({"size": 92, "bits": "rank"}) == Request(size=92, bits="rank")
        True
    """

    size: int | None = None
    fraction: float | None = None
    beta: int | None = None
    bits: str = "value"
    representative: str = "centroid"
    classes: bool | None = None
    cluster_target: bool = False
    features: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        given = [name for name in _GOALS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give one of size, fraction and beta, not {' and '.join(given) or 'none'}")
        what, value = given[0], getattr(self, given[0])
        share = what == "fraction"
        if isinstance(value, bool) or not isinstance(value, Real if share else Integral):
            raise TypeError(f"{what} is {value!r}; give a {'' if share else 'whole '}number")
        if share and not 0 < value <= 1:
            raise ValueError(f"fraction is {value!r}; give a number above 0 and at most 1")
        if value < 1 and not share:
            raise ValueError(f"{what} is {value}; give at least 1")
        object.__setattr__(self, what, float(value) if share else int(value))
        if self.bits not in _BITS:
            raise ValueError(f"bits is {self.bits!r}; give 'value' or 'rank'")
        if self.representative not in _REPRESENTATIVES:
            raise ValueError(f"representative is {self.representative!r}; give 'centroid' or 'row'")
        if isinstance(self.features, str):
            raise TypeError(f"features is {self.features!r}; give a list of names")
        if not (self.classes is None or isinstance(self.classes, (bool, np.bool_))):
            raise TypeError(f"classes is {self.classes!r}; give True, False or None")
        if self.features is not None:
            features = tuple(self.features)
            if not all(isinstance(name, str) for name in features):
                raise TypeError(f"features is {list(features)!r}; give a list of names")
            twice = [name for place, name in enumerate(features) if name in features[:place]]
            if twice:
                raise ValueError(f"features has {twice[0]!r} twice")
            object.__setattr__(self, "features", tuple(map(str, features)))
        object.__setattr__(self, "classes", None if self.classes is None else bool(self.classes))
        object.__setattr__(self, "cluster_target", bool(self.cluster_target))

    @classmethod
    def of(cls, value: "int | float | dict[str, Any]") -> "Request":
        """A number of condensed samples, a share of the rows, or keyword arguments."""
        if isinstance(value, dict):
            unknown = value.keys() - {field.name for field in fields(cls)}
            if unknown:
                raise ValueError(f"condensed samples have no option {sorted(unknown)[0]!r}")
            return cls(**value)
        if isinstance(value, bool) or not isinstance(value, Real):
            raise TypeError(f"condense is {value!r}; give a number of samples, a share, or a dictionary")
        return cls(size=int(value)) if isinstance(value, Integral) else cls(fraction=float(value))

    @classmethod
    def of_arguments(cls, **arguments: Any) -> "Request | None":
        """The arguments of ``condensed``; ``None`` where none is given, which asks for what a file keeps."""
        usual = {name: value for name, value in _DEFAULTS.items() if value is not None}
        if all(
            value is None or (name in usual and value == usual[name]) for name, value in arguments.items()
        ):
            return None
        return cls(**arguments)

    @classmethod
    def to_store(cls, value: "int | float | dict[str, Any]") -> tuple["Request", str]:
        """As :meth:`of`, with ``store`` among the keyword arguments."""
        if not isinstance(value, dict):
            return cls.of(value), STORES[0]
        store = value.get("store", STORES[0])
        if store not in STORES:
            raise ValueError(f"store is {store!r}; give 'samples' or 'positions'")
        return cls.of({name: kept for name, kept in value.items() if name != "store"}), store

    def goal(self, n: int) -> tuple[int | None, int | None]:
        """Bits, or clusters, of ``n`` rows."""
        if self.fraction is not None:
            return None, max(1, round(self.fraction * n))
        most = 2**63
        if self.size is not None:
            return None, min(self.size, most)
        assert self.beta is not None
        return min(self.beta, most), None

    def with_features(self, names: Iterable[str]) -> "Request":
        """The same, with all features named."""
        return replace(self, features=tuple(names))

    def asks_the_same(self, other: "Request", n: int) -> bool:
        """Whether the answer is the same for ``n`` rows; the features of both are named."""
        plain = {"size": 1, "fraction": None, "beta": None}
        return self.goal(n) == other.goal(n) and replace(self, **plain) == replace(other, **plain)

    def to_json(self) -> dict[str, Any]:
        """What a file keeps."""
        kept = {key: value for key, value in asdict(self).items() if value is not None}
        return kept | ({} if self.features is None else {"features": list(self.features)})


_DEFAULTS = {field.name: field.default for field in fields(Request)}

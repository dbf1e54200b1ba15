"""Ways to put the rows of a table into clusters by their bits: what `tabular_study.py` compares.

In: an (n, d) float64 array of finite values. Out: (n,) int64 cluster numbers 0, 1, ..., none of them empty.
The recommended recipe is `condense`. All that it decides comes from integers, so that the order of summation
and the machine do not matter, and a fast implementation can be held against it cluster by cluster.
"""

import heapq
from math import isqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

VALUE_BITS = 32
POSITION_BITS = 16
DEVIATIONS = 4

# --- Columns to integers: each keeps the order of a column's values ----------------------------------------


def values(x: Floats) -> Integers:
    """Min-max: ``floor((x - min) / (max - min) * (2^32 - 1))``; 0 in a constant column."""
    low, high = x.min(0), x.max(0)
    width = np.where(high > low, high - low, 1.0)
    return np.floor((x - low) / width * (2.0**VALUE_BITS - 1)).astype(np.int64)


def positions(x: Floats, deviations: int = DEVIATIONS) -> Integers:
    """Where a value lies between the mean -4 and +4 standard deviations, in 2^16 steps; the ends saturate.

    The first bit says below or above the mean, the second tells two deviations from there: a few outliers do
    not use up the telling bits, as they do in min-max integers, and centroids keep their values exactly.
    """
    v = values(x)
    out = np.zeros_like(v)
    for j in range(v.shape[1]):
        # In units of 1 / n, the mean is `total` and the deviation the root of n sum(v^2) - total^2.
        total = int(v[:, j].sum())
        half = deviations * isqrt(len(v) * sum_of_squares(v[:, j]) - total * total)
        if half == 0:
            continue
        distinct, where = np.unique(v[:, j], return_inverse=True)
        steps = [((len(v) * int(u) - total + half) << POSITION_BITS) // (2 * half) for u in distinct]
        out[:, j] = np.array([min(max(s, 0), (1 << POSITION_BITS) - 1) for s in steps])[where]
    return out


def ranks(x: Floats) -> Integers:
    """Middle ranks in 2^16 steps; equal values share one."""
    out = np.empty(x.shape, np.int64)
    for j in range(x.shape[1]):
        _, where, counts = np.unique(x[:, j], return_inverse=True, return_counts=True)
        twice_middle = 2 * np.cumsum(counts) - counts
        out[:, j] = ((twice_middle << POSITION_BITS) // (2 * len(x)))[where]
    return out


def ieee(x: Floats) -> Integers:
    """The order of floats as integers (52 bits of it), from the column's minimum on."""
    bits = (x + 0.0).view(np.int64)
    ordered = np.where(bits < 0, bits ^ np.int64(0x7FFFFFFFFFFFFFFF), bits) >> 11
    return ordered - ordered.min(0)


def winsorised(x: Floats, tail: float = 0.01) -> Integers:
    """Min-max in 2^16 steps between two quantiles; the ends saturate."""
    low, high = np.quantile(x, [tail, 1 - tail], axis=0)
    width = np.where(high > low, high - low, 1.0)
    return np.clip(np.floor((x - low) / width * 2**16), 0, 2**16 - 1).astype(np.int64)


def asinh(x: Floats) -> Integers:
    """Min-max of ``asinh((x - median) / interquartile range)``: a logarithm on both sides."""
    quarter, middle, three = np.quantile(x, [0.25, 0.5, 0.75], axis=0)
    return values(np.arcsinh((x - middle) / np.where(three > quarter, three - quarter, 1.0)))


def halfway(x: Floats) -> Integers:
    """The mean of min-max position and rank."""
    return (values(x) >> (VALUE_BITS - POSITION_BITS)) + ranks(x)


def sum_of_squares(v: Integers) -> int:
    """Exact, of a column of `values`."""
    low, high = v & 0xFFFF, v >> 16
    return (int((high * high).sum()) << 32) + (int((high * low).sum()) << 17) + int((low * low).sum())


# --- The same bits for all rows: the paper's clustering ----------------------------------------------------

Bit = tuple[int, int]  # column, place of the bit


def order(codes: Integers, rule: str = "paper") -> list[Bit]:
    """All non-constant bits in the order in which they are taken.

    ``"paper"``: the most significant of every column, the most balanced (the greatest entropy) first, then
    the next of every column; ``"columns"``: the same in the order of the columns; ``"entropy"``: always the
    column whose next bit is the most balanced. Ties: the lower column.
    """
    queues: list[list[tuple[int, int]]] = []  # per column: (rows in the smaller half, bit), top first
    for column in codes.T:
        places = range(int(column.max()).bit_length() - 1, -1, -1)
        ones = [int(np.count_nonzero(column >> k & 1)) for k in places]
        queues.append(
            [(min(o, len(codes) - o), k) for o, k in zip(ones, places, strict=True) if 0 < o < len(codes)]
        )
    found: list[Bit] = []
    if rule == "entropy":
        while any(queues):
            j = max((j for j, q in enumerate(queues) if q), key=lambda j: queues[j][0][0])
            found.append((j, queues[j].pop(0)[1]))
        return found
    for turn in range(max(map(len, queues), default=0)):
        present = [(j, *q[turn]) for j, q in enumerate(queues) if turn < len(q)]
        if rule == "paper":
            present.sort(key=lambda item: -item[1])  # stable: the lower column stays first
        found += [(j, k) for j, _, k in present]
    return found


def refine(labels: Integers, bit: Integers) -> Integers:
    """Every cluster in two by a bit. Numbers follow the bits taken so far, of which the first weighs most."""
    return np.unique(2 * labels + bit, return_inverse=True)[1].astype(np.int64)


def prefix(codes: Integers, size: int, rule: str = "paper", start: Integers | None = None) -> Integers:
    """The longest run of bits in `order` that makes at most ``size`` clusters."""
    labels = np.zeros(len(codes), np.int64) if start is None else start
    for j, k in order(codes, rule):
        finer = refine(labels, codes[:, j] >> k & 1)
        if finer.max() >= size:
            break
        labels = finer
    return labels


def greedy(codes: Integers, x: Floats, size: int) -> Integers:
    """As `prefix`, but the next bit is the one that takes most scatter (of standardised columns) away."""
    z = (x - x.mean(0)) / np.where(x.std(0) > 0, x.std(0), 1.0)
    next_bit = [int(c.max()).bit_length() - 1 for c in codes.T]
    labels = np.zeros(len(codes), np.int64)

    def between(candidate: Integers) -> float:
        counts = np.bincount(candidate)
        return sum(float((np.bincount(candidate, column) ** 2 / counts).sum()) for column in z.T)

    while True:
        best: tuple[float, int, Integers] | None = None
        for j, k in enumerate(next_bit):
            if k >= 0:
                finer = refine(labels, codes[:, j] >> k & 1)
                if finer.max() < size and (best is None or between(finer) > best[0]):
                    best = (between(finer), j, finer)
        if best is None:
            return labels
        labels = best[2]
        next_bit[best[1]] -= 1


# --- Every cluster by a bit of its own ---------------------------------------------------------------------


def by_first_row(labels: Integers) -> Integers:
    """Clusters numbered by their first row: where gains tie, that decides which is cut."""
    _, first, where = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[where].astype(np.int64)


def split(codes: Integers, v: Integers, size: int, start: Integers | None = None) -> Integers:
    """Go on splitting, until there are ``size`` clusters or none has two different rows.

    A cluster may be split in each column at the highest bit in which its codes differ. The gain is the
    scatter of `values` in that column that goes away, as a share of the column's over all rows. The
    greatest gain is next; ties: the older cluster, then the lower column. The ones get the next number.
    """
    n = len(codes)
    labels = np.zeros(n, np.int64) if start is None else by_first_row(start)
    # n times the scatter of each column over all rows; a constant column never offers a split.
    whole = [float(n * sum_of_squares(c) - int(c.sum()) ** 2) for c in v.T]
    order_ = np.argsort(labels, kind="stable")
    members = np.split(order_, np.cumsum(np.bincount(labels))[:-1])
    waiting: list[tuple[float, int, int, int]] = []  # -gain, cluster, column, first code of the upper half

    def offer(cluster: int) -> None:
        rows = members[cluster]
        c, u = codes[rows], v[rows]
        low, high = c.min(0), c.max(0)
        places = np.maximum(np.frexp((low ^ high).astype(np.float64))[1] - 1, 0)
        bounds = high >> places << places
        upper = c >= bounds
        counts, sums, totals = upper.sum(0), np.where(upper, u, 0).sum(0), u.sum(0)
        best: tuple[float, int, int, int] | None = None
        for j in np.flatnonzero(low != high).tolist():
            ones, size_ = int(counts[j]), len(rows)
            apart = float(size_ * int(sums[j]) - ones * int(totals[j]))
            gain = apart * apart / float(size_ * ones * (size_ - ones)) / (whole[j] or 1.0)
            if best is None or -gain < best[0]:
                best = (-gain, cluster, j, int(bounds[j]))
        if best:
            heapq.heappush(waiting, best)

    for cluster in range(len(members)):
        offer(cluster)
    while len(members) < size and waiting:
        _, cluster, j, bound = heapq.heappop(waiting)
        rows = members[cluster]
        upper = codes[rows, j] >= bound
        members[cluster] = rows[~upper]
        members.append(rows[upper])
        labels[rows[upper]] = len(members) - 1
        offer(cluster)
        offer(len(members) - 1)
    return labels


def condense(x: Floats, size: int, start: Integers | None = None, share: float = 0.5) -> Integers:
    """The recommended recipe: ``size`` clusters, or fewer where there are fewer different rows.

    Up to half of the clusters by the paper's rule on `positions`; then the clusters that are widest split by
    a bit of their own, where `values` continue a code whose 16 bits are used up. ``start`` holds clusters
    that must not be mixed, such as the partitions of a file.
    """
    codes, v = positions(x), values(x)
    labels = prefix(codes, int(size * share), start=start)
    return split(codes << VALUE_BITS | v, v, size, start=labels)


def merge(x: Floats, labels: Integers, size: int) -> Integers:
    """Down to ``size`` clusters: the smallest goes to the nearest centroid of standardised columns."""
    z = (x - x.mean(0)) / np.where(x.std(0) > 0, x.std(0), 1.0)
    counts = np.bincount(labels).astype(np.float64)
    sums = np.stack([np.bincount(labels, c) for c in z.T], 1)
    to = np.arange(len(counts))
    for _ in range(len(counts) - size):
        here = int(np.argmin(np.where(counts > 0, counts, np.inf)))
        with np.errstate(divide="ignore", invalid="ignore"):
            away = ((sums / counts[:, None] - sums[here] / counts[here]) ** 2).sum(1)
        away[counts == 0] = np.inf
        away[here] = np.inf
        there = int(np.argmin(away))
        counts[there] += counts[here]
        sums[there] += sums[here]
        counts[here] = 0
        to[to == here] = there
    return np.unique(to[labels], return_inverse=True)[1].astype(np.int64)

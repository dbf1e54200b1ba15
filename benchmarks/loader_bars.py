"""What our loaders have to reach, judged from the rows of one run of ``loaders.py``.

In: the rows of one data set. Out: bars, each with a verdict: ``PASS``, ``FAIL``, or ``not measured``.
"""

from statistics import median
from typing import Any

from peers import ROWS

BARE_SHARE = 0.85
SECOND_THREAD = 1.7


def bars(rows: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Every bar for one data set; ratios are medians of ratios within a round."""
    one, two = ".gede small, `Loader`, 1 thread", ".gede small, `Loader`, 2 threads"
    return [
        _ratio(
            rows,
            f"stock DataLoader, 0 workers, small: at least {BARE_SHARE:.0%} of the bare decode",
            ".gede small, DataLoader, 0 workers",
            ".gede small, bare decode",
            BARE_SHARE,
        ),
        _ratio(
            rows, f"Loader, small: 2 threads at least {SECOND_THREAD} x 1 thread", two, one, SECOND_THREAD
        ),
        *(
            _ratio(
                rows,
                f"Loader, raw, channels last, {threads}: at least FFCV raw, {threads}",
                f".gede raw, `Loader`, {threads}, channels last",
                f"FFCV raw, {threads}",
                1.0,
            )
            for threads in ("1 thread", "2 threads")
        ),
        *(_against_peers(rows, preset) for preset in ("small", "fast")),
    ]


def _ratio(
    rows: dict[str, dict[str, Any]], what: str, ours: str, other: str, at_least: float
) -> dict[str, Any]:
    bar: dict[str, Any] = {"bar": what, "at_least": at_least}
    if missing := [name for name in (ours, other) if "passes" not in rows.get(name, {})]:
        return {**bar, "verdict": "not measured", "missing": missing}
    ratios = [a / b for a, b in zip(rows[ours]["passes"], rows[other]["passes"], strict=True)]
    value = median(ratios)
    return {**bar, "value": value, "verdict": "PASS" if value >= at_least else "FAIL"}


def _against_peers(rows: dict[str, dict[str, Any]], preset: str) -> dict[str, Any]:
    """One loader of this preset has to be faster and smaller than every peer that compresses."""
    bar: dict[str, Any] = {"bar": f"{preset}: faster and smaller than every peer that compresses"}
    measured = {row.name: row for row in ROWS if "passes" in rows.get(row.name, {})}
    peers = [name for name, row in measured.items() if row.compressed and row.module != "gede"]
    ours = [
        name
        for name, row in measured.items()
        if row.system == f".gede {preset}" and row.options["way"] != "decode"
    ]
    if not peers or not ours:
        return {
            **bar,
            "verdict": "not measured",
            "missing": [*([] if ours else [preset]), *([] if peers else ["peers"])],
        }

    def rate(name: str) -> float:
        return rows[name]["images_per_second"]["median"]

    best = max(ours, key=rate)
    faster = [name for name in peers if rate(name) >= rate(best)]
    smaller = [name for name in peers if rows[name]["disk_bytes"] <= rows[best]["disk_bytes"]]
    return {
        **bar,
        "row": best,
        "peers": len(peers),
        "faster_peers": faster,
        "smaller_peers": smaller,
        "verdict": "FAIL" if faster or smaller else "PASS",
    }


def describe(bar: dict[str, Any]) -> str:
    """A bar as text, without its verdict."""
    text = bar["bar"] + (f" ({bar['value']:.2f})" if "value" in bar else "")
    for key, words in (
        ("faster_peers", "as fast or faster"),
        ("smaller_peers", "as small or smaller"),
        ("missing", "no numbers for"),
    ):
        if bar.get(key):
            text += f"; {words}: {', '.join(bar[key])}"
    return text

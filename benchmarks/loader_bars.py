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
        *(_against_peers(rows, presets) for presets in (("small",), ("fast",), ("small", "fast"))),
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


def _against_peers(rows: dict[str, dict[str, Any]], presets: tuple[str, ...]) -> dict[str, Any]:
    """Each peer that compresses has to be slower and larger than the fastest loader of one of the presets."""
    bar: dict[str, Any] = {
        "bar": f"{' or '.join(presets)}: faster and smaller than every peer that compresses"
    }
    measured = {row.name: row for row in ROWS if "passes" in rows.get(row.name, {})}
    peers = [name for name, row in measured.items() if row.compressed and row.module != "gede"]

    def rate(name: str) -> float:
        return rows[name]["images_per_second"]["median"]

    best = {}
    for preset in presets:
        ours = [
            name
            for name, row in measured.items()
            if row.system == f".gede {preset}" and row.options["way"] != "decode"
        ]
        if ours:
            best[preset] = max(ours, key=rate)
    if missing := [*(preset for preset in presets if preset not in best), *([] if peers else ["peers"])]:
        return {**bar, "verdict": "not measured", "missing": missing}

    def disk(name: str) -> int:
        return rows[name]["disk_bytes"]

    unbeaten = [
        name
        for name in peers
        if not any(rate(one) > rate(name) and disk(one) < disk(name) for one in best.values())
    ]
    return {
        **bar,
        "rows": list(best.values()),
        "peers": len(peers),
        "faster_peers": [name for name in unbeaten if all(rate(name) >= rate(one) for one in best.values())],
        "smaller_peers": [name for name in unbeaten if all(disk(name) <= disk(one) for one in best.values())],
        "unbeaten_peers": unbeaten,
        "verdict": "FAIL" if unbeaten else "PASS",
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

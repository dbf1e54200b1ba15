"""The two tables of ``results/loaders.json``: a short one for README.md and the complete one.

In: the result of ``loaders.py``. Out: lines of Markdown. A system that can compress stands in the short table
with the fastest of its compressing rows, any other with its fastest row.
"""

from statistics import median
from typing import Any

from loader_bars import describe

Rows = dict[str, dict[str, Any]]


def short(result: dict[str, Any]) -> list[str]:
    """One line a system; the columns of memory, disk and reading are those of the 32-pixel images."""
    sets = result["data_sets"]
    main = sets.get("32") or next(iter(sets.values()))
    large = sets.get("224") if main is not sets.get("224") else None
    head = [
        "size, % of raw",
        "images/s",
        "memory, MB",
        "disk in use, %",
        "first batch, ms",
        "read for 10 %, MB",
    ]
    side = main["shape"][0]
    lines = [
        f"| {side} x {side}: | {' | '.join(head)} |" + (" 224 x 224: size, % | images/s |" if large else ""),
        "|---|" + "---:|" * (len(head) + 2 * bool(large)),
    ]
    for name in _best(measured(main)):
        cells = _cells(main, name)
        if large:
            row = measured(large).get(name)
            cells += ["", ""] if row is None else [_share(row), _rate(row)]
        lines.append(f"| {_bold(name)} | {' | '.join(cells)} |")
    lines += ["", *(_losses(data) for data in sets.values())]
    return [
        *lines,
        f"Shuffled batches of {main['batch']}"
        + (f" ({large['batch']} of 224 x 224)" if large else "")
        + f" with labels, as uint8; median of {result['rounds']} interleaved passes, every row in its "
        "own process; `DataLoader` and `Loader` give torch tensors with channels first. Memory: growth of "
        "all its processes after imports. Disk in use: while reading, after an epoch. Read for 10 %: bytes "
        + ("from disk" if result["tenth_bytes_counter"] == "read_bytes" else "through system calls")
        + _read_ahead(result)
        + ". First batch: from opening.",
    ]


def complete(result: dict[str, Any]) -> list[str]:
    """Every row of every data set, and the bars."""
    lines: list[str] = []
    for data in result["data_sets"].values():
        height, width = data["shape"][:2]
        lines += [
            f"{data['samples']:,} images of {height} x {width}, batches of {data['batch']}:",
            "",
            "| | size, % of raw | images/s | cores used | memory, MB | disk in use, % | first batch, ms | "
            "read for 10 %, MB | write, s | exact |",
            "|---|" + "---:|" * 9,
        ]
        for name, row in measured(data).items():
            size, rate, *others = _cells(data, name)
            cells = [size, rate, f"{row['cores_used']:.1f}", *others, f"{row['write_seconds']:.1f}"]
            cells.append("yes" if row["exact"] else f"no: {row['returns']}")
            lines.append(f"| {name} | {' | '.join(cells)} |")
        lines.append("")
        lines += [f"- {bar['verdict']}: {describe(bar)}" for bar in data["bars"]]
        missing = {name: row for name, row in data["rows"].items() if "images_per_second" not in row}
        lines += [f"- not measured: {name}: {row.get('not_measured')}" for name, row in missing.items()]
        lines.append("")
    return lines


def measured(data: dict[str, Any]) -> Rows:
    """The rows that have numbers."""
    return {name: row for name, row in data["rows"].items() if "images_per_second" in row}


def _best(rows: Rows) -> list[str]:
    """The rows of the short table: the bound, ours, then the others from the smallest on."""
    ours, others = [], []
    systems: dict[str, list[str]] = {}
    for name, row in rows.items():
        # Ours are shown both in a stock DataLoader and in our own Loader.
        way = next((way for way in ("DataLoader", "Loader", "decode") if way in name), "")
        own = row["system"].startswith(".gede")
        if not own or way != "decode":
            systems.setdefault(f"{row['system']} {way if own else ''}", []).append(name)
    for names in systems.values():
        able = [name for name in names if rows[name]["compressed"]] or names
        best = max(able, key=lambda name: rows[name]["images_per_second"]["median"])
        (ours if rows[best]["system"].startswith(".gede") else others).append(best)
    ours.sort(key=lambda name: rows[name]["share_of_raw"])
    others.sort(key=lambda name: (not rows[name]["compressed"], rows[name]["share_of_raw"]))
    return [*ours, *others]


def _cells(data: dict[str, Any], name: str) -> list[str]:
    row = data["rows"][name]
    if "tenth_bytes" not in row:  # the bare decode, of which only the speed counts
        return [_share(row), _rate(row), "", "", "", ""]
    return [
        _share(row),
        _rate(row),
        f"{row['pss_growth'] / 1e6:,.0f}",
        f"{100 * row['disk_bytes_after_epoch'] / data['raw_bytes']:.1f}",
        f"{1000 * median(row['first_batch_seconds']['warm']):,.0f}",
        f"{row['tenth_bytes'] / 1e6:,.0f}",
    ]


def _losses(data: dict[str, Any]) -> str:
    """Who is faster or smaller than all of ours, in one sentence."""
    rows = measured(data)
    ours = {n: r for n, r in rows.items() if r["system"].startswith(".gede") and "decode" not in n}
    others = {n: r for n, r in rows.items() if not r["system"].startswith(".gede")}
    side = data["shape"][0]
    if not ours or not others:
        return f"{side} x {side}: nothing to compare."

    def rate(row: dict[str, Any]) -> float:
        return row["images_per_second"]["median"]

    fastest = max(map(rate, ours.values()))
    fastest_packed = max((rate(row) for row in ours.values() if row["compressed"]), default=fastest)
    smallest = min(row["share_of_raw"] for row in ours.values())
    beaten = {
        "faster than all of ours": [r for r in others.values() if rate(r) > fastest],
        "faster than `small` and `fast`, and compressed": [
            r for r in others.values() if rate(r) > fastest_packed and r["compressed"]
        ],
        "faster than `small` and `fast`, and uncompressed": [
            r for r in others.values() if rate(r) > fastest_packed and not r["compressed"]
        ],
        "smaller than all of ours": [r for r in others.values() if r["share_of_raw"] < smallest],
    }
    parts = [
        f"{words}: {', '.join(dict.fromkeys(row['system'] for row in found)) or 'none'}"
        for words, found in beaten.items()
    ]
    return f"Where we lose, {side} x {side}: {'; '.join(parts)}."


def _read_ahead(result: dict[str, Any]) -> str:
    ahead = result["read_ahead_bytes"]
    return "" if ahead is None else f", where this system reads up to {ahead >> 10:,} KiB ahead"


def _bold(name: str) -> str:
    return f"**{name}**" if name.startswith(".gede") else name


def _share(row: dict[str, Any]) -> str:
    return f"{100 * row['share_of_raw']:.1f}"


def _rate(row: dict[str, Any]) -> str:
    rate = row["images_per_second"]["median"]
    return f"{float(f'{rate:.3g}'):,.0f}"

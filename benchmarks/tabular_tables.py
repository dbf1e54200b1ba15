"""Tables about tables: storage, certificates and cost, made from ``results/tabular_*.json``.

In: the results. Out: lines of Markdown for README.md (short) and for benchmarks/README.md (complete).
"""

from typing import Any

Result = dict[str, Any]
SHORT = {
    ".gede small": "**`small`**",
    ".gede paper": "**`paper`**",
    "dictionaries and exact widths": "dictionaries, exact widths",
    "Parquet + zstd, row groups of 128": "Parquet, 128 rows",
    "blosc2 zstd 9, blocks of 128 rows": "blosc2, 128 rows",
    "Parquet + zstd, default row groups": "Parquet, whole",
    "blosc2 zstd 9, one block": "blosc2, whole",
    "pcodec 8, each column": "pcodec, whole",
}
FIGURES = "figures/tabular_{name}.png"


def storage_short(result: Result) -> list[str]:
    """Sizes, one line a table, and who takes less than ours."""
    ways = [way for way in SHORT if any(way in one["ways"] for one in result["tables"].values())]
    lines = [
        "Tables, whole files in % of raw. To read one row, `paper` and dictionaries decode this row, `small` "
        'and "128 rows" at most 128, "whole" all of them:',
        "",
        "| | " + " | ".join(SHORT[way] for way in ways) + " |",
        "|---|" + "---:|" * len(ways),
    ]
    for name, one in result["tables"].items():
        cells = [
            f"{100 * one['ways'][way]['share_of_raw']:.1f}" if way in one["ways"] else "" for way in ways
        ]
        lines.append(f"| {name}, {one['rows']:,} x {one['columns']} | {' | '.join(cells)} |")
    ours = [one["ways"] for one in result["tables"].values()]
    rates = {
        preset: [way[f".gede {preset}"]["rows_per_second"]["batch"]["median"] for way in ours]
        for preset in ("paper", "small")
    }
    runs = ours[0][".gede paper"]["rows_per_second"]["batch"]["n"]
    return [
        *lines,
        "",
        f"Random rows in batches of {result['batch']:,}, one core, median of {runs} runs: `paper` "
        f"{_range(rates['paper'])}, `small` {_range(rates['small'])} million rows/s. {losses(result)}",
    ]


def losses(result: Result) -> str:
    """Who takes less than our presets, and of how many tables."""
    parts = []
    for preset in ("small", "paper"):
        beaten: dict[str, list[str]] = {}
        for name, one in result["tables"].items():
            least = one["ways"][f".gede {preset}"]["bytes"]
            for way, row in one["ways"].items():
                if not way.startswith((".gede", "raw")) and row["bytes"] < least:
                    beaten.setdefault(SHORT[way], []).append(name)
        listed = "; ".join(
            f"{way}: {len(names)} of {len(result['tables'])}"
            + (f" ({', '.join(names)})" if len(names) < 3 else "")
            for way, names in beaten.items()
        )
        parts.append(f"Smaller than `{preset}`: {listed or 'none'}.")
    return " ".join(parts)


def storage_complete(result: Result) -> list[str]:
    """Every way of every table, with speeds, and who wins what."""
    lines = []
    for name, one in result["tables"].items():
        lines += [
            f"{name}, {one['rows']:,} x {one['columns']}, {one['raw_bytes'] / 1e6:,.1f} MB raw:",
            "",
            "| | size, % of raw | rows decoded for one | rows/s, batches | one by one | best setting |",
            "|---|---:|---:|---:|---:|---|",
        ]
        for way, row in sorted(one["ways"].items(), key=lambda item: item[1]["bytes"]):
            rate = row.get("rows_per_second")
            settings = row.get("settings", {})
            cells = (
                f"**{way}**" if way.startswith(".gede") else way,
                f"{100 * row['share_of_raw']:.1f}",
                f"{row['rows_read_for_one']:,}",
                _rounded(rate["batch"]["median"]) if rate else "",
                _rounded(rate["single"]["median"]) if rate else "",
                min(settings, key=lambda setting: settings[setting]) if settings else "",
            )
            lines.append(f"| {' | '.join(cells)} |")
        lines += [
            "",
            "Of what is compressed: "
            + "; ".join(f"{what}: {who}" for what, who in one["wins"].items())
            + ".",
            "",
        ]
    failed = [bar for bar in result["bars"] if bar["verdict"] != "PASS"]
    lines.append(
        "Bars, for each table: both presets smaller than all others that decode at most 128 rows for one, "
        "`small` at most 3 % larger than pcodec, `paper` a million random rows a second. "
        f"{len(result['bars']) - len(failed)} of {len(result['bars'])} pass{'; not:' if failed else '.'}"
    )
    lines += ["", *(f"- {verdict(bar)}" for bar in failed)]
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    return [*lines, "", f"Peers: {versions or 'none'}."]


def certificates_table(result: Result) -> list[str]:
    """Bound over truth by kind and data set."""
    sets = list(result["data_sets"])
    lines = [
        f"{result['fits']:,} fits ({len(sets)} data sets, sizes from 1 to 20 % of the rows, "
        f"{result['seeds']} draws), {result['violations']} violated. {result['misses']:,} miss the "
        f"truth by rounding, by at most {result['largest_miss']:.1g} of F at zero; up to "
        f"{result['allowance']:g} was allowed. Bound over truth, medians at the smallest and at the "
        "largest size:",
        "",
        "| | " + " | ".join(sets) + " |",
        "|---|" + "---:|" * len(sets),
    ]
    for kind in result["data_sets"][sets[0]]["kinds"]:
        cells = []
        for name in sets:
            sizes = list(result["data_sets"][name]["kinds"][kind].values())
            cells.append(" .. ".join(_times(row["median_ratio"]) for row in (sizes[0], sizes[-1])))
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    return [
        *lines,
        "",
        '"0" stands where the truth is no more than rounding.',
        "",
        picture("certificates", "Certificates"),
    ]


def cost_table(result: Result) -> list[str]:
    """Seconds by rows."""
    arrays = result["arrays"]
    rows = list(next(iter(arrays.values()))["rows"])
    lines = [
        f"Condensing {result['columns']} columns of {result['dtype']}, seconds on one core (peak memory, "
        "the rows included, MB):",
        "",
        "| rows | " + " | ".join(f"{int(n):,}" for n in rows) + " | slope, log-log |",
        "|---|" + "---:|" * (len(rows) + 1),
    ]
    for name, held in arrays.items():
        cells = [
            f"{held['rows'][n]['seconds']['median']:.3g} ({held['rows'][n]['peak_bytes'] / 1e6:,.0f})"
            for n in rows
        ]
        lines.append(f"| {name} | {' | '.join(cells)} | {held['slope'] or 1:.2f} |")
    files = "; ".join(
        f"`{preset}` {row['seconds']['median']:.2f} s ({row['file_bytes'] / row['given_bytes']:.0%} of raw)"
        for preset, row in result["files"].items()
    )
    whole = result["ijcnn1"]
    return [
        *lines,
        "",
        f"From files of 1,000,000 such rows to 500 samples: {files}. IJCNN1 as a whole ({whole['rows']:,} "
        f"rows, {whole['samples']:,} samples): {whole['seconds']['median']:.2f} s (median of "
        f"{whole['seconds']['n']}). Medians of three runs, the largest size once.",
        "",
        picture("cost", "Cost"),
        "",
        *(f"- {verdict(bar)}" for bar in result["bars"]),
    ]


def picture(name: str, title: str) -> str:
    """A link to a picture."""
    return f"![{title}]({FIGURES.format(name=name)})"


def verdict(bar: dict[str, Any]) -> str:
    """A bar as text."""
    value = f" ({bar['value']:.4g})" if "value" in bar else ""
    smaller = f"; smaller: {', '.join(bar['smaller_peers'])}" if bar.get("smaller_peers") else ""
    return f"{bar['verdict']}: {bar['bar']}{value}{smaller}"


def _times(ratio: float | None) -> str:
    return "0" if ratio is None else f"{ratio:.3g}"


def _rounded(rate: float) -> str:
    return f"{float(f'{rate:.3g}'):,.0f}"


def _range(rates: list[float]) -> str:
    return f"{min(rates) / 1e6:.2g} to {max(rates) / 1e6:.2g}"

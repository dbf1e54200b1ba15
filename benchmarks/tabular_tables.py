"""The tables about tables: storage, figures, certificates and cost, made from ``results/tabular_*.json``.

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
CONTROLS = ("random rows", "MiniBatchKMeans", "BIRCH")
FIGURES = "figures/tabular_{name}.png"


def storage_short(result: Result) -> list[str]:
    """Sizes, one line a table; the smallest at random access and the smallest of all stand out."""
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
        lines += ["", "; ".join(f"{what}: {who}" for what, who in one["wins"].items()) + ".", ""]
    failed = [bar for bar in result["bars"] if bar["verdict"] != "PASS"]
    lines.append(
        "Bars, for each table: both presets smaller than all others that decode at most 128 rows for one, "
        "`small` at most 3 % larger than pcodec, `paper` a million random rows a second. "
        f"{len(result['bars']) - len(failed)} of {len(result['bars'])} pass{'; not:' if failed else '.'}"
    )
    lines += ["", *(f"- {_verdict(bar)}" for bar in failed)]
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    return [*lines, "", f"Peers: {versions or 'none'}."]


def bars_line(figures: Result, accuracy: Result, certificates: Result, cost: Result) -> list[str]:
    """One line for README.md."""
    plain, exact = figures["bars"]
    kinds = accuracy["data_sets"]["IJCNN1"]["kinds"]
    ijcnn1, constant = kinds["centroids of one class"]["0.01"], kinds["a constant answer"]["0"]
    condensing = cost["ijcnn1"]
    return [
        f"Condensed samples: linear regression on 92 of {figures['rows']:,} rows of California Housing has "
        f"{_percent(plain['value'])} the test error of all rows on average over {figures['splits']} splits "
        f"({_percent(plain['worst'])} at worst), with scatter {100 * exact['value']:.6f} %; logistic "
        f"regression on 1 % of IJCNN1 {_percent(ijcnn1['relative_accuracy'])} of the accuracy (a constant "
        f"answer {_percent(constant['relative_accuracy'])}, but half of the balanced accuracy); "
        f"{certificates['violations']} of {certificates['fits']:,} certificates violated; condensing "
        f"{condensing['rows']:,} rows of {condensing['columns']} columns takes "
        f"{condensing['seconds']['median']:.2f} s on one core."
    ]


def claims(figures: Result, accuracy: Result) -> list[str]:
    """What the paper says beside what is measured here."""
    errors, stored = figures["figure_5a"]["errors"], figures["figure_5a"]["storage"]
    walks, steps = figures["figure_3"]["walks"], figures["figure_5b"]["errors"]
    seconds = figures["figure_5b"]["seconds"]
    sizes = {f"{preset} {dtype}": stored[dtype][preset] for dtype in stored for preset in ("paper", "small")}
    shares = ", ".join(f"{100 * row['share_of_raw']:.0f} % ({name})" for name, row in sizes.items())
    entropy = figures["figure_8"]
    base = {kind: held for kind, held in figures["figure_9"].items() if kind != "shares"}
    near = walks["condensed, clusters of income and value"]["distance_from_path"]
    batches = walks["mini-batches"]["distance_from_path"]
    high, low = (entropy[f"{which} entropy, mean +-4 deviations"] for which in ("high", "low"))
    rows = [
        (
            "3",
            "descent on 45 condensed samples stays nearer to the path of 1,000 rows than mini-batches of 45",
            f"mean distance {near:.3f} against {batches:.3f}",
            near < batches,
        ),
        (
            "5a",
            "5 % of rows: the error of all rows, below 50 % of storage",
            f"{_percent(errors['condensed']['826']['mean'])} of the error; {shares}",
            errors["condensed"]["826"]["mean"] < 1.02
            and all(row["share_of_raw"] < 0.5 for row in sizes.values()),
        ),
        (
            "5b",
            "92 samples: 4 % more error, 44 % of storage",
            f"{_percent(errors['condensed']['92']['mean'])} of the error in closed form; storage as above",
            errors["condensed"]["92"]["mean"] <= 1.04
            and all(row["share_of_raw"] <= 0.44 for row in sizes.values()),
        ),
        (
            "5b",
            "condensed samples converge faster",
            f"steps until 4 % above least squares: {_steps(steps['all rows'])} with all rows, "
            f"{_steps(steps['condensed'])} condensed; but a step takes "
            f"{seconds['all rows, one step'] / seconds['condensed, one step']:.0f} times less",
            "in seconds",
        ),
        (
            "8",
            "bits of high entropy keep the error low",
            f"826 clusters: {high['826']['median']:.2f} x, of low entropy {low['826']['median']:.2f} x",
            high["826"]["median"] < low["826"]["median"],
        ),
        (
            "9",
            "bits of low entropy as base take much less",
            "; ".join(
                f"{kind}: {100 * held['low entropy']['least']:.1f} against "
                f"{100 * held['high entropy']['least']:.1f} % of raw at best"
                for kind, held in base.items()
            ),
            "slightly",
        ),
        *_accuracy_claims(accuracy),
    ]
    lines = ["What the paper says, and what is measured here with its plain centroids:", ""]
    lines += ["| figure | the paper | here | met |", "|---|---|---|---|"]
    for figure, said, found, met in rows:
        verdict = met if isinstance(met, str) else ("yes" if met else "no")
        lines.append(f"| {figure} | {said} | {found} | {verdict} |")
    return lines


def _accuracy_claims(accuracy: Result) -> list[tuple[str, str, str, str]]:
    found = []
    for name, share, said, relative, most in (
        ("Credit Default", "0.33", "33 % of samples: 9 % less accuracy, 25 % of storage", 0.91, 0.25),
        ("Credit Default", "0.55", "55 %: the same accuracy, 30 % of storage", 0.999, 0.30),
        ("IJCNN1", "0.01", "1 %: 90 % of the accuracy, 20 % of storage", 0.9, 0.20),
        ("IJCNN1", "0.5", "50 %: the same accuracy, 30 % of storage", 0.999, 0.30),
    ):
        data = accuracy["data_sets"][name]
        row = data["kinds"]["centroids of one class"][share]
        stored = {dtype: held["paper"]["share_of_raw"] for dtype, held in data["storage"].items()}
        small = {dtype: held["small"]["share_of_raw"] for dtype, held in data["storage"].items()}
        official = row["first_split"]["relative_accuracy"]
        text = f"{_percent(row['relative_accuracy'])} of the accuracy"
        if name == "IJCNN1":
            text += f" ({_percent(official)} on the official split)"
        text += "; " + ", ".join(
            f"{dtype} {100 * stored[dtype]:.0f} % (`paper`), {100 * small[dtype]:.0f} % (`small`)"
            for dtype in stored
        )
        above = [
            f"`{preset}` {dtype}"
            for dtype, held in data["storage"].items()
            for preset in ("paper", "small")
            if held[preset]["share_of_raw"] > most
        ]
        met = "yes" if min(row["relative_accuracy"], official) >= relative else "no"
        if above:
            met += f"; larger: {', '.join(above)}"
        found.append(("10", f"{name}, {said}", text, met))
    return found


def errors_table(figures: Result) -> list[str]:
    """Figure 5a in numbers, and the picture of each."""
    errors = figures["figure_5a"]["errors"]
    sizes = list(errors["condensed"])
    lines = [
        f"Test MSE as a ratio to least squares on all {figures['rows']:,} rows, mean of {figures['splits']} "
        "splits (and the worst):",
        "",
        "| samples | " + " | ".join(sizes) + " |",
        "|---|" + "---:|" * len(sizes),
    ]
    for name, rows in errors.items():
        cells = [f"{_ratio(rows[size]['mean'])} ({_ratio(rows[size]['worst'])})" for size in sizes]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines.append("")
    lines += [_picture(f"figure_{name}", f"Figure {name}") for name in ("3", "5a", "5b", "8", "9")]
    return [*lines, "", *(f"- {_verdict(bar)}" for bar in figures["bars"])]


def accuracy_table(accuracy: Result) -> list[str]:
    """Figure 10 in numbers."""
    lines = []
    for name, data in accuracy["data_sets"].items():
        kinds = data["kinds"]
        shares = list(kinds["random rows"])
        lines += [
            f"{name}, {data['train']:,} rows to train and {data['test']:,} to test: accuracy in % of that of "
            f"all rows / area under the curve, mean of {accuracy['splits']} splits:",
            "",
            "| samples | " + " | ".join(f"{100 * float(share):g} %" for share in shares) + " |",
            "|---|" + "---:|" * len(shares),
        ]
        for kind, rows in kinds.items():
            if kind in ("all rows", "a constant answer"):
                continue
            cells = [
                f"{100 * rows[share]['relative_accuracy']:.1f} / {rows[share]['auc']:.3f}"
                if share in rows
                else ""
                for share in shares
            ]
            lines.append(f"| {kind} | {' | '.join(cells)} |")
        whole, constant = kinds["all rows"]["1"], kinds["a constant answer"]["0"]
        lines += [
            "",
            f"All rows: accuracy {whole['accuracy']:.4f}, balanced {whole['balanced_accuracy']:.4f}, area "
            f"{whole['auc']:.4f}. A constant answer: {constant['accuracy']:.4f} "
            f"({_percent(constant['relative_accuracy'])} of that), balanced "
            f"{constant['balanced_accuracy']:.2f}.",
            "",
        ]
    lines.append(_picture("figure_10", "Figure 10"))
    return [*lines, "", *(f"- {_verdict(bar)}" for bar in accuracy["bars"])]


def losses_of_samples(figures: Result, accuracy: Result) -> list[str]:
    """Which controls do better than our samples of the same size."""
    errors = figures["figure_5a"]["errors"]
    lines = []
    for size in errors["condensed"]:
        ours = errors["condensed"][size]["mean"]
        better = [name for name in CONTROLS if errors[name][size]["mean"] < ours]
        if better:
            listed = ", ".join(f"{name} ({_ratio(errors[name][size]['mean'])})" for name in better)
            lines.append(
                f"- linear regression, {size} samples: condensed {_ratio(ours)}; less error: {listed}"
            )
    for name, data in accuracy["data_sets"].items():
        kinds = data["kinds"]
        ours_kinds = [k for k in kinds if k not in (*CONTROLS, "all rows", "a constant answer")]
        for share in kinds["random rows"]:
            best = max(kinds[kind][share]["auc"] for kind in ours_kinds)
            better = [k for k in CONTROLS if share in kinds.get(k, {}) and kinds[k][share]["auc"] > best]
            most = max(kinds[kind][share]["relative_accuracy"] for kind in ours_kinds)
            exact = [
                k
                for k in CONTROLS
                if share in kinds.get(k, {}) and kinds[k][share]["relative_accuracy"] > most
            ]
            if better or exact:
                lines.append(
                    f"- {name}, {100 * float(share):g} %: larger area under the curve than all of ours: "
                    f"{', '.join(better) or 'none'}; more accuracy: {', '.join(exact) or 'none'}"
                )
    return ["Where our condensed samples lose:", "", *(lines or ["- nowhere"])]


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
        _picture("certificates", "Certificates"),
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
        _picture("cost", "Cost"),
        "",
        *(f"- {_verdict(bar)}" for bar in result["bars"]),
    ]


def _picture(name: str, title: str) -> str:
    return f"![{title}]({FIGURES.format(name=name)})"


def _verdict(bar: dict[str, Any]) -> str:
    value = f" ({bar['value']:.4g})" if "value" in bar else ""
    smaller = f"; smaller: {', '.join(bar['smaller_peers'])}" if bar.get("smaller_peers") else ""
    return f"{bar['verdict']}: {bar['bar']}{value}{smaller}"


def _steps(row: dict[str, Any]) -> str:
    steps = row["steps_to_4_percent"]
    return "never" if steps is None else f"{steps:,}"


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _ratio(value: float) -> str:
    return f"{value:.3f}" if value < 10 else f"{value:.0f}"


def _times(ratio: float | None) -> str:
    return "0" if ratio is None else f"{ratio:.3g}"


def _rounded(rate: float) -> str:
    return f"{float(f'{rate:.3g}'):,.0f}"


def _range(rates: list[float]) -> str:
    return f"{min(rates) / 1e6:.2g} to {max(rates) / 1e6:.2g}"

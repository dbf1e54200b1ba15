"""Tables about condensed samples: the paper's figures in numbers, made from ``results/tabular_*.json``.

In: the results. Out: lines of Markdown for README.md (short) and for benchmarks/README.md (complete).
"""

from typing import Any

from tabular_tables import Result, picture, verdict

CONTROLS = ("random rows", "MiniBatchKMeans", "BIRCH")


def bars_line(
    figures: Result, accuracy: Result, certificates: Result, cost: Result, study: Result
) -> list[str]:
    """One line for README.md."""
    plain, exact = figures["bars"]
    kinds = accuracy["data_sets"]["IJCNN1"]["kinds"]
    ijcnn1, constant = kinds["centroids of one class"]["0.01"], kinds["a constant answer"]["0"]
    condensing = cost["ijcnn1"]
    fresh = study["california_housing_fresh_splits"]["recipes"]["recommended"]
    return [
        f"Condensed samples: linear regression on 92 of {figures['rows']:,} rows of California Housing has "
        f"{_percent(plain['value'])} the test error of all rows on average over {figures['splits']} splits "
        f"({_percent(plain['worst'])} at worst; {_percent(fresh['mean'])} and {_percent(fresh['worst'])} on "
        f"{len(fresh['each'])} splits that did not choose the recipe), with scatter "
        f"{100 * exact['value']:.6f} %; logistic "
        f"regression on 1 % of IJCNN1 {_percent(ijcnn1['relative_accuracy'])} of the accuracy (a constant "
        f"answer {_percent(constant['relative_accuracy'])}, at a balanced accuracy of "
        f"{constant['balanced_accuracy']:.2f} instead of {ijcnn1['balanced_accuracy']:.2f}); "
        f"{certificates['violations']} of {certificates['fits']:,} certificates violated (by more than "
        f"{certificates['allowance']:g} of the loss at zero), many far above the truth; condensing "
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
            f"826 clusters, median of the splits: {high['826']['median']:.2f} x, of low entropy "
            f"{low['826']['median']:.2f} x; where clusters are few, outliers decide the means (165: "
            f"{high['165']['mean']:.2f} x against {low['165']['mean']:.2f} x)",
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
    lines += [picture(f"figure_{name}", f"Figure {name}") for name in ("3", "5a", "5b", "8", "9")]
    return [*lines, "", *(f"- {verdict(bar)}" for bar in figures["bars"])]


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
    lines.append(picture("figure_10", "Figure 10"))
    return [*lines, "", *(f"- {verdict(bar)}" for bar in accuracy["bars"])]


def _steps(row: dict[str, Any]) -> str:
    steps = row["steps_to_4_percent"]
    return "never" if steps is None else f"{steps:,}"


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _ratio(value: float) -> str:
    return f"{value:.3f}" if value < 10 else f"{value:.0f}"

"""The result tables of README.md, docs/algorithm.md and benchmarks/README.md, made from
``benchmarks/results/*.json``.

In: the JSON files. Out: the documents, of which only the lines between the ``results``, ``prices``,
``loaders`` and ``tables`` markers change. Nobody types a number into them.

    python benchmarks/tables.py            # rewrite
    python benchmarks/tables.py --check    # exit 1 if that would change anything
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import loader_tables
import tabular_figure_tables
import tabular_tables

HERE = Path(__file__).parent
DOCUMENTS = {
    "README.md": ("results",),
    "docs/algorithm.md": ("prices",),
    "benchmarks/README.md": ("loaders", "tables"),
}
FORMATS = (".gede small", ".gede fast", "PNG", "WebP lossless", "JPEG XL, effort 7", "QOI")
SYSTEMS = {
    ".gede small": "**`.gede` small**",
    ".gede fast": "`.gede` fast",
    ".gede raw": "`.gede` raw",
    ".gede paper": "`.gede` paper, by label",
    ".gede paper exact": "`.gede` paper, by label, exact",
    "numpy.memmap": "`numpy.memmap`, raw",
    "JPEG XL, effort 7": "JPEG XL per image, effort 7",
    "WebP lossless": "lossless WebP per image",
    "PNG": "PNG per image",
    "PNG, Pillow": "PNG per image, through Pillow",
    "QOI": "QOI per image",
    "torchvision": "torchvision `CIFAR10[i]`, raw in RAM",
}


def cifar10_table(result: dict[str, Any]) -> list[str]:
    """Size and speed, one line a system."""
    systems, environment = result["systems"], result["environment"]
    lines = [
        "CIFAR-10 train (50,000 images, 153.6 MB raw):",
        "",
        "| | size, % of raw | images/s, one core | times PNG | compress, s | largest error |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for key, name in SYSTEMS.items():
        system = systems[key]
        seconds = system.get("compress_seconds")
        cells = (
            name,
            f"{100 * system['share_of_raw']:.1f}",
            _rounded(system["images_per_second"]["median"]),
            f"{system['times_png']['median']:.3g}",
            "" if seconds is None else f"{seconds['median']:.1f}",
            f"{system.get('max_error', 0)}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    runs = systems[".gede fast"]["images_per_second"]["n"]
    compressions = systems[".gede fast"]["compress_seconds"]["n"]
    lines += [
        "",
        f"Random batches of {result['batch']} into one preallocated array, median of {runs} interleaved "
        f"runs; compression on 2 threads, median of {compressions}. JPEG XL and WebP on every fifth image. "
        f"{_origin(environment)}",
    ]
    return lines


def memory_table(result: dict[str, Any]) -> list[str]:
    """Peak memory, one line a measurement."""
    lines = [
        "| memory | grows by | for |",
        "|---|---:|---|",
    ]
    for name, m in result["reading"].items():
        lines.append(
            f"| read a random 10 % of CIFAR-10, {name} | {_mb(m['anonymous_growth'])} own + "
            f"{_mb(m['file_growth'])} mapped | {_mb(m['decoded_bytes'])} decoded and kept, "
            f"{_mb(m['file_pages_resident'])} of file pages |"
        )
    for name, m in result["compressing"].items():
        lines.append(
            f"| compress {_mb(m['raw_bytes'])}, {name} | {_mb(m['anonymous_growth'])} | "
            f"{m['num_samples']:,} images, {m['seconds']:.0f} s |"
        )
    return [*lines, "", f"Each line is one fresh process. {_origin(result['environment'])}"]


def images_table(result: dict[str, Any]) -> list[str]:
    """Sizes of every format on every data set, and its speed."""
    lines = [
        "Other images, size in % of raw (and decoding in MB/s on one core):",
        "",
        "| | " + " | ".join(FORMATS) + " |",
        "|---|" + "---:|" * len(FORMATS),
    ]
    for name, data in result["data_sets"].items():
        cells = []
        for key in FORMATS:
            row = data["formats"].get(key)
            if row is None:
                cells.append("")
            else:
                few = row["images"] < data["compared_on"]
                note = f" on {row['images']:,}" if few else ""
                cells.append(f"{100 * row['share_of_raw']:.1f} ({row['megabytes_per_second']:,.0f}){note}")
        kind = "photographs" if name in ("Kodak", "ImageNet") else "images"
        lines.append(f"| {name}, {data['samples']:,} {kind} | {' | '.join(cells)} |")
    lines += [
        "",
        "Sizes of `.gede` are those of whole files. The others hold every photograph, and 5,000 images of "
        "the other data sets, spread evenly (fewer where the table says so); grey ones as RGB where a format "
        "knows no grey.",
    ]
    if "ImageNet" in result["data_sets"]:
        lines += photographs(result["data_sets"]["ImageNet"])
    runs = next(iter(result["data_sets"].values()))["formats"]["PNG"]["runs"]
    return [*lines, f"Median of {runs} interleaved runs. {_origin(result['environment'])}"]


def photographs(data: dict[str, Any]) -> list[str]:
    """What is lost against JPEG, and what a crop reads."""
    crops = data["random_crops"]

    def share(name: str) -> str:
        return f"{100 * crops[name]['median']:.0f} %"

    typical = 100 * crops["photographs_of_500x375"]["share_of_bytes"]
    return [
        "The ImageNet photographs were born as JPEG, which takes "
        f"{100 * data['jpeg_share_of_raw']:.1f} % of raw: no lossless format comes near that.",
        "A `RandomResizedCrop` that is chosen before decoding has "
        f"{share('share_of_pixels')} of their pixels; it reads {share('share_of_bytes')} of the bytes "
        f"({typical:.0f} % for those of 500 x 375 pixels) and takes {share('share_of_seconds')} of the time.",
    ]


def paths_table(result: dict[str, Any]) -> list[str]:
    """Images a second with the instructions of older CPUs."""
    names = list(next(iter(result["paths"].values())))
    lines = [
        "CIFAR-10 images a second on one core, by the instructions used (times PNG in the same process):",
        "",
        "| | " + " | ".join(names) + " |",
        "|---|" + "---:|" * len(names),
    ]
    for path, rows in result["paths"].items():
        cells = [
            f"{_rounded(rows[name]['images_per_second']['median'])} ({rows[name]['times_png']['median']:.3g})"
            for name in names
        ]
        lines.append(f"| {path} | {' | '.join(cells)} |")
    runs = rows["PNG"]["images_per_second"]["n"]
    return [*lines, "", f"Median of {runs} runs. {_origin(result['environment'])}"]


def ffcv_line(result: dict[str, Any]) -> list[str]:
    """The preset raw beside FFCV."""
    rates, shares = result["images_per_second"], result["share_of_raw"]
    ours, theirs, memmap = (
        _rounded(rates[name]["median"]) for name in (".gede raw", "FFCV, raw", "numpy.memmap")
    )
    return [
        f"`raw` beside FFCV's raw mode, one thread each, turn by turn: {ours} against {theirs} CIFAR-10 "
        f"images/s ({result['times_ffcv']['median']:.2f} times), {100 * shares['.gede raw']:.1f} % against "
        f"{100 * shares['FFCV, raw']:.1f} % of raw; `numpy.memmap` {memmap}. "
        f"Median of {rates['.gede raw']['n']} runs. {_origin(result['environment'])}"
    ]


def prices_table(result: dict[str, Any]) -> list[str]:
    """Algorithm 1 at different prices."""
    lines = [
        "| columns | price of a deviation bit | % of raw | base positions | bases |",
        "|---|---|---:|---:|---:|",
    ]
    names = {
        "identity": "pixels",
        "colour": "pixels, red and blue less green",
        "dct": "DCT, rounded (the paper's)",
    }
    for row in result["splits"]:
        if row["price"] == "measured share" and row["transform"] != "identity":
            continue  # measured with a coder of pixels
        found = row["bases"] is not None
        cells = (
            names[row["transform"]],
            row["price"] if found else "(no search) the sum of all entropies",
            f"{100 * row['share_of_raw']:.1f}",
            f"{row['base_positions']:,.1f}" if found else "",
            f"{row['bases']:,.1f}" if found else "",
        )
        lines.append(f"| {' | '.join(cells)} |")
    for preset in ("fast", "small"):
        share = f"{100 * result['presets'][preset]:.1f}"
        lines.append(f"| the preset `{preset}`, all classes together | what it takes | {share} | | |")
    return [
        *lines,
        "",
        '"Measured share" charges every position the same, so that all together cost what `small` takes. '
        f"{_origin(result['environment'])}",
    ]


def loaders_short(result: dict[str, Any]) -> list[str]:
    """Our loaders beside the others, one line a system."""
    return [
        "Loaders, the best row of each (all: [benchmarks](benchmarks/README.md#loaders)):",
        "",
        *loader_tables.short(result),
        _origin(result["environment"]),
    ]


def loaders_complete(result: dict[str, Any]) -> list[str]:
    """Every row."""
    return [*loader_tables.complete(result), _origin(result["environment"])]


def tables_short(*results: dict[str, Any]) -> list[str]:
    """Sizes of tables, and where they come from."""
    return [*tabular_tables.storage_short(*results), _origin(results[0]["environment"])]


def _with_origin(table: Callable[..., list[str]]) -> Callable[..., list[str]]:
    """A table with the machines of its results below."""

    def lines(*results: dict[str, Any]) -> list[str]:
        origins = dict.fromkeys(_origin(result["environment"]) for result in results)
        return [*table(*results), "", *origins]

    return lines


# By marker: the results that a table needs, and what makes it.
TABLES: dict[str, tuple[tuple[tuple[str, ...], Callable[..., list[str]]], ...]] = {
    "results": (
        (("cifar10",), cifar10_table),
        (("images",), images_table),
        (("cpu_paths",), paths_table),
        (("ffcv_raw",), ffcv_line),
        (("loaders",), loaders_short),
        (("tabular_storage",), tables_short),
        (
            (
                "tabular_figures",
                "tabular_accuracy",
                "tabular_certificates",
                "tabular_cost",
                "tabular_study",
            ),
            tabular_figure_tables.bars_line,
        ),
        (("memory",), memory_table),
    ),
    "loaders": ((("loaders",), loaders_complete),),
    "tables": (
        (("tabular_storage",), _with_origin(tabular_tables.storage_complete)),
        (("tabular_figures", "tabular_accuracy"), tabular_figure_tables.claims),
        (("tabular_figures",), _with_origin(tabular_figure_tables.errors_table)),
        (("tabular_accuracy",), _with_origin(tabular_figure_tables.accuracy_table)),
        (("tabular_figures", "tabular_accuracy"), tabular_figure_tables.losses_of_samples),
        (("tabular_certificates",), _with_origin(tabular_tables.certificates_table)),
        (("tabular_cost",), _with_origin(tabular_tables.cost_table)),
    ),
    "prices": ((("split_prices",), prices_table),),
}


def block(marker: str) -> str:
    """Everything between the markers, markers included."""
    parts = [f"<!-- {marker}:begin -->"]
    for names, table in TABLES[marker]:
        paths = [HERE / "results" / f"{name}.json" for name in names]
        if all(path.exists() for path in paths):
            parts.append("\n".join(table(*(json.loads(path.read_text()) for path in paths))))
    return "\n\n".join([*parts, f"<!-- {marker}:end -->"])


def rewritten(text: str, marker: str) -> str:
    """A document with fresh tables.

    Raises:
        ValueError: it does not hold both markers, once and in order.
    """
    begin, end = f"<!-- {marker}:begin -->", f"<!-- {marker}:end -->"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"the document must hold {begin} and then {end}, once each")
    before, rest = text.split(begin)
    return before + block(marker) + rest.split(end)[1]


def main() -> int:
    """Rewrite or check the documents."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 if something would change"
    )
    parser.add_argument("--root", type=Path, default=HERE.parent, help="where the documents are")
    options = parser.parse_args()
    stale = 0
    for name, markers in DOCUMENTS.items():
        path = options.root / name
        new = old = path.read_text()
        for marker in markers:
            new = rewritten(new, marker)
        if not options.check:
            path.write_text(new)
        elif old != new:
            stale = 1
            print(f"the tables of {name} are stale; run python benchmarks/tables.py", file=sys.stderr)
    return stale


def _origin(environment: dict[str, Any]) -> str:
    commit = (environment["commit"] or "unknown")[:10] + (", changed" if environment["dirty"] else "")
    return (
        f"Measured on {environment['cpu']}, {environment['cores']} cores, "
        f"{', '.join(environment['cpu_flags'])}; commit {commit}, {environment['date']}."
    )


def _rounded(rate: float) -> str:
    return f"{float(f'{rate:.3g}'):,.0f}"


def _mb(num_bytes: int) -> str:
    return f"{num_bytes / 1e6:,.1f} MB"


if __name__ == "__main__":
    sys.exit(main())

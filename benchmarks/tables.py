"""The README's result tables, made from ``benchmarks/results/*.json``.

In: the JSON files. Out: README.md, of which only the lines between the two ``results`` markers change.
Nobody types a number into the README.

    python benchmarks/tables.py            # rewrite
    python benchmarks/tables.py --check    # exit 1 if that would change anything
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"
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


def block() -> str:
    """Everything between the markers, markers included."""
    parts = []
    for name, table in (("cifar10", cifar10_table), ("memory", memory_table)):
        path = HERE / "results" / f"{name}.json"
        if path.exists():
            parts.append("\n".join(table(json.loads(path.read_text()))))
    return "\n\n".join([BEGIN, *parts, END]) if parts else f"{BEGIN}\n{END}"


def rewritten(readme: str) -> str:
    """The README with fresh tables.

    Raises:
        ValueError: it does not hold both markers, once and in order.
    """
    if readme.count(BEGIN) != 1 or readme.count(END) != 1 or readme.index(BEGIN) > readme.index(END):
        raise ValueError(f"the README must hold {BEGIN} and then {END}, once each")
    before, rest = readme.split(BEGIN)
    return before + block() + rest.split(END)[1]


def main() -> int:
    """Rewrite or check the README."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 if something would change"
    )
    parser.add_argument("--readme", type=Path, default=HERE.parent / "README.md")
    options = parser.parse_args()
    old = options.readme.read_text()
    new = rewritten(old)
    if options.check:
        if old != new:
            print("the README's tables are stale; run python benchmarks/tables.py", file=sys.stderr)
        return int(old != new)
    options.readme.write_text(new)
    return 0


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

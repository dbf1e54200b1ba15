"""What every benchmark shares: the machine, the commit, statistics, and the JSON file.

In: lists of measurements. Out: ``benchmarks/results/NAME.json``, which names no folder of the machine it
comes from.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from dreamlearning.footprint import describe_machine

RESULTS = Path(__file__).parent / "results"
_REPOSITORY = Path(__file__).parent.parent
_WRITTEN = (":!benchmarks/results", ":!benchmarks/figures", ":!README.md", ":!benchmarks/README.md")


def summary(values: list[float]) -> dict[str, float | int]:
    """Count, median, minimum and maximum of repeated measurements."""
    return {"n": len(values), "median": median(values), "min": min(values), "max": max(values)}


def environment() -> dict[str, Any]:
    """The machine, the versions, and what else it was doing."""
    return {
        **describe_machine(),
        "commit": _git("rev-parse", "HEAD"),
        # A result file that is about to be rewritten does not make the code that wrote it dirty.
        "dirty": bool(_git("status", "--porcelain", "--", ".", *_WRITTEN)),
        "load_average_before": round(os.getloadavg()[0], 2),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def write_result(name: str, result: dict[str, Any]) -> Path:
    """Write ``results/NAME.json``, whole or not at all."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    temporary = path.with_suffix(".tmp")
    try:
        temporary.write_text(json.dumps(result, indent=2) + "\n")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def as_text(values: Iterable[float]) -> str:
    """Many numbers as one line of a result: four digits each, blanks between."""
    return " ".join(f"{value:.4g}" for value in values)


def from_text(text: str) -> list[float]:
    """What `as_text` wrote."""
    return [float(word) for word in text.split()]


def say(line: str) -> None:
    """One line of progress on stderr."""
    print(line, file=sys.stderr, flush=True)


def _git(*arguments: str) -> str | None:
    done = subprocess.run(["git", *arguments], cwd=_REPOSITORY, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None

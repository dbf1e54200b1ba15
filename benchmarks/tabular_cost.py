"""Seconds and memory of condensing on one core, from 10^4 to 10^7 rows.

In: IJCNN1, whose 22 columns give any number of rows: rows drawn with replacement, each with some noise,
float32. Out: a dictionary for ``results/tabular_cost.json``. Every size is a process of its own, so that the
peak of its memory is its own. Run as a program it is that process.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import dreamlearning
import numpy as np
import tabular_data
from common import say, summary
from dreamlearning.tabular import condense_arrays

ROWS = [10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000]
FILE_ROWS = 1_000_000
SIZES = {"500 samples": 500, "1 % of the rows": 0.01}
BAR_SECONDS, BAR_BYTES = 1.0, 8 << 30


def measure(data: Path, work: Path, *, quick: bool) -> dict[str, Any]:
    """All sizes."""
    found: dict[str, Any] = {}
    all_rows = ROWS[:1] if quick else ROWS
    for name in SIZES:
        rows = {
            str(n): child(data, work, n, name, 1 if quick or n == ROWS[-1] else 3, "arrays") for n in all_rows
        }
        found[name] = {"rows": rows, "slope": slope(rows), "slope_from_1e5": slope(rows, 100_000)}
        say(f"  {name}: slope {found[name]['slope']}")
    from_file = {
        preset: child(data, work, ROWS[0] if quick else FILE_ROWS, "500 samples", 1 if quick else 3, preset)
        for preset in (("paper",) if quick else ("raw", "paper", "small"))
    }
    (x, y, u, v), _ = tabular_data.ijcnn1(data)
    x, y = np.concatenate([x, u]), np.concatenate([y, v])
    taken = timed(lambda: condense_arrays(x, y, fraction=0.01, num_threads=1), 1 if quick else 7)
    whole = {
        "rows": len(x),
        "columns": x.shape[1],
        "samples": round(0.01 * len(x)),
        **summaries(taken),
    }
    say(f"  IJCNN1 as a whole: {whole['seconds']['median']:.3f} s")
    peak = max(row["peak_bytes"] for one in found.values() for row in one["rows"].values())
    return {
        "columns": 22,
        "dtype": "float32",
        "arrays": found,
        "files": from_file,
        "ijcnn1": whole,
        "bars": [
            bar(
                "IJCNN1, 141,691 rows, to 1 %: seconds on one core, at most 1",
                median(taken["seconds"]),
                BAR_SECONDS,
            ),
            bar("peak memory in GiB, at most 8", peak / 2**30, BAR_BYTES / 2**30),
        ],
    }


def bar(what: str, value: float, most: float) -> dict[str, Any]:
    """A bar that a value must not exceed."""
    return {"bar": what, "value": value, "verdict": "PASS" if value <= most else "FAIL"}


def slope(rows: dict[str, Any], least: int = 0) -> float | None:
    """Of the logarithm of seconds on that of rows: 1 where cost is linear; ``None`` of a single size."""
    points = [(int(n), row["seconds"]["median"]) for n, row in rows.items() if int(n) >= least]
    if len(points) < 2:
        return None
    return float(np.polyfit(*np.log(np.array(points)).T, 1)[0])


def timed(work: Any, repeats: int) -> dict[str, list[float]]:
    """Seconds of each call, and those in which it had a processor."""
    taken: dict[str, list[float]] = {"seconds": [], "cpu_seconds": []}
    for _ in range(repeats):
        start, processor = time.perf_counter(), time.process_time()
        work()
        taken["seconds"].append(time.perf_counter() - start)
        taken["cpu_seconds"].append(time.process_time() - processor)
    return taken


def summaries(taken: dict[str, list[float]]) -> dict[str, Any]:
    """Both with their medians."""
    return {key: summary(values) for key, values in taken.items()}


def child(data: Path, work: Path, rows: int, name: str, repeats: int, way: str) -> dict[str, Any]:
    """One size in a process of its own."""
    command = [sys.executable, __file__, str(data), str(work), str(rows), name, str(repeats), way]
    package = str(Path(dreamlearning.__file__).parent.parent)
    paths = [package, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=env, check=False)
    if done.returncode:
        raise SystemExit(f"condensing {rows:,} rows failed with exit code {done.returncode}")
    found = json.loads(done.stdout)
    found |= summaries({key: found[key] for key in ("seconds", "cpu_seconds")})
    peak = found["peak_bytes"] / 1e6
    say(f"  {way}, {rows:,} rows, {name}: {found['seconds']['median']:.3f} s, {peak:,.0f} MB")
    return found


def noisy(data: Path, rows: int) -> np.ndarray:
    """Float32 (rows, 22): rows of IJCNN1 with noise of a twentieth of each column's deviation."""
    (x, _, u, _), _ = tabular_data.ijcnn1(data)
    held = np.concatenate([x, u]).astype(np.float32)
    rng, scale = np.random.default_rng(0), 0.05 * held.std(0)
    out = np.empty((rows, held.shape[1]), np.float32)
    for first in range(0, rows, 1 << 18):
        part = out[first : first + (1 << 18)]
        np.take(held, rng.integers(0, len(held), len(part)), axis=0, out=part)
        part += rng.standard_normal(part.shape, np.float32) * scale
    return out


def main() -> None:
    """One size, as `child` asks for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("rows", type=int)
    parser.add_argument("name", choices=list(SIZES))
    parser.add_argument("repeats", type=int)
    parser.add_argument("way", choices=["arrays", "raw", "paper", "small"])
    options = parser.parse_args()
    size = SIZES[options.name]
    goal = {"size": size} if isinstance(size, int) else {"fraction": size}
    x = noisy(options.data, options.rows)
    found: dict[str, Any] = {"given_bytes": x.nbytes}
    # From here on the peak is counted anew: what made the rows is no cost of condensing.
    Path("/proc/self/clear_refs").write_text("5")
    if options.way == "arrays":
        taken = timed(lambda: condense_arrays(x, num_threads=1, **goal), options.repeats)
    else:
        path = options.work / f"{options.way}.gede"
        file = dreamlearning.compress(
            x, path, preset=options.way, num_threads=1, overwrite=True, progress=False
        )
        found["file_bytes"] = path.stat().st_size
        taken = timed(lambda: file.condensed(num_threads=1, **goal), options.repeats)
    status = Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    found |= {**taken, "peak_bytes": 1024 * int(peak.split()[1])}
    print(json.dumps(found))


if __name__ == "__main__":
    main()

"""What a table takes on disk, and how fast random rows come out: ours, plain packing, and the peers.

In: the tables of `tabular_data`, and the Python of an environment with pyarrow, blosc2 and pcodec
(``peers/README.md``). Out: a dictionary for ``results/tabular_storage.json``. Sizes are those of whole files,
and every file has given all its rows back, bit for bit. One core.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dreamlearning
import numpy as np
import tabular_data
import tabular_packing
from common import say, summary
from numpy.typing import NDArray

BATCH = 10_000
PRESETS = ("paper", "small")
GROUP = {"paper": 1, "small": 128}
BAR_ROWS = 1_000_000
BAR_PCODEC = 1.03
RANDOM_ACCESS = 128  # rows: who decodes more for one row gives no random access
Reader = Callable[[NDArray[np.int64]], Any]


def measure(data: Path, work: Path, peers: str | None, *, quick: bool) -> dict[str, Any]:
    """Every table in every way."""
    runs, seconds = (1, 0.02) if quick else (7, 0.3)
    if peers is None:
        say("no --peers-python: Parquet, blosc2 and pcodec are left out")
    elif not shutil.which(peers):
        raise SystemExit(f"--peers-python {peers} is no program")
    found: dict[str, Any] = {}
    for name, table in tabular_data.tables(data, 2000 if quick else None).items():
        if quick and name not in ("California Housing, float64", "Credit Default, int32"):
            continue
        ways = own(table, work, runs, seconds)
        for way, row in ways.items():
            say(f"{name}, {way}: {row['bytes'] / table.nbytes:.1%}, {describe(row)}")
        found[name] = {
            "rows": len(table),
            "columns": len(table.dtype),
            "raw_bytes": table.nbytes,
            "ways": ways,
        }
        np.save(work / f"{name}.npy", table)
    versions: dict[str, str] = {}
    if peers is not None:
        asked = {
            "tables": {name: str(work / f"{name}.npy") for name in found},
            "folder": str(work),
            "batch": BATCH,
            "runs": runs,
            "seconds": seconds,
        }
        answer = ask(peers, asked)
        versions = answer["versions"]
        for name, ways in answer["tables"].items():
            for row in ways.values():
                if "rows_per_second" in row:
                    row["rows_per_second"] = {k: summary(v) for k, v in row["rows_per_second"].items()}
            found[name]["ways"] |= ways
    for one in found.values():
        for row in one["ways"].values():
            row["share_of_raw"] = row["bytes"] / one["raw_bytes"]
        one["wins"] = wins(one["ways"])
    return {"batch": BATCH, "versions": versions, "tables": found, "bars": bars(found)}


def own(table: NDArray[Any], work: Path, runs: int, seconds: float) -> dict[str, dict[str, Any]]:
    """Raw, plain packing and our presets, which take turns."""
    table.tofile(work / "raw")
    raw = np.memmap(work / "raw", table.dtype, "r")
    tabular_packing.write(table, work / "packed")
    packed = tabular_packing.Packed(work / "packed")
    ways = {
        "raw, numpy.memmap": (work / "raw", 1, lambda index: raw[index]),
        "dictionaries and exact widths": (work / "packed", 1, packed.rows),
    }
    took = {}
    for preset in PRESETS:
        path = work / f"{preset}.gede"
        start = time.perf_counter()
        file = dreamlearning.compress(
            table,
            path,
            target=tabular_data.TARGET,
            preset=preset,
            num_threads=1,
            overwrite=True,
            progress=False,
        )
        took[preset] = time.perf_counter() - start
        ways[f".gede {preset}"] = (path, GROUP[preset], file.decode)
    found: dict[str, dict[str, Any]] = {}
    for name, (path, group, read) in ways.items():
        assert read(np.arange(len(table))).tobytes() == table.tobytes(), name
        found[name] = {"bytes": path.stat().st_size, "rows_read_for_one": group}
    for preset, spent in took.items():
        found[f".gede {preset}"]["compress_seconds"] = spent
    rates: dict[str, dict[str, list[float]]] = {name: {"batch": [], "single": []} for name in ways}
    rng = np.random.default_rng(0)
    for run in range(runs + 1):  # the first is not counted
        for name, (_, _, read) in ways.items():
            for way, size in (("batch", BATCH), ("single", 1)):
                rate = rows_per_second(read, len(table), size, seconds, rng)
                if run:
                    rates[name][way].append(rate)
    for name, rate in rates.items():
        found[name]["rows_per_second"] = {way: summary(values) for way, values in rate.items()}
    return found


def rows_per_second(read: Reader, n: int, size: int, seconds: float, rng: np.random.Generator) -> float:
    """Rows a second in random batches of ``size``, for about ``seconds``."""
    rows, start = 0, time.perf_counter()
    while rows == 0 or time.perf_counter() - start < seconds:
        read(rng.integers(0, n, size))
        rows += size
    return rows / (time.perf_counter() - start)


def ask(python: str, asked: dict[str, Any]) -> dict[str, Any]:
    """What the peers' process measured."""
    script = Path(__file__).parent / "peers" / "table_files.py"
    env = {**os.environ, "PYTHONPATH": "", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [python, str(script)],
        input=json.dumps(asked),
        stdout=subprocess.PIPE,
        text=True,
        env=env,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{script.name} failed with exit code {done.returncode}")
    return json.loads(done.stdout)


def wins(ways: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Who is best at what."""
    compressed = {name: row for name, row in ways.items() if not name.startswith("raw")}
    direct = {name: row for name, row in compressed.items() if row["rows_read_for_one"] <= RANDOM_ACCESS}
    one_row = {name: row for name, row in compressed.items() if row["rows_read_for_one"] == 1}
    timed = {name: row for name, row in compressed.items() if "rows_per_second" in row}

    def smallest(rows: dict[str, dict[str, Any]]) -> str:
        return min(rows, key=lambda name: rows[name]["bytes"])

    def fastest(way: str) -> str:
        return max(timed, key=lambda name: timed[name]["rows_per_second"][way]["median"])

    return {
        "smallest": smallest(compressed),
        "smallest with random access": smallest(direct),
        "smallest, one row at a time": smallest(one_row),
        "fastest random batches": fastest("batch"),
        "fastest single rows": fastest("single"),
    }


def bars(found: dict[str, Any]) -> list[dict[str, Any]]:
    """What the presets have to reach, table by table."""
    judged = []
    for name, one in found.items():
        ways = one["ways"]
        rivals = [
            way
            for way, row in ways.items()
            if row["rows_read_for_one"] <= RANDOM_ACCESS and not way.startswith((".gede", "raw"))
        ]
        for preset in PRESETS:
            ours = ways[f".gede {preset}"]["bytes"]
            smaller = [way for way in rivals if ways[way]["bytes"] <= ours]
            judged.append(
                {
                    "bar": f"{name}: `{preset}` is smaller than all others with random access",
                    "smaller_peers": smaller,
                    "verdict": "FAIL" if smaller else "PASS",
                }
            )
        if "pcodec 8, each column" in ways:
            ratio = ways[".gede small"]["bytes"] / ways["pcodec 8, each column"]["bytes"]
            judged.append(
                {
                    "bar": f"{name}: `small` takes at most {BAR_PCODEC} of pcodec",
                    "value": ratio,
                    "verdict": "PASS" if ratio <= BAR_PCODEC else "FAIL",
                }
            )
        rate = ways[".gede paper"]["rows_per_second"]["batch"]["median"]
        judged.append(
            {
                "bar": f"{name}: `paper` decodes at least {BAR_ROWS:,} random rows/s on one core",
                "value": rate,
                "verdict": "PASS" if rate >= BAR_ROWS else "FAIL",
            }
        )
    return judged


def describe(row: dict[str, Any]) -> str:
    """Speeds of one way, for the screen."""
    rate = row["rows_per_second"]
    return f"{rate['batch']['median']:,.0f} rows/s in batches, {rate['single']['median']:,.0f} one by one"


if __name__ == "__main__":
    sys.exit("run benchmarks/tabular.py --only storage")

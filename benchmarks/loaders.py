"""Our loaders beside every loader that a user would pick instead, in one run.

In: CIFAR-10 (32 x 32), a folder of photographs (cut to 224 x 224), and the Pythons of environments that have
the peers (``peers/README.md``). Out: ``results/loaders.json``, and the bars with PASS or FAIL. Linux only.

Every row is a process of its own. First each data set is written; then each row alone reads a random 10 % of
cold files and a pass of warm ones, while its memory is watched; then all rows stay open and take turns, one
pass each, round after round. Takes 20 minutes on two cores, 16 GB of memory and 6 GB of disk.

    python benchmarks/loaders.py --data data --photos PHOTOS --peers-python PEERS/bin/python
    --ffcv-python FFCV/bin/python
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dreamlearning
import numpy as np
import photographs
from common import environment, say, summary, write_result
from loader_bars import bars, describe
from peers import ROWS, Row
from process_tree import Child, RowError, disk_bytes, forget, read_ahead_bytes, warm, working_counter
from torchvision.datasets import CIFAR10

BATCH = {"32": 256, "224": 64}
SHARE = 0.1
AT_LEAST = 0.3  # seconds of a pass; fast rows read several epochs
WRITE_TIMEOUT, OPEN_TIMEOUT, READ_TIMEOUT = 600, 180, 120
COMMAND = (
    "python benchmarks/loaders.py --data data --photos PHOTOS "
    "--peers-python PEERS/bin/python --ffcv-python FFCV/bin/python"
)
WHAT = {
    "share_of_raw": "bytes of all files, labels and index included, of the bytes of the pixels alone",
    "disk_bytes_after_epoch": "bytes of all files while the reader is open and has read",
    "images_per_second": "medians of passes in turn; a pass is whole epochs, or, where an epoch takes longer "
    "than the limit, the part of it that fits, and the next pass goes on from there",
    "cores_used": "processor time of all processes and threads of a row by elapsed time",
    "first_batch_seconds": "from opening, after imports; cold: files dropped from the page cache, one "
    "measurement; warm: in two processes",
    "peak_pss": "highest proportional set size of all processes of a row, sampled every 20 ms; pss_growth: "
    "that less the size after imports",
    "tenth_bytes": "bytes that the processes read for an epoch of a random tenth of the samples, opening "
    "included, with files dropped from the page cache before; read_bytes counts what came from disk, the "
    "kernel's read-ahead included; read_chars what system calls returned, without mapped files",
    "exact": "512 samples are, bit for bit and in uint8, with their labels, samples of the source",
}


@dataclass
class DataSet:
    """One data set, its folder, and what is known of its rows so far."""

    name: str
    folder: Path
    raw_bytes: int
    num_samples: int
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    def files(self, row: Row) -> Path:
        return self.folder / "rows" / row.files

    def fail(self, row: Row, reason: object) -> None:
        text = str(reason).replace(str(self.folder.parent), "WORK").replace(str(Path.home()), "HOME")
        say(f"{self.name} px, {row.name}: {text}")
        self.rows[row.name] = {"not_measured": text}

    def measurable(self, rows: list[Row]) -> list[Row]:
        return [row for row in rows if "not_measured" not in self.rows[row.name]]


class Runner:
    """Starts rows."""

    def __init__(self, options: argparse.Namespace, work: Path) -> None:
        self.options, self.work = options, work
        self.pythons = {"own": sys.executable, "peers": options.peers_python, "ffcv": options.ffcv_python}
        package = str(Path(dreamlearning.__file__).parent.parent)
        paths = [package, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        self.env = {**os.environ, "HF_HOME": str(work / "hf"), "HF_HUB_OFFLINE": "1"}
        self.own = {"PYTHONPATH": os.pathsep.join(paths)}

    def why_not(self, row: Row) -> str | None:
        python = self.pythons[row.python]
        if python is None:
            return f"left out: no --{row.python}-python"
        return None if shutil.which(python) else f"left out: --{row.python}-python is no program"

    def start(self, data: DataSet, row: Row) -> Child:
        script = Path(__file__).parent / "loader_child.py"
        command = [
            str(self.pythons[row.python]),
            str(script),
            row.name,
            str(data.folder),
            str(data.files(row)),
        ]
        env = self.env | (self.own if row.python == "own" else {})
        return Child(command, self.work / "stderr.log", env)


def write_all(runner: Runner, data: DataSet, rows: list[Row]) -> None:
    """Every row's files, once where rows share them."""
    done: dict[str, dict[str, Any]] = {}
    for row in data.measurable(rows):
        if row.files not in done:
            data.files(row).mkdir(parents=True)
            child = None
            extra = {"data": runner.options.data} if row.options.get("kind") == "cifar10" else {}
            try:
                child = runner.start(data, row)
                versions = child.hear(OPEN_TIMEOUT)["versions"]
                seconds = child.ask(WRITE_TIMEOUT, do="write", **extra)["seconds"]
                if row.compiles:
                    child.ask(OPEN_TIMEOUT, do="open", batch_size=BATCH[data.name], share=1)
            except RowError as error:
                done[row.files] = {"not_measured": f"writing: {error}"}
            else:
                size, blocks = disk_bytes(data.files(row))
                say(f"{data.name} px, {row.name}: {size / data.raw_bytes:.1%} of raw in {seconds:.1f} s")
                done[row.files] = {
                    "disk_bytes": size,
                    "disk_blocks_bytes": blocks,
                    "share_of_raw": size / data.raw_bytes,
                    "write_seconds": seconds,
                    "versions": versions,
                }
            finally:
                if child is not None:
                    child.end()
        facts = done[row.files]
        if "not_measured" in facts:
            data.fail(row, facts["not_measured"])
        else:
            data.rows[row.name] |= facts


def read_alone(runner: Runner, data: DataSet, row: Row, counter: str) -> dict[str, Any]:
    """What one row, by itself, reads for a random tenth, and the memory of that and of a pass."""
    batch, child = BATCH[data.name], runner.start(data, row)
    try:
        child.hear(OPEN_TIMEOUT)
        before, peaks = child.pss(), []
        forget(data.files(row))
        read = child.read_bytes(counter)
        cold = child.ask(OPEN_TIMEOUT, watch=True, do="open", batch_size=batch, share=SHARE)
        tenth = child.ask(READ_TIMEOUT, watch=True, do="rest")
        read = child.read_bytes(counter) - read
        child.ask(READ_TIMEOUT, do="close")
        warm(data.files(row))
        first = child.ask(OPEN_TIMEOUT, watch=True, do="open", batch_size=batch, share=1)
        limit = runner.options.limit
        whole = child.ask(READ_TIMEOUT, watch=True, do="run", at_least=AT_LEAST, at_most=limit)
        peaks = [answer["peak_pss"] for answer in (cold, tenth, first, whole)]
        after = disk_bytes(data.files(row))[0]
    finally:
        child.end()
    return {
        "tenth_bytes": read,
        "tenth_samples": cold["samples"] + tenth["samples"],
        "peak_pss": max(peaks),
        "pss_growth": max(peaks) - before,
        "disk_bytes_after_epoch": after,
        "first_batch_seconds": {"cold": cold["first_batch_seconds"], "warm": [first["first_batch_seconds"]]},
    }


def take_turns(runner: Runner, data: DataSet, rows: list[Row]) -> None:
    """All rows open at once; one pass of each, then the next round."""
    children: dict[str, Child] = {}
    try:
        waiting = data.measurable(rows)
        for number, row in enumerate(waiting):
            for soon in waiting[number : number + 2]:  # one imports while another opens
                if soon.name not in children:
                    children[soon.name] = runner.start(data, soon)
            warm(data.files(row))
            try:
                children[row.name].hear(OPEN_TIMEOUT)
                opened = children[row.name].ask(OPEN_TIMEOUT, do="open", batch_size=BATCH[data.name], share=1)
            except RowError as error:
                data.fail(row, error)
                children.pop(row.name).end()
                continue
            facts = data.rows[row.name]
            if "first_batch_seconds" in facts:
                facts["first_batch_seconds"]["warm"].append(opened["first_batch_seconds"])
            facts |= {"passes": [], "cores_used": []}
        for number in range(runner.options.rounds + 1):  # the first is short and not counted
            limit = runner.options.limit if number else AT_LEAST
            say(f"{data.name} px: round {number} of {runner.options.rounds}")
            for row in data.measurable(rows):
                child = children[row.name]
                processor, start = child.cpu_seconds(), time.perf_counter()
                try:
                    done = child.ask(READ_TIMEOUT, do="run", at_least=AT_LEAST, at_most=limit)
                except RowError as error:
                    data.fail(row, error)
                    continue
                if number:
                    cores = (child.cpu_seconds() - processor) / (time.perf_counter() - start)
                    data.rows[row.name]["passes"].append(done["samples"] / done["seconds"])
                    data.rows[row.name]["cores_used"].append(cores)
        for row in data.measurable(rows):
            facts = data.rows[row.name]
            after = disk_bytes(data.files(row))[0]
            facts["disk_bytes_after_epoch"] = max(facts.get("disk_bytes_after_epoch", 0), after)
            try:
                facts |= children[row.name].ask(READ_TIMEOUT, do="check")
            except RowError as error:
                data.fail(row, f"comparing with the source: {error}")
                continue
            facts["images_per_second"] = summary(facts["passes"])
            facts["cores_used"] = float(np.median(facts["cores_used"]))
            say(f"{data.name} px, {row.name}: {facts['images_per_second']['median']:,.0f} images/s")
    finally:
        for child in children.values():
            child.close()
        for child in children.values():
            child.end()


def measure(
    runner: Runner, name: str, images: np.ndarray, labels: np.ndarray, counter: str
) -> dict[str, Any]:
    """All rows of one data set."""
    options = runner.options
    images, labels = images[: options.samples], labels[: options.samples]
    data = DataSet(name, runner.work / name, images.nbytes, len(images))
    data.folder.mkdir()
    np.save(data.folder / "images.npy", images)
    np.save(data.folder / "labels.npy", labels)
    rows = [row for row in ROWS if name in row.sets and chosen(row, options.only)]
    for row in rows:
        data.rows[row.name] = {"system": row.system, "compressed": row.compressed, "note": row.note}
        if reason := runner.why_not(row):
            data.fail(row, reason)
    try:
        write_all(runner, data, rows)
        for row in data.measurable(rows):
            if row.options.get("way") == "decode":
                continue  # no loader: only its speed counts
            try:
                data.rows[row.name] |= read_alone(runner, data, row, counter)
            except RowError as error:
                data.fail(row, error)
            else:
                facts = data.rows[row.name]
                say(f"{name} px, {row.name}: {facts['tenth_bytes']:,} bytes read for a tenth")
        take_turns(runner, data, rows)
    finally:
        shutil.rmtree(data.folder)
    judged = bars(data.rows)
    return {
        "samples": data.num_samples,
        "shape": list(images.shape[1:]),
        "raw_bytes": data.raw_bytes,
        "batch": BATCH[name],
        "bars": judged,
        "rows": data.rows,
    }


def chosen(row: Row, only: list[str] | None) -> bool:
    """Whether ``--only`` names the row: a part of its name, in any case."""
    return not only or any(part.lower() in row.name.lower() for part in only)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="data", help="root of torchvision's CIFAR10")
    parser.add_argument("--photos", type=Path, help="folder of photographs; without it only 32 x 32")
    parser.add_argument("--work", type=Path, help="folder for temporary files (6 GB)")
    parser.add_argument("--peers-python", help="Python of the environment with the peers")
    parser.add_argument("--ffcv-python", help="Python of the environment with FFCV")
    parser.add_argument("--rounds", type=int, default=5, help="passes of each row, at least 3")
    parser.add_argument("--limit", type=float, default=1.0, help="seconds that a pass may take")
    parser.add_argument("--samples", type=int, help="only so many of each data set; a trial")
    parser.add_argument(
        "--sizes", nargs="+", choices=list(BATCH), default=list(BATCH), help="sides of the images"
    )
    parser.add_argument("--only", nargs="+", metavar="PART", help="rows with this in their name; a trial")
    parser.add_argument("--quick", action="store_true", help="a trial with 2,000 samples and short passes")
    options = parser.parse_args()
    if options.quick:
        options.samples, options.rounds, options.limit = options.samples or 2000, 3, 0.5
    if options.rounds < 3:
        parser.error("--rounds must be at least 3")
    return options


def main() -> None:
    """Measure, judge, and write the result."""
    options = parse()
    before = environment()
    trial = bool(options.samples or options.only or set(options.sizes) != set(BATCH))
    if options.work:
        options.work.mkdir(parents=True, exist_ok=True)
    result: dict[str, Any] = {
        "what": "loaders side by side: shuffled batches of uint8 images and labels",
        "command": COMMAND,
        "environment": before,
        "rounds": options.rounds,
        "seconds_per_pass": options.limit,
        "columns": WHAT,
    }
    with tempfile.TemporaryDirectory(dir=options.work, prefix="loaders-") as temporary:
        work = Path(temporary).resolve()
        counter = working_counter(work)
        result |= {
            "tenth_bytes_counter": counter,
            "read_ahead_bytes": read_ahead_bytes(work),
            "data_sets": {},
        }
        runner = Runner(options, work)
        if "32" in options.sizes:
            cifar10 = CIFAR10(options.data, train=True)
            labels = np.asarray(cifar10.targets, np.int64)
            result["data_sets"]["32"] = measure(runner, "32", cifar10.data, labels, counter)
        if "224" in options.sizes and options.photos:
            images, labels = photographs.load(options.photos)
            result["data_sets"]["224"] = measure(runner, "224", images, labels, counter)
    result["environment"]["load_average_after"] = round(os.getloadavg()[0], 2)
    for name, data in result["data_sets"].items():
        for bar in data["bars"]:
            print(f"{bar['verdict']}: {name} px: {describe(bar)}")
    if trial:
        path = (options.work or Path()) / "loaders.json"
        path.write_text(json.dumps(result, indent=2) + "\n")
        say(f"a trial: wrote {path}, and nothing to benchmarks/results")
    else:
        say(f"wrote {write_result('loaders', result).name}")


if __name__ == "__main__":
    main()

"""A table as Parquet, blosc2 and pcodec: sizes, and the speed of random rows. Run by ``tabular_storage.py``
with the Python of the peers' environment (NumPy, pyarrow, blosc2, pcodec).

In: on standard input one JSON object: ``tables`` (names to ``.npy`` files of structured arrays), ``folder``
to write to, ``batch``, ``runs``, ``seconds`` for a pass. Out: on standard output one JSON object.
"""

import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import blosc2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pcodec import ChunkConfig, standalone

GROUP = 128
PARQUET = {
    "dictionary, zstd 1": {"use_dictionary": True, "compression_level": 1},
    "dictionary, zstd 19": {"use_dictionary": True, "compression_level": 19},
    "plain, zstd 19": {"use_dictionary": False, "compression_level": 19},
    "byte stream split, zstd 19": {
        "use_dictionary": False,
        "use_byte_stream_split": True,
        "compression_level": 19,
    },
}
Reader = Callable[[np.ndarray], Any]


def parquet(table: np.ndarray, folder: Path, group: int | None) -> tuple[dict[str, int], Path]:
    """Bytes of every setting, and the smallest file; ``group``: rows of a row group (None: the default)."""
    columns = pa.table({name: np.ascontiguousarray(table[name]) for name in table.dtype.names})
    found, best = {}, None
    for name, setting in PARQUET.items():
        path = folder / f"{len(found)}-{group}.parquet"
        more = {} if group is None else {"row_group_size": group}
        pq.write_table(columns, path, compression="zstd", **setting, **more)
        found[name] = path.stat().st_size
        if best is None or found[name] < best.stat().st_size:
            best = path
    assert pq.read_table(best).equals(columns)
    return found, best


def read_parquet(path: Path, group: int | None) -> Reader:
    """Only the row groups that hold the rows."""
    held = pq.ParquetFile(path, memory_map=True)
    rows = held.metadata.row_group(0).num_rows

    def read(index: np.ndarray) -> Any:
        groups, where = np.unique(index // rows, return_inverse=True)
        part = held.read_row_groups(groups.tolist(), use_threads=False)
        # Every group but the last has the same number of rows.
        return part.take(where * rows + index % rows)

    return read


def blosc(table: np.ndarray, folder: Path, group: int | None) -> tuple[dict[str, int], tuple[Path, bool]]:
    """Bytes of every filter and layout, and the smallest file with whether columns lie one by one."""
    rows = np.ascontiguousarray(np.stack([table[name] for name in table.dtype.names], 1))
    found, best = {}, None
    for by_column in (True, False):
        array = np.ascontiguousarray(rows.T) if by_column else rows
        n, d = rows.shape
        block = n if group is None else group
        chunk = n if group is None else min(n, 32 * group)
        shapes = [(d, chunk), (d, block)] if by_column else [(chunk, d), (block, d)]
        for filter_ in (blosc2.Filter.SHUFFLE, blosc2.Filter.BITSHUFFLE):
            name = f"{'columns' if by_column else 'rows'}, {filter_.name.lower()}"
            path = folder / f"{len(found)}-{group}.b2nd"
            held = blosc2.asarray(
                array,
                urlpath=str(path),
                mode="w",
                chunks=shapes[0],
                blocks=shapes[1],
                cparams={"codec": blosc2.Codec.ZSTD, "clevel": 9, "filters": [filter_], "nthreads": 1},
            )
            assert (held[:] == array).all()
            found[name] = path.stat().st_size
            if best is None or found[name] < best[0].stat().st_size:
                best = (path, by_column)
    return found, best


def read_blosc(path: Path, by_column: bool) -> Reader:  # noqa: FBT001
    """Indexed by an array; a single row by its number."""
    blosc2.set_nthreads(1)
    held = blosc2.open(str(path), mode="r", dparams={"nthreads": 1})

    def read(index: np.ndarray) -> Any:
        if len(index) == 1:
            row = int(index[0])
            return held[:, row] if by_column else held[row]
        return held[:, index] if by_column else held[index]

    return read


def pcodec(table: np.ndarray) -> int:
    """Bytes of all columns, each by itself, at level 8."""
    config, total = ChunkConfig(compression_level=8), 0
    for name in table.dtype.names:
        column = np.ascontiguousarray(table[name])
        packed = standalone.simple_compress(column, config)
        assert standalone.simple_decompress(packed).tobytes() == column.tobytes()
        total += len(packed)
    return total


def speeds(read: Reader, n: int, asked: dict[str, Any]) -> dict[str, list[float]]:
    """Rows a second in random batches and one by one, ``runs`` times each."""
    found: dict[str, list[float]] = {"batch": [], "single": []}
    rng = np.random.default_rng(0)
    for run in range(asked["runs"] + 1):
        for way, size in (("batch", asked["batch"]), ("single", 1)):
            rows, start = 0, time.perf_counter()
            while rows == 0 or time.perf_counter() - start < asked["seconds"]:
                read(rng.integers(0, n, size))
                rows += size
            if run:
                found[way].append(rows / (time.perf_counter() - start))
    return found


def main() -> None:
    """Measure all tables."""
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    blosc2.set_nthreads(1)
    asked = json.load(sys.stdin)
    folder, found = Path(asked["folder"]), {}
    for name, source in asked["tables"].items():
        table = np.load(source)
        rows = {}
        for label, group in (("default row groups", None), (f"row groups of {GROUP}", GROUP)):
            settings, best = parquet(table, folder, group)
            rows[f"Parquet + zstd, {label}"] = {
                "bytes": min(settings.values()),
                "settings": settings,
                "rows_read_for_one": min(len(table), group or 1024 * 1024),
                "rows_per_second": speeds(read_parquet(best, group), len(table), asked),
            }
        for label, group in (("one block", None), (f"blocks of {GROUP} rows", GROUP)):
            settings, (path, by_column) = blosc(table, folder, group)
            rows[f"blosc2 zstd 9, {label}"] = {
                "bytes": min(settings.values()),
                "settings": settings,
                "rows_read_for_one": min(len(table), group or len(table)),
                "rows_per_second": speeds(read_blosc(path, by_column), len(table), asked),
            }
        rows["pcodec 8, each column"] = {"bytes": pcodec(table), "rows_read_for_one": len(table)}
        found[name] = rows
        print(f"peers: {name}", file=sys.stderr, flush=True)
    versions = {name: version(name) for name in ("pyarrow", "blosc2", "pcodec", "numpy")}
    json.dump({"tables": found, "versions": versions}, sys.stdout)


if __name__ == "__main__":
    main()

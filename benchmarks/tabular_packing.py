"""The plain way to make a table small at one-row random access: every column with cells of its own width.

In: a structured table. Out: one file, and rows out of it at random. Each column takes the smallest of three
codes: integers from their minimum on (also floats that are whole numbers), places in a dictionary of the
distinct values, and the values as they are. Cells take exactly as many bits as the largest needs.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_WIDEST = 57  # a cell that starts anywhere in a byte still ends within eight bytes


def write(table: NDArray[Any], path: Path) -> None:
    """Write ``table`` to ``path``."""
    described, parts = [], []
    for name in table.dtype.names:
        facts, data = _smallest(np.ascontiguousarray(table[name]))
        described.append({"name": name, "dtype": table.dtype[name].str, **facts})
        parts += data
    header = json.dumps({"rows": len(table), "columns": described}, separators=(",", ":")).encode()
    path.write_bytes(b"".join([len(header).to_bytes(4, "little"), header, *parts]))


class Packed:
    """An open file; ``rows`` reads any of its rows."""

    def __init__(self, path: Path) -> None:
        held = np.memmap(path, np.uint8, "r")
        end = 4 + int.from_bytes(held[:4].tobytes(), "little")
        header = json.loads(held[4:end].tobytes())
        self.dtype = np.dtype([(c["name"], c["dtype"]) for c in header["columns"]])
        self.columns = []
        for column in header["columns"]:
            dtype = np.dtype(column["dtype"])
            distinct = held[end : end + column["dictionary"] * dtype.itemsize].view(dtype)
            end += distinct.nbytes
            cells = held[end : end + column["bytes"]]
            end += column["bytes"]
            self.columns.append((column, distinct, cells))

    def rows(self, index: NDArray[np.int64]) -> NDArray[Any]:
        """Rows ``index`` as a structured array."""
        out = np.empty(len(index), self.dtype)
        for column, distinct, cells in self.columns:
            dtype, width = np.dtype(column["dtype"]), column["width"]
            if column["code"] == "raw":
                out[column["name"]] = cells.view(dtype)[index]
                continue
            codes = _unpack(cells, index, width)
            if column["code"] == "dictionary":
                out[column["name"]] = distinct[codes]
            else:
                out[column["name"]] = (codes + column["least"]).astype(dtype)
        return out


def _smallest(values: NDArray[Any]) -> tuple[dict[str, Any], list[bytes]]:
    """The cheapest code of one column: its facts, and the parts of the file."""
    n = len(values)
    raw = values.tobytes()
    best: tuple[int, dict[str, Any], list[bytes]] = (
        len(raw),
        {"code": "raw", "width": 8 * values.itemsize, "dictionary": 0, "bytes": len(raw)},
        [raw],
    )
    bits = values.view(f"u{values.itemsize}")  # of floats the bits: -0.0 and NaN are values of their own
    distinct, place = np.unique(bits, return_inverse=True)
    tried = [("dictionary", place.astype(np.int64), distinct.tobytes(), {})]
    if (whole := _whole(values)) is not None:
        least = int(whole.min())
        tried.append(("integers", whole - least, b"", {"least": least}))
    for code, codes, dictionary, more in tried:
        width = int(codes.max()).bit_length()
        if width > _WIDEST:
            continue
        size = (n * width + 7) // 8 + 8  # the last cell is read with eight bytes, too
        if size + len(dictionary) < best[0]:
            facts = {"code": code, "width": width, "bytes": size, "dictionary": len(distinct), **more}
            facts["dictionary"] = len(distinct) if dictionary else 0
            best = (size + len(dictionary), facts, [dictionary, _pack(codes, width)])
    return best[1], best[2]


def _whole(values: NDArray[Any]) -> NDArray[np.int64] | None:
    """The column as integers, where they give the same bits back."""
    if values.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            same = np.isfinite(values).all() and (np.abs(values) < 2.0**53).all()
        if not same:
            return None
    whole = values.astype(np.int64)
    return whole if whole.astype(values.dtype).tobytes() == values.tobytes() else None


def _pack(codes: NDArray[np.int64], width: int) -> bytes:
    bits = np.unpackbits(codes.astype("<u8").view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
    return np.packbits(bits[:, :width], bitorder="little").tobytes() + bytes(8)


def _unpack(cells: NDArray[np.uint8], index: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """Codes of rows ``index``: eight bytes from where each starts, shifted and cut."""
    start = index * width
    eight = np.lib.stride_tricks.sliding_window_view(cells, 8)[start >> 3]
    found = np.ascontiguousarray(eight).view("<u8")[:, 0] >> (start & 7).astype(np.uint64)
    return (found & np.uint64((1 << width) - 1)).astype(np.int64)

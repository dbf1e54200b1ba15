"""One row of ``loaders.py`` in a process of its own.

In: the name of a row, the folder of the source arrays and the row's folder; then one JSON request a line on
stdin. Out: one JSON answer a line on stdout, ``{"error": ...}`` where the request failed. Whatever a library
prints goes to stderr.

    python benchmarks/loader_child.py "LMDB, PNG" ARRAYS FOLDER
"""

import gc
import hashlib
import importlib
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peers import ROWS, Row

CHECKED = 512  # samples compared with the source


class Reader:
    """An open row: passes over shuffled epochs, and the check of what they give."""

    def __init__(self, module: Any, row: Row, folder: Path, batch_size: int, share: float) -> None:
        self.epoch: Callable[[int], Iterator[Any]] = module.reader(folder, batch_size, share, **row.options)
        self.seed = 0
        self.batches: Iterator[Any] | None = None

    def batch(self) -> Any:
        """The next batch, from a new epoch where none is under way; ``None`` at its end."""
        if self.batches is None:
            self.batches = self.epoch(self.seed)
            self.seed += 1
        batch = next(self.batches, None)
        if batch is None:
            self.batches = None
        return batch

    def run(self, at_least: float, at_most: float) -> dict[str, Any]:
        """Whole epochs until ``at_least`` seconds are over; what remains after ``at_most`` waits for the next
        pass, whose first batch is then not counted, since it may have been made while others measured."""
        if self.batches is not None:
            self.batch()
        start, seen, whole = time.perf_counter(), 0, 0
        while True:
            batch = self.batch()
            seconds = time.perf_counter() - start
            if batch is not None:
                seen += len(batch[0])
            else:
                whole += 1
            if seconds >= at_most or (batch is None and seconds >= at_least):
                return {"samples": seen, "seconds": seconds, "whole_epochs": whole}

    def rest(self) -> dict[str, Any]:
        """Read to the end of the epoch; without one under way, a whole one."""
        seen = 0
        while (batch := self.batch()) is not None:
            seen += len(batch[0])
        return {"samples": seen}

    def check(self, images: Any, labels: Any) -> dict[str, Any]:
        """Whether the next samples are, with their labels, samples of the source, and of which type."""
        known = {(_digest(image), label) for image, label in zip(images, labels.tolist(), strict=True)}
        compared, same, returns = 0, True, None
        while compared < min(CHECKED, len(images)):
            got = self.batch()
            if got is None:
                continue
            pixels, targets = got
            returns = returns or f"{type(pixels).__name__} {pixels.dtype} {tuple(pixels.shape)}".replace(
                "torch.", ""
            )
            array = pixels.numpy() if isinstance(pixels, torch.Tensor) else pixels
            uint8 = array.dtype == np.uint8
            if array.shape[1] == images.shape[3]:
                array = array.transpose(0, 2, 3, 1)
            same &= array.shape[1:] == images.shape[1:] and all(
                (_digest(image.astype(np.uint8)), int(target)) in known
                for image, target in zip(array, targets, strict=True)
            )
            compared += len(array)
        return {
            "exact": bool(same and uint8),
            "same_values": bool(same),
            "returns": returns,
            "checked": compared,
        }


def _digest(image: Any) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(image).tobytes(), digest_size=16).digest()


def answer(state: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """Do one request."""
    row, module, folder = state["row"], state["module"], state["folder"]
    do = request.pop("do")
    if do == "write":
        images, labels = np.load(state["arrays"] / "images.npy"), np.load(state["arrays"] / "labels.npy")
        start = time.perf_counter()
        module.write(images, labels, folder, **row.options, **request)
        return {"seconds": time.perf_counter() - start}
    if do == "open":
        start = time.perf_counter()
        state["reader"] = reader = Reader(module, row, folder, request["batch_size"], request["share"])
        first = reader.batch()
        seconds = time.perf_counter() - start
        return {"first_batch_seconds": seconds, "samples": len(first[0])}
    if do == "close":
        del state["reader"]
        gc.collect()
        return {}
    if do == "check":
        images = np.load(state["arrays"] / "images.npy", mmap_mode="r")
        return state["reader"].check(images, np.load(state["arrays"] / "labels.npy"))
    return {"run": state["reader"].run, "rest": state["reader"].rest}[do](**request)


def main() -> None:
    """Answer until stdin ends."""
    name, arrays, folder = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    row = next(row for row in ROWS if row.name == name)
    state: dict[str, Any] = {}
    try:
        module = importlib.import_module(f"peers.{row.module}")
        state.update(row=row, module=module, folder=Path(folder), arrays=Path(arrays))
        reply: dict[str, Any] = {"versions": {name: metadata.version(name) for name in module.PACKAGES}}
    except Exception as error:
        reply = _failed(error)
    print(json.dumps(reply), file=answers)
    for line in sys.stdin:
        try:
            reply = answer(state, json.loads(line))
        except Exception as error:
            reply = _failed(error)
        print(json.dumps(reply), file=answers)
    state.clear()


def _failed(error: Exception) -> dict[str, str]:
    sys.excepthook(type(error), error, error.__traceback__)
    return {"error": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]}


if __name__ == "__main__":
    main()

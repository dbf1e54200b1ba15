"""Batches on their way to a device.

In: a collated batch in CPU memory. Out: the same on a device. To a CUDA device the copy runs on a stream of
its own, from page-locked memory, while the batch before is trained on.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch

__all__ = ["InFlight", "Transfer"]


class InFlight(NamedTuple):
    """A batch whose copy has been started."""

    batch: Any
    done: Any
    """A CUDA event, or ``None`` where the copy was not asynchronous."""


class Transfer:
    """Copies batches to ``device``; ``None`` leaves them where they are.

    Raises:
        RuntimeError, ValueError: torch has no such device here.
    """

    def __init__(self, device: torch.device | str | int | None) -> None:
        self.device = None if device is None else torch.device(device)
        self._stream = None
        if self.device is not None and self.device.type != "cpu":
            # Says at once, in torch's own words, that there is no such device.
            torch.empty(0, device=self.device)
        if self.device is not None and self.device.type == "cuda":
            self._stream = torch.cuda.Stream(self.device)

    @property
    def asynchronous(self) -> bool:
        """Whether copies go on while the caller does something else (and want page-locked memory)."""
        return self._stream is not None

    def start(self, batch: Any) -> InFlight:
        """Start to copy every tensor of ``batch``."""
        if self.device is None:
            return InFlight(batch, None)
        device = self.device
        if self._stream is None:
            return InFlight(map_tensors(lambda tensor: tensor.to(device), batch), None)
        with torch.cuda.stream(self._stream):
            # The cache of page-locked memory knows when a copy has ended; until then it lends nothing out
            # again.
            copied = map_tensors(lambda tensor: _pinned(tensor).to(device, non_blocking=True), batch)
            done = torch.cuda.Event()
            done.record(self._stream)
        return InFlight(copied, done)

    def finish(self, flight: InFlight) -> Any:
        """The batch, ready for the caller's stream."""
        if flight.done is None:
            return flight.batch
        stream = torch.cuda.current_stream(self.device)
        stream.wait_event(flight.done)

        def used_here(tensor: torch.Tensor) -> torch.Tensor:
            # Its memory was lent by the side stream, which must not use it again before this one is through.
            tensor.record_stream(stream)
            return tensor

        return map_tensors(used_here, flight.batch)


def _pinned(tensor: torch.Tensor) -> torch.Tensor:
    return tensor if tensor.is_cuda or tensor.is_pinned() else tensor.pin_memory()


def map_tensors(function: Callable[[torch.Tensor], torch.Tensor], batch: Any) -> Any:
    """``batch`` with ``function`` applied to every tensor in its lists, tuples and dictionaries."""
    if isinstance(batch, torch.Tensor):
        return function(batch)
    if isinstance(batch, Mapping):
        return {key: map_tensors(function, value) for key, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(map_tensors(function, value) for value in batch))
    if isinstance(batch, Sequence) and not isinstance(batch, (str, bytes)):
        values = [map_tensors(function, value) for value in batch]
        return tuple(values) if isinstance(batch, tuple) else values
    return batch

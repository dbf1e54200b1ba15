"""Batches from a ``.gede`` file without worker processes.

In: a data set and an order. Out: batches, decoded ahead by threads of the core, on the device that trains.

``loader.py`` is what users see, ``prefetching.py`` keeps the threads busy, ``transfer.py`` copies to a
device.
"""

from .loader import Loader

__all__ = ["Loader"]

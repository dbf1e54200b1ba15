"""Typed surface of the Rust extension. Checked against the built module by ``mypy.stubtest``."""

from collections.abc import Callable, Sequence
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FORMAT_VERSION",
    "Buffers",
    "CorruptFileError",
    "DreamlearningError",
    "FormatVersionError",
    "Prefetcher",
    "RawFile",
    "Reader",
    "__version__",
    "build_profile",
    "compress",
    "condense_kept",
    "condense_rows",
    "condense_table",
    "keep_condensed",
    "kept_condensed",
    "permute",
]

__version__: Final[str]
build_profile: Final[str]
"""``"release"`` or ``"debug"``."""
FORMAT_VERSION: Final[tuple[int, int]]
"""(major, minor) of the container this library writes."""

class DreamlearningError(Exception):
    """Base class of every error of this package that is not a built-in one."""

class CorruptFileError(DreamlearningError):
    """The file is damaged or no ``.gede`` file; the message names file, section and, if known, sample."""

class FormatVersionError(DreamlearningError):
    """The file was written in a newer format; the message names the library version that reads it."""

@final
class Buffers:
    """Memory for one batch after another: an array's memory is used again once nobody holds the array.

    At most ``spare`` pieces wait to be used again. After a fork the child starts with none.
    """

    def __new__(cls, spare: int = 4) -> Buffers: ...
    def take(self, bytes: int) -> NDArray[np.uint8]:
        """An array of shape (bytes,) with anything in it, aligned for any dtype."""

@final
class RawFile:
    """Samples that lie one after another, C order, native little-endian, in an open file.

    The core reads them with positioned reads, so their memory stays bounded. The descriptor is duplicated.
    Where images differ in size, the sides in ``shape`` are None and ``sides`` has rows and columns of each,
    shape (n, 2).
    """

    def __new__(
        cls,
        fd: int,
        offset: int,
        num_samples: int,
        dtype: str,
        shape: tuple[int | None, ...],
        sides: NDArray[np.uint32] | None = None,
    ) -> RawFile: ...

def compress(
    path: str,
    samples: NDArray[Any] | RawFile,
    *,
    fields: list[tuple[str, NDArray[Any]]],
    partition_ids: NDArray[np.uint32] | None,
    partition_names: list[str],
    metadata: str,
    preset: str,
    exact: bool | None,
    tau: int | None,
    num_threads: int,
    overwrite: bool,
    progress: Callable[[int, int, int, int], object] | None,
    columns: Sequence[str] | None = None,
    strings: Sequence[tuple[int, bytes]] | None = None,
    condensing: dict[str, Any] | None = None,
) -> None:
    """Write ``path`` from C-contiguous ``samples`` of shape (n, ...).

    ``fields``: name and array (first axis n) of everything stored raw. ``partition_ids``: for every sample
    the number of its partition, an index into ``partition_names``. ``metadata``: JSON kept as it is.
    ``preset``: "auto" | "small" | "fast" | "paper" | "raw". ``tau``: plateau threshold of Algorithm 1, None
    for the proven global minimum. ``num_threads``: 0 for all cores.
    ``progress(done, total, raw_bytes, file_bytes)`` is called from the calling thread a few times a second;
    an exception it raises aborts the compression and is passed on.
    ``columns``: for samples that are records, uint8 of shape (n, row bytes), the dtypes of their cells, which
    lie one after another, little-endian. ``strings``: for columns of text, whose cells are numbers of
    strings, (column, bytes): u32 count, u32 end of each string in what follows, UTF-8. ``condensing``: as
    ``keep_condensed`` takes it.
    """

@final
class Prefetcher:
    """Decodes batches of a file ahead of who uses them, on threads of its own that never touch Python.

    Arrays handed out are owned by who holds them; their memory is used for another batch once nobody does
    (at most ``spare`` buffers are kept). Useless after a fork: every call raises there, and nothing hangs.
    """

    def __new__(
        cls,
        reader: Reader,
        num_threads: int,
        *,
        channels_first: bool = False,
        skip: bool = False,
        spare: int = 4,
    ) -> Prefetcher: ...
    @property
    def pending(self) -> int:
        """Batches queued and not taken yet."""
    def submit(
        self,
        indices: NDArray[np.int64],
        regions: NDArray[np.int64] | None = None,
        out: NDArray[Any] | None = None,
    ) -> None:
        """Queue samples ``indices``, shape (k,), or of each image the part ``regions`` (top, left, height,
        width), shape (k, 4). They go one after another into ``out``, a C-contiguous array of just their size
        that nobody may use until the batch has been taken, or into new memory."""
    def take(self, timeout: float | None = None) -> tuple[NDArray[Any], list[tuple[int, str]]] | None:
        """Wait for the oldest batch, at most ``timeout`` seconds (None: until it is done), and return its
        bytes, uint8 of one axis (or the array given as ``out``), and with ``skip`` the places that could not
        be read, with the reasons. None when it is not done by then. Raises what went wrong otherwise."""
    def close(self) -> None:
        """End the threads and drop what is queued; arrays handed out stay valid."""

@final
class Reader:
    """An open ``.gede`` file. Thread-safe; holds no lock and no thread across a fork."""

    def __new__(cls, path: str, reading: str = "mmap") -> Reader: ...
    def __len__(self) -> int: ...
    @property
    def dtype(self) -> str:
        """NumPy name of the sample field's dtype, e.g. "uint8"."""
    @property
    def shape(self) -> tuple[int | None, ...]:
        """Shape of one sample; None for the sides that every sample has of its own."""
    @property
    def columns(self) -> list[str] | None:
        """NumPy names of the dtypes of the cells, where a sample is a record of them (bytes); otherwise
        None."""
    def strings(self, column: int) -> bytes:
        """The strings of a text column: u32 count, u32 end of each string in what follows, UTF-8. The form is
        checked; that cells are less than the count is not. ValueError where the column has none."""
    def sides(self, indices: NDArray[np.int64]) -> NDArray[np.uint32]:
        """Rows and columns of images ``indices``, shape (k, 2)."""
    def rows(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """The place of samples ``indices`` in the order in which they are stored, shape (k,)."""
    @property
    def num_partitions(self) -> int: ...
    @property
    def bytes_read(self) -> int:
        """Bytes of compressed rows and bases that decoding has touched since the file was opened."""
    def metadata(self) -> str:
        """The JSON given to ``compress``, letter by letter."""
    def info(self, blocks: bool = True) -> str:
        """JSON object: num_samples, raw_bytes, file_bytes, ratio, preset, exact, max_error, dtype, shape,
        columns, fields, partitions, sections, format_version, writer, transform, digest, checksum. Without
        ``blocks`` the partitions have name and count only, and no more than the metadata is read. ``columns``
        of a table: a list of {"dtype", "code", "bits"}, how each is stored, in words, and the bits it takes
        in a row (None without ``blocks``), not counting a dictionary; None where samples are no rows of a
        table."""
    def decode_into(
        self,
        indices: NDArray[np.int64],
        out: NDArray[Any],
        num_threads: int = 1,
        channels_first: bool = False,
    ) -> None:
        """Write samples ``indices`` (repeats, negative indices allowed) into ``out``, shape (k, *shape), or
        (k, C, H, W) with ``channels_first`` for samples (H, W, C)."""
    def decode_each(
        self,
        indices: NDArray[np.int64],
        outs: list[NDArray[Any]],
        regions: NDArray[np.int64] | None = None,
        num_threads: int = 1,
    ) -> None:
        """Write samples ``indices``, or of each image the part ``regions`` (top, left, height, width), shape
        (k, 4), into the arrays ``outs``, which share no memory."""
    def check_length(self) -> None:
        """An error where the file is not as long any more as when it was opened, and what is mapped must not
        be touched."""
    def field(self, name: str) -> NDArray[np.uint8]:
        """The bytes of a raw field, read-only, mapped without a copy; view them as their dtype."""
    def bases(self, partition: int) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
        """Representatives (n_b, sample bytes) and counts (n_b,) of one partition."""
    def condensed(self, beta: int) -> tuple[NDArray[np.float64], NDArray[np.uint64], NDArray[np.uint32]]:
        """Clustering phase of Algorithm 1, per partition: centroids (m, values per sample), cluster sizes
        (m,) and the partition of each cluster (m,)."""
    def verify(self, num_threads: int = 0, progress: Callable[[int, int], object] | None = None) -> None:
        """Check every byte, decode every sample and compare with the stored digest."""

def condense_table(reader: Reader, asked: dict[str, Any]) -> tuple[NDArray[Any], ...]:
    """Condense the rows of a table in a file.

    ``asked``: ``cells``, a list of (name, dtype, offset in the row, divisor, offset of the byte that says
    whether there is a value, or None); ``target``, float64 (n,) or None; ``classes``, uint32 (n,) or None;
    ``beta`` or ``size``, the other None; ``ranks``, whether bits are those of ranks; ``target_inside``;
    ``nearest``; ``num_threads``.

    Returns sizes (m,), means (m, q) of features and target, partitions (m,), spread (m,), scatter (p, q, q),
    and numbers of rows: nearest to the means, (m,) or (0,), and first of each cluster, (m,).
    """

def condense_rows(rows: NDArray[Any], asked: dict[str, Any]) -> tuple[NDArray[Any], ...]:
    """The same for rows in memory, C-contiguous with first axis n."""

def condense_kept(reader: Reader, asked: dict[str, Any]) -> tuple[NDArray[Any], ...]:
    """The same by what the file keeps to make it; goal and ``ranks`` of what is ``asked`` do not count."""

def kept_condensed(reader: Reader) -> tuple[str, tuple[NDArray[Any], ...] | None] | None:
    """What the file keeps: the ``request``, and what ``condense_table`` returned, or None where it keeps what
    makes that. None where it keeps nothing."""

def keep_condensed(reader: Reader, keep: dict[str, Any]) -> None:
    """Replace the file by one that has condensed samples, too. ``keep``: ``asked``; ``request``, JSON kept as
    it is; ``plans_only``, whether only what makes them is kept."""

def permute(positions: NDArray[np.int64], n: int, key: int) -> NDArray[np.int64]:
    """Where the keyed permutation of ``range(n)`` sends each of ``positions``; ``key`` has 64 bits."""

"""An open ``.gede`` file.

In: a path. Out: samples as NumPy arrays in any order, fields, partitions, and facts about the file. A
:class:`CompressedFile` pickles by path and opens itself anew in every process that uses it.
"""

import html
import json
import operator
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import _core
from .errors import CorruptFileError, DreamlearningError
from .indexing import as_buffer, as_indices, as_regions, as_threads, image_axes
from .progress import VerifyProgress, verify_progress
from .tables import Table, reading

if TYPE_CHECKING:
    from .tabular.condensed import CondensedTable

__all__ = ["Bases", "CompressedFile", "Condensed", "open"]

_ITERATION_BYTES = 1 << 20


class Bases(NamedTuple):
    """The bases of one partition."""

    values: NDArray[Any]
    """Shape (n_b, *shape), the file's dtype: for each base the mean of the samples that share it."""
    counts: NDArray[np.uint64]
    """Shape (n_b,): how many samples share each base."""


class Condensed(NamedTuple):
    """A small weighted summary of the samples."""

    samples: NDArray[np.float64]
    """Shape (m, *shape): the centroid of each cluster."""
    sample_weight: NDArray[np.float64]
    """Shape (m,): samples in each cluster."""
    partition: NDArray[np.uint32]
    """Shape (m,): the partition each cluster is of."""


def open(path: str | os.PathLike[str], *, reading: str = "mmap") -> "CompressedFile":
    """Open a ``.gede`` file.

    Args:
        path: the file.
        reading: ``"mmap"`` maps it into memory, ``"pread"`` reads what is asked for.

    Raises:
        FileNotFoundError: there is no such file.
        CorruptFileError: it is damaged, or no ``.gede`` file.
        FormatVersionError: it is of a newer format; the message names the version that reads it.

    Example:
        >>> f = open("digits.gede")                     # doctest: +SKIP
        >>> f[0].shape, f[[7, 7, -1]].shape, len(f)     # doctest: +SKIP
        ((8, 8), (3, 8, 8), 1797)
    """
    return CompressedFile(path, reading=reading)


class CompressedFile:
    """The samples and fields of a ``.gede`` file; made by :func:`dreamlearning.open`.

    ``f[i]`` is one sample, ``f[a:b]``, ``f[list]`` and ``f[mask]`` are arrays of several, and iterating
    gives all in order. Of a table a sample is one row: a record of a structured dtype whose fields are the
    columns, which :meth:`column`, :meth:`arrays`, :meth:`to_arrow` and :meth:`to_pandas` read as what they
    are. Safe to use from several threads, after a fork, and in processes it is pickled to. A
    context manager; arrays handed out stay valid after :meth:`close`.

    Attributes:
        path: the file.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        reading: str = "mmap",
        _checksum: object = None,
        _lazy: bool = False,
    ) -> None:
        if not os.fspath(path):
            raise ValueError("the path is empty; name a .gede file")
        self.path = Path(os.fsdecode(path))
        self._absolute = self.path.absolute()  # survives a change of folder
        self._reading = reading
        self._checksum = _checksum
        self._core: _core.Reader | None = None
        self._pid: int | None = None
        self._facts: dict[str, Any] | None = None
        self._table: Table | None = None
        self._closed = False
        if not _lazy:
            self._reader  # noqa: B018

    @property
    def _reader(self) -> _core.Reader:
        if self._core is not None and self._pid == os.getpid():
            return self._core
        if self._closed:
            raise ValueError(f"{self.path} has been closed; open it again")
        reader = _core.Reader(str(self._absolute), self._reading)
        facts = _facts_of(reader, blocks=False)
        if self._checksum is not None and facts["checksum"] != self._checksum:
            raise DreamlearningError(
                f"{self.path} has been replaced by a file of other content since it was opened; open it again"
            )
        self._checksum, self._facts = facts["checksum"], facts
        self._table = _table_of(reader, self.path)
        self._core, self._pid = reader, os.getpid()
        return reader

    @property
    def _info(self) -> dict[str, Any]:
        if self._facts is None:
            self._reader  # noqa: B018
        assert self._facts is not None
        return self._facts

    def __reduce__(self) -> tuple[Any, ...]:
        self._info  # noqa: B018  # the checksum, so that another file under this path is noticed
        return _restore, (str(self.path), str(self._absolute), self._reading, self._checksum)

    def __len__(self) -> int:
        return self._info["num_samples"]

    @property
    def shape(self) -> tuple[Any, ...]:
        """Shape of one sample, as in ``(32, 32, 3)``; ``(None, None, 3)`` where every image has its own
        size, ``()`` where it is a row of a table."""
        return tuple(self._info["shape"]) if self.table is None else ()

    @property
    def ragged(self) -> bool:
        """Whether samples differ in shape; batches are lists of arrays then."""
        return None in self.shape

    def shapes(self, indices: Any = slice(None)) -> NDArray[np.int64]:
        """Shapes of samples ``indices`` (all by default) without decoding them: shape (k, number of axes).

        Example:
            >>> f.shapes([0, 1])        # doctest: +SKIP
            array([[375, 500,   3],
                   [500, 332,   3]])
        """
        index = as_indices(indices, len(self))
        shapes = np.empty((len(index), len(self.shape)), np.int64)
        own = [axis for axis, side in enumerate(self.shape) if side is None]
        shapes[:] = [0 if side is None else side for side in self.shape]
        if own:
            shapes[:, own] = self._reader.sides(index)
        else:
            wrong = index[(index < -len(self)) | (index >= len(self))]
            if wrong.size:
                raise IndexError(f"sample index {wrong[0]} is out of range for {len(self)} samples")
        return shapes

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the samples; of a table structured, a field for each column. A column with nulls has
        a second one, ``NAME?valid``; text is the number of a string (see :meth:`strings`), dates and times
        are integers."""
        return np.dtype(self._info["dtype"]) if self.table is None else self.table.dtype

    @property
    def sample_bytes(self) -> int:
        """Bytes of one decoded sample; of an average one where they differ in shape."""
        if self.ragged:
            return self._info["fields"][0]["bytes"] // max(1, len(self))
        return self.dtype.itemsize * int(np.prod(self.shape, dtype=np.int64))

    @property
    def table(self) -> Table | None:
        """Names and types of the columns of a table; ``None`` where samples are no rows of one."""
        self._info  # noqa: B018
        return self._table

    @property
    def columns(self) -> list[str] | None:
        """Names of the columns of a table; ``None`` where samples are no rows of one."""
        return None if self.table is None else self.table.names

    @property
    def target(self) -> str | None:
        """Name of the column to be predicted; ``None`` without one."""
        return None if self.table is None else self.table.target

    def strings(self, name: str) -> list[str]:
        """The strings that the cells of a text column number.

        Raises:
            ValueError: there is no such column, it is no text, or the file has no table.
        """
        return reading.strings(self, name)

    def column(self, name: str, indices: Any = None) -> Any:
        """One column of a table as an array of shape (k,), of all rows or of ``indices``.

        Numbers keep their dtype, dates and times are ``datetime64`` and ``timedelta64``, text and decimals
        Python objects in an array of objects, with ``None`` for nulls. Other columns with nulls are masked
        arrays.

        Raises:
            ValueError: there is no such column, or the file has no table.

        Example:
            >>> f.column("age", [5, 3])         # doctest: +SKIP
            array([41., 52.])
        """
        return reading.column(self, name, indices)

    def arrays(self, features: Any = None) -> tuple[NDArray[np.float64], NDArray[Any] | None]:
        """The table as what learning takes: features and target.

        Text has no number and is left out; nulls are NaN; dates, times and durations are their integers.

        Args:
            features: names of the columns to take; ``None`` for all but the target and text.

        Returns:
            ``X``, float64 of shape (n, d), and ``y``, shape (n,), of the target's own dtype (of text the
            numbers of its strings, of decimals float64); ``None`` where there is no target. Of arrays with
            samples of one axis: the samples, and the labels.

        Raises:
            ValueError: a feature that is unknown or text; or samples of more than one axis.

        Example:
            >>> X, y = f.arrays()                           # doctest: +SKIP
            >>> LinearRegression().fit(X, y)                # doctest: +SKIP
        """
        return reading.arrays(self, features)

    def to_arrow(self, indices: Any = None, columns: Any = None) -> Any:
        """The table as a ``pyarrow.Table`` with the types that went in, of all rows or of ``indices``, and of
        all columns or those named.

        Raises:
            ValueError: there is no such column, or the file has no table.
            CorruptFileError: the file is damaged.
            ImportError: pyarrow is not installed.
        """
        return reading.to_arrow(self, indices, columns)

    def to_pandas(self, indices: Any = None, columns: Any = None) -> Any:
        """The table as a ``pandas.DataFrame``, as :meth:`to_arrow`.

        Columns that NumPy holds exactly have its dtypes, text ``str``, categories ``category``. Numbers with
        nulls, decimals, dates and times of day are ``pandas.ArrowDtype``, which loses nothing.

        Raises:
            As :meth:`to_arrow`.
        """
        return reading.to_pandas(self, indices, columns)

    @property
    def bytes_read(self) -> int:
        """Compressed bytes that decoding has read since the file was opened in this process."""
        return self._reader.bytes_read

    @property
    def classes(self) -> list[str] | None:
        """Names of the classes, so that ``classes[label]`` names a sample's class; ``None`` where unknown.
        Of a table the strings of a target that is text."""
        if self.table is not None and self.table.target and self.table[self.table.target].is_text:
            return self.strings(self.table.target)
        classes = self._info["classes"]
        return None if classes is None else list(classes)

    @property
    def metadata(self) -> dict[str, Any]:
        """What was given to ``compress`` as metadata."""
        return _written_by_compress(self._reader).get("user") or {}

    @property
    def partitions(self) -> list[dict[str, Any]]:
        """For every partition its ``name`` and ``count``."""
        return [dict(partition) for partition in self._info["partitions"]]

    def storage_order(self) -> NDArray[np.int64]:
        """The samples in the order in which they are stored, shape (n,): partition after partition.

        Example:
            >>> f.storage_order()[:3]       # doctest: +SKIP
            array([ 0, 10, 20])
        """
        if len(self._info["partitions"]) < 2:
            return np.arange(len(self))
        return np.argsort(self._reader.rows(np.arange(len(self))))

    @property
    def fields(self) -> list[str]:
        """Names of the fields stored beside the samples."""
        return [field["name"] for field in self._info["fields"] if field["raw"]]

    @property
    def labels(self) -> NDArray[Any] | None:
        """The field ``"label"``: read-only array with first axis n, mapped without a copy; ``None`` without
        one."""
        return self.field("label") if "label" in self.fields else None

    def field(self, name: str) -> NDArray[Any]:
        """A field stored beside the samples: read-only, shape (n, ...), mapped without a copy.

        Raises:
            KeyError: there is no such field; the message lists those there are.
        """
        for field in self._info["fields"]:
            if field["raw"] and field["name"] == name:
                raw = self._reader.field(name)
                return raw.view(np.dtype(field["dtype"])).reshape((len(self), *field["shape"]))
        raise KeyError(f"{self.path} has no field {name!r}; fields: {', '.join(self.fields) or 'none'}")

    def info(self) -> dict[str, Any]:
        """What is in the file and what it costs: a dictionary of JSON types, a fresh one each time.

        ``ratio`` is ``file_bytes / raw_bytes`` (``None`` of no bytes); ``sections`` gives the bytes of each
        part and adds up to ``file_bytes``; ``exact`` is whether the samples come back bit for bit,
        ``max_error`` by how much at most they do not. ``table`` has the target of a table and its columns:
        ``name``, ``type``, ``nullable``, ``dtype``, how each is stored (``code``) and ``bits`` in a row.
        ``condensed`` is what :meth:`store_condensed` or ``compress(condense=...)`` was asked for, with
        ``store`` and the number of ``samples`` stored; ``None`` where nothing is kept.
        """
        facts = _facts_of(self._reader, blocks=True)
        facts["table"] = None if self.table is None else reading.facts_of(self.table, facts)
        facts["condensed"] = None
        if self._has_rows:
            from .tabular.condensing import kept_request

            facts["condensed"] = kept_request(self)
        return facts

    def verify(
        self,
        num_threads: int = 0,
        progress: bool | VerifyProgress | None = None,  # noqa: FBT001
    ) -> None:
        """Check every byte, decode every sample and compare with the digest taken when the file was written.

        Args:
            num_threads: 0 for all cores.
            progress: as in :func:`dreamlearning.compress`; a callable gets (done, total).

        Raises:
            CorruptFileError: the file is damaged; the message names the section.
        """
        with verify_progress(progress) as report:
            self._reader.verify(as_threads(num_threads), report)

    def decode(
        self, indices: Any, out: Any = None, num_threads: int = 1, *, channels_first: bool = False
    ) -> Any:
        """Samples ``indices``, in the order asked.

        Args:
            indices: integers (a sequence, a NumPy array or a torch tensor; repeats and negative ones are
                fine), a slice, or a boolean mask of length n.
            out: C-contiguous NumPy array or CPU torch tensor of shape (k, *shape) and the file's dtype to
                write into. Where samples differ in shape: a list of k of them, each of its sample's shape.
            num_threads: 1 decodes on this thread; 0 uses all cores. Keep 1 inside a DataLoader worker.
            channels_first: of samples of one shape (H, W, C) give (k, C, H, W); ``out`` has that shape.

        Returns:
            ``out``, or a new NumPy array of shape (k, *shape). Where samples differ in shape: a list of k
            arrays.

        Raises:
            IndexError: an index is out of range, or a mask has another length.
            TypeError, ValueError: ``out`` or ``indices`` are not as above.
            CorruptFileError: the file is damaged where these samples lie.

        Example:
            >>> f.decode([3, 1, 3]).shape       # doctest: +SKIP
            (3, 32, 32, 3)
        """
        index = as_indices(indices, len(self))
        shape = self.shape
        if channels_first:
            if self.ragged or len(shape) != 3:
                raise ValueError(
                    f"samples of shape {shape} have no last axis to bring forward; leave channels_first out"
                )
            shape = (shape[2], *shape[:2])
        if self.ragged:
            return self._decode_each(index, self._parts(index, None)[1], out, None, num_threads)
        shape = (len(index), *shape)
        array = np.empty(shape, self.dtype) if out is None else as_buffer(out, shape, self.dtype)
        plain = array if self.table is None else array.view(np.uint8).reshape(len(index), self.dtype.itemsize)
        self._reader.decode_into(index, plain, as_threads(num_threads), channels_first)
        return array if out is None else out

    def decode_region(self, index: int, top: int, left: int, height: int, width: int) -> NDArray[Any]:
        """The part of image ``index`` that begins at row ``top`` and column ``left``.

        With the preset ``small`` only the tiles it touches are read and decoded, with ``raw`` only its own
        bytes; other presets decode the image and cut.

        Returns:
            An array like the image, with ``height`` rows and ``width`` columns.

        Raises:
            ValueError: it does not lie in the image, or the samples are no images.
            IndexError, CorruptFileError: as :meth:`decode`.

        Example:
            >>> f.decode_region(7, 100, 50, 224, 224).shape     # doctest: +SKIP
            (224, 224, 3)
        """
        return self.decode_regions([index], [(top, left, height, width)])[0]

    def decode_regions(
        self, indices: Any, regions: Any, out: Any = None, num_threads: int = 1
    ) -> list[NDArray[Any]]:
        """A part of every one of the images ``indices``: :meth:`decode_region` for a batch, in one call.

        Args:
            indices: as in :meth:`decode`.
            regions: (top, left, height, width) for each, shape (k, 4).
            out: list of k C-contiguous arrays or CPU tensors to write into.
            num_threads: as in :meth:`decode`.

        Returns:
            ``out``, or a list of k new arrays.

        Raises:
            As :meth:`decode_region`.
        """
        index = as_indices(indices, len(self))
        parts, shapes = self._parts(index, regions)
        return self._decode_each(index, shapes, out, parts, num_threads)

    def _parts(
        self, index: NDArray[np.int64], regions: Any
    ) -> tuple[NDArray[np.int64] | None, list[tuple[int, ...]]]:
        """``regions`` as the core takes them and the shapes that come out; all of each image without them.

        Raises:
            ValueError: one does not lie in its image, or the samples are no images.
        """
        if regions is None:
            return None, [tuple(shape) for shape in self.shapes(index).tolist()]
        parts = as_regions(regions, len(index))
        axes = image_axes(self.shape, self.dtype)
        if axes is None:
            raise ValueError(f"samples of shape {self.shape} and dtype {self.dtype} are no images")
        shapes = np.empty((len(index), len(self.shape)), np.int64)
        shapes[:] = [0 if axis in axes else side for axis, side in enumerate(self.shape)]
        # What lies in no image is refused before room is made for it.
        sides = self.shapes(index)[:, axes]
        inside = (parts[:, :2] >= 0) & (parts[:, 2:] >= 1) & (parts[:, 2:] <= sides - parts[:, :2])
        if not inside.all():
            bad = int(np.flatnonzero(~inside.all(axis=1))[0])
            top, left, height, width = parts[bad]
            raise ValueError(
                f"sample {index[bad]}: the region of {height} x {width} pixels from row {top}, column {left} "
                f"on does not lie in an image of {sides[bad, 0]} x {sides[bad, 1]} pixels"
            )
        shapes[:, axes] = parts[:, 2:]
        return parts, [tuple(shape) for shape in shapes.tolist()]

    def _decode_each(
        self,
        index: NDArray[np.int64],
        expected: list[tuple[int, ...]],
        out: Any,
        regions: NDArray[np.int64] | None,
        num_threads: int,
    ) -> list[NDArray[Any]]:
        if out is None:
            arrays = [np.empty(shape, self.dtype) for shape in expected]
        else:
            if not isinstance(out, (list, tuple)) or len(out) != len(expected):
                raise TypeError(f"out must be a list of {len(expected)} arrays, one for each sample")
            arrays = [as_buffer(one, shape, self.dtype) for one, shape in zip(out, expected, strict=True)]
        self._reader.decode_each(index, arrays, regions, as_threads(num_threads))
        return arrays if out is None else out

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, tuple):
            raise TypeError(
                "a file has one axis of samples; index the decoded array for more, as in f[0][..., 1]"
            )
        if isinstance(index, (bool, np.bool_)):
            raise TypeError("a single bool is no index; a mask has one bool for every sample")
        try:
            single = operator.index(index)
        except TypeError:
            return self.decode(index)
        return self.decode([single])[0]

    def __iter__(self) -> Iterator[Any]:
        step = max(1, _ITERATION_BYTES // max(1, self.sample_bytes))
        for start in range(0, len(self), step):
            yield from self.decode(slice(start, start + step))

    def bases(self, partition: int | str) -> Bases:
        """The bases of one partition and how many samples share each.

        Args:
            partition: its number or its name (see :attr:`partitions`).

        Raises:
            IndexError, KeyError: there is no such partition.
            ValueError: the name is not unique.
        """
        self._refuse_ragged("bases")
        values, counts = self._reader.bases(self._partition_number(partition))
        return Bases(values.reshape(-1).view(self.dtype).reshape((len(counts), *self.shape)), counts)

    def _partition_number(self, partition: int | str) -> int:
        names = [p["name"] for p in self._info["partitions"]]
        if isinstance(partition, str):
            if names.count(partition) > 1:
                raise ValueError(
                    f"{names.count(partition)} partitions are called {partition!r}; give its number"
                )
            if partition not in names:
                raise KeyError(f"{self.path} has no partition {partition!r}; partitions: {', '.join(names)}")
            return names.index(partition)
        number = operator.index(partition)
        if not 0 <= number < len(names):
            raise IndexError(f"partition {number} is out of range for {len(names)} partitions")
        return number

    def condensed(
        self,
        size: int | None = None,
        *,
        beta: int | None = None,
        fraction: float | None = None,
        bits: str = "value",
        features: Iterable[str] | None = None,
        representative: str = "centroid",
        classes: bool | None = None,
        cluster_target: bool = False,
        num_threads: int = 0,
    ) -> "Condensed | CondensedTable":
        """A few weighted samples that stand for all (Algorithm 1, clustering phase), per partition.

        Of **tables** a :class:`dreamlearning.tabular.CondensedTable`: ``X``, ``y``, ``sample_weight`` and the
        exact ``scatter`` within clusters. What the file keeps (``compress(condense=...)``,
        :meth:`store_condensed`) needs no arguments and is not computed again.

        Of **images** a :class:`Condensed`: centroids of the clusters that share their ``beta`` most
        significant non-constant bits; no options.

        Args:
            size: as many clusters as this.
            beta: the clusters that so many bits make, which may be as many as there are rows.
            fraction: a share of the rows.
            bits: what the bits of a column say: ``"value"``, where a value lies in standard deviations, or
                ``"rank"``, which share of the rows is smaller, so that each bit splits a column evenly.
            features: names of the columns to condense; all numbers but the target by default.
            representative: ``"centroid"``, the mean of a cluster, or ``"row"``, the row nearest to it.
            classes: whether clusters are pure in the target; ``None`` for text, bools, and integers of at
                most 100 values.
            cluster_target: whether rows of a cluster resemble each other in the target, too.
            num_threads: 0 for all cores; the result does not depend on it.

        Raises:
            ValueError: a NaN or a null in a feature, more condensed samples than different rows, arguments
                that contradict each other, or none where the file keeps nothing.

        Example:
            >>> c = f.condensed(size=92)                                                # doctest: +SKIP
            >>> LinearRegression().fit(c.X, c.y, sample_weight=c.sample_weight)         # doctest: +SKIP
        """
        self._refuse_ragged("condensed samples")
        options = {
            "size": size,
            "fraction": fraction,
            "bits": bits,
            "features": features,
            "representative": representative,
            "classes": classes,
            "cluster_target": cluster_target,
        }
        if self._has_rows:
            from .tabular.condensing import condense_file
            from .tabular.request import Request

            request = Request.of_arguments(beta=beta, **options)
            return condense_file(self, request, num_threads)
        usual = {"bits": "value", "representative": "centroid", "cluster_target": False}
        if beta is None or any(value != usual.get(name) for name, value in options.items()):
            raise ValueError(f"{self.path} holds images; give beta, a number of bits, and nothing else")
        if operator.index(beta) < 1:
            raise ValueError(f"beta is {beta}; give a number of bits, at least 1")
        centroids, sizes, partition = self._reader.condensed(min(beta, 1 << 32))
        return Condensed(centroids.reshape((len(sizes), *self.shape)), sizes.astype(np.float64), partition)

    def store_condensed(
        self, condense: "int | float | dict[str, Any]", *, num_threads: int = 0
    ) -> "CompressedFile":
        """Write the file again with condensed samples in it, in place of those that it keeps, if any.

        Args:
            condense: as in :func:`dreamlearning.compress`: a number of samples, a share of the rows, or a
                dictionary of the arguments of :meth:`condensed`, and ``store``: ``"samples"``, or
                ``"positions"``, which keeps only what makes them: the bits and cuts that tell the clusters
                apart. They are then computed whenever they are asked for, without another search.

        Returns:
            The new file, opened. What is open, this one too, goes on reading the old content, but where a
            process has to open it again (after a fork, from a pickle) it says that it has been replaced.

        Raises:
            ValueError: as :meth:`condensed`, or another file has taken this one's place; the file stays as it
                was.

        Example:
            >>> f = f.store_condensed(92)           # doctest: +SKIP
            >>> len(f.condensed())                  # doctest: +SKIP
            92
        """
        from .tabular.condensing import to_keep
        from .tabular.request import Request
        from .tabular.subject import subject_of_file

        request, store = Request.to_store(condense)
        self._refuse_ragged("condensed samples")
        asked = to_keep(subject_of_file(self, request.features), request, store, as_threads(num_threads))
        _core.keep_condensed(self._reader, asked)
        return CompressedFile(self.path, reading=self._reading)

    @property
    def _has_rows(self) -> bool:
        return self.table is not None or len(self.shape) == 1

    def _refuse_ragged(self, what: str) -> None:
        if self.ragged:
            raise ValueError(
                f"{self.path}: images of different sizes have no {what}; resize them to one size"
            )

    def close(self) -> None:
        """Let go of the file; using it afterwards is a ValueError."""
        self._core, self._closed = None, True

    def __enter__(self) -> "CompressedFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _loss(self) -> str:
        return "bit-exact" if self._info["exact"] else f"NOT lossless, max error {self._info['max_error']}"

    def __repr__(self) -> str:
        info = self._info
        loss = "" if info["exact"] else f", {self._loss()}"
        ratio = "" if info["ratio"] is None else f", ratio={info['ratio']:.3f}"
        return (
            f"CompressedFile({str(self.path)!r}, n={len(self)}, shape={self.shape}, dtype={self.dtype}, "
            f"preset={info['preset']!r}{ratio}{loss})"
        )

    def _repr_html_(self) -> str:
        info = self._info
        ratio = "" if info["ratio"] is None else f" ({info['ratio']:.1%})"
        rows = {
            "file": str(self.path),
            "samples": f"{len(self):,}",
            "shape, dtype": f"{self.shape}, {self.dtype}",
            "preset": f"{info['preset']}, {self._loss()}",
            "bytes": f"{info['file_bytes']:,} of {info['raw_bytes']:,}{ratio}",
            "classes": ", ".join(self.classes or []) or "none",
        }
        body = "".join(f"<tr><th>{key}</th><td>{html.escape(value)}</td></tr>" for key, value in rows.items())
        return f"<table>{body}</table>"


def _written_by_compress(reader: _core.Reader) -> dict[str, Any]:
    kept = json.loads(reader.metadata())
    return kept if isinstance(kept, dict) else {}


def _table_of(reader: _core.Reader, path: Path) -> Table | None:
    kept, cells = _written_by_compress(reader).get("table"), reader.columns
    if kept is None or cells is None:
        return None
    try:
        return Table.from_json(kept, cells)
    except ValueError as error:
        raise CorruptFileError(f"{path}: {error}") from error


def _facts_of(reader: _core.Reader, *, blocks: bool) -> dict[str, Any]:
    kept = _written_by_compress(reader)
    return {
        **json.loads(reader.info(blocks)),
        "classes": kept.get("classes"),
        "metadata": kept.get("user"),
    }


def _restore(path: str, absolute: str, reading: str, checksum: object) -> CompressedFile:
    file = CompressedFile(path, reading=reading, _checksum=checksum, _lazy=True)
    file._absolute = Path(absolute)
    return file

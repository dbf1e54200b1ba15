# ruff: noqa: FBT003
"""Every row of ``loaders.py``: a way to keep a data set and to read shuffled batches from it.

In: nothing. Out: :data:`ROWS`. The module that a row names is imported in the row's own process only, so
that this package needs none of the libraries. Each module has

- ``write(images, labels, folder, **options)``: uint8 (n, H, W, 3) and int64 (n,) into an empty folder;
- ``reader(folder, batch_size, share, **options)``: opens what was written and returns ``epoch(seed)``, an
  iterator of one shuffled epoch of (uint8 batch, labels), of a random ``share`` of the samples where that is
  below 1; called once for every epoch;
- ``PACKAGES``: the distributions whose versions the result names.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """One line of the result."""

    name: str
    system: str
    """Rows of one system share a line of the short table."""
    module: str
    compressed: bool
    """Whether the samples are stored in lossless compression."""
    options: dict[str, Any] = field(default_factory=dict)
    storage: str = ""
    """Rows with the same storage read the same files; the name where empty."""
    note: str = ""
    sets: tuple[str, ...] = ("32", "224")
    python: str = "peers"
    """Which interpreter: ``own``, ``peers`` or ``ffcv``."""

    compiles: bool = False
    """Whether opening compiles code. It is opened once before, so that loading the
    compiler does not count as reading."""

    @property
    def files(self) -> str:
        """The folder's name."""
        return "".join(c if c.isalnum() else "_" for c in self.storage or self.name)


def _own() -> list[Row]:
    rows = []
    for preset in ("small", "fast", "raw"):
        for threads in (1, 2):
            loader = {"preset": preset, "way": "loader", "workers": threads}
            named = f"`Loader`, {threads} thread{'s' * (threads > 1)}"
            rows.append((f"{preset}, {named}", preset, loader))
            if preset == "raw":
                rows.append((f"raw, {named}, channels last", preset, {**loader, "channels_last": True}))
        for workers in (0, 2):
            named = f"DataLoader, {workers} workers"
            rows.append(
                (f"{preset}, {named}", preset, {"preset": preset, "way": "data_loader", "workers": workers})
            )
        rows.append((f"{preset}, bare decode", preset, {"preset": preset, "way": "decode", "workers": 1}))
    return [
        Row(
            f".gede {name}",
            f".gede {preset}",
            "gede",
            preset != "raw",
            options,
            f"gede {preset}",
            python="own",
        )
        for name, preset, options in rows
    ]


_NO_SUBSET = "cannot leave samples out before reading them: a 10 % epoch reads everything"
_MDS = "draws its own subset; a compressed shard is inflated beside itself and stays"
_LITDATA = "draws its own subset, of chunks"

ROWS: list[Row] = [
    Row("numpy.memmap", "numpy.memmap", "memmap", False, note="one gather a batch: the bound", python="own"),
    *_own(),
    Row(
        "torchvision CIFAR10",
        "torchvision",
        "pictures",
        False,
        {"kind": "cifar10"},
        sets=("32",),
        note="raw, kept in RAM; Pillow image to tensor",
        python="own",
    ),
    Row("torchvision ImageFolder, PNG", "PNG files", "pictures", True, {"kind": "folder"}, python="own"),
    Row("WebDataset, PNG", "WebDataset", "tar_shards", True, {"kind": "png"}, note=_NO_SUBSET),
    Row("WebDataset, npy", "WebDataset", "tar_shards", False, {"kind": "npy"}, note=_NO_SUBSET),
    Row("MosaicML Streaming, zstd", "MosaicML Streaming", "mds_shards", True, {"kind": "zstd"}, note=_MDS),
    Row("MosaicML Streaming, PNG", "MosaicML Streaming", "mds_shards", True, {"kind": "png"}, note=_MDS),
    Row("LitData, zstd", "LitData", "litdata_chunks", True, note=_LITDATA),
    Row("ArrayRecord, zstd", "ArrayRecord", "array_records", True),
    Row("bagz, zstd", "bagz", "bagz_file", True, note="reads with threads of its own"),
    Row("Hugging Face datasets, PNG", "Hugging Face datasets", "hugging_face", True, {"kind": "png"}),
    Row("Hugging Face datasets, Array3D", "Hugging Face datasets", "hugging_face", False, {"kind": "array"}),
    Row("Lance, PNG", "Lance", "lance_table", True, {"kind": "png"}),
    Row("Lance, fixed-size list", "Lance", "lance_table", False, {"kind": "list"}),
    Row("LMDB, PNG", "LMDB", "lmdb_png", True),
    Row("HDF5, one image a chunk, Blosc2 zstd", "HDF5", "hdf5_file", True, {"kind": "one"}),
    Row(
        "HDF5, many images a chunk, zstd",
        "HDF5",
        "hdf5_file",
        True,
        {"kind": "many"},
        note="chunks of 128 images; of 8 at 224 pixels",
    ),
    Row("zarr v3, sharded", "zarr", "zarr_shards", True, note="chunks of 128 images; of 1 at 224 pixels"),
    Row("blosc2, one image a block", "blosc2", "blosc2_array", True, note="decodes with threads of its own"),
    Row(
        "FFCV raw, 1 thread",
        "FFCV",
        "ffcv_beton",
        False,
        {"workers": 1},
        "ffcv",
        python="ffcv",
        compiles=True,
    ),
    Row(
        "FFCV raw, 2 threads",
        "FFCV",
        "ffcv_beton",
        False,
        {"workers": 2},
        "ffcv",
        python="ffcv",
        compiles=True,
    ),
]

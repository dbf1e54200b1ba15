"""Promise: what is written out for other programs is whole, in order, and comes back bit by bit."""

import io
import json
import os
import tarfile

import dreamlearning
import numpy as np
import pytest
from dreamlearning.exporters import extract
from dreamlearning.sources import Source
from PIL import Image

RNG = np.random.default_rng(5)
N = 25
ODD_NAMES = ["plain", "a/b: <c>", 'ünï "quoted"\u2028 猫']
LABELS = RNG.integers(0, 3, N).astype(np.uint8)
LABELS[:3] = [0, 1, 2]  # every class has samples

KINDS = {
    "rgb": RNG.integers(0, 256, (N, 5, 4, 3), np.uint8),
    "grey": RNG.integers(0, 256, (N, 6, 5), np.uint8),
    "grey 16": RNG.integers(0, 2**16, (N, 6, 5), np.uint16),
    "ragged": [RNG.integers(0, 256, (3 + i % 4, 5 + i % 3, 3), np.uint8) for i in range(N)],
    "ragged grey 16": [RNG.integers(0, 2**16, (3 + i % 4, 5 + i % 3), np.uint16) for i in range(N)],
    "table": np.concatenate([RNG.normal(size=(N - 1, 4)), [[np.nan, -0.0, np.inf, 5e-324]]]),
    "half": RNG.normal(size=(N, 2, 3, 2)).astype(np.float16),
    "numbers": np.arange(N, dtype=np.int64) - 2**62,
}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def packed(tmp_path, kind):
    """(path, samples): one kind of samples in a file, with labels, classes and two more fields."""
    path = tmp_path / "in.gede"
    fields = {"weight": np.linspace(0, 1, N), "box": np.arange(N * 4, dtype=np.int16).reshape(N, 2, 2)}
    source = dreamlearning.from_numpy(KINDS[kind], LABELS, fields, ODD_NAMES)
    dreamlearning.compress(source, path).close()
    return path, KINDS[kind]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def same(samples, expected):
    assert len(samples) == len(expected)
    for one, other in zip(samples, expected, strict=True):
        one, other = np.asarray(one), np.asarray(other)
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        assert one.tobytes() == other.tobytes()


def back(source, tmp_path, expected, **fields):
    """Compress what came out, and compare every bit, label and field."""
    with dreamlearning.compress(source, tmp_path / "again.gede", overwrite=True) as file:
        same(file[:], expected)
        assert np.array_equal(file.labels, LABELS)
        assert file.classes == ODD_NAMES
        for name, values in fields.items():
            assert np.array_equal(file.field(name), values)
        assert set(file.fields) == {"label", *fields}


FIELDS = {"weight": np.linspace(0, 1, N), "box": np.arange(N * 4).reshape(N, 2, 2)}


def test_parquet_and_back(tmp_path, packed, hugging_face):
    path, samples = packed
    assert dreamlearning.to_parquet(path, tmp_path / "out.parquet") == N
    back(dreamlearning.from_hf(tmp_path / "out.parquet"), tmp_path, samples, **FIELDS)
    back(f"hf:{tmp_path / 'out.parquet'}", tmp_path, samples, **FIELDS)
    assert names(tmp_path) == ["again.gede", "in.gede", "out.parquet"]


def test_shards_and_back(tmp_path, packed):
    path, samples = packed
    assert dreamlearning.to_webdataset(path, tmp_path / "shards" / "s-{000..}.tar", 7) == N
    assert names(tmp_path / "shards") == ["s-000.tar", "s-001.tar", "s-002.tar", "s-003.tar"]
    back(dreamlearning.from_webdataset(tmp_path / "shards" / "s-*.tar"), tmp_path, samples, **FIELDS)
    back(f"webdataset:{tmp_path}/shards/s-{{000..003}}.tar", tmp_path, samples, **FIELDS)
    assert names(tmp_path) == ["again.gede", "in.gede", "shards"]


@pytest.mark.parametrize("kind", ["rgb", "grey", "grey 16", "ragged", "ragged grey 16"], indirect=True)
def test_folders_and_back(tmp_path, packed, kind):
    from torchvision.datasets import ImageFolder

    path, samples = packed
    assert dreamlearning.to_imagefolder(path, tmp_path / "out") == N
    order = np.argsort(LABELS, kind="stable")
    folders = ["a_b_ _c_", "plain", "ünï _quoted__ 猫"]
    numbers = np.array([1, 0, 2])  # folders are sorted by name
    order = np.argsort(numbers[LABELS], kind="stable")
    read = ImageFolder(tmp_path / "out")
    assert read.classes == folders
    assert read.targets == numbers[LABELS][order].tolist()
    with dreamlearning.compress(
        dreamlearning.from_imagefolder(tmp_path / "out"), tmp_path / "b.gede"
    ) as file:
        same(file[:], [samples[i] for i in order])
        assert file.classes == folders
        assert np.array_equal(file.labels, numbers[LABELS][order])


def test_arrays_and_back(tmp_path, packed):
    path, samples = packed
    arrays = dreamlearning.to_numpy(path)
    back(arrays, tmp_path, samples, **FIELDS)
    if isinstance(samples, list):
        with pytest.raises(ValueError, match="different shapes"):
            dreamlearning.to_numpy(path, tmp_path / "out.npz")
    else:
        assert dreamlearning.to_numpy(path, tmp_path / "out.npz") == N
        back(tmp_path / "out.npz", tmp_path, samples, **FIELDS)
        dreamlearning.to_numpy(path, tmp_path / "out.npy")
        same(np.load(tmp_path / "out.npy"), samples)


@pytest.mark.parametrize("kind", ["rgb", "grey 16", "ragged", "table"], indirect=True)
def test_parquet_as_its_owners_read_it(tmp_path, packed, kind, hugging_face):
    import pyarrow.parquet

    path, samples = packed
    dreamlearning.to_parquet(path, tmp_path / "out.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "out.parquet")
    assert table.num_rows == N
    assert table["label"].to_pylist() == LABELS.tolist()
    assert table["box"].to_pylist() == FIELDS["box"].tolist()
    if kind == "table":
        assert table["data"].type == pyarrow.list_(pyarrow.float64(), 4)
        same(np.array(table["data"].to_pylist()), samples)
    read = hugging_face.load_dataset(
        "parquet", data_files=str(tmp_path / "out.parquet"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert read.features["label"].names == ODD_NAMES
    assert read["label"] == LABELS.tolist()
    if kind != "table":
        same([np.asarray(image) for image in read["image"]], samples)


# The library leaves the archives it read to be closed by the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.parametrize("kind", ["rgb", "grey 16", "ragged", "table"], indirect=True)
def test_shards_as_their_owner_reads_them(tmp_path, packed, kind):
    import webdataset

    path, samples = packed
    dreamlearning.to_webdataset(path, tmp_path / "out.tar")
    data = webdataset.WebDataset(str(tmp_path / "out.tar"), shardshuffle=False).decode("pil")
    read = list(data)
    assert [sample["__key__"] for sample in read] == [f"{i:02}" for i in range(N)]
    assert [sample["cls"] for sample in read] == LABELS.tolist()
    assert [sample["json"]["class_name"] for sample in read] == [ODD_NAMES[i] for i in LABELS]
    assert [sample["json"]["box"] for sample in read] == FIELDS["box"].tolist()
    same([sample["png" if kind in ("rgb", "ragged") else "npy"] for sample in read], samples)


def test_channels_first_become_pictures(tmp_path, hugging_face):
    images = np.repeat(KINDS["rgb"], 2, axis=2)  # (3, 5, 4) would be taken for 4 channels
    dreamlearning.compress(np.moveaxis(images, -1, 1), tmp_path / "c.gede").close()
    dreamlearning.to_parquet(tmp_path / "c.gede", tmp_path / "c.parquet")
    dreamlearning.to_webdataset(tmp_path / "c.gede", tmp_path / "c.tar")
    dreamlearning.to_imagefolder(tmp_path / "c.gede", tmp_path / "c")
    for source in (
        dreamlearning.from_hf(tmp_path / "c.parquet"),
        dreamlearning.from_webdataset(tmp_path / "c.tar"),
    ):
        assert np.array_equal(source.read(0, N), images)
        assert source.fields == {}
    assert np.array_equal(np.asarray(Image.open(tmp_path / "c" / "07.png")), images[7])


@pytest.mark.parametrize("kind", ["rgb"], indirect=True)
def test_indices_and_what_counts_as_a_file(tmp_path, packed, hugging_face):
    path, samples = packed
    chosen = [7, 1, -1]
    data_set = dreamlearning.CompressedDataset(path, transform=lambda x: None)
    for i, file in enumerate((path, str(path), dreamlearning.open(path), data_set)):
        assert np.array_equal(dreamlearning.to_numpy(file, indices=chosen)["data"], samples[chosen])
        dreamlearning.to_parquet(file, tmp_path / f"{i}.parquet", indices=[*chosen, 7])
        read = dreamlearning.from_hf(tmp_path / f"{i}.parquet")
        assert np.array_equal(read.read(0, 4), samples[[*chosen, 7]])
        dreamlearning.to_webdataset(file, tmp_path / f"{i}.tar", indices=chosen)
        assert np.array_equal(
            dreamlearning.from_webdataset(tmp_path / f"{i}.tar").read(0, 3), samples[chosen]
        )
        assert dreamlearning.to_imagefolder(file, tmp_path / f"{i}", indices=np.arange(N) < 2) == 2
    for function in (dreamlearning.to_imagefolder, dreamlearning.to_webdataset):
        with pytest.raises(ValueError, match="once"):
            function(path, tmp_path / "twice.tar", indices=[3, 3])
    with pytest.raises(IndexError, match="25"):
        dreamlearning.to_numpy(path, indices=[25])
    with pytest.raises(TypeError, match="list"):
        dreamlearning.to_numpy([1])


def test_endings_choose_the_kind(tmp_path, digits_path):
    assert extract(digits_path, tmp_path / "d.parquet", [3, 4]) == 2
    assert (tmp_path / "d.parquet").read_bytes()[:4] == b"PAR1"
    assert extract(digits_path, tmp_path / "d.TAR", [3, 4]) == 2
    with tarfile.open(tmp_path / "d.TAR") as archive:
        assert archive.getnames() == [f"000{i}.{end}" for i in (3, 4) for end in ("cls", "json", "png")]
    assert extract(digits_path, tmp_path / "d-%02d.tar", [3, 4]) == 2
    assert (tmp_path / "d-00.tar").read_bytes() == (tmp_path / "d.TAR").read_bytes()


def outputs(tmp_path):
    return [
        (dreamlearning.to_numpy, tmp_path / "x.npz"),
        (dreamlearning.to_parquet, tmp_path / "x.parquet"),
        (dreamlearning.to_webdataset, tmp_path / "x.tar"),
        (dreamlearning.to_webdataset, tmp_path / "x-{000..}.tar"),
        (dreamlearning.to_webdataset, tmp_path / "new" / "x-{000..}.tar"),
        (dreamlearning.to_imagefolder, tmp_path / "x"),
    ]


def test_nothing_is_left_where_it_fails(tmp_path, colour):
    damaged = tmp_path / "damaged.gede"
    content = bytearray(colour[0].read_bytes())
    content[len(content) // 2] ^= 255
    damaged.write_bytes(content)
    for function, output in outputs(tmp_path):
        with pytest.raises(dreamlearning.CorruptFileError):
            function(damaged, output)
        assert names(tmp_path) == ["damaged.gede"]


def test_a_full_disk_leaves_nothing(tmp_path, digits_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for function, output in outputs(tmp_path):
        if function is dreamlearning.to_imagefolder:
            continue
        with pytest.raises(OSError, match="No space left") as caught:
            function(digits_path, output, indices=[0, 1])
        assert caught.value.filename in (str(output), str(output.parent))
        assert names(tmp_path) == []


def test_existing_files_are_replaced_only_when_asked(tmp_path, digits_path):
    for function, output in outputs(tmp_path)[:3]:
        output.write_text("precious")
        with pytest.raises(FileExistsError, match="overwrite"):
            function(digits_path, output)
        assert output.read_text() == "precious"
        function(digits_path, output, indices=[0], overwrite=True)
        assert output.read_bytes()[:8] != b"precious"
    with pytest.raises(FileNotFoundError):
        dreamlearning.to_parquet(digits_path, tmp_path / "no" / "x.parquet")
    with pytest.raises(FileNotFoundError):
        dreamlearning.to_webdataset(digits_path, tmp_path / "no" / "such" / "x-{0..}.tar")


def test_shards_do_not_mix_with_others(tmp_path, digits_path):
    pattern = tmp_path / "x-{000..}.tar"
    dreamlearning.to_webdataset(digits_path, pattern, 2, indices=range(5))
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert len(before) == 3
    with pytest.raises(FileExistsError, match="overwrite"):
        dreamlearning.to_webdataset(digits_path, pattern, 2, indices=range(5))
    with pytest.raises(FileExistsError, match="one of the new shards"):
        dreamlearning.to_webdataset(digits_path, pattern, 2, indices=range(4), overwrite=True)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
    dreamlearning.to_webdataset(digits_path, pattern, 2, indices=range(6), overwrite=True)
    assert {p.name for p in tmp_path.iterdir()} == set(before)
    assert dreamlearning.from_webdataset(tmp_path / "x-*.tar").num_samples == 6


@pytest.mark.parametrize("name", ["x-{000..003}.tar", "x-{a,b}.tar", "x-%d.tar", "x-{00..}-{00..}.tar"])
def test_patterns_of_another_form(tmp_path, digits_path, name):
    with pytest.raises(ValueError, match="pattern"):
        dreamlearning.to_webdataset(digits_path, tmp_path / name)
    assert names(tmp_path) == []


def test_wrong_arguments(tmp_path, digits_path):
    with pytest.raises(ValueError, match="digits"):
        dreamlearning.to_webdataset(digits_path, tmp_path / "x-{0..}.tar", 100)
    with pytest.raises(ValueError, match="at least 1"):
        dreamlearning.to_webdataset(digits_path, tmp_path / "x-{0..}.tar", 0)
    with pytest.raises(ValueError, match="no shards"):
        dreamlearning.to_webdataset(digits_path, tmp_path / "x.tar", 10)
    with pytest.raises(ValueError, match=r"\.parquet"):
        dreamlearning.to_parquet(digits_path, tmp_path / "o.xyz")
    with pytest.raises(ValueError, match=r"\.npz or \.npy"):
        dreamlearning.to_numpy(digits_path, tmp_path / "x.parquet")
    assert names(tmp_path) == []


def test_labels_that_are_no_classes(tmp_path, hugging_face):
    images = KINDS["grey"][:4]
    for labels, classes, written in [
        ([0, 1, 2, 0], ["a", "b"], None),  # 2 has no name
        ([-1, 1, 0, 1], ["a", "b"], ["a", "b"]),  # -1: unknown, as the library has it
        ([0, 1, 2, 0], ["crane", "b", "crane"], ["0_crane", "1_b", "2_crane"]),
        ([0.5, 1, 2, 0], ["a", "b", "c"], None),
    ]:
        source = Source("s", images, {"label": np.array(labels)}, classes=classes)
        dreamlearning.compress(source, tmp_path / "s.gede", overwrite=True).close()
        dreamlearning.to_parquet(tmp_path / "s.gede", tmp_path / "s.parquet", overwrite=True)
        read = dreamlearning.from_hf(tmp_path / "s.parquet")
        assert read.classes == written
        assert read.fields["label"].tolist() == labels
        dreamlearning.to_webdataset(tmp_path / "s.gede", tmp_path / "s.tar", overwrite=True)
        assert dreamlearning.from_webdataset(tmp_path / "s.tar").fields["label"].tolist() == labels


def test_memory_stays_bounded(tmp_path, run_python, peak_memory):
    """A file of 200 MB goes out through far less memory."""
    images = np.broadcast_to(np.arange(100, dtype=np.uint8)[:, None, None, None], (100, 700, 950, 3))
    dreamlearning.compress(images, tmp_path / "big.gede", preset="raw").close()
    for function, output in (("to_parquet", ".parquet"), ("to_webdataset", "-{0..}.tar")):
        done = run_python(
            f"import os, sys, dreamlearning\n{peak_memory}\nos.chdir(sys.argv[2])\n"
            f"file = dreamlearning.open(sys.argv[1], reading='pread')\n"
            f"dreamlearning.{function}(file, 'y{output}', indices=[0])\n"
            "before = peak()\n"
            f"dreamlearning.{function}(file, 'x{output}')\n"
            "print(peak() - before)",
            tmp_path / "big.gede",
            tmp_path,
        )
        assert done.stderr == ""
        assert int(done.stdout) < 90_000


def test_json_is_what_json_holds(tmp_path):
    fields = {
        "nan": np.array([np.nan, np.inf]),
        "big": np.array([2**63, 1], np.uint64),
        "yes": np.array([True, False]),
    }
    dreamlearning.compress({"image": KINDS["grey"][:2], **fields}, tmp_path / "f.gede").close()
    dreamlearning.to_webdataset(tmp_path / "f.gede", tmp_path / "f.tar")
    read = dreamlearning.from_webdataset(tmp_path / "f.tar").fields
    for name, values in fields.items():
        assert read[name].dtype == values.dtype
        assert np.array_equal(read[name], values, equal_nan=name == "nan")
    with tarfile.open(tmp_path / "f.tar") as archive:
        values = json.load(io.TextIOWrapper(archive.extractfile("1.json")))
    assert values == {"nan": np.inf, "big": 1, "yes": False}

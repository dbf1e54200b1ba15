"""Promise: every kind of source arrives whole, in order, with its labels, and in bounded memory."""

import pickle
import zipfile

import dreamlearning
import numpy as np
import pytest
import torch
from dreamlearning.sources import Source, resolve
from PIL import Image


def everything(source, folder=None):
    resolved = resolve(source, spool_folder=folder)
    return resolved, resolved.read(0, resolved.num_samples)


IMAGES = np.random.default_rng(0).integers(0, 256, (30, 5, 4, 3), np.uint8)
LABELS = np.random.default_rng(1).integers(0, 3, 30)


@pytest.mark.parametrize(
    "samples",
    [
        IMAGES,
        np.asfortranarray(IMAGES),
        IMAGES[::-1],
        IMAGES.astype(">u2"),
        IMAGES.astype(">f8").transpose(0, 3, 1, 2),
        np.arange(9),
        np.zeros((0, 3), ">i4"),
    ],
    ids=["plain", "fortran", "reversed", "big-endian", "transposed", "one axis", "empty"],
)
@pytest.mark.parametrize("kind", ["array", "npy", "npz", "npz compressed"])
def test_arrays_in_memory_and_in_files(tmp_path, samples, kind):
    source = samples
    if kind == "npy":
        source = tmp_path / "a.npy"
        np.save(source, samples)
    elif kind.startswith("npz"):
        source = tmp_path / "a.npz"
        (np.savez if kind == "npz" else np.savez_compressed)(source, samples)
    with dreamlearning.compress(source, tmp_path / "a.gede") as file:
        assert file.dtype == samples.dtype.newbyteorder("<")
        assert np.array_equal(file[:], samples)
        assert file.labels is None


def test_a_plain_npy_is_read_where_it_lies(tmp_path):
    np.save(tmp_path / "a.npy", IMAGES)
    resolved = resolve(tmp_path / "a.npy")
    assert not isinstance(resolved.samples(), np.ndarray)
    assert np.array_equal(resolved.read(3, 9), IMAGES[3:9])
    assert [start for start, _ in resolved.batches(600)] == list(range(0, 30, 10))


@pytest.mark.parametrize(
    "kind", [np.asarray, torch.from_numpy, lambda a: a.tolist(), lambda a: a.astype(">i4")]
)
def test_samples_and_labels(kind):
    resolved, images = everything((torch.from_numpy(IMAGES), kind(LABELS)))
    assert np.array_equal(images, IMAGES)
    assert np.array_equal(resolved.fields["label"], LABELS)


@pytest.mark.parametrize(
    ("labels", "dtype"),
    [
        ([0, 255], "uint8"),
        ([0, 256], "uint16"),
        ([-1, 127], "int8"),
        ([2**40, 1], "uint64"),
        ([True, False], "bool"),
    ],
)
def test_python_labels_take_the_smallest_dtype(labels, dtype):
    assert resolve((IMAGES[:2], labels)).fields["label"].dtype == dtype


@pytest.mark.parametrize("dtype", ["int64", "uint8", "float32"])
def test_label_arrays_keep_their_dtype(dtype):
    assert resolve((IMAGES, LABELS.astype(dtype))).fields["label"].dtype == dtype


def test_labels_of_any_shape():
    boxes = np.arange(120.0).reshape(30, 2, 2)
    assert np.array_equal(resolve((IMAGES, boxes)).fields["label"], boxes)
    assert np.array_equal(resolve((IMAGES, list(boxes))).fields["label"], boxes)


@pytest.mark.parametrize("as_file", [False, True])
@pytest.mark.parametrize("names", [("image", "label"), ("X", "y"), ("data", "targets"), ("pixels", "labels")])
def test_named_arrays(tmp_path, names, as_file):
    sample, label = names
    arrays = {
        label: LABELS,
        "weight": np.ones(30, np.float32),
        sample: IMAGES,
        "classes": np.array(["a", "b", "c"]),
    }
    if sample == "pixels":
        del arrays["weight"]  # the first that is not called like labels is the sample
    if as_file:
        np.savez(tmp_path / "a.npz", **arrays)
    resolved, images = everything(tmp_path / "a.npz" if as_file else arrays)
    assert np.array_equal(images, IMAGES)
    assert np.array_equal(resolved.fields["label"], LABELS)
    assert resolved.classes == ["a", "b", "c"]
    assert set(resolved.fields) == {"label", "weight"} - ({"weight"} if sample == "pixels" else set())


class Items:
    """A map-style data set of whatever items it is given."""

    def __init__(self, items, classes=None):
        self.items = items
        if classes:
            self.classes = classes

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


@pytest.mark.parametrize("kind", [lambda a: a, Image.fromarray, torch.from_numpy, lambda a: a.tolist()])
def test_map_style_data_sets(tmp_path, kind):
    data = Items([(kind(a), int(c)) for a, c in zip(IMAGES, LABELS, strict=True)], ["x", "y", "z"])
    with dreamlearning.compress(data, tmp_path / "m.gede", preset="fast") as file:
        assert np.array_equal(file[:], IMAGES)
        assert np.array_equal(file.labels, LABELS)
        assert file.labels.dtype == np.uint8
        assert file.classes == ["x", "y", "z"]
    assert [p.name for p in tmp_path.iterdir()] == ["m.gede"]


def test_map_style_without_labels():
    resolved, images = everything(Items(list(IMAGES)))
    assert np.array_equal(images, IMAGES)
    assert resolved.fields == {}


def test_torch_subset():
    whole = torch.utils.data.TensorDataset(torch.from_numpy(IMAGES), torch.from_numpy(LABELS))
    resolved, images = everything(torch.utils.data.Subset(whole, [4, 2, 9]))
    assert np.array_equal(images, IMAGES[[4, 2, 9]])
    assert resolved.fields["label"].tolist() == LABELS[[4, 2, 9]].tolist()


@pytest.fixture
def folder(tmp_path):
    """A folder of PNG files; class b has a sub-folder of its own."""
    root = tmp_path / "images"
    for i, (pixels, name) in enumerate(zip(IMAGES, ["b", "a", "b/deep"] * 10, strict=True)):
        (root / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / name / f"{i:02}.png")
    (root / "a" / "notes.txt").write_text("not an image")
    return root


def test_image_folders_come_in_torchvisions_order(tmp_path, folder):
    from torchvision.datasets import ImageFolder

    expected = ImageFolder(folder)
    with dreamlearning.compress(f"imagefolder:{folder}", tmp_path / "i.gede") as file:
        assert file.classes == expected.classes == ["a", "b"]
        assert file.labels.tolist() == expected.targets
        assert np.array_equal(file[:], np.stack([np.asarray(image) for image, _ in expected]))
        assert str(tmp_path) not in str(file.info()["metadata"])


@pytest.mark.parametrize(
    ("mode", "dtype"), [("1", "bool"), ("L", "uint8"), ("I;16", "uint16"), ("RGBA", "uint8")]
)
def test_image_modes(tmp_path, mode, dtype):
    (tmp_path / "images" / "only").mkdir(parents=True)
    image = Image.fromarray(np.arange(20, dtype=np.uint8).reshape(4, 5) * 12).convert("L")
    image = (
        Image.fromarray(np.asarray(image).astype(np.uint16) * 200) if mode == "I;16" else image.convert(mode)
    )
    image.save(tmp_path / "images" / "only" / "0.png")
    _, images = everything(f"imagefolder:{tmp_path / 'images'}")
    assert images.dtype == dtype
    assert np.array_equal(images[0], np.asarray(image))


def test_sklearn(digits):
    resolved, images = everything("sklearn:digits")
    assert np.array_equal(images, digits[0])
    assert images.dtype == np.uint8
    assert np.array_equal(resolved.fields["label"], digits[1])
    assert resolved.classes == list("0123456789")


@pytest.mark.parametrize(
    ("name", "shape", "classes"),
    [
        ("iris", (150, 4), 3),
        ("wine", (178, 13), 3),
        ("breast_cancer", (569, 30), 2),
        ("diabetes", (442, 10), None),
    ],
)
def test_sklearn_tables(tmp_path, name, shape, classes):
    resolved, table = everything(f"sklearn:{name}")
    assert table.shape == shape
    assert table.dtype == np.float64
    assert (None if resolved.classes is None else len(resolved.classes)) == classes
    with dreamlearning.compress(f"sklearn:{name}", tmp_path / "t.gede", metadata={"by": "me"}) as file:
        assert file.info()["preset"] == "paper"
        assert file.info()["exact"] is True
        assert file[:].tobytes() == table.tobytes()
        assert len(file.metadata["feature_names"]) == shape[1]
        assert file.metadata["by"] == "me"


def _write_cifar(root, images, labels):
    """The files torchvision.datasets.CIFAR10 reads."""
    base = root / "cifar-10-batches-py"
    base.mkdir(parents=True)
    rows = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    for name in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]:
        (base / name).write_bytes(pickle.dumps({"data": rows, "labels": labels.tolist()}))
    names = ["plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    (base / "batches.meta").write_bytes(pickle.dumps({"label_names": names}))


def test_torchvision_arrays(tmp_path, monkeypatch):
    from torchvision import datasets

    monkeypatch.setattr(datasets.CIFAR10, "_check_integrity", lambda self: True)
    monkeypatch.setattr(datasets.cifar, "check_integrity", lambda *a: True)
    images = np.random.default_rng(2).integers(0, 256, (6, 32, 32, 3), np.uint8)
    _write_cifar(tmp_path, images, np.arange(6))
    for split, copies in (("train", 5), ("test", 1)):
        resolved, samples = everything(f"torchvision:CIFAR10?root={tmp_path}&split={split}")
        assert np.array_equal(samples, np.concatenate([images] * copies))
        assert resolved.fields["label"].tolist() == list(range(6)) * copies
        assert resolved.fields["label"].dtype == np.uint8
        assert resolved.classes[:2] == ["plane", "car"]
        assert str(tmp_path) not in resolved.name


def test_torchvision_channels_first(tmp_path, monkeypatch):
    from scipy.io import savemat
    from torchvision import datasets

    images = np.random.default_rng(3).integers(0, 256, (7, 32, 32, 3), np.uint8)
    savemat(tmp_path / "test_32x32.mat", {"X": images.transpose(1, 2, 3, 0), "y": np.arange(1, 8)[:, None]})
    monkeypatch.setattr(datasets.SVHN, "_check_integrity", lambda self: True)
    resolved, samples = everything(f"torchvision:SVHN?root={tmp_path}&split=test")
    assert np.array_equal(samples, images)
    assert resolved.fields["label"].tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_torchvision_item_by_item():
    resolved, samples = everything("torchvision:FakeData?size=4&num_classes=3&random_offset=1")
    assert samples.shape == (4, 224, 224, 3)
    assert resolved.fields["label"].shape == (4,)


def test_a_file_is_a_source_too(tmp_path, colour):
    path, images, labels = colour
    for source in (path, dreamlearning.open(path)):
        with dreamlearning.compress(
            source, tmp_path / "b.gede", overwrite=True, partition_by="label"
        ) as file:
            assert np.array_equal(file[:], images)
            assert np.array_equal(file.labels, labels)
            assert file.classes == ["ant", "bee", "cat"]
            assert [p["name"] for p in file.partitions] == ["ant", "bee", "cat"]


def test_a_source_object_is_taken_as_it_is():
    source = Source("mine", IMAGES)
    assert resolve(source) is source


def test_npz_members_are_streamed(tmp_path, run_python, peak_memory):
    """A 400 MB member passes through far less memory."""
    with (
        zipfile.ZipFile(tmp_path / "big.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("X.npy", "w", force_zip64=True) as member,
    ):
        header = {"descr": "|u1", "fortran_order": False, "shape": (100, 2000, 2000)}
        np.lib.format.write_array_header_1_0(member, header)
        for i in range(100):
            member.write(bytes([i]) * 4_000_000)
    done = run_python(
        f"import sys, dreamlearning.sources as s\n{peak_memory}\n"
        "before = peak()\n"
        "source = s.resolve(sys.argv[1], spool_folder=sys.argv[2])\n"
        "print(source.read(99, 100).min(), peak() - before)",
        tmp_path / "big.npz",
        tmp_path,
    )
    value, kilobytes = map(int, done.stdout.split())
    assert value == 99
    assert kilobytes < 120_000


def test_from_numpy(tmp_path):
    fields = {"weight": np.ones(30, np.float32), "box": [[1, 2]] * 30}
    source = dreamlearning.from_numpy(IMAGES, LABELS.tolist(), fields, ["x", "y", "z"])
    with dreamlearning.compress(source, tmp_path / "a.gede") as file:
        assert np.array_equal(file[:], IMAGES)
        assert np.array_equal(file.labels, LABELS)
        assert file.labels.dtype == np.uint8
        assert file.field("weight").dtype == np.float32
        assert file.field("box").tolist() == [[1, 2]] * 30
        assert file.classes == ["x", "y", "z"]
    ragged = [IMAGES[0], IMAGES[1, :3]]
    source = dreamlearning.from_numpy(ragged, spool_folder=tmp_path)
    assert source.shape == (None, None, 3)
    assert all(np.array_equal(a, b) for a, b in zip(source.read(0, 2), ragged, strict=True))
    for options, word in [
        ({"labels": [0] * 29}, "29 values for 30 samples"),
        ({"labels": LABELS, "fields": {"label": LABELS}}, "twice"),
        ({"labels": ["cat"] * 30}, "dtype"),
        ({"fields": {"": LABELS}}, "name"),
    ]:
        with pytest.raises(dreamlearning.SourceError, match=word):
            dreamlearning.from_numpy(IMAGES, **options)


def test_from_dataset():
    seen = []
    items = Items([(image, int(label)) for image, label in zip(IMAGES, LABELS, strict=True)], ["x", "y", "z"])
    source = dreamlearning.from_dataset(items, "mine", on_read=lambda done, total: seen.append((done, total)))
    assert (source.name, source.classes, seen[-1]) == ("mine", ["x", "y", "z"], (30, 30))
    assert np.array_equal(source.read(0, 30), IMAGES)
    assert dreamlearning.from_dataset(items).name == "Items"
    with pytest.raises(dreamlearning.SourceError, match="no map-style data set"):
        dreamlearning.from_dataset(iter([]))


def test_from_imagefolder(folder):
    source, images = everything(dreamlearning.from_imagefolder(folder))
    assert np.array_equal(images, everything(f"imagefolder:{folder}")[1])
    assert source.classes == ["a", "b"]
    assert dreamlearning.from_imagefolder(folder, "L").shape == (5, 4)
    with pytest.raises(dreamlearning.SourceError, match="HSV"):
        dreamlearning.from_imagefolder(folder, mode="HSV")


def test_from_torchvision(tmp_path, monkeypatch):
    from torchvision import datasets

    monkeypatch.setattr(datasets.CIFAR10, "_check_integrity", lambda self: True)
    monkeypatch.setattr(datasets.cifar, "check_integrity", lambda *a: True)
    images = np.random.default_rng(2).integers(0, 256, (6, 32, 32, 3), np.uint8)
    _write_cifar(tmp_path, images, np.arange(6))
    for source, copies in (
        (dreamlearning.from_torchvision("CIFAR10", tmp_path), 5),
        (dreamlearning.from_torchvision("CIFAR10", tmp_path, "test"), 1),
        (dreamlearning.from_torchvision(datasets.CIFAR10(tmp_path, train=False)), 1),
    ):
        assert np.array_equal(source.read(0, 6 * copies), np.concatenate([images] * copies))
        assert source.fields["label"].tolist() == list(range(6)) * copies
        assert source.classes[:2] == ["plane", "car"]
    assert dreamlearning.from_torchvision("FakeData", size=3, image_size=(3, 8, 8)).shape == (8, 8, 3)
    for arguments, options, word in [
        (("CIFAR",), {}, "did you mean"),
        (("CIFAR10",), {}, "root"),
        (("CIFAR10", tmp_path, "dev"), {}, "split=dev"),
        (("CIFAR10", tmp_path), {"train": True}, "say the same"),
        (("FakeData", None, "test"), {}, "split"),
        (("MNIST", tmp_path), {}, "download=True"),
        ((3,), {}, "no map-style data set"),
    ]:
        with pytest.raises(dreamlearning.SourceError, match=word):
            dreamlearning.from_torchvision(*arguments, **options)

"""Promise: bad input gets a clear exception of a documented class, and nothing is written."""

import os
import pickle

import dreamlearning
import numpy as np
import pytest
import torch
from dreamlearning import CorruptFileError, DreamlearningError, SourceError
from PIL import Image

IMAGES = np.zeros((10, 4, 4), np.uint8)


@pytest.fixture
def refused(tmp_path):
    """Compress something that must be refused; returns the message."""

    def run(source, error=SourceError, **options):
        with pytest.raises(error) as caught:
            dreamlearning.compress(source, tmp_path / "out.gede", **options)
        assert not [p for p in tmp_path.iterdir() if "out.gede" in p.name]
        return str(caught.value)

    return run


def test_source_errors_are_of_both_families():
    assert issubclass(SourceError, DreamlearningError)
    assert issubclass(SourceError, ValueError)


def test_label_count(refused):
    message = refused((IMAGES, [0] * 9))
    assert "9" in message
    assert "10" in message


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros((3, 2), np.complex128),
        np.array(["a", "b"]),
        np.array([{}, {}]),
        np.zeros(3, "M8[s]"),
        np.zeros(3, np.longdouble),
        torch.zeros(3, 2, dtype=torch.bfloat16),
    ],
    ids=str,
)
def test_dtypes_that_cannot_be_stored(refused, samples):
    message = refused(samples)
    assert any(name in message for name in ("dtype", "objects", "not an array"))


@pytest.mark.parametrize(
    "source", [np.float32(3), 3, None, object(), (IMAGES,), (IMAGES, [0], [0])], ids=repr
)
def test_things_that_are_no_source(refused, source):
    refused(source)


@pytest.mark.parametrize("name", ["a\0b", ""])
def test_field_names(refused, name):
    assert "name" in refused({"samples": IMAGES, name: np.zeros(10)})


def test_ragged_lists(refused):
    assert "sample 1" in refused([np.zeros((2, 2)), np.zeros((3, 2))])


def test_items_that_differ_name_their_index(refused):
    items = [(np.zeros((2, 2), np.uint8), 0)] * 5
    for bad, words in (
        ((np.zeros((3, 2, 3), np.uint8), 0), ["(3, 2, 3)", "(2, 2)"]),
        ((np.zeros((0, 2), np.uint8), 0), ["(0, 2)", "(2, 2)"]),
        ((np.zeros((2, 2), np.int16), 0), ["int16", "uint8"]),
        ((np.zeros((2, 2), np.uint8), "cat"), ["str"]),
        ((np.zeros((2, 2), np.uint8), None), ["NoneType"]),
        ((np.zeros((2, 2), np.uint8), [0, 1]), ["(2,)"]),
        (np.zeros((2, 2), np.uint8), ["label"]),
        ((1, 2, 3), ["3 values"]),
        ({"image": 1}, ["dict"]),
    ):
        message = refused([*items, bad])
        assert "sample 5" in message
        assert all(word in message for word in words)
    assert "no samples" in refused([])


def _images(root, **files):
    for name, image in files.items():
        folder = root / "images" / name[0]
        folder.mkdir(parents=True, exist_ok=True)
        if isinstance(image, bytes):
            (folder / f"{name}.png").write_bytes(image)
        else:
            image.save(folder / f"{name}.png")
    return f"imagefolder:{root / 'images'}"


def test_image_folders(tmp_path, refused):
    grey, colour = Image.new("L", (4, 3)), Image.new("RGB", (4, 3))
    source = _images(tmp_path, a0=colour, b0=colour, b1=grey)
    message = refused(source)
    assert "b1.png" in message
    assert "mode L" in message
    assert "mode RGB" in message
    assert f"{source}?mode=RGB" in message
    assert "HSV" in refused(f"{source}?mode=HSV")
    deep = Image.fromarray(np.full((3, 4), 999, np.uint16))
    _images(tmp_path, b1=deep)
    assert "b1.png" in refused(f"{source}?mode=RGB")
    assert "b1.png" in refused(_images(tmp_path, b1=b"not an image"))
    noise = Image.effect_noise((64, 64), 50)
    noise.save(tmp_path / "noise.png")
    assert "b1.png" in refused(_images(tmp_path, b1=(tmp_path / "noise.png").read_bytes()[:-100]))
    assert "mode P" in refused(_images(tmp_path, a0=Image.new("P", (4, 3))))
    (tmp_path / "images" / "empty").mkdir()
    assert "empty" in refused(source)
    (tmp_path / "flat").mkdir()
    assert "sub-folder" in refused(f"imagefolder:{tmp_path / 'flat'}")
    assert "nowhere" in refused(f"imagefolder:{tmp_path / 'nowhere'}")


def test_numpy_files(tmp_path, refused):
    np.save(tmp_path / "a.npy", IMAGES)
    whole = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "short.npy").write_bytes(whole[:-1])
    (tmp_path / "header.npy").write_bytes(whole[:40])
    (tmp_path / "text.npy").write_text("hello")
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "z.npz", X=IMAGES, y=np.zeros(9))
    (tmp_path / "short.npz").write_bytes((tmp_path / "z.npz").read_bytes()[:-30])
    np.savez(tmp_path / "objects.npz", X=np.array([{}], dtype=object))
    np.savez(tmp_path / "scalar.npz", X=3.0)
    damaged = bytearray((tmp_path / "z.npz").read_bytes())
    damaged[200] ^= 1  # inside the samples: the archive's checksum notices
    (tmp_path / "damaged.npz").write_bytes(damaged)
    (tmp_path / "empty.npz").write_bytes(b"PK\5\6" + bytes(18))
    for name, word in {
        "short.npy": "cut short",
        "header.npy": "header.npy",
        "text.npy": "text.npy",
        "objects.npy": "objects",
        "z.npz": "'y'",
        "short.npz": "short.npz",
        "objects.npz": "objects",
        "scalar.npz": "'X'",
        "damaged.npz": "damaged.npz",
        "empty.npz": "no arrays",
        "missing.npy": "no such file",
    }.items():
        assert word in refused(str(tmp_path / name)), name


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("data.tsv", "known SOURCE"),
        ("", "known SOURCE"),
        ("ftp:there", "known SOURCE"),
        (".", "imagefolder:"),
        ("sklearn:covtype", "iris"),
        ("torchvision:CIFAR11?root=x", "CIFAR10"),
        ("torchvision:CIFAR10", "root"),
        ("torchvision:CIFAR10?root=x&split=validation", "split"),
        ("torchvision:CIFAR10?root=x&colour=red", "colour"),
        ("torchvision:CIFAR10?root", "root=DIR"),
        ("torchvision:CIFAR10?root=x&split=test&split=train", "twice"),
        ("torchvision:CIFAR10?root=x&split=test&train=true", "split and train"),
        ("imagefolder:", "imagefolder:DIR"),
        ("torchvision:CIFAR10?root=/nowhere", "download"),
        ("torchvision:MNIST?root=/nowhere&split=test", "download"),
    ],
)
def test_source_strings(refused, source, word):
    assert word in refused(source)


@pytest.mark.parametrize("field", ["label", "score", "box", "nothing"])
def test_partition_by_lists_the_integer_fields(refused, field):
    arrays = {
        "image": IMAGES,
        "score": np.zeros(10),
        "box": np.zeros((10, 4), int),
        "group": np.zeros(10, int),
    }
    message = refused(arrays, partition_by=field)
    assert field in message
    assert "integer fields: group" in message


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"preset": "best"}, ValueError),
        ({"num_threads": -1}, ValueError),
        ({"num_threads": 1.5}, TypeError),
        ({"num_threads": 2**40}, ValueError),
        ({"partition_by": 3}, TypeError),
        ({"exact": "no"}, TypeError),
        ({"tau": -1}, ValueError),
        ({"tau": 2**64}, ValueError),
        ({"metadata": [1]}, TypeError),
        ({"metadata": {"a": object()}}, TypeError),
        ({"metadata": {"a": float("nan")}}, ValueError),
    ],
    ids=str,
)
def test_wrong_arguments(refused, options, error):
    refused(IMAGES, error, **options)


def test_the_output_is_checked_before_the_source_is_read(tmp_path):
    class Untouchable:
        def __len__(self):
            raise AssertionError("the source was read")

        __getitem__ = __len__

    (tmp_path / "there.gede").write_text("precious")
    with pytest.raises(FileExistsError, match=r"overwrite.*there\.gede"):
        dreamlearning.compress(Untouchable(), tmp_path / "there.gede")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        dreamlearning.compress(Untouchable(), tmp_path / "nowhere" / "x.gede")
    with pytest.raises(IsADirectoryError):
        dreamlearning.compress(Untouchable(), tmp_path, overwrite=True)
    assert (tmp_path / "there.gede").read_text() == "precious"


def test_more_samples_than_a_file_holds(tmp_path, refused):
    """Found from the header, before 4 GiB are copied anywhere."""
    with (tmp_path / "many.npy").open("wb") as stream:
        header = {"descr": "|u1", "fortran_order": False, "shape": (2**32, 1)}
        np.lib.format.write_array_header_1_0(stream, header)
        stream.truncate(stream.tell() + 2**32)
    message = refused(str(tmp_path / "many.npy"))
    assert "4,294,967,296 samples" in message
    assert "at most 4,294,967,295" in message


@pytest.mark.timeout(20)
def test_pipes_and_devices(tmp_path, digits_file):
    """Nothing waits for a pipe nobody writes to; nothing replaces a device."""
    pipe = tmp_path / "pipe.npy"
    os.mkfifo(pipe)
    with pytest.raises(SourceError, match="pipe"):
        dreamlearning.compress(str(pipe), tmp_path / "out.gede")
    with pytest.raises(ValueError, match="regular file"):
        dreamlearning.open(pipe)
    for output in (pipe, "/dev/null"):
        with pytest.raises(ValueError, match="device or a pipe"):
            dreamlearning.compress(IMAGES, output, overwrite=True)
    folder = tmp_path / "images" / "a"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "0.png")
    with pytest.raises(SourceError, match=r"0\.png.*regular"):
        dreamlearning.compress(f"imagefolder:{tmp_path / 'images'}", tmp_path / "out.gede")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "pipe.npy"]


def test_the_output_is_not_the_source(tmp_path):
    np.save(tmp_path / "a.npy", IMAGES)
    before = (tmp_path / "a.npy").read_bytes()
    with pytest.raises(ValueError, match="is the source"):
        dreamlearning.compress(str(tmp_path / "a.npy"), tmp_path / "a.npy", overwrite=True)
    assert (tmp_path / "a.npy").read_bytes() == before
    dreamlearning.compress(IMAGES, tmp_path / "a.gede").close()  # a .gede file may be written anew
    with dreamlearning.compress(tmp_path / "a.gede", tmp_path / "a.gede", overwrite=True) as file:
        assert np.array_equal(file[:], IMAGES)


def test_links(tmp_path):
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "real.gede", tmp_path / "link.gede"
    dreamlearning.compress(IMAGES, target).close()
    link.symlink_to(target)
    with dreamlearning.compress(IMAGES + 1, link, overwrite=True) as file:
        assert (file[:] == 1).all()
    assert link.is_symlink()
    with dreamlearning.open(target) as file:
        assert (file[:] == 1).all()
    link.unlink()
    link.symlink_to(tmp_path / "gone" / "x.gede")
    with pytest.raises(FileExistsError):
        dreamlearning.compress(IMAGES, link)
    with pytest.raises(ValueError, match="link that leads nowhere"):
        dreamlearning.compress(IMAGES, link, overwrite=True)


def test_a_link_that_goes_in_circles(tmp_path, refused):
    source = _images(tmp_path, a0=Image.new("L", (4, 3)), b0=Image.new("L", (4, 3)))
    (tmp_path / "images" / "a" / "again").symlink_to(tmp_path / "images")
    assert "again: a link to a folder that holds it" in refused(source)


def test_a_relabelled_file_is_noticed(tmp_path):
    """The samples are the same ones; the labels are not."""
    path = tmp_path / "r.gede"
    with dreamlearning.compress((IMAGES, [0] * 10), path) as file:
        text = pickle.dumps(file)
    dreamlearning.compress((IMAGES, [1] * 10), path, overwrite=True).close()
    with pytest.raises(DreamlearningError, match="replaced"):
        len(pickle.loads(text))


def test_a_long_name(tmp_path):
    name = "é" * 120 + ".gede"
    with dreamlearning.compress(IMAGES, tmp_path / name) as file:
        assert np.array_equal(file[:], IMAGES)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("reading", ["mmap", "pread"])
def test_a_file_cut_short_while_it_is_open(tmp_path, reading):
    path = tmp_path / "cut.gede"
    samples = np.random.default_rng(0).integers(0, 256, (300, 1000), np.uint8)
    dreamlearning.compress((samples, range(300)), path).close()
    with dreamlearning.open(path, reading=reading) as file:
        os.truncate(path, 4096)
        with pytest.raises(CorruptFileError, match=r"cut\.gede"):
            file[:]
        with pytest.raises(CorruptFileError, match=r"cut\.gede"):
            file.labels  # noqa: B018


def test_opening(tmp_path):
    with pytest.raises(ValueError, match="empty"):
        dreamlearning.open("")
    with pytest.raises(FileNotFoundError, match=r"none\.gede"):
        dreamlearning.open(tmp_path / "none.gede")
    for content in (b"", b"x", b"hello, this is no such file" * 100):
        (tmp_path / "bad.gede").write_bytes(content)
        with pytest.raises(CorruptFileError, match=r"bad\.gede"):
            dreamlearning.open(tmp_path / "bad.gede")
    with pytest.raises(ValueError, match="telepathy"):
        dreamlearning.open(tmp_path / "bad.gede", reading="telepathy")


@pytest.mark.parametrize("index", [1797, -1798, 2**62, -(2**62), 2**64 - 1, 2**70, -(2**70)])
def test_indices_out_of_range(digits_file, index):
    with pytest.raises(IndexError):
        digits_file.decode(np.array([index]))
    with pytest.raises(IndexError):
        digits_file[index]


@pytest.mark.parametrize(
    ("indices", "error"),
    [
        ([0.0, 1.0], TypeError),
        (["a"], TypeError),
        ([[0, 1]], ValueError),
        (5, TypeError),
        (None, TypeError),
        ([True, False], IndexError),
        ([0, 2**64], IndexError),
        (torch.zeros(3), TypeError),
        (torch.tensor(3), TypeError),
    ],
    ids=str,
)
def test_things_that_are_no_indices(digits_file, indices, error):
    with pytest.raises(error):
        digits_file.decode(indices)


@pytest.mark.parametrize("index", [True, np.True_, "label", None, 1.5, (0, 1)], ids=repr)
def test_things_that_are_no_index(digits_file, index):
    with pytest.raises(TypeError):
        digits_file[index]


@pytest.mark.parametrize(("number", "error"), [(-1, ValueError), (2**16, ValueError), (1.5, TypeError)])
def test_numbers_of_threads(digits_file, number, error):
    with pytest.raises(error):
        digits_file.decode([0], num_threads=number)
    with pytest.raises(error):
        digits_file.verify(num_threads=number)
    with pytest.raises(error):
        dreamlearning.CompressedDataset(digits_file.path, num_threads=number)


def test_beta(digits_file):
    with pytest.raises(ValueError, match="beta"):
        digits_file.condensed(beta=0)


@pytest.mark.parametrize(
    ("out", "error", "words"),
    [
        (np.empty((2, 8, 8), np.int8), TypeError, ["int8", "uint8"]),
        (torch.empty((2, 8, 8), dtype=torch.float32), TypeError, ["float32", "uint8"]),
        (torch.empty((2, 8, 8), dtype=torch.bfloat16), TypeError, ["bfloat16", "uint8"]),
        ([0] * 128, TypeError, ["list"]),
        (np.empty((3, 8, 8), np.uint8), ValueError, ["(3, 8, 8)", "(2, 8, 8)"]),
        (np.empty((2, 64), np.uint8), ValueError, ["(2, 64)", "(2, 8, 8)"]),
        (np.empty((2, 8, 8), np.uint8, "F"), ValueError, ["contiguous"]),
        (torch.empty((8, 8, 2), dtype=torch.uint8).permute(2, 0, 1), ValueError, ["contiguous"]),
        (np.broadcast_to(np.uint8(0), (2, 8, 8)), ValueError, ["contiguous"]),
        (np.frombuffer(bytes(128), np.uint8).reshape(2, 8, 8), ValueError, ["read-only"]),
        (torch.empty((2, 8, 8), dtype=torch.uint8, device="meta"), TypeError, ["meta", "CPU"]),
        (torch.zeros((2, 8, 8), dtype=torch.uint8).to_sparse(), TypeError, ["dense", "uint8"]),
    ],
    ids=range(12),
)
def test_wrong_out(digits_file, out, error, words):
    with pytest.raises(error) as caught:
        digits_file.decode([0, 1], out=out)
    assert all(word in str(caught.value) for word in words)


def test_unknown_names(digits_file):
    with pytest.raises(KeyError, match="label"):
        digits_file.field("colour")
    with pytest.raises(KeyError, match="no partition"):
        digits_file.bases("ten")
    with pytest.raises(IndexError):
        digits_file.bases(10)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small file of two partitions, as (path, bytes, samples)."""
    path = tmp_path_factory.mktemp("small") / "small.gede"
    samples = np.random.default_rng(0).integers(0, 16, (24, 3, 3), np.uint8)
    dreamlearning.compress((samples, [0, 1] * 12), path, partition_by="label").close()
    return path, path.read_bytes(), samples


def test_every_truncation_is_noticed(tmp_path, small):
    _, whole, _ = small
    path = tmp_path / "cut.gede"
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(CorruptFileError, match=r"cut\.gede"):
            dreamlearning.open(path).verify()


def test_a_flipped_bit_is_noticed_or_harmless(tmp_path, small):
    _, whole, samples = small
    path = tmp_path / "flip.gede"
    messages = []
    for position in range(0, len(whole), 5):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << (position % 8)
        path.write_bytes(damaged)
        try:
            with dreamlearning.open(path) as file:
                file.verify()
                assert np.array_equal(file[:], samples)
                assert file.labels.tolist() == [0, 1] * 12
        except DreamlearningError as error:
            messages.append(str(error))
    assert len(messages) > len(whole) / 5 / 3
    assert all("flip.gede" in message for message in messages)

"""Promise: data sets of Hugging Face and WebDataset arrive whole; what is wrong is an error that says so."""

import http.server
import io
import json
import pickle
import shutil
import tarfile
import threading

import dreamlearning
import numpy as np
import pytest
from dreamlearning import SourceError, from_hf, from_webdataset
from PIL import Image

RNG = np.random.default_rng(11)
IMAGES = RNG.integers(0, 256, (12, 5, 4, 3), np.uint8)
LABELS = [i % 3 for i in range(12)]


def png(pixels, **options):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", **options)
    return stream.getvalue()


# Hugging Face


@pytest.fixture
def made(hugging_face):
    """Make a ``Dataset`` of columns, with features for some of them."""

    def make(features=None, **columns):
        known = hugging_face.Dataset.from_dict(columns).features
        return hugging_face.Dataset.from_dict(
            columns, features=hugging_face.Features({**known, **(features or {})})
        )

    return make


@pytest.fixture
def pictures(made, hugging_face):
    return made(
        {
            "picture": hugging_face.Image(),
            "kind": hugging_face.ClassLabel(names=["x", "y", "z"]),
            "box": hugging_face.List(hugging_face.Value("int16"), length=2),
            "area": hugging_face.Value("float32"),
        },
        picture=[Image.fromarray(pixels) for pixels in IMAGES],
        kind=LABELS,
        box=[[i, -i] for i in range(12)],
        area=[i / 3 for i in range(12)],
        words=[[1] * (i % 3) for i in range(12)],
        caption=["a picture"] * 12,
        age=[None, 3] * 6,
    )


def check(source, order=slice(None)):
    assert np.array_equal(source.read(0, source.num_samples), IMAGES[order])
    assert source.fields["label"].tolist() == np.array(LABELS)[order].tolist()
    assert source.fields["label"].dtype == np.uint8
    assert source.classes == ["x", "y", "z"]
    assert source.fields["box"].tolist() == np.array([[i, -i] for i in range(12)])[order].tolist()
    assert source.fields["box"].dtype == np.int16
    assert np.array_equal(source.fields["area"], (np.arange(12)[order] / 3).astype(np.float32))
    assert set(source.fields) == {"label", "box", "area"}
    assert source.metadata["left_out"] == {
        "words": "lists of different lengths",
        "caption": "text",
        "age": "a value is missing",
    }


def test_in_memory_streamed_formatted_chosen(tmp_path, pictures, hugging_face):
    check(from_hf(pictures))
    check(from_hf(pictures.with_format("torch")))
    check(from_hf(pictures.to_iterable_dataset(num_shards=3)))
    check(from_hf(pictures.select([7, 2, 2])), [7, 2, 2])
    check(from_hf(hugging_face.DatasetDict(train=pictures.select([1]), test=pictures), split="test"))
    with dreamlearning.compress(pictures, tmp_path / "a.gede") as file:  # without from_hf, too
        assert np.array_equal(file[:], IMAGES)
        assert file.metadata["left_out"]["caption"] == "text"


def test_a_stream_that_does_not_know_its_columns(hugging_face):
    def rows():
        for i, pixels in enumerate(IMAGES):
            yield {"image": Image.fromarray(pixels), "label": LABELS[i], "weight": i / 2}

    seen = []
    stream = hugging_face.IterableDataset.from_generator(rows)
    assert stream.features is None
    source = from_hf(stream, on_read=lambda done, total: seen.append((done, total)))
    assert np.array_equal(source.read(0, 12), IMAGES)
    assert source.fields["label"].tolist() == LABELS
    assert source.fields["weight"].tolist() == [i / 2 for i in range(12)]
    assert seen[-1] == (12, None)


def test_saved_and_loaded_without_copies(tmp_path, pictures, hugging_face):
    pictures.save_to_disk(tmp_path / "saved")
    (tmp_path / "folder").mkdir()
    pictures.to_parquet(tmp_path / "folder" / "data.parquet")
    for i, pixels in enumerate(IMAGES):
        folder = tmp_path / "images" / "xyz"[LABELS[i]]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{i:02}.png")
    before = sorted(tmp_path.rglob("*"))
    check(from_hf(tmp_path / "saved"))
    check(from_hf(tmp_path / "folder", split="train"))
    check(dreamlearning.sources.resolve(f"hf:{tmp_path}/folder/data.parquet?image=picture&label=kind"))
    source = from_hf(tmp_path / "images")
    order = np.argsort(LABELS, kind="stable")
    assert np.array_equal(source.read(0, 12), IMAGES[order])
    assert source.fields["label"].tolist() == sorted(LABELS)
    assert source.name == "hf:images"
    assert sorted(tmp_path.rglob("*")) == before


def test_columns_by_name(pictures):
    source = from_hf(pictures, image="box", label="area")
    assert source.read(0, 12).tolist() == [[i, -i] for i in range(12)]
    assert source.fields["label"].dtype == np.float32
    assert source.classes is None
    assert from_hf(pictures, label="").fields.keys() == {"kind", "box", "area"}


def test_tables_and_arrays(made, hugging_face):
    values = RNG.normal(size=(9, 2, 3)).astype(np.float32)
    ragged = [RNG.integers(0, 256, (2 + i, 3, 3), np.uint8) for i in range(9)]
    for feature, samples in [
        (hugging_face.Array2D((2, 3), "float32"), values),
        (hugging_face.List(hugging_face.List(hugging_face.Value("float32"))), values),
        (hugging_face.Array3D((None, 3, 3), "uint8"), ragged),
    ]:
        data = made({"x": feature}, x=[sample.tolist() for sample in samples], y=list(range(9)))
        for each in (data, data.to_iterable_dataset()):
            source = from_hf(each)
            read = source.read(0, 9)
            assert all(
                np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(read, samples, strict=True)
            )
            assert source.fields["label"].tolist() == list(range(9))


def test_images_are_what_the_library_hands_out(made, hugging_face):
    turned = Image.Exif()
    turned[0x0112] = 6
    palette = Image.fromarray(IMAGES[1]).quantize(4)
    stream = io.BytesIO()
    palette.save(stream, "PNG")
    rows = [png(IMAGES[0], exif=turned), stream.getvalue(), png(IMAGES[2][..., 0])]
    data = made({"image": hugging_face.Image(mode="RGB")}, image=[{"bytes": r, "path": None} for r in rows])
    source = from_hf(data)
    for i, image in enumerate(data["image"]):
        assert np.array_equal(source.read(i, i + 1)[0], np.asarray(image))
    assert source.shape == (None, None, 3)


@pytest.mark.parametrize(
    ("columns", "options", "words"),
    [
        ({"image": [Image.new("L", (3, 3))]}, {"image": "photo"}, ["no column 'photo'", "image="]),
        ({"image": [Image.new("L", (3, 3))]}, {"label": "kind"}, ["no column 'kind'", "label="]),
        ({"a": [[1.0]], "b": [[2.0]]}, {}, ["a, b may each be the samples", "image="]),
        ({"caption": ["a"]}, {}, ["no column of images or arrays"]),
        ({"x": [[1.0]], "i": [1], "j": [2]}, {}, ["i, j may each be the label", 'label=""']),
        ({"x": [[1.0]], "label": ["cat"]}, {}, ["holds text", 'class_encode_column("label")']),
        ({"x": [[1.0]], "caption": ["cat"]}, {"label": "caption"}, ["holds text"]),
        ({"x": [[1.0]], "caption": ["cat"]}, {"image": "caption"}, ["holds text"]),
        ({"x": [[1.0], [1.0]], "label": [1, None]}, {}, ["sample 1", "label", "missing"]),
        ({"x": [[1.0], None]}, {}, ["sample 1", "missing"]),
        ({"x": [[1.0], [None]]}, {}, ["sample 1", "missing"]),
        ({"x": [[1.0], [1.0, 2.0]]}, {}, ["sample 1", "(2,)", "(1,)"]),
        ({"image": [Image.new("L", (3, 3)), None]}, {}, ["sample 1", "has no image"]),
        (
            {"image": [Image.new("L", (3, 3)), Image.new("RGB", (3, 3))]},
            {},
            ["sample 1", "mode RGB", "mode="],
        ),
        ({"image": [Image.new("L", (3, 3))]}, {"mode": "CMYK"}, ["CMYK"]),
        ({"image": []}, {"image": "image"}, ["image"]),
        ({"x": [[1.0]]}, {"split": "train"}, ["split"]),
        ({"x": [[1.0]]}, {"config": "plain"}, ["config"]),
    ],
    ids=lambda value: " ".join(map(str, value))[:60],
)
def test_what_is_wrong_with_a_data_set(hugging_face, columns, options, words):
    with pytest.raises(SourceError) as caught:
        from_hf(hugging_face.Dataset.from_dict(columns), **options)
    for word in words:
        assert word in str(caught.value)


def test_damaged_and_deep_images(made, hugging_face, tmp_path):
    import imagecodecs

    deep = imagecodecs.png_encode(np.full((4, 4, 3), 999, np.uint16))
    for bad, word in (
        (png(IMAGES[1])[:-40], "cannot be read"),
        (deep, "16 bits"),
        (b"GIF89a", "cannot be read"),
    ):
        rows = [{"bytes": row, "path": None} for row in (png(IMAGES[0]), bad)]
        data = made({"image": hugging_face.Image()}, image=rows)
        with pytest.raises(SourceError, match=rf"sample 1: .*{word}"):
            from_hf(data)
    data = made({"image": hugging_face.Image()}, image=[{"bytes": None, "path": str(tmp_path / "no.png")}])
    with pytest.raises(SourceError, match=r"sample 0: .*no\.png"):
        from_hf(data)


def test_empty_and_unknown(tmp_path, hugging_face, pictures):
    features = hugging_face.Features(x=hugging_face.List(hugging_face.Value("int8")))
    empty = hugging_face.Dataset.from_dict({"x": []}, features=features)
    with pytest.raises(SourceError, match="no samples"):
        from_hf(empty)
    with pytest.raises(SourceError, match="no samples"):
        from_hf(hugging_face.IterableDataset.from_generator(lambda: iter(())))
    with pytest.raises(SourceError, match="nobody/nothing"):
        from_hf("nobody/nothing", split="train")
    both = hugging_face.DatasetDict(train=pictures, test=pictures)
    with pytest.raises(SourceError, match="train, test"):
        from_hf(both)
    with pytest.raises(SourceError, match="no split 'dev'"):
        from_hf(both, split="dev")
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(SourceError, match=r"a\.parquet"):
        from_hf(tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    with pytest.raises(SourceError, match=r"\.parquet"):
        from_hf(tmp_path / "a.csv")
    with pytest.raises(SourceError, match="no option 'colour'"):
        dreamlearning.sources.resolve("hf:some/thing?colour=red")
    with pytest.raises(SourceError, match="is no Dataset"):
        from_hf(IMAGES)


def test_names_go_to_the_library(hugging_face, pictures, monkeypatch):
    asked = []

    def load_dataset(*arguments, **options):
        asked.append((arguments, options))
        return pictures if options.get("split") else hugging_face.DatasetDict(train=pictures)

    monkeypatch.setattr(hugging_face, "load_dataset", load_dataset)
    source = dreamlearning.sources.resolve("hf:some/thing?split=test&name=small&label=kind&mode=RGB")
    check(source)
    check(from_hf("some/thing"))
    assert asked == [(("some/thing", "small"), {"split": "test"}), (("some/thing", None), {"split": None})]
    assert source.name == "hf:some/thing?split=test"


# WebDataset


def tar(path, samples, mode="w"):
    """Write samples, each a dictionary of extension -> bytes."""
    with tarfile.open(path, mode) as archive:
        for i, files in enumerate(samples):
            for extension, data in files.items():
                member = tarfile.TarInfo(f"some/{i:04}.{extension}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    return path


SAMPLES = [
    {"png": png(pixels), "cls": str(label).encode()} for pixels, label in zip(IMAGES, LABELS, strict=True)
]


@pytest.mark.parametrize("kind", ["", "gz", "bz2", "xz"])
def test_one_archive(tmp_path, kind):
    tar(tmp_path / "a.tar", SAMPLES, f"w:{kind}")
    seen = []
    source = from_webdataset(tmp_path / "a.tar", on_read=lambda done, total: seen.append((done, total)))
    assert np.array_equal(source.read(0, 12), IMAGES)
    assert source.fields["label"].tolist() == LABELS
    assert source.fields["label"].dtype == np.uint8
    assert (source.name, source.classes, source.metadata) == ("webdataset:a.tar", None, {})
    assert seen[-1] == (12, None)


def test_shards_in_every_notation(tmp_path):
    for i in range(3):
        tar(tmp_path / f"s-{i}.tar", SAMPLES[4 * i : 4 * i + 4])
    for urls in (
        f"{tmp_path}/s-{{0..2}}.tar",
        tmp_path / "s-*.tar",
        f"{tmp_path}/s-?.tar",
        [tmp_path / "s-0.tar", f"{tmp_path}/s-{{1..2}}.tar"],
    ):
        source = from_webdataset(urls)
        assert np.array_equal(source.read(0, 12), IMAGES)
        assert source.name == "webdataset:s-0.tar and 2 more"
    with dreamlearning.compress(f"webdataset:{tmp_path}/s-?.tar?label=", tmp_path / "a.gede") as file:
        assert np.array_equal(file[:], IMAGES)
        assert file.labels is None


def test_labels_and_fields_in_json(tmp_path):
    samples = [
        {
            "left.png": png(pixels),
            "right.jpg": b"not looked at",
            "txt": b"a caption",
            "pyd": pickle.dumps(label),
            "json": json.dumps(
                {"label": label, "class_name": "xyz"[label], "size": [label, 2], "url": "http", "some": 1.5}
                | ({"rare": 1} if label else {})
            ).encode(),
        }
        for pixels, label in zip(IMAGES, LABELS, strict=True)
    ]
    tar(tmp_path / "a.tar", samples)
    source = from_webdataset(tmp_path / "a.tar", image="left.png;left.jpg")
    assert np.array_equal(source.read(0, 12), IMAGES)
    assert source.fields["label"].tolist() == LABELS
    assert source.classes == ["x", "y", "z"]
    assert source.fields["size"].tolist() == [[label, 2] for label in LABELS]
    assert source.fields["some"].tolist() == [1.5] * 12
    assert set(source.fields) == {"label", "size", "some"}
    assert set(source.metadata["left_out"]) == {"right.jpg", "txt", "pyd", "url", "rare"}
    assert from_webdataset(tmp_path / "a.tar", "left.png", "some").fields["label"].tolist() == [1.5] * 12
    with pytest.raises(SourceError, match=r"left\.png, right\.jpg may each be the sample; give image="):
        from_webdataset(tmp_path / "a.tar")


@pytest.mark.parametrize(
    ("bad", "options", "words"),
    [
        ({"cls": b"1"}, {}, ["has no image or .npy", "cls"]),
        ({"png": png(IMAGES[0])}, {}, ["some samples have a label"]),
        ({"png": png(IMAGES[0]), "cls": b"cat"}, {}, ["'cat'", "integers"]),
        ({"png": png(IMAGES[0]), "cls": b"1"}, {"label": "kind"}, ["no label 'kind'"]),
        ({"png": png(IMAGES[0]), "cls": b"1"}, {"image": "jpg"}, ["no file jpg"]),
        ({"png": png(IMAGES[0][..., 0]), "cls": b"1"}, {}, ["mode L", "mode RGB", 'mode="RGB"']),
        ({"png": png(IMAGES[0])[:50], "cls": b"1"}, {}, ["cannot be read as an image"]),
        ({"png": png(IMAGES[0]), "cls": b"1", "json": b"{"}, {}, ["json"]),
        ({"png": png(IMAGES[0]), "cls": b"1", "json": b"[]"}, {}, ["json", "list"]),
        ({"png": png(IMAGES[0]), "json": b'{"label": "cat"}'}, {}, ["'label'", "str"]),
        ({"npy": b"\x93NUMPY\x01\x00", "cls": b"1"}, {}, [".npy"]),
    ],
    ids=lambda value: " ".join(map(str, value))[:40],
)
def test_what_is_wrong_with_a_sample(tmp_path, bad, options, words):
    first = "jpg" if "image" in options else "png"
    good = {first: SAMPLES[0]["png"], "cls": b"1", "kind": b"1"}
    tar(tmp_path / "a.tar", [good, good, bad])
    with pytest.raises(SourceError) as caught:
        from_webdataset(tmp_path / "a.tar", **options)
    for word in ["a.tar", "0002", *words]:
        assert word in str(caught.value)


def test_nothing_is_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    stream = io.BytesIO()
    np.save(stream, np.array([Bomb()]), allow_pickle=True)
    bomb = pickle.dumps(Bomb())
    for files, options in [
        ({"npy": stream.getvalue()}, {}),
        ({"pyd": bomb, "cls": b"1"}, {"image": "pyd"}),
        ({"png": SAMPLES[0]["png"], "pyd": bomb}, {"label": "pyd"}),
        ({"png": SAMPLES[0]["png"], "label.npy": stream.getvalue()}, {"label": "label.npy"}),
    ]:
        tar(tmp_path / "a.tar", [files])
        with pytest.raises(SourceError):
            from_webdataset(tmp_path / "a.tar", **options)


def test_labels_in_npy(tmp_path):
    boxes = RNG.normal(size=(12, 2, 2))
    samples = []
    for files, box in zip(SAMPLES, boxes, strict=True):
        stream = io.BytesIO()
        np.save(stream, box)
        samples.append({**files, "box.npy": stream.getvalue()})
    tar(tmp_path / "a.tar", samples)
    assert np.array_equal(from_webdataset(tmp_path / "a.tar", label="box.npy").fields["label"], boxes)


@pytest.mark.parametrize("kind", ["", "gz"])
def test_a_shard_cut_short_anywhere_is_an_error(tmp_path, kind):
    whole = tar(tmp_path / "a.tar", SAMPLES[:3], f"w:{kind}").read_bytes()
    end = 3 * 4 * 512 if kind == "" else len(whole)  # then come only zeros
    assert len(whole) >= end
    for length in sorted({*range(0, end, 512), *range(1, end, 97), end - 1, *([end] if kind == "" else [])}):
        (tmp_path / "cut.tar").write_bytes(whole[:length])
        with pytest.raises(SourceError, match=r"cut\.tar"):
            from_webdataset(tmp_path / "cut.tar")


def test_a_shard_damaged_between_files_is_an_error(tmp_path):
    whole = tar(tmp_path / "a.tar", SAMPLES[:3]).read_bytes()
    for block in (0, 2, 4, 6, 8, 10):  # headers
        for at in (0, 124, 148, 500):
            damaged = bytearray(whole)
            damaged[512 * block + at] ^= 255
            (tmp_path / "damaged.tar").write_bytes(damaged)
            with pytest.raises(SourceError, match=r"damaged\.tar"):
                from_webdataset(tmp_path / "damaged.tar")
    (tmp_path / "joined.tar").write_bytes(whole + whole)
    with pytest.raises(SourceError, match="joined"):
        from_webdataset(tmp_path / "joined.tar")


def test_shards_that_are_not_there(tmp_path):
    tar(tmp_path / "s-0.tar", SAMPLES)
    for urls, word in [
        (f"{tmp_path}/s-{{0..1}}.tar", "s-1.tar"),
        (f"{tmp_path}/t-*.tar", "t-"),
        ([], "no shards"),
        ("pipe:echo hello > hello", "commands are never run"),
        ("s3://bucket/a.tar", "download it"),
        (tmp_path, "there is no file"),
    ]:
        with pytest.raises(SourceError, match=word):
            from_webdataset(urls)
    with pytest.raises(SourceError, match="names no shards"):
        dreamlearning.sources.resolve("webdataset:")
    tar(tmp_path / "empty.tar", [])
    with pytest.raises(SourceError, match="no samples"):
        from_webdataset(tmp_path / "empty.tar")


@pytest.mark.skipif(shutil.which("curl") is None, reason="the library opens addresses with curl")
@pytest.mark.timeout(60)
def test_shards_behind_an_address(tmp_path):
    tar(tmp_path / "a.tar", SAMPLES)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=tmp_path)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            address = f"http://127.0.0.1:{server.server_port}"
            assert np.array_equal(from_webdataset(f"{address}/a.tar").read(0, 12), IMAGES)
            with pytest.raises(SourceError, match=r"b\.tar"):
                from_webdataset(f"{address}/b.tar")
        finally:
            server.shutdown()

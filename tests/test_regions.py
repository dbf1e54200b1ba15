"""Promise: photographs of any sizes come back bit for bit, whole or in part, and a part reads a part of the
bytes."""

import os
import pickle
import subprocess
import sys

import dreamlearning
import numpy as np
import pytest
import torch
from dreamlearning import CompressedDataset, crops
from dreamlearning.cli import main
from PIL import Image
from torch.utils.data import DataLoader
from torchvision.transforms import v2

PRESETS = ("small", "fast", "raw")
SIZES = ((427, 640), (300, 201), (128, 128), (1, 1), (37, 500), (260, 90))


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """(folder, images): parts of two photographs in folders of two classes, as PNG files."""
    from sklearn.datasets import load_sample_images

    folder = tmp_path_factory.mktemp("photos")
    images = []
    for name, photo in zip(("china", "flower"), load_sample_images().images, strict=True):
        (folder / name).mkdir()
        for i, (height, width) in enumerate(SIZES):
            images.append(photo[i : i + height, i : i + width] if i else photo)
            Image.fromarray(images[-1]).save(folder / name / f"{i}.png")
    return folder, images


@pytest.fixture(scope="module", params=PRESETS)
def opened(request, photos, tmp_path_factory):
    path = tmp_path_factory.mktemp(request.param) / "photos.gede"
    return dreamlearning.compress(f"imagefolder:{photos[0]}", path, preset=request.param)


def same(found, expected):
    return len(found) == len(expected) and all(
        a.dtype == b.dtype and np.array_equal(a, b) for a, b in zip(found, expected, strict=True)
    )


def test_photographs_come_back(opened, photos):
    images = photos[1]
    assert opened.shape == (None, None, 3)
    assert opened.ragged
    assert opened.classes == ["china", "flower"]
    assert opened.labels.tolist() == [0] * 6 + [1] * 6
    assert opened.shapes().tolist() == [list(image.shape) for image in images]
    assert opened.shapes([-1]).tolist() == [list(images[-1].shape)]
    assert same(opened.decode(slice(None)), images)
    assert same(opened[[3, -1, 3]], [images[3], images[-1], images[3]])
    assert same(list(opened), images)
    assert np.array_equal(opened[7], images[7])
    assert same(pickle.loads(pickle.dumps(opened))[2:4], images[2:4])
    assert opened[[]] == []
    opened.verify()
    facts = opened.info()
    assert facts["raw_bytes"] == sum(image.nbytes for image in images) + 12
    assert sum(facts["sections"].values()) == facts["file_bytes"]
    if opened.info()["preset"] == "small":
        assert facts["ratio"] < 0.6


def test_into_buffers(opened, photos):
    images = photos[1]
    outs = [np.empty_like(images[1]), torch.empty(images[8].shape, dtype=torch.uint8)]
    assert opened.decode([1, 8], out=outs) is outs
    assert np.array_equal(outs[0], images[1])
    assert np.array_equal(outs[1].numpy(), images[8])
    with pytest.raises(ValueError, match=r"\(300, 201, 3\)"):
        opened.decode([1], out=[np.empty((3, 3, 3), np.uint8)])
    with pytest.raises(TypeError, match="list of 2"):
        opened.decode([1, 2], out=np.empty((2, 5, 5, 3), np.uint8))
    shared = np.empty_like(images[1])
    with pytest.raises(ValueError, match="share memory"):
        opened.decode([1, 1], out=[shared, shared])


def test_regions(opened, photos):
    images = photos[1]
    rng = np.random.default_rng(3)
    indices = rng.integers(0, 12, 40)
    regions = []
    for i in indices:
        height, width = (int(rng.integers(1, side + 1)) for side in images[i].shape[:2])
        top, left = (
            int(rng.integers(0, side - part + 1))
            for side, part in zip(images[i].shape, (height, width), strict=False)
        )
        regions.append((top, left, height, width))
    expected = [images[i][t : t + h, s : s + w] for i, (t, s, h, w) in zip(indices, regions, strict=True)]
    assert same(opened.decode_regions(indices, regions), expected)
    assert same(opened.decode_regions(indices, torch.tensor(regions), num_threads=3), expected)
    outs = [np.zeros_like(part) for part in expected]
    assert opened.decode_regions(indices, regions, out=outs) is outs
    assert same(outs, expected)
    assert np.array_equal(opened.decode_region(-12, 5, 6, 7, 8), images[0][5:12, 6:14])
    assert opened.decode_regions([], []) == []


@pytest.mark.parametrize(
    "region", [(0, 0, 0, 1), (-1, 0, 1, 1), (0, 0, 301, 1), (300, 0, 1, 1), (2**62, 0, 2**62, 1)]
)
def test_regions_outside_are_refused(opened, region):
    with pytest.raises(ValueError, match=r"sample 1: .*300 x 201"):
        opened.decode_region(1, *region)


def test_wrong_regions_are_refused(opened, digits_path, tmp_path):
    with pytest.raises(ValueError, match="shape"):
        opened.decode_regions([1, 2], [(0, 0, 1, 1)])
    with pytest.raises(TypeError, match="integers"):
        opened.decode_region(1, 0.5, 0, 1, 1)
    with pytest.raises(IndexError, match="12"):
        opened.decode_region(12, 0, 0, 1, 1)
    with pytest.raises(IndexError, match="-13"):
        opened.shapes([-13])
    with dreamlearning.open(digits_path) as file:
        assert file.decode_region(3, 1, 2, 3, 4).shape == (3, 4)
        with pytest.raises(IndexError, match="9999"):
            file.shapes([9999])
    with (
        dreamlearning.compress(np.eye(4), tmp_path / "table.gede") as table,
        pytest.raises(ValueError, match="no images"),
    ):
        table.decode_region(0, 0, 0, 1, 1)


def test_a_region_reads_the_tiles_it_touches(photos, tmp_path):
    for preset, most in (("small", 0.2), ("raw", 0.04)):
        with dreamlearning.compress(f"imagefolder:{photos[0]}", tmp_path / preset, preset=preset) as file:
            before = file.bytes_read
            whole = file[0]
            middle = file.bytes_read
            part = file.decode_region(0, 10, 10, 90, 90)
            assert np.array_equal(part, whole[10:100, 10:100])
            assert file.bytes_read - middle < most * (middle - before)


def test_the_data_set_hands_out_images_of_any_size(opened, photos):
    images = photos[1]
    data = CompressedDataset(opened.path)
    assert data[1][0].shape == (3, 300, 201)
    assert np.array_equal(data[7][0].permute(1, 2, 0).numpy(), images[7])
    image, target = CompressedDataset(opened.path, transform=lambda image: image)[6]
    assert isinstance(image, Image.Image)
    assert target == 1
    assert np.array_equal(np.asarray(image), images[6])
    cropped = CompressedDataset(opened.path, crop=lambda height, width: (height // 2, width // 3, 1, 1))
    assert np.array_equal(cropped[4][0].flatten().numpy(), images[4][18, 166])
    with pytest.raises(ValueError, match="does not lie in"):
        CompressedDataset(opened.path, crop=lambda height, width: (0, 0, height + 1, width))[0]


def test_a_data_loader_gets_batches_of_one_size(opened):
    resize = v2.Compose([v2.Resize((32, 32)), v2.ToImage()])
    data = CompressedDataset(opened.path, transform=resize, crop=crops.RandomResized())
    loader = DataLoader(data, batch_size=5, shuffle=True, num_workers=2, timeout=120)
    batches = list(loader)
    assert [len(targets) for _, targets in batches] == [5, 5, 2]
    assert batches[0][0].shape == (5, 3, 32, 32)


def test_random_crops_are_those_of_torchvision():
    for scale, ratio in (((0.08, 1.0), (3 / 4, 4 / 3)), ((0.9, 1.0), (5.0, 6.0))):
        crop = crops.RandomResized(scale, ratio)
        for height, width in ((375, 500), (20, 300), (1, 1)):
            image = torch.empty(1, height, width)
            torch.manual_seed(5)
            ours = [crop(height, width) for _ in range(20)]
            torch.manual_seed(5)
            theirs = v2.RandomResizedCrop(8, scale, ratio)
            expected = [theirs.make_params([image]) for _ in range(20)]
            if min(height, width) > 1:
                assert ours == [(p["top"], p["left"], p["height"], p["width"]) for p in expected]
            assert all(
                0 <= top <= height - h and 0 <= left <= width - w and h > 0 < w for top, left, h, w in ours
            )
    assert crops.Center()(256, 300) == (16, 38, 224, 224)
    for wrong in ((0, 1), (2, 1), (0.5, 2), (0.1,), (0.1, float("inf"))):
        with pytest.raises(ValueError, match="scale"):
            crops.RandomResized(scale=wrong)
    with pytest.raises(ValueError, match="share"):
        crops.Center(0)


def test_from_the_command_line_and_back(photos, tmp_path, capsys):
    source = f"imagefolder:{photos[0]}"

    def run(*arguments):
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return stopped.value.code, captured.out + captured.err

    path = tmp_path / "photos.gede"
    assert run("compress", source, path)[0] == 0
    code, text = run("verify", path, "--source", source)
    assert code == 0, text
    code, text = run("info", path)
    assert "(own, own, 3)" in text
    assert "shapes" in text
    assert run("extract", path, tmp_path / "back")[0] == 0
    assert run("verify", path, "--source", f"imagefolder:{tmp_path / 'back'}")[0] == 0
    code, text = run("extract", path, tmp_path / "all.npy")
    assert code == 2
    assert "folder" in text
    assert not (tmp_path / "all.npy").exists()
    assert run("extract", path, tmp_path / "one.npy", "--indices", "7")[0] == 0
    assert np.array_equal(np.load(tmp_path / "one.npy")[0], photos[1][7])
    assert run("compress", path, tmp_path / "fast.gede", "--preset", "fast")[0] == 0
    assert run("verify", tmp_path / "fast.gede", "--source", path)[0] == 0
    code, text = run("compress", source, tmp_path / "paper.gede", "--preset", "paper")
    assert code == 2
    assert "one shape" in text
    code, text = run("verify", path, "--source", f"imagefolder:{photos[0]}?mode=L")
    assert code == 1


def test_every_cpu_writes_and_reads_the_same_bytes(photos, tmp_path):
    dreamlearning.compress(f"imagefolder:{photos[0]}", tmp_path / "here.gede").close()
    for level in ("portable", "avx2"):
        path = tmp_path / f"{level}.gede"
        for arguments in (["compress", f"imagefolder:{photos[0]}", path], ["verify", path]):
            done = subprocess.run(
                [sys.executable, "-m", "dreamlearning", *arguments],
                env={**os.environ, "DREAMLEARNING_CPU": level},
                capture_output=True,
                text=True,
                check=False,
                timeout=300,
            )
            assert done.returncode == 0, done.stderr
        assert path.read_bytes() == (tmp_path / "here.gede").read_bytes()


def test_what_needs_one_shape_says_so(opened):
    with pytest.raises(ValueError, match="different sizes"):
        opened.bases(0)
    with pytest.raises(ValueError, match="different sizes"):
        opened.condensed(beta=3)


def test_modes_are_converted_on_request(photos, tmp_path):
    folder = tmp_path / "mixed" / "a"
    folder.mkdir(parents=True)
    colour = Image.fromarray(photos[1][1])
    images = {"0": colour, "1": colour.convert("L"), "2": colour.convert("P"), "3": colour.convert("RGBA")}
    for name, image in images.items():
        image.save(folder / f"{name}.png")
    colour.convert("CMYK").save(folder / "4.tif")
    with pytest.raises(dreamlearning.SourceError, match=r"1\.png: mode L"):
        dreamlearning.compress(f"imagefolder:{folder.parent}", tmp_path / "x.gede")
    assert not (tmp_path / "x.gede").exists()
    for mode, shape in (("RGB", (300, 201, 3)), ("L", (300, 201)), ("RGBA", (300, 201, 4))):
        with dreamlearning.compress(f"imagefolder:{folder.parent}?mode={mode}", tmp_path / mode) as file:
            assert file.shape == shape
            for i, name in enumerate(("0", "1", "2", "3")):
                assert np.array_equal(file[i], np.asarray(images[name].convert(mode)))


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("layout", ["grey", "first", "16 bits", "two channels"])
def test_lists_of_arrays(photos, tmp_path, preset, layout):
    change = {
        "grey": lambda image: image[..., 1].copy(),
        "first": lambda image: image.transpose(2, 0, 1),
        "16 bits": lambda image: image.astype(np.uint16) * 77,
        "two channels": lambda image: image[..., :2],
    }[layout]
    images = [change(image) for image in photos[1]]
    with dreamlearning.compress(images, tmp_path / "x.gede", preset=preset) as file:
        assert same(file[:], images)
        assert same([file.decode_region(1, 3, 4, 5, 6)], [change(photos[1][1][3:8, 4:10])])


def test_lists_with_labels(photos, tmp_path):
    images, labels = photos[1], [i % 3 for i in range(12)]
    for number, source in enumerate(((images, labels), {"image": images, "label": labels})):
        with dreamlearning.compress(source, tmp_path / f"{number}.gede", partition_by="label") as file:
            assert same(file[:], images)
            assert file.labels.tolist() == labels
            assert len(file.partitions) == 3


def test_channels_first_become_png_files(photos, tmp_path):
    images = [image.transpose(2, 0, 1) for image in photos[1][:3]]
    dreamlearning.compress(images, tmp_path / "x.gede").close()
    with pytest.raises(SystemExit) as stopped:
        main(["extract", str(tmp_path / "x.gede"), str(tmp_path / "back")])
    assert stopped.value.code == 0
    for i in range(3):
        assert np.array_equal(np.asarray(Image.open(tmp_path / "back" / f"{i}.png")), photos[1][i])


@pytest.mark.parametrize("nonsense", [None, (1, 2, 3), (0, 0, 1.5, 1), "abcd"])
def test_a_crop_that_returns_nonsense_is_named(opened, nonsense):
    with pytest.raises(ValueError, match=r"crop\(427, 640\) returned"):
        CompressedDataset(opened.path, crop=lambda height, width: nonsense)[0]


def test_samples_that_are_too_large_are_named(tmp_path):
    images = [np.zeros((5, 5), np.uint8), np.zeros((20000, 20000), np.uint8)]
    with pytest.raises(dreamlearning.SourceError, match=r"sample 1: .*268,435,456"):
        dreamlearning.compress(images, tmp_path / "x.gede")


def test_real_photographs(imagenet_folder, tmp_path):
    """What `benchmarks/photographs.py` measures, with fewer photographs."""
    with dreamlearning.compress(f"imagefolder:{imagenet_folder}?mode=RGB", tmp_path / "photos.gede") as file:
        file.verify()
        assert file.ragged
        torch.manual_seed(0)
        crop = crops.RandomResized()
        indices = np.arange(len(file))
        before = file.bytes_read
        whole = file.decode(indices)
        middle = file.bytes_read
        regions = [crop(*shape[:2]) for shape in file.shapes().tolist()]
        parts = file.decode_regions(indices, regions)
        share = (file.bytes_read - middle) / (middle - before)
        expected = [image[t : t + h, s : s + w] for image, (t, s, h, w) in zip(whole, regions, strict=True)]
        assert same(parts, expected)
        assert share < 0.8

"""The main job from end to end, with settings small enough for a test."""

import json

import dreamlearning
import numpy as np
import pytest
from click.testing import CliRunner
from dreamlearning.cli import main
from dreamlearning.errors import SourceError

pytest.importorskip("torchvision")

from dreamlearning.footprint import mapped_bytes, png_bytes
from dreamlearning.recipes import MainJob, Recipe, run_main_job, train
from dreamlearning.recipes.training import is_natural

PNG_START = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def demo_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    arguments = ["demo", "--out", str(folder), "--epochs", "2", "--train-limit", "300", "--fraction", "0.2"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    return folder, done.stdout


@pytest.fixture
def colour_images():
    random = np.random.default_rng(0)
    labels = np.arange(40, dtype=np.uint8) % 2
    images = random.integers(0, 80, (40, 28, 28, 3), dtype=np.uint8) + 100 * labels[:, None, None, None]
    return images, labels


def test_demo_measures_every_form_and_both_trainings(demo_folder):
    folder, _ = demo_folder
    result = json.loads((folder / "demo.json").read_text())

    assert result["data"]["train_samples"] == 300
    assert result["data"]["test_samples"] == 359  # a fifth of each class of 1797 digits
    assert result["data"]["shape"] == [8, 8]
    sizes = result["sizes"]
    assert sizes["raw"]["bytes"] == 300 * 64 + 300
    assert sizes["png"]["bytes"] > sizes["raw"]["bytes"]  # a PNG of 8x8 pixels is mostly header
    assert sizes["small"]["exact"]
    assert sizes["small"]["max_error"] == 0
    assert sizes["small"]["bytes"] == (folder / "train.gede").stat().st_size
    assert sizes["paper"]["bytes"] == (folder / "train_paper.gede").stat().st_size
    everything, part = result["runs"]
    assert [epoch["samples_seen"] for epoch in everything["epochs"]] == [300, 600]
    assert [epoch["samples_seen"] for epoch in part["epochs"]] == [60, 120]
    assert part["samples_per_epoch"] == 60
    for run in result["runs"]:
        assert 0 <= run["test_accuracy"] <= 1
        assert run["seconds_per_epoch"] > 0
        assert run["batch_bytes"] == 2 * 32 * 64
    assert everything["test_accuracy"] > 0.3  # a guess gets 0.1
    assert result["machine"]["dreamlearning"] == dreamlearning.__version__


def test_demo_prints_one_table_and_saves_one_picture(demo_folder):
    folder, output = demo_folder
    for row in (
        "raw arrays",
        "PNG per image",
        ".gede small",
        ".gede paper",
        "train: all data",
        "train: a fresh 20%",
    ):
        assert row in output
    picture = (folder / "demo.png").read_bytes()
    assert picture.startswith(PNG_START)
    assert len(picture) > 20_000
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_demo_files_hold_the_source(demo_folder):
    folder, _ = demo_folder
    digits = pytest.importorskip("sklearn.datasets").load_digits()
    pixels = digits.images.astype(np.uint8)
    known = {image.tobytes(): label for image, label in zip(pixels, digits.target, strict=True)}
    with (
        dreamlearning.open(folder / "train.gede") as train_file,
        dreamlearning.open(folder / "test.gede") as test_file,
    ):
        assert len(train_file) == 300
        for file in (train_file, test_file):
            assert [known[image.tobytes()] for image in file] == file.labels.tolist()
        train_images = {image.tobytes() for image in train_file}
        in_both = sum(image.tobytes() in train_images for image in test_file)
    assert in_both == 0


def test_the_same_seed_trains_the_same_model(demo_folder):
    folder, _ = demo_folder
    recipe = Recipe(fraction=0.2, epochs=1, seed=3)
    runs = [train(folder / "train.gede", folder / "test.gede", recipe) for _ in range(2)]
    assert runs[0].epochs[0].test_accuracy == runs[1].epochs[0].test_accuracy
    assert runs[0].epochs[0].loss == runs[1].epochs[0].loss


def test_colour_images_with_a_test_source(tmp_path, colour_images):
    images, labels = colour_images
    job = MainJob(
        (images[:24], labels[:24]), (images[24:], labels[24:]), epochs=1, batch_size=23, fraction=0.5
    )
    lines = []
    result = run_main_job(job, tmp_path / "out", say=lines.append)
    assert result["data"]["train_samples"] == 24
    assert result["data"]["test_samples"] == 16
    # 24 samples in batches of 23: the last one is left out, alone it has no batch statistics.
    assert result["runs"][0]["epochs"][0]["samples_seen"] == 23
    assert result["runs"][1]["epochs"][0]["samples_seen"] == 12
    assert any("24 images to train on, 16 to test on" in line for line in lines)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ((np.zeros((4, 8, 8), np.float32), [0, 1, 0, 1]), "8-bit images"),
        ((np.zeros((4, 8), np.uint8), [0, 1, 0, 1]), r"shape \(8,\)"),
        (np.zeros((4, 8, 8), np.uint8), "one label for each image"),
        ((np.zeros((4, 8, 8), np.uint8), [0, -1, 0, 1]), "counted from 0"),
    ],
)
def test_unsuitable_sources_are_named(tmp_path, source, says):
    with pytest.raises(SourceError, match=says):
        run_main_job(MainJob(source), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_fraction_too_small_to_train_on(tmp_path, colour_images):
    images, labels = colour_images
    dreamlearning.compress((images, labels), tmp_path / "a.gede", preset="fast").close()
    with pytest.raises(ValueError, match="needs at least 2"):
        train(tmp_path / "a.gede", tmp_path / "a.gede", Recipe(fraction=0.01))


def test_only_natural_images_are_cropped_and_mirrored():
    assert is_natural((32, 32, 3))
    assert not is_natural((28, 28))
    assert not is_natural((8, 8, 3))


def test_png_bytes_are_the_files_pillow_writes(tmp_path):
    image = pytest.importorskip("PIL.Image")
    images = np.random.default_rng(0).integers(0, 256, (3, 9, 7, 3), dtype=np.uint8)
    for i, pixels in enumerate(images):
        image.fromarray(pixels).save(tmp_path / f"{i}.png")
    assert png_bytes(images) == sum(path.stat().st_size for path in tmp_path.iterdir())
    assert png_bytes(images[..., :1]) == png_bytes(images[..., 0])


def test_mapped_bytes_counts_the_touched_pages(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(1 << 20))
    if mapped_bytes(path) is None:
        pytest.skip("this system has no /proc/self/smaps")
    assert mapped_bytes(path) == 0
    mapped = np.memmap(path, mode="r")
    assert int(mapped.sum()) == 0  # touches every page
    assert mapped_bytes(path) == 1 << 20
    del mapped
    assert mapped_bytes(path) == 0

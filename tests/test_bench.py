"""Promise: ``dreamlearning bench`` measures what it says, on any images, and says what it could not."""

import json

import dreamlearning
import numpy as np
import pytest
from dreamlearning.cli import main
from dreamlearning.comparison import codecs, compare
from dreamlearning.report import comparison_figure

FORMATS = ["PNG", "WebP lossless", "JPEG XL, effort 7", "QOI"]


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        main(["bench", *map(str, arguments)])
    captured = capsys.readouterr()
    return stopped.value.code, captured.out, captured.err


def test_on_the_command_line(colour, tmp_path, capsys):
    picture = tmp_path / "bars.png"
    code, out, _ = run(capsys, colour[0], "--samples", 20, "--runs", 1, "--picture", picture)
    assert code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert all(name in out for name in [".gede small", *FORMATS])
    code, out, _ = run(capsys, colour[0], "--samples", 20, "--runs", 1, "--json")
    result = json.loads(out)
    assert result["samples"] == 20
    assert list(result["formats"]) == [".gede small", *FORMATS]
    with dreamlearning.open(colour[0]) as file:
        share = file.info()["file_bytes"] / (300 * 16 * 16 * 3)
        streams = [codecs()["PNG"].encode(file[i]) for i in np.linspace(0, 299, 20).round().astype(int)]
    assert result["formats"][".gede small"]["share_of_raw"] == pytest.approx(share)
    assert result["formats"]["PNG"]["share_of_raw"] == pytest.approx(sum(map(len, streams)) / (20 * 768))
    assert result["formats"]["PNG"]["times_png"] == 1


@pytest.mark.parametrize(
    ("images", "missing"),
    [
        (np.arange(1200, dtype=np.uint8).reshape(3, 20, 20), set()),
        (np.arange(1200, dtype=np.uint8).reshape(3, 20, 20, 1), set()),
        (np.arange(1200, dtype=np.uint8).reshape(3, 1, 20, 20), set()),
        (np.arange(3600, dtype=np.uint8).reshape(3, 3, 20, 20), set()),
        (np.arange(4800, dtype=np.uint8).reshape(3, 20, 20, 4), set()),
        (np.arange(2400, dtype=np.uint8).reshape(3, 20, 20, 2), {"WebP lossless", "QOI"}),
        (np.arange(1200, dtype=np.uint16).reshape(3, 20, 20), {"WebP lossless", "QOI"}),
        ([np.full((n, 30, 3), 9, np.uint8) for n in (7, 8)], set()),
    ],
    ids=["grey", "one channel", "grey first", "colour first", "alpha", "two", "16 bits", "own sizes"],
)
def test_on_any_images(tmp_path, images, missing):
    with dreamlearning.compress(images, tmp_path / "x.gede", preset="fast") as file:
        result = compare(file, runs=1)
    assert set(FORMATS) - set(result["formats"]) == missing
    assert all(row["images_per_second"] > 0 for row in result["formats"].values())
    comparison_figure(result)


def test_a_format_whose_time_is_up_gets_fewer_images(colour):
    steps = []
    with dreamlearning.open(colour[0]) as file:
        result = compare(file, seconds=1e-9, runs=1, on_step=steps.append)
    assert [result["formats"][name]["images"] for name in FORMATS] == [1] * 4
    assert "encoding PNG" in steps


def test_what_a_format_cannot_hold_is_said(tmp_path, capsys):
    images = [np.zeros((1, 20000, 3), np.uint8), np.zeros((20, 10, 3), np.uint8)]
    dreamlearning.compress(images, tmp_path / "long.gede").close()
    code, out, _ = run(capsys, tmp_path / "long.gede", "--runs", 1)
    assert code == 0
    assert "WebP lossless is left out" in out


def test_what_cannot_be_compared_is_refused(tmp_path, capsys, colour):
    dreamlearning.compress(np.eye(4), tmp_path / "table.gede").close()
    code, _, err = run(capsys, tmp_path / "table.gede")
    assert code == 2
    assert "only images" in err
    assert run(capsys, tmp_path / "missing.gede")[0] == 2
    code, _, err = run(capsys, colour[0], "--picture", tmp_path / "nowhere" / "bars.png")
    assert code == 2
    assert "nowhere" in err
    with dreamlearning.open(colour[0]) as file, pytest.raises(ValueError, match="runs"):
        compare(file, runs=0)

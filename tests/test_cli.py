"""Promise: the command line does what its help says, and errors are one line and an exit code."""

import json
import subprocess
import sys

import dreamlearning
import numpy as np
import pytest
from click.testing import CliRunner
from dreamlearning.cli import main
from PIL import Image


@pytest.fixture
def cli():
    """Run the command line in this process; returns (exit code, stdout, stderr)."""

    def run(*args, code=0):
        result = CliRunner().invoke(main, [str(a) for a in args])
        assert result.exit_code == code, (result.exit_code, result.output)
        return result.stdout, result.stderr

    return run


@pytest.fixture
def fails(cli):
    """Run something that must fail with ``code``; returns its one line on stderr."""

    def run(*args, code=2):
        out, err = cli(*args, code=code)
        assert out == ""
        assert err.startswith("dreamlearning: error: ")
        assert err.count("\n") == 1
        return err

    return run


def test_compress_info_verify_extract(cli, tmp_path, digits):
    path = tmp_path / "d.gede"
    out, err = cli("compress", "sklearn:digits", path, "--partition-by", "label", "--threads", 2)
    assert err == ""  # no bar where there is no terminal
    assert "1,797 samples" in out
    assert "preset small, bit-exact" in out

    out, _ = cli("info", path)
    for word in ("1,797", "(8, 8)", "label", "rows", "share", "100.0%"):
        assert word in out
    out, _ = cli("info", path, "--json")
    assert json.loads(out) == dreamlearning.open(path).info()

    out, _ = cli("verify", path)
    assert "1,797 samples verified" in out
    out, _ = cli("verify", path, "--source", "sklearn:digits", "--json")
    assert json.loads(out) == {
        "ok": True,
        "num_samples": 1797,
        "exact": True,
        "source": "sklearn:digits",
        "max_difference": 0.0,
    }

    cli("extract", path, tmp_path / "d.npz")
    with np.load(tmp_path / "d.npz") as arrays:
        assert np.array_equal(arrays["data"], digits[0])
        assert np.array_equal(arrays["label"], digits[1])
        assert arrays["classes"].tolist() == list("0123456789")
    cli("compress", tmp_path / "d.npz", tmp_path / "again.gede", "--partition-by", "label", "--quiet")
    again, first = (dreamlearning.open(tmp_path / name).info() for name in ("again.gede", "d.gede"))
    for key in ("digest", "classes", "fields", "partitions", "file_bytes"):
        assert again[key] == first[key] or key == "file_bytes"


def test_compress_as_json_and_quietly(cli, tmp_path):
    out, _ = cli("compress", "sklearn:iris", tmp_path / "a.gede", "--json")
    keys = "num_samples raw_bytes file_bytes ratio preset exact max_error fields classes partitions sections"
    assert set(keys.split()) <= set(json.loads(out))
    assert cli("compress", "sklearn:iris", tmp_path / "b.gede", "--quiet") == ("", "")
    assert cli("compress", "sklearn:iris", tmp_path / "b.gede", "--quiet", "--overwrite") == ("", "")


def test_paper_says_that_it_is_not_lossless(cli, tmp_path, colour):
    path, images, _ = colour
    out, _ = cli("compress", path, tmp_path / "p.gede", "--preset", "paper", "--tau", 64)
    assert "NOT lossless, max error" in out
    out, _ = cli("verify", tmp_path / "p.gede", "--source", path, "--json")
    verdict = json.loads(out)
    assert verdict["exact"] is False
    assert 0 < verdict["max_difference"] == dreamlearning.open(tmp_path / "p.gede").info()["max_error"]
    out, _ = cli("compress", path, tmp_path / "e.gede", "--preset", "paper", "--exact")
    assert "bit-exact" in out
    assert np.array_equal(dreamlearning.open(tmp_path / "e.gede")[:], images)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (("--indices", "7,1,-1,7"), [7, 1, 299, 7]),
        (("--range", "5:9"), [5, 6, 7, 8]),
        (("--range", "298:"), [298, 299]),
        (("--range", ":2"), [0, 1]),
    ],
)
def test_extract_some(cli, tmp_path, colour, chosen, expected):
    path, images, labels = colour
    cli("extract", path, tmp_path / "x.npy", *chosen)
    assert np.array_equal(np.load(tmp_path / "x.npy"), images[expected])
    cli("extract", path, tmp_path / "x.npz", *chosen)
    assert np.array_equal(np.load(tmp_path / "x.npz")["label"], labels[expected])


def test_extract_pictures(cli, tmp_path, colour):
    path, images, labels = colour
    cli("extract", path, tmp_path / "pictures")
    for i in (0, 17, 299):
        name = ["ant", "bee", "cat"][labels[i]]
        picture = Image.open(tmp_path / "pictures" / name / f"{i:03}.png")
        assert np.array_equal(np.asarray(picture), images[i])
    source = f"imagefolder:{tmp_path / 'pictures'}"
    with dreamlearning.compress(source, tmp_path / "again.gede") as file:
        order = np.argsort(labels, kind="stable")
        assert np.array_equal(file[:], images[order])
        assert file.classes == ["ant", "bee", "cat"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again.gede", "pictures"]


@pytest.mark.parametrize(
    ("output", "source"),
    [
        ("out.parquet", "hf:{tmp}/out.parquet"),
        ("out.tar", "webdataset:{tmp}/out.tar"),
        ("out-{{000..}}.tar", "webdataset:{tmp}/out-*.tar"),
    ],
)
def test_extract_for_other_programs_and_back(cli, tmp_path, digits_path, hugging_face, output, source):
    out, _ = cli("extract", digits_path, tmp_path / output.format())
    assert "1,797 samples" in out
    out, err = cli("compress", source.format(tmp=tmp_path), tmp_path / "again.gede")
    assert err == ""
    out, _ = cli("verify", tmp_path / "again.gede", "--source", digits_path)
    assert "1,797 samples verified" in out
    assert dreamlearning.open(tmp_path / "again.gede").classes == list("0123456789")


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_extract_grey_pictures_without_labels(cli, tmp_path, dtype):
    images = np.random.default_rng(0).integers(0, 2**14, (12, 6, 5, 1)).astype(dtype)
    dreamlearning.compress(images, tmp_path / "g.gede").close()
    cli("extract", tmp_path / "g.gede", tmp_path / "out")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "out" / "07.png")), images[7, :, :, 0])


def test_class_names_that_are_no_folder_names(cli, tmp_path):
    names = ["a/b", "a\\b", "..", "CON:"]
    images = np.zeros((4, 3, 3), np.uint8)
    source = dreamlearning.sources.Source("s", images, {"label": np.arange(4)}, classes=names)
    dreamlearning.compress(source, tmp_path / "n.gede").close()
    cli("extract", tmp_path / "n.gede", tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["0_a_b", "1_a_b", "2__", "3_CON_"]


def test_extract_refuses_to_overwrite(cli, fails, tmp_path, colour):
    path = colour[0]
    target = tmp_path / "x.npz"
    target.write_text("precious")
    assert "--overwrite" in fails("extract", path, target)
    assert target.read_text() == "precious"
    cli("extract", path, target, "--overwrite")
    assert len(np.load(target)["data"]) == 300
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "precious").touch()
    assert "never replaced" in fails("extract", path, tmp_path / "folder", "--overwrite")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder", "x.npz"]


def test_extract_leaves_nothing_when_it_fails(fails, tmp_path, colour):
    damaged = tmp_path / "damaged.gede"
    content = bytearray(colour[0].read_bytes())
    content[len(content) // 2] ^= 255
    damaged.write_bytes(content)
    for name in ("x.npz", "x.npy", "x.parquet", "x.tar", "x-{00..}.tar", "pictures"):
        assert "damaged.gede" in fails("extract", damaged, tmp_path / name, code=1)
    assert [p.name for p in tmp_path.iterdir()] == ["damaged.gede"]


def test_tables_do_not_fit_into_pictures(fails, tmp_path):
    dreamlearning.compress("sklearn:iris", tmp_path / "i.gede").close()
    assert ".npz" in fails("extract", tmp_path / "i.gede", tmp_path / "pictures")
    assert [p.name for p in tmp_path.iterdir()] == ["i.gede"]


@pytest.mark.parametrize(
    "args",
    [
        ("compress",),
        ("compress", "sklearn:digits"),
        ("compress", "nothing.npy", "{tmp}/x.gede"),
        ("compress", "sklearn:digits", "{tmp}/no/x.gede"),
        ("compress", "sklearn:digits", "{tmp}/there.gede"),
        ("compress", "sklearn:digits", "{tmp}/x.gede", "--preset", "best"),
        ("compress", "sklearn:digits", "{tmp}/x.gede", "--threads", "-1"),
        ("compress", "sklearn:digits", "{tmp}/x.gede", "--partition-by", "colour"),
        ("compress", "torchvision:CIFAR10?root={tmp}", "{tmp}/x.gede"),
        ("compress", "webdataset:{tmp}/no-*.tar", "{tmp}/x.gede"),
        ("compress", "hf:", "{tmp}/x.gede"),
        ("info", "{tmp}/nothing.gede"),
        ("info", "{tmp}"),
        ("verify", "{tmp}/there.gede", "--colour"),
        ("extract", "{digits}", "{tmp}/there.gede/x.tar"),
        ("extract", "{digits}", "{tmp}/x.tar", "--indices", "1,1"),
        ("extract", "{digits}", "{tmp}/x.npy", "--indices", "1,x"),
        ("extract", "{digits}", "{tmp}/x.npy", "--indices", "1797"),
        ("extract", "{digits}", "{tmp}/x.npy", "--range", "1"),
        ("extract", "{digits}", "{tmp}/x.npy", "--range", "1:2", "--indices", "1"),
        ("dream",),
    ],
    ids=" ".join,
)
def test_bad_input_is_exit_code_2(fails, tmp_path, digits_path, args):
    (tmp_path / "there.gede").touch()
    fails(*(arg.format(tmp=tmp_path, digits=digits_path) for arg in args))
    assert [p.name for p in tmp_path.iterdir()] == ["there.gede"]


def test_damage_is_exit_code_1(fails, tmp_path, digits_path):
    path = tmp_path / "damaged.gede"
    content = bytearray(digits_path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert "damaged.gede" in fails("verify", path, code=1)
    path.write_bytes(content[:1000])
    assert "damaged.gede" in fails("info", path, code=1)


def test_verify_finds_every_difference(fails, tmp_path, colour):
    path, images, labels = colour
    changed = images.copy()
    changed[123, 4, 5, 1] ^= 1
    for arrays, word in [
        ({"image": changed, "label": labels}, "sample 123 differs"),
        ({"image": images, "label": np.roll(labels, 1)}, "field 'label'"),
        ({"image": images, "label": labels.astype(np.int32)}, "int32"),
        ({"image": images, "y": labels, "extra": labels}, "extra"),
        ({"image": images[:-1], "label": labels[:-1]}, "299"),
        ({"image": images.astype(np.uint16), "label": labels}, "uint16"),
    ]:
        np.savez(tmp_path / "s.npz", **arrays)
        assert word in fails("verify", path, "--source", tmp_path / "s.npz", code=1)


def test_verify_tells_nan_from_nan(cli, fails, tmp_path):
    table = np.array([[0.0, np.nan], [-0.0, 1.0]])
    np.save(tmp_path / "t.npy", table)
    cli("compress", tmp_path / "t.npy", tmp_path / "t.gede")
    cli("verify", tmp_path / "t.gede", "--source", tmp_path / "t.npy")
    np.save(tmp_path / "t.npy", np.abs(table))
    assert "sample 1 " in fails("verify", tmp_path / "t.gede", "--source", tmp_path / "t.npy", code=1)


@pytest.mark.parametrize(
    "command", ["compress", "info", "verify", "extract", "condense", "report", "bench", "demo"]
)
def test_help(cli, command):
    out, _ = cli(command, "--help")
    assert f"dreamlearning {command}" in out or command == "demo"
    assert cli("--help")[0].count(command) >= 1


def test_as_a_program(tmp_path):
    def run(*args):
        command = [sys.executable, "-m", "dreamlearning", *map(str, args)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    done = run("compress", "sklearn:digits", tmp_path / "d.gede", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["num_samples"] == 1797
    done = run("compress", "sklearn:digits", tmp_path / "d.gede")
    assert done.returncode == 2
    assert done.stderr.startswith(f"dreamlearning: error: {tmp_path / 'd.gede'}: ")
    assert done.stderr.count("\n") == 1
    done = run("--version")
    assert done.stdout == f"dreamlearning, version {dreamlearning.__version__}\n"
    done = run()
    assert done.returncode == 2
    assert "Usage: dreamlearning" in done.stderr


def test_a_folder_holds_each_sample_once(fails, tmp_path, digits_path):
    assert "once" in fails("extract", digits_path, tmp_path / "twice", "--indices", "5,5,0")
    assert not (tmp_path / "twice").exists()


def test_a_device_that_is_not_there(fails, tmp_path):
    assert "device 'foo'" in fails("demo", "--device", "foo", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()

"""Promise: ``dreamlearning report`` draws any file, and what it says is true of the file."""

import sys

import dreamlearning
import numpy as np
import pytest
from dreamlearning.cli import main
from dreamlearning.report import comparison_figure, file_figure, save_figure
from dreamlearning.report.learning import CENTROIDS, SCATTER, learn
from dreamlearning.report.points import condensed_of, telling_columns
from dreamlearning.report.rows import numbers_of
from dreamlearning.report.storage import column_rows, parts_of

pa = pytest.importorskip("pyarrow")


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        main(["report", *map(str, arguments)])
    captured = capsys.readouterr()
    return stopped.value.code, captured.out, captured.err


def panels(figure):
    """Title of each panel's first line -> all its texts."""
    found = {}
    for axes in figure.findobj(lambda artist: hasattr(artist, "get_xlim")):
        ticks = [tick.get_text() for tick in [*axes.get_yticklabels(), *axes.get_xticklabels()]]
        legend = axes.get_legend()
        named = [] if legend is None else [text.get_text() for text in legend.get_texts()]
        texts = [text.get_text() for text in axes.texts]
        labels = [axes.get_title(), axes.get_xlabel(), axes.get_ylabel()]
        found[axes.get_title().split("\n")[0]] = "\n".join([*labels, *texts, *ticks, *named])
    return found


def boxes(figure):
    """The texts that are drawn, and where, in pixels."""
    from matplotlib.axis import Axis, Tick
    from matplotlib.text import Text

    figure.draw_without_rendering()
    of_ticks = {text for tick in figure.findobj(Tick) for text in tick.findobj(Text)}
    drawn = [text for text in figure.findobj(Text) if text not in of_ticks]
    for axis in figure.findobj(Axis):
        if axis.axes.axison:
            low, high = sorted(axis.get_view_interval())
            drawn += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    return [
        (text.get_text(), text.get_window_extent())
        for text in drawn
        if text.get_visible() and text.get_text()
    ]


@pytest.fixture
def house(make):
    """A table of 2,000 rows whose target is a linear function and noise."""
    rng = np.random.default_rng(1)
    rooms, age = rng.integers(1, 9, 2000), rng.normal(40, 10, 2000).round(1)
    price = 3.0 * rooms - 0.1 * age + rng.normal(size=2000)
    noise = rng.normal(size=2000)
    return make(pa.table({"noise": noise, "rooms": rooms, "age": age, "price": price}), target="price")


def test_a_table(house):
    figure = file_figure(house, size=37)
    facts = house.info()
    shown = panels(figure)
    assert figure._suptitle.get_text().startswith(f"{house.path.name}: 2,000 rows of 4 columns, target price")
    assert f"{facts['ratio']:.1%} of raw" in shown["Sizes"]
    bits = next(text for title, text in shown.items() if title.startswith("Bits of a row"))
    assert "256 raw" in bits
    for column in facts["table"]["columns"]:
        assert f"{column['bits']:g} of 64: {column['code']}" in bits
        assert column["name"] in bits
    points = shown["Rows and condensed samples"]
    assert "2,000 rows (points), 37 condensed" in points
    assert "rooms\nage" in points
    assert "all 1,600 rows" in shown["Learning from condensed samples"]
    assert "on 400 other rows" in shown["Learning from condensed samples"]


def test_no_texts_overlap(house, make):
    rng = np.random.default_rng(2)
    names = [f"a_rather_long_name_of_a_column_{number}" for number in range(50)]
    wide = {name: rng.normal(size=300).round(2) for name in names}
    text = {"who": [f"person {n % 90}" for n in range(300)], "born": [None, *range(299)], **wide}
    for file in (house, make(pa.table(text)), make("sklearn:digits"), make(np.zeros((1, 9), np.uint8))):
        figure = file_figure(file)
        found = boxes(figure)
        assert len(found) > 12
        for text, box in found:
            assert min(box.min) >= -1, text
            assert (box.max <= figure.bbox.max + 1).all(), text
        for number, (one, box) in enumerate(found):
            for other, another in found[:number]:
                overlap = box.padded(-1).overlaps(another.padded(-1))
                assert not overlap, (one, other, file.path)


def test_the_parts_are_the_file(house, digits_file):
    for file in (house, digits_file):
        facts = file.info()
        assert sum(parts_of(facts).values()) == facts["file_bytes"]
    # Eight bytes of every row that no other row shares.
    assert parts_of(house.info())["deviations"] >= 2000 * 8


def test_columns_are_named(shared_table, make):
    housing = shared_table("california_housing")
    file = make(dict(zip(housing["feature_names"].tolist(), housing["X"].T, strict=True)), target="Latitude")
    codes = {one["name"]: one["code"] for one in column_rows(file.info(), file.table)}
    assert codes["AveRooms"] == "integer divided by AveOccup"
    assert codes["AveOccup"] == "Population divided by integer"
    arrays = make((housing["X"], housing["y"]))
    assert column_rows(arrays.info(), None)[2]["code"] == "integer divided by x5"


def test_telling_columns(house, make):
    numbers = numbers_of(house, 0)
    assert [numbers.names[i] for i in telling_columns(numbers, 0)] == ["rooms", "age"]
    rng = np.random.default_rng(3)
    X = rng.normal(size=(500, 4))
    X[:, 3] = X[:, 1] ** 3 + 0.1 * rng.normal(size=500)
    assert telling_columns(numbers_of(make(X), 0), 0) == (1, 3)
    labels = (X[:, 2] > 0).astype(int)
    assert telling_columns(numbers_of(make((X, labels)), 0), 0)[0] == 2
    assert telling_columns(numbers_of(make(X[:, :1].copy()), 0), 0) == (0, 0)


def test_learning(house):
    numbers = numbers_of(house, 0)
    learned = learn(numbers, 0)
    assert learned.sizes == [3, 10, 32, 96, 320]
    # Noise of variance one is all that is left.
    assert learned.all_rows == pytest.approx(1, abs=0.2)
    assert learned.constant == pytest.approx(np.var(numbers.y), rel=0.2)
    assert learned.errors[SCATTER] == pytest.approx([learned.all_rows] * 5, rel=1e-9)
    assert learned.errors[CENTROIDS][-1] == pytest.approx(learned.all_rows, rel=0.05)
    again = learn(numbers, 0)
    assert again.errors == learned.errors
    assert learn(numbers, 1).all_rows != learned.all_rows


@pytest.mark.parametrize("kind", ["text", "bool", "floats", "integers"])
def test_learning_two_classes(make, kind):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(1000, 2))
    truth = X[:, 0] + rng.logistic(scale=0.5, size=1000) > 0
    target = {
        "text": np.where(truth, "yes", "n$o$"),
        "bool": truth,
        "floats": truth * 2.5,
        "integers": truth * 1,
    }
    file = make(pa.table({"a": X[:, 0], "b": X[:, 1], "y": target[kind]}), target="y")
    learned = learn(numbers_of(file, 0), 0)
    assert learned.measure == "log loss"
    assert learned.constant == pytest.approx(np.log(2), abs=0.05)
    assert learned.all_rows < 0.8 * learned.constant
    assert max(learned.errors[SCATTER]) < learned.constant
    figure = file_figure(file)
    names = {"text": "yes", "bool": "True", "floats": "2.5", "integers": "1"}
    assert names[kind] in panels(figure)["Rows and condensed samples"]


def test_large_tables_are_sampled(make, monkeypatch):
    monkeypatch.setattr("dreamlearning.report.rows.MOST_ROWS", 300)
    monkeypatch.setattr("dreamlearning.report.rows.MOST_COLUMNS", 3)
    file = make((np.random.default_rng(5).normal(size=(1000, 4)), np.arange(1000.0)))
    shown = panels(file_figure(file))
    assert "300 of 1,000 rows" in shown["Rows and condensed samples"]
    assert "only the first 3 of 4 columns" in shown["Rows and condensed samples"]
    assert "all 240 rows" in shown["Learning from condensed samples"]
    assert not np.array_equal(numbers_of(file, 0).X, numbers_of(file, 1).X)


ROWS = "Rows and condensed samples"
LEARNING = "Learning from condensed samples"


@pytest.mark.parametrize(
    ("columns", "target", "panel", "words"),
    [
        ({"a": ["x", "y"] * 9}, None, ROWS, "no column of numbers"),
        ({"a": [1.0] * 30}, "a", ROWS, "no column of numbers"),
        ({"a": []}, None, ROWS, "no rows"),
        ({"a": [1.5]}, None, ROWS, "1 row (points), 1 condensed"),
        (
            {"a": [0.5, float("nan")] * 9, "b": [1, None] * 9, "c": range(18)},
            None,
            ROWS,
            "without a, b (missing",
        ),
        (
            {"a": [1e308, -1e308] * 15, "b": range(30), "y": [1.5, 2.5, 4.5] * 10},
            "y",
            ROWS,
            "without a (missing",
        ),
        ({"a": [1.0] * 30, "b": [2] * 30, "y": [3.0] * 30}, "y", ROWS, "30 rows (points), 1 condensed"),
        ({"a": range(30)}, None, LEARNING, "no target"),
        ({"a": range(30), "y": ["a", "b", "c"] * 10}, "y", LEARNING, "3 classes"),
        ({"a": range(9), "y": np.arange(9) * 0.5}, "y", LEARNING, "too few rows"),
        ({"a": range(30), "y": np.arange(30) * 0.5}, "y", LEARNING, "predicts the target exactly"),
        ({"a": [1.0] * 30, "y": np.arange(30) ** 2.0}, "y", LEARNING, "nothing varies"),
        ({"a": range(30), "y": [1.5] * 30}, "y", LEARNING, "nothing varies"),
        ({"a": range(30), "y": np.arange(30) % 2 == 0}, "y", LEARNING, "all 24 rows"),
        ({"a": np.arange(30) * 86_400, "y": np.arange(30) ** 2.0}, "y", ROWS, "y\n"),
    ],
)
def test_unusual_tables(make, tmp_path, columns, target, panel, words):
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    figure = file_figure(make(table, target=target))
    assert words in panels(figure)[panel].replace("\n", " " if panel == LEARNING else "\n")
    save_figure(figure, tmp_path / "x.png")


def test_names_are_text(make, tmp_path):
    names = ["$a_1$", "東京\n", "née", "x" * 90, r"\frac{1}{0}$"]
    rng = np.random.default_rng(6)
    file = make(pa.table({name: rng.normal(size=50) for name in names}), target=names[0])
    for ending in ("png", "PDF", "svg"):
        save_figure(file_figure(file), tmp_path / f"x.{ending}")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "x.PDF").read_bytes().startswith(b"%PDF")
    svg = (tmp_path / "x.svg").read_text()
    assert svg.startswith("<?xml")
    assert "<!-- $a_1$ -->" in svg.replace(r"\$", "$")


def test_condensed_samples_are_as_many_as_asked_for(house):
    numbers = numbers_of(house, 0)
    assert len(condensed_of(numbers, None)) == 20
    assert len(condensed_of(numbers, 321)) == 321
    circles = file_figure(house, size=50).axes[2].collections[1]
    areas = circles.get_sizes()
    assert areas / areas.sum() == pytest.approx(condensed_of(numbers, 50).sample_weight / 2000)
    few = file_figure(house, size=500)
    assert "500 condensed" in panels(few)[ROWS]


def test_more_condensed_samples_than_rows_is_said(make):
    figure = file_figure(make(np.arange(20.0).reshape(10, 2)), size=11)
    assert "11 condensed samples of 10 rows; give a smaller size" in panels(figure)[ROWS]


@pytest.mark.parametrize(
    "images",
    [
        np.arange(1200, dtype=np.uint8).reshape(3, 20, 20),
        np.arange(1200, dtype=np.uint16).reshape(3, 20, 20, 1),
        np.arange(1200, dtype=np.uint8).reshape(3, 1, 20, 20),
        np.arange(3600, dtype=np.uint16).reshape(3, 3, 20, 20),
        np.arange(4800, dtype=np.uint8).reshape(3, 20, 20, 4),
        np.arange(2400, dtype=np.uint8).reshape(3, 20, 20, 2),
        [np.full((n, 30, 3), 9, np.uint8) for n in (7, 8)],
    ],
    ids=["grey", "one channel", "grey first", "colour first, 16 bits", "alpha", "two", "own sizes"],
)
def test_any_images(make, tmp_path, images):
    file = make((images, np.arange(len(images))), preset="small")
    figure = file_figure(file)
    sheet = figure.findobj(lambda artist: hasattr(artist, "get_images"))
    drawn = [image.get_array().shape[:2] for axes in sheet for image in axes.get_images()]
    assert drawn == [tuple(side for side in np.shape(one) if side > 4) for one in images]
    save_figure(figure, tmp_path / "x.png")


def test_images_have_their_labels(digits_file, colour):
    figure = file_figure(digits_file, seed=3)
    shown = figure.findobj(lambda artist: hasattr(artist, "get_images"))
    assert {"Sizes", "Samples in each of 10 classes"} < {axes.get_title() for axes in shown}
    everything = digits_file.decode(slice(None))
    sheet = [axes for axes in shown if axes.get_images()]
    assert len(sheet) == 40
    for axes in sheet:
        same = (everything == axes.get_images()[0].get_array()).all(axis=(1, 2))
        assert axes.get_title() in {digits_file.classes[label] for label in digits_file.labels[same]}
    with dreamlearning.open(colour[0]) as file:
        assert "bee" in panels(file_figure(file))["Samples in each of 3 classes"]


def test_samples_that_are_no_images(make):
    for samples in (np.zeros((4, 3, 3, 5)), np.arange(4.0), np.zeros((0, 8, 8), np.uint8)):
        assert "no images" in panels(file_figure(make(samples)))["Samples"]


def test_on_the_command_line(house, capsys, tmp_path):
    beside = house.path.with_name(f"{house.path.stem}-report.png")
    code, out, _ = run(capsys, house.path)
    assert (code, out.strip()) == (0, f"wrote {beside}")
    first = beside.read_bytes()
    assert first.startswith(b"\x89PNG")
    code, _, err = run(capsys, house.path, "--seed", 1)
    assert code == 2
    assert "--overwrite" in err
    assert beside.read_bytes() == first
    assert run(capsys, house.path, "--seed", 1, "--overwrite")[0] == 0
    assert beside.read_bytes() != first
    assert run(capsys, house.path, "--overwrite")[0] == 0
    assert beside.read_bytes() == first  # the same file and seed
    assert run(capsys, house.path, "-o", tmp_path / "x.svg", "--size", 9)[0] == 0
    assert "9 condensed" in (tmp_path / "x.svg").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([house.path.name, beside.name, "x.svg"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "x.jpg"], ".png, .pdf or .svg"),
        (["-o", "none/x.png"], "no such folder"),
        (["--size", "0"], "--size"),
        (["--size", "501"], "--size"),
        (["--size", "7"], "no table"),
        (["--seed", "-1"], "--seed"),
    ],
)
def test_bad_input(digits_path, capsys, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, digits_path, *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert list(tmp_path.iterdir()) == []


def test_bad_files(capsys, tmp_path, digits_path):
    assert run(capsys, tmp_path / "none.gede", "-o", tmp_path / "x.png")[0] == 2
    (tmp_path / "damaged.gede").write_bytes(digits_path.read_bytes()[:5000])
    assert run(capsys, tmp_path / "damaged.gede")[0] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["damaged.gede"]
    with pytest.raises(ValueError, match="size is 0"):
        file_figure(digits_path, size=0)
    with pytest.raises(ValueError, match="seed is -1"):
        file_figure(digits_path, seed=-1)
    with pytest.raises(TypeError, match="path"):
        file_figure(7)


def test_a_picture_appears_when_it_is_complete(house, tmp_path, monkeypatch):
    figure = file_figure(house)
    path = tmp_path / "x.png"
    save_figure(figure, path)
    whole = path.read_bytes()

    def full(stream, format):
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(figure, "savefig", full)
    with pytest.raises(OSError, match="No space") as caught:
        save_figure(figure, path)
    assert caught.value.filename == str(path)
    with pytest.raises(FileExistsError):
        save_figure(figure, path, overwrite=False)
    assert path.read_bytes() == whole
    assert {path.name for path in tmp_path.iterdir()} == {house.path.name, "x.png"}


def test_without_scikit_learn(house, monkeypatch):
    for name in ("linear", "logistic", "arguments"):
        monkeypatch.delitem(sys.modules, f"dreamlearning.tabular.{name}", raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == "sklearn"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    shown = panels(file_figure(house))
    assert "dreamlearning[tabular]" in shown[LEARNING]
    assert "20 condensed" in shown[ROWS]


def test_without_matplotlib(house, capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    code, _, err = run(capsys, house.path, "-o", tmp_path / "x.png")
    assert code == 2
    assert "dreamlearning[plots]" in err
    assert not (tmp_path / "x.png").exists()
    with pytest.raises(ImportError, match="plots"):
        comparison_figure({"formats": {}})

"""Promise: condensed samples kept in a file are those that it would compute; nothing else changes."""

import json

import dreamlearning
import numpy as np
import pytest
from click.testing import CliRunner
from dreamlearning.cli import main
from dreamlearning.tabular import CondensedTable
from xxhash import xxh3_64_intdigest

STORES = ("samples", "positions")
KINDS = {
    "size": {"size": 30},
    "share, rows": {"fraction": 0.1, "representative": "row"},
    "bits": {"beta": 5},
    "ranks, target inside": {"size": 25, "bits": "rank", "cluster_target": True},
    "some columns": {"size": 12, "features": ["c", "a"]},
    "mixed classes": {"size": 12, "classes": False},
}


def rows(seed=0, n=400):
    rng = np.random.default_rng(seed)
    x = np.c_[rng.normal(size=(n, 2)), rng.integers(0, 9, n)]
    return x, x @ [1.0, -2.0, 3.0] + rng.normal(size=n)


def frame(n=400):
    pd = pytest.importorskip("pandas")
    x, y = rows(n=n)
    return pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2].astype(int), "y": y})


@pytest.fixture
def forbid(monkeypatch):
    """From a call on, condensed samples can't be computed but from what a file keeps."""

    def search(*_):
        raise AssertionError("a search for clusters")

    return lambda: monkeypatch.setattr(dreamlearning._core, "condense_table", search)


def reseal(path, *changes):
    """Change the request of a file's condensed samples and make the checksums right again."""
    content = bytearray(path.read_bytes())
    for old, new in changes:
        assert len(old) == len(new)
        assert content.count(old) == 1
        at = content.index(old)
        content[at : at + len(old)] = new
    u64 = lambda at: int.from_bytes(content[at : at + 8], "little")  # noqa: E731
    put = lambda at, data: content.__setitem__(  # noqa: E731
        slice(at, at + 8), xxh3_64_intdigest(bytes(data)).to_bytes(8, "little")
    )
    table = u64(32)
    for entry in range(table, len(content), 64):
        start, length, checks, log2 = u64(entry + 8), u64(entry + 16), u64(entry + 24), content[entry + 40]
        chunks = range(0, length, 1 << log2)
        for number, first in enumerate(chunks):
            put(checks + 8 * number, content[start + first : start + min(first + (1 << log2), length)])
        put(entry + 32, content[checks : checks + 8 * len(chunks)])
    put(48, content[table:])
    put(56, content[:56])
    path.write_bytes(content)


def same(one: CondensedTable, two: CondensedTable):
    for name in ("X", "y", "sample_weight", "partition", "means", "y_means"):
        a, b = getattr(one, name), getattr(two, name)
        assert (a is None and b is None) or np.array_equal(a, b), name
    for name in ("xx", "xy", "yy", "spread"):
        assert np.array_equal(getattr(one.scatter, name), getattr(two.scatter, name)), name
    assert (one.columns, one.target, one.n) == (two.columns, two.target, two.n)


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("preset", ["paper", "small"])
def test_what_is_kept_is_what_would_be_computed(tmp_path, store, kind, preset, forbid):
    pytest.importorskip("pyarrow")
    options = KINDS[kind]
    path = tmp_path / "t.gede"
    kept = {**options, "store": store}
    with (
        dreamlearning.compress(frame(), path, target="y", preset=preset, condense=kept) as file,
        dreamlearning.compress(frame(), tmp_path / "without.gede", target="y", preset=preset) as without,
    ):
        expected = without.condensed(**options)
        same(file.condensed(size=7), without.condensed(size=7))
        forbid()
        same(file.condensed(), expected)
        same(file.condensed(**options), expected)
        assert without.info()["condensed"] is None
        facts = file.info()["condensed"]
        assert facts["store"] == store
        assert facts["features"] == list(options.get("features", ["a", "b", "c"]))
        assert ("samples" in facts) == (store == "samples")
        json.dumps(facts)
        file.verify(progress=False)
        assert file.info()["sections"]["condensed"] > 0


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("names", [["dog", "cat", "eel"], [True, False]])
def test_classes_and_partitions(tmp_path, store, names):
    pytest.importorskip("pyarrow")
    table = frame().assign(y=np.array(names)[np.arange(400) % len(names)])
    path = tmp_path / "t.gede"
    kept = {"size": 60, "store": store}
    with (
        dreamlearning.compress(table, path, target="y", partition_by="c", condense=kept) as file,
        dreamlearning.compress(table, tmp_path / "u.gede", target="y", partition_by="c") as without,
    ):
        same(file.condensed(), without.condensed(size=60))
        assert set(file.condensed().y.tolist()) == set(names)
        if len(names) == 2:
            mixed = {"size": 40, "classes": False, "representative": "row"}
            with file.store_condensed({**mixed, "store": store}) as again:
                same(again.condensed(), without.condensed(**mixed))
                assert again.condensed().classes.tolist() == [False, True]
                assert again.condensed().to_classes()[2].sum() == 400


@pytest.mark.parametrize("store", STORES)
def test_storing_later_changes_nothing_else(tmp_path, store):
    x, y = rows()
    path = tmp_path / "t.gede"
    file = dreamlearning.compress((x, y), path)
    before = file.info()
    new = file.store_condensed({"size": 20, "store": store})
    newer = new.store_condensed({"size": 21, "store": store})
    assert len(newer.condensed()) == 21
    assert np.array_equal(file.decode(range(5)), x[:5])  # the old content stays readable
    after = newer.info()
    assert np.array_equal(newer.decode(slice(None)), x)
    assert np.array_equal(newer.labels, y)
    newer.verify(progress=False)
    changed = {"file_bytes", "ratio", "sections", "checksum", "condensed"}
    assert {k: v for k, v in before.items() if k not in changed} == {
        k: v for k, v in after.items() if k not in changed
    }
    sections = dict(after["sections"])
    assert sections.pop("condensed")
    rest = ("padding", "checksums", "section table")
    assert {k: v for k, v in sections.items() if k not in rest} == {
        k: v for k, v in before["sections"].items() if k not in rest
    }
    assert sorted(p.name for p in tmp_path.iterdir()) == ["t.gede"]


def test_the_same_bytes_at_once_and_with_any_number_of_threads(tmp_path):
    x, y = rows(n=60_000)  # two chunks of rows
    for store in STORES:
        files = [
            dreamlearning.compress(
                (x, y),
                tmp_path / f"{threads}.gede",
                num_threads=threads,
                condense={"size": 50, "store": store},
                overwrite=True,
            ).path.read_bytes()
            for threads in (1, 3)
        ]
        assert files[0] == files[1]


def test_positions_are_much_smaller_than_samples(tmp_path):
    x, y = rows(n=3000)
    sizes = {}
    for store in STORES:
        with dreamlearning.compress(
            (x, y), tmp_path / f"{store}.gede", condense={"size": 1000, "store": store}
        ) as file:
            sizes[store] = file.info()["sections"]["condensed"]
    assert sizes["positions"] * 3 < sizes["samples"]


def test_nothing_is_written_where_condensing_fails(tmp_path):
    x, y = rows()
    bad = x.copy()
    bad[77, 1] = np.nan
    path = tmp_path / "t.gede"
    with pytest.raises(ValueError, match="column 'x1' is NaN in row 77"):
        dreamlearning.compress((bad, y), path, condense=9)
    for condense, message in (
        ({"size": 5, "store": "disk"}, "store is 'disk'"),
        ({"sise": 5}, "no option 'sise'"),
        ({"size": 5, "beta": 2}, "one of size, fraction and beta"),
        (0, "size is 0"),
        (2.0, "fraction is 2.0"),
        (4000, "4000 condensed samples of 400 rows"),
    ):
        with pytest.raises(ValueError, match=message):
            dreamlearning.compress((x, y), path, condense=condense)
    with pytest.raises(TypeError, match="condense is 'x'"):
        dreamlearning.compress((x, y), path, condense="x")
    with pytest.raises(ValueError, match="are no rows of a table"):
        dreamlearning.compress((np.zeros((5, 4, 4), np.uint8), [0] * 5), path, condense=2)
    assert list(tmp_path.iterdir()) == []
    with dreamlearning.compress((x, y), path) as file:
        content = path.read_bytes()
        with pytest.raises(ValueError, match="keeps no condensed samples"):
            file.condensed()
        with pytest.raises(ValueError, match="4000 condensed samples"):
            file.store_condensed(4000)
        assert path.read_bytes() == content
        assert [p.name for p in tmp_path.iterdir()] == ["t.gede"]


def test_only_the_same_question_is_answered_by_what_is_kept(tmp_path, forbid):
    pytest.importorskip("pyarrow")
    kept = {"size": 30, "features": ["a", "b"], "classes": False}
    with dreamlearning.compress(frame(), tmp_path / "t.gede", target="y", condense=kept) as file:
        forbid()
        assert len(file.condensed(fraction=30 / 400, features=["a", "b"], classes=False)) == 30
        for other in (
            {"size": 31},
            {"bits": "rank"},
            {"representative": "row"},
            {"features": ["b", "a"]},
            {"features": ["a", "b", "c"]},
            {"classes": None},
            {"cluster_target": True},
        ):
            with pytest.raises(AssertionError, match="a search"):
                file.condensed(**(kept | other))


def test_a_request_that_makes_no_sense_is_damage(tmp_path):
    x, y = rows()
    path = tmp_path / "t.gede"
    for old, new in (
        (b'"size": 30,', b'"sise": 30,'),
        (b'"size": 30,', b'"size": -9,'),
        (b'"value"', b'"other"'),
        (b'"x0"', b'"x9"'),
        (b'"x1"', b'["x"'),
        (b'"whole"', b'"wrong"'),
    ):
        dreamlearning.compress((x, y), path, condense=30, overwrite=True).close()
        reseal(path, (old, new))
        with dreamlearning.open(path) as file:
            file.verify(progress=False)
            with pytest.raises(dreamlearning.CorruptFileError, match="its condensed samples"):
                file.condensed()
            # Who asks for something else does not need them.
            assert len(file.condensed(size=5)) == 5
            file.info()


def test_what_a_newer_library_keeps_is_not_needed(tmp_path):
    x, y = rows()
    path = tmp_path / "t.gede"
    dreamlearning.compress((x, y), path, condense=30).close()
    reseal(path, (b'"bits"', b'"news"'))
    with dreamlearning.open(path) as file:
        assert file.info()["condensed"] == {"store": "unknown"}
        assert "another version" in CliRunner().invoke(main, ["info", str(path)]).output
        assert len(file.condensed(size=30)) == 30


def test_another_file_is_never_overwritten_and_permissions_stay(tmp_path):
    x, y = rows()
    path = tmp_path / "t.gede"
    old = dreamlearning.compress((x, y), path)
    path.chmod(0o600)
    again = old.store_condensed(5)
    assert path.stat().st_mode & 0o777 == 0o600
    dreamlearning.compress((x[:50], y[:50]), path, overwrite=True).close()
    for stale in (old, again):
        with pytest.raises(ValueError, match="has been replaced"):
            stale.store_condensed(7)
    assert len(dreamlearning.open(path)) == 50
    assert [p.name for p in tmp_path.iterdir()] == ["t.gede"]


def test_what_could_not_be_read_is_not_written(tmp_path):
    x, y = rows()
    for store in STORES:
        with pytest.raises(ValueError, match="column 'x1' is too large"):
            dreamlearning.compress(
                (x * [1, 1e200, 1], y), tmp_path / "t.gede", condense={"size": 9, "store": store}
            )
    wide = np.zeros((3, 9000), np.uint8)
    wide[1] = 1
    with pytest.raises(ValueError, match="9000 columns"):
        dreamlearning.compress((wide, [0, 1, 0]), tmp_path / "t.gede", condense=2)
    assert list(tmp_path.iterdir()) == []


def test_the_command_line(tmp_path):
    x, y = rows()
    np.savez(tmp_path / "t.npz", X=x, y=y)
    path, run = tmp_path / "t.gede", CliRunner()
    done = run.invoke(
        main, ["compress", str(tmp_path / "t.npz"), str(path), "--target", "y", "--condense", "12"]
    )
    assert done.exit_code == 0, done.output
    assert "12 samples of 3 features, asked for as size 12" in run.invoke(main, ["info", str(path)]).output
    done = run.invoke(main, ["condense", str(path), "--size", "15", "--bits", "rank", "--store", "positions"])
    assert done.exit_code == 0, done.output
    assert "keeps condensed positions" in done.output
    with dreamlearning.open(path) as file:
        assert file.info()["condensed"]["bits"] == "rank"
        assert len(file.condensed()) == 15
    done = run.invoke(main, ["condense", str(path), "--size", "15"])
    assert (done.exit_code, "say where to" in done.output) == (2, True)
    done = run.invoke(
        main, ["compress", str(tmp_path / "t.npz"), str(tmp_path / "u.gede"), "--condense", "many"]
    )
    assert (done.exit_code, "give a number of samples" in done.output) == (2, True)

"""Promise: condensed samples are the recipe's, stand for all rows exactly, and say what is wrong."""

import sys
from fractions import Fraction
from pathlib import Path

import dreamlearning
import numpy as np
import pytest
from click.testing import CliRunner
from dreamlearning.cli import main
from dreamlearning.tabular import CondensedTable, EntroGeDeCondenser, condense_arrays
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as numpy_arrays

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))
from tabular_recipes import VALUE_BITS, order, positions, ranks, refine, split, values
from tabular_recipes import condense as slow_twin


def same_clusters(condensed, x, labels):
    """Whether the table is that of the clusters ``labels``, whatever their numbers."""
    first = np.unique(labels, return_index=True)[1]
    ordered = np.argsort(np.argsort(first))
    expected = CondensedTable.from_groups(x, None, ordered[labels])
    scale = np.abs(x).max(initial=1)
    assert np.array_equal(condensed.sample_weight, expected.sample_weight)
    np.testing.assert_allclose(condensed.X, expected.X, rtol=1e-12, atol=1e-12 * scale)
    np.testing.assert_allclose(
        condensed.scatter.xx, expected.scatter.xx, rtol=1e-9, atol=1e-12 * scale**2 * len(x)
    )
    np.testing.assert_allclose(
        condensed.scatter.spread, expected.scatter.spread, rtol=1e-9, atol=1e-12 * scale**2 * len(x)
    )


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_clusters_are_those_of_the_slow_twin(data):
    n, d = data.draw(st.integers(1, 60)), data.draw(st.integers(1, 5))
    ties = st.sampled_from([0.0, 0.0, 0.0, 0.0, 1.0, -1.0, 2.0])
    kind = data.draw(st.sampled_from([ties, st.integers(-3, 3).map(float), st.floats(-1e6, 1e6)]))
    x = data.draw(numpy_arrays(np.float64, (n, d), elements=kind))
    size = data.draw(st.integers(1, n))
    labels = slow_twin(x, size)
    if labels.max() + 1 < size:
        with pytest.raises(ValueError, match=f"the {labels.max() + 1} different rows"):
            condense_arrays(x, size=size)
    else:
        same_clusters(condense_arrays(x, size=size), x, labels)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_clusters_of_ranks_are_those_of_the_slow_twin(data):
    n, d = data.draw(st.integers(1, 60)), data.draw(st.integers(1, 5))
    kind = data.draw(st.sampled_from([st.integers(-3, 3).map(float), st.floats(-1e6, 1e6)]))
    x = data.draw(numpy_arrays(np.float64, (n, d), elements=kind))
    v = values(x)
    codes = ranks(v.astype(np.float64))
    size = data.draw(st.integers(1, len(np.unique(v, axis=0))))
    labels = split(codes << VALUE_BITS | v, v, size)
    same_clusters(condense_arrays(x, size=size, bits="rank"), x, labels)
    beta = data.draw(st.integers(1, 12))
    labels = np.zeros(n, np.int64)
    for column, bit in order(codes)[:beta]:
        labels = refine(labels, codes[:, column] >> bit & 1)
    same_clusters(condense_arrays(x, beta=beta, bits="rank"), x, labels)


@pytest.mark.parametrize("name", ["california_housing", "credit_default"])
def test_real_tables_are_condensed_as_the_slow_twin_does(shared_table, name):
    x = shared_table(name)["X"].astype(np.float64)[:4000]
    for size in (1, 2, 92, 400):
        same_clusters(condense_arrays(x, size=size), x, slow_twin(x, size))
    labels = np.zeros(len(x), np.int64)
    codes = positions(x)
    for beta, (column, bit) in enumerate(order(codes)[:9], 1):
        labels = refine(labels, codes[:, column] >> bit & 1)
        same_clusters(condense_arrays(x, beta=beta), x, labels)


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(4)
    x = np.c_[rng.normal(size=(500, 3)), rng.integers(0, 9, 500)]
    y = x @ [1.0, -2.0, 0.5, 3.0] + rng.normal(size=500)
    return x, y, tmp_path / "t.gede"


@pytest.mark.parametrize("preset", ["paper", "small", "raw"])
def test_a_file_gives_what_its_arrays_give(table, preset):
    x, y, path = table
    dreamlearning.compress((x, y), path, preset=preset).close()
    with dreamlearning.open(path) as file:
        for options in (
            {"size": 30},
            {"fraction": 0.1, "representative": "row"},
            {"size": 9, "cluster_target": True},
        ):
            got, expected = file.condensed(**options), condense_arrays(x, y, **options)
            for one in ("X", "y", "sample_weight", "partition", "means", "y_means"):
                assert np.array_equal(getattr(got, one), getattr(expected, one)) or getattr(got, one) is None
            for one in ("xx", "xy", "yy", "spread"):
                assert np.array_equal(getattr(got.scatter, one), getattr(expected.scatter, one))
            assert (got.columns, got.target, got.n) == (["x0", "x1", "x2", "x3"], "label", 500)


def test_named_columns_nulls_and_classes(tmp_path):
    pa = pytest.importorskip("pyarrow")
    rng = np.random.default_rng(1)
    a, holes = rng.normal(size=200), np.where(np.arange(200) == 77, None, rng.normal(size=200))
    kind = np.array(["dog", "cat", "eel"])[rng.integers(0, 3, 200)]
    whole = pa.table(
        {"a": a, "note": [f"n{i}" for i in range(200)], "holes": pa.array(holes, pa.float64()), "kind": kind}
    )
    with dreamlearning.compress(whole, tmp_path / "k.gede", target="kind") as file:
        condensed = file.condensed(size=12, features=["a"])
        assert (condensed.columns, condensed.target, len(condensed)) == (["a"], "kind", 12)
        for name in ("dog", "cat", "eel"):
            assert condensed.sample_weight[condensed.y == name].sum() == (kind == name).sum()
            mine = condensed.y == name
            mean = np.average(condensed.X[mine, 0], weights=condensed.sample_weight[mine])
            assert np.isclose(mean, a[kind == name].mean())
        with pytest.raises(ValueError, match="column 'holes' is null in row 77"):
            file.condensed(size=12)
        with pytest.raises(ValueError, match="no column 'b'"):
            file.condensed(size=12, features=["b"])
        with pytest.raises(ValueError, match="'note' of type string has no numbers"):
            file.condensed(size=12, features=["a", "note"])


@pytest.mark.parametrize("representative", ["centroid", "row"])
@pytest.mark.parametrize("names", [("no", "yes"), (False, True)])
def test_clusters_that_mix_two_named_classes(tmp_path, names, representative):
    pa = pytest.importorskip("pyarrow")
    rng = np.random.default_rng(3)
    x = rng.normal(size=(400, 2))
    second = x[:, 0] + rng.logistic(size=400) > 0
    options = {"size": 25, "representative": representative, "classes": False}
    y = np.where(second, names[1], names[0])
    condensed = condense_arrays(x, y, **options)
    numbers = condense_arrays(x, second.astype(int), **options)
    assert condensed.classes.tolist() == list(names)
    assert numbers.classes is None
    for one in ("X", "centroids", "sample_weight"):
        assert np.array_equal(getattr(condensed, one), getattr(numbers, one))
    np.testing.assert_allclose(condensed.centroid_y, numbers.centroid_y, atol=1e-12)
    assert condensed.scatter.yy[0] > 0
    condensed.save(tmp_path / "c.npz")
    read = CondensedTable.load(tmp_path / "c.npz")
    frame = pa.table({"a": x[:, 0], "b": x[:, 1], "bought": y})
    with dreamlearning.compress(frame, tmp_path / "t.gede", target="bought") as file:
        tables = (condensed, read, file.condensed(**options))
    for table in tables:
        X, labels, weight = table.to_classes()
        assert np.array_equal(np.unique(X, axis=0), np.unique(condensed.X, axis=0))
        assert len(labels) > 25  # some clusters are mixed
        assert np.array_equal(np.unique(labels), names)
        for name in names:
            assert weight[labels == name].sum() == (y == name).sum()
        assert np.array_equal(weight, np.rint(weight))
    assert np.array_equal(numbers.to_classes()[1], (labels == names[1]).astype(int))


def test_mixed_classes_are_two():
    x = np.arange(12.0).reshape(6, 2)
    for y, count in ((list("abcabc"), 3), (["a"] * 6, 1)):
        with pytest.raises(ValueError, match=f"text of {count} classes; classes=False needs"):
            condense_arrays(x, y, size=2, classes=False)
    with pytest.raises(ValueError, match="y holds objects, such as None in row 2"):
        condense_arrays(x, np.array(["a", "b", None, "a", "b", "a"], object), size=2)
    text = condense_arrays(x, np.array(list("aabbab"), object), size=2)
    assert text.y.dtype.kind == "U"


def test_partitions_share_the_size(tmp_path):
    x = np.random.default_rng(0).normal(size=(1000, 2))
    label = (np.arange(1000) % 10 == 0).astype(np.int64)
    with dreamlearning.compress((x, label), tmp_path / "p.gede", partition_by="label") as file:
        condensed = file.condensed(size=20)
        assert np.bincount(condensed.partition).tolist() == [18, 2]
        assert condensed.scatter.xx.shape == (2, 2, 2)
        total = condensed.scatter.xx.sum(0) + (condensed.X.T * condensed.sample_weight) @ condensed.X
        np.testing.assert_allclose(total, x.T @ x, rtol=1e-12)
        for part in (0, 1):
            mine = condensed.partition == part
            assert (condensed.y[mine] == part).all()


@pytest.mark.parametrize(("apart", "width"), [(1e6, 0.1), (1e8, 0.1), (1e9, 1.0)])
def test_scatter_keeps_its_digits_where_clusters_are_far_apart(apart, width):
    rng = np.random.default_rng(0)
    side = np.where(np.arange(10_000) % 2, apart, -apart)
    x = np.c_[side + width * rng.normal(size=10_000), rng.normal(size=10_000)]
    got = condense_arrays(x, size=2)
    inner = x - np.where((side > 0)[:, None], x[side > 0].mean(0), x[side < 0].mean(0))
    unit = np.finfo(float).eps * apart  # of which values are multiples
    allowed = 1e-12 + 10 * unit / width
    np.testing.assert_allclose(got.scatter.xx[0], inner.T @ inner, rtol=allowed, atol=allowed * 1e4)
    spread = [(inner[side < 0] ** 2).sum(), (inner[side > 0] ** 2).sum()]
    np.testing.assert_allclose(got.scatter.spread, spread, rtol=allowed)


def test_any_number_of_threads_and_chunks(tmp_path):
    x = np.random.default_rng(2).normal(size=(60_000, 5))
    with dreamlearning.compress(x, tmp_path / "x.gede", preset="raw") as file:
        one, many = file.condensed(size=300, num_threads=1), file.condensed(size=300, num_threads=4)
        assert np.array_equal(one.X, many.X)
        assert np.array_equal(one.scatter.xx, many.scatter.xx)
        assert one.y is None


def test_rows_are_rows(table):
    x, y, _ = table
    condensed = condense_arrays(x, y, size=25, representative="row")
    places = [np.flatnonzero((x == row).all(axis=1))[0] for row in condensed.X]
    assert np.array_equal(condensed.y, y[places])
    assert condensed.means is not None
    np.testing.assert_allclose(
        np.average(condensed.means, axis=0, weights=condensed.sample_weight), x.mean(0)
    )


def far_columns(n):
    """Rows whose columns are far from zero, constant, or of very different size; integers that tie."""
    rng = np.random.default_rng(7)
    return np.c_[
        1e15 + rng.normal(size=n), np.full(n, 0.1), 1e-150 * rng.normal(size=n), rng.integers(0, 3, n) * 1e9
    ]


def test_scatter_of_columns_far_from_zero_loses_no_digits():
    x = far_columns(300)
    condensed = condense_arrays(x, size=40)
    labels = slow_twin(x, 40)
    expected = [[0.0] * 4 for _ in range(4)]
    for k in range(40):
        rows = [[Fraction(value) for value in row] for row in x[labels == k].tolist()]
        means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
        for i in range(4):
            for j in range(4):
                parts = ((row[i] - means[i]) * (row[j] - means[j]) for row in rows)
                expected[i][j] += float(sum(parts))
    got, expected = condensed.scatter.xx[0], np.array(expected)
    unit = np.sqrt(np.diag(expected))
    assert unit[1] == 0
    unit[1] = 0.1
    np.testing.assert_allclose(got / np.outer(unit, unit), expected / np.outer(unit, unit), atol=1e-12)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 80), st.integers(1, 4), st.integers(1, 3))
def test_the_nearest_rows_are_those_of_from_groups(seed, n, d, parts):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)) * 10.0 ** rng.integers(-4, 5, d)
    x[:, 0] = np.round(x[:, 0])  # ties, and perhaps a constant
    part = np.sort(rng.integers(0, parts, n))
    groups = np.concatenate(
        [
            (
                100 * q
                + slow_twin(x[part == q], int(rng.integers(1, len(np.unique(x[part == q], axis=0)) + 1)))
            )
            for q in np.unique(part)
        ]
    )
    table = CondensedTable.from_groups(x, None, groups, part, representative="row")
    got = [
        condense_arrays(x[part == q], size=len(np.unique(groups[part == q])), representative="row")
        for q in np.unique(part)
    ]
    for q, core in zip(np.unique(part), got, strict=True):
        mine = table.partition == q
        scale = x[part == q].std(axis=0)
        scale[scale <= 1e-12 * np.abs(x).max()] = np.inf
        pairs = [
            (table.means[mine], table.X[mine]),
            (core.means, core.X),
        ]
        # Clusters are numbered differently; where two rows are equally near, rounding decides.
        away = [np.sort((((rows - means) / scale) ** 2).sum(axis=1)) for means, rows in pairs]
        np.testing.assert_allclose(away[0], away[1], rtol=1e-6, atol=1e-9)
        inside = {tuple(row) for row in x[part == q]}
        assert {tuple(row) for row in core.X} <= inside


def test_rows_of_partitions_are_near_in_units_of_their_own():
    """A column that is wide in one partition and narrow in another."""
    rng = np.random.default_rng(8)
    x = np.r_[rng.normal(size=(200, 2)) * [1, 100], rng.normal(size=(200, 2)) * [100, 1]]
    part = np.repeat([0, 1], 200)
    groups = np.r_[slow_twin(x[:200], 15), 100 + slow_twin(x[200:], 15)]
    table = CondensedTable.from_groups(x, None, groups, part, representative="row")
    elsewhere = 0
    for mean, row, q, group in zip(table.means, table.X, table.partition, np.unique(groups), strict=True):
        rows = x[groups == group]
        own, whole = ((((rows - mean) / x[of].std(axis=0)) ** 2).sum(axis=1) for of in (part == q, part >= 0))
        assert own[(rows == row).all(axis=1)][0] == pytest.approx(own.min())
        elsewhere += int(own[whole.argmin()] > 1.01 * own.min())
    assert elsewhere > 3  # by the deviations of the whole table it would be other rows


def test_extremes():
    largest = np.finfo(np.float64).max
    too_large = "column 'x0' is too large: float64 does not hold"
    for column in ([largest, -largest, 0.0, 1.0], [1e200, -1e200, 0.0, 1.0], [largest] * 4):
        for size in {1, min(2, len(set(column)))}:
            with pytest.raises(ValueError, match=too_large):
                condense_arrays(np.array([column]).T, size=size)
    with pytest.raises(ValueError, match=too_large):
        CondensedTable.from_groups([[1e200], [-1e200]], None, [0, 0])
    small = condense_arrays([[1e150], [-1e150], [0.0]], size=1)
    np.testing.assert_allclose(small.scatter.xx, 2e300)
    one = condense_arrays([[3.0, -0.0]], [7.5], size=1)
    assert (one.X.tolist(), one.y.tolist(), one.scatter.xx.any()) == ([[3.0, 0.0]], [7.5], False)
    same = condense_arrays(np.full((50, 2), 0.1), np.arange(50.0), beta=3)
    assert (len(same), same.X.tolist(), same.scatter.spread.tolist()) == (1, [[0.1, 0.1]], [0.0])
    assert same.scatter.yy[0] == pytest.approx(((np.arange(50) - 24.5) ** 2).sum())


def test_the_condenser(table):
    pytest.importorskip("sklearn")
    x, y, _ = table
    condenser = EntroGeDeCondenser(size=20)
    got, target = condenser.fit_resample(x, y)
    assert np.array_equal(got, condense_arrays(x, y, size=20).X)
    assert len(target) == 20
    assert condenser.sample_weight_.sum() == 500
    assert len(EntroGeDeCondenser().fit(x, y).condensed_) == 5
    assert "size=20" in repr(condenser)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give one of size, fraction and beta"),
        ({"size": 3, "beta": 2}, "not size and beta"),
        ({"size": 0}, "size is 0"),
        ({"beta": 0}, "beta is 0"),
        ({"fraction": 1.5}, "fraction is 1.5"),
        ({"size": 501}, "501 condensed samples of 500 rows"),
        ({"size": 3, "representative": "mean"}, "'centroid' or 'row'"),
        ({"size": 3.0}, "size is 3.0; give a whole number"),
        ({"beta": True}, "beta is True; give a whole number"),
        ({"fraction": "a"}, "fraction is 'a'; give a number"),
    ],
)
def test_wrong_arguments(table, options, message):
    x, y, path = table
    with pytest.raises((ValueError, TypeError), match=message):
        condense_arrays(x, y, **options)
    with dreamlearning.compress((x, y), path) as file, pytest.raises((ValueError, TypeError), match=message):
        file.condensed(**options)


def test_names_of_columns(table):
    x, y, _ = table
    assert condense_arrays(x, y, size=3, columns=np.array(list("abcd"))).columns == list("abcd")
    assert len(condense_arrays(x, y, fraction=np.float32(0.1))) == 50
    for columns in (list("abc"), list("abcde")):
        with pytest.raises(ValueError, match=f"{len(columns)} names for 4 columns"):
            condense_arrays(x, y, size=3, columns=columns)
    with pytest.raises(TypeError, match="list of names"):
        condense_arrays(x, y, size=3, columns="abcd")


def test_what_cannot_be_condensed(table, colour):
    x, y, _ = table
    spoiled = x.copy()
    spoiled[123, 2] = np.inf
    with pytest.raises(ValueError, match="column 'x2' is inf in row 123"):
        condense_arrays(spoiled, y, size=5)
    y = y.copy()
    y[7] = np.nan
    with pytest.raises(ValueError, match="column 'target' is NaN in row 7"):
        condense_arrays(x, y, size=5)
    with pytest.raises(ValueError, match="no rows"):
        condense_arrays(np.empty((0, 3)), size=1)
    with pytest.raises(ValueError, match="shape"):
        condense_arrays(x, y[:5], size=1)
    with dreamlearning.open(colour[0]) as images, pytest.raises(ValueError, match="images; give beta"):
        images.condensed(size=5)


def test_on_the_command_line(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet

    rng = np.random.default_rng(6)
    whole = pa.table({"a": rng.normal(size=300), "b": rng.normal(size=300), "y": rng.normal(size=300)})
    dreamlearning.compress(whole, tmp_path / "t.gede", target="y").close()

    def run(*arguments):
        return CliRunner().invoke(main, ["condense", str(tmp_path / "t.gede"), *map(str, arguments)])

    done = run("--size", 20, "-o", tmp_path / "s.npz")
    assert done.exit_code == 0, done.output
    assert "20 condensed samples of 300 rows" in done.output
    small = CondensedTable.load(tmp_path / "s.npz")
    with dreamlearning.open(tmp_path / "t.gede") as file:
        assert np.array_equal(small.X, file.condensed(size=20).X)
    assert run("--fraction", 0.1, "--rows", "--features", "b", "-o", tmp_path / "s.parquet").exit_code == 0
    table = pyarrow.parquet.read_table(tmp_path / "s.parquet")
    assert table.column_names == ["b", "y", "sample_weight"]
    assert set(table["b"].to_pylist()) <= set(whole["b"].to_pylist())
    assert run("--beta", 2, "-o", tmp_path / "s.csv").exit_code == 0
    for arguments, message in (
        (["--size", 3, "-o", tmp_path / "s.npz"], "exists"),
        (["-o", tmp_path / "n.npz"], "one of size, fraction and beta"),
        (["--size", 3, "-o", tmp_path / "n.txt"], "neither in .npz"),
        (["--size", 301, "-o", tmp_path / "n.npz"], "of 300 rows"),
        (["--size", 3, "--features", "c", "-o", tmp_path / "n.npz"], "no column 'c'"),
    ):
        done = run(*arguments)
        assert done.exit_code == 2
        assert message in done.output
    assert not (tmp_path / "n.npz").exists()


def test_the_target_is_no_feature_and_the_only_argument_is_the_size(tmp_path):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    x = np.random.default_rng(0).normal(size=(60, 2))
    table = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": x.sum(1)})
    with dreamlearning.compress(table, tmp_path / "t.gede", target="y") as file:
        assert len(file.condensed(7)) == 7
        with pytest.raises(ValueError, match="column 'y' is the target"):
            file.condensed(7, features=["a", "y"])
        assert file.decode([]).shape == (0,)
        assert file.decode(range(0)).dtype == file.dtype


def test_mixed_classes_on_the_command_line(tmp_path):
    x = np.random.default_rng(0).normal(size=(200, 2))
    path = tmp_path / "t.gede"
    dreamlearning.compress((x, (x[:, 0] > 0.3).astype(np.uint8)), path).close()
    for options, mixed in (([], False), (["--mixed"], True)):
        out = tmp_path / f"{mixed}.npz"
        done = CliRunner().invoke(main, ["condense", str(path), "--size", "9", "-o", str(out), *options])
        assert done.exit_code == 0, done.output
        assert (CondensedTable.load(out).y.dtype.kind == "f") == mixed


def test_the_condenser_has_enough_samples_by_default():
    pytest.importorskip("sklearn")
    x = np.random.default_rng(0).normal(size=(50, 2))
    condenser = EntroGeDeCondenser(bits="rank").fit(x, np.arange(50) % 3)
    assert len(condenser.condensed_) == 3

"""Promise: a condensed table has the means, weights and scatter of its rows, in files too, or is refused."""

import numpy as np
import pytest
from dreamlearning import SourceError
from dreamlearning.tabular import (
    CondensedLinearRegression,
    CondensedTable,
    Scatter,
)
from learning import objective
from sklearn.linear_model import LinearRegression


def test_means_weights_and_scatter_are_those_of_a_slow_twin():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 3)) + 1e6, rng.normal(size=200)
    groups = rng.integers(-5, 6, 200)
    partition = (groups > 0).astype(int)
    table = CondensedTable.from_groups(X, y, groups, partition, columns=["a", "b", "c"], target="t")
    xx, xy, yy, spread = np.zeros((2, 3, 3)), np.zeros((2, 3)), np.zeros(2), []
    for k, group in enumerate(np.unique(groups)):
        rows = groups == group
        np.testing.assert_allclose(table.X[k], X[rows].mean(axis=0), rtol=1e-14)
        np.testing.assert_allclose(table.y[k], y[rows].mean(), rtol=1e-12)
        assert table.sample_weight[k] == rows.sum()
        assert table.partition[k] == (group > 0)
        dx, dy = X[rows] - X[rows].mean(axis=0), y[rows] - y[rows].mean()
        xx[int(group > 0)] += dx.T @ dx
        xy[int(group > 0)] += dx.T @ dy
        yy[int(group > 0)] += dy @ dy
        spread.append((dx**2).sum())
    for name, expected in {"xx": xx, "xy": xy, "yy": yy, "spread": spread}.items():
        np.testing.assert_allclose(getattr(table.scatter, name), expected, rtol=1e-7, atol=1e-7)
    assert table.n == 200
    assert len(table) == 11
    assert repr(table) == "CondensedTable(11 clusters of 200 rows, 3 columns, target 't')"


def test_classes_stay_what_they_are():
    X, groups = np.arange(8.0).reshape(4, 2), [0, 0, 1, 1]
    assert CondensedTable.from_groups(X, ["b", "b", "a", "a"], groups).y.tolist() == ["b", "a"]
    assert CondensedTable.from_groups(X, np.array(["b", "b", "a", "a"], object), groups).y.dtype.kind == "U"
    assert CondensedTable.from_groups(X, [3, 3, 1, 1], groups).y.dtype == np.int64
    mixed = CondensedTable.from_groups(X, [3, 3, 1, 2], groups)
    assert mixed.y.tolist() == [3.0, 1.5]
    assert mixed.scatter.yy.tolist() == [0.5]
    tenths = CondensedTable.from_groups(np.zeros((7, 1)), [0.1] * 7, np.zeros(7, int))
    assert (tenths.y[0], tenths.scatter.yy[0]) == (0.1, 0.0)
    with pytest.raises(ValueError, match=r"y is text and differs within cluster 1 \(row 3\)"):
        CondensedTable.from_groups(X, ["b", "b", "a", "b"], groups)


def test_rows_as_representatives_keep_the_means():
    rng = np.random.default_rng(1)
    X, y, groups = rng.normal(size=(300, 4)), rng.normal(size=300), rng.integers(0, 9, 300)
    rows = CondensedTable.from_groups(X, y, groups, representative="row")
    means = CondensedTable.from_groups(X, y, groups)
    for k in range(9):
        inside = np.flatnonzero(groups == k)
        distance = (((X[inside] - means.X[k]) / X.std(axis=0)) ** 2).sum(axis=1)
        nearest = inside[distance.argmin()]
        assert np.array_equal(rows.X[k], X[nearest])
        assert rows.y[k] == y[nearest]
    assert np.array_equal(rows.means, means.X)
    assert np.array_equal(rows.y_means, means.y)
    assert "representatives are rows" in repr(rows)
    exact = CondensedLinearRegression().fit(rows)
    np.testing.assert_allclose(exact.coef_, LinearRegression().fit(X, y).coef_, rtol=1e-10)
    plain = CondensedLinearRegression(solver="closed_form").fit(rows)
    expected = LinearRegression().fit(rows.X, rows.y, rows.sample_weight)
    np.testing.assert_allclose(plain.coef_, expected.coef_, rtol=1e-10)
    assert plain.certificate_.gap == pytest.approx(objective(plain, X, y) - objective(exact, X, y), rel=1e-9)


@pytest.mark.parametrize("y", [None, "mean", "class", "text"])
@pytest.mark.parametrize("representative", ["centroid", "row"])
def test_saved_and_loaded(tmp_path, y, representative):
    rng = np.random.default_rng(2)
    groups = rng.integers(0, 7, 50)
    targets = {
        None: None,
        "mean": rng.normal(size=50),
        "class": groups % 3,
        "text": np.array(list("abcdefg"))[groups],
    }
    table = CondensedTable.from_groups(
        rng.normal(size=(50, 2)),
        targets[y],
        groups,
        columns=["a", "ß"],
        target=y,
        representative=representative,
    )
    path = tmp_path / "table.npz"
    table.save(path)
    with pytest.raises(FileExistsError):
        table.save(path)
    first = path.read_bytes()
    table.save(path, overwrite=True)
    assert path.read_bytes() == first
    read = CondensedTable.load(path)
    for name in ("X", "y", "sample_weight", "partition", "means", "y_means", "columns", "target", "n"):
        a, b = getattr(table, name), getattr(read, name)
        assert type(a) is type(b)
        assert np.array_equal(a, b)
        assert not isinstance(a, np.ndarray) or a.dtype == b.dtype
    for name in ("xx", "xy", "yy", "spread"):
        assert np.array_equal(getattr(table.scatter, name), getattr(read.scatter, name))
    with np.load(path) as arrays:  # and others read it too
        assert np.array_equal(arrays["X"], table.X)
    assert sorted(tmp_path.iterdir()) == [path]


def test_damaged_files_are_refused(tmp_path):
    path = tmp_path / "table.npz"
    CondensedTable.from_groups(np.arange(12.0).reshape(6, 2), np.arange(6.0), [0, 0, 1, 1, 2, 2]).save(path)
    data = path.read_bytes()
    rng = np.random.default_rng(3)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceError, match=r"table\.npz"):
        CondensedTable.load(path)
    for _ in range(300):
        place = rng.integers(len(data))
        path.write_bytes(data[:place] + bytes([rng.integers(256)]) + data[place + 1 :])
        try:
            CondensedTable.load(path)
        except SourceError:
            continue  # a byte that does not matter, such as a date, may be anything
    np.savez(path, a=np.arange(3))
    with pytest.raises(SourceError, match="holds no condensed table"):
        CondensedTable.load(path)
    np.savez_compressed(path, condensed_table=np.array(1), X=np.zeros((1000, 1000)))
    with pytest.raises(SourceError, match="compressed"):
        CondensedTable.load(path)
    with pytest.raises(FileNotFoundError):
        CondensedTable.load(tmp_path / "none.npz")
    with pytest.raises(ValueError, match=r"must end in \.npz"):
        CondensedTable.from_groups([[1.0]], [1.0], [0]).save(tmp_path / "table.csv")


def test_rows_for_classifiers():
    X = np.arange(12.0).reshape(6, 2)
    groups = [0, 0, 0, 1, 1, 2]
    for y, given, names in [
        ([0, 1, 1, 0, 0, 1], None, [0, 1]),
        ([-1, 1, 1, -1, -1, 1], None, [-1, 1]),
        ([2, 7, 7, 2, 2, 7], (2, 7), [2, 7]),
        ([0.0, 1.0, 1.0, 0.0, 0.0, 1.0], None, [0, 1]),
    ]:
        for representative in ("centroid", "row"):
            table = CondensedTable.from_groups(X, y, groups, representative=representative)
            rows, labels, weight = table.to_classes(given)
            low, high = names
            assert np.array_equal(rows, table.X[[0, 0, 1, 2]])
            assert labels.tolist() == [low, high, low, high]
            assert weight.tolist() == [1, 2, 2, 1]
    # A mean of thirds and tenths leaves nothing behind of a class that is not there.
    many = CondensedTable.from_groups(np.zeros((60, 1)), [1] * 59 + [0], [0] * 59 + [1])
    assert many.to_classes()[2].tolist() == [59, 1]
    for y in (list("aaabbc"), [True, True, True, False, False, True], [5, 5, 5, 2, 2, 3], [0.5] * 6):
        pure = CondensedTable.from_groups(X, y, groups)
        for got, expected in zip(pure.to_classes(), pure.to_numpy(), strict=True):
            assert got is expected
    with pytest.raises(ValueError, match="no target"):
        CondensedTable.from_groups(X, None, groups).to_classes()
    for y, given in (
        ([2, 7, 7, 2, 2, 7], None),
        ([2, 7, 7, 2, 2, 7], (2, 8)),
        ([0.1, 0.9, 0.3, 0, 0, 1], None),
    ):
        with pytest.raises(ValueError, match="not those of two classes"):
            CondensedTable.from_groups(X, y, groups).to_classes(given)


def test_classes_of_shares_are_checked(tmp_path):
    scatter = Scatter(np.zeros((1, 1, 1)), np.zeros((1, 1)), np.array([0.5]), np.zeros(2))
    good = {
        **{"X": np.zeros((2, 1)), "y": np.array([0.5, 1.0]), "sample_weight": np.array([2.0, 1.0])},
        **{"partition": np.zeros(2, int), "scatter": scatter, "columns": ["a"], "target": "t", "n": 3},
        "classes": np.array(["no", "yes"]),
    }
    table = CondensedTable(**good)
    assert table.to_classes()[1].tolist() == ["no", "yes", "yes"]
    with pytest.raises(ValueError, match=r"those of the condensed table are \('no', 'yes'\)"):
        table.to_classes(("yes", "no"))
    for change, message in [
        ({"classes": ["yes", "no"]}, "give two texts or bools, sorted"),
        ({"classes": [1, 2]}, "give two texts or bools, sorted"),
        ({"classes": ["a", "b", "c"]}, "give \\(2,\\)"),
        ({"y": np.array([0.5, 1.5])}, "share of the second class"),
        ({"y": np.array(["no", "yes"])}, "share of the second class"),
        ({"y": None}, "share of the second class"),
    ]:
        with pytest.raises(ValueError, match=message):
            CondensedTable(**{**good, **change})


def test_a_table_that_contradicts_itself_is_refused():
    scatter = Scatter(np.zeros((1, 2, 2)), np.zeros((1, 2)), np.zeros(1), np.zeros(3))
    good = {
        "X": np.arange(6.0).reshape(3, 2),
        "y": np.arange(3.0),
        "sample_weight": np.array([1.0, 2.0, 3.0]),
        "partition": np.zeros(3, int),
        "scatter": scatter,
        "columns": ["a", "income"],
        "target": "t",
        "n": 6,
    }
    CondensedTable(**good)
    hole = good["X"].copy()
    hole[2, 1] = np.nan
    for change, message in [
        ({"X": hole}, r"Input X contains NaN: row 2, column 1 \('income'\)"),
        ({"X": np.zeros((3, 3))}, "X has shape"),
        ({"X": np.zeros((3, 2), "U1")}, "give numbers"),
        ({"y": np.array([0, np.inf, 1])}, "Input y contains infinity: row 1"),
        ({"y": np.zeros(4)}, "y has shape"),
        ({"y": np.array([1, "a", None], object)}, "y holds objects"),
        ({"sample_weight": np.array([1.0, -2.0, 7.0])}, r"cluster 1 has weight -2\.0"),
        ({"sample_weight": np.array([1.0, np.nan, 7.0])}, "cluster 1 has weight nan"),
        ({"sample_weight": np.ones(2)}, "sample_weight has shape"),
        ({"n": 7}, "the weights sum to 6, not to n, which is 7"),
        ({"partition": np.array([0, 1, 0])}, r"outside 0\.\.0"),
        ({"means": np.zeros((2, 2))}, "means has 2 rows for 3 clusters"),
        ({"columns": ["a", "b", "c"]}, "rows of 3 columns"),
    ]:
        with pytest.raises(ValueError, match=message):
            CondensedTable(**{**good, **change})
    for arrays, message in [
        ((np.zeros((1, 2, 3)), np.zeros((1, 2)), np.zeros(1), np.zeros(3)), "do not agree"),
        ((np.zeros((1, 2, 2)), np.zeros((1, 2)), np.zeros(1), -np.ones(3)), "ever negative"),
        ((np.full((1, 2, 2), np.nan), np.zeros((1, 2)), np.zeros(1), np.zeros(3)), "xx holds a NaN"),
    ]:
        with pytest.raises(ValueError, match=message):
            Scatter(*arrays)
    for arguments, message in [
        (([[1.0, np.nan]], [1], [0]), "row 0, column 1"),
        (([1.0], [1], [0]), "rows and columns"),
        (([[1.0]], [1], [0.5]), "give integers"),
        (([[1.0]], [1], [0, 1]), "groups has shape"),
        (([[1.0], [2.0]], [1, 1], [0, 0], [0, 1]), r"cluster 0 is in two partitions \(row 1\)"),
        (([[1.0]], [1], [0], [-1]), "partition is -1 in row 0"),
    ]:
        with pytest.raises(ValueError, match=message):
            CondensedTable.from_groups(*arguments)
    with pytest.raises(ValueError, match="representative is 'median'"):
        CondensedTable.from_groups([[1.0]], [1], [0], representative="median")

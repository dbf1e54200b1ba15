"""Promise: learning from condensed samples is exact, or its certificate says how far off it is at most."""

import doctest
import warnings
from pathlib import Path

import numpy as np
import pytest
from dreamlearning import SourceError
from dreamlearning.tabular import (
    CondensedLinearRegression,
    CondensedLogisticRegression,
    CondensedTable,
    Scatter,
    bases_of,
    cells,
    certify,
    refine,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

ROOT = Path(__file__).resolve().parent.parent
# Rounding of F itself, which is of order one here.
SLACK = 1e-12


@pytest.fixture(scope="module")
def housing(shared_table):
    data = shared_table("california_housing")
    return data["X"], data["y"], data["feature_names"].tolist()


@pytest.fixture(scope="module")
def tables(housing, shared_table):
    """Rows and two classes of three data sets."""
    credit, ijcnn = shared_table("credit_default"), shared_table("ijcnn1")
    X, y, _ = housing
    return {
        "california": (X, (y > np.median(y)).astype(int)),
        "credit": (credit["X"].astype(float), credit["y"].astype(int)),
        "ijcnn1": (ijcnn["X_train"], ijcnn["y_train"].astype(int)),
    }


def clusters(X, bits, y=None):
    """Clusters of rows whose most significant bits agree, of one class where ``y`` is given."""
    keys = cells(X, bits) if y is None else np.column_stack([cells(X, bits), y])
    return np.unique(keys, axis=0, return_inverse=True)[1].ravel()


def objective(model, X, y):
    """F in plain NumPy, on all rows."""
    y = np.asarray(y)
    u = X @ np.atleast_2d(model.coef_).T + model.intercept_
    penalty = model.alpha / 2 * (model.coef_**2).sum()
    if isinstance(model, CondensedLinearRegression):
        return ((u[:, 0] - y) ** 2).mean() / 2 + penalty
    if len(model.classes_) == 2:
        return np.logaddexp(0, np.where(y == model.classes_[1], -1, 1) * u[:, 0]).mean() + penalty
    chosen = u[np.arange(len(y)), np.searchsorted(model.classes_, y)]
    return (np.logaddexp.reduce(u, axis=1) - chosen).mean() + penalty


def holds(certificate, value, best, slack=SLACK):
    assert certificate.lower - slack <= value <= certificate.upper + slack
    assert certificate.optimum_lower - slack <= best <= certificate.optimum_upper + slack
    assert value - best <= certificate.gap + slack


# Condensed tables


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


# Least squares


@pytest.mark.parametrize("bits", [1, 2, 3])
@pytest.mark.parametrize("alpha", [0.0, 0.3])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_exact_least_squares_are_those_of_all_rows(housing, bits, alpha, fit_intercept):
    X, y, names = housing
    table = CondensedTable.from_groups(X, y, clusters(X, bits), columns=names)
    ours = CondensedLinearRegression(alpha, fit_intercept).fit(table)
    if alpha:
        reference = Ridge(alpha * len(X), fit_intercept=fit_intercept, solver="svd")
    else:
        reference = LinearRegression(fit_intercept=fit_intercept)
    reference.fit(X, y)
    np.testing.assert_allclose(ours.coef_, reference.coef_, rtol=1e-10)
    np.testing.assert_allclose(ours.intercept_, reference.intercept_, rtol=1e-10)
    assert ours.certificate_.gap == 0
    assert ours.certificate_.upper == pytest.approx(objective(ours, X, y), rel=1e-12)
    np.testing.assert_allclose(ours.predict(X[:5]), reference.predict(X[:5]), rtol=1e-9)


@pytest.mark.parametrize("bits", [1, 2, 3])
def test_other_solvers_are_the_papers_and_know_their_gap(housing, bits):
    X, y, _ = housing
    table = CondensedTable.from_groups(X, y, clusters(X, bits))
    full = CondensedLinearRegression().fit(X, y)
    assert full.certificate_ is None
    closed = CondensedLinearRegression(solver="closed_form").fit(table)
    expected = LinearRegression().fit(table.X, table.y, table.sample_weight)  # Eq. 11
    np.testing.assert_allclose(closed.coef_, expected.coef_, rtol=1e-8)
    descent = CondensedLinearRegression(solver="gradient_descent", max_iter=200_000, tol=1e-12).fit(table)
    np.testing.assert_allclose(descent.coef_, closed.coef_, rtol=1e-6)
    for model in (closed, descent, CondensedLinearRegression(0.1).fit(table)):
        best = CondensedLinearRegression(model.alpha).fit(X, y)
        gap = objective(model, X, y) - objective(best, X, y)
        assert model.certificate_.gap == pytest.approx(gap, rel=1e-6, abs=1e-13)
        assert certify(model, X, y).gap == pytest.approx(gap, rel=1e-6, abs=1e-13)


def test_gradient_descent_is_eq_9_step_by_step():
    rng = np.random.default_rng(4)
    X, y, weight = rng.normal(size=(30, 3)) * [1, 10, 0.1] + 5, rng.normal(size=30), rng.integers(1, 9, 30)
    with pytest.warns(ConvergenceWarning, match="5 steps"):
        ours = CondensedLinearRegression(solver="gradient_descent", max_iter=5).fit(X, y, weight)
    assert ours.n_iter_ == 5
    n = weight.sum()
    mean = weight @ X / n
    scale = np.sqrt(weight @ (X - mean) ** 2 / n)
    Z, t = (X - mean) / scale, y - weight @ y / n
    rate = 1 / np.linalg.eigvalsh(Z.T @ (Z * weight[:, None]) / n)[-1]
    theta = np.zeros(3)
    for _ in range(5):
        theta = theta - rate / n * sum(w * (z @ theta - v) * z for w, z, v in zip(weight, Z, t, strict=True))
    np.testing.assert_allclose(ours.coef_, theta / scale, rtol=1e-10)


def test_columns_that_repeat_or_stand_still_give_the_shortest_solution():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(400, 3))
    X = np.column_stack([X, X[:, 0], np.full(400, 0.1), 1e6 + X[:, 1], 2 * X[:, 2]])
    y = rng.normal(size=400) + X[:, 0]
    table = CondensedTable.from_groups(X, y, rng.integers(0, 20, 400))
    ours, expected = CondensedLinearRegression().fit(table), LinearRegression().fit(X, y)
    np.testing.assert_allclose(ours.coef_, expected.coef_, atol=1e-7)
    assert objective(ours, X, y) == pytest.approx(
        objective(CondensedLinearRegression().fit(X, y), X, y), rel=1e-12
    )


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_exact_for_any_table(data):
    seed = data.draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    n, d, m = data.draw(st.integers(30, 200)), data.draw(st.integers(1, 6)), data.draw(st.integers(1, 20))
    scale, shift = 10.0 ** rng.integers(-6, 7, d), 10.0 ** rng.integers(-3, 4, d)
    X = (rng.normal(size=(n, d)) + shift * rng.normal(size=d)) * scale
    y = rng.normal(size=n) * 10.0 ** rng.integers(-3, 4)
    table = CondensedTable.from_groups(
        X, y, rng.integers(0, m, n), representative=data.draw(st.sampled_from(["centroid", "row"]))
    )
    ours = CondensedLinearRegression().fit(table)
    unit = X.std(axis=0)  # least squares without scaled columns would drop the small ones
    expected = LinearRegression().fit((X - X.mean(axis=0)) / unit, y)
    assert np.abs(ours.coef_ * unit - expected.coef_).max() <= 1e-9 * np.abs(expected.coef_).max()


# Logistic regression


def test_without_condensing_it_is_scikit_learns(tables):
    for X, y in tables.values():
        X = StandardScaler().fit_transform(X[:4000])
        y = y[:4000]
        for alpha, fit_intercept in [(1e-2, True), (1e-3, False)]:
            ours = CondensedLogisticRegression(alpha, fit_intercept=fit_intercept).fit(X, y)
            expected = LogisticRegression(
                C=1 / (alpha * len(X)), fit_intercept=fit_intercept, solver="newton-cholesky", tol=1e-12
            ).fit(X, y)
            np.testing.assert_allclose(ours.coef_, expected.coef_, atol=1e-6)
            np.testing.assert_allclose(ours.intercept_, expected.intercept_, atol=1e-6)
            np.testing.assert_allclose(ours.predict_proba(X), expected.predict_proba(X), atol=1e-6)
            assert np.array_equal(ours.predict(X), expected.predict(X))
            assert ours.certificate_ is None


def test_the_upper_bound_is_what_is_minimised():
    rng = np.random.default_rng(6)
    X, groups = rng.normal(size=(500, 3)), rng.integers(0, 12, 500)
    y = (X @ [1.0, -1.0, 0.5] + rng.logistic(size=500) > 0).astype(int)
    table = CondensedTable.from_groups(X, y, groups)
    alpha = 1e-2

    def upper(theta):
        w, b = theta[:3], theta[3]
        u = table.X @ w + b
        loss = table.sample_weight @ (np.logaddexp(0, u) - table.y * u) - table.scatter.xy[0] @ w
        return (loss + w @ table.scatter.xx[0] @ w / 8) / 500 + alpha / 2 * w @ w

    found = minimize(upper, np.zeros(4), method="BFGS", options={"gtol": 1e-10})
    model = CondensedLogisticRegression(alpha).fit(table)
    np.testing.assert_allclose(np.append(model.coef_[0], model.intercept_), found.x, atol=1e-5)
    assert model.certificate_.upper == pytest.approx(found.fun, rel=1e-9)


@pytest.mark.parametrize("name", ["california", "credit", "ijcnn1"])
@pytest.mark.parametrize("seed", range(4))
def test_certificates_are_never_violated(tables, name, seed):
    X, y = tables[name]
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(X))[:5000]
    X, y = X[rows], y[rows]
    if seed % 2:
        X = StandardScaler().fit_transform(X)
    alpha = [1e-2, 1e-3, 1e-4, 1e-6][seed]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        full = CondensedLogisticRegression(alpha).fit(X, y)
        best = objective(full, X, y)
        for bits in (1, 2, 3, 5):
            for label in (None, y):
                table = CondensedTable.from_groups(X, y, clusters(X, bits, label))
                for scatter in (True, False):
                    model = CondensedLogisticRegression(alpha, scatter=scatter).fit(table)
                    value = objective(model, X, y)
                    holds(model.certificate_, value, best)
                    assert model.certificate_.gap < np.inf
                    if scatter and bits == 3:
                        seen = certify(model, X, y)
                        holds(seen, value, best)
                        assert seen.gap <= model.certificate_.gap + SLACK
                        better = refine(model, X, y)
                        holds(better.certificate_, objective(better, X, y), best)
                        assert objective(better, X, y) < value
                        assert better.certificate_.gap < seen.gap


def test_without_a_ridge_the_bound_still_holds():
    rng = np.random.default_rng(7)
    X = rng.normal(size=(2000, 3))
    y = (X @ [1.0, -1.0, 0.5] + 0.3 + rng.logistic(size=2000) > 0).astype(int)
    full = CondensedLogisticRegression(0.0).fit(X, y)
    table = CondensedTable.from_groups(X, y, clusters(X, 4))
    for fit_intercept in (True, False):
        full = CondensedLogisticRegression(0.0, fit_intercept=fit_intercept).fit(X, y)
        model = CondensedLogisticRegression(0.0, fit_intercept=fit_intercept).fit(table)
        best = objective(full, X, y)
        holds(model.certificate_, objective(model, X, y), best)
        assert 0 < model.certificate_.gap < 0.05
        better = refine(refine(model, X, y), X, y)
        holds(better.certificate_, objective(better, X, y), best)
        assert better.certificate_.gap < 1e-9
    # A lower side without a minimum proves only what is always true.
    one = CondensedTable.from_groups(X, y, np.zeros(2000, int))
    model = CondensedLogisticRegression(0.0).fit(one)
    assert model.certificate_.optimum_lower == 0
    holds(
        model.certificate_,
        objective(model, X, y),
        objective(CondensedLogisticRegression(0.0).fit(X, y), X, y),
    )


def test_certificates_shrink_with_more_clusters_and_vanish_where_each_row_is_one(tables):
    X, y = tables["credit"]
    X, y = StandardScaler().fit_transform(X[:3000]), y[:3000]
    gaps = [
        CondensedLogisticRegression(1e-3)
        .fit(CondensedTable.from_groups(X, y, clusters(X, bits)))
        .certificate_.gap
        for bits in (2, 3, 4, 5)
    ]
    assert sorted(gaps, reverse=True) == gaps
    every = CondensedLogisticRegression(1e-3).fit(CondensedTable.from_groups(X, y, np.arange(3000)))
    assert every.certificate_.gap < 1e-12


def test_scatter_repairs_clusters_of_one_class(tables):
    X, y = tables["credit"]
    X = StandardScaler().fit_transform(X)
    table = CondensedTable.from_groups(X, y, clusters(X, 1, y))
    best = objective(CondensedLogisticRegression(1e-3).fit(X, y), X, y)
    with_scatter, plain = (
        objective(CondensedLogisticRegression(1e-3, scatter=scatter).fit(table), X, y) - best
        for scatter in (True, False)
    )
    assert with_scatter < 0.01 < 0.5 < plain


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.booleans(), st.sampled_from([1e-1, 1e-3, 1e-6, 0.0]))
def test_certificates_hold_for_any_table(seed, classes, fit_intercept, alpha):
    rng = np.random.default_rng(seed)
    n, d = 300, int(rng.integers(1, 5))
    X = rng.standard_t(3, size=(n, d)) * 10.0 ** rng.integers(-3, 4, d) + rng.normal(size=d)
    X[:, 0] = np.round(X[:, 0], 1)
    y = (X / (X.std(axis=0) + 1e-12) @ rng.normal(size=(d, classes)) + rng.gumbel(size=(n, classes))).argmax(
        axis=1
    )
    y[:classes] = np.arange(classes)
    groups = rng.integers(0, int(rng.integers(2, 60)), n)
    if classes > 2 or rng.integers(2):
        groups = groups * classes + y
    table = CondensedTable.from_groups(X, y, groups)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        full = CondensedLogisticRegression(alpha, fit_intercept=fit_intercept).fit(X, y)
        model = CondensedLogisticRegression(alpha, fit_intercept=fit_intercept).fit(table)
    best, value = objective(full, X, y), objective(model, X, y)
    holds(model.certificate_, value, best)
    holds(certify(model, X, y), value, best)
    for batches in (
        [(X[:100], y[:100]), (X[100:], y[100:])],
        [(part, y[i::7]) for i, part in enumerate(X[i::7] for i in range(7))],
    ):
        holds(certify(model, batches), value, best)
        holds(certify(model, iter(batches)), value, best)
    better = refine(model, X, y)
    holds(better.certificate_, objective(better, X, y), best)
    assert objective(better, X, y) <= value + SLACK


def test_several_classes():
    from sklearn.datasets import load_iris, load_wine

    for load in (load_iris, load_wine):
        X, y = load(return_X_y=True)
        names = np.array(["c", "a", "b"])[y]
        ours = CondensedLogisticRegression(1e-2).fit(X, names)
        expected = LogisticRegression(
            C=1 / (1e-2 * len(X)), tol=1e-12, solver="newton-cg", max_iter=10_000
        ).fit(X, names)
        assert ours.classes_.tolist() == ["a", "b", "c"]
        np.testing.assert_allclose(ours.predict_proba(X), expected.predict_proba(X), atol=1e-4)
        np.testing.assert_allclose(np.exp(ours.predict_log_proba(X)), ours.predict_proba(X), rtol=1e-12)
        best = objective(ours, X, names)
        for bits in (1, 2, 3):
            table = CondensedTable.from_groups(X, names, clusters(X, bits, y))
            model = CondensedLogisticRegression(1e-2).fit(table)
            holds(model.certificate_, objective(model, X, names), best)
            better = refine(refine(model, X, names), X, names)
            holds(better.certificate_, objective(better, X, names), best)
            assert better.certificate_.gap < max(0.2 * model.certificate_.gap, SLACK)
    mixed = CondensedTable.from_groups(X, y, np.arange(len(y)) % 5)
    with pytest.raises(ValueError, match="several classes always need that"):
        CondensedLogisticRegression().fit(mixed)


def test_mean_targets_of_any_two_values():
    rng = np.random.default_rng(8)
    X, groups = rng.normal(size=(400, 2)), rng.integers(0, 30, 400)
    second = X[:, 0] + rng.logistic(size=400) > 0
    expected = CondensedLogisticRegression().fit(CondensedTable.from_groups(X, second.astype(int), groups))
    assert expected.classes_.tolist() == [0, 1]
    for low, high, given_classes in [(-1, 1, None), (2, 7, (2, 7)), (-1, 1, (-1, 1))]:
        y = np.where(second, high, low)
        model = CondensedLogisticRegression(classes=given_classes).fit(
            CondensedTable.from_groups(X, y, groups)
        )
        assert model.classes_.tolist() == [low, high]
        np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-9)
        assert model.certificate_.gap == pytest.approx(expected.certificate_.gap, rel=1e-6)
        assert set(model.predict(X)) == {low, high}
    table = CondensedTable.from_groups(X, np.where(second, 7, 2), groups)
    for classes in (None, (2, 8), (7, 2)):
        with pytest.raises(ValueError, match="not those of two classes"):
            CondensedLogisticRegression(classes=classes).fit(table)
    with pytest.raises(ValueError, match="not those of two classes"):
        CondensedLogisticRegression().fit(CondensedTable.from_groups(X, rng.uniform(size=400), groups))
    floats = CondensedTable.from_groups(X, second.astype(float), groups * 2 + second)
    assert CondensedLogisticRegression().fit(floats).classes_.tolist() == [0, 1]


# The pass over all rows


def test_batches_weights_and_arrays_say_the_same(tables):
    X, y = tables["california"]
    table = CondensedTable.from_groups(X, y, clusters(X, 3))
    model = CondensedLogisticRegression(1e-3).fit(table)
    whole = certify(model, X, y)
    batches = [(X[i : i + 1000], y[i : i + 1000]) for i in range(0, len(X), 1000)]
    batches.insert(3, (X[:0], y[:0]))
    parts = certify(model, batches)
    assert parts.upper == pytest.approx(whole.upper, rel=1e-12)
    assert parts.n == whole.n == len(X)
    twice = certify(model, X, y, np.full(len(X), 2.0))
    assert twice.upper == pytest.approx(whole.upper, rel=1e-12)
    np.testing.assert_allclose(refine(model, batches).coef_, refine(model, X, y).coef_, rtol=1e-7)
    # The table's lower bound counts for the table's own rows and objective only.
    assert whole.optimum_lower >= model.certificate_.optimum_lower
    others = certify(model, X[:-1], y[:-1])
    assert others.optimum_lower < model.certificate_.optimum_lower
    elsewhere = refine(model, X[y == 1][:3000], y[y == 1][:3000])  # a far lower minimum, of other rows
    best = objective(CondensedLogisticRegression(1e-3).fit(X, y), X, y)
    assert elsewhere.certificate_.upper < best
    holds(certify(elsewhere, X, y), objective(elsewhere, X, y), best)
    changed = clone(model).set_params(alpha=1e-2).fit(table).set_params(alpha=1e-3)
    assert certify(changed, X, y).optimum_lower < changed.certificate_.optimum_lower
    linear = CondensedLinearRegression(solver="closed_form").fit(
        CondensedTable.from_groups(X, y, clusters(X, 1))
    )
    assert certify(linear, batches).gap == pytest.approx(linear.certificate_.gap, rel=1e-8)
    refined = refine(linear, iter(batches))
    np.testing.assert_allclose(refined.coef_, LinearRegression().fit(X, y).coef_, rtol=1e-9)
    assert refined.certificate_.gap == 0


def test_newton_steps_square_the_distance(tables):
    X, y = tables["ijcnn1"]
    X, y = X[:20_000], y[:20_000]
    best = objective(CondensedLogisticRegression(1e-3).fit(X, y), X, y)
    model = CondensedLogisticRegression(1e-3).fit(CondensedTable.from_groups(X, y, clusters(X, 2)))
    gaps = [objective(model, X, y) - best]
    for _ in range(3):
        model = refine(model, X, y)
        gaps.append(objective(model, X, y) - best)
    assert gaps[1] < gaps[0] / 5
    assert gaps[2] < gaps[1] / 50
    assert gaps[3] < 1e-10
    assert model.certificate_.gap < 1e-9


def test_the_pass_names_what_is_wrong():
    X, y = np.arange(10.0).reshape(5, 2), np.array([0, 1, 0, 1, 1])
    model = CondensedLogisticRegression().fit(X, y)
    hole = X.copy()
    hole[1, 1] = np.nan
    for arguments, error, message in [
        (([(X, y), (hole, y)],), ValueError, "Input X contains NaN: row 6, column 1"),
        (([(X, y), (X, y + 5)],), ValueError, "row 5 has the class 5"),
        (([(X, y), (X[:, :1], y)],), ValueError, r"the batch at row 5 has shapes \(5, 1\)"),
        ((X, y[:4]), ValueError, "the batch at row 0 has shapes"),
        (([X],), ValueError, "no pair"),
        (([],), ValueError, "there are no rows"),
        ((X, y, -np.ones(5)), ValueError, "sample_weight is -1.0 in row 0"),
        ((X, y, np.ones(4)), ValueError, "weights of shape"),
        ((CondensedTable.from_groups(X, y, range(5)),), TypeError, "no rows"),
    ]:
        with pytest.raises(error, match=message):
            certify(model, *arguments)
    with pytest.raises(TypeError, match="only once"):
        refine(model, iter([(X, y)]))
    with pytest.raises(TypeError, match="LinearRegression"):
        certify(LinearRegression(), X, y)
    with pytest.raises(NotFittedError):
        certify(CondensedLinearRegression(), X, y)
    with pytest.raises(ValueError, match="there are no rows"):
        certify(CondensedLinearRegression().fit(X, y), [])
    with pytest.raises(ValueError, match="Input y contains NaN: row 2"):
        certify(CondensedLinearRegression().fit(X, y), X, [0, 1, np.nan, 1, 1])


# Trees


def same_tree(a, b):
    a, b = a.tree_, b.tree_
    assert np.array_equal(a.feature, b.feature)
    assert np.array_equal(a.threshold, b.threshold)
    assert np.array_equal(a.children_left, b.children_left)
    assert np.array_equal(a.value, b.value)
    assert np.array_equal(a.weighted_n_node_samples, b.weighted_n_node_samples)


@pytest.mark.parametrize("name", ["california", "credit", "ijcnn1"])
@pytest.mark.parametrize("bits", [1, 3])
def test_trees_for_classes_are_the_same_to_the_last_bit(tables, name, bits):
    X, y = tables[name]
    X, y = X[:10_000], y[:10_000]
    codes = cells(X, bits)
    bases = bases_of(codes, y)
    assert bases.n == len(X)
    assert len(bases) < len(X)
    for tree in (
        DecisionTreeClassifier(random_state=0),
        DecisionTreeClassifier(criterion="entropy", max_depth=8, random_state=1),
    ):
        rows = clone(tree).fit(codes, y)
        few = clone(tree).fit(bases.X, bases.y, sample_weight=bases.sample_weight)
        same_tree(rows, few)
        assert np.array_equal(rows.predict_proba(codes), few.predict_proba(codes))
    for forest in (
        ExtraTreesClassifier(3, random_state=0),
        RandomForestClassifier(3, bootstrap=False, min_weight_fraction_leaf=0.001, random_state=0),
    ):
        rows = clone(forest).fit(codes, y)
        for a, b in zip(rows, forest.fit(bases.X, bases.y, sample_weight=bases.sample_weight), strict=True):
            same_tree(a, b)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_trees_for_whole_numbers_are_the_same_to_the_last_bit(housing, bits):
    X, y, _ = housing
    y = np.rint(y * 100_000).astype(np.int64)  # US dollars
    codes = cells(X, bits)
    bases = bases_of(codes, y, target="mean")
    assert len(bases) <= 3 * len(np.unique(codes, axis=0))
    for depth in (6, None):
        tree = DecisionTreeRegressor(max_depth=depth, random_state=0)
        rows = clone(tree).fit(codes, y)
        same_tree(rows, tree.fit(bases.X, bases.y, sample_weight=bases.sample_weight))
    exact = CondensedLinearRegression().fit(bases)
    np.testing.assert_allclose(exact.coef_, LinearRegression().fit(codes, y).coef_, rtol=1e-9, atol=1e-9)
    assert exact.certificate_.upper == pytest.approx(objective(exact, codes, y), rel=1e-9)


@pytest.mark.parametrize("how", ["class", "mean"])
def test_boosted_histogram_trees_have_the_same_splits(tables, housing, how):
    settings = {"max_iter": 10, "early_stopping": False, "min_samples_leaf": 1, "random_state": 0}
    if how == "class":
        X, y = tables["credit"]
        X, y = X[:10_000], y[:10_000]
        codes = cells(X, 3)
        learner, bases = HistGradientBoostingClassifier(**settings), bases_of(codes, y)
    else:
        X, y, _ = housing
        codes = cells(X, 3)
        learner, bases = HistGradientBoostingRegressor(**settings), bases_of(codes, y, target="mean")
    rows = clone(learner).fit(codes, y, sample_weight=np.ones(len(y)))
    few = learner.fit(bases.X, bases.y, sample_weight=bases.sample_weight)
    for a, b in zip(rows._predictors, few._predictors, strict=True):
        for name in ("feature_idx", "num_threshold", "left", "right", "is_leaf"):
            assert np.array_equal(a[0].nodes[name], b[0].nodes[name])
        np.testing.assert_allclose(
            a[0].nodes["value"], b[0].nodes["value"], atol=1e-5
        )  # single-precision gradients
    np.testing.assert_allclose(rows.predict(codes), few.predict(codes), atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["value", "mean"]))
def test_bases_stand_for_all_rows(seed, target):
    rng = np.random.default_rng(seed)
    codes = rng.integers(-2, 3, (60, 2))
    y = rng.integers(-3, 4, 60)
    bases = bases_of(codes, y, target=target)
    for code in np.unique(codes, axis=0):
        rows, of = (codes == code).all(axis=1), (code == bases.X).all(axis=1)
        assert bases.sample_weight[of].sum() == rows.sum()
        assert bases.sample_weight[of] @ bases.y[of] == y[rows].sum()
        assert (len(np.unique(bases.y[of])) == 1) == (len(np.unique(y[rows])) == 1)
        if target == "value":
            assert sorted(np.repeat(bases.y[of], bases.sample_weight[of].astype(int))) == sorted(y[rows])
    assert bases.scatter.yy[0] == pytest.approx((y**2).sum() - bases.sample_weight @ bases.y**2)
    tree = DecisionTreeRegressor(random_state=0)
    same_tree(clone(tree).fit(codes, y), tree.fit(bases.X, bases.y, sample_weight=bases.sample_weight))


def test_cells_of_integers_are_their_top_bits():
    limits = np.iinfo(np.int64)
    X = np.array([[limits.min, 8], [0, 11], [limits.max, 12], [5, 15]])
    assert cells(X, [2, 1]).tolist() == [[0, 0], [2, 0], [3, 1], [2, 1]]
    assert cells(X, [2, 32]).tolist() == [[0, 0], [2, 3], [3, 4], [2, 7]]
    assert cells([[9], [100]], 3, reference=[[8], [15]]).tolist() == [[1], [7]]
    assert cells([[0.0], [0.25], [1.0]], 2).tolist() == [[0], [1], [3]]
    assert cells([[-5.0], [7.0]], 2, reference=[[0.0], [1.0]]).tolist() == [[0], [3]]
    assert cells([[3.0], [3.0]], 4).tolist() == [[0], [0]]
    for arguments, message in [
        (([[1.0, np.nan]], 2), "row 0, column 1"),
        (([[1.0]], 33), "bits is 33"),
        (([[1.0]], 0), "bits is 0"),
        (([[1.0]], 2, [[1.0, 2.0]]), "same columns"),
        (([1.0], 2), "same columns"),
    ]:
        with pytest.raises(ValueError, match=message):
            cells(*arguments)
    for arguments, message in [
        (([[1.0]], [1]), "give integers"),
        (([[2**60]], [1]), "2\\^53"),
        (([[1]], [1, 2]), "y has shape"),
        (([[1]], [np.nan]), "Input y contains NaN"),
    ]:
        with pytest.raises(ValueError, match=message):
            bases_of(*arguments)
    with pytest.raises(ValueError, match="target is 'median'"):
        bases_of([[1]], [1], target="median")
    assert bases_of([[1], [1]]).y is None


# scikit-learn


@parametrize_with_checks(
    [
        CondensedLinearRegression(),
        CondensedLinearRegression(solver="gradient_descent"),
        CondensedLogisticRegression(),
    ]
)
def test_scikit_learns_own_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checks fit what does not converge
        check(estimator)


def test_in_a_pipeline_and_for_any_estimator_that_takes_weights(housing):
    X, y, names = housing
    table = CondensedTable.from_groups(X, y, clusters(X, 2), columns=names, target="MedHouseVal")
    values, targets, weights = table.to_numpy()
    pipeline = make_pipeline(StandardScaler(), CondensedLinearRegression())
    pipeline.fit(values, targets, condensedlinearregression__sample_weight=weights)
    expected = LinearRegression().fit(values, targets, sample_weight=weights)
    np.testing.assert_allclose(pipeline.predict(X), expected.predict(X), rtol=1e-8)


def test_frames_are_read_by_column_name(housing):
    pandas = pytest.importorskip("pandas")
    X, y, names = housing
    frame = pandas.DataFrame(X[:2000], columns=names)
    table = CondensedTable.from_groups(X[:2000], y[:2000], clusters(X[:2000], 2), columns=names)
    model = CondensedLinearRegression().fit(table)
    np.testing.assert_allclose(model.predict(frame[names[::-1]]), model.predict(X[:2000]), rtol=1e-12)
    with pytest.raises(ValueError, match="lacks the column 'AveRooms'"):
        model.predict(frame.drop(columns="AveRooms"))
    frame.loc[7, "HouseAge"] = np.nan
    with pytest.raises(ValueError, match=r"row 7, column 1 \('HouseAge'\)"):
        model.predict(frame)
    with pytest.raises(ValueError, match=r"row 7, column 1 \('HouseAge'\)"):
        CondensedLinearRegression().fit(frame, y[:2000])
    frame.loc[7, "HouseAge"] = 5.0
    model.fit(frame, y[:2000])  # as scikit-learn has it, after a table
    assert model.feature_names_in_.tolist() == names
    model.fit(table)
    assert not hasattr(model, "feature_names_in_")


@pytest.mark.parametrize("estimator", [CondensedLinearRegression(), CondensedLogisticRegression()])
def test_what_is_wrong_is_named(estimator):
    rng = np.random.default_rng(9)
    X, y = rng.normal(size=(20, 2)), np.arange(20) % 2
    hole = X.copy()
    hole[4, 1] = np.nan
    for arguments, message in [
        ((hole, y), "Input X contains NaN: row 4, column 1; remove the row, or fill it"),
        ((X, np.where(y, np.nan, 0)), "NaN"),
        ((X, y, -np.ones(20)), "sample_weight is -1.0 in row 0; no weight is negative"),
        ((X, y, np.zeros(20)), "sample_weight sums to zero"),
        ((X, y, np.ones(19)), r"sample_weight has shape \(19,\); give \(20,\)"),
        ((X, y, np.where(y, np.nan, 1)), "Input sample_weight contains NaN: row 1"),
        ((X, y[:-1]), "inconsistent"),
        ((X[0], y), "2D"),
    ]:
        with pytest.raises(ValueError, match=message):
            clone(estimator).fit(*arguments)
    table = CondensedTable.from_groups(X, y, range(20))
    with pytest.raises(TypeError, match=r"call fit\(table\)"):
        estimator.fit(table, y)
    with pytest.raises(ValueError, match="has no target"):
        estimator.fit(CondensedTable.from_groups(X, None, range(20)))
    with pytest.raises(ValueError, match="alpha is -1"):
        clone(estimator).set_params(alpha=-1).fit(table)
    with pytest.raises(TypeError, match="alpha is 'a'"):
        clone(estimator).set_params(alpha="a").fit(table)
    with pytest.raises(NotFittedError):
        clone(estimator).predict(X)
    estimator.fit(table)
    with pytest.raises(ValueError, match="3 features"):
        estimator.predict(np.zeros((1, 3)))


def test_what_is_wrong_for_one_estimator_only():
    X, y = np.arange(10.0).reshape(5, 2), np.arange(5.0)
    with pytest.raises(
        ValueError, match="solver is 'magic'; give one of 'exact', 'closed_form', 'gradient_descent'"
    ):
        CondensedLinearRegression(solver="magic").fit(X, y)
    with pytest.raises(ValueError, match="the target is text"):
        CondensedLinearRegression().fit(CondensedTable.from_groups(X, list("abcde"), range(5)))
    with pytest.raises(ValueError, match="only one class"):
        CondensedLogisticRegression().fit(CondensedTable.from_groups(X, ["a"] * 5, range(5)))
    with pytest.raises(ValueError, match="max_iter is 0"):
        CondensedLogisticRegression(max_iter=0).fit(X, y > 2)
    with pytest.warns(ConvergenceWarning, match="no minimum after 1 Newton steps"):
        CondensedLogisticRegression(max_iter=1).fit(X, y > 2)
    with pytest.raises(ValueError, match="classes is for mean targets"):
        CondensedLogisticRegression(classes=(0, 1)).fit(
            CondensedTable.from_groups(X, list("ababa"), range(5))
        )


def test_the_examples_of_the_guide_run():
    results = doctest.testfile(str(ROOT / "docs" / "tables.md"), module_relative=False)
    assert results.attempted > 15
    assert results.failed == 0

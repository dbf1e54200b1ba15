"""Promise: a certificate bounds what logistic regression on condensed samples loses."""

import warnings

import numpy as np
import pytest
from dreamlearning.tabular import (
    CondensedLogisticRegression,
    CondensedTable,
    certify,
    condense_arrays,
    refine,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from learning import SLACK, clusters, holds, objective
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler


def test_without_condensing_it_is_scikit_learns(labelled_tables):
    for X, y in labelled_tables.values():
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
def test_certificates_are_never_violated(labelled_tables, name, seed):
    X, y = labelled_tables[name]
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


def test_certificates_shrink_with_more_clusters_and_vanish_where_each_row_is_one(labelled_tables):
    X, y = labelled_tables["credit"]
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


def test_scatter_repairs_clusters_of_one_class(labelled_tables):
    X, y = labelled_tables["credit"]
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


def test_two_named_classes_whose_rows_are_mixed():
    rng = np.random.default_rng(9)
    X = rng.normal(size=(500, 3))
    second = X[:, 0] + rng.logistic(size=500) > 0
    y = np.where(second, "yes", "no")
    for representative in ("centroid", "row"):
        options = {"size": 40, "classes": False, "representative": representative}
        named, numbers = condense_arrays(X, y, **options), condense_arrays(X, second.astype(int), **options)
        for scatter in (True, False):
            model = CondensedLogisticRegression(1e-2, scatter=scatter).fit(named)
            same = CondensedLogisticRegression(1e-2, scatter=scatter).fit(numbers)
            assert model.classes_.tolist() == ["no", "yes"]
            np.testing.assert_allclose(model.coef_, same.coef_, rtol=1e-9)
            best = objective(CondensedLogisticRegression(1e-2).fit(X, y), X, y)
            holds(model.certificate_, objective(model, X, y), best)
            assert set(model.predict(X)) == {"no", "yes"}
            assert certify(model, X, y).gap <= model.certificate_.gap + SLACK
    with pytest.raises(ValueError, match="leave classes out"):
        CondensedLogisticRegression(classes=("a", "b")).fit(named)
    rows, labels, weight = named.to_classes()
    for model in (CondensedLogisticRegression(1e-2), LogisticRegression()):
        assert model.fit(rows, labels, weight).score(X, y) > 0.6


KINDS = ["normal", "far", "tiny", "still", "few", "heavy", "copy", "class"]


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.sampled_from([4, 5, 13, 100, 800]),
    kinds=st.lists(
        st.sampled_from(["normal", "far", "tiny", "still", "few", "heavy", "copy", "class"]),
        min_size=1,
        max_size=7,
    ),
    alpha=st.sampled_from([1.0, 1e-2, 1e-5]),
    fit_intercept=st.booleans(),
    scatter=st.booleans(),
    mixed=st.booleans(),
)
def test_certificates_hold_whatever_the_rows_are(seed, n, kinds, alpha, fit_intercept, scatter, mixed):
    """Also of fewer rows than columns, and of columns that stand still, repeat, or tell the class."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    y[:2] = 0, 1
    first = rng.normal(size=n) + y
    made = {
        "normal": lambda: rng.normal(size=n),
        "far": lambda: 1e4 + rng.normal(size=n),
        "tiny": lambda: 1e-6 * rng.normal(size=n),
        "still": lambda: np.full(n, 0.1),
        "few": lambda: rng.integers(0, 3, n) * 7.0,
        "heavy": lambda: rng.standard_t(1.5, size=n),
        "copy": lambda: -3 * first,
        "class": lambda: y + 0.0,
    }
    X = np.column_stack([first, *(made[kind]() for kind in kinds)])
    table = condense_arrays(X, y, size=int(rng.integers(2, n + 1)), classes=False if mixed else None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        full = CondensedLogisticRegression(alpha, fit_intercept=fit_intercept).fit(X, y)
        model = CondensedLogisticRegression(alpha, scatter=scatter, fit_intercept=fit_intercept).fit(table)
        better = refine(model, X, y)
    best, value = objective(full, X, y), objective(model, X, y)
    slack = 1e-12 * (1 + value)
    holds(model.certificate_, value, best, slack)
    holds(certify(model, X, y), value, best, slack)
    holds(better.certificate_, objective(better, X, y), best, slack)
    assert objective(better, X, y) <= value + slack

"""Promise: least squares on condensed samples are those of all rows, or the gap to them is known."""

import numpy as np
import pytest
from dreamlearning.tabular import (
    CondensedLinearRegression,
    CondensedTable,
    certify,
    condense_arrays,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from learning import clusters, objective
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, Ridge


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


@pytest.mark.parametrize("digits", [3, 6, 9, 12])
def test_columns_far_from_zero_lose_the_digits_of_their_means(digits):
    rng = np.random.default_rng(10)
    X = np.column_stack([10.0**digits + rng.normal(size=(2000, 2)), np.full(2000, 0.1)])
    y = (X[:, :2] - 10.0**digits) @ [1.0, 2.0] + rng.normal(size=2000)
    expected = LinearRegression().fit(X[:, :2] - 10.0**digits, y).coef_
    rows = CondensedLinearRegression().fit(X, y)
    np.testing.assert_allclose(rows.coef_[:2], expected, rtol=1e-13 if digits < 12 else 1e-8)
    assert rows.coef_[2] == 0
    for size in (1, 2, 50, 500):
        few = CondensedLinearRegression().fit(condense_arrays(X, y, size=size))
        np.testing.assert_allclose(few.coef_[:2], expected, rtol=1e-13 + 10.0 ** (digits - 16))
        assert few.coef_[2] == 0
    # Where hardly a digit is left, the column still counts.
    X[:, 0] = 1e15 + 3 * rng.normal(size=2000)
    y = X[:, 0] - 1e15
    for model in (rows.fit(X, y), few.fit(condense_arrays(X, y, size=50))):
        assert 0.9 < model.coef_[0] < 1.1


def test_the_shortest_solution_among_columns_of_many_sizes():
    rng = np.random.default_rng(11)
    X = np.column_stack([rng.normal(size=7), 1e-9 * rng.normal(size=7), rng.normal(size=7)])
    X = np.column_stack([X, 1e5 * X[:, 0], 1e5 * X[:, 0]])
    y = X[:, 0] + 1e9 * X[:, 1] + rng.normal(size=7)
    scaled = (X[:, :3] - X[:, :3].mean(axis=0)) / X[:, :3].std(axis=0)
    expected = LinearRegression().fit(scaled, y)
    ours = CondensedLinearRegression().fit(condense_arrays(X, y, size=3))
    np.testing.assert_allclose(ours.predict(X), expected.predict(scaled), rtol=1e-9)
    slope = expected.coef_[0] / X[:, 0].std()
    np.testing.assert_allclose(ours.coef_[3:], slope * 1e5 / (1 + 2e10), rtol=0.1)


def test_a_ridge_leaves_the_columns_beside_a_small_one_alone():
    rng = np.random.default_rng(6)
    X = rng.normal(size=(50, 4)) * [1.0, 1e-9, 3.0, 1e-7]
    y = X[:, 0] - X[:, 2] + rng.normal(size=50)
    for alpha in (1e-6, 1.0):
        ours = CondensedLinearRegression(alpha).fit(CondensedTable.from_groups(X, y, np.arange(50) % 7))
        expected = Ridge(alpha * 50, solver="svd").fit(X, y)
        np.testing.assert_allclose(ours.coef_ * X.std(axis=0), expected.coef_ * X.std(axis=0), atol=1e-12)


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


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.sampled_from([1, 2, 3, 7, 40, 333, 1500]),
    d=st.integers(1, 9),
    kinds=st.lists(
        st.sampled_from(["normal", "far", "tiny", "still", "few", "heavy", "copy"]), min_size=9, max_size=9
    ),
    alpha=st.sampled_from([0.0, 1e-6, 1.0]),
    fit_intercept=st.booleans(),
    how=st.sampled_from(["condensed", "row", "beta", "groups"]),
)
def test_exact_is_the_fit_on_all_rows_whatever_they_are(seed, n, d, kinds, alpha, fit_intercept, how):
    """Predictions and F agree to 1e-10, also where columns depend on each other and have many sizes."""
    rng = np.random.default_rng(seed)
    # The shortest of many solutions is no more exact than the units of the columns are alike.
    small, large = (1e-9, 1e5) if n > 2 * d else (1e-2, 1e2)
    made = {
        "normal": lambda: rng.normal(size=n),
        # Without an intercept such a column is nearly a constant, and sums of squares tell little of it.
        "far": lambda: (1e4 if fit_intercept else 3.0) + rng.normal(size=n),
        "tiny": lambda: small * rng.normal(size=n),
        "still": lambda: np.full(n, 0.1),
        "few": lambda: rng.integers(0, 3, n) * 7.0,
        "heavy": lambda: rng.standard_t(1.5, size=n),
        "copy": lambda: large * columns[0],
    }
    columns = [rng.normal(size=n)]
    for kind in kinds[1:d]:
        columns.append(made[kind]())
    X = np.column_stack(columns)
    y = X @ (rng.normal(size=d) / np.maximum(X.std(axis=0), 1e-3)) + rng.normal(size=n) + rng.integers(-9, 9)
    if how == "groups":
        table = CondensedTable.from_groups(X, y, rng.integers(0, 12, n), rng.integers(0, 1, n))
    elif how == "beta":
        table = condense_arrays(X, y, beta=int(rng.integers(1, 12)))
    else:
        size = int(rng.integers(1, len(np.unique(X[:, 0])) + 1))
        table = condense_arrays(X, y, size=size, representative="row" if how == "row" else "centroid")
    few = CondensedLinearRegression(alpha, fit_intercept).fit(table)
    full = CondensedLinearRegression(alpha, fit_intercept).fit(X, y)
    size = np.abs(full.predict(X)).max() + np.abs(y).max()
    np.testing.assert_allclose(few.predict(X), full.predict(X), atol=1e-10 * size)
    square = (y**2).mean() / 2 + alpha * (full.coef_**2).sum()
    # Bounds hold to the last digit, and are as far apart as the rounding of sums that nearly cancel.
    least = objective(full, X, y)
    assert few.certificate_.lower <= objective(few, X, y) <= few.certificate_.upper
    assert few.certificate_.upper == pytest.approx(least, rel=1e-10, abs=1e-10 * square)
    assert few.certificate_.gap <= 1e-12 * square

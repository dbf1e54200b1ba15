"""Promise: trees on bases are those of all quantised rows."""

import numpy as np
import pytest
from dreamlearning.tabular import (
    CondensedLinearRegression,
    bases_of,
    cells,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from learning import objective
from sklearn.base import clone
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor


def same_tree(a, b):
    a, b = a.tree_, b.tree_
    assert np.array_equal(a.feature, b.feature)
    assert np.array_equal(a.threshold, b.threshold)
    assert np.array_equal(a.children_left, b.children_left)
    assert np.array_equal(a.value, b.value)
    assert np.array_equal(a.weighted_n_node_samples, b.weighted_n_node_samples)


@pytest.mark.parametrize("name", ["california", "credit", "ijcnn1"])
@pytest.mark.parametrize("bits", [1, 3])
def test_trees_for_classes_are_the_same_to_the_last_bit(labelled_tables, name, bits):
    X, y = labelled_tables[name]
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
def test_boosted_histogram_trees_have_the_same_splits(labelled_tables, housing, how):
    settings = {"max_iter": 10, "early_stopping": False, "min_samples_leaf": 1, "random_state": 0}
    if how == "class":
        X, y = labelled_tables["credit"]
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

"""Promise: a pass over the rows sharpens a certificate, and a step brings the model nearer."""

import numpy as np
import pytest
from dreamlearning.tabular import (
    CondensedLinearRegression,
    CondensedLogisticRegression,
    CondensedTable,
    certify,
    refine,
)
from learning import clusters, holds, objective
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression


def test_batches_weights_and_arrays_say_the_same(labelled_tables):
    X, y = labelled_tables["california"]
    table = CondensedTable.from_groups(X, y, clusters(X, 3))
    model = CondensedLogisticRegression(1e-3).fit(table)
    whole = certify(model, X, y)
    batches = [(X[i : i + 1000], y[i : i + 1000]) for i in range(0, len(X), 1000)]
    batches.insert(3, (X[:0], y[:0]))
    parts = certify(model, batches)
    assert parts.upper == pytest.approx(whole.upper, rel=1e-12)
    assert parts.n == whole.n == len(X)
    weighted = [(*batch, np.ones(len(batch[0]))) for batch in batches]
    ignored = [(X[:70], y[:70], np.zeros(70)), *weighted, (X[:7], 1 - y[:7], np.zeros(7))]
    assert certify(model, ignored) == certify(model, weighted)
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


def test_newton_steps_square_the_distance(labelled_tables):
    X, y = labelled_tables["ijcnn1"]
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
        ((X, y, np.zeros(5)), ValueError, "there are no rows"),
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

"""Promise: estimators on condensed samples are scikit-learn's kind, and name what is wrong."""

import doctest
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from dreamlearning.tabular import (
    CondensedLinearRegression,
    CondensedLogisticRegression,
    CondensedTable,
    EntroGeDeCondenser,
)
from learning import clusters
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

ROOT = Path(__file__).resolve().parent.parent


@parametrize_with_checks(
    [
        CondensedLinearRegression(),
        CondensedLinearRegression(solver="gradient_descent"),
        CondensedLogisticRegression(),
        EntroGeDeCondenser(),
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


def test_the_numbers_of_the_guide_are_those_of_the_study():
    study = json.loads((ROOT / "benchmarks" / "results" / "tabular_study.json").read_text())
    guide = " ".join((ROOT / "docs" / "tables.md").read_text().split())
    recipes = study["california_housing"]["recipes"]["recommended"]
    others = study["california_housing_representatives"]
    few = study["credit_default"]["recipes"]
    many = study["credit_default_large"]["recipes"]

    accuracy = json.loads((ROOT / "benchmarks" / "results" / "tabular_accuracy.json").read_text())
    ijcnn1 = accuracy["data_sets"]["IJCNN1"]["kinds"]
    scatter, plain = ijcnn1["the same, with scatter"]["0.01"], ijcnn1["centroids of one class"]["0.01"]
    every = ijcnn1["all rows"]["1"]

    def kept(recipes, name):
        return recipes[name]["relative_accuracy"]

    for text, value in [
        ("test error is {:.1f} % above that of all rows", 100 * (recipes["mean"] - 1)),
        ("{:.1f} % in the worst", 100 * (recipes["worst"] - 1)),
        ("a test error {:.1f} % above", 100 * (others["the row nearest the centroid"]["mean"] - 1)),
        ("({:.1f} % above all rows)", 100 * (others["target inside the clustering"]["mean"] - 1)),
        ("keeps {:.0f} % of its accuracy on 240", 100 * kept(few, "240: recommended, mean label")),
        ("with pure clusters {:.0f} %", 100 * kept(few, "240: recommended, each class by itself")),
        ("({:.1f} % and", 100 * kept(many, "7920: recommended, mean label")),
        ("its balanced accuracy is {:.2f}", scatter["balanced_accuracy"]),
        ("({:.2f} with all rows", every["balanced_accuracy"]),
        ("{:.2f} without scatter)", plain["balanced_accuracy"]),
        ("area under the curve is {:.3f}", scatter["auc"]),
        ("({:.3f}; all", plain["auc"]),
        ("all rows {:.3f})", every["auc"]),
        ("and {:.1f} % with 7,920)", 100 * kept(many, "7920: recommended, each class by itself")),
    ]:
        assert text.format(value) in guide

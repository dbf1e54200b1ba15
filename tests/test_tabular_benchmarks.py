"""Every part of benchmarks/tabular.py runs on small tables, and what it writes can be drawn and tabulated."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
PARTS = ("storage", "figures", "accuracy", "certificates", "cost")


@pytest.fixture(scope="module", autouse=True)
def as_a_program():
    sys.path.insert(0, str(BENCHMARKS))
    yield
    sys.path.remove(str(BENCHMARKS))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Made-up tables under the names and with the columns of the real ones."""
    folder = tmp_path_factory.mktemp("tables")
    rng = np.random.default_rng(0)
    houses = np.round(rng.gamma(2, size=(1500, 8)), 3)
    value = np.round(houses[:, 0] + 0.1 * rng.normal(size=1500), 2)
    raw = np.c_[np.round(houses, 2), value]
    np.savez(folder / "california_housing.npz", X=houses, y=value, raw=raw)
    cards = rng.integers(0, 50, (600, 23)).astype(np.int32)
    np.savez(folder / "credit_default.npz", X=cards, y=(cards[:, 0] > rng.integers(0, 60, 600)).astype("u1"))
    engine = np.round(rng.normal(size=(1500, 22)), 6)
    fires = np.where(engine[:, 0] + rng.normal(size=1500) > 1, 1, -1).astype(np.int8)
    split = {"X_train": engine[:900], "y_train": fires[:900], "X_test": engine[900:], "y_test": fires[900:]}
    np.savez(folder / "ijcnn1.npz", **split)
    return folder


@pytest.fixture(scope="module")
def results(folder, tmp_path_factory):
    work = tmp_path_factory.mktemp("results")
    command = [sys.executable, BENCHMARKS / "tabular.py", "--data", folder, "--work", work, "--quick"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return work


def test_every_part_writes_its_result(results):
    for part in PARTS:
        found = json.loads((results / f"tabular_{part}.json").read_text())
        assert found["command"].startswith("python benchmarks/tabular.py")
        assert found["environment"]["cores"]
        assert all(bar["verdict"] in ("PASS", "FAIL") for bar in found["bars"])
    assert found["ijcnn1"]["rows"] == 1500
    assert not [path for path in results.iterdir() if path.is_dir()]  # temporary files are gone


def test_certificates_hold_and_bounds_are_above_the_truth(results):
    found = json.loads((results / "tabular_certificates.json").read_text())
    assert found["violations"] == 0
    assert found["fits"] == 2 * 2 * 10  # data sets, sizes, kinds
    for one in found["data_sets"].values():
        for size in one["kinds"]["logistic, mixed clusters"].values():
            assert size["least_ratio"] >= 1


def test_a_wrong_bound_is_a_violation():
    import tabular_certificates as certificates
    from dreamlearning.tabular import Certificate

    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 2))
    truth = certificates.LeastSquares(x, x @ [1.0, 2.0] + rng.normal(size=100))
    value = truth.least + 0.5
    good = Certificate(value, value, truth.least, truth.least, 0.5 + 1e-15, "moments", 100)
    assert not certificates.check(good, value, truth)["violation"]
    for wrong in (
        Certificate(value + 1e-9, value + 1, truth.least, truth.least, 1.0, "moments", 100),
        Certificate(value - 1, value - 1e-9, truth.least, truth.least, 1.0, "moments", 100),
        Certificate(value, value, truth.least + 1e-9, truth.least + 1, 1.0, "moments", 100),
        Certificate(value, value, truth.least - 1, truth.least - 1e-9, 1.0, "moments", 100),
        Certificate(value, value, truth.least, truth.least, 0.5 - 1e-9, "moments", 100),
    ):
        assert certificates.check(wrong, value, truth)["violation"]


@pytest.mark.filterwarnings("ignore:Tight layout")  # a curve of one point has long labels
def test_all_pictures_are_drawn(results, tmp_path):
    import tabular_pictures

    drawn = tabular_pictures.draw_all(results, tmp_path / "figures")
    assert len(drawn) == len(tabular_pictures.PICTURES)
    assert all(path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size < 150_000 for path in drawn)


def test_tables_hold_every_way(results):
    import tabular_figure_tables
    import tabular_tables

    storage = json.loads((results / "tabular_storage.json").read_text())
    short = tabular_tables.storage_short(storage)
    assert sum(line.startswith("| California Housing, float64") for line in short) == 1
    assert len({line.count("|") for line in short if line.startswith("|")}) == 1
    for lines in (
        tabular_tables.storage_complete(storage),
        *(
            table(json.loads((results / f"tabular_{part}.json").read_text()))
            for part, table in (
                ("figures", tabular_figure_tables.errors_table),
                ("accuracy", tabular_figure_tables.accuracy_table),
                ("certificates", tabular_tables.certificates_table),
                ("cost", tabular_tables.cost_table),
            )
        ),
    ):
        assert any(line.startswith("|---") for line in lines)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int32"])
def test_plain_packing_gives_every_row_back(tmp_path, dtype):
    import tabular_packing

    rng = np.random.default_rng(1)
    columns = {
        "few": rng.choice(rng.normal(size=5), 1000),
        "whole": rng.integers(-1000, 1000, 1000),
        "any": rng.normal(size=1000) * 1e8,
        "constant": np.full(1000, 7),
        "zeros": np.where(rng.random(1000) < 0.5, 0.0, -0.0),
    }
    if dtype != "int32":
        columns["missing"] = np.where(rng.random(1000) < 0.5, np.nan, 1.5)
    table = np.empty(1000, [(name, dtype) for name in columns])
    for name, values in columns.items():
        table[name] = values
    tabular_packing.write(table, tmp_path / "packed")
    index = rng.integers(0, 1000, 300)
    packed = tabular_packing.Packed(tmp_path / "packed")
    assert packed.rows(index).tobytes() == table[index].tobytes()
    assert (tmp_path / "packed").stat().st_size < table.nbytes

"""Promise: LIBSVM files and arrays become tables, in bounded memory, and real ones come back bit by bit."""

import dreamlearning
import numpy as np
import pandas as pd
import pytest
from arrow_tables import floats
from dreamlearning.sources import libsvm


def test_libsvm(make, refused, tmp_path, monkeypatch):
    path = tmp_path / "t.svm"
    path.write_text("1 1:0.1 3:2\n# nothing\n\n-1 2:1e-3 # end\n+1\n1 3:-0.0\n")
    for size in (1, 1 << 22):
        monkeypatch.setattr(libsvm, "_RUN_BYTES", size)
        file = make(f"libsvm:{path}")
        assert file.dtype == np.float64
        assert file[:].tolist() == [[0.1, 0, 2], [0, 1e-3, 0], [0, 0, 0], [0, 0, 0]]
        assert np.signbit(file[3][2])
        assert file.labels.tolist() == [1, -1, 1, 1]
        assert file.labels.dtype == np.int8
    assert make(f"libsvm:{path}?n_features=5").shape == (5,)
    assert make(f"libsvm:{path}", target="label").table.names == ["x0", "x1", "x2", "label"]
    path.write_text("0.5 0:1 2:2\n1 1:1\n")
    assert make(f"libsvm:{path}")[0].tolist() == [1, 0, 2]
    assert make(f"libsvm:{path}").labels.tolist() == [0.5, 1]
    assert "up to number 3" in refused(f"libsvm:{path}?n_features=2")
    assert "n_features is 'x'" in refused(f"libsvm:{path}?n_features=x")
    assert "no such file" in refused("libsvm:nothing.svm")
    path.write_text("1\n2\n")
    assert make(f"libsvm:{path}?n_features=3")[:].tolist() == [[0, 0, 0]] * 2
    assert "no line names a feature" in refused(f"libsvm:{path}")
    path.write_text("1 qid:7 1:2\n0 qid:300 2:1 # qid:9\n")
    assert make(f"libsvm:{path}").fields == ["label", "qid"]
    assert make(f"libsvm:{path}").field("qid").tolist() == [7, 300]
    assert make(f"libsvm:{path}", target="label").table.names == ["x0", "x1", "label", "qid"]
    path.write_text("1 qid:7 1:2\n0 2:1\n")
    assert "1 of 2 lines have a qid" in refused(f"libsvm:{path}")
    path.write_text("")
    assert make(f"libsvm:{path}?n_features=3").labels.shape == (0,)
    path.write_text("1 200000000:1\n")
    assert "33,554,432 are the most" in refused(f"libsvm:{path}")
    for text, words in {
        "1 1:2\n1 x:3\n": "line 2",
        "1 1:2\n\none 1:3\n": "line 3",
        "1 2:2 1:3\n": "line 1",
        "1 1:2\nnan 1:3\n": "line 2",
        "1 1:2\n1 1:a\n": "line 2",
    }.items():
        path.write_text(text)
        assert words in refused(f"libsvm:{path}")


def test_arrays_with_a_target(make, tmp_path):
    X, y = floats("f8").reshape(5, 2), np.array([4, 1, 2, 3, 0], np.int8)
    np.savez(tmp_path / "t.npz", X=X, y=y, feature_names=["first", "second"], w=np.eye(5)[:, :2])
    file = make(tmp_path / "t.npz", target="y")
    assert file.columns == ["first", "second", "y", "w0", "w1"]
    assert np.array_equal(file.arrays(["first", "second"])[0].view("u8"), X.view("u8"))
    assert file.arrays()[1].tolist() == y.tolist()
    assert make(tmp_path / "t.npz").labels.tolist() == y.tolist()
    assert make(tmp_path / "t.npz").metadata == {"feature_names": ["first", "second"]}
    assert make("sklearn:iris", target="label").columns[0] == "sepal length (cm)"
    assert make({"x": np.eye(5, 2), "y": y}, target="x1").columns == ["x0", "x1", "y"]


def test_structured_arrays(make, tmp_path):
    rows = np.zeros(4, [("a", "<f8"), ("Größe", "<i2"), ("b", "?")])
    rows["a"] = floats("f8")[[1, 3, 9, 5]]
    file = make(rows)
    assert file[:].tobytes() == rows.tobytes()
    assert make(dreamlearning.to_numpy(file)["data"])[:].tobytes() == rows.tobytes()
    for suffix in ("npy", "npz"):
        dreamlearning.to_numpy(file, tmp_path / f"rows.{suffix}")
        loaded = np.load(tmp_path / f"rows.{suffix}")
        loaded = loaded["data"] if suffix == "npz" else loaded
        assert loaded.dtype == rows.dtype
        assert loaded.tobytes() == rows.tobytes()


def test_memory_stays_flat(run_python, peak_memory, tmp_path):
    """Five times the rows take no more memory, from CSV and from Parquet."""
    code = f"""
import sys
import numpy as np, pyarrow as pa
from pyarrow import csv, parquet
from dreamlearning.sources import csv_files, resolve
{peak_memory}
csv_files._BLOCK_BYTES = 1 << 20
rng = np.random.default_rng(0)
words = rng.choice(["x", "yy"], 50_000)
batch = pa.table({{"a": rng.normal(size=50_000), "b": rng.integers(0, 9, 50_000), "c": words}})
folder = sys.argv[1]
for batches in (20, 100):
    names = [f"{{folder}}/{{batches}}.csv", f"{{folder}}/{{batches}}.parquet"]
    with csv.CSVWriter(names[0], batch.schema) as c, parquet.ParquetWriter(names[1], batch.schema) as p:
        for _ in range(batches):
            c.write_table(batch)
            p.write_table(batch)
for kind in ("csv", "parquet"):
    resolve(f"{{folder}}/20.{{kind}}", target="a", spool_folder=folder)
    before = peak()
    source = resolve(f"{{folder}}/100.{{kind}}", target="a", spool_folder=folder)
    print(source.sample_bytes * source.num_samples, (peak() - before) * 1024)
"""
    done = run_python(code, tmp_path, timeout=280)
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        raw, grown = map(int, line.split())
        assert raw == 17 * 5_000_000
        assert grown < raw // 2
    assert len(list(tmp_path.iterdir())) == 4


def test_nothing_heavy_is_imported_for_a_frame(run_python):
    done = run_python(
        "import sys, numpy as np\n"
        "from dreamlearning.sources import resolve\n"
        "resolve({'X': np.zeros((4, 2)), 'y': np.arange(4)}, target='y')\n"
        "print(sorted({'pandas', 'polars', 'pyarrow', 'sklearn', 'torch'} & set(sys.modules)))"
    )
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize("name", ["california_housing", "credit_default"])
def test_real_tables(make, tabular, tmp_path, name):
    path = tabular / f"{name}.npz"
    with np.load(path) as data:
        X, y, names = data["X"], data["y"], data["feature_names"].tolist()
    frame = pd.DataFrame(X, columns=names)
    frame["target y"] = y
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet", index=False)
    sources = [frame, tmp_path / "t.csv", tmp_path / "t.parquet", path]
    for source, target in zip(sources, ["target y"] * 3 + ["y"], strict=True):
        file = make(source, target=target)
        got, labels = file.arrays(names)
        assert np.array_equal(got.view("u8"), X.astype(np.float64).view("u8"))
        assert np.array_equal(labels, y)
        if source is frame:
            pd.testing.assert_frame_equal(file.to_pandas(), frame)
            dreamlearning.to_csv(file, tmp_path / f"{name}.csv")
            assert np.array_equal(make(tmp_path / f"{name}.csv")[:], make(tmp_path / "t.csv")[:])


def test_real_libsvm(make, tabular, tmp_path):
    with np.load(tabular / "ijcnn1.npz") as data:
        X, y = data["X_train"][:5000], data["y_train"][:5000]
    from sklearn.datasets import dump_svmlight_file

    dump_svmlight_file(X, y, str(tmp_path / "t.svm"), zero_based=False)
    file = make(f"libsvm:{tmp_path / 't.svm'}?n_features=22")
    assert np.array_equal(file[:], X)
    assert np.array_equal(file.labels, y)


def test_the_first_array_of_columns_keeps_its_name(make, tmp_path):
    np.savez(tmp_path / "t.npz", income=np.arange(4.0), age=np.arange(4), value=np.arange(4.0))
    table = make(tmp_path / "t.npz", target="value").table
    assert table.names == ["income", "age", "value"]

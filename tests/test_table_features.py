"""Promise: the rows of a table become features and targets, partitions, and tables again."""

import dreamlearning
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from arrow_tables import ALL, DECIMAL, NULLS, assert_same


def test_features_and_target(make):
    table = pa.table(
        {
            "x": [1.5, None, 2.5],
            "day": pa.array([1, 2, 3], pa.int32()).cast(pa.date32()),
            "money": pa.array([DECIMAL("1.25"), DECIMAL("2"), None], pa.decimal128(9, 2)),
            "name": ["a", "b", "a"],
            "on": [True, False, True],
            "y": pa.array([3, 1, 2], pa.int16()),
        }
    )
    file = make(table, target="y")
    X, y = file.arrays()
    assert X.dtype == np.float64
    assert np.array_equal(X, [[1.5, 1, 1.25, 1], [np.nan, 2, 2, 0], [2.5, 3, np.nan, 1]], equal_nan=True)
    assert y.dtype == np.int16
    assert y.tolist() == [3, 1, 2]
    assert file.arrays(["on", "y"])[0].tolist() == [[1, 3], [0, 1], [1, 2]]
    assert make(table).arrays()[1] is None
    with pytest.raises(ValueError, match=r"'name'.*no numbers"):
        file.arrays(["name"])
    with pytest.raises(TypeError, match="list of names"):
        file.arrays("x")
    text = make(table, target="name")
    assert text.arrays()[1].tolist() == [0, 1, 0]
    assert text.classes == ["a", "b"]
    arrays = make((np.eye(3, dtype=np.float32), [1, 0, 1]))
    assert arrays.arrays()[0].dtype == np.float64
    assert arrays.arrays()[1].tolist() == [1, 0, 1]
    with pytest.raises(ValueError, match="no columns"):
        arrays.to_arrow()


def test_a_stock_data_loader(make):
    import torch
    from torch.utils.data import DataLoader

    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {"a": rng.normal(size=50), "b": np.arange(50), "s": ["t"] * 50, "y": np.arange(50) % 3}
    )
    file = make(frame, target="y")
    dataset = dreamlearning.CompressedDataset(file.path)
    assert dataset.features == ["a", "b"]
    sample, target = dataset[7]
    assert sample.dtype == torch.float64
    assert (sample.tolist(), target) == ([frame["a"][7], 7], 1)
    for workers in (0, 2):
        batches = list(DataLoader(dataset, batch_size=20, num_workers=workers))
        assert torch.equal(torch.cat([x for x, _ in batches])[:, 1], torch.arange(50.0, dtype=torch.float64))
        assert torch.cat([y for _, y in batches]).tolist() == frame["y"].tolist()
    loaded = list(dreamlearning.Loader(file.path, batch_size=20, num_threads=1))
    assert torch.equal(torch.cat([x for x, _ in loaded]), torch.cat([x for x, _ in batches]))
    assert dataset.targets == frame["y"].tolist()
    assert not dataset.labels.flags.writeable
    sampler = dreamlearning.SubsetSampler(dataset, 0.5, stratified=True)
    assert len(list(sampler)) == 25
    small = make(frame.astype({"a": np.float32, "b": np.int16}), target="a")
    assert dreamlearning.CompressedDataset(small.path)[0][0].dtype == torch.float64  # y is int64
    assert (
        dreamlearning.CompressedDataset(make(frame[["a"]].astype(np.float32)).path)[0].dtype == torch.float32
    )
    record = dreamlearning.CompressedDataset(file.path, sample_type="numpy")[3][0]
    assert record["b"] == 3


def test_partitions_by_a_column(make, refused):
    table = pa.table(
        {"x": [1.0, 2, 3, 4], "c": ["b", "a", "b", "b"], "k": [2, 2, -1, 2], "n": [1, None, 1, 1]}
    )
    assert make(table, partition_by="c").partitions == [{"name": "b", "count": 3}, {"name": "a", "count": 1}]
    file = make(table, partition_by="k")
    assert file.partitions == [{"name": "-1", "count": 1}, {"name": "2", "count": 3}]
    assert_same(file.to_arrow(), table)
    assert "integers, truth values or text: c, k" in refused(table, partition_by="x")
    assert "nulls" in refused(table, partition_by="n")
    assert "no such field" in refused(table, partition_by="z")


def test_a_table_again(make, refused, tmp_path):
    file = make(NULLS, preset="raw")
    again = make(file.path)
    assert_same(again.to_arrow(), NULLS)
    assert make(make(ALL, target="int8")).target == "int8"
    assert make(make(ALL), target="bool").target == "bool"
    message = refused(file.path, target="int8")
    assert "row 0" in message
    assert "'int8'" in message
    assert "columns: " in refused(file, target="unheard of")

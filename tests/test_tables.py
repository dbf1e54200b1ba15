"""Promise: a table goes into a file and comes back bit by bit, whatever its columns are, from any source.

What cannot be stored is an error that names row and column, and leaves nothing behind.
"""

import datetime
import decimal
import json
import subprocess
import sys

import dreamlearning
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from dreamlearning import CorruptFileError, SourceError
from dreamlearning.sources import arrow_files, libsvm, resolve, tables
from dreamlearning.tables import Column, Table
from dreamlearning.tables.strings import decode_strings, encode_strings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import csv, feather, parquet

NAN_BITS = {2: 0x7E01, 4: 0x7FC0BEEF, 8: 0x7FF8DEADBEEF0001}
DECIMAL = decimal.Decimal


def floats(dtype):
    """Floats that are easily damaged: both zeros, infinities, NaNs with payloads, extremes."""
    size = np.dtype(dtype).itemsize
    info = np.finfo(dtype)
    values = np.array(
        [0, -0.0, 1.5, np.inf, -np.inf, np.nan, info.max, info.tiny, info.smallest_subnormal], dtype
    )
    bits = np.concatenate([values.view(f"u{size}"), np.array([NAN_BITS[size]], f"u{size}")])
    return bits.view(dtype)


def columns():
    """Name -> Arrow array of 10 values for every type that a file holds."""
    found = {}
    for bits in (8, 16, 32, 64):
        for name in (f"int{bits}", f"uint{bits}"):
            info = np.iinfo(name)
            found[name] = pa.array(np.array([info.min, info.max, *range(8)], name))
    for bits in (16, 32, 64):
        found[f"float{bits}"] = pa.array(floats(f"f{bits // 8}"), from_pandas=False)
    whole = np.array([-(2**62), 2**62, -1, 0, 1, 2, 3, 10**12, 7, 8])
    for unit in ("s", "ms", "us", "ns"):
        values = whole // 10**6 if unit == "s" else whole  # Parquet makes milliseconds of seconds
        found[f"timestamp {unit}"] = pa.array(values, pa.timestamp(unit))
        found[f"duration {unit}"] = pa.array(whole, pa.duration(unit))
    found["zoned"] = pa.array(whole, pa.timestamp("us", "Europe/Berlin"))
    found["date32"] = pa.array(np.array([-700000, 10**6, *range(8)], np.int32)).cast(pa.date32())
    found["date64"] = pa.array(np.arange(10) * 86_400_000).cast(pa.int64()).cast(pa.date64())
    found["time32"] = pa.array(np.arange(10, dtype=np.int32) * 1000).cast(pa.time32("ms"))
    found["time64"] = pa.array(np.arange(10) * 1001).cast(pa.time64("ns"))
    found["decimal"] = pa.array(
        [DECIMAL(v) / 100 for v in (-(10**15), 10**15, *range(8))], pa.decimal128(20, 2)
    )
    found["decimal wide"] = pa.array(
        [DECIMAL(v) / 100 for v in (-(10**15), 10**15, *range(8))], pa.decimal256(50, 2)
    )
    found["bool"] = pa.array([True, False] * 5)
    texts = ["", "a", "Größe", "a", "x" * 300, "\U0001f600", "line\nbreak", "nan", "NULL", ',"']
    found["string"] = pa.array(texts)
    found["large_string"] = pa.array(texts, pa.large_string())
    indices = pa.array([3, 1, 1, 0, 2, 3, 3, 1, 0, 1], pa.int8())
    found["category"] = pa.DictionaryArray.from_arrays(indices, pa.array(["z", "b", "a", "unused", "x"][:4]))
    found["ordered"] = pa.DictionaryArray.from_arrays(
        indices, pa.array(["low", "mid", "high", "top"]), ordered=True
    )
    found["number category"] = pa.DictionaryArray.from_arrays(
        indices.cast(pa.uint16()), pa.array([70, -3, 1, 5])
    )
    return found


ALL = pa.table(columns())
MASK = np.array([True, False, False, True, True, False, False, False, True, False])


def with_nulls(array):
    """The array with nulls at the start, in the middle, and where its NaN payload is not."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_dictionary(array.type):
        indices = pa.array(np.asarray(array.indices), array.type.index_type, mask=MASK)
        return pa.DictionaryArray.from_arrays(indices, array.dictionary, ordered=array.type.ordered)
    return array.take(pa.array(np.arange(10), mask=MASK))


NULLS = pa.table({name: with_nulls(array) for name, array in zip(ALL.column_names, ALL.columns, strict=True)})
NULLS = NULLS.append_column("nothing", pa.nulls(10))
NULLS = NULLS.append_column("no text", pa.array([None] * 10, pa.string()))


def assert_same(got, expected):
    """Names, types, nulls, categories and every bit."""
    assert got.column_names == expected.column_names
    for name in expected.column_names:
        ours, theirs = got[name].combine_chunks(), expected[name].combine_chunks()
        assert ours.type == theirs.type, name
        assert np.array_equal(np.asarray(ours.is_valid()), np.asarray(theirs.is_valid())), name
        if pa.types.is_floating(ours.type):
            keep = np.asarray(theirs.is_valid())
            size = f"u{ours.type.bit_width // 8}"
            values = [
                np.frombuffer(a.buffers()[1], size, len(a), a.offset * int(size[1:])) for a in (ours, theirs)
            ]
            assert np.array_equal(values[0][keep], values[1][keep]), name
        elif pa.types.is_dictionary(ours.type):
            assert ours.type.ordered == theirs.type.ordered
            assert ours.dictionary.equals(theirs.dictionary), name
            assert ours.indices.equals(theirs.indices), name
        else:
            assert ours.equals(theirs), name


# --- round trips


@pytest.mark.parametrize("preset", ["auto", "raw", "paper", "small", "fast"])
def test_every_type_in_memory(make, preset):
    for table in (ALL, NULLS):
        file = make(table, preset=preset)
        assert len(file) == 10
        assert file.columns == table.column_names
        assert_same(file.to_arrow(), table)
        chosen = [7, 0, 0, -1]
        assert_same(
            file.to_arrow(chosen, ["float64", "string"]),
            table.take([7, 0, 0, 9]).select(["float64", "string"]),
        )
        assert file.to_arrow([]).schema == table.schema


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "feather", "ipc", "stream.ipc"])
def test_every_type_through_files(make, tmp_path, suffix, monkeypatch):
    monkeypatch.setattr(tables, "BATCH_ROWS", 3)
    monkeypatch.setattr(arrow_files, "BATCH_ROWS", 3)
    for table in (ALL, NULLS):
        path = tmp_path / f"table.{suffix}"
        if suffix == "parquet":
            parquet.write_table(table, path, row_group_size=4)
            expected = parquet.read_table(path)  # Parquet has no dates in ms and no seconds
        elif suffix == "stream.ipc":
            with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table, max_chunksize=4)
            expected = table
        else:
            feather.write_feather(table, str(path), chunksize=4)
            expected = table
        file = make(path)
        if suffix == "parquet":
            # Every row group has a dictionary of its own, in the order of its rows.
            plain = [f.name for f in expected.schema if not pa.types.is_dictionary(f.type)]
            assert_same(file.to_arrow(None, plain), expected.select(plain))
            for name in set(expected.column_names) - set(plain):
                assert file.to_arrow()[name].to_pylist() == expected[name].to_pylist()
        else:
            assert_same(file.to_arrow(), expected)


def test_pandas(make):
    frame = pd.DataFrame(
        {
            "f8": floats("f8"),
            "f4": floats("f4"),
            "f2": floats("f2"),
            "i": np.arange(10),
            "u8": np.full(10, 2**64 - 1, np.uint64),
            "b": [True, False] * 5,
            "s": ["a", None, "", *"bcdefgh"],
            "c": pd.Categorical([*"xyxyxyxyx", None], ["unused", "y", "x"], ordered=True),
            "n": pd.Categorical([3, 1] * 5),
            "t": pd.date_range("2020", periods=10, tz="Europe/Berlin", unit="ns"),
            "naive": pd.to_datetime(["2020-01-01", None] * 5),
            "d": pd.to_timedelta([5, None] * 5, unit="ms"),
            7: np.arange(10, dtype=np.int8),
        }
    )
    back = make(frame, target="i").to_pandas()
    frame.columns = frame.columns.astype(str)
    assert list(back.columns) == list(frame.columns)
    for name in frame.columns:
        if frame[name].dtype.kind == "f":
            assert back[name].dtype == frame[name].dtype
            bits = f"u{frame[name].dtype.itemsize}"
            assert np.array_equal(back[name].to_numpy().view(bits), frame[name].to_numpy().view(bits))
        else:
            pd.testing.assert_series_equal(back[name], frame[name])


def test_pandas_types_that_numpy_has_not(make):
    frame = pd.DataFrame(
        {
            "i": pd.array([1, None, 2**62 + 1], "Int64"),
            "b": pd.array([True, None, False], "boolean"),
            "f": pd.arrays.ArrowExtensionArray(pa.array([1.5, None, float("nan")], from_pandas=False)),
            "day": [datetime.date(2020, 2, 29), None, datetime.date(1, 1, 1)],
            "clock": [datetime.time(1, 2, 3), None, datetime.time(23)],
            "money": [DECIMAL("1.50"), None, DECIMAL("-0.01")],
        }
    )
    file = make(frame)
    back = file.to_pandas()
    assert all(isinstance(dtype, pd.ArrowDtype) for dtype in back.dtypes)
    assert_same(make(back).to_arrow(), file.to_arrow())
    assert back["i"].tolist()[2] == 2**62 + 1
    assert file.to_arrow()["f"].combine_chunks().null_count == 1
    assert file.to_arrow()["money"].to_pylist() == [DECIMAL("1.50"), None, DECIMAL("-0.01")]
    assert file.to_arrow()["day"].to_pylist()[2] == datetime.date(1, 1, 1)


def test_polars(make):
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(
        {
            "f": [1.0, None, float("nan")],
            "i": polars.Series([1, None, -3], dtype=polars.Int16),
            "s": ["a", None, ""],
            "c": polars.Series(["x", "y", None], dtype=polars.Categorical),
            "e": polars.Series(["x", "y", None], dtype=polars.Enum(["y", "unused", "x"])),
            "t": [datetime.datetime(2020, 1, 1), None, datetime.datetime(1999, 1, 1)],
            "d": [datetime.date(2020, 1, 1), None, datetime.date(1999, 1, 1)],
            "money": [DECIMAL("1.5"), None, DECIMAL("2.25")],
            "none": [None, None, None],
        }
    )
    file = make(frame)
    assert_same(file.to_arrow(), frame.to_arrow())
    back = polars.from_arrow(file.to_arrow())
    assert back.equals(frame.with_columns(back["c"], back["e"]))
    assert back["e"].cast(polars.String).to_list() == ["x", "y", None]
    file.to_pandas()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(
            st.none() | st.integers(0, 2**64 - 1),
            st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
            st.none() | st.booleans(),
            st.integers(-(2**63), 2**63 - 1),
        ),
        max_size=20,
    ),
    batch=st.integers(1, 7),
)
def test_any_rows(tmp_path_factory, rows, batch):
    bits, texts, flags, numbers = zip(*rows, strict=True) if rows else ((), (), (), ())
    mask = np.array([bit is None for bit in bits], bool)
    floats = pa.Array.from_buffers(
        pa.float64(),
        len(rows),
        [
            pa.py_buffer(np.packbits(~mask, bitorder="little")),
            pa.py_buffer(np.array([b or 0 for b in bits], "u8")),
        ],
    )
    table = pa.table(
        {
            "float": floats,
            "text": pa.array(texts, pa.string()),
            "flag": pa.array(flags, pa.bool_()),
            "number": pa.array(numbers, pa.int64()),
        }
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "BATCH_ROWS", batch)
        path = tmp_path_factory.mktemp("any") / "any.gede"
        with dreamlearning.compress(table, path) as file:
            assert_same(file.to_arrow(), table)


def test_the_rows_of_a_file(make):
    file = make(pa.table({"a": [1.5, None, 2.5], "b": ["x", "y", "x"], "c": [7, 8, 9]}), target="c")
    assert file.shape == ()
    assert file.dtype == np.dtype([("a", "<f8"), ("a?valid", "?"), ("b", "u1"), ("c", "<i8")])
    assert file.sample_bytes == 18
    assert file.target == "c"
    assert file.columns == ["a", "b", "c"]
    # A null repeats the value before it, so that it costs little.
    assert file[1].tolist() == (1.5, False, 1, 8)
    assert file[[2, 0]]["c"].tolist() == [9, 7]
    assert file[-2:].shape == (2,)
    assert [row["c"] for row in file] == [7, 8, 9]
    out = np.empty(2, file.dtype)
    assert file.decode([0, 2], out=out) is out
    assert out["a"].tolist() == [1.5, 2.5]
    with pytest.raises(TypeError, match="dtype"):
        file.decode([0], out=np.empty((1, 18), np.uint8))
    assert file.strings("b") == ["x", "y"]
    assert file.classes is None
    assert "table" in file.info()
    with pytest.raises(ValueError, match=r"columns: a, b, c"):
        file.column("nothing")
    with pytest.raises(ValueError, match="is no text"):
        file.strings("a")


def test_leading_nulls_repeat_the_first_value(make, monkeypatch):
    monkeypatch.setattr(tables, "BATCH_ROWS", 2)
    column = pa.array([None, None, None, 5, None, 7, None], pa.int32())
    text = pa.array([None, None, None, "v", None, "w", None])
    file = make(pa.table({"n": column, "t": text}))
    assert file[:]["n"].tolist() == [5, 5, 5, 5, 5, 7, 7]
    assert file[:]["t"].tolist() == [0, 0, 0, 0, 0, 1, 1]
    assert file.column("n").tolist() == [None, None, None, 5, None, 7, None]
    assert file.column("t").tolist() == text.to_pylist()


def test_columns_as_arrays(make):
    file = make(NULLS)
    dates = file.column("zoned")
    assert dates.dtype == np.dtype("M8[us]")
    assert dates.mask.tolist() == MASK.tolist()
    assert file.column("decimal").tolist() == NULLS["decimal"].to_pylist()
    assert file.column("nothing", [1, 2]).tolist() == [None, None]
    plain = make(ALL)
    assert plain.column("time32").dtype == np.dtype("m8[ms]")
    assert plain.column("date32", [0]).dtype == np.dtype("M8[D]")
    assert plain.column("uint64", [1]).tolist() == [2**64 - 1]
    assert plain.column("category").tolist() == ALL["category"].to_pylist()
    assert plain.column("number category", []).shape == (0,)


@pytest.mark.parametrize("values", [1, 2, 256, 257, 65537])
def test_text_takes_the_smallest_number(make, values):
    file = make(pa.table({"t": [str(i) for i in range(values)]}))
    assert file.dtype["t"] == np.min_scalar_type(values - 1)
    assert file.column("t", [-1]).tolist() == [str(values - 1)]


def test_categories_of_each_batch(make, tmp_path):
    """Batches with dictionaries of their own: numbered together, with indices that have room for all."""
    path = tmp_path / "t.arrow"
    batches = [
        pa.record_batch({"c": pa.array([f"{k}-{i}" for i in range(100)]).dictionary_encode().cast(kind)})
        for k in range(3)
        for kind in [pa.dictionary(pa.int8(), pa.string())]
    ]
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    file = make(path)
    assert file.to_arrow()["c"].to_pylist() == [f"{k}-{i}" for k in range(3) for i in range(100)]
    assert file.to_arrow().schema.field("c").type.index_type == pa.int16()


# --- learning


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


# --- bad input


def test_bad_columns(refused, tmp_path):
    nested = pa.table({"ok": [1], "deep": [[1, 2]]})
    message = refused(nested)
    assert "'deep'" in message
    assert "list" in message
    parquet.write_table(nested, tmp_path / "nested.parquet")
    assert "hf:" in refused(tmp_path / "nested.parquet")
    assert "'raw'" in refused(pa.table({"raw": [b"x"]}))
    assert "'d'" in refused(pa.table({"d": pa.DictionaryArray.from_arrays([0], pa.array([1.5]))}))
    assert "both called 'a'" in refused(pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]))
    assert "column 1" in refused(pa.table([pa.array([1]), pa.array([2])], names=["a", ""]))
    assert "'a?valid'" in refused(pa.table({"a": [1, None], "a?valid": [1, 2]}))
    assert "no columns" in refused(pa.table({}))
    large = pa.table({"m": pa.array([DECIMAL(1), None, DECIMAL(10) ** 20], pa.decimal128(30, 0))})
    message = refused(large)
    assert all(word in message for word in ["row 2", "'m'", "64 bits"])


def test_bad_targets(refused):
    table = pa.table({"a": [1.0, float("nan"), None], "b": ["x", None, "y"]})
    message = refused(table, target="a")
    assert all(word in message for word in ["row 1", "'a'", "NaN"])
    assert "row 1" in refused(table, target="b")
    assert "columns: a, b" in refused(table, target="z")
    assert "name of a column" in refused(table, TypeError, target=3)
    arrays = {"X": np.zeros((3, 2)), "y": np.array([0, np.nan, 1])}
    message = refused(arrays, target="y")
    assert all(word in message for word in ["row 1", "'y'", "NaN"])
    assert "columns: x0, x1, y" in refused(arrays, target="z")
    assert "no table" in refused((np.zeros((3, 2, 2)), [1, 2, 3]), target="label")
    source = resolve(pa.table({"a": [1]}))
    assert "make it anew" in refused(source, target="a")


def test_bad_frames(refused):
    assert "reset_index" in refused(pd.DataFrame({"a": [1]}, index=pd.Index([5], name="id")))
    message = refused(pd.DataFrame({"a": [1, "x", 2.5]}))
    assert "'a'" in message
    assert "row 1" in message
    assert "'c'" in refused(pd.DataFrame({"c": [1 + 2j]}))
    assert "'p'" in refused(pd.DataFrame({"p": pd.period_range("2020", periods=2)}))
    assert "rename" in refused(pd.DataFrame({("a", 1): [1]}))
    assert "both called '1'" in refused(pd.DataFrame([[1, 2]], columns=[1, "1"]))
    assert "both called 'a'" in refused(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    assert "'t'" in refused(np.zeros(3, [("t", "S3")]))
    assert "(n,)" in refused(np.zeros((3, 2), [("t", "u1")]))


def test_damaged_files(refused, tmp_path):
    path = tmp_path / "t.parquet"
    parquet.write_table(ALL, path)
    whole = path.read_bytes()
    for content in (b"", b"PAR1 nonsense PAR1", whole[: len(whole) // 2]):
        path.write_bytes(content)
        assert "t.parquet: cannot be read as a Parquet file" in refused(path)
    path = tmp_path / "t.arrow"
    feather.write_feather(ALL, str(path), compression="uncompressed")
    whole = path.read_bytes()
    for content in (b"", b"nonsense", whole[: len(whole) // 2], b"ARROW1" + whole[50:]):
        path.write_bytes(content)
        assert "t.arrow: cannot be read as a Arrow file" in refused(path)
    # Text that is no UTF-8 is found before it is kept.
    bad = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(np.array([0, 1], "i4")), pa.py_buffer(b"\xff")]
    )
    feather.write_feather(pa.table({"t": bad}), str(path))
    assert "UTF" in refused(path)


def test_a_source_that_changes(refused, tmp_path, monkeypatch):
    calls = []

    def read(columns):
        calls.append(columns)
        yield pa.record_batch({"t": ["a" if columns else "b"]})

    rows = tables.ArrowRows("moving", "moving", pa.schema([("t", pa.string())]), read)
    with pytest.raises(SourceError, match="'t' has changed"):
        tables.from_rows(rows)


def test_files_that_contradict_themselves(make, tmp_path):
    file = make(pa.table({"a": [1.0], "t": ["x"]}))
    kept = json.loads(file._reader.metadata())["table"]
    cells = file._reader.columns
    assert Table.from_json(kept, cells).dtype == file.dtype
    for change in (
        {"columns": None},
        {"columns": [7]},
        {"columns": []},
        {"columns": kept["columns"][:1]},
        {"columns": [*kept["columns"], kept["columns"][0]]},
        {"columns": [{**kept["columns"][0], "type": "int64"}, kept["columns"][1]]},
        {"columns": [{**kept["columns"][0], "type": "list<item: int8>"}, kept["columns"][1]]},
        {"columns": [{**kept["columns"][0], "nullable": True}, kept["columns"][1]]},
        {"columns": [{**kept["columns"][0], "name": ""}, kept["columns"][1]]},
        {"columns": [{**kept["columns"][0], "name": "t"}, kept["columns"][1]]},
        {"columns": [{**kept["columns"][0], "name": "\ud800"}, kept["columns"][1]]},
        {"target": "nothing"},
        {"target": 3},
    ):
        with pytest.raises(ValueError, match=r".+"):
            Table.from_json({**kept, **change}, cells)


@pytest.mark.parametrize(
    "damaged",
    [b"", b"\1\0\0\0", b"\2\0\0\0\2\0\0\0\1\0\0\0ab", b"\1\0\0\0\3\0\0\0ab", b"\1\0\0\0\1\0\0\0\xff"],
)
def test_damaged_strings(damaged):
    with pytest.raises(ValueError, match=r".+"):
        decode_strings(damaged)
    # A character of two bytes that two strings share.
    with pytest.raises(ValueError, match="within a character"):
        decode_strings(b"\2\0\0\0\1\0\0\0\2\0\0\0" + "é".encode())


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_strings(values):
    assert decode_strings(encode_strings([value.encode() for value in values])) == values


def test_a_cell_beyond_its_strings(tmp_path):
    records = np.array([(0,), (3,)], [("t", "u1")])
    table = Table([Column("t", "string", np.dtype("u1"), strings=encode_strings([b"a", b"b"]))])
    source = dreamlearning.sources.Source("bad", records.view(np.uint8).reshape(2, 1), table=table)
    with dreamlearning.compress(source, tmp_path / "bad.gede") as file:
        for read in (file.to_arrow, lambda: file.column("t")):
            with pytest.raises(CorruptFileError, match=r"'t'.*3 of 2 strings"):
                read()


# --- LIBSVM, arrays


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


# --- out again


def test_exporters(make, tmp_path):
    file = make(NULLS)
    assert dreamlearning.to_parquet(file, tmp_path / "t.parquet") == 10
    parquet.write_table(NULLS, tmp_path / "expected.parquet")
    assert_same(parquet.read_table(tmp_path / "t.parquet"), parquet.read_table(tmp_path / "expected.parquet"))
    with pytest.raises(ValueError, match="text"):
        dreamlearning.to_numpy(file, tmp_path / "t.npz")
    for output in ("pictures", "t.tar"):
        with pytest.raises(ValueError, match=r"\.parquet or \.csv"):
            dreamlearning.exporters.extract(file, tmp_path / output)
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]
    with pytest.raises(ValueError, match="no columns"):
        dreamlearning.to_csv(make(np.eye(3)), tmp_path / "x.csv")


def test_csv_and_back(make, tmp_path):
    names = [n for n in ALL.column_names if n.split()[0] not in ("duration", "timestamp", "zoned")]
    file = make(ALL.select(names))
    assert dreamlearning.to_csv(file, tmp_path / "all.csv") == 10
    back = make(f"{tmp_path / 'all.csv'}?text=string&text=large_string")
    for name in ("float64", "float32", "float16"):
        ours, theirs = back.column(name), file.column(name).astype(np.float64)
        finite = ~np.isnan(theirs)
        assert np.array_equal(np.isnan(ours), ~finite)
        values = ours[finite].astype(file.dtype[name])
        assert np.array_equal(values.view(np.uint8), file.column(name)[finite].view(np.uint8)), name
    for name in ("uint64", "int64", "int8", "bool", "string", "date32", "category", "number category"):
        assert back.column(name).tolist() == file.column(name).tolist(), name
    reread = csv.read_csv(tmp_path / "all.csv", parse_options=csv.ParseOptions(newlines_in_values=True))
    assert reread.column_names == names
    dreamlearning.to_csv(make(NULLS), tmp_path / "nulls.csv", indices=[3, 1])
    lines = (tmp_path / "nulls.csv").read_text().splitlines()
    assert lines[1].startswith(",,,")
    for bad in ("all.txt", "all.csv"):
        with pytest.raises((ValueError, FileExistsError)):
            dreamlearning.to_csv(file, tmp_path / bad)


def test_the_command_line(tmp_path, make):
    def run(*arguments, code=0):
        done = subprocess.run(
            [sys.executable, "-m", "dreamlearning", *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    (tmp_path / "t.csv").write_text("age,[name],city\n4,ann,\n5.5,bob,Rome\n")
    gede = tmp_path / "t.gede"
    run("compress", tmp_path / "t.csv", gede, "--target", "age")
    shown = run("info", gede)
    assert "2 rows of 3 columns" in shown
    assert "[name]" in shown
    assert "target age" in shown
    facts = json.loads(run("info", gede, "--json"))
    assert [column["name"] for column in facts["table"]["columns"]] == ["age", "[name]", "city"]
    assert all(column["code"] for column in facts["table"]["columns"])
    run("verify", gede, "--source", tmp_path / "t.csv")
    run("extract", gede, tmp_path / "back.csv")
    assert (tmp_path / "back.csv").read_text() == '"age","[name]","city"\n4,"ann",\n5.5,"bob","Rome"\n'
    run("extract", gede, tmp_path / "back.parquet", "--indices", "1")
    assert parquet.read_table(tmp_path / "back.parquet").to_pylist() == [
        {"age": 5.5, "[name]": "bob", "city": "Rome"}
    ]
    message = run("compress", tmp_path / "t.csv", tmp_path / "x.gede", "--target", "nothing", code=2)
    assert message.startswith("dreamlearning: error:")
    assert not (tmp_path / "x.gede").exists()
    (tmp_path / "t.csv").write_text("age,[name],city\n4,ann,\n5.5,bab,Rome\n")
    assert "other strings" in run("verify", gede, "--source", tmp_path / "t.csv", code=1)
    (tmp_path / "t.csv").write_text("age,[name],city\n4,ann,\n5.6,bob,Rome\n")
    assert "sample 1 differs" in run("verify", gede, "--source", tmp_path / "t.csv", code=1)


# --- large and real


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

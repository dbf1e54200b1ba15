"""Promise: a table goes into a file and comes back bit by bit, whatever its columns are."""

import datetime

import dreamlearning
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from arrow_tables import ALL, DECIMAL, MASK, NULLS, assert_same, floats
from dreamlearning.sources import arrow_files, tables
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import feather, parquet


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

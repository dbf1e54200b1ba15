"""Promise: what cannot be stored is an error that names row and column, and leaves nothing behind."""

import json

import dreamlearning
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from arrow_tables import ALL, DECIMAL
from dreamlearning import CorruptFileError, SourceError
from dreamlearning.sources import resolve, tables
from dreamlearning.tables import Column, Table
from dreamlearning.tables.strings import decode_strings, encode_strings
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import feather, parquet


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

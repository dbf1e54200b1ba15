"""Promise: a CSV file is read with types that hold for all of it, and no cell is bent to fit one.

A cell that does not fit is an error that names its line and column.
"""

import csv
import datetime

import dreamlearning
import numpy as np
import pyarrow as pa
import pytest
from dreamlearning.sources import csv_files, csv_types, resolve
from hypothesis import given
from hypothesis import strategies as st


def test_csv_types(make, tmp_path, monkeypatch):
    monkeypatch.setattr(csv_files, "_BLOCK_BYTES", 256)
    path = tmp_path / "t.csv"
    path.write_text(
        "id,big,x,zero,word,flag,day,time,zone,gap,empty,quoted\r\n"
        '1,18446744073709551615,1,-0.0,a,true,2020-02-29,2020-01-01,2020-01-01T00:00:00Z,,,""\r\n'
        "\r\n"
        "-2,0,2.5,0,NA,False,1999-01-01,2020-01-01 10:00:00.123,2020-01-01T02:00:00+02:00,7,,\r\n"
        '3,1, nan ,-0,"b,\nc",TRUE,0001-01-01,2020-01-01 10:00,2020-01-01T00:00:00.5Z,NA,,x\r\n'
        "4,2,-inf,1e-3,,NULL,2000-01-01,1969-12-31 23:59:59,1970-01-01 00:00Z,9,,\r\n"
    )
    file = make(path)
    types = {column.name: (column.type, column.nullable) for column in file.table.columns}
    assert types == {
        "id": ("int64", False),
        "big": ("uint64", False),
        "x": ("double", False),
        "zero": ("double", False),
        "word": ("string", True),
        "flag": ("bool", True),
        "day": ("date32[day]", False),
        "time": ("timestamp[ms]", False),
        "zone": ("timestamp[ms, tz=UTC]", False),
        "gap": ("int64", True),
        "empty": ("null", True),
        "quoted": ("string", True),
    }
    assert file.column("big").tolist() == [2**64 - 1, 0, 1, 2]
    assert str(file.column("x").tolist()) == "[1.0, 2.5, nan, -inf]"
    assert str(file.column("zero").tolist()) == "[-0.0, 0.0, -0.0, 0.001]"
    assert file.column("word").tolist() == ["a", "NA", "b,\nc", None]
    assert file.column("quoted").tolist() == ["", None, "x", None]
    assert file.column("gap").tolist() == [None, 7, None, 9]
    assert file.column("flag").tolist() == [True, False, True, None]
    assert file.column("time")[1] == np.datetime64("2020-01-01T10:00:00.123")
    assert file.column("zone")[:2].tolist() == [datetime.datetime(2020, 1, 1)] * 2
    as_text = make(f"{path}?text=x&text=id")
    assert as_text.column("x").tolist() == ["1", "2.5", " nan ", "-inf"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n3\n", ["line 3", "1 cells", "2 columns"]),
        ("a,b\n1,2\n3,4,5\n", ["line 3", "3 cells"]),
        ('a,b\n"x\ny",2\n3\n', ["line 4"]),
        ("a,b\n1,2\n\n\nx,4\n", ["line 5", "'a'", "'x'", "no number", "?text=a"]),
        ("a,b c&d\n1,2\n3,four\n", ["line 3", "'b c&d'", "?text=b%20c%26d"]),
        ("a,b\n1,2\n3,007\n", ["line 3", "'b'", "'007'"]),
        ("a\n1\n1e999\n", ["line 3", "'a'", "'1e999'"]),
        ("a\n1.5\n9007199254740993\n", ["line 3", "'a'", "9007199254740993", "float64"]),
        ("a\n1.5\n9223372036854775807\n", ["line 3"]),
        ("a\n1\n18446744073709551616\n", ["line 3", "'a'", "too large"]),
        ("a\n18446744073709551615\n-1\n", ["line 2", "'a'", "too large"]),
        ("a\n1\n" + "9" * 6000 + "\n", ["line 3", "too large"]),
        ("a\n2020-01-01\nlater\n", ["line 3", "'a'", "date"]),
        ("a\n2020-01-01\n2020-02-30\n", ["line 3", "'a'", "2020-02-30"]),
        ("a\n2020-01-01 10:00Z\n2020-01-01 10:00\n", ["line 3", "zone"]),
        ("a\ntrue\n1\n", ["line 3", "'a'", "true nor false"]),
        ("a,a\n1,2\n", ["line 1", "'a'"]),
        ("a,\n1,2\n", ["line 1", "column 2", "no name"]),
        ("1.5,2\n3,4\n", ["line 1", "numbers"]),
        ("", ["Empty"]),
    ],
)
def test_bad_csv(refused, tmp_path, text, words, monkeypatch):
    for block in (32, 1 << 22):
        monkeypatch.setattr(
            csv_files, "_BLOCK_BYTES", max(block, len(max(text.splitlines(), default="", key=len)) + 8)
        )
        (tmp_path / "bad.csv").write_text(text)
        message = refused(tmp_path / "bad.csv")
        for word in (*words, "bad.csv"):
            assert word in message


def test_more_bad_csv(refused, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_bytes(b"a,b\n1,x\n2,\xff\xfe\n")
    assert "line 3" in refused(path)
    path.write_text("a,b\n1,\n2,nan\n3,5\n")
    for name, words in {"b": ["line 2", "'b'", "no value"], "c": ["'c'", "a, b"]}.items():
        message = refused(path, target=name)
        assert all(word in message for word in words)
    path.write_text("a,b\n1,7\n2,nan\n3,5\n")
    message = refused(path, target="b")
    assert all(word in message for word in ["line 3", "'b'", "NaN"])
    assert "columns: a, b" in refused(f"{path}?text=c")
    assert "no option 'sep'" in refused(f"{path}?sep=;")
    assert "form" in refused(f"{path}?text")
    assert "no such file" in refused(tmp_path / "none.csv")
    with pytest.raises(ValueError, match="is the source"):
        dreamlearning.compress(f"{path}?text=a", path, overwrite=True)


@pytest.mark.parametrize(
    ("delimiter", "option"), [(";", ";"), ("\t", "tab"), ("|", "%7C"), (",", ","), (" ", "%20")]
)
def test_other_delimiters(make, tmp_path, delimiter, option):
    rows = [["a", "b c"], ["1.5", 'x;,\t| "y"'], ["-2", "two\nlines"], ["", "z"]]
    with (tmp_path / "t.csv").open("w", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    file = make(f"{tmp_path / 't.csv'}?delimiter={option}")
    assert file.columns == ["a", "b c"]
    assert file.column("a").tolist() == [1.5, -2, None]
    assert file.column("b c").tolist() == ['x;,\t| "y"', "two\nlines", "z"]


@pytest.mark.parametrize(
    "encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-8", "utf-8-sig", "shift-jis"]
)
def test_other_encodings(make, tmp_path, monkeypatch, encoding):
    """Characters of several bytes lie across the blocks that are read."""
    monkeypatch.setattr(csv_files, "_BLOCK_BYTES", 128)
    words = ["Århus", "naïve", "ß"] if encoding != "shift-jis" else ["東京", "大阪市", "x"]
    lines = [f"{words[n % 3]},{n},{words[n % 2]}" for n in range(500)]
    (tmp_path / "t.csv").write_text("\n".join([f"{words[0]},n,b", *lines]), encoding=encoding)
    file = make(f"{tmp_path / 't.csv'}?encoding={encoding}")
    assert file.columns == [words[0], "n", "b"]
    assert file.column(words[0]).tolist() == [words[n % 3] for n in range(500)]
    assert file.column("n").tolist() == list(range(500))
    assert make(f"{tmp_path / 't.csv'}?encoding={encoding}&text=n").column("n")[7] == "7"


def test_errors_with_other_delimiters_and_encodings(refused, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text('a;é\n1;"x\ny"\n\nz;3\n', "latin-1")
    message = refused(f"{path}?delimiter=;&encoding=latin-1")
    for word in ["line 5", "'a'", "'z'", f"{path}?delimiter=;&encoding=latin-1&text=a"]:
        assert word in message
    path.write_text("a;é\n1;2,5\n3\n", "utf-16")
    message = refused(f"{path}?delimiter=;&encoding=utf-16")
    assert "line 3: 1 cells, but the first line names 2 columns" in message
    message = refused(path)
    assert "line 1: no UTF-8" in message
    assert "encoding=latin-1" in message
    path.write_bytes("a,b\n1,é\n2,ü\n3,".encode("cp1252") + b"\x81\n")
    assert "line 2: no UTF-8" in refused(path)
    assert "line 4: no cp1252" in refused(f"{path}?encoding=cp1252")
    path.write_bytes("a,b\n1,é\n".encode("utf-16") + b"x")
    assert "line 3: no utf-16" in refused(f"{path}?encoding=utf-16")
    for query, words in {
        "delimiter=": ["delimiter is ''", "tab"],
        "delimiter=;;": ["delimiter is ';;'"],
        "delimiter=%22": ["delimiter is '\"'"],
        "delimiter=é": ["ASCII"],
        "delimiter=e": ["no letter"],
        "delimiter=;&delimiter=,": ["twice"],
        "encoding=none": ["no encoding 'none'"],
        "encoding=hex": ["no encoding 'hex'"],
        "encoding=%00": ["no encoding"],
    }.items():
        message = refused(f"{path}?{query}")
        assert all(word in message for word in words), query


@pytest.mark.parametrize(("delimiter", "option"), [(";", ";"), ("\t", "tab"), ("|", "|")])
def test_a_delimiter_that_is_no_comma_is_noticed(make, refused, tmp_path, delimiter, option):
    path = tmp_path / "t.csv"
    for text in ("a;b;c\n1;2;3\n", "a;b\n1,5;2\n", "a;b\n"):
        path.write_text(text.replace(";", delimiter))
        message = refused(path)
        assert "line 1" in message
        assert f"{path}?delimiter={option} " in message
        assert f"{path}?text=x&delimiter={option} " in refused(f"{path}?text=x")
    path.write_text(f"a{delimiter}b\n1\n")
    assert make(f"{path}?delimiter=,").columns == [f"a{delimiter}b"]
    path.write_text(f"a{delimiter}b,c\n1,2\n")
    assert make(path).columns == [f"a{delimiter}b", "c"]


def test_a_csv_file_without_rows(make, tmp_path):
    (tmp_path / "none.csv").write_text("a,b\n")
    file = make(tmp_path / "none.csv")
    assert (len(file), file.columns) == (0, ["a", "b"])
    assert file.to_arrow().num_rows == 0
    assert file.arrays()[0].shape == (0, 0)


def test_a_name_with_a_question_mark(make, tmp_path):
    (tmp_path / "what?.csv").write_text("a\n1\n")
    assert make(tmp_path / "what?.csv").column("a").tolist() == [1]


@given(
    st.lists(
        st.none()
        | st.floats()
        | st.integers(-(2**53), 2**53).map(float)
        | st.sampled_from([-0.0, 5e-324, 1.7976931348623157e308]),
        min_size=1,
        max_size=12,
    )
)
def test_floats_in_csv(tmp_path_factory, values):
    """What Python writes of a float is read as the same float."""
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_text("x,y\n" + "".join(f"{'' if v is None else repr(v)},1.5\n" for v in values))
    source = resolve(path)
    records = source.read(0, len(values)).reshape(-1).view(source.table.dtype)
    if any(v is not None for v in values):
        expected = [np.nan if v is None else v for v in values]
        got = np.where([v is None for v in values], np.nan, records["x"])
        assert np.array_equal(np.isnan(got), np.isnan(expected))
        number = ~np.isnan(expected)
        assert np.array_equal(got[number].view("u8"), np.array(expected)[number].view("u8"))


def test_numbers_that_become_wider(tmp_path):
    for cells, kind in {
        ("1", "-0"): "double",
        ("1", "9223372036854775807"): "int64",
        ("-9223372036854775808", "1"): "int64",
        ("1", "9223372036854775808"): "uint64",
        ("9007199254740992", "1.5"): "double",
        ("100000000000000000000", ".5"): "double",
        ("5.", "1E+3"): "double",
        ("nan", "1"): "double",
        ("", "NA", "1"): "int64",
        ("NA", "x"): "string",
        ("NA", "NA"): "string",
        ("+1", "007"): "string",
    }.items():
        (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{cell},0\n" for cell in cells))
        assert resolve(tmp_path / "t.csv").table["x"].type == kind, cells


NUMERALS = st.from_regex(r"\A[-+]?[0-9]{0,3}(\.[0-9]{0,2})?([eE][-+]?[0-9]{0,2})?\Z") | st.sampled_from(
    [
        "nan",
        "-NaN",
        "inf",
        "-Infinity",
        "nan(1)",
        "0x1F",
        "1_0",
        "1e999",
        "-",
        ".",
        "1f",
        "1\n",
        "007",
        "+1",
        "\u0661",
    ]
)


@given(st.lists(NUMERALS, min_size=1, max_size=6))
def test_numbers_are_told_one_way(cells):
    """The fast way to tell numbers in a column says the same as the slow one of a single cell."""
    array = pa.array(cells)
    present = np.array([cell != "" for cell in cells])
    told = csv_types._numbers_among(array, present)
    assert told.tolist() == [cell != "" and csv_types.is_number(cell) for cell in cells]


def test_a_quote_that_is_never_closed_is_an_error(make, refused, tmp_path):
    path = tmp_path / "t.csv"
    lines = [f"{i},t{i}" for i in range(10_000)]
    lines[5000] = '5000,"x'
    path.write_text("\n".join(["i,t", *lines, ""]))
    message = refused(path)
    assert "line 5002" in message
    assert "never closed" in message
    path.write_text('a,b\n1,"abc\n2,3\n')
    assert "line 2" in refused(path)
    # An odd number of quotes that are part of plain cells is no mistake, and neither are lines in a cell.
    path.write_text('a,b\n1,5" pipe\n2,"two\nlines"\n3,"a ""b"""\n')
    assert make(path).column("b").tolist() == ['5" pipe', "two\nlines", 'a "b"']

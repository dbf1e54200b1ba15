"""Promise: a table leaves a file as Parquet or CSV with the values that went in."""

import json
import subprocess
import sys

import dreamlearning
import numpy as np
import pytest
from arrow_tables import ALL, NULLS, assert_same
from pyarrow import csv, parquet


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

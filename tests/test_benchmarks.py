"""The numbers of README.md, docs/algorithm.md and benchmarks/README.md are the ones in
benchmarks/results, which name no folder of their machine."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TABLES = ROOT / "benchmarks" / "tables.py"


@pytest.fixture(scope="module")
def tables():
    sys.path.insert(0, str(TABLES.parent))  # as when it runs as a program
    try:
        return imported()
    finally:
        sys.path.remove(str(TABLES.parent))


def imported():
    spec = importlib.util.spec_from_file_location("tables", TABLES)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_tables(*arguments):
    return subprocess.run(
        [sys.executable, TABLES, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def test_the_documents_are_up_to_date():
    done = run_tables("--check")
    assert done.returncode == 0, done.stderr


def test_rewriting_changes_only_the_blocks_and_is_idempotent(tmp_path, tables):
    def document(markers, text):
        blocks = [f"<!-- {marker}:begin -->\n{text}\n<!-- {marker}:end -->" for marker in markers]
        return "\n\n".join(["# before", *blocks, "after\n"])

    for name, markers in tables.DOCUMENTS.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(document(markers, "stale"))
    arguments = ["--root", str(tmp_path)]
    assert run_tables("--check", *arguments).returncode == 1
    assert all("stale" in (tmp_path / name).read_text() for name in tables.DOCUMENTS)
    assert run_tables(*arguments).returncode == 0
    for name, markers in tables.DOCUMENTS.items():
        once = (tmp_path / name).read_text()
        assert once.startswith(f"# before\n\n<!-- {markers[0]}:begin -->\n")
        assert once.endswith(f"<!-- {markers[-1]}:end -->\n\nafter\n")
        assert "stale" not in once
        for marker in markers:
            inside = once.split(f"<!-- {marker}:begin -->")[1].split(f"<!-- {marker}:end -->")[0]
            made = [results for results, _ in tables.TABLES[marker] if all(map(has_result, results))]
            assert ("|---" in inside) == bool(made)
    assert run_tables("--check", *arguments).returncode == 0


def has_result(name):
    return (ROOT / f"benchmarks/results/{name}.json").exists()


def test_a_document_without_markers_is_refused(tables):
    with pytest.raises(ValueError, match="results:begin"):
        tables.rewritten("# nothing here\n", "results")


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks/results").glob("*.json")), ids=lambda p: p.name)
def test_results_say_where_they_come_from(path):
    result = json.loads(path.read_text())
    environment = result["environment"]
    for key in ("cpu", "cores", "memory_bytes", "system", "python", "numpy", "commit", "dirty"):
        assert key in environment, key
    assert environment["build_profile"] == "release"
    assert result["command"].startswith("python benchmarks/")

    def strings(value):
        if isinstance(value, dict):
            value = [*value.keys(), *value.values()]
        return [text for item in value for text in strings(item)] if isinstance(value, list) else [value]

    assert not [text for text in strings(result) if isinstance(text, str) and text.startswith(("/", "~"))]


@pytest.fixture(scope="module")
def bars():
    sys.path.insert(0, str(TABLES.parent))
    try:
        import loader_bars
    finally:
        sys.path.remove(str(TABLES.parent))
    return loader_bars.bars


def measured(size, *passes):
    return {"passes": list(passes), "images_per_second": {"median": passes[0]}, "disk_bytes": size}


def test_a_bar_is_judged_by_the_median_of_the_ratios_within_a_round(bars):
    rows = {
        ".gede small, DataLoader, 0 workers": measured(50, 9, 90, 5),
        ".gede small, bare decode": measured(50, 10, 100, 10),
    }
    stock, second_thread, *_ = bars(rows)
    assert (stock["value"], stock["verdict"]) == (pytest.approx(0.9), "PASS")
    assert second_thread["verdict"] == "not measured"
    rows[".gede small, DataLoader, 0 workers"] = measured(50, 8, 80, 10)
    assert bars(rows)[0]["verdict"] == "FAIL"


def test_a_preset_has_to_beat_every_compressing_peer_on_both_sides(bars):
    rows = {
        ".gede fast, DataLoader, 0 workers": measured(50, 100),
        ".gede fast, bare decode": measured(50, 900),
        "LMDB, PNG": measured(60, 90),
        "numpy.memmap": measured(70, 1000),
    }
    fast = bars(rows)[-2]
    assert (fast["verdict"], fast["rows"]) == ("PASS", [".gede fast, DataLoader, 0 workers"])
    rows["bagz, zstd"], rows["Lance, PNG"] = measured(60, 200), measured(40, 10)
    fast = bars(rows)[-2]
    assert fast["verdict"] == "FAIL"
    assert (fast["faster_peers"], fast["smaller_peers"]) == (["bagz, zstd"], ["Lance, PNG"])

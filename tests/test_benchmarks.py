"""The README's numbers are the ones in benchmarks/results, which name no folder of their machine."""

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
    spec = importlib.util.spec_from_file_location("tables", TABLES)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_tables(*arguments):
    return subprocess.run(
        [sys.executable, TABLES, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def test_the_readme_is_up_to_date():
    done = run_tables("--check")
    assert done.returncode == 0, done.stderr


def test_rewriting_changes_only_the_block_and_is_idempotent(tmp_path, tables):
    readme = tmp_path / "README.md"
    readme.write_text(f"# before\n\n{tables.BEGIN}\nstale\n{tables.END}\n\nafter\n")
    assert run_tables("--check", "--readme", str(readme)).returncode == 1
    assert "stale" in readme.read_text()
    assert run_tables("--readme", str(readme)).returncode == 0
    once = readme.read_text()
    assert once.startswith(f"# before\n\n{tables.BEGIN}\n")
    assert once.endswith(f"{tables.END}\n\nafter\n")
    assert "stale" not in once
    assert run_tables("--check", "--readme", str(readme)).returncode == 0


def test_a_readme_without_markers_is_refused(tables):
    with pytest.raises(ValueError, match="results:begin"):
        tables.rewritten("# nothing here\n")


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

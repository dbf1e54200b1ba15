"""Promise: the core install is light, and a missing extra says how to get it."""

import doctest
import importlib

import dreamlearning
import pytest

BLOCK = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {names!r}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)
sys.meta_path.insert(0, Block())
import dreamlearning
"""


def test_importing_is_light(run_python):
    done = run_python(
        "import dreamlearning, dreamlearning.cli, sys\n"
        "dreamlearning.from_numpy, dreamlearning.from_hf, dreamlearning.from_webdataset\n"
        "dreamlearning.to_numpy, dreamlearning.to_parquet, dreamlearning.to_webdataset\n"
        "heavy = {'torch', 'torchvision', 'PIL', 'sklearn', 'scipy', 'matplotlib', 'rich',\n"
        "    'datasets', 'webdataset', 'pyarrow', 'pandas', 'fsspec'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert done.stderr == ""
    assert done.stdout == "[]\n"


def test_public_names():
    for name in dreamlearning.__all__:
        assert getattr(dreamlearning, name) is not None
    assert dir(dreamlearning) == sorted(dreamlearning.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        dreamlearning.nonsense  # noqa: B018


@pytest.mark.parametrize(
    ("blocked", "code", "extra"),
    [
        ("torch", "dreamlearning.CompressedDataset", "torch"),
        ("torch", "dreamlearning.SubsetSampler", "torch"),
        ("torch", "dreamlearning.augment", "torch"),
        ("torchvision", "dreamlearning.compress('torchvision:MNIST?root=x', {path!r})", "torch"),
        ("PIL", "dreamlearning.compress('imagefolder:.', {path!r})", "images"),
        ("sklearn", "dreamlearning.compress('sklearn:digits', {path!r})", "sklearn"),
        ("sklearn", "from dreamlearning.tabular import CondensedLinearRegression", "tabular"),
        ("sklearn", "from dreamlearning.tabular import CondensedLogisticRegression", "tabular"),
        ("sklearn", "from dreamlearning.tabular import certify", "tabular"),
        ("datasets", "dreamlearning.compress('hf:some/thing', {path!r})", "hf"),
        ("webdataset", "dreamlearning.compress('webdataset:a.tar', {path!r})", "webdataset"),
        ("webdataset", "dreamlearning.to_webdataset({digits!r}, {path!r})", "webdataset"),
        ("pyarrow", "dreamlearning.to_parquet({digits!r}, {path!r})", "parquet"),
        ("PIL", "dreamlearning.to_imagefolder({digits!r}, {path!r})", "images"),
        ("pyarrow", "dreamlearning.to_csv({digits!r}, 'x.csv')", "tabular"),
        ("pyarrow", "from dreamlearning.sources.csv_files import from_csv; from_csv('x.csv')", "tabular"),
        ("pyarrow", "dreamlearning.sources.resolve(__import__('numpy').zeros(3, [('a', 'u1')]))", "tabular"),
        ("sklearn", "dreamlearning.compress('libsvm:x.svm', {path!r})", "tabular"),
    ],
)
def test_a_missing_extra_says_how_to_get_it(run_python, tmp_path, digits_path, blocked, code, extra):
    code = code.format(path=str(tmp_path / "x.gede"), digits=str(digits_path))
    done = run_python(BLOCK.format(names={blocked}) + code)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError")
    assert f'pip install "dreamlearning[{extra}]"' in last
    assert not list(tmp_path.iterdir())


def test_the_core_needs_no_extra(run_python, tmp_path):
    names = {
        "torch",
        "torchvision",
        "PIL",
        "sklearn",
        "scipy",
        "matplotlib",
        "datasets",
        "webdataset",
        "pyarrow",
    }
    done = run_python(
        BLOCK.format(names=names)
        + "import numpy as np\n"
        + f"f = dreamlearning.compress(np.arange(60).reshape(20, 3), {str(tmp_path / 'x.gede')!r})\n"
        + "from dreamlearning.tabular import CondensedTable, bases_of\n"
        + "CondensedTable.from_groups([[1.0]], [1.0], [0]), bases_of([[1]], ['a'])\n"
        + "f.verify(); print(dreamlearning.to_numpy(f)['data'][-1].tolist())"
    )
    assert done.stdout == "[57, 58, 59]\n", done.stderr


@pytest.mark.parametrize(
    "module",
    [
        "augment",
        "augment.base",
        "augment.erasing",
        "augment.geometry",
        "augment.values",
        "cli.formatting",
        "errors",
        "permutation",
        "report.rows",
        "report.saving",
        "report.style",
        "samplers",
        "samplers.base",
        "samplers.distributed",
        "samplers.locality",
        "samplers.subset",
        "samplers.weights",
        "sources",
        "sources.base",
        *("tabular", "tabular.certificate", "tabular.checks", "tabular.condensed", "tabular.linear"),
        *(
            "tabular.condenser",
            "tabular.condensing",
            "tabular.logistic",
            "tabular.posterior",
            "tabular.trees",
        ),
        *("errors", "permutation", "samplers", "sources", "sources.arrays", "sources.base"),
        *("sources.json_fields", "sources.mapstyle", "sources.query", "cli.formatting"),
        *(
            "sources.array_tables",
            "sources.csv_files",
            "sources.csv_options",
            "sources.csv_types",
            "sources.targets",
        ),
        *("tables.cells", "tables.description", "tables.features", "tables.strings", "tables.types"),
    ],
)
def test_the_examples_run(module):
    results = doctest.testmod(importlib.import_module(f"dreamlearning.{module}"))
    assert results.attempted > 0
    assert results.failed == 0

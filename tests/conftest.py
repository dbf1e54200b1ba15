"""What several tests share: small real data, files made from it, and larger data sets where present."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import dreamlearning
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
UNPACKED = {"cifar10": "cifar-10-batches-py", "mnist": "MNIST", "fashion_mnist": "FashionMNIST"}


@pytest.fixture(scope="session")
def digits():
    """scikit-learn's digits: uint8 images (1797, 8, 8) and labels (1797,)."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return data.images.astype(np.uint8), data.target


@pytest.fixture(scope="session")
def digits_path(tmp_path_factory):
    """digits in a file, preset fast, partitioned by label."""
    path = tmp_path_factory.mktemp("digits") / "digits.gede"
    dreamlearning.compress("sklearn:digits", path, partition_by="label").close()
    return path


@pytest.fixture
def digits_file(digits_path):
    with dreamlearning.open(digits_path) as file:
        yield file


@pytest.fixture(scope="session")
def colour(tmp_path_factory):
    """(path, images, labels): 300 smooth colour images of 3 named classes."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[:16, :16]
    waves = np.sin(x / 3 + rng.uniform(0, 6, (300, 1, 1))) + np.cos(y / 4 + rng.uniform(0, 6, (300, 1, 1)))
    images = np.clip(
        waves[..., None] * 40 + rng.uniform(60, 190, (300, 1, 1, 3)) + rng.normal(0, 2, (300, 16, 16, 3)),
        0,
        255,
    ).astype(np.uint8)
    labels = rng.integers(0, 3, 300)
    path = tmp_path_factory.mktemp("colour") / "colour.gede"
    source = dreamlearning.sources.Source(
        "colour", images, {"label": labels.astype(np.int64)}, classes=["ant", "bee", "cat"]
    )
    dreamlearning.compress(source, path).close()
    return path, images, labels


def _unpack(name):
    """Where torchvision finds data set ``name``, unpacked once into the ignored folder ``data/``."""
    root = ROOT / "data"
    folder = root / UNPACKED[name]
    if folder.is_dir():
        return root
    script = SHARED / "unpack.py"
    if not script.is_file():
        pytest.skip(f"{name} is not here: no ../shared/data/unpack.py")
    root.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root, prefix=".unpack-") as temporary:
        subprocess.run([sys.executable, script, temporary, name], check=True, stdout=subprocess.DEVNULL)
        if not folder.is_dir():
            shutil.move(Path(temporary) / folder.name, folder)
    return root


@pytest.fixture(scope="session")
def imagenet_folder(tmp_path_factory):
    """A folder of 25 ImageNet photographs at their own sizes, in one class."""
    photographs = sorted((SHARED / "imagenet_sample").glob("*.JPEG"))[::5]
    if not photographs:
        pytest.skip("the ImageNet photographs are not here: no ../shared/data/imagenet_sample")
    folder = tmp_path_factory.mktemp("imagenet")
    (folder / "photographs").mkdir()
    for photograph in photographs:
        (folder / "photographs" / photograph.name).symlink_to(photograph)
    return folder


@pytest.fixture(scope="session")
def shared_table():
    """Read a table by name: ``california_housing``, ``credit_default`` or ``ijcnn1``, as arrays."""

    def read(name):
        path = SHARED / "tabular" / f"{name}.npz"
        if not path.is_file():
            pytest.skip(f"{name} is not here: no ../shared/data/tabular")
        with np.load(path) as arrays:
            return dict(arrays)

    return read


@pytest.fixture(scope="session")
def housing(shared_table):
    """California Housing: rows (20640, 8), targets and names."""
    data = shared_table("california_housing")
    return data["X"], data["y"], data["feature_names"].tolist()


@pytest.fixture(scope="session")
def labelled_tables(housing, shared_table):
    """Rows and two classes of three data sets."""
    credit, ijcnn = shared_table("credit_default"), shared_table("ijcnn1")
    X, y, _ = housing
    return {
        "california": (X, (y > np.median(y)).astype(int)),
        "credit": (credit["X"].astype(float), credit["y"].astype(int)),
        "ijcnn1": (ijcnn["X_train"], ijcnn["y_train"].astype(int)),
    }


@pytest.fixture(scope="session")
def tabular():
    """A folder with the data sets of tables, as ``.npz``."""
    if not (SHARED / "tabular").is_dir():
        pytest.skip("the tables are not here: no ../shared/data/tabular")
    return SHARED / "tabular"


@pytest.fixture(scope="session")
def cifar10_root():
    return _unpack("cifar10")


@pytest.fixture(scope="session")
def mnist_root():
    return _unpack("mnist")


@pytest.fixture(scope="session")
def hugging_face(tmp_path_factory):
    """The library ``datasets``, without the network and with its cache in a temporary folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hugging_face")))
        import datasets

        datasets.disable_progress_bars()
        yield datasets


@pytest.fixture
def make(tmp_path):
    """Compress, verify and open; returns the file."""
    opened = []

    def run(source, **options):
        path = tmp_path / f"out{len(opened)}.gede"
        file = dreamlearning.compress(source, path, **options)
        opened.append(file)
        file.verify()
        return file

    yield run
    for file in opened:
        file.close()


@pytest.fixture
def refused(tmp_path):
    """Compress something that must be refused; returns the message."""

    def run(source, error=None, **options):
        before = sorted(tmp_path.iterdir())
        with pytest.raises(error or dreamlearning.SourceError) as caught:
            dreamlearning.compress(source, tmp_path / "refused.gede", **options)
        assert sorted(tmp_path.iterdir()) == before
        return str(caught.value)

    return run


@pytest.fixture
def run_python():
    """Run a snippet in a fresh interpreter; returns the finished process."""

    def run(code, *args, timeout=60):
        return subprocess.run(
            [sys.executable, "-c", code, *map(str, args)],
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, "COLUMNS": "100"},
        )

    return run


@pytest.fixture
def peak_memory():
    """Source of ``peak()``: the most memory the process ever had, in kB.

    Not ``ru_maxrss``, which a process inherits from the one that started it.
    """
    if not Path("/proc/self/status").exists():
        pytest.skip("peak memory is read from /proc")
    return (
        "def peak():\n"
        "    lines = open('/proc/self/status').read().splitlines()\n"
        "    return int(next(line for line in lines if line.startswith('VmHWM')).split()[1])"
    )

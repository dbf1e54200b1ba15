"""Promise: on real images, where they are present, a data set and its ``.gede`` file agree."""

import dreamlearning
import numpy as np
import pytest
from dreamlearning import CompressedDataset
from dreamlearning.cli.verify import compare
from dreamlearning.sources import resolve
from torchvision import datasets


@pytest.mark.parametrize("options", [{}, {"preset": "paper", "partition_by": "label", "tau": 32}], ids=str)
def test_cifar10(tmp_path, cifar10_root, options):
    source = f"torchvision:CIFAR10?root={cifar10_root}&split=test"
    original = datasets.CIFAR10(cifar10_root, train=False)
    with dreamlearning.compress(source, tmp_path / "c.gede", **options) as file:
        file.verify()
        info = file.info()
        assert info["exact"] is (not options)
        assert compare(file, resolve(source)) <= info["max_error"] <= 4
        assert info["ratio"] < (0.8 if options else 1.01)
        assert file.classes == original.classes
        assert file.labels.tolist() == original.targets
    if not options:
        ours = CompressedDataset(tmp_path / "c.gede", transform=np.asarray)
        theirs = datasets.CIFAR10(cifar10_root, train=False, transform=np.asarray)
        assert ours.classes == theirs.classes
        assert ours.class_to_idx == theirs.class_to_idx
        assert ours.targets == theirs.targets
        for i in (0, 5000, 9999):
            assert np.array_equal(ours[i][0], theirs[i][0])
            assert ours[i][1] == theirs[i][1]


def test_mnist(tmp_path, mnist_root):
    source = f"torchvision:MNIST?root={mnist_root}&split=test"
    original = datasets.MNIST(mnist_root, train=False)
    with dreamlearning.compress(source, tmp_path / "m.gede", partition_by="label") as file:
        file.verify()
        assert np.array_equal(file[:], original.data.numpy())
        assert file.labels.tolist() == original.targets.tolist()
        assert file.classes == original.classes
        assert [p["name"] for p in file.partitions] == original.classes
        assert file.info()["ratio"] < 0.6

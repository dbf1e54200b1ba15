"""Promise: the README's Python code runs as it stands."""

import re
from pathlib import Path

import dreamlearning
import numpy as np
import pytest
from sklearn.datasets import load_sample_images

README = (Path(__file__).parent.parent / "README.md").read_text()


@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_the_python_code_runs(tmp_path, monkeypatch):
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 2
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 32, 32, 3), np.uint8)
    labels = rng.integers(0, 10, 40)
    monkeypatch.chdir(tmp_path)
    dreamlearning.compress((images, labels), "cifar10.gede").close()
    photos = [photo[: 200 + 9 * i, : 300 - 11 * i] for i in range(6) for photo in load_sample_images().images]
    dreamlearning.compress((photos, list(range(12))), "photos.gede").close()
    variables = {"images": images, "labels": labels, "__name__": "readme"}
    table = np.column_stack([rng.normal(size=(500, 2)), rng.integers(0, 9, 500)])
    target = table @ [1.0, -2.0, 0.5] + rng.normal(size=500)
    header = "MedInc,HouseAge,Rooms,MedHouseVal"
    np.savetxt("housing.csv", np.column_stack([table, target]), delimiter=",", header=header, comments="")
    for block in blocks:
        exec(compile(block, "README.md", "exec"), variables)
    assert variables["c"].sample_weight.sum() == 500
    assert variables["model"].score(variables["X"], variables["y"]) > 0.75
    assert np.array_equal(variables["batch"], images[[5, 3, 3, -1]])
    assert np.array_equal(variables["part"], images[7, 10:30, 5:25])
    assert variables["state"] == {**variables["state"], "epoch": 0, "batches": 1}
    assert variables["x"].shape == (12, 3, 224, 224)

"""Promise: an open file behaves like a read-only sequence of arrays, and tells the truth about itself."""

import copy
import itertools
import json
import pickle

import dreamlearning
import numpy as np
import pytest
import torch


def test_indexing_like_an_array(digits_file, digits):
    images, labels = digits
    assert len(digits_file) == 1797
    assert digits_file.shape == (8, 8)
    assert digits_file.dtype == np.uint8
    assert np.array_equal(digits_file[5], images[5])
    assert np.array_equal(digits_file[np.int16(-1)], images[-1])
    assert np.array_equal(digits_file[torch.tensor(7)], images[7])
    for index in (
        slice(3, 40, 5),
        slice(None, None, -100),
        slice(5, 5),
        [1, 1, -1],
        [],
        np.array([4, 2], np.uint8),
        np.array([4, 2], ">i4"),
        np.array([2, 7, 9, 11])[::2],
        labels == 3,
        range(10, 0, -3),
        torch.tensor([9, 8]),
    ):
        expected = images[np.asarray(index) if not isinstance(index, (slice, list)) else index or slice(0)]
        assert np.array_equal(digits_file[index], expected)
        assert np.array_equal(digits_file.decode(index, num_threads=2), expected)
    assert np.array_equal(np.stack(list(digits_file)), images)
    with pytest.raises(TypeError, match="one axis"):
        digits_file[0, 1]


@pytest.mark.parametrize("threads", [1, 2, 0])
def test_decoding_into_the_callers_buffer(digits_file, digits, threads):
    order = np.random.default_rng(0).integers(0, 1797, 500)
    array = np.full((500, 8, 8), 77, np.uint8)
    assert digits_file.decode(order, out=array, num_threads=threads) is array
    assert np.array_equal(array, digits[0][order])
    whole = np.full((600, 8, 8), 77, np.uint8)
    digits_file.decode(order, out=whole[50:550], num_threads=threads)
    assert np.array_equal(whole[50:550], digits[0][order])
    assert (whole[:50] == 77).all()
    assert (whole[550:] == 77).all()
    tensor = torch.empty((500, 8, 8), dtype=torch.uint8)
    assert digits_file.decode(torch.from_numpy(order), out=tensor, num_threads=threads) is tensor
    assert np.array_equal(tensor.numpy(), digits[0][order])


def test_info(digits_file, digits_path):
    info = digits_file.info()
    assert info["num_samples"] == 1797
    assert info["raw_bytes"] == 1797 * 65
    assert info["file_bytes"] == digits_path.stat().st_size == sum(info["sections"].values())
    assert info["ratio"] == info["file_bytes"] / info["raw_bytes"]
    assert info["preset"] == "small"
    assert info["exact"] is True
    assert info["max_error"] == 0
    assert info["classes"] == digits_file.classes == list("0123456789")
    assert [p["count"] for p in info["partitions"]] == np.bincount(digits_file.labels).tolist()
    json.dumps(info)
    info["classes"].clear()
    digits_file.classes.clear()
    digits_file.partitions[0].clear()
    assert digits_file.info()["classes"] == digits_file.classes == list("0123456789")
    assert digits_file.partitions[0]["name"] == "0"


def test_repr_and_html(digits_file):
    text = repr(digits_file)
    assert all(word in text for word in ("n=1797", "(8, 8)", "uint8", "'small'", "ratio=0."))
    assert "NOT" not in text
    assert digits_file._repr_html_().startswith("<table>")


def test_html_escapes_names(tmp_path):
    source = dreamlearning.sources.Source("s", np.zeros((2, 2)), {"label": np.zeros(2, int)}, classes=["<b>"])
    with dreamlearning.compress(source, tmp_path / "h.gede") as file:
        assert "&lt;b&gt;" in file._repr_html_()


def test_verify_reports(digits_file):
    seen = []
    digits_file.verify(progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] > 0


def test_bases_and_counts(tmp_path, colour):
    _, images, labels = colour
    with dreamlearning.compress(
        (images, labels), tmp_path / "b.gede", preset="paper", partition_by="label"
    ) as file:
        for number, partition in enumerate(file.partitions):
            values, counts = file.bases(partition["name"])
            assert values.shape == (len(counts), 16, 16, 3)
            assert values.dtype == np.uint8
            assert counts.sum() == partition["count"] == (labels == number).sum()
            assert np.array_equal(file.bases(number).values, values)


def test_condensed(tmp_path):
    rng = np.random.default_rng(0)
    centres = np.array([[-8.0, 3.0], [5.0, 9.0], [100.0, -2.0]])
    table = centres[rng.integers(0, 3, 900)] + rng.normal(0, 0.01, (900, 2))
    with dreamlearning.compress(table, tmp_path / "t.gede") as file:
        summary = file.condensed(beta=3)
        assert summary.X.dtype == np.float64
        assert summary.X.shape[1:] == (2,)
        assert 1 < len(summary) < 900
        assert summary.sample_weight.sum() == 900
        mean = np.average(summary.X, axis=0, weights=summary.sample_weight)
        assert np.allclose(mean, table.mean(axis=0))
        assert (summary.partition == 0).all()


def test_pickles_by_path(digits_path, digits, tmp_path, monkeypatch):
    monkeypatch.chdir(digits_path.parent)
    file = dreamlearning.open("digits.gede")
    text = pickle.dumps(file)
    assert len(text) < 1000
    monkeypatch.chdir(tmp_path)
    for again in (pickle.loads(text), copy.deepcopy(file)):
        assert np.array_equal(again[3], digits[0][3])
        assert str(again.path) == "digits.gede"


def test_a_replaced_file_is_noticed(tmp_path):
    path = tmp_path / "r.gede"
    with dreamlearning.compress(np.zeros((5, 3), np.uint8), path) as file:
        text = pickle.dumps(file)
        dreamlearning.compress(np.ones((5, 3), np.uint8), path, overwrite=True)
        assert (file[:] == 0).all()  # still the file that was opened
        with pytest.raises(dreamlearning.DreamlearningError, match="replaced"):
            len(pickle.loads(text))


def test_closing(digits_path, digits):
    with dreamlearning.open(digits_path) as file:
        labels = file.labels
    with pytest.raises(ValueError, match="closed"):
        file[0]
    assert np.array_equal(labels, digits[1])  # the mapping outlives the file object


def test_metadata_is_kept(tmp_path):
    facts = {"licence": "CC0", "nested": {"list": [1, 2.5, None, "ü"]}}
    with dreamlearning.compress(np.zeros((3, 2)), tmp_path / "m.gede", metadata=facts) as file:
        assert file.metadata == facts
        assert file.info()["metadata"] == facts


def test_progress_callable(tmp_path):
    seen = []
    samples = np.random.default_rng(0).integers(0, 255, (20_000, 300), np.uint8)
    dreamlearning.compress(samples, tmp_path / "p.gede", progress=lambda *a: seen.append(a))
    done, total, raw_bytes, file_bytes = seen[-1]
    assert done == total == 20_000
    assert all(a[0] <= b[0] <= total for a, b in itertools.pairwise(seen))
    assert raw_bytes == samples.nbytes
    assert file_bytes > 0

    class StopError(Exception):
        pass

    def stop(*_):
        raise StopError

    with pytest.raises(StopError):
        dreamlearning.compress(samples, tmp_path / "q.gede", progress=stop)
    assert [p.name for p in tmp_path.iterdir()] == ["p.gede"]


def test_progress_bar_is_for_terminals(tmp_path, capfd):
    samples = np.zeros((100, 8, 8), np.uint8)
    dreamlearning.compress(samples, tmp_path / "a.gede").verify()
    assert capfd.readouterr() == ("", "")
    dreamlearning.compress(list(samples), tmp_path / "b.gede", progress=True).verify(progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "reading" in err
    assert "compressing" in err
    assert "MB/s" in err

"""Promise: stock PyTorch code keeps working on a ``.gede`` file."""

import pickle

import dreamlearning
import numpy as np
import pytest
import torch
from dreamlearning import CompressedDataset
from PIL import Image
from torch.utils.data import DataLoader, Subset
from torchvision.transforms import v2


def test_without_a_transform_samples_are_tensors(colour):
    path, images, labels = colour
    data = CompressedDataset(path)
    assert len(data) == 300
    assert data.classes == ["ant", "bee", "cat"]
    assert data.class_to_idx == {"ant": 0, "bee": 1, "cat": 2}
    assert data.targets == labels.tolist()
    assert type(data.targets[0]) is int
    sample, target = data[17]
    assert sample.dtype == torch.uint8
    assert sample.shape == (3, 16, 16)
    assert sample.is_contiguous()
    assert np.array_equal(sample.permute(1, 2, 0).numpy(), images[17])
    assert type(target) is int
    assert target == labels[17]


def test_with_a_transform_images_come_as_torchvision_hands_them_out(colour):
    path, images, labels = colour
    data = CompressedDataset(path, transform=lambda image: image, target_transform=lambda t: t * 10)
    image, target = data[5]
    assert isinstance(image, Image.Image)
    assert image.mode == "RGB"
    assert np.array_equal(np.asarray(image), images[5])
    assert target == labels[5] * 10
    scaled = CompressedDataset(
        path, transform=v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    )
    expected = torch.from_numpy(images[5]).permute(2, 0, 1) / 255
    torch.testing.assert_close(scaled[5][0].as_subclass(torch.Tensor), expected)


def test_grey_images(digits_path, digits):
    assert CompressedDataset(digits_path)[3][0].shape == (1, 8, 8)
    image, _ = CompressedDataset(digits_path, transform=lambda image: image)[3]
    assert image.mode == "L"
    assert np.array_equal(np.asarray(image), digits[0][3])


@pytest.mark.parametrize(
    ("sample_type", "kind"), [("tensor", torch.Tensor), ("pil", Image.Image), ("numpy", np.ndarray)]
)
@pytest.mark.parametrize("transform", [None, lambda x: x])
def test_sample_types(colour, sample_type, kind, transform):
    sample, _ = CompressedDataset(colour[0], transform, sample_type=sample_type)[0]
    assert isinstance(sample, kind)


@pytest.mark.parametrize(
    ("shape", "mode", "tensor"),
    [
        ((5, 4), "L", (1, 5, 4)),
        ((5, 4, 1), "L", (1, 5, 4)),
        ((5, 4, 4), "RGBA", (4, 5, 4)),
        ((3, 5, 4, 2), None, None),
    ],
)
def test_shapes(tmp_path, shape, mode, tensor):
    samples = np.random.default_rng(0).integers(0, 256, (6, *shape), np.uint8)
    dreamlearning.compress(samples, tmp_path / "s.gede").close()
    assert CompressedDataset(tmp_path / "s.gede")[1].shape == (tensor or shape)
    if mode:
        image = CompressedDataset(tmp_path / "s.gede", sample_type="pil")[1]
        assert image.mode == mode
        assert np.array_equal(np.asarray(image), samples[1].squeeze())
    else:
        with pytest.raises(ValueError, match="8-bit"):
            CompressedDataset(tmp_path / "s.gede", sample_type="pil")


@pytest.mark.parametrize("dtype", ["bool", "uint16", "uint32", "uint64", "int8", "float16", "float64"])
def test_tables_of_any_dtype_without_labels(tmp_path, dtype):
    table = np.random.default_rng(0).integers(0, 2, (20, 7)).astype(dtype)
    dreamlearning.compress(table, tmp_path / "t.gede").close()
    data = CompressedDataset(tmp_path / "t.gede", transform=lambda x: x)
    assert data.classes is None
    assert data.class_to_idx is None
    assert data.targets is None
    assert data[4].dtype == getattr(torch, dtype)
    assert np.array_equal(data[4].numpy(), table[4])


def test_labels_of_any_shape(tmp_path):
    boxes = np.arange(80.0).reshape(20, 4)
    dreamlearning.compress((np.zeros((20, 3), np.uint8), boxes), tmp_path / "b.gede").close()
    data = CompressedDataset(tmp_path / "b.gede")
    assert torch.equal(data[3][1], torch.tensor(boxes[3]))
    _, targets = next(iter(DataLoader(data, batch_size=5)))
    assert torch.equal(targets, torch.tensor(boxes[:5]))


def test_a_batch_is_one_call(colour, monkeypatch):
    path, images, labels = colour
    data = CompressedDataset(path)
    calls = []
    decode = data._decode
    monkeypatch.setattr(data, "_decode", lambda index: calls.append(index) or decode(index))
    batches = list(DataLoader(data, batch_size=64))
    assert len(calls) == len(batches) == 5
    assert np.array_equal(torch.cat([b[0] for b in batches]).permute(0, 2, 3, 1).numpy(), images)
    assert torch.cat([b[1] for b in batches]).tolist() == labels.tolist()


def test_subsets_and_threads(colour):
    path, images, _ = colour
    data = CompressedDataset(path, num_threads=2)
    subset = Subset(data, [9, 3, 200])
    batch, _ = next(iter(DataLoader(subset, batch_size=3)))
    assert np.array_equal(batch.permute(0, 2, 3, 1).numpy(), images[[9, 3, 200]])


def test_iterates_and_ends(colour):
    path, _, labels = colour
    assert [target for _, target in CompressedDataset(path)] == labels.tolist()
    with pytest.raises(IndexError):
        CompressedDataset(path)[300]


def test_pickles_by_path(colour):
    path, images, labels = colour
    data = CompressedDataset(path)
    assert data.targets[0] == labels[0]
    text = pickle.dumps(data)
    assert len(text) < 2000
    again = pickle.loads(text)
    assert np.array_equal(again[9][0].permute(1, 2, 0).numpy(), images[9])
    assert again.targets == labels.tolist()


def test_wrong_sample_type(colour):
    with pytest.raises(ValueError, match="sample_type"):
        CompressedDataset(colour[0], sample_type="jpeg")

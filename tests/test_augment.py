"""Promise: what augmentation does to a sample depends on (seed, epoch, number of the sample, place of the
operation) only, and is what a slow per-sample twin does."""

import copy
import json
import pickle
import subprocess
import sys
from pathlib import Path

import dreamlearning
import numpy as np
import pytest
import torch
from dreamlearning.augment import (
    AlternatingFlip,
    Augmentation,
    ChannelsLast,
    Compose,
    Cutout,
    HorizontalFlip,
    Normalize,
    RandomCrop,
    ToDtype,
)
from dreamlearning.augment.random import SampleNumbers, events, integers, operation_key
from dreamlearning.permutation import derive_key, keyed_hash

# Training runs rely on it: never edit.
GOLDEN_BITS = -7282335470285933270
INDEX = torch.tensor([0, 1, 7, 49_999, 123_456_789_012, 7, 2**62])
RANDOM = [
    RandomCrop(2),
    RandomCrop((1, 3), mode="reflect"),
    RandomCrop(3, mode="edge", size=(5, 12)),
    RandomCrop(size=4),
    HorizontalFlip(),
    AlternatingFlip(),
    Cutout(3),
    Cutout(4, value=1),
]
STEPS = [RandomCrop(2), HorizontalFlip(), AlternatingFlip(), Cutout(3), Normalize([0.5, 0.4, 0.3], 0.25)]
DTYPES = [
    torch.uint8,
    torch.int8,
    torch.int16,
    torch.uint16,
    torch.int32,
    torch.int64,
    torch.bool,
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
]


def name(operation):
    return repr(operation)


def images_of(dtype, count=7, shape=(3, 8, 9)):
    values = torch.from_numpy(np.random.default_rng(3).integers(1, 120, (count, *shape)))
    return (values % 2 == 0) if dtype == torch.bool else values.to(dtype)


# Random numbers


def test_random_numbers_are_those_of_the_keyed_hash():
    for epoch in (0, 1, 77):
        numbers = SampleNumbers(INDEX, epoch)
        as_tensor = SampleNumbers(INDEX, torch.tensor(epoch))
        for parts in ((0,), (5, 1), (2**63, -3)):
            key = derive_key(*parts)
            mine = operation_key(*parts)
            lasting = keyed_hash(INDEX.numpy(), key)
            fresh = keyed_hash(INDEX.numpy(), int(keyed_hash([epoch], key)[0]))
            assert np.array_equal(numbers.lasting_bits(mine).numpy().view(np.uint64), lasting)
            assert np.array_equal(numbers.bits(mine).numpy().view(np.uint64), fresh)
            assert torch.equal(as_tensor.bits(mine), numbers.bits(mine))
    assert SampleNumbers(torch.tensor([5]), 1).bits(operation_key(1, 2)).tolist() == [GOLDEN_BITS]


def test_integers_are_products_with_the_halves_of_the_bits():
    bits = keyed_hash(np.arange(500), 3)
    for n, m in ((1, 1), (9, 7), (2**31 - 1, 1000)):
        first, second = integers(torch.from_numpy(bits.view(np.int64)), n, m)
        assert first.tolist() == [(int(b) >> 32) * n >> 32 for b in bits]
        assert second.tolist() == [(int(b) & 0xFFFFFFFF) * m >> 32 for b in bits]
        assert 0 <= int(first.min()) <= int(first.max()) < n


def test_probabilities_are_exact():
    bits = torch.tensor([0, 2**11 - 1, 2**11, 2**62, -(2**63), -1])  # -1 is all ones, the largest
    assert events(bits, 0.0).tolist() == [False] * 6
    assert events(bits, 1.0).tolist() == [True] * 6
    assert events(bits, 2.0**-53).tolist() == [True, True, False, False, False, False]
    assert events(bits, 0.5).tolist() == [True, True, True, True, False, False]


# What the result depends on


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32], ids=str)
@pytest.mark.parametrize("operation", [*RANDOM, Compose(STEPS, seed=4)], ids=name)
def test_a_sample_does_not_depend_on_its_batch(operation, dtype):
    if dtype == torch.uint8 or not isinstance(operation, Compose):
        images = images_of(dtype)
    else:
        images = images_of(dtype) / 255
    before = images.clone()
    for epoch in (0, 3):
        batch = operation(images, INDEX, epoch)
        for i in range(len(INDEX)):
            assert torch.equal(operation(images[i : i + 1], INDEX[i : i + 1], epoch)[0], batch[i])
        order = torch.tensor([4, 0, 6, 2, 2, 1])
        assert torch.equal(operation(images[order], INDEX[order], epoch), batch[order])
        assert torch.equal(operation(images, INDEX, torch.tensor(epoch)), batch)
        assert torch.equal(operation(images, INDEX.tolist(), np.int64(epoch)), batch)
        layout = images.contiguous(memory_format=torch.channels_last)
        assert torch.equal(operation(layout, INDEX, epoch), batch)
    assert torch.equal(images, before)


@pytest.mark.parametrize("operation", RANDOM, ids=name)
def test_seed_epoch_index_and_place_matter(operation):
    images = images_of(torch.uint8, 1).expand(64, -1, -1, -1)
    index = torch.arange(64)
    again = type(operation)(**{k: v for k, v in vars(operation).items() if k[0] != "_"} | {"seed": 1})
    plain = operation(images, index, 2)
    assert not torch.equal(operation(images, index, 3), plain)
    assert not torch.equal(operation(images, index + 64, 2), plain)
    assert not torch.equal(again(images, index, 2), plain)
    assert torch.equal(operation(images, index, 2), plain)
    results = [
        Compose(steps, seed=seed)(images, index, 2)
        for seed in (0, 1)
        for steps in ([operation], [ToDtype(torch.uint8, scale=False), operation], [Compose([operation])])
    ]
    for i, one in enumerate([plain, *results]):
        assert all(not torch.equal(one, other) for other in results[i:])
    flips = Compose([HorizontalFlip(), HorizontalFlip()])(images, index)
    assert not torch.equal(flips, images)  # two equal ones would undo each other


def test_operations_with_one_seed_draw_differently():
    index = torch.arange(4000)
    marks = torch.arange(2, dtype=torch.uint8).expand(4000, 1, 1, 2)
    flipped = HorizontalFlip()(marks, index)[:, 0, 0, 0].double()
    alternating = AlternatingFlip()(marks, index)[:, 0, 0, 0].double()
    places = torch.arange(1, 10, dtype=torch.uint8).view(1, 1, 1, 9).expand(4000, 1, 9, 9)
    left = RandomCrop(size=(9, 1))(places, index)[:, 0, 0, 0].double()
    top = RandomCrop(size=(1, 9))(places.transpose(2, 3), index)[:, 0, 0, 0].double()
    together = torch.corrcoef(torch.stack([flipped, alternating, left, top])) - torch.eye(4)
    assert together.abs().max() < 0.06  # 3.8 deviations


def test_objects_survive_copies_and_pickling():
    augment = Compose(STEPS, seed=9)
    images = images_of(torch.uint8)
    expected = augment(images, INDEX, 1)
    for twin in (pickle.loads(pickle.dumps(augment)), copy.deepcopy(augment)):
        assert repr(twin) == repr(augment)
        assert torch.equal(twin(images, INDEX, 1), expected)


# What the operations do


@pytest.mark.parametrize("mode", ["zeros", "reflect", "edge"])
@pytest.mark.parametrize(
    ("padding", "size"), [(0, None), (3, None), ((1, 4), None), (2, (5, 13)), (0, 4), ((0, 2), (8, 10))]
)
def test_a_crop_is_a_window_of_the_padded_image(mode, padding, size):
    images = images_of(torch.uint8, 40)
    index = torch.arange(40) * 37
    crop = RandomCrop(padding, mode, size, seed=5)
    cropped = crop(images, index, 2).numpy()
    down, right = crop.padding
    height, width = crop.size or (8, 9)
    how = {"zeros": "constant", "reflect": "reflect", "edge": "edge"}[mode]
    padded = np.pad(images.numpy(), ((0, 0), (0, 0), (down, down), (right, right)), mode=how)
    assert cropped.shape == (40, 3, height, width)
    (_, key), *_ = crop.steps()
    bits = SampleNumbers(index, 2).bits(key).numpy().view(np.uint64)
    for i in range(40):
        top = (int(bits[i]) >> 32) * (8 + 2 * down - height + 1) >> 32
        left = (int(bits[i]) & 0xFFFFFFFF) * (9 + 2 * right - width + 1) >> 32
        assert np.array_equal(cropped[i], padded[i, :, top : top + height, left : left + width])


def test_windows_are_equally_likely():
    count = 8100
    place = torch.arange(1, 82).view(1, 1, 9, 9).expand(count, 1, 9, 9)
    counts = torch.bincount(RandomCrop(size=1)(place, torch.arange(count)).flatten(), minlength=82)[1:]
    assert ((counts - 100.0) ** 2 / 100).sum() < 133  # chi-squared, 80 degrees: 1 in 5,000
    counts = torch.bincount(RandomCrop(4)(place, torch.arange(count))[:, 0, 4, 4], minlength=82)[1:]
    assert ((counts - 100.0) ** 2 / 100).sum() < 133


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 1.0])
def test_flips_mirror_whole_images_with_their_probability(p):
    images = images_of(torch.uint8, 4000, (2, 1, 5))
    images[:, 0, 0, 0] = 200  # none is its own mirror image
    flipped = HorizontalFlip(p)(images, torch.arange(4000))
    mirrored = (flipped == images.flip(3)).all(dim=(1, 2, 3))
    assert torch.equal(~mirrored, (flipped == images).all(dim=(1, 2, 3)))
    assert abs(mirrored.double().mean().item() - p) <= 4 * (p * (1 - p) / 4000) ** 0.5


def test_alternating_flips_alternate():
    images = images_of(torch.uint8, 2000, (1, 1, 2))
    images[:, :, :, 1] = 200  # none is its own mirror image
    index = torch.arange(2000) * 3
    flip = AlternatingFlip(seed=2)
    first, second, third = (flip(images, index, epoch) for epoch in range(3))
    assert torch.equal(second, first.flip(3))
    assert torch.equal(third, first)
    flipped = (first[:, 0, 0, 0] == 200).sum().item()
    assert abs(flipped - 1000) < 90  # four deviations
    (_, key), *_ = flip.steps()
    odd = SampleNumbers(index, 0).lasting_bits(key) % 2 == 1
    assert torch.equal(first[:, 0, 0, 0] == 200, odd)


@pytest.mark.parametrize("size", [1, 2, 3, 8, 30])
@pytest.mark.parametrize("value", [0, 255])
def test_cutout_fills_a_square_that_the_borders_cut(size, value):
    images = images_of(torch.uint8, 60)
    index = torch.arange(60)
    cutout = Cutout(size, value, seed=8)
    erased = cutout(images, index, 1).numpy()
    (_, key), *_ = cutout.steps()
    bits = SampleNumbers(index, 1).bits(key).numpy().view(np.uint64)
    for i in range(60):
        top = ((int(bits[i]) >> 32) * 8 >> 32) - size // 2
        left = ((int(bits[i]) & 0xFFFFFFFF) * 9 >> 32) - size // 2
        expected = images[i].numpy().copy()
        expected[:, max(0, top) : max(0, top + size), max(0, left) : max(0, left + size)] = value
        assert np.array_equal(erased[i], expected)


def test_centres_of_cutout_are_equally_likely():
    centres = Cutout(1, value=1)(torch.zeros(8000, 1, 8, 10), torch.arange(8000)).sum(dim=0).flatten()
    assert ((centres - 100) ** 2 / 100).sum() < 132  # chi-squared, 79 degrees: 1 in 5,000


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_dtype_stays_and_moves_alike(dtype):
    steps = [RandomCrop(2), HorizontalFlip(), Cutout(3), RandomCrop(1, mode="edge")]
    images = images_of(torch.int64)
    values = images % 2 == 0 if dtype == torch.bool else images
    expected = Compose(steps)(values.to(torch.int64), INDEX, 1)
    result = Compose(steps)(images_of(dtype), INDEX, 1)
    assert result.dtype == dtype
    assert torch.equal(result.to(torch.int64), expected)


def test_fills_that_are_no_number_do_not_spread():
    images = torch.full((3, 1, 4, 4), float("nan"))
    assert torch.equal(Cutout(9)(images, torch.arange(3)), torch.zeros(3, 1, 4, 4))


def test_an_empty_batch():
    empty = torch.empty(0, dtype=torch.int64)
    result = Compose([*STEPS, ChannelsLast()])(torch.empty(0, 3, 8, 8, dtype=torch.uint8), empty)
    assert result.shape == (0, 3, 8, 8)
    assert result.dtype == torch.float32


def test_gradients_pass():
    images = torch.rand(7, 3, 8, 9, requires_grad=True)
    with torch.inference_mode():
        Compose(STEPS)(images.detach(), INDEX)  # what this keeps must be of use below
    Compose(STEPS)(images, INDEX).sum().backward()
    assert images.grad.abs().sum() > 0
    assert (images.grad == 0).any()  # cropped away or cut out


# Values


def test_normalising_is_what_it_says():
    images = images_of(torch.uint8)
    mean, std = [0.5, 0.25, 0.4], [0.2, 0.3, 0.25]
    result = Normalize(mean, std)(images)
    m, s = (np.array(v).reshape(3, 1, 1) for v in (mean, std))
    assert result.dtype == torch.float32
    np.testing.assert_allclose(result.numpy(), (images.numpy() / 255 - m) / s, atol=2e-6)
    floats = images / 255
    torch.testing.assert_close(Normalize(mean, std)(floats), result, atol=2e-6, rtol=0)
    assert torch.equal(floats, images / 255)
    half = Normalize(mean, std, torch.float16)(images)
    assert torch.equal(half, result.to(torch.float16))
    assert Normalize(mean, std, torch.float64)(images).dtype == torch.float64
    raw = Normalize([3 * 255 * x for x in mean], [255 * x for x in std], scale=3.0)(images)
    np.testing.assert_allclose(raw.numpy(), (images.numpy() / 85 - m * 3) / s, atol=1e-5)
    assert torch.equal(Normalize(0.5, [0.2] * 3)(images), Normalize([0.5] * 3, 0.2)(images))


@pytest.mark.parametrize(
    ("dtype", "largest"), [(torch.uint8, 255), (torch.uint16, 65535), (torch.float32, 1), (torch.bool, 1)]
)
def test_scaling_is_by_the_largest_value(dtype, largest):
    images = torch.full((2, 1, 3, 3), largest).to(dtype)
    assert torch.equal(ToDtype(torch.float16)(images), torch.ones(2, 1, 3, 3, dtype=torch.float16))
    assert torch.equal(Normalize(0, 1)(images), torch.ones(2, 1, 3, 3))
    assert torch.equal(ToDtype(torch.int32, scale=False)(images), torch.full((2, 1, 3, 3), largest).int())


def test_channels_last():
    images = images_of(torch.uint8)
    result = ChannelsLast()(images)
    assert result.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(result, images)


def test_normalisation_of_a_file(colour, digits_path):
    path, images, _ = colour
    dataset = dreamlearning.CompressedDataset(path)
    normalize = Normalize.of(dataset)
    np.testing.assert_allclose(normalize.mean, images.mean(axis=(0, 1, 2)) / 255, rtol=1e-12)
    np.testing.assert_allclose(normalize.std, images.std(axis=(0, 1, 2)) / 255, rtol=1e-9)
    batch = torch.stack([sample for sample, _ in dataset.__getitems__(range(300))])
    result = normalize(batch)
    torch.testing.assert_close(result.mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(result.std(dim=(0, 2, 3)), torch.ones(3), atol=1e-4, rtol=0)
    some = Normalize.of(dataset.file, max_samples=10)
    np.testing.assert_allclose(some.mean, images[::30].mean(axis=(0, 1, 2)) / 255, rtol=1e-12)
    with dreamlearning.open(digits_path) as grey:
        assert len(Normalize.of(grey).mean) == 1
        with pytest.raises(ValueError, match="max_samples"):
            Normalize.of(grey, max_samples=0)
    with pytest.raises(TypeError, match="give a CompressedDataset"):
        Normalize.of(images)


def test_normalisation_of_other_images(tmp_path):
    rng = np.random.default_rng(1)
    photos = [rng.integers(0, 256, (5 + i, 9 - i, 3), np.uint8) for i in range(4)]
    with dreamlearning.compress(photos, tmp_path / "own.gede") as own:
        pixels = np.concatenate([photo.reshape(-1, 3) for photo in photos])
        np.testing.assert_allclose(Normalize.of(own).mean, pixels.mean(axis=0) / 255, rtol=1e-12)
    deep = rng.integers(0, 65536, (6, 3, 10, 11), np.uint16)
    with dreamlearning.compress(deep, tmp_path / "deep.gede") as first:
        np.testing.assert_allclose(Normalize.of(first).std, deep.std(axis=(0, 2, 3)) / 65535, rtol=1e-9)
    table = rng.normal(size=(20, 4))
    with (
        dreamlearning.compress(table, tmp_path / "table.gede") as rows,
        pytest.raises(ValueError, match=r"table\.gede holds samples .* give mean and std yourself"),
    ):
        Normalize.of(rows)


# Compilers, devices, precision


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_it_compiles_once_for_all_epochs(backend):
    augment = Compose([*STEPS, RandomCrop(1, mode="reflect"), ToDtype(torch.float16), ChannelsLast()], seed=3)
    images = images_of(torch.uint8)
    torch.compiler.reset()
    try:
        compiled = torch.compile(augment, fullgraph=True, backend=backend)
        with torch._dynamo.config.patch(error_on_recompile=True):
            for epoch in range(4):
                result = compiled(images, INDEX, torch.tensor(epoch))
                assert torch.equal(result, augment(images, INDEX, epoch))
        for epoch in (0, 5, 6):  # integers are right too, after compiling once or twice more
            assert torch.equal(compiled(images, INDEX, epoch), augment(images, INDEX, epoch))
        other = Compose([RandomCrop(1), HorizontalFlip()], seed=8)
        result = torch.compile(other, fullgraph=True, backend=backend)(images, INDEX, torch.tensor(2))
        assert torch.equal(result, other(images, INDEX, 2))
    finally:
        torch.compiler.reset()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_changes_nothing(dtype):
    images = images_of(torch.uint8)
    with torch.autocast("cpu", dtype=dtype):
        result = Compose(STEPS)(images, INDEX)
    assert torch.equal(result, Compose(STEPS)(images, INDEX))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float16], ids=str)
def test_a_gpu_gives_the_same_bits(dtype):
    augment = Compose([*STEPS, RandomCrop(1, mode="reflect"), ChannelsLast()], seed=3)
    images = images_of(dtype)
    expected = augment(images, INDEX, 2)
    for index in (INDEX, INDEX.cuda()):
        for epoch in (2, torch.tensor(2), torch.tensor(2, device="cuda")):
            result = augment(images.cuda(), index, epoch)
            assert result.is_cuda
            assert torch.equal(result.cpu(), expected)
    assert torch.equal(augment(images, INDEX.cuda(), 2), expected)
    with torch.autocast("cuda", dtype=torch.float16):
        assert torch.equal(augment(images.cuda(), INDEX, 2).cpu(), expected)


# Bad input


IMAGES = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
TWO = torch.arange(2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: HorizontalFlip()(IMAGES), ValueError, "HorizontalFlip is random .* needs index="),
        (lambda: Compose([ChannelsLast(), Cutout(2)])(IMAGES), ValueError, "Compose is random .* index="),
        (lambda: HorizontalFlip()(IMAGES[0], TWO), ValueError, r"shape \(3, 8, 8\); give \(B, C, H, W\)"),
        (lambda: ChannelsLast()(IMAGES[None]), ValueError, r"\(B, C, H, W\)"),
        (lambda: Cutout(2)(IMAGES.numpy(), TWO), TypeError, "images is a ndarray"),
        (lambda: Cutout(2)(IMAGES, torch.arange(3)), ValueError, r"index has shape \(3,\).* the 2 images"),
        (lambda: Cutout(2)(IMAGES, TWO[:, None]), ValueError, r"index has shape \(2, 1\)"),
        (lambda: Cutout(2)(IMAGES, TWO / 2), TypeError, "index has dtype torch.float32"),
        (lambda: Cutout(2)(IMAGES, TWO == 1), TypeError, "index has dtype torch.bool"),
        (lambda: Cutout(2)(IMAGES, TWO, -1), ValueError, "epoch is -1"),
        (lambda: Cutout(2)(IMAGES, TWO, 1.5), TypeError, "epoch is 1.5"),
        (lambda: Cutout(2)(IMAGES, TWO, torch.tensor(1.5)), TypeError, "epoch has dtype torch.float32"),
        (lambda: Cutout(2)(IMAGES, TWO, TWO), ValueError, r"epoch has shape \(2,\)"),
        (lambda: Cutout(2, value=300)(IMAGES, TWO), ValueError, "value is 300, .* from 0 to 255"),
        (lambda: Cutout(2, value=0.5)(IMAGES, TWO), ValueError, "value is 0.5"),
        (lambda: Cutout(0), ValueError, "size is 0"),
        (lambda: Cutout(2.5), TypeError, "size is 2.5"),
        (lambda: HorizontalFlip(1.01), ValueError, "p is 1.01"),
        (lambda: HorizontalFlip("a"), TypeError, "p is 'a'"),
        (lambda: Cutout(2, value="a"), TypeError, "value is 'a'"),
        (lambda: Compose(HorizontalFlip()), TypeError, "give a list of augmentations"),
        (lambda: HorizontalFlip(float("nan")), ValueError, "p is nan"),
        (lambda: HorizontalFlip(seed="a"), TypeError, "seed is 'a'"),
        (lambda: RandomCrop(-1), ValueError, "padding is -1"),
        (lambda: RandomCrop((1, 2, 3)), TypeError, "padding is"),
        (lambda: RandomCrop(4, "wrap"), ValueError, "mode is 'wrap'; give one of zeros, reflect, edge"),
        (lambda: RandomCrop(1, size=(8, 0)), ValueError, "size is"),
        (lambda: RandomCrop(1, size=(8, 11))(IMAGES, TWO), ValueError, "a width of 11, .* have 8 and 2 of"),
        (lambda: RandomCrop(8, "reflect")(IMAGES, TWO), ValueError, "at most 7 pixels"),
        (lambda: Compose([HorizontalFlip(), abs]), TypeError, r"operations\[1\] is <built-in function abs>"),
        (lambda: Normalize([0.5, 0.5], 1)(IMAGES), ValueError, "2 channels, the images 3"),
        (lambda: Normalize([0.5, 0.5], [1, 1, 1]), ValueError, "mean has 2 numbers, std 3"),
        (lambda: Normalize(0.5, 0), ValueError, "std is 0"),
        (lambda: Normalize(float("inf"), 1), ValueError, "mean is inf"),
        (lambda: Normalize("a", 1), TypeError, "mean is 'a'"),
        (lambda: Normalize(0.5, 1, torch.uint8), ValueError, r"dtype is torch\.uint8"),
        (lambda: ToDtype(torch.uint8), ValueError, "scale=False"),
        (lambda: Augmentation()(IMAGES), NotImplementedError, "Augmentation has no apply"),
    ],
)
def test_bad_input_says_what_to_do(call, error, message):
    with pytest.raises(error, match=message):
        call()


# The benchmark that waits for a GPU


def test_the_gpu_benchmark_runs(tmp_path):
    script = Path(__file__).parent.parent / "benchmarks" / "gpu" / "augment.py"
    out = tmp_path / "result.json"
    tiny = ["--device", "cpu", "--quick", "--backend", "eager", "--runs", "1", "--seconds", "0.001"]
    done = subprocess.run(
        [sys.executable, script, *tiny, "--out", out],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == [out]
    (shape,) = json.loads(out.read_text())["shapes"]
    assert {"dreamlearning, eager", "dreamlearning, compiled"} < set(shape["images_per_second"])
    assert all(rate["median"] > 0 for rate in shape["images_per_second"].values())

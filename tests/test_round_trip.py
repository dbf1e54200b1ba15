"""Promise: what goes in comes out, bit for bit; and the same input gives the same bytes."""

import dreamlearning
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

INTEGERS = ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"]
DTYPES = ["bool", *INTEGERS, "float16", "float32", "float64"]
EXACT = {
    "fast": {"preset": "fast"},
    "paper": {"preset": "paper", "exact": True},
    "raw": {"preset": "raw"},
    "auto": {},
}


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("round_trip")


def round_trip(folder, samples, **options):
    with dreamlearning.compress(samples, folder / "x.gede", overwrite=True, **options) as file:
        file.verify()
        return file.decode(slice(None)), file.info()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    samples=st.sampled_from(DTYPES).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=6))
    ),
    options=st.sampled_from(sorted(EXACT)),
)
def test_any_array(folder, samples, options):
    decoded, info = round_trip(folder, samples, **EXACT[options])
    assert same_bits(decoded, samples)
    assert info["exact"] is True
    assert sum(info["sections"].values()) == info["file_bytes"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "shape", [(40,), (40, 5), (40, 6, 7), (40, 6, 7, 1), (40, 6, 7, 3), (40, 2, 3, 4, 2)]
)
def test_structured_values(tmp_path, dtype, shape):
    walk = np.cumsum(np.random.default_rng(0).integers(-3, 4, shape), axis=-1) + 50
    samples = walk.astype(dtype)
    for options in EXACT.values():
        assert same_bits(round_trip(tmp_path, samples, **options)[0], samples)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_special_floats_keep_their_bits(tmp_path, dtype):
    unsigned = np.dtype(f"u{np.dtype(dtype).itemsize}")
    bits = np.random.default_rng(1).integers(0, np.iinfo(unsigned).max, (64, 9), unsigned, endpoint=True)
    samples = bits.view(dtype).copy()  # all kinds of NaN among them
    samples[:7, 0] = [np.nan, -np.nan, np.inf, -np.inf, -0.0, 0.0, np.finfo(dtype).tiny]
    for options in EXACT.values():
        assert same_bits(round_trip(tmp_path, samples, **options)[0], samples)


@pytest.mark.parametrize("options", EXACT.values(), ids=EXACT)
@pytest.mark.parametrize("shape", [(0, 8, 8, 3), (0,), (1, 8, 8, 3), (1,), (5, 0), (3, 1, 1)])
def test_empty_and_tiny(tmp_path, shape, options):
    samples = np.full(shape, 7, np.uint8)
    decoded, info = round_trip(tmp_path, samples, **options)
    assert same_bits(decoded, samples)
    assert info["num_samples"] == shape[0]


def test_constant_data_costs_next_to_nothing(tmp_path):
    samples = np.full((5000, 16, 16, 3), 93, np.uint8)
    decoded, info = round_trip(tmp_path, samples)
    assert same_bits(decoded, samples)
    assert info["ratio"] < 0.02


@pytest.mark.parametrize("options", EXACT.values(), ids=EXACT)
@pytest.mark.parametrize("dtype", ["uint8", "int32", "float64"])
def test_noise_grows_by_less_than_a_hundredth(tmp_path, dtype, options):
    raw = np.random.default_rng(2).integers(0, 256, 3_000_000 // 192 * 192, np.uint8)
    samples = raw.view(dtype).reshape(-1, 192 // np.dtype(dtype).itemsize)
    decoded, info = round_trip(tmp_path, samples, **options)
    assert same_bits(decoded, samples)
    assert info["ratio"] <= 1.01


def test_noise_images_grow_by_less_than_a_hundredth(tmp_path):
    samples = np.random.default_rng(3).integers(0, 256, (2000, 24, 24, 3), np.uint8)
    decoded, info = round_trip(tmp_path, samples, preset="fast")
    assert same_bits(decoded, samples)
    assert info["ratio"] <= 1.01


@pytest.mark.parametrize(
    "options", [{"preset": "fast"}, {"preset": "paper"}, {"preset": "paper", "exact": True}]
)
def test_the_bytes_do_not_depend_on_the_threads(tmp_path, colour, options):
    _, images, labels = colour
    written = []
    for threads in (1, 2, 5):
        path = tmp_path / f"{threads}.gede"
        dreamlearning.compress(
            (images, labels), path, num_threads=threads, partition_by="label", **options
        ).close()
        written.append(path.read_bytes())
    assert written[0] == written[1] == written[2]


def test_paper_states_its_largest_error(tmp_path, colour):
    _, images, labels = colour
    with dreamlearning.compress(
        (images, labels), tmp_path / "p.gede", preset="paper", partition_by="label"
    ) as file:
        info = file.info()
        difference = np.abs(file[:].astype(int) - images)
        assert info["exact"] is False
        assert 0 < difference.max() == info["max_error"] <= 4
        assert f"NOT lossless, max error {info['max_error']}" in repr(file)
        assert (file.labels == labels).all()


@pytest.mark.parametrize("reading", ["mmap", "pread"])
def test_both_ways_of_reading(colour, reading):
    path, images, labels = colour
    with dreamlearning.open(path, reading=reading) as file:
        order = np.random.default_rng(4).integers(-300, 300, 1000)
        assert same_bits(file.decode(order), images[order])
        assert same_bits(file.decode(order, num_threads=0), images[order])
        assert (file.labels == labels).all()
        assert not file.labels.flags.writeable


def test_fields_of_any_shape(tmp_path):
    rng = np.random.default_rng(5)
    arrays = {
        "image": rng.integers(0, 9, (50, 4, 4), np.uint8),
        "box": rng.normal(size=(50, 4)).astype(np.float32),
        "mask": rng.integers(0, 2, (50, 2, 3)).astype(bool),
        "label": np.arange(50, dtype=np.int16) - 25,
    }
    with dreamlearning.compress(arrays, tmp_path / "f.gede", partition_by="label") as file:
        assert sorted(file.fields) == ["box", "label", "mask"]
        for name in file.fields:
            assert same_bits(file.field(name), arrays[name])
        assert same_bits(file[:], arrays["image"])
        assert [p["name"] for p in file.partitions] == [str(v) for v in range(-25, 25)]

"""Promise: the Loader gives what a stock DataLoader gives, resumes anywhere, and never hangs or leaks."""

import gc
import itertools
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import dreamlearning
import numpy as np
import pytest
import torch
from dreamlearning import CompressedDataset, CorruptFileError, Loader, SubsetSampler, augment, crops
from dreamlearning._core import Prefetcher
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, Subset, random_split

pytestmark = pytest.mark.timeout(120)


def threads():
    """Threads of loaders that are alive in this process."""
    if not Path("/proc/self/task").exists():
        pytest.skip("threads are counted in /proc")
    names = []
    for task in Path("/proc/self/task").iterdir():
        names.append((task / "comm").read_text())
    return sum(name.startswith("dreamlearning-a") for name in names)


def same(ours, theirs):
    ours, theirs = list(ours), list(theirs)
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        if isinstance(other, torch.Tensor):
            assert torch.equal(one, other)
        else:
            assert type(one) is type(other)
            for a, b in zip(one, other, strict=True):
                assert torch.equal(torch.as_tensor(a), torch.as_tensor(b))


@pytest.fixture
def data(colour):
    return CompressedDataset(colour[0])


def copy_of(path, tmp_path, preset="small", count=3000):
    """A file of its own, with noise, so that samples lie in many checked chunks."""
    images = np.random.default_rng(3).integers(0, 256, (count, 16, 16, 3), np.uint8)
    labels = np.arange(count)
    dreamlearning.compress((images, labels), tmp_path / "own.gede", preset=preset).close()
    return tmp_path / "own.gede", images, labels


@pytest.mark.parametrize("num_threads", [1, 2, 0, 5])
@pytest.mark.parametrize(
    "options", [{}, {"channels_last": True}, {"sample_type": "numpy"}, {"return_index": True}]
)
def test_it_gives_what_a_data_loader_gives(colour, num_threads, options):
    data = CompressedDataset(colour[0], **options)
    for drop_last in (False, True):
        loader = Loader(data, 64, num_threads=num_threads, drop_last=drop_last)
        same(loader, DataLoader(data, 64, drop_last=drop_last))
        assert len(loader) == len(DataLoader(data, 64, drop_last=drop_last))
        sampler = SubsetSampler(data, 0.5, seed=1)
        same(
            Loader(data, 40, sampler=sampler), DataLoader(data, 40, sampler=SubsetSampler(data, 0.5, seed=1))
        )


@pytest.mark.parametrize("preset", ["small", "fast", "paper", "raw"])
@pytest.mark.parametrize("reading", ["mmap", "pread"])
def test_every_preset(colour, tmp_path, preset, reading):
    dreamlearning.compress(colour[1:], tmp_path / "p.gede", preset=preset, partition_by="label").close()
    data = CompressedDataset(tmp_path / "p.gede", reading=reading)
    same(Loader(data, 64), DataLoader(data, 64))


def test_images_of_any_size_and_transforms(imagenet_folder, tmp_path):
    dreamlearning.compress(f"imagefolder:{imagenet_folder}?mode=RGB", tmp_path / "i.gede").close()
    resize = lambda image: torch.from_numpy(np.array(image.resize((32, 32)))).permute(2, 0, 1)  # noqa: E731
    for crop in (None, crops.Center(0.5)):
        data = CompressedDataset(tmp_path / "i.gede", transform=resize, crop=crop)
        same(Loader(data, 4), DataLoader(data, 4))
    # Without a transform they do not stack, and a function of the user's own decides.
    data = CompressedDataset(tmp_path / "i.gede")
    same(
        itertools.chain.from_iterable(Loader(data, 4, collate_fn=list)),
        itertools.chain.from_iterable(DataLoader(data, 4, collate_fn=list)),
    )
    with pytest.raises(RuntimeError, match="stack") as caught:
        list(Loader(data, 4))
    assert "images differ in size" in caught.value.__notes__[0]
    assert threads() == 0


def test_tables_and_samples_without_targets(tmp_path):
    table = np.random.default_rng(0).normal(size=(100, 7)).astype(np.float32)
    dreamlearning.compress(table, tmp_path / "t.gede").close()
    assert torch.equal(torch.cat(list(Loader(tmp_path / "t.gede", 30))), torch.from_numpy(table))
    dreamlearning.compress(np.zeros((5, 0), np.uint8), tmp_path / "e.gede").close()
    assert [batch.shape for batch in Loader(str(tmp_path / "e.gede"), 3)] == [(3, 0), (2, 0)]


def test_subsets_files_and_batch_samplers(data):
    part, _ = random_split(data, [100, 200], torch.Generator().manual_seed(0))
    same(Loader(part, 30), DataLoader(part, 30))
    nested = Subset(part, list(range(50, 0, -1)))
    same(Loader(nested, 30), DataLoader(nested, 30))
    same(
        Loader(nested, 7, sampler=SubsetSampler(nested, 0.5)),
        DataLoader(nested, 7, sampler=SubsetSampler(nested, 0.5)),
    )
    same(Loader(data.file, 100), DataLoader(data, 100))
    batches = BatchSampler(range(0, 300, 3), 16, drop_last=False)
    same(Loader(data, batch_sampler=batches), DataLoader(data, batch_sampler=batches))
    assert len(Loader(data, batch_sampler=batches)) == 7


def test_batches_stay_the_callers(data, colour):
    loader = Loader(data, 16, prefetch=2, num_threads=2)
    kept = [batch for _ in range(3) for batch, _ in loader]
    expected = torch.from_numpy(np.moveaxis(colour[1], -1, 1).copy())
    assert torch.equal(torch.cat(kept), expected.repeat(3, 1, 1, 1))
    addresses = {batch.data_ptr() for batch in kept}
    assert len(addresses) == len(kept)
    del kept
    # Memory that nobody holds is used again: a pass needs no more buffers than are in the works and spare.
    seen = {batch.data_ptr() for batch, _ in loader if batch.add_(1) is batch and len(batch) == 16}
    assert len(seen) <= 10


def test_memory_waits_for_the_consumer(data):
    iterator = iter(Loader(data, 8, prefetch=3, num_threads=1))
    next(iterator)
    reading = iterator.gi_frame.f_locals["reading"]
    for _ in range(20):
        time.sleep(0.005)
        assert reading._core.pending <= 3
    assert len(list(iterator)) == 37


def test_the_order_is_the_same_for_any_number_of_threads(data):
    def orders(**options):
        loader = Loader(
            CompressedDataset(data.file.path, return_index=True), 32, shuffle=True, seed=5, **options
        )
        return [torch.cat([batch[2] for batch in loader]).tolist() for _ in range(3)]

    expected = [SubsetSampler(data, 1.0, seed=5).indices(epoch).tolist() for epoch in range(3)]
    assert orders(num_threads=1) == orders(num_threads=4, prefetch=1) == orders(num_threads=0) == expected


def test_epochs(data):
    loader = Loader(data, 100, shuffle=True, seed=1)
    assert loader.epoch == 0
    first, second = [torch.cat([y for _, y in loader]) for _ in range(2)]
    assert loader.epoch == 1
    assert not torch.equal(first, second)
    loader.set_epoch(0)
    assert torch.equal(torch.cat([y for _, y in loader]), first)
    assert torch.equal(torch.cat([y for _, y in loader]), first)
    loader.set_epoch(1)
    assert torch.equal(torch.cat([y for _, y in loader]), second)
    with pytest.raises(ValueError, match="negative"):
        loader.set_epoch(-1)
    plain = Loader(data, 100)
    for epoch in range(3):
        list(plain)
        assert plain.epoch == epoch


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("taken", [0, 1, 3, 4, 5, 7])
def test_it_resumes_after_any_batch(data, taken, drop_last):
    """130 samples: four batches of 32, and two samples more."""
    members = Subset(data, list(range(130)))

    def make():
        return Loader(members, 32, shuffle=True, seed=2, drop_last=drop_last, num_threads=2)

    def two_epochs(loader):
        return itertools.chain(loader, loader)

    whole = list(two_epochs(make()))
    loader = make()
    got = list(itertools.islice(two_epochs(loader), taken))
    state = json.loads(json.dumps(loader.state_dict()))
    assert len(json.dumps(state)) < 400
    again = make()
    again.load_state_dict(state)
    left = list(again)
    assert again.epoch == (0 if taken < len(make()) else 1)
    if len(got) + len(left) < len(whole):
        left += list(again)
    same(got + left, whole)


def test_it_resumes_with_other_ranks(data):
    def sampler(ranks, rank):
        return SubsetSampler(data, 0.8, seed=4, num_replicas=ranks, rank=rank)

    def loaders(ranks, batch_size):
        numbered = CompressedDataset(data.file.path, return_index=True)
        return [Loader(numbered, batch_size, sampler=sampler(ranks, rank)) for rank in range(ranks)]

    before = loaders(2, 12)
    seen, states = [], []
    for loader in before:
        for _, (_, _, index) in zip(range(3), loader, strict=False):
            seen += index.tolist()
        states.append(loader.state_dict())
    assert states[0] == states[1]
    for loader in loaders(3, 7):
        loader.load_state_dict(states[0])
        seen += [i for batch in loader for i in batch[2].tolist()]
    assert sorted(seen) == sorted(sampler(1, 0).indices(0).tolist())


def test_other_samplers_resume_where_they_repeat(data):
    def make():
        generator = torch.Generator().manual_seed(3)
        return Loader(data, 50, sampler=RandomSampler(data, generator=generator))

    whole = list(make())
    loader = make()
    for _ in zip(range(2), loader, strict=False):
        pass
    again = make()
    again.load_state_dict(loader.state_dict())
    same(again, whole[2:])
    for change, message in (
        ({"batches": -1}, "negative"),
        ({"sampler": {}}, "another kind"),
        ({"batch_size": 25}, "batches of 25, this loader has batches of 50"),
    ):
        with pytest.raises(ValueError, match=message):
            make().load_state_dict(loader.state_dict() | change)
    with pytest.raises(TypeError, match="batches is 'two'"):
        make().load_state_dict(loader.state_dict() | {"batches": "two"})
    with pytest.raises(ValueError, match="another kind"):
        Loader(data, 50, shuffle=True).load_state_dict(loader.state_dict())


@pytest.mark.parametrize("wrong", [None, {}, {"epoch": 0}, 5])
@pytest.mark.parametrize("shuffle", [False, True])
def test_what_is_no_state(data, wrong, shuffle):
    loader = Loader(data, 50, shuffle=shuffle)
    with pytest.raises(ValueError, match="no state of a loader"):
        loader.load_state_dict(wrong)
    assert len(list(loader)) == 6


@pytest.mark.parametrize("shuffle", [False, True])
def test_setting_the_epoch(data, shuffle):
    """An epoch that is under way or restored goes on; one that was broken off begins again."""

    def make():
        return Loader(CompressedDataset(data.file.path, return_index=True), 50, shuffle=shuffle, seed=8)

    def numbers(batches):
        return [batch[2].tolist() for batch in batches]

    epochs = [numbers(make()) for _ in range(1)]
    again = make()
    list(again)
    epochs.append(numbers(again))
    stopped = make()
    for _ in itertools.islice(stopped, 2):
        pass
    state = stopped.state_dict()

    resumed = make()
    resumed.load_state_dict(state)
    resumed.set_epoch(0)
    iterator = iter(resumed)
    assert numbers([next(iterator)]) == epochs[0][2:3]
    resumed.set_epoch(0)  # within the loop, as some frameworks do
    assert resumed.state_dict()["batches"] == 3
    assert numbers(iterator) == epochs[0][3:]

    resumed.load_state_dict(state)
    iterator = iter(resumed)
    next(iterator)
    iterator.close()
    resumed.set_epoch(0)
    assert resumed.state_dict()["batches"] == 0
    assert numbers(resumed) == epochs[0]
    resumed.set_epoch(1)
    assert numbers(resumed) == epochs[1]


def test_augmentation(data, colour):
    flips = augment.Compose([augment.RandomCrop(2), augment.HorizontalFlip()], seed=1)
    loader = Loader(data, 64, shuffle=True, augment=flips)
    images = torch.from_numpy(np.moveaxis(colour[1], -1, 1).copy())
    for epoch in range(2):
        order = torch.from_numpy(loader.sampler.indices(epoch))
        got = torch.cat([batch for batch, _ in loader])
        assert torch.equal(got, flips(images[order], order, epoch))
    # The same inside the data set.
    inside = CompressedDataset(data.file.path, batch_transform=flips)
    for loader in (Loader(data, 64, augment=flips), Loader(inside, 64)):
        loader.set_epoch(3)
        assert torch.equal(torch.cat([b for b, _ in loader]), flips(images, torch.arange(300), 3))


def test_a_pass_keeps_its_epoch(data):
    loader = Loader(data, 100, augment=lambda images, index, epoch: images * 0 + epoch)
    first = iter(loader)
    next(first)
    second = iter(loader)
    assert next(second)[0].max() == 1
    loader.set_epoch(7)
    assert [int(batch.max()) for batch, _ in first] == [0, 0]
    assert [int(batch.max()) for batch, _ in loader] == [7, 7, 7]
    with pytest.raises(TypeError, match="begins with one"):
        next(iter(Loader(data, 4, augment=lambda *_: None, collate_fn=lambda items: {"x": 1})))


def test_negative_numbers_and_empty_batches(data):
    flips = augment.Compose([augment.RandomCrop(2), augment.HorizontalFlip()])
    inside = CompressedDataset(data.file.path, batch_transform=flips)
    assert torch.equal(inside[[-1]][0], inside[[299]][0])
    batches = [[-1, 3], [], [299]]
    got = [images for images, _ in Loader(data, batch_sampler=batches, augment=flips)]
    assert [len(images) for images in got] == [2, 0, 1]
    assert torch.equal(got[0][0], got[2][0])


def test_labels_of_a_mapped_file_cut_short(tmp_path):
    """What was decoded ahead is good, and its labels are not touched where the map has no file any more."""
    path, _, _ = copy_of(None, tmp_path)
    iterator = iter(Loader(path, 50, prefetch=1, num_threads=1))
    next(iterator)
    time.sleep(0.3)
    os.truncate(path, path.stat().st_size // 3)
    with pytest.raises(CorruptFileError, match="bytes when it was opened"):
        list(iterator)


def test_devices(data):
    same(Loader(data, 64, device="cpu"), DataLoader(data, 64))
    assert next(iter(Loader(data, 64, device="meta")))[0].is_meta
    with pytest.raises((RuntimeError, ValueError)):
        Loader(data, 64, device="nowhere")
    if not torch.cuda.is_available():
        with pytest.raises((RuntimeError, AssertionError)):
            Loader(data, 64, device="cuda")
        with pytest.raises(ValueError, match="CUDA"):
            Loader(data, 64, pin_memory=True)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_a_cuda_device(data):
    loader = Loader(data, 64, device="cuda", prefetch=2)
    for _ in range(2):
        batches = [(images.clone(), labels) for images, labels in loader]
        assert all(images.is_cuda and labels.is_cuda for images, labels in batches)
        same([[images.cpu(), labels.cpu()] for images, labels in batches], DataLoader(data, 64))


def damage(path, share=0.5):
    content = bytearray(path.read_bytes())
    content[int(len(content) * share)] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("preset", ["small", "raw"])
def test_damage_is_an_error_that_names_the_sample(tmp_path, preset):
    path, _, _ = copy_of(None, tmp_path, preset)
    damage(path)
    loader = Loader(path, 50)
    start = time.monotonic()
    with pytest.raises(CorruptFileError, match=r"own\.gede.*reading sample 1[0-9]{3}"):
        list(loader)
    assert time.monotonic() - start < 20
    assert threads() == 0


@pytest.mark.parametrize("preset", ["small", "raw"])
@pytest.mark.parametrize("batch_size", [1, 50])
def test_damaged_samples_can_be_left_out(tmp_path, preset, batch_size, caplog):
    path, images, labels = copy_of(None, tmp_path, preset)
    damage(path)
    loader = Loader(path, batch_size, on_error="skip")
    with caplog.at_level(logging.WARNING, "dreamlearning"):
        batches = list(loader)
    kept = torch.cat([targets for _, targets in batches]).numpy()
    assert 1 <= loader.skipped == 3000 - len(kept) <= 20  # a checked chunk of 8 KiB
    assert len(caplog.records) == loader.skipped
    assert "left out" in caplog.text
    assert np.array_equal(torch.cat([b for b, _ in batches]).numpy(), np.moveaxis(images[kept], -1, 1))
    assert set(labels) - set(kept.tolist()) == {record.args[0] for record in caplog.records}
    assert all(len(targets) for _, targets in batches)
    good = Loader(path, 50, sampler=range(100), on_error="skip")
    assert [len(targets) for _, targets in good] == [50, 50]
    assert good.skipped == 0


@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_a_file_cut_short_while_it_is_read(tmp_path, on_error):
    path, _, _ = copy_of(None, tmp_path)
    data = CompressedDataset(path, reading="pread")
    iterator = iter(Loader(data, 20, prefetch=1, num_threads=1, on_error=on_error))
    next(iterator)
    os.truncate(path, path.stat().st_size // 2)
    start = time.monotonic()
    with pytest.raises(CorruptFileError, match="bytes when it was opened"):
        list(iterator)
    assert time.monotonic() - start < 1


def test_a_file_that_is_replaced(tmp_path, colour):
    path, images, _ = copy_of(None, tmp_path)
    data = CompressedDataset(path)
    iterator = iter(Loader(data, 500))
    next(iterator)
    (tmp_path / "new.gede").write_bytes(colour[0].read_bytes())
    (tmp_path / "new.gede").rename(path)
    # What is open is the file that was there.
    assert np.array_equal(torch.cat([b for b, _ in iterator]).numpy(), np.moveaxis(images[500:], -1, 1))
    # A worker would open the new one.
    loader = DataLoader(data, 500, num_workers=1, timeout=60)
    with pytest.raises(dreamlearning.DreamlearningError, match="replaced"):
        list(loader)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"own\.gede"):
        list(DataLoader(data, 500, num_workers=1, timeout=60))


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"prefetch": 0}, ValueError, "prefetch"),
        ({"num_threads": -1}, ValueError, "num_threads"),
        ({"on_error": "ignore"}, ValueError, "on_error"),
        ({"sampler": [1], "shuffle": True}, ValueError, "excludes"),
        ({"batch_sampler": [[1]], "batch_size": 3}, ValueError, "excludes"),
        ({"batch_sampler": [[1]], "drop_last": True}, ValueError, "excludes"),
        ({"batch_size": 1.5}, TypeError, "batch_size is 1.5"),
        ({"prefetch": "2"}, TypeError, "prefetch is '2'"),
        ({"num_threads": None}, TypeError, "num_threads is None"),
        ({"sampler": 5}, TypeError, "sampler is 5"),
        ({"batch_sampler": 5}, TypeError, "batch_sampler is 5"),
        ({"augment": 5}, TypeError, "augment is 5"),
        ({"collate_fn": "list"}, TypeError, "collate_fn is 'list'"),
    ],
)
def test_wrong_arguments(data, arguments, error, match):
    with pytest.raises(error, match=match):
        Loader(data, **arguments)


def test_wrong_data_sets_and_orders(data, tmp_path):
    with pytest.raises(TypeError, match="DataLoader"):
        Loader([1, 2, 3])
    with pytest.raises(FileNotFoundError):
        Loader(tmp_path / "none.gede")
    got = []
    with pytest.raises(IndexError, match="300"):
        got.extend(Loader(data, 2, sampler=[0, 1, 2, 3, 300], prefetch=4))
    assert len(got) == 2  # what comes before is good
    with pytest.raises(IndexError, match="Subset of 10; make it for the Subset"):
        list(Loader(Subset(data, range(10)), 2, sampler=SubsetSampler(data, 0.5)))
    with pytest.raises(TypeError):
        list(Loader(data, 2, sampler=["a"]))
    with pytest.raises(TypeError, match="length"):
        len(Loader(data, 2, sampler=iter([1])))
    with pytest.raises(ValueError, match="no samples"):
        Loader(Subset(data, []), shuffle=True)
    assert list(Loader(Subset(data, []))) == []
    assert threads() == 0


def fail_at_once(loader):
    for _ in loader:
        raise ZeroDivisionError


def test_threads_end_however_the_loop_does(data):
    for _ in Loader(data, 8):
        # A thread gives itself its name.
        assert any(threads() == 2 or time.sleep(0.01) for _ in range(1000))
        break
    gc.collect()
    assert threads() == 0
    with pytest.raises(ZeroDivisionError):
        fail_at_once(Loader(data, 8))
    assert threads() == 0
    iterator = iter(Loader(data, 8))
    next(iterator)
    iterator.close()
    assert threads() == 0
    one, other = iter(Loader(data, 100)), iter(Loader(data, 100))
    same(one, other)
    several = [next(iter(Loader(data, 8))) for _ in range(50)]
    assert threads() == 0
    assert len(several) == 50


def test_many_consumers_at_once(data):
    expected = list(DataLoader(data, 30))
    failures = []

    def work():
        try:
            same(Loader(data, 30, num_threads=3), expected)
        except BaseException as error:
            failures.append(error)

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert not failures


ENDINGS = {
    "exit": "sys.exit(7)",
    "return": "pass",
    "error": "raise RuntimeError('own')",
    "kept": "keep = iterator; sys.modules['keep'] = iterator",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_interpreter_ends(colour, run_python, ending):
    code = (
        "import sys, dreamlearning\n"
        "iterator = iter(dreamlearning.Loader(sys.argv[1], 4, prefetch=60, num_threads=4))\n"
        "next(iterator)\n"
        "print('begun', flush=True)\n" + ENDINGS[ending]
    )
    done = run_python(code, colour[0])
    assert done.stdout == "begun\n"
    assert done.returncode == {"exit": 7, "error": 1}.get(ending, 0), done.stderr


def test_control_c_ends_a_wait(colour):
    """Wherever the consumer is: waiting for a batch, between batches or between epochs."""
    code = (
        "import sys, time, dreamlearning\n"
        "loader = dreamlearning.Loader(sys.argv[1], 2, num_threads=1)\n"
        "print('begun', flush=True)\n"
        "while True:\n"
        "    for batch in loader: pass\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(colour[0])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=10)
    finally:
        process.kill()
    assert "KeyboardInterrupt" in error
    assert process.returncode != 0


def test_a_fork_in_the_middle(data):
    """The child has no threads: going on there is an error, a new loop works, and the parent never
    notices."""
    loader = Loader(data, 20, num_threads=2)
    iterator = iter(loader)
    first = next(iterator)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            next(iterator)
        except ValueError as error:
            code = 2
            if "forked" in str(error) and len(list(loader)) == 15:
                code = 0
        finally:
            del iterator
            os._exit(code)
    deadline = time.monotonic() + 30
    while (done := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < deadline:
        time.sleep(0.01)
    if done == (0, 0):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert done[1] == 0
    same([first, *iterator], DataLoader(data, 20))


def test_prefetcher_of_the_core(data):
    """What no loader does, but somebody might."""
    reader = data.file._reader
    core = Prefetcher(reader, 1)
    with pytest.raises(ValueError, match="no batch"):
        core.take()
    with pytest.raises(IndexError):
        core.submit(np.array([300]))
    core.submit(np.array([5, 6]), np.array([[0, 0, 2, 3], [1, 1, 2, 2]]))
    pixels, skipped = core.take()
    assert len(pixels) == (6 + 4) * 3
    assert skipped == []
    out = np.empty(768, np.uint8)
    core.submit(np.array([-1]), None, out)
    assert core.take()[0] is out
    assert np.array_equal(out, data.file[299].ravel())
    core.submit(np.array([1]), None, np.empty(5, np.uint8))
    with pytest.raises(ValueError, match="5 bytes"):
        core.take()
    core.submit(np.array([1]), np.array([[10, 10, 10, 10]]))
    with pytest.raises(ValueError, match="sample 1"):
        core.take()
    with pytest.raises(ValueError, match="regions"):
        core.submit(np.array([1]), np.zeros((2, 4), np.int64))
    frozen = np.empty(768, np.uint8)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        core.submit(np.array([1]), None, frozen)
    core.submit(np.array([1]))
    core.close()
    with pytest.raises(ValueError, match="closed"):
        core.submit(np.array([1]))
    assert threads() == 0


def test_repr(data):
    assert "batch_size=8" in repr(Loader(data, 8))

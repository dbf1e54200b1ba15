"""Promise: the samplers work and resume in StatefulDataLoader, Lightning and Accelerate."""

import copy
import json

import numpy as np
import pytest
from dreamlearning import CompressedDataset, DistributedSubsetSampler, LocalitySampler, SubsetSampler
from torch.utils.data import DataLoader

BATCH = 8

pytestmark = [
    # torchdata 0.11 calls what torch has deprecated since.
    pytest.mark.filterwarnings("ignore:'set_vital' is deprecated:UserWarning"),
    # So does Lightning 2.6.
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
    # Lightning, on machines with more CPUs than a test has workers.
    pytest.mark.filterwarnings("ignore:The 'train_dataloader' does not have many workers"),
]


class Numbered(CompressedDataset):
    """A file's samples with their numbers in place of labels."""

    def __getitems__(self, indices):
        samples = super().__getitems__(indices)
        return [(sample, index) for (sample, _), index in zip(samples, indices, strict=True)]


@pytest.fixture
def data(digits_path):
    return Numbered(digits_path)


def numbers(batches):
    return [int(i) for _, index in batches for i in index]


# ---------------------------------------------------------------- torchdata

KINDS = {
    "subset": lambda data: SubsetSampler(data, count=60, seed=3),
    "stratified": lambda data: SubsetSampler(data, count=60, stratified=True, seed=3),
    "weights": lambda data: SubsetSampler(data, count=60, weights="balanced", seed=3),
    "rank": lambda data: DistributedSubsetSampler(data, count=120, num_replicas=2, rank=1, seed=3),
    "locality": lambda data: LocalitySampler(data, block=10, window=2, count=60, seed=3),
}
WORKERS = {"none": {"num_workers": 0}, "two": {"num_workers": 2}}
WORKERS["persistent"] = {"num_workers": 2, "persistent_workers": True}


def stateful(data, sampler, workers, **options):
    from torchdata.stateful_dataloader import StatefulDataLoader

    options = {"batch_size": BATCH, **options}
    return StatefulDataLoader(data, sampler=sampler, **WORKERS[workers], **options)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("kind", KINDS)
def test_stateful_loader(data, kind, workers):
    make = KINDS[kind]
    order = make(data)
    loader = stateful(data, make(data), workers)
    assert numbers(loader) == order.rank_indices(0).tolist()
    iterator = iter(loader)
    head = numbers(next(iterator) for _ in range(3))
    state = copy.deepcopy(loader.state_dict())
    rest = numbers(iterator)
    assert head + rest == order.rank_indices(1).tolist()

    again = stateful(data, make(data), workers)
    again.load_state_dict(state)
    assert numbers(again) == rest
    assert numbers(again) == order.rank_indices(2).tolist()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("taken", ["broken off", "all batches", "finished"])
def test_stateful_loader_between_epochs(data, workers, taken):
    """No epoch comes twice and none is skipped, wherever the state was taken."""
    make = KINDS["subset"]
    loader = stateful(data, make(data), workers)
    iterator = iter(loader)
    for _ in range(3 if taken == "broken off" else 8):
        next(iterator)
    if taken == "finished":
        assert next(iterator, None) is None
    elif taken == "broken off":
        iterator = iter(loader)
    state = copy.deepcopy(loader.state_dict())
    again = stateful(data, make(data), workers)
    again.load_state_dict(state)
    if taken == "all batches":
        assert numbers(again) == []
    for epoch in (1, 2):
        assert numbers(again) == make(data).indices(epoch).tolist()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("workers", ["none", "two"])
def test_stateful_loader_without_batches(data, workers):
    make = KINDS["subset"]
    loader = stateful(data, make(data), workers, batch_size=None)
    iterator = iter(loader)
    head = [next(iterator)[1] for _ in range(21)]
    again = stateful(data, make(data), workers, batch_size=None)
    again.load_state_dict(copy.deepcopy(loader.state_dict()))
    assert head + [index for _, index in again] == make(data).indices(0).tolist()
    assert [index for _, index in again] == make(data).indices(1).tolist()


@pytest.mark.timeout(60)
def test_stateful_loader_with_other_ranks(data):
    """The state of any of 2 ranks is loaded by each of 3."""

    def loader(ranks, rank):
        sampler = DistributedSubsetSampler(data, count=96, num_replicas=ranks, rank=rank, seed=1)
        return stateful(data, sampler, "none")

    order = SubsetSampler(data, count=96, seed=1).indices(0).tolist()
    loaders = [loader(2, rank) for rank in range(2)]
    iterators = [iter(one) for one in loaders]
    seen = [numbers(next(iterator) for _ in range(3)) for iterator in iterators]
    assert np.stack(seen).T.ravel().tolist() == order[:48]
    rest = []
    for rank in range(3):
        again = loader(3, rank)
        again.load_state_dict(copy.deepcopy(loaders[1].state_dict()))
        rest.append(numbers(again))
    assert np.stack(rest).T.ravel().tolist() == order[48:]


@pytest.mark.timeout(60)
def test_plain_loader_with_workers(data):
    """A stock loader asks ahead; the loop says how far it has come."""
    make = KINDS["subset"]
    sampler = make(data)
    iterator = iter(DataLoader(data, BATCH, sampler=sampler, num_workers=2))
    head = numbers(next(iterator) for _ in range(2))
    state = sampler.state_dict(position=2 * BATCH)
    assert sampler.state_dict()["position"] > 2 * BATCH
    again = make(data)
    again.load_state_dict(state)
    loader = DataLoader(data, BATCH, sampler=again, num_workers=2)
    assert head + numbers(loader) == make(data).indices(0).tolist()
    assert numbers(loader) == make(data).indices(1).tolist()


# ---------------------------------------------------------------- Lightning

# In a text, since the processes of DDP are forked from a fresh interpreter.
LIGHTNING = """
import json, sys
import torch
from lightning.pytorch import Callback, LightningModule, Trainer

class Module(LightningModule):
    def __init__(self, loader):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        self.loader, self.seen = loader, []

    def train_dataloader(self):
        self.made = self.loader()
        # With workers Lightning asks for the first batches before it sets the epoch itself.
        self.made.sampler.set_epoch(self.trainer.fit_loop.epoch_progress.current.processed)
        return self.made

    def training_step(self, batch, _):
        self.seen.append([self.current_epoch, batch[1].tolist()])
        return self.layer(batch[0].float().mean((1, 2, 3))[:, None]).mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.01)

class Save(Callback):
    def __init__(self, path, step):
        self.path, self.step = path, step

    def on_train_batch_end(self, trainer, *_):
        if trainer.global_step == self.step and not trainer.is_last_batch:
            trainer.save_checkpoint(self.path)

    def on_train_epoch_end(self, trainer, *_):
        if trainer.global_step == self.step:
            trainer.save_checkpoint(self.path)

def trainer(folder, epochs, *callbacks, **options):
    return Trainer(max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False,
                   enable_progress_bar=False, enable_model_summary=False, default_root_dir=folder,
                   callbacks=list(callbacks), **{"devices": 1, **options})
"""


@pytest.fixture
def lightning():
    """The names that the text above defines."""
    names = {}
    exec(LIGHTNING, names)
    return names


def by_epoch(seen, epochs):
    return [[i for e, batch in seen if e == epoch for i in batch] for epoch in range(epochs)]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("workers", ["none", "two"])
def test_lightning(data, tmp_path, lightning, workers):
    """Epochs are set by the trainer; a plain loader begins them anew, whatever the workers."""
    order = SubsetSampler(data, count=40, seed=3)
    sampler = SubsetSampler(data, count=40, seed=3)
    module = lightning["Module"](lambda: DataLoader(data, BATCH, sampler=sampler, **WORKERS[workers]))
    lightning["trainer"](tmp_path, 2).fit(module)
    assert by_epoch(module.seen, 2) == [order.indices(epoch).tolist() for epoch in range(2)]
    assert sampler.epoch == 1
    assert list(sampler) == order.indices(1).tolist()  # set_epoch has been called: epochs stay where they are


@pytest.mark.timeout(120)
@pytest.mark.parametrize("workers", ["none", "two"])
@pytest.mark.parametrize("step", [7, 10])  # in mid-epoch, at the end of an epoch
def test_lightning_resumes(data, tmp_path, lightning, workers, step):
    """With a StatefulDataLoader the checkpoint knows the batch."""

    def loader():
        return stateful(data, SubsetSampler(data, count=40, seed=3), workers)

    module, again = lightning["Module"](loader), lightning["Module"](loader)
    path = tmp_path / "middle.ckpt"
    lightning["trainer"](tmp_path, 3, lightning["Save"](path, step)).fit(module)
    order = SubsetSampler(data, count=40, seed=3)
    assert by_epoch(module.seen, 3) == [order.indices(epoch).tolist() for epoch in range(3)]
    lightning["trainer"](tmp_path, 3).fit(again, ckpt_path=path, weights_only=False)
    assert again.seen == module.seen[step:]


DDP = """
from dreamlearning import DistributedSubsetSampler
from torchdata.stateful_dataloader import StatefulDataLoader
from tests_data import Numbered

path, folder = sys.argv[1:]
data = Numbered(path)

def loader():
    return StatefulDataLoader(data, 4, sampler=DistributedSubsetSampler(data, count=40, seed=3))

class Written(Module):
    def on_train_end(self):
        kept = self.trainer.train_dataloader.sampler is self.made.sampler
        with open(f"{folder}/{self.name}{self.global_rank}.json", "w") as file:
            json.dump([kept, type(self.made.sampler).__name__, self.seen], file)

middle = folder + "/middle.ckpt"
for name, callbacks, options in [
    ("whole", [Save(middle, 7)], {}),
    ("resumed", [], {"ckpt_path": middle, "weights_only": False}),
]:
    module = Written(loader)
    module.name = name
    trainer(folder, 2, *callbacks, devices=2, strategy="ddp_fork").fit(module, **options)
"""

NUMBERED = """
import sys, types
from dreamlearning import CompressedDataset

class Numbered(CompressedDataset):
    def __getitems__(self, indices):
        return [(sample, i) for (sample, _), i in zip(super().__getitems__(indices), indices, strict=True)]

sys.modules["tests_data"] = types.SimpleNamespace(Numbered=Numbered)
"""


@pytest.mark.timeout(120)
def test_lightning_keeps_the_distributed_sampler(digits_path, tmp_path, run_python):
    """Two processes see every sample of an epoch once, and go on exactly from one checkpoint."""
    done = run_python(NUMBERED + LIGHTNING + DDP, digits_path, tmp_path, timeout=100)
    assert done.returncode == 0, done.stderr
    order = SubsetSampler(range(1797), count=40, seed=3)
    seen = {}
    for rank in range(2):
        for name in ("whole", "resumed"):
            kept, kind, seen[name] = json.loads((tmp_path / f"{name}{rank}.json").read_text())
            assert (kept, kind) == (True, "DistributedSubsetSampler")
        assert by_epoch(seen["whole"], 2) == [order.indices(e)[rank::2].tolist() for e in range(2)]
        assert seen["resumed"] == seen["whole"][7:]


# ---------------------------------------------------------------- Accelerate


def plain(data, workers="none"):
    return DataLoader(data, BATCH, sampler=SubsetSampler(data, count=40, seed=3), **WORKERS[workers])


@pytest.mark.timeout(120)
def test_accelerate(data):
    from accelerate import Accelerator, skip_first_batches

    order = SubsetSampler(data, count=40, seed=3)
    loader = Accelerator(cpu=True).prepare(plain(data))
    for epoch in range(2):
        assert numbers(loader) == order.indices(epoch).tolist()
    assert numbers(skip_first_batches(loader, 2)) == order.indices(2)[2 * BATCH :].tolist()
    loader.set_epoch(5)
    assert numbers(loader) == order.indices(5).tolist()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("workers", ["none", "two"])
def test_accelerate_with_states(data, workers):
    from accelerate import Accelerator
    from accelerate.utils import DataLoaderConfiguration

    order = SubsetSampler(data, count=40, seed=3)
    accelerator = Accelerator(
        cpu=True, dataloader_config=DataLoaderConfiguration(use_stateful_dataloader=True)
    )
    loader = accelerator.prepare(plain(data, workers))
    assert numbers(loader) == order.indices(0).tolist()
    iterator = iter(loader)
    head = numbers(next(iterator) for _ in range(3))
    state = copy.deepcopy(loader.state_dict())
    assert head + numbers(iterator) == order.indices(1).tolist()

    again = accelerator.prepare(plain(data, workers))
    again.set_epoch(1)  # Accelerate counts epochs itself, and its state does not have them
    again.load_state_dict(state)
    assert head + numbers(again) == order.indices(1).tolist()
    assert numbers(again) == order.indices(2).tolist()


ACCELERATE = """
import json, sys
from accelerate import Accelerator, debug_launcher
from dreamlearning import SubsetSampler
from torch.utils.data import DataLoader
from tests_data import Numbered

path, folder = sys.argv[1:]

def train():
    data = Numbered(path)
    accelerator = Accelerator(cpu=True)
    loader = accelerator.prepare(DataLoader(data, 5, sampler=SubsetSampler(data, count=40, seed=3)))
    seen = [[int(i) for _, indices in loader for i in indices] for epoch in range(2)]
    with open(f"{folder}/{accelerator.process_index}.json", "w") as file:
        json.dump([accelerator.num_processes, seen], file)

debug_launcher(train, num_processes=2)
"""


@pytest.mark.timeout(120)
def test_accelerate_with_two_processes(digits_path, tmp_path, run_python):
    """It deals out batches of one sampler; every sample comes once over both processes."""
    done = run_python(NUMBERED + ACCELERATE, digits_path, tmp_path, timeout=100)
    assert done.returncode == 0, done.stderr
    order = SubsetSampler(range(1797), count=40, seed=3)
    (one, first), (two, second) = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2))
    assert one == two == 2
    for epoch in range(2):
        assert len(first[epoch]) == len(second[epoch]) == 20
        assert sorted(first[epoch] + second[epoch]) == sorted(order.indices(epoch).tolist())

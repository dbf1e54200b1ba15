"""Training a model from a compressed file with the stock PyTorch loader.

In: the path of a training and of a test file and a :class:`Recipe`. Out: a :class:`Run` with what every
epoch cost and reached. Nothing here knows how the data is stored: a ``CompressedDataset`` and a
``SubsetSampler`` go into a ``DataLoader``, and the rest is an ordinary loop.
"""

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from ..errors import missing_extra

try:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader
except ImportError as error:
    raise missing_extra("torch", "torch") from error

from ..augment import Compose, HorizontalFlip, Normalize, RandomCrop
from ..dataset import CompressedDataset
from ..footprint import mapped_bytes
from ..samplers import SubsetSampler
from .resnet import small_resnet18

__all__ = ["Epoch", "Recipe", "Run", "train"]

# Alive at the worst moment: the batch just trained on, and the next one decoded.
_COPIES = 2


@dataclass(frozen=True)
class Recipe:
    """Everything that decides how a run goes.

    Args:
        fraction: share of the training samples in an epoch, 1 for all of them.
        epochs: passes over that share.
        batch_size: samples of a step.
        learning_rate: the peak of the one-cycle schedule; by default 0.02 for 32 samples, and in proportion.
        seed: decides the model, the order and the augmentation.
        device: "auto" is a GPU where there is one; otherwise what torch calls it.
    """

    fraction: float = 1.0
    epochs: int = 12
    batch_size: int = 32
    learning_rate: float | None = None
    seed: int = 0
    device: str = "auto"

    @property
    def peak_learning_rate(self) -> float:
        """The learning rate in use."""
        return self.learning_rate or 0.02 * self.batch_size / 32

    def torch_device(self) -> torch.device:
        """The device in use.

        Raises:
            ValueError: torch has no such device here.
        """
        if self.device != "auto":
            try:
                return torch.empty(0, device=self.device).device
            except (RuntimeError, AssertionError) as error:
                raise ValueError(f"device {self.device!r} cannot be used: {error}") from error
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@dataclass(frozen=True)
class Epoch:
    """One epoch: samples seen since the start, seconds of training and, among them, of waiting for data."""

    samples_seen: int
    seconds: float
    loading_seconds: float
    loss: float
    test_accuracy: float


@dataclass(frozen=True)
class Run:
    """One finished training.

    ``batch_bytes`` are the decoded bytes alive at once, ``mapped_bytes`` the resident pages of the file
    (``None`` where the system does not tell); both are peaks over the run.
    """

    recipe: Recipe
    samples_per_epoch: int
    epochs: list[Epoch]
    batch_bytes: int
    mapped_bytes: int | None

    @property
    def test_accuracy(self) -> float:
        """Of the last epoch; the best one would be picked on the test set."""
        return self.epochs[-1].test_accuracy

    @property
    def seconds_per_epoch(self) -> float:
        """Median, without evaluation."""
        return median(epoch.seconds for epoch in self.epochs)

    def as_dict(self) -> dict[str, Any]:
        """The same for a JSON file."""
        return {
            **asdict(self),
            "learning_rate": self.recipe.peak_learning_rate,
            "device": self.recipe.torch_device().type,
            "test_accuracy": self.test_accuracy,
            "seconds_per_epoch": self.seconds_per_epoch,
        }


def train(
    train_path: str | os.PathLike[str],
    test_path: str | os.PathLike[str],
    recipe: Recipe,
    *,
    on_epoch: Callable[[int, Epoch], object] | None = None,
) -> Run:
    """Train a small ResNet-18 from ``train_path`` and measure it on ``test_path`` after every epoch.

    SGD with Nesterov momentum 0.9 and weight decay 5e-4 under a one-cycle learning rate. Both files hold
    8-bit images (H, W) or (H, W, C) with integer labels counted from 0.

    Args:
        train_path: ``.gede`` file.
        test_path: ``.gede`` file of the same shape.
        recipe: how.
        on_epoch: told the number of each finished epoch, from 1, and its result.

    Raises:
        ValueError: there are no labels, or an epoch would have fewer than two samples.
    """
    device = recipe.torch_device()
    dataset = CompressedDataset(train_path, return_index=True)
    test_loader = DataLoader(CompressedDataset(test_path), batch_size=256)
    if dataset.labels is None or dataset.labels.ndim != 1 or dataset.labels.dtype.kind not in "iu":
        raise ValueError(f"{train_path} has no integer label for each sample; training needs one")
    sampler = SubsetSampler(dataset, recipe.fraction, seed=recipe.seed)
    if len(sampler) < 2:
        raise ValueError(
            f"{recipe.fraction:g} of {len(dataset)} samples is {len(sampler)} per epoch; "
            "training needs at least 2"
        )
    # Batch normalisation fails on a last batch of one small image.
    drop_last = len(sampler) % recipe.batch_size == 1 and recipe.batch_size > 1
    loader = DataLoader(dataset, batch_size=recipe.batch_size, sampler=sampler, drop_last=drop_last)

    normalise = Normalize.of(dataset)
    # After normalising, zeros are the mean.
    moves = [RandomCrop(padding=4), HorizontalFlip()] if is_natural(dataset.file.shape) else []
    augment = Compose([normalise, *moves], seed=recipe.seed)
    classes = int(dataset.labels.max()) + 1
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        model = small_resnet18(len(normalise.mean), classes).to(device)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=recipe.peak_learning_rate, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=recipe.peak_learning_rate,
        total_steps=max(8, len(loader) * recipe.epochs),  # with 4 it divides by zero
        pct_start=0.25,
        cycle_momentum=False,
    )

    epochs: list[Epoch] = []
    seen, batch_bytes, resident = 0, 0, mapped_bytes(train_path)
    for number in range(1, recipe.epochs + 1):
        model.train()
        losses: list[torch.Tensor] = []
        loading = 0.0
        start = asked = time.perf_counter()
        for images, labels, index in loader:
            loading += time.perf_counter() - asked
            batch_bytes = max(batch_bytes, _COPIES * images.nbytes)
            seen += len(images)
            inputs = augment(images.to(device), index, number - 1)
            losses.append(_step(model, optimizer, inputs, labels.to(device)))
            schedule.step()
            asked = time.perf_counter()
        loss = float(torch.stack(losses).mean())  # waits for the device
        seconds = time.perf_counter() - start
        # Pages of a mapping only come in as an epoch goes on, so its end is its peak.
        now = mapped_bytes(train_path)
        resident = None if now is None or resident is None else max(now, resident)
        epochs.append(Epoch(seen, seconds, loading, loss, _accuracy(model, test_loader, normalise, device)))
        if on_epoch is not None:
            on_epoch(number, epochs[-1])
    return Run(recipe, len(sampler), epochs, batch_bytes, resident)


def is_natural(shape: tuple[int, ...]) -> bool:
    """Whether images of this shape show the same thing when mirrored: colour and at least 28 pixels wide.

    Digits and letters do not survive a mirror, and 8 pixels do not survive a crop.
    """
    return len(shape) == 3 and shape[2] == 3 and min(shape[:2]) >= 28


def _step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    inputs: torch.Tensor,
    labels: torch.Tensor,
) -> torch.Tensor:
    with _precision(inputs.device):
        loss = nn.functional.cross_entropy(model(inputs), labels.long())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


@torch.no_grad()
def _accuracy(model: nn.Module, loader: DataLoader, normalise: Normalize, device: torch.device) -> float:
    model.eval()
    right = total = 0
    for images, labels in loader:
        with _precision(device):
            scores = model(normalise(images.to(device)))
        right += int((scores.argmax(1).cpu() == labels).sum())
        total += len(labels)
    return right / total


def _precision(device: torch.device) -> torch.autocast:
    # Half precision pays on a GPU; on most processors it costs.
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda")

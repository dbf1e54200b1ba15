"""torchvision's own data sets: ``CIFAR10``, and a folder of PNG files for ``ImageFolder``."""

from pathlib import Path
from typing import ClassVar

from torch.utils.data import DataLoader
from torchvision.datasets import CIFAR10, ImageFolder
from torchvision.transforms.v2.functional import pil_to_tensor

from .common_parts import RandomShare, png

PACKAGES = ("torchvision", "pillow")


class Train(CIFAR10):
    """The training part alone; the class itself wants the test images' file, too."""

    test_list: ClassVar[list] = []


def write(images, labels, folder, *, kind, data=None):
    if kind == "cifar10":
        # As torchvision downloads it; there is nothing to write.
        target = folder / Train.base_folder
        target.mkdir()
        for name in (*(name for name, _ in Train.train_list), Train.meta["filename"]):
            (target / name).symlink_to(Path(data).resolve() / Train.base_folder / name)
        return
    for label in set(labels.tolist()):
        (folder / f"{label:04}").mkdir()
    for number, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        (folder / f"{label:04}" / f"{number:06}.png").write_bytes(png(image))


def reader(folder, batch_size, share, *, kind, **_):
    if kind == "cifar10":
        dataset = Train(folder, transform=pil_to_tensor)
    else:
        dataset = ImageFolder(folder, transform=pil_to_tensor)
        dataset.target_transform = [int(name) for name in dataset.classes].__getitem__
    sampler = RandomShare(len(dataset), share)
    loader = DataLoader(dataset, batch_size, sampler=sampler)

    def epoch(seed):
        sampler.seed = seed
        return iter(loader)

    return epoch

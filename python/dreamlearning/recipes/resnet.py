"""The stock ResNet-18 of torchvision, with a stem for small images.

In: the number of channels and classes. Out: a model for (N, channels, H, W) float batches. The stock stem
(7x7 with stride 2, then a max pool) throws away 15 of 16 positions, which images of 8 to 64 pixels cannot
spare.
"""

from ..errors import missing_extra

try:
    from torch import nn
    from torchvision.models import ResNet, resnet18
except ImportError as error:
    raise missing_extra("torchvision", "torch") from error

__all__ = ["small_resnet18"]


def small_resnet18(channels: int, classes: int) -> ResNet:
    """``torchvision.models.resnet18`` with a 3x3 stem of stride 1 and no max pool.

    Args:
        channels: channels of an image, 1 for grey.
        classes: length of the output.

    Example:
        >>> import torch
        >>> small_resnet18(1, 10)(torch.zeros(2, 1, 8, 8)).shape
        torch.Size([2, 10])
    """
    model = resnet18(num_classes=classes)
    model.conv1 = nn.Conv2d(channels, 64, kernel_size=3, stride=1, padding=1, bias=False)
    model.maxpool = nn.Identity()
    return model

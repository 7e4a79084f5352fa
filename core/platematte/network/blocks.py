"""The few layers that the network is made of.

There is no normalisation layer anywhere: a result must not depend on what else is in a batch, on
the size of the frame or on where a tile ends. Residual blocks begin as the identity instead
(SkipInit; De and Smith, "Batch Normalization Biases Residual Blocks Towards the Identity
Function in Deep Networks", 2020), which trains as well at this depth.
"""

from __future__ import annotations

import torch
from torch import nn

Tensor = torch.Tensor


class Residual(nn.Module):
    """Two 3x3 convolutions beside the identity; N x C x H x W in and out."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        """Take the number of channels and the dilation of the first convolution."""
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.gain = nn.Parameter(torch.full((1, channels, 1, 1), 0.2))

    def forward(self, features: Tensor) -> Tensor:
        """Return features plus a learned change of them."""
        change = self.second(torch.relu_(self.first(features)))
        return torch.relu_(torch.addcmul(features, change, self.gain))


class Context(nn.Module):
    """What the whole frame says: features of wide dilations and of the mean over the frame."""

    def __init__(self, channels: int) -> None:
        """Take the number of channels, which stays."""
        super().__init__()
        part = channels // 4
        self.near = nn.Conv2d(channels, part, 3, padding=2, dilation=2)
        self.far = nn.Conv2d(channels, part, 3, padding=5, dilation=5)
        self.everywhere = nn.Conv2d(channels, part, 1)
        self.join = nn.Conv2d(channels + 3 * part, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Return features, joined with their surroundings."""
        mean = torch.relu(self.everywhere(features.mean((2, 3), keepdim=True)))
        mean = mean.expand(-1, -1, features.shape[2], features.shape[3])
        wide = [torch.relu(self.near(features)), torch.relu(self.far(features)), mean]
        return torch.relu_(self.join(torch.cat([features, *wide], 1)))


class Selector(nn.Module):
    """Context switching: what of a cue can be trusted, judged beside the plate itself.

    The seed's selector (Sengupta et al. 2020, section 3.1) joins the plate's features with one
    cue's and lets a 1x1 convolution choose; an absent or wrong cue is thus switched off locally.
    """

    def __init__(self, plate_channels: int, cue_channels: int, channels: int) -> None:
        """Take the channels of the plate's features, of the cue's and of the result."""
        super().__init__()
        self.choose = nn.Conv2d(plate_channels + cue_channels, channels, 1)

    def forward(self, plate: Tensor, cue: Tensor) -> Tensor:
        """Return the chosen features of one cue."""
        return torch.relu_(mix(self.choose, plate, cue))


def mix(layer: nn.Conv2d, *parts: Tensor) -> Tensor:
    """Return a 1x1 convolution of features that lie in several tensors, without joining them.

    Copying the features together would cost more than the arithmetic does.
    """
    shares = layer.weight[:, :, 0, 0].split([part.shape[1] for part in parts], 1)
    mixed = nn.functional.linear(parts[0].permute(0, 2, 3, 1), shares[0], layer.bias)
    for part, share in zip(parts[1:], shares[1:], strict=True):
        mixed.add_(nn.functional.linear(part.permute(0, 2, 3, 1), share))
    return mixed.permute(0, 3, 1, 2)


def in_full_precision(layer: nn.Conv2d, features: Tensor) -> Tensor:
    """Return a layer's result in float32, whatever the features before it were computed in.

    What comes out of the network itself must not show the 256 steps of bfloat16.
    """
    with torch.autocast(features.device.type, enabled=False):
        return layer(features.float())


def upsample2(features: Tensor) -> Tensor:
    """Return features at twice the height and width."""
    return nn.functional.interpolate(features, scale_factor=2, mode="bilinear")


def shrink(image: Tensor, times: int) -> Tensor:
    """Return means of times x times pixels, as `avg_pool2d` does; image: N x C x H x W.

    Rows first, then columns of what is left: a half to a quarter of the time.
    """
    if times == 1:
        return image
    return _sums(_sums(image, 2, times), 3, times).mul_(1 / times**2)


def _sums(image: Tensor, dim: int, times: int) -> Tensor:
    """Return sums of `times` neighbours along a dimension."""
    first, second, *others = image.unflatten(dim, (-1, times)).unbind(dim + 1)
    total = first + second
    for other in others:
        total += other
    return total


def channels_last(image: Tensor) -> Tensor:
    """Return the tensor with its channels together in memory: convolutions take half the time."""
    return image.contiguous(memory_format=torch.channels_last)

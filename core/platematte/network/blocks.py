"""The few layers that the network is made of.

There is no normalisation layer anywhere: a result must not depend on what else is in a batch, on
the size of the frame or on where a tile ends. Residual blocks begin as the identity instead
(SkipInit; De and Smith, "Batch Normalization Biases Residual Blocks Towards the Identity
Function in Deep Networks", 2020), which trains as well at this depth.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import torch
from torch import nn

Tensor = torch.Tensor

_HAS_FUSED = torch.backends.mkldnn.is_available() and hasattr(
    torch.ops.mkldnn, "_convolution_pointwise_"
)
"""Whether this torch has the operators that its own compiler makes of such sums on a CPU."""
_POINTWISE = (0, 0), (1, 1), (1, 1), 1
"""Padding, stride, dilation and groups of a 1x1 convolution."""


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
        change = convolve(self.first, features, rectify=True)
        return convolve(self.second, change, plus=features, gain=self.gain, rectify=True)


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
        wide = [convolve(layer, features, rectify=True) for layer in (self.near, self.far)]
        return convolve(self.join, torch.cat([features, *wide, mean], 1), rectify=True)


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
        return mix(self.choose, plate, cue)


def mix(layer: nn.Conv2d, *parts: Tensor) -> Tensor:
    """Return a rectified 1x1 convolution of features in several tensors, without joining them.

    Copying the features together would cost more than the arithmetic does. All but the first may be
    of one pixel, which stands for all.
    """
    shares = layer.weight.split([part.shape[1] for part in parts], 1)
    mixed, last = None, len(parts) - 1
    for index, (part, share) in enumerate(zip(parts, shares, strict=True)):
        bias = None if index else layer.bias
        if part.shape[2:] != parts[0].shape[2:] and mixed is not None:
            mixed = mixed.add_(_everywhere(part, share))
        elif _can_fuse(part, mixed):
            mixed = _fused(part, share, bias, _POINTWISE, onto=mixed, rectify=index == last)
            continue
        else:
            own = nn.functional.linear(part.permute(0, 2, 3, 1), share[:, :, 0, 0], bias)
            own = own.permute(0, 3, 1, 2)
            mixed = own if mixed is None else mixed.add_(own)
        mixed = torch.relu_(mixed) if index == last else mixed
    assert mixed is not None
    return mixed


def _everywhere(pixel: Tensor, weight: Tensor) -> Tensor:
    """Return what a 1x1 convolution adds everywhere, summed in float32 as it sums in any type."""
    dtype = _arithmetic(pixel.device.type)
    with torch.autocast(pixel.device.type, enabled=False):
        return nn.functional.conv2d(pixel.to(dtype).float(), weight.to(dtype).float())


def convolve(
    layer: nn.Conv2d,
    features: Tensor,
    *,
    onto: Tensor | None = None,
    plus: Tensor | None = None,
    gain: Tensor | None = None,
    rectify: bool = False,
) -> Tensor:
    """Return a layer's result, times a gain, added to another tensor, rectified.

    onto: added to, and used up: the result may lie in its memory. plus: the same, but left as it
    is. gain: 1 x C x 1 x 1, of the layer's result alone. On a CPU all of it is one sweep over the
    memory where nothing is recorded.
    """
    if _can_fuse(features, onto if plus is None else plus):
        weight, bias = layer.weight, layer.bias
        if gain is not None:
            weight = weight * gain.view(-1, 1, 1, 1)
            bias = None if bias is None else bias * gain.flatten()
        geometry = layer.padding, layer.stride, layer.dilation, layer.groups
        return _fused(features, weight, bias, geometry, onto=onto, plus=plus, rectify=rectify)
    result = layer(features)
    if plus is not None:
        result = plus + result if gain is None else torch.addcmul(plus, result, gain)
    if onto is not None:
        result = onto.add_(result)
    return torch.relu_(result) if rectify else result


def is_recorded() -> bool:
    """Whether torch notes what is done, to learn from it or to make a program of it."""
    return torch.is_grad_enabled() or torch.jit.is_tracing() or torch.compiler.is_compiling()


def _can_fuse(features: Tensor, other: Tensor | None) -> bool:
    """Whether a layer's sum with another tensor can be had in one sweep."""
    if not _HAS_FUSED or features.device.type != "cpu" or is_recorded():
        return False
    parts = [features] if other is None else [features, other]
    is_packed = all(part.is_contiguous(memory_format=torch.channels_last) for part in parts)
    dtype = _arithmetic("cpu")
    return is_packed and fuses(dtype) and (other is None or other.dtype == dtype)


@functools.cache
def fuses(dtype: torch.dtype) -> bool:
    """Whether this CPU has operators of one sweep in a type; bfloat16 takes at least AVX-512."""
    if dtype is torch.bfloat16:
        return bool(_HAS_FUSED and torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return _HAS_FUSED and dtype is torch.float32


def _arithmetic(device: str) -> torch.dtype:
    is_autocast = torch.is_autocast_enabled(device)
    return torch.get_autocast_dtype(device) if is_autocast else torch.float32


def _fused(
    features: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    geometry: tuple[object, ...],
    onto: Tensor | None = None,
    plus: Tensor | None = None,
    rectify: bool = False,
) -> Tensor:
    """Return what `convolve` returns, by the operators that torch's compiler makes of it.

    geometry: padding, stride, dilation and groups.
    """
    dtype, after = _arithmetic("cpu"), "relu" if rectify else None
    features, weight = features.to(dtype), weight.to(dtype)
    bias = None if bias is None else bias.to(dtype)
    mkldnn = torch.ops.mkldnn
    if onto is not None:
        own = features, weight, bias, *geometry, "add", 1.0, after, [], ""
        return mkldnn._convolution_pointwise_.binary(onto, *own)
    if plus is not None:
        own = weight, bias, *geometry, "add", 1.0, after, [], ""
        return mkldnn._convolution_pointwise.binary(features, plus, *own)
    own = weight, bias, *geometry, after or "none", [], ""
    return mkldnn._convolution_pointwise(features, *own)


def in_full_precision(layers: Sequence[nn.Conv2d], features: Tensor) -> Tensor:
    """Return what layers of one kind say, joined, in float32 whatever the features are in.

    What comes out of the network itself must not show the 256 steps of bfloat16. As one layer,
    because reading the features costs more than the arithmetic does.
    """
    weight = torch.cat([layer.weight for layer in layers])
    bias = torch.cat([layer.bias for layer in layers if layer.bias is not None])
    with torch.autocast(features.device.type, enabled=False):
        return nn.functional.conv2d(features.float(), weight, bias, padding=layers[0].padding)


def upsample2(features: Tensor) -> Tensor:
    """Return features at twice the height and width."""
    return nn.functional.interpolate(features, scale_factor=2, mode="bilinear")


def shrink(image: Tensor, times: int) -> Tensor:
    """Return means of times x times pixels, as `avg_pool2d` does; image: N x C x H x W.

    On a CPU rows first, then columns of what is left: a half to a quarter of the time.
    """
    if times == 1:
        return image
    if image.device.type != "cpu":
        # There the time is that of telling the device of each sum.
        return nn.functional.avg_pool2d(image, times)
    return _sums(_sums(image, 2, times), 3, times).mul_(1 / times**2)


def shrink_padded(image: Tensor, times: int, size: Sequence[int]) -> Tensor:
    """Return `shrink` of the image with its last rows and columns repeated up to a size.

    size: height and width, multiples of `times`. A copy of a frame for its last few rows would
    cost as much as its means do.
    """
    down, across = (wanted - own for wanted, own in zip(size, image.shape[2:], strict=True))
    ready = 0 if across else max(0, image.shape[2] // times - 1) * times
    if down == across == 0:
        return shrink(image, times)
    last = nn.functional.pad(image[:, :, ready:], (0, across, 0, down), mode="replicate")
    if not ready:
        return shrink(last, times)
    return torch.cat([shrink(image[:, :, :ready], times), shrink(last, times)], 2)


def _sums(image: Tensor, dim: int, times: int) -> Tensor:
    """Return sums of `times` neighbours along a dimension."""
    groups = image.unflatten(dim, (-1, times))
    # Not unbound: who follows a trace could not tell a sum in a list's memory from the image.
    total = groups.select(dim + 1, 0) + groups.select(dim + 1, 1)
    for index in range(2, times):
        total += groups.select(dim + 1, index)
    return total


def channels_last(image: Tensor) -> Tensor:
    """Return the tensor with its channels together in memory: convolutions take half the time."""
    return image.contiguous(memory_format=torch.channels_last)

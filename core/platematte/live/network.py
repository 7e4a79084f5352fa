"""The network of a set of weights as a TorchScript module that old releases of torch can read.

The module is traced from `network.Matter` itself: there is no second network to keep in step. What
the trace meets is written in operations that torch 1.6 has (`_OldOperations`); `archive.py` checks
that nothing else has come in.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from platematte.live.archive import TorchUnfit
from platematte.network.base import HINT_CHANNELS
from platematte.network.encode import encode_view
from platematte.network.matter import Cues, Matter

Tensor = torch.Tensor

_native: Any = torch._C._nn
"""Operations that `torch.nn.functional` would wrap in calls that torch 1.6 does not have."""

_EXAMPLE_PX = (64, 128)
"""Height and width that the trace is made with; it holds for any multiple of `Matter.align_px`."""
_CHECKED_PX = (128, 192)
_TOLERANCE = 1e-3
"""The replaced operations round in another order; an alpha of 8 bits has steps of 0.004."""


class _Answering(nn.Module):
    """Cues in, what a live matte needs out; one frame without its neighbours."""

    def __init__(self, matter: Matter, is_far: bool) -> None:
        super().__init__()
        self.matter = matter
        self.is_far = is_far

    def forward(
        self, plate: Tensor, clean: Tensor, trust: Tensor, hints: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        drawn = self.matter(Cues(plate, clean, trust, hints), is_far=self.is_far)
        return drawn.alpha, drawn.foreground, drawn.error


class _Encoding(nn.Module):
    """The encoded view of scene-linear values."""

    def forward(self, linear: Tensor) -> Tensor:
        return encode_view(linear)


def trace_network(matter: Matter, is_far: bool = False) -> Any:
    """Return the network as a traced module in operations of torch 1.6.

    It takes plate and clean (1 x 3 x H x W, scene-linear Rec.709), trust (1 x 1) and hints (1 x 3),
    float32, H and W multiples of `Matter.align_px`, and returns alpha before clamping (1 x 1), the
    foreground's straight colour (1 x 3, scene-linear Rec.709) and the expected error of alpha
    (1 x 1), float32.
    `half()` halves the arithmetic of its layers; pixels stay float32. is_far: as it looks at large
    frames. Raises TorchUnfit where the trace does not answer as the network does.
    """
    answering = _Answering(matter.eval().float().cpu(), is_far)
    plate, clean, trust, hints = _example(*_EXAMPLE_PX)
    # Where all is trusted and nothing hinted the network takes short cuts, which a trace would
    # make the only way.
    trust[..., :3] = 0
    traced = _trace(answering, (plate, clean, trust, hints))
    plate, clean, trust, hints = _example(*_CHECKED_PX)
    _check(answering, traced, (3 * plate, clean, trust, 0 * hints))
    return traced


def trace_encoding() -> Any:
    """Return `encode_view` as a traced module: N x C x H x W float32 in and out."""
    return _trace(_Encoding(), (torch.rand(1, 3, 32, 32),))


def _example(height: int, width: int) -> tuple[Tensor, ...]:
    """Return plate, clean plate, trust and hints of a size."""
    generator = torch.Generator().manual_seed(1)
    plate, clean, hints = (
        torch.rand(1, channels, height, width, generator=generator)
        for channels in (3, 3, HINT_CHANNELS)
    )
    return plate, clean, torch.ones(1, 1, height, width), hints


def _check(module: nn.Module, traced: Any, given: tuple[Tensor, ...]) -> None:
    """Raise TorchUnfit unless a trace answers as its module does.

    A branch that the example decided would show in another size, without hints, all trusted.
    """
    with torch.no_grad():
        pairs = zip(module(*given), traced(*given), strict=True)
        away = max(float((one - other).abs().max()) for one, other in pairs)
    if not away <= _TOLERANCE:
        raise TorchUnfit(
            f"traced by torch {torch.__version__}, the network's answer differs by {away:.3g}"
        )


def _trace(module: nn.Module, example: tuple[Tensor, ...]) -> Any:
    with warnings.catch_warnings(), torch.no_grad(), _OldOperations():
        # It warns of what the example decides, and that TorchScript is deprecated; Nuke takes
        # nothing else.
        warnings.simplefilter("ignore")
        return torch.jit.trace(module, example, check_trace=False)


class _OldOperations(TorchFunctionMode):
    """Replaces operations that torch 1.6 lacks, or that a trace would bind to the CPU."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call the replacement of a function, or the function itself."""
        return _REPLACED.get(func, func)(*args, **(kwargs or {}))


def _as_weight(features: Tensor, weight: Tensor) -> Tensor:
    """Return features in the arithmetic of a layer's weights, which Nuke halves where told to.

    Of a view: a trace would take the result of a conversion that changes nothing for the features
    themselves from there on, and halve them for the pixels' arithmetic too.
    """
    return features.expand(-1, -1, -1, -1).type_as(weight)


def _conv2d(
    features: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sequence[int] = (1, 1),
    padding: Sequence[int] = (0, 0),
    dilation: Sequence[int] = (1, 1),
    groups: int = 1,
) -> Tensor:
    return _convolve(features, weight, bias, (stride, padding, dilation, (0, 0)), groups, False)


def _conv_transpose2d(
    features: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sequence[int] = (1, 1),
    padding: Sequence[int] = (0, 0),
    output_padding: Sequence[int] = (0, 0),
    groups: int = 1,
    dilation: Sequence[int] = (1, 1),
) -> Tensor:
    shape = (stride, padding, dilation, output_padding)
    return _convolve(features, weight, bias, shape, groups, True)


def _convolve(
    features: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    shape: tuple[Sequence[int], Sequence[int], Sequence[int], Sequence[int]],
    groups: int,
    is_transposed: bool,
) -> Tensor:
    # In the form that 1.6 has.
    stride, padding, dilation, output_padding = (list(part) for part in shape)
    convolved: Tensor = torch._convolution(
        _as_weight(features, weight), weight, bias, stride, padding, dilation,
        is_transposed, output_padding, groups, False, False, True,
    )  # fmt: skip
    return convolved.float()


def _linear(features: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    product: Tensor = _native.linear(_as_weight(features, weight), weight, bias)
    return product.float()


def _addcmul(features: Tensor, change: Tensor, gain: Tensor, *, value: float = 1) -> Tensor:
    return torch.addcmul(
        features, change, gain.expand(-1, -1, -1, -1).type_as(features), value=value
    )


def _interpolate(
    image: Tensor,
    size: Any = None,
    scale_factor: float | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    *_: Any,
    **__: Any,
) -> Tensor:
    if mode != "bilinear" or scale_factor is None or size is not None or align_corners:
        raise NotImplementedError(f"interpolate {mode}, size {size}, by {scale_factor}")
    # Whole numbers of whole numbers: a product with a float would leave the trace.
    height, width = image.shape[2:]
    if scale_factor < 1:
        divisor = round(1 / scale_factor)
        height, width = height // divisor, width // divisor
    else:
        height, width = height * int(scale_factor), width * int(scale_factor)
    resized: Tensor = _native.upsample_bilinear2d(image, [height, width], False, None, None)
    return resized


def _pad(image: Tensor, pad: Sequence[int], mode: str = "constant", value: Any = None) -> Tensor:
    if mode == "constant":
        zeros: Tensor = torch.constant_pad_nd(image, list(pad), value or 0)
        return zeros
    if mode != "replicate":
        raise NotImplementedError(f"pad {mode}")
    padded: Tensor = _native.replication_pad2d(image, list(pad))
    return padded


def _amax(image: Tensor, dim: int, keepdim: bool = False) -> Tensor:
    return torch.max(image, dim, keepdim)[0]


def _unflatten(image: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    return image.reshape([*image.shape[:dim], *sizes, *image.shape[dim:][1:]])


def _zeros_like(image: Tensor) -> Tensor:
    # A trace writes the device of new zeros down; those of a product are where the image is.
    return image.clamp(0, 0)


_REPLACED: dict[Callable[..., Any], Callable[..., Any]] = {
    torch.conv2d: _conv2d,
    torch.conv_transpose2d: _conv_transpose2d,
    torch._C._nn.linear: _linear,
    torch.addcmul: _addcmul,
    nn.functional.interpolate: _interpolate,
    nn.functional.pad: _pad,
    torch.Tensor.amax: _amax,
    torch.Tensor.unflatten: _unflatten,
    torch.zeros_like: _zeros_like,
}

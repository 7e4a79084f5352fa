"""The encoded view: what the network sees of a scene-linear image, and the way back.

Below a knee the curve is sRGB's, so that ordinary footage looks as photographs do; above it a
logarithmic shoulder, joined with equal slope, brings values up to `WHITE` under 1 and goes on
beyond. Nothing that is written ever passes through this curve.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from .blocks import channels_last, is_recorded
from .pixels import PLAIN, Pixels

Tensor = torch.Tensor

KNEE = 0.5
"""Scene-linear value at which the shoulder begins."""
WHITE = 64.0
"""Scene-linear value that is encoded as exactly 1."""


def _srgb(value: float) -> float:
    return 1.055 * value ** (1 / 2.4) - 0.055


KNEE_ENCODED = _srgb(KNEE)
# The shoulder y = KNEE_ENCODED + (1 - KNEE_ENCODED) * log1p(s (x - k)) / log1p(s (WHITE - k)) has
# the slope of sRGB at the knee for the s that solves that equation; 17.45 is its solution for
# k = 0.5 and WHITE = 64 (solved by bisection below, so that the constants cannot drift apart).


def _solve_shoulder() -> float:
    slope = 1.055 / 2.4 * KNEE ** (1 / 2.4 - 1)
    low, high = 1.0, 1000.0
    for _ in range(80):
        middle = 0.5 * (low + high)
        shoulder_slope = (1 - KNEE_ENCODED) * middle / math.log1p(middle * (WHITE - KNEE))
        low, high = (middle, high) if shoulder_slope < slope else (low, middle)
    return 0.5 * (low + high)


SHOULDER = _solve_shoulder()
_SCALE = (1 - KNEE_ENCODED) / math.log1p(SHOULDER * (WHITE - KNEE))
_TOE = 0.0031308
_TOE_ENCODED = 12.92 * _TOE
_STRIP_VALUES = 1 << 17
"""As many values as the cache of one core holds besides what is made of them."""


def encode_view(linear: Tensor, pixels: Pixels = PLAIN) -> Tensor:
    """Return the network's view of scene-linear values; monotone, 0 stays 0, WHITE becomes 1.

    Negative values keep sRGB's straight toe down to -0.02 linear and stop there: what lies below
    is noise or gamut error that the network has nothing to learn from.
    """
    # The three pieces of the curve are summed, each standing still outside its own range.
    encoded = linear.clamp(-0.02, _TOE).mul_(12.92)
    # A power by its logarithm takes a third of the time of pow, and is within 1e-7 of it.
    body = pixels.exp_(pixels.log_(linear.clamp(_TOE, KNEE)).mul_(1 / 2.4))
    encoded = encoded.add_(body, alpha=1.055).sub_(0.055 + _TOE_ENCODED)
    shoulder = pixels.log_(linear.clamp_min(KNEE).mul_(SHOULDER).add_(1 - SHOULDER * KNEE))
    return encoded.add_(shoulder, alpha=_SCALE)


def encode_packed(
    linear: Tensor, weight: Tensor | None = None, align_px: int = 1, pixels: Pixels = PLAIN
) -> Tensor:
    """Return `encode_view` of N x 3 x H x W with its channels together in memory.

    weight: N x 1 x H x W, that the image is multiplied by first. align_px: the last rows and
    columns are repeated up to multiples of it. Some rows at a time: on a CPU the dozen steps of the
    curve then find them in the cache, elsewhere a large frame needs little more than its result.
    """
    if is_recorded():
        encoded = encode_view(linear if weight is None else linear * weight)
        beyond = (0, -linear.shape[3] % align_px, 0, -linear.shape[2] % align_px)
        return channels_last(functional.pad(encoded, beyond, mode="replicate"))
    count, channels, height, width = linear.shape
    shape = count, channels, height + -height % align_px, width + -width % align_px
    packed = torch.empty(
        shape, dtype=linear.dtype, device=linear.device, memory_format=torch.channels_last
    )
    values = _STRIP_VALUES if linear.device.type == "cpu" else _STRIP_VALUES << 8
    rows = max(1, values // linear[:, :, 0].numel())
    for start in range(0, height, rows):
        part = slice(start, start + rows)
        strip = linear[:, :, part] if weight is None else linear[:, :, part] * weight[:, :, part]
        encoded = encode_view(strip, pixels)
        pixels.lay_together(encoded, packed[:, :, start : min(start + rows, height), :width])
    packed[:, :, :height, width:] = packed[:, :, :height, width - 1 : width]
    packed[:, :, height:] = packed[:, :, height - 1 : height]
    return packed


def decode_view(encoded: Tensor) -> Tensor:
    """Return the scene-linear values of an encoded view; the inverse of `encode_view`."""
    toe = encoded.clamp_max(_TOE_ENCODED) / 12.92
    body = ((encoded.clamp(_TOE_ENCODED, KNEE_ENCODED) + 0.055) / 1.055).pow(2.4)
    shoulder = torch.expm1((encoded - KNEE_ENCODED).clamp_min(0.0) / _SCALE) / SHOULDER
    return toe + (body - _TOE) + shoulder

"""How far a pixel differs from the clean plate beyond what the set itself differs by there.

A hair before the sky differs from it by little, and grain, a prop that was nudged or a codec by as
much. What tells them apart is what plate and clean plate differ by around: on a good pair of
plates a hundredth is a hair, on a bad one it is nothing. So the refiner is told each pixel's
difference in units of that, and how exact it makes a projection: noise over the distance of
foreground and set is the error of alpha that is to be expected of it.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from .blocks import shrink
from .guess import carry_over
from .pixels import Pixels

Tensor = torch.Tensor

CHANNELS = 2
"""What the refiner is told of each pixel."""
BLOCK_PX = 16
"""Side of the blocks whose differences are taken together."""
_STEP_PX = 2
"""Every second pixel of every second row says as much of noise as all of them."""
_SET, _OTHER = 0.015, 0.095
"""Mean differences up to which a block is surely set, from which it says nothing of noise."""
_ANY_WEIGHT = 1e-6
"""Where no block shows the set, something still has to be said; one that does outweighs it."""
_FLOOR = 0.002
"""Added, because no two shots of one set differ by less."""
_LEAST_APART = 0.01
"""Of one colour, foreground and set are as far apart as this: projection is worth nothing."""
_LEAST_LOG, _MOST_LOG = -3, 1
"""Powers of ten between which the error of a projection is told."""


def measure_noise(plate: Tensor, clean: Tensor, trust: Tensor, times: int) -> Tensor:
    """Return what plate and clean plate differ by where both show the set: N x 1 x H x W / times.

    plate, clean: N x 3 x H x W, encoded views of a whole frame, multiples of BLOCK_PX. trust: N x 1
    x H x W / BLOCK_PX. times: 4 or 8. Differences are root mean squares over the channels. A block
    has the square of the mean of their roots, which a few hairs in it do not move, and before the
    subject it has that of the nearest ones which show the set.
    """
    seen, behind = (view[:, :, ::_STEP_PX, ::_STEP_PX] for view in (plate, clean))
    apart = energy(seen - behind).sqrt_()
    mean, root = (shrink(part, BLOCK_PX // _STEP_PX) for part in (apart, apart.sqrt()))
    weight = (1 - (mean - _SET) / (_OTHER - _SET)).clamp(0, 1) * trust + _ANY_WEIGHT
    noise = carry_over(root, weight).square() + _FLOOR
    return functional.interpolate(noise, scale_factor=BLOCK_PX // times, mode="bilinear")


def weigh(difference: Tensor, noise: Tensor, apart: Tensor, pixels: Pixels) -> Tensor:
    """Return the evidence at full resolution, N x CHANNELS x H x W, channels together in memory.

    difference: plate less clean plate in the encoded view, N x 3. noise, apart: N x 1, of the size
    of the coarse alpha; apart is how far foreground and set are from one another. The channels,
    scaled to about -1..2 as the refiner's other inputs are: a quarter of the natural logarithm of
    1 + (difference / noise)^2, and 0.5 and half of the decimal one of noise / apart.
    """
    times = difference.shape[2] // noise.shape[2]
    projected = torch.log10(noise / apart.clamp_min(_LEAST_APART)).clamp(_LEAST_LOG, _MOST_LOG)
    inexact = projected.mul_(0.5).add_(0.5)
    ratio = energy(difference).div_(pixels.upsample(noise.square(), times))
    return pixels.join([pixels.log_(ratio.add_(1)).mul_(0.25), pixels.upsample(inexact, times)])


def energy(difference: Tensor) -> Tensor:
    """Return the mean square over the channels: N x 1 x H x W, by a channel at a time."""
    first, *others = difference.split(1, 1)
    total = first.square()
    for channel in others:
        total.addcmul_(channel, channel)
    return total.div_(1 + len(others))

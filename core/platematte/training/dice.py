"""Random draws in batches: one seed, one device, the same values every time."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

Tensor = torch.Tensor


class Dice:
    """Random draws on one device from one seed."""

    def __init__(self, seed: int, device: torch.device | str = "cpu") -> None:
        """Take the seed and the device that tensors are made on."""
        self.device = torch.device(device)
        self.generator = torch.Generator(device=self.device).manual_seed(seed)

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Return uniform values of a shape."""
        values = torch.rand(*shape, generator=self.generator, device=self.device)
        return low + (high - low) * values

    def spread(self, low: float, high: float, *shape: int) -> Tensor:
        """Return values whose logarithm is uniform: as many between 1 and 2 as between 2 and 4."""
        return torch.exp(self.uniform(math.log(low), math.log(high), *shape))

    def normal(self, *shape: int) -> Tensor:
        """Return standard normal values of a shape."""
        return torch.randn(*shape, generator=self.generator, device=self.device)

    def chance(self, probability: float, count: int) -> Tensor:
        """Return `count` booleans as floats, N x 1 x 1 x 1."""
        return (self.uniform(0, 1, count, 1, 1, 1) < probability).float()

    def some(self, probability: float, count: int) -> Tensor:
        """Return the indices of those samples of `count` that something happens to."""
        return torch.nonzero(self.uniform(0, 1, count) < probability).flatten()

    def integers(self, high: int, count: int) -> Tensor:
        """Return `count` integers in 0..high-1."""
        return torch.randint(high, (count,), generator=self.generator, device=self.device)

    def integer(self, high: int) -> int:
        """Return an integer in 0..high-1."""
        return int(self.integers(high, 1))

    def number(self, low: float, high: float) -> float:
        """Return one uniform number."""
        return float(self.uniform(low, high, 1))


def grid_px(size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the pixel centres' x and y, 1 x 1 x S x S, with the origin in the middle."""
    axis = torch.arange(size, device=device, dtype=torch.float32) - (size - 1) / 2
    return axis.view(1, 1, 1, size), axis.view(1, 1, size, 1)


def noise(dice: Dice, count: int, channels: int, size: int, cells: float) -> Tensor:
    """Return smooth noise of about `cells` features across, zero mean and unit deviation."""
    side = max(2, round(cells)) + 2
    coarse = dice.normal(count, channels, side, side)
    if side < size // 8:
        # Cubic only while it is small: seen from near, linear interpolation has creases.
        between = (size // 4, size // 4)
        coarse = functional.interpolate(coarse, size=between, mode="bicubic", align_corners=True)
    return functional.interpolate(coarse, size=(size, size), mode="bilinear", align_corners=True)


def fractal(dice: Dice, count: int, channels: int, size: int, cells: float, octaves: int) -> Tensor:
    """Return noise of several octaves, each half as strong as the one before."""
    total = noise(dice, count, channels, size, cells)
    for octave in range(1, octaves):
        cells_here = min(cells * 2**octave, size / 2)
        total = total + noise(dice, count, channels, size, cells_here) / 2**octave
    return total / math.sqrt(sum(4.0**-o for o in range(octaves)))

"""Procedural parts of a foreground, batched in torch: noise, bodies, strands, nets, veils.

Everything is drawn as alpha in 0..1, N x 1 x S x S, from one random generator.
"""

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

    def normal(self, *shape: int) -> Tensor:
        """Return standard normal values of a shape."""
        return torch.randn(*shape, generator=self.generator, device=self.device)

    def chance(self, probability: float, count: int) -> Tensor:
        """Return `count` booleans as floats, N x 1 x 1 x 1."""
        return (self.uniform(0, 1, count, 1, 1, 1) < probability).float()

    def some(self, probability: float, count: int) -> Tensor:
        """Return the indices of those samples of `count` that something happens to."""
        return torch.nonzero(self.uniform(0, 1, count) < probability).flatten()

    def integer(self, high: int) -> int:
        """Return an integer in 0..high-1."""
        return int(torch.randint(high, (1,), generator=self.generator, device=self.device))

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


def bodies(dice: Dice, count: int, size: int) -> Tensor:
    """Return signed distances in px (inside negative) of shapes like torsos with limbs.

    A union of capsules that start in a trunk, each with its own thickness, over a noise that
    makes the outline uneven.
    """
    x, y = grid_px(size, dice.device)
    centre = dice.uniform(-0.3, 0.3, count, 2, 1, 1) * size
    scale = dice.uniform(0.25, 1.1, count, 1, 1, 1) * size
    distance = torch.full((count, 1, size, size), 1e4, device=dice.device)
    for limb in range(6):
        angle = dice.uniform(0, 2 * math.pi, count, 1, 1, 1)
        reach = dice.uniform(0.1, 0.7, count, 1, 1, 1) * scale
        radius = dice.uniform(0.02, 0.30 if limb < 2 else 0.10, count, 1, 1, 1) * scale
        start = tuple(axis.reshape(count, 1, 1, 1) for axis in centre.unbind(1))
        dx, dy = torch.cos(angle) * reach, torch.sin(angle) * reach
        px, py = x - start[0], y - start[1]
        along = ((px * dx + py * dy) / (reach * reach + 1e-6)).clamp(0, 1)
        capsule = ((px - along * dx).square() + (py - along * dy).square() + 1e-6).sqrt() - radius
        distance = torch.minimum(distance, capsule)
    rough = dice.uniform(0, 0.06, count, 1, 1, 1) * size
    return distance + rough * fractal(dice, count, 1, size, 5, 3)


def soften(distance: Tensor, softness_px: Tensor) -> Tensor:
    """Return alpha of a signed distance, from 1 inside to 0 outside over `softness_px`."""
    return (0.5 - distance / softness_px).clamp(0, 1)


def strands(
    dice: Dice, count: int, size: int, amount: int = 140, points: int = 160
) -> tuple[Tensor, Tensor]:
    """Return hair: alpha and a shade (mean 1) of strands of sub-pixel width.

    Strands start around a head (an arc of an ellipse), leave it in a direction that turns along
    the strand (curl and frizz), and are splatted with bilinear weights; overlapping strands
    cover as independent absorbers do, alpha = 1 - exp(-density).
    """
    shape = (count, amount, 1)
    centre = dice.uniform(-0.35, 0.35, count, 1, 2) * size
    radius = dice.uniform(0.05, 0.4, count, 1, 2) * size
    middle, spread = dice.uniform(0, 2 * math.pi, count, 1, 1), dice.uniform(0.3, 3.2, count, 1, 1)
    around = middle + spread * dice.uniform(-1, 1, *shape)
    root = torch.cat([torch.cos(around), torch.sin(around)], 2) * radius + centre
    heading = around + dice.uniform(-0.8, 0.8, count, 1, 1) + 0.35 * dice.normal(*shape)
    length = dice.uniform(0.08, 0.7, count, 1, 1) * size * dice.uniform(0.4, 1.3, *shape)
    length = length.clamp(max=points * 0.9)
    t = torch.linspace(0, 1, points, device=dice.device).view(1, 1, points)
    bend = dice.uniform(-2.0, 2.0, count, 1, 1) + 0.5 * dice.normal(*shape)
    curl = dice.uniform(0, 1.2, count, 1, 1) * (dice.uniform(0, 1, count, 1, 1) < 0.4)
    turns = dice.uniform(2, 14, count, 1, 1)
    phase = dice.uniform(0, 2 * math.pi, *shape)
    angle = heading + bend * t + curl * torch.sin(turns * t * 2 * math.pi / 3 + phase)
    step = length / points
    x = root[:, :, :1] + torch.cumsum(torch.cos(angle) * step, 2) + (size - 1) / 2
    y = root[:, :, 1:] + torch.cumsum(torch.sin(angle) * step, 2) + (size - 1) / 2
    width = dice.uniform(0.25, 1.6, count, 1, 1) * dice.uniform(0.5, 1.2, *shape)
    # Strands thin out towards the tip.
    weight = (step * width * (1.15 - t)).expand_as(x)
    shade = dice.uniform(0.5, 1.5, *shape).expand_as(x)
    density, shaded = _splat(x, y, torch.stack([weight, weight * shade], 3), size)
    density_alpha = 1 - torch.exp(-1.2 * density)
    return density_alpha, (shaded + 1e-3) / (density + 1e-3)


def _splat(x: Tensor, y: Tensor, values: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Add values (N x K x T x 2) at fractional positions with bilinear weights."""
    count = x.shape[0]
    x0, y0 = x.floor(), y.floor()
    total = torch.zeros(count * size * size, 2, device=x.device)
    base = (torch.arange(count, device=x.device) * size * size).view(count, 1, 1)
    for dx in (0, 1):
        for dy in (0, 1):
            cx, cy = x0 + dx, y0 + dy
            share = (1 - (x - cx).abs()) * (1 - (y - cy).abs())
            inside = (cx >= 0) & (cx < size) & (cy >= 0) & (cy < size)
            index = base + (cy.clamp(0, size - 1) * size + cx.clamp(0, size - 1)).long()
            share = (share * inside).unsqueeze(3)
            total.index_add_(0, index.reshape(-1), (values * share).reshape(-1, 2))
    total = total.view(count, size, size, 2)
    return total[..., 0].unsqueeze(1), total[..., 1].unsqueeze(1)


def nets(dice: Dice, count: int, size: int) -> Tensor:
    """Return thin lines: wires, meshes, lace; warped so that no two lines are quite parallel."""
    x, y = grid_px(size, dice.device)
    warp = noise(dice, count, 2, size, 3) * dice.uniform(0, 0.08, count, 1, 1, 1) * size
    angle = dice.uniform(0, math.pi, count, 1, 1, 1)
    u = torch.cos(angle) * x + torch.sin(angle) * y + warp[:, :1]
    v = -torch.sin(angle) * x + torch.cos(angle) * y + warp[:, 1:]
    period = torch.exp(dice.uniform(math.log(8), math.log(size), count, 1, 1, 1))
    width = dice.uniform(0.4, 3.0, count, 1, 1, 1)

    def lines(axis: Tensor) -> Tensor:
        away = (axis / period - (axis / period).round()).abs() * period
        return (width / 2 + 0.5 - away).clamp(0, 1)

    both = dice.chance(0.5, count)
    return torch.maximum(lines(u), lines(v) * both)


def veils(dice: Dice, count: int, size: int) -> Tensor:
    """Return translucent cloth, glass or smoke: slow changes of alpha, nowhere opaque."""
    level = dice.uniform(-0.8, 0.8, count, 1, 1, 1)
    contrast = dice.uniform(0.4, 2.0, count, 1, 1, 1)
    return torch.sigmoid(contrast * fractal(dice, count, 1, size, 3, 4) + level) * 0.9

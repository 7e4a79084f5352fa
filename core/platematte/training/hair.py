"""Thin things drawn one by one: hair, fur, single fly-away strands, feathers, wires.

Strands are splatted with bilinear weights, so that a strand of a tenth of a pixel is one; strands
over each other cover as independent absorbers do, alpha = 1 - exp(-density).
"""

from __future__ import annotations

import math

import torch

from .dice import Dice

Tensor = torch.Tensor


def strands(
    dice: Dice, count: int, size: int, amount: int = 140, points: int = 160
) -> tuple[Tensor, Tensor]:
    """Return hair: alpha and a shade (mean 1) of strands of sub-pixel width, N x 1 x S x S.

    Strands start around a head (an arc of an ellipse), leave it in a direction that turns along
    the strand (curl and frizz). Some heads have fur, some only a few strands that fly away.
    """
    shape = (count, amount, 1)
    centre = dice.uniform(-0.35, 0.35, count, 1, 2) * size
    radius = dice.uniform(0.05, 0.4, count, 1, 2) * size
    middle, spread = dice.uniform(0, 2 * math.pi, count, 1, 1), dice.uniform(0.3, 3.2, count, 1, 1)
    around = middle + spread * dice.uniform(-1, 1, *shape)
    root = torch.cat([torch.cos(around), torch.sin(around)], 2) * radius + centre
    heading = around + dice.uniform(-0.8, 0.8, count, 1, 1) + 0.35 * dice.normal(*shape)
    length = dice.spread(0.03, 0.7, count, 1, 1) * size * dice.uniform(0.4, 1.3, *shape)
    bend = dice.uniform(-2.0, 2.0, count, 1, 1) + 0.5 * dice.normal(*shape)
    curl = dice.uniform(0, 1.4, count, 1, 1) * (dice.uniform(0, 1, count, 1, 1) < 0.45)
    turns = dice.uniform(2, 16, count, 1, 1)
    phase = dice.uniform(0, 2 * math.pi, *shape)
    t = torch.linspace(0, 1, points, device=dice.device).view(1, 1, points)
    angle = heading + bend * t + curl * torch.sin(turns * t * 2 * math.pi / 3 + phase)
    width = dice.spread(0.2, 1.6, count, 1, 1) * dice.uniform(0.5, 1.2, *shape)
    # In a third of the samples most strands are not there: each one that is stands alone.
    kept = dice.uniform(0.02, 0.3, count, 1, 1)
    kept = torch.where(dice.uniform(0, 1, count, 1, 1) < 0.35, kept, torch.ones_like(kept))
    width = width * (dice.uniform(0, 1, *shape) < kept)
    return draw_lines(dice, root, angle, length.clamp(max=points * 0.9), width, t, size)


def feathers(
    dice: Dice, count: int, size: int, amount: int = 120, points: int = 64
) -> tuple[Tensor, Tensor]:
    """Return feathers: barbs on both sides of a bent shaft, shorter towards its tip."""
    along = torch.linspace(0, 1, amount, device=dice.device).view(1, amount, 1)
    turn = dice.uniform(0, 2 * math.pi, count, 1, 1)
    bent = turn + dice.uniform(-1.2, 1.2, count, 1, 1) * along
    length = dice.uniform(0.3, 1.1, count, 1, 1) * size
    step = length / amount
    x, y = (torch.cumsum(part(bent) * step, 1) for part in (torch.cos, torch.sin))
    root = torch.cat([x, y], 2) + dice.uniform(-0.4, 0.4, count, 1, 2) * size
    side = torch.where(torch.arange(amount, device=dice.device).view(1, amount, 1) % 2 == 0, 1, -1)
    lean = dice.uniform(0.4, 1.1, count, 1, 1) + 0.06 * dice.normal(count, amount, 1)
    t = torch.linspace(0, 1, points, device=dice.device).view(1, 1, points)
    angle = bent + side * lean - side * dice.uniform(0, 0.9, count, 1, 1) * t
    reach = length * dice.uniform(0.08, 0.3, count, 1, 1) * (1 - along).clamp_min(0.05).sqrt()
    reach = reach * dice.uniform(0.7, 1.0, count, amount, 1)
    width = dice.spread(0.5, 2.5, count, 1, 1).expand(count, amount, 1)
    return draw_lines(dice, root, angle, reach.clamp(max=points * 0.9), width, t, size)


def wires(
    dice: Dice, count: int, size: int, amount: int = 5, points: int = 640
) -> tuple[Tensor, Tensor]:
    """Return a few cables, twigs or strings that cross the frame in wide bends."""
    shape = (count, amount, 1)
    root = dice.uniform(-0.7, 0.7, count, amount, 2) * size
    t = torch.linspace(0, 1, points, device=dice.device).view(1, 1, points)
    angle = dice.uniform(0, 2 * math.pi, *shape) + dice.normal(*shape) * t
    length = dice.uniform(0.3, 1.6, *shape) * size
    width = dice.spread(0.3, 4.0, *shape)
    return draw_lines(dice, root, angle, length, width, t, size)


def draw_lines(
    dice: Dice, root: Tensor, angle: Tensor, length: Tensor, width: Tensor, t: Tensor, size: int
) -> tuple[Tensor, Tensor]:
    """Return alpha and shade of lines; root: N x K x 2 px from the middle, angle: N x K x T.

    length, width: N x K x 1 px. Lines thin out towards the tip.
    """
    step = length / t.shape[2]
    x = root[:, :, :1] + torch.cumsum(torch.cos(angle) * step, 2) + (size - 1) / 2
    y = root[:, :, 1:] + torch.cumsum(torch.sin(angle) * step, 2) + (size - 1) / 2
    weight = (step * width * (1.15 - t)).expand_as(x)
    shade = dice.uniform(0.5, 1.5, *root.shape[:2], 1).expand_as(x)
    density, shaded = _splat(x, y, torch.stack([weight, weight * shade], 3), size)
    return 1 - torch.exp(-1.2 * density), (shaded + 1e-3) / (density + 1e-3)


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

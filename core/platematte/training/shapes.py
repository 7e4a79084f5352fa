"""Procedural shapes of a foreground, in batches: people-like figures, bodies, leaves, nets, veils.

Everything is drawn as alpha in 0..1 or as a signed distance in px, N x 1 x S x S.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from .dice import Dice, fractal, grid_px, noise

Tensor = torch.Tensor


@dataclass(frozen=True)
class Figure:
    """A drawn person. distance: px, negative inside; part: 0 cloth above, 1 below, 2 skin, 3 hair.

    Both N x 1 x S x S; the clothes run over limbs as far as their sleeves.
    """

    distance: Tensor
    part: Tensor


def capsule(
    x: Tensor,
    y: Tensor,
    start: tuple[Tensor, Tensor],
    end: tuple[Tensor, Tensor],
    radius: Tensor | float,
) -> Tensor:
    """Return the signed distance to a line from start to end with round ends."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    px, py = x - start[0], y - start[1]
    along = ((px * dx + py * dy) / (dx * dx + dy * dy + 1e-6)).clamp(0, 1)
    return ((px - along * dx).square() + (py - along * dy).square() + 1e-6).sqrt() - radius


def figures(dice: Dice, count: int, size: int) -> Figure:
    """Return people: a trunk, a head with a cap of hair, arms and legs of two pieces each.

    Proportions in units of the body's height follow artists' canons (a head is about an eighth).
    """
    x, y = grid_px(size, dice.device)

    def value(low: float, high: float) -> Tensor:
        return dice.uniform(low, high, count, 1, 1, 1)

    height = dice.spread(0.7, 3.5, count, 1, 1, 1) * size
    tilt = value(-0.25, 0.25)
    cos, sin = torch.cos(tilt) / height, torch.sin(tilt) / height
    # The view is anywhere between a whole figure and a close-up of the head.
    look_at = value(-0.42, 0.2) * (height > size * 1.2)
    u = cos * x + sin * y + value(-0.2, 0.2) * size / height
    v = -sin * x + cos * y + look_at
    width = value(0.8, 1.3)
    neck, hip = (value(-0.02, 0.02), value(-0.34, -0.31)), (value(-0.02, 0.02), value(0.0, 0.03))
    trunk = capsule(u, v, (neck[0], neck[1] + 0.07), hip, 0.075 * width)
    shoulders = capsule(
        u, v, (-0.09 * width, neck[1] + 0.05), (0.09 * width, neck[1] + 0.05), 0.035
    )
    head_at = (neck[0] + value(-0.02, 0.02), neck[1] - 0.085)
    head = ((u - head_at[0]).square() * 1.5 + (v - head_at[1]).square() + 1e-6).sqrt() - 0.062
    skin = torch.minimum(head, capsule(u, v, neck, head_at, 0.028 * width))
    hair = ((u - head_at[0]).square() + (v - head_at[1] + 0.025).square() + 1e-6).sqrt()
    hair = hair - value(0.05, 0.085)
    above = torch.minimum(trunk, shoulders)
    below = torch.full_like(above, 1e3)
    for side in (-1.0, 1.0):
        elbow, hand = _limb(dice, count, (side * 0.1 * width, neck[1] + 0.05), side, (0.16, 0.16))
        above = torch.minimum(
            above, capsule(u, v, (side * 0.1 * width, neck[1] + 0.05), elbow, 0.028 * width)
        )
        skin = torch.minimum(skin, capsule(u, v, elbow, hand, 0.02 * width))
        knee, foot = _limb(dice, count, (side * 0.05 * width, hip[1]), side * 0.4, (0.24, 0.24))
        leg = capsule(u, v, (side * 0.05 * width, hip[1]), knee, 0.048 * width)
        below = torch.minimum(below, torch.minimum(leg, capsule(u, v, knee, foot, 0.034 * width)))
    parts = torch.cat([above, below, skin, hair], 1)
    distance, part = parts.min(1, keepdim=True)
    rough = dice.uniform(0, 0.012, count, 1, 1, 1) * fractal(dice, count, 1, size, 6, 3)
    return Figure((distance + rough) * height, part)


def _limb(
    dice: Dice, count: int, start: tuple[Tensor, Tensor], side: float, lengths: tuple[float, float]
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return the middle and the end of a limb that hangs from `start`, bent somehow."""
    first = side * dice.uniform(-0.1, 1.6, count, 1, 1, 1)
    second = first + dice.uniform(-1.6, 1.6, count, 1, 1, 1)
    middle = start[0] + lengths[0] * torch.sin(first), start[1] + lengths[0] * torch.cos(first)
    end = middle[0] + lengths[1] * torch.sin(second), middle[1] + lengths[1] * torch.cos(second)
    return middle, end


def bodies(dice: Dice, count: int, size: int) -> Tensor:
    """Return signed distances in px (inside negative) of shapes like trunks with limbs.

    A union of capsules that start in a trunk, each with its own thickness, over a noise that
    makes the outline uneven.
    """
    x, y = grid_px(size, dice.device)
    start = tuple(dice.uniform(-0.3, 0.3, count, 1, 1, 1) * size for _ in range(2))
    scale = dice.uniform(0.25, 1.1, count, 1, 1, 1) * size
    distance = torch.full((count, 1, size, size), 1e4, device=dice.device)
    for limb in range(6):
        angle = dice.uniform(0, 2 * math.pi, count, 1, 1, 1)
        reach = dice.uniform(0.1, 0.7, count, 1, 1, 1) * scale
        radius = dice.uniform(0.02, 0.30 if limb < 2 else 0.10, count, 1, 1, 1) * scale
        end = (start[0] + torch.cos(angle) * reach, start[1] + torch.sin(angle) * reach)
        distance = torch.minimum(distance, capsule(x, y, (start[0], start[1]), end, radius))
    rough = dice.uniform(0, 0.06, count, 1, 1, 1) * size
    return distance + rough * fractal(dice, count, 1, size, 5, 3)


def soften(distance: Tensor, softness_px: Tensor) -> Tensor:
    """Return alpha of a signed distance, from 1 inside to 0 outside over `softness_px`."""
    return (0.5 - distance / softness_px).clamp(0, 1)


def leaves(dice: Dice, count: int, size: int, amount: int = 14) -> tuple[Tensor, Tensor]:
    """Return a branch's leaves: alpha, and a shade (mean 1) that differs from leaf to leaf."""
    x, y = grid_px(size, dice.device)
    alpha = torch.zeros(count, 1, size, size, device=dice.device)
    shade = torch.ones_like(alpha)
    typical = dice.spread(0.04, 0.35, count, 1, 1, 1) * size
    slim = dice.uniform(0.12, 0.5, count, 1, 1, 1)
    centre = dice.uniform(-0.4, 0.4, count, 2, 1, 1) * size
    for _ in range(amount):
        turn = dice.uniform(0, 2 * math.pi, count, 1, 1, 1)
        px = x - centre[:, :1] - dice.normal(count, 1, 1, 1) * 0.18 * size
        py = y - centre[:, 1:] - dice.normal(count, 1, 1, 1) * 0.18 * size
        length = typical * dice.uniform(0.5, 1.5, count, 1, 1, 1)
        u = (torch.cos(turn) * px + torch.sin(turn) * py) / length
        v = (-torch.sin(turn) * px + torch.cos(turn) * py) / length
        # A lens between two arcs, widest before its middle.
        rim = slim * (1 - u.square()).clamp_min(0) * (1 - 0.35 * u)
        leaf = ((rim - v.abs()) * length + 0.5).clamp(0, 1) * (u.abs() < 1)
        tone = dice.uniform(0.5, 1.5, count, 1, 1, 1) * (1 + 0.3 * (v.abs() < 0.03))
        shade = torch.lerp(shade, tone.expand_as(shade), leaf)
        alpha = leaf + (1 - leaf) * alpha
    return alpha, shade


def nets(dice: Dice, count: int, size: int) -> Tensor:
    """Return thin lines: wires, meshes, lace; warped so that no two lines are quite parallel."""
    x, y = grid_px(size, dice.device)
    warp = noise(dice, count, 2, size, 3) * dice.uniform(0, 0.08, count, 1, 1, 1) * size
    angle = dice.uniform(0, math.pi, count, 1, 1, 1)
    u = torch.cos(angle) * x + torch.sin(angle) * y + warp[:, :1]
    v = -torch.sin(angle) * x + torch.cos(angle) * y + warp[:, 1:]
    period = dice.spread(6, size, count, 1, 1, 1)
    width = dice.uniform(0.4, 3.0, count, 1, 1, 1)

    def lines(axis: Tensor) -> Tensor:
        away = (axis / period - (axis / period).round()).abs() * period
        return (width / 2 + 0.5 - away).clamp(0, 1)

    both = dice.chance(0.5, count)
    return torch.maximum(lines(u), lines(v) * both)


def slots(dice: Dice, count: int, size: int) -> Tensor:
    """Return bars side by side, 1, and the gaps between them, 0: combs, railings, blinds, fingers.

    They end somewhere: what carries them is solid.
    """
    x, y = grid_px(size, dice.device)
    angle = dice.uniform(0, math.pi, count, 1, 1, 1)
    warp = noise(dice, count, 1, size, 2) * dice.uniform(0, 0.03, count, 1, 1, 1) * size
    across = torch.cos(angle) * x + torch.sin(angle) * y + warp
    period = dice.spread(4, 40, count, 1, 1, 1)
    gap = period * dice.uniform(0.25, 0.7, count, 1, 1, 1)
    away = (across / period - (across / period).round()).abs() * period
    opened = (gap / 2 + 0.5 - away).clamp(0, 1)
    along = (
        -torch.sin(angle) * x + torch.cos(angle) * y + 0.02 * size * noise(dice, count, 1, size, 2)
    )
    reach = dice.uniform(0.05, 0.5, count, 1, 1, 1) * size
    middle = dice.uniform(-0.3, 0.3, count, 1, 1, 1) * size
    return 1 - opened * (reach + 0.5 - (along - middle).abs()).clamp(0, 1)


def veils(dice: Dice, count: int, size: int) -> Tensor:
    """Return translucent cloth or smoke: slow changes of alpha, nowhere opaque."""
    level = dice.uniform(-0.8, 0.8, count, 1, 1, 1)
    contrast = dice.uniform(0.4, 2.0, count, 1, 1, 1)
    return torch.sigmoid(contrast * fractal(dice, count, 1, size, 3, 4) + level) * 0.9


def smoke(dice: Dice, count: int, size: int) -> Tensor:
    """Return clouds with wide soft rims; alpha falls to 0 all around."""
    ground = fractal(dice, count, 1, size, dice.number(2, 5), 5)
    x, y = grid_px(size, dice.device)
    cx, cy = (dice.uniform(-0.3, 0.3, count, 1, 1, 1) * size for _ in range(2))
    reach = dice.uniform(0.2, 0.8, count, 1, 1, 1) * size
    away = ((x - cx).square() + (y - cy).square()) / reach.square()
    density = (ground + dice.uniform(0.2, 1.5, count, 1, 1, 1) - 2 * away).clamp_min(0)
    return 1 - torch.exp(-density * dice.uniform(0.2, 1.5, count, 1, 1, 1))

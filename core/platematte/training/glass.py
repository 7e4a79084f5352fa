"""Clear things, vessels and bags, with their walls, liquid, creases and lights, which bend the set.

What is seen through them is the set out of place and out of focus. Their alpha says how much of
it they cover, not how far it is bent: a comp is made with a matte that keeps glass clear.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from .dice import Dice, fractal, grid_px, noise
from .perturb import blur
from .shapes import bodies, soften

Tensor = torch.Tensor


@dataclass(frozen=True)
class Glass:
    """What clear things cover and how they bend what is behind.

    alpha: N x 1 x S x S; premult: N x 3 x S x S, scene-linear. bend: N x 3 x S x S, how far to the
    right and below what is seen there stands (px), and how much of it is out of focus, in 0..1.
    """

    alpha: Tensor
    premult: Tensor
    bend: Tensor


def draw_glass(dice: Dice, count: int, size: int) -> Glass:
    """Return vessels and bags, half of each in the mean."""
    is_vessel = dice.chance(0.5, count)
    away = torch.where(is_vessel > 0, _vessels(dice, count, size), bodies(dice, count, size))
    inside = soften(away, dice.spread(0.8, 3, count, 1, 1, 1))
    cover, tone = _walls(dice, away)
    creases, fold = _creases(dice, count, size)
    cover = torch.maximum(cover, creases * (1 - is_vessel))
    poured, liquid = _liquid(dice, count, size)
    poured = poured * is_vessel * (away < -1.5)
    tone = torch.lerp(torch.lerp(tone, fold, creases * (1 - is_vessel)), liquid, poured)
    cover = torch.maximum(cover, poured * dice.uniform(0.15, 0.8, count, 1, 1, 1))
    glint = _glints(dice, count, size)
    tone = torch.lerp(tone, dice.spread(0.5, 8, count, 1, 1, 1).expand_as(tone), glint)
    alpha = inside * torch.maximum(cover, glint)
    return Glass(alpha, alpha * tone, _bend(dice, away, is_vessel) * inside)


def see_through(behind: Tensor, bend: Tensor) -> Tensor:
    """Return what is seen of a set, N x 3 x S x S, through what bends it so (`Glass.bend`).

    Where nothing is bent it is the set, bit for bit.
    """
    glassy = torch.nonzero(bend.flatten(1).any(1)).flatten()
    seen = behind.clone()
    if len(glassy):
        seen[glassy] = _bent(behind[glassy], bend[glassy])
    return seen


def _bent(behind: Tensor, bend: Tensor) -> Tensor:
    """Return what `see_through` does, of samples that all have glass."""
    size = behind.shape[-1]
    x, y = grid_px(size, behind.device)
    place = torch.stack([x + bend[:, :1], y + bend[:, 1:2]], -1).squeeze(1) * (2 / size)
    seen = functional.grid_sample(behind, place, padding_mode="reflection", align_corners=False)
    soft = blur(seen, torch.full_like(seen[:, :1, :1, :1], 2.0))
    seen = torch.lerp(seen, soft, bend[:, 2:].clamp(0, 1))
    return torch.where(bend.abs().amax(1, keepdim=True) > 0, seen, behind)


def _vessels(dice: Dice, count: int, size: int) -> Tensor:
    """Return about the signed distance (px) of bottles, jugs and glasses, some of a handle."""
    x, y = grid_px(size, dice.device)
    turn = dice.uniform(-0.3, 0.3, count, 1, 1, 1)
    left, top = (dice.uniform(-0.35, 0.35, count, 1, 1, 1) * size for _ in range(2))
    u = torch.cos(turn) * x + torch.sin(turn) * y - left
    v = -torch.sin(turn) * x + torch.cos(turn) * y - top
    tall = dice.spread(0.2, 0.8, count, 1, 1, 1) * size
    wide = tall * dice.uniform(0.25, 0.9, count, 1, 1, 1)
    # The outline of a thing that was turned: as wide on the left as on the right.
    profile = noise(dice, count, 1, size, 4)[..., :1]
    at = (v / tall + 1).clamp(0, 2) * (0.5 * (size - 1))
    near = at.long().clamp(0, size - 1).flatten(1)
    swell = profile.flatten(1).gather(1, near).view_as(at)
    half = wide * (1 + dice.uniform(0, 0.35, count, 1, 1, 1) * swell).clamp_min(0.25)
    away = torch.maximum(u.abs() - half, v.abs() - tall)
    ring_x, ring = wide * dice.uniform(0.9, 1.2, count, 1, 1, 1), tall * 0.45
    handle = ((u - ring_x).square() + v.square() + 1e-6).sqrt() - ring
    handle = handle.abs() - tall * dice.uniform(0.03, 0.09, count, 1, 1, 1)
    has_handle = dice.chance(0.3, count)
    return torch.where(has_handle > 0, torch.minimum(away, handle), away)


def _walls(dice: Dice, away: Tensor) -> tuple[Tensor, Tensor]:
    """Return how much a hollow thing covers by itself, most at its rim, and its colour."""
    count, _, size, _ = away.shape
    rim = torch.exp(-away.abs() / dice.spread(1, 12, count, 1, 1, 1))
    inner = (away + dice.uniform(2, 14, count, 1, 1, 1)).abs()
    wall = torch.exp(-inner / dice.spread(0.7, 3, count, 1, 1, 1)) * dice.chance(0.5, count)
    edge = torch.maximum(rim * dice.uniform(0.2, 0.95, count, 1, 1, 1), 0.5 * wall)
    body = dice.spread(0.01, 0.35, count, 1, 1, 1)
    dirt = torch.exp(0.5 * fractal(dice, count, 1, size, 3, 4))
    grey = dice.spread(0.02, 0.9, count, 1, 1, 1)
    tone = grey * torch.exp(0.15 * dice.normal(count, 3, 1, 1))
    shade = torch.exp(0.6 * fractal(dice, count, 1, size, 4, 3))
    return torch.maximum((body * dirt).clamp_max(0.6), edge), tone * shade


def _creases(dice: Dice, count: int, size: int) -> tuple[Tensor, Tensor]:
    """Return the creases of a clear bag, lines of all widths, and their colour."""
    folds = fractal(dice, count, 1, size, dice.number(3, 7), 3)
    lines = torch.exp(-folds.abs() / dice.spread(0.03, 0.3, count, 1, 1, 1))
    lines = lines * torch.sigmoid(2 * noise(dice, count, 1, size, 5))
    tone = dice.spread(0.05, 1.5, count, 1, 1, 1) * torch.exp(0.8 * noise(dice, count, 1, size, 12))
    return lines * dice.uniform(0, 0.9, count, 1, 1, 1), tone.expand(-1, 3, -1, -1)


def _liquid(dice: Dice, count: int, size: int) -> tuple[Tensor, Tensor]:
    """Return where liquid stands, if there is any, and its colour."""
    _, y = grid_px(size, dice.device)
    level = dice.uniform(-0.2, 0.4, count, 1, 1, 1) * size
    tint = torch.exp(0.6 * dice.normal(count, 3, 1, 1))
    tone = dice.spread(0.03, 0.8, count, 1, 1, 1) * tint
    return (y > level).float() * dice.chance(0.35, count), tone


def _glints(dice: Dice, count: int, size: int) -> Tensor:
    """Return the lights in it: spots, and streaks that stand upright as windows do."""
    spots = noise(dice, count, 1, size, 7)
    upright = noise(dice, count, 1, size, 16).mean(2, keepdim=True).expand(-1, -1, size, -1)
    upright = 4 * upright + noise(dice, count, 1, size, 2)
    field = torch.where(dice.chance(0.5, count) > 0, upright, spots)
    return (3 * (field - dice.uniform(1.2, 2.6, count, 1, 1, 1))).clamp(0, 1)


def _bend(dice: Dice, away: Tensor, is_vessel: Tensor) -> Tensor:
    """Return how the set is bent: in slow waves by a vessel, most at its rim, crumpled by a bag."""
    count, _, size, _ = away.shape
    slow = noise(dice, count, 2, size, 3) * dice.spread(0.3, 20, count, 1, 1, 1)
    crumpled = noise(dice, count, 2, size, 14) * dice.spread(0.2, 4, count, 1, 1, 1)
    lens = torch.stack(torch.gradient(away[:, 0], dim=(2, 1)), 1)
    at_rim = torch.exp(-away.abs() / dice.spread(3, 20, count, 1, 1, 1))
    lens = lens * at_rim * dice.uniform(-30, 30, count, 1, 1, 1)
    soft = dice.uniform(0, 1, count, 1, 1, 1) * dice.chance(0.5, count)
    moved = torch.where(is_vessel > 0, slow + lens, crumpled)
    return torch.cat([moved, soft.expand_as(away)], 1)

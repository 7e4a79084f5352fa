"""The set behind a subject: pieces of photographs and panoramas, and made-up walls, in batches."""

from __future__ import annotations

import math

import torch

from .atlas import Atlas
from .bank import Bank
from .dice import Dice, fractal, grid_px

Tensor = torch.Tensor

MADE_UP = 0.12
"""The part of sets that no photograph shows."""
_PANORAMA = 0.1
"""The part of the others that is cut from a panorama, with lamps as bright as they are."""


def draw_sets(
    bank: Bank,
    dice: Dice,
    count: int,
    size: int,
    least_zoom: float = 0.4,
    most_zoom: float = 2.0,
    made_up: float = MADE_UP,
) -> Tensor:
    """Return sets without a subject, N x 3 x S x S, scene-linear.

    least_zoom: how far a photograph may be seen from; below about 0.8 it is mirrored at its
    edges to fill large frames. made_up: the part of them that is walls and cloths.
    """
    kind = dice.uniform(0, 1, count)
    is_made_up = kind < (1.0 if bank.is_empty else made_up)
    panorama = (kind > 1 - _PANORAMA) & ~is_made_up & (len(bank.panoramas) > 0)
    photograph = ~is_made_up & ~panorama
    scene = torch.zeros(count, 3, size, size, device=dice.device)
    some = torch.nonzero(is_made_up).flatten()
    if len(some):
        scene[some] = _walls(dice, len(some), size)
    some = torch.nonzero(photograph).flatten()
    if len(some):
        cut = cut_pieces(
            bank.backgrounds, dice, len(some), size, least_zoom, most_zoom, mirror=True
        )
        scene[some] = _with_lamps(dice, srgb_to_linear(cut[:, :3]))
    some = torch.nonzero(panorama).flatten()
    if len(some):
        cut = cut_pieces(bank.panoramas, dice, len(some), size, 1.0, 3.0, mirror=True)[:, :3]
        # A camera would have chosen an exposure: the mean comes to a middle grey of its own.
        level = dice.spread(0.06, 0.4, len(some), 1, 1, 1) / cut.mean((1, 2, 3), keepdim=True)
        scene[some] = (cut * level.clamp_max(50)).clamp_max(100)
    return scene


def cut_pieces(
    atlas: Atlas,
    dice: Dice,
    count: int,
    size: int,
    least_zoom: float,
    most_zoom: float,
    mirror: bool,
    turn: float = 0.0,
) -> Tensor:
    """Return N x 4 x S x S pieces of random images, as `Atlas.cut` returns them.

    turn: the largest angle in radians; the pieces are flipped half of the time.
    """
    chosen = dice.integers(len(atlas), count)
    zoom = dice.spread(least_zoom, most_zoom, count)
    # A piece may not be seen from so far away that its image is mirrored more than twice.
    shorter = torch.minimum(atlas.widths[chosen, 0], atlas.heights[chosen, 0])
    zoom = torch.maximum(zoom, size / (2.5 * shorter)) if mirror else zoom
    angle = dice.uniform(-turn, turn, count)
    flip = torch.where(dice.uniform(0, 1, count) < 0.5, -1.0, 1.0)
    x, y = grid_px(size, dice.device)
    slack = [
        ((side[chosen, 0] - size / zoom).clamp_min(0) / 2 * dice.uniform(-1, 1, count))
        for side in (atlas.widths, atlas.heights)
    ]
    cos, sin = ((part(angle) / zoom).view(-1, 1, 1, 1) for part in (torch.cos, torch.sin))
    x = x * flip.view(-1, 1, 1, 1)
    u = cos * x - sin * y + slack[0].view(-1, 1, 1, 1)
    v = sin * x + cos * y + slack[1].view(-1, 1, 1, 1)
    place = torch.stack(torch.broadcast_tensors(u, v), -1).squeeze(1)
    return atlas.cut(chosen, zoom, place, mirror)


def srgb_to_linear(encoded: Tensor) -> Tensor:
    """Return scene-linear values of sRGB-encoded ones in 0..1 (IEC 61966-2-1)."""
    return torch.where(
        encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055).clamp_min(0).pow(2.4)
    )


def _walls(dice: Dice, count: int, size: int) -> Tensor:
    """Return walls and cloths: a colour, uneven, some with a grid of lines."""
    flat = torch.sigmoid(dice.normal(count, 3, 1, 1) * 1.2 - 0.6)
    busy = fractal(dice, count, 3, size, dice.number(2, 24), 3)
    wall = (flat * torch.exp(busy * dice.uniform(0, 0.7, count, 1, 1, 1))).clamp(0, 1)
    x, y = grid_px(size, dice.device)
    angle = dice.uniform(0, math.pi, count, 1, 1, 1)
    period = dice.spread(8, 120, count, 1, 1, 1)
    wave = torch.sin((torch.cos(angle) * x + torch.sin(angle) * y) * 2 * math.pi / period)
    lines = torch.sigmoid(6 * wave - 3) * dice.uniform(-0.6, 0.6, count, 1, 1, 1)
    return wall * torch.exp(lines * dice.chance(0.3, count))


def _with_lamps(dice: Dice, scene: Tensor) -> Tensor:
    """Return photographs whose lamps and skies are as bright as a photograph cannot say."""
    count = scene.shape[0]
    peak = torch.exp2(dice.uniform(0, 4.5, count, 1, 1, 1)) * dice.chance(0.3, count)
    bright = ((scene.amax(1, keepdim=True) - 0.75) / 0.25).clamp(0, 1).square()
    return scene * (1 + peak * bright)

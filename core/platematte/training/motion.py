"""How a subject and a camera move over the frames of a clip: rigid paths and swaying cloth."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

from .dice import Dice, grid_px, noise

Tensor = torch.Tensor


@dataclass(frozen=True)
class Path:
    """Where each of N layers is in each of T frames.

    dx_px, dy_px, turn (radians), growth (log of scale): T x N x 1 x 1 x 1. sway: N x 2 x S x S px,
    and how much of it each frame has: T x N x 1 x 1 x 1.
    """

    dx_px: Tensor
    dy_px: Tensor
    turn: Tensor
    growth: Tensor
    sway: Tensor
    swing: Tensor

    def move(self, layer: Tensor, frame: int, padding: str = "zeros") -> Tensor:
        """Return N x C x S x S as it is seen in a frame; bilinear. padding: as in grid_sample."""
        size = layer.shape[-1]
        x, y = grid_px(size, layer.device)
        scale = torch.exp(-self.growth[frame])
        cos, sin = torch.cos(self.turn[frame]) * scale, torch.sin(self.turn[frame]) * scale
        bent = self.sway * self.swing[frame]
        u = cos * x - sin * y - self.dx_px[frame] + bent[:, :1]
        v = sin * x + cos * y - self.dy_px[frame] + bent[:, 1:]
        place = torch.stack([u, v], -1).squeeze(1) * (2 / size)
        return functional.grid_sample(layer, place, padding_mode=padding, align_corners=False)

    def speed_px(self, frame: int) -> tuple[Tensor, Tensor]:
        """Return how far the layers move from a frame to the next, N x 1 x 1 x 1 in x and y."""
        frames = len(self.dx_px)
        first = min(frame, frames - 2)
        if first < 0:
            return torch.zeros_like(self.dx_px[0]), torch.zeros_like(self.dy_px[0])
        return (
            self.dx_px[first + 1] - self.dx_px[first],
            self.dy_px[first + 1] - self.dy_px[first],
        )


def draw_path(dice: Dice, count: int, size: int, frames: int, reach_px: float) -> Path:
    """Return paths whose speed is at most about `reach_px` a frame, each from still to that.

    A path is a straight run with a swing over it; turns, growth and sway are in proportion. All
    are nothing in the middle frame, so that the layers stay about where they were drawn.
    """
    shape = (count, 1, 1, 1)
    time = torch.arange(frames, device=dice.device).view(frames, 1, 1, 1, 1) - frames // 2
    reach = reach_px * dice.uniform(0, 1, *shape).square()

    def course(amount: float) -> Tensor:
        run = dice.normal(*shape) * 0.5
        pace, phase = dice.uniform(0.2, 1.2, *shape), dice.uniform(0, 2 * math.pi, *shape)
        swing = (torch.sin(pace * time + phase) - torch.sin(phase)) / pace
        return amount * reach * (run * time + 0.5 * dice.normal(*shape) * swing)

    around = 1.5 / size
    sway = noise(dice, count, 2, size, 4)
    return Path(course(1), course(1), course(around), course(0.5 * around), sway, course(0.4))

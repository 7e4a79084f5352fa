"""What training minimises; every term over the whole frame, alpha in 0..1.

The terms are those that matting research kept: L1 and gradient L1 of alpha (Sengupta et al.
2020; Lin et al. 2021), the Laplacian pyramid (Hou and Liu 2019, Forte and Pitie 2020), the
foreground's colour in the encoded view, the composite in linear light (Xu et al. 2017), and the
expected error, calibrated by the Itakura-Saito divergence: at its minimum the expected error is
the mean of the errors made, and an error of 1/1000 is learned as well as one of 1/2.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from ..network.encode import encode_view
from ..network.matter import Drawn
from .synthesise import Sample

Tensor = torch.Tensor

MARGIN = 0.01
"""How far beyond 0 and 1 the unclamped alpha is asked to go, so that clamping gives exact ends."""
ERROR_FLOOR = 0.001
"""Errors below this are as good as none."""


@dataclass(frozen=True)
class LossWeights:
    """How much each term counts."""

    alpha: float = 1.0
    coarse: float = 0.5
    laplacian: float = 0.7
    gradient: float = 0.5
    foreground: float = 0.5
    composition: float = 0.3
    error: float = 0.02


def matting_loss(drawn: Drawn, truth: Sample, weights: LossWeights) -> dict[str, Tensor]:
    """Return every term, already weighted, and their sum under "total"."""
    alpha = lean_clamp(drawn.alpha)
    beyond = truth.alpha + MARGIN * ((truth.alpha >= 1).float() - (truth.alpha <= 0).float())
    # An alpha that is past the margin on the right side is right: it clamps to the truth.
    asked = torch.where(truth.alpha >= 1, torch.maximum(beyond, drawn.alpha), beyond)
    asked = torch.where(truth.alpha <= 0, torch.minimum(beyond, drawn.alpha), asked).detach()
    terms = {
        "alpha": weights.alpha * (drawn.alpha - asked).abs().mean(),
        "coarse": weights.coarse * (lean_clamp(drawn.coarse) - truth.alpha).abs().mean(),
        "laplacian": weights.laplacian * laplacian_l1(alpha, truth.alpha),
        "gradient": weights.gradient * gradient_l1(alpha, truth.alpha),
        "foreground": weights.foreground * foreground_l1(drawn, truth),
        "composition": weights.composition * composition_l1(drawn, truth),
        "error": weights.error * error_divergence(drawn, truth),
    }
    terms["total"] = torch.stack(list(terms.values())).sum()
    return terms


def lean_clamp(alpha: Tensor) -> Tensor:
    """Return alpha clamped to 0..1 that still leans back when it is outside."""
    clamped = alpha.clamp(0, 1)
    return clamped + 0.05 * (alpha - clamped)


def gradient_l1(alpha: Tensor, truth: Tensor) -> Tensor:
    """Return the mean absolute difference of the horizontal and vertical differences."""
    change = alpha - truth
    across = (change[..., :, 1:] - change[..., :, :-1]).abs().mean()
    down = (change[..., 1:, :] - change[..., :-1, :]).abs().mean()
    return across + down


def laplacian_l1(alpha: Tensor, truth: Tensor, levels: int = 5) -> Tensor:
    """Return the L1 of a Laplacian pyramid of the error, each level weighted by 2^level."""
    change = alpha - truth
    total = change.new_zeros(())
    for level in range(levels):
        smaller = functional.avg_pool2d(change, 2)
        up = functional.interpolate(smaller, scale_factor=2, mode="bilinear")
        total = total + (change - up).abs().mean() * 2**level
        change = smaller
    return (total + change.abs().mean() * 2**levels) / 2**levels


def foreground_l1(drawn: Drawn, truth: Sample) -> Tensor:
    """Return the colour error in the encoded view, where there is a foreground to see."""
    # Where alpha is next to nothing, colour is still what a softer matte would bring out.
    there = (truth.alpha > 0.001).float()
    difference = (encode_view(drawn.foreground) - encode_view(truth.foreground)).abs()
    return (difference * there).sum() / (3 * there.sum() + 1e3)


def composition_l1(drawn: Drawn, truth: Sample) -> Tensor:
    """Return how far foreground over set is from the truth, in linear light.

    Relative to how bright both are, so that a lamp does not outweigh a face.
    """
    alpha = lean_clamp(drawn.alpha)
    made = alpha * drawn.foreground + (1 - alpha) * truth.set
    real = truth.alpha * truth.foreground + (1 - truth.alpha) * truth.set
    scale = 0.1 + torch.maximum(truth.foreground, truth.set).amax(1, keepdim=True).clamp_min(0)
    return ((made - real).abs() / scale).mean()


def error_divergence(drawn: Drawn, truth: Sample) -> Tensor:
    """Return how far the expected error is from the error made (Itakura and Saito 1968)."""
    made = (drawn.alpha.clamp(0, 1) - truth.alpha).abs().detach() + ERROR_FLOOR
    ratio = made / (drawn.error + ERROR_FLOOR)
    # Beyond a factor of 20 it grows as the logarithm: one lost hair must not outweigh a frame.
    near = ratio.clamp_max(20)
    far = 20 * (1 + torch.log(ratio / near))
    return (torch.where(ratio > 20, far, ratio) - torch.log(ratio) - 1).mean()

"""The fine half of the network: alpha at full resolution, by physics where the pixels allow it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn

from . import evidence
from .blocks import convolve, is_recorded

Tensor = torch.Tensor

_STRIP_PX = 1 << 17
"""As many pixels as the cache of a core holds what is summed of."""


def project_alpha(plate: Tensor, clean: Tensor, foreground: Tensor) -> Tensor:
    """Return the alpha that explains the plate best between clean plate and foreground.

    The least-squares solution of plate = alpha F + (1 - alpha) B along the line from B to F,
    ((I - B) . (F - B)) / |F - B|^2, in linear light, kept within 0..1. plate, clean, foreground:
    N x 3 x H x W, scene-linear. Where F and B are the same colour it tends to 0: the denominator
    carries a floor in proportion to how bright they are.
    """
    if plate.device.type != "cpu" or is_recorded():
        return _project(plate, clean, foreground)
    projected = torch.empty_like(plate[:, :1], memory_format=torch.contiguous_format)
    rows = max(1, _STRIP_PX // plate[:, 0, :1].numel())
    for start in range(0, plate.shape[2], rows):
        part = slice(start, start + rows)
        images = (image[:, :, part] for image in (plate, clean, foreground))
        projected[:, :, part] = _project(*images)
    return projected


def _project(plate: Tensor, clean: Tensor, foreground: Tensor) -> Tensor:
    along, length, light = (torch.zeros_like(plate[:, :1]) for _ in range(3))
    channels = (image.split(1, 1) for image in (plate, clean, foreground))
    # A channel at a time: images of three channels in between would cost more than the sums do.
    for seen, behind, front in zip(*channels, strict=True):
        line = front - behind
        along.addcmul_(seen - behind, line)
        length.addcmul_(line, line)
        light.add_(front).add_(behind)
    floor = light.abs_().mul_(0.02 / 3).add_(5e-4).square_()
    return along.div_(length.add_(floor)).clamp_(0.0, 1.0)


class Refine(nn.Module):
    """Decides at each pixel between the coarse alpha and the projection alpha.

    Works at half resolution with four times the channels, which sees farther for the same cost
    as thin layers at full resolution; its outputs are shuffled back to full resolution.
    """

    def __init__(self, channels: int, with_evidence: bool = False) -> None:
        """Take the width of the layers, and whether `evidence` is to be shown."""
        super().__init__()
        self.difference = nn.Conv2d(3, channels, 4, stride=2, padding=1)
        self.alphas = nn.Conv2d(3, channels, 4, stride=2, padding=1, bias=False)
        self.evidence = None
        if with_evidence:
            self.evidence = nn.Conv2d(evidence.CHANNELS, channels, 4, 2, padding=1, bias=False)
            # Weights from before this cue go on as they were.
            nn.init.zeros_(self.evidence.weight)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.heads = nn.Conv2d(channels, 3 * 4, 3, padding=1)

    def forward(
        self,
        difference: Tensor,
        alphas: Sequence[Tensor],
        packed: Tensor,
        detail: Tensor,
        shown: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return alpha before clamping and the expected absolute error; N x 1 x H x W each.

        difference: plate minus clean in the encoded view, N x 3. alphas: coarse alpha, projection
        alpha and distance of F from B, N x 1 each. packed: the same, N x 3, channels together in
        memory. detail: N x channels x H/2 x W/2, used up. shown: what
        `evidence.weigh` returns; None tells nothing.
        """
        features = convolve(self.difference, difference, onto=detail)
        if self.evidence is not None and shown is not None:
            features = convolve(self.evidence, shown, onto=features)
        features = convolve(self.alphas, packed, onto=features, rectify=True)
        features = convolve(self.second, features, rectify=True)
        # What the heads say in bfloat16 only weighs and corrects two alphas that are float32.
        heads = shuffle2(self.heads(features)).float()
        weight, change, doubt = heads.split(1, 1)
        coarse, projected, _ = alphas
        # Not in place: who follows a trace could not tell the sum from what it is a sum of.
        alpha = torch.lerp(coarse, projected, torch.sigmoid(weight)) + change
        return alpha, expected_error(doubt)


def expected_error(doubt: Tensor) -> Tensor:
    """Return the absolute error of alpha that is to be expected, from a head's unbounded answer.

    Exponential, because errors differ by orders of magnitude: 0 means 1/100, and the answer stays
    within 1/12000 and 1.2.
    """
    # The same with a sigmoid in the place of tanh, which takes twice as long.
    return torch.sigmoid(doubt * (2 / 1.2)).mul(9.6).sub_(4.8 - math.log(0.01)).exp_()


def shuffle2(features: Tensor) -> Tensor:
    """Return what `pixel_shuffle` by 2 returns; channels last on a CPU in a fifth of the time."""
    count, channels, height, width = features.shape
    packed = features.permute(0, 2, 3, 1)
    is_packed = packed.stride()[1:] == (width * channels, channels, 1)
    pairs = {4: torch.float64, 2: torch.float32}.get(features.element_size())
    if pairs is None or features.requires_grad or torch.jit.is_tracing() or not is_packed:
        blocks = packed.unflatten(3, (channels // 4, 2, 2)).permute(0, 3, 1, 4, 2, 5)
        return blocks.reshape(count, channels // 4, 2 * height, 2 * width)
    # The two pixels that come to lie side by side do so already: both move as one number.
    halves = packed.view(pairs).unflatten(3, (channels // 4, 2)).permute(0, 3, 1, 4, 2)
    moved = halves.reshape(count, channels // 4, 2 * height, width)
    return moved.view(features.dtype)


def draw_foreground(plate: Tensor, heads: Tensor, guess: Tensor | None) -> Tensor:
    """Return the foreground's straight colour in the encoded view, N x 3 x H x W.

    plate: N x 3, encoded, of the coarse size. heads: alpha (1), residual of colour (3) and, where
    there is a guess (N x 3), how far to lean to it (1). The colour of a foreground varies slowly
    beside its alpha, so it is drawn coarse and upsampled.
    """
    colour = plate + heads[:, 1:4]
    if guess is not None:
        colour = torch.addcmul(colour, heads[:, 4:5], guess - plate)
    return colour.clamp_(0.0, 1.2)

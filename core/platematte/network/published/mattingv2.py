"""BackgroundMattingV2: Lin et al., "Real-Time High-Resolution Background Matting", CVPR 2021.

A backbone sees plate and clean plate small and draws a coarse alpha, the residual of the
foreground and the error it expects; a refiner looks again at patches that err most. Module names
are those of the published state dicts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

from .aspp import OUT_CHANNELS, Pyramid
from .backbones import IN_CHANNELS, Channels, MobileNetV2, ResNet
from .patches import HIDDEN, PatchRefiner, RefineSettings

Tensor = torch.Tensor

BACKBONES: dict[str, Callable[[], ResNet | MobileNetV2]] = {
    "resnet50": lambda: ResNet((3, 4, 6, 3)),
    "resnet101": lambda: ResNet((3, 4, 23, 3)),
    "mobilenetv2": MobileNetV2,
}


class BaseDrawn(NamedTuple):
    """The coarse answer, N x C x h x w in encoded sRGB 0..1: alpha, foreground, error, hidden.

    alpha and error: 1 channel in 0..1. foreground: 3, straight. hidden: 32 features, not negative.
    """

    alpha: Tensor
    foreground: Tensor
    error: Tensor
    hidden: Tensor


class RefineDrawn(NamedTuple):
    """The answer at full resolution with the coarse one beside it; encoded sRGB 0..1.

    refined: N x 1 x H/4 x W/4, 1 where the refiner replaced a patch.
    """

    alpha: Tensor
    foreground: Tensor
    coarse_alpha: Tensor
    coarse_foreground: Tensor
    coarse_error: Tensor
    refined: Tensor


class Decoder(nn.Module):
    """Features at 1/16 to 37 maps at the backbone's own resolution, by way of the skips."""

    MAPS = 1 + 3 + 1 + HIDDEN

    def __init__(self, skips: Channels) -> None:
        """Take the channels of the backbone's skips."""
        super().__init__()
        self.conv1 = nn.Conv2d(OUT_CHANNELS + skips.eighth, 128, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(128)
        self.conv2 = nn.Conv2d(128 + skips.quarter, 64, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.conv3 = nn.Conv2d(64 + skips.half, 48, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(48)
        self.conv4 = nn.Conv2d(48 + IN_CHANNELS, self.MAPS, 3, padding=1)

    def forward(
        self, end: Tensor, eighth: Tensor, quarter: Tensor, half: Tensor, pair: Tensor
    ) -> Tensor:
        """Return the maps: alpha, residual of the foreground, error and hidden features."""
        features = torch.relu_(self.bn1(self.conv1(_join(end, eighth))))
        features = torch.relu_(self.bn2(self.conv2(_join(features, quarter))))
        features = torch.relu_(self.bn3(self.conv3(_join(features, half))))
        return self.conv4(_join(features, pair))


class Coarse(nn.Module):
    """Backbone, surroundings and decoder: what both networks have in common."""

    def __init__(self, backbone: str) -> None:
        """Take one of BACKBONES; the layers after it begin as torch initialises them."""
        super().__init__()
        self.backbone = BACKBONES[backbone]()
        self.aspp = Pyramid(self.backbone.CHANNELS.sixteenth)
        self.decoder = Decoder(self.backbone.CHANNELS)

    def draw_maps(self, pair: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return alpha, foreground residual, error and hidden features of N x 6 x h x w."""
        end, *skips = self.backbone(pair)
        maps = self.decoder(self.aspp(end), *skips, pair)
        alpha, residual, error, hidden = maps.split((1, 3, 1, HIDDEN), 1)
        return alpha.clamp(0, 1), residual, error.clamp(0, 1), torch.relu(hidden)


class MattingBase(Coarse):
    """The coarse network alone; it answers at the resolution that it is shown."""

    ALIGN_PX = 4
    """Height and width are padded to multiples of this, as published."""

    def forward(self, plate: Tensor, clean: Tensor) -> BaseDrawn:
        """Return the coarse answer. plate, clean: N x 3 x h x w, encoded sRGB 0..1."""
        alpha, residual, error, hidden = self.draw_maps(torch.cat([plate, clean], 1))
        return BaseDrawn(alpha, (residual + plate).clamp(0, 1), error, hidden)


class MattingRefine(Coarse):
    """The whole of BackgroundMattingV2: coarse at a part of the resolution, then refined."""

    ALIGN_PX = 4
    """Height and width must be multiples of this."""

    def __init__(
        self, backbone: str, scale: float = 0.25, refine: RefineSettings | None = None
    ) -> None:
        """Take one of BACKBONES and the scale it works at, at most 1/2: 1/4 for HD, 1/8 for 4K."""
        super().__init__(backbone)
        self.scale = scale
        self.refiner = PatchRefiner(refine or RefineSettings())

    def forward(self, plate: Tensor, clean: Tensor) -> RefineDrawn:
        """Return the answer. plate, clean: N x 3 x H x W, encoded sRGB 0..1."""
        pair = torch.cat([plate, clean], 1)
        size = int(pair.shape[2] * self.scale), int(pair.shape[3] * self.scale)
        small = nn.functional.interpolate(pair, size, mode="bilinear", align_corners=False)
        alpha, residual, error, hidden = self.draw_maps(small)
        coarse = torch.cat([hidden, alpha, residual], 1)
        drawn, refined = self.refiner(pair, coarse, error)
        return RefineDrawn(
            alpha=drawn[:, :1].clamp(0, 1),
            foreground=(drawn[:, 1:] + plate).clamp(0, 1),
            coarse_alpha=alpha,
            coarse_foreground=(residual + small[:, :3]).clamp(0, 1),
            coarse_error=error,
            refined=refined,
        )


def _join(features: Tensor, skip: Tensor) -> Tensor:
    resized = nn.functional.interpolate(
        features, skip.shape[2:], mode="bilinear", align_corners=False
    )
    return torch.cat([resized, skip], 1)

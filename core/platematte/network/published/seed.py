"""The seed's network: Sengupta et al., "Background Matting: The World is Your Green Screen", 2020.

Module names and indices are those of the published state dict (322 entries), whose `module.`
prefix is left to the importer. Kept as published: the selector of the motion cue is shown plate
and clean plate once more, so that motion has no influence on any output.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import nn

Tensor = torch.Tensor

MOTION_FRAMES = 4
SHARED_BLOCKS, BRANCH_BLOCKS = 7, 3
_STEM, _HALF, _QUARTER, _CHOSEN = 64, 128, 256, 64


class SeedDrawn(NamedTuple):
    """What the seed's network answers; both in the encoded view scaled to -1..1.

    alpha: N x 1 x H x W, after tanh. foreground: N x 3 x H x W, straight colour, not clamped.
    """

    alpha: Tensor
    foreground: Tensor


class SeedNetwork(nn.Module):
    """Plate, clean plate and soft segmentation to alpha and foreground, at one fixed cost."""

    ALIGN_PX = 4
    """Height and width must be multiples of this."""

    def __init__(self) -> None:
        """Build the published widths, initialised as published."""
        super().__init__()
        self.model_enc1 = nn.Sequential(*_to_half(3))
        self.model_enc2 = nn.Sequential(*_conv(_HALF, _QUARTER, stride=2))
        self.model_enc_back = _encoder(3)
        self.model_enc_seg = _encoder(1)
        self.model_enc_multi = _encoder(MOTION_FRAMES)
        self.comb_back, self.comb_seg, self.comb_multi = (
            nn.Sequential(*_conv(2 * _QUARTER, _CHOSEN, size=1, bias=False)) for _ in range(3)
        )
        trunk = _conv(_QUARTER + 3 * _CHOSEN, _QUARTER, size=1, bias=False)
        self.model_res_dec = nn.Sequential(*trunk, *_blocks(SHARED_BLOCKS))
        self.model_res_dec_al = nn.Sequential(*_blocks(BRANCH_BLOCKS))
        self.model_res_dec_fg = nn.Sequential(*_blocks(BRANCH_BLOCKS))
        self.model_al_out = nn.Sequential(*_up(_QUARTER, _HALF), *_up(_HALF, _STEM), *_head(1))
        self.model_al_out.append(nn.Tanh())
        self.model_dec_fg1 = nn.Sequential(*_up(_QUARTER, _HALF))
        self.model_fg_out = nn.Sequential(*_up(2 * _HALF, _STEM), *_head(3))
        self.apply(_initialise)

    def forward(
        self, plate: Tensor, clean: Tensor, segmentation: Tensor, motion: Tensor | None = None
    ) -> SeedDrawn:
        """Return alpha and foreground. All inputs: encoded sRGB scaled to -1..1, N x C x H x W.

        plate, clean: 3 channels; segmentation: 1, soft; motion: 4 grey frames beside this one.
        Motion is encoded when it is given, at the published cost, and then dropped as published;
        without it the result is the same and cheaper.
        """
        skip = self.model_enc1(plate)
        own = self.model_enc2(skip)
        back, marks = self.model_enc_back(clean), self.model_enc_seg(segmentation)
        if motion is not None:
            self.model_enc_multi(motion)
        beside_clean = torch.cat([own, back], 1)
        beside_marks = torch.cat([own, marks], 1)
        chosen = (
            self.comb_back(beside_clean),
            self.comb_seg(beside_marks),
            self.comb_multi(beside_clean),
        )
        shared = self.model_res_dec(torch.cat([own, *chosen], 1))
        alpha = self.model_al_out(self.model_res_dec_al(shared))
        colour = self.model_dec_fg1(self.model_res_dec_fg(shared))
        return SeedDrawn(alpha, self.model_fg_out(torch.cat([colour, skip], 1)))


class SeedBlock(nn.Module):
    """Two reflect-padded 3x3 convolutions beside the identity, with no ReLU after the sum."""

    def __init__(self, channels: int) -> None:
        """Take the channels, which stay."""
        super().__init__()
        first = [nn.ReflectionPad2d(1), *_conv(channels, channels, padding=0)]
        second = [nn.ReflectionPad2d(1), *_conv(channels, channels, padding=0)[:2]]
        self.conv_block = nn.Sequential(*first, *second)

    def forward(self, features: Tensor) -> Tensor:
        """Return features plus a learned change of them."""
        return features + self.conv_block(features)


def _conv(
    channels: int, out: int, size: int = 3, stride: int = 1, padding: int = -1, bias: bool = True
) -> list[nn.Module]:
    """Return convolution, BatchNorm and ReLU; padding -1 keeps the size."""
    border = size // 2 if padding < 0 else padding
    layer = nn.Conv2d(channels, out, size, stride=stride, padding=border, bias=bias)
    return [layer, nn.BatchNorm2d(out), nn.ReLU(inplace=True)]


def _to_half(channels: int) -> list[nn.Module]:
    stem = [nn.ReflectionPad2d(3), *_conv(channels, _STEM, size=7, padding=0)]
    return [*stem, *_conv(_STEM, _HALF, stride=2)]


def _encoder(channels: int) -> nn.Sequential:
    return nn.Sequential(*_to_half(channels), *_conv(_HALF, _QUARTER, stride=2))


def _blocks(count: int) -> list[nn.Module]:
    return [SeedBlock(_QUARTER) for _ in range(count)]


def _up(channels: int, out: int) -> list[nn.Module]:
    return [nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), *_conv(channels, out)]


def _head(channels: int) -> list[nn.Module]:
    return [nn.ReflectionPad2d(3), nn.Conv2d(_STEM, channels, 7)]


def _initialise(module: nn.Module) -> None:
    """Initialise a layer as published: Xavier uniform with gain sqrt(2), BatchNorm N(1, 0.2)."""
    if isinstance(module, nn.Conv2d):
        nn.init.xavier_uniform_(module.weight, gain=math.sqrt(2))
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.2)
        nn.init.zeros_(module.bias)

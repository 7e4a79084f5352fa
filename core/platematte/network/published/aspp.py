"""Surroundings at several distances at once: the pyramid of Chen et al., DeepLabV3, 2017."""

from __future__ import annotations

import torch
from torch import nn

Tensor = torch.Tensor

OUT_CHANNELS = 256
RATES = (3, 6, 9)


class Pyramid(nn.Module):
    """A 1x1 convolution, three dilated ones and the mean of the frame, joined; for 1/16."""

    def __init__(self, channels: int) -> None:
        """Take the channels of the backbone's end; OUT_CHANNELS come out."""
        super().__init__()
        wide = [_branch(nn.Conv2d(channels, OUT_CHANNELS, 1, bias=False))]
        wide += [_branch(_dilated(channels, rate)) for rate in RATES]
        mean = nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, OUT_CHANNELS, 1, bias=False)
        self.convs = nn.ModuleList([*wide, _branch(*mean)])
        join = nn.Conv2d(len(self.convs) * OUT_CHANNELS, OUT_CHANNELS, 1, bias=False)
        self.project = _branch(join).append(nn.Dropout(0.5))

    def forward(self, features: Tensor) -> Tensor:
        """Return features that know their surroundings, at the same size."""
        *near, mean = (branch(features) for branch in self.convs)
        mean = mean.expand(-1, -1, features.shape[2], features.shape[3])
        return self.project(torch.cat([*near, mean], 1))


def _branch(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*layers, nn.BatchNorm2d(OUT_CHANNELS), nn.ReLU(inplace=True))


def _dilated(channels: int, rate: int) -> nn.Conv2d:
    return nn.Conv2d(channels, OUT_CHANNELS, 3, padding=rate, dilation=rate, bias=False)

"""The backbones of BackgroundMattingV2: ResNet (He et al. 2015) and MobileNetV2 (Sandler 2018).

Both are shown six channels, plate and clean plate, and stop at 1/16: where a classifier would go
on to 1/32, the last stage is dilated instead (Chen et al., DeepLabV3, 2017). Module names and
indices are those of the published state dicts.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

Tensor = torch.Tensor

IN_CHANNELS = 6
"""Plate and clean plate, RGB each."""


@dataclass(frozen=True)
class Channels:
    """What a backbone puts out: channels of its skips at 1/8, 1/4 and 1/2, and of its end."""

    eighth: int
    quarter: int
    half: int
    sixteenth: int


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions beside the identity; the stride is on the 3x3."""

    EXPANSION = 4

    def __init__(self, channels: int, width: int, stride: int, dilation: int) -> None:
        """Take the channels that come in; four times the width comes out."""
        super().__init__()
        out = width * self.EXPANSION
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(
            width, width, 3, stride=stride, padding=dilation, dilation=dilation, bias=False
        )
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or channels != out:
            shortcut = nn.Conv2d(channels, out, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(out))

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the next block."""
        beside = features if self.downsample is None else self.downsample(features)
        change = self.relu(self.bn1(self.conv1(features)))
        change = self.relu(self.bn2(self.conv2(change)))
        return self.relu(self.bn3(self.conv3(change)) + beside)


class ResNet(nn.Module):
    """ResNet50 or 101 without its classifier."""

    CHANNELS = Channels(eighth=512, quarter=256, half=64, sixteenth=2048)

    def __init__(self, blocks: tuple[int, int, int, int]) -> None:
        """Take the number of blocks of each stage: (3, 4, 6, 3) or (3, 4, 23, 3)."""
        super().__init__()
        self.conv1 = nn.Conv2d(IN_CHANNELS, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = _stage(64, 64, blocks[0], stride=1)
        self.layer2 = _stage(256, 128, blocks[1], stride=2)
        self.layer3 = _stage(512, 256, blocks[2], stride=2)
        # As DeepLabV3 dilates it: the block that would have strided keeps dilation 1.
        self.layer4 = _stage(1024, 512, blocks[3], stride=1, dilation=2)
        self.apply(_initialise)

    def forward(self, pair: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the end at 1/16 and the skips at 1/8, 1/4 and 1/2 of N x 6 x H x W."""
        half = self.relu(self.bn1(self.conv1(pair)))
        quarter = self.layer1(self.maxpool(half))
        eighth = self.layer2(quarter)
        return self.layer4(self.layer3(eighth)), eighth, quarter, half


def _stage(channels: int, width: int, count: int, stride: int, dilation: int = 1) -> nn.Sequential:
    first = Bottleneck(channels, width, stride, dilation=1)
    out = width * Bottleneck.EXPANSION
    rest = (Bottleneck(out, width, 1, dilation) for _ in range(count - 1))
    return nn.Sequential(first, *rest)


class InvertedResidual(nn.Module):
    """Widen by 1x1, filter each channel by 3x3, narrow by 1x1 without a nonlinearity."""

    def __init__(self, channels: int, out: int, stride: int, widening: int, dilation: int) -> None:
        """Take channels in and out; a block that changes neither size nor channels is residual."""
        super().__init__()
        wide = channels * widening
        layers = [] if widening == 1 else [_filter(channels, wide, size=1)]
        layers.append(_filter(wide, wide, stride=stride, dilation=dilation, groups=wide))
        narrow = nn.Conv2d(wide, out, 1, bias=False)
        self.conv = nn.Sequential(*layers, narrow, nn.BatchNorm2d(out))
        self.is_residual = stride == 1 and channels == out

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the next block."""
        change = self.conv(features)
        return features + change if self.is_residual else change


def _filter(
    channels: int, out: int, size: int = 3, stride: int = 1, dilation: int = 1, groups: int = 1
) -> nn.Sequential:
    layer = nn.Conv2d(
        channels, out, size, stride, dilation * (size // 2), dilation, groups, bias=False
    )
    return nn.Sequential(layer, nn.BatchNorm2d(out), nn.ReLU6(inplace=True))


class MobileNetV2(nn.Module):
    """MobileNetV2's layers 0 to 17, with the last stride taken out and dilation put in."""

    CHANNELS = Channels(eighth=32, quarter=24, half=16, sixteenth=320)
    # Widening, channels, count, stride and dilation (Sandler et al. 2018, table 2). The sixth
    # row's stride was 2; only the blocks after the one that had it are dilated.
    ROWS = (
        (1, 16, 1, 1, 1),
        (6, 24, 2, 2, 1),
        (6, 32, 3, 2, 1),
        (6, 64, 4, 2, 1),
        (6, 96, 3, 1, 1),
        (6, 160, 1, 1, 1),
        (6, 160, 2, 1, 2),
        (6, 320, 1, 1, 2),
    )

    def __init__(self) -> None:
        """Build the published widths."""
        super().__init__()
        layers: list[nn.Module] = [_filter(IN_CHANNELS, 32, stride=2)]
        channels = 32
        for widening, out, count, stride, dilation in self.ROWS:
            for index in range(count):
                step = stride if index == 0 else 1
                layers.append(InvertedResidual(channels, out, step, widening, dilation))
                channels = out
        self.features = nn.Sequential(*layers)
        self.apply(_initialise)

    def forward(self, pair: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the end at 1/16 and the skips at 1/8, 1/4 and 1/2 of N x 6 x H x W."""
        half = self.features[:2](pair)
        quarter = self.features[2:4](half)
        eighth = self.features[4:7](quarter)
        return self.features[7:](eighth), eighth, quarter, half


def _initialise(module: nn.Module) -> None:
    """Initialise a convolution by He et al. 2015, for its output; BatchNorm stays at 1 and 0."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

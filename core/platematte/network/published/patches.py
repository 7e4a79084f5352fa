"""BackgroundMattingV2's refiner: 4x4 patches of the frame where the coarse answer errs most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

Tensor = torch.Tensor
Places = tuple[Tensor, Tensor, Tensor]
"""Indices of patches: in the batch, of the row and of the column on the 1/4 grid."""

HIDDEN = 32
PATCH_PX = 4


@dataclass(frozen=True)
class RefineSettings:
    """Where the refiner runs."""

    mode: Literal["sampling", "thresholding", "full"] = "sampling"
    """The patches that err most, those that err more than the threshold, or everywhere."""
    sample_pixels: int = 80_000
    """Pixels that sampling refines in a frame: 80 000 at HD, 320 000 at 4K, as published."""
    threshold: float = 0.1
    skips_certain: bool = True
    """Whether sampling leaves out patches without any expected error; off, its cost is fixed."""


class PatchRefiner(nn.Module):
    """Two 3x3 convolutions at half resolution and two at full, on patches or everywhere.

    None of them pads: patches are cut with their surroundings, zero outside of the frame, so that
    each comes out as it would of the frame as a whole.
    """

    def __init__(self, settings: RefineSettings) -> None:
        """Take where it runs; the settings may be replaced later."""
        super().__init__()
        self.settings = settings
        self.conv1 = nn.Conv2d(HIDDEN + 1 + 3 + 6, 24, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(24)
        self.conv2 = nn.Conv2d(24, 16, 3, bias=False)
        self.bn2 = nn.BatchNorm2d(16)
        self.conv3 = nn.Conv2d(16 + 6, 12, 3, bias=False)
        self.bn3 = nn.BatchNorm2d(12)
        self.conv4 = nn.Conv2d(12, 4, 3)

    def forward(self, pair: Tensor, coarse: Tensor, error: Tensor) -> tuple[Tensor, Tensor]:
        """Return alpha and residual, N x 4 x H x W, and which patches were refined.

        pair: plate and clean plate, N x 6 x H x W, H and W multiples of 4. coarse: hidden
        features, alpha and residual, N x 36 x h x w. error: N x 1 x h x w. The second result is
        N x 1 x H/4 x W/4, 1 where a patch was refined.
        """
        grid = pair.shape[2] // PATCH_PX, pair.shape[3] // PATCH_PX
        if self.settings.mode == "full":
            return self._refine_all(pair, coarse), error.new_ones(error.shape[0], 1, *grid)
        chosen = self._choose(_resize(error, grid))
        drawn = _resize(coarse[:, HIDDEN:], pair.shape[2:])
        batch, _, row, column = chosen.nonzero(as_tuple=True)
        if batch.numel():
            places = (batch, row, column)
            replace_patches(drawn, self._refine_patches(pair, coarse, places), places)
        return drawn, chosen.to(error.dtype)

    def _choose(self, error: Tensor) -> Tensor:
        if self.settings.mode == "thresholding":
            return error > self.settings.threshold
        flat = error.flatten(1)
        count = min(self.settings.sample_pixels // PATCH_PX**2, flat.shape[1])
        worst = flat.topk(count, 1, sorted=False).indices
        chosen = torch.zeros_like(flat, dtype=torch.bool).scatter_(1, worst, True)
        if self.settings.skips_certain:
            chosen &= flat > 0
        return chosen.view_as(error)

    def _refine_patches(self, pair: Tensor, coarse: Tensor, places: Places) -> Tensor:
        half = [cut_patches(part, places, 2, 3) for part in self._at_half(pair, coarse)]
        return self._convolve(torch.cat(half, 1), cut_patches(pair, places, PATCH_PX, 2))

    def _refine_all(self, pair: Tensor, coarse: Tensor) -> Tensor:
        half = nn.functional.pad(torch.cat(self._at_half(pair, coarse), 1), (3, 3, 3, 3))
        return self._convolve(half, nn.functional.pad(pair, (2, 2, 2, 2)))

    def _at_half(self, pair: Tensor, coarse: Tensor) -> list[Tensor]:
        size = pair.shape[2] // 2, pair.shape[3] // 2
        return [_resize(part, size) for part in (coarse, pair)]

    def _convolve(self, half: Tensor, full: Tensor) -> Tensor:
        features = torch.relu_(self.bn1(self.conv1(half)))
        features = torch.relu_(self.bn2(self.conv2(features)))
        features = nn.functional.interpolate(features, full.shape[2:], mode="nearest")
        features = torch.cat([features, full], 1)
        return self.conv4(torch.relu_(self.bn3(self.conv3(features))))


def cut_patches(image: Tensor, places: Places, size: int, border: int) -> Tensor:
    """Return patches with a border around each, zero outside of the image; P x C x side x side."""
    padded = nn.functional.pad(image, (border,) * 4)
    side = size + 2 * border
    windows = padded.unfold(2, side, size).unfold(3, side, size)
    return windows.permute(0, 2, 3, 1, 4, 5)[places]


def replace_patches(image: Tensor, patches: Tensor, places: Places) -> None:
    """Put P x C x 4 x 4 patches into an N x C x H x W image, in place."""
    rows, columns = image.shape[2] // PATCH_PX, image.shape[3] // PATCH_PX
    grid = image.unflatten(3, (columns, PATCH_PX)).unflatten(2, (rows, PATCH_PX))
    grid.permute(0, 2, 4, 1, 3, 5)[places] = patches.to(image.dtype)


def _resize(image: Tensor, size: tuple[int, ...]) -> Tensor:
    return nn.functional.interpolate(image, size, mode="bilinear", align_corners=False)

"""The licensed images that training composites from, as byte tensors at a few sizes.

Every tenth file of each kind is kept away from training, for the held-out set; so is the lemur,
the one foreground with real fur. Without the images the generator is procedural alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

Tensor = torch.Tensor

log = logging.getLogger(__name__)

SPRITE_SIDE_PX = 640
BACKGROUND_SIDE_PX = 640
_HELD_OUT = "lemur"
_GREY_SHAPES = "kenney_particles"


@dataclass(frozen=True)
class Bank:
    """Images to composite from. sprites: (4 x H x W) byte tensors, RGB straight and alpha, sRGB.

    Each entry is a pyramid: the image at full, half and quarter size. backgrounds: 3 x H x W.
    particles are sprites without colour of their own: smoke, sparks, flames.
    """

    sprites: list[list[Tensor]]
    particles: list[list[Tensor]]
    backgrounds: list[list[Tensor]]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing but procedure to train from."""
        return not self.backgrounds


def load_bank(data: Path | None, held_out: bool = False) -> Bank:
    """Return the images under `data` (layout of shared/data), the training or held-out part."""
    if data is None or not data.is_dir():
        return Bank([], [], [])
    foregrounds = sorted((data / "foreground").rglob("*.webp"))
    backgrounds = sorted((data / "background").rglob("*.webp"))
    sprites: list[list[Tensor]] = []
    particles: list[list[Tensor]] = []
    for path in _part(foregrounds, held_out):
        pyramid = _read_pyramid(path, 4, SPRITE_SIDE_PX)
        if pyramid:
            (particles if _GREY_SHAPES in str(path) else sprites).append(pyramid)
    sets = [_read_pyramid(path, 3, BACKGROUND_SIDE_PX) for path in _part(backgrounds, held_out)]
    log.info("%d sprites, %d particles, %d backgrounds", len(sprites), len(particles), len(sets))
    return Bank(sprites, particles, [pyramid for pyramid in sets if pyramid])


def _part(paths: Iterable[Path], held_out: bool) -> list[Path]:
    chosen = []
    for index, path in enumerate(paths):
        is_held_out = index % 10 == 7 or _HELD_OUT in path.name
        if is_held_out == held_out:
            chosen.append(path)
    return chosen


def _read_pyramid(path: Path, channels: int, side_px: int) -> list[Tensor]:
    """Return the image at full, half and quarter size, or nothing if it has not the channels."""
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.ndim != 3 or pixels.shape[2] < channels:
        return []
    pixels = pixels[:, :, [2, 1, 0, 3][:channels]].astype(np.float32)
    if channels == 4:
        pixels[:, :, :3] *= pixels[:, :, 3:] / 255.0
    scale = min(1.0, side_px / max(pixels.shape[:2]))
    pyramid = []
    for level in range(3):
        size = [max(8, round(n * scale / 2**level)) for n in (pixels.shape[1], pixels.shape[0])]
        smaller = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        # Colour is kept premultiplied: straight colour would bring in what lies beyond the edge.
        pyramid.append(torch.from_numpy(smaller.round().astype(np.uint8)).permute(2, 0, 1))
    return [level.contiguous() for level in pyramid]

"""The licensed images that training composites from, packed at a few sizes.

The images named in `held_out.txt`, a tenth of each kind, are kept away from training, and so is
the lemur, the one foreground with real fur. The list is of names, so that images which are added
later move none from one side to the other. Without images the generator is procedural alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from .atlas import Atlas, pack

log = logging.getLogger(__name__)

SIDE_PX = 640
_HELD_OUT = Path(__file__).with_name("held_out.txt")
_GREY_SHAPES = "kenney_particles"


@dataclass(frozen=True)
class Bank:
    """Images to composite from.

    sprites: sRGB, premultiplied by alpha as it stands in the file. particles: sprites without
    colour of their own: smoke, sparks, flames. backgrounds: sRGB, opaque. panoramas: opaque and
    scene-linear, with lamps and skies as bright as they are.
    """

    sprites: Atlas
    particles: Atlas
    backgrounds: Atlas
    panoramas: Atlas

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing but procedure to train from."""
        return not len(self.backgrounds)

    def to(self, device: torch.device) -> Bank:
        """Return the same images on a device."""
        parts = (self.sprites, self.particles, self.backgrounds, self.panoramas)
        return Bank(*(part.to(device) for part in parts))


def empty_bank() -> Bank:
    """Return a bank without images."""
    return Bank(pack([]), pack([]), pack([]), pack([], is_linear=True))


def load_bank(data: Path | None, held_out: bool = False) -> Bank:
    """Return the images under `data` (layout of shared/data), the training or held-out part."""
    if data is None or not data.is_dir():
        return empty_bank()
    names = set(_HELD_OUT.read_text(encoding="utf-8").split())

    def part(folder: str, kind: str) -> list[Path]:
        paths = sorted((data / folder).rglob(kind))
        return [p for p in paths if (p.relative_to(data).as_posix() in names) == held_out]

    foregrounds = part("foreground", "*.webp")
    particles = [path for path in foregrounds if _GREY_SHAPES in path.as_posix()]
    sprites = [path for path in foregrounds if path not in particles]
    bank = Bank(
        pack(_read(sprites, channels=4)),
        pack(_read(particles, channels=4)),
        pack(_read(part("background", "*.webp"), channels=3)),
        # The few panoramas are for training alone.
        pack(_read([] if held_out else part("hdri", "*.hdr"), channels=3), is_linear=True),
    )
    sizes = (len(bank.sprites), len(bank.particles), len(bank.backgrounds), len(bank.panoramas))
    log.info("%d sprites, %d particles, %d backgrounds, %d panoramas", *sizes)
    return bank


def _read(paths: Iterable[Path], channels: int) -> list[np.ndarray]:
    """Return the readable images that have the channels, as H x W x 4 of at most SIDE_PX."""
    images = []
    for path in paths:
        pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if pixels is None or pixels.ndim != 3 or pixels.shape[2] < channels:
            continue
        alpha = pixels[:, :, 3:] if channels == 4 else np.full_like(pixels[:, :, :1], 255)
        colour = pixels[:, :, 2::-1].astype(np.float32)
        # Colour is kept premultiplied: straight colour would bring in what lies beyond the edge.
        whole = np.concatenate([colour * (alpha / 255.0 if channels == 4 else 1), alpha], 2)
        scale = min(1.0, SIDE_PX / max(whole.shape[:2]))
        size = [max(8, round(n * scale)) for n in (whole.shape[1], whole.shape[0])]
        smaller = cv2.resize(whole.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        is_byte = pixels.dtype == np.uint8
        images.append(smaller.round().clip(0, 255).astype(np.uint8) if is_byte else smaller)
    return images

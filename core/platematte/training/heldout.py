"""The held-out set: shots with a true alpha, from images and seeds that training never sees.

Its frames are composited by the rules of training, but its clean plates are what a hand-held
camera brings home before anything was aligned or matched: that part of the work is measured too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from .bank import Bank, load_bank
from .perturb import codec, grain, regrade, shadow, vignette, warp
from .synthesise import Synthesiser

Image = np.ndarray
Tensor = torch.Tensor

VERSION = 1
"""Counts up when the set changes; figures of different versions are not comparable."""
SIDE_PX = 512
_SEED = 77_000_000


@dataclass(frozen=True)
class HeldoutSample:
    """One frame of the set; H x W x C float32, scene-linear Rec.709.

    plate: 3. clean: 3, moved, of another exposure, with its own grain. alpha: 1 in 0..1.
    foreground: 3, straight, of the plate's exposure and with its grain: where alpha is 1 it is
    the plate, as a compositor needs it.
    """

    name: str
    plate: Image
    clean: Image
    alpha: Image
    foreground: Image


def load_heldout(shared_data: Path | None, count: int, first: int = 0) -> Iterator[HeldoutSample]:
    """Yield `count` frames from number `first` on; each depends on its number alone.

    shared_data: the folder of licensed images, of which every tenth file is kept for this set;
    None: procedural subjects before procedural sets only.
    """
    bank = load_bank(shared_data, held_out=True)
    for number in range(first, first + count):
        yield draw_heldout(bank, number)


def draw_heldout(bank: Bank, number: int) -> HeldoutSample:
    """Return one frame of the set."""
    synthesiser = Synthesiser(bank, _SEED + number, similar=0.1, least_zoom=0.85)
    dice = synthesiser.dice
    scene = synthesiser.scenes(1, SIDE_PX)
    is_sprite = bool(bank.sprites) and number % 4 != 3
    draw = synthesiser.sprites if is_sprite else synthesiser.drawn
    alpha, premult = draw(SIDE_PX, scene)
    alpha, premult = synthesiser.optics(alpha, premult)
    straight = torch.where(alpha > 1e-3, premult / alpha.clamp_min(1e-3), scene)
    exposure = 2.0 ** dice.number(-1.5, 1.0)
    plate = (premult + (1 - alpha) * scene * shadow(dice, alpha)) * exposure
    strength = torch.full((1, 1, 1, 1), math.exp(dice.number(math.log(0.004), math.log(0.04))))
    squeeze = torch.full((1, 1, 1, 1), dice.number(0.001, 0.012) * float(number % 3 == 0))
    exact, plate = plate, codec(grain(dice, plate, strength), squeeze)
    straight = straight * exposure + (plate - exact)
    clean = codec(
        grain(dice, _casual_clean(synthesiser, scene, number) * exposure, strength), squeeze
    )
    kind = "person or thing" if is_sprite else "drawn"
    images = (plate, clean, alpha, straight)
    arrays = [np.ascontiguousarray(image[0].permute(1, 2, 0).numpy()) for image in images]
    return HeldoutSample(f"{number:03d} {kind}", *arrays)


def _casual_clean(synthesiser: Synthesiser, scene: Tensor, number: int) -> Tensor:
    """Return the set as shot again: on sticks, nudged by a fraction of a pixel, or hand-held."""
    dice = synthesiser.dice
    reach_px = (0.0, 0.7, 12.0)[number % 3]
    dx, dy = (torch.full((1, 1, 1, 1), dice.number(-reach_px, reach_px)) for _ in range(2))
    turn = torch.full((1, 1, 1, 1), dice.number(-0.001, 0.001) * reach_px)
    grow = torch.full((1, 1, 1, 1), dice.number(-0.0005, 0.0005) * reach_px)
    moved = warp(scene, turn, grow, dx, dy) if reach_px else scene
    exposed = regrade(dice, moved, 0.08, 0.02, 0.01)
    return vignette(dice, exposed, 0.02)

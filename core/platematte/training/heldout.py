"""The held-out set: frames and clips with a true alpha, from images and seeds never trained on.

Its frames are composited by the rules of training, but its clean plates are what a camera brings
home before anything was aligned or matched: that part of the work is measured too. Each frame
exists at three levels; subject, set and grain are the same, and only the clean plate gets worse.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from .bank import Bank, load_bank
from .dice import Dice
from .faults import Faults, shoot, stage, wrong_area
from .motion import draw_path
from .perturb import codec, grain, streak_along, warp
from .sets import draw_sets
from .subjects import Cast, Subjects

Image = np.ndarray
Tensor = torch.Tensor

VERSION = 2
"""Counts up when the set changes; figures of different versions are not comparable."""
SIDE_PX = 512
LEVELS = ("ideal", "casual", "hard")
_SEED = 77_000_000
_CLIP_SEED = 78_000_000
_NEVER: dict[str, float] = {
    "shadow": 0, "bounce": 0, "reflection": 0, "props": 0, "lamps": 0, "moved": 0, "parallax": 0,
    "graded": 0, "vignette": 0, "rolling": 0, "soft": 0, "uncovered": 0,
}  # fmt: skip
_FAULTS = {
    # On sticks, locked exposure, no shadow on the set: what the authors of the seed ask for.
    "ideal": Faults(**_NEVER),
    # A minute later on the same sticks or from the hand, with the exposure left to the camera.
    "casual": Faults(
        **{
            **_NEVER, "shadow": 0.4, "shadow_depth": 0.25, "bounce": 0.3, "graded": 1.0,
            "gain": 0.08, "balance": 0.02, "gamma": 0.01, "vignette": 0.02,
        },
    ),
    # Everything at once: shadows, a prop, a lamp, parallax, focus, pulsing lamps, codec.
    "hard": Faults(
        shadow=0.7, shadow_depth=0.5, bounce=0.4, reflection=0.15, props=0.3, lamps=0.25, moved=0,
        parallax=0.35, parallax_px=1.5, graded=1.0, gain=0.14, balance=0.05, gamma=0.05,
        vignette=0.05, rolling=0.2, soft=0.3,
    ),
}  # fmt: skip
_REACH_PX = {"ideal": (0.0, 0.0, 0.0), "casual": (0.0, 0.7, 12.0), "hard": (0.7, 12.0, 30.0)}
"""How far the second shot is displaced, for every third frame another way."""


@dataclass(frozen=True)
class HeldoutSample:
    """One frame of the set; H x W x C float32, scene-linear Rec.709.

    plate: 3. clean: 3, moved, of another exposure, with its own grain. alpha: 1 in 0..1.
    foreground: 3, straight, of the plate's exposure and with its grain: where alpha is 1 it is
    the plate, as a compositor needs it. wrong: 1, boolean, where the set was changed between the
    two shots (shadow, prop, lamp), which no alignment or match can undo.
    """

    name: str
    plate: Image
    clean: Image
    alpha: Image
    foreground: Image
    wrong: Image


def load_heldout(
    shared_data: Path | None, level: str, count: int, first: int = 0
) -> Iterator[HeldoutSample]:
    """Yield `count` frames of a level from number `first` on; each depends on its number alone.

    shared_data: the folder of licensed images, of which a tenth is kept for this set; None:
    drawn subjects before made-up sets only. Raises ValueError for a level not in LEVELS.
    """
    if level not in LEVELS:
        raise ValueError(f"there is no level {level!r}; there are {', '.join(LEVELS)}")
    bank = load_bank(shared_data, held_out=True)
    for number in range(first, first + count):
        yield draw_heldout(bank, level, number)


def load_clips(
    shared_data: Path | None, count: int, first: int = 0, frames: int = 8
) -> Iterator[list[HeldoutSample]]:
    """Yield clips: a subject that moves and sways, a camera that is held or shakes a little.

    Their clean plates are of the level casual, and are not moved.
    """
    bank = load_bank(shared_data, held_out=True)
    for number in range(first, first + count):
        yield draw_clip(bank, number, frames)


def draw_heldout(bank: Bank, level: str, number: int) -> HeldoutSample:
    """Return one frame of the set."""
    scene, alpha, premult, dice = _subject(bank, _SEED + number, number)
    faults = Dice(_SEED + 500_000 + number)
    lit, empty = stage(faults, scene, alpha, _FAULTS[level])
    clean = _moved(faults, shoot(faults, empty, _FAULTS[level]), _REACH_PX[level][number % 3])
    shot = _Shot(dice, number)
    name = f"{number:03d} {level}"
    return shot.frame(name, alpha, premult, lit, clean, wrong_area(lit, empty, alpha))


def draw_clip(bank: Bank, number: int, frames: int) -> list[HeldoutSample]:
    """Return one clip of the set."""
    scene, alpha, premult, dice = _subject(bank, _CLIP_SEED + number, number)
    faults = Dice(_CLIP_SEED + 500_000 + number)
    lit, empty = stage(faults, scene, alpha, _FAULTS["casual"])
    clean = shoot(faults, empty, _FAULTS["casual"])
    shot = _Shot(dice, number)
    path = draw_path(dice, 1, SIDE_PX, frames, reach_px=(2.0, 8.0, 16.0)[number % 3])
    shake = draw_path(dice, 1, SIDE_PX, frames, reach_px=0.5 * (number % 2))
    samples = []
    for frame in range(frames):
        both = path.move(torch.cat([premult, alpha], 1), frame)
        dx, dy = path.speed_px(frame)
        both = streak_along(both, 0.5 * dx, 0.5 * dy)
        colour, here = both[:, :3], both[:, 3:].clamp(0, 1)
        behind = shake.move(lit, frame, "reflection") if number % 2 else lit
        wrong = wrong_area(lit, empty, here)
        name = f"clip {number:02d} {1001 + frame}"
        samples.append(shot.frame(name, here, colour, behind, clean, wrong))
    return samples


def _subject(bank: Bank, seed: int, number: int) -> tuple[Tensor, Tensor, Tensor, Dice]:
    """Return a set, a subject's alpha and premultiplied colour, and the dice to go on with."""
    dice = Dice(seed)
    scene = draw_sets(bank, dice, 1, SIDE_PX, least_zoom=0.85)
    subjects = Subjects(bank, dice, Cast(similar=0.1))
    # Three of four subjects are rendered people and things, one is drawn.
    rendered = float(number % 4 != 3)
    return scene, *subjects.optics(*subjects.thing(scene, rendered)), dice


class _Shot:
    """What both plates of one shot have in common: exposure, grain, codec."""

    def __init__(self, dice: Dice, number: int) -> None:
        self.dice = dice
        self.exposure = 2.0 ** dice.number(-1.5, 1.0)
        self.strength = torch.full(
            (1, 1, 1, 1), math.exp(dice.number(math.log(0.004), math.log(0.04)))
        )
        self.squeeze = torch.full((1, 1, 1, 1), dice.number(0.001, 0.012) * (number % 3 == 0))

    def frame(
        self, name: str, alpha: Tensor, premult: Tensor, lit: Tensor, clean: Tensor, wrong: Tensor
    ) -> HeldoutSample:
        exact = (premult + (1 - alpha) * lit) * self.exposure
        plate = codec(grain(self.dice, exact, self.strength), self.squeeze)
        straight = torch.where(alpha > 1e-3, premult / alpha.clamp_min(1e-3), lit)
        straight = straight * self.exposure + (plate - exact)
        own = codec(grain(self.dice, clean * self.exposure, self.strength), self.squeeze)
        images = (plate, own, alpha, straight, wrong)
        arrays = (np.ascontiguousarray(image[0].permute(1, 2, 0).numpy()) for image in images)
        return HeldoutSample(name, *arrays)


def _moved(dice: Dice, clean: Tensor, reach_px: float) -> Tensor:
    """Return the clean plate from where a camera stands that was nudged or is held in a hand."""
    if not reach_px:
        return clean
    dx, dy = (torch.full((1, 1, 1, 1), dice.number(-reach_px, reach_px)) for _ in range(2))
    turn = torch.full((1, 1, 1, 1), dice.number(-0.001, 0.001) * min(reach_px, 12))
    grow = torch.full((1, 1, 1, 1), dice.number(-0.0005, 0.0005) * min(reach_px, 12))
    return warp(clean, turn, grow, dx, dy)

"""Makes training samples: a subject over a set in linear light, and a flawed clean plate.

Runs batched on the device that trains. The same seed gives the same samples on the same device.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch.nn import functional

from ..network.encode import encode_view
from .bank import Bank
from .dice import Dice, noise
from .faults import CAREFUL, TRAINING, Faults, covered, glare, shoot, stage, wrong_area
from .glass import draw_glass, see_through
from .motion import draw_path
from .perturb import blur, codec, grain, streak_along
from .sets import MADE_UP, draw_sets
from .subjects import CAST, Cast, Subjects

Tensor = torch.Tensor

VERSION = 8
"""Counts up when samples change; figures of different versions are not comparable."""


@dataclass(frozen=True)
class Rules:
    """What a version of the generator draws."""

    faults: Faults = TRAINING
    cast: Cast = CAST
    clear: float = 0.0
    """The part of samples with a thing of glass or foil that bends the set behind it."""
    made_up: float = MADE_UP
    """The part of sets that no photograph shows: walls and cloths."""
    dark: float = 0.0
    """The part of sets that lie 1.5 to 5 stops darker: black cloth, night."""
    careful: float = 0.0
    """The part of samples whose clean plate was shot with care (`faults.CAREFUL`)."""


# What is shot is seldom of its set's colours, and has other people's shadows and glare on it.
_VERSION_4 = Rules(
    replace(TRAINING, strangers=0.25, glare=0.4), Cast(similar=0.1), made_up=0.2, dark=0.12
)
# Among strange shadows a coat of the wall's colour is learned again, if it has folds.
_VERSION_5 = replace(_VERSION_4, cast=Cast(similar=0.2, shaded=0.8))
# What shows the set's detail out of place is glass.
_VERSION_6 = replace(
    _VERSION_5, cast=replace(_VERSION_5.cast, detailed=0.0, slotted=0.3), clear=0.12
)
# Mostly glass: else what is of the set's colours is let go with it.
_VERSION_7 = replace(_VERSION_6, cast=replace(_VERSION_6.cast, detailed=0.25))
RULES = {
    3: Rules(),
    4: _VERSION_4,
    5: _VERSION_5,
    6: _VERSION_6,
    7: _VERSION_7,
    # Where plate and clean plate agree, as they do when both were shot with care, a hair shows.
    8: replace(_VERSION_7, careful=0.5),
}
"""By version; what was trained and compared with an older one can be made again."""


@dataclass(frozen=True)
class Sample:
    """A batch of truth and of what the network is shown; N x C x S x S, scene-linear.

    foreground is straight; set is what is behind it in the plate, with the subject's shadow:
    plate = alpha F + (1 - alpha) set + grain. wrong: 1 where the clean plate shows another set.
    """

    plate: Tensor
    clean: Tensor
    trust: Tensor
    hints: Tensor
    alpha: Tensor
    foreground: Tensor
    set: Tensor
    wrong: Tensor


def parts_of(sample: Sample) -> tuple[Tensor, ...]:
    """Return the parts of a sample without copying them, as `dataclasses.astuple` would."""
    return tuple(getattr(sample, name) for name in sample.__dataclass_fields__)


class Synthesiser:
    """Draws batches of samples; `draw` and `draw_clip` are what to call."""

    def __init__(
        self,
        bank: Bank,
        seed: int,
        device: torch.device | str = "cpu",
        rules: Rules = RULES[VERSION],
    ) -> None:
        """Take the images to composite from, the seed, the device and what is drawn how often."""
        self.dice = Dice(seed, device)
        self.bank = bank.to(self.dice.device)
        self.rules = rules
        self.faults = rules.faults
        self.subjects = Subjects(self.bank, self.dice, rules.cast)

    def draw(self, count: int, size: int) -> Sample:
        """Return `count` new samples of `size` x `size` pixels; a multiple of 32, at least 64."""
        scene = self._scene(count, size)
        return self._shown(scene, *self._subject(scene), 1)[0]

    def draw_clip(self, count: int, size: int, frames: int, reach_px: float = 8.0) -> list[Sample]:
        """Return `frames` samples that follow one another in time, each a batch of `count` clips.

        The subject moves by up to about `reach_px` a frame, is blurred along its way and sways;
        the camera shakes by less than a pixel; each frame has its own grain.
        """
        scene = self._scene(count, size)
        return self._shown(scene, *self._subject(scene), frames, reach_px)

    def _scene(self, count: int, size: int) -> Tensor:
        dice, rules = self.dice, self.rules
        scene = draw_sets(self.bank, dice, count, size, made_up=rules.made_up)
        if rules.dark:
            stops = dice.uniform(1.5, 5, count, 1, 1, 1) * dice.chance(rules.dark, count)
            scene = scene * torch.exp2(-stops)
        return scene

    def _subject(self, scene: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return alpha, premultiplied colour and, where clear things are drawn, `Glass.bend`."""
        alpha, premult = self.subjects.draw(scene)
        if not self.rules.clear:
            return alpha, premult, None
        bend = torch.zeros_like(scene)
        some = self.dice.some(self.rules.clear, scene.shape[0])
        if len(some):
            glass = draw_glass(self.dice, len(some), scene.shape[-1])
            cover, tone = self.subjects.optics(glass.alpha, glass.premult)
            # Half of them stand alone, half before whatever else there is.
            behind = (1 - cover) * self.dice.chance(0.5, len(some))
            premult[some] = tone + behind * premult[some]
            alpha[some] = cover + behind * alpha[some]
            bend[some] = glass.bend
        return alpha, premult, bend

    def _shown(
        self,
        scene: Tensor,
        alpha: Tensor,
        premult: Tensor,
        bend: Tensor | None,
        frames: int,
        reach_px: float = 0.0,
    ) -> list[Sample]:
        dice, (count, _, size, _) = self.dice, scene.shape
        lit, empty = self._staged(scene, alpha, premult, self.faults)
        careful = self._careful(count)
        if len(careful):
            # Drawn once more, in the place of what each of them had.
            mild = self._staged(scene[careful], alpha[careful], premult[careful], CAREFUL)
            lit, empty = (
                whole.index_copy(0, careful, part)
                for whole, part in zip((lit, empty), mild, strict=True)
            )
        exposure = torch.exp2(dice.uniform(-2.0, 1.2, count, 1, 1, 1))
        # Measured on real plates: 1 to 10 of 255 at mid grey.
        strength = dice.spread(0.002, 0.06, count, 1, 1, 1) * exposure.sqrt()
        squeeze = dice.uniform(0.0, 0.02, count, 1, 1, 1) * dice.chance(0.3, count)
        clean = shoot(dice, empty, self.faults)
        if len(careful):
            clean = clean.index_copy(0, careful, shoot(dice, empty[careful], CAREFUL))
        clean = clean * exposure
        weaker = strength * dice.uniform(0, 1, count, 1, 1, 1)
        trust = covered(dice, count, size, self.faults.uncovered)
        hints = self._hints(alpha) if frames == 1 else None
        path = draw_path(dice, count, size, frames, reach_px)
        shake = draw_path(dice, count, size, frames, 0.4)
        held = dice.chance(0.5, count)
        samples = []
        for frame in range(frames):
            here, colour, behind = alpha, premult, lit
            if frames > 1:
                both = path.move(torch.cat([premult, alpha], 1), frame)
                dx, dy = path.speed_px(frame)
                both = streak_along(both, 0.5 * dx, 0.5 * dy)
                colour, here = both[:, :3], both[:, 3:].clamp(0, 1)
                behind = torch.lerp(shake.move(lit, frame, "reflection"), lit, held)
            if bend is not None:
                behind = see_through(behind, bend if frames == 1 else path.move(bend, frame))
            exact = (colour + (1 - here) * behind) * exposure
            straight = torch.where(here > 1e-3, colour / here.clamp_min(1e-3), behind) * exposure
            samples.append(
                Sample(
                    plate=codec(grain(dice, exact, strength), squeeze),
                    clean=codec(grain(dice, clean, weaker), squeeze) * trust,
                    trust=trust,
                    hints=self._no_hints(here) if hints is None else hints,
                    alpha=here,
                    foreground=straight,
                    set=behind * exposure,
                    wrong=wrong_area(lit, empty, here).float(),
                )
            )
        return samples

    def _careful(self, count: int) -> Tensor:
        """Return the indices of the samples whose clean plate was shot with care."""
        share = self.rules.careful
        # Older versions have no lot for it.
        return self.dice.some(share, count) if share else torch.empty(0, dtype=torch.int64)

    def _staged(
        self, scene: Tensor, alpha: Tensor, premult: Tensor, faults: Faults
    ) -> tuple[Tensor, Tensor]:
        """Return the set as it is in the plate and as it is in the clean plate."""
        lit, empty = stage(self.dice, scene, alpha, faults)
        if faults.glare:
            lit = lit + glare(self.dice, premult, faults.glare)
        return lit, empty

    def _no_hints(self, alpha: Tensor) -> Tensor:
        return torch.zeros_like(alpha).expand(-1, 3, -1, -1)

    def _hints(self, alpha: Tensor) -> Tensor:
        """Return garbage, core and hint mattes that agree with the truth; mostly absent."""
        dice = self.dice
        count, _, size, _ = alpha.shape
        grow = 2 * dice.integer(8) + 3
        small = functional.avg_pool2d(alpha, 4)
        grown = functional.max_pool2d((small > 0.01).float(), grow, 1, grow // 2)
        shrunk = -functional.max_pool2d(-(small > 0.99).float(), grow, 1, grow // 2)
        bumps = 0.25 * noise(dice, count, 1, size // 4, 6)
        bumpy = blur(small + bumps, dice.uniform(0.5, 4, count, 1, 1, 1))
        rough = (bumpy > 0.5).float() * 2 - 1
        marks = torch.cat(
            [
                (1 - grown) * dice.chance(0.1, count),
                shrunk * dice.chance(0.1, count),
                rough * dice.chance(0.1, count),
            ],
            1,
        )
        return functional.interpolate(marks, size=(size, size), mode="bilinear")


def preview(image: Tensor) -> Tensor:
    """Return the encoded view in 0..1, for looking at."""
    return encode_view(image).clamp(0, 1)

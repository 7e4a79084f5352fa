"""The subject before the set: rendered people and things, and drawn ones, in batches.

Colour is scene-linear and premultiplied. What is drawn stands for what is shot: figures in cloth
with skin and hair, fur, feathers, leaves, wires, nets, glass, smoke.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from .bank import Bank
from .dice import Dice, fractal, grid_px, noise
from .hair import feathers, strands, wires
from .perturb import blur, regrade, shift, streak
from .sets import cut_pieces, draw_sets, srgb_to_linear
from .shapes import bodies, figures, leaves, nets, slots, smoke, soften, veils

Tensor = torch.Tensor

_KINDS = (
    ("figure", 0.3),
    ("body", 0.28),
    ("leaf", 0.08),
    ("feather", 0.07),
    ("wire", 0.07),
    ("glass", 0.08),
    ("smoke", 0.06),
    ("fur", 0.06),
)
"""What is drawn and how often."""


@dataclass(frozen=True)
class Cast:
    """What subjects are like, and how often (0..1); as it stands, of version 3 of the generator."""

    similar: float = 0.25
    """Subjects that take on the set's colours over large areas."""
    shaded: float = 0.0
    """Those of them that keep the light and the folds that they have of their own."""
    detailed: float = 0.5
    """Those of them that show the set's own detail, too, out of place; the others' is blurred."""
    slotted: float = 0.0
    """Drawn bodies with narrow gaps side by side."""


CAST = Cast()


class Subjects:
    """Draws subjects before given sets; `draw` is the one thing to call."""

    def __init__(self, bank: Bank, dice: Dice, cast: Cast = CAST) -> None:
        """Take the images, the dice, and what subjects are like how often."""
        self.bank = bank
        self.dice = dice
        self.cast = cast

    def draw(self, scene: Tensor) -> tuple[Tensor, Tensor]:
        """Return alpha (N x 1) and premultiplied colour (N x 3): one or two things, or nothing.

        Each thing has its own focus, as it has its own distance from the camera.
        """
        dice, count = self.dice, scene.shape[0]
        alpha, premult = self.optics(*self.thing(scene))
        some = dice.some(0.3, count)
        if len(some):
            other, other_premult = self.optics(*self.thing(scene[some]))
            premult[some] = other_premult + (1 - other) * premult[some]
            alpha[some] = other + (1 - other) * alpha[some]
        keep = 1 - dice.chance(0.04, count)
        return alpha * keep, premult * keep

    def thing(self, scene: Tensor, rendered: float = 0.45) -> tuple[Tensor, Tensor]:
        """Return one thing before each set. rendered: how many are images, where there are any."""
        count, _, size, _ = scene.shape
        is_sprite = self.dice.uniform(0, 1, count) < (rendered if len(self.bank.sprites) else 0)
        alpha = torch.zeros(count, 1, size, size, device=scene.device)
        premult = torch.zeros(count, 3, size, size, device=scene.device)
        for draw, chosen in ((self._rendered, is_sprite), (self._drawn, ~is_sprite)):
            some = torch.nonzero(chosen).flatten()
            if len(some):
                alpha[some], premult[some] = draw(scene[some])
        return alpha, premult

    def optics(self, alpha: Tensor, premult: Tensor) -> tuple[Tensor, Tensor]:
        """Return the subject moving or out of focus, in linear light."""
        dice, count = self.dice, alpha.shape[0]
        both = torch.cat([premult, alpha], 1)
        some = dice.some(0.15, count)
        if len(some):
            both[some] = streak(dice, both[some], dice.uniform(1, 22, len(some), 1, 1, 1))
        some = dice.some(0.3, count)
        if len(some):
            sigma = dice.uniform(0.6, 2.6, len(some), 1, 1, 1).square() / 2
            both[some] = blur(both[some], sigma)
        return both[:, 3:].clamp(0, 1), both[:, :3]

    def _rendered(self, scene: Tensor) -> tuple[Tensor, Tensor]:
        dice, (count, _, size, _) = self.dice, scene.shape
        cut = torch.zeros(count, 4, size, size, device=scene.device)
        is_particle = dice.uniform(0, 1, count) < (0.06 if len(self.bank.particles) else 0)
        for atlas, chosen in (
            (self.bank.sprites, ~is_particle),
            (self.bank.particles, is_particle),
        ):
            some = torch.nonzero(chosen).flatten()
            if len(some):
                cut[some] = cut_pieces(atlas, dice, len(some), size, 0.3, 1.6, False, turn=0.6)
        alpha = cut[:, 3:]
        straight = srgb_to_linear((cut[:, :3] / alpha.clamp_min(1e-3)).clamp(0, 1))
        straight = torch.where(
            is_particle.view(-1, 1, 1, 1), straight * self._colour(count), straight
        )
        straight = self._near_set(regrade(dice, straight, 0.4, 0.12, 0.15), scene)
        return alpha, straight * alpha

    def _drawn(self, scene: Tensor) -> tuple[Tensor, Tensor]:
        """Return drawn subjects; their kinds are dealt by `_KINDS`."""
        dice, (count, _, size, _) = self.dice, scene.shape
        alpha = torch.zeros(count, 1, size, size, device=scene.device)
        straight = torch.zeros(count, 3, size, size, device=scene.device)
        dealt, low = dice.uniform(0, 1, count), 0.0
        for kind, part in _KINDS:
            some = torch.nonzero((dealt >= low) & (dealt < low + part)).flatten()
            low += part
            if len(some):
                alpha[some], straight[some] = getattr(self, f"_{kind}")(len(some), size)
        straight = self._near_set(straight, scene)
        premult = alpha * straight
        can_have_hair = dealt < _KINDS[0][1] + _KINDS[1][1]
        some = torch.nonzero(can_have_hair & (dice.uniform(0, 1, count) < 0.6)).flatten()
        if len(some):
            hair, shade = strands(dice, len(some), size)
            tone = self._near_set(self._colour(len(some)) * shade.clamp(0.3, 2.5), scene[some])
            premult[some] = hair * tone + (1 - hair) * premult[some]
            alpha[some] = hair + (1 - hair) * alpha[some]
        return alpha, premult

    # One method a kind: alpha and straight colour, N x 1 and N x 3.

    def _figure(self, count: int, size: int) -> tuple[Tensor, Tensor]:
        dice = self.dice
        figure = figures(dice, count, size)
        colours = (
            self._cloth(count, size),
            self._cloth(count, size),
            self._skin(count) * self._shade(count, size),
            self._colour(count) * self._shade(count, size),
        )
        straight = torch.zeros(count, 3, size, size, device=dice.device)
        for number, colour in enumerate(colours):
            straight = torch.where(figure.part == number, colour, straight)
        return soften(figure.distance, dice.spread(0.8, 6, count, 1, 1, 1)), straight

    def _body(self, count: int, size: int) -> tuple[Tensor, Tensor]:
        dice = self.dice
        alpha = soften(bodies(dice, count, size), dice.spread(0.8, 14, count, 1, 1, 1))
        some = dice.some(0.2, count)
        if len(some):
            edge = dice.uniform(1, 4, len(some), 1, 1, 1)
            alpha[some] = alpha[some] * (1 - soften(bodies(dice, len(some), size), edge))
        some = dice.some(0.12, count)
        if len(some):
            alpha[some] = alpha[some] * nets(dice, len(some), size)
        some = dice.some(0.15, count)
        if len(some):
            alpha[some] = alpha[some] * veils(dice, len(some), size)
        if self.cast.slotted:
            some = dice.some(self.cast.slotted, count)
            alpha[some] = alpha[some] * slots(dice, len(some), size)
        return alpha, self._cloth(count, size)

    def _leaf(self, count: int, size: int) -> tuple[Tensor, Tensor]:
        alpha, shade = leaves(self.dice, count, size)
        green = torch.tensor([0.35, 1.0, 0.2], device=self.dice.device).view(1, 3, 1, 1)
        tint = torch.lerp(torch.ones_like(green), green, self.dice.chance(0.6, count))
        return alpha, self._colour(count) * tint * shade * self._shade(count, size)

    def _feather(self, count: int, size: int) -> tuple[Tensor, Tensor]:
        alpha, shade = feathers(self.dice, count, size)
        return alpha, self._colour(count) * shade.clamp(0.3, 2.5)

    def _wire(self, count: int, size: int) -> tuple[Tensor, Tensor]:
        lines, shade = wires(self.dice, count, size)
        mesh = nets(self.dice, count, size) * self.dice.chance(0.5, count)
        return torch.maximum(lines, mesh), self._colour(count) * shade.clamp(0.3, 2.5)

    def _fur(self, count: int, size: int) -> tuple[Tensor, Tensor]:
        """Return a solid body with many short hairs around it, drawn twice for thickness."""
        body = soften(bodies(self.dice, count, size), self.dice.spread(1, 5, count, 1, 1, 1))
        alpha, straight = body, self._cloth(count, size)
        for _ in range(2):
            hair, shade = strands(self.dice, count, size, amount=260, points=64)
            tone = self._colour(count) * shade.clamp(0.3, 2.5)
            straight = torch.lerp(straight, tone, hair)
            alpha = hair + (1 - hair) * alpha
        return alpha, straight

    def _smoke(self, count: int, size: int) -> tuple[Tensor, Tensor]:
        tone = self._colour(count).sqrt()
        return smoke(self.dice, count, size), tone * self._shade(count, size)

    def _glass(self, count: int, size: int) -> tuple[Tensor, Tensor]:
        """Return clear or tinted glass: thin inside, dense at its rim, with lights in it.

        Refraction is not in it: no alpha could say what it does to the set.
        """
        dice = self.dice
        distance = bodies(dice, count, size)
        inside = soften(distance, dice.spread(0.8, 3, count, 1, 1, 1))
        rim = torch.exp(-distance.abs() / dice.spread(1.5, 12, count, 1, 1, 1))
        body = dice.uniform(0.03, 0.4, count, 1, 1, 1)
        streaks = noise(dice, count, 1, size, 5) - dice.uniform(1.0, 2.0, count, 1, 1, 1)
        light = (streaks * 3).clamp(0, 1)
        alpha = inside * torch.maximum(body + (0.9 - body) * rim, light)
        tone = self._colour(count) * self._shade(count, size)
        bright = dice.spread(0.7, 8, count, 1, 1, 1)
        return alpha, torch.lerp(tone, bright.expand_as(tone), light)

    # Colour.

    def _colour(self, count: int) -> Tensor:
        """Return hair and cloth colours, linear: mostly unsaturated, some strong."""
        dice = self.dice
        grey = dice.spread(0.01, 0.9, count, 1, 1, 1)
        tint = dice.normal(count, 3, 1, 1) * dice.uniform(0, 0.5, count, 1, 1, 1).square() * 2
        warm = torch.tensor([0.25, 0.0, -0.25], device=dice.device).view(1, 3, 1, 1)
        return grey * torch.exp(tint + warm * dice.uniform(0, 2, count, 1, 1, 1))

    def _skin(self, count: int) -> Tensor:
        """Return skin, linear: from about 3 to 60 % reflectance, redder than green than blue."""
        dice = self.dice
        light = dice.spread(0.04, 0.6, count, 1, 1, 1)
        ratio = torch.tensor([1.15, 0.75, 0.55], device=dice.device).view(1, 3, 1, 1)
        return light * ratio * torch.exp(0.08 * dice.normal(count, 3, 1, 1))

    def _shade(self, count: int, size: int) -> Tensor:
        """Return how light falls on something, N x 1 x S x S, around 1."""
        return torch.exp(0.35 * fractal(self.dice, count, 1, size, 3, 3))

    def _cloth(self, count: int, size: int) -> Tensor:
        """Return cloth: shaded flat colour, stripes, or a piece of some photograph."""
        dice = self.dice
        x, y = grid_px(size, dice.device)
        angle = dice.uniform(0, math.pi, count, 1, 1, 1)
        period = dice.uniform(4, 40, count, 1, 1, 1)
        wave = torch.sin((torch.cos(angle) * x + torch.sin(angle) * y) * 2 * math.pi / period)
        striped = dice.chance(0.25, count) * torch.sigmoid(4 * wave)
        ground = self._colour(count).expand(-1, -1, size, size)
        cloth = torch.lerp(ground, self._colour(count), striped)
        some = dice.some(0.35, count)
        if len(some) and not self.bank.is_empty:
            cloth = cloth.clone()
            cloth[some] = draw_sets(self.bank, dice, len(some), size)
        return cloth * self._shade(count, size)

    def _near_set(self, colour: Tensor, scene: Tensor) -> Tensor:
        """Return the colour drawn towards the set's, over areas, in some of the samples.

        What a difference cannot see must be learned: skin before wood, a grey coat before a wall.
        """
        dice, size = self.dice, colour.shape[-1]
        some = dice.some(self.cast.similar, colour.shape[0])
        if not len(some):
            return colour
        count = len(some)
        level = dice.uniform(-1, 3, count, 1, 1, 1)
        where = torch.sigmoid(3 * noise(dice, count, 1, size, 3) + level)
        dx, dy = (dice.uniform(-12, 12, count, 1, 1, 1) for _ in range(2))
        beside = shift(scene[some], dx, dy)
        # Half a pixel leaves detail that can still be seen: only where detail is drawn anyway.
        smooth = blur(beside, dice.uniform(0.5 if self.cast.detailed else 2.0, 4.0, count, 1, 1, 1))
        target = torch.lerp(beside, smooth, dice.chance(1 - self.cast.detailed, count))
        if self.cast.shaded:
            target = target * self._own_light(colour.expand(-1, 3, size, size)[some])
        amount = dice.uniform(0.6, 1.0, count, 1, 1, 1) * where
        drawn = colour.expand(-1, 3, size, size).clone()
        drawn[some] = torch.lerp(drawn[some], target, amount)
        return drawn

    def _own_light(self, colour: Tensor) -> Tensor:
        """Return how light falls on a subject of these colours, N x 1 x S x S, around 1.

        Without it a coat of the wall's colour is an even patch a little darker or brighter than the
        wall, as a shadow on the wall is.
        """
        dice, count = self.dice, colour.shape[0]
        light = colour.mean(1, keepdim=True).clamp_min(1e-3).log()
        light = light - light.mean((2, 3), keepdim=True)
        light = light + dice.uniform(-0.5, 0.5, count, 1, 1, 1)
        depth = dice.uniform(0.15, 0.7, count, 1, 1, 1) * dice.chance(self.cast.shaded, count)
        return torch.exp((light * depth).clamp(-0.6, 0.6))

"""Makes training samples: a foreground over a set in linear light, and a flawed clean plate.

Runs batched on the device that trains. The same seed gives the same samples on the same device.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

from ..network.encode import encode_view
from .bank import Bank
from .perturb import (
    blur,
    codec,
    grain,
    moved_props,
    regrade,
    shadow,
    shift,
    streak,
    vignette,
    warp,
)
from .shapes import Dice, bodies, fractal, grid_px, nets, noise, soften, strands, veils

Tensor = torch.Tensor


@dataclass(frozen=True)
class Sample:
    """A batch of truth and of what the network is shown; N x C x S x S, scene-linear.

    foreground is straight; set is the true background; plate = alpha F + (1 - alpha) set + noise.
    """

    plate: Tensor
    clean: Tensor
    trust: Tensor
    hints: Tensor
    alpha: Tensor
    foreground: Tensor
    set: Tensor


def srgb_to_linear(encoded: Tensor) -> Tensor:
    """Return scene-linear values of sRGB-encoded ones in 0..1."""
    return torch.where(
        encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055).clamp_min(0).pow(2.4)
    )


class Synthesiser:
    """Draws batches of samples; `draw` is the one thing to call."""

    def __init__(
        self,
        bank: Bank,
        seed: int,
        device: torch.device | str = "cpu",
        similar: float = 0.25,
        least_zoom: float = 0.4,
    ) -> None:
        """Take the images to composite from, the seed and the device.

        similar: the part of the subjects that take on the set's colours. least_zoom: how far a
        set may be seen from; below about 0.8 it is mirrored to fill large frames.
        """
        self.bank = bank
        self.similar = similar
        self.least_zoom = least_zoom
        self.dice = Dice(seed, device)

    def draw(self, count: int, size: int) -> Sample:
        """Return `count` new samples of `size` x `size` pixels; a multiple of 32, at least 64."""
        dice = self.dice
        scene = self.scenes(count, size)
        alpha, premult = self._subject(count, size, scene)
        alpha, premult = self.optics(alpha, premult)
        straight = premult / alpha.clamp_min(1e-3)
        straight = torch.where(alpha > 1e-3, straight, scene)
        lit = scene * shadow(dice, alpha)
        exposure = torch.exp2(dice.uniform(-2.0, 1.2, count, 1, 1, 1))
        plate = (premult + (1 - alpha) * lit) * exposure
        foreground, scene = straight * exposure, scene * exposure
        # Measured on real plates: 1 to 10 of 255 at mid grey.
        strength = torch.exp(dice.uniform(math.log(0.002), math.log(0.06), count, 1, 1, 1))
        strength = strength * exposure.sqrt()
        squeeze = dice.uniform(0.0, 0.02, count, 1, 1, 1) * dice.chance(0.3, count)
        plate = codec(grain(dice, plate, strength), squeeze)
        clean, trust = self._clean(scene, strength, squeeze)
        return Sample(plate, clean, trust, self._hints(alpha), alpha, foreground, scene)

    # The set behind the subject.

    def scenes(self, count: int, size: int) -> Tensor:
        """Return sets without a subject, N x 3 x S x S."""
        images = [self._one_set(size) for _ in range(count)]
        scene = torch.cat(images)
        # Lamps and skies are brighter than a photograph can say.
        peak = torch.exp2(self.dice.uniform(0, 4.5, count, 1, 1, 1)) * self.dice.chance(0.3, count)
        bright = ((scene.amax(1, keepdim=True) - 0.75) / 0.25).clamp(0, 1).square()
        return scene * (1 + peak * bright)

    def _one_set(self, size: int) -> Tensor:
        dice = self.dice
        if self.bank.is_empty or dice.number(0, 1) < 0.12:
            flat = torch.sigmoid(dice.normal(1, 3, 1, 1) * 1.2 - 0.6)
            busy = fractal(dice, 1, 3, size, dice.number(2, 24), 3) * dice.number(0, 0.7)
            return (flat * torch.exp(busy)).clamp(0, 1)
        pyramid = self.bank.backgrounds[dice.integer(len(self.bank.backgrounds))]
        zoom = math.exp(dice.number(math.log(self.least_zoom), math.log(2.0)))
        return srgb_to_linear(self._cut(pyramid, size, zoom, 0.0))

    def _cut(self, pyramid: list[Tensor], size: int, zoom: float, angle: float) -> Tensor:
        """Return 1 x C x S x S in 0..1, cut at random from an image magnified by `zoom`."""
        dice = self.dice
        level = 0 if zoom > 0.75 else 1 if zoom > 0.375 else 2
        image = pyramid[level].to(dice.device, torch.float32)[None] / 255
        height, width = image.shape[2:]
        zoom = zoom * 2**level
        x, y = grid_px(size, dice.device)
        slack_x, slack_y = (max(0.0, n - size / zoom) / 2 for n in (width, height))
        cx, cy = dice.number(-slack_x, slack_x), dice.number(-slack_y, slack_y)
        cos, sin = math.cos(angle) / zoom, math.sin(angle) / zoom
        if dice.number(0, 1) < 0.5:
            x = -x
        u, v = (cos * x - sin * y + cx) * 2 / width, (sin * x + cos * y + cy) * 2 / height
        place = torch.stack(torch.broadcast_tensors(u, v), -1).view(1, size, size, 2)
        mode = "zeros" if image.shape[1] == 4 else "reflection"
        return functional.grid_sample(image, place, padding_mode=mode, align_corners=False)

    # The subject before it.

    def _subject(self, count: int, size: int, scene: Tensor) -> tuple[Tensor, Tensor]:
        """Return alpha and premultiplied colour, linear; one to three things over each other."""
        dice = self.dice
        alpha, premult = self._things(size, scene)
        some = dice.some(0.35, count)
        if len(some):
            other_alpha, other_premult = self._things(size, scene[some])
            premult[some] = other_premult + (1 - other_alpha) * premult[some]
            alpha[some] = other_alpha + (1 - other_alpha) * alpha[some]
        keep = 1 - dice.chance(0.04, count)
        return alpha * keep, premult * keep

    def _things(self, size: int, scene: Tensor) -> tuple[Tensor, Tensor]:
        """Return one thing for each scene: a rendered sprite, or a drawn body with hair."""
        count = scene.shape[0]
        is_sprite = self.dice.uniform(0, 1, count) < (0.5 if self.bank.sprites else 0.0)
        alpha = torch.empty(count, 1, size, size, device=scene.device)
        premult = torch.empty(count, 3, size, size, device=scene.device)
        for draw, chosen in ((self.sprites, is_sprite), (self.drawn, ~is_sprite)):
            if bool(chosen.any()):
                alpha[chosen], premult[chosen] = draw(size, scene[chosen])
        return alpha, premult

    def sprites(self, size: int, scene: Tensor) -> tuple[Tensor, Tensor]:
        """Return alpha and premultiplied colour of a rendered subject before each set."""
        dice = self.dice
        cut = torch.cat([self._one_sprite(size) for _ in range(scene.shape[0])])
        alpha = cut[:, 3:]
        straight = srgb_to_linear((cut[:, :3] / alpha.clamp_min(1e-3)).clamp(0, 1))
        straight = self._near_set(regrade(dice, straight, 0.4, 0.12, 0.15), scene)
        return alpha, straight * alpha

    def _one_sprite(self, size: int) -> Tensor:
        dice = self.dice
        bank = self.bank
        is_particle = bank.particles and dice.number(0, 1) < 0.06
        kind = bank.particles if is_particle else bank.sprites
        pyramid = kind[dice.integer(len(kind))]
        zoom = math.exp(dice.number(math.log(0.3), math.log(1.6)))
        return self._cut(pyramid, size, zoom, dice.number(-0.6, 0.6))

    def drawn(self, size: int, scene: Tensor) -> tuple[Tensor, Tensor]:
        """Return alpha and premultiplied colour of a drawn subject before each set."""
        dice, count = self.dice, scene.shape[0]
        softness = torch.exp(dice.uniform(math.log(0.8), math.log(14), count, 1, 1, 1))
        alpha = soften(bodies(dice, count, size), softness)
        some = dice.some(0.15, count)
        if len(some):
            edge = dice.uniform(1, 4, len(some), 1, 1, 1)
            alpha[some] = alpha[some] * (1 - soften(bodies(dice, len(some), size), edge))
        some = dice.some(0.1, count)
        if len(some):
            alpha[some] = nets(dice, len(some), size)
        some = dice.some(0.1, count)
        if len(some):
            alpha[some] = alpha[some] * veils(dice, len(some), size)
        premult = alpha * self._near_set(self._texture(count, size), scene)
        some = dice.some(0.55, count)
        if len(some):
            hair, shade = strands(dice, len(some), size)
            tone = self._flat_colour(len(some)) * shade.clamp(0.3, 2.5)
            tone = self._near_set(tone, scene[some])
            premult[some] = hair * tone + (1 - hair) * premult[some]
            alpha[some] = hair + (1 - hair) * alpha[some]
        return alpha, premult

    def _flat_colour(self, count: int) -> Tensor:
        """Return hair, skin and cloth colours, linear: mostly unsaturated, some strong."""
        dice = self.dice
        grey = torch.exp(dice.uniform(math.log(0.01), math.log(0.9), count, 1, 1, 1))
        tint = dice.normal(count, 3, 1, 1) * dice.uniform(0, 0.5, count, 1, 1, 1).square() * 2
        warm = torch.tensor([0.25, 0.0, -0.25], device=dice.device).view(1, 3, 1, 1)
        return grey * torch.exp(tint + warm * dice.uniform(0, 2, count, 1, 1, 1))

    def _texture(self, count: int, size: int) -> Tensor:
        """Return cloth and skin: shaded flat colour, stripes, or a piece of some photograph."""
        dice = self.dice
        shade = torch.exp(0.35 * fractal(dice, count, 1, size, 3, 3))
        x, y = grid_px(size, dice.device)
        angle = dice.uniform(0, math.pi, count, 1, 1, 1)
        period = dice.uniform(4, 40, count, 1, 1, 1)
        wave = torch.sin((torch.cos(angle) * x + torch.sin(angle) * y) * 2 * math.pi / period)
        striped = dice.chance(0.25, count) * torch.sigmoid(4 * wave)
        ground = self._flat_colour(count).expand(-1, -1, size, size)
        cloth = torch.lerp(ground, self._flat_colour(count), striped)
        some = dice.some(0.35, count)
        if len(some) and not self.bank.is_empty:
            cloth[some] = torch.cat([self._one_set(size) for _ in range(len(some))])
        return cloth * shade

    def _near_set(self, colour: Tensor, scene: Tensor) -> Tensor:
        """Return the colour drawn towards the set's, over areas, in a quarter of the samples.

        What a difference cannot see must be learned: skin before wood, a grey coat before a wall.
        """
        dice, size = self.dice, colour.shape[-1]
        some = dice.some(self.similar, colour.shape[0])
        if not len(some):
            return colour
        count = len(some)
        level = dice.uniform(-1, 3, count, 1, 1, 1)
        where = torch.sigmoid(3 * noise(dice, count, 1, size, 3) + level)
        dx, dy = (dice.uniform(-12, 12, count, 1, 1, 1) for _ in range(2))
        beside = shift(scene[some], dx, dy)
        smooth = blur(beside, dice.uniform(0.5, 4.0, count, 1, 1, 1))
        target = torch.lerp(beside, smooth, dice.chance(0.5, count))
        amount = dice.uniform(0.6, 1.0, count, 1, 1, 1) * where
        drawn = colour.clone()
        drawn[some] = torch.lerp(colour[some], target, amount)
        return drawn

    def optics(self, alpha: Tensor, premult: Tensor) -> tuple[Tensor, Tensor]:
        """Return the subject moving or out of focus, in linear light."""
        dice = self.dice
        count = alpha.shape[0]
        both = torch.cat([premult, alpha], 1)
        some = dice.some(0.2, count)
        if len(some):
            both[some] = streak(dice, both[some], dice.uniform(1, 22, len(some), 1, 1, 1))
        some = dice.some(0.3, count)
        if len(some):
            sigma = dice.uniform(0.6, 2.8, len(some), 1, 1, 1).square() / 2
            both[some] = blur(both[some], sigma)
        return both[:, 3:].clamp(0, 1), both[:, :3]

    # What the network is shown beside the plate.

    def _clean(self, scene: Tensor, strength: Tensor, squeeze: Tensor) -> tuple[Tensor, Tensor]:
        """Return the flawed clean plate and where it can be trusted."""
        dice = self.dice
        count, _, size, _ = scene.shape
        off = torch.exp(dice.uniform(math.log(0.02), math.log(1.5), count, 1, 1, 1))
        off = off * dice.chance(0.65, count)
        far = 1 + 3 * dice.chance(0.06, count)
        dx, dy = (off * far * dice.normal(count, 1, 1, 1) for _ in range(2))
        turn, grow = (0.002 * off * dice.normal(count, 1, 1, 1) for _ in range(2))
        clean = warp(scene, turn, grow, dx, dy)
        clean = torch.where(off > 0, clean, scene)
        rough = dice.chance(0.5, count)
        clean = torch.lerp(clean, regrade(dice, clean, 0.06, 0.03, 0.04), rough)
        clean = vignette(dice, clean, 0.05)
        some = dice.some(0.15, count)
        if len(some):
            clean[some] = blur(clean[some], dice.uniform(0.3, 1.6, len(some), 1, 1, 1))
        clean = moved_props(dice, clean, scene.roll(1, 0))
        weaker = strength * dice.uniform(0, 1, count, 1, 1, 1)
        clean = codec(grain(dice, clean, weaker), squeeze)
        trust = self._covered(count, size)
        return clean * trust, trust

    def _covered(self, count: int, size: int) -> Tensor:
        """Return where the clean plate covers the frame: everywhere, or not beyond an edge.

        A warped plate leaves a thin rim along one or two borders, rarely half of the frame.
        """
        dice = self.dice
        x, y = grid_px(size, dice.device)
        covered = torch.ones(count, 1, size, size, device=dice.device)
        for some, most in ((dice.some(0.2, count), 0.12), (dice.some(0.1, count), 0.8)):
            turn = dice.uniform(0, 4, len(some), 1, 1, 1).floor() * (math.pi / 2)
            angle = turn + dice.normal(len(some), 1, 1, 1) * 0.03
            edge = size / 2 - dice.uniform(0.005, most, len(some), 1, 1, 1) * size
            inside = (torch.cos(angle) * x + torch.sin(angle) * y) < edge
            covered[some] = covered[some] * inside.float()
        return covered

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

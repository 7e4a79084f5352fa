"""Every way in which a real clean plate differs from the set behind the subject, and how often.

Two sorts. What changes on the set between the two shots (`stage`): shadow, bounce and reflection
of the subject, the shadow of somebody who is not in the picture, a lamp, a prop. And what the
second shot does to the picture (`shoot`): place, parallax, focus, exposure, vignette, rolling
shutter under pulsing lamps, codec, its own frame.
Peers perturb by noise, gamma, colour and a small affine (Sengupta et al. 2020; Lin et al. 2021).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

from .dice import Dice, fractal, grid_px, noise
from .perturb import blur, regrade, shift, warp
from .shapes import bodies, soften

Tensor = torch.Tensor


@dataclass(frozen=True)
class Faults:
    """How often a fault happens (0..1) and how strong it is."""

    shadow: float = 0.55
    shadow_depth: float = 0.55
    bounce: float = 0.2
    strangers: float = 0.0
    """Shadows of what is outside of the picture, in the plate; a quarter as often in the other."""
    glare: float = 0.0
    """Light of the subject that the lens spreads over the set."""
    reflection: float = 0.12
    props: float = 0.25
    lamps: float = 0.2
    moved: float = 0.65
    """Clean plates that are not quite in place."""
    moved_px: float = 1.5
    far: float = 0.06
    """Those of them that are four times as far off."""
    parallax: float = 0.15
    parallax_px: float = 2.0
    graded: float = 0.5
    gain: float = 0.06
    balance: float = 0.03
    gamma: float = 0.04
    vignette: float = 0.05
    rolling: float = 0.08
    soft: float = 0.15
    """Clean plates of another focus, which breathes: the picture grows or shrinks with it."""
    uncovered: float = 0.25


TRAINING = Faults()
"""What is left when alignment and match have done what they can, and what they leave undone.

Of version 3 of the generator; what later ones add stands in `synthesise.RULES`."""
CAREFUL = Faults(
    shadow=0.1, shadow_depth=0.2, bounce=0.1, strangers=0.03, glare=0.1, reflection=0.03,
    props=0.05, lamps=0.03, moved=0.3, moved_px=0.2, far=0, parallax=0, graded=0.3, gain=0.01,
    balance=0.005, gamma=0.005, vignette=0.005, rolling=0, soft=0,
)  # fmt: skip
"""A clean plate from the same sticks at the same exposure, on which next to nothing is wrong.

Each fault of TRAINING has a lot of its own, so that a sample without any is one in 75; on set
they come together or not at all."""


def stage(dice: Dice, scene: Tensor, alpha: Tensor, faults: Faults) -> tuple[Tensor, Tensor]:
    """Return the set as the plate has it and as the clean plate has it, scene-linear."""
    lit = scene * shadow(dice, alpha, faults)
    lit = reflections(dice, lit, alpha, faults.reflection)
    empty = moved_props(dice, scene, scene.roll(1, 0), faults.props)
    if faults.strangers:
        lit = strange_shadows(dice, lit, faults.strangers)
        # A crew stands elsewhere for the clean plate.
        empty = strange_shadows(dice, empty, faults.strangers / 4)
    return lit, lamps(dice, empty, faults.lamps)


def shoot(dice: Dice, scene: Tensor, faults: Faults) -> Tensor:
    """Return the set as a second shot of it shows it, before grain and codec."""
    count = scene.shape[0]
    off = dice.spread(0.02, max(0.021, faults.moved_px), count, 1, 1, 1)
    off = off * dice.chance(faults.moved, count) * (1 + 3 * dice.chance(faults.far, count))
    dx, dy = (off * dice.normal(count, 1, 1, 1) for _ in range(2))
    turn, grow = (0.002 * off * dice.normal(count, 1, 1, 1) for _ in range(2))
    is_soft = dice.chance(faults.soft, count)
    grow = grow + is_soft * 0.002 * dice.normal(count, 1, 1, 1)
    clean = torch.where(off + is_soft > 0, warp(scene, turn, grow, dx, dy), scene)
    clean = parallax(dice, clean, faults)
    some = torch.nonzero(is_soft.flatten() > 0).flatten()
    if len(some):
        clean[some] = blur(clean[some], dice.uniform(0.3, 1.6, len(some), 1, 1, 1))
    graded = regrade(dice, clean, faults.gain, faults.balance, faults.gamma)
    clean = torch.lerp(clean, graded, dice.chance(faults.graded, count))
    return rolling(dice, vignette(dice, clean, faults.vignette), faults.rolling)


def wrong_area(lit: Tensor, empty: Tensor, alpha: Tensor) -> Tensor:
    """Return where the set itself is not as the clean plate says, N x 1 booleans.

    That is where any channel differs by a tenth or more, and the set is to be seen.
    """
    ratio = (lit - empty).abs() / (torch.maximum(lit, empty) + 0.01)
    return (ratio.amax(1, keepdim=True) > 0.1) & (alpha < 0.9)


def shadow(dice: Dice, alpha: Tensor, faults: Faults = TRAINING) -> Tensor:
    """Return what a subject's shadow and bounce multiply the set by, N x 3 x S x S."""
    count, _, size, _ = alpha.shape
    # Cast far away or, at the subject's feet, hardly moved.
    reach = dice.uniform(0.0, 1.0, count, 1, 1, 1).square() * 0.25 * size
    dx, dy = (dice.uniform(-1, 1, count, 1, 1, 1) * reach for _ in range(2))
    cast = shift(alpha, dx, dy, "border")
    small = functional.avg_pool2d(cast, 4)
    small = blur(small, dice.uniform(0.3, 4.5, count, 1, 1, 1))
    cast = functional.interpolate(small, size=(size, size), mode="bilinear")
    tint = 1 + 0.1 * dice.normal(count, 3, 1, 1)
    depth = dice.uniform(0, faults.shadow_depth, count, 1, 1, 1) * tint
    depth = depth * dice.chance(faults.shadow, count)
    bounce = dice.uniform(0, 0.08, count, 3, 1, 1) * dice.chance(faults.bounce, count)
    return (1 - depth * cast).clamp_min(0.1) * (1 + bounce * cast)


def strange_shadows(dice: Dice, scene: Tensor, probability: float) -> Tensor:
    """Return the set with the shadow of something that is not in the picture, in some samples."""
    some = dice.some(probability, scene.shape[0])
    if not len(some):
        return scene
    count, size = len(some), scene.shape[-1]
    # At a quarter of the size: no edge of a shadow is sharper.
    cast = soften(bodies(dice, count, size // 4), dice.spread(1.0, size / 16, count, 1, 1, 1))
    cast = blur(cast, dice.uniform(0.3, 4.5, count, 1, 1, 1))
    dx, dy = (dice.uniform(-0.4, 0.4, count, 1, 1, 1) * (size / 4) for _ in range(2))
    cast = shift(cast, dx, dy, "border")
    cast = functional.interpolate(cast, size=(size, size), mode="bilinear")
    tint = 1 + 0.1 * dice.normal(count, 3, 1, 1)
    depth = dice.uniform(0, 0.6, count, 1, 1, 1) * tint
    changed = scene.clone()
    changed[some] = scene[some] * (1 - depth * cast).clamp_min(0.1)
    return changed


def glare(dice: Dice, premult: Tensor, probability: float) -> Tensor:
    """Return what a lens spreads of the subject's light over the set, N x 3 x S x S, to be added.

    A wide halo and an even veil, 0.1 to 2 % of the light: nothing on a wall, much on black cloth.
    """
    count, _, size, _ = premult.shape
    small = functional.avg_pool2d(premult, 8)
    wide = blur(small, dice.uniform(0.5, min(4.5, size / 32), count, 1, 1, 1))
    veil = functional.interpolate(wide, size=(size, size), mode="bilinear")
    veil = veil + premult.mean((2, 3), keepdim=True)
    return veil * dice.spread(0.001, 0.02, count, 1, 1, 1) * dice.chance(probability, count)


def reflections(dice: Dice, scene: Tensor, alpha: Tensor, probability: float) -> Tensor:
    """Return the set with the subject mirrored faintly in it, as floors and windows do."""
    some = dice.some(probability, scene.shape[0])
    if not len(some):
        return scene
    count = len(some)
    mirrored = alpha[some].flip(2) if dice.chance(0.6, 1).item() else alpha[some].flip(3)
    dx, dy = (dice.uniform(-40, 40, count, 1, 1, 1) for _ in range(2))
    mirrored = shift(mirrored, dx, dy, "border")
    mirrored = blur(mirrored, dice.uniform(0.5, 4.0, count, 1, 1, 1))
    strength = dice.uniform(0.02, 0.25, count, 1, 1, 1)
    tone = dice.spread(0.02, 0.6, count, 1, 1, 1)
    changed = scene.clone()
    changed[some] = torch.lerp(scene[some], tone.expand_as(scene[some]), strength * mirrored)
    return changed


def moved_props(dice: Dice, image: Tensor, other: Tensor, probability: float) -> Tensor:
    """Return the set with small things in it, in some samples, that the plate does not have."""
    some = dice.some(probability, image.shape[0])
    if not len(some):
        return image
    count, size = len(some), image.shape[-1]
    x, y = grid_px(size, dice.device)
    cx, cy = (dice.uniform(-0.5, 0.5, count, 1, 1, 1) * size for _ in range(2))
    radius = dice.uniform(0.02, 0.09, count, 1, 1, 1) * size
    distance = ((x - cx).square() + (y - cy).square()).sqrt()
    patch = (radius - distance - 4 * fractal(dice, count, 1, size, 6, 2)).clamp(0, 1)
    # With one sample alone there is no other set to take a thing from: its own, mirrored.
    thing = other[some] if image.shape[0] > 1 else other[some].flip(3)
    changed = image.clone()
    changed[some] = torch.lerp(image[some], thing, patch)
    return changed


def lamps(dice: Dice, image: Tensor, probability: float) -> Tensor:
    """Return the set with a lamp that was brighter or darker: a pool of light changes."""
    some = dice.some(probability, image.shape[0])
    if not len(some):
        return image
    count, size = len(some), image.shape[-1]
    x, y = grid_px(size, dice.device)
    cx, cy = (dice.uniform(-0.6, 0.6, count, 1, 1, 1) * size for _ in range(2))
    radius = dice.uniform(0.15, 0.7, count, 1, 1, 1) * size
    pool = torch.exp(-((x - cx).square() + (y - cy).square()) / radius.square())
    tint = 1 + 0.2 * dice.normal(count, 3, 1, 1)
    changed = image.clone()
    changed[some] = image[some] * torch.exp(dice.uniform(-0.5, 0.35, count, 1, 1, 1) * tint * pool)
    return changed


def parallax(dice: Dice, image: Tensor, faults: Faults) -> Tensor:
    """Return the set seen from another place: near and far parts move apart.

    A smooth field of depth, steep in places; what comes out from behind is stretched.
    """
    some = dice.some(faults.parallax, image.shape[0])
    if not len(some):
        return image
    count, size = len(some), image.shape[-1]
    depth = torch.tanh(2.5 * noise(dice, count, 1, size, 3))
    angle = dice.uniform(0, 2 * math.pi, count, 1, 1, 1)
    reach = dice.uniform(0, faults.parallax_px, count, 1, 1, 1)
    x, y = grid_px(size, dice.device)
    u, v = x + torch.cos(angle) * reach * depth, y + torch.sin(angle) * reach * depth
    place = torch.stack([u, v], -1).squeeze(1) * (2 / size)
    changed = image.clone()
    changed[some] = functional.grid_sample(
        image[some], place, padding_mode="reflection", align_corners=False
    )
    return changed


def vignette(dice: Dice, image: Tensor, strength: float) -> Tensor:
    """Return the image darker or brighter away from a centre, as flicker and falloff do."""
    count, _, size, _ = image.shape
    field = noise(dice, count, 1, size, 2) * strength
    return image * torch.exp(field * dice.chance(0.4, count))


def rolling(dice: Dice, image: Tensor, probability: float) -> Tensor:
    """Return the image with bands of exposure: a rolling shutter under lamps on the mains."""
    count, size = image.shape[0], image.shape[-1]
    _, y = grid_px(size, dice.device)
    waves = dice.uniform(0.5, 4, count, 1, 1, 1) * 2 * math.pi / size
    phase = dice.uniform(0, 2 * math.pi, count, 1, 1, 1)
    depth = dice.uniform(0.01, 0.08, count, 1, 1, 1) * dice.chance(probability, count)
    return image * torch.exp(depth * torch.sin(waves * y + phase))


def covered(dice: Dice, count: int, size: int, probability: float) -> Tensor:
    """Return where the clean plate covers the frame: everywhere, or not beyond an edge.

    A warped plate leaves a thin rim along one or two borders, rarely half of the frame.
    """
    x, y = grid_px(size, dice.device)
    inside = torch.ones(count, 1, size, size, device=dice.device)
    for part, most in ((0.67, 0.12), (0.33, 0.8)):
        some = dice.some(probability * part, count)
        turn = dice.uniform(0, 4, len(some), 1, 1, 1).floor() * (math.pi / 2)
        angle = turn + dice.normal(len(some), 1, 1, 1) * 0.03
        edge = size / 2 - dice.uniform(0.005, most, len(some), 1, 1, 1) * size
        here = (torch.cos(angle) * x + torch.sin(angle) * y) < edge
        inside[some] = inside[some] * here.float()
    return inside

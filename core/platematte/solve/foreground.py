"""The foreground, solved from plate, clean plate and alpha in scene-linear light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from platematte.solve.extend import extend_colour

Image = np.ndarray

_HALF_MAX = 65504.0
_GRAIN = 0.3
"""Variance of P at an edge, in units of how far a guessed colour is off; the best of 0.1 to 3."""
_ROWS = 64
"""Rows that are solved at a time: what stays in the processor's cache is solved twice as fast."""


@dataclass(frozen=True)
class Solved:
    """A solved frame; H x W x C float32, every value one that a half float holds.

    premult: H x W x 3. alpha: H x W x 1 in 0..1.
    """

    premult: Image
    alpha: Image


def solve_alpha(drawn: Image, garbage: Image | None = None, core: Image | None = None) -> Image:
    """Return the alpha that is written: clamped, held by the mattes, rounded to half.

    drawn: H x W x 1, the network's answer, not clamped. garbage and core: H x W x 1; alpha is 0
    where garbage is 1 and 1 where core is 1, and never above 1 - garbage or below core between.
    Garbage wins over core: it is there to take things away. Alpha is rounded here, before the
    foreground is solved, so that the pair that is written fits together exactly.
    """
    alpha = np.clip(drawn, 0.0, 1.0)
    if core is not None:
        alpha = np.maximum(alpha, np.clip(core, 0.0, 1.0))
    if garbage is not None:
        alpha = np.minimum(alpha, 1.0 - np.clip(garbage, 0.0, 1.0))
    return round_to_half(alpha)


def solve_foreground(
    plate: Image, clean: Image, alpha: Image, trust: Image, colour: Image
) -> Solved:
    """Return the premultiplied foreground that composites back to the plate.

    P = plate - (1 - alpha) * clean, which is exact for any brightness. Where the clean plate is
    not trusted there is nothing to subtract, and alpha times the network's colour takes its place.
    plate, clean, colour: H x W x 3 scene-linear; alpha, trust: H x W x 1 in 0..1; alpha is one
    that half floats hold. Where alpha is 1, P is the plate, bit for bit; where it is 0, P is 0.
    There is no negative light: between them P stops at 0, or at the plate where that is negative.
    """
    premult = np.empty_like(plate)
    brightest = max(float(plate.max(initial=1.0)), 1.0)
    for start in range(0, plate.shape[0], _ROWS):
        rows = slice(start, start + _ROWS)
        premult[rows] = _solve_rows(
            plate[rows], clean[rows], alpha[rows], trust[rows], colour[rows], brightest
        )
    return Solved(premult, alpha)


def _solve_rows(
    plate: Image, clean: Image, alpha: Image, trust: Image, colour: Image, brightest: float
) -> Image:
    premult = plate - (1.0 - alpha) * clean
    if float(trust.min(initial=1.0)) < 1.0:
        painted = alpha * np.minimum(colour, np.float32(brightest))
        premult = trust * premult + (1.0 - trust) * painted
    premult = np.maximum(premult, np.minimum(plate, 0.0))
    premult = np.where(alpha >= 1.0, plate, premult)
    premult = np.where(alpha <= 0.0, np.float32(0.0), premult)
    return round_to_half(premult)


def straight_foreground(solved: Solved, colour: Image, to_rec709: Image | None = None) -> Image:
    """Return the straight foreground, H x W x 3: what the subject's colour is, edges and beyond.

    P / alpha, where that is an answer: it is exact where alpha is 1, and where alpha is small it is
    grain and the set's remains, divided by next to nothing. There the colour of the solid parts
    nearby (`extend_colour`) and the network's take over, half and half. colour: the network's,
    H x W x 3 scene-linear. to_rec709: 3 x 3, from the working space, so that the same picture gets
    the same colours in any primaries. Nothing goes beyond what a half float holds.
    """
    divided = solved.premult / np.maximum(solved.alpha, 1.0 / 1024)
    if not solved.alpha.any():
        return np.clip(colour, -_HALF_MAX, _HALF_MAX)
    # Half and half as an eye sees it, for the reason that `extend_colour` has.
    matrix = np.eye(3, dtype=np.float32) if to_rec709 is None else to_rec709.astype(np.float32)
    extended = extend_colour(divided @ matrix.T, solved.alpha)
    guess = (0.5 * np.cbrt(extended) + 0.5 * np.cbrt(colour @ matrix.T)) ** 3
    guess = guess @ np.linalg.inv(matrix).T
    square = np.square(solved.alpha)
    known = square / (square + _GRAIN * (1.0 - solved.alpha) + 1e-9)
    straight = np.where(solved.alpha >= 1.0, solved.premult, guess + known * (divided - guess))
    return np.asarray(np.clip(straight, -_HALF_MAX, _HALF_MAX), np.float32)


def residual_of(plate: Image, clean: Image, solved: Solved) -> Image:
    """Return the plate minus its recomposition, H x W x 3: what the written layers do not explain.

    P + (1 - alpha) * clean + residual is the plate, with P, alpha and clean as they are written:
    cut at the largest half.
    """
    premult, written = (np.clip(part, -_HALF_MAX, _HALF_MAX) for part in (solved.premult, clean))
    return plate - premult - (1.0 - solved.alpha) * round_to_half(written)


def round_to_half(image: Image) -> Image:
    """Return float32 values that half floats hold; beyond the largest half they stay beyond it.

    The writer counts and reports what is out of range, so it is not hidden here.
    """
    rounded = np.clip(image, -_HALF_MAX, _HALF_MAX).astype(np.float16).astype(np.float32)
    return np.where(np.abs(image) > _HALF_MAX, image, rounded)

"""Takes the flicker out of alpha: a frame's answer is averaged with those of the frames beside it.

Each neighbour's alpha is moved to where the plate shows that things went, and counts where the two
plates agree to within their grain. What is covered or uncovered, a flash, a cut or a motion too
fast to follow shows in the plates as a difference, and there the frame keeps its own answer.
Nothing is carried on from frame to frame: a result depends on its window alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np

from platematte.solve.match import (
    Pyramid,
    build_pyramid,
    displace,
    find_displacement,
    halve,
    scale_displacement,
    squared_difference,
)

Image = np.ndarray

OFFSETS = (-2, -1, 1, 2)
"""Frames beside the one being matted whose alpha is averaged, where they exist."""

_BEYOND = 0.05
"""How far alpha may lie beyond 0 and 1 while it is averaged. Cut at 0 and 1 before, the grain of
an empty area would have a mean above 0, and that of a solid one a mean below 1."""
_SOLID = 1 / 64
"""An average this close to 0 or 1 is exactly that where the frame itself says so."""
_ALPHA_WEIGHT = 0.02
"""What alpha counts beside one channel of the encoded plate, where places are compared: next to
nothing. A place that is chosen by alpha is one where the flicker is alike, and so it stays."""
_PATCH = (5, 5)
_LEAST_WORTH = 0.05
"""What the set counts in a patch, where the subject counts up to 1."""
_GRAINS = 16.0
"""Patches that differ by this many times the energy of the grain do not show the same thing."""
_LEAST_GRAIN, _MOST_GRAIN = 0.01, 0.05
"""Bounds of the difference between two frames' encoded values that is put down to grain."""
_RIM = np.ones((3, 3), np.uint8)
"""A patch at the rim of what does not match is half of it; those pixels are left out as well."""
_LEAST_SHARE = 0.5
"""A neighbour that agrees over less of the frame than this is another shot, or a flash."""
_LAPLACIAN = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6
"""Of grain, and of nothing that is flat or a slope, it keeps the energy: J. Immerkaer, "Fast Noise
Variance Estimation", CVIU 1996."""


@dataclass(frozen=True)
class Trace:
    """What the fusion needs of a frame, and what is kept of it for the frames beside it."""

    alpha: Image
    """H x W, the network's answer, a little beyond 0 and 1 at most."""
    levels: Pyramid
    """From half resolution down: the encoded plate, 3 channels, and a part of alpha."""


def trace_frame(alpha: Image, view: Image) -> Trace:
    """Return what is kept of a frame.

    alpha: H x W x 1, as the network answers. view: H/2 x W/2 x 3, sizes rounded up, the plate in
    the encoded view.
    """
    bounded = np.clip(alpha[..., 0], -_BEYOND, 1 + _BEYOND)
    small = _ALPHA_WEIGHT * np.clip(halve(bounded), 0, 1)
    return Trace(bounded, build_pyramid(np.dstack([view, small])))


def fuse_alpha(here: Trace, beside: Sequence[Trace | None]) -> Image:
    """Return alpha of a frame, H x W x 1, averaged with that of the frames beside it.

    None is a neighbour that is absent; one of another size is the same. Without any that agrees,
    the result is the frame's own alpha, value for value. The result is not cut at 0 and 1.
    """
    worth = tuple(_worth(level) for level in here.levels)
    detail = _detail_energy(here)
    others = [there for there in beside if there and there.alpha.shape == here.alpha.shape]
    total, weight = here.alpha, np.ones_like(here.alpha)
    # Numpy and OpenCV leave a core idle while one neighbour is seen to; their order is kept.
    with ThreadPoolExecutor(max(1, min(len(others), cv2.getNumThreads()))) as pool:
        for part in pool.map(lambda there: _part(here, there, worth, detail), others):
            if part is not None:
                moved, share = part
                total = total + share * moved
                weight = weight + share
    fused = total / weight
    # The filter that moves a neighbour by fractions of a pixel rings; solid areas stay solid.
    fused = np.where((here.alpha >= 1) & (fused > 1 - _SOLID), np.maximum(fused, 1), fused)
    fused = np.where((here.alpha <= 0) & (fused < _SOLID), np.minimum(fused, 0), fused)
    return fused[..., None]


def _part(here: Trace, there: Trace, worth: Pyramid, detail: float) -> tuple[Image, Image] | None:
    """Return a neighbour's alpha as it lies here and what it counts, H x W each; None: nothing."""
    field = find_displacement(here.levels, there.levels, worth)
    share = _agreement(here, there, field, worth[0], detail)
    if share is None:
        return None
    field = scale_displacement(field, here.alpha.shape)
    return displace(there.alpha, field, cv2.INTER_CUBIC), share


def _agreement(
    here: Trace, there: Trace, field: Image, worth: Image, detail: float
) -> Image | None:
    """Return what a neighbour counts at each pixel of this frame, 0..1, H x W.

    None where so little of the two plates agrees that the neighbour is of another shot.
    """
    one, other = _plate(here), displace(_plate(there), field)
    difference = worth * squared_difference(one, other)
    difference = cv2.blur(difference, _PATCH) / cv2.blur(worth, _PATCH)
    # Two witnesses of the grain, each of which can only say too much: the quarter of the frame
    # that changed least, and the finest detail of this frame, of which grain is a part.
    grain = min(float(np.quantile(difference[::2, ::2], 0.25)), 2 * detail)
    limit = _GRAINS * float(np.clip(grain, 3 * _LEAST_GRAIN**2, 3 * _MOST_GRAIN**2))
    small = cv2.erode(np.clip(2 - 2 * difference / limit, 0, 1), _RIM)
    if float((small > 0).mean()) < _LEAST_SHARE:
        return None
    height, width = here.alpha.shape
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def _detail_energy(frame: Trace) -> float:
    """Return the energy of the finest detail, summed over channels; median over patches."""
    detail = cv2.filter2D(_plate(frame), -1, _LAPLACIAN)
    patches = cv2.blur(squared_difference(np.zeros_like(detail), detail), _PATCH)
    return float(np.median(patches[::2, ::2]))


def _worth(level: Image) -> Image:
    """Return what each pixel counts in its patch: the subject's much, the set's little.

    At the edge of a subject a patch shows both, and alpha goes where the subject goes.
    """
    alpha = cv2.blur(level[..., 3], _PATCH) / _ALPHA_WEIGHT
    return _LEAST_WORTH + alpha * alpha


def _plate(frame: Trace) -> Image:
    return frame.levels[0][..., :3]

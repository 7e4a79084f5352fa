"""Finds where what a frame shows lies in a frame beside it, coarse to fine by comparing patches.

The displacement is found at half resolution, from a pyramid whose smallest level is a few dozen
rows: at every level each pixel moves by at most one pixel to where the patch around it differs
least, and a median takes out what is alone with its opinion. The last steps are fractions of a
pixel, by the gradients of the patch. Nothing here is random, and nothing
depends on the number of threads.
"""

from __future__ import annotations

import cv2
import numpy as np

Image = np.ndarray
Pyramid = tuple[Image, ...]
"""Levels H x W x C float32, each half as large as the one before it."""

_PATCH = (7, 7)
"""Sides of the square of a level's pixels that is compared."""
_LEAST_SIDE_PX = 24
_MOST_LEVELS = 7
_COARSEST_ROUNDS = 3
_SEARCH_FROM = 2
"""The two finest levels take their displacement from the next one and only refine it: a search
there costs several times as much and finds edges no better."""
_REFINEMENTS = (2, 1, 1)
"""How often the finest levels are refined, the finest first."""
_MEDIAN_PX = 5
_STAY = 2e-5
"""What a step of one pixel has to gain: flat areas stay where the coarser level put them."""
_AROUND = tuple((x, y) for y in (-1, 0, 1) for x in (-1, 0, 1))
_SLOPE = np.array([[-0.5, 0, 0.5]], np.float32)
"""Kernel of the gradient along x."""
_HOLD = 1e-5
"""Added to the energy of the gradients: what holds a pixel where its patch shows nothing."""
_MOST_STEP_PX = 0.75


def halve(image: Image) -> Image:
    """Return an image of half the size, odd sizes rounded up; the mean over what a pixel covers."""
    height, width = image.shape[:2]
    size = ((width + 1) // 2, (height + 1) // 2)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def build_pyramid(finest: Image) -> Pyramid:
    """Return an image, H x W x C float32, and smaller ones down to a few dozen rows."""
    levels = [finest]
    while len(levels) < _MOST_LEVELS and min(levels[-1].shape[:2]) >= 2 * _LEAST_SIDE_PX:
        levels.append(halve(levels[-1]))
    return tuple(levels)


def find_displacement(here: Pyramid, there: Pyramid, worth: Pyramid) -> Image:
    """Return where each pixel of `here` lies in `there`, relative to its place: H x W x 2, x and y.

    worth: levels H x W, above 0, what each pixel of `here` counts in the patches around it.
    In pixels of the finest level, which it has the size of. Where a pixel is not to be found, the
    displacement is that of some patch that looks alike; whoever uses it has to compare.
    """
    coarsest = len(here) - 1
    field = np.zeros((*here[coarsest].shape[:2], 2), np.float32)
    for level in range(coarsest, -1, -1):
        one, other, weight = here[level], there[level], worth[level]
        field = scale_displacement(field, one.shape[:2])
        if level >= min(_SEARCH_FROM, coarsest):
            for _ in range(_COARSEST_ROUNDS if level == coarsest else 1):
                field = _median(_step(one, other, weight, field))
        for _ in range(_REFINEMENTS[level] if level < len(_REFINEMENTS) else 0):
            field = _median(_refine(one, other, weight, field))
    return field


def scale_displacement(field: Image, size: tuple[int, ...]) -> Image:
    """Return a displacement at another size (height, width), in pixels of that size."""
    height, width = field.shape[:2]
    if (height, width) == tuple(size):
        return field
    scaled = cv2.resize(field, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return scaled * np.array([size[1] / width, size[0] / height], np.float32)


def displace(image: Image, field: Image, interpolation: int = cv2.INTER_LINEAR) -> Image:
    """Return an image, H x W or H x W x C, as it lies in the frame the displacement starts from."""
    height, width = field.shape[:2]
    x = field[..., 0] + np.arange(width, dtype=np.float32)
    y = field[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    return cv2.remap(image, x, y, interpolation, borderMode=cv2.BORDER_REPLICATE)


def squared_difference(one: Image, other: Image) -> Image:
    """Return the squared difference of two images, summed over their channels: H x W."""
    difference = other - one
    difference *= difference
    return _over_channels(difference)


def _step(here: Image, there: Image, worth: Image, field: Image) -> Image:
    """Move each pixel by one pixel or none, to where its patch differs least."""
    best, chosen = np.full(here.shape[:2], np.inf, np.float32), np.zeros_like(field)
    for x, y in _AROUND:
        move, stay = np.array([x, y], np.float32), x * x + y * y
        cost = worth * (squared_difference(here, displace(there, field + move)) + _STAY * stay)
        cost = cv2.blur(cost, _PATCH)
        is_better = cost < best
        best[is_better] = cost[is_better]
        chosen[is_better] = move
    return field + chosen


def _refine(here: Image, there: Image, worth: Image, field: Image) -> Image:
    """Move each pixel by a fraction of a pixel, to where its patch differs least.

    One step of Lucas and Kanade (1981): with g the gradient and d the difference, summed over the
    patch and the channels, (sum g g' + a little) step = -sum g d. The addition holds what the patch
    does not show: the way along an edge.
    """
    moved = displace(there, field)
    mean = 0.5 * (here + moved)
    along_x, along_y = (cv2.filter2D(mean, -1, kernel) for kernel in (_SLOPE, _SLOPE.T))
    difference = moved - here
    products = (
        (along_x, along_x), (along_x, along_y), (along_y, along_y),
        (along_x, difference), (along_y, difference),
    )  # fmt: skip
    xx, xy, yy, xd, yd = (
        cv2.blur(worth * _over_channels(one * other), _PATCH) for one, other in products
    )
    hold = _HOLD * cv2.blur(worth, _PATCH)
    xx, yy = xx + hold, yy + hold
    scale = -1 / (xx * yy - xy * xy)
    step = np.stack([scale * (yy * xd - xy * yd), scale * (xx * yd - xy * xd)], axis=2)
    return field + np.clip(step, -_MOST_STEP_PX, _MOST_STEP_PX)


def _over_channels(image: Image) -> Image:
    return cv2.transform(image, np.ones((1, image.shape[2]), np.float32))


def _median(field: Image) -> Image:
    parts = (np.ascontiguousarray(field[..., axis]) for axis in (0, 1))
    return np.stack([cv2.medianBlur(part, _MEDIAN_PX) for part in parts], axis=2)

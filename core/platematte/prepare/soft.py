"""Matches two views block by block, for sets that are out of focus and have no points to find."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from platematte.prepare.features import NO_MATCHES, Matches
from platematte.prepare.view import Plane, View

# A defocused set has its structure above this; film grain lies below.
FINEST_PX, COARSEST_PX = 2.5, 14.0
BLOCKS_ALONG_LONG_SIDE = 16
# Hand-held plates move by up to 3 % of the frame's diagonal; this is twice as far.
REACH = 0.06
# A block that is found again correlates at least as well as this.
FOUND = 0.75
# Off the peak, this many pixels away in any direction, the correlation must have dropped to this
# part of it: along a straight edge, or in a plain gradient, a block could lie anywhere.
PEAK_RADIUS, PEAK_DROP = 6, 0.97


def soft_detail_of(encoded: Plane) -> Plane:
    """Return the structure of an encoded view that survives defocus."""
    fine = cv2.GaussianBlur(encoded, (0, 0), FINEST_PX)
    return fine - cv2.GaussianBlur(encoded, (0, 0), COARSEST_PX)


def match_blocks(plate: View, clean: View) -> Matches:
    """Return where blocks of the plate lie in the clean plate, by normalised correlation.

    Blocks of the subject are found nowhere, or in places that agree with no others.
    """
    # At half of the view's size: what is soft loses nothing, and the search is 16 times shorter.
    seen, known = (cv2.GaussianBlur(view.encoded, (0, 0), 1.5)[::2, ::2] for view in (plate, clean))
    is_usable = plate.is_valid[::2, ::2]
    height, width = seen.shape
    side = max(12, round(max(height, width) / BLOCKS_ALONG_LONG_SIDE))
    reach = max(8, round(REACH * float(np.hypot(height, width))))
    found: list[tuple[float, float, float, float]] = []
    for top in range(0, height - side + 1, side // 2):
        for left in range(0, width - side + 1, side // 2):
            block = seen[top : top + side, left : left + side]
            if not is_usable[top : top + side, left : left + side].all():
                continue
            y, x = max(0, top - reach), max(0, left - reach)
            window = known[y : top + side + reach, x : left + side + reach]
            place = _find(block, window)
            if place is not None:
                middle = (side - 1) / 2
                found.append(
                    (x + place[0] + middle, y + place[1] + middle, left + middle, top + middle)
                )
    if not found:
        return NO_MATCHES
    points = (2 * np.array(found, np.float32)).reshape(-1, 2, 2)
    return Matches(np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1]))


def _find(block: Plane, window: Plane) -> tuple[float, float] | None:
    """Return x and y of a block in a window, to a fraction of a pixel; None if it is not there."""
    if float(block.std()) < 1.0:
        return None
    surface = cv2.matchTemplate(window, block, cv2.TM_CCOEFF_NORMED)
    _, peak, _, (x, y) = cv2.minMaxLoc(surface)
    is_inside = 0 < x < surface.shape[1] - 1 and 0 < y < surface.shape[0] - 1
    if peak < FOUND or not is_inside or not _is_a_peak(surface, x, y, peak):
        return None
    return x + _vertex(surface[y, x - 1 : x + 2]), y + _vertex(surface[y - 1 : y + 2, x])


def _is_a_peak(surface: Plane, x: int, y: int, peak: float) -> bool:
    for turn in np.arange(8) * (np.pi / 4):
        column = round(x + PEAK_RADIUS * float(np.cos(turn)))
        row = round(y + PEAK_RADIUS * float(np.sin(turn)))
        is_inside = 0 <= column < surface.shape[1] and 0 <= row < surface.shape[0]
        if is_inside and surface[row, column] > PEAK_DROP * peak:
            return False
    return True


def _vertex(three: npt.NDArray[np.float32]) -> float:
    """Return where the parabola through three values has its top, from -0.5 to 0.5."""
    before, here, after = (float(value) for value in three)
    bend = before - 2 * here + after
    return 0.0 if bend >= 0 else float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5))

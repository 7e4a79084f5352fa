"""Points of an image that can be found again in another one, spread evenly over the frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from platematte.prepare.view import View

GRID_COLUMNS, GRID_ROWS = 12, 8
POINTS_PER_CELL = 28
# A carpet gives tens of thousands of points; sorting out more than these costs more than it helps.
STRONGEST = 8000
# Lowe's ratio test (2004, section 7.1); 0.75 is what the reference figures were measured with.
LARGEST_RATIO = 0.75
# Lower than OpenCV's 0.04: plaster, carpet and defocused sets have little contrast.
CONTRAST_THRESHOLD = 0.015

Points = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Features:
    """N x 2 points (x, y) of a view and their N x 128 descriptors."""

    points: Points
    descriptors: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Matches:
    """The same N x 2 points in the clean plate's view and in the plate's view."""

    clean: Points
    plate: Points

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.clean)

    def without(self, chosen: npt.NDArray[np.bool_]) -> Matches:
        """Return the matches that are not chosen."""
        return Matches(self.clean[~chosen], self.plate[~chosen])


NO_MATCHES = Matches(np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32))


def detect_features(view: View) -> Features:
    """Detect SIFT points, at most as many in each grid cell as lets every region have its say."""
    detector = cv2.SIFT.create(STRONGEST, 3, CONTRAST_THRESHOLD)
    mask = view.is_valid.astype(np.uint8) * 255
    found = detector.detect(np.rint(view.encoded).astype(np.uint8), mask)
    chosen = _strongest_of_each_cell(found, view.encoded.shape)
    if not chosen:
        return Features(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32))
    kept, descriptors = detector.compute(np.rint(view.encoded).astype(np.uint8), chosen)
    points = np.array([point.pt for point in kept], np.float32).reshape(-1, 2)
    return Features(points, np.asarray(descriptors, np.float32))


def _strongest_of_each_cell(
    found: Sequence[cv2.KeyPoint], shape: tuple[int, int]
) -> list[cv2.KeyPoint]:
    taken: dict[tuple[int, int], int] = {}
    chosen = []
    # The position breaks ties, so that the choice never depends on the order of detection.
    for point in sorted(found, key=lambda p: (-p.response, p.pt, p.angle)):
        cell = (
            int(point.pt[1] * GRID_ROWS / shape[0]),
            int(point.pt[0] * GRID_COLUMNS / shape[1]),
        )
        count = taken.get(cell, 0)
        if count < POINTS_PER_CELL:
            taken[cell] = count + 1
            chosen.append(point)
    return chosen


def match_features(plate: Features, clean: Features) -> Matches:
    """Match points by their descriptors; only those whose second best is clearly worse."""
    if len(plate.points) < 2 or len(clean.points) < 2:
        return NO_MATCHES
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(plate.descriptors, clean.descriptors, k=2)
    good = [a for a, b in pairs if a.distance < LARGEST_RATIO * b.distance]
    plate_index = np.array([match.queryIdx for match in good], np.intp)
    clean_index = np.array([match.trainIdx for match in good], np.intp)
    return Matches(clean.points[clean_index], plate.points[plate_index])

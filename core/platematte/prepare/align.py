"""Find the homography that lays the clean plate onto a plate, or find that none is better.

The subject covers any part of the plate and moves on its own, so that a consensus of points is a
candidate only: what is kept is what makes most blocks of the frame show the same structure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from platematte.prepare.agreement import (
    Blocks,
    agreement_score,
    correlate_blocks,
    detail_of,
    is_better,
    seen_pixels,
    warp_plane,
    warp_validity,
)
from platematte.prepare.features import (
    NO_MATCHES,
    Features,
    Matches,
    detect_features,
    match_features,
)
from platematte.prepare.soft import match_blocks, soft_detail_of
from platematte.prepare.view import Homography, Plane, View

# MAGSAC's upper bound for noise, in pixels of the view.
CONSENSUS_PX = 2.0
FEWEST_INLIERS = 10
# The largest consensus may be a prop that was moved; the set is then the second or third.
CANDIDATES = 3
# Inliers in fewer cells than this (of 6 x 4) do not hold the far corners of a homography.
FEWEST_CELLS = 6
SMALLEST_SCALE, LARGEST_SCALE = 0.8, 1.25
# No hand-held or knocked camera moves a corner by more than this part of the diagonal.
LARGEST_MOVE = 0.25
LARGEST_PERSPECTIVE = 0.2
# More iterations took four times as long on woven cloth and changed no figure.
ECC_ITERATIONS, ECC_EPSILON = 10, 1e-4


@dataclass(frozen=True)
class Alignment:
    """A homography between two views, the points that support it and how well they fit."""

    homography: Homography
    inliers: int
    rms_px: float
    """RMS distance, in pixels of the view, of the matched points within the consensus bound."""
    blocks: Blocks
    """Correlation of plate and warped clean plate, block by block."""


@dataclass(frozen=True)
class _Problem:
    plate: View
    clean: View
    plate_detail: Plane
    clean_detail: Plane
    matches: Matches
    find_detail: Callable[[Plane], Plane] = detail_of
    """What of a view is compared: fine structure, or what is left of it out of focus."""

    def compare(self, homography: Homography) -> Blocks:
        """Correlate the plate with the clean plate warped by a homography."""
        warped = self.find_detail(warp_plane(self.clean.encoded, homography))
        covered = warp_validity(self.clean.is_valid, homography)
        return correlate_blocks(self.plate_detail, warped, covered & self.plate.is_valid)


class Aligner:
    """Aligns one clean plate's view with any number of plate views, each on its own."""

    def __init__(self, clean: View) -> None:
        """Detect the features of the clean plate once."""
        self.clean = clean
        self._detail = detail_of(clean.encoded)
        self._features: Features = detect_features(clean)

    def align(self, plate: View) -> Alignment | None:
        """Return the best plausible alignment, or None where no warp beats the unwarped plate."""
        matches = match_features(detect_features(plate), self._features)
        return _align(self._problem(plate, matches)) or _align(self._soft_problem(plate))

    def compare(self, plate: View, homography: Homography) -> Blocks:
        """Return the block correlation of a plate with the clean plate warped by a homography."""
        return self._problem(plate, NO_MATCHES).compare(homography)

    def _problem(self, plate: View, matches: Matches) -> _Problem:
        return _Problem(plate, self.clean, detail_of(plate.encoded), self._detail, matches)

    def _soft_problem(self, plate: View) -> _Problem:
        details = soft_detail_of(plate.encoded), soft_detail_of(self.clean.encoded)
        matches = match_blocks(plate, self.clean)
        return _Problem(plate, self.clean, *details, matches, soft_detail_of)


def _align(problem: _Problem) -> Alignment | None:
    unwarped = problem.compare(np.eye(3))
    best = _best_candidate(problem)
    refined = _refine(problem, np.eye(3) if best is None else best)
    if refined is not None:
        best = refined
    if best is None:
        return None
    blocks = problem.compare(best)
    if not is_better(blocks, unwarped):
        return None
    return _supported(best, problem.matches, blocks)


def corners_of(shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Return the 4 x 2 corner pixel centres (x, y) of an image of this shape."""
    right, bottom = shape[1] - 1.0, shape[0] - 1.0
    return np.array([[0, 0], [right, 0], [right, bottom], [0, bottom]], np.float64)


def corner_moves(homography: Homography, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Return how far, in pixels, a homography moves each of the four corners (4 x 2: x, y)."""
    corners = corners_of(shape)
    return project(homography, corners) - corners


def project(homography: Homography, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Map N x 2 points (x, y) by a homography."""
    moved = cv2.perspectiveTransform(points.reshape(-1, 1, 2), homography)
    return moved.reshape(-1, 2).astype(np.float64, copy=False)


def is_plausible(homography: Homography, shape: tuple[int, ...]) -> bool:
    """Tell whether a camera that was held or knocked can have caused it; no folds, no leaps."""
    if not np.isfinite(homography).all():
        return False
    height, width = shape[:2]
    # The denominator at the corners: a fold is where it changes its sign.
    depth = np.c_[corners_of(shape), np.ones(4)] @ homography[2]
    if np.abs(depth - 1).max() > LARGEST_PERSPECTIVE:
        return False
    diagonal = float(np.hypot(height, width))
    moves = corner_moves(homography, shape)
    if np.hypot(*moves.T).max() > LARGEST_MOVE * diagonal:
        return False
    corners = corners_of(shape) + moves
    sides = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
    scales = sides / np.maximum([width - 1, height - 1, width - 1, height - 1], 1)
    return bool(scales.min() >= SMALLEST_SCALE and scales.max() <= LARGEST_SCALE)


def _best_candidate(problem: _Problem) -> Homography | None:
    best, best_score = None, 0.0
    for homography in _candidates(problem):
        if not is_plausible(homography, problem.plate.encoded.shape):
            continue
        score = agreement_score(problem.compare(homography))
        if score > best_score:
            best, best_score = homography, score
    return best


def _candidates(problem: _Problem) -> Iterator[Homography]:
    matches = problem.matches
    for _ in range(CANDIDATES):
        if matches.count < FEWEST_INLIERS:
            return
        found, inside = cv2.findHomography(matches.clean, matches.plate, _consensus())
        if found is None or inside is None:
            return
        chosen = inside.ravel().astype(bool)
        if chosen.sum() < FEWEST_INLIERS:
            return
        if _cells(matches.clean[chosen], problem.clean.encoded.shape) >= FEWEST_CELLS:
            yield found / found[2, 2]
        else:
            yield from _rigid_candidates(matches, chosen)
        matches = matches.without(chosen)


def _rigid_candidates(matches: Matches, chosen: npt.NDArray[np.bool_]) -> Iterator[Homography]:
    # Few cells cannot hold eight numbers, but they may hold a shift or a shift, turn and scale.
    clean, plate = matches.clean[chosen], matches.plate[chosen]
    shift = np.eye(3)
    shift[:2, 2] = np.median(plate - clean, axis=0)
    yield shift
    similar, _ = cv2.estimateAffinePartial2D(clean, plate, method=cv2.LMEDS)
    if similar is not None:
        yield np.vstack([similar, [0, 0, 1]])


def _consensus() -> cv2.UsacParams:
    # As cv2.USAC_MAGSAC, but with a seed of its own: the same points give the same answer.
    params = cv2.UsacParams()
    params.score = cv2.SCORE_METHOD_MAGSAC
    params.sampler = cv2.SAMPLING_UNIFORM
    params.loMethod = cv2.LOCAL_OPTIM_SIGMA
    params.final_polisher = cv2.MAGSAC
    params.threshold = CONSENSUS_PX
    params.confidence = 0.999
    params.maxIterations = 2000
    params.randomGeneratorState = 1
    params.isParallel = False
    return params


def _cells(points: npt.NDArray[np.float32], shape: tuple[int, ...]) -> int:
    columns = np.clip((points[:, 0] * 6 / shape[1]).astype(int), 0, 5)
    rows = np.clip((points[:, 1] * 4 / shape[0]).astype(int), 0, 3)
    return len(np.unique(rows * 6 + columns))


def _refine(problem: _Problem, start: Homography) -> Homography | None:
    """Refine by ECC where plate and clean plate agree; None where that makes it no better."""
    blocks = problem.compare(start)
    found = _ecc(problem, start, blocks)
    if found is None or not is_plausible(found, problem.plate.encoded.shape):
        return None
    refined = problem.compare(found)
    # A block that one of them pushes over the edge of the frame says nothing about either.
    both = np.isfinite(blocks) & np.isfinite(refined)
    return found if agreement_score(refined[both]) > agreement_score(blocks[both]) else None


def _ecc(problem: _Problem, start: Homography, blocks: Blocks) -> Homography | None:
    shape = problem.plate.encoded.shape
    background = seen_pixels(blocks, shape) & warp_validity(problem.clean.is_valid, start)
    background &= problem.plate.is_valid
    if background.mean() < 0.005:
        return None
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, ECC_ITERATIONS, ECC_EPSILON)
    try:
        # On detail and not on brightness: a subject's shadow or bounce light is no motion.
        _, found = cv2.findTransformECC(
            problem.clean_detail,
            problem.plate_detail,
            start.astype(np.float32),
            cv2.MOTION_HOMOGRAPHY,
            criteria,
            background.astype(np.uint8) * 255,
            5,
        )
    except cv2.error:
        # OpenCV's way of saying that the iteration diverged; the start stays the answer.
        return None
    return found.astype(np.float64) / float(found[2, 2])


def _supported(homography: Homography, matches: Matches, blocks: Blocks) -> Alignment:
    if matches.count == 0:
        return Alignment(homography, 0, float("nan"), blocks)
    mapped = project(homography, matches.clean.astype(np.float64))
    distance = np.hypot(*(mapped - matches.plate).T)
    inside = distance[distance < CONSENSUS_PX]
    rms = float(np.sqrt(np.mean(inside**2))) if inside.size else float("nan")
    return Alignment(homography, int(inside.size), rms, blocks)

"""How well two views show the same structure, block by block and whatever their exposure.

A block of a moving subject agrees with no clean plate, so that it has no say in which of two
alignments is the better one.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from platematte.prepare.view import Flags, Homography, Plane

SMALLEST_BLOCK = 8
BLOCKS_ALONG_LONG_SIDE = 60
# Above this a block of the clean plate is seen again in the plate.
SEEN = 0.6
# Two alignments are told apart by a sign test over the blocks that one of them sees.
SIGN_TEST_SIGMAS = 3.0
FEWEST_BLOCKS = 6
# The winner must also remove this part of what the other leaves unexplained: interpolation alone
# smooths noise and so looks better than none by about half a per cent.
LEAST_IMPROVEMENT = 0.02

Blocks = npt.NDArray[np.float32]


def detail_of(encoded: Plane) -> Plane:
    """Return the structure of an encoded view without its shading and without its finest noise."""
    fine = cv2.GaussianBlur(encoded, (0, 0), 0.8)
    return fine - cv2.GaussianBlur(encoded, (0, 0), 5.0)


def warp_plane(plane: Plane, homography: Homography) -> Plane:
    """Warp an h x w plane in the coordinates of its own view."""
    size = (plane.shape[1], plane.shape[0])
    warped = cv2.warpPerspective(
        plane, homography, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return warped.astype(np.float32, copy=False)


def warp_validity(is_valid: Flags, homography: Homography) -> Flags:
    """Warp an h x w validity; False wherever an invalid or missing pixel takes part."""
    size = (is_valid.shape[1], is_valid.shape[0])
    warped = cv2.warpPerspective(
        is_valid.astype(np.float32), homography, size, flags=cv2.INTER_LINEAR, borderValue=0
    )
    return warped > 0.999


def correlate_blocks(plate: Plane, clean: Plane, is_valid: Flags) -> Blocks:
    """Return the correlation of two details in each block, -1..1; NaN where pixels are invalid."""
    block = block_side(plate.shape)
    rows, columns = max(1, plate.shape[0] // block), max(1, plate.shape[1] // block)

    def mean(plane: Plane) -> npt.NDArray[np.float64]:
        whole = plane[: rows * block, : columns * block].astype(np.float64)
        small = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
        return small.astype(np.float64, copy=False)

    mean_plate, mean_clean = mean(plate), mean(clean)
    cross = mean(plate * clean) - mean_plate * mean_clean
    power = (mean(plate * plate) - mean_plate**2) * (mean(clean * clean) - mean_clean**2)
    correlation = cross / np.sqrt(np.maximum(power, 1e-6))
    covered = mean(is_valid.astype(np.float32)) > 0.75
    return np.where(covered, correlation, np.nan).astype(np.float32)


def block_side(shape: tuple[int, ...]) -> int:
    """Return the side of a block in pixels for a view of this shape."""
    return max(SMALLEST_BLOCK, round(max(shape[:2]) / BLOCKS_ALONG_LONG_SIDE))


def agreement_score(blocks: Blocks) -> float:
    """Return how much structure is seen again, in blocks; unrelated images score near nothing."""
    return float(np.nansum(np.maximum(blocks - 0.3, 0.0)) / 0.7)


def is_better(candidate: Blocks, other: Blocks) -> bool:
    """Tell whether a candidate alignment beats another one beyond chance and beyond smoothing."""
    comparable = np.isfinite(candidate) & np.isfinite(other)
    first, second = candidate[comparable], other[comparable]
    seen = np.maximum(first, second) > SEEN
    count = int(seen.sum())
    if count < FEWEST_BLOCKS:
        return False
    gains = first[seen] - second[seen]
    lead = int((gains > 0).sum()) - int((gains < 0).sum())
    if lead < SIGN_TEST_SIGMAS * np.sqrt(count):
        return False
    left = float((1 - first[seen]).sum())
    left_by_other = float((1 - second[seen]).sum())
    return left < (1 - LEAST_IMPROVEMENT) * left_by_other


def seen_pixels(blocks: Blocks, shape: tuple[int, int]) -> Flags:
    """Return h x w, True in the blocks that are seen again.

    Not in the blocks beside them: there the edge of the subject would pull at the alignment.
    """
    seen = np.nan_to_num(blocks, nan=-1.0) > SEEN
    block = block_side(shape)
    full = np.repeat(np.repeat(seen, block, axis=0), block, axis=1)[: shape[0], : shape[1]]
    padded = np.zeros(shape, np.bool_)
    padded[: full.shape[0], : full.shape[1]] = full
    return padded

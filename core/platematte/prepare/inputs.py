"""A plate and its clean plate as they come in: made finite, checked, and reduced to views."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from platematte.errors import CleanUnusable
from platematte.prepare.finite import make_finite
from platematte.prepare.view import Image, View, make_view

# With less of the frame covered there is too little to look at, whatever is in it.
LEAST_COVERAGE = 0.2
# A clean plate of half the format covers a quarter of the frame; an inset of that exact shape is
# so unlikely that a proxy is meant.
PROXY_COVERAGE = 0.26
PROXY_RATIOS = (2, 3, 4, 8)
# Two exposures of one set never agree in every bit of this part of their pixels.
SAME_PART = 0.999


@dataclass(frozen=True)
class FramePair:
    """Finite plate and clean plate of one frame, with what may be used of them."""

    plate: Image
    clean: Image
    plate_valid: npt.NDArray[np.bool_]
    """H x W, True where the plate was finite."""
    clean_valid: npt.NDArray[np.bool_]
    """H x W, True where the clean plate was finite and covers the frame."""
    nonfinite_plate: int
    nonfinite_clean: int

    @cached_property
    def plate_view(self) -> View:
        """The plate at the working size of alignment."""
        return make_view(self.plate, self.plate_valid)

    @cached_property
    def clean_view(self) -> View:
        """The clean plate at the working size of alignment."""
        return make_view(self.clean, self.clean_valid)

    @cached_property
    def is_same_picture(self) -> bool:
        """Whether the clean plate is, bit for bit, the plate with some content in it."""
        sparse = self.plate[::8, ::8] == self.clean[::8, ::8]
        if sparse.all(axis=2).mean() < SAME_PART or np.ptp(self.plate[::8, ::8]) == 0:
            return False
        return bool((self.plate == self.clean).all(axis=2).mean() > SAME_PART)


def read_pair(plate: Image, clean: Image, coverage: Image | None) -> FramePair:
    """Make two H x W x 3 images finite and check the coverage (H x W x 1, 1: has pixels).

    Raises CleanUnusable where the clean plate covers too little of the frame.
    """
    if plate.shape != clean.shape:
        raise ValueError(f"plate is {plate.shape}, clean plate is {clean.shape}")
    covered = np.ones(plate.shape[:2], np.bool_)
    if coverage is not None:
        covered = coverage.reshape(plate.shape[:2]) > 0.999
        _check_coverage(covered)
    finite_plate, broken_plate = make_finite(plate)
    finite_clean, broken_clean = make_finite(clean)
    plate_valid = np.ones_like(covered) if broken_plate is None else ~broken_plate
    clean_valid = covered if broken_clean is None else covered & ~broken_clean
    return FramePair(
        finite_plate,
        finite_clean,
        plate_valid,
        clean_valid,
        0 if broken_plate is None else int(broken_plate.sum()),
        0 if broken_clean is None else int(broken_clean.sum()),
    )


def _check_coverage(covered: npt.NDArray[np.bool_]) -> None:
    part = float(covered.mean())
    if part >= PROXY_COVERAGE:
        return
    height, width = covered.shape
    rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    if rows.size == 0:
        raise CleanUnusable(f"the clean plate covers nothing of the {width}x{height} frame")
    inner_height, inner_width = int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
    ratio = _proxy_ratio((height, width), (inner_height, inner_width))
    if ratio is None and part >= LEAST_COVERAGE:
        return
    reason = (
        f"the clean plate covers {part:.0%} of the frame: {inner_width}x{inner_height} pixels "
        f"of {width}x{height}"
    )
    if ratio is None:
        raise CleanUnusable(reason, fix="Give a clean plate in the plate's format and position.")
    raise CleanUnusable(
        f"{reason}; its size is exactly 1/{ratio}, so it looks like a proxy",
        fix="Give the clean plate at full resolution; it is never resized here.",
    )


def _proxy_ratio(frame: tuple[int, int], inner: tuple[int, int]) -> int | None:
    for ratio in PROXY_RATIOS:
        if all(abs(whole / ratio - part) < 1 for whole, part in zip(frame, inner, strict=True)):
            return ratio
    return None

"""Find out once for a shot whether its camera stood still, from a few frames spread over it.

A camera that stood still gets one homography, often none, and where the light stood still too, one
gain: nothing is then measured frame by frame, so that nothing can jitter. The answer depends on
the frames that are shown here and on nothing else, never on which chunk is being computed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from platematte.errors import CleanUnusable
from platematte.prepare.agreement import is_better
from platematte.prepare.align import Aligner, corner_moves, corners_of, is_plausible
from platematte.prepare.choose import Comparison
from platematte.prepare.exposure import ColourMatch
from platematte.prepare.inputs import FramePair, read_pair
from platematte.prepare.view import Homography, Image, View, view_to_frame
from platematte.settings import PrepareSettings

# Two homographies whose corners lie closer than this, in pixels of the frame, are the same one.
SAME_PX = 0.3
# A warp that moves no corner further than this is none.
NO_WARP_PX = 0.05
# Gains that agree within half a per cent over the whole shot are one gain.
SAME_GAIN = 0.005


@dataclass(frozen=True)
class CameraReport:
    """What holds for every frame of a shot."""

    is_static: bool
    homography: Homography | None = None
    """Of full frames, for a static camera; None: no warp is better than none."""
    match: ColourMatch | None = None
    """One match for the shot; None: the light differs between frames and is matched in each."""
    samples: int = 0
    differs: bool = True
    """Whether some sampled plate differs from its clean plate."""


@dataclass(frozen=True)
class _Sample:
    plate: View
    aligner: Aligner
    own: Homography | None
    """The best homography of this sample alone, between views."""

    def rejects(self, homography: Homography | None, scale: float) -> bool:
        """Tell whether this sample's own alignment is better than one for the whole shot."""
        if self.own is None:
            return False
        shape = self.plate.encoded.shape
        shared = np.eye(3) if homography is None else homography
        apart = corner_moves(self.own, shape) - corner_moves(shared, shape)
        if np.hypot(*apart.T).max() * scale < SAME_PX:
            return False
        own, other = (self.aligner.compare(self.plate, h) for h in (self.own, shared))
        return is_better(own, other)


def study_camera(
    samples: Iterable[tuple[Image, Image, Image]], settings: PrepareSettings
) -> CameraReport:
    """Decide between a static and a moving camera from (plate, clean, coverage) of a few frames.

    plate, clean: H x W x 3 scene-linear; coverage: H x W x 1. Frames are looked at one by one, so
    that a generator keeps one in memory. Raises CleanUnusable where every plate is its clean plate
    and where none of the clean plates can be used.
    """
    kept: list[_Sample] = []
    size, differs = (1, 1), False
    problem: CleanUnusable | None = None
    for plate, clean, coverage in samples:
        try:
            pair = read_pair(plate, clean, coverage)
        except CleanUnusable as error:
            # One clean plate of a sequence that cannot be used costs its own frame only.
            problem = error
            continue
        differs |= not pair.is_same_picture
        size = plate.shape[:2]
        kept.append(_sample(pair, settings))
    if not kept:
        if problem is not None:
            raise problem
        return CameraReport(is_static=settings.camera == "static")
    if not differs:
        raise same_picture_error()
    is_static, homography = _shared_homography(kept, settings, size)
    match = _shared_match(kept, homography, settings) if is_static else None
    full = homography
    if full is not None:
        full = view_to_frame(full, size, kept[0].plate.encoded.shape)
    return CameraReport(is_static, full, match, len(kept), differs)


def same_picture_error() -> CleanUnusable:
    """Return the error for a clean plate that is the plate itself."""
    return CleanUnusable(
        "the clean plate is the plate's own frame: every pixel is the same",
        fix="Give a clean plate without the subject; PLATE and CLEAN may have been given one path.",
    )


def _sample(pair: FramePair, settings: PrepareSettings) -> _Sample:
    aligner = Aligner(pair.clean_view)
    if settings.align == "off" or settings.camera == "moving" or pair.is_same_picture:
        return _Sample(pair.plate_view, aligner, None)
    found = aligner.align(pair.plate_view)
    return _Sample(pair.plate_view, aligner, None if found is None else found.homography)


def _shared_homography(
    samples: list[_Sample], settings: PrepareSettings, size: tuple[int, ...]
) -> tuple[bool, Homography | None]:
    if settings.align == "off":
        return settings.camera != "moving", None
    if settings.camera == "moving":
        return False, None
    shape = samples[0].plate.encoded.shape
    scale = max(size[:2]) / max(shape)
    middle = _middle_of(samples, shape, scale)
    for model in (None, middle):
        if not any(sample.rejects(model, scale) for sample in samples):
            return True, model
    return settings.camera == "static", middle if settings.camera == "static" else None


def _middle_of(samples: list[_Sample], shape: tuple[int, ...], scale: float) -> Homography | None:
    # The median of each corner over the samples that found any warp, as one homography.
    found = [corner_moves(sample.own, shape) for sample in samples if sample.own is not None]
    if not found:
        return None
    moves = np.median(np.stack(found), axis=0)
    if np.hypot(*moves.T).max() * scale < NO_WARP_PX:
        return None
    corners = corners_of(shape)
    middle = cv2.getPerspectiveTransform(
        corners.astype(np.float32), (corners + moves).astype(np.float32)
    ).astype(np.float64)
    if not is_plausible(middle, shape):
        return None
    votes = [
        is_better(s.aligner.compare(s.plate, middle), s.aligner.compare(s.plate, np.eye(3)))
        for s in samples
    ]
    return middle if 2 * sum(votes) >= len(votes) else None


def _shared_match(
    samples: list[_Sample], homography: Homography | None, settings: PrepareSettings
) -> ColourMatch | None:
    if settings.match == "off":
        return ColourMatch()
    comparisons = [Comparison(sample.plate, sample.aligner.clean) for sample in samples]
    matches = [c.choose_light(homography, True).match for c in comparisons]
    gains = np.array([match.gain for match in matches])
    if (gains.max(axis=0) / gains.min(axis=0) - 1).max() > SAME_GAIN:
        return None
    if any(match.bias != (0.0, 0.0, 0.0) for match in matches):
        return None
    red, green, blue = (float(gain) for gain in np.median(gains, axis=0))
    return ColourMatch((red, green, blue))

"""Make the clean plate comparable with the plate: aligned, matched, and trusted where it may be."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from platematte.prepare.align import Aligner, Alignment, corner_moves
from platematte.prepare.camera import (
    NO_WARP_PX,
    CameraReport,
    same_picture_error,
    study_camera,
)
from platematte.prepare.choose import Comparison, Decision
from platematte.prepare.exposure import Triple
from platematte.prepare.inputs import FramePair, read_pair
from platematte.prepare.view import (
    Flags,
    Homography,
    Image,
    View,
    frame_to_view,
    shrink_flags,
    view_to_frame,
)
from platematte.prepare.warp import warp_clean
from platematte.settings import PrepareSettings

__all__ = ["CameraReport", "PrepareReport", "PreparedFrame", "Preparer", "study_camera"]

# Below this part of the frame the clean plate tells next to nothing about the plate.
LITTLE_EXPLAINED = 0.03


@dataclass(frozen=True)
class PrepareReport:
    """What was found and done for one frame."""

    homography: Homography | None
    """3 x 3, clean plate to plate, in pixel centres of the frame; None: not warped."""
    is_warped: bool
    rms_px: float | None
    """RMS distance of the matched points within the consensus bound; None: not measured."""
    inliers: int
    gain: Triple
    bias: Triple
    chosen: str
    """raw, matched, warped or warped+matched."""
    explained: float
    """Part of the frame, 0..1, that the prepared clean plate explains within the noise."""
    is_static: bool
    is_clean_itself: bool
    """Whether the plate is the clean plate, bit for bit."""
    nonfinite_plate: int
    nonfinite_clean: int
    """Pixels with a NaN or Inf in any channel."""
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class PreparedFrame:
    """A plate with a clean plate that lies on it, in its light."""

    plate: Image
    """H x W x 3 scene-linear: the array that came in, or a copy with finite pixels only."""
    clean: Image
    """H x W x 3 scene-linear, warped and matched; the unwarped one where the warp shows nothing."""
    trust: Image
    """H x W x 1: 1 where both are real pixels, 0 where the clean plate does not cover the frame,
    along the rim of a warp, and where either was not finite."""
    report: PrepareReport


class Preparer:
    """Prepares the frames of one shot, each on its own: the order of frames changes nothing."""

    def __init__(self, settings: PrepareSettings, camera: CameraReport | None) -> None:
        """Take the settings and what `study_camera` found; None: each frame is measured alone."""
        self._settings = settings
        self._camera = camera
        # The features of a clean plate that is held are found once; a frame's result depends on
        # their content alone, never on whether they were found before.
        self._held: tuple[bytes, Aligner] | None = None

    def prepare(
        self,
        plate: Image,
        clean: Image,
        coverage: Image | None = None,
        garbage: Image | None = None,
    ) -> PreparedFrame:
        """Align and match one frame's clean plate.

        plate, clean: H x W x 3 scene-linear. coverage: H x W x 1, 1 where the clean plate has
        pixels. garbage: H x W x 1, 1 where the artist knows that no subject is, which makes these
        pixels full evidence of the set's light. Raises CleanUnusable where the clean plate covers
        too little, or is the plate and no other frame of the shot is known to differ.
        """
        pair = read_pair(plate, clean, coverage)
        if pair.is_same_picture and not (self._camera is not None and self._camera.samples > 1):
            raise same_picture_error()
        decision, alignment = self._decide(pair, garbage)
        homography = _frame_homography(decision, pair)
        shown, trusted = pair.clean, pair.clean_valid
        if homography is not None:
            shown, trusted = warp_clean(pair.clean, pair.clean_valid, homography)
        trust = (trusted & pair.plate_valid).astype(np.float32)[..., None]
        report = self._report(pair, decision, alignment, homography)
        return PreparedFrame(pair.plate, decision.match.apply(shown), trust, report)

    def _decide(self, pair: FramePair, garbage: Image | None) -> tuple[Decision, Alignment | None]:
        plate, clean = pair.plate_view, pair.clean_view
        is_matching = self._settings.match == "auto"
        background = None if garbage is None else _reduce_garbage(garbage, plate)
        comparison = Comparison(plate, clean, background)
        camera = self._camera
        if camera is not None and camera.is_static:
            settled = camera.homography
            if settled is not None:
                settled = frame_to_view(settled, pair.plate.shape[:2], plate.encoded.shape)
            if camera.match is not None:
                return comparison.measure(settled, camera.match), None
            return comparison.choose_light(settled, is_matching), None
        if self._settings.align == "off" or pair.is_same_picture:
            return comparison.choose(None, is_matching), None
        found = self._aligner(clean).align(plate)
        if found is None or _moves_little(found.homography, pair):
            return comparison.choose(None, is_matching), None
        return comparison.choose(found.homography, is_matching), found

    def _aligner(self, clean: View) -> Aligner:
        key = hashlib.sha1(clean.encoded.tobytes() + clean.is_valid.tobytes()).digest()
        held = self._held
        if held is None or held[0] != key:
            held = (key, Aligner(clean))
            self._held = held
        return held[1]

    def _report(
        self,
        pair: FramePair,
        decision: Decision,
        alignment: Alignment | None,
        homography: Homography | None,
    ) -> PrepareReport:
        if homography is None:
            alignment = None
        scale = max(pair.plate.shape[:2]) / max(pair.plate_view.encoded.shape)
        return PrepareReport(
            homography=homography,
            is_warped=homography is not None,
            rms_px=None if alignment is None else alignment.rms_px * scale,
            inliers=0 if alignment is None else alignment.inliers,
            gain=decision.match.gain,
            bias=decision.match.bias,
            chosen=decision.choice,
            explained=decision.explained,
            is_static=self._camera is not None and self._camera.is_static,
            is_clean_itself=pair.is_same_picture,
            nonfinite_plate=pair.nonfinite_plate,
            nonfinite_clean=pair.nonfinite_clean,
            warnings=tuple(_warnings(pair, decision)),
        )


def _frame_homography(decision: Decision, pair: FramePair) -> Homography | None:
    if decision.homography is None:
        return None
    return view_to_frame(decision.homography, pair.plate.shape[:2], pair.plate_view.encoded.shape)


def _moves_little(homography: Homography, pair: FramePair) -> bool:
    shape = pair.plate_view.encoded.shape
    scale = max(pair.plate.shape[:2]) / max(shape)
    return bool(np.hypot(*corner_moves(homography, shape).T).max() * scale <= NO_WARP_PX)


def _reduce_garbage(garbage: Image, view: View) -> Flags:
    return shrink_flags(garbage.reshape(garbage.shape[:2]) > 0.999, view.encoded.shape)


def _warnings(pair: FramePair, decision: Decision) -> Iterator[str]:
    for name, count in (("plate", pair.nonfinite_plate), ("clean plate", pair.nonfinite_clean)):
        if count:
            yield f"{count} pixels of the {name} are NaN or Inf; they are replaced and distrusted"
    if pair.is_same_picture:
        yield "this frame is the clean plate itself; its alpha is 0, subject or not"
    elif decision.explained < LITTLE_EXPLAINED:
        yield (
            f"the clean plate explains {decision.explained:.1%} of the frame; "
            "it may be of another set, or the subject fills the frame"
        )

"""Choose what to do to the clean plate: nothing, warp it, match its light, or both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from platematte.prepare.exposure import (
    ColourMatch,
    explained_part,
    find_match,
    is_negligible,
    noise_of,
)
from platematte.prepare.view import (
    Flags,
    Homography,
    View,
    frame_to_view,
    shrink_flags,
    shrink_for_light,
)
from platematte.prepare.warp import warp_clean

Choice = Literal["raw", "matched", "warped", "warped+matched"]

# A match must explain this much more than none does. A warp, which was found better in structure
# already, may explain this much less: parallax costs pixels that were explained by chance.
LEAST_GAIN = 1.002
LARGEST_LOSS = 0.01
# A garbage matte that leaves less than this of the frame has nothing to say about its light.
LEAST_BACKGROUND = 0.05


@dataclass(frozen=True)
class Decision:
    """What is done to the clean plate, and what part of the frame it then explains."""

    homography: Homography | None
    """Between the views that were compared; None: not warped."""
    match: ColourMatch
    explained: float

    @property
    def choice(self) -> Choice:
        """What is done, in a word."""
        is_matched = self.match != ColourMatch()
        if self.homography is None:
            return "matched" if is_matched else "raw"
        return "warped+matched" if is_matched else "warped"


class Comparison:
    """A plate and a clean plate at the size at which their light is compared."""

    def __init__(self, plate: View, clean: View, background: Flags | None = None) -> None:
        """Take two views and, at their size, where the artist says that no subject is."""
        self._size = plate.encoded.shape
        self._plate, self._clean = shrink_for_light(plate), shrink_for_light(clean)
        self._background = (
            None if background is None else shrink_flags(background, self._plate.encoded.shape)
        )
        noises = [noise_of(view.linear, view.is_valid) for view in (self._plate, self._clean)]
        self._noise: npt.NDArray[np.float32] = np.hypot(*noises)

    def choose(self, homography: Homography | None, is_matching: bool) -> Decision:
        """Keep whichever of the raw, matched, warped and warped+matched plate explains best.

        homography: between the views, found better in structure than none; None: do not warp.
        """
        if homography is None:
            return self.choose_light(None, is_matching)
        # Both are judged on the pixels that both show.
        warped = self._show(homography)
        where = warped.is_valid
        views = (warped, self._clean)
        found, found_unwarped = (self._choose_match(view, is_matching, where) for view in views)
        # Each in the better of the two lights that were found: one that was missed says nothing
        # against the place.
        with_warp = self._better_match(warped, found, found_unwarped, where)
        without = self._better_match(self._clean, found_unwarped, found, where)
        score = self._explained(warped, with_warp, where)
        score_without = self._explained(self._clean, without, where)
        if score < score_without * (1 - LARGEST_LOSS):
            return Decision(None, without, score_without)
        return Decision(homography, with_warp, score)

    def choose_light(self, homography: Homography | None, is_matching: bool) -> Decision:
        """As `choose`, for a settled homography: matched or not, whichever explains best."""
        shown = self._show(homography)
        match = self._choose_match(shown, is_matching, shown.is_valid)
        return Decision(homography, match, self._explained(shown, match, shown.is_valid))

    def measure(self, homography: Homography | None, match: ColourMatch) -> Decision:
        """Return what was settled for the whole shot, with what it explains of this plate."""
        shown = self._show(homography)
        return Decision(homography, match, self._explained(shown, match, shown.is_valid))

    def _choose_match(self, shown: View, is_matching: bool, where: Flags) -> ColourMatch:
        none = ColourMatch()
        found = find_match(self._plate, shown, self._background) if is_matching else None
        if found is None or is_negligible(found):
            return none
        return self._better_match(shown, none, found, where)

    def _better_match(
        self, shown: View, own: ColourMatch, other: ColourMatch, where: Flags
    ) -> ColourMatch:
        """Return a view's own match, or another one that explains clearly more."""
        # Where the artist has said what is set, the light is judged there and nowhere else.
        if self._background is not None and self._background.mean() > LEAST_BACKGROUND:
            where = where & self._background
        gained = self._explained(shown, other, where)
        return other if gained > self._explained(shown, own, where) * LEAST_GAIN else own

    def _explained(self, shown: View, match: ColourMatch, where: Flags) -> float:
        is_valid = self._plate.is_valid & shown.is_valid & where
        return explained_part(self._plate.linear, match.apply(shown.linear), is_valid, self._noise)

    def _show(self, homography: Homography | None) -> View:
        if homography is None:
            return self._clean
        clean = self._clean
        small = frame_to_view(homography, self._size, clean.encoded.shape)
        linear, trusted = warp_clean(clean.linear, clean.is_valid, small)
        size = (clean.encoded.shape[1], clean.encoded.shape[0])
        encoded = cv2.warpPerspective(
            clean.encoded, small, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return View(linear, encoded.astype(np.float32, copy=False), trusted)

"""Non-finite pixels: counted, replaced by what surrounds them, and never trusted."""

from __future__ import annotations

import cv2
import numpy as np

from platematte.prepare.view import Flags, Image

# A firefly of a renderer is one pixel, a broken tile is not: holes larger than this become 0.
NEIGHBOURHOOD_PX = 7


def make_finite(image: Image) -> tuple[Image, Flags | None]:
    """Return the image without NaN and Inf, and H x W True where one was; the same array if none.

    A pixel with a non-finite channel takes the mean of the finite pixels around it, 0 where there
    are none, in all its channels. Every other pixel keeps its bits.
    """
    # A sum is finite only if every term is; it is four times cheaper than looking at each value.
    # Plus and minus infinity make it NaN, which is an answer here and no reason for a warning.
    with np.errstate(invalid="ignore"):
        total = image.sum(dtype=np.float64)
    if np.isfinite(total):
        return image, None
    is_broken: Flags = np.logical_not(np.isfinite(image).all(axis=2))
    whole = np.where(is_broken[..., None], np.float32(0), image)
    kernel = (NEIGHBOURHOOD_PX, NEIGHBOURHOOD_PX)
    count = cv2.boxFilter(np.where(is_broken, 0.0, 1.0), -1, kernel, normalize=False)
    for channel in range(image.shape[2]):
        near = cv2.boxFilter(whole[..., channel].astype(np.float64), -1, kernel, normalize=False)
        around = near / np.maximum(count, 1)
        whole[..., channel][is_broken] = around[is_broken]
    return whole, is_broken

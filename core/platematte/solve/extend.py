"""Colour of the subject beyond its own edge, from where the subject is solid."""

from __future__ import annotations

import cv2
import numpy as np

Image = np.ndarray

_SOLID_POWER = 8
"""Alpha to this power is how much a pixel's colour counts: edges hold the set's colour as well."""
_FULL_AT = 1.0 / 16
"""Where this part of a cell is solid, its own colour is taken and nothing from farther away."""
_LEAST = 1e-20


def extend_colour(straight: Image, alpha: Image) -> Image:
    """Return straight colour for every pixel: the subject's own, grown outwards without end.

    Pull-push (Gortler and others, "The Lumigraph", 1996, section 3.4): weighted means over cells
    of twice the size each, until one is left, and back, where a cell without enough of its own
    takes what the larger one has. straight: H x W x 3 scene-linear, of any kind where alpha is 0.
    alpha: H x W x 1. Means are taken of cube roots, about as an eye sees them, or one highlight
    would colour all that is near. Without any subject it is black.
    """
    weight = np.power(alpha.astype(np.float32), _SOLID_POWER)
    sums, weights = [np.cbrt(straight) * weight], [weight]
    while max(sums[-1].shape[:2]) > 1:
        sums.append(_halved(sums[-1]))
        weights.append(_halved(weights[-1]))
    grown = sums[-1] / np.maximum(weights[-1], _LEAST)
    for own, share in zip(sums[-2::-1], weights[-2::-1], strict=True):
        larger = cv2.resize(grown, own.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        known = np.minimum(share / _FULL_AT, 1.0)
        grown = larger.reshape(own.shape) * (1.0 - known)
        grown += own * (known / np.maximum(share, _LEAST))
    return np.asarray(grown * grown * grown, np.float32)


def _halved(image: Image) -> Image:
    """Return means over cells of 2 x 2; an odd last row or column shares in the last cells."""
    height, width, channels = image.shape
    size = ((width + 1) // 2, (height + 1) // 2)
    smaller = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(smaller).reshape(size[1], size[0], channels)

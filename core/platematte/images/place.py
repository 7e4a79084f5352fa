"""Bring images of different windows onto one: they meet by pixel coordinate, never by scaling."""

from __future__ import annotations

import numpy as np

from platematte.images.window import Window


def place(
    pixels: np.ndarray, own: Window, wanted: Window, fill: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return the image over the wanted window, and where it covers that window.

    pixels: H x W x C over `own`. The first result is float32 over `wanted`, `fill` where the image
    has no pixel, and the same array where both windows are equal. The second is H x W x 1 float32,
    1 where the image has a pixel and 0 elsewhere.
    """
    if pixels.shape[:2] != (own.height, own.width):
        raise ValueError(f"an array of {pixels.shape[:2]} does not cover the window {own}")
    coverage = np.zeros((wanted.height, wanted.width, 1), np.float32)
    if own == wanted:
        coverage[:] = 1.0
        return pixels, coverage
    placed = np.full((wanted.height, wanted.width, pixels.shape[2]), fill, np.float32)
    shared = own.intersect(wanted)
    if not shared.is_empty:
        placed[wanted.slices_of(shared)] = pixels[own.slices_of(shared)]
        coverage[wanted.slices_of(shared)] = 1.0
    return placed, coverage

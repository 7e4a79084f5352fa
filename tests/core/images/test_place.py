"""Images meet by pixel coordinate in the display window and are never scaled."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from platematte.images.place import place
from platematte.images.window import Window

windows = st.builds(
    Window, st.integers(-9, 9), st.integers(-9, 9), st.integers(1, 12), st.integers(1, 12)
)


def coordinates(window: Window) -> np.ndarray:
    """An image whose two channels hold each pixel's own x and y."""
    ys, xs = np.mgrid[window.y : window.y_end, window.x : window.x_end]
    return np.stack([xs, ys], axis=2).astype(np.float32)


@given(windows, windows)
def test_every_covered_pixel_keeps_its_coordinate(own: Window, wanted: Window) -> None:
    placed, coverage = place(coordinates(own), own, wanted, fill=-99.0)
    shared = own.intersect(wanted)
    assert coverage.sum() == max(0, shared.width) * max(0, shared.height)
    covered = coverage[..., 0] == 1
    assert np.array_equal(placed[covered], coordinates(wanted)[covered])
    assert np.all(placed[~covered] == -99.0)


def test_the_same_window_gives_the_same_array() -> None:
    window = Window(3, 4, 5, 6)
    pixels = coordinates(window)
    assert place(pixels, window, window)[0] is pixels

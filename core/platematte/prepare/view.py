"""A small look at an image, on which the clean plate is aligned and matched.

Nothing here is ever written: the full frame stays scene-linear and untouched, and only the numbers
found on the small view (a homography, a gain) are applied to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Image: TypeAlias = npt.NDArray[np.float32]
"""H x W x C, RGB, scene-linear unless a docstring says otherwise."""
Plane: TypeAlias = npt.NDArray[np.float32]
"""H x W, one value for each pixel."""
Flags: TypeAlias = npt.NDArray[np.bool_]
"""H x W, True or False for each pixel."""
Homography: TypeAlias = npt.NDArray[np.float64]
"""3 x 3, maps pixel centres of the clean plate to pixel centres of the plate."""

# Half of HD is where SIFT and ECC still find 0.05 px of the full frame; larger frames get more
# pixels, so that 4K is not measured with the ruler of HD, up to what fits in a second.
SMALLEST_LONG_SIDE = 960
LARGEST_LONG_SIDE = 1440
LIGHT_LONG_SIDE = 480

# Luminance-like, but with enough blue that a cyan or violet backdrop keeps its texture.
CHANNEL_WEIGHTS = (0.3, 0.5, 0.2)


@dataclass(frozen=True)
class View:
    """One image reduced to the working size of alignment and matching."""

    linear: Image
    """h x w x 3 scene-linear, unclamped."""
    encoded: Plane
    """h x w in 0..255, a logarithmic tone curve between the image's own robust black and white."""
    is_valid: Flags
    """h x w, True where every pixel below is covered and finite."""


def view_size(height: int, width: int) -> tuple[int, int]:
    """Return the height and width of the view of a frame; never larger than the frame."""
    long_side = max(height, width)
    wanted = min(max(long_side // 2, SMALLEST_LONG_SIDE), LARGEST_LONG_SIDE)
    return _within(height, width, wanted)


def _within(height: int, width: int, long_side: int) -> tuple[int, int]:
    scale = min(1.0, long_side / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def make_view(image: Image, is_valid: Flags) -> View:
    """Reduce a finite H x W x 3 scene-linear image and its H x W validity to a view."""
    height, width = view_size(*image.shape[:2])
    if (height, width) == image.shape[:2]:
        return View(image, encode_view(image, is_valid), is_valid)
    linear = _area(image, (height, width))
    small_valid = shrink_flags(is_valid, (height, width))
    return View(linear, encode_view(linear, small_valid), small_valid)


def shrink_for_light(view: View) -> View:
    """Return a smaller view still: light is smooth, and averaging takes noise away."""
    height, width = view.encoded.shape
    size = _within(height, width, LIGHT_LONG_SIDE)
    if size == view.encoded.shape:
        return view
    return View(
        _area(view.linear, size), _area(view.encoded, size), shrink_flags(view.is_valid, size)
    )


def shrink_flags(flags: Flags, size: tuple[int, int]) -> Flags:
    """Reduce H x W flags to a size (height, width); True where every pixel below is."""
    if flags.shape == size:
        return flags
    return _area(flags.astype(np.float32), size) > 0.999


def _area(image: Image, size: tuple[int, int]) -> Image:
    small = cv2.resize(image, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32, copy=False)


def encode_view(linear: Image, is_valid: Flags) -> Plane:
    """Return one h x w plane in 0..255 in which dark and HDR images both show their texture."""
    sample_valid = is_valid[::3, ::3]
    encoded = np.zeros(linear.shape[:2], np.float32)
    for channel, weight in enumerate(CHANNEL_WEIGHTS):
        plane = linear[..., channel]
        sample = plane[::3, ::3][sample_valid]
        encoded += np.float32(weight) * _encode_channel(plane, sample)
    return encoded


def _encode_channel(plane: Plane, sample: npt.NDArray[np.float32]) -> Plane:
    positive = sample[sample > 0]
    if positive.size < 16:
        return np.zeros_like(plane)
    # Below a tenth of the median the curve is nearly linear, so that noise in black stays small.
    toe = max(float(np.median(positive)) * 0.1, 1e-8)
    curve = np.log1p(np.maximum(plane, 0) / np.float32(toe))
    low, high = np.percentile(np.log1p(np.maximum(sample, 0) / toe), (0.5, 99.5))
    # A channel with less than a third of a stop in it is flat: stretching it would show noise.
    span = max(float(high - low), 0.25)
    return np.clip((curve - np.float32(low)) * np.float32(223 / span) + 16, 0, 255)


def view_to_frame(
    homography: Homography, size: tuple[int, int], view: tuple[int, int]
) -> Homography:
    """Carry a homography between two views over to their full frames; sizes are (height, width)."""
    up = _scaling(view, size)
    return _normalised(up @ homography @ np.linalg.inv(up))


def frame_to_view(
    homography: Homography, size: tuple[int, int], view: tuple[int, int]
) -> Homography:
    """Carry a homography between two full frames over to their views; sizes are (height, width)."""
    up = _scaling(view, size)
    return _normalised(np.linalg.inv(up) @ homography @ up)


def _scaling(view: tuple[int, int], size: tuple[int, int]) -> Homography:
    # Pixel centres lie at whole numbers, so that a scaling about the corner needs half a pixel.
    scale_y, scale_x = size[0] / view[0], size[1] / view[1]
    return np.array(
        [[scale_x, 0, (scale_x - 1) / 2], [0, scale_y, (scale_y - 1) / 2], [0, 0, 1]], np.float64
    )


def _normalised(homography: Homography) -> Homography:
    return homography / homography[2, 2]

"""How far a matte is from the true one: SAD, MAD, MSE, Grad, Conn, dtSSD and foreground MSE.

Everything is float, alpha H x W x 1, colour H x W x 3 scene-linear. A `region` (H x W x 1, weights
from 0 to 1) restricts a figure to a part of the frame; without one, every pixel counts once. The
figures are sums or means as each docstring says; no figure is rescaled for display. Reference:
C. Rhemann, C. Rother, J. Wang, M. Gelautz, P. Kohli, P. Rott, "A Perceptually Motivated Online
Benchmark for Image Matting", CVPR 2009 (alphamatting.com), below "Rhemann 2009"; S. Lin,
A. Ryabtsev, S. Sengupta, B. Curless, S. Seitz, I. Kemelmacher-Shlizerman, "Real-Time
High-Resolution Background Matting", CVPR 2021, below "Lin 2021" (BackgroundMattingV2).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.floating]

# Lin 2021, the trimap of its evaluation: true alphas between which a pixel is unknown, and how
# often the region is dilated and then eroded by a 3 x 3 ellipse (OpenCV's is a cross).
_UNKNOWN = (0.06, 0.96)
_UNKNOWN_STEPS = 10
# A true alpha that an 8-bit matte rounds to 0. The published figures count "alpha above 0" in such
# mattes; below it a foreground has no colour that anyone could see or measure.
_LEAST_ALPHA = 1.0 / 510
# Rhemann 2009: SAD, Grad and Conn are reported in thousands.
_THOUSAND = 1000.0
# Rhemann 2009, section on the gradient error: sigma of the derivative filters.
_GRADIENT_SIGMA = 1.4
# Rhemann 2009, connectivity error: distance below which a pixel counts as fully connected (theta)
# and the spacing of the thresholds at which connectivity is tested.
_CONNECTED_DISTANCE = 0.15
_CONNECTED_STEPS = 10


@dataclass(frozen=True)
class Matte:
    """A matte as it is measured, or the true one; float, scene-linear."""

    alpha: Image
    """H x W x 1."""
    premult: Image | None = None
    """H x W x 3, what is added to a new background."""
    foreground: Image | None = None
    """H x W x 3, straight colour."""


@dataclass(frozen=True)
class MatteScores:
    """All figures of one matte, or their mean over many; NaN stands for "does not apply"."""

    sad: float
    """Sum of absolute differences / 1000."""
    mad: float
    """Mean absolute difference."""
    mse: float
    """Mean squared difference."""
    grad: float
    """Squared difference of gradient magnitudes, sum / 1000."""
    conn: float
    """Difference in connectedness, sum / 1000."""
    foreground_mse: float = math.nan
    """Mean squared difference of straight foreground in the sRGB view, where there is any."""
    premult_mse: float = math.nan
    """Mean squared difference of premultiplied foreground, scene-linear, where there is any."""

    @staticmethod
    def mean(scores: Iterable[MatteScores]) -> MatteScores:
        """Average each figure over the mattes to which it applies; NaN where there is none."""
        rows = [astuple(score) for score in scores]
        if not rows:
            raise ValueError("the mean of no scores is not defined")
        return MatteScores(*(mean_of_defined(column) for column in zip(*rows, strict=True)))


def score(matte: Matte, true: Matte, region: Image | None = None) -> MatteScores:
    """Compute every figure of one frame; those of colours that either does not have are NaN."""
    straight = premult = math.nan
    if matte.foreground is not None and true.foreground is not None:
        straight = foreground_mse(matte.foreground, true.foreground, true.alpha, region)
    if matte.premult is not None and true.premult is not None:
        premult = premult_mse(matte.premult, true.premult, true.alpha, region)
    return MatteScores(
        sad=sad(matte.alpha, true.alpha, region),
        mad=mad(matte.alpha, true.alpha, region),
        mse=mse(matte.alpha, true.alpha, region),
        grad=grad(matte.alpha, true.alpha, region),
        conn=conn(matte.alpha, true.alpha, region),
        foreground_mse=straight,
        premult_mse=premult,
    )


def unknown_region(true_alpha: Image) -> Image:
    """Weight 1 in the unknown part of the trimap of Lin 2021's evaluation, else 0.

    0.06 < true alpha < 0.96, dilated 10 times and then eroded 10 times by a 3 x 3 ellipse: soft
    edges, hair and veils, with what lies between strands less than 20 px apart. The bounds keep out
    the noise near 0 and 1 that true mattes carry. Errors in plainly solid or plainly empty areas
    are not in it; figures over the whole frame have them.
    """
    low, high = _UNKNOWN
    core = ((true_alpha > low) & (true_alpha < high)).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    steps = _UNKNOWN_STEPS
    # With room beyond the rim, what was dilated to there is eroded again.
    roomy = np.pad(core[..., 0], steps + 1)
    grown = cv2.dilate(roomy, kernel, iterations=steps)
    closed = cv2.erode(grown, kernel, iterations=steps)
    inside = slice(steps + 1, -steps - 1)
    return np.asarray(closed[inside, inside, None], np.float32)


def sad(alpha: Image, true_alpha: Image, region: Image | None = None) -> float:
    """Sum of |alpha - true alpha| / 1000 (Rhemann 2009). Grows with the size of the frame."""
    found, true, weight = _checked(alpha, true_alpha, region)
    return float((weight * np.abs(found - true)).sum()) / _THOUSAND


def mad(alpha: Image, true_alpha: Image, region: Image | None = None) -> float:
    """Mean of |alpha - true alpha|, weighted by the region; NaN when the region is empty."""
    found, true, weight = _checked(alpha, true_alpha, region)
    return _weighted_mean(np.abs(found - true), weight)


def mse(alpha: Image, true_alpha: Image, region: Image | None = None) -> float:
    """Mean of (alpha - true alpha)^2, weighted by the region; NaN when the region is empty."""
    found, true, weight = _checked(alpha, true_alpha, region)
    return _weighted_mean(np.square(found - true), weight)


def grad(alpha: Image, true_alpha: Image, region: Image | None = None) -> float:
    """Sum of (|grad alpha| - |grad true alpha|)^2 / 1000, Gaussian derivatives of sigma 1.4.

    The gradient error of Rhemann 2009 with q = 2 and filters that are true derivatives: a ramp
    that rises by s per pixel has the gradient s. Edges of the frame are repeated.

    Not comparable with evaluators that scale the filters to an L2 norm of 1 and stretch both
    mattes to 0..1 first (the Deep Image Matting scripts and, after them, RobustVideoMatting):
    the filters alone multiply the figure by about 95 (8 pi sigma^4), and the stretch hides a matte
    that never reaches 0 or 1. Say "plain Grad" beside a published figure.
    """
    found, true, weight = _checked(alpha, true_alpha, region)
    difference = _gradient_magnitude(found) - _gradient_magnitude(true)
    return float((weight * np.square(difference)).sum()) / _THOUSAND


def conn(alpha: Image, true_alpha: Image, region: Image | None = None) -> float:
    """Sum of |phi(alpha) - phi(true alpha)| / 1000, the connectivity error of Rhemann 2009.

    The source is the largest 4-connected area where both mattes reach a threshold. A pixel is
    connected up to the highest threshold l (in steps of 0.1) at which it still belongs to that
    area; with d = value - l, phi is 1 - d where d >= 0.15 and 1 otherwise.
    """
    found, true, weight = _checked(alpha, true_alpha, region)
    level = _connected_level(np.minimum(found, true))
    difference = _connectedness(found, level) - _connectedness(true, level)
    return float((weight * np.abs(difference)).sum()) / _THOUSAND


def dtssd(
    alphas: Sequence[Image], true_alphas: Sequence[Image], region: Image | None = None
) -> float:
    """Root mean square error of the change of alpha from frame to frame, averaged over frames.

    For each pair of consecutive frames, sqrt(mean(((a_t - a_t-1) - (true_t - true_t-1))^2)). It is
    the dtSSD of M. Erofeev et al., "Perceptually Motivated Benchmark for Video Matting", BMVC 2015,
    with the sum over pixels made a mean so that it does not grow with the frame; RobustVideoMatting
    prints 100 times this. A constant error costs nothing here, flicker does.
    Raises ValueError for fewer than two frames or sequences of different lengths.
    """
    if len(alphas) != len(true_alphas) or len(alphas) < 2:
        raise ValueError(f"need 2 frames or more of both: {len(alphas)}, {len(true_alphas)}")
    checked = [_checked(a, t, region) for a, t in zip(alphas, true_alphas, strict=True)]
    steps = [
        _weighted_mean(np.square((found - true) - (found_before - true_before)), weight)
        for (found_before, true_before, _), (found, true, weight) in pairwise(checked)
    ]
    return math.fsum(math.sqrt(step) for step in steps) / len(steps)


def foreground_mse(
    foreground: Image, true_foreground: Image, true_alpha: Image, region: Image | None = None
) -> float:
    """Mean squared difference of straight foreground colour in the sRGB view, where there is any.

    foreground, true_foreground: H x W x 3 straight, scene-linear; both are brought into the sRGB
    view and cut at black and white. This is the convention of the published figures: Lin 2021 and
    RobustVideoMatting compare straight colours of 8-bit images where the true alpha is above 0
    (Lin 2021 within the trimap, RobustVideoMatting over the frame; `region` chooses). In linear
    light a single highlight of 30 would outweigh a hundred thousand pixels of skin; in the view no
    pixel can err by more than 1, and an error counts about as much as it is seen. A hair of low
    alpha weighs as much as a solid pixel. NaN when no pixel counts.
    """
    return _colour_mse(foreground, true_foreground, true_alpha, region, _as_seen)


def premult_mse(
    premult: Image, true_premult: Image, true_alpha: Image, region: Image | None = None
) -> float:
    """Mean squared difference of premultiplied foreground where there is any.

    Convention: scene-linear, premultiplied by each matte's own alpha, mean over those pixels and
    the three channels, no clamp. Premultiplied is what a compositor adds to a new background, so a
    hair of low alpha weighs little, and highlights weigh much. NaN when no pixel counts.
    """
    return _colour_mse(premult, true_premult, true_alpha, region)


def encode_srgb(linear: Image) -> Image:
    """The sRGB curve (IEC 61966-2-1), carried on above 1 by its own formula; negatives become 0."""
    positive = np.maximum(linear, 0.0)
    curve = 1.055 * np.power(np.maximum(positive, 0.0031308), 1 / 2.4) - 0.055
    return np.where(positive <= 0.0031308, 12.92 * positive, curve).astype(linear.dtype)


def mean_of_defined(values: Iterable[float]) -> float:
    """Mean of the values that are not NaN; NaN where there is none."""
    defined = [value for value in values if not math.isnan(value)]
    return math.fsum(defined) / len(defined) if defined else math.nan


def _colour_mse(
    colour: Image,
    true_colour: Image,
    true_alpha: Image,
    region: Image | None,
    view: Callable[[Image], Image] = lambda linear: linear,
) -> float:
    found, true, weight = _checked(colour, true_colour, region, channels=3)
    if true_alpha.shape != (*true.shape[:2], 1):
        raise ValueError(f"true alpha is {true_alpha.shape}, colour is {true.shape}")
    squares = np.square(view(found) - view(true)).mean(axis=2, keepdims=True)
    return _weighted_mean(squares, weight * (true_alpha > _LEAST_ALPHA))


def _as_seen(linear: Image) -> Image:
    return np.minimum(encode_srgb(linear), 1.0)


def _checked(
    found: Image, true: Image, region: Image | None, channels: int = 1
) -> tuple[Image, Image, Image]:
    """Both images and the weights as float64, once their shapes, types and values are sane.

    A NaN is refused rather than averaged: it would vanish in the mean of `MatteScores`.
    """
    for name, image in (("result", found), ("truth", true)):
        if image.ndim != 3 or image.shape[2] != channels or image.shape != true.shape:
            raise ValueError(f"{name} is {image.shape}, need H x W x {channels} like the truth")
        if not np.issubdtype(image.dtype, np.floating):
            raise ValueError(f"{name} is {image.dtype}, need float")
        if not np.isfinite(image).all():
            raise ValueError(f"{name} holds NaN or infinity")
    weight = np.ones((*true.shape[:2], 1)) if region is None else region.astype(np.float64)
    if weight.shape != (*true.shape[:2], 1):
        raise ValueError(f"region is {weight.shape}, truth is {true.shape}")
    return found.astype(np.float64), true.astype(np.float64), weight


def _weighted_mean(values: Image, weight: Image) -> float:
    total = float(weight.sum())
    return float((values * weight).sum()) / total if total > 0 else math.nan


def _gradient_magnitude(alpha: Image) -> Image:
    """Length of the Gaussian derivative of a matte, per pixel of distance."""
    radius = math.ceil(4 * _GRADIENT_SIGMA)
    x = np.arange(-radius, radius + 1, dtype=np.float64)
    smooth = np.exp(-np.square(x) / (2 * _GRADIENT_SIGMA**2))
    smooth /= smooth.sum()
    # cv2 correlates, so the kernel's weights rise with x; scaled to give a unit ramp the slope 1.
    slope = x * smooth
    slope /= (x * slope).sum()
    border = cv2.BORDER_REPLICATE
    across = cv2.sepFilter2D(alpha[..., 0], cv2.CV_64F, slope, smooth, borderType=border)
    down = cv2.sepFilter2D(alpha[..., 0], cv2.CV_64F, smooth, slope, borderType=border)
    return np.hypot(across, down)[..., None]


def _connected_level(common: Image) -> Image:
    """Highest threshold at which each pixel is still part of the largest area of `common`."""
    level = np.ones_like(common)
    is_open = np.ones(common.shape[:2], dtype=bool)
    for step in range(1, _CONNECTED_STEPS + 1):
        # 0.9 as float32 lies below 0.9; a matte value on a threshold has to reach it.
        reached = common[..., 0] >= step / _CONNECTED_STEPS - 1e-6
        leaves = is_open & ~_largest_area(reached)
        level[leaves] = (step - 1) / _CONNECTED_STEPS
        is_open &= ~leaves
    return level


def _largest_area(inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(
        inside.astype(np.uint8), connectivity=4
    )
    if count < 2:
        return np.zeros_like(inside)
    # Label 0 is everything outside.
    largest = 1 + int(np.argmax(statistics[1:, cv2.CC_STAT_AREA]))
    return np.asarray(labels == largest)


def _connectedness(alpha: Image, level: Image) -> Image:
    distance = alpha - level
    return np.where(distance >= _CONNECTED_DISTANCE, 1.0 - distance, 1.0)

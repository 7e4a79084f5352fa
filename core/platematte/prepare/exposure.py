"""Match the clean plate's exposure and white balance to the plate, in scene-linear light.

A subject may fill most of the frame, so that no average or median over the frame means anything.
What counts is the mode of the ratio, and of pixels that look like the set in both images.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from platematte.prepare.view import CHANNEL_WEIGHTS, Image, Plane, View

SMALLEST_GAIN, LARGEST_GAIN = 0.25, 4.0
# A gain within 0.2 % changes nothing that a half float or an eye could tell.
NO_GAIN = 0.002
# More pixels than this add time, not knowledge.
MOST_EVIDENCE = 24000
# Widths, in stops, of the bins in which modes are looked for, and of a mode itself.
BIN_STOPS, MODE_STOPS = 0.1, 0.08
MODES_TRIED = 12
MODE_ROUNDS = 12
# Of all evidence, and of the 8 x 8 cells of the frame, this much must stand behind a mode.
LEAST_SUPPORT, FEWEST_CELLS = 0.02, 3
# How unlikely a gain is before anything is seen: measured clean plates lie at 0.77 to 1.05 and
# shift white balance less than exposure, so that a shirt that is 0.6 of the wall is no exposure.
LIKELY_STOPS, LIKELY_TINT_STOPS = 0.5, 0.2
FLAT_EVIDENCE = 0.1
# A pixel is explained when it differs by less than its noise and this part of its value.
EXPLAINED_NOISE, EXPLAINED_PART = 2.0, 0.03
# A bias must explain this much more of the frame than the gain alone.
BIAS_IMPROVEMENT = 0.02
BIAS_ROUNDS = 4
# Flare and black level lift black by a few hundredths of white and leave the gain what it was; a
# line that says more has been laid through a gradient of light across the set.
LARGEST_BIAS, LARGEST_GAIN_CHANGE = 0.03, 0.15

Triple = tuple[float, float, float]
Pixels = npt.NDArray[np.float32]
Logs = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ColourMatch:
    """`clean * gain + bias`, for each channel, in scene-linear light."""

    gain: Triple = (1.0, 1.0, 1.0)
    bias: Triple = (0.0, 0.0, 0.0)

    def apply(self, clean: Image) -> Image:
        """Return the matched image, unclamped float32; the same array where nothing changes."""
        if self == ColourMatch():
            return clean
        matched = clean * np.array(self.gain, np.float32)
        if self.bias != (0.0, 0.0, 0.0):
            matched += np.array(self.bias, np.float32)
        return matched


@dataclass(frozen=True)
class _Evidence:
    logs: Logs
    """3 x N log2 of plate over clean."""
    weights: npt.NDArray[np.float32]
    cells: npt.NDArray[np.intp]


def noise_of(linear: Image, is_valid: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """Estimate the noise of each channel (standard deviation, linear) from its finest detail."""
    # The mask of Immerkaer (1996) cancels constant and linear shading; for white noise of sigma it
    # gives 6 sigma. The lower quartile of the size (0.3186 sigma) leaves texture out.
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    detail = np.abs(cv2.filter2D(linear, -1, kernel))[1:-1, 1:-1]
    chosen = detail[::2, ::2][is_valid[1:-1, 1:-1][::2, ::2]]
    if len(chosen) == 0:
        return np.zeros(linear.shape[2], np.float32)
    return np.percentile(chosen, 25, axis=0).astype(np.float32) / np.float32(6 * 0.3186)


def explained_part(
    plate: Image, clean: Image, is_valid: npt.NDArray[np.bool_], noise: npt.NDArray[np.float32]
) -> float:
    """Return the part of the valid pixels, 0..1, that the clean plate explains within the noise.

    plate, clean: h x w x 3 scene-linear views. noise: of their difference, one for each channel.
    Each pixel counts by how well it fits, so that a slightly wrong gain or warp costs something.
    """
    if not is_valid.any():
        return 0.0
    tolerance = EXPLAINED_NOISE * noise + EXPLAINED_PART * np.abs(clean) + np.float32(1e-6)
    ratio = np.abs(plate - clean) / tolerance
    misfit = np.maximum(np.maximum(ratio[..., 0], ratio[..., 1]), ratio[..., 2])[is_valid]
    return float(np.exp(-0.5 * np.minimum(misfit, 6.0) ** 2).mean())


def find_match(
    plate: View, clean: View, is_background: npt.NDArray[np.bool_] | None = None
) -> ColourMatch | None:
    """Find the gain, and bias where justified, that turns the clean plate's light into the plate's.

    is_background: h x w, True where the artist says that no subject is (a garbage matte).
    None where too little of the frame agrees on any gain within 0.25 to 4.
    """
    evidence = _gather(plate, clean, is_background)
    if evidence is None:
        return None
    mode = _best_mode(evidence)
    if mode is None:
        return None
    red, green, blue = (float(2.0**stops) for stops in mode)
    match = ColourMatch((red, green, blue))
    return _with_bias(match, plate, clean)


def is_negligible(match: ColourMatch) -> bool:
    """Tell whether a match changes nothing that matters, so that the clean plate keeps its bits."""
    return match.bias == (0.0, 0.0, 0.0) and all(abs(g - 1) <= NO_GAIN for g in match.gain)


def _gather(
    plate: View, clean: View, is_background: npt.NDArray[np.bool_] | None
) -> _Evidence | None:
    is_valid = plate.is_valid & clean.is_valid & ~_is_clipped(plate) & ~_is_clipped(clean)
    noise_plate, noise_clean = (noise_of(v.linear, v.is_valid) for v in (plate, clean))
    floor = np.maximum(4 * np.maximum(noise_plate, noise_clean), _black_of(clean))
    is_valid &= (np.minimum(plate.linear, clean.linear) > floor).all(axis=2)
    if is_valid.sum() < 64:
        return None
    logs = np.log2(
        np.maximum(plate.linear, floor * 0.5) / np.maximum(clean.linear, floor * 0.5)
    ).astype(np.float32)
    weights = _structure_weights(plate, clean, floor)
    if is_background is not None:
        weights = np.where(is_background, np.float32(1), weights)
    within = (np.abs(logs) < np.log2(LARGEST_GAIN)).all(axis=2)
    chosen = is_valid & within & (weights > 0.01)
    if chosen.sum() < 64:
        return None
    rows, columns = np.nonzero(chosen)
    step = max(1, len(rows) // MOST_EVIDENCE)
    rows, columns = rows[::step], columns[::step]
    cells = rows * 8 // chosen.shape[0] * 8 + columns * 8 // chosen.shape[1]
    return _Evidence(np.ascontiguousarray(logs[rows, columns].T), weights[rows, columns], cells)


def _black_of(view: View) -> npt.NDArray[np.float32]:
    values = view.linear[view.is_valid]
    if len(values) == 0:
        return np.full(3, 1e-6, np.float32)
    bright = np.percentile(values, 95, axis=0)
    return np.maximum(bright * 0.01, 1e-6).astype(np.float32)


def _is_clipped(view: View) -> npt.NDArray[np.bool_]:
    # A ceiling is a value that many pixels share and none exceeds; a lamp in a float image is not.
    clipped = np.zeros(view.encoded.shape, np.uint8)
    for channel in range(view.linear.shape[2]):
        plane = view.linear[..., channel]
        at_top = plane >= 0.98 * plane.max()
        if plane.max() >= 0.9 and 0.0005 < at_top.mean() < 0.5:
            clipped |= at_top.astype(np.uint8)
    return cv2.dilate(clipped, np.ones((3, 3), np.uint8)) > 0


def _structure_weights(plate: View, clean: View, floor: npt.NDArray[np.float32]) -> Plane:
    # In the log domain an exposure is a constant: where both images show the set, they have the
    # same local variance and their covariance equals it. A plain shirt before a textured wall
    # has none of that, and where both are flat it is weak evidence only.
    log_plate, log_clean = _log_luminance(plate.linear, floor), _log_luminance(clean.linear, floor)

    def mean(plane: Plane) -> Plane:
        blurred = cv2.boxFilter(plane, -1, (9, 9), borderType=cv2.BORDER_REFLECT)
        return blurred.astype(np.float32, copy=False)

    mean_plate, mean_clean = mean(log_plate), mean(log_clean)
    var_plate = np.maximum(mean(log_plate * log_plate) - mean_plate**2, 0)
    var_clean = np.maximum(mean(log_clean * log_clean) - mean_clean**2, 0)
    cross = mean(log_plate * log_clean) - mean_plate * mean_clean
    # The spread of a twentieth of a stop is texture; anything below may as well be noise.
    flat = np.float32(0.05**2)
    agreement = 2 * cross / (var_plate + var_clean + flat)
    textured = np.clip((agreement - 0.5) / 0.4, 0, 1)
    both_flat = (var_plate < flat) & (var_clean < flat)
    return np.maximum(textured, FLAT_EVIDENCE * both_flat.astype(np.float32))


def _log_luminance(linear: Image, floor: npt.NDArray[np.float32]) -> Plane:
    weights = np.array(CHANNEL_WEIGHTS, np.float32)
    return np.log2(np.maximum(linear @ weights, float(floor @ weights) * 0.5)).astype(np.float32)


def _best_mode(evidence: _Evidence) -> Logs | None:
    best, best_score = None, 0.0
    total = float(evidence.weights.sum())
    for start in _likely_modes(evidence):
        mode = _climb(evidence, start)
        near = np.exp(-0.5 * _distance2(evidence.logs, mode) / MODE_STOPS**2) * evidence.weights
        support = float(near.sum()) / total
        cells = np.bincount(evidence.cells, near, 64)
        spread = int((cells > 0.002 * total / 8).sum())
        score = support * _likelihood(mode)
        if support >= LEAST_SUPPORT and spread >= FEWEST_CELLS and score > best_score:
            best, best_score = mode, score
    return best


def _likely_modes(evidence: _Evidence) -> Iterator[Logs]:
    # The three channels are counted together: a mode is one light, not three.
    steps = np.floor(evidence.logs / BIN_STOPS + 0.5).astype(np.int64) + 64
    keys = (steps[0] * 128 + steps[1]) * 128 + steps[2]
    found, inverse = np.unique(keys, return_inverse=True)
    votes = np.bincount(inverse.ravel(), evidence.weights)
    for index in np.argsort(-votes, kind="stable")[:MODES_TRIED]:
        key = int(found[index])
        steps_back = np.array([key // 16384, key // 128 % 128, key % 128], np.float32) - 64
        yield (steps_back * BIN_STOPS).astype(np.float32)


def _climb(evidence: _Evidence, start: Logs) -> Logs:
    # Mean shift: the weighted mean under a Gaussian moves uphill to the mode of the density.
    mode = start
    for _ in range(MODE_ROUNDS):
        near = np.exp(-0.5 * _distance2(evidence.logs, mode) / MODE_STOPS**2) * evidence.weights
        total = float(near.sum())
        if total <= 0:
            return mode
        moved = (evidence.logs @ near / total).astype(np.float32)
        if np.abs(moved - mode).max() < 1e-5:
            return moved
        mode = moved
    return mode


def _distance2(logs: Logs, mode: Logs) -> npt.NDArray[np.float32]:
    return (logs[0] - mode[0]) ** 2 + (logs[1] - mode[1]) ** 2 + (logs[2] - mode[2]) ** 2


def _likelihood(mode: Logs) -> float:
    stops = float(mode.mean())
    tint = float(np.abs(mode - mode.mean()).max())
    return 1 / ((1 + (stops / LIKELY_STOPS) ** 2) * (1 + (tint / LIKELY_TINT_STOPS) ** 2))


def _with_bias(match: ColourMatch, plate: View, clean: View) -> ColourMatch:
    is_valid = plate.is_valid & clean.is_valid
    step = max(1, int(is_valid.sum()) // MOST_EVIDENCE)
    noise = np.hypot(noise_of(plate.linear, is_valid), noise_of(clean.linear, is_valid))
    plates, cleans = plate.linear[is_valid][::step], clean.linear[is_valid][::step]
    fitted = _fit_lines(match, plates, cleans, noise)
    if fitted is None or not _is_believable(fitted, match, plates, cleans):
        return match
    everywhere = np.ones((len(plates), 1), np.bool_)
    gain_only, with_bias = (
        explained_part(plates[:, None], m.apply(cleans)[:, None], everywhere, noise)
        for m in (match, fitted)
    )
    return fitted if with_bias > gain_only * (1 + BIAS_IMPROVEMENT) else match


def _fit_lines(
    match: ColourMatch, plate: Pixels, clean: Pixels, noise: npt.NDArray[np.float32]
) -> ColourMatch | None:
    """Fit plate = gain * clean + bias to the N x 3 pixels that the match nearly explains."""
    fitted = match
    for _ in range(BIAS_ROUNDS):
        guess = fitted.apply(clean)
        tolerance = 2 * (EXPLAINED_NOISE * noise + EXPLAINED_PART * np.abs(guess)) + 1e-6
        near = (np.abs(plate - guess) < 2 * tolerance).all(axis=1)
        if near.sum() < 256:
            return None
        lines = []
        for channel in range(3):
            x, y = (values[near, channel].astype(np.float64) for values in (clean, plate))
            # A line through one brightness has no slope of its own.
            if np.ptp(np.percentile(x, (5, 95))) < 0.3 * max(float(np.median(x)), 1e-6):
                return None
            lines.append(np.polyfit(x, y, 1, w=1 / tolerance[near, channel]))
        (red, a), (green, b), (blue, c) = (map(float, line) for line in lines)
        fitted = ColourMatch((red, green, blue), (a, b, c))
    return fitted


def _is_believable(fitted: ColourMatch, match: ColourMatch, plate: Pixels, clean: Pixels) -> bool:
    gain, bias = np.array(fitted.gain), np.array(fitted.bias)
    if ((gain < SMALLEST_GAIN) | (gain > LARGEST_GAIN)).any():
        return False
    if (np.abs(gain / np.array(match.gain) - 1) > LARGEST_GAIN_CHANGE).any():
        return False
    white = np.percentile(clean, 95, axis=0)
    if (np.abs(bias) > LARGEST_BIAS * white).any():
        return False
    # The darkest of the set cannot become darker than anything in the plate, or negative.
    black_clean, black_plate = (np.percentile(v, 1, axis=0) for v in (clean, plate))
    return bool((black_clean * gain + bias >= np.minimum(black_plate, 0)).all())

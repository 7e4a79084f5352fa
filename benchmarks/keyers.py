"""The keyers that we measure against, each given the same plate and clean plate as we are.

A keyer makes alpha in one of three ways and premultiplied foreground in one of three ways; `tune`
searches the settings of the first by the alpha errors and then takes the best of the second, on
samples with true alpha that are not measured afterwards. So every keyer meets the benchmark with
the settings that suit it best, better than an artist could set them for a whole show.
Plates and clean plates are float32 H x W x 3 scene-linear, alpha is H x W x 1.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from platematte.evaluate.metrics import (
    Image,
    encode_srgb,
    foreground_mse,
    grad,
    mad,
    mse,
    premult_mse,
)

if TYPE_CHECKING:
    from platematte.training.heldout import HeldoutSample


class Keyed(NamedTuple):
    """What a keyer returns."""

    alpha: Image
    """H x W x 1 in [0, 1]."""
    premult: Image
    """H x W x 3, scene-linear."""
    foreground: Image
    """H x W x 3 straight; where the keyer leaves nothing, the plate's colour."""


@dataclass(frozen=True)
class DifferenceSettings:
    """Nuke's Difference node behind a blur: alpha = (difference - offset) * gain."""

    offset: float
    """Difference that still counts as background (grain, small shifts)."""
    gain: float
    """Slope from there; 1 / gain above the offset, a pixel is solid."""
    blur_px: float
    """Sigma of the blur of both images, against grain and shifts."""


@dataclass(frozen=True)
class IbkSettings:
    """An image based keyer: the colour of the screen is the clean plate's, pixel by pixel."""

    floor: float
    """Smallest screen strength that the ratio is taken against; below, the key fades out."""
    offset: float
    """Alpha of the plain ratio that becomes 0."""
    gain: float
    """Slope from there."""


@dataclass(frozen=True)
class TrimapSettings:
    """Closed-form or KNN matting between the sure parts of a difference."""

    low: float
    """Below this difference, a pixel is surely background."""
    high: float
    """Above this difference, a pixel is surely foreground."""
    erode_px: int
    """How far from their rims both sure parts are trusted."""
    solver: Literal["closed-form", "knn"] = "closed-form"
    """What fills the unknown part."""


KeyerSettings = DifferenceSettings | IbkSettings | TrimapSettings


@dataclass(frozen=True)
class Keyer:
    """A way to alpha with its settings, and a way to foreground."""

    settings: KeyerSettings
    foreground: str
    """A key of `FOREGROUNDS`."""

    def key(self, plate: Image, clean: Image) -> Keyed:
        """Matte one frame."""
        alpha = key_alpha(plate, clean, self.settings)
        return keyed(plate, clean, alpha, self.foreground)


def keyed(plate: Image, clean: Image, alpha: Image, foreground: str) -> Keyed:
    """Add both forms of the foreground to an alpha; foreground: a key of `FOREGROUNDS`."""
    premult = FOREGROUNDS[foreground](plate, clean, alpha)
    straight = premult / np.maximum(alpha, 1.0 / 1024)
    return Keyed(alpha, premult, np.where(alpha > 0.0, straight, plate))


def key_alpha(plate: Image, clean: Image, settings: KeyerSettings) -> Image:
    """Alpha of the keyer that these settings belong to."""
    if isinstance(settings, DifferenceSettings):
        return difference_alpha(plate, clean, settings)
    if isinstance(settings, IbkSettings):
        return ibk_alpha(plate, clean, settings)
    return trimap_alpha(plate, clean, settings)


def difference_alpha(plate: Image, clean: Image, settings: DifferenceSettings) -> Image:
    """Length of the colour difference in the sRGB view, minus offset, times gain, clamped.

    Keyers that compare colours are set up by eye, in a view; this one holds mid-tones and shadows
    apart as the eye does, and still tells highlights from each other.
    """
    difference = _encoded_difference(plate, clean, settings.blur_px)
    alpha = (difference - settings.offset) * settings.gain
    return np.clip(alpha, 0.0, 1.0).astype(np.float32)[..., None]


def ibk_alpha(plate: Image, clean: Image, settings: IbkSettings) -> Image:
    """1 - plate's channel difference / clean plate's channel difference, in linear light.

    The channel difference is the screen's strongest channel minus the mean of the other two, as a
    blue-screen keyer takes blue - (red + green) / 2; which channel that is, each pixel of the clean
    plate says for itself. Written as (screen - plate) / screen so that a grey screen, where the
    method has nothing to go by, gives 0 where the plate shows the screen and not 0 / 0.
    """
    strongest = clean.argmax(axis=2, keepdims=True)
    screen = _channel_difference(clean, strongest)
    ratio = (screen - _channel_difference(plate, strongest)) / np.maximum(screen, settings.floor)
    alpha = (ratio - settings.offset) * settings.gain
    return np.clip(alpha, 0.0, 1.0).astype(np.float32)


def trimap_alpha(plate: Image, clean: Image, settings: TrimapSettings) -> Image:
    """Closed-form (Levin 2008) or KNN matting by pymatting, with a trimap from the difference."""
    trimap = difference_trimap(plate, clean, settings)
    # Both solvers need sure pixels of either kind; an empty frame has no sure foreground.
    if not (trimap == 1.0).any() or not (trimap == 0.0).any():
        return (trimap == 1.0)[..., None].astype(np.float32)
    encoded = np.clip(encode_srgb(plate), 0.0, 1.0).astype(np.float64)
    # pymatting prints advice on its preconditioner, which would fall into the benchmark's table.
    with redirect_stdout(io.StringIO()):
        solve = solve_knn if settings.solver == "knn" else solve_closed_form
        alpha = solve(encoded, trimap)
    return np.clip(alpha, 0.0, 1.0).astype(np.float32)[..., None]


def solve_closed_form(encoded: Image, trimap: Image) -> Image:
    """H x W alpha by closed-form matting."""
    from pymatting import estimate_alpha_cf

    # The default of 1e-7 fits noise-free photographs; on grainy frames, 1e-5 gave a lower Grad at
    # every trimap tried and mostly took less time.
    return np.asarray(estimate_alpha_cf(encoded, trimap, laplacian_kwargs={"epsilon": 1e-5}))


def solve_knn(encoded: Image, trimap: Image) -> Image:
    """H x W alpha by KNN matting (Chen 2013), solved at half size.

    At full size, 512 px take 4 to 10 s a frame on two cores. What the trimap is sure of stays as
    it is at full size; between, alpha is scaled up.
    """
    from pymatting import estimate_alpha_knn

    height, width = trimap.shape
    half = (max(1, width // 2), max(1, height // 2))
    # A small pixel is sure only where all of its pixels are; averaging makes it something between.
    small = cv2.resize(trimap, half, interpolation=cv2.INTER_AREA)
    small = np.where((small == 0.0) | (small == 1.0), small, 0.5)
    if not (small == 1.0).any() or not (small == 0.0).any():
        return trimap
    alpha = estimate_alpha_knn(cv2.resize(encoded, half, interpolation=cv2.INTER_AREA), small)
    large = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.where(trimap == 0.5, large, trimap))


def difference_trimap(plate: Image, clean: Image, settings: TrimapSettings) -> Image:
    """H x W float64: 0 where the difference is surely noise, 1 where surely not, 0.5 between."""
    # One pixel of blur keeps single grains from breaking up the sure parts.
    difference = _encoded_difference(plate, clean, blur_px=1.0)
    size = 2 * settings.erode_px + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    trimap = np.full(difference.shape, 0.5)
    trimap[cv2.erode((difference < settings.low).astype(np.uint8), kernel) > 0] = 0.0
    trimap[cv2.erode((difference > settings.high).astype(np.uint8), kernel) > 0] = 1.0
    return trimap


def multiplied_foreground(plate: Image, clean: Image, alpha: Image) -> Image:
    """Plate times alpha: what a Premult node gives; hair keeps the old background's colour."""
    return plate * alpha


def subtracted_foreground(plate: Image, clean: Image, alpha: Image) -> Image:
    """Plate minus what the clean plate still shows: plate - (1 - alpha) * clean."""
    return plate - (1.0 - alpha) * clean


def estimated_foreground(plate: Image, clean: Image, alpha: Image) -> Image:
    """Colours by pymatting's multi-level estimation (Germer 2020), times alpha."""
    from pymatting import estimate_foreground_ml

    # It clamps to [0, 1], so highlights go in scaled down and come back scaled up.
    peak = max(1.0, float(plate.max()))
    colour = estimate_foreground_ml(plate / peak, alpha[..., 0])
    return np.asarray(colour, np.float32) * peak * alpha


FOREGROUNDS: dict[str, Callable[[Image, Image, Image], Image]] = {
    "multiplied": multiplied_foreground,
    "subtracted": subtracted_foreground,
    "estimated": estimated_foreground,
}


def _grid(kind: Callable[..., KeyerSettings], **values: Sequence[Any]) -> list[KeyerSettings]:
    """Settings for every combination of the values."""
    return [
        kind(**dict(zip(values, combination, strict=True)))
        for combination in product(*values.values())
    ]


GRIDS: dict[str, list[KeyerSettings]] = {
    "difference": _grid(
        DifferenceSettings,
        offset=(0.01, 0.03, 0.05, 0.08, 0.12, 0.17, 0.25),
        gain=(3.0, 6.0, 12.0, 30.0, 100.0),
        blur_px=(0.0, 0.7, 1.5),
    ),
    "ibk": _grid(
        IbkSettings,
        floor=(0.005, 0.02, 0.06, 0.2),
        offset=(0.0, 0.1, 0.2, 0.35, 0.5, 0.7),
        gain=(1.0, 1.5, 3.0, 8.0, 30.0),
    ),
    "closed-form": _grid(
        TrimapSettings,
        low=(0.04, 0.08, 0.16),
        high=(0.15, 0.3),
        erode_px=(1, 3),
    ),
    "knn": _grid(TrimapSettings, low=(0.09, 0.13), high=(0.13,), erode_px=(2, 5), solver=("knn",)),
}
"""Settings that each keyer is tuned over: dense for the fast ones, about the best for the slow."""


def tune(name: str, samples: Sequence[HeldoutSample]) -> Keyer:
    """Find the best settings of `GRIDS[name]`, then the foreground with the least error.

    Best is the least product of mean MAD, mean MSE and mean Grad: MAD alone would choose a hard
    threshold, which loses the other two columns.
    """
    settings = min(GRIDS[name], key=lambda candidate: _alpha_error(candidate, samples))
    alphas = [key_alpha(sample.plate, sample.clean, settings) for sample in samples]
    errors = {kind: _foreground_error(kind, samples, alphas) for kind in FOREGROUNDS}
    return Keyer(settings, min(errors, key=errors.__getitem__))


def _alpha_error(settings: KeyerSettings, samples: Sequence[HeldoutSample]) -> float:
    alphas = [key_alpha(sample.plate, sample.clean, settings) for sample in samples]
    errors = [
        (mad(a, s.alpha), mse(a, s.alpha), grad(a, s.alpha))
        for a, s in zip(alphas, samples, strict=True)
    ]
    return float(np.prod(np.mean(errors, axis=0)))


def _foreground_error(
    kind: str, samples: Sequence[HeldoutSample], alphas: Sequence[Image]
) -> float:
    def errors() -> Iterator[tuple[float, float]]:
        for sample, alpha in zip(samples, alphas, strict=True):
            answer = keyed(sample.plate, sample.clean, alpha, kind)
            yield (
                foreground_mse(answer.foreground, sample.foreground, sample.alpha),
                premult_mse(answer.premult, sample.foreground * sample.alpha, sample.alpha),
            )

    # An empty frame has no foreground to be wrong about and counts as NaN.
    return float(np.prod(np.nansum(list(errors()), axis=0)))


def _encoded_difference(plate: Image, clean: Image, blur_px: float) -> Image:
    """H x W: length of the colour difference of the two encoded images, optionally blurred."""
    difference = encode_srgb(plate) - encode_srgb(clean)
    if blur_px > 0:
        # Blurring is linear: the difference of the blurred images is the blurred difference.
        difference = np.asarray(cv2.GaussianBlur(difference, (0, 0), blur_px), np.float32)
    return np.asarray(np.linalg.norm(difference, axis=2))


def _channel_difference(image: Image, strongest: npt.NDArray[np.intp]) -> Image:
    """H x W x 1: the given channel of each pixel minus the mean of its other two."""
    peak = np.take_along_axis(image, strongest, axis=2)
    return 1.5 * peak - 0.5 * image.sum(axis=2, keepdims=True)

"""Does the confidence tell where a matte is wrong? Rank correlation, detection, areas.

Confidence is 1 minus the absolute error of alpha that is to be expected; "doubt" below is 1 minus
confidence, so that a good one rises with the error. Everything is float, H x W x 1.

Two sizes are measured. Pixel by pixel is the strict reading; much of it is the order of errors that
nobody can see, and the exact zeros of a plain background, which no ranking can tell apart. Means
over blocks of 8 x 8 px are what an artist uses: they say which part of the frame to look at first.
Both take the whole frame, easy and difficult parts alike, and each frame is measured for itself.
A correlation pooled over frames also holds whether one frame is worse than another; the caller
pools the blocks where that is wanted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields

import cv2
import numpy as np
import numpy.typing as npt

from platematte.evaluate.metrics import Image, mean_of_defined

Flags = npt.NDArray[np.bool_]

BLOCK_PX = 8
"""Side of the blocks that doubt and error are averaged over."""
MISTAKE = 0.1
"""Absolute error of alpha above which a pixel is a mistake that has to be found."""
NEAR_PX = 32
"""What lies this near to the subject is near it: a garbage matte is not drawn closer in haste."""


@dataclass(frozen=True)
class ConfidenceScores:
    """What the confidence of one frame is worth, or the mean over many; NaN: does not apply."""

    rank_pixels: float
    """Rank correlation of doubt and error, pixel by pixel over the whole frame."""
    rank_blocks: float
    """The same of means over blocks."""
    most_pixels: float
    """The highest rank correlation that a doubt without ties could reach, given those of error."""
    most_blocks: float
    """The same of means over blocks."""
    finds: float
    """Chance that a pixel that is a mistake is doubted more than one that is none."""
    finds_wrong: float
    """The same among pixels where the clean plate is wrong."""
    wrong: float
    """Mean confidence where the clean plate is wrong and can be seen (true alpha below 1)."""
    wrong_near: float
    """The same within `NEAR_PX` of the subject."""
    elsewhere: float
    """Mean confidence where the clean plate is right or hidden."""
    wrong_error: float
    """Mean absolute error of alpha where the clean plate is wrong and can be seen."""
    wrong_near_error: float
    """The same within `NEAR_PX` of the subject."""
    elsewhere_error: float
    """Mean absolute error of alpha where the clean plate is right or hidden."""

    @staticmethod
    def mean(scores: Iterable[ConfidenceScores]) -> ConfidenceScores:
        """Average each figure over the frames to which it applies; all NaN for no frames."""
        columns = list(zip(*(astuple(score) for score in scores), strict=True))
        columns = columns or [()] * len(fields(ConfidenceScores))
        return ConfidenceScores(*(mean_of_defined(column) for column in columns))


def score_confidence(
    confidence: Image, alpha: Image, true_alpha: Image, wrong: Flags
) -> ConfidenceScores:
    """Compare the confidence of one frame with the error of its alpha.

    wrong: H x W x 1 bool, where the clean plate is not the set behind the subject. Raises
    ValueError for images of different sizes.
    """
    if not confidence.shape == alpha.shape == true_alpha.shape == wrong.shape:
        shapes = confidence.shape, alpha.shape, true_alpha.shape, wrong.shape
        raise ValueError(f"confidence, alpha, true alpha and wrong are {shapes}")
    doubt, error = 1.0 - confidence, np.abs(alpha - true_alpha)
    doubts, errors = block_means(doubt), block_means(error)
    # Behind a solid subject a wrong clean plate cannot be seen and does no harm.
    seen = wrong & (true_alpha < 1.0)
    areas = (seen, seen & near_subject(true_alpha), ~seen)
    mistake = error > MISTAKE
    return ConfidenceScores(
        rank_pixels=rank_correlation(doubt, error),
        rank_blocks=rank_correlation(doubts, errors),
        most_pixels=most_rank_correlation(error),
        most_blocks=most_rank_correlation(errors),
        finds=detection(doubt, mistake),
        finds_wrong=detection(doubt[seen], mistake[seen]),
        wrong=_mean(confidence[areas[0]]),
        wrong_near=_mean(confidence[areas[1]]),
        elsewhere=_mean(confidence[areas[2]]),
        wrong_error=_mean(error[areas[0]]),
        wrong_near_error=_mean(error[areas[1]]),
        elsewhere_error=_mean(error[areas[2]]),
    )


def rank_correlation(one: Image, other: Image) -> float:
    """Spearman's rank correlation of all values of two arrays; equal values share their mean rank.

    C. Spearman, "The Proof and Measurement of Association between Two Things", 1904. NaN where
    either is the same everywhere: without an order there is nothing to correlate.
    """
    if not one.size:
        return math.nan
    ranks = [_ranks(values) for values in (one, other)]
    centred = [rank - rank.mean() for rank in ranks]
    lengths = [float(np.sqrt(np.square(rank).sum())) for rank in centred]
    if 0.0 in lengths:
        return math.nan
    return float((centred[0] * centred[1]).sum() / (lengths[0] * lengths[1]))


def most_rank_correlation(values: Image) -> float:
    """The rank correlation of these values with themselves, their ties broken by anything else.

    No array without ties correlates better with them: for groups of t equal values among n it is
    sqrt(1 - sum(t^3 - t) / (n^3 - n)). It says how much of a figure below 1 is due to ties alone.
    NaN for fewer than two values.
    """
    if values.size < 2:
        return math.nan
    _, counts = np.unique(values, return_counts=True)
    tied = (counts.astype(np.float64) ** 3 - counts).sum()
    return math.sqrt(max(0.0, 1.0 - tied / (float(values.size) ** 3 - values.size)))


def detection(doubt: Image, mistake: Flags) -> float:
    """Chance that a mistake is doubted more than a pixel that is none; a tie counts half.

    The area under the ROC curve, by the Mann-Whitney statistic of the ranks: 0.5 is guessing, 1
    finds every mistake first. NaN where there is no mistake or nothing else.
    """
    found = mistake.ravel()
    positive = int(found.sum())
    negative = found.size - positive
    if not positive or not negative:
        return math.nan
    above = _ranks(doubt)[found].sum() - positive * (positive + 1) / 2
    return float(above / (positive * negative))


def block_means(image: Image, side_px: int = BLOCK_PX) -> Image:
    """Means over whole blocks, rows x columns; what is left over right and below is dropped."""
    rows, columns = (size // side_px for size in image.shape[:2])
    cut = image[: rows * side_px, : columns * side_px].astype(np.float64)
    return np.asarray(cut.reshape(rows, side_px, columns, side_px).mean(axis=(1, 3)))


def near_subject(true_alpha: Image, reach_px: int = NEAR_PX) -> Flags:
    """H x W x 1 bool: where the subject is, or not farther away than the reach."""
    subject = true_alpha > 0.0
    if not subject.any():
        return subject
    away = cv2.distanceTransform((~subject[..., 0]).astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(away <= reach_px)[..., None]


def _ranks(values: Image) -> Image:
    """Rank of each value from 1 on, flat float64; equal values get the mean of their ranks."""
    _, inverse, counts = np.unique(values.ravel(), return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - 0.5 * (counts - 1))[inverse.ravel()])


def _mean(values: Image) -> float:
    return float(values.mean(dtype=np.float64)) if values.size else math.nan

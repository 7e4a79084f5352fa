"""The measures of confidence against cases worked out by hand, and against SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from platematte.evaluate.confidence import (
    ConfidenceScores,
    block_means,
    detection,
    most_rank_correlation,
    near_subject,
    rank_correlation,
    score_confidence,
)
from platematte.evaluate.metrics import Image


def noise(seed: int, side: int = 48) -> Image:
    return np.random.default_rng(seed).random((side, side, 1), np.float32)


def tied(seed: int) -> Image:
    return np.floor(noise(seed) * 4) / 4


@pytest.mark.parametrize("values", [noise, tied])
def test_rank_correlation_is_the_one_of_scipy(values) -> None:  # type: ignore[no-untyped-def]
    one, other = values(1), 0.3 * values(1) + values(2)
    expected = stats.spearmanr(one.ravel(), other.ravel()).statistic
    assert rank_correlation(one, other) == pytest.approx(expected, abs=1e-12)


def test_any_rising_curve_between_doubt_and_error_correlates_fully() -> None:
    assert rank_correlation(noise(1), noise(1) ** 5) == pytest.approx(1.0)
    assert rank_correlation(noise(1), -noise(1)) == pytest.approx(-1.0)


def test_a_constant_has_no_rank_correlation() -> None:
    assert math.isnan(rank_correlation(np.ones((8, 8, 1)), noise(1, 8)))


def test_ties_bound_the_rank_correlation_as_the_formula_says() -> None:
    error = np.where(noise(3) < 0.8, 0.0, noise(3))
    best = rank_correlation(noise(3), error)
    assert most_rank_correlation(error) == pytest.approx(best, abs=1e-12)
    assert best < 0.75
    assert most_rank_correlation(noise(3).astype(np.float64)) == pytest.approx(1.0, abs=1e-6)


def test_detection_counts_pairs_in_the_right_order() -> None:
    doubt = np.array([0.1, 0.2, 0.2, 0.9])
    mistake = np.array([False, False, True, True])
    # Of four pairs, three are right and one is a tie.
    assert detection(doubt, mistake) == pytest.approx(3.5 / 4)
    assert detection(-doubt, mistake) == pytest.approx(0.5 / 4)


def test_detection_of_nothing_is_not_a_number() -> None:
    assert math.isnan(detection(noise(1), noise(1) > 2))
    assert math.isnan(detection(noise(1), noise(1) >= 0))


def test_block_means_drop_what_is_no_whole_block() -> None:
    image = np.zeros((19, 17, 1), np.float32)
    image[8:16, :8] = 0.5
    image[:, 16:], image[16:] = 9.0, 9.0
    np.testing.assert_allclose(block_means(image), [[0, 0], [0.5, 0]])


def test_near_the_subject_is_a_distance_in_pixels() -> None:
    alpha = np.zeros((80, 80, 1), np.float32)
    assert not near_subject(alpha).any()
    alpha[40, 40] = 0.2
    near = near_subject(alpha, 10)
    assert near[40, 50, 0] and near[30, 40, 0]
    assert not near[40, 52, 0] and not near[48, 48, 0]


def make_frame() -> tuple[Image, Image, Image]:
    """True alpha with a subject on the left, an alpha that keeps a moved prop, where it stands."""
    true = np.zeros((64, 64, 1), np.float32)
    true[:, :16] = 1.0
    prop = np.zeros((64, 64, 1), bool)
    prop[16:48, 8:32] = True
    alpha = np.where(prop, 1.0, true).astype(np.float32)
    return alpha, true, prop


def test_confidence_that_knows_its_error_scores_full_marks() -> None:
    alpha, true, prop = make_frame()
    scores = score_confidence(1 - np.abs(alpha - true), alpha, true, prop)
    assert scores.rank_pixels == pytest.approx(1.0)
    assert scores.rank_blocks == pytest.approx(1.0)
    assert scores.finds == 1.0
    assert (scores.wrong, scores.wrong_error) == (0.0, 1.0)
    assert (scores.elsewhere, scores.elsewhere_error) == (1.0, 0.0)


def test_a_wrong_clean_plate_behind_a_solid_subject_is_not_counted() -> None:
    alpha, true, prop = make_frame()
    confidence = np.where(true == 1, 0.2, 0.8).astype(np.float32)
    scores = score_confidence(confidence, alpha, true, prop)
    assert scores.wrong == pytest.approx(0.8)
    assert math.isnan(scores.finds_wrong)  # All that is seen of the prop is a mistake.


def test_near_and_far_wrong_areas_are_told_apart() -> None:
    alpha, true, prop = make_frame()
    prop[:, 60:] = True
    confidence = np.full_like(true, 0.5)
    confidence[:, 60:] = 0.9
    scores = score_confidence(confidence, alpha, true, prop)
    assert scores.wrong_near == pytest.approx(0.5)
    assert 0.5 < scores.wrong < 0.9
    assert scores.wrong_near_error == 1.0


def test_a_frame_without_wrong_areas_leaves_their_figures_out() -> None:
    alpha, true, _ = make_frame()
    scores = score_confidence(noise(1, 64), alpha, true, np.zeros_like(true, dtype=bool))
    assert math.isnan(scores.wrong) and math.isnan(scores.wrong_near_error)
    assert scores.elsewhere == pytest.approx(float(noise(1, 64).mean()), rel=1e-5)
    mean = ConfidenceScores.mean([scores, score_confidence(1 - true, alpha, true, true == 0)])
    assert not math.isnan(mean.wrong)


def test_images_of_different_sizes_are_refused() -> None:
    alpha, true, prop = make_frame()
    with pytest.raises(ValueError, match="confidence, alpha"):
        score_confidence(noise(1), alpha, true, prop)

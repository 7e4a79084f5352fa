"""Confidence is 1 where a matte is surely solid, and tells of the error elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from platematte.solve.confidence import NEAR, SETTLED, solve_confidence


def column(*values: float) -> np.ndarray:
    return np.array(values, np.float32).reshape(-1, 1, 1)


def test_an_error_that_is_expected_of_a_soft_pixel_is_told_as_it_is() -> None:
    confidence = solve_confidence(column(0.5, 0.5, 1 - NEAR), column(0.0, 0.2, 0.005))
    assert confidence.ravel() == pytest.approx([1.0, 0.8, 0.995])


def test_solid_pixels_are_confident_unless_a_true_error_is_expected() -> None:
    confidence = solve_confidence(column(0, 1, 0, 1), column(0.004, SETTLED, 0.31, 0.51))
    assert confidence.ravel() == pytest.approx([1.0, 1.0, 0.7, 0.5])


@pytest.mark.parametrize("end", [0.0, 1.0])
def test_a_rounding_of_alpha_is_no_step_of_confidence(end: float) -> None:
    away = np.arange(64, dtype=np.float32).reshape(-1, 1, 1) / 2048
    alpha = np.abs(end - away)
    confidence = solve_confidence(alpha, np.full_like(alpha, 0.02)).ravel()
    assert confidence[[0, -1]] == pytest.approx([1 - 0.02 + SETTLED, 1 - 0.02])
    assert (np.diff(confidence) <= 0).all()
    assert np.abs(np.diff(confidence)).max() < 1 / 2048


def test_more_error_never_gives_more_confidence() -> None:
    errors = np.linspace(0, 1.5, 200, dtype=np.float32).reshape(-1, 1, 1)
    for alpha in (0.0, 0.3, 1.0):
        confidence = solve_confidence(np.full_like(errors, alpha), errors).ravel()
        assert (np.diff(confidence) <= 0).all()
        assert confidence[0] == 1.0
        assert confidence[-1] == 0.0


def test_where_the_artist_decides_there_is_nothing_to_doubt() -> None:
    alpha, error = column(0, 1, 0.5, 0.5), column(0.5, 0.5, 0.5, 0.5)
    garbage, core = column(1, 0, 0.5, 0), column(0, 1, 0, 0)
    confidence = solve_confidence(alpha, error, garbage, core)
    assert confidence.ravel() == pytest.approx([1.0, 1.0, 0.75, 0.5])
    assert confidence.dtype == np.float32

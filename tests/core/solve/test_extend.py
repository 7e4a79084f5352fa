"""The subject's colour goes on beyond its edge, and nothing of the set comes in."""

from __future__ import annotations

import numpy as np
import pytest

from platematte.solve.extend import extend_colour


def halves_of(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """A red subject on the left, a blue one on the right, and a gap that holds the set's colour."""
    straight = np.zeros((height, width, 3), np.float32)
    alpha = np.zeros((height, width, 1), np.float32)
    third = width // 3
    straight[:, :third] = (0.8, 0.1, 0.1)
    straight[:, third:-third] = (0.0, 9.0, 0.0)
    straight[:, -third:] = (0.1, 0.1, 0.8)
    alpha[:, :third] = alpha[:, -third:] = 1
    return straight, alpha


def test_solid_colours_stay_what_they_are() -> None:
    straight, alpha = halves_of(48, 60)
    extended = extend_colour(straight, alpha)
    solid = np.broadcast_to(alpha == 1, straight.shape)
    assert extended[solid] == pytest.approx(straight[solid], rel=1e-4)


def test_a_gap_takes_the_nearest_solid_colour_and_nothing_of_the_set() -> None:
    straight, alpha = halves_of(64, 96)
    extended = extend_colour(straight, alpha)
    assert extended[:, 32] == pytest.approx(np.full((64, 3), (0.8, 0.1, 0.1)), abs=0.15)
    assert extended[:, 63] == pytest.approx(np.full((64, 3), (0.1, 0.1, 0.8)), abs=0.15)
    assert extended[..., 1].max() < 0.2


def test_one_small_subject_colours_the_whole_frame() -> None:
    straight = np.full((270, 481, 3), 5.0, np.float32)
    alpha = np.zeros((270, 481, 1), np.float32)
    straight[100:103, 7:10], alpha[100:103, 7:10] = (0.3, 0.2, 0.1), 1
    extended = extend_colour(straight, alpha)
    assert extended == pytest.approx(np.broadcast_to((0.3, 0.2, 0.1), extended.shape), rel=1e-3)


def test_a_soft_edge_counts_next_to_nothing_beside_a_solid_inside() -> None:
    straight = np.full((1, 32, 3), 0.5, np.float32)
    alpha = np.zeros((1, 32, 1), np.float32)
    alpha[:, :8], alpha[:, 8] = 1, 0.4
    straight[:, 8] = 4.0
    assert extend_colour(straight, alpha)[:, 9:].max() < 0.52


def test_highlights_and_negatives_survive_and_a_highlight_does_not_flood() -> None:
    straight = np.full((64, 64, 3), 0.2, np.float32)
    alpha = np.ones((64, 64, 1), np.float32)
    straight[0, 0], straight[5, 5] = 1000.0, -0.25
    alpha[40:] = 0
    extended = extend_colour(straight, alpha)
    assert extended[0, 0] == pytest.approx([1000.0] * 3, rel=1e-3)
    assert extended[5, 5] == pytest.approx([-0.25] * 3, rel=1e-3)
    assert extended[48:].max() < 0.4


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 1), (33, 65)])
def test_any_size_is_taken(size: tuple[int, int]) -> None:
    straight = np.full((*size, 3), 0.5, np.float32)
    extended = extend_colour(straight, np.ones((*size, 1), np.float32))
    assert extended == pytest.approx(straight, rel=1e-4)

"""The solved foreground composites back to the plate, and opaque pixels are the plate itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from platematte.solve.foreground import (
    Solved,
    residual_of,
    round_to_half,
    solve_alpha,
    solve_foreground,
    straight_foreground,
)

HALF_MAX = 65504.0
SIZE = (5, 7)

halves = st.floats(-HALF_MAX, HALF_MAX, width=16)
floats = st.floats(-2.0, 70000.0, width=32)
units = st.floats(0, 1, width=32)
answers = st.floats(-0.5, 1.5, width=32)


def image(elements: st.SearchStrategy[float], channels: int = 3) -> st.SearchStrategy[np.ndarray]:
    return arrays(np.float32, (*SIZE, channels), elements=elements)


def constant(value: float, channels: int = 1) -> np.ndarray:
    return np.full((*SIZE, channels), value, np.float32)


def bits(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.float16).view(np.uint16)


@given(image(halves), image(floats), image(units, 1), image(floats))
def test_opaque_pixels_equal_the_plate_bit_for_bit(
    plate: np.ndarray, clean: np.ndarray, trust: np.ndarray, colour: np.ndarray
) -> None:
    solved = solve_foreground(plate, clean, constant(1.0), trust, colour)
    assert (bits(solved.premult) == bits(plate)).all()


def test_every_finite_half_survives_in_an_opaque_pixel() -> None:
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)
    plate = every[np.isfinite(every)].reshape(1, -1, 1).repeat(3, axis=2)
    one = np.ones((*plate.shape[:2], 1), np.float32)
    solved = solve_foreground(plate, plate[:, ::-1], one, one, plate)
    assert (bits(solved.premult) == bits(plate)).all()


@given(image(floats), image(floats), image(units, 1), image(floats))
def test_premult_is_zero_where_alpha_is_zero(
    plate: np.ndarray, clean: np.ndarray, trust: np.ndarray, colour: np.ndarray
) -> None:
    solved = solve_foreground(plate, clean, constant(0.0), trust, colour)
    assert (solved.premult == 0).all()


@given(image(floats), image(floats), image(answers, 1), image(units, 1), image(floats))
def test_what_is_written_and_the_residual_give_the_plate_back(
    plate: np.ndarray, clean: np.ndarray, drawn: np.ndarray, trust: np.ndarray, colour: np.ndarray
) -> None:
    solved = solve_foreground(plate, clean, solve_alpha(drawn), trust, colour)
    residual = residual_of(plate, clean, solved)
    # Layers as a file holds them: halves, cut at the largest half; the residual in floats.
    premult, alpha, written = (
        np.clip(part, -HALF_MAX, HALF_MAX).astype(np.float16).astype(np.float64)
        for part in (solved.premult, solved.alpha, clean)
    )
    again = premult + (1 - alpha) * written + residual
    # Floats are added here; nothing of the size of a half's last bit may be lost.
    scale = np.maximum(np.abs(plate), np.maximum(np.abs(premult), np.abs(written)))
    assert (np.abs(again - plate) <= 4e-7 * scale + 1e-9).all()


@given(image(st.floats(0, 100, width=16)), image(st.floats(0, 100, width=16)), image(units, 1))
def test_the_residual_is_within_half_precision_where_the_subject_adds_light(
    foreground: np.ndarray, clean: np.ndarray, drawn: np.ndarray
) -> None:
    alpha = solve_alpha(drawn)
    plate = alpha * foreground + (1 - alpha) * clean
    solved = solve_foreground(plate, clean, alpha, constant(1.0), foreground)
    there = (alpha > 0) & (alpha < 1)
    residual = np.where(there, residual_of(plate, clean, solved), 0)
    scale = np.maximum(solved.premult, 0) + 1e-4 * np.maximum(plate, clean) + 1e-7
    assert (np.abs(residual) <= 2**-11 * scale + 1e-6).all()


@given(image(answers, 1), image(units, 1), image(units, 1))
def test_garbage_and_core_are_guarantees_and_garbage_wins(
    drawn: np.ndarray, garbage: np.ndarray, core: np.ndarray
) -> None:
    garbage[0], core[1], core[0, 0] = 1.0, 1.0, 1.0
    garbage[1, 1:] = 0.0
    alpha = solve_alpha(drawn, garbage, core)
    assert (alpha[0] == 0).all()
    assert (alpha[1, 1:] == 1).all()
    assert (alpha <= round_to_half(1 - garbage)).all()
    assert (alpha >= round_to_half(np.minimum(core, 1 - garbage))).all()


@given(image(answers, 1))
def test_alpha_is_a_half_in_0_to_1_before_anything_is_solved_with_it(drawn: np.ndarray) -> None:
    alpha = solve_alpha(drawn)
    assert ((alpha >= 0) & (alpha <= 1)).all()
    assert (alpha.astype(np.float16).astype(np.float32) == alpha).all()
    solved = solve_foreground(constant(1, 3), constant(0, 3), alpha, constant(1), constant(1, 3))
    assert (solved.alpha == alpha).all()


def test_negative_plate_values_are_kept_in_the_subject() -> None:
    plate, clean = constant(-0.25, 3), constant(0.5, 3)
    for alpha in (0.5, 1.0):
        solved = solve_foreground(plate, clean, constant(alpha), constant(1), constant(0, 3))
        assert (solved.premult == -0.25).all()


def test_the_networks_colour_is_painted_only_where_the_clean_plate_is_distrusted() -> None:
    trust = constant(1)
    trust[2:] = 0
    colour = constant(0.75, 3)
    solved = solve_foreground(constant(1, 3), constant(0.5, 3), constant(0.5), trust, colour)
    assert (solved.premult[:2] == 0.75).all()
    assert (solved.premult[2:] == 0.375).all()


@given(image(halves), image(st.floats(0, 60, width=16)), image(units, 1))
def test_the_straight_colour_of_an_opaque_pixel_is_the_plate_bit_for_bit(
    plate: np.ndarray, clean: np.ndarray, drawn: np.ndarray
) -> None:
    solved = solve_foreground(plate, clean, solve_alpha(drawn), constant(1), plate)
    straight = straight_foreground(solved, plate)
    opaque = np.broadcast_to(solved.alpha == 1, straight.shape)
    assert (bits(straight)[opaque] == bits(plate)[opaque]).all()
    assert (np.abs(straight) <= HALF_MAX).all()


def test_straight_colour_is_divided_where_alpha_is_high_and_guessed_where_it_is_low() -> None:
    colour, alpha = constant(0.2, 3), constant(1.0)
    alpha[:, 3], alpha[:, 4:] = 0.9, 0.02
    # Over black the plate is P; grain of 0.1 would be 5 after a division by 0.02.
    plate = alpha * 0.2 + np.float32(0.1) * (alpha < 1)
    solved = solve_foreground(
        plate * np.ones(3, np.float32), 0 * colour, alpha, constant(1), colour
    )
    straight = straight_foreground(solved, colour)
    assert straight[:, 3] == pytest.approx(0.2 + 0.1 / 0.9, rel=0.05)
    assert straight[:, 4:] == pytest.approx(0.23, abs=0.05)


def test_an_empty_frame_keeps_the_networks_colour() -> None:
    colour = constant(0.4, 3)
    solved = Solved(constant(0, 3), constant(0))
    assert (straight_foreground(solved, colour) == colour).all()


@pytest.mark.parametrize("value", [65505.0, 1e6, -1e6])
def test_values_beyond_half_are_left_for_the_writer_to_count(value: float) -> None:
    assert (round_to_half(constant(value)) == value).all()
    solved = Solved(constant(value, 3), constant(1))
    assert np.isfinite(residual_of(constant(value, 3), constant(0, 3), solved)).all()

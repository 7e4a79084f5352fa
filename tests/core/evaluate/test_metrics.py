"""Each figure against cases that can be worked out by hand, and what must not change it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from platematte.evaluate.metrics import (
    Image,
    Matte,
    MatteScores,
    conn,
    dtssd,
    encode_srgb,
    foreground_mse,
    grad,
    mad,
    mse,
    premult_mse,
    sad,
    score,
    unknown_region,
)


def flat(value: float, height: int = 20, width: int = 50) -> Image:
    return np.full((height, width, 1), value, np.float32)


def noise(seed: int, channels: int = 1) -> Image:
    return np.random.default_rng(seed).random((24, 31, channels), np.float32)


def test_a_perfect_matte_scores_zero_everywhere() -> None:
    matte = Matte(noise(1), noise(2, 3), noise(3, 3))
    assert score(matte, matte) == MatteScores(0, 0, 0, 0, 0, 0, 0)


def test_a_constant_error_gives_the_figures_computed_by_hand() -> None:
    scores = score(Matte(flat(0.25)), Matte(flat(0.75)))
    assert scores.sad == pytest.approx(1000 * 0.5 / 1000)
    assert scores.mad == pytest.approx(0.5)
    assert scores.mse == pytest.approx(0.25)
    assert scores.grad == pytest.approx(0.0)


def test_region_weights_choose_the_pixels_that_count() -> None:
    alpha, region = flat(0.0), flat(0.0)
    alpha[:, :10] = 1.0
    region[:, :10] = 0.5
    region[:, 10:20] = 0.5
    assert sad(alpha, flat(0.0), region) == pytest.approx(200 * 0.5 / 1000)
    assert mad(alpha, flat(0.0), region) == pytest.approx(0.5)
    assert mse(alpha, flat(0.0), region) == pytest.approx(0.5)


def test_grad_of_a_ramp_is_its_slope_squared() -> None:
    slope = 0.01
    ramp = (slope * np.arange(60, dtype=np.float64))[None, :, None] * np.ones((40, 1, 1))
    inside = np.zeros_like(ramp)
    inside[:, 10:-10] = 1.0  # The repeated border flattens the ramp within the filter's radius.
    assert grad(ramp, np.zeros_like(ramp), inside) == pytest.approx(40 * 40 * slope**2 / 1000)


def test_grad_compares_lengths_and_not_directions() -> None:
    ramp = (0.01 * np.arange(60, dtype=np.float64))[None, :, None] * np.ones((60, 1, 1))
    inside = np.zeros_like(ramp)
    inside[10:-10, 10:-10] = 1.0
    assert grad(ramp, ramp.transpose(1, 0, 2), inside) == pytest.approx(0.0, abs=1e-12)


def test_grad_blurs_by_sigma_one_point_four() -> None:
    step = np.zeros((40, 60, 1))
    step[:, 30:] = 1.0
    column = np.zeros_like(step)
    column[:, 30] = 1.0
    # Half a pixel from a step edge, its Gaussian derivative is the Gaussian at 0.5. The sampled
    # kernel differs by 2 percent from the continuous one; a sigma of 1.5 would differ by 7.
    peak = math.exp(-(0.5**2) / (2 * 1.4**2)) / (1.4 * math.sqrt(2 * math.pi))
    found = math.sqrt(1000 * grad(step, np.zeros_like(step), column) / 40)
    assert found == pytest.approx(peak, rel=0.03)


def test_conn_charges_an_island_the_truth_does_not_have() -> None:
    true = flat(0.0)
    true[5:15, 5:15] = 1.0
    alpha = true.copy()
    alpha[5:7, 30:32] = 1.0
    # The island is connected at no threshold: phi is 1 - 1 in the result and 1 in the truth.
    assert conn(alpha, true) == pytest.approx(4 * 1.0 / 1000)


def test_conn_charges_only_the_part_that_is_not_connected() -> None:
    true = flat(0.0)
    true[5:15, 5:25] = 1.0
    alpha = true.copy()
    alpha[5:15, 20:25] = 0.5
    # Connected up to 0.5, so the truth is 0.5 away from there and the result is 0 away.
    assert conn(alpha, true) == pytest.approx(50 * 0.5 / 1000)


def test_conn_forgives_distances_below_theta() -> None:
    true = flat(0.0)
    true[5:15, 5:25] = 1.0
    alpha = true.copy()
    alpha[5:15, 20:25] = 0.9
    assert conn(alpha, true) == 0.0
    assert sad(alpha, true) > 0.0


def test_conn_uses_four_neighbours() -> None:
    true = flat(0.0)
    true[5:15, 5:15] = 1.0
    true[15, 15] = 1.0  # Touches the block by a corner only.
    alpha = true.copy()
    alpha[15, 15] = 0.5
    assert conn(alpha, true) == pytest.approx(0.5 / 1000)


def test_conn_of_two_empty_mattes_is_zero() -> None:
    assert conn(flat(0.0), flat(0.0)) == 0.0


def test_dtssd_ignores_an_error_that_does_not_move() -> None:
    true = [flat(0.1), flat(0.4), flat(0.2)]
    assert dtssd([frame + 0.3 for frame in true], true) == pytest.approx(0.0, abs=1e-7)


def test_dtssd_of_flicker_is_its_amplitude() -> None:
    true = [flat(0.5)] * 3
    flickering = [flat(0.5), flat(0.7), flat(0.6)]
    assert dtssd(flickering, true) == pytest.approx((0.2 + 0.1) / 2)


def test_dtssd_does_not_depend_on_the_frame_size() -> None:
    small = dtssd([flat(0.0, 4, 5), flat(0.2, 4, 5)], [flat(0.0, 4, 5)] * 2)
    assert dtssd([flat(0.0), flat(0.2)], [flat(0.0)] * 2) == pytest.approx(small)


@pytest.mark.parametrize("lengths", [(1, 1), (3, 2)])
def test_dtssd_refuses_sequences_it_cannot_compare(lengths: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="2 frames"):
        dtssd([flat(0.0)] * lengths[0], [flat(0.0)] * lengths[1])


def test_colour_errors_count_only_pixels_with_true_alpha() -> None:
    true_alpha, colour = flat(0.0), np.zeros((20, 50, 3), np.float32)
    true_alpha[:, :10] = 0.01
    true_alpha[:, 10:20] = 0.001  # An 8-bit matte holds 0 here.
    colour[:, :10] = (0.3, 0.0, 0.0)
    colour[:, 10:] = 0.7
    black = np.zeros_like(colour)
    assert premult_mse(colour, black, true_alpha) == pytest.approx(0.09 / 3)
    seen = float(encode_srgb(np.float32(0.3)))
    assert foreground_mse(colour, black, true_alpha) == pytest.approx(seen**2 / 3)


def test_premult_mse_does_not_clamp_highlights() -> None:
    true = np.full((20, 50, 3), 12.0, np.float32)
    assert premult_mse(true - 11.0, true, flat(1.0)) == pytest.approx(121.0)


def test_no_pixel_errs_by_more_than_one_in_foreground_mse() -> None:
    true = np.full((20, 50, 3), 40.0, np.float32)
    assert foreground_mse(true - 20.0, true, flat(1.0)) == 0.0
    assert foreground_mse(np.full_like(true, -3.0), true, flat(1.0)) == pytest.approx(1.0)


def test_the_srgb_view_keeps_its_own_formula_above_one() -> None:
    known = {-0.5: 0.0, 0.0: 0.0, 0.002: 0.02584, 0.18: 0.46136, 1.0: 1.0, 4.0: 1.8248}
    found = encode_srgb(np.array(list(known), np.float32))
    np.testing.assert_allclose(found, list(known.values()), atol=1e-4)
    assert found.dtype == np.float32


def test_infinite_colours_are_refused_by_both() -> None:
    colour = np.full((20, 50, 3), np.inf, np.float32)
    for figure in (foreground_mse, premult_mse):
        with pytest.raises(ValueError, match="infinity"):
            figure(colour, np.zeros_like(colour), flat(1.0))


def test_a_figure_over_no_pixels_is_nan() -> None:
    colour = np.zeros((20, 50, 3), np.float32)
    assert math.isnan(foreground_mse(colour, colour, flat(0.0)))
    assert math.isnan(premult_mse(colour, colour, flat(0.0)))
    assert math.isnan(mad(flat(1.0), flat(0.0), region=flat(0.0)))


@pytest.mark.parametrize("turn", [np.flipud, np.fliplr, lambda image: image.transpose(1, 0, 2)])
def test_figures_do_not_depend_on_the_orientation(turn) -> None:  # type: ignore[no-untyped-def]
    images = noise(1), noise(2, 3), noise(3, 3), noise(4), noise(5, 3), noise(6, 3)
    other = [np.ascontiguousarray(turn(image)) for image in images]
    upright = score(Matte(*images[:3]), Matte(*images[3:]))
    turned = score(Matte(*other[:3]), Matte(*other[3:]))
    for name in ("sad", "mad", "mse", "grad", "conn", "foreground_mse", "premult_mse"):
        assert getattr(turned, name) == pytest.approx(getattr(upright, name), rel=1e-6), name


def test_figures_do_not_depend_on_which_matte_is_the_truth() -> None:
    mattes = Matte(noise(1)), Matte(noise(2))
    one, two = score(*mattes), score(*reversed(mattes))
    assert (one.sad, one.mad, one.mse) == (two.sad, two.mad, two.mse)
    assert one.grad == pytest.approx(two.grad)
    assert one.conn == pytest.approx(two.conn)


def test_float32_and_float64_agree() -> None:
    narrow = sad(noise(1), noise(2))
    assert narrow == sad(noise(1).astype(np.float64), noise(2).astype(np.float64))


def test_score_leaves_colour_errors_out_without_both_colours() -> None:
    bare, coloured = Matte(flat(0.0)), Matte(flat(1.0), noise(1, 3), noise(2, 3))
    for scores in (score(bare, bare), score(coloured, bare), score(bare, coloured)):
        assert math.isnan(scores.foreground_mse) and math.isnan(scores.premult_mse)


def test_mean_averages_each_figure_over_the_mattes_it_applies_to() -> None:
    mean = MatteScores.mean(
        [MatteScores(1, 2, 3, 4, 5, 6), MatteScores(3, 4, 5, 6, 7, math.nan)],
    )
    assert mean == MatteScores(2, 3, 4, 5, 6, 6)
    with pytest.raises(ValueError, match="no scores"):
        MatteScores.mean([])


def test_unknown_region_is_the_soft_edge_and_what_lies_between_its_strands() -> None:
    true_alpha = flat(0.0, 60, 100)
    true_alpha[10:50, 30], true_alpha[10:50, 44] = 0.5, 0.5
    true_alpha[10:50, 90] = 0.5  # Farther from the others than the closing bridges.
    true_alpha[30, 60], true_alpha[30, 70] = 0.05, 0.97  # Noise near 0 and 1, not edges.
    region = unknown_region(true_alpha)
    assert region[20:40, 30:45].all()
    assert region[20:40, 90].all()
    assert not region[:, 46:90].any() and not region[:, 91:].any()
    assert not region[:, :29].any()


def test_unknown_region_ends_at_the_frame_as_it_does_inside() -> None:
    true_alpha = flat(0.0, 60, 100)
    true_alpha[:, 1] = 0.5
    expected = flat(0.0, 60, 100)
    expected[:, 1] = 1.0
    # One column stays one column, also beside the rim: closing fills only what is enclosed.
    np.testing.assert_array_equal(unknown_region(true_alpha), expected)


@pytest.mark.parametrize(
    ("alpha", "reason"),
    [
        (np.full((20, 50, 1), np.nan, np.float32), "NaN"),
        (np.full((20, 50, 1), 255, np.uint8), "need float"),
        (np.zeros((20, 50), np.float32), "need H x W x 1"),
        (np.zeros((20, 49, 1), np.float32), "need H x W x 1"),
    ],
)
def test_images_that_would_give_a_wrong_figure_are_refused(alpha: Image, reason: str) -> None:
    for figure in (sad, mad, mse, grad, conn):
        with pytest.raises(ValueError, match=reason):
            figure(alpha, flat(0.0))


def test_a_region_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="region"):
        mad(flat(0.0), flat(0.0), region=flat(1.0, 20, 49))

"""Each figure against cases that can be worked out by hand, and what must not change it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from platematte.evaluate.metrics import (
    Image,
    MatteScores,
    conn,
    dtssd,
    foreground_mse,
    foreground_mse_straight,
    grad,
    mad,
    mse,
    sad,
    score,
    unknown_region,
)


def flat(value: float, height: int = 20, width: int = 50) -> Image:
    return np.full((height, width, 1), value, np.float32)


def noise(seed: int, channels: int = 1) -> Image:
    return np.random.default_rng(seed).random((24, 31, channels), np.float32)


def test_a_perfect_matte_scores_zero_everywhere() -> None:
    alpha, premult = noise(1), noise(2, 3)
    assert score(alpha, alpha, premult, premult) == MatteScores(0, 0, 0, 0, 0, 0)


def test_a_constant_error_gives_the_figures_computed_by_hand() -> None:
    scores = score(flat(0.25), flat(0.75))
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


def test_foreground_mse_counts_only_pixels_with_true_alpha() -> None:
    true_alpha, premult = flat(0.0), np.zeros((20, 50, 3), np.float32)
    true_alpha[:, :10] = 0.01
    premult[:, :10] = (0.3, 0.0, 0.0)
    premult[:, 10:] = 7.0
    expected = pytest.approx(0.09 / 3)
    assert foreground_mse(premult, np.zeros_like(premult), true_alpha) == expected
    assert foreground_mse_straight(premult, np.zeros_like(premult), true_alpha) == expected


def test_foreground_mse_does_not_clamp_highlights() -> None:
    true = np.full((20, 50, 3), 12.0, np.float32)
    assert foreground_mse(true - 11.0, true, flat(1.0)) == pytest.approx(121.0)


def test_a_figure_over_no_pixels_is_nan() -> None:
    colour = np.zeros((20, 50, 3), np.float32)
    assert math.isnan(foreground_mse(colour, colour, flat(0.0)))
    assert math.isnan(mad(flat(1.0), flat(0.0), region=flat(0.0)))


@pytest.mark.parametrize("turn", [np.flipud, np.fliplr, lambda image: image.transpose(1, 0, 2)])
def test_figures_do_not_depend_on_the_orientation(turn) -> None:  # type: ignore[no-untyped-def]
    images = noise(1), noise(2), noise(3, 3), noise(4, 3)
    upright = score(*images)
    turned = score(*(np.ascontiguousarray(turn(image)) for image in images))
    for name in ("sad", "mad", "mse", "grad", "conn", "foreground_mse"):
        assert getattr(turned, name) == pytest.approx(getattr(upright, name), rel=1e-6), name


def test_figures_do_not_depend_on_which_matte_is_the_truth() -> None:
    one, two = score(noise(1), noise(2)), score(noise(2), noise(1))
    assert (one.sad, one.mad, one.mse) == (two.sad, two.mad, two.mse)
    assert one.grad == pytest.approx(two.grad)
    assert one.conn == pytest.approx(two.conn)


def test_float32_and_float64_agree() -> None:
    narrow = score(noise(1), noise(2))
    wide = score(noise(1).astype(np.float64), noise(2).astype(np.float64))
    assert narrow.sad == wide.sad


def test_score_leaves_foreground_mse_out_without_both_colours() -> None:
    assert math.isnan(score(flat(0.0), flat(1.0)).foreground_mse)
    assert math.isnan(score(flat(0.0), flat(1.0), premult=noise(1, 3)).foreground_mse)


def test_mean_averages_each_figure_over_the_mattes_it_applies_to() -> None:
    mean = MatteScores.mean(
        [MatteScores(1, 2, 3, 4, 5, 6), MatteScores(3, 4, 5, 6, 7, math.nan)],
    )
    assert mean == MatteScores(2, 3, 4, 5, 6, 6)
    with pytest.raises(ValueError, match="no scores"):
        MatteScores.mean([])


def test_unknown_region_is_the_soft_edge_grown() -> None:
    true_alpha = flat(0.0)
    true_alpha[:, 30:] = 1.0
    true_alpha[10, 30] = 0.5
    true_alpha[2, 5], true_alpha[3, 40] = 0.05, 0.97  # Noise near 0 and 1, not edges.
    region = unknown_region(true_alpha, grow_px=2)
    expected = np.zeros_like(region)
    expected[8:13, 28:33] = 1.0
    np.testing.assert_array_equal(region, expected)


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

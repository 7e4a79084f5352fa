"""The keyers on a frame that each of them can do, and the search for their settings."""

from __future__ import annotations

import numpy as np
import pytest
from keyers import (
    FOREGROUNDS,
    GRIDS,
    TrimapSettings,
    difference_trimap,
    key_alpha,
    keyed,
    solve_knn,
    tune,
)

from platematte.evaluate.metrics import encode_srgb, mad


@pytest.mark.parametrize("name", ["difference", "closed-form", "knn"])
def test_a_tuned_keyer_mattes_a_bright_disc(name, make_sample) -> None:  # type: ignore[no-untyped-def]
    sample = make_sample(1)
    keyer = tune(name, [make_sample(2)])
    alpha, premult, foreground = keyer.key(sample.plate, sample.clean)
    assert mad(alpha, sample.alpha) < 0.03
    assert alpha.shape == sample.alpha.shape and alpha.dtype == np.float32
    assert premult.shape == foreground.shape == sample.plate.shape


def test_tuning_takes_the_settings_of_the_grid_with_the_least_error(make_sample) -> None:  # type: ignore[no-untyped-def]
    sample = make_sample(3)
    chosen = tune("difference", [sample]).settings
    errors = {
        settings: mad(key_alpha(sample.plate, sample.clean, settings), sample.alpha)
        for settings in GRIDS["difference"]
    }
    assert errors[chosen] < sorted(errors.values())[len(errors) // 10]


def test_knn_at_half_size_keeps_what_the_trimap_is_sure_of(make_sample) -> None:  # type: ignore[no-untyped-def]
    sample = make_sample(4)
    settings = TrimapSettings(low=0.06, high=0.2, erode_px=3, solver="knn")
    trimap = difference_trimap(sample.plate, sample.clean, settings)
    encoded = np.clip(encode_srgb(sample.plate), 0, 1).astype(np.float64)
    alpha = solve_knn(encoded, trimap)
    sure = trimap != 0.5
    assert 0.3 < sure.mean() < 0.95
    np.testing.assert_array_equal(alpha[sure], trimap[sure])
    assert np.ptp(alpha[~sure]) > 0.5


def test_a_trimap_without_sure_foreground_is_returned_as_empty(make_sample) -> None:  # type: ignore[no-untyped-def]
    sample = make_sample(5)
    alpha = key_alpha(sample.clean, sample.clean, TrimapSettings(0.06, 0.2, 3, "knn"))
    assert not alpha.any()


@pytest.mark.parametrize("name", FOREGROUNDS)
def test_straight_colour_is_the_premultiplied_one_and_else_the_plate(name, make_sample) -> None:  # type: ignore[no-untyped-def]
    sample = make_sample(6)
    answer = keyed(sample.plate, sample.clean, sample.alpha, name)
    there = sample.alpha[..., 0] > 0.01
    back = answer.foreground * sample.alpha
    np.testing.assert_allclose(back[there], answer.premult[there], atol=1e-5)
    empty = sample.alpha[..., 0] == 0
    np.testing.assert_array_equal(answer.foreground[empty], sample.plate[empty])

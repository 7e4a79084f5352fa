"""Sets are pieces of photographs, panoramas and made-up walls, in linear light."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from platematte.training import sets
from platematte.training.atlas import Atlas, pack
from platematte.training.bank import Bank, empty_bank
from platematte.training.dice import Dice
from platematte.training.sets import cut_pieces, draw_sets, srgb_to_linear

SIZE = 64


def bank_of(background: Atlas, panorama: Atlas | None = None) -> Bank:
    return Bank(pack([]), pack([]), background, panorama or pack([], is_linear=True))


def flat(level: int) -> Atlas:
    return pack([np.full((50, 70, 4), level, np.uint8)])


@pytest.mark.parametrize("has_images", [False, True])
def test_sets_are_finite_not_negative_and_repeatable(image_bank: Bank, has_images: bool) -> None:
    bank = image_bank if has_images else empty_bank()
    scene = draw_sets(bank, Dice(3), 24, SIZE)
    assert scene.shape == (24, 3, SIZE, SIZE)
    assert bool(torch.isfinite(scene).all())
    assert float(scene.min()) >= 0
    assert float(scene.max()) <= 100
    assert torch.equal(scene, draw_sets(bank, Dice(3), 24, SIZE))
    assert not torch.equal(scene, draw_sets(bank, Dice(4), 24, SIZE))


def test_each_set_is_another(image_bank: Bank) -> None:
    scene = draw_sets(image_bank, Dice(3), 16, SIZE)
    for first in range(16):
        for second in range(first):
            assert not torch.equal(scene[first], scene[second])


def test_without_images_each_set_is_a_wall_of_one_colour_or_a_few() -> None:
    scene = draw_sets(empty_bank(), Dice(1), 32, SIZE)
    assert bool((scene.mean((1, 2, 3)) > 0).all())
    # What is made up reflects light and sends none out, but for a grid of lighter lines.
    assert float(scene.max()) < 2


def test_a_piece_of_a_flat_photograph_is_that_grey_in_linear_light() -> None:
    scene = draw_sets(bank_of(flat(128)), Dice(1), 32, SIZE)
    expected = float(srgb_to_linear(torch.tensor(128 / 255)))
    is_flat = (scene - expected).abs().amax((1, 2, 3)) < 1e-5
    # All but those that are made up.
    assert float(is_flat.float().mean()) > 0.7


def test_lamps_in_photographs_are_brighter_than_white_in_some() -> None:
    peak = draw_sets(bank_of(flat(255)), Dice(1), 64, SIZE, made_up=0).amax((1, 2, 3))
    assert float(peak.min()) == pytest.approx(1, abs=1e-4)
    assert 0.1 < float((peak > 1.5).float().mean()) < 0.5
    assert float(peak.max()) <= 1 + 2**4.5
    assert float(draw_sets(bank_of(flat(180)), Dice(1), 64, SIZE, made_up=0).max()) < 0.5


def test_panoramas_come_at_an_exposure_that_a_camera_would_choose(
    image_bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sets, "_PANORAMA", 1.0)
    panorama = pack([np.full((32, 64, 4), 700.0, np.float32)], is_linear=True)
    mean = draw_sets(bank_of(flat(0), panorama), Dice(2), 32, SIZE, made_up=0).mean((1, 2, 3))
    assert 0.06 <= float(mean.min()) < 0.1 < 0.25 < float(mean.max()) <= 0.4001
    bright = draw_sets(image_bank, Dice(2), 32, SIZE, made_up=0)
    assert float(bright.max()) > 2


@pytest.mark.parametrize("mirror", [False, True])
def test_pieces_are_turned_flipped_and_placed_in_many_ways(mirror: bool) -> None:
    ramp = np.zeros((80, 80, 4), np.uint8)
    ramp[..., 0] = np.arange(80) * 3
    ramp[..., 3] = 255
    pieces = cut_pieces(pack([ramp]), Dice(1), 40, 32, 0.8, 2.0, mirror, turn=0.3)
    assert pieces.shape == (40, 4, 32, 32)
    slope = (pieces[:, 0, 14:18, 20] - pieces[:, 0, 14:18, 12]).mean(1)
    assert 0.2 < float((slope > 0).float().mean()) < 0.8
    assert len({round(float(value), 4) for value in pieces[:, 0, 16, 16]}) > 30
    level = pieces[:, 0, 20, 16] - pieces[:, 0, 12, 16]
    assert float(level.std()) > 0.01


def test_a_set_is_never_mirrored_more_than_twice() -> None:
    stripe = np.zeros((16, 16, 4), np.uint8)
    stripe[:, :2] = 255
    pieces = cut_pieces(pack([stripe]), Dice(1), 40, SIZE, 0.05, 0.1, mirror=True)
    # An edge that is mirrored stands once more, or twice: three bright bands at the most.
    bright = pieces[:, 0].amax(1) > 0.5
    bands = bright[:, :1].int().sum(1) + (bright[:, 1:] & ~bright[:, :-1]).sum(1)
    assert int(bands.max()) <= 3


def test_the_curve_of_srgb_is_inverted() -> None:
    encoded = torch.tensor([0.0, 0.04045, 0.5, 1.0])
    expected = torch.tensor([0.0, 0.0031308, 0.2140411, 1.0])
    assert torch.allclose(srgb_to_linear(encoded), expected, atol=1e-6)

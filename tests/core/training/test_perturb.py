"""Blur, movement, grain, codec and grading do what they say, and nothing at strength zero."""

from __future__ import annotations

import pytest
import torch

from platematte.network.encode import encode_view
from platematte.training import perturb
from platematte.training.dice import Dice

SIZE = 64


def each(*values: float) -> torch.Tensor:
    return torch.tensor(values).view(-1, 1, 1, 1)


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    return 0.05 + torch.rand(3, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


def test_each_image_is_blurred_by_its_own_sigma(image: torch.Tensor) -> None:
    blurred = perturb.blur(image, each(0.01, 1.0, 4.0))
    assert torch.allclose(blurred[0], image[0], atol=1e-5)
    assert torch.allclose(blurred.mean((1, 2, 3)), image.mean((1, 2, 3)), rtol=0.01)
    assert float(blurred[1].std()) > 2 * float(blurred[2].std())
    dot = torch.zeros(1, 1, 41, 41)
    dot[..., 20, 20] = 1
    spot = perturb.blur(dot, each(2.0))
    x = torch.arange(41.0) - 20
    variance = float((spot[0, 0].sum(0) * x.square()).sum())
    assert variance == pytest.approx(4, rel=0.05)


def test_an_image_moves_to_the_right_and_down_by_whole_and_half_pixels(image: torch.Tensor) -> None:
    moved = perturb.shift(image, each(3, 3, 3), each(2, 2, 2))
    assert torch.allclose(moved[..., 10:, 10:], image[..., 8:-2, 7:-3], atol=1e-4)
    half = perturb.shift(image, each(0.5, 0.5, 0.5), each(0, 0, 0))
    between = (image[..., 1:] + image[..., :-1]) / 2
    assert torch.allclose(half[..., 1:], between, atol=1e-4)


def test_a_quarter_turn_is_a_quarter_turn(image: torch.Tensor) -> None:
    quarter = each(*(3 * [torch.pi / 2]))
    zero = torch.zeros_like(quarter)
    turned = perturb.warp(image, quarter, zero, zero, zero)
    assert torch.allclose(turned, image.rot90(1, (2, 3)), atol=1e-3)


def test_a_streak_blurs_along_its_way_alone() -> None:
    stripes = (torch.arange(SIZE) % 8 < 4).float().expand(1, 3, SIZE, SIZE)
    along = perturb.streak_along(stripes, each(0), each(12))
    across = perturb.streak_along(stripes, each(8), each(0))
    assert torch.allclose(along, stripes, atol=1e-3)
    assert float(across[..., 8:-8].std()) < 0.2 * float(stripes.std())


def test_grain_grows_with_its_strength_and_with_light() -> None:
    grey = torch.cat([torch.full((1, 3, SIZE, SIZE), v) for v in (0.01, 1.0, 1.0)])
    added = perturb.grain(Dice(1), grey, each(0.02, 0.02, 0.0)) - grey
    deviation = added.std((1, 2, 3))
    assert 0.005 < float(deviation[1]) < 0.06
    assert float(deviation[0]) < 0.6 * float(deviation[1])
    assert torch.equal(added[2], torch.zeros(3, SIZE, SIZE))
    assert abs(float(added[1].mean())) < 0.005


def test_the_codec_leaves_blocks_whose_fine_detail_is_gone(image: torch.Tensor) -> None:
    coded = perturb.codec(image, each(0.0, 0.02, 0.2))
    assert torch.equal(coded[0], image[0])
    lost = (encode_view(coded) - encode_view(image)).abs().mean((1, 2, 3))
    assert 0 < float(lost[1]) < float(lost[2])
    flat = torch.full((1, 3, SIZE, SIZE), 0.25)
    assert torch.allclose(perturb.codec(flat, each(0.01)), flat, atol=0.01)
    untouched = torch.rand(2, 3, 12, 12)
    assert perturb.codec(untouched, each(0.0, 0.0)) is untouched


def test_a_grade_of_no_deviation_changes_nothing_and_negatives_stay(image: torch.Tensor) -> None:
    assert torch.allclose(perturb.regrade(Dice(1), image, 0, 0, 0), image, rtol=1e-5)
    graded = perturb.regrade(Dice(1), image, 0.2, 0, 0) / image
    # A gain alone is one figure for each image.
    assert float(graded.std((1, 2, 3)).max()) < 1e-4
    assert float((graded.mean((1, 2, 3)) - 1).abs().max()) > 0.02
    dark = perturb.regrade(Dice(1), image - 0.1, 0.1, 0.05, 0.05)
    assert bool(torch.isfinite(dark).all())
    assert float(dark.min()) < 0

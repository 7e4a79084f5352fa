"""The same seed rolls the same values; what is rolled has the distribution that it says."""

from __future__ import annotations

import pytest
import torch

from platematte.training.dice import Dice, fractal, grid_px, noise


def test_the_same_seed_rolls_the_same_and_goes_on_with_others() -> None:
    one, same, other = Dice(3), Dice(3), Dice(4)
    first = one.normal(50)
    assert torch.equal(first, same.normal(50))
    assert not torch.equal(first, other.normal(50))
    assert not torch.equal(first, one.normal(50))
    same.normal(50)
    assert one.integer(1000) == same.integer(1000)


def test_values_lie_where_they_are_asked_for() -> None:
    dice = Dice(1)
    uniform = dice.uniform(-2, 6, 4000)
    assert -2 <= float(uniform.min()) < -1.9 < 5.9 < float(uniform.max()) <= 6
    spread = dice.spread(0.1, 10, 4000)
    assert 0.1 <= float(spread.min()) < float(spread.max()) <= 10.001
    # As many below the geometric mean as above it.
    assert float((spread < 1).float().mean()) == pytest.approx(0.5, abs=0.03)
    assert set(dice.integers(3, 200).tolist()) == {0, 1, 2}
    assert 2 <= dice.number(2, 3) <= 3


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_chances_are_met_as_often_as_they_are_given(probability: float) -> None:
    dice = Dice(2)
    chance, some = dice.chance(probability, 3000), dice.some(probability, 3000)
    assert chance.shape == (3000, 1, 1, 1)
    assert float(chance.mean()) == pytest.approx(probability, abs=0.03)
    assert len(some) / 3000 == pytest.approx(probability, abs=0.03)


def test_the_grid_has_its_origin_in_the_middle() -> None:
    x, y = grid_px(5, torch.device("cpu"))
    assert x.flatten().tolist() == y.flatten().tolist() == [-2, -1, 0, 1, 2]
    assert x.shape == (1, 1, 1, 5)
    assert y.shape == (1, 1, 5, 1)


@pytest.mark.parametrize("cells", [2, 6, 24])
def test_noise_is_about_zero_in_the_mean_and_finer_with_more_cells(cells: int) -> None:
    field = noise(Dice(5), 24, 2, 64, cells)
    assert field.shape == (24, 2, 64, 64)
    assert abs(float(field.mean())) < 0.15
    assert 0.4 < float(field.std()) < 1.3
    fields = (field, noise(Dice(5), 24, 2, 64, 2 * cells), fractal(Dice(5), 24, 2, 64, cells, 3))
    steps = [float((part[..., 1:] - part[..., :-1]).abs().mean()) for part in fields]
    # Twice the cells are finer, and so is what octaves add.
    assert steps[0] < steps[1]
    assert steps[0] < steps[2]

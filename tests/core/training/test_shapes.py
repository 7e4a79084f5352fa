"""Drawn shapes are finite, repeatable and what they say they are."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from platematte.training import hair, shapes
from platematte.training.dice import Dice, grid_px

SIZE = 64
DRAWN = {
    "leaves": shapes.leaves,
    "nets": shapes.nets,
    "slots": shapes.slots,
    "veils": shapes.veils,
    "smoke": shapes.smoke,
    "strands": hair.strands,
    "feathers": hair.feathers,
    "wires": hair.wires,
}


@pytest.mark.parametrize("name", DRAWN)
def test_drawn_alphas_are_in_range_not_empty_and_repeatable(name: str) -> None:
    def draw(seed: int) -> list[torch.Tensor]:
        made = DRAWN[name](Dice(seed), 6, SIZE)
        return list(made) if isinstance(made, tuple) else [made]

    for first, second in zip(draw(3), draw(3), strict=True):
        assert first.shape == (6, 1, SIZE, SIZE)
        assert bool(torch.isfinite(first).all())
        assert torch.equal(first, second)
    alpha = draw(3)[0]
    assert 0 <= float(alpha.min()) < float(alpha.max()) <= 1
    assert not torch.equal(alpha, draw(4)[0])


def test_a_capsule_is_the_distance_to_a_line_with_round_ends() -> None:
    x, y = grid_px(65, torch.device("cpu"))
    ends = [(torch.tensor(a), torch.tensor(0.0)) for a in (-10.0, 10.0)]
    distance = shapes.capsule(x, y, ends[0], ends[1], 3.0)[0, 0]
    middle = 32
    assert float(distance[middle, middle]) == pytest.approx(-3, abs=0.01)
    assert float(distance[middle + 8, middle + 5]) == pytest.approx(5, abs=0.01)
    assert float(distance[middle, middle + 30]) == pytest.approx(17, abs=0.01)


def test_softness_is_the_width_of_the_edge() -> None:
    distance = torch.linspace(-10, 10, 41)
    alpha = shapes.soften(distance, torch.tensor(8.0))
    assert bool((alpha[distance <= -4] == 1).all())
    assert bool((alpha[distance >= 4] == 0).all())
    assert float(alpha[distance == 0]) == 0.5


def test_bodies_and_figures_have_an_inside_and_an_outside() -> None:
    figure = shapes.figures(Dice(2), 8, SIZE)
    for distance in (shapes.bodies(Dice(2), 8, SIZE), figure.distance):
        assert bool(torch.isfinite(distance).all())
        assert bool((distance.amin((1, 2, 3)) < 0).all())
        assert float((distance > 0).float().mean()) > 0.2
    assert set(figure.part.unique().tolist()) == {0, 1, 2, 3}


def test_slots_are_narrow_gaps_in_something_solid() -> None:
    kept = shapes.slots(Dice(2), 64, SIZE)
    # What a closing of a gap's width fills was a gap; the widest is 0.7 of 40 px.
    closed = -functional.max_pool2d(-functional.max_pool2d(kept, 9, 1, 4), 9, 1, 4)
    narrow = ((closed - kept) > 0.5).float().mean((1, 2, 3))
    assert float((narrow > 0.01).float().mean()) > 0.4
    assert float((kept.flatten(1) == 1).float().mean(1).min()) > 0.2
    assert 0.5 < float(kept.mean()) < 0.95


def test_a_veil_is_opaque_nowhere_and_smoke_fades_to_nothing() -> None:
    assert float(shapes.veils(Dice(1), 8, SIZE).max()) < 0.9
    smoke = shapes.smoke(Dice(1), 16, SIZE)
    rim = torch.cat([smoke[..., 0, :], smoke[..., -1, :]], -1)
    assert float(rim.mean()) < float(smoke.mean())

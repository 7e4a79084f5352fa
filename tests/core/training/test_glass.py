"""Glass is clear inside and dense at its rim, and shows the set out of place behind it alone."""

from __future__ import annotations

import torch

from platematte.training.dice import Dice, grid_px
from platematte.training.glass import draw_glass, see_through

SIZE = 96
Tensor = torch.Tensor


def ramps() -> Tensor:
    """Return a set whose channels tell where a pixel was: its x, its y, and nothing."""
    x, y = (axis.expand(1, 1, SIZE, SIZE) for axis in grid_px(SIZE, torch.device("cpu")))
    return torch.cat([x, y, torch.zeros_like(x)], 1) + SIZE


def test_glass_is_in_its_ranges_and_repeatable() -> None:
    glass, same, other = (draw_glass(Dice(seed), 24, SIZE) for seed in (5, 5, 6))
    assert glass.alpha.shape == (24, 1, SIZE, SIZE)
    assert glass.premult.shape == glass.bend.shape == (24, 3, SIZE, SIZE)
    assert float(glass.alpha.min()) == 0
    assert float(glass.alpha.max()) <= 1
    assert float(glass.premult.min()) >= 0
    for name in ("alpha", "premult", "bend"):
        assert bool(torch.isfinite(getattr(glass, name)).all())
        assert torch.equal(getattr(glass, name), getattr(same, name))
    assert not torch.equal(glass.alpha, other.alpha)
    assert not bool((glass.premult * (glass.alpha == 0)).any())


def test_most_of_a_glass_is_clear_and_some_of_it_is_not() -> None:
    glass = draw_glass(Dice(3), 64, SIZE)
    clear, dense = [], []
    for alpha, bend in zip(glass.alpha, glass.bend, strict=True):
        inside = alpha[bend.abs().amax(0, keepdim=True) > 0]
        if len(inside) > 200:
            clear.append(float(inside.median()))
            dense.append(float(inside.quantile(0.99)))
    assert len(clear) > 40
    assert sorted(clear)[len(clear) // 2] < 0.3
    assert sorted(dense)[len(dense) // 2] > 0.5


def test_the_set_is_bent_within_the_glass_alone() -> None:
    bend = draw_glass(Dice(3), 16, SIZE).bend
    behind = ramps().expand(16, -1, -1, -1)
    seen = see_through(behind, bend)
    is_bent = (bend.abs().amax(1, keepdim=True) > 0).expand_as(seen)
    assert torch.equal(seen[~is_bent], behind[~is_bent])
    assert float((seen - behind)[is_bent].abs().mean()) > 0.5


def test_what_is_seen_stands_as_far_off_as_the_bend_says() -> None:
    bend = torch.zeros(1, 3, SIZE, SIZE)
    bend[:, 0], bend[:, 1] = 2.5, -4.0
    inner = (..., slice(10, -10), slice(10, -10))
    off = (see_through(ramps(), bend) - ramps())[inner]
    assert torch.allclose(off[:, 0], torch.tensor(2.5), atol=1e-3)
    assert torch.allclose(off[:, 1], torch.tensor(-4.0), atol=1e-3)


def test_what_is_out_of_focus_behind_glass_keeps_its_light() -> None:
    line = torch.zeros(1, 3, SIZE, SIZE)
    line[..., SIZE // 2] = 1
    bend = torch.zeros(1, 3, SIZE, SIZE)
    bend[:, 2] = 1
    seen = see_through(line, bend)
    assert float(seen.amax()) < 0.3
    assert torch.allclose(seen.sum(3), line.sum(3), atol=1e-3)

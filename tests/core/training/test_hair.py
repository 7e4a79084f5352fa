"""Strands of a tenth of a pixel are strands: what they cover follows from width and length."""

from __future__ import annotations

import pytest
import torch

from platematte.training.dice import Dice
from platematte.training.hair import draw_lines, strands

SIZE = 64
POINTS = 400


def line(width_px: float, y: float = 0.0, length_px: float = 40.0) -> torch.Tensor:
    """Return the alpha of one horizontal strand from the left to the right of the middle."""
    t = torch.linspace(0, 1, POINTS).view(1, 1, POINTS)
    root = torch.tensor([[[-length_px / 2, y]]])
    angle = torch.zeros(1, 1, POINTS)
    sizes = (torch.full((1, 1, 1), value) for value in (length_px, width_px))
    return draw_lines(Dice(1), root, angle, *sizes, t, SIZE)[0][0, 0]


def test_a_strand_lies_where_it_starts_and_ends_and_thins_out_towards_its_tip() -> None:
    alpha = line(1.0, y=0.5)
    assert float(alpha[32, 14:50].min()) > 0.1
    assert float(alpha[:, :10].max()) == float(alpha[:, 54:].max()) == 0
    assert float(alpha[:30].max()) == float(alpha[35:].max()) == 0
    assert float(alpha[32, 14:24].mean()) > 2 * float(alpha[32, 40:50].mean())


@pytest.mark.parametrize("width_px", [0.01, 0.05, 0.1])
def test_a_thin_strand_covers_in_proportion_to_its_width(width_px: float) -> None:
    ratio = float(line(2 * width_px).sum() / line(width_px).sum())
    assert ratio == pytest.approx(2, rel=0.1)
    # Its place between the pixels does not matter.
    assert float(line(width_px, y=0.3).sum()) == pytest.approx(
        float(line(width_px).sum()), rel=0.05
    )


def test_a_strand_that_leaves_the_frame_is_cut_off() -> None:
    alpha = line(1.0, length_px=200.0)
    assert bool(torch.isfinite(alpha).all())
    assert float(alpha[31:33, 0].max()) > 0.1


def test_some_heads_have_much_hair_and_some_only_strands_that_fly_away() -> None:
    covered = strands(Dice(2), 24, SIZE)[0].mean((1, 2, 3))
    assert float(covered.max()) > 10 * float(covered.min())

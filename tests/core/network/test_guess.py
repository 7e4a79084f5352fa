"""The guess of the foreground's colour comes from the nearest pixels that are least of the set."""

from __future__ import annotations

from collections.abc import Callable

import torch

from platematte.network.guess import CHANNELS, guess_foreground
from platematte.network.matter import Cues, Matter

MakeMatter = Callable[..., Matter]
MakeCues = Callable[..., Cues]
Area = tuple[slice, slice]
RED, BLUE = (torch.tensor(c).view(1, 3, 1, 1) for c in ((0.8, 0.1, 0.1), (0.1, 0.2, 0.9)))
GREY = torch.full((1, 3, 1, 1), 0.4)


def disc(side: int, radius: float, softness: float) -> torch.Tensor:
    """An alpha of 1 x 1 x side x side with an edge of so many pixels."""
    line = torch.arange(side) - (side - 1) / 2
    distance = torch.hypot(line[:, None], line[None])
    return (0.5 - (distance - radius) / softness).clamp(0, 1)[None, None]


def guess_beside(red: Area, blue: Area) -> torch.Tensor:
    """The guess for a red and a blue subject, rows and columns each, before a grey set."""
    clean = GREY.expand(1, 3, 64, 128)
    plate = clean.clone()
    plate[(..., *red)], plate[(..., *blue)] = RED, BLUE
    return guess_foreground(plate, clean, torch.ones(1, 1, 64, 128)).colour


def test_a_soft_edge_is_guessed_to_have_the_colour_of_its_inside() -> None:
    alpha = disc(96, 24, 1.5)
    clean = GREY.expand(1, 3, 96, 96)
    plate = torch.lerp(clean, RED.expand_as(clean), alpha)
    found = guess_foreground(plate, clean, torch.ones(1, 1, 96, 96))
    is_edge = ((alpha > 0.1) & (alpha < 0.9)).expand_as(plate)
    wrong = (found.colour - RED).abs().expand_as(plate)[is_edge]
    assert float(wrong.max()) < 0.15
    assert float(wrong.mean()) < 0.05
    # The plate's own colour, where the network without a guess begins, is far off.
    assert float((plate - RED).abs()[is_edge].max()) > 0.3


def test_a_strand_keeps_its_own_colour_beside_a_subject_of_another() -> None:
    body, strand = (slice(8, 56), slice(8, 40)), (slice(30, 31), slice(40, 88))
    colour = guess_beside(body, strand)
    assert float((colour[..., 30, 44:88] - BLUE[..., 0]).abs().max()) < 0.05


def test_of_two_neighbours_the_one_that_is_farther_from_the_set_speaks() -> None:
    alpha = torch.ones(1, 1, 64, 64)
    alpha[..., 32:], alpha[..., 32] = 0, 0.5
    clean = GREY.expand(1, 3, 64, 64)
    plate = torch.lerp(clean, RED.expand_as(clean), alpha)
    colour = guess_foreground(plate, clean, torch.ones(1, 1, 64, 64)).colour
    assert float((colour[..., 32] - RED[..., 0]).abs().max()) < 0.05


def test_where_the_guess_is_right_its_projection_is_alpha() -> None:
    alpha = disc(96, 24, 1.5)
    clean = GREY.expand(1, 3, 96, 96)
    plate = torch.lerp(clean, RED.expand_as(clean), alpha)
    projected = guess_foreground(plate, clean, torch.ones(1, 1, 96, 96)).cue[:, 6:7]
    assert float((projected - alpha).abs().max()) < 0.15


def test_each_edge_has_the_colour_of_the_nearer_subject() -> None:
    colour = guess_beside((slice(16, 48), slice(8, 40)), (slice(16, 48), slice(88, 120)))
    assert torch.allclose(colour[..., 30, 42], RED[..., 0, 0], atol=0.05)
    assert torch.allclose(colour[..., 30, 86], BLUE[..., 0, 0], atol=0.05)


def test_where_plate_and_clean_plate_are_the_same_alpha_is_guessed_0() -> None:
    plate = torch.rand(1, 3, 40, 56)
    found = guess_foreground(plate, plate, torch.ones(1, 1, 40, 56))
    assert found.cue.shape[1] == CHANNELS
    assert torch.isfinite(found.cue).all()
    assert float(found.cue[:, 6:].abs().max()) < 1e-6


def test_what_has_no_clean_plate_says_nothing_of_the_subject() -> None:
    plate, clean = RED.expand(1, 3, 64, 64).clone(), GREY.expand(1, 3, 64, 64)
    plate[..., 26:38] = BLUE
    trust = torch.ones(1, 1, 64, 64)
    trust[..., 26:38] = 0
    colour = guess_foreground(plate, clean, trust).colour
    assert torch.allclose(colour, RED.expand_as(colour), atol=0.01)


def test_what_is_far_away_has_no_say_where_something_near_has() -> None:
    plate, clean, trust = RED.expand(1, 3, 64, 256).clone(), GREY.expand(1, 3, 64, 256), 1.0
    before = guess_foreground(plate, clean, torch.full((1, 1, 64, 256), trust)).colour
    plate[..., 128:] = BLUE
    after = guess_foreground(plate, clean, torch.full((1, 1, 64, 256), trust)).colour
    assert torch.equal(before[..., :64], after[..., :64])


def test_a_network_leans_towards_the_guess_only_where_it_was_built_to(
    make_matter: MakeMatter, make_cues: MakeCues
) -> None:
    cues = make_cues(64, 64)
    with torch.inference_mode():
        without = make_matter()
        assert without.guess(without.encode(cues), cues.trust) is None
        built = make_matter(guess=True)
        before, hidden = (built(cues, with_guess=shown).foreground for shown in (True, False))
        assert built.draw_stage.lean is not None
        torch.nn.init.constant_(built.draw_stage.lean.bias, 1.5)
        assert float((built(cues).foreground - before).abs().max()) > 0.01
        assert torch.equal(built(cues, with_guess=False).foreground, hidden)

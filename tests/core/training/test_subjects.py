"""Every kind of subject can be drawn; what is drawn resembles what is shot in its shares."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from platematte.training import subjects as module
from platematte.training.atlas import pack
from platematte.training.bank import Bank, empty_bank
from platematte.training.dice import Dice
from platematte.training.sets import draw_sets
from platematte.training.subjects import _KINDS, Cast, Subjects

SIZE = 64
KINDS = [name for name, _ in _KINDS]
Tensor = torch.Tensor


def draw(bank: Bank, seed: int, count: int, similar: float = 0.25) -> tuple[Tensor, Tensor, Tensor]:
    """Return set, alpha and premultiplied colour."""
    dice = Dice(seed)
    scene = draw_sets(bank, dice, count, SIZE)
    return scene, *Subjects(bank, dice, Cast(similar)).draw(scene)


@pytest.fixture(scope="module")
def alphas() -> Tensor:
    return torch.cat([draw(empty_bank(), seed, 16)[1] for seed in range(8)])


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_can_be_drawn_and_is_repeatable(kind: str) -> None:
    def made(seed: int) -> list[Tensor]:
        return list(getattr(Subjects(empty_bank(), Dice(seed)), f"_{kind}")(4, SIZE))

    alpha, straight = made(2)
    assert alpha.shape == (4, 1, SIZE, SIZE)
    assert 0 <= float(alpha.min()) < 0.1 < float(alpha.max()) <= 1
    colour = straight.expand(4, 3, SIZE, SIZE)
    assert bool(torch.isfinite(colour).all())
    assert float(colour.min()) >= 0
    for first, second in zip((alpha, straight), made(2), strict=True):
        assert torch.equal(first, second)
    assert not torch.equal(alpha, made(3)[0])


def test_the_kinds_are_dealt_without_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sum(part for _, part in _KINDS) == pytest.approx(1)
    dealt: dict[str, int] = {}

    def counted(kind: str) -> None:
        def mark(self: Subjects, count: int, size: int) -> tuple[Tensor, Tensor]:
            dealt[kind] = dealt.get(kind, 0) + count
            return torch.ones(count, 1, size, size), torch.ones(count, 3, size, size)

        monkeypatch.setattr(Subjects, f"_{kind}", mark)

    for kind in KINDS:
        counted(kind)
    bald = (torch.zeros(1, 1, 16, 16),) * 2
    monkeypatch.setattr(module, "strands", lambda dice, count, size: bald)
    subjects = Subjects(empty_bank(), Dice(1))
    alpha, _ = subjects.thing(torch.zeros(600, 3, 16, 16))
    assert sum(dealt.values()) == 600
    assert float(alpha.min()) == 1
    for kind, part in _KINDS:
        assert dealt[kind] / 600 == pytest.approx(part, abs=0.06), kind


@pytest.mark.parametrize("has_images", [False, True])
def test_subjects_are_finite_and_have_no_colour_where_they_are_not(
    image_bank: Bank, has_images: bool
) -> None:
    bank = image_bank if has_images else empty_bank()
    for seed in range(3):
        _, alpha, premult = draw(bank, seed, 12)
        assert alpha.shape == (12, 1, SIZE, SIZE)
        assert premult.shape == (12, 3, SIZE, SIZE)
        assert 0 <= float(alpha.min()) <= float(alpha.max()) <= 1
        assert bool(torch.isfinite(premult).all())
        assert float(premult.min()) >= 0
        assert float((premult * (alpha == 0)).max()) < 1e-4


def test_some_samples_are_empty_and_most_are_not(alphas: Tensor) -> None:
    empty = (alphas.amax((1, 2, 3)) == 0).float().mean()
    assert 0.005 < float(empty) < 0.3


def test_many_have_thin_parts_many_a_solid_body_and_many_soft_edges(alphas: Tensor) -> None:
    eroded = -functional.max_pool2d(-alphas, 5, 1, 2)
    opened = functional.max_pool2d(eroded, 5, 1, 2)
    # What an opening of five pixels takes away is thinner than that.
    thin = ((alphas - opened) > 0.3).float().mean((1, 2, 3))
    assert float((thin > 0.005).float().mean()) > 0.2
    solid = (eroded == 1).float().mean((1, 2, 3))
    assert float((solid > 0.05).float().mean()) > 0.3
    soft = ((alphas > 0.05) & (alphas < 0.95)).float().mean((1, 2, 3))
    assert float((soft > 0.05).float().mean()) > 0.3


def test_rendered_subjects_are_pieces_of_the_images() -> None:
    sprite = np.zeros((60, 60, 4), np.uint8)
    sprite[20:40, 20:40] = (255, 0, 0, 255)
    bank = Bank(pack([sprite]), pack([]), pack([]), pack([], is_linear=True))
    alpha, premult = Subjects(bank, Dice(1), Cast(similar=0)).thing(
        torch.zeros(12, 3, SIZE, SIZE), 1.0
    )
    seen = alpha.amax((1, 2, 3)) > 0.9
    assert float(seen.float().mean()) > 0.7
    assert bool(((alpha > 0.99).float().mean((1, 2, 3)) < 0.6).all())
    # Their colour is red at an exposure of its own.
    assert float(premult[:, 0].max()) > 0.3
    assert float(premult[:, 1:].max()) < 1e-3


def test_particles_have_a_colour_of_their_own() -> None:
    white = np.full((60, 60, 4), 255, np.uint8)
    black = np.zeros((60, 60, 4), np.uint8)
    bank = Bank(pack([black]), pack([white]), pack([]), pack([], is_linear=True))
    _, premult = Subjects(bank, Dice(1), Cast(similar=0)).thing(torch.zeros(200, 3, 16, 16), 1.0)
    peaks = premult.amax((2, 3))
    shown = peaks[peaks.amax(1) > 0]
    assert 2 <= len(shown) < 40
    assert float((shown.amax(1) - shown.amin(1)).max()) > 0.01


def test_some_subjects_take_on_the_colours_of_the_set() -> None:
    distances = []
    for similar in (0.0, 1.0):
        scene, alpha, premult = draw(empty_bank(), 5, 24, similar)
        beside = (premult - alpha * scene).abs().mean((1, 2, 3)) / alpha.mean((1, 2, 3)).add(0.01)
        distances.append(float(beside.median()))
    assert distances[1] < 0.7 * distances[0]


def test_a_coat_of_the_walls_colour_keeps_its_folds() -> None:
    wall = torch.tensor([0.4, 0.3, 0.2]).view(1, 3, 1, 1).expand(64, 3, SIZE, SIZE)
    coat = torch.full((64, 3, SIZE, SIZE), 0.2)
    coat[..., SIZE // 2 :] = 0.4
    folds = {}
    for shaded in (0.0, 1.0):
        subjects = Subjects(empty_bank(), Dice(3), Cast(similar=1.0, shaded=shaded))
        worn = subjects._near_set(coat, wall).mean(1)
        folds[shaded] = float((worn[..., SIZE // 2 :].mean() / worn[..., : SIZE // 2].mean()).log())
    assert 0 < 1.3 * folds[0.0] < folds[1.0] < 0.8 * math.log(2)


def test_set_coloured_subjects_may_show_the_sets_colours_without_its_detail() -> None:
    lines = torch.zeros(64, 3, SIZE, SIZE)
    lines[..., ::4] = 1
    coat = torch.full((64, 3, SIZE, SIZE), 0.25)
    contrast = {}
    for detailed in (0.0, 1.0):
        subjects = Subjects(empty_bank(), Dice(3), Cast(similar=1.0, detailed=detailed))
        contrast[detailed] = float(subjects._near_set(coat, lines).std(3).mean())
    assert 0 < contrast[0.0] < 0.5 * contrast[1.0]


def test_some_bodies_have_narrow_gaps() -> None:
    narrow = {}
    for slotted in (0.0, 1.0):
        alpha, _ = Subjects(empty_bank(), Dice(3), Cast(slotted=slotted))._body(96, SIZE)
        # What a closing of nine pixels fills is narrower than that.
        closed = -functional.max_pool2d(-functional.max_pool2d(alpha, 9, 1, 4), 9, 1, 4)
        narrow[slotted] = float(((closed - alpha) > 0.5).float().mean())
    assert narrow[1.0] > 3 * narrow[0.0] > 0


def test_motion_and_focus_keep_the_amount_of_a_subject() -> None:
    alpha = torch.zeros(60, 1, SIZE, SIZE)
    alpha[..., 26:38, 26:38] = 1
    blurred, premult = Subjects(empty_bank(), Dice(1)).optics(alpha, alpha.expand(-1, 3, -1, -1))
    changed = (blurred != alpha).flatten(1).any(1)
    assert 0.2 < float(changed.float().mean()) < 0.6
    assert torch.allclose(blurred.sum((1, 2, 3)), alpha.sum((1, 2, 3)), rtol=0.02)
    assert torch.allclose(premult, blurred.expand(-1, 3, -1, -1), atol=1e-5)

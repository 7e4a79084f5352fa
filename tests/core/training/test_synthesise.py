"""Training samples are true to their own composite, finite, repeatable and varied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import pytest
import torch
from torch.nn import functional

from platematte.training import heldout, shapes, synthesise
from platematte.training.bank import Bank
from platematte.training.synthesise import Sample, Synthesiser, preview

EMPTY = Bank([], [], [])
SIZE = 64


def parts(sample: Sample) -> Iterator[tuple[str, torch.Tensor]]:
    for field in fields(Sample):
        yield field.name, getattr(sample, field.name)


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    synthesiser = Synthesiser(EMPTY, seed=4)
    return [synthesiser.draw(8, SIZE) for _ in range(14)]


def bank_of_images() -> Bank:
    random = torch.Generator().manual_seed(1)

    def pyramid(channels: int) -> list[torch.Tensor]:
        return [
            torch.randint(0, 256, (channels, side, side), generator=random, dtype=torch.uint8)
            for side in (96, 48, 24)
        ]

    return Bank([pyramid(4)], [pyramid(4)], [pyramid(3), pyramid(3)])


@pytest.mark.parametrize("bank", [EMPTY, bank_of_images()], ids=["procedural", "images"])
def test_the_same_seed_gives_the_same_samples_and_another_one_others(bank: Bank) -> None:
    one, same, other = (Synthesiser(bank, seed).draw(3, SIZE) for seed in (7, 7, 8))
    for (name, first), (_, second) in zip(parts(one), parts(same), strict=True):
        assert torch.equal(first, second), name
    assert not torch.equal(one.plate, other.plate)


def test_later_draws_are_other_samples() -> None:
    synthesiser = Synthesiser(EMPTY, 7)
    assert not torch.equal(synthesiser.draw(2, SIZE).plate, synthesiser.draw(2, SIZE).plate)


@pytest.mark.parametrize("bank", [EMPTY, bank_of_images()], ids=["procedural", "images"])
def test_every_part_is_finite_and_in_its_range(bank: Bank) -> None:
    synthesiser = Synthesiser(bank, 5)
    for _ in range(6):
        sample = synthesiser.draw(4, SIZE)
        channels = {name: part.shape[1] for name, part in parts(sample)}
        assert channels == {
            "plate": 3, "clean": 3, "trust": 1, "hints": 3, "alpha": 1, "foreground": 3, "set": 3
        }  # fmt: skip
        for name, part in parts(sample):
            assert bool(torch.isfinite(part).all()), name
            assert part.shape[2:] == (SIZE, SIZE)
        for part in (sample.alpha, sample.trust):
            assert float(part.min()) >= 0
            assert float(part.max()) <= 1
        assert float(sample.hints.abs().max()) <= 1
        assert float(sample.set.min()) >= 0


def test_the_plate_is_the_composite_of_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    # The subject's shadow, grain and codec are what a plate has beyond its composite.
    monkeypatch.setattr(synthesise, "shadow", lambda dice, alpha: torch.ones(1))
    monkeypatch.setattr(synthesise, "grain", lambda dice, image, strength: image)
    monkeypatch.setattr(synthesise, "codec", lambda image, strength: image)
    synthesiser = Synthesiser(EMPTY, 6)
    for _ in range(4):
        sample = synthesiser.draw(4, SIZE)
        again = sample.alpha * sample.foreground + (1 - sample.alpha) * sample.set
        wrong = (again - sample.plate).abs()
        seen = (sample.alpha > 1e-3).expand_as(wrong)
        scale = sample.plate.abs().amax((1, 2, 3), keepdim=True) + 1e-3
        assert bool((wrong <= 1e-5 * scale)[seen].all())
        # Alphas too small to divide by count as none.
        assert bool((wrong <= 2e-3 * scale).all())


def test_without_a_subject_nothing_but_faults_lies_between_plate_and_set(
    samples: list[Sample],
) -> None:
    for sample in samples:
        empty = sample.alpha.amax((1, 2, 3)) == 0
        difference = (sample.plate - sample.set).abs().mean((1, 2, 3))
        level = sample.set.mean((1, 2, 3)) + 0.05
        assert bool((difference <= 0.25 * level)[empty].all())


def test_some_samples_are_empty_and_most_are_not(samples: list[Sample]) -> None:
    alpha = torch.cat([sample.alpha for sample in samples])
    empty = (alpha.amax((1, 2, 3)) == 0).float().mean()
    assert 0.005 < float(empty) < 0.3


def test_many_samples_have_hair_and_many_have_a_solid_body(samples: list[Sample]) -> None:
    alpha = torch.cat([sample.alpha for sample in samples])
    eroded = -functional.max_pool2d(-alpha, 5, 1, 2)
    opened = functional.max_pool2d(eroded, 5, 1, 2)
    # What an opening of five pixels takes away is thinner than that.
    thin = ((alpha - opened) > 0.3).float().mean((1, 2, 3))
    assert float((thin > 0.005).float().mean()) > 0.2
    solid = (eroded == 1).float().mean((1, 2, 3))
    assert float((solid > 0.05).float().mean()) > 0.3


def test_clean_plates_are_flawed_and_black_where_they_cover_nothing(samples: list[Sample]) -> None:
    clean = torch.cat([sample.clean for sample in samples])
    trust = torch.cat([sample.trust for sample in samples])
    the_set = torch.cat([sample.set for sample in samples])
    assert bool((clean * (1 - trust) == 0).all())
    uncovered = (trust.amin((1, 2, 3)) == 0).float().mean()
    assert 0.01 < float(uncovered) < 0.6
    differs = ((clean - the_set) * trust).abs().amax((1, 2, 3)) > 0
    assert bool(differs.all())


def test_hints_are_absent_mostly(samples: list[Sample]) -> None:
    hints = torch.cat([sample.hints for sample in samples])
    said = (hints != 0).any(3).any(2)
    assert bool((said.float().mean(0) < 0.35).all())
    assert bool(said.any())


def test_garbage_and_core_never_contradict_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    synthesiser = Synthesiser(EMPTY, 3)
    monkeypatch.setattr(synthesiser.dice, "chance", lambda part, count: torch.ones(count, 1, 1, 1))
    x, y = shapes.grid_px(192, torch.device("cpu"))
    radius = torch.linspace(30, 90, 6).view(6, 1, 1, 1)
    alpha = shapes.soften((x.square() + y.square()).sqrt() - radius, torch.tensor(6.0))
    garbage, core, rough = synthesiser._hints(alpha).split(1, 1)
    # An average over 16 pixels of at most 0.01 leaves each of them below 0.16.
    assert 0 <= float(alpha[garbage >= 1].max()) < 0.17
    assert 0.83 < float(alpha[core >= 1].min()) <= 1
    assert float(rough.min()) == -1
    assert float(rough.max()) == 1


@pytest.mark.parametrize("name", ["nets", "veils", "bodies", "strands"])
def test_drawn_shapes_are_finite_and_repeatable(name: str) -> None:
    def draw() -> torch.Tensor:
        made = getattr(shapes, name)(shapes.Dice(3), 2, SIZE)
        return made[0] if isinstance(made, tuple) else made

    one = draw()
    assert one.shape == (2, 1, SIZE, SIZE)
    assert bool(torch.isfinite(one).all())
    assert torch.equal(one, draw())
    if name != "bodies":
        assert 0 <= float(one.min()) <= float(one.max()) <= 1


def test_the_preview_is_ready_to_be_looked_at(samples: list[Sample]) -> None:
    shown = preview(samples[0].plate)
    assert 0 <= float(shown.min()) < float(shown.max()) <= 1


def test_held_out_frames_depend_on_their_number_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heldout, "SIDE_PX", SIZE)
    some = list(heldout.load_heldout(None, 4))
    alone = next(heldout.load_heldout(None, 1, first=2))
    for name in ("plate", "clean", "alpha", "foreground"):
        assert (getattr(some[2], name) == getattr(alone, name)).all(), name
        assert not (getattr(some[2], name) == getattr(some[3], name)).all(), name
    assert some[2].name == alone.name
    assert some[2].alpha.shape == (SIZE, SIZE, 1)
    assert len({sample.name for sample in some}) == 4

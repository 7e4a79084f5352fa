"""Training samples are true to their own composite, finite, repeatable and varied."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import pairwise

import pytest
import torch
from torch.nn import functional

from platematte.cli.train import configure
from platematte.network.encode import encode_view
from platematte.training import synthesise
from platematte.training.bank import Bank, empty_bank
from platematte.training.dice import Dice, grid_px
from platematte.training.faults import TRAINING
from platematte.training.motion import Path
from platematte.training.shapes import soften
from platematte.training.subjects import Cast
from platematte.training.synthesise import (
    RULES,
    VERSION,
    Rules,
    Sample,
    Synthesiser,
    parts_of,
    preview,
)

SIZE = 64
CHANNELS = {
    "plate": 3, "clean": 3, "trust": 1, "hints": 3, "alpha": 1, "foreground": 3, "set": 3,
    "wrong": 1,
}  # fmt: skip
Tensor = torch.Tensor


def parts(sample: Sample) -> Iterator[tuple[str, Tensor]]:
    for field in fields(Sample):
        yield field.name, getattr(sample, field.name)


def composite(sample: Sample) -> Tensor:
    return sample.alpha * sample.foreground + (1 - sample.alpha) * sample.set


def without_grain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesise, "grain", lambda dice, image, strength: image)
    monkeypatch.setattr(synthesise, "codec", lambda image, strength: image)


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    synthesiser = Synthesiser(empty_bank(), seed=4)
    return [synthesiser.draw(8, SIZE) for _ in range(10)]


@pytest.fixture(params=["procedural", "images"])
def bank(request: pytest.FixtureRequest, image_bank: Bank) -> Bank:
    return image_bank if request.param == "images" else empty_bank()


def test_the_same_seed_gives_the_same_samples_and_another_one_others(bank: Bank) -> None:
    one, same, other = (Synthesiser(bank, seed).draw(3, SIZE) for seed in (7, 7, 8))
    for (name, first), (_, second) in zip(parts(one), parts(same), strict=True):
        assert torch.equal(first, second), name
    assert not torch.equal(one.plate, other.plate)


def test_later_draws_are_other_samples() -> None:
    synthesiser = Synthesiser(empty_bank(), 7)
    assert not torch.equal(synthesiser.draw(2, SIZE).plate, synthesiser.draw(2, SIZE).plate)


def test_every_part_is_finite_and_in_its_range(bank: Bank) -> None:
    synthesiser = Synthesiser(bank, 5)
    for sample in (synthesiser.draw(6, SIZE), *synthesiser.draw_clip(4, SIZE, 3)):
        assert {name: part.shape[1] for name, part in parts(sample)} == CHANNELS
        for name, part in parts(sample):
            assert bool(torch.isfinite(part).all()), name
            assert part.shape[2:] == (SIZE, SIZE)
            assert part.dtype == torch.float32
        for part in (sample.alpha, sample.trust, sample.wrong):
            assert float(part.min()) >= 0
            assert float(part.max()) <= 1
        assert float(sample.hints.abs().max()) <= 1
        assert float(sample.set.min()) >= 0


def test_the_parts_of_a_sample_come_in_order_and_are_not_copied(samples: list[Sample]) -> None:
    for (_, part), same in zip(parts(samples[0]), parts_of(samples[0]), strict=True):
        assert part is same


@pytest.mark.parametrize("frames", [1, 4])
def test_the_plate_is_the_composite_of_its_parts(
    monkeypatch: pytest.MonkeyPatch, frames: int
) -> None:
    # Grain and codec are what a plate has beyond its composite.
    without_grain(monkeypatch)
    synthesiser = Synthesiser(empty_bank(), 6)
    if frames > 1:
        made = synthesiser.draw_clip(4, SIZE, frames)
    else:
        made = [synthesiser.draw(4, SIZE) for _ in range(3)]
    for sample in made:
        wrong = (composite(sample) - sample.plate).abs()
        seen = (sample.alpha > 1e-3).expand_as(wrong)
        scale = sample.plate.abs().amax((1, 2, 3), keepdim=True) + 1e-3
        assert bool((wrong <= 1e-5 * scale)[seen].all())
        # Alphas too small to divide by count as none.
        assert bool((wrong <= 2e-3 * scale).all())


def test_without_a_subject_nothing_but_grain_lies_between_plate_and_set(
    samples: list[Sample],
) -> None:
    for sample in samples:
        empty = sample.alpha.amax((1, 2, 3)) == 0
        difference = (sample.plate - sample.set).abs().mean((1, 2, 3))
        level = sample.set.mean((1, 2, 3)) + 0.05
        assert bool((difference <= 0.25 * level)[empty].all())


def test_clean_plates_are_flawed_and_black_where_they_cover_nothing(samples: list[Sample]) -> None:
    clean, trust, the_set = (
        torch.cat([getattr(sample, name) for sample in samples])
        for name in ("clean", "trust", "set")
    )
    assert bool((clean * (1 - trust) == 0).all())
    uncovered = (trust.amin((1, 2, 3)) == 0).float().mean()
    assert 0.01 < float(uncovered) < 0.6
    differs = ((clean - the_set) * trust).abs().amax((1, 2, 3)) > 0
    assert bool(differs.all())


def test_without_faults_and_grain_the_clean_plate_is_the_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without_grain(monkeypatch)
    never = dict.fromkeys(("shadow", "bounce", "reflection", "props", "lamps", "moved", "soft"), 0)
    more = dict.fromkeys(("parallax", "graded", "vignette", "rolling", "uncovered"), 0)
    faults = replace(TRAINING, **never, **more)
    sample = Synthesiser(empty_bank(), 3, rules=Rules(faults)).draw(6, SIZE)
    assert torch.equal(sample.clean, sample.set)
    assert not bool(sample.wrong.any())


def test_wrong_areas_are_some_of_the_set_and_never_the_subject(samples: list[Sample]) -> None:
    wrong, alpha = (
        torch.cat([getattr(sample, name) for sample in samples]) for name in ("wrong", "alpha")
    )
    share = wrong.mean((1, 2, 3))
    assert 0.2 < float((share > 0).float().mean()) < 0.9
    assert not bool(wrong[alpha >= 0.9].any())
    assert set(wrong.unique().tolist()) == {0, 1}


def test_hints_are_absent_mostly(samples: list[Sample]) -> None:
    hints = torch.cat([sample.hints for sample in samples])
    said = (hints != 0).any(3).any(2)
    assert bool((said.float().mean(0) < 0.35).all())
    assert bool(said.any())


def test_garbage_and_core_never_contradict_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    synthesiser = Synthesiser(empty_bank(), 3)
    monkeypatch.setattr(synthesiser.dice, "chance", lambda part, count: torch.ones(count, 1, 1, 1))
    x, y = grid_px(192, torch.device("cpu"))
    radius = torch.linspace(30, 90, 6).view(6, 1, 1, 1)
    alpha = soften((x.square() + y.square()).sqrt() - radius, torch.tensor(6.0))
    garbage, core, rough = synthesiser._hints(alpha).split(1, 1)
    # An average over 16 pixels of at most 0.01 leaves each of them below 0.16.
    assert 0 <= float(alpha[garbage >= 1].max()) < 0.17
    assert 0.83 < float(alpha[core >= 1].min()) <= 1
    assert float(rough.min()) == -1
    assert float(rough.max()) == 1


def test_the_frames_of_a_clip_follow_the_path_of_the_subject(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run(dice: Dice, count: int, size: int, frames: int, reach_px: float) -> Path:
        still = torch.zeros(frames, count, 1, 1, 1)
        time = still + torch.arange(frames).view(frames, 1, 1, 1, 1) - frames // 2
        sway = torch.zeros(count, 2, size, size)
        return Path(4 * time, -2 * time, still, still, sway, still)

    without_grain(monkeypatch)
    monkeypatch.setattr(synthesise, "draw_path", run)
    clip = Synthesiser(empty_bank(), 6).draw_clip(6, SIZE, 5)
    assert len(clip) == 5
    inner = (..., slice(16, 48), slice(16, 48))
    for before, after in pairwise(clip):
        expected = before.alpha.roll((-2, 4), (2, 3))
        assert torch.allclose(after.alpha[inner], expected[inner], atol=0.01)
        assert not torch.equal(after.alpha, before.alpha)


def test_a_subject_that_moves_is_blurred_along_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    edges = {}
    for reach in (0.0, 60.0):
        clip = Synthesiser(empty_bank(), 6).draw_clip(48, SIZE, 5, reach_px=reach)
        alpha = clip[2].alpha
        edges[reach] = float((alpha[..., 1:] - alpha[..., :-1]).abs().mean())
    assert edges[60.0] < 0.9 * edges[0.0]


def test_a_held_camera_sees_the_same_set_in_each_frame_and_others_shake_a_little() -> None:
    clip = Synthesiser(empty_bank(), 2).draw_clip(48, SIZE, 4)
    first = clip[0].set
    held = torch.stack([(frame.set == first).flatten(1).all(1) for frame in clip[1:]]).all(0)
    assert 0.2 < float(held.float().mean()) < 0.8
    for frame in clip[1:]:
        off = ((frame.set - first).abs() / (first + 0.1)).mean((1, 2, 3))
        assert float(off.max()) < 0.3
        for name in ("trust", "hints"):
            assert torch.equal(getattr(frame, name), getattr(clip[0], name))


def test_grain_differs_from_frame_to_frame_in_plate_and_clean_plate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(synthesise, "codec", lambda image, strength: image)
    clip = Synthesiser(empty_bank(), 9).draw_clip(8, SIZE, 3)
    covers = clip[0].trust.flatten(1).all(1)
    for one, other in ((0, 1), (1, 2), (0, 2)):
        first, second = (clip[i].plate - composite(clip[i]) for i in (one, other))
        both = torch.stack([first.flatten(), second.flatten()])
        assert float(first.std()) > 1e-3
        assert abs(float(torch.corrcoef(both)[0, 1])) < 0.1
        change = (clip[one].clean - clip[other].clean)[covers]
        assert bool((change.flatten(1).std(1) > 0).all())
        # The set that it shows is the same.
        assert float(change.mean((1, 2, 3)).abs().max()) < 0.02


def test_the_preview_is_ready_to_be_looked_at(samples: list[Sample]) -> None:
    shown = preview(samples[0].plate)
    assert 0 <= float(shown.min()) < float(shown.max()) <= 1


# Means of alpha and of clean plates, taken from the code of a version before there was another.
@pytest.mark.parametrize(
    ("version", "alpha", "clean"),
    [
        (3, 0.31137, 0.29577),
        (4, 0.19757, 0.31859),
        (5, 0.10791, 0.21839),
        (6, 0.17842, 0.18993),
    ],
)
def test_an_older_version_draws_as_it_did(version: int, alpha: float, clean: float) -> None:
    drawn = Synthesiser(empty_bank(), 12, rules=RULES[version]).draw(4, SIZE)
    assert float(drawn.alpha.double().mean()) == pytest.approx(alpha, abs=1e-4)
    assert float(drawn.clean.double().mean()) == pytest.approx(clean, abs=1e-4)


def test_version_7_differs_from_6_in_colours_of_subjects_alone() -> None:
    six, seven = (Synthesiser(empty_bank(), 12, rules=RULES[v]).draw(8, SIZE) for v in (6, 7))
    assert torch.equal(six.alpha, seven.alpha)
    assert torch.equal(six.clean, seven.clean)
    assert not torch.equal(six.foreground, seven.foreground)


def test_the_newest_version_is_drawn_and_is_another_than_the_older_ones() -> None:
    assert max(RULES) == VERSION
    newest, *older = (
        Synthesiser(empty_bank(), 12, rules=RULES[version]).draw(4, SIZE)
        for version in sorted(RULES, reverse=True)
    )
    assert torch.equal(newest.plate, Synthesiser(empty_bank(), 12).draw(4, SIZE).plate)
    assert not any(torch.equal(newest.plate, sample.plate) for sample in older)


def test_the_command_line_knows_every_version_and_takes_the_newest() -> None:
    parser = argparse.ArgumentParser()
    configure(parser)
    assert parser.parse_args(["--out", "x"]).generator == VERSION
    for version in RULES:
        assert parser.parse_args(["--out", "x", "--generator", str(version)]).generator == version
    with pytest.raises(SystemExit):
        parser.parse_args(["--out", "x", "--generator", str(VERSION + 1)])


def test_the_set_stands_out_of_place_behind_glass_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def rest(dice: Dice, count: int, size: int, frames: int, reach_px: float) -> Path:
        still = torch.zeros(frames, count, 1, 1, 1)
        return Path(still, still, still, still, torch.zeros(count, 2, size, size), still)

    without_grain(monkeypatch)
    monkeypatch.setattr(synthesise, "draw_path", rest)
    never = dict.fromkeys(("shadow", "bounce", "reflection", "props", "lamps", "moved", "soft"), 0)
    more = dict.fromkeys(("parallax", "graded", "vignette", "rolling", "uncovered", "glare"), 0)
    faults = replace(RULES[VERSION].faults, **never, **more, strangers=0)
    for clear in (0.0, 1.0):
        rules = replace(RULES[VERSION], faults=faults, clear=clear, careful=0.0)
        synthesiser = Synthesiser(empty_bank(), 3, rules=rules)
        sample, clip = synthesiser.draw(12, SIZE), synthesiser.draw_clip(12, SIZE, 3)
        bent = (sample.set != sample.clean).any(1, keepdim=True)
        # The clean plate has no glass, and without glass nothing differs.
        assert bool(bent.any()) == bool(clear)
        assert float((bent & (sample.alpha == 0)).float().mean()) < 0.02
        # In a clip glass moves as its alpha does; here neither it nor the camera does.
        for frame in clip:
            off = (frame.set - frame.clean).abs() / (frame.clean + 0.01)
            assert bool((off > 0.01).any()) == bool(clear)


def test_some_sets_are_dark_and_their_subjects_are_not() -> None:
    rules = replace(RULES[VERSION], cast=Cast(similar=0), careful=0.0)
    darker, never = replace(rules, dark=1.0), replace(rules, dark=0.0)
    medians = []
    for rules in (darker, never):
        sample = Synthesiser(empty_bank(), 2, rules=rules).draw(64, SIZE)
        subject = sample.foreground[sample.alpha.expand(-1, 3, -1, -1) > 0.99]
        medians.append((float(sample.set.median()), float(subject.median())))
    (dark_set, dark_subject), (plain_set, plain_subject) = medians
    assert dark_set < 0.2 * plain_set
    assert dark_subject > 0.6 * plain_subject


def test_half_of_the_clean_plates_of_version_8_were_shot_with_care() -> None:
    """What is left of a difference in means over 8 px, where both plates show the set."""
    apart = []
    for version in (7, 8):
        sample = Synthesiser(empty_bank(), 12, rules=RULES[version]).draw(96, SIZE)
        shows = functional.max_pool2d(sample.alpha, 17, 1, 8).lt(0.01).float() * sample.trust
        off = encode_view(sample.plate) - encode_view(sample.clean)
        off = functional.avg_pool2d(off, 8).abs().mean(1, keepdim=True)
        is_set = functional.avg_pool2d(shows, 8) == 1
        means = [part[here].mean() for part, here in zip(off, is_set, strict=True) if here.any()]
        apart.append(torch.stack(means))
    quarter, half = apart[0].quantile(torch.tensor([0.25, 0.5]))
    # Of those without care, as of all of version 7, a quarter lies below and a half above.
    assert float((apart[1] < quarter).float().mean()) > 0.4
    assert 0.15 < float((apart[1] > half).float().mean()) < 0.4


def test_with_care_the_set_is_seldom_another_and_without_it_as_often_as_before() -> None:
    wrong = [
        float(
            Synthesiser(empty_bank(), 12, rules=replace(RULES[VERSION], careful=careful))
            .draw(48, SIZE)
            .wrong.mean()
        )
        for careful in (0.0, 0.5, 1.0)
    ]
    assert wrong[2] < 0.4 * wrong[0]
    assert wrong[2] < wrong[1] < wrong[0]

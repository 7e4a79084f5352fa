"""Held-out frames depend on their number alone, and only their clean plate gets worse."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch

from platematte.training import heldout
from platematte.training.bank import Bank
from platematte.training.heldout import LEVELS, HeldoutSample, load_clips, load_heldout

SIDE = 96
COUNT = 6
Levels = dict[str, list[HeldoutSample]]


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    """Make the frames of this module's tests small."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heldout, "SIDE_PX", SIDE)
        yield


@pytest.fixture(scope="module")
def levels() -> Levels:
    return {level: list(load_heldout(None, level, COUNT)) for level in LEVELS}


@pytest.fixture(scope="module")
def without_grain() -> Levels:
    """The same frames as a camera without grain and codec would have them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heldout, "grain", lambda dice, image, strength: image)
        patch.setattr(heldout, "codec", lambda image, strength: image)
        return {level: list(load_heldout(None, level, COUNT)) for level in LEVELS}


@pytest.fixture(scope="module")
def clips() -> list[list[HeldoutSample]]:
    return list(load_clips(None, 2, frames=4))


def same(one: HeldoutSample, other: HeldoutSample) -> bool:
    names = ("plate", "clean", "alpha", "foreground", "wrong")
    return one.name == other.name and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in names
    )


def test_frames_depend_on_their_number_alone(levels: Levels) -> None:
    for level in LEVELS:
        alone = next(load_heldout(None, level, 1, first=2))
        assert same(alone, levels[level][2])
        assert not np.array_equal(alone.alpha, levels[level][3].alpha)
    names = {sample.name for samples in levels.values() for sample in samples}
    assert len(names) == COUNT * len(LEVELS)


def test_frames_are_arrays_of_the_shapes_and_ranges_that_they_say(levels: Levels) -> None:
    for samples in levels.values():
        for sample in samples:
            for name, channels in (("plate", 3), ("clean", 3), ("alpha", 1), ("foreground", 3)):
                image = getattr(sample, name)
                assert image.shape == (SIDE, SIDE, channels)
                assert image.dtype == np.float32
                assert np.isfinite(image).all()
            assert sample.wrong.shape == (SIDE, SIDE, 1)
            assert sample.wrong.dtype == np.bool_
            assert 0 <= sample.alpha.min() <= sample.alpha.max() <= 1


def test_the_three_levels_share_their_subjects(levels: Levels) -> None:
    for ideal, casual, hard in zip(*(levels[level] for level in LEVELS), strict=True):
        assert np.array_equal(ideal.alpha, casual.alpha)
        assert np.array_equal(ideal.alpha, hard.alpha)
    assert sum(sample.alpha.max() > 0.9 for sample in levels["ideal"]) >= COUNT - 2


def test_the_three_levels_share_grain_and_colour_where_the_subject_is_opaque(
    levels: Levels,
) -> None:
    compared = 0
    for number, frames in enumerate(zip(*(levels[level] for level in LEVELS), strict=True)):
        solid = frames[0].alpha[..., 0] == 1
        if number % 3 and solid.any():
            # Every third frame went through a codec, whose blocks mix the subject with the set.
            compared += int(solid.sum())
            for other in frames[1:]:
                assert np.allclose(frames[0].plate[solid], other.plate[solid], rtol=1e-5)
    assert compared > 100


def test_where_alpha_is_one_the_foreground_is_the_plate(levels: Levels) -> None:
    for samples in levels.values():
        for sample in samples:
            solid = sample.alpha[..., 0] == 1
            assert np.allclose(sample.foreground[solid], sample.plate[solid], atol=1e-5)


def test_an_ideal_clean_plate_differs_by_grain_alone_and_nothing_is_wrong(
    levels: Levels, without_grain: Levels
) -> None:
    for number, sample in enumerate(without_grain["ideal"]):
        behind = sample.alpha[..., 0] == 0
        assert np.array_equal(sample.clean[behind], sample.plate[behind])
        assert not sample.wrong.any()
        grainy = levels["ideal"][number]
        assert not grainy.wrong.any()
        assert np.std(grainy.clean - sample.clean) > 1e-4
        assert not np.array_equal(grainy.clean[behind], grainy.plate[behind])


def test_hard_is_worse_than_casual_is_worse_than_ideal(without_grain: Levels) -> None:
    worse = {}
    for level, samples in without_grain.items():
        off = []
        for sample in samples:
            behind = sample.alpha[..., 0] == 0
            scale = sample.plate[behind].mean() + 1e-3
            off.append(np.abs(sample.clean - sample.plate)[behind].mean() / scale)
        worse[level] = float(np.mean(off))
    assert worse["ideal"] == 0
    assert worse["casual"] > 0.01
    assert worse["hard"] > 1.3 * worse["casual"]


def test_what_changed_on_the_set_is_marked_in_the_worse_levels(levels: Levels) -> None:
    marked = {level: sum(s.wrong.any() for s in samples) for level, samples in levels.items()}
    assert marked["ideal"] == 0
    assert 0 < marked["casual"] <= marked["hard"] <= COUNT
    for samples in levels.values():
        for sample in samples:
            assert (sample.alpha[sample.wrong] < 0.9).all()


def test_a_level_that_there_is_not_is_refused_and_the_others_are_named() -> None:
    with pytest.raises(ValueError, match=r"no level 'worse'.*ideal, casual, hard"):
        next(load_heldout(None, "worse", 1))


def test_rendered_people_come_in_three_of_four_frames_where_there_are_images(
    image_bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heldout, "load_bank", lambda data, held_out: image_bank)
    asked = []
    thing = heldout.Subjects.thing

    def noted(self: heldout.Subjects, scene: torch.Tensor, rendered: float) -> object:
        asked.append(rendered)
        return thing(self, scene, rendered)

    monkeypatch.setattr(heldout.Subjects, "thing", noted)
    frames = list(load_heldout(None, "hard", 4))
    assert asked == [1, 1, 1, 0]
    assert all(np.isfinite(frame.plate).all() for frame in frames)


def test_only_held_out_images_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(heldout, "load_bank", lambda data, held_out=False: asked.append(held_out))
    assert list(load_heldout(None, "hard", 0)) == list(load_clips(None, 0)) == []
    assert asked == [True, True]


def test_clips_depend_on_their_number_alone_and_count_their_frames(
    clips: list[list[HeldoutSample]],
) -> None:
    alone = next(load_clips(None, 1, first=1, frames=4))
    assert all(same(one, other) for one, other in zip(alone, clips[1], strict=True))
    assert [sample.name for sample in clips[1]] == [f"clip 01 {1001 + i}" for i in range(4)]


def test_in_a_clip_the_subject_moves_and_grain_is_new_in_each_frame(
    clips: list[list[HeldoutSample]],
) -> None:
    for clip in clips:
        for one, other in pairwise(clip):
            assert not np.array_equal(one.alpha, other.alpha)
            assert not np.array_equal(one.clean, other.clean)
            solid = one.alpha[..., 0] == 1
            assert np.allclose(one.foreground[solid], one.plate[solid], atol=1e-5)


def test_the_camera_is_held_in_every_other_clip_and_the_clean_plate_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(heldout, "grain", lambda dice, image, strength: image)
    monkeypatch.setattr(heldout, "codec", lambda image, strength: image)
    for number, clip in enumerate(load_clips(None, 2, frames=3)):
        changes = []
        for other in clip[1:]:
            assert np.array_equal(clip[0].clean, other.clean)
            behind = (np.maximum(clip[0].alpha, other.alpha) == 0)[..., 0]
            assert behind.any()
            changes.append(float(np.abs(clip[0].plate - other.plate)[behind].max()))
        assert (max(changes) > 1e-3) == (number == 1)

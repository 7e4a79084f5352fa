"""Each fault of a clean plate happens when it is asked for, alone, and not at all otherwise."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
import torch

from platematte.training.dice import Dice, fractal, grid_px
from platematte.training.faults import (
    TRAINING,
    Faults,
    covered,
    glare,
    lamps,
    moved_props,
    shoot,
    stage,
    strange_shadows,
    wrong_area,
)
from platematte.training.shapes import soften

SIZE = 64
COUNT = 6
# Strengths stay as they are in training, and nothing happens.
NONE = replace(
    TRAINING,
    **dict.fromkeys(
        ("shadow", "bounce", "reflection", "props", "lamps", "moved", "far", "parallax"), 0.0
    ),
    **dict.fromkeys(("graded", "vignette", "rolling", "soft", "uncovered"), 0.0),
)
ON_SET = ("shadow", "bounce", "reflection", "props", "lamps")
IN_CAMERA = ("moved", "parallax", "graded", "rolling", "soft")
Tensor = torch.Tensor


@pytest.fixture(scope="module")
def scene() -> Tensor:
    return torch.exp(0.5 * fractal(Dice(1), COUNT, 3, SIZE, 6, 4)) * 0.3


@pytest.fixture(scope="module")
def alpha() -> Tensor:
    x, y = grid_px(SIZE, torch.device("cpu"))
    disc = soften((x.square() + y.square()).sqrt() - 14, torch.tensor(4.0))
    return disc.expand(COUNT, -1, -1, -1)


def changed(image: Tensor, from_what: Tensor) -> Tensor:
    """Return for each image of a batch whether any pixel differs."""
    return (image != from_what).flatten(1).any(1)


def test_every_fault_is_tested_here() -> None:
    strengths = {"shadow_depth", "moved_px", "parallax_px", "gain", "balance", "gamma"}
    named = {*ON_SET, *IN_CAMERA, "strangers", "glare", "far", "vignette", "uncovered"}
    assert {field.name for field in fields(Faults)} == named | strengths


def test_without_faults_the_set_stays_bit_for_bit(scene: Tensor, alpha: Tensor) -> None:
    for seed in range(3):
        lit, empty = stage(Dice(seed), scene, alpha, NONE)
        assert torch.equal(lit, scene)
        assert torch.equal(empty, scene)
        assert torch.equal(shoot(Dice(seed), scene, NONE), scene)
        assert float(covered(Dice(seed), COUNT, SIZE, 0.0).min()) == 1


@pytest.mark.parametrize("name", ON_SET)
def test_each_change_of_the_set_happens_in_every_sample_at_probability_one(
    scene: Tensor, alpha: Tensor, name: str
) -> None:
    lit, empty = stage(Dice(2), scene, alpha, replace(NONE, **{name: 1.0}))
    for image in (lit, empty):
        assert bool(torch.isfinite(image).all())
        assert float(image.min()) >= 0
    # The subject's own doings are in the plate, a prop and a lamp in the clean plate.
    by_subject = name in ("shadow", "bounce", "reflection")
    other, same = (lit, empty) if by_subject else (empty, lit)
    assert bool(changed(other, scene).all())
    assert torch.equal(same, scene)


@pytest.mark.parametrize("name", IN_CAMERA)
def test_each_doing_of_the_second_shot_happens_in_every_sample_at_probability_one(
    scene: Tensor, name: str
) -> None:
    clean = shoot(Dice(2), scene, replace(NONE, **{name: 1.0}))
    assert bool(torch.isfinite(clean).all())
    assert bool(changed(clean, scene).all())
    assert float((clean - scene).abs().mean()) < 0.2


def test_a_shadow_of_somebody_outside_darkens_the_plate_and_seldom_the_clean_plate(
    scene: Tensor, alpha: Tensor
) -> None:
    faults = replace(NONE, strangers=0.6)
    dark, strange = 0, 0
    for seed in range(20):
        lit, empty = stage(Dice(seed), scene, alpha, faults)
        for image in (lit, empty):
            assert bool((image <= scene * 1.0001).all())
            assert bool((image >= 0.099 * scene).all())
        dark += int(changed(lit, scene).sum())
        strange += int(changed(empty, scene).sum())
    drawn = 20 * COUNT
    assert 0.4 < dark / drawn < 0.75
    assert 0 < strange / drawn < 0.3


def test_every_set_gets_a_strange_shadow_at_probability_one(scene: Tensor) -> None:
    shaded = strange_shadows(Dice(3), scene, 1.0)
    assert bool(changed(shaded, scene).all())
    assert torch.equal(strange_shadows(Dice(3), scene, 0.0), scene)


def test_glare_is_a_little_of_the_subjects_light_everywhere(alpha: Tensor) -> None:
    premult = 0.8 * alpha.expand(-1, 3, -1, -1)
    veil = glare(Dice(4), premult, 1.0)
    assert bool((veil > 0).all())
    assert float(veil.max()) < 2 * 0.02 * 0.8
    # More of it beside the subject than in a corner.
    assert bool((veil[:, :, SIZE // 2, SIZE // 2] > veil[:, :, 0, 0]).all())
    assert not bool(glare(Dice(4), premult, 0.0).any())
    assert not bool(glare(Dice(4), torch.zeros_like(premult), 1.0).any())


def test_a_vignette_comes_in_some_samples_as_strong_as_it_is_said(scene: Tensor) -> None:
    strengths = []
    for vignette in (0.02, 0.2):
        clean = shoot(Dice(2), scene, replace(NONE, vignette=vignette))
        assert 0 < int(changed(clean, scene).sum()) < COUNT
        strengths.append(float((clean / scene).log().abs().max()))
    assert strengths[1] == pytest.approx(10 * strengths[0], rel=0.01)


def test_a_clean_plate_that_is_far_off_is_moved_four_times_as_far() -> None:
    ramp = grid_px(SIZE, torch.device("cpu"))[0].expand(COUNT, 3, SIZE, SIZE)
    inner = (..., slice(28, 36), slice(28, 36))
    off = []
    for far in (0.0, 1.0):
        clean = shoot(Dice(4), ramp, replace(NONE, moved=1.0, far=far))
        off.append((clean - ramp)[inner].mean((1, 2, 3)))
    assert torch.allclose(off[1], 4 * off[0], rtol=0.1, atol=0.05)
    assert float(off[0].abs().max()) > 0.05


def test_parallax_moves_parts_by_no_more_than_its_reach() -> None:
    ramp = grid_px(SIZE, torch.device("cpu"))[0].expand(COUNT, 3, SIZE, SIZE)
    clean = shoot(Dice(4), ramp, replace(NONE, parallax=1.0, parallax_px=3.0))
    off = (clean - ramp)[..., 8:-8, 8:-8]
    assert 0.3 < float(off.abs().max()) <= 3.01
    # Near and far move apart.
    assert float(off.std((1, 2, 3)).max()) > 0.2


def test_a_rolling_shutter_makes_bands_across_the_frame(scene: Tensor) -> None:
    ratio = shoot(Dice(3), scene, replace(NONE, rolling=1.0)) / scene
    assert torch.allclose(ratio, ratio[..., :1].expand_as(ratio), rtol=1e-4)
    assert float(ratio.std((2, 3)).min()) > 0.002


def test_another_focus_is_softer(scene: Tensor) -> None:
    clean = shoot(Dice(3), scene, replace(NONE, soft=1.0))

    def detail(image: Tensor) -> Tensor:
        return (image[..., 1:] - image[..., :-1]).abs().mean((1, 2, 3))

    assert bool((detail(clean) < detail(scene)).all())


def test_a_shadow_darkens_and_bounce_brightens_where_it_is_cast(
    scene: Tensor, alpha: Tensor
) -> None:
    dark, _ = stage(Dice(5), scene, alpha, replace(NONE, shadow=1.0))
    bright, _ = stage(Dice(5), scene, alpha, replace(NONE, bounce=1.0))
    assert float((dark / scene).max()) <= 1.0001
    assert float((dark / scene).amin((1, 2, 3)).max()) < 0.99
    assert 1 < float((bright / scene).max()) <= 1.0801
    assert float((bright / scene).min()) >= 0.9999
    nobody = torch.zeros_like(alpha)
    assert torch.equal(stage(Dice(5), scene, nobody, replace(NONE, shadow=1.0))[0], scene)


def test_the_clean_plate_ends_at_an_edge_in_some_samples() -> None:
    trust = covered(Dice(1), 400, SIZE, 1.0)
    assert set(trust.unique().tolist()) == {0, 1}
    missing = (1 - trust).mean((1, 2, 3))
    assert float((missing > 0).float().mean()) > 0.6
    assert float((missing > 0.3).float().mean()) < 0.3
    assert float(missing.max()) <= 0.9
    some = (1 - covered(Dice(1), 400, SIZE, 0.25)).amax((1, 2, 3))
    assert float(some.mean()) == pytest.approx(0.25, abs=0.1)


def test_a_wrong_area_is_exactly_what_was_changed_by_a_tenth_where_it_is_seen() -> None:
    empty = torch.full((1, 3, SIZE, SIZE), 0.5)
    lit, alpha = empty.clone(), torch.zeros(1, 1, SIZE, SIZE)
    lit[..., 8:20, 8:20] *= 0.6
    lit[:, 2, 30:40, 8:20] *= 1.5
    lit[..., 30:40, 30:40] *= 0.95
    alpha[..., 8:20, 16:40] = 0.95
    wrong = wrong_area(lit, empty, alpha)
    expected = torch.zeros(1, 1, SIZE, SIZE, dtype=torch.bool)
    expected[..., 8:20, 8:16] = True
    expected[..., 30:40, 8:20] = True
    assert torch.equal(wrong, expected)
    assert not bool(wrong_area(empty, empty, alpha).any())
    # Two blacks differ by a factor, and by nothing that is seen.
    assert not bool(wrong_area(empty * 1e-4, empty * 3e-4, alpha).any())


@pytest.mark.parametrize("fault", [moved_props, lamps])
def test_a_prop_and_a_lamp_are_marked_as_wrong(scene: Tensor, fault: object) -> None:
    if fault is moved_props:
        empty = moved_props(Dice(1), scene, scene.roll(1, 0), 1.0)
    else:
        empty = lamps(Dice(1), scene, 1.0)
    nobody = torch.zeros(COUNT, 1, SIZE, SIZE)
    wrong = wrong_area(scene, empty, nobody)
    assert bool(wrong.flatten(1).any(1).float().mean() > 0.6)
    assert bool(((empty != scene).any(1, keepdim=True) | ~wrong).all())


def test_a_sample_alone_has_props_too(scene: Tensor) -> None:
    one = scene[:1]
    assert bool(changed(moved_props(Dice(1), one, one, 1.0), one).all())

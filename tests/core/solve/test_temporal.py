"""Alpha that flickers is averaged along the motion; what does not match is left as it was."""

from __future__ import annotations

import numpy as np
import pytest

from platematte.solve.match import build_pyramid, find_displacement, halve
from platematte.solve.temporal import Trace, fuse_alpha, trace_frame

HEIGHT, WIDTH = 240, 320
GRAIN = 0.01
FLICKER = 0.08


def texture(seed: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Return a picture with detail at several sizes, H x W x 3 in 0.1..0.9."""
    random, image = np.random.default_rng(seed), np.zeros((height, width, 3))
    for cell in (32, 16, 8, 4):
        coarse = random.uniform(-1, 1, (height // cell + 2, width // cell + 2, 3))
        fine = coarse.repeat(cell, 0).repeat(cell, 1)[:height, :width]
        image += fine * cell / 60
    return np.clip(0.5 + 0.4 * image, 0.1, 0.9).astype(np.float32)


SET, SUBJECT = texture(1), texture(2, HEIGHT, 3 * WIDTH)


def true_alpha(x: float, edge_px: float = 2.0) -> np.ndarray:
    """Return alpha of a disc whose centre is at x, H x W x 1."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    away = np.hypot(rows - HEIGHT / 2, columns - x)
    return np.clip((60 - away) / edge_px + 0.5, 0, 1).astype(np.float32)[..., None]


def frame(x: int, seed: int, flicker: float = FLICKER, the_set: np.ndarray = SET) -> Trace:
    """Return a frame with the subject at x, with its own grain and its own flicker of alpha."""
    random, alpha = np.random.default_rng(seed), true_alpha(x)
    worn = SUBJECT[:, WIDTH - x : 2 * WIDTH - x]
    view = alpha * worn + (1 - alpha) * the_set
    view = view + random.normal(0, GRAIN, view.shape)
    noise = flicker * random.normal(0, 1, alpha.shape) * ((alpha > 0) & (alpha < 1))
    return trace_frame((alpha + noise).astype(np.float32), halve(view.astype(np.float32)))


def own(trace: Trace) -> np.ndarray:
    return trace.alpha[..., None]


def rms(difference: np.ndarray) -> float:
    return float(np.sqrt(np.square(difference).mean()))


def test_without_neighbours_alpha_is_the_frames_own_bit_for_bit() -> None:
    here = frame(160, 0)
    for beside in ([], [None, None], [None, None, None, None]):
        assert (fuse_alpha(here, beside) == own(here)).all()


def test_a_neighbour_of_another_size_is_absent() -> None:
    here, other = frame(160, 0), frame(160, 1)
    cropped = trace_frame(other.alpha[:-2, :, None], other.levels[0][:-1, :, :3])
    assert (fuse_alpha(here, [cropped]) == own(here)).all()


# At a fast edge over a set of high contrast nearly all is left out, and nothing is worse.
@pytest.mark.parametrize(("speed_px", "most"), [(0, 0.6), (3, 0.8), (11, 1.0)])
def test_flicker_at_a_moving_edge_falls(speed_px: int, most: float) -> None:
    frames = [frame(160 + speed_px * time, time + 10) for time in (-2, -1, 0, 1, 2)]
    fused = fuse_alpha(frames[2], [*frames[:2], *frames[3:]])
    true = true_alpha(160)
    assert rms(fused - true) < most * rms(own(frames[2]) - true)


def test_a_moving_hard_edge_over_a_static_set_leaves_no_ghost() -> None:
    frames = [frame(160 + 9 * time, time + 10, flicker=0.0) for time in (-2, -1, 0, 1, 2)]
    fused = fuse_alpha(frames[2], [*frames[:2], *frames[3:]])
    true = true_alpha(160)
    # Nothing was wrong before; what is moved by fractions of a pixel may differ at the edge only.
    assert rms(fused - true) < 0.01
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    is_far = np.abs(np.hypot(rows - HEIGHT / 2, columns - 160) - 60) > 4
    assert np.abs(fused - true)[is_far].max() < 0.02


@pytest.mark.parametrize("speed_px", [45, 70])
def test_a_motion_too_fast_to_follow_makes_nothing_worse(speed_px: int) -> None:
    frames = [frame(160 + speed_px * time, time + 10) for time in (-2, -1, 0, 1, 2)]
    fused = np.clip(fuse_alpha(frames[2], [*frames[:2], *frames[3:]]), 0, 1)
    true = true_alpha(160)
    assert rms(fused - true) < 1.02 * rms(np.clip(own(frames[2]), 0, 1) - true)


def test_a_subject_that_appears_is_not_seen_before() -> None:
    empty = trace_frame(np.zeros((HEIGHT, WIDTH, 1), np.float32), halve(SET))
    there = frame(160, 1)
    # Where subject and set look the same to within the grain, nobody could tell.
    seen = fuse_alpha(empty, [there, there])
    assert (seen == 0).mean() > 0.998
    assert seen.max() < 0.1
    # Where the subject is, the empty frame says nothing; beside it there is nothing to say.
    assert (fuse_alpha(there, [empty, empty]) == own(there))[true_alpha(160) == 1].all()
    assert rms(fuse_alpha(there, [empty, empty]) - true_alpha(160)) < 1.05 * rms(
        own(there) - true_alpha(160)
    )


def test_on_a_cut_alpha_is_the_frames_own_bit_for_bit() -> None:
    here = frame(160, 0)
    others = [frame(140 + 10 * seed, seed, the_set=texture(seed)) for seed in (3, 4)]
    assert (fuse_alpha(here, others) == own(here)).all()


def test_on_a_flash_alpha_is_the_frames_own_bit_for_bit() -> None:
    here, other = frame(160, 0), frame(160, 1)
    flash = trace_frame(own(other), other.levels[0][..., :3] + 0.3)
    assert (fuse_alpha(here, [flash]) == own(here)).all()


def test_solid_and_empty_areas_stay_exact() -> None:
    random = np.random.default_rng(5)
    frames = []
    for time in (-1, 0, 1):
        made = frame(160 + 3 * time, time + 20)
        # The network answers beyond 0 and 1 where it is sure, never twice the same.
        beyond = random.uniform(0, 0.2, (HEIGHT, WIDTH, 1)).astype(np.float32)
        true = true_alpha(160 + 3 * time)
        sure = np.where(true >= 1, 1 + beyond, np.where(true <= 0, -beyond, own(made)))
        frames.append(trace_frame(sure, made.levels[0][..., :3]))
    fused = np.clip(fuse_alpha(frames[1], [frames[0], frames[2]]), 0, 1)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    away = np.hypot(rows - HEIGHT / 2, columns - 160)
    assert (fused[away < 56] == 1).all()
    assert (fused[away > 64] == 0).all()


def test_specks_that_come_and_go_are_averaged_away() -> None:
    speck = np.zeros((HEIGHT, WIDTH, 1), np.float32)
    speck[20:24, 20:24] = 0.5
    made = [frame(160, seed) for seed in (1, 2, 3)]
    here = trace_frame(own(made[0]) + speck, made[0].levels[0][..., :3])
    fused = fuse_alpha(here, made[1:])
    assert fused[20:24, 20:24].max() < 0.25


def test_the_result_is_the_same_every_time_and_leaves_its_input_alone() -> None:
    frames = [frame(160 + 3 * time, time + 10) for time in (-1, 0, 1)]
    before = [(item.alpha.copy(), item.levels[0].copy()) for item in frames]
    first = fuse_alpha(frames[1], [frames[0], frames[2]])
    assert (fuse_alpha(frames[1], [frames[0], frames[2]]) == first).all()
    for item, (alpha, finest) in zip(frames, before, strict=True):
        assert (item.alpha == alpha).all()
        assert (item.levels[0] == finest).all()


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (7, 64), (33, 47)])
def test_frames_of_any_size_are_fused(size: tuple[int, int]) -> None:
    random = np.random.default_rng(1)
    alpha = random.uniform(0, 1, (*size, 1)).astype(np.float32)
    view = random.uniform(0, 1, ((size[0] + 1) // 2, (size[1] + 1) // 2, 3)).astype(np.float32)
    here = trace_frame(alpha, view)
    fused = fuse_alpha(here, [here, here])
    assert fused.shape == alpha.shape
    assert np.abs(fused - alpha).max() < 1e-5


@pytest.mark.parametrize(("x", "y"), [(0, 0), (5, -3), (24, 14)])
def test_a_displacement_is_found_to_a_tenth_of_a_pixel(x: int, y: int) -> None:
    wide = texture(7, HEIGHT + 60, WIDTH + 60)
    one = wide[30:-30, 30:-30]
    other = wide[30 - y : 30 - y + HEIGHT, 30 - x : 30 - x + WIDTH]
    ones = build_pyramid(np.ones_like(halve(one)[..., 0]))
    field = find_displacement(build_pyramid(halve(one)), build_pyramid(halve(other)), ones)
    inside = field[20:-20, 20:-20] * 2
    assert np.abs(np.median(inside, axis=(0, 1)) - (x, y)).max() < 0.1
    assert (np.hypot(*(inside - (x, y)).transpose(2, 0, 1)) < 0.3).mean() > 0.9

"""Layers go where their path says, and rest in the middle frame."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from platematte.training.dice import Dice
from platematte.training.motion import Path, draw_path

SIZE = 64
FRAMES = 5
Tensor = torch.Tensor


def still(count: int = 1, frames: int = FRAMES) -> Path:
    """A path that goes nowhere."""
    nothing = torch.zeros(frames, count, 1, 1, 1)
    sway = torch.ones(count, 2, SIZE, SIZE)
    return Path(nothing, nothing, nothing, nothing, sway, nothing)


def course(*values: float) -> Tensor:
    return torch.tensor(values).view(-1, 1, 1, 1, 1)


@pytest.fixture(scope="module")
def layer() -> Tensor:
    return torch.rand(1, 4, SIZE, SIZE, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("padding", ["zeros", "reflection"])
def test_a_path_that_stands_still_changes_nothing(layer: Tensor, padding: str) -> None:
    for frame in range(FRAMES):
        assert torch.allclose(still().move(layer, frame, padding), layer, atol=1e-5)
        assert not any(bool(part.any()) for part in still().speed_px(frame))


def test_a_layer_moves_to_the_right_and_down_by_its_pixels(layer: Tensor) -> None:
    path = replace(still(), dx_px=course(-6, -3, 0, 3, 6), dy_px=course(4, 2, 0, -2, -4))
    for frame, (dx, dy) in enumerate(((-6, 4), (-3, 2), (0, 0), (3, -2), (6, -4))):
        moved = path.move(layer, frame)
        expected = layer.roll((dy, dx), (2, 3))
        assert torch.allclose(moved[..., 8:-8, 8:-8], expected[..., 8:-8, 8:-8], atol=1e-4)
    # What comes in from beyond the frame is nothing, or the layer mirrored.
    assert float(path.move(layer, 4)[..., :6].abs().max()) == 0
    assert float(path.move(layer, 4, "reflection")[..., :6].mean()) == pytest.approx(0.5, abs=0.1)


def test_a_layer_turns_and_grows_around_the_middle(layer: Tensor) -> None:
    turned = replace(still(), turn=course(*(FRAMES * [torch.pi]))).move(layer, 0)
    assert torch.allclose(turned, layer.flip((2, 3)), atol=1e-3)
    dot = torch.zeros(1, 1, SIZE, SIZE)
    dot[..., 28:36, 28:36] = 1
    grown = replace(still(), growth=course(*(FRAMES * [0.6931472]))).move(dot, 0)
    assert float(grown.sum()) == pytest.approx(4 * 64, rel=0.05)


def test_swaying_bends_a_layer_by_as_much_as_the_frame_has_of_it(layer: Tensor) -> None:
    path = replace(still(), swing=course(0, 2, 0, 0, 0))
    assert torch.allclose(path.move(layer, 0), layer, atol=1e-5)
    bent = path.move(layer, 1)
    assert torch.allclose(bent[..., :-4, :-4], layer[..., 2:-2, 2:-2], atol=1e-4)


def test_speed_is_the_way_to_the_next_frame_and_of_one_frame_nothing() -> None:
    path = replace(still(), dx_px=course(0, 1, 3, 6, 10), dy_px=course(0, 0, -1, -1, -3))
    assert [float(path.speed_px(frame)[0]) for frame in range(FRAMES)] == [1, 2, 3, 4, 4]
    assert [float(path.speed_px(frame)[1]) for frame in range(FRAMES)] == [0, -1, 0, -2, -2]
    assert [float(part) for part in still(frames=1).speed_px(0)] == [0, 0]


def test_everything_rests_in_the_middle_frame(layer: Tensor) -> None:
    for frames in (1, 5, 8):
        path = draw_path(Dice(3), 6, SIZE, frames, 12.0)
        for part in (path.dx_px, path.dy_px, path.turn, path.growth, path.swing):
            assert part.shape == (frames, 6, 1, 1, 1)
            assert not bool(part[frames // 2].any())
            assert frames == 1 or bool(part[0].any())
        layers = layer.expand(6, -1, -1, -1)
        assert torch.allclose(path.move(layers, frames // 2), layers, atol=1e-5)


def test_speeds_run_from_still_to_about_the_reach() -> None:
    path = draw_path(Dice(3), 400, SIZE, FRAMES, 8.0)
    dx, dy = path.speed_px(1)
    speed = (dx.square() + dy.square()).sqrt().flatten()
    assert float(speed.median()) < 3
    assert float((speed < 0.5).float().mean()) > 0.1
    assert float((speed > 16).float().mean()) < 0.05
    assert float(speed.max()) > 5
    assert torch.equal(path.dx_px, draw_path(Dice(3), 400, SIZE, FRAMES, 8.0).dx_px)
    nowhere = draw_path(Dice(3), 4, SIZE, FRAMES, 0.0)
    assert not bool(nowhere.dx_px.any())

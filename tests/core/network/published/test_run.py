"""Published networks run on frames of any size, with the processing they were published with."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from platematte.errors import DeviceMemoryExhausted
from platematte.network.matter import Cues, Drawn
from platematte.network.published import run as run_module
from platematte.network.published import runner as runner_module
from platematte.network.published import segmentation
from platematte.network.published.layouts import BUILDERS
from platematte.network.published.run import (
    finish_seed,
    run_published,
    run_refine,
    run_seed,
    sample_pixels_for,
    scale_for,
)
from platematte.network.published.runner import PublishedRunner
from platematte.network.published.seed import SeedDrawn, SeedNetwork
from platematte.network.published.view import decode_srgb, encode_srgb

CPU = torch.device("cpu")


def make_cues(height: int, width: int, count: int = 1) -> Cues:
    random = torch.Generator().manual_seed(7)
    grain, clean = (torch.rand(count, 3, height, width, generator=random) for _ in range(2))
    plate = 0.98 * clean + 0.02 * grain
    # The subject is brighter than white, as a lamp is.
    plate[..., height // 4 : -height // 4, width // 4 : -width // 4] = 3.0
    trust = torch.ones(count, 1, height, width)
    return Cues(plate, clean, trust, torch.zeros(count, 3, height, width))


@pytest.fixture
def small_seed(monkeypatch: pytest.MonkeyPatch) -> SeedNetwork:
    """The seed's network, run at 64 instead of 512 pixels: a sixtieth of the time."""
    monkeypatch.setattr(run_module, "SIDE_PX", 64)
    monkeypatch.setattr(segmentation, "SIDE_PX", 64)
    torch.manual_seed(2)
    return SeedNetwork().eval()


class Echo(SeedNetwork):
    """Answers that everything it is shown is subject, and keeps what it was shown."""

    def __init__(self) -> None:
        torch.nn.Module.__init__(self)
        self.shown: list[torch.Tensor] = []

    def forward(self, *cues: torch.Tensor) -> SeedDrawn:
        self.shown = list(cues)
        return SeedDrawn(torch.full_like(cues[2], 0.9), torch.zeros_like(cues[0]))


def check(drawn: Drawn, height: int, width: int) -> None:
    parts = (drawn.alpha, drawn.coarse, drawn.foreground, drawn.error)
    assert [tuple(part.shape[1:]) for part in parts] == [
        (channels, height, width) for channels in (1, 1, 3, 1)
    ]
    for part in parts:
        assert bool(torch.isfinite(part).all())
        assert part.min() >= 0
        assert part.max() <= 1


@given(st.floats(0, 1, width=32))
def test_the_view_is_srgb_and_can_be_gone_back(value: float) -> None:
    encoded = encode_srgb(torch.tensor([value])).item()
    expected = 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
    assert encoded == pytest.approx(expected, abs=1e-6)
    assert decode_srgb(torch.tensor([encoded])).item() == pytest.approx(value, abs=1e-5)


def test_the_view_is_cut_at_black_and_white() -> None:
    assert encode_srgb(torch.tensor([-3.0, 0.0, 1.0, 60.0])).tolist() == pytest.approx([0, 0, 1, 1])


@pytest.mark.parametrize(
    ("size", "scale", "pixels"),
    [
        ((1080, 1920), 1 / 4, 80_000),
        ((2160, 3840), 1 / 8, 320_000),
        ((2160, 4096), 1 / 8, 341_333),
        ((1920, 1080), 1 / 4, 80_000),
        ((480, 640), 1 / 2, 11_852),
        ((20, 30), 1 / 2, 23),
        ((4320, 7680), 1 / 16, 1_280_000),
    ],
)
def test_scale_and_sampled_pixels_are_the_published_ones(
    size: tuple[int, int], scale: float, pixels: int
) -> None:
    assert scale_for(*size) == scale
    assert sample_pixels_for(*size) == pixels


@pytest.mark.parametrize("layout", ["v2-mobilenetv2", "v2-mobilenetv2-base"])
@pytest.mark.parametrize(("height", "width"), [(48, 64), (33, 47), (5, 3), (1, 1), (2, 70)])
def test_v2_answers_for_any_height_and_width(layout: str, height: int, width: int) -> None:
    torch.manual_seed(3)
    with torch.inference_mode():
        check(run_published(BUILDERS[layout]().eval(), make_cues(height, width)), height, width)


def test_v2_is_shown_the_plate_where_the_clean_plate_is_not_trusted() -> None:
    torch.manual_seed(3)
    network = BUILDERS["v2-mobilenetv2"]().eval()
    cues = make_cues(32, 48)
    trust = cues.trust.clone()
    trust[..., 10:] = 0
    mixed = replace(cues, clean=torch.where(trust > 0, cues.clean, 77.0), trust=trust)
    filled = replace(cues, clean=torch.where(trust > 0, cues.clean, cues.plate))
    with torch.inference_mode():
        one, other = run_refine(network, mixed), run_refine(network, filled)
    assert torch.equal(one.alpha, other.alpha)
    assert torch.equal(one.foreground, other.foreground)


@pytest.mark.parametrize(("height", "width"), [(40, 60), (37, 51), (3, 5)])
def test_the_seed_answers_for_any_height_and_width(
    small_seed: SeedNetwork, height: int, width: int
) -> None:
    with torch.inference_mode():
        check(run_seed(small_seed, make_cues(height, width, count=2)), height, width)


def test_the_seed_is_shown_512_px_of_clamped_srgb_around_the_subject() -> None:
    echo, cues = Echo(), make_cues(120, 200)
    drawn = run_seed(echo, cues)
    plate, clean, marks = echo.shown
    assert [tuple(part.shape) for part in echo.shown] == [
        (1, 3, 512, 512),
        (1, 3, 512, 512),
        (1, 1, 512, 512),
    ]
    assert plate.max().item() == pytest.approx(1)
    assert clean.min() >= -1
    assert marks.max().item() == pytest.approx(1)
    assert marks.min() < -0.9
    inside = drawn.alpha[0, 0] > 0
    assert inside[60, 100]
    assert not inside[:, :20].any()
    assert drawn.alpha.max().item() == pytest.approx(0.95)


def test_a_frame_without_subject_gets_no_alpha_from_the_seed() -> None:
    cues = make_cues(40, 60)
    drawn = run_seed(Echo(), replace(cues, plate=cues.clean))
    assert not drawn.alpha.any()
    assert drawn.error.min() == 1


def test_the_seeds_answer_is_finished_as_published() -> None:
    alpha = torch.full((1, 1, 8, 8), -1.0)
    alpha[..., :3, :3] = 0.96
    alpha[..., 4, 0:3] = 0.90
    alpha[..., 3, 0] = -0.85
    alpha[..., 6:, 6:] = 1.0
    plate, colour = torch.full((1, 3, 8, 8), 0.7), torch.full((1, 3, 8, 8), 0.2)
    found, foreground = finish_seed(alpha, colour, plate)
    # 13 pixels hang together, by one of 0.075; the other four are another part.
    assert int((found > 0).sum()) == 13
    assert found[0, 0, 1, 1].item() == pytest.approx(0.98)
    assert found[0, 0, 7, 7] == 0
    assert foreground[0, 0, 1, 1].item() == pytest.approx(0.7)
    assert foreground[0, 0, 4, 1].item() == pytest.approx(0.6)
    assert foreground[0, 0, 7, 7] == 0


def test_nothing_is_looked_at_before_the_answer() -> None:
    torch.manual_seed(3)
    runner = PublishedRunner(BUILDERS["v2-mobilenetv2"](), CPU, torch.float32)
    cues = make_cues(32, 32)
    seen = runner.look(cues)
    assert seen.quarter.numel() == seen.eighth.numel() == 0
    assert torch.equal(runner.answer(cues, seen, []).alpha, runner.answer(cues).alpha)
    assert not runner.is_temporal


def test_bf16_answers_in_float32_and_close_to_it() -> None:
    torch.manual_seed(3)
    network = BUILDERS["v2-mobilenetv2"]()
    cues = make_cues(64, 64)
    full = PublishedRunner(network, CPU, torch.float32).answer(cues)
    half = PublishedRunner(network, CPU, torch.bfloat16).answer(cues)
    assert half.alpha.dtype == torch.float32
    assert (full.coarse - half.coarse).abs().mean() < 0.02


def test_running_out_of_memory_ends_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Drawn:
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr(runner_module, "run_published", fail)
    runner = PublishedRunner(torch.nn.Identity(), CPU, torch.float32, cpu_fallback=True)
    with pytest.raises(DeviceMemoryExhausted, match="tiles") as caught:
        runner.answer(make_cues(8, 8))
    assert "cpu_fallback" in caught.value.fix
    assert math.isclose(caught.value.exit_status, 4)

"""A tiled frame is the untiled one: any size, any memory, no seams."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from platematte.network import tiles
from platematte.network.matter import FAR_PX, Cues, Drawn, Matter, Views
from platematte.network.tiles import Seen, band_rows, draw_in_tiles, look_in_tiles

MakeMatter = Callable[..., Matter]
MakeCues = Callable[..., Cues]
# Heights that are prime, odd, less than a tile and many tiles.
SIZES = ((211, 48), (263, 61), (131, 33), (96, 32), (257, 40), (29, 50))
WHOLE_MIB = 1e6


def run(
    matter: Matter, cues: Cues, memory_mib: float, format_px: int | None = None
) -> tuple[Seen, Drawn]:
    with torch.inference_mode():
        seen = look_in_tiles(matter, cues, memory_mib, format_px)
        thought = matter.think(seen.eighth, guess=seen.guess, is_far=seen.is_far)
        return seen, draw_in_tiles(matter, cues, seen, thought, memory_mib)


@pytest.mark.parametrize(
    ("shrink", "guess", "reach", "evidence"),
    [
        (1, False, 1, False),
        (1, True, 1, False),
        (2, True, 1, False),
        (1, True, 2, False),
        (1, True, 2, True),
        (2, True, 1, True),
    ],
)
@pytest.mark.parametrize("memory_mib", [0.001, 1.8, 2.6])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_tiled_equals_untiled(
    make_matter: MakeMatter,
    make_cues: MakeCues,
    height: int,
    width: int,
    memory_mib: float,
    shrink: int,
    guess: bool,
    reach: int,
    evidence: bool,
) -> None:
    matter = make_matter(shrink=shrink, guess=guess, reach=reach, evidence=evidence)
    cues, format_px = make_cues(height, width), FAR_PX
    whole, drawn_whole = run(matter, cues, WHOLE_MIB, format_px)
    tiled, drawn_tiled = run(matter, cues, memory_mib, format_px)
    assert whole.is_far == tiled.is_far == (reach == 2)
    assert torch.allclose(whole.quarter, tiled.quarter, atol=1e-5)
    assert torch.allclose(whole.eighth, tiled.eighth, atol=1e-5)
    for name in ("alpha", "coarse", "foreground", "error"):
        difference = getattr(drawn_whole, name) - getattr(drawn_tiled, name)
        assert float(difference.abs().max()) < 1e-3, name


def test_little_memory_makes_several_bands_and_each_fits(
    make_matter: MakeMatter, make_cues: MakeCues, monkeypatch: pytest.MonkeyPatch
) -> None:
    heights: list[int] = []
    original = Matter.look

    def look(self: Matter, cues: Cues, *others: Views) -> tuple[torch.Tensor, torch.Tensor]:
        heights.append(cues.plate.shape[2])
        return original(self, cues, *others)

    monkeypatch.setattr(Matter, "look", look)
    memory_mib = 1.2
    run(make_matter(), make_cues(400, 64), memory_mib)
    assert len(heights) > 3
    assert max(heights) * 64 * tiles.LOOK.bytes_per_pixel <= memory_mib * 2**20


@pytest.mark.parametrize("shrink", [1, 2])
@pytest.mark.parametrize("width", [1, 64, 1920, 3840, 8192])
@pytest.mark.parametrize("memory_mib", [1, 64, 512, 4096])
def test_bands_are_whole_multiples_of_what_the_network_takes(
    make_matter: MakeMatter, width: int, memory_mib: int, shrink: int
) -> None:
    matter = make_matter(shrink=shrink)
    stages = (tiles.LOOK, tiles.SKETCH, tiles.FINISH)
    for stage, halo_px in zip(stages, matter.halo_px, strict=True):
        rows = band_rows((2176, width), memory_mib, stage, halo_px, matter.align_px)
        assert 32 * shrink <= rows <= 2176
        assert rows % (32 * shrink) == 0


@pytest.mark.parametrize("stage", [tiles.LOOK, tiles.SKETCH, tiles.FINISH])
def test_a_frame_that_fits_is_computed_at_once(stage: tiles.Stage) -> None:
    assert band_rows((576, 1024), 4096, stage, 32, 32) == 576


def test_a_gpu_has_a_frame_of_4k_in_one_piece_and_less_memory_makes_it_several() -> None:
    size, stages = (2176, 3840), (tiles.LOOK, tiles.SKETCH, tiles.FINISH)
    assert [band_rows(size, 512, stage, 32, 32, "cuda") for stage in stages] == [2176] * 3
    assert all(band_rows(size, 128, stage, 32, 32, "cuda") < 2176 for stage in stages[::2])

"""Fixtures for the network's tests: a seeded network without training, and cues for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from platematte.network.base import Widths
from platematte.network.matter import Cues, Matter

MakeMatter = Callable[..., Matter]
MakeCues = Callable[..., Cues]


@pytest.fixture(scope="session")
def make_matter() -> MakeMatter:
    """Builder of a small network with random weights: `make_matter(shrink=2, reach=2)`."""

    def build(is_temporal: bool = False, seed: int = 3, **others: int | bool) -> Matter:
        torch.manual_seed(seed)
        widths = Widths(quarter=8, eighth=8, sixteenth=8, thirty_second=8, half=8)
        widths = replace(widths, **others)
        matter = Matter(widths, is_temporal).eval()
        for layer in (matter.look_stage.through4, matter.look_stage.through8):
            torch.nn.init.normal_(layer.weight, std=0.5)
        for layer in (matter.think_stage.guess8, matter.draw_stage.guess4, matter.draw_stage.lean):
            if layer is not None:
                torch.nn.init.normal_(layer.weight, std=0.2)
        if matter.refine.evidence is not None:
            torch.nn.init.normal_(matter.refine.evidence.weight, std=0.3)
        if matter.motion is not None:
            torch.nn.init.normal_(matter.motion.join.weight, std=0.5)
            torch.nn.init.normal_(matter.motion.join.bias, std=0.1)
        return matter

    return build


@pytest.fixture(scope="session")
def make_cues() -> MakeCues:
    """Builder of cues of any size: `make_cues(48, 64)` is 48 rows of 64 pixels."""

    def build(height: int, width: int, count: int = 1, seed: int = 9) -> Cues:
        random = torch.Generator().manual_seed(seed)
        plate, clean = (torch.rand(count, 3, height, width, generator=random) for _ in range(2))
        trust = (torch.rand(count, 1, height, width, generator=random) > 0.2).float()
        hints = torch.rand(count, 3, height, width, generator=random) * 2 - 1
        return Cues(plate, clean, trust, hints)

    return build

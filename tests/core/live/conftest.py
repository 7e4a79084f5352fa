"""Fixtures for the live model: the packaged network scripted once, frames of the example shot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from platematte.cli.demo import find_example
from platematte.compute import Engine, FrameResult, LookedAt
from platematte.frames import FrameReader
from platematte.live.archive import save_for_old_torch
from platematte.live.model import script_live_matte
from platematte.network.matter import Drawn
from platematte.network.weights import find_weights, load_weights
from platematte.plan import plan_job
from platematte.prepare.prepare import Preparer, study_camera
from platematte.settings import MatteSettings, NetworkSettings, PrepareSettings
from platematte.shot import Shot

IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


@dataclass
class EngineFrame:
    """A frame of the example shot in the engine, and as the live model is fed it."""

    here: LookedAt
    drawn: Drawn
    trace: Any

    @property
    def channels(self) -> np.ndarray:
        """9 x H x W."""
        prepared = self.here.prepared
        nothing = np.zeros_like(prepared.trust)
        parts = (prepared.plate, prepared.clean, prepared.trust, nothing, nothing)
        return np.concatenate(parts, axis=2).transpose(2, 0, 1)


@dataclass
class EngineShot:
    """The example shot as the engine mattes it in float32 on the CPU."""

    engine: Engine
    frames: dict[int, EngineFrame]
    to_rec709: np.ndarray

    def still(self, frame: int) -> FrameResult:
        """Return a frame's result without the frames beside it: solve.temporal off."""
        return self.engine.solve(self.frames[frame].here, self.frames[frame].drawn, self.to_rec709)

    def fused(self, frame: int) -> FrameResult:
        """Return a frame's result with the frame before and the one after."""
        one, beside = self.frames[frame], [self.frames[frame + o].trace for o in (-1, 1)]
        return self.engine.solve(
            one.here, self.engine.fuse(one.drawn, one.trace, beside), self.to_rec709
        )

    def fed(self, frame: int, with_neighbours: bool = False) -> torch.Tensor:
        """Return what the live model is fed: 1 x 9 or 1 x 27 x H x W."""
        frames = (frame, frame - 1, frame + 1) if with_neighbours else (frame,)
        stacked = np.concatenate([self.frames[number].channels for number in frames])
        return torch.from_numpy(np.ascontiguousarray(stacked[None]))


@pytest.fixture(scope="session")
def live_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packaged network as TorchScript for linear Rec.709."""
    path = tmp_path_factory.mktemp("live") / "live.pt"
    matter = load_weights(find_weights("default"))[0]
    save_for_old_torch(script_live_matte(matter, IDENTITY, IDENTITY), path)
    return path


@pytest.fixture
def live(live_file: Path) -> Callable[[torch.Tensor], np.ndarray]:
    """The live model: 1 x C x H x W in, H x W x 5 out."""
    model = torch.jit.load(live_file)

    def call(fed: torch.Tensor) -> np.ndarray:
        with torch.no_grad():
            return model(fed)[0].permute(1, 2, 0).numpy()

    return call


@pytest.fixture(scope="session", params=["as it is", "aligned"])
def demo(request: pytest.FixtureRequest) -> EngineShot:
    """The example shot; its clean plate as it is (align, match off), or as the engine aligns it."""
    example = find_example()
    settings = MatteSettings(network=NetworkSettings(device="cpu", precision="fp32"))
    if request.param == "as it is":
        settings = replace(settings, prepare=PrepareSettings(align="off", match="off"))
    shot = Shot(str(example / "plate.####.exr"), str(example / "clean.exr"), "out/m.####.exr")
    job = plan_job(shot, settings, "overwrite", "")
    reader, engine = FrameReader(job), Engine(settings)
    preparer = Preparer(settings.prepare, study_camera(reader.samples(), settings.prepare))
    frames = {}
    for number in (1001, 1002, 1003, 1004):
        source = reader.read(number)
        prepared = preparer.prepare(source.plate, source.clean, source.coverage)
        here = engine.look(prepared, source.mattes, job.to_rec709)
        drawn = engine.draw(here, [])
        frames[number] = EngineFrame(here, drawn, engine.trace(here, drawn, job.to_rec709))
    return EngineShot(engine, frames, job.to_rec709)

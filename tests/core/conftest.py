"""Fixtures for the engine's tests: a tiny network that keys by arithmetic, and shots on disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import pytest

from platematte.images.read import read_image
from platematte.images.window import Window
from platematte.settings import (
    EngineSettings,
    MatteSettings,
    NetworkSettings,
    OutputSettings,
    PrepareSettings,
)
from platematte.shot import Shot

# Frames of 64 pixels gain nothing from threads, and lose much where the cores are busy: threads
# then wait for each other. The commands that tests start inherit this.
os.environ["OMP_NUM_THREADS"] = "1"

TIMECODE = (oiio.TypeTimeCode, (16909060, 0))
FRAME_RATE = (oiio.TypeRational, (24000, 1001))
HEADER: dict[str, Any] = {
    "smpte:TimeCode": TIMECODE,
    "FramesPerSecond": FRAME_RATE,
    "camera": "ALEXA 35",
    "com.studio.lens": "Cooke S4 32",
    "com.studio.take": 7,
}
EditFrame = Callable[[int, np.ndarray], np.ndarray]
MakeShot = Callable[..., Shot]
TinySettings = Callable[..., MatteSettings]


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """File of a small network: alpha is 0 on the set, 1 in the subject, between at its edge."""
    return _save_tiny(tmp_path_factory.mktemp("weights") / "tiny.safetensors", is_temporal=False)


@pytest.fixture(scope="session")
def tiny_temporal_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a motion branch, so that neighbouring frames change the result."""
    path = tmp_path_factory.mktemp("weights") / "tiny_temporal.safetensors"
    return _save_tiny(path, is_temporal=True)


@pytest.fixture(scope="session")
def tiny_settings(tiny_weights: Path) -> TinySettings:
    """Builder of settings that use the tiny network: `tiny_settings(layers=("clean",))`."""

    def build(
        weights: Path = tiny_weights,
        prepare: Mapping[str, Any] | None = None,
        engine: Mapping[str, Any] | None = None,
        **output: Any,
    ) -> MatteSettings:
        return MatteSettings(
            prepare=PrepareSettings(**(prepare or {})),
            network=NetworkSettings(weights=str(weights), device="cpu"),
            output=OutputSettings(**output),
            engine=EngineSettings(**(engine or {})),
        )

    return build


@pytest.fixture(scope="session")
def make_shot(write_exr: Callable[..., Path]) -> MakeShot:
    """Builder of a shot on disk: `make_shot(tmp_path, frames=3)`; see `_make_shot`."""

    def build(folder: Path, **wanted: Any) -> Shot:
        return _make_shot(write_exr, folder, **wanted)

    return build


@pytest.fixture(scope="session")
def read_matte() -> Callable[[Path], dict[str, np.ndarray]]:
    """Reader of an EXR: each layer H x W x C float32; the unnamed layer is R,G,B and "A" apart."""

    def read(path: Path) -> dict[str, np.ndarray]:
        image = read_image(path)
        layers: dict[str, list[np.ndarray]] = {}
        for index, channel in enumerate(image.channels):
            name = channel if channel == "A" else channel.rpartition(".")[0] or "premult"
            layers.setdefault(name, []).append(image.pixels[..., index])
        return {name: np.stack(planes, axis=2) for name, planes in layers.items()}

    return read


def _make_shot(
    write_exr: Callable[..., Path],
    folder: Path,
    frames: int | Iterable[int] = 3,
    size: tuple[int, int] = (64, 48),
    digits: int = 4,
    clean: str = "still",
    overscan_px: int = 0,
    attributes: Mapping[str, Any] | None = None,
    edit: EditFrame | None = None,
    still_edit: EditFrame | None = None,
    dtype: str = "half",
    out: str | None = None,
) -> Shot:
    """Write plate and clean plate of a static camera with a subject that moves; return the shot.

    size: width and height of the data window. clean: still or sequence. overscan_px: how far the
    data window reaches beyond the display window. edit: called with each plate before writing;
    still_edit: likewise with the still clean plate.
    """
    numbers = tuple(range(1001, 1001 + frames)) if isinstance(frames, int) else tuple(frames)
    width, height = size
    data = Window(-overscan_px, -overscan_px, width, height)
    display = Window(0, 0, width - 2 * overscan_px, height - 2 * overscan_px)
    windows = {"data_window": data, "display_window": display, "dtype": dtype}
    header = {**HEADER, **(attributes or {})}
    the_set = draw_set(width, height)
    for index, frame in enumerate(numbers):
        plate = draw_plate(the_set, index)
        plate = plate if edit is None else edit(frame, plate)
        path = folder / "plate" / f"plate.{frame:0{digits}d}.exr"
        write_exr(path, plate, attributes=header, **windows)
        if clean == "sequence":
            path = folder / "clean" / f"clean.{frame:0{digits}d}.exr"
            write_exr(path, the_set, attributes=header, **windows)
    if clean == "still":
        still = the_set if still_edit is None else still_edit(0, the_set)
        write_exr(folder / "clean" / "clean.exr", still, attributes=header, **windows)
    field = "#" * digits
    name = "clean.exr" if clean == "still" else f"clean.{field}.exr"
    return Shot(
        plate=str(folder / "plate" / f"plate.{field}.exr"),
        clean=str(folder / "clean" / name),
        out=out or str(folder / "out" / f"matte.{field}.exr"),
    )


def draw_set(width: int, height: int) -> np.ndarray:
    """Return a textured set, H x W x 3, as half floats hold it; subjects are brighter."""
    random = np.random.default_rng(5)
    coarse = random.uniform(0.05, 0.3, (height // 6 + 2, width // 6 + 2, 3))
    image = coarse.repeat(6, 0).repeat(6, 1)[:height, :width]
    image = image + random.uniform(0, 0.03, (height, width, 3))
    return image.astype(np.float16).astype(np.float32)


def draw_alpha(width: int, height: int, index: int) -> np.ndarray:
    """Return the true alpha, H x W x 1, of the subject in the index-th frame."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    centre_x, centre_y = width * (0.4 + 0.03 * (index % 8)), height * 0.5
    away = np.hypot((x - centre_x) / (0.22 * width), (y - centre_y) / (0.3 * height))
    return np.clip((1.25 - away) / 0.5, 0, 1)[..., None].astype(np.float32)


def draw_plate(the_set: np.ndarray, index: int) -> np.ndarray:
    """Return the set with the subject before it, H x W x 3; where there is none it is the set."""
    height, width = the_set.shape[:2]
    alpha = draw_alpha(width, height, index)
    subject = np.array([1.6, 1.1, 0.8], np.float32) * (1 + 0.1 * alpha)
    plate = alpha * subject + (1 - alpha) * the_set
    return np.where(alpha > 0, plate.astype(np.float16).astype(np.float32), the_set)


def _save_tiny(path: Path, is_temporal: bool) -> Path:
    import torch

    from platematte.network.base import Widths
    from platematte.network.matter import Matter
    from platematte.network.weights import save_weights

    torch.manual_seed(11)
    widths = Widths(quarter=8, eighth=8, sixteenth=8, thirty_second=8, half=8)
    matter = Matter(widths, is_temporal)
    with torch.no_grad():
        _make_key(matter)
        if matter.motion is not None:
            torch.nn.init.normal_(matter.motion.join.weight, std=1.0)
    save_weights(path, matter.state_dict(), widths, samples=0, is_temporal=is_temporal)
    return path


def _make_key(matter: Any) -> None:
    """Set the refiner to alpha = 1.2 projection - 0.1, plus a little of the random features.

    Random weights alone give a grey alpha everywhere. Four of the refiner's channels carry the
    projection alpha of the four pixels of a block through to the same four pixels.
    """
    import torch

    matter.draw_stage.heads.weight *= 0.1
    refine = matter.refine
    refine.difference.weight[:4] = 0
    refine.difference.bias[:4] = 0
    refine.alphas.weight[:4] = 0
    matter.draw_stage.detail.weight[:, :4] = 0
    matter.draw_stage.detail.bias[:4] = 0
    refine.second.weight[:4] = 0
    refine.second.bias[:4] = 0
    refine.heads.weight *= 0.3
    refine.heads.bias.zero_()
    refine.heads.weight[:, :4] = 0
    for pixel in range(4):
        refine.alphas.weight[pixel, 1, 1 + pixel // 2, 1 + pixel % 2] = 1
        refine.second.weight[pixel, pixel, 1, 1] = 1
        refine.heads.weight[4 + pixel, pixel, 1, 1] = 0.2
    refine.heads.bias[:4] = 6.0
    refine.heads.bias[4:8] = -0.1
    assert torch.isfinite(refine.heads.weight).all()

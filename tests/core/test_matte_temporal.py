"""Alpha fused over time in the whole program: chunks, holes, mattes, and shots of one frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from platematte import matte
from platematte.compute import Engine
from platematte.matte import matte_shot
from platematte.settings import MatteSettings, SolveSettings
from platematte.shot import Shot

MakeShot = Callable[..., Shot]
TinySettings = Callable[..., MatteSettings]
ReadMatte = Callable[[Path], dict[str, np.ndarray]]
WriteImage = Callable[..., Path]

OFF = SolveSettings(temporal="off")
FRAMES = tuple(range(1001, 1009))


def grainy(frame: int, plate: np.ndarray) -> np.ndarray:
    """Return the plate with grain of its own, so that its alpha is its own too."""
    random = np.random.default_rng(frame)
    return plate * (1 + 0.02 * random.normal(size=plate.shape)).astype(np.float32)


def to(shot: Shot, folder: Path) -> Shot:
    return replace(shot, out=str(folder / "matte.####.exr"))


@pytest.fixture
def alphas(read_matte: ReadMatte) -> Callable[..., dict[int, np.ndarray]]:
    """Mattes a shot into a folder and returns alpha by frame."""

    def run(shot: Shot, folder: Path, settings: MatteSettings) -> dict[int, np.ndarray]:
        report = matte_shot(to(shot, folder), settings, existing="overwrite")
        return {frame: read_matte(folder / f"matte.{frame}.exr")["A"] for frame in report.written}

    return run


Alphas = Callable[[Shot, Path, MatteSettings], dict[int, np.ndarray]]


def test_frames_beside_change_alpha_and_off_does_not_look_at_them(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings, alphas: Alphas
) -> None:
    shot = make_shot(tmp_path, frames=3, edit=grainy)
    fused = alphas(shot, tmp_path / "fused", tiny_settings())
    single = alphas(shot, tmp_path / "single", replace(tiny_settings(), solve=OFF))
    assert all((fused[frame] != single[frame]).any() for frame in fused)


def test_a_shot_of_one_frame_is_as_it_is_without(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings, alphas: Alphas
) -> None:
    shot = make_shot(tmp_path, frames=(1001,), edit=grainy)
    alone = alphas(shot, tmp_path / "alone", tiny_settings())
    single = alphas(shot, tmp_path / "single", replace(tiny_settings(), solve=OFF))
    assert (alone[1001] == single[1001]).all()


@pytest.mark.parametrize("absent", [(), (1004,)])
@pytest.mark.parametrize("is_temporal", [False, True])
def test_any_split_into_chunks_gives_the_same_files(
    tmp_path: Path,
    make_shot: MakeShot,
    tiny_settings: TinySettings,
    tiny_weights: Path,
    tiny_temporal_weights: Path,
    alphas: Alphas,
    absent: tuple[int, ...],
    is_temporal: bool,
) -> None:
    settings = tiny_settings(weights=tiny_temporal_weights if is_temporal else tiny_weights)
    there = tuple(frame for frame in FRAMES if frame not in absent)
    shot = replace(make_shot(tmp_path, frames=there, edit=grainy), frames=there)
    whole = alphas(shot, tmp_path / "whole", settings)
    chunks: dict[int, np.ndarray] = {}
    for frames in (there[:1], there[1:4], there[4:]):
        chunks |= alphas(replace(shot, frames=frames), tmp_path / "chunks", settings)
    assert list(chunks) == list(there)
    assert all((whole[frame] == chunks[frame]).all() for frame in there)


def test_a_damaged_frame_is_absent_and_another_chunks_affair(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings, alphas: Alphas
) -> None:
    shot = make_shot(tmp_path, frames=FRAMES, edit=grainy)
    damaged = Path(shot.plate.replace("####", "1004"))
    damaged.write_bytes(damaged.read_bytes()[:-700])
    whole, chunk = to(shot, tmp_path / "whole"), replace(shot, frames=(1003,))
    report = matte_shot(whole, tiny_settings())
    assert [item.frame for item in report.failed] == [1004]
    report = matte_shot(to(chunk, tmp_path / "chunk"), tiny_settings())
    assert (report.failed, report.warnings) == ([], [])
    again = alphas(replace(shot, frames=(1003,)), tmp_path / "again", tiny_settings())
    both = alphas(replace(shot, frames=(1002, 1003)), tmp_path / "both", tiny_settings())
    assert (again[1003] == both[1003]).all()


def test_the_network_answers_once_for_each_frame(
    tmp_path: Path,
    make_shot: MakeShot,
    tiny_settings: TinySettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[int] = []
    original = matte._draw

    def counted(job, engine, telling, ready):  # type: ignore[no-untyped-def]
        drawn.append(ready.source.frame)
        return original(job, engine, telling, ready)

    monkeypatch.setattr(matte, "_draw", counted)
    shot = make_shot(tmp_path, frames=FRAMES)
    matte_shot(to(replace(shot, frames=(1004, 1005)), tmp_path / "part"), tiny_settings())
    assert drawn == [1002, 1003, 1004, 1005, 1006, 1007]
    drawn.clear()
    off = replace(tiny_settings(), solve=OFF)
    matte_shot(to(replace(shot, frames=(1004, 1005)), tmp_path / "off"), off)
    assert drawn == [1004, 1005]


def test_mattes_are_held_exactly_after_the_fusion(
    tmp_path: Path,
    make_shot: MakeShot,
    tiny_settings: TinySettings,
    write_exr: WriteImage,
    alphas: Alphas,
) -> None:
    shot = make_shot(tmp_path, frames=FRAMES[:3], edit=grainy)
    garbage, core = np.zeros((48, 64, 1), np.float32), np.zeros((48, 64, 1), np.float32)
    garbage[:, :32], core[20:28] = 1, 1
    held = replace(
        shot,
        garbage=str(write_exr(tmp_path / "garbage.exr", garbage, channels=("Y",))),
        core=str(write_exr(tmp_path / "core.exr", core, channels=("Y",))),
    )
    for alpha in alphas(held, tmp_path / "held", tiny_settings()).values():
        assert (alpha[:, :32] == 0).all()
        assert (alpha[20:28, 32:] == 1).all()


def test_only_as_many_answers_are_kept_as_the_window_is_wide(
    tmp_path: Path,
    make_shot: MakeShot,
    tiny_settings: TinySettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import weakref

    kept: list[weakref.ref[object]] = []
    most, original = 0, Engine.trace

    def counted(self, here, drawn, to_rec709):  # type: ignore[no-untyped-def]
        nonlocal most
        trace = original(self, here, drawn, to_rec709)
        kept.append(weakref.ref(trace))
        most = max(most, sum(one() is not None for one in kept))
        return trace

    monkeypatch.setattr(Engine, "trace", counted)
    matte_shot(make_shot(tmp_path, frames=20), tiny_settings(engine={"read_ahead": 1}))
    # Two behind, the frame itself, two ahead; and what the writer has not let go of yet.
    assert most <= 8

"""Which frames are computed: chunks, resumed shots, cancelled shots, frames that exist already."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from platematte import matte
from platematte.errors import Cancelled, OutputExists
from platematte.images.write import read_attributes
from platematte.matte import matte_shot
from platematte.progress import ProgressEvent
from platematte.settings import MatteSettings
from platematte.shot import Shot

MakeShot = Callable[..., Shot]
TinySettings = Callable[..., MatteSettings]
ReadMatte = Callable[[Path], dict[str, np.ndarray]]

LAYERS = ("foreground", "residual", "confidence")
FIRST = range(1001, 1011)


def out_path(shot: Shot, frame: int) -> Path:
    return Path(shot.out.replace("####", f"{frame:04d}"))


def files(folder: Path) -> list[str]:
    """Every file in the folder, hidden ones included."""
    return sorted(os.listdir(folder))  # noqa: PTH208


def states(shot: Shot) -> dict[str, tuple[int, int]]:
    """When and as what file each frame was written."""
    found = sorted(Path(shot.out).parent.iterdir())
    return {path.name: (path.stat().st_mtime_ns, path.stat().st_ino) for path in found}


def to(shot: Shot, folder: Path) -> Shot:
    return replace(shot, out=str(folder / "matte.####.exr"))


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Frames that the network was asked for, in order."""
    original, frames = matte._matte, []

    def counted(job, engine, telling, ready):  # type: ignore[no-untyped-def]
        frames.append(ready.source.frame)
        return original(job, engine, telling, ready)

    monkeypatch.setattr(matte, "_matte", counted)
    return frames


@pytest.mark.parametrize("absent", [(), (1004,), (1005, 1006)])
def test_a_result_does_not_depend_on_where_a_chunk_began(
    tmp_path: Path,
    make_shot: MakeShot,
    tiny_settings: TinySettings,
    tiny_temporal_weights: Path,
    read_matte: ReadMatte,
    absent: tuple[int, ...],
) -> None:
    settings = tiny_settings(weights=tiny_temporal_weights, layers=LAYERS)
    there = tuple(frame for frame in FIRST if frame not in absent)
    shot = replace(make_shot(tmp_path, frames=there), frames=there)
    whole, chunks = to(shot, tmp_path / "whole"), to(shot, tmp_path / "chunks")
    matte_shot(whole, settings)
    for chunk in (range(1001, 1005), range(1005, 1011)):
        frames = tuple(frame for frame in chunk if frame in there)
        assert matte_shot(replace(chunks, frames=frames), settings).written == list(frames)
    for frame in there:
        one, other = (read_matte(out_path(s, frame)) for s in (whole, chunks))
        assert all((one[name] == other[name]).all() for name in one), frame


def test_neighbouring_frames_change_a_temporal_result(
    tmp_path: Path,
    make_shot: MakeShot,
    tiny_settings: TinySettings,
    tiny_temporal_weights: Path,
    read_matte: ReadMatte,
) -> None:
    settings = tiny_settings(weights=tiny_temporal_weights)
    shot = replace(make_shot(tmp_path, frames=5), frames=(1003,))
    matte_shot(to(shot, tmp_path / "beside"), settings)
    for frame in (1001, 1002, 1004, 1005):
        Path(shot.plate.replace("####", str(frame))).unlink()
    matte_shot(to(shot, tmp_path / "alone"), settings)
    one, other = (read_matte(tmp_path / n / "matte.1003.exr")["A"] for n in ("beside", "alone"))
    assert np.abs(one - other).max() > 1e-3


def test_a_damaged_frame_is_absent_for_its_neighbours_in_every_chunk(
    tmp_path: Path,
    make_shot: MakeShot,
    tiny_settings: TinySettings,
    tiny_temporal_weights: Path,
    read_matte: ReadMatte,
) -> None:
    settings = tiny_settings(weights=tiny_temporal_weights)
    shot = make_shot(tmp_path, frames=6)
    damaged = Path(shot.plate.replace("####", "1004"))
    damaged.write_bytes(damaged.read_bytes()[:-700])
    whole, chunk = to(shot, tmp_path / "whole"), to(shot, tmp_path / "chunk")
    report = matte_shot(whole, settings)
    assert [item.frame for item in report.failed] == [1004]
    # The frame is not of this chunk; its damage is not this chunk's failure.
    assert matte_shot(replace(chunk, frames=(1002, 1003)), settings).failed == []
    for frame in (1002, 1003):
        one, other = (read_matte(out_path(s, frame)) for s in (whole, chunk))
        assert (one["A"] == other["A"]).all()


def test_resume_skips_what_is_finished_and_does_the_rest(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings, computed: list[int]
) -> None:
    shot = make_shot(tmp_path, frames=4)
    matte_shot(replace(shot, frames=(1001, 1003)), tiny_settings())
    before = states(shot)
    computed.clear()
    report = matte_shot(shot, tiny_settings(), existing="resume")
    assert computed == [1002, 1004]
    assert (report.written, report.skipped) == ([1002, 1004], [1001, 1003])
    assert {name: states(shot)[name] for name in before} == before
    computed.clear()
    assert matte_shot(shot, tiny_settings(), existing="resume").skipped == [1001, 1002, 1003, 1004]
    assert computed == []


@pytest.mark.parametrize("kept", [0, 100, 0.5, -1])
def test_resume_computes_a_truncated_frame_again(
    tmp_path: Path,
    make_shot: MakeShot,
    tiny_settings: TinySettings,
    computed: list[int],
    kept: float,
) -> None:
    shot = make_shot(tmp_path)
    matte_shot(shot, tiny_settings())
    path = out_path(shot, 1002)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept) if 0 < kept < 1 else int(kept)])
    computed.clear()
    assert matte_shot(shot, tiny_settings(), existing="resume").skipped == [1001, 1003]
    assert computed == [1002]
    assert path.read_bytes() == whole


def test_resume_computes_again_what_other_settings_weights_or_inputs_made(
    tmp_path: Path,
    make_shot: MakeShot,
    tiny_settings: TinySettings,
    tiny_temporal_weights: Path,
    computed: list[int],
) -> None:
    shot = make_shot(tmp_path, frames=2)
    renamed = Path(shot.clean).with_name("clean_v2.exr")
    renamed.write_bytes(Path(shot.clean).read_bytes())
    for changed, settings in (
        (shot, tiny_settings(layers=("clean",))),
        (shot, tiny_settings(prepare={"match": "off"})),
        (shot, tiny_settings(weights=tiny_temporal_weights)),
        (replace(shot, clean=str(renamed)), tiny_settings()),
        (replace(shot, garbage=str(renamed)), tiny_settings()),
    ):
        matte_shot(shot, tiny_settings(), existing="overwrite")
        before = states(shot)
        computed.clear()
        report = matte_shot(changed, settings, existing="resume")
        assert (computed, report.skipped) == ([1001, 1002], [])
        assert all(states(shot)[name] != before[name] for name in before)


def test_resume_keeps_frames_when_only_the_machine_changed(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings, computed: list[int]
) -> None:
    shot = make_shot(tmp_path, frames=2)
    matte_shot(shot, tiny_settings())
    computed.clear()
    other = tiny_settings(engine={"memory_mib": 64, "read_ahead": 5})
    assert matte_shot(shot, other, existing="resume").skipped == [1001, 1002]
    assert computed == []


@pytest.mark.parametrize("role", ["plate", "clean"])
def test_resume_computes_again_what_is_older_than_its_input(
    tmp_path: Path,
    make_shot: MakeShot,
    tiny_settings: TinySettings,
    computed: list[int],
    role: str,
) -> None:
    shot = make_shot(tmp_path, clean="sequence")
    matte_shot(shot, tiny_settings())
    late = out_path(shot, 1002).stat().st_mtime + 10
    os.utime(getattr(shot, role).replace("####", "1002"), (late, late))
    computed.clear()
    matte_shot(shot, tiny_settings(), existing="resume")
    assert computed == [1002]


def test_overwrite_replaces_every_frame(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings
) -> None:
    shot = make_shot(tmp_path)
    matte_shot(shot, tiny_settings())
    before = states(shot)
    out_path(shot, 1001).write_bytes(b"something else")
    report = matte_shot(shot, tiny_settings(), existing="overwrite")
    assert report.written == [1001, 1002, 1003]
    assert all(states(shot)[name] != before[name] for name in before)
    assert all(read_attributes(out_path(shot, frame)) for frame in report.written)


def test_an_existing_frame_is_refused_before_any_work(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings, computed: list[int]
) -> None:
    shot = make_shot(tmp_path)
    matte_shot(replace(shot, frames=(1003,)), tiny_settings())
    before = states(shot)
    computed.clear()
    with pytest.raises(OutputExists, match="1003"):
        matte_shot(shot, tiny_settings())
    assert computed == []
    assert states(shot) == before


def test_a_frame_that_appears_meanwhile_is_not_overwritten(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings
) -> None:
    shot = make_shot(tmp_path)
    path = out_path(shot, 1002)

    def another_machine(event: ProgressEvent) -> None:
        if event.kind == "start":
            path.write_bytes(b"written by another machine")

    with pytest.raises(OutputExists) as caught:
        matte_shot(shot, tiny_settings(), another_machine)
    assert (caught.value.frame, caught.value.path) == (1002, str(path))
    assert path.read_bytes() == b"written by another machine"


def test_a_cancel_leaves_whole_frames_only_and_resume_finishes_the_shot(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings
) -> None:
    shot = make_shot(tmp_path, frames=12)
    events: list[ProgressEvent] = []

    def is_enough() -> bool:
        return sum(event.kind == "frame" for event in events) >= 2

    with pytest.raises(Cancelled) as caught:
        matte_shot(shot, tiny_settings(), events.append, is_enough)
    assert caught.value.exit_status == 130
    assert "--resume" in caught.value.fix
    left = files(tmp_path / "out")
    assert 2 <= len(left) < 12
    told = [Path(event.message).name for event in events if event.kind == "frame"]
    # Nothing that was not told as finished, above all no temporary file.
    assert left == sorted(told)
    assert all(read_attributes(tmp_path / "out" / name) for name in left)
    report = matte_shot(shot, tiny_settings(), existing="resume")
    assert len(report.skipped) == len(left)
    assert len(files(tmp_path / "out")) == 12


def test_a_cancel_before_the_first_frame_leaves_nothing(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings
) -> None:
    shot = make_shot(tmp_path)
    with pytest.raises(Cancelled):
        matte_shot(shot, tiny_settings(), cancel=lambda: True)
    assert files(tmp_path / "out") == []


def test_a_callback_may_cancel_by_raising_and_may_fail_without_costing_a_frame(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings
) -> None:
    shot = make_shot(tmp_path, frames=8)

    def stop(event: ProgressEvent) -> None:
        if event.kind == "frame":
            raise Cancelled("the host was closed")

    def fail(event: ProgressEvent) -> None:
        raise ValueError("a fault of the host")

    with pytest.raises(Cancelled, match="the host was closed"):
        matte_shot(shot, tiny_settings(), stop)
    assert all(read_attributes(tmp_path / "out" / name) for name in files(tmp_path / "out"))
    assert len(matte_shot(shot, tiny_settings(), fail, existing="overwrite").written) == 8

"""What is wrong with a job is said before any work, and touches nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from platematte.errors import (
    ColourSpaceUnknown,
    InputMissing,
    InputUnreadable,
    MatteError,
    OutputExists,
    SettingsInvalid,
    UsageInvalid,
)
from platematte.plan import Existing, Job, identify, plan_job
from platematte.settings import (
    EngineSettings,
    InputSettings,
    MatteSettings,
    NetworkSettings,
    OutputSettings,
    change_settings,
)
from platematte.shot import Shot

MakeShot = Callable[..., Shot]
WEIGHTS = "0" * 64


def plan(shot: Shot, settings: MatteSettings | None = None, existing: Existing = "refuse") -> Job:
    job = plan_job(shot, settings or MatteSettings(), existing, WEIGHTS)
    job.close()
    return job


def refusal(kind: type[MatteError], shot: Shot, **settings: str) -> MatteError:
    with pytest.raises(kind) as caught:
        plan(shot, MatteSettings(input=InputSettings(**settings)))
    assert type(caught.value) is kind
    assert caught.value.fix
    return caught.value


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_without_frames_all_of_the_plate_are_meant(tmp_path: Path, make_shot: MakeShot) -> None:
    shot = make_shot(tmp_path, frames=(7, 8, 9))
    assert plan(shot).todo == (7, 8, 9)
    assert plan(replace(shot, frames=(9, 7, 7))).todo == (7, 9)


def test_holes_in_the_plate_are_named_as_ranges_with_a_way_on(
    tmp_path: Path, make_shot: MakeShot
) -> None:
    error = refusal(InputMissing, make_shot(tmp_path, frames=(1, 2, 5, 6, 9)))
    assert "3-4,7-8" in error.reason
    assert "--frames 1-2,5-6,9" in error.fix
    assert error.exit_status == 3


@pytest.mark.parametrize("role", ["plate", "clean"])
def test_missing_frames_are_named_as_ranges(tmp_path: Path, make_shot: MakeShot, role: str) -> None:
    shot = make_shot(tmp_path, frames=10, clean="sequence")
    for frame in (1003, 1004, 1008):
        Path(getattr(shot, role).replace("####", str(frame))).unlink()
    error = refusal(InputMissing, replace(shot, frames=tuple(range(1001, 1011))))
    assert "1003-1004,1008" in error.reason
    assert error.path == getattr(shot, role)


@pytest.mark.parametrize("role", ["plate", "clean", "garbage", "core", "hint"])
def test_an_input_that_is_not_there_is_named(
    tmp_path: Path, make_shot: MakeShot, role: str
) -> None:
    absent = str(tmp_path / "absent.####.exr")
    error = refusal(InputMissing, replace(make_shot(tmp_path), **{role: absent}))
    assert error.path == absent


@pytest.mark.parametrize("role", ["plate", "clean", "core"])
@pytest.mark.parametrize("existing", ["refuse", "overwrite", "resume"])
def test_an_output_that_is_an_input_is_refused_however_it_is_written(
    tmp_path: Path, make_shot: MakeShot, role: str, existing: Existing
) -> None:
    shot = make_shot(tmp_path, clean="sequence")
    shot = replace(shot, core=shot.clean)
    target = getattr(shot, role)
    folder, name = Path(target).parent, Path(target).name
    link = tmp_path / "link"
    link.symlink_to(folder)
    for out in (
        target,
        target.replace("####", "%04d"),
        str(folder / ".." / folder.name / name),
        str(link / name),
        # One file of the sequence, where only that frame is asked for.
        target.replace("####", "1002"),
    ):
        frames = (1002,) if "1002" in out else None
        with pytest.raises(UsageInvalid, match="would overwrite"):
            plan(replace(shot, out=out, frames=frames), existing=existing)


def test_a_still_clean_plate_that_a_frame_would_overwrite_is_refused(
    tmp_path: Path, make_shot: MakeShot
) -> None:
    shot = make_shot(tmp_path)
    still = tmp_path / "clean" / "clean.1002.exr"
    Path(shot.clean).rename(still)
    shot = replace(shot, clean=str(still), out=str(still.with_name("clean.####.exr")))
    with pytest.raises(UsageInvalid, match="would overwrite the clean"):
        plan(shot, existing="overwrite")


@pytest.mark.parametrize("setting", ["colorspace", "clean_colorspace", "working_space"])
def test_an_unknown_colour_space_is_refused_with_the_nearest(
    tmp_path: Path, make_shot: MakeShot, setting: str
) -> None:
    error = refusal(ColourSpaceUnknown, make_shot(tmp_path), **{setting: "ACEScgg"})
    assert "ACEScg" in error.reason
    assert error.exit_status == 2


def test_a_working_space_that_is_not_linear_is_refused(tmp_path: Path, make_shot: MakeShot) -> None:
    refusal(SettingsInvalid, make_shot(tmp_path), working_space="sRGB - Texture")


def test_existing_frames_are_refused_as_ranges_and_nothing_is_touched(
    tmp_path: Path, make_shot: MakeShot
) -> None:
    shot = make_shot(tmp_path)
    for frame in (1002, 1003):
        path = Path(shot.out.replace("####", str(frame)))
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"an artist's work")
    before = listing(tmp_path)
    error = refusal(OutputExists, shot)
    assert "1002-1003" in error.reason
    assert "--resume" in error.fix
    assert listing(tmp_path) == before


def test_one_unreadable_frame_does_not_stop_a_plan_and_all_unreadable_do(
    tmp_path: Path, make_shot: MakeShot
) -> None:
    shot = make_shot(tmp_path)
    frames = [Path(shot.plate.replace("####", str(frame))) for frame in (1001, 1002, 1003)]
    frames[0].write_bytes(b"")
    assert plan(shot).todo == (1001, 1002, 1003)
    for path in frames:
        path.write_bytes(b"")
    error = refusal(InputUnreadable, shot)
    assert (error.frame, error.path) == (1001, str(frames[0]))


def test_no_frames_is_no_job(tmp_path: Path, make_shot: MakeShot) -> None:
    refusal(UsageInvalid, replace(make_shot(tmp_path), frames=()))


def test_neighbours_are_read_where_they_exist(tmp_path: Path, make_shot: MakeShot) -> None:
    shot = make_shot(tmp_path, frames=(1, 2, 3, 4, 6, 7, 8))
    job = plan(replace(shot, frames=(4, 7)))
    assert job.needed(()) == (4, 7)
    assert job.needed((-2, -1, 1, 2)) == (2, 3, 4, 6, 7, 8)


def test_the_identity_follows_what_decides_the_pixels_and_nothing_else(tmp_path: Path) -> None:
    shot = Shot(plate="/a/plate.####.exr", clean="/a/clean.exr", out="/a/out.####.exr")
    settings = MatteSettings()
    same = identify(shot, settings, WEIGHTS)
    machine = MatteSettings(
        engine=EngineSettings(memory_mib=64, read_ahead=9, cpu_fallback=True),
        network=NetworkSettings(device="cpu"),
    )
    moved = Shot(plate="/b/plate.####.exr", clean="/b/clean.exr", out="/c/other.####.exr")
    assert identify(shot, machine, WEIGHTS) == same
    assert identify(replace(moved, frames=(1, 2)), settings, WEIGHTS) == same
    others = [
        identify(replace(shot, clean="/a/clean_v2.exr"), settings, WEIGHTS),
        identify(replace(shot, garbage="/a/garbage.exr"), settings, WEIGHTS),
        identify(replace(shot, core="/a/garbage.exr"), settings, WEIGHTS),
        identify(shot, settings, "1" * 64),
        identify(shot, MatteSettings(output=OutputSettings(layers=("clean",))), WEIGHTS),
        identify(shot, change_settings(settings, {"prepare": {"match": "off"}}), WEIGHTS),
        identify(shot, change_settings(settings, {"network": {"precision": "bf16"}}), WEIGHTS),
        identify(shot, change_settings(settings, {"input": {"colorspace": "ACEScg"}}), WEIGHTS),
    ]
    assert len({same, *others}) == 1 + len(others)


def test_a_plan_measures_the_way_to_rec709(tmp_path: Path, make_shot: MakeShot) -> None:
    shot = make_shot(tmp_path)
    rec709 = plan(shot, MatteSettings(input=InputSettings(colorspace="Linear Rec.709 (sRGB)")))
    assert np.allclose(rec709.to_rec709, np.eye(3), atol=1e-6)
    aces = plan(shot, MatteSettings(input=InputSettings(colorspace="ACEScg")))
    assert aces.working == "ACEScg"
    # White stays white; the primaries do not.
    assert np.allclose(aces.to_rec709.sum(axis=1), 1, atol=1e-3)
    assert not np.allclose(aces.to_rec709, np.eye(3), atol=0.1)

"""Bad input costs the frame it is in, at most, and is told with path, frame, reason and fix."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from platematte.errors import (
    CleanUnusable,
    InputUnreadable,
    MatteError,
    OutputUnwritable,
)
from platematte.images.read import read_image
from platematte.images.window import Window
from platematte.matte import matte_shot
from platematte.settings import MatteSettings, SolveSettings
from platematte.shot import Shot

MakeShot = Callable[..., Shot]
TinySettings = Callable[..., MatteSettings]
ReadMatte = Callable[[Path], dict[str, np.ndarray]]
WriteImage = Callable[..., Path]

ALL_LAYERS = ("foreground", "clean", "residual", "confidence")


def out_path(shot: Shot, frame: int) -> Path:
    return Path(shot.out.replace("####", f"{frame:04d}"))


def input_path(pattern: str, frame: int) -> Path:
    return Path(pattern.replace("####", f"{frame:04d}"))


def the_failure(shot: Shot, settings: MatteSettings, frame: int, frames: int = 3) -> MatteError:
    """Matte a shot of which one frame fails and the others are written; return the error."""
    report = matte_shot(shot, settings)
    assert [item.frame for item in report.failed] == [frame]
    others = [number for number in range(1001, 1001 + frames) if number != frame]
    assert report.written == others
    assert sorted(os.listdir(Path(shot.out).parent)) == [  # noqa: PTH208
        f"matte.{number}.exr" for number in others
    ]
    error = report.failed[0].error
    assert error.frame == frame
    assert error.reason
    assert error.fix
    return error


@pytest.mark.parametrize("role", ["plate", "clean"])
@pytest.mark.parametrize("kept", [0, 64, 0.3, 0.98])
def test_a_truncated_frame_does_not_lose_the_others(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings, role: str, kept: float
) -> None:
    shot = make_shot(tmp_path, clean="sequence")
    path = input_path(getattr(shot, role), 1002)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept) if 0 < kept < 1 else int(kept)])
    error = the_failure(shot, tiny_settings(), 1002)
    assert isinstance(error, InputUnreadable)
    assert error.path == str(path)
    assert error.exit_status == 3


@pytest.mark.parametrize("frame", [1001, 1003])
def test_a_damaged_first_or_last_frame_costs_only_itself(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings, frame: int
) -> None:
    shot = make_shot(tmp_path)
    input_path(shot.plate, frame).write_bytes(b"v/1\x01 cut off")
    assert the_failure(shot, tiny_settings(), frame).path == str(input_path(shot.plate, frame))


def test_a_damaged_matte_costs_only_its_frame(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings
) -> None:
    shot = make_shot(tmp_path, clean="sequence")
    for frame in (1001, 1002, 1003):
        pixels = input_path(shot.clean, frame).read_bytes()
        (tmp_path / f"core.{frame}.exr").write_bytes(pixels if frame != 1002 else pixels[:200])
    shot = replace(shot, core=str(tmp_path / "core.####.exr"))
    assert the_failure(shot, tiny_settings(), 1002).path == str(tmp_path / "core.1002.exr")


def test_a_frame_of_another_format_is_named_with_both_formats(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings, write_exr: WriteImage
) -> None:
    shot = make_shot(tmp_path)
    write_exr(input_path(shot.plate, 1002), np.ones((40, 64, 3), np.float32))
    error = the_failure(shot, tiny_settings(), 1002)
    assert "64x40" in error.reason
    assert "64x48" in error.reason


def test_a_frame_without_colour_channels_is_named_with_the_channels_it_has(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings, write_exr: WriteImage
) -> None:
    shot = make_shot(tmp_path)
    pixels = np.ones((48, 64, 2), np.float32)
    write_exr(input_path(shot.plate, 1002), pixels, channels=("depth.Z", "N.X"))
    error = the_failure(shot, tiny_settings(), 1002)
    assert "depth.Z" in error.reason
    assert "N.X" in error.reason


@pytest.mark.parametrize("clean", ["sequence", "still"])
def test_a_clean_plate_that_is_the_plate_is_refused_before_any_frame(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings, clean: str
) -> None:
    shot = make_shot(tmp_path, frames=3 if clean == "sequence" else 1)
    same = shot.plate if clean == "sequence" else str(input_path(shot.plate, 1001))
    with pytest.raises(CleanUnusable, match="the plate's own frame") as caught:
        matte_shot(replace(shot, clean=same), tiny_settings())
    assert caught.value.exit_status == 5
    assert caught.value.path == same
    assert caught.value.fix
    assert os.listdir(tmp_path / "out") == []  # noqa: PTH208


def test_a_frame_without_a_subject_is_matted_as_empty_and_told(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings, read_matte: ReadMatte
) -> None:
    shot = make_shot(tmp_path)
    input_path(shot.plate, 1002).write_bytes(Path(shot.clean).read_bytes())
    report = matte_shot(shot, tiny_settings())
    assert report.written == [1001, 1002, 1003]
    assert any("frame 1002" in w and "clean plate itself" in w for w in report.warnings)
    assert (read_matte(out_path(shot, 1002))["A"] == 0).all()


@pytest.mark.parametrize("size", [(32, 24), (16, 12)])
def test_a_clean_plate_that_is_a_proxy_is_refused_and_never_resized(
    tmp_path: Path,
    make_shot: MakeShot,
    tiny_settings: TinySettings,
    write_exr: WriteImage,
    size: tuple[int, int],
) -> None:
    shot = make_shot(tmp_path)
    write_exr(Path(shot.clean), np.ones((size[1], size[0], 3), np.float32))
    with pytest.raises(CleanUnusable, match="proxy") as caught:
        matte_shot(shot, tiny_settings())
    assert caught.value.exit_status == 5
    assert caught.value.path == shot.clean


def test_one_clean_plate_that_covers_too_little_costs_only_its_frame(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings, write_exr: WriteImage
) -> None:
    # Six frames, of which the camera is studied from the first, the last and some between.
    shot = make_shot(tmp_path, frames=6, clean="sequence")
    path = input_path(shot.clean, 1003)
    data, display = Window(60, 0, 4, 48), Window(0, 0, 64, 48)
    pixels = read_image(path).pixels[:, 60:]
    write_exr(path, pixels, data_window=data, display_window=display)
    error = the_failure(shot, tiny_settings(), 1003, frames=6)
    assert isinstance(error, CleanUnusable)
    assert error.path == shot.clean


def test_a_clean_plate_that_covers_part_of_the_frame_is_trusted_there_only(
    tmp_path: Path,
    make_shot: MakeShot,
    tiny_settings: TinySettings,
    write_exr: WriteImage,
    read_matte: ReadMatte,
) -> None:
    shot = make_shot(tmp_path, frames=1)
    pixels = read_image(shot.clean).pixels
    matte_shot(shot, tiny_settings(layers=("clean",)))
    whole = read_matte(out_path(shot, 1001))
    data, display = Window(0, 0, 50, 48), Window(0, 0, 64, 48)
    write_exr(Path(shot.clean), pixels[:, :50], data_window=data, display_window=display)
    matte_shot(shot, tiny_settings(layers=("clean",)), existing="overwrite")
    part = read_matte(out_path(shot, 1001))
    assert (part["clean"][:, :50] == whole["clean"][:, :50]).all()
    assert (part["clean"][:, 50:] == 0).all()
    alpha = part["A"][:, :40] - whole["A"][:, :40]
    assert np.abs(alpha).max() < 0.1
    assert (part["premult"][part["A"][..., 0] == 0] == 0).all()


BROKEN = ((20, 40, np.nan), (21, 40, np.inf), (22, 41, -np.inf))


@pytest.mark.parametrize("temporal", ["off", "auto"])
@pytest.mark.parametrize("role", ["plate", "clean"])
def test_nan_and_inf_are_counted_and_told_and_stay_where_they_were(
    tmp_path: Path,
    make_shot: MakeShot,
    tiny_settings: TinySettings,
    write_exr: WriteImage,
    read_matte: ReadMatte,
    role: str,
    temporal: Literal["off", "auto"],
) -> None:
    shot = make_shot(tmp_path)
    settings = replace(tiny_settings(layers=ALL_LAYERS), solve=SolveSettings(temporal=temporal))
    matte_shot(shot, settings)
    before = read_matte(out_path(shot, 1002))
    path = input_path(shot.plate, 1002) if role == "plate" else Path(shot.clean)
    pixels = read_image(path).pixels.copy()
    for row, column, value in BROKEN:
        pixels[row, column, row % 3] = value
    write_exr(path, pixels)
    report = matte_shot(shot, settings, existing="overwrite")
    after = read_matte(out_path(shot, 1002))
    assert all(np.isfinite(layer).all() for layer in after.values())
    name = "plate" if role == "plate" else "clean plate"
    told = [w for w in report.warnings if f"3 pixels of the {name} are NaN or Inf" in w]
    assert len(told) == (1 if role == "plate" else 3)
    far = np.ones((48, 64), bool)
    far[6:38, 24:58] = False
    assert np.abs(after["A"] - before["A"])[far].max() < 2e-3
    opaque = far & (before["A"][..., 0] == 1) & (after["A"][..., 0] == 1)
    assert opaque.sum() > 50
    assert (after["premult"] == before["premult"])[opaque].all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_frame_of_nothing_but_nan_is_finite_in_the_file(
    tmp_path: Path,
    make_shot: MakeShot,
    tiny_settings: TinySettings,
    read_matte: ReadMatte,
    value: float,
) -> None:
    def break_second(frame: int, plate: np.ndarray) -> np.ndarray:
        return np.full_like(plate, value) if frame == 1002 else plate

    shot = make_shot(tmp_path, edit=break_second)
    report = matte_shot(shot, tiny_settings(layers=ALL_LAYERS))
    assert report.written == [1001, 1002, 1003]
    assert any("3072 pixels of the plate" in warning for warning in report.warnings)
    for frame in report.written:
        assert all(np.isfinite(a).all() for a in read_matte(out_path(shot, frame)).values())


@pytest.mark.parametrize("role", ["garbage", "core", "hint"])
def test_nan_and_inf_in_a_matte_are_counted_told_and_ignored(
    tmp_path: Path,
    make_shot: MakeShot,
    tiny_settings: TinySettings,
    write_exr: WriteImage,
    read_matte: ReadMatte,
    role: str,
) -> None:
    nothing = np.full((48, 64, 1), 0.5 if role == "hint" else 0.0, np.float32)
    shot = replace(make_shot(tmp_path, frames=1), **{role: str(tmp_path / "matte_in.exr")})
    write_exr(tmp_path / "matte_in.exr", nothing, channels=("A",))
    matte_shot(shot, tiny_settings())
    before = read_matte(out_path(shot, 1001))
    broken = nothing.copy()
    broken[5:8, 5:8] = np.nan
    broken[30, 30] = np.inf
    write_exr(tmp_path / "matte_in.exr", broken, channels=("A",))
    report = matte_shot(shot, tiny_settings(), existing="overwrite")
    assert any(f"10 pixels of the {role} matte are NaN or Inf" in w for w in report.warnings)
    after = read_matte(out_path(shot, 1001))
    assert all((after[name] == before[name]).all() for name in before)


def test_values_beyond_half_are_counted_and_told(
    tmp_path: Path,
    make_shot: MakeShot,
    tiny_settings: TinySettings,
    read_matte: ReadMatte,
) -> None:
    def sun(frame: int, plate: np.ndarray) -> np.ndarray:
        plate[20:24, 24:28] = 1e6
        return plate

    shot = make_shot(tmp_path, frames=1, dtype="float", edit=sun)
    report = matte_shot(shot, tiny_settings(layers=("clean", "residual")))
    found = {k: v.astype(np.float64) for k, v in read_matte(out_path(shot, 1001)).items()}
    assert any("65504" in warning for warning in report.warnings)
    assert found["premult"].max() == 65504
    # What half floats cannot hold is in the residual.
    again = found["premult"] + (1 - found["A"]) * found["clean"] + found["residual"]
    assert np.allclose(again[20:24, 24:28], 1e6, rtol=1e-6)


@pytest.mark.parametrize("blocked", ["a_file", "/proc"])
def test_an_output_folder_that_takes_no_files_is_refused_before_any_work(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings, blocked: str
) -> None:
    folder = tmp_path / blocked
    if blocked == "a_file":
        folder.write_bytes(b"")
    elif not folder.is_dir():
        pytest.skip("needs a folder that not even root may write to")
    shot = replace(make_shot(tmp_path), out=str(folder / "matte.####.exr"))
    with pytest.raises(OutputUnwritable) as caught:
        matte_shot(shot, tiny_settings())
    assert caught.value.exit_status == 1
    assert caught.value.path == shot.out
    assert caught.value.fix


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission_is_refused(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings
) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    shot = replace(make_shot(tmp_path), out=str(locked / "matte.####.exr"))
    with pytest.raises(OutputUnwritable, match="Permission denied"):
        matte_shot(shot, tiny_settings())


def test_a_damaged_held_clean_plate_is_refused_before_any_work(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings
) -> None:
    shot = make_shot(tmp_path)
    clean = Path(shot.clean)
    clean.write_bytes(clean.read_bytes()[:600])
    with pytest.raises(InputUnreadable) as caught:
        matte_shot(shot, tiny_settings())
    assert caught.value.path == str(clean)
    assert caught.value.fix
    assert not list(Path(shot.out).parent.glob("*.exr"))


def test_one_frame_that_is_its_own_clean_plate_is_refused(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings
) -> None:
    shot = make_shot(tmp_path)
    shot = replace(shot, clean=str(input_path(shot.plate, 1002)))
    report = matte_shot(replace(shot, frames=(1002,)), tiny_settings())
    assert [type(item.error) for item in report.failed] == [CleanUnusable]
    assert report.failed[0].error.exit_status == 5
    # In a longer shot it may be an empty frame, which is a fine clean plate; it is told.
    report = matte_shot(shot, tiny_settings())
    assert report.written == [1001, 1002, 1003]
    assert any("1002" in warning and "clean plate itself" in warning for warning in report.warnings)

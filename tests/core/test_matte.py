"""A whole shot through the engine: every pixel in the files is true to the plate."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from platematte.compute import Mattes
from platematte.images.colour import rec709_matrix
from platematte.images.read import read_image
from platematte.images.write import read_attributes
from platematte.matte import matte_pixels, matte_shot
from platematte.progress import ProgressEvent
from platematte.settings import InputSettings, MatteSettings
from platematte.shot import Shot
from platematte.solve.foreground import round_to_half

MakeShot = Callable[..., Shot]
TinySettings = Callable[..., MatteSettings]
ReadMatte = Callable[[Path], dict[str, np.ndarray]]
WriteImage = Callable[..., Path]

ALL_LAYERS = ("foreground", "clean", "residual", "confidence")
# Light that only float can hold, light below black, the largest and the smallest half.
EXTREMES = np.array([65504, 65472, -65504, -0.5, -2e-3, 6e-8, -6e-8, 0, 1, 1000, 0.18, 31.5])


def out_path(shot: Shot, frame: int) -> Path:
    return Path(shot.out.replace("####", f"{frame:04d}"))


def bits(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.float16).view(np.uint16)


def with_extremes(frame: int, plate: np.ndarray) -> np.ndarray:
    plate[4:8, 8:20] = np.resize(EXTREMES + frame % 2, (4, 12, 3))
    return plate.astype(np.float16).astype(np.float32)


def matte_file(write_exr: WriteImage, path: Path, part: tuple[slice, slice]) -> str:
    pixels = np.zeros((48, 64, 1), np.float32)
    pixels[part] = 1
    return str(write_exr(path, pixels, channels=("A",)))


def contents(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_opaque_pixels_equal_the_plate_bit_for_bit_up_to_65504_and_below_zero(
    tmp_path: Path,
    make_shot: MakeShot,
    tiny_settings: TinySettings,
    read_matte: ReadMatte,
    write_exr: WriteImage,
) -> None:
    part = (slice(2, 30), slice(5, 40))
    shot = make_shot(tmp_path, edit=with_extremes)
    shot = replace(shot, core=matte_file(write_exr, tmp_path / "core.exr", part))
    assert matte_shot(shot, tiny_settings()).written == [1001, 1002, 1003]
    for frame in (1001, 1002, 1003):
        plate = read_image(shot.plate.replace("####", str(frame))).rgb()
        found = read_matte(out_path(shot, frame))
        assert (found["A"][part] == 1).all()
        opaque = found["A"][..., 0] == 1
        assert (bits(found["premult"])[opaque] == bits(plate)[opaque]).all()
        assert plate[opaque].max() == 65504
        assert plate[opaque].min() == -65504


def test_a_float_plate_is_rounded_once_to_half_where_it_is_opaque(
    tmp_path: Path,
    make_shot: MakeShot,
    tiny_settings: TinySettings,
    read_matte: ReadMatte,
    write_exr: WriteImage,
) -> None:
    def uneven(frame: int, plate: np.ndarray) -> np.ndarray:
        return plate * np.float32(1.000317)

    part = (slice(0, 48), slice(0, 64))
    shot = make_shot(tmp_path, frames=1, dtype="float", edit=uneven)
    shot = replace(shot, core=matte_file(write_exr, tmp_path / "core.exr", part))
    matte_shot(shot, tiny_settings())
    plate = read_image(shot.plate.replace("####", "1001")).rgb()
    assert (bits(read_matte(out_path(shot, 1001))["premult"]) == bits(plate)).all()


def test_there_is_no_colour_where_alpha_is_zero_and_alpha_takes_all_three_kinds_of_value(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings, read_matte: ReadMatte
) -> None:
    shot = make_shot(tmp_path)
    matte_shot(shot, tiny_settings())
    for frame in (1001, 1002, 1003):
        found = read_matte(out_path(shot, frame))
        alpha = found["A"][..., 0]
        assert (found["premult"][alpha == 0] == 0).all()
        assert (alpha == 0).mean() > 0.1
        assert (alpha == 1).mean() > 0.1
        assert ((alpha > 0) & (alpha < 1)).mean() > 0.02


@pytest.mark.parametrize("dtype", ["half", "float"])
def test_the_written_layers_give_the_plate_back(
    tmp_path: Path,
    make_shot: MakeShot,
    tiny_settings: TinySettings,
    read_matte: ReadMatte,
    dtype: str,
) -> None:
    shot = make_shot(tmp_path, edit=with_extremes, dtype=dtype)
    matte_shot(shot, tiny_settings(layers=("clean", "residual")))
    for frame in (1001, 1002, 1003):
        plate = read_image(shot.plate.replace("####", str(frame))).rgb()
        found = {k: v.astype(np.float64) for k, v in read_matte(out_path(shot, frame)).items()}
        again = found["premult"] + (1 - found["A"]) * found["clean"] + found["residual"]
        scale = np.maximum(np.abs(plate), np.abs(found["premult"]))
        # The residual is float: closure is far within half precision, 2^-11.
        assert (np.abs(again - plate) <= 1e-6 * scale + 1e-7).all()


def test_without_its_residual_the_subject_closes_within_half_precision(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings, read_matte: ReadMatte
) -> None:
    shot = make_shot(tmp_path)
    matte_shot(shot, tiny_settings(layers=("clean",)))
    found = read_matte(out_path(shot, 1002))
    plate = read_image(shot.plate.replace("####", "1002")).rgb()
    again = found["premult"] + (1 - found["A"]) * found["clean"]
    there = np.broadcast_to(found["A"] > 0, plate.shape)
    # The subject is brighter than its set, so that nothing had to be cut at black.
    assert (np.abs(again - plate)[there] <= 2**-10 * np.abs(plate)[there]).all()


def test_the_alpha_in_the_file_is_the_one_that_the_foreground_was_solved_with(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings, read_matte: ReadMatte
) -> None:
    shot = make_shot(tmp_path)
    matte_shot(shot, tiny_settings(prepare={"align": "off", "match": "off"}))
    found = read_matte(out_path(shot, 1002))
    plate = read_image(shot.plate.replace("####", "1002")).rgb()
    clean = read_image(shot.clean).rgb()
    alpha = found["A"]
    solved = round_to_half(np.maximum(plate - (1 - alpha) * clean, 0) * (alpha > 0))
    assert (found["premult"] == solved).all()


def test_garbage_and_core_hold_in_the_file_and_garbage_wins(
    tmp_path: Path,
    make_shot: MakeShot,
    tiny_settings: TinySettings,
    read_matte: ReadMatte,
    write_exr: WriteImage,
) -> None:
    garbage, core = (slice(10, 30), slice(20, 40)), (slice(0, 20), slice(30, 64))
    shot = replace(
        make_shot(tmp_path),
        garbage=matte_file(write_exr, tmp_path / "garbage.exr", garbage),
        core=matte_file(write_exr, tmp_path / "core.exr", core),
    )
    matte_shot(shot, tiny_settings())
    for frame in (1001, 1002, 1003):
        found = read_matte(out_path(shot, frame))
        assert (found["A"][garbage] == 0).all()
        assert (found["premult"][garbage] == 0).all()
        expected = np.zeros((48, 64), bool)
        expected[core] = True
        expected[garbage] = False
        assert (found["A"][expected] == 1).all()


@pytest.mark.parametrize(
    ("digits", "frames", "names"),
    [
        (4, (8, 9, 10), ["matte.0008.exr", "matte.0009.exr", "matte.0010.exr"]),
        (6, (99999, 100000), ["matte.099999.exr", "matte.100000.exr"]),
        (4, (9999, 10000), ["matte.10000.exr", "matte.9999.exr"]),
    ],
)
def test_frames_keep_the_numbers_of_the_plate(
    tmp_path: Path,
    make_shot: MakeShot,
    tiny_settings: TinySettings,
    digits: int,
    frames: tuple[int, ...],
    names: list[str],
) -> None:
    shot = make_shot(tmp_path, frames=frames, digits=digits)
    report = matte_shot(shot, tiny_settings())
    assert report.written == list(frames)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names


def test_nothing_but_the_output_is_changed(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings
) -> None:
    shot = make_shot(tmp_path / "in", out=str(tmp_path / "out" / "matte.####.exr"))
    before = contents(tmp_path / "in")
    matte_shot(shot, tiny_settings(layers=ALL_LAYERS))
    assert contents(tmp_path / "in") == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "out"]
    assert [p.name for p in sorted((tmp_path / "out").iterdir())] == [
        f"matte.{frame}.exr" for frame in (1001, 1002, 1003)
    ]


def test_a_clean_plate_that_is_a_sequence_is_read_frame_by_frame(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings, read_matte: ReadMatte
) -> None:
    still, moving = make_shot(tmp_path / "a"), make_shot(tmp_path / "b", clean="sequence")
    for shot in (still, moving):
        matte_shot(shot, tiny_settings())
    one, other = (read_matte(out_path(shot, 1003)) for shot in (still, moving))
    assert all((one[name] == other[name]).all() for name in one)


def test_an_8_bit_plate_is_matted_in_linear_light(
    tmp_path: Path,
    make_shot: MakeShot,
    tiny_settings: TinySettings,
    read_matte: ReadMatte,
    write_exr: WriteImage,
) -> None:
    shot = make_shot(tmp_path, frames=1)
    plate = np.clip(read_image(shot.plate.replace("####", "1001")).pixels, 0, 1)
    for name, pixels in (("plate", plate), ("clean", read_image(shot.clean).pixels)):
        write_exr(tmp_path / f"{name}.png", pixels.astype(np.float32), dtype="uint8")
    part = (slice(0, 48), slice(0, 64))
    png = replace(
        shot,
        plate=str(tmp_path / "plate.png"),
        clean=str(tmp_path / "clean.png"),
        core=matte_file(write_exr, tmp_path / "core.exr", part),
        out=str(tmp_path / "png" / "matte.####.exr"),
    )
    matte_shot(png, tiny_settings())
    encoded = read_image(tmp_path / "plate.png").pixels[..., :3]
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    found = read_matte(out_path(png, 1))["premult"]
    assert np.allclose(found, linear, rtol=2e-3, atol=1e-5)


def test_a_wide_gamut_plate_is_written_in_its_own_space(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings, read_matte: ReadMatte
) -> None:
    shot = make_shot(tmp_path, edit=with_extremes)
    settings = replace(
        tiny_settings(layers=("clean", "residual")),
        input=InputSettings(colorspace="ACEScg", clean_colorspace="ACEScg"),
    )
    matte_shot(shot, settings)
    path = out_path(shot, 1002)
    assert read_attributes(path)["platematte/colorspace"] == "ACEScg"
    found = read_matte(path)
    plate = read_image(shot.plate.replace("####", "1002")).rgb()
    opaque = found["A"][..., 0] == 1
    assert opaque.mean() > 0.05
    assert (bits(found["premult"])[opaque] == bits(plate)[opaque]).all()


def test_a_picture_gets_the_same_matte_in_any_primaries(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings, read_matte: ReadMatte
) -> None:
    to_rec709 = rec709_matrix("ACEScg")

    def in_acescg(frame: int, plate: np.ndarray) -> np.ndarray:
        return (plate @ np.linalg.inv(to_rec709).T).astype(np.float32)

    found = []
    for space, edit in (("lin_rec709_scene", None), ("ACEScg", in_acescg)):
        shot = make_shot(tmp_path / space, frames=1, dtype="float", edit=edit)
        if edit is not None:
            make_clean = make_shot(tmp_path / "clean", frames=1, dtype="float", still_edit=edit)
            shot = replace(shot, clean=make_clean.clean)
        settings = replace(
            tiny_settings(layers=("foreground",)),
            input=InputSettings(colorspace=space, clean_colorspace=space),
        )
        matte_shot(shot, settings)
        found.append(read_matte(out_path(shot, 1001)))
    one, other = found
    assert np.abs(one["A"] - other["A"]).max() < 0.02
    solid = (one["A"] > 0.9)[..., 0]
    for name, where in (("premult", solid), ("foreground", np.ones_like(solid))):
        again = other[name] @ to_rec709.T
        assert np.abs(again - one[name])[where].max() < 0.02, name


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 5), (100, 1), (33, 31)])
def test_a_frame_may_have_any_size(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings, size: tuple[int, int]
) -> None:
    def brighter(frame: int, plate: np.ndarray) -> np.ndarray:
        return plate + frame % 2 + 0.5

    shot = make_shot(tmp_path, frames=2, size=size, edit=brighter)
    report = matte_shot(shot, tiny_settings(layers=ALL_LAYERS))
    assert report.written == [1001, 1002]
    assert read_image(out_path(shot, 1002)).pixels.shape[:2] == (size[1], size[0])


def test_progress_counts_every_frame_once_it_lies_complete_under_its_name(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings
) -> None:
    events: list[ProgressEvent] = []
    complete: list[bool] = []
    shot = make_shot(tmp_path, frames=4)

    def tell(event: ProgressEvent) -> None:
        events.append(event)
        if event.kind == "frame":
            complete.append(bool(read_attributes(event.message)))

    matte_shot(shot, tiny_settings(), tell)
    assert [event.kind for event in events] == ["start", *["frame"] * 4, "done"]
    assert [event.done for event in events] == [0, 1, 2, 3, 4, 4]
    assert [event.frame for event in events[1:-1]] == [1001, 1002, 1003, 1004]
    assert complete == [True] * 4


def test_a_frame_in_memory_gets_the_matte_that_a_file_gets(
    tmp_path: Path,
    make_shot: MakeShot,
    tiny_settings: TinySettings,
    read_matte: ReadMatte,
) -> None:
    shot = make_shot(tmp_path, frames=1)
    rec709 = InputSettings(colorspace="lin_rec709_scene", clean_colorspace="lin_rec709_scene")
    matte_shot(shot, replace(tiny_settings(), input=rec709))
    found = read_matte(out_path(shot, 1001))
    plate = read_image(shot.plate.replace("####", "1001")).rgb()
    clean = read_image(shot.clean).rgb()
    result = matte_pixels(plate, clean, tiny_settings())
    assert (result.solved.alpha == found["A"]).all()
    assert (result.solved.premult == found["premult"]).all()
    core = np.ones((48, 64, 1), np.float32)
    held = matte_pixels(plate, clean, tiny_settings(), Mattes(core=core))
    assert (held.solved.premult == plate).all()

"""What belongs to a frame is read in one window and space, whatever chunk it is read for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from platematte.errors import InputUnreadable
from platematte.frames import SAMPLES, FrameInput, FrameReader
from platematte.images.read import read_image
from platematte.images.window import Window
from platematte.plan import plan_job
from platematte.settings import InputSettings, MatteSettings, PrepareSettings
from platematte.shot import Shot
from platematte.telling import FailedFrame

MakeShot = Callable[..., Shot]
WriteImage = Callable[..., Path]


def reader(shot: Shot, settings: MatteSettings | None = None) -> FrameReader:
    return FrameReader(plan_job(shot, settings or MatteSettings(), "refuse", "0" * 64))


def numbered(frame: int, plate: np.ndarray) -> np.ndarray:
    plate[0, 0] = frame
    return plate


def sampled(frames: FrameReader) -> list[int]:
    """Return the numbers that `numbered` wrote into the plates."""
    return [int(plate[0, 0, 0]) for plate, _, _ in frames.samples()]


def test_the_camera_is_studied_from_the_whole_shot_for_every_chunk(
    tmp_path: Path, make_shot: MakeShot
) -> None:
    shot = make_shot(tmp_path, frames=12, edit=numbered)
    whole = sampled(reader(shot))
    assert len(set(whole)) == SAMPLES
    assert (whole[0], whole[-1]) == (1001, 1012)
    for chunk in ((1001,), (1007, 1008), tuple(range(1009, 1013))):
        assert sampled(reader(replace(shot, frames=chunk))) == whole


def test_a_camera_that_is_said_to_move_is_looked_at_once(
    tmp_path: Path, make_shot: MakeShot
) -> None:
    settings = MatteSettings(prepare=PrepareSettings(camera="moving"))
    assert len(sampled(reader(make_shot(tmp_path, frames=12), settings))) == 1


def test_a_sample_that_cannot_be_read_is_left_out(tmp_path: Path, make_shot: MakeShot) -> None:
    shot = make_shot(tmp_path, frames=5, edit=numbered)
    Path(shot.plate.replace("####", "1003")).write_bytes(b"")
    assert sampled(reader(shot)) == [1001, 1002, 1004, 1005]


def test_a_failed_frame_takes_its_place_with_its_number(
    tmp_path: Path, make_shot: MakeShot
) -> None:
    shot = make_shot(tmp_path)
    path = Path(shot.plate.replace("####", "1002"))
    path.write_bytes(b"")
    items = list(reader(shot).read_all((1001, 1002, 1003)))
    assert [type(item) for item in items] == [FrameInput, FailedFrame, FrameInput]
    assert [item.frame for item in items] == [1001, 1002, 1003]
    assert isinstance(items[1], FailedFrame)
    assert isinstance(items[1].error, InputUnreadable)
    assert items[1].error.path == str(path)


def test_images_meet_by_pixel_coordinate_in_the_display_window(
    tmp_path: Path, make_shot: MakeShot, write_exr: WriteImage
) -> None:
    shot = make_shot(tmp_path, frames=1, overscan_px=4)
    whole = read_image(shot.clean).pixels
    # The same pixels in a file whose display window begins elsewhere and that is cropped.
    data, display = Window(110, 205, 20, 10), Window(100, 200, 56, 40)
    write_exr(Path(shot.clean), whole[9:19, 14:34], data_window=data, display_window=display)
    found = reader(shot).read(1001)
    covered = found.coverage[..., 0] == 1
    expected = np.zeros((48, 64), bool)
    expected[9:19, 14:34] = True
    assert (covered == expected).all()
    assert (found.clean[expected] == whole[expected]).all()
    assert (found.clean[~expected] == 0).all()


def test_the_format_is_that_of_the_shot_whatever_the_data_window(
    tmp_path: Path, make_shot: MakeShot, write_exr: WriteImage
) -> None:
    shot = make_shot(tmp_path, frames=2, overscan_px=4)
    found = reader(shot).read(1001)
    display = found.source.display_window
    assert found.plate.shape[:2] == (display.height + 8, display.width + 8)
    cropped = Window(display.x + 3, display.y + 5, 20, 10)
    path = Path(shot.plate.replace("####", "1002"))
    write_exr(path, found.plate[9:19, 7:27], data_window=cropped, display_window=display)
    again = reader(shot).read(1002)
    assert again.plate.shape[:2] == (10, 20)
    assert again.format_px == found.format_px == display.width * display.height


def test_plate_and_clean_plate_come_from_their_own_spaces_into_one(
    tmp_path: Path, make_shot: MakeShot
) -> None:
    shot = make_shot(tmp_path, frames=1)
    spaces = InputSettings(colorspace="ACEScg", clean_colorspace="lin_rec709_scene")
    found = reader(shot, MatteSettings(input=spaces)).read(1001)
    plate, clean = read_image(shot.plate.replace("####", "1001")), read_image(shot.clean)
    assert (found.plate == plate.pixels).all()
    assert not np.allclose(found.clean, clean.pixels, atol=1e-3)
    # White is the same in both: the three channels of grey stay equal and keep their level.
    level = clean.pixels.sum(axis=2) / 3
    assert np.abs(found.clean.mean(axis=2) - level).mean() < 0.02


@pytest.mark.parametrize("role", ["garbage", "core", "hint"])
def test_a_matte_says_nothing_of_a_frame_that_it_does_not_cover(
    tmp_path: Path, make_shot: MakeShot, write_exr: WriteImage, role: str
) -> None:
    path = tmp_path / "matte_in.exr"
    data, display = Window(8, 6, 20, 10), Window(0, 0, 64, 48)
    ones = np.ones((10, 20, 1), np.float32)
    write_exr(path, ones, channels=("A",), data_window=data, display_window=display)
    shot = replace(make_shot(tmp_path, frames=1), **{role: str(path)})
    matte = getattr(reader(shot).read(1001).mattes, role)
    assert matte[6:16, 8:28].min() == 1
    assert matte.sum() == 200

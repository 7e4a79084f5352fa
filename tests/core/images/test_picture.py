"""The small picture of a matte: what it shows, and how large it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

from platematte.errors import InputMissing, InputUnreadable
from platematte.images.picture import PICTURE_PX, write_alpha_picture
from platematte.images.window import Window

WriteImage = Callable[..., Path]


def show(path: Path) -> np.ndarray:
    """Return the PNG, H x W, 0 to 255."""
    source = oiio.ImageInput.open(str(path))
    assert source is not None
    pixels = source.read_image("uint8")
    source.close()
    assert pixels.shape[2] == 1
    return pixels[..., 0]


def matte(height: int, width: int, alpha: np.ndarray | float) -> np.ndarray:
    pixels = np.full((height, width, 4), 7.5, np.float32)
    pixels[..., 3] = alpha
    return pixels


def test_it_is_alpha_as_a_number_and_no_colour(tmp_path: Path, write_exr: WriteImage) -> None:
    exr = write_exr(tmp_path / "m.exr", matte(20, 30, 0.5), channels=("R", "G", "B", "A"))
    write_alpha_picture(exr, tmp_path / "small.png")
    picture = show(tmp_path / "small.png")
    assert picture.shape == (20, 30)
    assert set(np.unique(picture)) <= {127, 128}


def test_an_opaque_matte_is_white_and_not_its_colour(tmp_path: Path, write_exr: WriteImage) -> None:
    exr = write_exr(tmp_path / "m.exr", matte(20, 30, 1.0), channels=("R", "G", "B", "A"))
    write_alpha_picture(exr, tmp_path / "small.png")
    assert (show(tmp_path / "small.png") == 255).all()


def test_it_fits_its_box_and_keeps_the_proportions(tmp_path: Path, write_exr: WriteImage) -> None:
    exr = write_exr(tmp_path / "m.exr", matte(400, 1000, 1.0), channels=("R", "G", "B", "A"))
    write_alpha_picture(exr, tmp_path / "small.png")
    height, width = show(tmp_path / "small.png").shape
    assert (width, height) == (PICTURE_PX[0], 128)


def test_a_large_matte_is_averaged_and_stays_in_its_place(
    tmp_path: Path, write_exr: WriteImage
) -> None:
    alpha = np.zeros((1003, 2005), np.float32)
    alpha[:, :1002] = 1
    alpha[::2, 1503:] = 1
    exr = write_exr(tmp_path / "m.exr", matte(1003, 2005, alpha), channels=("R", "G", "B", "A"))
    write_alpha_picture(exr, tmp_path / "small.png")
    picture = show(tmp_path / "small.png").astype(int)
    assert picture.shape == (160, 320)
    assert (picture[:, :157] == 255).all()
    assert (picture[:, 164:236] <= 3).all()
    assert (abs(picture[:, 244:] - 128) <= 8).all()


def test_an_anamorphic_matte_is_as_wide_as_it_is_seen(
    tmp_path: Path, write_exr: WriteImage
) -> None:
    write_exr(
        tmp_path / "m.exr",
        matte(100, 100, 1.0),
        channels=("R", "G", "B", "A"),
        attributes={"PixelAspectRatio": 2.0},
    )
    write_alpha_picture(tmp_path / "m.exr", tmp_path / "small.png")
    assert show(tmp_path / "small.png").shape == (100, 200)


def test_overscan_is_cut_and_what_the_data_window_lacks_is_black(
    tmp_path: Path, write_exr: WriteImage
) -> None:
    alpha = np.zeros((40, 40), np.float32)
    alpha[10:, 10:] = 1
    exr = write_exr(
        tmp_path / "m.exr",
        matte(40, 40, alpha),
        channels=("R", "G", "B", "A"),
        data_window=Window(-10, -10, 40, 40),
        display_window=Window(0, 0, 60, 50),
    )
    write_alpha_picture(exr, tmp_path / "small.png")
    picture = show(tmp_path / "small.png")
    assert picture.shape == (50, 60)
    assert (picture[:30, :30] == 255).all()
    assert (picture[30:] == 0).all()
    assert (picture[:, 30:] == 0).all()


def test_a_new_one_takes_the_place_of_the_last(tmp_path: Path, write_exr: WriteImage) -> None:
    for alpha in (0.0, 1.0):
        exr = write_exr(tmp_path / "m.exr", matte(8, 8, alpha), channels=("R", "G", "B", "A"))
        write_alpha_picture(exr, tmp_path / "small.png")
    assert (show(tmp_path / "small.png") == 255).all()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.exr", "small.png"]


def test_a_file_without_alpha_and_one_that_is_not_there_are_named(
    tmp_path: Path, write_exr: WriteImage
) -> None:
    exr = write_exr(tmp_path / "plate.exr", np.zeros((4, 4, 3), np.float32))
    with pytest.raises(InputUnreadable, match="no alpha"):
        write_alpha_picture(exr, tmp_path / "small.png")
    with pytest.raises(InputMissing, match=r"gone\.exr"):
        write_alpha_picture(tmp_path / "gone.exr", tmp_path / "small.png")
    assert not (tmp_path / "small.png").exists()

"""The demo: the example shot, the version folders and the sheet."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest

from platematte.cli import demo, demo_sheet
from platematte.errors import InputMissing, OutputUnwritable
from platematte.images.read import read_image, readable_metadata
from platematte.images.sequence import Sequence
from platematte.images.window import Window
from platematte.shot import Shot


def test_every_run_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    folders = [demo._new_version(tmp_path / "out") for _ in range(3)]
    assert [folder.name for folder in folders] == ["v001", "v002", "v003"]
    assert all(folder.is_dir() for folder in folders)


def test_a_file_in_place_of_the_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputUnwritable) as caught:
        demo._new_version(tmp_path / "out")
    assert str(caught.value).startswith(str(tmp_path / "out") + ": ")
    assert "--out" in caught.value.fix


def test_the_example_is_found_in_the_package_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "core" / "platematte"
    for folder in (package / "example_shot", tmp_path / "examples" / "shot"):
        folder.mkdir(parents=True)
        (folder / "clean.exr").write_bytes(b"")
    monkeypatch.setattr(demo.platematte, "__file__", str(package / "__init__.py"))
    assert demo.find_example() == package / "example_shot"
    (package / "example_shot" / "clean.exr").unlink()
    assert demo.find_example() == tmp_path / "examples" / "shot"


def test_an_install_without_the_example_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo.platematte, "__file__", str(tmp_path / "a" / "b" / "__init__.py"))
    with pytest.raises(InputMissing):
        demo.find_example()


def test_the_example_is_a_hand_held_linear_shot_with_highlights() -> None:
    folder = demo.find_example()
    plates = Sequence.parse(folder / "plate.####.exr")
    assert plates.frames_on_disk() == (1001, 1002, 1003, 1004)
    for frame in plates.frames_on_disk():
        plate = read_image(plates.path(frame))
        assert plate.display_window == Window(0, 0, 640, 360)
        assert plate.colorspace_tag == "lin_rec709_scene"
        assert plate.rgb().max() > 1.5
        header = readable_metadata(plate.header)
        assert header["smpte:TimeCode"] == f"10:00:00:0{frame - 1001}"
        assert header["FramesPerSecond"].startswith("24/1")
    assert sum(file.stat().st_size for file in folder.iterdir()) < 6 * 2**20


def test_the_sheet_shows_five_pictures_of_every_frame(tmp_path: Path, write_exr) -> None:
    size = (18, 32)
    shot = Shot(
        plate=str(tmp_path / "plate.####.exr"),
        clean=str(tmp_path / "clean.exr"),
        out=str(tmp_path / "matte.####.exr"),
    )
    write_exr(Path(shot.clean), np.full((*size, 3), 0.2, np.float32))
    for frame in (7, 8):
        write_exr(tmp_path / f"plate.{frame:04d}.exr", np.full((*size, 3), 0.5, np.float32))
        matte = np.full((*size, 4), 0.5, np.float32)
        write_exr(tmp_path / f"matte.{frame:04d}.exr", matte, channels=("R", "G", "B", "A"))
    sheet = read_image(demo_sheet.make_sheet(shot, (7, 8), tmp_path / "sheet.png"))
    assert sheet.pixels.shape[1] == 5 * (32 + 12) + 12
    assert sheet.pixels.shape[0] >= 2 * 18


def test_the_new_background_is_the_same_every_time_and_brighter_than_white() -> None:
    first, second = (demo_sheet._evening_lights(90, 160) for _ in range(2))
    assert np.array_equal(first, second)
    assert first.max() > 1.0
    assert first.min() >= 0.0


@pytest.mark.slow
def test_the_demo_writes_every_frame_and_prints_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    demo.configure(parser)
    parsed = parser.parse_args(["--out", str(tmp_path), "--device", "cpu"])
    assert parsed.run(parsed) == 0
    printed = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert [path.name for path in printed] == [
        *(f"matte.{frame}.exr" for frame in range(1001, 1005)),
        "contact_sheet.png",
    ]
    assert all(path.parent == tmp_path / "v001" and path.is_file() for path in printed)
    alpha = read_image(printed[0]).matte()
    # The subject fills about a quarter of this frame.
    assert 0.15 < alpha.mean() < 0.35

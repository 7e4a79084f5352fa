"""`info` tells what is in a file, how it is understood, and which frames are missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

from platematte.cli.info import describe, print_report
from platematte.errors import InputMissing
from platematte.images.window import Window

WriteImage = Callable[..., Path]


@pytest.fixture
def plate(tmp_path: Path, write_exr: WriteImage) -> Path:
    pixels = np.zeros((6, 8, 4), np.float32)
    pixels[0, 0, 0], pixels[0, 1, 0], pixels[0, 2, 0] = np.nan, np.inf, -np.inf
    pixels[1, 1, 1], pixels[2, 2, 1] = 12.5, -0.25
    for frame in (1001, 1002, 1005):
        write_exr(
            tmp_path / f"p.{frame}.exr",
            pixels,
            ("R", "G", "B", "mist.Y"),
            data_window=Window(-1, -1, 8, 6),
            display_window=Window(0, 0, 6, 4),
            attributes={
                "smpte:TimeCode": (oiio.TypeTimeCode, (0x10203004, 0)),
                "FramesPerSecond": (oiio.TypeRational, (25, 1)),
            },
        )
    return tmp_path / "p.####.exr"


def test_the_report_holds_what_is_in_the_file(plate: Path) -> None:
    report = describe(str(plate))
    assert (report.kind, report.frames, report.holes) == (
        "sequence",
        (1001, 1002, 1005),
        "1003-1004",
    )
    assert report.data_window == Window(-1, -1, 8, 6)
    assert report.display_window == Window(0, 0, 6, 4)
    assert report.layers == {"": ("R", "G", "B"), "mist": ("Y",)}
    red, green = report.channels[0], report.channels[1]
    assert (red.nan_count, red.inf_count, red.channel_type) == (1, 2, "half")
    assert (green.minimum, green.maximum) == (-0.25, 12.5)
    assert report.timecode == "10:20:30:04"
    assert report.frame_rate is not None and report.frame_rate.startswith("25")


def test_the_colour_space_comes_with_its_reason(
    plate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OCIO", raising=False)
    report = describe(str(plate))
    assert report.colorspace == report.working_space == "ACEScg"
    assert "EXR" in report.colorspace_reason


def test_the_printed_report_shows_holes_windows_and_bad_values(
    plate: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_report(describe(str(plate)))
    printed = capsys.readouterr().out
    for text in ("1003-1004", "8x6-1-1", "1 NaN, 2 Inf", "10:20:30:04", "mist: Y"):
        assert text in printed


def test_a_channel_without_any_number_has_no_range(tmp_path: Path, write_exr: WriteImage) -> None:
    path = write_exr(tmp_path / "a.exr", np.full((2, 2, 3), np.nan, np.float32))
    assert describe(str(path)).channels[0].minimum is None
    print_report(describe(str(path)))


def test_a_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputMissing):
        describe(str(tmp_path / "no.exr"))

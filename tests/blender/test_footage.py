"""What a path means: a still, a sequence with its holes, a movie; and the frame rate of an EXR."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import pytest

from blender_addon.exr_file import read_frame_rate
from blender_addon.footage import Kind, find_footage
from platematte_client.errors import PlateMatteError

MOVIES = {".mov", ".mp4"}


def _touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).write_bytes(b"")
    return folder / names[0]


def test_any_frame_of_a_sequence_leads_to_all_of_it(tmp_path: Path) -> None:
    _touch(
        tmp_path, "plate.1001.exr", "plate.1002.exr", "plate.1003.exr", "plate.exr", "x.1004.exr"
    )
    for name in ("plate.1001.exr", "plate.1003.exr", "plate.####.exr", "plate.%04d.exr"):
        found = find_footage(str(tmp_path / name), MOVIES)
        assert (found.kind, found.path) == (Kind.SEQUENCE, tmp_path / "plate.1001.exr")
        assert found.frames == (1001, 1002, 1003)
        assert found.describe_holes() == ""


def test_holes_are_named(tmp_path: Path) -> None:
    last = _touch(tmp_path, "p.0012.exr", "p.0007.exr", "p.0008.exr", "p.0010.exr")
    found = find_footage(str(last), MOVIES)
    assert found.holes == (9, 11)
    assert found.describe_holes() == f"{tmp_path}: 2 frames are missing: 9,11"
    (tmp_path / "p.0009.exr").write_bytes(b"")
    assert "1 frame is missing: 11" in find_footage(str(last), MOVIES).describe_holes()


def test_frames_are_those_that_blender_would_look_for(tmp_path: Path) -> None:
    # Blender writes numbers with as many digits as the first frame has, and more when it must.
    _touch(tmp_path, "p.098.exr", "p.099.exr", "p.100.exr", "p.1000.exr", "p.7.exr", "p.0101.exr")
    for name in ("p.098.exr", "p.100.exr", "p.1000.exr"):
        assert find_footage(str(tmp_path / name), MOVIES).frames == (98, 99, 100, 1000)
    _touch(tmp_path, "a8.png", "a9.png", "a10.png")
    assert find_footage(str(tmp_path / "a10.png"), MOVIES).frames == (8, 9, 10)


def test_a_version_is_no_frame_number(tmp_path: Path) -> None:
    still = _touch(tmp_path, "clean_v002.exr", "clean_v001.exr", "clean_v003.exr")
    found = find_footage(str(still), MOVIES)
    assert (found.kind, found.path, found.frames) == (Kind.STILL, still, ())
    plate = _touch(tmp_path, "plate_v002.1002.exr", "plate_v002.1001.exr", "plate_v001.1003.exr")
    assert find_footage(str(plate), MOVIES).frames == (1001, 1002)


def test_a_frame_without_others_is_a_still_with_its_number(tmp_path: Path) -> None:
    still = _touch(tmp_path, "clean.1001.exr", "clean.1002.png", "clean.x.exr")
    found = find_footage(str(still), MOVIES)
    assert (found.kind, found.path, found.frames) == (Kind.STILL, still, (1001,))


def test_a_movie_is_known_by_its_ending_in_any_case(tmp_path: Path) -> None:
    movie = _touch(tmp_path, "take_0001.MOV", "take_0002.MOV")
    assert find_footage(str(movie), MOVIES).kind is Kind.MOVIE


def test_what_is_not_there_is_told_with_its_path(tmp_path: Path) -> None:
    for name, words in (
        ("no.exr", "there is no such file"),
        ("no.####.exr", "there is no frame of that name"),
        ("", "this is a folder"),
    ):
        with pytest.raises(PlateMatteError, match=words) as caught:
            find_footage(str(tmp_path / name), MOVIES)
        assert str(tmp_path) in str(caught.value)
        assert "Choose a movie" in caught.value.fix


def _header(*attributes: tuple[str, str, bytes]) -> bytes:
    parts = [b"\x76\x2f\x31\x01\x02\0\0\0"]
    window = ("dataWindow", "box2i", struct.pack("<4i", 0, 0, 9, 9))
    for name, kind, value in (*attributes, window):
        parts += [name.encode(), b"\0", kind.encode(), b"\0", struct.pack("<i", len(value)), value]
    return b"".join(parts) + b"\0"


@pytest.mark.parametrize("name", ["framesPerSecond", "FramesPerSecond"])
def test_the_frame_rate_is_read_from_the_header(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.exr"
    rate = struct.pack("<iI", 24000, 1001)
    path.write_bytes(_header(("owner", "string", b"me"), (name, "rational", rate)))
    assert read_frame_rate(path) == Fraction(24000, 1001)


def test_no_frame_rate_is_made_up(tmp_path: Path) -> None:
    path = tmp_path / "a.exr"
    zero = ("framesPerSecond", "rational", struct.pack("<iI", 0, 0))
    wrong = ("framesPerSecond", "float", struct.pack("<f", 24))
    whole = _header(("framesPerSecond", "rational", struct.pack("<iI", 25, 1)))
    for content in (b"", b"\x89PNG", _header(), _header(zero), _header(wrong), whole[:40]):
        path.write_bytes(content)
        assert read_frame_rate(path) is None
    path.write_bytes(_header(("x", "y", b""))[:-1] + b"z\0w\0\xff\xff\xff\x7f")
    assert read_frame_rate(path) is None
    assert read_frame_rate(tmp_path / "missing.exr") is None

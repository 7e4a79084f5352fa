"""Frame ranges and patterns mean what Nuke means by them, and gaps are told as ranges."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platematte.errors import InputMissing, UsageInvalid
from platematte.images.sequence import Sequence, format_frames, parse_frames


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True, parents=True)
    for name in names:
        (folder / name).touch()


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("7", (7,)),
        ("1001-1004", (1001, 1002, 1003, 1004)),
        ("1001-1007x3,1150", (1001, 1004, 1007, 1150)),
        ("5,1-3,2", (1, 2, 3, 5)),
        ("-3--1", (-3, -2, -1)),
        ("-1-1", (-1, 0, 1)),
        ("1004-1001", (1001, 1002, 1003, 1004)),
    ],
)
def test_a_range_means_its_frames_ascending_and_once(text: str, frames: tuple[int, ...]) -> None:
    assert parse_frames(text) == frames


@pytest.mark.parametrize(
    "text", ["", "a", "1-", "1,,2", "1001-10x", "1-5x0", "1.5-2", "1-10:3", "1-10y3", "1-999999999"]
)
def test_a_bad_range_is_refused_in_one_plain_sentence(text: str) -> None:
    with pytest.raises(UsageInvalid) as caught:
        parse_frames(text)
    assert "\n" not in str(caught.value) and "(?" not in str(caught.value)
    assert caught.value.fix


@given(st.sets(st.integers(-300, 20000), min_size=1, max_size=40))
def test_format_and_parse_are_each_others_inverse(frames: set[int]) -> None:
    assert parse_frames(format_frames(frames)) == tuple(sorted(frames))


@given(st.integers(-99999, 999999), st.integers(1, 6))
def test_every_frame_number_finds_its_own_file_again(frame: int, padding: int) -> None:
    hashes = Sequence.parse(f"/show/plate.{'#' * padding}.exr")
    printf = Sequence.parse(f"/show/plate.%0{padding}d.exr")
    assert hashes.path(frame) == printf.path(frame) == Path(f"/show/plate.{frame:0{padding}d}.exr")


def test_the_folder_is_searched_for_this_padding_only(tmp_path: Path) -> None:
    touch(tmp_path, "p.1001.exr", "p.0007.exr", "p.-012.exr", "p.10000.exr")
    touch(tmp_path, "p.8.exr", "p.00009.exr", "q.1002.exr", ".p.1003.exr.7.tmp.exr", "p.1004.tif")
    found = (-12, 7, 1001, 10000)
    assert Sequence.parse(tmp_path / "p.####.exr").frames_on_disk() == found
    assert Sequence.parse(str(tmp_path / "p.%04d.exr")).frames_on_disk() == found


def test_names_with_brackets_are_not_taken_for_globs(tmp_path: Path) -> None:
    touch(tmp_path / "[sh]#1", "a[1]+.1001.exr")
    assert Sequence.parse(tmp_path / "[sh]#1" / "a[1]+.####.exr").frames_on_disk() == (1001,)


def test_one_file_of_a_numbered_sequence_is_only_itself(tmp_path: Path) -> None:
    touch(tmp_path, "p.1001.exr", "p.1002.exr")
    still = Sequence.parse(tmp_path / "p.1002.exr")
    assert still.is_still and not still.is_movie
    assert still.frames_on_disk() == (1002,)
    assert still.path(5) == tmp_path / "p.1002.exr"
    still.require(range(1, 100))


def test_a_version_number_is_not_a_frame_number(tmp_path: Path) -> None:
    touch(tmp_path, "clean_v012.exr")
    assert Sequence.parse(tmp_path / "clean_v012.exr").frames_on_disk() == (1,)


def test_movies_are_known_by_their_ending() -> None:
    assert Sequence.parse("a/plate.MOV").is_movie
    assert not Sequence.parse("a/plate.exr").is_movie


def test_missing_frames_are_named_as_ranges(tmp_path: Path) -> None:
    touch(tmp_path, *(f"p.{frame}.exr" for frame in (1001, 1002, 1006, 1008)))
    sequence = Sequence.parse(tmp_path / "p.####.exr")
    sequence.require([1001, 1006])
    with pytest.raises(InputMissing, match=r"4 of 8 frames missing: 1003-1005,1007") as caught:
        sequence.require(range(1001, 1009))
    assert caught.value.path == str(tmp_path / "p.####.exr")


def test_a_sequence_that_is_not_there_names_the_nearest_files(tmp_path: Path) -> None:
    touch(tmp_path, "sh010_plate.1001.exr")
    with pytest.raises(InputMissing, match=r"nearest in the folder: sh010_plate\.1001\.exr"):
        Sequence.parse(tmp_path / "sh010_plte.####.exr").require([1001])


def test_a_folder_or_a_missing_folder_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(InputMissing, match="this is a folder"):
        Sequence.parse(tmp_path).require([1])
    with pytest.raises(InputMissing, match="there is no folder"):
        Sequence.parse(tmp_path / "no" / "p.####.exr").require([1])


@pytest.mark.parametrize("pattern", ["", "p.####.%04d.exr", "p#.####.exr"])
def test_a_name_without_one_clear_frame_field_is_refused(pattern: str) -> None:
    with pytest.raises(UsageInvalid):
        Sequence.parse(pattern)

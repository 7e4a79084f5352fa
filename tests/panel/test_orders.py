"""Lists of shots, patterns of files, guesses by names: all without Qt."""

from __future__ import annotations

from pathlib import Path

import pytest

from platematte_panel.orders import ListInvalid, Order, read_list
from platematte_panel.patterns import describe_range, frames_of, guess_shot, pattern_of


def make_files(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def test_a_list_has_plate_clean_and_range_a_line(tmp_path: Path) -> None:
    path = tmp_path / "shots.txt"
    path.write_text(
        "\ufeff# two shots\n"
        "/s/sh010/plate.%04d.exr /s/sh010/clean.exr 1001-1100\n"
        "\n"
        '"sh 020/plate é.####.exr" "sh 020/clean.exr" all /out/sh020\n'
        "/s/a.####.exr /s/b.exr\n",
        encoding="utf-8",
    )
    assert read_list(path) == [
        Order("/s/sh010/plate.%04d.exr", "/s/sh010/clean.exr", frames="1001-1100"),
        Order(
            (tmp_path / "sh 020/plate é.####.exr").as_posix(),
            (tmp_path / "sh 020/clean.exr").as_posix(),
            out="/out/sh020",
        ),
        Order("/s/a.####.exr", "/s/b.exr"),
    ]


def test_one_wrong_line_refuses_the_whole_list_and_is_named(tmp_path: Path) -> None:
    path = tmp_path / "shots.txt"
    path.write_text("/s/a.exr /s/b.exr 1-10\n/s/a.exr\n/s/a.exr /s/b.exr ten\n")
    with pytest.raises(ListInvalid) as caught:
        read_list(path)
    text = str(caught.value)
    assert str(path) in text
    assert "line 2: 1 words instead of 2 to 4" in text
    assert "line 3: 'ten' is not a frame range" in text
    assert "plate clean first-last" in text


def test_a_list_that_is_empty_missing_or_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("# nothing\n")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    for name, words in (("empty", "no shot"), ("binary", "cannot be read"), ("gone", "No such")):
        with pytest.raises(ListInvalid, match=words):
            read_list(tmp_path / (name + ".txt"))


def test_a_file_stands_for_its_sequence_and_a_still_for_itself(tmp_path: Path) -> None:
    make_files(tmp_path, "plate.1001.exr", "plate.1002.exr", "clean.0001.exr", "a_12.exr", "m.mov")
    assert pattern_of(tmp_path / "plate.1002.exr") == (tmp_path / "plate.####.exr").as_posix()
    for name in ("clean.0001.exr", "a_12.exr", "m.mov"):
        assert pattern_of(tmp_path / name) == (tmp_path / name).as_posix()


def test_frames_are_those_with_at_least_the_digits_of_the_pattern(tmp_path: Path) -> None:
    make_files(tmp_path, "p.1001.exr", "p.1003.exr", "p.12.exr", "p.10000.exr", "p.1001.jpg")
    pattern = (tmp_path / "p.%04d.exr").as_posix()
    assert frames_of(pattern) == [1001, 1003, 10000]
    assert describe_range(pattern) == "1001-10000 (3 frames)"
    assert describe_range((tmp_path / "p.mov").as_posix()) == "all"
    assert describe_range("/nowhere/p.####.exr") == "all"


def test_a_whole_sequence_is_told_by_its_ends(tmp_path: Path) -> None:
    make_files(tmp_path, "p.1001.exr", "p.1002.exr", "p.1003.exr")
    assert describe_range((tmp_path / "p.####.exr").as_posix()) == "1001-1003"


@pytest.mark.parametrize(
    ("names", "plate", "clean"),
    [
        (("plate.1001.exr", "plate.1002.exr", "clean.exr"), "plate.####.exr", "clean.exr"),
        (("x.1.exr", "x.2.exr", "x_cleanplate.exr"), "x.#.exr", "x_cleanplate.exr"),
        (("plates/a.1.exr", "plates/a.2.exr", "clean/b.exr"), "plates/a.#.exr", "clean/b.exr"),
        (("plate.mov", "clean.mov", "notes.txt"), "plate.mov", "clean.mov"),
        (("a.exr", "b.exr"), None, None),
        (("plate1.exr", "plate2.exr", "clean.exr"), None, "clean.exr"),
    ],
)
def test_plate_and_clean_plate_are_told_apart_by_their_names(
    tmp_path: Path, names: tuple[str, ...], plate: str | None, clean: str | None
) -> None:
    folder = tmp_path / "shot"
    make_files(folder, *names)
    found = guess_shot([folder])
    wanted = [None if name is None else (folder / name).as_posix() for name in (plate, clean)]
    assert list(found) == wanted


def test_a_shot_is_named_for_its_folder_and_plate_and_goes_beside_it() -> None:
    order = Order("/show/sh010/plate.####.exr", "/c.exr", garbage="/g.exr")
    assert order.name == "sh010/plate"
    assert order.folder == Path("/show/sh010/platematte")
    assert order.as_shot("/o.####.exr") == {
        "plate": "/show/sh010/plate.####.exr",
        "clean": "/c.exr",
        "out": "/o.####.exr",
        "garbage": "/g.exr",
    }

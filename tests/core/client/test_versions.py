"""Version folders: made once, read by the names of their files, deleted without others' files."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from platematte_client import versions
from platematte_client.errors import PlateMatteError


def make_files(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("content")
    return folder


def test_versions_count_on_from_the_highest(tmp_path: Path) -> None:
    for name in ("v001", "v007", "v1", "vx", "notes"):
        (tmp_path / name).mkdir()
    make_files(tmp_path, "v008")
    assert versions.make_version(tmp_path) == (9, tmp_path / "v009")
    assert versions.list_versions(tmp_path) == [1, 7, 8, 9]


def test_the_thousandth_version_is_found_again(tmp_path: Path) -> None:
    (tmp_path / "v999").mkdir()
    assert [versions.make_version(tmp_path)[0] for _ in range(2)] == [1000, 1001]
    assert versions.list_versions(tmp_path) == [999, 1000, 1001]


def test_the_cache_folder_is_made_where_there_is_none(tmp_path: Path) -> None:
    cache = tmp_path / "a" / "b"
    assert versions.list_versions(cache) == []
    assert versions.make_version(cache) == (1, cache / "v001")
    assert (cache / "v001").is_dir()


def test_a_version_that_another_program_made_just_now_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "v001").mkdir()
    # As if it had been made after the look into the folder.
    monkeypatch.setattr(Path, "iterdir", lambda _folder: iter(()))
    assert versions.make_version(tmp_path) == (2, tmp_path / "v002")


def test_some_that_ask_at_once_never_get_the_same_version(tmp_path: Path) -> None:
    found: list[int] = []
    threads = [
        threading.Thread(
            target=lambda: found.extend(versions.make_version(tmp_path)[0] for _ in range(20))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(1, 81))


def test_a_cache_folder_that_cannot_be_made_is_told_with_its_path(tmp_path: Path) -> None:
    make_files(tmp_path, "file")
    with pytest.raises(PlateMatteError, match="Choose another cache folder") as caught:
        versions.make_version(tmp_path / "file" / "cache")
    assert caught.value.reason.startswith(str(tmp_path / "file" / "cache") + ": ")


def test_frames_keep_their_numbers_below_zero_and_above_four_digits(tmp_path: Path) -> None:
    folder = make_files(
        tmp_path / "v001",
        *("matte.-100.exr", "matte.-001.exr", "matte.0000.exr", "matte.1001.exr"),
        *("matte.123456.exr", "matte.12.exr", "matte.1002.exr.tmp", "matte.1003.png", "job.json"),
    )
    assert versions.frames_in(folder) == (-100, -1, 0, 1001, 123456)
    assert [versions.PATTERN % frame for frame in (-1, 7)] == ["matte.-001.exr", "matte.0007.exr"]


def test_a_folder_that_is_gone_has_no_frames(tmp_path: Path) -> None:
    assert versions.frames_in(tmp_path / "v001") == ()
    assert versions.read_record(tmp_path / "v001") is None


def test_a_frame_counts_when_it_is_finished_in_all_views(tmp_path: Path) -> None:
    folder = make_files(
        tmp_path,
        *("matte.left.1001.exr", "matte.left.1002.exr", "matte.left.-003.exr"),
        *("matte.right.1001.exr", "matte.right.-003.exr"),
    )
    assert versions.pattern_for(("left", "right")) == versions.PATTERN_OF_VIEWS
    assert versions.pattern_for(("main",)) == versions.PATTERN
    assert versions.views_in(folder) == ("left", "right")
    assert versions.frames_in(folder) == (-3, 1001)


def test_a_view_that_the_record_names_and_that_has_no_file_yet_has_no_frame(
    tmp_path: Path,
) -> None:
    folder = make_files(tmp_path, "matte.left.1001.exr")
    versions.write_record(folder, {"views": ["left", "right"]})
    assert versions.views_in(folder) == ("left", "right")
    assert versions.frames_in(folder) == ()


def test_a_record_is_read_as_it_was_written_and_ascii_on_disk(tmp_path: Path) -> None:
    record = {"node": "hero", "plate": "Aufnahme é 猫.exr", "frames": [-1, 1001], "held": None}
    path = versions.write_record(tmp_path, record)
    assert versions.read_record(tmp_path) == record
    assert path.read_bytes().isascii()
    assert [entry.name for entry in tmp_path.iterdir()] == [versions.RECORD]


def test_a_record_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions.write_record(tmp_path, {"version": "old"})

    def fill_up(path: Path, text: str, encoding: str) -> None:
        with path.open("w", encoding=encoding) as file:
            file.write(text[:3])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", fill_up)
    with pytest.raises(OSError, match="No space left"):
        versions.write_record(tmp_path, {"version": "new"})
    assert versions.read_record(tmp_path) == {"version": "old"}


@pytest.mark.parametrize("text", ["", "{", "[1]", "\udcff"])
def test_a_record_that_is_no_record_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / versions.RECORD).write_text(text, encoding="utf-8", errors="surrogateescape")
    assert versions.read_record(tmp_path) is None


def test_a_version_is_deleted_whole(tmp_path: Path) -> None:
    folder = make_files(
        tmp_path / "v001",
        *("matte.1001.exr", "matte.-001.exr", "matte.left.1001.exr"),
        *("thumbnail.png", "settings.json", "inputs/plate.1001.exr", "inputs/plate.1002.exr.tmp"),
    )
    versions.write_record(folder, {})
    versions.delete_version(folder)
    assert not folder.exists()


def test_files_of_others_are_left_where_they_are(tmp_path: Path) -> None:
    kept = ("notes.txt", "matte.1001.exr.bak", "comp.1001.exr", "inputs/mine.mov", "mine/a.exr")
    folder = make_files(tmp_path / "v001", "matte.1001.exr", "inputs/plate.1001.exr", *kept)
    versions.delete_version(folder)
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert left == set(kept)


def test_what_cannot_be_deleted_is_told_and_abandoned_without_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_files(tmp_path / "v001", "matte.1001.exr")

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        with pytest.raises(PlateMatteError, match=r"Permission denied.*by hand") as caught:
            versions.delete_version(folder)
        versions.abandon(folder)
    assert str(folder) in str(caught.value)
    assert (folder / "matte.1001.exr").is_file()
    versions.abandon(folder)
    assert not folder.exists()


def test_the_inputs_go_and_the_frames_stay(tmp_path: Path) -> None:
    folder = make_files(tmp_path / "v001", "matte.1001.exr", "inputs/plate.1001.exr")
    versions.remove_inputs(folder)
    versions.remove_inputs(folder)
    assert [path.name for path in folder.iterdir()] == ["matte.1001.exr"]


def test_a_folder_with_something_in_it_stays(tmp_path: Path) -> None:
    make_files(tmp_path, "full/mine.txt")
    (tmp_path / "empty").mkdir()
    for name in ("full", "empty"):
        versions.remove_if_empty(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["full"]

"""Shots on disk as rows: the queue on one engine, versions, cancel, retry, stale. Without Qt."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted import ScriptedEngine, failed, wait

from platematte_panel.orders import Order
from platematte_panel.rows import CANCELLED, DONE, FAILED, NEW, RUNNING, STALE, WAITING, Row
from platematte_panel.shot_files import ShotFiles


class Desk:
    """Shots over a scripted engine; calls of the worker run when the test waits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine = ScriptedEngine()
        self._calls: queue.Queue[Callable[[], None]] = queue.Queue()
        self.shots = ShotFiles(self.engine, {"output": {"layers": []}}, self._calls.put)  # type: ignore[arg-type]

    def add(self, name: str) -> str:
        """Add a shot with files on disk and return its key."""
        shot = self.folder / name
        shot.mkdir()
        for file in ("plate.1001.exr", "plate.1002.exr", "clean.exr"):
            (shot / file).write_bytes(b"1")
        self.shots.add(Order((shot / "plate.####.exr").as_posix(), (shot / "clean.exr").as_posix()))
        return self.shots.rows()[-1].key

    def row(self, key: str) -> Row:
        while not self._calls.empty():
            self._calls.get()()
        return next(row for row in self.shots.rows() if row.key == key)

    def until(self, key: str, state: str) -> Row:
        wait(lambda: self.row(key).state == state)
        return self.row(key)

    def frames(self, count: int) -> None:
        """Let the engine finish so many frames."""
        for _ in range(count):
            self.engine.gate.release()

    def written(self, name: str) -> list[str]:
        root = self.folder / name / "platematte"
        return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.shots.close()


def test_shots_run_one_after_the_other_on_one_engine(desk: Desk) -> None:
    first, second = desk.add("sh010"), desk.add("sh020")
    desk.shots.start([first, second])
    desk.until(first, RUNNING)
    assert desk.row(second).state == WAITING
    desk.frames(6)
    desk.until(second, DONE)
    assert desk.row(first).state == DONE
    assert desk.engine.most_at_once == 1
    assert [Path(job.shot["plate"]).parent.name for job in desk.engine.jobs] == ["sh010", "sh020"]


def test_a_run_is_counted_and_its_time_left_comes_with_the_second_frame(desk: Desk) -> None:
    key = desk.add("sh010")
    assert (desk.row(key).state, desk.row(key).frames) == (NEW, "1001-1002")
    desk.shots.start([key])
    wait(lambda: desk.row(key).total == 3)
    assert desk.row(key).seconds_left is None
    desk.frames(1)
    wait(lambda: desk.row(key).done == 1)
    assert desk.row(key).seconds_left is None
    desk.frames(1)
    wait(lambda: desk.row(key).done == 2)
    assert desk.row(key).seconds_left == pytest.approx(1.0)


def test_every_run_goes_to_a_new_version_and_overwrites_nothing(desk: Desk) -> None:
    key = desk.add("sh010")
    for version in ("v001", "v002"):
        desk.shots.start([key])
        desk.frames(3)
        wait(lambda version=version: desk.row(key).folder.endswith(version))  # type: ignore[misc]
        desk.until(key, DONE)
    frames = ["matte.1001.exr", "matte.1002.exr", "matte.1003.exr"]
    wanted = [f"{version}/{frame}" for version in ("v001", "v002") for frame in frames]
    assert desk.written("sh010") == sorted(["v001", "v002", *wanted])
    assert {job.existing for job in desk.engine.jobs} == {"refuse"}


def test_cancel_keeps_finished_frames_and_the_queue_goes_on(desk: Desk) -> None:
    first, second = desk.add("sh010"), desk.add("sh020")
    desk.shots.start([first, second])
    desk.frames(1)
    wait(lambda: desk.row(first).done == 1)
    desk.shots.stop([first])
    row = desk.until(first, CANCELLED)
    assert desk.written("sh010") == ["v001", "v001/matte.1001.exr"]
    assert (row.done, row.total, Path(row.folder).name) == (1, 3, "v001")
    desk.frames(3)
    desk.until(second, DONE)


def test_a_shot_that_waits_is_cancelled_without_a_trace(desk: Desk) -> None:
    first, second = desk.add("sh010"), desk.add("sh020")
    desk.shots.start([first, second])
    desk.shots.stop([second])
    desk.until(second, CANCELLED)
    desk.frames(3)
    desk.until(first, DONE)
    assert not (desk.folder / "sh020" / "platematte").exists()
    assert len(desk.engine.jobs) == 1


def test_a_failure_keeps_its_reason_and_leaves_no_empty_version(desk: Desk) -> None:
    first, second = desk.add("sh010"), desk.add("sh020")
    clean = (desk.folder / "sh010" / "clean.exr").as_posix()
    plate = (desk.folder / "sh010" / "plate.####.exr").as_posix()
    desk.engine.fails[plate] = failed("clean-unusable", "it is the plate", clean, "Shoot another.")
    desk.shots.start([first, second])
    desk.frames(3)
    desk.until(second, DONE)
    row = desk.row(first)
    assert row.state == FAILED
    assert row.reason.splitlines() == ["clean.exr: it is the plate", clean, "Shoot another."]
    assert (row.folder, desk.written("sh010")) == ("", [])


def test_a_failed_shot_that_runs_again_forgets_its_reason(desk: Desk) -> None:
    key = desk.add("sh010")
    plate = (desk.folder / "sh010" / "plate.####.exr").as_posix()
    desk.engine.fails[plate] = failed("error", "no luck")
    desk.shots.start([key])
    desk.until(key, FAILED)
    desk.engine.fails.clear()
    desk.shots.start([key])
    assert (desk.row(key).state, desk.row(key).reason) in ((WAITING, ""), (RUNNING, ""))
    desk.frames(3)
    assert desk.until(key, DONE).reason == ""


def test_a_run_without_a_frame_leaves_the_version_before_to_be_opened(desk: Desk) -> None:
    key, other = desk.add("sh010"), desk.add("sh020")
    desk.shots.start([key])
    desk.frames(3)
    desk.until(key, DONE)
    plate = (desk.folder / "sh010" / "plate.####.exr").as_posix()
    desk.engine.fails[plate] = failed("error", "no luck")
    desk.shots.start([key])
    row = desk.until(key, FAILED)
    assert Path(row.folder).name == "v001"
    desk.shots.start([other, key])
    desk.shots.stop([key])
    assert Path(desk.until(key, CANCELLED).folder).name == "v001"


def test_a_fault_of_ours_fails_one_shot_and_no_other(desk: Desk) -> None:
    first, second = desk.add("sh010"), desk.add("sh020")
    plate = (desk.folder / "sh010" / "plate.####.exr").as_posix()
    desk.engine.fails[plate] = ZeroDivisionError("oops")
    desk.shots.start([first, second])
    desk.frames(3)
    desk.until(second, DONE)
    assert desk.row(first).reason.startswith("internal error: ZeroDivisionError: oops")


def test_warnings_are_kept_when_all_is_done(desk: Desk) -> None:
    key = desk.add("sh010")
    plate = (desk.folder / "sh010" / "plate.####.exr").as_posix()
    desk.engine.warnings[plate] = "it clips"
    desk.shots.start([key])
    desk.frames(3)
    assert desk.until(key, DONE).reason == "frame 1001: it clips"


def test_a_folder_that_cannot_be_written_to_fails_its_shot_only(desk: Desk) -> None:
    first, second = desk.add("sh010"), desk.add("sh020")
    (desk.folder / "sh010" / "platematte").write_text("a file in the way")
    desk.shots.start([first, second])
    desk.frames(3)
    desk.until(second, DONE)
    told, fix = desk.row(first).reason.splitlines()
    assert told.startswith(str(desk.folder / "sh010" / "platematte") + ": ")
    assert "no version folder can be made" in told
    assert fix.startswith("Choose another folder for the result")


def test_inputs_that_are_written_again_make_a_matte_stale(desk: Desk) -> None:
    key = desk.add("sh010")
    desk.shots.start([key])
    desk.frames(3)
    desk.until(key, DONE)
    desk.shots.refresh()
    assert desk.row(key).state == DONE
    (desk.folder / "sh010" / "plate.1002.exr").write_bytes(b"another picture")
    desk.shots.refresh()
    assert (desk.row(key).state, desk.row(key).reason) == (STALE, "plate changed since")


def test_a_shot_that_runs_is_neither_started_twice_nor_removed(desk: Desk) -> None:
    key = desk.add("sh010")
    desk.shots.start([key])
    desk.shots.start([key, "nobody"])
    desk.shots.remove([key])
    desk.frames(3)
    desk.until(key, DONE)
    assert len(desk.engine.jobs) == 1
    desk.shots.remove([key])
    assert desk.shots.rows() == []
    assert desk.written("sh010") != []


def test_the_job_asks_for_a_picture_beside_its_frames(desk: Desk) -> None:
    key = desk.add("sh010")
    desk.shots.start([key])
    desk.frames(3)
    row = desk.until(key, DONE)
    (job,) = desk.engine.jobs
    assert job.thumbnail == (Path(row.folder) / "thumbnail.png").as_posix()
    assert Path(job.shot["out"]).parent == Path(row.folder)
    assert job.settings == {"output": {"layers": []}}


def test_folders_lists_and_files_are_added_and_doubts_are_told(desk: Desk) -> None:
    for name in ("sh010", "sh020"):
        desk.add(name)
    desk.shots.remove([row.key for row in desk.shots.rows()])
    listed = desk.folder / "shots.txt"
    listed.write_text("sh010/plate.####.exr sh010/clean.exr 1001-1002\n")
    bad = desk.folder / "bad.txt"
    bad.write_text("one\n")
    doubtful = desk.folder / "doubtful"
    doubtful.mkdir()
    (doubtful / "a.exr").write_bytes(b"")
    paths = [listed, bad, desk.folder / "sh010", desk.folder / "sh020", doubtful]
    problems = desk.shots.add_paths([str(path) for path in paths])
    assert [row.name for row in desk.shots.rows()] == ["sh010/plate", "sh010/plate", "sh020/plate"]
    assert len(problems) == 2
    assert "bad.txt" in problems[0]
    assert "doubtful" in problems[1] and "clean plate" in problems[1]


def test_plate_and_clean_plate_dropped_together_are_one_shot(desk: Desk) -> None:
    desk.add("sh010")
    desk.shots.remove([desk.shots.rows()[0].key])
    shot = desk.folder / "sh010"
    problems = desk.shots.add_paths([str(shot / "plate.1002.exr"), str(shot / "clean.exr")])
    (row,) = desk.shots.rows()
    assert problems == []
    assert Path(row.plate).name == "plate.####.exr"
    assert Path(row.clean).name == "clean.exr"


def test_closing_cancels_all_and_ends_the_engine(desk: Desk) -> None:
    keys: list[Any] = [desk.add("sh010"), desk.add("sh020")]
    desk.shots.start(keys)
    desk.frames(1)
    wait(lambda: desk.row(keys[0]).done == 1)
    desk.shots.close()
    assert desk.engine.is_stopped
    assert desk.engine.running == 0
    assert len(desk.engine.jobs) == 1
    assert desk.written("sh010") == ["v001", "v001/matte.1001.exr"]

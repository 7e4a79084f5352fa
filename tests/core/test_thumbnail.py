"""When a job's thumbnail is made, and when not: it must not slow the frames down."""

from __future__ import annotations

from pathlib import Path

import pytest

import platematte.thumbnail
from platematte.errors import InputUnreadable, UsageInvalid
from platematte.progress import ProgressEvent
from platematte.thumbnail import Thumbnail


class Clock:
    """A clock that stands until a picture is made, which takes `cost` seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cost: float = 0.0) -> None:
        self.now, self.cost, self.made = 100.0, cost, list[str]()
        self.fails = False
        monkeypatch.setattr(platematte.thumbnail.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(platematte.thumbnail, "write_alpha_picture", self._make)

    def _make(self, matte: Path, path: Path) -> None:
        self.now += self.cost
        self.made.append(matte.name)
        if self.fails:
            raise InputUnreadable("no alpha", path=matte)


def frame(done: int, total: int = 100) -> ProgressEvent:
    return ProgressEvent("frame", 1000 + done, done, total, 1.0, "")


def test_frames_that_come_quickly_share_one(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, thumbnail = Clock(monkeypatch), Thumbnail("/t.png", "/o/m.####.exr")
    told = []
    for done in range(1, 6):
        told.append(thumbnail.after(frame(done)))
        clock.now += 0.9
    assert clock.made == ["m.1001.exr", "m.1004.exr"]
    assert told == ["/t.png", None, None, "/t.png", None]


def test_one_that_is_slow_is_made_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, thumbnail = Clock(monkeypatch, cost=1.0), Thumbnail("/t.png", "/o/m.####.exr")
    for done in range(1, 41):
        thumbnail.after(frame(done))
        clock.now += 1.0
    # One second in twenty.
    assert clock.made == ["m.1001.exr", "m.1020.exr", "m.1039.exr"]


def test_the_last_frame_always_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, thumbnail = Clock(monkeypatch), Thumbnail("/t.png", "/o/m.####.exr")
    assert [thumbnail.after(frame(done, 2)) for done in (1, 2)] == ["/t.png", "/t.png"]
    assert clock.made == ["m.1001.exr", "m.1002.exr"]


def test_one_that_cannot_be_made_is_not_told_and_waits_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, thumbnail = Clock(monkeypatch), Thumbnail("/t.png", "/o/m.####.exr")
    clock.fails = True
    assert [thumbnail.after(frame(done)) for done in (1, 2)] == [None, None]
    assert clock.made == ["m.1001.exr"]


def test_nothing_but_a_finished_frame_makes_one(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, thumbnail = Clock(monkeypatch), Thumbnail("/t.png", "/o/m.####.exr")
    for kind in ("start", "stage", "warning", "done"):
        assert thumbnail.after(ProgressEvent(kind, 1001, 2, 2, 1.0, "")) is None  # type: ignore[arg-type]
    assert Thumbnail(None, "/o/m.####.exr").after(frame(1)) is None
    assert clock.made == []


def test_a_path_that_is_no_png_is_refused() -> None:
    with pytest.raises(UsageInvalid, match="no PNG"):
        Thumbnail("/show/plate.1001.exr", "/o/m.####.exr")

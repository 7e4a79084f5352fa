"""A source of rows and an engine that do what a test says, and waiting for Qt."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from platematte_client.engine import EngineFailed
from platematte_client.messages import Failure, Matte, Progress
from platematte_panel.rows import CANCELLED, NEW, WAITING, Row
from platematte_panel.shots import Shots

PATIENCE_S = 60.0


class ScriptedShots(Shots):
    """Rows that the test sets; it remembers what was asked of it."""

    can_add = True
    can_reveal = True

    def __init__(self, *rows: Row) -> None:
        self.shown = list(rows)
        self.asked: list[tuple[str, Any]] = []
        self.problems: list[str] = []
        self.changed: Callable[[], None] = lambda: None

    def rows(self) -> list[Row]:
        return list(self.shown)

    def watch(self, changed: Callable[[], None]) -> None:
        self.changed = changed

    def set(self, key: str, **values: Any) -> None:
        """Change a row and tell the panel."""
        self.shown = [replace(row, **values) if row.key == key else row for row in self.shown]
        self.changed()

    def refresh(self) -> None:
        self.asked.append(("refresh", None))

    def start(self, keys: Any) -> None:
        self.asked.append(("start", list(keys)))
        for key in keys:
            self.set(key, state=WAITING, reason="")

    def stop(self, keys: Any) -> None:
        self.asked.append(("stop", list(keys)))
        for key in keys:
            self.set(key, state=CANCELLED)

    def reveal(self, key: str) -> None:
        self.asked.append(("reveal", key))
        if key == "gone":
            raise RuntimeError("the node gone is not there any more.")

    def add(self, order: Any) -> None:
        self.asked.append(("add", order))
        self.shown.append(Row(order.plate, order.name, state=NEW))

    def add_paths(self, paths: Any) -> list[str]:
        self.asked.append(("add_paths", list(paths)))
        return self.problems

    def remove(self, keys: Any) -> None:
        self.asked.append(("remove", list(keys)))
        self.shown = [row for row in self.shown if row.key not in keys]

    def close(self) -> None:
        self.asked.append(("close", None))


class ScriptedEngine:
    """Stands for platematte_client's Engine: `frames` frames a job, each when the test lets it."""

    def __init__(self, frames: int = 3) -> None:
        self.frames = frames
        self.gate = threading.Semaphore(0)
        """One release lets one frame of some job be finished."""
        self.jobs: list[Matte] = []
        self.fails: dict[str, Exception] = {}
        """What is raised for a plate."""
        self.warnings: dict[str, str] = {}
        self.running = 0
        self.most_at_once = 0
        self.is_stopped = False

    def run(
        self, job: Matte, on_progress: Callable[[Progress], None], is_cancelled: Callable[[], bool]
    ) -> None:
        self.jobs.append(job)
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        try:
            self._run(job, on_progress, is_cancelled)
        finally:
            self.running -= 1

    def _run(self, job: Matte, tell: Callable[[Progress], None], wants_end: Any) -> None:
        on_progress = tell
        if job.shot["plate"] in self.fails:
            raise self.fails[job.shot["plate"]]
        on_progress(Progress("stage", None, 0, 0, 0.0, "loads the weights", job.job))
        on_progress(Progress("start", None, 0, self.frames, 0.5, "", job.job))
        if job.shot["plate"] in self.warnings:
            told = self.warnings[job.shot["plate"]]
            on_progress(Progress("warning", 1001, 0, self.frames, 0.6, told, job.job))
        for number in range(1, self.frames + 1):
            while not self.gate.acquire(timeout=0.01):
                if wants_end() or self.is_stopped:
                    raise failed("cancelled", "cancelled; every finished frame is kept")
            out = Path(job.shot["out"])
            (out.parent / (out.name % (1000 + number))).write_bytes(b"a frame")
            on_progress(
                Progress("frame", 1000 + number, number, self.frames, float(number), "", job.job)
            )
        on_progress(Progress("done", None, self.frames, self.frames, 9.0, "", job.job))

    def stop(self) -> None:
        self.is_stopped = True


def failed(code: str, reason: str, path: str | None = None, fix: str = "") -> EngineFailed:
    """Return the error that the client raises for a job that ended badly."""
    return EngineFailed(Failure(code, reason, path, None, fix, 1))


def wait(until: Callable[[], Any], application: Any = None) -> None:
    """Wait until something holds, letting Qt live meanwhile; fails the test after a minute."""
    end = time.monotonic() + PATIENCE_S
    while not until():
        assert time.monotonic() < end, "waited in vain"
        if application is not None:
            application.processEvents()
        time.sleep(0.005)


def cells(panel: Any, number: int) -> dict[str, str]:
    """Return what a row shows, by the headings of its columns."""
    from platematte_panel.qt import Qt

    model = panel.model
    return {
        model.headerData(column, Qt.Orientation.Horizontal, int(Qt.ItemDataRole.DisplayRole)): (
            model.data(model.index(number, column), int(Qt.ItemDataRole.DisplayRole)) or ""
        )
        for column in range(model.columnCount())
    }

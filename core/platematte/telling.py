"""Keeps count of a job: what is finished, what failed, how long each stage took, who is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from platematte.errors import Cancelled, MatteError
from platematte.images.sequence import format_frames
from platematte.progress import Progress, ProgressEvent, guarded, ignore_progress

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class FailedFrame:
    """A frame that cannot be matted, and why."""

    frame: int
    error: MatteError


@dataclass
class ShotReport:
    """What became of a shot."""

    out: str
    """Pattern of the EXRs."""
    written: list[int] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)
    """Frames that an earlier run had finished."""
    failed: list[FailedFrame] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    """Wall seconds in each stage: load, study, read, prepare, network, temporal, solve, write;
    and total."""

    def raise_failed(self) -> None:
        """Raise the first failed frame's error, which then names all of them; the others lie there.

        Does nothing when no frame failed.
        """
        if not self.failed:
            return
        first = self.failed[0].error
        frames = format_frames(item.frame for item in self.failed)
        written = len(self.written) + len(self.skipped)
        first.reason = f"{first.reason} (failed frames: {frames}; {written} others are written)"
        raise first


class Telling:
    """The one place that progress, warnings, failures, times and cancelling go through."""

    def __init__(
        self, out: str, progress: Progress | None, cancel: Callable[[], bool] | None
    ) -> None:
        """Take the output's pattern, the callback and the question whether to stop."""
        self.report = ShotReport(out)
        self._progress = guarded(progress or ignore_progress)
        self._cancel = cancel
        self._started = time.monotonic()
        self._total = 0
        self._lock = threading.Lock()

    def start(self, frames: Iterable[int], finished: Iterable[int], where: str) -> None:
        """Say what the job is."""
        self.report.skipped = sorted(finished)
        self._total = len(tuple(frames))
        skipped = f", {len(self.report.skipped)} finished before" if self.report.skipped else ""
        self._tell("start", None, f"{self._total} frames{skipped}, on {where}")

    def end(self) -> ShotReport:
        """Return the report, and say that the job is done unless a frame failed.

        Whoever reads progress takes "done" for a good end; what failed has been told as a warning,
        and is an error or in the report at the end.
        """
        self.report.seconds["total"] = time.monotonic() - self._started
        if not self.report.failed:
            self._tell("done", None, f"{len(self.report.written)} frames written")
        return self.report

    def finished(self, frame: int, path: str) -> None:
        """Say that a frame lies complete under its name."""
        self.report.written.append(frame)
        self._tell("frame", frame, path)

    def failed(self, frame: int, error: MatteError) -> None:
        """Say that a frame cannot be matted; the others go on."""
        if error.frame is None:
            error.frame = frame
        self.report.failed.append(FailedFrame(frame, error))
        self._tell("warning", frame, f"{error} {error.fix}")

    def warn(self, frame: int, warnings: Iterable[str]) -> None:
        """Pass on what an artist should know of a frame."""
        for warning in warnings:
            self.report.warnings.append(f"frame {frame}: {warning}")
            self._tell("warning", frame, warning)

    def check_cancel(self) -> None:
        """Raise Cancelled when the artist or the farm wants to stop."""
        if self._cancel is not None and self._cancel():
            raise Cancelled("cancelled; every frame that was finished is kept")

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the wall time of a stage."""
        began = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                spent = self.report.seconds.get(name, 0.0)
                self.report.seconds[name] = spent + time.monotonic() - began

    def each(self, name: str, items: Iterable[_Item]) -> Iterator[_Item]:
        """Yield items and count the time that making them takes."""
        iterator = iter(items)
        while True:
            with self.stage(name):
                try:
                    item = next(iterator)
                except StopIteration:
                    return
            yield item

    def _tell(self, kind: str, frame: int | None, message: str) -> None:
        done = len(self.report.written) + len(self.report.skipped)
        seconds = time.monotonic() - self._started
        self._progress(ProgressEvent(kind, frame, done, self._total, seconds, message))  # type: ignore[arg-type]

"""Nuke's progress bar and the status line while the engine works, from either kind of thread."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Any, Optional, Type

import nuke

from platematte_client.messages import Progress
from platematte_client.pace import describe_seconds

from . import running
from .edits import set_quietly
from .running import Run

_BETWEEN_TICKS_S = 0.2


class _Bar:
    """A ProgressTask and the status line. Main thread only."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._task: Any = nuke.ProgressTask("PlateMatte " + run.name) if nuke.GUI else None

    def show(self, progress: Progress) -> None:
        """Say how far it is."""
        self._run.progress = progress
        self._run.told = _tell(self._run, progress)
        if self._task is not None:
            self._task.setMessage(self._run.told)
            # A stage before the first frame, as the loading of the weights, has no numbers.
            if progress.total:
                self._task.setProgress(int(100 * progress.done / progress.total))
        else:
            nuke.tprint("PlateMatte: " + self._run.told)
        node = running.find_node(self._run)
        if node is not None:
            set_quietly(node, status=self._run.told)

    def is_cancelled(self) -> bool:
        """Whether the artist pressed Cancel, in the bar or on the node."""
        if self._task is not None and self._task.isCancelled():
            self._run.cancel()
        return self._run.cancelled.is_set()

    def close(self) -> None:
        """Take the bar away."""
        self._task = None


class DirectProgress:
    """Progress of a run on the main thread."""

    def __init__(self, run: Run) -> None:
        """Take the run; the bar appears on entering."""
        self._run = run

    def __enter__(self) -> _Bar:
        """Open the bar."""
        self._bar = _Bar(self._run)
        return self._bar

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        """Close the bar."""
        self._bar.close()


class BackgroundProgress:
    """Progress of a run on another thread, which only leaves notes for the main thread here.

    The constructor and `close` belong to the main thread, `show` and `is_cancelled` to the other.
    """

    def __init__(self, run: Run) -> None:
        """Open the bar."""
        self._run = run
        self._bar: Optional[_Bar] = _Bar(run)
        self._lock = threading.Lock()
        self._news: Optional[Progress] = None
        self._is_asked = False
        self._next_tick = 0.0

    def show(self, progress: Progress) -> None:
        """Leave the newest state; what was not shown yet is overtaken by it."""
        with self._lock:
            self._news = progress
        self._ask_for_tick()

    def is_cancelled(self) -> bool:
        """Whether the artist pressed Cancel; asks the bar again every so often."""
        if time.monotonic() >= self._next_tick:
            self._ask_for_tick()
        return self._run.cancelled.is_set()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _ask_for_tick(self) -> None:
        # One at a time: while a menu is open Nuke's main thread takes none, and they would pile up.
        with self._lock:
            if self._is_asked:
                return
            self._is_asked = True
        self._next_tick = time.monotonic() + _BETWEEN_TICKS_S
        nuke.executeInMainThread(self._tick)

    def _tick(self) -> None:
        with self._lock:
            news, self._news, self._is_asked = self._news, None, False
        if self._bar is None:
            return
        if news is not None:
            self._bar.show(news)
        self._bar.is_cancelled()


def _tell(run: Run, progress: Progress) -> str:
    if progress.kind == "stage":
        return "v{:03d}: {}".format(run.version, progress.message)
    words = "v{:03d}: {} of {} frames".format(run.version, progress.done, progress.total)
    if progress.kind == "warning":
        frame = "" if progress.frame is None else "frame {}: ".format(progress.frame)
        return "{}; {}{}".format(words, frame, progress.message)
    left = run.pace.seconds_left()
    return words if left is None else "{}, {} left".format(words, describe_seconds(left))

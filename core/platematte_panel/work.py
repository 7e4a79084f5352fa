"""Mattes shots one after the other on one warm engine, on a thread of its own. No Qt."""

import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Deque, Dict, Optional, Tuple, Union

from platematte_client import versions
from platematte_client.engine import Engine, EngineDied, EngineFailed
from platematte_client.errors import PlateMatteError
from platematte_client.messages import Failure, Matte, Progress, VersionMismatch
from platematte_panel.orders import Order
from platematte_panel.rows import CANCELLED, DONE, FAILED

Settings = Dict[str, Dict[str, Any]]
# The panel asks for a folder for the result; the hosts' nodes, for which the client speaks, for a
# cache folder.
_NO_FOLDER = "{}\nChoose another folder for the result, or check permissions and free space."


@dataclass(frozen=True)
class Begun:
    """A shot's turn has come; its frames go to this new folder."""

    folder: Path


@dataclass(frozen=True)
class Ended:
    """A shot is done, failed or cancelled."""

    state: str
    reason: str = ""
    is_empty: bool = False
    """Whether no frame was finished, so that its folder is gone again."""


Event = Union[Begun, Progress, Ended]
Tell = Callable[[str, Event], None]


class Worker:
    """A queue of shots and the thread that works through it; all methods return at once."""

    def __init__(self, engine: Engine, settings: Settings, tell: Tell) -> None:
        """Take what is told of each shot, by its key: Begun, Progress, Ended, on any thread."""
        self._engine = engine
        self._settings = settings
        self._tell = tell
        self._changed = threading.Condition()
        self._waiting: Deque[Tuple[str, Order]] = deque()
        self._running: Optional[str] = None
        self._is_cancelled = self._is_closed = False
        self._thread: Optional[threading.Thread] = None

    def put(self, key: str, order: Order) -> None:
        """Queue a shot; raises ValueError for a key that waits or runs already."""
        with self._changed:
            if key == self._running or any(key == waiting for waiting, _ in self._waiting):
                raise ValueError("the shot {!r} is in the queue already".format(key))
            self._waiting.append((key, order))
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="PlateMatte queue", daemon=True
                )
                self._thread.start()
            self._changed.notify()

    def cancel(self, key: str) -> None:
        """Cancel a shot that waits or runs; the frame in work is dropped, finished ones stay."""
        with self._changed:
            if key == self._running:
                self._is_cancelled = True
                return
            kept = deque(item for item in self._waiting if item[0] != key)
            was_waiting = len(kept) < len(self._waiting)
            self._waiting = kept
        if was_waiting:
            self._tell(key, Ended(CANCELLED, is_empty=True))

    def close(self, patience_s: float) -> None:
        """Cancel everything, end the engine's process, and wait for the thread so long."""
        with self._changed:
            self._is_closed = self._is_cancelled = True
            self._waiting.clear()
            self._changed.notify()
        self._engine.stop()
        if self._thread is not None:
            self._thread.join(patience_s)

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._is_closed:
                    self._changed.wait()
                if self._is_closed:
                    return
                key, order = self._waiting.popleft()
                self._running, self._is_cancelled = key, False
            ended = self._matte(key, order)
            with self._changed:
                self._running = None
            self._tell(key, ended)

    def _matte(self, key: str, order: Order) -> Ended:
        try:
            _, folder = versions.make_version(order.folder.absolute())
        except PlateMatteError as error:
            return Ended(FAILED, _NO_FOLDER.format(error.reason), is_empty=True)
        self._tell(key, Begun(folder))
        state, reason = self._run(key, order, folder)
        return Ended(state, reason, is_empty=_is_gone(folder))

    def _run(self, key: str, order: Order, folder: Path) -> Tuple[str, str]:
        warnings = []

        def note(progress: Progress) -> None:
            if progress.kind == "warning":
                frame = "" if progress.frame is None else "frame {}: ".format(progress.frame)
                warnings.append(frame + progress.message)
            self._tell(key, progress)

        job = Matte(
            job=key,
            shot=order.as_shot((folder / versions.PATTERN).as_posix()),
            settings=self._settings,
            thumbnail=(folder / versions.THUMBNAIL).as_posix(),
        )
        try:
            self._engine.run(job, note, lambda: self._is_cancelled)
        except EngineFailed as error:
            if error.failure.code == "cancelled":
                return CANCELLED, ""
            return FAILED, describe_failure(error.failure)
        except (EngineDied, VersionMismatch) as error:
            return FAILED, str(error)
        except Exception as error:
            # A fault of ours: the queue goes on, and the artist is told.
            return FAILED, "internal error: {}: {}\nPlease report it.".format(
                type(error).__name__, error
            )
        return DONE, "\n".join(warnings)


def _is_gone(folder: Path) -> bool:
    """Remove a version folder unless something is in it; return whether it is gone."""
    # An empty folder that resists is no error of the shot's: versions count on from it.
    with suppress(OSError):
        versions.remove_if_empty(folder)
    return not folder.exists()


def describe_failure(failure: Failure) -> str:
    """Return why it failed: the file's name and the reason, then the whole path, then the fix.

    The first line is what the table has room for.
    """
    where = [] if failure.frame is None else ["frame {}".format(failure.frame)]
    where += [Path(failure.path).name] if failure.path else []
    lines = [": ".join([*where, failure.reason]), failure.path or "", failure.fix]
    return "\n".join(line for line in lines if line)

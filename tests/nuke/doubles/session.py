"""What one running Nuke knows besides its nodes: threads, dialogues, progress, undo, layers.

A misuse that Nuke answers with a hang or a crash raises here, and stands in `violations` as well,
so that a plug-in which swallows the error is caught all the same.
"""

from __future__ import annotations

import queue
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

_current: list[Session] = []

PATIENCE_S = 120.0
"""How long a thread waits for another one before the test is taken to hang."""


class WrongThread(RuntimeError):
    """A call that Nuke allows on another thread only."""


class Session:
    """One Nuke. `gui` False is `nuke -t`: no dialogues, no menus, no event loop."""

    def __init__(self, gui: bool = False, version: tuple[int, int, int] = (15, 1, 3)) -> None:
        self.gui = gui
        self.version = version
        self.violations: list[str] = []
        self.callback_errors: list[BaseException] = []
        self.messages: list[str] = []
        self.answers: list[Any] = []
        """Answers to nuke.ask and its kin, first one first; a question without one is an error."""
        self.log: list[str] = []
        self.tasks: list[ProgressLog] = []
        self.cancel_after: int | None = None
        """The user cancels: a ProgressTask's isCancelled says so after this many calls."""
        self.cancel_render_at: int | None = None
        """The user cancels a render of Nuke's own when it reaches this frame."""
        self.strict_proxy = True
        """True: a render while root's proxy is on is an error; False: it renders small, as Nuke."""
        self.rendered: list[tuple[str, int, str]] = []
        """(full name of the Write, frame, path) of all that was rendered."""
        self.executing: str | None = None
        self.undo_disabled = 0
        self.undo_records: list[str] = []
        """Edits that went to the user's undo stack."""
        self.frame = 1
        self.frame_context: list[int] = []
        self.view_context: list[str] = []
        self.plugin_path: list[str] = []
        self.loaded: list[str] = []
        """Classes that `nuke.load` was asked for."""
        self.callbacks: dict[str, list[Any]] = {}
        self.formats: dict[str, Any] = {}
        self.layers: dict[str, list[str]] = {
            "rgb": ["rgba.red", "rgba.green", "rgba.blue"],
            "rgba": ["rgba.red", "rgba.green", "rgba.blue", "rgba.alpha"],
            "alpha": ["rgba.alpha"],
            "depth": ["depth.Z"],
            "forward": ["forward.u", "forward.v"],
            "backward": ["backward.u", "backward.v"],
            "mask": ["mask.a"],
        }
        self.main_thread = threading.get_ident()
        self.root: Any = None
        self.groups: list[Any] = []
        """Stack of the groups that nodes are made and looked up in; the last one is current."""
        self.this: list[tuple[Any, Any]] = []
        """Stack of (node, knob) of the callbacks that are running."""
        self.menus: dict[str, Any] = {}
        self.panels: dict[str, Callable[[], Any]] = {}
        """What opens each panel that was registered, by its id."""
        self.views_of_graph: list[tuple[str, list[str]]] = []
        """What the artist was led to: ("showDag", [group]) and ("zoom", names of the selected)."""
        self._calls: queue.Queue[tuple[Callable[[], None]]] = queue.Queue()

    def refuse(self, error: BaseException) -> BaseException:
        """Note a misuse and return the error, to be raised."""
        self.violations.append(str(error))
        return error

    def check_main(self, what: str) -> None:
        """Raise WrongThread when this is not Nuke's main thread."""
        if threading.get_ident() != self.main_thread:
            name = threading.current_thread().name
            raise self.refuse(WrongThread(f"{what} on the thread {name}"))

    def note_edit(self, what: str) -> None:
        """Note that the script changed: for the undo stack and for root.modified."""
        if not self.undo_disabled:
            self.undo_records.append(what)
        if self.root is not None:
            self.root._modified = True

    @property
    def now(self) -> int:
        """The frame that knobs are evaluated at."""
        return self.frame_context[-1] if self.frame_context else self.frame

    @property
    def views(self) -> list[str]:
        """Names of the script's views."""
        return [line.split()[0] for line in self.root["views"].value().splitlines() if line]

    @property
    def view(self) -> str:
        """The view that is rendered, else the first, which the Viewer shows."""
        return self.view_context[-1] if self.view_context else self.views[0]

    @property
    def open_tasks(self) -> int:
        """How many progress bars are on the screen."""
        return sum(not task.closed for task in self.tasks)

    def queue_call(self, call: Callable[[], None], what: str) -> None:
        """Put a call into the event loop's queue, from a thread that is not the main one."""
        if threading.get_ident() == self.main_thread:
            raise self.refuse(WrongThread(what + " on the main thread: Nuke would hang"))
        if not self.gui:
            raise self.refuse(WrongThread(what + " in nuke -t, where no event loop runs"))
        self._calls.put((call,))

    def call_and_wait(self, call: Callable[[], Any], what: str) -> Any:
        """Let the event loop run a call and return its result; None when it raised."""
        done = threading.Event()
        result: list[Any] = []

        def run() -> None:
            try:
                result.append(call())
            finally:
                done.set()

        self.queue_call(run, what)
        if not done.wait(PATIENCE_S):
            raise RuntimeError(f"{what}: nobody ran the event loop")
        return result[0] if result else None

    def pump(self, until: Callable[[], bool] | None = None, timeout_s: float = PATIENCE_S) -> None:
        """Run the event loop until `until()` holds; without it, until nothing waits.

        Raises TimeoutError after `timeout_s` seconds.
        """
        self.check_main("the event loop")
        if not self.gui:
            raise self.refuse(RuntimeError("nuke -t has no event loop"))
        end = time.monotonic() + timeout_s
        while not (until() if until else self._calls.empty()):
            if time.monotonic() > end:
                raise TimeoutError(f"the event loop waited {timeout_s:g} s in vain")
            try:
                (call,) = self._calls.get(timeout=0.01)
            except queue.Empty:
                continue
            self.guarded(call)

    def guarded(self, call: Callable[[], Any]) -> None:
        """Run a call whose error Nuke prints and forgets; we keep it, and the test fails by it."""
        try:
            call()
        except Exception as error:
            self.callback_errors.append(error)

    def ask(self, text: str, what: str) -> Any:
        """Show a dialogue that wants an answer."""
        self.check_main(what)
        self.need_gui(what)
        self.messages.append(text)
        if not self.answers:
            raise self.refuse(AssertionError("the test has no answer to: " + text))
        return self.answers.pop(0)

    def need_gui(self, what: str) -> None:
        """Raise RuntimeError in a Nuke without windows."""
        if not self.gui:
            raise self.refuse(RuntimeError(what + " needs a GUI, and this is nuke -t"))


class ProgressLog:
    """What a ProgressTask was told; it outlives the task."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.progress: list[int] = []
        self.messages: list[str] = []
        self.asked = 0
        self.closed = False

    def close(self) -> None:
        """Note that the bar went away."""
        self.closed = True


class ProgressTask:
    """nuke.ProgressTask: the bar goes away when the object is deleted."""

    def __init__(self, title: str = "") -> None:
        session = current()
        session.check_main("ProgressTask")
        self._log = ProgressLog(title)
        session.tasks.append(self._log)
        weakref.finalize(self, self._log.close)

    def setProgress(self, value: int) -> None:  # noqa: N802
        """Take a percentage; whole numbers only, as Nuke."""
        current().check_main("ProgressTask.setProgress")
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"setProgress takes an int, not {value!r}")
        self._log.progress.append(value)

    def setMessage(self, text: str) -> None:  # noqa: N802
        """Take the line above the bar."""
        current().check_main("ProgressTask.setMessage")
        if not isinstance(text, str):
            raise TypeError(f"setMessage takes a str, not {text!r}")
        self._log.messages.append(text)

    def isCancelled(self) -> bool:  # noqa: N802
        """Return whether the user pressed Cancel."""
        session = current()
        session.check_main("ProgressTask.isCancelled")
        self._log.asked += 1
        return session.cancel_after is not None and self._log.asked > session.cancel_after


class Undo:
    """nuke.Undo. Only whether it records, and what, is watched."""

    def __init__(self, name: str = "") -> None:
        self._name = name

    @staticmethod
    def disable() -> None:
        """Stop recording until the matching enable."""
        current().check_main("Undo.disable")
        current().undo_disabled += 1

    @staticmethod
    def enable() -> None:
        """Record again."""
        session = current()
        session.check_main("Undo.enable")
        if not session.undo_disabled:
            raise session.refuse(RuntimeError("Undo.enable without a disable"))
        session.undo_disabled -= 1

    @staticmethod
    def disabled() -> bool:
        """Return whether edits go unrecorded."""
        return current().undo_disabled > 0

    @staticmethod
    def begin(name: str = "") -> None:
        """Begin a group of edits; nothing more is watched."""
        current().check_main("Undo.begin")

    @staticmethod
    def end() -> None:
        """End a group of edits."""
        current().check_main("Undo.end")

    def __enter__(self) -> Undo:
        self.begin(self._name)
        return self

    def __exit__(self, *_: Any) -> None:
        self.end()


def current() -> Session:
    """Return the running session. Raises RuntimeError outside one."""
    if not _current:
        raise RuntimeError("no double of Nuke runs")
    return _current[-1]


def set_current(session: Session | None) -> None:
    """Make a session the running one; None ends it."""
    _current[:] = [session] if session else []

"""The panel in a window of its own: `platematte gui`."""

import signal
from typing import Any, Callable, List, Sequence

from platematte_client.engine import Engine
from platematte_panel import dialogs
from platematte_panel.qt import BINDING, Qt, QtCore, QtWidgets, Signal, run_event_loop
from platematte_panel.rows import RUNNING, WAITING, keys_in
from platematte_panel.shot_files import ShotFiles
from platematte_panel.widget import BatchPanel
from platematte_panel.work import Settings


class Poster(QtCore.QObject):
    """Runs calls of other threads on the thread that it was made on."""

    _posted = Signal(object)

    def __init__(self) -> None:
        """Belong to the current thread."""
        super().__init__()
        self._posted.connect(self._run, Qt.ConnectionType.QueuedConnection)

    def post(self, call: Callable[[], None]) -> None:
        """Run a call sooner or later; may be called on any thread."""
        self._posted.emit(call)

    def _run(self, call: Callable[[], None]) -> None:
        call()


class Window(QtWidgets.QMainWindow):
    """The panel's window; it asks before it drops what is not finished."""

    def __init__(self, shots: ShotFiles) -> None:
        """Show these shots."""
        super().__init__()
        self.setWindowTitle("PlateMatte")
        self.shots = shots
        self.panel = BatchPanel(shots)
        self.setCentralWidget(self.panel)
        self.resize(self.panel.size())
        self._is_closing = False
        self._timer = QtCore.QTimer(self)
        self._timer.timeout.connect(self._close_when_idle)

    def closeEvent(self, event: Any) -> None:
        """Ask if shots are not finished; then cancel them and wait for the frame in work.

        A second try to close while it waits ends the engine at once.
        """
        if not self.panel.unfinished or self._is_closing:
            self._timer.stop()
            self.shots.close()
            event.accept()
            return
        event.ignore()
        if dialogs.ask(self, self._question()):
            self._is_closing = True
            self.shots.stop(self.panel.unfinished)
            self.panel.setEnabled(False)
            self.setWindowTitle("PlateMatte - stopping, the frame in work ends first")
            self._timer.start(50)

    def changeEvent(self, event: Any) -> None:
        """Look at the inputs again when the artist comes back from elsewhere."""
        super().changeEvent(event)
        if event.type() == QtCore.QEvent.Type.ActivationChange and self.isActiveWindow():
            self.panel.refresh()

    def _close_when_idle(self) -> None:
        if not self.panel.unfinished:
            self.close()

    def _question(self) -> str:
        rows = self.panel.model.rows
        running, waiting = len(keys_in(rows, (RUNNING,))), len(keys_in(rows, (WAITING,)))
        parts = ["{} being matted".format(running)] if running else []
        parts += ["{} waiting".format(waiting)] if waiting else []
        return (
            "Not all shots are finished: {}.\nStop and close? Frames that are finished are "
            "kept.".format(", ".join(parts))
        )


def make_window(engine: Engine, settings: Settings, paths: Sequence[str]) -> Window:
    """Return the window over an engine, with the shots that these lists and folders name."""
    poster = Poster()
    window = Window(ShotFiles(engine, settings, poster.post))
    # It belongs to the window: without it what the worker tells would go nowhere.
    poster.setParent(window)
    if paths:
        QtCore.QTimer.singleShot(0, lambda: window.panel.add_paths(paths))
    return window


def run_application(command: List[str], settings: Settings, paths: Sequence[str]) -> int:
    """Open the window and return the exit status once it is closed.

    command: the engine's program, as `find_engine` returns it.
    """
    if BINDING == "PySide2":
        # Qt 6 does both by itself.
        for name in ("AA_EnableHighDpiScaling", "AA_UseHighDpiPixmaps"):
            QtCore.QCoreApplication.setAttribute(getattr(Qt.ApplicationAttribute, name))
    application = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["platematte"])
    application.setApplicationName("PlateMatte")
    # Qt's loop never lets Python handle Ctrl-C; the engine ends by itself when this process does.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    window = make_window(Engine(command, "platematte gui"), settings, paths)
    window.show()
    return run_event_loop(application)

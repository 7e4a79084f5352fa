"""The panel: buttons, the table, and what is known of the selected row. The host gives the rows."""

from typing import Any, Callable, Dict, List, Sequence

from platematte_panel import dialogs
from platematte_panel.model import RowModel
from platematte_panel.qt import QAction, Qt, QtCore, QtGui, QtWidgets
from platematte_panel.rows import (
    FAILED,
    TO_DO,
    UNFINISHED,
    Row,
    describe_all,
    describe_details,
    keys_in,
)
from platematte_panel.shots import Shots
from platematte_panel.table import RowTable

OpenFolder = Callable[[str], None]

_LINES_OF_DETAILS = 6
_HINT = (
    "Add shots with Add shot or Add list, or drop a folder, its plate and clean plate, or a list "
    "here."
)
# Name, words, key, tooltip, what it does, and what the source must be able to for it to be there.
_ACTIONS = (
    ("add", "&Add shot...", "Ctrl+N", "Add a plate and its clean plate", "add_shot", "can_add"),
    (
        "list",
        "Add &list...",
        "Ctrl+L",
        "Add the shots of a text file: plate clean first-last a line",
        "add_list",
        "can_add",
    ),
    (
        "remove",
        "Re&move",
        "Del",
        "Take the selected {noun}s out of the table; no file is touched",
        "remove",
        "can_add",
    ),
    (
        "start",
        "&Start",
        "Ctrl+Return",
        "Matte the selected {noun}s, each into a new version; without a selection, all that are "
        "not done",
        "start",
        "",
    ),
    (
        "stop",
        "S&top",
        "Ctrl+.",
        "Cancel the selected {noun}s, or all; finished frames are kept",
        "stop",
        "",
    ),
    (
        "retry",
        "&Retry failed",
        "Ctrl+R",
        "Matte the {noun}s that failed, and no other",
        "retry_failed",
        "",
    ),
    ("folder", "Open &folder", "Ctrl+O", "Open the folder of the newest matte", "show_folder", ""),
    ("reveal", "Re&veal {noun}", "Ctrl+E", "Select it and go to it", "reveal", "can_reveal"),
    ("refresh", "Refres&h", "F5", "Look again at inputs and mattes", "refresh", ""),
)


class BatchPanel(QtWidgets.QWidget):
    """A table of shots and what can be done to them."""

    def __init__(self, shots: Shots, parent: Any = None) -> None:
        """Show the rows of a source, and follow it."""
        super().__init__(parent)
        self.setWindowTitle("PlateMatte")
        self.shots = shots
        self.open_folder: OpenFolder = open_in_file_browser
        self.model = RowModel(shots.noun, self)
        self.table = RowTable(self.model)
        self.details = self._make_details()
        self.summary = QtWidgets.QLabel()
        self.actions_by_name: Dict[str, Any] = {}
        self._make_actions()
        self._lay_out()
        self.setAcceptDrops(shots.can_add)
        self.table.selectionModel().selectionChanged.connect(self._selection_changed)
        self._timer = QtCore.QTimer(self)
        self._timer.timeout.connect(self._poll)
        if shots.poll_s:
            self._timer.start(int(1000 * shots.poll_s))
        shots.watch(self.reload)
        self.reload()

    @property
    def unfinished(self) -> List[str]:
        """Keys of the rows that wait or run."""
        return keys_in(self.model.rows, UNFINISHED)

    def reload(self) -> None:
        """Show the rows as they are now; the selection stays."""
        rows = self.shots.rows()
        selected = self.table.selected_keys()
        if self.model.set_rows(rows):
            self.table.select_keys(selected)
        self.summary.setText(describe_all(rows, self.shots.noun))
        self._show_details()
        self._enable_actions()

    def start(self) -> None:
        """Matte the selected rows; without a selection, all that are not done."""
        self.shots.start(self.table.selected_keys() or keys_in(self.model.rows, TO_DO))
        self.reload()

    def stop(self) -> None:
        """Cancel the selected rows; without one that waits or runs among them, all."""
        running = self.unfinished
        chosen = [key for key in self.table.selected_keys() if key in running]
        self.shots.stop(chosen or running)
        self.reload()

    def retry_failed(self) -> None:
        """Matte the rows that failed, and no other."""
        self.shots.start(keys_in(self.model.rows, (FAILED,)))
        self.reload()

    def show_folder(self) -> None:
        """Open the folder of the selected row's newest run."""
        row = self.table.current_row()
        if row is not None and row.folder:
            self.open_folder(row.folder)

    def reveal(self) -> None:
        """Show where the selected row comes from."""
        row = self.table.current_row()
        if row is None:
            return
        try:
            self.shots.reveal(row.key)
        except RuntimeError as error:
            dialogs.tell(self, str(error))

    def add_shot(self) -> None:
        """Ask for a shot and add it."""
        order = dialogs.ask_for_shot(self)
        if order is not None:
            self.shots.add(order)
            self.reload()

    def add_list(self) -> None:
        """Ask for lists of shots and add what is in them."""
        self.add_paths(dialogs.ask_for_lists(self))

    def add_paths(self, paths: Sequence[str]) -> None:
        """Add what files and folders name, and say what could not be understood."""
        problems = self.shots.add_paths(paths)
        self.reload()
        if problems:
            dialogs.tell(self, "\n\n".join(problems))

    def remove(self) -> None:
        """Take the selected rows out of the table; no file is touched."""
        self.shots.remove(self.table.selected_keys())
        self.reload()

    def refresh(self) -> None:
        """Look again at what may have changed outside."""
        self.shots.refresh()
        self.reload()

    def dragEnterEvent(self, event: Any) -> None:
        """Take files and folders."""
        if self.shots.can_add and event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: Any) -> None:
        """Add what was dropped."""
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        event.acceptProposedAction()
        self.add_paths(paths)

    def showEvent(self, event: Any) -> None:
        """A panel that was hidden shows what has become of its rows."""
        super().showEvent(event)
        self.reload()

    def _poll(self) -> None:
        if self.isVisible():
            self.reload()

    def _make_actions(self) -> None:
        for name, words, keys, tip, method, ability in _ACTIONS:
            if ability and not getattr(self.shots, ability):
                continue
            action = QAction(words.format(noun=self.shots.noun), self)
            # Else Qt takes the dots from a button, which say that a dialogue follows.
            action.setIconText(action.text().replace("&", ""))
            action.setShortcut(QtGui.QKeySequence(keys))
            # A host's own keys go on working everywhere but in here.
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shown = action.shortcut().toString()
            action.setToolTip("{} ({})".format(tip.format(noun=self.shots.noun), shown))
            action.triggered.connect(_without_arguments(getattr(self, method)))
            self.addAction(action)
            self.table.addAction(action)
            self.actions_by_name[name] = action

    def _make_details(self) -> Any:
        details = QtWidgets.QPlainTextEdit()
        details.setReadOnly(True)
        details.setTabChangesFocus(True)
        details.setAccessibleName("details of the selected row")
        height = int(details.fontMetrics().lineSpacing() * (_LINES_OF_DETAILS + 0.8))
        details.setMinimumHeight(height // 2)
        details.resize(details.width(), height)
        return details

    def _lay_out(self) -> None:
        buttons = QtWidgets.QHBoxLayout()
        for name, action in self.actions_by_name.items():
            if name == "folder" or (name == "start" and self.shots.can_add):
                buttons.addSpacing(self.fontMetrics().averageCharWidth() * 2)
            buttons.addWidget(_button(action))
        buttons.addStretch(1)
        splitter = QtWidgets.QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(self.table)
        splitter.addWidget(self.details)
        splitter.setStretchFactor(0, 1)
        line = self.fontMetrics().lineSpacing()
        splitter.setSizes([line * 18, int(line * (_LINES_OF_DETAILS + 0.8))])
        splitter.setChildrenCollapsible(False)
        layout = QtWidgets.QVBoxLayout(self)
        layout.addLayout(buttons)
        layout.addWidget(splitter, 1)
        layout.addWidget(self.summary)
        letter = self.fontMetrics().averageCharWidth()
        self.resize(letter * 165, line * 34)

    def _selection_changed(self, *_: Any) -> None:
        self._show_details()
        self._enable_actions()

    def _show_details(self) -> None:
        row = self.table.current_row()
        text = describe_details(row) if row is not None else self._advice()
        # Only when it differs: the artist may be copying from it.
        if self.details.toPlainText() != text:
            self.details.setPlainText(text)

    def _advice(self) -> str:
        if self.model.rows:
            return "Select a {} to see all about it.".format(self.shots.noun)
        return _HINT if self.shots.can_add else "There is no {} yet.".format(self.shots.noun)

    def _enable_actions(self) -> None:
        rows = self.model.rows
        keys = self.table.selected_keys()
        chosen = [row for row in rows if row.key in keys]
        current = self.table.current_row()
        can = {
            "remove": any(row.state not in UNFINISHED for row in chosen),
            "start": _can_start(chosen or rows, bool(chosen)),
            "stop": any(row.state in UNFINISHED for row in rows),
            "retry": any(row.state == FAILED for row in rows),
            "folder": current is not None and bool(current.folder),
            "reveal": current is not None,
        }
        for name, action in self.actions_by_name.items():
            action.setEnabled(can.get(name, True))


def open_in_file_browser(folder: str) -> None:
    """Open a folder in the desktop's file browser."""
    QtGui.QDesktopServices.openUrl(QtCore.QUrl.fromLocalFile(folder))


def _without_arguments(call: Callable[[], None]) -> Callable[..., None]:
    """Return a slot that drops whether the action is checked."""
    return lambda *_: call()


def _can_start(rows: List[Row], is_chosen: bool) -> bool:
    if is_chosen:
        return any(row.state not in UNFINISHED for row in rows)
    return any(row.state in TO_DO for row in rows)


def _button(action: Any) -> Any:
    button = QtWidgets.QToolButton()
    button.setDefaultAction(action)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return button

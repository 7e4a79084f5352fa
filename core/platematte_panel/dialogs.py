"""Questions and messages, and the dialogue that adds a shot."""

from pathlib import Path
from typing import Any, Dict, List, Optional

from platematte_panel.orders import Order
from platematte_panel.patterns import guess_shot, pattern_of
from platematte_panel.qt import QtWidgets

_FIELDS = (
    ("plate", "&Plate", "The shot with its subject: name.####.exr, one file, or a movie."),
    ("clean", "&Clean plate", "The same set without the subject: a still, or a sequence."),
    ("frames", "&Frames", "1001-1100, every second one 1001-1100x2. Empty: all of the plate's."),
    ("garbage", "&Garbage matte", "Optional: 1 where no subject ever is."),
    ("core", "C&ore matte", "Optional: 1 well inside the subject."),
    ("out", "&Result", "Folder for the versions. Empty: platematte, beside the plate."),
)
_FILES = ("plate", "clean", "garbage", "core")


def ask(parent: Any, question: str) -> bool:
    """Ask a question that is answered by yes or no; no is what Return and Esc mean."""
    button = QtWidgets.QMessageBox.StandardButton
    answer = QtWidgets.QMessageBox.question(
        parent, "PlateMatte", question, button.Yes | button.No, button.No
    )
    return bool(answer == button.Yes)


def tell(parent: Any, text: str) -> None:
    """Show a text that the artist has to know."""
    QtWidgets.QMessageBox.warning(parent, "PlateMatte", text)


class ShotDialog(QtWidgets.QDialog):
    """Asks for a plate, its clean plate and where the result goes."""

    def __init__(self, parent: Any = None) -> None:
        """Show empty fields."""
        super().__init__(parent)
        self.setWindowTitle("Add shot")
        self.fields: Dict[str, Any] = {}
        form = QtWidgets.QFormLayout()
        form.setFieldGrowthPolicy(QtWidgets.QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        for name, label, hint in _FIELDS:
            holder = self._make_field(name, hint)
            form.addRow(label, holder)
            # The label's key leads to the field itself and not to what holds field and button.
            form.labelForField(holder).setBuddy(self.fields[name])
        kind = QtWidgets.QDialogButtonBox.StandardButton
        self._buttons = QtWidgets.QDialogButtonBox(kind.Ok | kind.Cancel)
        self._buttons.button(kind.Ok).setText("Add")
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        layout = QtWidgets.QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self._buttons)
        self.resize(self.fontMetrics().averageCharWidth() * 90, self.sizeHint().height())
        self._check()

    @property
    def order(self) -> Order:
        """The shot that the fields describe."""
        return Order(**{name: field.text().strip() for name, field in self.fields.items()})

    def take(self, name: str, path: str) -> None:
        """Fill a field from a file of a sequence; a plate suggests its clean plate."""
        pattern = path if name == "out" else pattern_of(Path(path))
        self.fields[name].setText(pattern)
        if name == "plate" and not self.fields["clean"].text():
            _, clean = guess_shot([Path(path).parent])
            if clean is not None and clean != pattern:
                self.fields["clean"].setText(clean)

    def _make_field(self, name: str, hint: str) -> Any:
        field = QtWidgets.QLineEdit()
        field.setPlaceholderText(hint)
        field.setToolTip(hint)
        field.setAccessibleName(name)
        field.textChanged.connect(self._check)
        self.fields[name] = field
        holder = QtWidgets.QWidget()
        layout = QtWidgets.QHBoxLayout(holder)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(field)
        if name != "frames":
            browse = QtWidgets.QPushButton("Browse...")
            browse.setAutoDefault(False)
            browse.setAccessibleName("browse for the " + name)
            browse.clicked.connect(lambda _checked=False, name=name: self._browse(name))
            layout.addWidget(browse)
        return holder

    def _browse(self, name: str) -> None:
        start = self.fields[name].text() or self.fields["plate"].text()
        folder = str(Path(start).parent) if start else ""
        if name in _FILES:
            path, _ = QtWidgets.QFileDialog.getOpenFileName(self, "Choose any frame", folder)
        else:
            path = QtWidgets.QFileDialog.getExistingDirectory(self, "Choose a folder", folder)
        if path:
            self.take(name, path)

    def _check(self, _text: str = "") -> None:
        """Offer Add once there is a plate and a clean plate."""
        if not hasattr(self, "_buttons"):
            return
        is_whole = all(self.fields[name].text().strip() for name in ("plate", "clean"))
        kind = QtWidgets.QDialogButtonBox.StandardButton
        self._buttons.button(kind.Ok).setEnabled(is_whole)


def ask_for_shot(parent: Any) -> Optional[Order]:
    """Return the shot that the artist describes; None for Cancel."""
    dialog = ShotDialog(parent)
    # `exec` was a keyword when PySide2 was made, which has `exec_` alone; PySide6 drops that one.
    run = getattr(dialog, "exec", None) or dialog.exec_
    accepted = QtWidgets.QDialog.DialogCode.Accepted
    return dialog.order if run() == accepted else None


def ask_for_lists(parent: Any) -> List[str]:
    """Return the lists of shots that the artist chooses."""
    paths, _ = QtWidgets.QFileDialog.getOpenFileNames(
        parent, "Lists of shots", "", "Lists of shots (*.txt *.list)"
    )
    return list(paths)

"""The rows as Qt's table model."""

from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from platematte_panel.qt import Qt, QtCore, QtGui, QtWidgets
from platematte_panel.rows import (
    CANCELLED,
    DONE,
    FAILED,
    RUNNING,
    STALE,
    Row,
    describe_details,
    describe_left,
    describe_state,
)

COLUMNS = ("Matte", "Shot", "Frames", "State", "Progress", "Time left", "Plate", "Clean plate")
MATTE, SHOT, FRAMES, STATE, PROGRESS, LEFT, PLATE, CLEAN = range(len(COLUMNS))
ROW_ROLE = int(Qt.ItemDataRole.UserRole)

_Role = Qt.ItemDataRole
_Icon = QtWidgets.QStyle.StandardPixmap
_ICONS = {
    DONE: _Icon.SP_DialogApplyButton,
    FAILED: _Icon.SP_MessageBoxCritical,
    STALE: _Icon.SP_MessageBoxWarning,
    CANCELLED: _Icon.SP_DialogCancelButton,
}
_NO_INDEX = QtCore.QModelIndex()


class RowModel(QtCore.QAbstractTableModel):
    """Shows a list of rows; the list is replaced as a whole, and only what differs is redrawn."""

    def __init__(self, noun: str, parent: Any = None) -> None:
        """Take what a row is, for the heading of its column."""
        super().__init__(parent)
        self._headings = list(COLUMNS)
        self._headings[SHOT] = noun.capitalize()
        self._rows: List[Row] = []
        self._pictures: Dict[str, Tuple[int, Any]] = {}

    @property
    def rows(self) -> List[Row]:
        """The rows that are shown."""
        return list(self._rows)

    def set_rows(self, rows: List[Row]) -> bool:
        """Show these rows; returns whether others than before are there, or in another order."""
        is_other = [row.key for row in rows] != [row.key for row in self._rows]
        if is_other:
            self.beginResetModel()
            self._rows = list(rows)
            self.endResetModel()
            return True
        before, self._rows = self._rows, list(rows)
        for number, (old, new) in enumerate(zip(before, rows)):  # noqa: B905
            # A picture changes while its shot runs; to look at the files of all others each time
            # would be felt on a slow file server.
            if old != new or (new.state == RUNNING and self._is_picture_new(new)):
                self.dataChanged.emit(
                    self.index(number, 0), self.index(number, len(COLUMNS) - 1), []
                )
        return False

    def row_at(self, number: int) -> Optional[Row]:
        """Return a row by its place, or None."""
        return self._rows[number] if 0 <= number < len(self._rows) else None

    def rowCount(self, parent: Any = _NO_INDEX) -> int:
        """Return how many rows there are; a table has none below a cell."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Any = _NO_INDEX) -> int:
        """Return how many columns there are."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Any, role: int = 0) -> Any:
        """Return a column's heading."""
        is_heading = orientation == Qt.Orientation.Horizontal and role == _Role.DisplayRole
        return self._headings[section] if is_heading else None

    def data(self, index: Any, role: int = 0) -> Any:
        """Return what a cell shows."""
        row = self.row_at(index.row()) if index.isValid() else None
        if row is None:
            return None
        if role == ROW_ROLE:
            return row
        if role == _Role.DisplayRole:
            return _text(row, index.column())
        if role == _Role.AccessibleTextRole:
            return _text(row, index.column()) or "matte of {}".format(row.name)
        if role == _Role.ToolTipRole:
            return describe_details(row)
        if role == _Role.DecorationRole:
            return self._decoration(row, index.column())
        return None

    def _decoration(self, row: Row, column: int) -> Any:
        if column == STATE and row.state in _ICONS:
            return QtWidgets.QApplication.style().standardIcon(_ICONS[row.state])
        if column == MATTE:
            return self._picture(row)
        return None

    def _picture(self, row: Row) -> Any:
        """Return the matte as a QPixmap, read anew when its file has changed; None for none."""
        stamp = _stamp(row.thumbnail)
        if not stamp:
            return None
        known = self._pictures.get(row.thumbnail)
        if known is None or known[0] != stamp:
            picture = QtGui.QPixmap(row.thumbnail)
            known = (stamp, None if picture.isNull() else picture)
            self._pictures[row.thumbnail] = known
        return known[1]

    def _is_picture_new(self, row: Row) -> bool:
        known = self._pictures.get(row.thumbnail)
        return _stamp(row.thumbnail) != (known[0] if known else 0)


def _text(row: Row, column: int) -> Optional[str]:
    if column == SHOT:
        return row.name
    if column == FRAMES:
        return row.frames
    if column == STATE:
        return describe_state(row)
    if column == PROGRESS:
        return "{} %".format(100 * row.done // row.total) if row.total else ""
    if column == LEFT:
        return describe_left(row)
    if column == PLATE:
        return row.plate
    if column == CLEAN:
        return row.clean
    return None


def _stamp(path: str) -> int:
    if not path:
        return 0
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return 0

"""The table: columns that can be resized, rows high enough for the matte, keys that work."""

from typing import Any, List, Sequence

from platematte_panel.delegates import MatteDelegate, ProgressDelegate, TextDelegate
from platematte_panel.model import (
    CLEAN,
    FRAMES,
    LEFT,
    MATTE,
    PLATE,
    PROGRESS,
    SHOT,
    STATE,
    RowModel,
)
from platematte_panel.qt import Qt, QtCore, QtWidgets
from platematte_panel.rows import Row

# In widths of a letter, so that a screen of twice the dots gets twice the pixels.
_LETTERS = {
    MATTE: 15,
    SHOT: 22,
    FRAMES: 15,
    STATE: 44,
    PROGRESS: 16,
    LEFT: 13,
    PLATE: 28,
    CLEAN: 28,
}
_LINES_A_ROW = 3.2

_View = QtWidgets.QAbstractItemView


class RowTable(QtWidgets.QTableView):
    """A table of rows; several can be selected."""

    def __init__(self, model: RowModel, parent: Any = None) -> None:
        """Show a model."""
        super().__init__(parent)
        self.setModel(model)
        self.setSelectionBehavior(_View.SelectionBehavior.SelectRows)
        self.setSelectionMode(_View.SelectionMode.ExtendedSelection)
        self.setEditTriggers(_View.EditTrigger.NoEditTriggers)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        # Tab leaves the table, as people without a mouse expect; the arrows walk in it.
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollMode(_View.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(_View.ScrollMode.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.setAccessibleName("shots")
        self.setItemDelegateForColumn(MATTE, MatteDelegate(self))
        self.setItemDelegateForColumn(PROGRESS, ProgressDelegate(self))
        mode = Qt.TextElideMode
        self.setItemDelegateForColumn(STATE, TextDelegate(mode.ElideRight, self))
        for column in (SHOT, PLATE, CLEAN):
            # The end of a path tells shots apart.
            self.setItemDelegateForColumn(column, TextDelegate(mode.ElideLeft, self))
        self._set_sizes()

    def selected_keys(self) -> List[str]:
        """Return the keys of the selected rows, in the table's order."""
        numbers = sorted(index.row() for index in self.selectionModel().selectedRows())
        rows = (self.model().row_at(number) for number in numbers)
        return [row.key for row in rows if row is not None]

    def current_row(self) -> "Row | None":
        """Return the row that the details are about: the current one, if it is selected."""
        numbers = [index.row() for index in self.selectionModel().selectedRows()]
        current = self.currentIndex().row()
        if current in numbers:
            return self.model().row_at(current)
        return self.model().row_at(numbers[0]) if numbers else None

    def select_keys(self, keys: Sequence[str]) -> None:
        """Select these rows where they are there, without scrolling."""
        flag = QtCore.QItemSelectionModel.SelectionFlag
        selection = self.selectionModel()
        for number, row in enumerate(self.model().rows):
            if row.key in keys:
                index = self.model().index(number, 0)
                if not selection.currentIndex().isValid():
                    selection.setCurrentIndex(index, flag.NoUpdate)
                selection.select(index, flag.Select | flag.Rows)

    def changeEvent(self, event: Any) -> None:
        """Follow a new font, as when the window goes to another screen."""
        if event.type() == QtCore.QEvent.Type.FontChange:
            self._set_sizes()
        super().changeEvent(event)

    def _set_sizes(self) -> None:
        metrics = self.fontMetrics()
        letter = metrics.averageCharWidth()
        header = self.horizontalHeader()
        header.setSectionResizeMode(QtWidgets.QHeaderView.ResizeMode.Interactive)
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column, letters in _LETTERS.items():
            self.setColumnWidth(column, letters * letter)
        header.setStretchLastSection(True)
        rows = self.verticalHeader()
        rows.setDefaultSectionSize(int(_LINES_A_ROW * metrics.lineSpacing()))
        rows.setSectionResizeMode(QtWidgets.QHeaderView.ResizeMode.Fixed)
        rows.hide()

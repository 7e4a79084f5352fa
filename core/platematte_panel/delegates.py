"""How columns are painted: the picture of the matte, the progress bar, and text that is cut.

All colours come from the palette and the style, so that both follow the host in light and dark.
"""

from typing import Any

from platematte_panel.model import ROW_ROLE
from platematte_panel.qt import Qt, QtCore, QtGui, QtWidgets
from platematte_panel.rows import RUNNING, TO_DO

_State = QtWidgets.QStyle.StateFlag
_Role = QtGui.QPalette.ColorRole
_Element = QtWidgets.QStyle.ControlElement


class MatteDelegate(QtWidgets.QStyledItemDelegate):
    """Paints the matte as large as the cell allows, with a frame: most of a matte is black."""

    def paint(self, painter: Any, option: Any, index: Any) -> None:
        """Paint one cell."""
        _paint_background(self, painter, option, index)
        picture = index.data(Qt.ItemDataRole.DecorationRole)
        if picture is None:
            return
        gap = max(1, option.fontMetrics.height() // 6)
        room = option.rect.adjusted(gap, gap, -gap, -gap)
        size = picture.size().scaled(room.size(), Qt.AspectRatioMode.KeepAspectRatio)
        place = QtCore.QRect(QtCore.QPoint(0, 0), size)
        place.moveCenter(room.center())
        painter.save()
        painter.setRenderHint(QtGui.QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(place, picture)
        painter.setPen(option.palette.color(_Role.Mid))
        painter.drawRect(place.adjusted(0, 0, -1, -1))
        painter.restore()


class ProgressDelegate(QtWidgets.QStyledItemDelegate):
    """Paints a progress bar where a run has counted its frames."""

    def paint(self, painter: Any, option: Any, index: Any) -> None:
        """Paint one cell."""
        _paint_background(self, painter, option, index)
        row = index.data(ROW_ROLE)
        if row is None or not row.total or (row.state in TO_DO and not row.done):
            return
        bar = QtWidgets.QStyleOptionProgressBar()
        height = min(option.rect.height(), int(option.fontMetrics.height() * 1.4))
        bar.rect = QtCore.QRect(option.rect.left() + 4, 0, option.rect.width() - 8, height)
        bar.rect.moveTop(option.rect.center().y() - height // 2)
        bar.palette = option.palette
        bar.fontMetrics = option.fontMetrics
        # Qt 6 draws a bar without this one upright.
        bar.state = _State.State_Horizontal
        if row.state == RUNNING:
            bar.state |= _State.State_Enabled | _State.State_Active
        bar.minimum, bar.maximum, bar.progress = 0, row.total, row.done
        bar.text, bar.textVisible = index.data(Qt.ItemDataRole.DisplayRole), True
        _style(option).drawControl(_Element.CE_ProgressBar, bar, painter, option.widget)


class TextDelegate(QtWidgets.QStyledItemDelegate):
    """Cuts a text that is too long at the end that matters less."""

    def __init__(self, mode: Any, parent: Any = None) -> None:
        """Take a Qt.TextElideMode."""
        super().__init__(parent)
        self._mode = mode

    def initStyleOption(self, option: Any, index: Any) -> None:
        """Say where a cell's text is cut."""
        super().initStyleOption(option, index)
        option.textElideMode = self._mode


def _paint_background(delegate: Any, painter: Any, option: Any, index: Any) -> None:
    """Paint selection and alternate colours, as the other cells have them."""
    plain = QtWidgets.QStyleOptionViewItem(option)
    delegate.initStyleOption(plain, index)
    plain.text = ""
    plain.icon = QtGui.QIcon()
    plain.features &= ~QtWidgets.QStyleOptionViewItem.ViewItemFeature.HasDecoration
    _style(option).drawControl(_Element.CE_ItemViewItem, plain, painter, option.widget)


def _style(option: Any) -> Any:
    return option.widget.style() if option.widget is not None else QtWidgets.QApplication.style()

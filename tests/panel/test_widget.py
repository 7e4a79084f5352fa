"""The widget over scripted rows: what it shows, what its buttons ask for, keys, palettes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted import ScriptedShots, cells

from platematte_panel.rows import CANCELLED, DONE, FAILED, NEW, RUNNING, STALE, WAITING, Row

REASON = "clean.exr: there is no file of that name\n/show/clean.exr\nCheck the path."
ROWS = (
    Row("a", "sh010", frames="1001-1100", state=DONE, done=100, total=100, folder="/s/v001"),
    Row("b", "sh020", frames="1001-1010", state=FAILED, reason=REASON, plate="/show/plate.exr"),
    Row("c", "sh030", state=RUNNING, done=12, total=100, seconds_left=75.0, folder="/s/v002"),
    Row("d", "sh040", state=WAITING),
    Row("e", "sh050", state=NEW),
    Row("f", "sh060", state=STALE, reason="plate changed since", folder="/s/v003"),
    Row("g", "sh070", state=CANCELLED, done=2, total=9),
    Row("h", "sh080", state=FAILED, reason="no memory"),
)


@pytest.fixture
def shots() -> ScriptedShots:
    return ScriptedShots(*ROWS)


@pytest.fixture
def panel(application: Any, shots: ScriptedShots) -> Iterator[Any]:
    from platematte_panel.widget import BatchPanel

    panel = BatchPanel(shots)
    panel.show()
    application.processEvents()
    yield panel
    panel.close()
    panel.deleteLater()
    application.processEvents()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the artist is told in a message."""
    from platematte_panel import dialogs

    texts: list[str] = []
    monkeypatch.setattr(dialogs, "tell", lambda _parent, text: texts.append(text))
    return texts


def press(panel: Any, name: str) -> None:
    """Press a button; one that is disabled fails the test."""
    action = panel.actions_by_name[name]
    assert action.isEnabled(), name
    action.trigger()


def enabled(panel: Any) -> set[str]:
    return {name for name, action in panel.actions_by_name.items() if action.isEnabled()}


def test_a_row_shows_range_state_progress_and_time_left(panel: Any) -> None:
    shown = cells(panel, 2)
    assert shown["Shot"] == "sh030"
    assert (shown["State"], shown["Progress"]) == ("12 of 100 frames", "12 %")
    assert shown["Time left"] == "1 min 15 s"
    assert cells(panel, 0)["Frames"] == "1001-1100"
    assert cells(panel, 3)["State"] == "waiting"
    assert cells(panel, 3)["Progress"] == cells(panel, 3)["Time left"] == ""


def test_a_failure_keeps_its_reason_in_the_cell_the_tooltip_and_the_details(
    panel: Any, application: Any
) -> None:
    from platematte_panel.qt import Qt

    assert cells(panel, 1)["State"] == "failed: clean.exr: there is no file of that name"
    index = panel.model.index(1, 3)
    assert REASON in panel.model.data(index, int(Qt.ItemDataRole.ToolTipRole))
    panel.table.select_keys(["b"])
    assert REASON in panel.details.toPlainText()
    assert "/show/plate.exr" in panel.details.toPlainText()


def test_start_without_a_selection_takes_all_that_are_not_done(
    panel: Any, shots: ScriptedShots
) -> None:
    press(panel, "start")
    assert shots.asked == [("start", ["b", "e", "f", "g", "h"])]


def test_start_with_a_selection_takes_only_that(panel: Any, shots: ScriptedShots) -> None:
    panel.table.select_keys(["a", "e"])
    press(panel, "start")
    assert shots.asked == [("start", ["a", "e"])]


def test_retry_takes_the_failed_rows_and_no_other(panel: Any, shots: ScriptedShots) -> None:
    panel.table.select_keys(["a", "e"])
    press(panel, "retry")
    assert shots.asked == [("start", ["b", "h"])]
    assert cells(panel, 1)["State"] == "waiting"


def test_stop_takes_the_selected_rows_that_run_else_all_that_do(
    panel: Any, shots: ScriptedShots
) -> None:
    panel.table.select_keys(["a", "d"])
    press(panel, "stop")
    panel.table.clearSelection()
    press(panel, "stop")
    assert shots.asked == [("stop", ["d"]), ("stop", ["c"])]


def test_buttons_are_enabled_where_they_can_do_something(panel: Any, shots: ScriptedShots) -> None:
    always = {"add", "list", "refresh"}
    assert enabled(panel) == always | {"start", "stop", "retry"}
    panel.table.select_keys(["c"])
    assert enabled(panel) == always | {"stop", "retry", "folder", "reveal"}
    panel.table.clearSelection()
    panel.table.select_keys(["a"])
    assert enabled(panel) == always | {"start", "stop", "retry", "folder", "reveal", "remove"}
    shots.shown = []
    panel.reload()
    assert enabled(panel) == always


def test_open_folder_opens_that_of_the_selected_row(panel: Any) -> None:
    opened: list[str] = []
    panel.open_folder = opened.append
    panel.table.select_keys(["f"])
    press(panel, "folder")
    assert opened == ["/s/v003"]


def test_reveal_asks_the_host_and_says_what_it_answers(
    panel: Any, shots: ScriptedShots, told: list[str]
) -> None:
    shots.shown.append(Row("gone", "gone"))
    panel.reload()
    panel.table.select_keys(["e"])
    press(panel, "reveal")
    panel.table.clearSelection()
    panel.table.select_keys(["gone"])
    press(panel, "reveal")
    assert [what for what in shots.asked if what[0] == "reveal"] == [
        ("reveal", "e"),
        ("reveal", "gone"),
    ]
    assert told == ["the node gone is not there any more."]


def test_the_selection_outlives_new_values_and_new_rows(panel: Any, shots: ScriptedShots) -> None:
    panel.table.select_keys(["c", "e"])
    shots.set("c", done=13)
    assert cells(panel, 2)["State"] == "13 of 100 frames"
    assert panel.table.selected_keys() == ["c", "e"]
    shots.shown.insert(0, Row("new", "new"))
    shots.changed()
    assert panel.table.selected_keys() == ["c", "e"]
    shots.remove(["c"])
    shots.changed()
    assert panel.table.selected_keys() == ["e"]


def test_what_does_not_change_is_not_redrawn(panel: Any, shots: ScriptedShots) -> None:
    redrawn: list[int] = []
    panel.model.dataChanged.connect(lambda first, *_: redrawn.append(first.row()))
    shots.changed()
    assert redrawn == []
    shots.set("d", state=RUNNING)
    assert redrawn == [3]


def test_the_summary_counts_and_the_empty_table_says_what_to_do(
    panel: Any, shots: ScriptedShots
) -> None:
    assert panel.summary.text().startswith("8 shots: 1 running, 1 waiting, 1 done, 2 failed")
    shots.shown = []
    panel.reload()
    assert "drop a folder" in panel.details.toPlainText()


def save_grey(path: Path, grey: int) -> None:
    from platematte_panel.qt import QtGui

    image = QtGui.QImage(32, 18, QtGui.QImage.Format.Format_Grayscale8)
    image.fill(grey)
    assert image.save(str(path))


def middle_of_matte(panel: Any, application: Any, number: int = 0) -> int:
    """Return how bright the middle of a row's matte is painted."""
    application.processEvents()
    place = panel.table.visualRect(panel.model.index(number, 0)).center()
    # A screen may have several dots a pixel.
    picture = panel.table.viewport().grab()
    ratio = picture.devicePixelRatio()
    colour = picture.toImage().pixelColor(int(place.x() * ratio), int(place.y() * ratio))
    return int(colour.lightness())


def test_the_matte_is_painted_and_follows_its_file(
    panel: Any, shots: ScriptedShots, application: Any, tmp_path: Path
) -> None:
    path = tmp_path / "thumbnail.png"
    shots.set("c", thumbnail=str(path))
    redrawn: list[int] = []
    panel.model.dataChanged.connect(lambda first, *_: redrawn.append(first.row()))
    save_grey(path, 255)
    shots.changed()
    assert middle_of_matte(panel, application, 2) > 250
    save_grey(path, 0)
    shots.changed()
    assert middle_of_matte(panel, application, 2) < 5
    shots.changed()
    assert redrawn == [2, 2]


def test_a_matte_that_is_not_there_or_no_picture_paints_nothing(
    panel: Any, shots: ScriptedShots, application: Any, tmp_path: Path
) -> None:
    before = middle_of_matte(panel, application)
    (tmp_path / "broken.png").write_text("no picture")
    for path in (tmp_path / "broken.png", tmp_path / "gone.png"):
        shots.set("a", thumbnail=str(path))
        assert middle_of_matte(panel, application) == before


def test_drops_are_added_and_what_is_wrong_is_told(
    panel: Any, shots: ScriptedShots, told: list[str], tmp_path: Path
) -> None:
    from platematte_panel.qt import QtCore, QtGui

    data = QtCore.QMimeData()
    data.setUrls([QtCore.QUrl.fromLocalFile(str(tmp_path)), QtCore.QUrl("https://example.org/a")])
    shots.problems = ["it is not clear which is the plate."]
    assert panel.acceptDrops()
    event = QtGui.QDropEvent(
        QtCore.QPoint(5, 5) if QtCore.qVersion() < "6" else QtCore.QPointF(5, 5),
        QtCore.Qt.DropAction.CopyAction,
        data,
        QtCore.Qt.MouseButton.LeftButton,
        QtCore.Qt.KeyboardModifier.NoModifier,
    )
    panel.dropEvent(event)
    assert shots.asked == [("add_paths", [str(tmp_path)])]
    assert told == shots.problems


def test_a_host_whose_rows_follow_from_it_has_no_add_and_takes_no_drops(application: Any) -> None:
    from platematte_panel.widget import BatchPanel

    shots = ScriptedShots(*ROWS)
    shots.can_add = shots.can_reveal = False
    panel = BatchPanel(shots)
    assert set(panel.actions_by_name) == {"start", "stop", "retry", "folder", "refresh"}
    assert not panel.acceptDrops()
    panel.deleteLater()


def test_a_hidden_panel_does_not_poll_and_a_shown_one_does(application: Any) -> None:
    from scripted import wait

    from platematte_panel.widget import BatchPanel

    class Polled(ScriptedShots):
        poll_s = 0.01
        looks = 0

        def rows(self) -> list[Row]:
            Polled.looks += 1
            return []

    panel = BatchPanel(Polled())
    before = Polled.looks
    for _ in range(20):
        application.processEvents()
        panel._timer.timeout.emit()
    assert Polled.looks == before
    panel.show()
    wait(lambda: Polled.looks > before + 3, application)
    panel.close()
    panel.deleteLater()


def type_key(application: Any, widget: Any, key: Any, modifier: Any) -> None:
    from platematte_panel.qt import QtCore, QtGui

    for kind in (QtCore.QEvent.Type.KeyPress, QtCore.QEvent.Type.KeyRelease):
        application.sendEvent(widget, QtGui.QKeyEvent(kind, int(key), modifier))


def test_the_keyboard_selects_rows_and_every_action_has_a_key_of_the_panel_alone(
    panel: Any, application: Any
) -> None:
    from platematte_panel.qt import Qt

    panel.table.setFocus()
    panel.table.setCurrentIndex(panel.model.index(0, 1))
    type_key(application, panel.table, Qt.Key.Key_Down, Qt.KeyboardModifier.NoModifier)
    assert panel.table.selected_keys() == ["b"]
    keys = [action.shortcut().toString() for action in panel.actions_by_name.values()]
    assert all(keys)
    assert len(set(keys)) == len(keys)
    for action in panel.actions_by_name.values():
        assert action.shortcutContext() == Qt.ShortcutContext.WidgetWithChildrenShortcut


def test_the_keys_do_what_the_buttons_do(
    panel: Any, shots: ScriptedShots, application: Any
) -> None:
    from platematte_panel.qt import BINDING, Qt

    test = pytest.importorskip(f"{BINDING}.QtTest").QTest
    panel.activateWindow()
    panel.table.setFocus()
    application.processEvents()
    control = Qt.KeyboardModifier.ControlModifier
    test.keyClick(panel.table, Qt.Key.Key_R, control)
    panel.table.select_keys(["e"])
    test.keyClick(panel.table, Qt.Key.Key_E, control)
    test.keyClick(panel.table, Qt.Key.Key_F5)
    assert shots.asked == [("start", ["b", "h"]), ("reveal", "e"), ("refresh", None)]


def test_every_column_can_be_resized_and_grows_with_the_font(panel: Any, application: Any) -> None:
    from platematte_panel.qt import QtWidgets

    header = panel.table.horizontalHeader()
    for column in range(panel.model.columnCount()):
        mode = header.sectionResizeMode(column)
        assert mode == QtWidgets.QHeaderView.ResizeMode.Interactive
    width, height = panel.table.columnWidth(3), panel.table.rowHeight(0)
    font = panel.table.font()
    font.setPixelSize(2 * panel.table.fontMetrics().height())
    panel.table.setFont(font)
    application.processEvents()
    assert panel.table.columnWidth(3) > 1.5 * width
    assert panel.table.verticalHeader().defaultSectionSize() > 1.5 * height


@pytest.mark.parametrize(("window", "text"), [("#f0f0f0", "#000000"), ("#303030", "#dddddd")])
def test_all_colours_come_from_the_palette(
    panel: Any, application: Any, window: str, text: str
) -> None:
    from platematte_panel.qt import QtGui

    before = application.palette()
    role = QtGui.QPalette.ColorRole
    palette = QtGui.QPalette(QtGui.QColor(window))
    palette.setColor(role.Base, QtGui.QColor(window))
    palette.setColor(role.Text, QtGui.QColor(text))
    try:
        application.setPalette(palette)
        application.processEvents()
        image = panel.table.viewport().grab().toImage()
        empty = image.pixelColor(image.width() - 3, image.height() - 3)
        assert abs(empty.lightness() - QtGui.QColor(window).lightness()) < 12
        cell = panel.table.visualRect(panel.model.index(3, 3))
        ratio = panel.table.viewport().grab().devicePixelRatio()
        seen = {
            image.pixelColor(int(x * ratio), int(y * ratio)).lightness()
            for x in range(cell.left(), cell.right())
            for y in range(cell.top(), cell.bottom())
        }
        far = max(seen, key=lambda value: abs(value - empty.lightness()))
        assert abs(far - QtGui.QColor(text).lightness()) < 60
    finally:
        application.setPalette(before)


def test_the_dialogue_makes_patterns_and_suggests_the_clean_plate(
    application: Any, tmp_path: Path
) -> None:
    from platematte_panel.dialogs import ShotDialog
    from platematte_panel.qt import QtWidgets

    for name in ("plate.1001.exr", "plate.1002.exr", "clean.exr"):
        (tmp_path / name).write_bytes(b"")
    dialog = ShotDialog()
    button = dialog._buttons.button(QtWidgets.QDialogButtonBox.StandardButton.Ok)
    assert not button.isEnabled()
    dialog.take("plate", str(tmp_path / "plate.1002.exr"))
    assert button.isEnabled()
    dialog.fields["frames"].setText(" 1001-1002 ")
    dialog.take("out", str(tmp_path / "out"))
    order = dialog.order
    assert order.plate == (tmp_path / "plate.####.exr").as_posix()
    assert order.clean == (tmp_path / "clean.exr").as_posix()
    assert (order.frames, order.out) == ("1001-1002", str(tmp_path / "out"))
    dialog.fields["clean"].setText("")
    assert not button.isEnabled()
    dialog.deleteLater()


def test_add_shot_adds_what_the_dialogue_says_and_nothing_on_cancel(
    panel: Any, shots: ScriptedShots, monkeypatch: pytest.MonkeyPatch
) -> None:
    from platematte_panel import dialogs
    from platematte_panel.orders import Order

    answers: list[Callable[[], Any]] = [lambda: None, lambda: Order("/n/p.exr", "/n/c.exr")]
    monkeypatch.setattr(dialogs, "ask_for_shot", lambda _parent: answers.pop(0)())
    press(panel, "add")
    assert shots.asked == []
    press(panel, "add")
    assert shots.asked == [("add", Order("/n/p.exr", "/n/c.exr"))]
    assert cells(panel, 8)["Shot"] == "n/p"

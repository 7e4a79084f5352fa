"""The batch panel in Nuke: rows from nodes, the queue, reveal, and how it is registered."""

from __future__ import annotations

import importlib
import os
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import pytest
from comp import PLUGIN, Comp, open_comp

from platematte_panel.rows import (
    CANCELLED,
    DONE,
    FAILED,
    NEW,
    RUNNING,
    STALE,
    UNFINISHED,
    WAITING,
    Row,
    describe_state,
)

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


class PanelComp:
    """A comp with the panel's source of rows over it."""

    def __init__(self, comp: Comp) -> None:
        self.comp = comp
        self.shots: Any = importlib.import_module("platematte_nuke.panel").NodeShots()

    def row(self, node: Any) -> Row:
        (row,) = [row for row in self.shots.rows() if row.key == node.fullName()]
        return row

    def rest(self) -> None:
        """Let Nuke's event loop run until nothing waits or runs."""
        self.comp.session.pump(
            lambda: not any(row.state in UNFINISHED for row in self.shots.rows())
        )


@pytest.fixture
def desk(tmp_path: Path, engine: Path) -> Iterator[PanelComp]:
    with open_comp(tmp_path, engine, gui=True) as comp:
        comp.shot()
        yield PanelComp(comp)


def second(desk: PanelComp, **knobs: Any) -> Any:
    """Return another node on the same inputs, with a cache of its own."""
    cache = (desk.comp.folder / "cache 2").as_posix()
    return desk.comp.make(cache_dir=cache, **knobs)


def test_a_row_is_a_node_with_its_inputs_and_range(desk: PanelComp) -> None:
    row = desk.row(desk.comp.node)
    assert (row.name, row.frames, row.state) == (desk.comp.node.name(), "1001-1003", NEW)
    assert row.plate == f"{desk.comp.plate.name()} (plate.%04d.exr)"
    assert row.clean == f"{desk.comp.clean.name()} (clean.exr)"
    assert row.folder == row.thumbnail == ""


def test_a_node_without_inputs_is_a_row_that_says_what_it_lacks(desk: PanelComp) -> None:
    desk.comp.node.setInput(0, None)
    row = desk.row(desk.comp.node)
    assert (row.state, row.plate, row.frames) == (NEW, "not connected", "")
    assert "connect the plate" in row.reason


def test_a_node_inside_a_group_is_a_row_too(desk: PanelComp) -> None:
    group = desk.comp.nuke.nodes.Group(name="sh010")
    with group:
        node = desk.comp.nuke.createNode("PlateMatte", inpanel=False)
    assert desk.row(node).name == f"sh010.{node.name()}"


def test_start_mattes_the_range_as_the_button_does(desk: PanelComp) -> None:
    node = desk.comp.node
    desk.shots.start([node.fullName()])
    assert desk.row(node).state == RUNNING
    desk.rest()
    row = desk.row(node)
    assert (row.state, describe_state(row)) == (DONE, "done")
    assert "v001, frames 1001-1003" in desk.comp.status()
    assert Path(row.folder) == desk.comp.folder / "cache" / "v001"
    assert desk.comp.session.messages == []


def test_the_picture_is_that_of_the_newest_matte(desk: PanelComp) -> None:
    desk.shots.start([desk.comp.node.fullName()])
    desk.rest()
    row = desk.row(desk.comp.node)
    source = oiio.ImageInput.open(row.thumbnail)
    assert source is not None
    picture = source.read_image("uint8")
    source.close()
    assert picture.shape[2] == 1
    assert picture[picture.shape[0] // 2, int(picture.shape[1] * 0.45)] > 250
    assert np.median(picture[:4]) < 5


def test_several_nodes_wait_for_each_other_and_export_in_their_turn(desk: PanelComp) -> None:
    first, other = desk.comp.node, second(desk)
    desk.shots.start([first.fullName(), other.fullName()])
    assert (desk.row(first).state, desk.row(other).state) == (RUNNING, WAITING)
    assert not (desk.comp.folder / "cache 2").exists()
    assert "waiting" in desk.comp.status(other)
    desk.rest()
    assert (desk.row(first).state, desk.row(other).state) == (DONE, DONE)
    assert [
        frames for frames in (first["shown_frames"].value(), other["shown_frames"].value())
    ] == [
        "1001-1003",
        "1001-1003",
    ]


def test_a_failure_keeps_its_reason_opens_no_message_and_the_queue_goes_on(
    desk: PanelComp,
) -> None:
    bad, good = desk.comp.node, second(desk)
    bad.setInput(1, desk.comp.plate)
    bad["clean_mode"].setValue("hold frame")
    bad["clean_frame"].setValue(1001)
    bad["range"].setValue("custom")
    bad["frames"].setValue("1001")
    unready = second(desk)
    unready.setInput(1, None)
    desk.shots.start([node.fullName() for node in (bad, unready, good)])
    desk.rest()
    assert (desk.row(bad).state, desk.row(good).state) == (FAILED, DONE)
    assert "clean plate" in describe_state(desk.row(bad))
    assert "connect the clean plate" in describe_state(desk.row(unready))
    assert desk.comp.session.messages == []


def test_retry_of_a_failed_node_forgets_the_failure(desk: PanelComp) -> None:
    node = desk.comp.node
    node.setInput(1, None)
    desk.shots.start([node.fullName()])
    assert desk.row(node).state == FAILED
    node.setInput(1, desk.comp.clean)
    desk.shots.start([node.fullName()])
    assert desk.row(node).state == RUNNING
    desk.rest()
    assert desk.row(node).state == DONE


def test_stop_cancels_what_runs_and_what_waits_and_keeps_whole_frames(desk: PanelComp) -> None:
    first, other = desk.comp.node, second(desk)
    keys = [first.fullName(), other.fullName()]
    desk.shots.start(keys)
    desk.shots.stop(keys)
    desk.rest()
    assert [desk.row(node).state for node in (first, other)] == [CANCELLED, CANCELLED]
    assert not (desk.comp.folder / "cache 2").exists()
    assert other["run_id"].value() == first["run_id"].value() == ""
    assert desk.comp.status(other).startswith("last run: cancelled.")


def test_cancel_on_a_node_that_waits_takes_it_out_of_the_queue(desk: PanelComp) -> None:
    first, other = desk.comp.node, second(desk)
    desk.shots.start([first.fullName(), other.fullName()])
    desk.comp.press("cancel", other)
    assert desk.row(other).state == CANCELLED
    desk.rest()
    assert (desk.row(first).state, desk.row(other).state) == (DONE, CANCELLED)
    assert desk.comp.session.messages == []


def test_a_node_that_waits_may_be_renamed_or_deleted(desk: PanelComp) -> None:
    first, renamed, deleted = desk.comp.node, second(desk), second(desk)
    desk.shots.start([node.fullName() for node in (first, deleted, renamed)])
    renamed.setName("hero_matte")
    desk.comp.nuke.delete(deleted)
    assert desk.row(renamed).state == WAITING
    desk.rest()
    assert [(row.name, row.state) for row in desk.shots.rows()] == sorted(
        [(first.name(), DONE), ("hero_matte", DONE)]
    )


def test_a_node_that_waits_and_is_matted_by_its_button_runs_once(desk: PanelComp) -> None:
    first, other = desk.comp.node, second(desk)
    desk.shots.start([first.fullName(), other.fullName()])
    desk.comp.press("matte_range", other)
    assert desk.row(other).state == RUNNING
    desk.rest()
    assert sorted(path.name for path in (desk.comp.folder / "cache 2").iterdir()) == ["v001"]


def test_a_copy_of_a_node_that_waits_does_not_wait(desk: PanelComp) -> None:
    first, other = desk.comp.node, second(desk)
    desk.shots.start([first.fullName(), other.fullName()])
    for node in desk.comp.nuke.allNodes():
        node.setSelected(node is other)
    desk.comp.nuke.nodeCopy((desk.comp.folder / "copy.nk").as_posix())
    desk.comp.nuke.nodePaste((desk.comp.folder / "copy.nk").as_posix())
    states = {row.name: row.state for row in desk.shots.rows()}
    assert len(states) == 3
    assert (states.pop(first.name()), states.pop(other.name())) == (RUNNING, WAITING)
    assert list(states.values()) == [NEW]
    desk.rest()


def test_what_changed_since_makes_a_row_stale_and_names_it(desk: PanelComp) -> None:
    desk.shots.start([desk.comp.node.fullName()])
    desk.rest()
    desk.comp.node["align"].setValue(False)
    desk.shots.refresh()
    row = desk.row(desk.comp.node)
    assert (row.state, describe_state(row)) == (STALE, "stale: align changed since")


def test_progress_and_time_left_come_from_the_run(desk: PanelComp) -> None:
    node = desk.comp.make()
    plates = desk.comp.folder / "shot"
    for frame in range(1004, 1013):
        (plates / f"plate.{frame}.exr").write_bytes((plates / "plate.1001.exr").read_bytes())
    node["range"].setValue("custom")
    node["frames"].setValue("1001-1012")
    desk.comp.plate["last"].setValue(1012)
    desk.shots.start([node.fullName()])
    seen: list[Row] = []

    def look() -> bool:
        seen.append(desk.row(node))
        return seen[-1].state not in UNFINISHED

    desk.comp.session.pump(look)
    assert {row.total for row in seen if row.done} == {12}
    early = [row for row in seen if row.state == RUNNING and row.done < 2]
    assert early and all(row.seconds_left is None for row in early)
    assert any(row.seconds_left for row in seen if 2 <= row.done < 12)


def test_undo_and_selection_are_as_before_a_batch(desk: PanelComp) -> None:
    other = second(desk)
    desk.comp.clean.setSelected(True)
    selected = desk.comp.nuke.selectedNodes()
    desk.comp.session.undo_records.clear()
    desk.shots.start([desk.comp.node.fullName(), other.fullName()])
    desk.shots.rows()
    desk.shots.refresh()
    desk.rest()
    assert desk.comp.session.undo_records == []
    assert desk.comp.nuke.selectedNodes() == selected


def test_reveal_selects_the_node_alone_and_zooms_without_an_undo(desk: PanelComp) -> None:
    desk.comp.clean.setSelected(True)
    desk.comp.session.undo_records.clear()
    desk.shots.reveal(desk.comp.node.fullName())
    assert desk.comp.nuke.selectedNodes() == [desk.comp.node]
    assert desk.comp.session.views_of_graph == [("zoom", [desk.comp.node.fullName()])]
    assert desk.comp.session.undo_records == []


def test_reveal_opens_the_group_that_the_node_is_in(desk: PanelComp) -> None:
    group = desk.comp.nuke.nodes.Group(name="sh010")
    with group:
        node = desk.comp.nuke.createNode("PlateMatte", inpanel=False)
    desk.shots.reveal(node.fullName())
    assert desk.comp.session.views_of_graph == [
        ("showDag", ["sh010"]),
        ("zoom", [node.fullName()]),
    ]
    assert desk.comp.nuke.thisGroup() is desk.comp.nuke.root()


def test_a_node_that_is_gone_is_told_by_name(desk: PanelComp) -> None:
    with pytest.raises(RuntimeError, match="nobody is gone"):
        desk.shots.reveal("nobody")
    desk.shots.start(["nobody"])
    desk.shots.stop(["nobody"])
    assert desk.comp.session.messages == []


def test_the_panel_is_registered_and_its_widget_shows_the_nodes(desk: PanelComp) -> None:
    widgets = pytest.importorskip("PySide6.QtWidgets", exc_type=ImportError)
    application = widgets.QApplication.instance() or widgets.QApplication(["tests"])
    runpy.run_path(str(PLUGIN / "menu.py"))
    session = desk.comp.session
    assert session.menus["Pane"].findItem("PlateMatte") is not None
    panel = session.panels["org.platematte.BatchPanel"]().widget
    assert [row.key for row in panel.model.rows] == [desk.comp.node.fullName()]
    assert set(panel.actions_by_name) == {"start", "stop", "retry", "folder", "reveal", "refresh"}
    panel.table.select_keys([desk.comp.node.fullName()])
    panel.actions_by_name["start"].trigger()
    # Docked elsewhere it is another widget over the same queue.
    again = session.panels["org.platematte.BatchPanel"]().widget
    assert [row.state for row in again.model.rows] == [RUNNING]
    panel.actions_by_name["reveal"].trigger()
    assert session.views_of_graph[-1] == ("zoom", [desk.comp.node.fullName()])
    desk.rest()
    again.reload()
    assert [row.state for row in again.model.rows] == [DONE]
    for widget in (panel, again):
        widget.close()
        widget.deleteLater()
    application.processEvents()


def test_a_nuke_without_the_module_of_panels_still_has_its_menus(
    gui_session: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nukescripts", None)
    runpy.run_path(str(PLUGIN / "menu.py"))
    assert gui_session.menus["Nodes"].findItem("PlateMatte/PlateMatte") is not None
    out = capsys.readouterr().out
    assert out.startswith("PlateMatte has no panel: ")
    assert out.count("\n") == 1


def test_registering_the_panel_imports_neither_qt_nor_the_panel(gui_session: Any) -> None:
    loaded = {name for name in sys.modules if name.startswith("platematte_nuke")}
    runpy.run_path(str(PLUGIN / "menu.py"))
    now = {name for name in sys.modules if name.startswith("platematte_nuke")}
    assert now == loaded

"""The double's graph: names, groups, deletion, undo, selection, menus."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def test_names_count_up_and_lose_the_number_of_the_class(nuke: Any) -> None:
    names = [nuke.nodes.Merge2().name(), nuke.nodes.Merge2().name()]
    assert names == ["Merge1", "Merge2"]
    other = nuke.nodes.NoOp(name="Merge1")
    assert other.name() == "Merge3"
    other.setName("Merge2")
    assert other.name() == "Merge3"


def test_a_name_that_no_node_can_have_is_refused(nuke: Any) -> None:
    with pytest.raises(ValueError, match="two words"):
        nuke.nodes.NoOp().setName("two words")


def test_a_deleted_node_is_not_attached(nuke: Any) -> None:
    node = nuke.nodes.NoOp()
    knob = node["label"]
    nuke.delete(node)
    for use in (node.name, lambda: node["label"], knob.value, lambda: knob.setValue("x")):
        with pytest.raises(ValueError, match="A PythonObject is not attached to a node"):
            use()
    with pytest.raises(ValueError, match="not attached"):
        nuke.delete(node)


def test_the_inside_of_a_deleted_group_is_not_attached(nuke: Any) -> None:
    group = nuke.nodes.Group()
    with group:
        inner = nuke.nodes.NoOp()
    nuke.delete(group)
    with pytest.raises(ValueError, match="not attached"):
        inner.name()


def test_what_hung_on_a_deleted_node_has_no_input(nuke: Any) -> None:
    source = nuke.nodes.NoOp()
    node = nuke.nodes.NoOp(inputs=[source])
    nuke.delete(source)
    assert (node.input(0), node.inputs()) == (None, 0)


def test_a_renamed_node_is_found_by_its_new_name_alone(nuke: Any) -> None:
    node = nuke.nodes.NoOp(name="old")
    node["name"].setValue("new")
    assert nuke.toNode("new") is node
    assert nuke.toNode("old") is None


def test_full_names_lead_from_the_script_into_groups(nuke: Any) -> None:
    group = nuke.nodes.Group(name="outer")
    with group:
        inner = nuke.nodes.NoOp(name="inner")
        assert nuke.toNode("inner") is inner
    assert inner.fullName() == "outer.inner"
    assert nuke.toNode("outer.inner") is inner
    assert nuke.toNode("inner") is None
    assert nuke.allNodes() == [group]
    assert nuke.allNodes(recurseGroups=True) == [group, inner]


def test_end_without_begin_is_refused(session: Any, nuke: Any) -> None:
    group = nuke.nodes.Group()
    with pytest.raises(RuntimeError, match="begin"):
        group.end()
    session.violations.clear()
    group.begin()
    group.end()
    assert nuke.thisGroup() is nuke.root()


def test_nodes_of_different_groups_cannot_be_connected(nuke: Any) -> None:
    outside = nuke.nodes.NoOp()
    with nuke.nodes.Group():
        inside = nuke.nodes.NoOp()
    with pytest.raises(ValueError, match="different groups"):
        inside.setInput(0, outside)


def test_a_group_has_as_many_inputs_as_input_nodes(nuke: Any) -> None:
    source, group = nuke.nodes.NoOp(), nuke.nodes.Group()
    assert not group.setInput(0, source)
    with group:
        nuke.nodes.Input()
    assert group.setInput(0, source)
    assert not group.setInput(1, source)
    assert source.dependent() == [group]
    assert group.dependencies() == [source]


def test_create_node_hangs_on_the_selection_and_becomes_it(nuke: Any) -> None:
    source = nuke.createNode("Constant")
    node = nuke.createNode("Multiply")
    assert node.input(0) is source
    assert nuke.selectedNodes() == [node]
    free = nuke.nodes.Multiply()
    assert (free.input(0), free.isSelected()) == (None, False)


def test_edits_are_on_the_undo_stack_unless_it_is_off(session: Any, nuke: Any) -> None:
    node = nuke.nodes.NoOp()
    recorded = len(session.undo_records)
    assert recorded
    nuke.Undo.disable()
    nuke.Undo.disable()
    node["label"].setValue("x")
    nuke.Undo.enable()
    nuke.nodes.NoOp()
    assert nuke.Undo.disabled()
    nuke.Undo.enable()
    assert len(session.undo_records) == recorded
    with pytest.raises(RuntimeError, match="without a disable"):
        nuke.Undo.enable()
    session.violations.clear()


def test_an_edit_modifies_the_script_and_the_same_value_does_not(nuke: Any) -> None:
    node = nuke.nodes.NoOp()
    nuke.root().setModified(False)
    node["label"].setValue("")
    assert not nuke.root().modified()
    node["label"].setValue("x")
    assert nuke.root().modified()


def test_dialogues_and_menus_are_refused_without_windows(session: Any, nuke: Any) -> None:
    for call in (
        lambda: nuke.message("a"),
        lambda: nuke.ask("a"),
        lambda: nuke.menu("Nodes"),
        lambda: nuke.nodes.NoOp().showControlPanel(),
    ):
        with pytest.raises(RuntimeError, match="GUI"):
            call()
    assert len(session.violations) == 4
    session.violations.clear()


def test_a_question_is_answered_by_the_test_or_fails(gui_session: Any, nuke_gui: Any) -> None:
    gui_session.answers += [True]
    assert nuke_gui.ask("Delete v001?") is True
    with pytest.raises(AssertionError, match="no answer"):
        nuke_gui.ask("Delete v002?")
    assert gui_session.messages == ["Delete v001?", "Delete v002?"]
    gui_session.violations.clear()


def test_a_menu_runs_text_and_functions(nuke_gui: Any) -> None:
    pressed: list[str] = []
    menu = nuke_gui.menu("Nodes").addMenu("Keyer")
    menu.addCommand("Here", lambda: pressed.append("call"), icon="a.png", shortcut="ctrl+m")
    menu.addCommand("Node", "nuke.createNode('NoOp')")
    nuke_gui.menu("Nodes").findItem("Keyer/Here").invoke()
    nuke_gui.menu("Nodes").findItem("Keyer/Node").invoke()
    assert pressed == ["call"]
    assert nuke_gui.toNode("NoOp1") is not None
    with pytest.raises(RuntimeError, match="Wrong"):
        nuke_gui.menu("Wrong")


def test_callbacks_for_a_class_hear_that_class_alone(nuke: Any) -> None:
    heard: list[str] = []
    nuke.addOnUserCreate(lambda: heard.append(nuke.thisNode().name()), nodeClass="NoOp")
    nuke.createNode("NoOp")
    nuke.createNode("Dot")
    nuke.nodes.NoOp()
    assert heard == ["NoOp1"]


def test_a_plug_in_path_is_taken_from_the_folder_of_who_adds_it(nuke: Any) -> None:
    nuke.pluginAddPath("doubles")
    assert nuke.pluginPath()[0] == (Path(__file__).parent / "doubles").as_posix()


def test_frame_ranges_read_what_nuke_reads(nuke: Any) -> None:
    assert nuke.FrameRanges("1-3 10 20-24x2").toFrameList() == [1, 2, 3, 10, 20, 22, 24]
    assert list(nuke.FrameRange("1001-1003")) == [1001, 1002, 1003]
    assert str(nuke.FrameRange(1, 9, 2)) == "1-9x2"
    with pytest.raises(ValueError, match="no range"):
        nuke.FrameRange("1..3")


def test_a_range_comes_from_the_reads_and_moves_with_time_nodes(nuke: Any) -> None:
    nuke.root()["last_frame"].setValue(50)
    read = nuke.nodes.Read(first=1001, last=1010)
    moved = nuke.nodes.TimeOffset(time_offset=-1000, inputs=[read])
    held = nuke.nodes.FrameHold(firstFrame=5, inputs=[moved])
    ranges = [(n.firstFrame(), n.lastFrame()) for n in (read, moved, held, nuke.nodes.NoOp())]
    assert ranges == [(1001, 1010), (1, 10), (5, 5), (1, 50)]

"""The buttons with a user interface: Nuke goes on, and nodes may change meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from comp import Comp, open_comp, pixels_of

ALPHA = ("rgba.alpha",)


@pytest.fixture
def comp(tmp_path: Path, engine: Path) -> Iterator[Comp]:
    with open_comp(tmp_path, engine, gui=True) as comp:
        yield comp


def test_the_button_returns_while_the_engine_works_and_the_result_comes(comp: Comp) -> None:
    comp.shot()
    comp.nuke.frame(1002)
    comp.press("matte_frame")
    assert comp.status().startswith("v001: waiting")
    assert comp.node["shown"].value() == 0
    comp.pump()
    assert "v001, frames 1002" in comp.status()
    assert pixels_of(comp.node, 1002, ALPHA).max() == 1
    assert comp.session.messages == []


def test_progress_goes_from_0_to_100_and_the_bar_goes_away(comp: Comp) -> None:
    comp.shot()
    comp.press("matte_range")
    comp.pump()
    (task,) = comp.session.tasks
    assert task.progress == sorted(task.progress)
    assert task.progress[-1] == 100
    assert any("of 3 frames" in message for message in task.messages)


def test_undo_stack_and_selection_are_as_before(comp: Comp) -> None:
    comp.shot()
    comp.clean.setSelected(True)
    selected = comp.nuke.selectedNodes()
    comp.session.undo_records.clear()
    comp.press("matte_range")
    comp.pump()
    assert comp.session.undo_records == []
    assert comp.nuke.selectedNodes() == selected


def test_cancel_in_the_bar_keeps_what_is_shown_and_every_whole_frame(comp: Comp) -> None:
    comp.shot(tuple(range(1001, 1041)))
    comp.plugin.run(comp.node, 1001)
    comp.session.cancel_after = 2
    comp.press("matte_range")
    comp.pump()
    assert comp.node["shown"].value() == 1
    assert comp.status().startswith("last run: cancelled.")
    assert "v001, frames 1001" in comp.status()
    frames = sorted((comp.folder / "cache/v002").glob("matte.*.exr"))
    assert len(frames) < 40
    for path in frames:
        assert path.stat().st_size > 0
    assert not [
        path for path in (comp.folder / "cache/v002").iterdir() if path.name.startswith(".")
    ]
    assert not (comp.folder / "cache/v002/inputs").exists()
    assert comp.session.messages == []


def test_cancel_on_the_node_stops_its_own_matte(comp: Comp) -> None:
    comp.shot(tuple(range(1001, 1041)))
    comp.press("matte_range")
    comp.press("cancel")
    comp.pump()
    assert comp.status().startswith("last run: cancelled.")
    assert comp.node["shown"].value() == 0


def test_a_second_press_while_it_runs_is_refused(comp: Comp) -> None:
    comp.shot()
    comp.press("matte_range")
    comp.press("matte_range")
    comp.pump()
    assert [message for message in comp.session.messages if "being matted already" in message]
    assert comp.versions() == ["v001"]
    assert "v001, frames 1001-1003" in comp.status()


def test_a_node_renamed_meanwhile_gets_its_result(comp: Comp) -> None:
    comp.shot()
    comp.press("matte_range")
    comp.node.setName("hero_matte")
    comp.pump()
    assert "v001, frames 1001-1003" in comp.status()
    assert comp.session.messages == []


def test_a_copy_made_meanwhile_is_not_taken_for_the_node(comp: Comp) -> None:
    comp.shot()
    comp.press("matte_range")
    name = comp.node.name()
    for node in comp.nuke.allNodes():
        node.setSelected(node is comp.node)
    comp.nuke.nodeCopy((comp.folder / "copy.nk").as_posix())
    comp.nuke.nodePaste((comp.folder / "copy.nk").as_posix())
    (copy,) = [n for n in comp.nuke.allNodes() if n.Class() == "Group" and n.name() != name]
    comp.pump()
    assert comp.node["shown"].value() == 1
    assert copy["shown"].value() == 0


def test_a_node_deleted_meanwhile_loses_no_frame(comp: Comp) -> None:
    comp.shot()
    comp.press("matte_range")
    comp.nuke.delete(comp.node)
    comp.pump()
    assert len(list((comp.folder / "cache/v001").glob("matte.*.exr"))) == 3
    (message,) = comp.session.messages
    assert "is gone" in message
    assert "v001" in message
    node = comp.make()
    comp.plugin.attach(node, 1)
    assert pixels_of(node, 1003, ALPHA).max() == 1


def test_two_nodes_at_once_get_their_own_results(comp: Comp) -> None:
    comp.shot()
    other = comp.make(cache_dir=(comp.folder / "cache").as_posix())
    comp.press("matte_range")
    comp.nuke.frame(1002)
    comp.press("matte_frame", other)
    comp.pump()
    assert "v001, frames 1001-1003" in comp.status()
    assert "v002, frames 1002" in comp.status(other)
    assert comp.versions() == ["v001", "v002"]


def test_a_failure_is_shown_once_and_stays_in_the_status_line(comp: Comp) -> None:
    comp.shot()
    comp.node.setInput(1, comp.plate)
    comp.node["clean_frame"].setValue(1001)
    comp.nuke.frame(1001)
    comp.press("matte_frame")
    comp.pump()
    (message,) = comp.session.messages
    assert "clean plate" in message
    assert "Traceback" not in message
    assert comp.status().startswith("last run: ")
    assert "clean plate" in comp.status()


def test_an_engine_that_dies_is_told_and_the_next_run_starts_a_new_one(
    comp: Comp, tmp_path: Path
) -> None:
    comp.shot()
    broken = tmp_path / "broken" / "platematte"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho out of licences >&2\nexit 3\n")
    broken.chmod(0o755)
    good = comp.node["engine"].value()
    comp.node["engine"].setValue(broken.as_posix())
    comp.press("matte_range")
    comp.pump()
    (message,) = comp.session.messages
    assert "out of licences" in message
    comp.node["engine"].setValue(good)
    comp.press("matte_range")
    comp.pump()
    assert "v002, frames 1001-1003" in comp.status()


def test_a_version_is_chosen_by_its_number_and_a_wrong_one_is_put_back(comp: Comp) -> None:
    comp.shot()
    for frame in (1001, 1002):
        comp.plugin.run(comp.node, frame)
    comp.node["version"].setValue(1)
    assert "v001, frames 1001" in comp.status()
    comp.node["version"].setValue(7)
    assert comp.node["version"].value() == 1
    assert "no finished frame in version 7" in comp.status()


def test_nothing_is_deleted_without_a_yes(comp: Comp) -> None:
    comp.shot()
    for frame in (1001, 1002, 1003):
        comp.plugin.run(comp.node, frame)
    foreign = comp.folder / "cache/v001/notes.txt"
    foreign.write_text("mine")
    comp.session.answers = [False]
    comp.press("delete_versions")
    assert "v001, v002" in comp.session.messages[-1]
    assert comp.versions() == ["v001", "v002", "v003"]
    comp.session.answers = [True]
    comp.press("delete_versions")
    assert comp.versions() == ["v001", "v003"]
    assert [path.name for path in (comp.folder / "cache/v001").iterdir()] == ["notes.txt"]


def test_troubleshoot_reports_engine_colour_proxy_and_paths(comp: Comp) -> None:
    comp.shot()
    comp.press("troubleshoot")
    comp.session.pump(lambda: bool(comp.session.messages))
    (report,) = comp.session.messages
    for part in (comp.engine.as_posix(), "torch", "proxy mode: off", "lin_rec709_scene", "cache"):
        assert part in report, part


def test_adapting_is_hidden_and_says_why(comp: Comp) -> None:
    comp.shot()
    assert not comp.node["adapt"].visible()
    comp.press("adapt")
    assert "does not offer" in comp.session.messages[-1]

"""What may happen while a matte is under way: the script goes, is renamed, the engine is killed."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from comp import Comp, open_comp, pixels_of, read_exr

from platematte_client import warm

ALPHA = ("rgba.alpha",)
LONG = tuple(range(1001, 1041))
# Says hello as an engine does, and then hears nothing any more.
_DEAF = """#!{python}
import json, time
print(json.dumps({{"kind": "hello", "program": "deaf", "protocol": 1}}), flush=True)
time.sleep(600)
"""


@pytest.fixture
def comp(tmp_path: Path, engine: Path) -> Iterator[Comp]:
    with open_comp(tmp_path, engine, gui=True) as comp:
        yield comp


def engine_process() -> int:
    """Return the process id of the warm engine."""
    conversation: Any = warm._engine._conversation if warm._engine is not None else None
    return int(conversation._process.pid)


def has_job(engine: Any) -> bool:
    """Whether the engine was given a job that it has not answered."""
    return engine._conversation is not None and bool(engine._conversation._boxes)


def whole_frames(folder: Path) -> list[int]:
    """Return the frames in a version folder; each must be a file that can be read whole."""
    paths = sorted(folder.glob("matte.*.exr"))
    for path in paths:
        assert read_exr(path)[0].shape[2] >= 4
    return [int(path.name.split(".")[1]) for path in paths]


@pytest.mark.skipif(os.name != "posix", reason="kills a process by a signal")
def test_an_engine_that_is_killed_loses_no_finished_frame_and_the_next_run_works(
    comp: Comp,
) -> None:
    comp.shot(LONG)
    comp.press("matte_range")
    folder = comp.folder / "cache/v001"
    comp.session.pump(lambda: any(folder.glob("matte.*.exr")))
    os.kill(engine_process(), signal.SIGKILL)
    comp.pump()
    frames = whole_frames(folder)
    assert 0 < len(frames) < len(LONG)
    assert comp.node["shown"].value() == 0
    assert comp.status().startswith("last run: PlateMatte's engine ")
    assert "Frames that it had finished are kept" in comp.status()
    assert "set Version to 1 to see them" in comp.status()
    assert not (folder / "inputs").exists()
    (message,) = comp.session.messages
    assert "Traceback" not in message
    comp.node["version"].setValue(1)
    assert pixels_of(comp.node, frames[0], ALPHA).max() == 1
    comp.nuke.frame(1001)
    comp.press("matte_frame")
    comp.pump()
    assert "v002, frames 1001, premultiplied; up to date" in comp.status()


def test_a_script_that_is_closed_meanwhile_loses_no_frame(comp: Comp) -> None:
    comp.shot()
    comp.press("matte_range")
    comp.nuke.scriptClear()
    comp.pump()
    assert whole_frames(comp.folder / "cache/v001") == [1001, 1002, 1003]
    (message,) = comp.session.messages
    assert "is gone; its frames are in" in message
    assert (comp.folder / "cache/v001").as_posix() in message


def test_another_script_opened_meanwhile_gets_nothing_of_it(comp: Comp) -> None:
    comp.shot()
    comp.nuke.scriptSaveAs((comp.folder / "other.nk").as_posix())
    comp.press("matte_range")
    comp.nuke.scriptClear()
    comp.nuke.scriptOpen((comp.folder / "other.nk").as_posix())
    (other,) = [node for node in comp.nuke.allNodes() if node.Class() == "Group"]
    comp.pump()
    assert other["shown"].value() == 0
    assert comp.status(other).startswith("no matte yet")
    assert whole_frames(comp.folder / "cache/v001") == [1001, 1002, 1003]


def test_a_script_saved_elsewhere_meanwhile_shows_the_result_and_says_where_it_is(
    comp: Comp,
) -> None:
    comp.shot()
    comp.node["cache_dir"].setValue("")
    (comp.folder / "new place").mkdir()
    comp.nuke.scriptSaveAs((comp.folder / "comp.nk").as_posix())
    comp.press("matte_range")
    comp.nuke.scriptSaveAs((comp.folder / "new place" / "comp.nk").as_posix())
    comp.pump()
    old = comp.folder / "platematte" / comp.node.name()
    assert whole_frames(old / "v001") == [1001, 1002, 1003]
    assert pixels_of(comp.node, 1002, ALPHA).max() == 1
    assert comp.status().endswith("up to date; from the folder " + old.as_posix())
    comp.node["version"].setValue(5)
    assert "What is shown lies in " + old.as_posix() in comp.status()
    comp.nuke.frame(1001)
    comp.press("matte_frame")
    comp.pump()
    new = comp.folder / "new place" / "platematte" / comp.node.name()
    assert whole_frames(new / "v001") == [1001]
    assert comp.status() == "v001, frames 1001, premultiplied; up to date"


def test_a_node_in_a_group_that_is_renamed_meanwhile_gets_its_result(comp: Comp) -> None:
    comp.shot()
    group = comp.nuke.nodes.Group(name="setup")
    with group:
        plate = comp.read("shot/plate.%04d.exr", 1001, 1003)
        clean = comp.read("shot/clean.exr", 1, 1)
        cache = (comp.folder / "cache").as_posix()
        node = comp.plugin.create(
            plate, clean, device="cpu", cache_dir=cache, engine=comp.engine.as_posix()
        )
    assert node.fullName().startswith("setup.")
    comp.press("matte_range", node)
    group.setName("hero setup".replace(" ", "_"))
    comp.pump()
    assert comp.status(node) == "v001, frames 1001-1003, premultiplied; up to date"
    assert comp.session.messages == []


def test_the_plate_unplugged_meanwhile_makes_the_result_stale_and_no_more(comp: Comp) -> None:
    comp.shot()
    comp.press("matte_range")
    comp.node.setInput(0, None)
    comp.pump()
    assert comp.node["shown"].value() == 1
    assert "STALE, changed since: plate" in comp.status()
    assert comp.session.messages == []


def test_versions_that_another_node_shows_or_makes_are_not_deleted(comp: Comp) -> None:
    comp.shot(LONG)
    comp.plugin.run(comp.node, 1001)
    comp.plugin.run(comp.node, 1002)
    for node in comp.nuke.allNodes():
        node.setSelected(node is comp.node)
    comp.nuke.nodeCopy((comp.folder / "copy.nk").as_posix())
    comp.nuke.nodePaste((comp.folder / "copy.nk").as_posix())
    (copy,) = comp.nuke.selectedNodes()
    copy.setInput(0, comp.plate)
    copy.setInput(1, comp.clean)
    comp.plugin.run(comp.node, 1003)
    comp.press("matte_range", copy)
    comp.session.answers = [True]
    comp.press("delete_versions")
    # v001 is nobody's; v002 is what the copy shows, v003 the node's own, v004 under way.
    assert "Delete v001 in" in comp.session.messages[-1]
    assert comp.versions() == ["v002", "v003", "v004"]
    comp.press("cancel", copy)
    comp.pump()
    assert comp.status(copy).startswith("last run: cancelled.")
    assert comp.versions() == ["v002", "v003", "v004"]


def test_whose_versions_are_deleted_is_said_where_a_folder_is_shared(comp: Comp) -> None:
    comp.shot()
    comp.plugin.run(comp.node, 1001)
    comp.plugin.run(comp.node, 1002)
    path = comp.folder / "cache/v001/job.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "node": "hero", "script": "/s/other.nk"}))
    comp.session.answers = [False]
    comp.press("delete_versions")
    assert "v001 (made by hero of /s/other.nk)" in comp.session.messages[-1]


def test_an_engine_that_hears_nothing_is_ended_by_a_second_cancel(comp: Comp) -> None:
    comp.shot()
    deaf = comp.folder / "deaf"
    deaf.write_text(_DEAF.format(python=sys.executable))
    deaf.chmod(0o755)
    good = comp.node["engine"].value()
    comp.node["engine"].setValue(deaf.as_posix())
    comp.press("matte_range")
    comp.session.pump(lambda: warm._engine is not None and has_job(warm._engine))
    comp.press("cancel")
    comp.press("cancel")
    comp.pump()
    assert comp.status().startswith("last run: cancelled; the engine did not answer")
    assert comp.session.messages == []
    comp.node["engine"].setValue(good)
    comp.nuke.frame(1001)
    comp.press("matte_frame")
    comp.pump()
    assert "v002, frames 1001" in comp.status()


def test_an_engine_ended_while_it_starts_is_a_cancel_as_well(comp: Comp) -> None:
    comp.shot()
    warm.stop_engine()
    comp.press("matte_range")
    comp.press("cancel")
    comp.press("cancel")
    comp.pump()
    assert comp.status().startswith("last run: cancelled")
    assert comp.session.messages == []


def test_while_the_weights_are_loaded_the_bar_says_so(comp: Comp) -> None:
    warm.stop_engine()
    comp.shot((1001,))
    seen: list[str] = []

    def has_ended() -> bool:
        seen.append(comp.status())
        return bool(comp.node["shown"].value())

    comp.press("matte_range")
    comp.session.pump(has_ended)
    comp.pump()
    assert "v001: loads the weights quality" in seen


def test_cancel_without_a_run_says_so_and_changes_nothing(comp: Comp) -> None:
    comp.shot()
    comp.press("cancel")
    assert "there is no matte of this node under way" in comp.status()
    assert comp.versions() == []

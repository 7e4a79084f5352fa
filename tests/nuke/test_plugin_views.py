"""Stereo: each view of the script is exported, matted and shown, with the real engine."""

from __future__ import annotations

import importlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from comp import Comp, open_comp, read_exr, write_exr, write_shot

from platematte_client import versions

FRAMES = (1001, 1002)
VIEWS = ("left", "right")


@pytest.fixture
def comp(tmp_path: Path, engine: Path) -> Iterator[Comp]:
    """A stereo script; the right eye is the left one mirrored: none passes for the other."""
    with open_comp(tmp_path, engine) as comp:
        comp.nuke.root()["views"].setValue("left #ff0000\nright #00ff00")
        for view in VIEWS:
            write_shot(comp.folder / view, FRAMES)
        for path in (comp.folder / "right").iterdir():
            write_exr(path, read_exr(path)[0][:, ::-1])
        comp.plate = comp.read("%V/plate.%04d.exr", *FRAMES)
        comp.clean = comp.read("%V/clean.exr", 1, 1)
        comp.node = comp.make()
        yield comp


def shown(comp: Comp, frame: int, view: str) -> np.ndarray:
    """Return RGBA of what the node delivers in a view."""
    from doubles.render import pull

    comp.session.view_context.append(view)
    try:
        return pull(comp.node, frame).rgba()
    finally:
        comp.session.view_context.pop()


def refresh(comp: Comp) -> str:
    importlib.import_module("platematte_nuke.readback").refresh(comp.node)
    return comp.status()


def test_each_view_gets_its_own_matte(comp: Comp) -> None:
    run = comp.plugin.run(comp.node)
    assert sorted(path.name for path in run.folder.glob("*.exr")) == [
        f"matte.{view}.{frame}.exr" for view in VIEWS for frame in FRAMES
    ]
    assert comp.status() == "v001, frames 1001-1002, premultiplied; up to date"
    for frame in FRAMES:
        for view in VIEWS:
            written = read_exr(run.folder / f"matte.{view}.{frame}.exr")[0][..., :4]
            np.testing.assert_array_equal(shown(comp, frame, view), written)
            plate = read_exr(comp.folder / view / f"plate.{frame}.exr")[0]
            solid = written[..., 3] == 1
            np.testing.assert_array_equal(written[solid][:, :3], plate[solid].astype(np.float16))
        left, right = (shown(comp, frame, view)[..., 3] for view in VIEWS)
        # A network is not the same mirrored, but the subject is where its own eye has it.
        as_they_are, mirrored = np.abs(left - right).mean(), np.abs(left - right[:, ::-1]).mean()
        assert mirrored < as_they_are / 3
    assert comp.session.view == "left"


def test_progress_counts_the_frames_of_all_views(tmp_path: Path, engine: Path) -> None:
    with open_comp(tmp_path, engine, gui=True) as comp:
        comp.nuke.root()["views"].setValue("left #ff0000\nright #00ff00")
        for view in VIEWS:
            write_shot(comp.folder / view, FRAMES)
        comp.plate = comp.read("%V/plate.%04d.exr", *FRAMES)
        comp.clean = comp.read("%V/clean.exr", 1, 1)
        comp.node = comp.make()
        comp.press("matte_range")
        comp.pump()
        (task,) = comp.session.tasks
        assert task.progress == sorted(task.progress)
        assert task.progress[-1] == 100
        assert "v001: 4 of 4 frames" in task.messages
        assert comp.status() == "v001, frames 1001-1002, premultiplied; up to date"


def test_a_frame_that_only_one_view_has_is_not_called_finished(comp: Comp) -> None:
    run = comp.plugin.run(comp.node)
    (run.folder / "matte.right.1002.exr").unlink()
    assert refresh(comp).endswith("GONE from the disk: frames 1002")
    comp.plugin.attach(comp.node, 1)
    assert comp.status().startswith("v001, frames 1001, ")


def test_a_view_that_is_added_makes_the_result_stale(comp: Comp) -> None:
    comp.plugin.run(comp.node)
    comp.nuke.root()["views"].setValue("left #ff0000\nright #00ff00\nthird #0000ff")
    assert "STALE, changed since: views" in refresh(comp)


def test_files_of_the_second_view_that_were_rendered_again_are_noticed(comp: Comp) -> None:
    comp.plugin.run(comp.node)
    path = comp.folder / "right/plate.1001.exr"
    write_exr(path, read_exr(path)[0] * 2)
    assert "STALE, changed since: plate" in refresh(comp)


def test_what_is_wrong_with_one_view_names_it(comp: Comp) -> None:
    (comp.folder / "right/plate.1002.exr").unlink()
    with pytest.raises(comp.plugin.PlateMatteError, match="frame 1002 of the view right"):
        comp.plugin.run(comp.node)
    assert comp.versions() == []
    comp.clean = comp.read("%V/plate.1001.exr", 1, 1)
    comp.node.setInput(1, comp.clean)
    with pytest.raises(comp.plugin.PlateMatteError, match=r"view left: clean plate \(input 1\)"):
        comp.plugin.run(comp.node, 1001)


def test_a_view_whose_name_is_no_part_of_a_file_s_name_is_refused(comp: Comp) -> None:
    comp.nuke.root()["views"].setValue("left #ff0000\nright/eye #00ff00")
    with pytest.raises(comp.plugin.PlateMatteError, match="right/eye"):
        comp.plugin.run(comp.node)


def test_a_farm_gets_a_command_for_each_view(comp: Comp, engine: Path) -> None:
    path = comp.plugin.write_job(comp.node, 1001)
    record = json.loads(path.read_text())
    assert record["command"] is None
    assert record["shell"].count(" && ") == 1
    for command in record["commands"]:
        done = subprocess.run(
            [str(engine), *command[1:], "--progress", "none"], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    comp.plugin.attach(comp.node, 1)
    assert comp.status() == "v001, frames 1001, premultiplied; up to date"


def test_a_saved_stereo_comp_opens_with_both_eyes(comp: Comp) -> None:
    comp.plugin.run(comp.node)
    before = [shown(comp, 1001, view) for view in VIEWS]
    comp.nuke.scriptSaveAs((comp.folder / "comp.nk").as_posix())
    comp.nuke.scriptClear()
    comp.nuke.scriptOpen((comp.folder / "comp.nk").as_posix())
    (comp.node,) = [node for node in comp.nuke.allNodes() if node.Class() == "Group"]
    for view, old in zip(VIEWS, before, strict=True):
        np.testing.assert_array_equal(shown(comp, 1001, view), old)


def test_versions_of_a_stereo_script_are_deleted_whole(comp: Comp) -> None:
    comp.plugin.run(comp.node)
    versions.delete_version(comp.folder / "cache/v001")
    assert comp.versions() == []


def test_a_stereo_version_whose_record_is_lost_can_still_be_shown(comp: Comp) -> None:
    run = comp.plugin.run(comp.node)
    before = shown(comp, 1001, "right")
    (run.folder / "job.json").unlink()
    comp.plugin.attach(comp.node, 1)
    np.testing.assert_array_equal(shown(comp, 1001, "right"), before)
    assert "not known whether it is stale" in comp.status()

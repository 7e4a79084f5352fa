"""Whatever happens between two steps of a matte, nothing breaks and no frame is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from builders import make_shot, names_in_file, read_exr, render_outputs

from blender_addon import api, compat, inner_tree, running
from blender_addon.capture import TEMPORARY
from blender_addon.job import Job, State
from platematte_client.errors import Cancelled, PlateMatteError

FRAMES = tuple(range(1001, 1013))
PATIENCE_S = 120.0


@pytest.fixture
def node(scene: Any, tmp_path: Path) -> Any:
    """A node on a shot of twelve frames, with an undo step behind it."""
    made = make_shot(scene, tmp_path, FRAMES)
    bpy.ops.ed.undo_push(message="a shot")
    return made


@pytest.fixture(autouse=True)
def nothing_under_way() -> Iterator[None]:
    """No test may leave a job, and none may leave a trace of a capture."""
    yield
    assert running.current is None
    there = [name for found in names_in_file().values() for name, _ in found]
    assert [name for name in there if TEMPORARY in name] == []


def step_until(job: Job, is_there: Callable[[], bool]) -> None:
    """Step a job until something is so."""
    end = time.monotonic() + PATIENCE_S
    while not is_there():
        assert time.monotonic() < end, job.told
        assert not job.has_ended, job.error
        job.step()
        time.sleep(0.01)


def finish(job: Job) -> None:
    """Step a job to its end."""
    end = time.monotonic() + PATIENCE_S
    while not job.has_ended:
        assert time.monotonic() < end, job.told
        job.step()
        time.sleep(0.01)


def node_now(name: str = "PlateMatte") -> Any:
    """Return the node by its name: an undo frees what pointed to it."""
    return compat.scene_tree(bpy.context.scene).nodes[name]


def test_between_two_steps_nothing_temporary_is_in_the_file(node: Any) -> None:
    before = names_in_file()
    job = Job(node)
    for _ in range(3):
        job.step()
        after = names_in_file()
        assert {kind: [name for name, _ in found] for kind, found in after.items()} == {
            kind: [name for name, _ in found] for kind, found in before.items()
        }
    assert job.state is State.CAPTURE
    job.cancel()


def test_an_undo_in_the_capture_and_one_in_the_computation_hurt_nothing(
    node: Any, tmp_path: Path
) -> None:
    bpy.ops.ed.undo_push(message="one")
    node.label = "labelled"
    bpy.ops.ed.undo_push(message="two")
    job = Job(node)
    job.step()
    job.step()
    bpy.ops.ed.undo()
    step_until(job, lambda: job.state is State.COMPUTE)
    bpy.ops.ed.undo()
    finish(job)
    assert job.error is None
    assert node_now().shown_frames == "1001-1012"
    there = render_outputs(bpy.context.scene, node_now(), 1002, tmp_path)
    file = read_exr(job.folder / "matte.1002.exr")
    np.testing.assert_array_equal(there["Alpha"][..., 0], file["A"])


def label_and_leave_steps(node: Any) -> None:
    """Leave undo steps that differ in the node's label, and hold the same of its inner tree."""
    for label in ("one", "two", "three"):
        node.label = label
        bpy.ops.ed.undo_push(message=label)


def test_an_undo_takes_back_what_is_shown_and_then_what_was_done_before(
    node: Any, tmp_path: Path
) -> None:
    label_and_leave_steps(node)
    job = Job(node)
    step_until(job, lambda: bool(job.done))
    assert node.shown == 1
    bpy.ops.ed.undo()
    # A step too far: the tree inside would be kept as it is, and the image that it shows be freed.
    assert (node_now().label, node_now().shown) == ("three", 0)
    assert inner_tree.shown_image(node_now()) is None
    bpy.ops.ed.undo()
    assert node_now().label == "two"
    before = len(job.done)
    step_until(job, lambda: len(job.done) > before)
    # The artist's way back is still there: nothing was shown, and so no step was left.
    bpy.ops.ed.redo()
    assert node_now().label == "three"
    finish(job)
    assert job.error is None and node_now().shown_frames == "1001-1012"
    there = render_outputs(bpy.context.scene, node_now(), 1012, tmp_path)
    file = read_exr(job.folder / "matte.1012.exr")
    np.testing.assert_array_equal(there["Alpha"][..., 0], file["A"])
    bpy.ops.ed.undo()
    assert (node_now().label, node_now().shown) == ("three", 0)
    bpy.ops.ed.redo()
    assert node_now().shown_frames == "1001-1012"


def test_after_an_undo_and_a_redo_the_node_says_at_once_that_it_is_under_way(node: Any) -> None:
    label_and_leave_steps(node)
    job = Job(node)
    step_until(job, lambda: bool(job.done))
    bpy.ops.ed.undo()
    assert running.job_of(node_now()) is job
    bpy.ops.ed.undo()
    assert running.job_of(node_now()) is job
    bpy.ops.ed.redo()
    assert running.job_of(node_now()) is job
    job.cancel()
    assert running.job_of(node_now()) is None
    assert job._engine is not None and job._engine.wait(PATIENCE_S)


def test_an_undo_into_an_earlier_matte_does_not_lose_the_node(node: Any) -> None:
    first = Job(node)
    step_until(first, lambda: bool(first.done))
    finish(first)
    job = Job(node)
    job.step()
    bpy.ops.ed.undo()
    # The step was left in the middle of the first job, and had its mark.
    assert running.job_of(node_now()) is job
    finish(job)
    assert job.error is None
    assert (node_now().shown, node_now().shown_frames) == (2, "1001-1012")


def test_a_matte_of_one_frame_is_one_undo_step(node: Any) -> None:
    label_and_leave_steps(node)
    api.matte(node, 1001)
    assert node.shown_frames == "1001"
    bpy.ops.ed.undo()
    assert (node_now().label, node_now().shown) == ("three", 0)
    bpy.ops.ed.undo()
    assert node_now().label == "two"


def test_the_end_of_a_cancelled_matte_can_be_undone(node: Any) -> None:
    label_and_leave_steps(node)
    job = Job(node)
    step_until(job, lambda: bool(job.done))
    # Where nothing is shown a cancel shows what there is.
    bpy.ops.ed.undo()
    job.cancel()
    assert node_now().shown == 1
    bpy.ops.ed.undo()
    assert (node_now().label, node_now().shown) == ("three", 0)
    assert job._engine is not None and job._engine.wait(PATIENCE_S)


def test_further_frames_neither_make_nor_remove_data_blocks(node: Any) -> None:
    """An undo would free such, and each would want an undo step."""
    job = Job(node)
    step_until(job, lambda: bool(job.done))
    before = blocks_in_file()
    step_until(job, lambda: len(job.done) > 3)
    assert str(job.done[-1]) in node.shown_frames
    assert blocks_in_file() == before
    job.cancel()
    assert job._engine is not None and job._engine.wait(PATIENCE_S)


def blocks_in_file() -> set[tuple[str, int]]:
    """Return kind and address of each data-block that a node may point to."""
    kinds = ("actions", "images", "node_groups", "scenes")
    return {(kind, block.as_pointer()) for kind in kinds for block in getattr(bpy.data, kind)}


def test_another_version_that_is_chosen_meanwhile_stays_until_the_end(node: Any) -> None:
    api.matte(node, 1001)
    job = Job(node)
    step_until(job, lambda: bool(job.done))
    node.version = 1
    before = len(job.done)
    step_until(job, lambda: len(job.done) > before)
    assert (node.shown, node.shown_frames) == (1, "1001")
    finish(job)
    assert (node.shown, node.shown_frames) == (2, "1001-1012")


def test_a_renamed_node_gets_its_result(node: Any) -> None:
    job = Job(node)
    job.step()
    node.name = "Hero"
    step_until(job, lambda: job.state is State.COMPUTE)
    node.name = "Hero again"
    finish(job)
    assert job.error is None
    assert node.shown_frames == "1001-1012" and node.run_id == ""


def test_a_copy_that_is_made_meanwhile_is_not_the_one_that_is_matted(node: Any) -> None:
    job = Job(node)
    job.step()
    copy = node.id_data.nodes.new(node.bl_idname)
    copy.run_id, copy.node_tree = node.run_id, node.node_tree
    assert running.job_of(copy) is None and running.job_of(node) is job
    finish(job)
    assert (node.shown, copy.shown) == (1, 0)
    assert node.node_tree != copy.node_tree


def test_a_node_that_moves_into_a_group_gets_its_result(scene: Any, node: Any) -> None:
    job = Job(node)
    step_until(job, lambda: job.state is State.COMPUTE)
    group = bpy.data.node_groups.new("group", "CompositorNodeTree")
    moved = group.nodes.new(node.bl_idname)
    moved.run_id = node.run_id
    node.id_data.nodes.new("CompositorNodeGroup").node_tree = group
    node.id_data.nodes.remove(node)
    finish(job)
    assert moved.shown_frames == "1001-1012"


def test_a_node_deleted_in_the_capture_ends_it_and_leaves_no_folder(node: Any) -> None:
    job = Job(node)
    job.step()
    job.step()
    node.id_data.nodes.remove(node)
    finish(job)
    assert "the node 'PlateMatte' was deleted" in str(job.error)
    assert not job.folder.exists()


def test_of_a_node_deleted_later_the_frames_are_kept_and_it_is_said_where(node: Any) -> None:
    job = Job(node)
    step_until(job, lambda: job.state is State.COMPUTE)
    node.id_data.nodes.remove(node)
    finish(job)
    assert isinstance(job.error, PlateMatteError)
    assert f"its frames 1001-1012 are in {job.folder}" in str(job.error)
    assert sorted(path.name for path in job.folder.glob("matte.*.exr"))[0] == "matte.1001.exr"
    assert not (job.folder / "inputs").exists()


def test_a_cancel_in_the_capture_leaves_nothing(node: Any) -> None:
    job = Job(node)
    job.step()
    job.step()
    job.cancel()
    assert job.has_ended and isinstance(job.error, Cancelled)
    assert not job.folder.exists()
    assert api.status(node).startswith("last run: cancelled; no matte yet")


def test_a_cancel_while_the_engine_works_returns_at_once_and_keeps_whole_frames(
    node: Any, tmp_path: Path
) -> None:
    job = Job(node)
    step_until(job, lambda: bool(job.done))
    began = time.monotonic()
    job.cancel()
    assert time.monotonic() - began < 0.5
    assert job._engine is not None and job._engine.wait(PATIENCE_S)
    kept = sorted(job.folder.glob("matte.*.exr"))
    assert kept
    for path in kept:
        assert read_exr(path)["A"].shape == (48, 64)
    assert [path for path in job.folder.iterdir() if path.name.startswith(".")] == []
    assert not (job.folder / "inputs").exists()
    assert "cancelled. Frames 1001" in api.status(node)
    assert node.shown == 1
    # The engine is still there for the next one.
    assert api.matte(node, 1001).name == "v002"


def test_frames_appear_as_they_arrive(scene: Any, node: Any, tmp_path: Path) -> None:
    job = Job(node)
    step_until(job, lambda: bool(job.done))
    first = job.done[0]
    assert node.shown == 1 and str(first) in node.shown_frames
    there = render_outputs(scene, node, first, tmp_path)
    file = read_exr(job.folder / f"matte.{first}.exr")
    np.testing.assert_array_equal(there["Alpha"][..., 0], file["A"])
    # One that is looked at before it is there is seen once it is.
    late = render_outputs(scene, node, 1012, tmp_path).get("Alpha")
    finish(job)
    shown = render_outputs(scene, node, 1012, tmp_path)["Alpha"]
    file = read_exr(job.folder / "matte.1012.exr")
    np.testing.assert_array_equal(shown[..., 0], file["A"])
    assert late is None or not late.any() or np.array_equal(late, shown)


def test_while_it_runs_the_node_says_how_far_it_is_and_a_second_matte_is_refused(
    node: Any,
) -> None:
    other = node.id_data.nodes.new(node.bl_idname)
    job = Job(node)
    assert api.status(node) == "v001: captures 1001-1012"
    step_until(job, lambda: job._captured == 2)
    assert api.status(node) == "v001: captured 2 of 13"
    assert 0 < job.progress < 0.3
    for one in (node, other):
        with pytest.raises(PlateMatteError, match="'PlateMatte' is being matted"):
            Job(one)
    with pytest.raises(RuntimeError, match="being matted"):
        bpy.ops.platematte.matte_frame(node=other.name)
    with pytest.raises(RuntimeError, match="being matted"):
        bpy.ops.platematte.convert_to_group(node=node.name)
    assert bpy.ops.platematte.cancel() == {"FINISHED"}
    assert job.has_ended
    with pytest.raises(RuntimeError, match="no matte under way"):
        bpy.ops.platematte.cancel()


def test_loading_another_file_cancels(node: Any, tmp_path: Path) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    job = Job(node)
    step_until(job, lambda: job.state is State.COMPUTE)
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    assert isinstance(job.error, Cancelled)
    assert node_now().run_id == ""
    job.step()
    assert job._engine is not None and job._engine.wait(PATIENCE_S)
    assert api.matte(node_now(), 1001).is_dir()


def test_saving_and_rendering_meanwhile_hurt_nothing(scene: Any, node: Any, tmp_path: Path) -> None:
    job = Job(node)
    step_until(job, lambda: job._captured == 2)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    there = render_outputs(scene, node, 1002, tmp_path)
    assert there["Plate"].any()
    step_until(job, lambda: job.state is State.COMPUTE)
    bpy.ops.wm.save_mainfile()
    finish(job)
    assert job.error is None and node.shown_frames == "1001-1012"


def test_a_change_in_the_middle_of_the_capture_is_never_called_up_to_date(node: Any) -> None:
    image = node.id_data.nodes["plate image"]
    job = Job(node)
    step_until(job, lambda: job._captured == 2)
    image.frame_offset += 1
    step_until(job, lambda: job.state is State.COMPUTE)
    image.frame_offset -= 1
    finish(job)
    assert "STALE, changed since: plate (while it was captured)" in api.status(node)


def test_a_fault_of_ours_is_a_sentence_and_ends_the_job(
    node: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from blender_addon import capture

    def fail(*_: Any) -> None:
        raise KeyError("odd")

    monkeypatch.setattr(capture, "capture", fail)
    job = Job(node)
    finish(job)
    assert "internal error: KeyError: 'odd'" in str(job.error)
    assert not job.folder.exists()

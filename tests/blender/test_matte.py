"""From the graph to the node's outputs with the real engine, as a script does it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from builders import SIZE, add_image, make_shot, read_exr, render_outputs, rgb, write_exr

from blender_addon import api, compat, running
from platematte_client import warm
from platematte_client.errors import PlateMatteError

FRAMES = (1001, 1002, 1003)


@pytest.fixture
def node(scene: Any, tmp_path: Path) -> Any:
    """A node on a shot of three frames."""
    return make_shot(scene, tmp_path, FRAMES)


def frames_in(folder: Path) -> list[str]:
    """Return the names of the frames in a version folder."""
    return sorted(path.name for path in folder.glob("*.exr"))


def test_a_range_becomes_a_version_that_the_outputs_deliver_exactly(
    scene: Any, node: Any, tmp_path: Path
) -> None:
    core = np.zeros((SIZE[1], SIZE[0], 3), np.float32)
    row, column = SIZE[1] // 2, int(SIZE[0] * 0.45)
    core[row - 3 : row + 3, column - 3 : column + 3] = 1
    image = add_image(node.id_data, write_exr(tmp_path / "core.exr", core))
    node.id_data.links.new(image.outputs[0], node.inputs["Core Matte"])
    folder = api.matte(node)
    assert folder == tmp_path / "cache/v001"
    assert sorted(path.name for path in folder.iterdir()) == [
        "job.json",
        *(f"matte.{frame}.exr" for frame in FRAMES),
        "settings.json",
        "thumbnail.png",
    ]
    assert api.status(node) == "v001, frames 1001-1003; up to date"
    for frame in FRAMES:
        there = render_outputs(scene, node, frame, tmp_path)
        file = read_exr(folder / f"matte.{frame}.exr")
        plate = rgb(tmp_path / f"plate.{frame}.exr")
        np.testing.assert_array_equal(there["Plate"], plate)
        np.testing.assert_array_equal(there["Alpha"][..., 0], file["A"])
        for output, layer in (("Foreground", ""), ("Clean Plate", "clean.")):
            wanted = np.stack([file[layer + channel] for channel in "RGB"], axis=-1)
            np.testing.assert_array_equal(there[output], wanted)
        # A core matte promises pixels where alpha is 1, so that they are the plate's own.
        solid = file["A"] == 1
        assert solid.sum() >= 36 and plate[solid].max() > 3
        np.testing.assert_array_equal(there["Foreground"][solid], plate[solid].astype(np.float16))
        assert there["Alpha"][:3, :3].max() < 0.1


def test_the_frame_operator_mattes_the_scenes_frame_alone(scene: Any, node: Any) -> None:
    scene.frame_set(1002)
    assert bpy.ops.platematte.matte_frame() == {"FINISHED"}
    assert frames_in(Path(node.cache_dir) / "v001") == ["matte.1002.exr"]
    assert scene.frame_current == 1002


def test_the_range_operator_takes_a_node_by_name_and_leaves_holes(scene: Any, node: Any) -> None:
    node.range, node.frames = "CUSTOM", "1001,1003"
    assert bpy.ops.platematte.matte_range(node=node.name, tree=node.id_data.name) == {"FINISHED"}
    assert frames_in(Path(node.cache_dir) / "v001") == ["matte.1001.exr", "matte.1003.exr"]
    assert api.status(node).startswith("v001, frames 1001,1003;")


def test_a_second_run_is_v002_and_v001_stays_as_it_was(node: Any) -> None:
    first = api.matte(node, 1001)
    before = (first / "matte.1001.exr").read_bytes()
    second = api.matte(node, "1002")
    assert (first.name, second.name) == ("v001", "v002")
    assert (first / "matte.1001.exr").read_bytes() == before
    assert node.version == 2
    api.attach(node, 1)
    assert api.status(node).startswith("v001, frames 1001;")


def test_the_engine_stays_warm_between_runs(node: Any) -> None:
    api.matte(node, 1001)
    conversation = warm._engine._conversation
    api.matte(node, 1002)
    assert warm._engine._conversation is conversation


def test_a_moving_clean_plate_is_captured_frame_by_frame(
    scene: Any, node: Any, tmp_path: Path
) -> None:
    pixels = rgb(tmp_path / "clean.exr")
    for frame in FRAMES:
        write_exr(tmp_path / f"moving.{frame}.exr", pixels + np.float32(frame - 1001))
    image = add_image(node.id_data, tmp_path / "moving.1001.exr", 1001, 3)
    node.id_data.links.new(image.outputs[0], node.inputs["Clean Plate"])
    node.clean_mode, node.keep_inputs = "MOVING", True
    folder = api.matte(node, "1001-1002")
    for frame in (1001, 1002):
        captured = rgb(folder / f"inputs/clean.{frame}.exr")
        np.testing.assert_array_equal(captured, pixels + np.float32(frame - 1001))
    node.clean_mode, node.clean_frame = "HELD", 1003
    folder = api.matte(node, "1001-1002")
    assert frames_in(folder / "inputs") == ["clean.exr", "plate.1001.exr", "plate.1002.exr"]
    np.testing.assert_array_equal(rgb(folder / "inputs/clean.exr"), pixels + np.float32(2))


def test_a_larger_clean_plate_meets_the_plate_by_pixel(node: Any, tmp_path: Path) -> None:
    clean = np.pad(rgb(tmp_path / "clean.exr"), ((6, 6), (10, 10), (0, 0)), mode="reflect")
    image = add_image(node.id_data, write_exr(tmp_path / "large.exr", clean))
    node.id_data.links.new(image.outputs[0], node.inputs["Clean Plate"])
    folder = api.matte(node, 1001)
    file = read_exr(folder / "matte.1001.exr")
    assert file["A"].shape == (SIZE[1], SIZE[0])
    # Away from the subject plate and clean plate are the same pixels, so that nothing is left.
    assert np.abs(file["A"][:4, :4]).max() < 0.05
    assert file["A"][SIZE[1] // 2, int(SIZE[0] * 0.45)] > 0.9


def test_the_ranges_of_scene_and_plate(scene: Any, node: Any) -> None:
    from blender_addon.find import place_of
    from blender_addon.order import read_range

    scene.frame_start, scene.frame_end, scene.frame_step = 1000, 1005, 2
    assert read_range(place_of(node)) == (1000, 1002, 1004)
    node.range = "PLATE"
    assert read_range(place_of(node)) == FRAMES


def test_a_job_for_a_farm_has_the_command_that_mattes_it(node: Any, tmp_path: Path) -> None:
    record = json.loads(api.write_job(node, "1001").read_text(encoding="utf-8"))
    folder = tmp_path / "cache/v001"
    assert frames_in(folder / "inputs") == ["clean.exr", "plate.1001.exr"]
    assert frames_in(folder) == []
    command = record["command"]
    assert command[:2] == ["platematte", "matte"]
    assert command[2:4] == [f"{folder}/inputs/plate.%04d.exr", f"{folder}/inputs/clean.exr"]
    assert record["settings"]["input"]["colorspace"] == "lin_rec709_scene"
    assert record["host"] == "Blender " + bpy.app.version_string
    assert node.run_id == "" and running.current is None


@pytest.mark.skipif(not compat.HAS_WORKING_SPACES, reason="a .blend chooses no space before 5.0")
@pytest.mark.parametrize(
    ("space", "name"), [("ACEScg", "lin_ap1_scene"), ("Linear Rec.2020", "lin_rec2020_scene")]
)
def test_the_engine_is_told_the_working_space(
    scene: Any, tmp_path: Path, space: str, name: str
) -> None:
    bpy.ops.wm.set_working_color_space(working_space=space, convert_colors=False)
    node = make_shot(bpy.context.scene, tmp_path, FRAMES)
    for one in ("plate image", "clean image"):
        node.id_data.nodes[one].image.colorspace_settings.name = space
    folder = api.matte(node, 1001)
    record = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    assert set(record["settings"]["input"].values()) == {name}
    there = render_outputs(bpy.context.scene, node, 1001, tmp_path)
    file = read_exr(folder / "matte.1001.exr")
    np.testing.assert_array_equal(there["Foreground"][..., 0], file["R"])


def test_operators_raise_what_is_wrong_and_the_node_says_it(scene: Any, node: Any) -> None:
    link = node.inputs["Clean Plate"].links[0]
    node.id_data.links.remove(link)
    with pytest.raises(RuntimeError, match=r"connect the clean plate \(input Clean Plate\)"):
        bpy.ops.platematte.matte_range()
    assert "connect the clean plate" in api.status(node)
    node.id_data.nodes.remove(node)
    with pytest.raises(RuntimeError, match="there is no PlateMatte node"):
        bpy.ops.platematte.matte_range()


def test_properties_that_are_not_there_are_refused(scene: Any) -> None:
    with pytest.raises(PlateMatteError, match=r"no property 'qualty'.*nearest: quality"):
        api.create(scene, qualty="fast")
    with pytest.raises(PlateMatteError, match="cannot be 'best'"):
        api.create(scene, quality="best")
    assert not list(compat.scene_tree(scene).nodes)

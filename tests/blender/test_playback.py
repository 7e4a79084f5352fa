"""What a version's files hold is what the outputs deliver, to the float, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
import OpenImageIO as oiio
import pytest
from builders import SIZE, add_image, random_picture, render_outputs, write_exr

from blender_addon import api, compat, inner_tree, version
from platematte_client.errors import PlateMatteError
from platematte_client.versions import write_record

LAYERS = {
    "Foreground": ("R", "G", "B"),
    "Alpha": ("A", "A", "A"),
    "Straight Foreground": ("foreground.R", "foreground.G", "foreground.B"),
    "Clean Plate": ("clean.R", "clean.G", "clean.B"),
    "Confidence": ("confidence.Y",) * 3,
}


def write_version(
    folder: Path, frames: tuple[int, ...], layers: tuple[str, ...] = ("foreground", "clean", "")
) -> dict[int, dict[str, np.ndarray]]:
    """Write a version as the engine does, with random pixels; return them by frame and output."""
    names = ["R", "G", "B", "A"]
    names += [f"{layer}.{channel}" for layer in layers if layer for channel in "RGB"]
    names += ["confidence.Y"] if "" in layers else []
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for frame in frames:
        pixels = random_picture(frame, channels=len(names)).astype(np.float16).astype(np.float32)
        spec = oiio.ImageSpec(*SIZE, len(names), "half")
        spec.channelnames = names
        output = oiio.ImageOutput.create(str(folder / f"matte.{frame:04d}.exr"))
        assert output.open(str(folder / f"matte.{frame:04d}.exr"), spec)
        output.write_image(pixels)
        output.close()
        there = dict(zip(names, np.moveaxis(pixels, -1, 0), strict=True))
        found[frame] = {
            name: np.stack([there[channel] for channel in channels], axis=-1)
            for name, channels in LAYERS.items()
            if channels[0] in there
        }
    write_record(folder, {"made_with": None})
    return found


def render(scene: Any, frame: int, folder: Path) -> np.ndarray:
    """Return what a scene renders at a frame, H x W x 4."""
    image_format = scene.render.image_settings
    if hasattr(image_format, "media_type"):
        image_format.media_type = "IMAGE"
    image_format.file_format, image_format.color_mode = "OPEN_EXR", "RGBA"
    image_format.color_depth = "32"
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    scene.render.resolution_percentage = 100
    path = folder / f"rendered.{frame}.exr"
    scene.render.filepath = str(path)
    scene.frame_set(frame)
    bpy.ops.render.render(write_still=True)
    return oiio.ImageBuf(str(path)).get_pixels(oiio.FLOAT)


@pytest.fixture
def node(scene: Any, tmp_path: Path) -> Any:
    """A node on a plate, its cache in the test's folder."""
    tree = compat.scene_tree(scene, create=True)
    plate = add_image(tree, write_exr(tmp_path / "plate.exr", random_picture(77)))
    # Of another size, so that it is seen if the plate that passes through had to do with it.
    clean = random_picture(78, (SIZE[0] + 9, SIZE[1] - 3))
    other = add_image(tree, write_exr(tmp_path / "clean.exr", clean))
    return api.create(scene, plate, other, garbage=other, cache_dir=str(tmp_path / "cache"))


def check(scene: Any, node: Any, frame: int, wanted: dict[str, np.ndarray], folder: Path) -> None:
    """Assert that the outputs deliver these pixels, bit for bit, and the plate beside them."""
    there = render_outputs(scene, node, frame, folder)
    for name, pixels in {**wanted, "Plate": random_picture(77)}.items():
        np.testing.assert_array_equal(there[name], pixels, f"{name} at {frame}")


def is_nothing(pixels: np.ndarray | None) -> bool:
    """Whether an output delivered no picture, or black."""
    return pixels is None or not pixels.any()


def test_all_outputs_are_exact_at_every_frame(scene: Any, node: Any, tmp_path: Path) -> None:
    frames = (1001, 1002, 1003)
    wanted = write_version(tmp_path / "cache/v001", frames)
    # Not at a frame that there is: layers must not depend on where the scene stands.
    scene.frame_set(1)
    api.attach(node, 1)
    for frame in (1002, 1001, 1003):
        check(scene, node, frame, wanted[frame], tmp_path)


def test_the_converted_group_renders_the_same_without_our_node(
    scene: Any, node: Any, tmp_path: Path
) -> None:
    wanted = write_version(tmp_path / "cache/v001", (1001,))
    api.attach(node, 1)
    name = node.name
    group = api.convert_to_group(node)
    assert (group.bl_idname, group.name, group.label) == ("CompositorNodeGroup", name, "PlateMatte")
    assert all(one.bl_idname != "CompositorNodePlateMatte" for one in group.id_data.nodes)
    check(scene, group, 1001, wanted[1001], tmp_path)


def test_before_any_matte_only_the_plate_is_there(scene: Any, node: Any, tmp_path: Path) -> None:
    there = render_outputs(scene, node, 1001, tmp_path)
    np.testing.assert_array_equal(there.pop("Plate"), random_picture(77))
    assert all(is_nothing(pixels) for pixels in there.values())


@pytest.mark.parametrize("frame", [-5, 1, 1000, 1002, 1005, 5000])
def test_holes_and_frames_beside_the_range_show_nothing(
    scene: Any, node: Any, tmp_path: Path, frame: int
) -> None:
    wanted = write_version(tmp_path / "cache/v001", (1001, 1003, 1004))
    api.attach(node, 1)
    there = render_outputs(scene, node, frame, tmp_path)
    np.testing.assert_array_equal(there.pop("Plate"), random_picture(77))
    assert all(is_nothing(pixels) for pixels in there.values()), there.keys()
    # A frame that is there, after the one that is not.
    check(scene, node, 1003, wanted[1003], tmp_path)


@pytest.mark.parametrize("is_group", [False, True])
def test_what_is_rendered_where_no_frame_is_has_no_colour_and_no_alpha(
    scene: Any, node: Any, tmp_path: Path, is_group: bool
) -> None:
    # A File Output writes nothing for it, whatever it is: this asks for the render itself.
    wanted = write_version(tmp_path / "cache/v001", (1001, 1003))
    api.attach(node, 1)
    write_version(tmp_path / "cache/v001", (1005,))
    version.show_more(node, tmp_path / "cache/v001")
    tree = node.id_data
    shown = inner_tree.to_plain_group(node) if is_group else node
    tree.links.new(shown.outputs["Foreground"], compat.add_output(tree)[1])
    rendered = {frame: render(scene, frame, tmp_path) for frame in (1000, 1002, 1003, 1005, 1006)}
    assert [f for f, pixels in rendered.items() if pixels.any()] == [1003, 1005]
    np.testing.assert_array_equal(rendered[1003][..., :3], wanted[1003]["Foreground"])
    np.testing.assert_array_equal(rendered[1003][..., 3], wanted[1003]["Alpha"][..., 0])


def test_a_node_leaves_no_animation_behind(scene: Any, node: Any, tmp_path: Path) -> None:
    write_version(tmp_path / "cache/v001", (1001,))
    write_version(tmp_path / "cache/v002", (1001, 1002))
    for number in (1, 2, 1):
        api.attach(node, number)
        version.show_more(node, tmp_path / f"cache/v{number:03d}")
        assert len(bpy.data.actions) == int(compat.MISSING_IS_MAGENTA)
    node.version = 0
    assert not bpy.data.actions


def test_frames_of_0_and_below_are_shown(scene: Any, node: Any, tmp_path: Path) -> None:
    wanted = write_version(tmp_path / "cache/v001", (0, 1, 2))
    api.attach(node, 1)
    for frame in (0, 2):
        check(scene, node, frame, wanted[frame], tmp_path)
    assert is_nothing(render_outputs(scene, node, 3, tmp_path).get("Alpha"))


def test_a_layer_that_was_not_written_is_nothing_and_is_told(
    scene: Any, node: Any, tmp_path: Path
) -> None:
    wanted = write_version(tmp_path / "cache/v001", (1001,), ("foreground",))
    api.attach(node, 1)
    socket = compat.add_output(node.id_data)[1]
    node.id_data.links.new(node.outputs["Confidence"], socket)
    check(scene, node, 1001, wanted[1001], tmp_path)
    there = render_outputs(scene, node, 1001, tmp_path)
    assert is_nothing(there.get("Confidence")) and is_nothing(there.get("Clean Plate"))
    assert "this version has no Confidence" in api.status(node)


def test_files_without_extra_layers_are_shown(scene: Any, node: Any, tmp_path: Path) -> None:
    wanted = write_version(tmp_path / "cache/v001", (1001,), ())
    api.attach(node, 1)
    check(scene, node, 1001, wanted[1001], tmp_path)


def test_another_version_is_shown_by_its_number_and_a_missing_one_refused(
    scene: Any, node: Any, tmp_path: Path
) -> None:
    write_version(tmp_path / "cache/v001", (1001,))
    wanted = write_version(tmp_path / "cache/v002", (1002,))
    api.attach(node, 1)
    node.version = 2
    assert (node.shown, node.shown_frames) == (2, "1002")
    check(scene, node, 1002, wanted[1002], tmp_path)
    assert [one.name for one in bpy.data.images if "result" in one.name] == [inner_tree.IMAGE_NAME]
    node.version = 7
    assert (node.version, node.shown) == (2, 2)
    assert "no finished frame in version 7" in api.status(node)
    with pytest.raises(PlateMatteError, match="version 7"):
        api.attach(node, 7)
    node.version = 0
    assert is_nothing(render_outputs(scene, node, 1002, tmp_path).get("Foreground"))


def test_copies_share_the_inner_tree_until_one_shows_something_else(
    scene: Any, node: Any, tmp_path: Path
) -> None:
    wanted = write_version(tmp_path / "cache/v001", (1001,))
    other = write_version(tmp_path / "cache/v002", (1001, 1002))
    api.attach(node, 1)
    area = next(one for one in bpy.context.screen.areas)
    area.type = "NODE_EDITOR"
    area.ui_type = "CompositorNodeTree"
    area.spaces.active.node_tree = node.id_data
    for one in node.id_data.nodes:
        one.select = one == node
    region = next(one for one in area.regions if one.type == "WINDOW")
    with bpy.context.temp_override(area=area, region=region):
        bpy.ops.node.duplicate()
    copy = next(one for one in node.id_data.nodes if one.name == "PlateMatte.001")
    assert copy.node_tree == node.node_tree
    version.show_version(copy, 2)
    assert copy.node_tree != node.node_tree
    assert node.node_tree.users >= 1 and copy.node_tree.users >= 1
    check(scene, node, 1001, wanted[1001], tmp_path)
    there = render_outputs(scene, copy, 1001, tmp_path)
    np.testing.assert_array_equal(there["Foreground"], other[1001]["Foreground"])


def test_save_and_load_keep_what_is_shown_also_in_another_folder(
    scene: Any, node: Any, tmp_path: Path
) -> None:
    node.cache_dir = ""
    home = tmp_path / "shot"
    home.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(home / "a.blend"))
    wanted = write_version(home / "platematte/PlateMatte/v001", (1001,))
    api.attach(node, 1)
    assert inner_tree.shown_image(node).filepath.startswith("//")
    bpy.ops.wm.save_mainfile()
    home.rename(tmp_path / "moved")
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "moved/a.blend"))
    scene = bpy.context.scene
    node = compat.scene_tree(scene).nodes["PlateMatte"]
    assert (node.shown, node.shown_frames) == (1, "1001")
    there = render_outputs(scene, node, 1001, tmp_path)
    np.testing.assert_array_equal(there["Foreground"], wanted[1001]["Foreground"])


@pytest.mark.skipif(not compat.HAS_WORKING_SPACES, reason="a .blend chooses no space before 5.0")
def test_acescg_as_working_space_changes_nothing(scene: Any, node: Any, tmp_path: Path) -> None:
    bpy.ops.wm.set_working_color_space(working_space="ACEScg", convert_colors=False)
    image = node.inputs["Plate"].links[0].from_node.image
    image.colorspace_settings.name = "ACEScg"
    wanted = write_version(tmp_path / "cache/v001", (1001,))
    api.attach(node, 1)
    check(scene, node, 1001, wanted[1001], tmp_path)

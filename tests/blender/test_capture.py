"""What is captured is what arrives at the sockets, to the float, and nothing else is touched."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from builders import (
    SIZE,
    add_exposure,
    add_image,
    capture_at,
    names_in_file,
    random_picture,
    rgb,
    set_up,
    windows,
    write_exr,
    write_sequence,
)

from blender_addon import api, capture, compat
from blender_addon.find import place_of
from platematte_client.errors import PlateMatteError

FRAMES = (1001, 1002, 1003)


@pytest.fixture
def tree(scene: Any) -> Any:
    """The scene's tree, under a view that must not matter."""
    set_up(scene)
    scene.render.resolution_x, scene.render.resolution_y = 111, 33
    return compat.scene_tree(scene, create=True)


def check(node: Any, wanted: dict[str, np.ndarray], frame: int, folder: Path) -> None:
    """Assert that the captured inputs are these pixels, bit for bit."""
    files = capture_at(node, tuple(wanted), frame, folder)
    for role, pixels in wanted.items():
        np.testing.assert_array_equal(rgb(files[role]), pixels, role)
        assert files[role].name == f"{role}.{frame:04d}.exr"


def test_a_sequence_that_begins_at_1001_is_captured_frame_by_frame(
    scene: Any, tree: Any, tmp_path: Path
) -> None:
    plates = write_sequence(tmp_path, "plate", FRAMES)
    cleans = write_sequence(tmp_path, "clean", FRAMES, seed=500)
    node = api.create(
        scene,
        add_image(tree, tmp_path / "plate.1001.exr", 1001, 3),
        add_image(tree, tmp_path / "clean.1001.exr", 1001, 3),
    )
    scene.frame_set(7)
    for frame in (1003, 1001, 1002):
        wanted = {"plate": plates[frame], "clean": cleans[frame]}
        check(node, wanted, frame, tmp_path / "in")
    assert scene.frame_current == 7


@pytest.mark.parametrize("size", [(63, 47), (1, 5), (130, 3)])
def test_odd_sizes(scene: Any, tree: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    plate, clean = random_picture(1, size), random_picture(2, size)
    node = api.create(
        scene,
        add_image(tree, write_exr(tmp_path / "a.exr", plate)),
        add_image(tree, write_exr(tmp_path / "b.exr", clean)),
    )
    check(node, {"plate": plate, "clean": clean}, 1, tmp_path / "in")


@pytest.mark.parametrize("more", [(20, 8), (-20, -8), (3, -5)])
def test_a_clean_plate_of_another_size_keeps_its_pixels_and_lies_in_the_middle(
    scene: Any, tree: Any, tmp_path: Path, more: tuple[int, int]
) -> None:
    size = (SIZE[0] + more[0], SIZE[1] + more[1])
    plate, clean = random_picture(1), random_picture(2, size)
    node = api.create(
        scene,
        add_image(tree, write_exr(tmp_path / "a.exr", plate)),
        add_image(tree, write_exr(tmp_path / "b.exr", clean)),
    )
    check(node, {"plate": plate, "clean": clean}, 1, tmp_path / "in")
    data, display = windows(tmp_path / "in/clean.0001.exr")
    assert display == (0, 0, *SIZE)
    assert data == (-more[0] // 2, -more[1] // 2, *size)


def test_colour_under_an_alpha_of_0_survives(scene: Any, tree: Any, tmp_path: Path) -> None:
    plate = random_picture(1, channels=4)
    plate[..., 3] = np.linspace(0, 1, SIZE[0])
    image = add_image(tree, write_exr(tmp_path / "a.exr", plate))
    node = api.create(scene, image, image)
    check(node, {"plate": plate[..., :3]}, 1, tmp_path / "in")


def test_two_levels_of_groups_around_the_node_and_one_above_it(
    scene: Any, tree: Any, tmp_path: Path
) -> None:
    plates = write_sequence(tmp_path, "plate", FRAMES)
    inner = _group("inner", ("Plate", "Clean"))
    outer = _group("outer", ("Plate", "Clean"))
    node = inner.nodes.new("CompositorNodePlateMatte")
    source = _input_of(inner)
    inner.links.new(source.outputs["Plate"], node.inputs["Plate"])
    inner.links.new(source.outputs["Clean"], node.inputs["Clean Plate"])
    holder = outer.nodes.new("CompositorNodeGroup")
    holder.node_tree, source = inner, _input_of(outer)
    brighter = add_exposure(outer, source.outputs["Plate"], 1.0)
    outer.links.new(brighter.outputs[0], holder.inputs["Plate"])
    outer.links.new(source.outputs["Clean"], holder.inputs["Clean"])
    top = tree.nodes.new("CompositorNodeGroup")
    top.node_tree = outer
    image = add_image(tree, tmp_path / "plate.1001.exr", 1001, 3)
    tree.links.new(image.outputs[0], top.inputs["Plate"])
    tree.links.new(image.outputs[0], top.inputs["Clean"])
    assert place_of(node).path == (top.name, holder.name)
    check(node, {"plate": plates[1002] * 2, "clean": plates[1002]}, 1002, tmp_path / "in")


def test_a_group_used_twice_is_refused(scene: Any, tree: Any) -> None:
    group = _group("matte", ("Plate",))
    node = group.nodes.new("CompositorNodePlateMatte")
    for _ in range(2):
        tree.nodes.new("CompositorNodeGroup").node_tree = group
    with pytest.raises(PlateMatteError, match="used more than once"):
        place_of(node)


def test_reroutes_muted_nodes_and_muted_links_are_as_blender_has_them(
    scene: Any, tree: Any, tmp_path: Path
) -> None:
    plate = random_picture(1)
    image = add_image(tree, write_exr(tmp_path / "a.exr", plate))
    muted = add_exposure(tree, image.outputs[0], 3.0)
    muted.mute = True
    reroute = tree.nodes.new("NodeReroute")
    tree.links.new(muted.outputs[0], reroute.inputs[0])
    node = api.create(scene, reroute, image)
    link = node.inputs["Clean Plate"].links[0]
    link.is_muted = True
    black = np.zeros_like(plate)
    check(node, {"plate": plate, "clean": black}, 1, tmp_path / "in")


def test_constants_and_inputs_that_are_not_linked(scene: Any, tree: Any, tmp_path: Path) -> None:
    constant = tree.nodes.new("CompositorNodeRGB")
    constant.outputs[0].default_value = (0.25, 2.5, 0.125, 1.0)
    plate = random_picture(1)
    image = add_image(tree, write_exr(tmp_path / "a.exr", plate))
    node = api.create(scene, image, constant)
    node.inputs["Garbage Matte"].default_value = 0.75
    wanted = {
        "plate": plate,
        "clean": np.broadcast_to(np.float32([0.25, 2.5, 0.125]), plate.shape),
        "garbage": np.full_like(plate, 0.75),
        "core": np.zeros_like(plate),
    }
    check(node, wanted, 1, tmp_path / "in")


def test_a_plate_without_a_size_has_that_of_the_render(
    scene: Any, tree: Any, tmp_path: Path
) -> None:
    constant = tree.nodes.new("CompositorNodeRGB")
    node = api.create(scene, constant, constant)
    assert capture.measure(place_of(node), {"plate": 1}, tmp_path) == {"plate": (111, 33)}


def test_a_matte_of_one_channel_is_its_values(scene: Any, tree: Any, tmp_path: Path) -> None:
    plate, matte = random_picture(1), random_picture(2, channels=1)
    image = add_image(tree, write_exr(tmp_path / "a.exr", plate))
    source = add_image(tree, write_exr(tmp_path / "m.exr", matte.repeat(3, -1)))
    node = api.create(scene, image, image, garbage=source)
    files = capture_at(node, ("garbage",), 1, tmp_path / "in")
    grey = rgb(files["garbage"])
    # A colour at a value's socket is its luminance or mean: Blender's own conversion.
    np.testing.assert_allclose(grey, matte.repeat(3, -1), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(grey[..., 0], grey[..., 2])


def test_keyframed_and_driven_values_are_those_of_the_frame(
    scene: Any, tree: Any, tmp_path: Path
) -> None:
    plate = random_picture(1)
    image = add_image(tree, write_exr(tmp_path / "a.exr", plate))
    keyed = add_exposure(tree, image.outputs[0], 0.0)
    for frame, stops in ((1, 0.0), (5, 2.0)):
        keyed.inputs["Exposure"].default_value = stops
        keyed.inputs["Exposure"].keyframe_insert("default_value", frame=frame)
    driven = add_exposure(tree, image.outputs[0], 0.0)
    driver = driven.inputs["Exposure"].driver_add("default_value").driver
    driver.expression = "frame - 4"
    node = api.create(scene, keyed, driven)
    scene.frame_set(1)
    check(node, {"plate": plate * 4, "clean": plate * 2}, 5, tmp_path / "in")
    check(node, {"plate": plate, "clean": plate / 8}, 1, tmp_path / "in")


def test_a_movie_clip_of_a_sequence(scene: Any, tree: Any, tmp_path: Path) -> None:
    plates = write_sequence(tmp_path, "plate", FRAMES)
    clip = bpy.data.movieclips.load(str(tmp_path / "plate.1001.exr"))
    clip.frame_start = 1001
    source = tree.nodes.new("CompositorNodeMovieClip")
    source.clip = clip
    node = api.create(scene, source, source)
    check(node, {"plate": plates[1003], "clean": plates[1003]}, 1003, tmp_path / "in")


@pytest.mark.skipif(not compat.HAS_WORKING_SPACES, reason="a .blend chooses no space before 5.0")
def test_acescg_as_working_space_changes_no_float_of_a_file_in_it(
    scene: Any, tree: Any, tmp_path: Path
) -> None:
    bpy.ops.wm.set_working_color_space(working_space="ACEScg", convert_colors=False)
    plate = random_picture(1)
    image = add_image(tree, write_exr(tmp_path / "a.exr", plate))
    image.image.colorspace_settings.name = "ACEScg"
    node = api.create(scene, image, image)
    check(node, {"plate": plate}, 1, tmp_path / "in")


def test_no_file_output_of_the_user_ever_writes(scene: Any, tree: Any, tmp_path: Path) -> None:
    plate = random_picture(1)
    image = add_image(tree, write_exr(tmp_path / "a.exr", plate))
    group = _group("writes", ("Image",))
    group.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    source, target = _input_of(group), group.nodes.new("NodeGroupOutput")
    group.links.new(source.outputs[0], target.inputs[0])
    nested = _group("nested", ("Image",))
    for one, folder in ((tree, "top"), (group, "group"), (nested, "nested")):
        socket = compat.add_file_output(one, str(tmp_path / folder) + "/", ["users"])[0]
        feed = image.outputs[0] if one == tree else _input_of(one).outputs[0]
        one.links.new(feed, socket)
    inside = group.nodes.new("CompositorNodeGroup")
    inside.node_tree = nested
    group.links.new(source.outputs[0], inside.inputs[0])
    above = tree.nodes.new("CompositorNodeGroup")
    above.node_tree = group
    tree.links.new(image.outputs[0], above.inputs[0])
    node = api.create(scene, above, image)
    below = compat.add_file_output(tree, str(tmp_path / "below") + "/", ["users"])[0]
    tree.links.new(node.outputs["Plate"], below)
    check(node, {"plate": plate, "clean": plate}, 1, tmp_path / "in")
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.exr")}
    assert written == {"a.exr", "in/plate.0001.exr", "in/clean.0001.exr"}
    # The same graph does write when the user renders, so that the test tests something.
    bpy.ops.render.render()
    folders = {path.parent.name for path in tmp_path.rglob("users*.exr")}
    assert folders >= {"top", "below", "group"}


def test_a_render_layers_node_renders_the_users_scene_at_the_frame(
    scene: Any, tree: Any, tmp_path: Path
) -> None:
    # Workbench would want a GPU. One sample is enough for a picture of nothing but the sky.
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    scene.cycles.pixel_filter_type = "BOX"
    scene.cycles.use_denoising = False
    scene.render.resolution_x, scene.render.resolution_y = 16, 8
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.world = bpy.data.worlds.new("world")
    if not compat.IS_5:
        scene.world.use_nodes = True
    background = scene.world.node_tree.nodes["Background"].inputs["Strength"]
    for frame, strength in ((1, 1.0), (3, 3.0)):
        background.default_value = strength
        background.keyframe_insert("default_value", frame=frame)
    scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.5, 0.25, 1, 1)
    layers = tree.nodes.new("CompositorNodeRLayers")
    layers.scene = scene
    node = api.create(scene, layers, layers)
    scene.frame_set(1)
    files = capture_at(node, ("plate",), 3, tmp_path / "in")
    # Frame 1 would be a third of it.
    np.testing.assert_allclose(rgb(files["plate"]).mean((0, 1)), [1.5, 0.75, 3.0], rtol=0.2)
    assert scene.frame_current == 1
    assert layers.scene == scene


def test_the_users_file_is_as_it_was(scene: Any, tree: Any, tmp_path: Path) -> None:
    plate = random_picture(1)
    image = add_image(tree, write_exr(tmp_path / "a.exr", plate))
    group = _group("group", ("Image",))
    node = api.create(scene, image, image)
    holder = tree.nodes.new("CompositorNodeGroup")
    holder.node_tree = group
    child = bpy.data.collections.new("child")
    scene.collection.children.link(child)
    child.objects.link(bpy.data.objects.new("thing", None))
    scene.render.filepath = str(tmp_path / "render")
    tree.nodes.active = image
    before, selected = names_in_file(), [one.name for one in tree.nodes if one.select]
    heard: list[str] = []
    bpy.app.handlers.render_complete.append(lambda *_: heard.append("complete"))
    capture_at(node, ("plate", "clean"), 4, tmp_path / "in")
    after = names_in_file()
    assert _names_only(after) == _names_only(before)
    # 4.2 itself counts once too often when a scene is copied, until the next undo or load.
    assert after == before or bpy.app.version < (4, 3, 0)
    assert [one.name for one in tree.nodes if one.select] == selected
    assert tree.nodes.active == image
    assert bpy.context.scene == scene
    assert [one.name for one in scene.collection.all_objects] == ["thing"]
    assert scene.render.resolution_x == 111
    assert heard == []
    assert len(bpy.app.handlers.render_complete) == 1


def test_keyframes_of_nodes_that_are_not_captured_stay(
    scene: Any, tree: Any, tmp_path: Path
) -> None:
    # A copy of a tree shares its keyframes, and a node that is removed takes its own along.
    image = add_image(tree, write_exr(tmp_path / "a.exr", random_picture(1)))
    group = bpy.data.node_groups.new("writes", "CompositorNodeTree")
    group.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    inside = add_image(group, write_exr(tmp_path / "b.exr", random_picture(2)))
    group.links.new(inside.outputs[0], group.nodes.new("NodeGroupOutput").inputs[0])
    viewer = group.nodes.new("CompositorNodeViewer")
    group.links.new(inside.outputs[0], viewer.inputs[0])
    viewer.inputs[0].keyframe_insert("default_value", frame=1)
    holder = tree.nodes.new("CompositorNodeGroup")
    holder.node_tree = group
    node = api.create(scene, image, holder)
    below = add_exposure(tree, node.outputs["Foreground"], 0.0)
    for frame in (1, 7):
        below.inputs["Exposure"].keyframe_insert("default_value", frame=frame)
    before = [keys_of(one) for one in (tree, group)]
    assert all(before)
    actions = len(bpy.data.actions)
    capture_at(node, ("plate", "clean"), 1, tmp_path / "in")
    assert [keys_of(one) for one in (tree, group)] == before
    assert len(bpy.data.actions) == actions


def keys_of(thing: Any) -> list[tuple[str, list[float]]]:
    return [
        (curve.data_path, [point.co[0] for point in curve.keyframe_points])
        for curve in compat.curves_of(thing)
    ]


def test_the_users_render_result_stays(scene: Any, tree: Any, tmp_path: Path) -> None:
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    scene.view_settings.view_transform, scene.view_settings.exposure = "Raw", 0
    constant = tree.nodes.new("CompositorNodeRGB")
    constant.outputs[0].default_value = (0.5, 0.5, 0.5, 1.0)
    socket = compat.add_output(tree)[1]
    image = add_image(tree, write_exr(tmp_path / "a.exr", random_picture(1)))
    tree.links.new(image.outputs[0], socket)
    bpy.ops.render.render()
    before = _render_result(tmp_path / "before.exr", scene)
    tree.links.new(constant.outputs[0], socket)
    node = api.create(scene, constant, image)
    capture_at(node, ("plate", "clean"), 4, tmp_path / "in")
    np.testing.assert_array_equal(_render_result(tmp_path / "after.exr", scene), before)
    assert before.std() > 0.1


def test_a_disk_that_takes_no_more_is_told_and_leaves_nothing_behind(
    scene: Any, tree: Any, tmp_path: Path
) -> None:
    image = add_image(tree, write_exr(tmp_path / "a.exr", random_picture(1)))
    node = api.create(scene, image, image)
    before = names_in_file()
    place, folder = place_of(node), tmp_path / "in"
    folder.mkdir()
    with _files_no_larger_than(5000), pytest.raises(PlateMatteError, match="plate at frame 4"):
        capture.capture(place, ("plate",), 4, folder, {"plate": SIZE})
    assert _names_only(names_in_file()) == _names_only(before)
    assert list(folder.iterdir()) == []


@contextmanager
def _files_no_larger_than(count: int) -> Iterator[None]:
    """Make every write beyond so many bytes of a file fail, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _names_only(found: dict[str, list[tuple[str, int]]]) -> dict[str, list[str]]:
    return {kind: [name for name, _ in entries] for kind, entries in found.items()}


def _render_result(path: Path, scene: Any) -> np.ndarray:
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_depth = "OPEN_EXR", "32"
    bpy.data.images["Render Result"].save_render(str(path), scene=scene)
    return rgb(path)


def _group(name: str, inputs: tuple[str, ...]) -> Any:
    group = bpy.data.node_groups.new(name, "CompositorNodeTree")
    for one in inputs:
        group.interface.new_socket(one, in_out="INPUT", socket_type="NodeSocketColor")
    group.nodes.new("NodeGroupInput")
    return group


def _input_of(group: Any) -> Any:
    return next(one for one in group.nodes if one.bl_idname == "NodeGroupInput")

"""The node knows when what it shows is not what its graph and settings would give now."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import pytest
from builders import add_exposure, add_image, make_shot, random_picture, write_exr

from blender_addon import api, compat, status

FRAMES = (1001, 1002, 1003)


@pytest.fixture(scope="module")
def matted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A .blend whose node was matted; each test opens it anew."""
    folder = tmp_path_factory.mktemp("shot")
    scene = bpy.context.scene
    node = make_shot(scene, folder, FRAMES)
    tree = node.id_data
    keyed = add_exposure(tree, tree.nodes["plate image"].outputs[0], 0.0)
    for frame, stops in ((1001, 0.0), (1003, 0.5)):
        keyed.inputs["Exposure"].default_value = stops
        keyed.inputs["Exposure"].keyframe_insert("default_value", frame=frame)
    keyed.name = "keyed"
    curves = tree.nodes.new("CompositorNodeCurveRGB")
    curves.name = "curves"
    tree.links.new(keyed.outputs[0], curves.inputs["Image"])
    tree.links.new(curves.outputs[0], node.inputs["Plate"])
    group = bpy.data.node_groups.new("group", "CompositorNodeTree")
    for kind in ("INPUT", "OUTPUT"):
        group.interface.new_socket("Image", in_out=kind, socket_type="NodeSocketColor")
    inside = add_exposure(group, group.nodes.new("NodeGroupInput").outputs[0], 0.0)
    inside.name = "inside"
    group.links.new(inside.outputs[0], group.nodes.new("NodeGroupOutput").inputs[0])
    holder = tree.nodes.new("CompositorNodeGroup")
    holder.node_tree, holder.name = group, "group"
    tree.links.new(tree.nodes["clean image"].outputs[0], holder.inputs[0])
    tree.links.new(holder.outputs[0], node.inputs["Clean Plate"])
    api.matte(node)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    return folder


@pytest.fixture
def node(scene: Any, matted: Path) -> Any:
    """The node of that file, just loaded."""
    bpy.ops.wm.open_mainfile(filepath=str(matted / "shot.blend"))
    return compat.scene_tree(bpy.context.scene).nodes["PlateMatte"]


def exposure(node: Any, stops: float) -> None:
    """Set the exposure inside the group above the clean plate."""
    bpy.data.node_groups["group"].nodes["inside"].inputs["Exposure"].default_value = stops


def bend(node: Any) -> None:
    """Move a point of the curve."""
    mapping = node.id_data.nodes["curves"].mapping
    mapping.curves[3].points[0].location = (0.0, 0.1)
    mapping.update()


def move_key(node: Any) -> None:
    """Change the value of a key that is not at the current frame."""
    curve = compat.curves_of(node.id_data)[0]
    curve.keyframe_points[1].co.y = 1.5


def drive(node: Any) -> None:
    """Drive a value that was constant."""
    socket = node.id_data.nodes["keyed"].inputs["Exposure"]
    socket.keyframe_delete("default_value", frame=1001)
    socket.keyframe_delete("default_value", frame=1003)
    socket.driver_add("default_value").driver.expression = "frame * 0"


def link_core(node: Any) -> None:
    """Feed the core matte."""
    value = node.id_data.nodes.new("CompositorNodeValue" if not compat.IS_5 else "ShaderNodeValue")
    node.id_data.links.new(value.outputs[0], node.inputs["Core Matte"])


CHANGES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "quality": (lambda node: setattr(node, "quality", "quality"), "quality"),
    "align": (lambda node: setattr(node, "align", False), "align"),
    "clean frame": (lambda node: setattr(node, "clean_frame", 9), "clean plate frame"),
    "more settings": (
        lambda node: setattr(node, "more_settings", "prepare.camera=static"),
        "prepare.camera",
    ),
    "inside a group": (lambda node: exposure(node, 1.0), "clean plate"),
    "a curve's point": (bend, "plate"),
    "another frame's key": (move_key, "plate"),
    "a driver": (drive, "plate"),
    "a muted node": (lambda node: setattr(node.id_data.nodes["keyed"], "mute", True), "plate"),
    "colour space": (
        lambda node: setattr(
            node.id_data.nodes["plate image"].image.colorspace_settings, "name", "Non-Color"
        ),
        "plate",
    ),
    "offset": (
        lambda node: setattr(node.id_data.nodes["plate image"], "frame_offset", 1001),
        "plate",
    ),
    "core matte": (link_core, "core matte"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_matters_is_told_in_words(node: Any, change: str) -> None:
    assert api.status(node) == "v001, frames 1001-1003; up to date"
    make, words = CHANGES[change]
    make(node)
    assert api.status(node) == f"v001, frames 1001-1003; STALE, changed since: {words}"


def rename_all(node: Any) -> None:
    """Give other names to nodes, trees and images."""
    for one in node.id_data.nodes:
        if one != node:
            one.name = "renamed " + one.name
    bpy.data.node_groups["group"].name = "renamed"
    for image in bpy.data.images:
        image.name = "renamed"


def tidy(node: Any) -> None:
    """Move nodes, colour, label, select, frame and collapse them."""
    tree = node.id_data
    frame = tree.nodes.new("NodeFrame")
    for one in list(tree.nodes):
        one.location.x += 50
        one.label, one.use_custom_color, one.color = "label", True, (1, 0, 0)
        one.hide, one.select, one.width = True, True, 333
        if one != frame:
            one.parent = frame


def reroute(node: Any) -> None:
    """Lead a link over a reroute."""
    tree, socket = node.id_data, node.inputs["Plate"]
    source, knot = socket.links[0].from_socket, tree.nodes.new("NodeReroute")
    tree.links.new(source, knot.inputs[0])
    tree.links.new(knot.outputs[0], socket)


def use_result(node: Any) -> None:
    """Build the comp behind the node."""
    tree = node.id_data
    socket = compat.add_output(tree)[1]
    tree.links.new(add_exposure(tree, node.outputs["Foreground"], 2.0).outputs[0], socket)


HARMLESS: dict[str, Callable[[Any], Any]] = {
    "another frame": lambda node: bpy.context.scene.frame_set(1002),
    "names": rename_all,
    "looks": tidy,
    "a reroute": reroute,
    "what follows": use_result,
    "device": lambda node: setattr(node, "device", "auto"),
    "memory": lambda node: setattr(node, "more_settings", "engine.memory_mib=512"),
    "the render's size": lambda node: setattr(bpy.context.scene.render, "resolution_x", 99),
}


@pytest.mark.parametrize("change", HARMLESS)
def test_what_decides_no_pixel_is_not_stale(node: Any, change: str) -> None:
    HARMLESS[change](node)
    assert api.status(node) == "v001, frames 1001-1003; up to date"


def test_a_change_that_is_taken_back_is_none(node: Any) -> None:
    exposure(node, 1.0)
    assert "STALE" in api.status(node)
    exposure(node, 0.0)
    assert api.status(node).endswith("up to date")


def test_a_source_file_that_was_written_anew_is_noticed(node: Any, matted: Path) -> None:
    path = matted / "plate.1003.exr"
    before = path.stat()
    try:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 10**9))
        assert api.status(node).endswith("STALE, changed since: plate")
    finally:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_frames_that_are_gone_from_the_disk_are_named(node: Any, matted: Path) -> None:
    path = matted / "cache/v001/matte.1002.exr"
    path.rename(path.with_name("away"))
    try:
        assert f"GONE from the disk: frames 1002 of {path.parent}" in api.status(node)
    finally:
        path.with_name("away").rename(path)


def test_before_a_matte_the_node_says_what_is_missing(scene: Any, tmp_path: Path) -> None:
    tree = compat.scene_tree(scene, create=True)
    node = api.create(scene)
    assert api.status(node) == "no matte yet: connect the plate (input Plate)"
    image = add_image(tree, write_exr(tmp_path / "a.exr", random_picture(1)))
    for name in ("Plate", "Clean Plate"):
        tree.links.new(image.outputs[0], node.inputs[name])
    assert api.status(node) == "no matte yet: press Matte Frame"


def test_results_in_temporary_files_are_told(scene: Any, tmp_path: Path) -> None:
    node = make_shot(scene, tmp_path, FRAMES, cache_dir="")
    folder = api.matte(node, 1001)
    assert f"in temporary files, save the .blend: {folder.parent}" in api.status(node)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    assert f"in temporary files, matte again to keep it: {folder.parent}" in api.status(node)
    assert api.matte(node, 1001) == tmp_path / "platematte/PlateMatte/v001"
    assert api.status(node).endswith("up to date")
    for path in (*folder.iterdir(), folder, folder.parent, folder.parent.parent):
        path.rmdir() if path.is_dir() else path.unlink()


def test_drawing_looks_at_the_graph_once_in_a_while_and_not_at_every_redraw(
    node: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []
    describe = status.describe
    monkeypatch.setattr(status, "describe", lambda one: looks.append(one.name) or describe(one))
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    status.forget_all()
    for _ in range(100):
        told = status.of(node)
    assert (told.icon, told.is_running, len(looks)) == ("CHECKMARK", False, 1)
    # What the artist changed is seen once the last look is old enough.
    exposure(node, 1.0)
    assert status.of(node) == told
    clock[0] += 3
    assert status.of(node).icon == "ERROR"
    assert len(looks) == 2

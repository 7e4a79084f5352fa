"""Steps: nodes are copied, files are saved and opened, a node becomes a plain group."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import bpy
import graph
from graph import (
    assert_version_is_whole,
    cache_of,
    count,
    is_running,
    leftovers,
    matted,
    only_node,
    start,
    status,
    tidied,
    versions,
)
from steps_job import COLD_S, matted_comp
from window import NODE, nodes, picture, press, scene, show_editor, tree, until


def duplicate() -> Iterator[float]:
    """A duplicate shows what its original shows, until it is matted; the original stays."""
    yield from matted_comp()
    original = only_node().name
    before = graph.pixels(versions(only_node())[-1] / "matte.1001.exr")
    select(only_node())
    press("D", shift=True)
    yield 0.5
    press("LEFTMOUSE")
    yield from until(lambda: len(nodes()) == 2, 5, "Shift-D makes a second node")
    copy = next(node for node in nodes() if node.name != original)
    assert count(copy.shown_frames) == 4, copy.shown_frames
    link_inputs(copy)
    copy.location.y -= 500
    name = copy.name
    start("matte_frame", copy)
    yield from until(is_running, 10, "the copy's job runs")
    yield from until(lambda: not is_running(), COLD_S, "the copy's job ends")
    copy, kept = tree().nodes[name], tree().nodes[original]
    assert copy.shown_frames == "1001" and count(kept.shown_frames) == 4, (
        copy.shown_frames,
        kept.shown_frames,
    )
    assert copy.node_tree != kept.node_tree
    assert cache_of(copy) != cache_of(kept) or copy.shown != kept.shown
    after = graph.pixels(graph.shown_folder(kept) / "matte.1001.exr")
    assert (before[0] == after[0]).all()


def copy_and_paste() -> Iterator[float]:
    """Ctrl-C and Ctrl-V during a job make a second node, and the job ends well."""
    yield from graph.comp()
    start("matte_range", only_node())
    yield from until(is_running, 10, "the job runs")
    yield 0.5
    name = only_node().name
    select(only_node())
    press("C", ctrl=True)
    yield 0.5
    press("V", ctrl=True)
    yield from until(lambda: len(nodes()) == 2, 5, "Ctrl-V makes a second node")
    yield from until(lambda: not is_running(), COLD_S, "the job ends")
    assert count(tree().nodes[name].shown_frames) == 4, tree().nodes[name].last_run
    select(next(node for node in nodes() if node.name != name))
    press("X")
    yield from until(lambda: len(nodes()) == 1, 5, "X deletes the pasted node")
    assert only_node().name == name and count(only_node().shown_frames) == 4
    assert leftovers() == []


def save_and_open() -> Iterator[float]:
    """A saved comp opens with its matte, and its render is the same to the bit."""
    yield from graph.comp()
    path = bpy.data.filepath
    start("matte_range", only_node())
    yield from until(matted(4), COLD_S, "four frames are matted")
    before = graph.render("before")
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=path)
    yield 1.0
    yield from show_editor()
    assert count(only_node().shown_frames) == 4 and "STALE" not in status(only_node())
    assert (graph.render("after") == before).all()
    picture("opened")


def save_in_mid_job() -> Iterator[float]:
    """Ctrl-S during a job saves nothing of the capture, and the job goes on."""
    yield from graph.comp()
    path = bpy.data.filepath
    start("matte_range", only_node())
    yield from until(is_running, 10, "the job runs")
    yield 0.7
    press("S", ctrl=True)
    yield 0.5
    # 5.2 does not read from the file that is open.
    copy = shutil.copyfile(path, path.replace(".blend", "_copy.blend"))
    with bpy.data.libraries.load(copy) as (held, _):
        names = [*held.scenes, *held.node_groups, *held.images]
    assert not [name for name in names if "capture" in name.lower()], names
    yield from until(matted(4), COLD_S, "the job ends well")


def open_in_mid_job() -> Iterator[float]:
    """Opening another file during a job ends the job and keeps the frames that are finished."""
    yield from graph.comp(last=1012)
    start("matte_range", only_node())
    yield from until(lambda: count(only_node().shown_frames) >= 1, COLD_S, "a first result")
    folder = versions(only_node())[-1]
    bpy.ops.wm.open_mainfile(filepath=bpy.data.filepath)
    yield 1.0
    yield from until(lambda: not is_running(), 15, "the job ends with its file")
    yield from tidied(folder)
    assert_version_is_whole(folder)
    assert leftovers() == [] and len(bpy.data.scenes) == 1
    yield from show_editor()
    assert only_node().shown == 0, "the file as it was saved shows nothing yet"
    only_node().version = 1
    yield 0.5
    assert count(only_node().shown_frames) >= 1, status(only_node())


def convert_to_group() -> Iterator[float]:
    """Convert to Group leaves a stock group node that renders the same to the bit."""
    yield from matted_comp()
    before = graph.render("node")
    select(only_node())
    with graph.in_editor():
        bpy.ops.platematte.convert_to_group("INVOKE_DEFAULT", node=only_node().name)
    yield 1.0
    assert not nodes()
    groups = [node for node in tree().nodes if node.bl_idname == "CompositorNodeGroup"]
    assert len(groups) == 1, [node.bl_idname for node in tree().nodes]
    assert (graph.render("group") == before).all()
    picture("group")
    press("Z", ctrl=True)
    yield from until(lambda: len(nodes()) == 1, 5, "Ctrl-Z brings the node back")
    assert scene().frame_current == 1001


def select(node: Any) -> None:
    """Select this node alone, and make it the active one."""
    for other in tree().nodes:
        other.select = other == node
    tree().nodes.active = node


def link_inputs(node: Any) -> None:
    """Plate and clean plate into this node as well."""
    assert node.bl_idname == NODE
    tree().links.new(tree().nodes["Plate"].outputs[0], node.inputs["Plate"])
    tree().links.new(tree().nodes["Clean plate"].outputs[0], node.inputs["Clean Plate"])


ALL = [
    ("duplicate", duplicate),
    ("copy_and_paste", copy_and_paste),
    ("save_and_open", save_and_open),
    ("save_in_mid_job", save_in_mid_job),
    ("open_in_mid_job", open_in_mid_job),
    ("convert_to_group", convert_to_group),
]

"""The tree inside a PlateMatte node: made, made its own, showing a version, and as a plain group.

Where there is no result the outputs are 0, alpha as well: before the first matte, in holes, beside
the range, and where a layer was not written. A plate in their place would pass for a foreground.
The output Plate alone is never empty.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import bpy

from platematte_client.frames import runs

from . import compat
from .sockets import COLOUR, INPUTS, OUTPUTS, PASS_THROUGH

TREE_NAME = ".PlateMatte"
"""With a dot, so that Add > Group does not list it."""
IMAGE_NAME = ".PlateMatte result"
_GATE = "PlateMatte frames"
"""Name of the value inside that is 1 where a frame is there."""
LONGEST = 1000000
"""Frames. Longer than any shot: behind the last frame Blender would hold it, but where a file is
missing it shows nothing."""


def make_tree() -> Any:
    """Return a new inner tree: our sockets, no result."""
    tree = bpy.data.node_groups.new(TREE_NAME, "CompositorNodeTree")
    for one in INPUTS:
        socket = tree.interface.new_socket(one.name, in_out="INPUT", socket_type=one.kind)
        socket.hide_value = True
    for output in OUTPUTS:
        socket = tree.interface.new_socket(output.name, in_out="OUTPUT", socket_type=output.kind)
        socket.description = output.words
        socket.default_value = (0.0, 0.0, 0.0, 0.0) if output.kind == COLOUR else 0.0
    group_input = tree.nodes.new("NodeGroupInput")
    group_input.location = (-400, -200)
    group_output = tree.nodes.new("NodeGroupOutput")
    group_output.location = (400, 0)
    for socket in group_output.inputs:
        if socket.bl_idname == COLOUR:
            socket.default_value = (0.0, 0.0, 0.0, 0.0)
    _pass_through(tree, group_input, group_output)
    return tree


def _pass_through(tree: Any, group_input: Any, group_output: Any) -> None:
    """Lead the plate to its output, past switches that never take the other inputs.

    From 4.5 on Blender dims the names of inputs that no output depends on, as if they did nothing.
    """
    passed = group_input.outputs[PASS_THROUGH]
    others = [one.name for one in INPUTS if one.name != PASS_THROUGH]
    for index, name in enumerate(others):
        first, second, result = compat.add_switch(tree)
        first.node.location = (200 * index - 200, -200)
        tree.links.new(passed, first)
        tree.links.new(group_input.outputs[name], second)
        passed = result
    tree.links.new(passed, group_output.inputs[PASS_THROUGH])


def all_trees() -> Iterator[Any]:
    """Yield every compositor tree of the file."""
    for tree in bpy.data.node_groups:
        if tree.bl_idname == "CompositorNodeTree":
            yield tree
    yield from compat.embedded_trees()


def own_tree(node: Any) -> Any:
    """Return the node's inner tree after making sure that no other node shares it.

    Copies of a node share it until one of them is to show something else. That is not done when
    they are copied: 4.2 and 4.5 would then lose the original's.
    """
    tree = node.node_tree
    if tree is None:
        node.node_tree = make_tree()
    elif sum(other.node_tree == tree for other in _group_nodes()) > 1:
        node.node_tree = tree.copy()
        compat.own_actions(node.node_tree)
    return node.node_tree


def show_files(node: Any, first_file: Path, frames: Sequence[int]) -> tuple[str, ...]:
    """Show FOLDER/matte.####.exr through the node's outputs; return the outputs that have pixels.

    first_file: that of the first of the frames, which has to be there: it says which layers there
    are. frames: those that are there.
    """
    tree = own_tree(node)
    _remove_images(tree)
    group_output = next(one for one in tree.nodes if one.bl_idname == "NodeGroupOutput")
    image = bpy.data.images.load(str(first_file), check_existing=False)
    image.name = IMAGE_NAME
    # Values as they were written: any other name would convert them in a file that works in ACEScg.
    image.colorspace_settings.name = "Non-Color"
    image.alpha_mode = "PREMUL"
    if is_beside_blend(first_file):
        image.filepath = bpy.path.relpath(str(first_file))
    reader = tree.nodes.new("CompositorNodeImage")
    reader.image = image
    shown = []
    for output in OUTPUTS:
        source = next((name for name in output.passes if name in reader.outputs), None)
        if source is not None:
            pixels = _gated(tree, reader.outputs[source])
            tree.links.new(pixels, group_output.inputs[output.name])
            shown.append(output.name)
    show_frames(node, frames)
    # Only now: as a sequence its layers are those of the scene's frame, which may be missing.
    image.source = "SEQUENCE"
    # Frame N is file N from here to LONGEST; before it Blender asks for the file start - 1, which
    # is not there.
    start = min(frames[0], 1)
    reader.frame_start, reader.frame_offset = start, start - 1
    reader.frame_duration = LONGEST
    reader.use_cyclic, reader.use_auto_refresh = False, True
    return tuple(shown)


def show_frames(node: Any, frames: Sequence[int]) -> bool:
    """Say which frames are there, to a Blender that does not show nothing where a file is missing.

    A value of 1 at these frames and 0 at all others, keyed, is what all pixels are multiplied by.
    Returns whether data-blocks were made or removed for it, so that an undo step is due.
    """
    tree = node.node_tree
    gate = tree.nodes.get(_GATE) if tree is not None else None
    if gate is None:
        return False
    is_new = not _empty_keys(tree)
    value = gate.outputs[0]
    keys = {-LONGEST: 0.0}
    for first, last in runs(frames):
        keys |= {first: 1.0, last + 1: 0.0}
    for frame, there in keys.items():
        value.default_value = there
        value.keyframe_insert("default_value", frame=frame)
    for curve in compat.curves_of(tree):
        for point in curve.keyframe_points:
            point.interpolation = "CONSTANT"
    return is_new


def _empty_keys(tree: Any) -> bool:
    """Take all keys away; return whether their action is still there, to take others.

    It stays where it can: frames come one by one, and each new action would want an undo step.
    """
    action = tree.animation_data.action if tree.animation_data is not None else None
    if action is None or action.users > 1:
        _forget_keys(tree)
        return False
    for curve in compat.curves_of(tree):
        curve.keyframe_points.clear()
    return True


def _forget_keys(tree: Any) -> None:
    action = tree.animation_data.action if tree.animation_data is not None else None
    tree.animation_data_clear()
    # A copy of the node may still be moved by it.
    if action is not None and action.users == 0:
        bpy.data.actions.remove(action)


def _gated(tree: Any, source: Any) -> Any:
    """Return what is shown of a reader's output: itself, or nothing where its file is missing."""
    if not compat.MISSING_IS_MAGENTA:
        return source
    gate = tree.nodes.get(_GATE)
    if gate is None:
        gate = tree.nodes.new("CompositorNodeValue")
        gate.name = _GATE
    return compat.add_product(tree, source, gate.outputs[0])


def show_none(node: Any) -> None:
    """Take away what the node's outputs show."""
    _remove_images(own_tree(node))


def is_beside_blend(path: Path) -> bool:
    """Whether a path lies below the folder of the .blend, so that both can move together."""
    return bool(bpy.data.filepath) and Path(bpy.data.filepath).parent in path.parents


def shown_image(node: Any) -> Any:
    """Return the image that the node shows; None when it shows nothing."""
    tree = node.node_tree
    readers = [one for one in tree.nodes if one.bl_idname == "CompositorNodeImage"] if tree else []
    return readers[0].image if readers else None


def shown_folder(node: Any) -> Path | None:
    """Return the version folder that is shown, wherever it is; None when nothing is."""
    image = shown_image(node)
    if image is None or not image.filepath:
        return None
    # Saving elsewhere writes "//../../" into it.
    return Path(os.path.normpath(bpy.path.abspath(image.filepath, library=image.library))).parent


def reload(node: Any) -> None:
    """Let go of what Blender knows of the files: it does not notice new ones by itself."""
    image = shown_image(node)
    if image is not None:
        image.reload()


def to_plain_group(node: Any) -> Any:
    """Put a stock group node in the node's place and return it: same tree, links and place.

    It renders the same pixels where the add-on is not installed. There our node would be unknown,
    and 4.5 and 5.0 render nothing at all, in silence.
    """
    tree, name = node.id_data, node.name
    inner = own_tree(node)
    group = tree.nodes.new(compat.GROUP_NODE)
    group.node_tree = inner
    for attribute in ("parent", "location", "width", "mute", "hide", "use_custom_color", "color"):
        setattr(group, attribute, getattr(node, attribute))
    group.label = node.label or node.bl_label
    for ours, theirs in zip(node.inputs, group.inputs, strict=True):
        for link in list(ours.links):
            tree.links.new(link.from_socket, theirs)
    for ours, theirs in zip(node.outputs, group.outputs, strict=True):
        for link in list(ours.links):
            tree.links.new(theirs, link.to_socket)
    tree.nodes.remove(node)
    group.name = name
    # Visible from now on: nothing else would tell the artist where the result comes from.
    inner.name = inner.name.lstrip(".")
    return group


def _group_nodes() -> Iterator[Any]:
    for tree in all_trees():
        for node in tree.nodes:
            if getattr(node, "node_tree", None) is not None:
                yield node


def _remove_images(tree: Any) -> None:
    gate = tree.nodes.get(_GATE)
    if gate is not None:
        products = {link.to_node.name: link.to_node for link in gate.outputs[0].links}
        for one in (*products.values(), gate):
            tree.nodes.remove(one)
        _forget_keys(tree)
    for reader in [one for one in tree.nodes if one.bl_idname == "CompositorNodeImage"]:
        image = reader.image
        tree.nodes.remove(reader)
        # A copy of the node may still show it.
        if image is not None and image.users == 0:
            bpy.data.images.remove(image)

"""Renders what arrives at the node's inputs to 32-bit EXR, in a throw-away scene.

The scene, a copy of the user's tree and all else that is made here is gone again when a call
returns, so that an undo between two calls finds nothing of ours. In that copy our node's inner tree
is replaced by a capture tree with the same sockets, Group Input -> Mix onto a canvas -> File
Output: muted links, type conversions, unlinked defaults and groups stay Blender's own affair.

The canvas gives a picture its own size again wherever it was moved to. Without it 4.2 corrupts its
memory when one File Output gets pictures of different places, and single values write no file from
4.5 on. Each input has a canvas of its own size: on another's Blender would interpolate. Where a
picture of another size lies in the plate, in the middle as everywhere in Blender, stands in the
windows of its file.

A Render Layers node above the node renders the user's scene, as it has to; nothing else does.
Copying a scene in 4.2 counts the users of what is in it too often, until the next undo or load.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy

from platematte_client.errors import PlateMatteError

from . import compat
from .exr_file import place_in, read_size
from .find import Place
from .sockets import NAMES, WORDS
from .upstream import check_writable

Size = tuple[int, int]
"""Width and height."""
TEMPORARY = ".platematte capture"
"""Name of all that lives only during a call."""
_NEW = "new-"
"""How a file begins that is being written."""
_WRITERS = frozenset(
    (
        "CompositorNodeComposite",
        "CompositorNodeViewer",
        "CompositorNodeSplitViewer",
        "CompositorNodeOutputFile",
    )
)
_QUIET = ("render_init", "render_write", "render_complete", "render_cancel", "render_stats")
"""Handlers that tell of a render as a whole: none that the user asked for is under way."""


@dataclass
class _Litter:
    """What was made and is to go: who uses something goes before it."""

    scenes: list[Any] = field(default_factory=list)
    trees: list[Any] = field(default_factory=list)
    images: list[Any] = field(default_factory=list)
    actions: list[Any] = field(default_factory=list)


@contextmanager
def _litter() -> Iterator[_Litter]:
    litter = _Litter()
    try:
        yield litter
    finally:
        for scene in litter.scenes:
            bpy.data.scenes.remove(scene)
        for tree in litter.trees:
            bpy.data.node_groups.remove(tree)
        for image in litter.images:
            bpy.data.images.remove(image)
        for action in litter.actions:
            bpy.data.actions.remove(action)


def measure(place: Place, frames: Mapping[str, int], folder: Path) -> dict[str, Size]:
    """Return the size of the picture that arrives at each input; frames: when to look, by role.

    A single value, which has no size, has the plate's, and as a plate that of the scene's render.
    Raises PlateMatteError.
    """
    sizes: dict[str, Size] = {}
    for role, frame in frames.items():
        found = _measure_one(place, role, frame, folder)
        sizes[role] = found or sizes.get("plate") or compat.render_size(place.scene)
    return sizes


def _measure_one(place: Place, role: str, frame: int, folder: Path) -> Size | None:
    _render(place, frame, folder, {role: None})
    found = _files_of(folder, role)
    try:
        size = read_size(found[0]) if found else None
    except (OSError, ValueError) as error:
        raise _unwritten(found[0], role, frame, error) from error
    finally:
        for path in found:
            path.unlink(missing_ok=True)
    # There it may be a value as well as a picture, and either lies exactly on the plate's canvas.
    is_value = compat.VALUES_ARE_PICTURES and size == compat.render_size(place.scene)
    return None if is_value else size


def capture(
    place: Place, roles: Sequence[str], frame: int, folder: Path, sizes: Mapping[str, Size]
) -> dict[str, Path]:
    """Write FOLDER/ROLE.FRAME.exr for each role and return the files.

    sizes: what `measure` returned for these roles and for the plate. 32-bit float RGB, scene-linear
    in the scene's working space, not compressed; the display window is the plate's, the data window
    what the input has. Raises PlateMatteError with role and frame; no half file stays.
    """
    try:
        _render(place, frame, folder, {role: sizes[role] for role in roles})
        return {role: _finish(folder, role, frame, sizes) for role in roles}
    finally:
        for path in folder.glob(_NEW + "*"):
            path.unlink()


def _finish(folder: Path, role: str, frame: int, sizes: Mapping[str, Size]) -> Path:
    """Check a file that was written, put it in its place and give it its name."""
    path = folder / f"{role}.{frame:04d}.exr"
    found = _files_of(folder, role)
    if not found:
        raise _unwritten(path, role, frame, None)
    size, plate = sizes[role], sizes["plate"]
    try:
        there = read_size(found[0])
        if there == size != plate:
            place_in(found[0], plate)
    except (OSError, ValueError) as error:
        raise _unwritten(path, role, frame, error) from error
    if there != size:
        raise PlateMatteError(
            f"the {WORDS[role]} at frame {frame} came out as {there[0]} x {there[1]} instead of "
            f"{size[0]} x {size[1]}.",
            "Please report it, with the .blend.",
        )
    found[0].replace(path)
    return path


def _files_of(folder: Path, role: str) -> list[Path]:
    return sorted(folder.glob(f"{_NEW}{role}.*"))


def _unwritten(path: Path, role: str, frame: int, error: Exception | None) -> PlateMatteError:
    # Blender says nothing of it; a folder that takes no more files says why.
    if path.parent.is_dir():
        check_writable(path.parent)
    why = f": {error}" if error is not None else ""
    return PlateMatteError(
        f"the {WORDS[role]} at frame {frame} was not captured to {path}{why}.",
        "Check permissions and free space of the cache folder.",
    )


def _render(place: Place, frame: int, folder: Path, canvases: Mapping[str, Size | None]) -> None:
    """Render the inputs of these roles, each onto a canvas of a size, or as it is."""
    scene = place.scene
    with _kept_frame(scene), _quiet_handlers(), _litter() as litter:
        temporary, tree = _copy_scene(scene, litter)
        compat.set_up_rendering(temporary, scene)
        node = _prune(tree, place, litter)
        node.node_tree = _make_capture_tree(node.node_tree, folder, canvases, litter)
        temporary.frame_set(frame)
        # Not render(scene=name): that sets the scene to the frame of the scene at hand.
        with bpy.context.temp_override(scene=temporary):
            bpy.ops.render.render()


@contextmanager
def _kept_frame(scene: Any) -> Iterator[None]:
    """Put the user's scene back to its frame: a Render Layers node upstream moves it."""
    frame, subframe = scene.frame_current, scene.frame_subframe
    try:
        yield
    finally:
        if (scene.frame_current, scene.frame_subframe) != (frame, subframe):
            scene.frame_set(frame, subframe=subframe)


@contextmanager
def _quiet_handlers() -> Iterator[None]:
    kept = {name: list(getattr(bpy.app.handlers, name)) for name in _QUIET}
    for name in kept:
        getattr(bpy.app.handlers, name).clear()
    try:
        yield
    finally:
        for name, functions in kept.items():
            getattr(bpy.app.handlers, name)[:] = functions


def _copy_scene(scene: Any, litter: _Litter) -> tuple[Any, Any]:
    """Return a scene to be thrown away, and its copy of the user's tree."""
    if compat.IS_5:
        temporary = bpy.data.scenes.new(TEMPORARY)
        litter.scenes.append(temporary)
        tree = _own_copy(compat.scene_tree(scene), litter)
        temporary.compositing_node_group = tree
        return temporary, tree
    temporary = scene.copy()
    litter.scenes.append(temporary)
    temporary.name = TEMPORARY
    litter.actions += compat.own_actions(temporary.node_tree)
    for node in temporary.node_tree.nodes:
        # The copy made them its own; what they render is the user's scene.
        if getattr(node, "scene", None) == temporary:
            node.scene = scene
    # Nothing to evaluate: a frame of the user's rig may take long.
    for child in list(temporary.collection.children):
        temporary.collection.children.unlink(child)
    for item in list(temporary.collection.objects):
        temporary.collection.objects.unlink(item)
    return temporary, temporary.node_tree


def _prune(tree: Any, place: Place, litter: _Litter) -> Any:
    """Leave in the copy what is above our node, without anything that writes; return our node."""
    for name in place.path:
        holder = tree.nodes[name]
        _remove_others(tree, holder)
        _silence_groups(tree, holder, litter)
        holder.node_tree = tree = _own_copy(holder.node_tree, litter)
    node = tree.nodes[place.node.name]
    _remove_others(tree, node)
    _silence_groups(tree, node, litter)
    return node


def _remove_others(tree: Any, node: Any) -> None:
    kept, waiting = {node.name}, [node]
    while waiting:
        one = waiting.pop()
        above = [link.from_node for socket in one.inputs for link in socket.links]
        for other in (*above, one.parent):
            if other is not None and other.name not in kept:
                kept.add(other.name)
                waiting.append(other)
    for other in [one for one in tree.nodes if one.name not in kept]:
        tree.nodes.remove(other)


def _silence_groups(tree: Any, spared: Any, litter: _Litter) -> None:
    """Replace groups that would write files or show pictures by copies that do not."""
    for node in tree.nodes:
        group = getattr(node, "node_tree", None)
        if group is None or node == spared or not _writes(group):
            continue
        node.node_tree = copy = _own_copy(group, litter)
        for writer in [one for one in copy.nodes if one.bl_idname in _WRITERS]:
            copy.nodes.remove(writer)
        _silence_groups(copy, None, litter)


def _writes(tree: Any) -> bool:
    groups = [getattr(node, "node_tree", None) for node in tree.nodes]
    return any(node.bl_idname in _WRITERS for node in tree.nodes) or any(
        _writes(group) for group in groups if group is not None
    )


def _own_copy(tree: Any, litter: _Litter) -> Any:
    copy = tree.copy()
    litter.trees.append(copy)
    copy.name = TEMPORARY
    litter.actions += compat.own_actions(copy)
    return copy


def _make_capture_tree(
    inner: Any, folder: Path, canvases: Mapping[str, Size | None], litter: _Litter
) -> Any:
    tree = _own_copy(inner, litter)
    tree.nodes.clear()
    group_input = tree.nodes.new("NodeGroupInput")
    for role, size in canvases.items():
        source = group_input.outputs[NAMES[role]]
        target = compat.add_file_output(tree, str(folder) + os.sep, [_NEW + role])[0]
        if size is not None:
            first, second, result = compat.add_mix(tree)
            tree.links.new(_add_canvas(tree, size, litter), first)
            tree.links.new(source, second)
            source = result
        tree.links.new(source, target)
    return tree


def _add_canvas(tree: Any, size: Size, litter: _Litter) -> Any:
    image = bpy.data.images.new(TEMPORARY, *size, alpha=True, float_buffer=True)
    litter.images.append(image)
    canvas = tree.nodes.new("CompositorNodeImage")
    canvas.image = image
    return canvas.outputs[0]

"""The graph above an input as plain data, in which all that decides a pixel is, and nothing else.

Names, places, colours and the selection of nodes are left out, and so is the value that an animated
property has at the current frame: its curve or its driver stands for it. Of files there are name,
size and time. Not seen: what a Render Layers node renders, and what handlers and scripts do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import bpy

from . import compat, files, graph
from .find import Place, is_ours

_LOOKS = frozenset(
    """name label location location_absolute width width_hidden height dimensions select hide parent
    color use_custom_color color_tag show_options show_preview show_texture warning_propagation
    inputs outputs internal_links node_tree is_active_output use_auto_refresh""".split()
)
"""Of a node: how it looks, and what is described apart."""
_NEVER = frozenset(
    """rna_type id_data frame_current active_index active_input active_item users use_fake_user tag
    name_full session_uid library_weak_reference asset_data preview is_library_indirect library
    override_library is_embedded_data is_evaluated is_missing is_runtime_data is_linked_packed
    use_extra_user""".split()
)
"""Of anything: what follows from elsewhere, or is how Blender keeps it."""
_DEEPEST = 7
_NODE_PATH = re.compile(r'nodes\["(?:[^"\\]|\\.)*"\]')
_Moved = dict[str, list[Any]]
"""Curves and drivers of a node, by the path of what they move."""


def describe_above(place: Place, socket: Any, frames: tuple[int, ...]) -> list[Any]:
    """Return the graph above an input; frames: whose files' size and time are looked at."""
    feed, visits = graph.walk_up(place, socket)
    own = _plain(socket.default_value) if feed is None else None
    return [feed, own, _Description(frames).of_all(visits)]


class _Description:
    """One description; groups and animation are looked at once."""

    def __init__(self, frames: tuple[int, ...]) -> None:
        # The files between the two ends are as many as there are frames.
        self._frames = tuple(sorted({frames[0], frames[-1]})) if frames else ()
        self._groups: dict[str, int] = {}
        self._moved: dict[int, dict[str, _Moved]] = {}

    def of_all(self, visits: Iterable[graph.Visit]) -> list[Any]:
        return [self._of_node(visit) for visit in visits]

    def _of_node(self, visit: graph.Visit) -> list[Any]:
        node = visit.node
        moved = self._animation_of(node.id_data).get(node.path_from_id(), {})
        # What our own nodes hold beside sockets and tree is how they came to show what they show.
        properties = {} if is_ours(node) else _properties(node, set(moved), "", 0)
        return [
            visit.number,
            node.bl_idname,
            properties,
            sorted(moved.items()),
            [feed or _own_value(node, socket, moved) for socket, feed in visit.feeds],
            [_own_value(node, socket, moved) for socket in node.outputs],
            _stamps(node, self._frames),
            self._of_group(graph.group_of(node)),
        ]

    def _of_group(self, tree: Any) -> Any:
        if tree is None:
            return None
        if tree.name in self._groups:
            return self._groups[tree.name]
        self._groups[tree.name] = len(self._groups)
        return self.of_all(graph.inside(tree))

    def _animation_of(self, tree: Any) -> dict[str, _Moved]:
        key = tree.as_pointer()
        if key not in self._moved:
            self._moved[key] = _animation(tree)
        return self._moved[key]


def _own_value(node: Any, socket: Any, moved: _Moved) -> Any:
    """Return the value that a socket has by itself; None for one that is animated or has none."""
    if not socket.enabled or not hasattr(socket, "default_value"):
        return None
    path = socket.path_from_id("default_value")[len(node.path_from_id()) :]
    return None if path in moved else _plain(socket.default_value)


def _animation(tree: Any) -> dict[str, _Moved]:
    """Return curves and drivers by the path of their node, then by that of what they move."""
    found: dict[str, _Moved] = {}
    drivers = tree.animation_data.drivers if tree.animation_data is not None else ()
    told = [(curve.data_path, _describe_curve(curve)) for curve in compat.curves_of(tree)]
    for curve in drivers:
        description = [*_describe_curve(curve), _properties(curve.driver, set(), "", 0)]
        told.append((curve.data_path, description))
    for path, description in told:
        match = _NODE_PATH.match(path)
        if match is not None:
            below = found.setdefault(match.group(), {})
            below.setdefault(path[match.end() :], []).append(description)
    return found


def _describe_curve(curve: Any) -> list[Any]:
    points = [
        [*point.co, *point.handle_left, *point.handle_right, point.interpolation]
        for point in curve.keyframe_points
    ]
    modifiers = [_properties(modifier, set(), "", 0) for modifier in curve.modifiers]
    return [curve.array_index, curve.mute, curve.extrapolation, points, modifiers]


def _properties(thing: Any, moved: set[str], path: str, depth: int) -> dict[str, Any]:
    """Return the properties of anything of Blender's; not those that are animated or derived."""
    found = {}
    skipped = _NEVER | _LOOKS if isinstance(thing, bpy.types.Node) else _NEVER
    for entry in thing.bl_rna.properties:
        name = entry.identifier
        here = f"{path}.{name}"
        if name in skipped or name.startswith("bl_") or here in moved:
            continue
        if name in ("layer", "view") and not getattr(thing, f"has_{name}s", True):
            # Of a picture without any: Blender complains when it is asked for the one chosen.
            continue
        if entry.type == "POINTER":
            found[name] = _pointed(getattr(thing, name), moved, here, depth)
        elif entry.type == "COLLECTION":
            if depth < _DEEPEST:
                found[name] = [
                    _properties(one, moved, f"{here}[{index}]", depth + 1)
                    for index, one in enumerate(getattr(thing, name))
                ]
        elif not entry.is_readonly:
            found[name] = _plain(getattr(thing, name))
    return found


def _pointed(value: Any, moved: set[str], path: str, depth: int) -> Any:
    if value is None:
        return None
    if isinstance(value, bpy.types.Image):
        names = ("source", "alpha_mode", "generated_color", "generated_type")
        size = list(value.size) if value.source == "GENERATED" else None
        told = [_plain(getattr(value, name)) for name in names]
        return [_file_name(value), *told, value.colorspace_settings.name, size]
    if isinstance(value, bpy.types.MovieClip):
        kept = ("source", "frame_start", "frame_offset")
        told = [getattr(value, name) for name in kept]
        return [_file_name(value), *told, value.colorspace_settings.name]
    if isinstance(value, bpy.types.ID) and not isinstance(
        value, (bpy.types.Mask, bpy.types.Texture)
    ):
        return [type(value).__name__, value.name]
    return _properties(value, moved, path, depth + 1) if depth < _DEEPEST else None


def _file_name(value: Any) -> str:
    """Return the name alone: the path is another after the .blend was saved or moved elsewhere."""
    return str(value.filepath.replace("\\", "/").rpartition("/")[2])


def _stamps(node: Any, frames: tuple[int, ...]) -> list[Any]:
    """Return size and time of the files that a node reads."""
    found = []
    for source in files.files_of(node, frames):
        try:
            status = source.path.stat()
        except OSError:
            continue
        found.append([source.frame, status.st_size, status.st_mtime_ns])
    return found


def _plain(value: Any) -> Any:
    """Return a property's value as what JSON knows."""
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    try:
        return [_plain(one) for one in value]
    except TypeError:
        return str(value)

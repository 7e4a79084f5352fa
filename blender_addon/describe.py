"""The graph above an input as plain data, in which all that decides a pixel is, and nothing else.

Names, places, colours and the selection of nodes are left out, and so is the value that an animated
property has at the current frame: its curve or its driver stands for it. Of files there are path,
size and time. Not seen: what a Render Layers node renders, and what handlers and scripts do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy

from . import compat, files, graph
from .find import Place, is_ours

_COSMETIC = frozenset(
    """rna_type name label location location_absolute width width_hidden height dimensions select
    hide parent color use_custom_color color_tag show_options show_preview show_texture
    warning_propagation inputs outputs internal_links node_tree id_data bl_idname bl_label
    bl_description bl_icon bl_static_type bl_width_default bl_width_min bl_width_max
    bl_height_default bl_height_min bl_height_max is_active_output frame_current
    active_index active_input active_item users use_fake_user tag name_full session_uid
    library_weak_reference asset_data preview is_library_indirect library override_library
    is_embedded_data is_evaluated is_missing is_runtime_data is_linked_packed
    use_auto_refresh use_extra_user""".split()
)
_DEEPEST = 7


def describe_above(place: Place, socket: Any, frames: tuple[int, ...]) -> list[Any]:
    """Return the graph above an input; frames: whose files' size and time are looked at."""
    feed, visits = graph.walk_up(place, socket)
    own = _plain(socket.default_value) if feed is None else None
    return [feed, own, _describe_all(visits, _ends(frames), {})]


def _ends(frames: tuple[int, ...]) -> tuple[int, ...]:
    """Return first and last: the files in between are as many as there are frames."""
    return tuple(sorted({frames[0], frames[-1]})) if frames else ()


def _describe_all(
    visits: Iterable[graph.Visit], frames: tuple[int, ...], known: dict[str, int]
) -> list[Any]:
    return [_describe_node(visit, frames, known) for visit in visits]


def _describe_node(visit: graph.Visit, frames: tuple[int, ...], known: dict[str, int]) -> list[Any]:
    node = visit.node
    moved = _animation(node.id_data, node.path_from_id())
    # What our own nodes hold beside sockets and tree is how they came to show what they show.
    properties = {} if is_ours(node) else _properties(node, set(moved), "", 0)
    return [
        visit.number,
        node.bl_idname,
        properties,
        sorted(moved.items()),
        [_describe_input(node, socket, feed, moved) for socket, feed in visit.feeds],
        [_own_value(node, socket, moved) for socket in node.outputs],
        _stamps(node, frames),
        _describe_group(node, frames, known),
    ]


def _describe_group(node: Any, frames: tuple[int, ...], known: dict[str, int]) -> Any:
    tree = graph.group_of(node)
    if tree is None:
        return None
    if tree.name in known:
        return known[tree.name]
    known[tree.name] = len(known)
    return _describe_all(graph.inside(tree), frames, known)


def _describe_input(node: Any, socket: Any, feed: Any, moved: dict[str, Any]) -> Any:
    return feed if feed is not None else _own_value(node, socket, moved)


def _own_value(node: Any, socket: Any, moved: dict[str, Any]) -> Any:
    """Return the value that a socket has by itself; None for one that is animated or has none."""
    if not socket.enabled or not hasattr(socket, "default_value"):
        return None
    path = socket.path_from_id("default_value")[len(node.path_from_id()) :]
    return None if path in moved else _plain(socket.default_value)


def _animation(tree: Any, prefix: str) -> dict[str, list[Any]]:
    """Return curves and drivers of a node by the path of what they move, below the node."""
    found: dict[str, list[Any]] = {}
    for curve in compat.curves_of(tree):
        if curve.data_path.startswith(prefix):
            found.setdefault(curve.data_path[len(prefix) :], []).append(_describe_curve(curve))
    drivers = tree.animation_data.drivers if tree.animation_data is not None else ()
    for curve in drivers:
        if curve.data_path.startswith(prefix):
            told = [*_describe_curve(curve), _properties(curve.driver, set(), "", 0)]
            found.setdefault(curve.data_path[len(prefix) :], []).append(told)
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
    for entry in thing.bl_rna.properties:
        name = entry.identifier
        here = f"{path}.{name}"
        if name in _COSMETIC or here in moved:
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
        names = ("filepath", "source", "alpha_mode", "generated_color", "generated_type")
        size = list(value.size) if value.source == "GENERATED" else None
        told = [_plain(getattr(value, name)) for name in names]
        return [*told, value.colorspace_settings.name, size]
    if isinstance(value, bpy.types.MovieClip):
        kept = ("filepath", "source", "frame_start", "frame_offset")
        return [*(getattr(value, name) for name in kept), value.colorspace_settings.name]
    if isinstance(value, bpy.types.ID) and not isinstance(
        value, (bpy.types.Mask, bpy.types.Texture)
    ):
        return [type(value).__name__, value.name]
    return _properties(value, moved, path, depth + 1) if depth < _DEEPEST else None


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

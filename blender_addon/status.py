"""What a node says of itself: under way, what it shows, whether that is stale or gone.

Drawing asks for it at every redraw, and the graph above is walked to find out what is stale, so it
is looked at anew every two seconds at most, and less often where it takes long.
"""

from __future__ import annotations

import json
import textwrap
import time
from typing import Any, NamedTuple

import bpy

from platematte_client.errors import PlateMatteError
from platematte_client.frames import format_frames, parse_frames
from platematte_client.versions import frames_in

from . import inner_tree, running, stale
from .find import place_of
from .paths import UNSAVED, is_cache_temporary, read_cache
from .sockets import LAYER_OF_OUTPUT, OUTPUTS
from .upstream import linked_roles

STALE, GONE = "STALE, changed since: ", "GONE from the disk: "
UP_TO_DATE = "up to date"
_BETWEEN_LOOKS_S = 2.0
_REST = 20
"""After a look that took long, as on a busy file server, it rests this many times as long."""
_BESIDE_TEXT, _LETTER = 50, 6
"""Units of a node's width: for icon and margins, and for a letter. Found in pictures of 4.3 and
5.2, where a longer line ends in dots."""


class Told(NamedTuple):
    """What is drawn of a node's state."""

    text: str
    icon: str
    is_running: bool


_told: dict[tuple[int, str], tuple[float, str]] = {}
"""When to look again, and what was seen, by tree and node."""


def of(node: Any) -> Told:
    """Return a node's state for drawing; cheap to call at every redraw."""
    job = running.job_of(node)
    if job is not None:
        return Told(job.told, "RENDER_ANIMATION", True)
    key, now = _key(node), time.monotonic()
    again, text = _told.get(key, (0.0, ""))
    if now >= again:
        text = describe(node)
        took = time.monotonic() - now
        _told[key] = (now + max(_BETWEEN_LOOKS_S, _REST * took), text)
    return Told(text, _icon(node, text), False)


def forget(node: Any) -> None:
    """Look anew at the next redraw."""
    _told.pop(_key(node), None)


def forget_all(*_: Any) -> None:
    """Look anew at everything at the next redraw."""
    _told.clear()


def describe(node: Any) -> str:
    """Return what a node shows and whether it is stale, in words."""
    job = running.job_of(node)
    if job is not None:
        return job.told
    parts = ["last run: " + node.last_run.rstrip(".")] if node.last_run else []
    if not node.shown:
        return "; ".join([*parts, _advice(node)])
    parts.append(f"v{node.shown:03d}, frames {node.shown_frames}{_of_how_many(node)}")
    parts += _missing_layers(node)
    staleness, troubles = _staleness(node), _troubles_on_disk(node)
    # What is gone is not up to date, whatever it was made with.
    is_gone = any(GONE in trouble for trouble in troubles)
    if not (is_gone and staleness == UP_TO_DATE):
        parts.append(staleness)
    return "; ".join([*parts, *troubles])


def wrap(text: str, width: float) -> list[str]:
    """Return text in lines that fit into a node of a width."""
    letters = max(16, int((width - _BESIDE_TEXT) / _LETTER))
    return textwrap.wrap(text, letters) or [""]


def _key(node: Any) -> tuple[int, str]:
    return node.id_data.as_pointer(), node.name


def _icon(node: Any, text: str) -> str:
    if STALE in text or GONE in text:
        return "ERROR"
    return "INFO" if node.last_run or not node.shown else "CHECKMARK"


def _of_how_many(node: Any) -> str:
    """Return how many frames were asked for, where not all of them are there."""
    made_with = _made_with(node)
    try:
        wanted = parse_frames(made_with["frames"]) if made_with else ()
        there = parse_frames(node.shown_frames) if node.shown_frames else ()
    except (KeyError, PlateMatteError):
        return ""
    return f" ({len(there)} of {len(wanted)})" if len(there) < len(wanted) else ""


def _missing_layers(node: Any) -> list[str]:
    """Return linked outputs that are black because their layer was not written."""
    shown = node.shown_outputs.split(",")
    missing = [
        output.name
        for output in OUTPUTS
        if output.name in LAYER_OF_OUTPUT
        and output.name not in shown
        and node.outputs[output.name].is_linked
    ]
    return [f"this version has no {', '.join(missing)}: tick the layer, matte again"] * bool(
        missing
    )


def _made_with(node: Any) -> dict[str, Any] | None:
    try:
        made_with = json.loads(node.made_with or "null")
    except ValueError:
        return None
    return made_with if isinstance(made_with, dict) else None


def _staleness(node: Any) -> str:
    made_with = _made_with(node)
    if made_with is None:
        return "not known whether it is stale"
    try:
        changed = stale.changes_since(place_of(node), made_with)
    except PlateMatteError as error:
        return f"not known whether it is stale: {error}"
    except (KeyError, TypeError):
        return "not known whether it is stale: its record is of another kind"
    return STALE + ", ".join(changed) if changed else UP_TO_DATE


def _troubles_on_disk(node: Any) -> list[str]:
    """Return what is not as it should be with the files that are shown."""
    folder = inner_tree.shown_folder(node)
    if folder is None:
        return [GONE + "the image inside the node"]
    troubles = []
    frames = parse_frames(node.shown_frames) if node.shown_frames else ()
    gone = sorted({*frames} - {*frames_in(folder)})
    if gone:
        troubles.append(f"{GONE}frames {format_frames(gone)} of {folder}")
    if is_cache_temporary(node):
        troubles.append(f"in temporary files, save the .blend: {folder.parent}")
    elif folder.parent.parent.name.startswith(UNSAVED):
        troubles.append(f"in temporary files, matte again to keep it: {folder.parent}")
    elif folder.parent != read_cache(node):
        troubles.append(f"from the folder {folder.parent}")
    return troubles


def _advice(node: Any) -> str:
    try:
        linked_roles(node)
    except PlateMatteError as error:
        return f"no matte yet: {error}".rstrip(".")
    return "no matte yet: press Matte Frame"


def register() -> None:
    """Look anew after whatever exchanges the file's content."""
    for handlers in _handlers():
        handlers.append(_forget_persistently)


def unregister() -> None:
    """Stop that."""
    for handlers in _handlers():
        if _forget_persistently in handlers:
            handlers.remove(_forget_persistently)
    _told.clear()


def _handlers() -> tuple[Any, ...]:
    handlers = bpy.app.handlers
    return handlers.load_post, handlers.undo_post, handlers.redo_post


_forget_persistently = bpy.app.handlers.persistent(forget_all)

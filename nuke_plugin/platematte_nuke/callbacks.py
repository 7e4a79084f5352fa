"""What the node does by itself: on creation, when a knob changes, when Nuke redraws its panels.

Nuke also calls these while a node is only half there, on paste and load: then nothing is done.
"""

from __future__ import annotations

import time
from typing import Any, Dict

import nuke

from platematte_client.errors import PlateMatteError, one_line

from . import batch, readback, running
from .edits import set_quietly
from .node import INPUTS, is_ours, read_cache, shown_folder

_BETWEEN_LOOKS_S = 2.0
"""The graph above is walked to find out what is stale; playback must not feel it."""
_OURS_TO_SET = frozenset(
    """status shown shown_frames made_with last_run run_id has_foreground has_clean has_residual
    has_confidence xpos ypos selected name label""".split()
)
_SLOW_S, _REST = 0.02, 20
"""After a look that was slow, as on a busy file server, all nodes rest this many times as long."""
_looked: Dict[str, float] = {}
_rest_until = 0.0


def on_create(node: Any) -> None:
    """After creation, paste and load: a copy is not part of its original's run."""
    if not _is_whole(node):
        return
    if node["run_id"].value():
        set_quietly(node, run_id="")
    readback.refresh(node)


def knob_changed(node: Any, knob: Any) -> None:
    """Show another version when the artist names one, and keep the status line true."""
    if not _is_whole(node) or knob is None:
        return
    name = knob.name()
    if name in _OURS_TO_SET:
        return
    if name == "version":
        _show_chosen(node)
    elif name == "inputChange" and not node["shown"].value():
        _suggest_clean_frame(node)
    if not _is_busy(node):
        readback.refresh(node)


def update_ui(node: Any) -> None:
    """Notice that something above the node changed; Nuke tells of that in no other way."""
    if not nuke.GUI or not _is_whole(node) or _is_busy(node):
        return
    global _rest_until
    name, now = node.fullName(), time.monotonic()
    if now < _rest_until or now - _looked.get(name, -_BETWEEN_LOOKS_S) < _BETWEEN_LOOKS_S:
        return
    _looked[name] = now
    readback.refresh(node)
    took = time.monotonic() - now
    if took > _SLOW_S:
        _rest_until = now + _REST * took


def _is_busy(node: Any) -> bool:
    """Whether the status line belongs to a run, or to the queue of the panel."""
    return running.run_of(node) is not None or batch.is_waiting(node)


def _show_chosen(node: Any) -> None:
    chosen, shown = int(node["version"].value()), int(node["shown"].value())
    if chosen == shown:
        return
    folder = shown_folder(node)
    try:
        readback.show_version(node, read_cache(node), chosen)
    except PlateMatteError as error:
        told = str(error)
        if folder is not None:
            told += " What is shown lies in {}.".format(folder.parent.as_posix())
        # What is shown stays, and the knob tells the truth again.
        set_quietly(node, version=shown, last_run=one_line(told))


def _suggest_clean_frame(node: Any) -> None:
    """Hold a frame that the clean plate has; 1 is in hardly any shot."""
    clean = node.input(INPUTS["clean"])
    if clean is None:
        return
    first, last = int(clean.firstFrame()), int(clean.lastFrame())
    if not first <= int(node["clean_frame"].value()) <= last:
        set_quietly(node, clean_frame=first)


def _is_whole(node: Any) -> bool:
    try:
        return is_ours(node)
    except ValueError:
        # "A PythonObject is not attached to a node": the node is on its way in or out.
        return False

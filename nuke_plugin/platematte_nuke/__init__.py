"""PlateMatte in Nuke, for scripts: the same code as the node's buttons, but it raises.

    import platematte_nuke

    node = platematte_nuke.create(plate, clean, clean_frame=1001, output="premultiplied")
    run = platematte_nuke.run(node, "1001-1100")
    print(run.version, run.folder)

Works in `nuke -t`. Call it on Nuke's main thread. What goes wrong is a PlateMatteError, whose text
says what to do; it is a RuntimeError, so that `nuke -t` ends with a status other than 0. Nothing
here opens a dialogue. docs/td.md has more.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, Optional

import nuke

from platematte_client import warm
from platematte_client.errors import Cancelled, PlateMatteError
from platematte_client.frames import Frames, as_frames

from . import readback
from .edits import kept_selection
from .node import INPUTS, check_ours, read_cache
from .run import run_and_wait, run_in_background
from .run import write_job as _write_job
from .running import Run

__all__ = [
    "Cancelled",
    "PlateMatteError",
    "Run",
    "attach",
    "create",
    "run",
    "stop_engine",
    "write_job",
]


stop_engine = warm.stop_engine


def create(
    plate: nuke.Node,
    clean: nuke.Node,
    garbage: Optional[nuke.Node] = None,
    core: Optional[nuke.Node] = None,
    **knobs: Any,
) -> nuke.Node:
    """Make a PlateMatte node in the current group, connect it and set knobs by their names.

    The selection stays as it was. Raises PlateMatteError for a knob or a choice that is not there;
    then no node is made.
    """
    sources = {"plate": plate, "clean": clean, "garbage": garbage, "core": core}
    with kept_selection():
        for selected in nuke.selectedNodes():
            selected.setSelected(False)
        node = nuke.createNode("PlateMatte", inpanel=False)
    try:
        for role, number in INPUTS.items():
            node.setInput(number, sources[role])
        for name, value in knobs.items():
            _set_knob(node, name, value)
    except Exception:
        nuke.delete(node)
        raise
    readback.refresh(node)
    return node


def run(node: nuke.Node, frames: Frames = None, wait: bool = True) -> Run:
    """Matte a node's range, or these frames ("1001-1100x2", 1001, or numbers), and show the result.

    Returns a Run with `version` and `folder`. With wait=False, which needs Nuke's user interface,
    it returns once the inputs are exported: `ended` is a threading.Event, `error` says how it
    ended, `cancel()` stops it. Raises PlateMatteError, and Cancelled when the artist stops it.
    """
    if wait:
        return run_and_wait(node, as_frames(frames))
    return run_in_background(node, as_frames(frames), lambda run: None)


def write_job(node: nuke.Node, frames: Frames = None) -> Path:
    """Export the inputs into a new version folder and return its job.json, for a farm.

    The file's "command" is the command line that mattes there; `attach` shows the result.
    """
    return _write_job(node, as_frames(frames))


def attach(node: nuke.Node, version: int) -> None:
    """Show a version that is there already. Raises PlateMatteError when it has no frames."""
    check_ours(node)
    readback.show_version(node, read_cache(node), version)


def _set_knob(node: nuke.Node, name: str, value: Any) -> None:
    knob = node.knob(name)
    if knob is None:
        near = difflib.get_close_matches(name, list(node.knobs()), 3, 0.5)
        hint = "The nearest: {}.".format(", ".join(near)) if near else ""
        raise PlateMatteError("a PlateMatte node has no knob {!r}.".format(name), hint)
    if knob.Class() == "Enumeration_Knob" and value not in knob.values():
        raise PlateMatteError(
            "the knob {} cannot be {!r}.".format(name, value),
            "It may be: {}.".format(", ".join(choice for choice in knob.values() if choice)),
        )
    knob.setValue(value)

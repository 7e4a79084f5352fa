"""The node's buttons: what scripts call, with errors turned into the status line and a message."""

from __future__ import annotations

import threading
import traceback
from pathlib import Path
from typing import Any, Callable, Dict, List

import nuke

from platematte_client import versions, warm
from platematte_client.errors import Cancelled, PlateMatteError, internal_error

from . import batch, readback, running, troubleshoot
from .node import check_ours, read_cache, read_range
from .run import run_and_wait, run_in_background
from .running import Run


def press(node: Any, button: str) -> None:
    """Do what a button says. With a user interface errors are shown, without one raised."""
    try:
        check_ours(node)
        _ACTIONS[button](node)
    except PlateMatteError as error:
        _tell(node, error)
        if not nuke.GUI:
            raise
    except Exception as error:
        # A fault of ours: for the artist a sentence, for a report to us the rest in the terminal.
        nuke.tprint(traceback.format_exc())
        told = internal_error(error, troubleshoot.REPORT)
        _tell(node, told)
        if not nuke.GUI:
            raise told from error


def _matte_frame(node: Any) -> None:
    _matte(node, (int(nuke.frame()),))


def _matte_range(node: Any) -> None:
    if node.input(0) is None:
        raise PlateMatteError("connect the plate (input 0).")
    _matte(node, read_range(node))


def _matte(node: Any, frames: Any) -> None:
    if nuke.GUI:
        run_in_background(node, frames, _on_end)
    else:
        run_and_wait(node, frames)


def _on_end(run: Run) -> None:
    # The status line has it already; a message is for what the artist did not ask for.
    if run.error is not None and not isinstance(run.error, Cancelled):
        nuke.message("PlateMatte, {}: {}".format(run.name, run.error))


def _cancel(node: Any) -> None:
    if running.run_of(node) is None and not batch.is_waiting(node):
        raise PlateMatteError("there is no matte of this node under way.")
    run = running.run_of(node)
    if run is not None and run.cancelled.is_set():
        # Cancelled before, and still there: the engine does not answer. Ending it takes seconds.
        threading.Thread(target=warm.stop_engine, name="PlateMatte stop", daemon=True).start()
    batch.cancel(node)


def _delete(node: Any) -> None:
    """Delete the versions that nothing in this script uses, after a question that names them."""
    cache = read_cache(node)
    if running.run_of(node) is not None:
        raise PlateMatteError("this node is being matted.", "Wait, or press Cancel.")
    used = _folders_in_use()
    others = [
        folder
        for folder in (versions.version_folder(cache, n) for n in versions.list_versions(cache))
        if folder not in used
    ]
    if not others:
        raise PlateMatteError("{}: there is no version that is not in use.".format(cache))
    if not nuke.GUI:
        raise PlateMatteError("versions are deleted in the user interface only: it asks first.")
    names = ", ".join(folder.name + _maker(node, folder) for folder in others)
    if nuke.ask("Delete {} in {}?\nThis cannot be undone.".format(names, cache)):
        try:
            for folder in others:
                versions.delete_version(folder)
        finally:
            readback.refresh(node)


def _folders_in_use() -> List[Path]:
    """Return the folders that any node of this script reads, and those that are being written.

    Nodes may share a cache folder, after copy and paste for one.
    """
    used = running.folders()
    for other in running.all_nodes(nuke.root()):
        knob = other.knob("file")
        path = (knob.value() or "") if knob is not None else ""
        if path:
            used.append(Path(path).parent)
    return used


def _maker(node: Any, folder: Path) -> str:
    """Return in words who made a version, where that was another node or script."""
    record = versions.read_record(folder) or {}
    name, script = record.get("node"), record.get("script")
    if (name, script) == (node.fullName(), nuke.root()["name"].value()) or not name:
        return ""
    return " (made by {} of {})".format(name, script or "a script without a name")


def _adapt(node: Any) -> None:
    raise PlateMatteError("this engine does not offer to adapt to a shot.")


def _troubleshoot(node: Any) -> None:
    troubleshoot.show_report(node)


def _tell(node: Any, error: PlateMatteError) -> None:
    try:
        readback.note_error(node, error)
    finally:
        if nuke.GUI and not isinstance(error, Cancelled):
            nuke.message("PlateMatte: {}".format(error))


_ACTIONS: Dict[str, Callable[[Any], None]] = {
    "frame": _matte_frame,
    "range": _matte_range,
    "cancel": _cancel,
    "delete": _delete,
    "adapt": _adapt,
    "troubleshoot": _troubleshoot,
}

"""The node's buttons: what scripts call, with errors turned into the status line and a message."""

from __future__ import annotations

from typing import Any, Callable, Dict

import nuke

from . import batch, readback, running, troubleshoot, versions
from .errors import Cancelled, PlateMatteError
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
    batch.cancel(node)


def _delete(node: Any) -> None:
    """Delete the versions that are not shown, after a question that names them."""
    cache, shown = read_cache(node), int(node["shown"].value())
    if running.run_of(node) is not None:
        raise PlateMatteError("this node is being matted.", "Wait, or press Cancel.")
    others = [version for version in versions.list_versions(cache) if version != shown]
    if not others:
        raise PlateMatteError("{}: there are no other versions.".format(cache))
    if not nuke.GUI:
        raise PlateMatteError("versions are deleted in the user interface only: it asks first.")
    names = ", ".join("v{:03d}".format(version) for version in others)
    if nuke.ask("Delete {} in {}?\nThis cannot be undone.".format(names, cache)):
        for version in others:
            versions.delete_version(versions.version_folder(cache, version))
        readback.refresh(node)


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

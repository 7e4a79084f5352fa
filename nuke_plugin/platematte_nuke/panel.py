"""The batch panel over the PlateMatte nodes of the script. Nuke's main thread only.

The panel polls: Nuke tells of no change of a node from outside. What a row says comes from the same
knobs as the node's own status line. Qt is imported when the panel is opened.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, List, Optional, Sequence, Tuple

import nuke

from platematte_client import versions
from platematte_client.errors import PlateMatteError
from platematte_client.frames import format_frames
from platematte_panel.rows import CANCELLED, DONE, FAILED, NEW, RUNNING, STALE, WAITING, Row
from platematte_panel.shots import Shots

from . import batch, readback, running, stale
from .edits import unrecorded
from .node import INPUTS, read_cache, read_range
from .running import Run

_POLL_S = 1.0


def make_panel() -> Any:
    """Return a new panel widget. Nuke calls it whenever the panel is opened, docked or floated."""
    from platematte_panel.widget import BatchPanel

    return BatchPanel(NodeShots())


class NodeShots(Shots):
    """The nodes as rows. It keeps nothing: the queue outlives every panel."""

    noun = "node"
    can_reveal = True
    poll_s = _POLL_S

    def rows(self) -> List[Row]:
        """Return the nodes by their names."""
        found = []
        for node in running.our_nodes():
            try:
                found.append(_describe(node))
            except ValueError:
                # "A PythonObject is not attached to a node": it is on its way in or out.
                continue
        return sorted(found, key=lambda row: row.name)

    def refresh(self) -> None:
        """Walk the graphs above the nodes to find what is stale."""
        for node in running.our_nodes():
            if running.run_of(node) is None and not batch.is_waiting(node):
                readback.refresh(node)

    def start(self, keys: Sequence[str]) -> None:
        """Matte the ranges of these nodes, one after the other, as their buttons do."""
        batch.put([node for node in map(_find, keys) if node is not None])

    def stop(self, keys: Sequence[str]) -> None:
        """Cancel these nodes; for a run it is what its Cancel does."""
        for node in map(_find, keys):
            if node is not None:
                batch.cancel(node)

    def reveal(self, key: str) -> None:
        """Select a node, nothing else, and bring it into view. Raises PlateMatteError."""
        node = _find(key)
        if node is None:
            raise PlateMatteError("the node {} is gone.".format(key))
        inside = node.parent()
        if inside is not None and inside.fullName() != nuke.root().fullName():
            nuke.showDag(inside)
        with unrecorded(), inside or nuke.root():
            for other in nuke.selectedNodes():
                other.setSelected(False)
            node.setSelected(True)
            nuke.zoomToFitSelected()


def _find(key: str) -> Optional[Any]:
    with nuke.root():
        node = nuke.toNode(key)
    return node if node is not None and running.is_ours(node) else None


def _describe(node: Any) -> Row:
    run = running.run_of(node)
    state, reason = _read_state(node, run)
    folder, thumbnail = _read_paths(node, run, state)
    told = run.progress if run is not None else None
    return Row(
        key=node.fullName(),
        name=node.fullName(),
        frames=_read_frames(node, run),
        plate=_describe_input(node, "plate"),
        clean=_describe_input(node, "clean"),
        state=state,
        stage=told.message if told is not None and told.kind == "stage" else "starting the engine",
        done=told.done if told is not None else 0,
        total=told.total if told is not None else 0,
        seconds_left=run.pace.seconds_left() if run is not None else None,
        reason=reason,
        folder=folder,
        thumbnail=thumbnail,
    )


def _read_state(node: Any, run: Optional[Run]) -> Tuple[str, str]:
    """Return a node's state, and what there is to say about it."""
    if run is not None:
        return RUNNING, ""
    if batch.is_waiting(node):
        return WAITING, ""
    last, status = node["last_run"].value(), node["status"].value()
    if last.startswith(running.CANCELLED):
        return CANCELLED, last
    if last and not last.startswith(running.WARNING):
        return FAILED, last
    if not int(node["shown"].value()):
        return NEW, stale.describe_shown(node)
    if stale.STALE in status:
        return STALE, "{} changed since".format(status.partition(stale.STALE)[2].partition(";")[0])
    return DONE, last[len(running.WARNING) :]


def _read_paths(node: Any, run: Optional[Run], state: str) -> Tuple[str, str]:
    """Return the folder to open, and the picture of the newest matte; empty for none."""
    shown = int(node["shown"].value())
    try:
        cache = read_cache(node)
    except PlateMatteError:
        return "", ""
    folder = versions.version_folder(cache, shown) if shown else None
    thumbnail = "" if folder is None else str(folder / versions.THUMBNAIL)
    if run is not None:
        newest = run.folder / versions.THUMBNAIL
        return str(run.folder), str(newest) if newest.is_file() else thumbnail
    if state in (FAILED, CANCELLED) and cache.is_dir():
        # What a bad run has left lies beside the version that is shown.
        folder = cache
    return "" if folder is None else str(folder), thumbnail


def _read_frames(node: Any, run: Optional[Run]) -> str:
    if run is not None:
        return format_frames(run.order.frames)
    if node.input(INPUTS["plate"]) is None:
        return ""
    try:
        return format_frames(read_range(node))
    except PlateMatteError:
        # The run will say what is wrong with it.
        return "not a range"


def _describe_input(node: Any, role: str) -> str:
    """Return the name of what is connected, and its file where it has one."""
    source = node.input(INPUTS[role])
    if source is None:
        return "not connected"
    knob = source.knob("file")
    path = (knob.value() or "") if knob is not None else ""
    return "{} ({})".format(source.name(), Path(path).name) if path else source.name()

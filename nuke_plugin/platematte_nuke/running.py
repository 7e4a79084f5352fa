"""Mattes that wait or are under way, and how the node of one is found again when it ends.

A node may be renamed, copied or deleted meanwhile, so none is held: a run knows its node by the
full name and by a mark of its own in a hidden knob.
"""

from __future__ import annotations

import threading
import uuid
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

import nuke

from platematte_client.messages import Matte, Progress
from platematte_client.pace import Pace

from .node import Order, is_ours

WARNING = "warning: "
CANCELLED = "cancelled"
"""How the knob last_run begins after a good run with a warning, and after a cancelled one; any
other text there is why the last run failed."""
_runs: Dict[str, "Run"] = {}


class Ticket:
    """What a node is found again by: its name, and a mark that it carries meanwhile."""

    def __init__(self, node: nuke.Node) -> None:
        """Take the node; the mark is not set yet."""
        self.id = uuid.uuid4().hex
        self.name = node.fullName()


class Run(Ticket):
    """One matte: what was asked for, where it goes, and how it ended."""

    def __init__(self, node: nuke.Node, order: Order, version: int, folder: Path) -> None:
        """Take what is known before the export."""
        super().__init__(node)
        self.order = order
        self.version = version
        self.folder = folder
        self.jobs: List[Matte] = []
        """One for each view."""
        self.command: List[str] = []
        self.host = "Nuke " + nuke.NUKE_VERSION_STRING
        self.cancelled = threading.Event()
        self.ended = threading.Event()
        self.error: Optional[Exception] = None
        """Why it ended, when not well; to be read once `ended` is set."""
        self.warnings: List[str] = []
        self.told = ""
        """How far it is, in words."""
        self.progress: Optional[Progress] = None
        """The newest that the engine told, as far as the main thread knows it."""
        self.pace = Pace()

    def cancel(self) -> None:
        """Ask it to stop; finished frames are kept."""
        self.cancelled.set()


def begin(run: Run, mark: Any) -> None:
    """Remember a run; mark: the knob of its node that holds the run's id."""
    mark.setValue(run.id)
    _runs[run.id] = run


def end(run: Run) -> None:
    """Forget a run."""
    _runs.pop(run.id, None)
    run.ended.set()


def run_of(node: nuke.Node) -> Optional[Run]:
    """Return the run of a node that is under way."""
    run = _runs.get(node["run_id"].value())
    # A copy of the node carries the mark as well.
    return run if run is not None and find_node(run) is not None and _is(run, node) else None


def our_nodes() -> Iterator[Any]:
    """Return all PlateMatte nodes of the script, also those inside of groups."""
    return (node for node in all_nodes(nuke.root()) if is_ours(node))


def find_node(run: Ticket) -> Optional[nuke.Node]:
    """Return a run's node, wherever and under whatever name it is now; None when it is gone."""
    with nuke.root():
        node = nuke.toNode(run.name)
    if is_ours(node) and node["run_id"].value() == run.id:
        return node
    for node in all_nodes(nuke.root()):
        if is_ours(node) and node["run_id"].value() == run.id:
            run.name = node.fullName()
            return node
    return None


def folders() -> List[Path]:
    """Return the version folders that are being written."""
    return [run.folder for run in _runs.values()]


def _is(run: Ticket, node: nuke.Node) -> bool:
    return bool(run.name == node.fullName())


def all_nodes(inside: Any) -> Iterator[Any]:
    """Yield all nodes in a group, and those of the groups in it."""
    for node in inside.nodes():
        yield node
        if node.Class() == "Group":
            yield from all_nodes(node)

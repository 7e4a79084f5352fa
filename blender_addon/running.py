"""The matte that is under way, and how its node is found again after each step.

A node may be renamed, copied or deleted meanwhile, and an undo frees everything that points into
the file, so none is held: a job knows its node by name and by a mark that the node carries.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any, Protocol

import bpy

from platematte_client import warm

from .find import our_nodes


class Ticket:
    """What a node is found again by."""

    def __init__(self, node: Any) -> None:
        """Take the node; `mark` makes it known."""
        self.id = uuid.uuid4().hex
        self.node_name: str = node.name
        self.tree_name: str = node.id_data.name

    def mark(self, node: Any) -> None:
        """Put the mark on the node."""
        if node.run_id != self.id:
            node.run_id = self.id
        self.node_name, self.tree_name = node.name, node.id_data.name

    def find(self) -> Any:
        """Return the node, wherever and under whatever name it is now; None when it is gone."""
        marked = [node for node in our_nodes() if node.run_id == self.id]
        # A copy carries the mark as well.
        named = [node for node in marked if self._is_named(node)]
        if not marked:
            # An undo may have taken the mark away, or brought back that of an earlier job.
            named = [node for node in our_nodes() if self._is_named(node)]
        found = next(iter(named or marked), None)
        if found is not None:
            self.mark(found)
        return found

    def is_of(self, node: Any) -> bool:
        """Whether a node is this one, and not a copy of it."""
        return bool(node.run_id == self.id) and self._is_named(node)

    def _is_named(self, node: Any) -> bool:
        return (node.name, node.id_data.name) == (self.node_name, self.tree_name)


class Running(Protocol):
    """A job as all but its own module see it."""

    ticket: Ticket
    folder: Path
    told: str

    @property
    def progress(self) -> float:
        """How far it is, 0 to 1."""

    def cancel(self) -> None:
        """End it at once."""


current: Running | None = None
"""The job that is under way: one at a time."""


def begin(job: Running) -> None:
    """Make a job the one that is under way."""
    global current
    current = job


def end(job: Running) -> None:
    """Forget a job, if it is the one under way."""
    global current
    if current is job:
        current = None


def job_of(node: Any) -> Running | None:
    """Return the job of a node that is under way."""
    return current if current is not None and current.ticket.is_of(node) else None


def folders() -> list[Path]:
    """Return the version folders that are being written."""
    return [] if current is None else [current.folder]


@bpy.app.handlers.persistent
def _cancel_on_load(*_: Any) -> None:
    if current is not None:
        current.cancel()


@bpy.app.handlers.persistent
def _unmark_on_load(*_: Any) -> None:
    """Take away the marks of jobs that were under way when the file was saved."""
    for node in our_nodes():
        if node.run_id:
            node.run_id = ""


@bpy.app.handlers.persistent
def _mark_again(*_: Any) -> None:
    """Mark the node that an undo or a redo put in the place of the one that was marked.

    Until the next frame is there the job would not look for it, and the node would ask for a matte.
    """
    if current is not None:
        current.ticket.find()


def register() -> None:
    """Watch for another file being loaded, and for undo."""
    bpy.app.handlers.load_pre.append(_cancel_on_load)
    bpy.app.handlers.load_post.append(_unmark_on_load)
    bpy.app.handlers.undo_post.append(_mark_again)
    bpy.app.handlers.redo_post.append(_mark_again)


def unregister() -> None:
    """End what is under way, and the engine."""
    handlers = bpy.app.handlers
    for calls, one in (
        (handlers.load_pre, _cancel_on_load),
        (handlers.load_post, _unmark_on_load),
        (handlers.undo_post, _mark_again),
        (handlers.redo_post, _mark_again),
    ):
        if one in calls:
            calls.remove(one)
    if current is not None:
        current.cancel()
    warm.stop_engine()
